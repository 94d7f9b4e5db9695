"""A witness that forgot would sign a second history: what it does when its memory is gone, old, doubled or damaged."""

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from services.witness.main import build
from services.witness.store import (
    AlreadyRunning,
    ClockWentBack,
    State,
    StateDamaged,
    StateMissing,
    StateWentBack,
)
from shared.refusal import Refusal
from shared.tlog.note import COSIGNATURE, Signature, Signer, Verifier
from shared.tlog.witness import Offer, OtherSize, examine, parse
from tests.witness.conftest import NAME, Watcher, settle
from tests.witness.foreign import ForeignLog, cosigned_at

DAY_S = 86_400
NOW = 1_800_000_000


@pytest.fixture
def signer() -> Signer:
    return Signer.generate(NAME, COSIGNATURE)


def offer(log: ForeignLog, signer: Signer, old: int, size: int, note: bytes | None = None) -> Offer:
    return examine(parse(log.request(old, size, note=note)), [Verifier.parse(log.vkey)], signer.verifier)


def accept(state: State, log: ForeignLog, signer: Signer, old: int, size: int, now_s: int = NOW) -> str:
    return state.accept(offer(log, signer, old, size), signer, lambda: now_s)


async def test_what_was_cosigned_is_remembered_after_a_restart(
    watcher: Watcher, open_watcher: Any, log: ForeignLog
) -> None:
    answer = await watcher.send(log.request(0, 6))
    await watcher.stop()

    again = await open_watcher(watcher)

    assert (await again.newest(log)).content == log.checkpoint(6) + answer.content
    assert (await again.send(log.forked(2).request(0, 9))).status_code == 409
    assert (await again.send(log.forked(2).request(6, 9))).status_code == 422
    assert (await again.send(log.request(6, 9))).status_code == 200


async def test_a_deleted_database_is_noticed_and_no_new_one_is_made(
    watcher: Watcher, open_watcher: Any, log: ForeignLog
) -> None:
    await watcher.send(log.request(0, 6))
    await watcher.stop()
    (watcher.folder / "cosigned.db").unlink()

    with pytest.raises(StateMissing) as refused:
        await open_watcher(watcher)

    assert not (watcher.folder / "cosigned.db").exists()
    assert "cosigned.db" in refused.value.text("es")
    assert "must not sign" in str(refused.value)


async def test_a_database_from_a_backup_is_noticed(watcher: Watcher, open_watcher: Any, log: ForeignLog) -> None:
    await watcher.send(log.request(0, 6))
    shutil.copy(watcher.folder / "cosigned.db", watcher.folder.parent / "backup.db")
    await watcher.send(log.request(6, 20))
    await watcher.stop()
    shutil.copy(watcher.folder.parent / "backup.db", watcher.folder / "cosigned.db")

    with pytest.raises(StateWentBack) as refused:
        await open_watcher(watcher)

    assert (refused.value.origin, refused.value.marked, refused.value.known) == (log.name, 20, 6)


async def test_a_whole_folder_set_back_is_noticed_when_its_own_signature_comes_back(
    watcher: Watcher, open_watcher: Any, log: ForeignLog
) -> None:
    await watcher.send(log.request(0, 6))
    shutil.copytree(watcher.folder, watcher.folder.parent / "backup")
    line = (await watcher.send(log.request(6, 20))).content
    await watcher.stop()
    shutil.rmtree(watcher.folder)
    shutil.move(watcher.folder.parent / "backup", watcher.folder)
    again = await open_watcher(watcher)

    remembered = await again.send(log.request(20, 20, note=log.checkpoint(20) + line))
    afterwards = await again.send(log.request(6, 20))

    assert [(a.status_code, a.json()["slug"]) for a in (remembered, afterwards)] == [(503, "witness-state-lost")] * 2
    health = await again.http.get("/healthz")
    assert (health.status_code, health.json()["lost"]) == (503, [log.name])
    [evidence] = await again.evidence(log)
    assert (evidence["kind"], evidence["size"]) == ("state-lost", 20)


async def test_its_own_signature_on_what_it_knows_is_nothing_special(watcher: Watcher, log: ForeignLog) -> None:
    line = (await watcher.send(log.request(0, 6))).content

    again = await watcher.send(log.request(6, 6, note=log.checkpoint(6) + line))

    assert again.status_code == 200
    cosigned_at(again.text, log.text(6), watcher.vkey)


async def test_a_forged_signature_of_its_own_is_a_strangers(watcher: Watcher, log: ForeignLog) -> None:
    another = Signer.generate(NAME, COSIGNATURE)
    forged = Signature(NAME, watcher.signer.verifier.key_id, bytes(72)).line

    for size, line in ((6, another.line(log.text(6), 5)), (7, forged)):
        body = log.request(size - 1 if size > 6 else 0, size, note=log.checkpoint(size) + line.encode())
        assert (await watcher.send(body)).status_code == 200


def test_one_folder_serves_one_process(tmp_path: Path, log: ForeignLog, signer: Signer) -> None:
    first = State(tmp_path)

    with pytest.raises(AlreadyRunning):
        State(tmp_path)

    first.close()
    second = State(tmp_path)
    accept(second, log, signer, 0, 3)
    second.close()


@pytest.mark.parametrize("damage", ["not a database", "cut in half"])
def test_a_damaged_database_stops_the_start(tmp_path: Path, log: ForeignLog, signer: Signer, damage: str) -> None:
    state = State(tmp_path)
    for size in range(1, 60):
        accept(state, log, signer, size - 1, size)
    state.close()
    file = tmp_path / "cosigned.db"
    file.write_bytes(b"x" * 8192 if damage == "not a database" else file.read_bytes()[: file.stat().st_size // 2])

    with pytest.raises(StateDamaged):
        State(tmp_path)


def test_a_damaged_mark_stops_the_start(tmp_path: Path) -> None:
    State(tmp_path).close()
    (tmp_path / "high-water").write_text("six foreign.example/log\n")

    with pytest.raises(StateDamaged):
        State(tmp_path)


def test_a_lost_mark_is_written_anew_from_the_database(tmp_path: Path, log: ForeignLog, signer: Signer) -> None:
    state = State(tmp_path)
    accept(state, log, signer, 0, 6)
    state.close()
    (tmp_path / "high-water").unlink()

    State(tmp_path).close()

    assert (tmp_path / "high-water").read_text() == f"6 {log.name}\n"


def test_a_time_before_the_last_signature_is_not_stated(tmp_path: Path, log: ForeignLog, signer: Signer) -> None:
    state = State(tmp_path)
    accept(state, log, signer, 0, 6, NOW)

    with pytest.raises(ClockWentBack) as refused:
        accept(state, log, signer, 6, 7, NOW - 90)

    assert refused.value.seconds == 90
    assert cosigned_at(accept(state, log, signer, 6, 7, NOW), log.text(7), signer.verifier.vkey) == NOW
    state.close()


def test_old_checkpoints_are_thinned_to_the_last_of_each_day(tmp_path: Path, log: ForeignLog, signer: Signer) -> None:
    state = State(tmp_path, kept_newest=5)
    for size in range(1, 31):  # ten a day
        accept(state, log, signer, size - 1, size, NOW // DAY_S * DAY_S + size * DAY_S // 10)
    state.close()

    with sqlite3.connect(tmp_path / "cosigned.db") as db:
        sizes = [row[0] for row in db.execute("SELECT size FROM cosigned ORDER BY size")]
    db.close()

    assert sizes == [9, 19, 26, 27, 28, 29, 30]


def test_every_note_kept_is_whole(tmp_path: Path, log: ForeignLog, signer: Signer) -> None:
    state = State(tmp_path)
    lines = [accept(state, log, signer, size - 1, size, NOW + size) for size in range(1, 6)]
    state.close()

    with sqlite3.connect(tmp_path / "cosigned.db") as db:
        notes = [row[0] for row in db.execute("SELECT note FROM cosigned ORDER BY size")]
    db.close()

    assert notes == [log.checkpoint(size) + line.encode() for size, line in enumerate(lines, 1)]


def test_strangers_cannot_fill_the_disk_with_evidence(tmp_path: Path, log: ForeignLog, signer: Signer) -> None:
    state = State(tmp_path)
    accept(state, log, signer, 0, 6)
    fork = offer(log.forked(2), signer, 6, 6)

    for _ in range(3):
        with pytest.raises(Refusal):
            state.accept(fork, signer, lambda: NOW)

    assert len(state.evidence(log.name)) == 1
    state.close()


def test_what_strangers_sign_beside_the_log_is_not_kept(tmp_path: Path, log: ForeignLog, signer: Signer) -> None:
    state = State(tmp_path)
    accept(state, log, signer, 0, 6)
    junk = ("\u2014 stranger " + "A" * 40_000 + "\n").encode()
    padded = log.request(6, 9, proof=[bytes(32)], note=log.checkpoint(9) + junk)

    with pytest.raises(Refusal):
        state.accept(examine(parse(padded), [Verifier.parse(log.vkey)], signer.verifier), signer, lambda: NOW)

    [evidence] = state.evidence(log.name)
    assert (evidence.kind, evidence.offered) == ("unproven", log.checkpoint(9))
    assert state.evidence_count(log.name) == 1
    state.close()


def test_an_error_while_keeping_leaves_nothing_half_done(tmp_path: Path, log: ForeignLog, signer: Signer) -> None:
    state = State(tmp_path)
    accept(state, log, signer, 0, 6)
    reader = sqlite3.connect(tmp_path / "cosigned.db", isolation_level=None)
    reader.execute("BEGIN EXCLUSIVE")

    with pytest.raises(sqlite3.OperationalError):
        accept(state, log, signer, 6, 9)
    reader.execute("ROLLBACK")
    reader.close()

    with pytest.raises(OtherSize):
        accept(state, log, signer, 9, 10)
    accept(state, log, signer, 6, 9)
    state.close()


def test_the_key_and_the_state_are_for_their_owner_only(tmp_path: Path, log: ForeignLog, signer: Signer) -> None:
    before = os.umask(0o000)
    try:
        state = State(tmp_path / "state")
        accept(state, log, signer, 0, 6)
        state.close()
    finally:
        os.umask(before)

    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    assert (tmp_path / "state" / "cosigned.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("wrong", ["no key", "a log's key", "the key of the log it watches", "no log", "no list"])
def test_without_a_cosigners_key_and_a_log_it_does_not_start(tmp_path: Path, log: ForeignLog, wrong: str) -> None:
    signer = Signer.generate(NAME, COSIGNATURE)
    settings = settle(tmp_path, signer, log.vkey)
    match wrong:
        case "no key":
            (tmp_path / "witness.key").unlink()
        case "a log's key":
            (tmp_path / "witness.key").write_text(Signer.generate(NAME).skey)
        case "the key of the log it watches":
            (tmp_path / "witness.key").write_text(Signer(NAME, log.key, COSIGNATURE).skey)
        case "no log":
            (tmp_path / "logs.txt").write_text("quorum none\n")
        case "no list":
            (tmp_path / "logs.txt").unlink()

    with pytest.raises((OSError, Refusal)):
        build(settings)

    assert not (tmp_path / "state").exists()
