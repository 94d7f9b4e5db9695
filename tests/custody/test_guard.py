"""Nothing is signed behind, or beside, what was once published, and nothing is recorded meanwhile."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.custody.outside.guard import Guard
from shared.tlog.checkpoint import Checkpoint, parse
from shared.tlog.merkle import EMPTY_ROOT
from shared.tlog.note import MLDSA44, Signer, open_note, sign, split_note
from tests.custody.conftest import NDJSON, ORIGIN, Custody, felling, genesis, permit_acts
from tests.custody.set_back import Backup, rows, tampering, until

OLD_DUMPS = 2


@pytest.fixture
async def backup(custody: Custody) -> AsyncIterator[Backup]:
    made = Backup(custody.database)
    yield made
    await made.drop()


async def grow(custody: Custody, codes: range) -> None:
    """More fellings, under a signed checkpoint."""
    await custody.log(*(felling(custody, f"{code:04}") for code in codes))
    await custody.send(felling(custody, f"{codes[-1]:04}"), wait="inclusion")


async def prepared(custody: Custody, trees: int = 40) -> Custody:
    await custody.log(*genesis(custody), *permit_acts(custody, [f"{code:04}" for code in range(trees)]))
    return custody


async def backed_up(custody: Custody, backup: Backup, open_custody: Any) -> tuple[Custody, int]:
    """A log whose backup is ten records old; stopped. And the size that was published."""
    await prepared(custody)
    await grow(custody, range(10))
    await custody.stop()
    await backup.take()
    again = await open_custody(custody)
    await grow(again, range(10, 20))
    await again.stop()
    return again, anchored(again)


def anchored(custody: Custody) -> int:
    return int(anchor_of(custody).read_text().splitlines()[1])


def anchor_of(custody: Custody) -> Path:
    return Path(custody.settings.data_dir) / "anchor" / "checkpoint"


async def refused(custody: Custody, code: str) -> dict[str, Any]:
    headers = NDJSON | custody.issuer.headers("manager")
    answer = await custody.http.post("/v1/records", content=felling(custody, code), headers=headers)
    assert answer.status_code == 503
    problem: dict[str, Any] = answer.json()
    return problem


async def frozen(custody: Custody) -> str:
    """Why it is frozen, in all the places that say so."""
    reason = (await custody.get("/healthz"))["frozen"]
    [log] = (await custody.get("/v1/logs"))["logs"]
    assert log["frozen"] == reason
    assert isinstance(reason, str)
    metrics = (await custody.http.get("/metrics")).text
    assert "trozalog_log_frozen 1.0" in metrics
    return reason


async def signing_goes_on(custody: Custody, code: str) -> None:
    [result] = await custody.send(felling(custody, code), wait="inclusion")
    assert result["status"] == "logged"
    health = await custody.get("/healthz")
    assert (health["frozen"], health["signed_size"]) == (None, health["size"])


async def check_frozen(custody: Custody, published: int) -> None:
    before = await rows(custody, "SELECT size, note FROM checkpoint ORDER BY size")
    assert before[-1][0] < published
    assert f"{published} were published" in await frozen(custody)
    problem = await refused(custody, "0030")
    assert (problem["slug"], str(published) in problem["detail_en"]) == ("log-frozen", True)
    assert (await custody.get(f"/v1/records/{await first_sid(custody)}"))["index"] == 0
    await custody.app.state.custody.signer.look()
    assert await rows(custody, "SELECT size, note FROM checkpoint ORDER BY size") == before
    assert anchored(custody) == published


async def first_sid(custody: Custody) -> str:
    [(sid,)] = await rows(custody, "SELECT sid FROM entry WHERE idx = 0")
    return str(sid.hex())


async def test_a_restored_backup_is_frozen_before_the_first_signature_whoever_starts(
    custody: Custody, backup: Backup, open_custody: Any, request: pytest.FixtureRequest
) -> None:
    last, published = await backed_up(custody, backup, open_custody)

    for _ in range(20 if request.config.getoption("--full") else OLD_DUMPS):
        await backup.restore()
        rivals = [await open_custody(last), await open_custody(last)]
        for rival in rivals:
            await check_frozen(rival, published)
            await rival.stop()


async def test_a_database_that_was_not_set_back_signs_on(custody: Custody, backup: Backup, open_custody: Any) -> None:
    last, _ = await backed_up(custody, backup, open_custody)

    await signing_goes_on(await open_custody(last), "0030")


async def test_a_database_set_back_under_a_running_custody_takes_nothing_from_that_moment_on(
    custody: Custody, backup: Backup, open_custody: Any
) -> None:
    last, published = await backed_up(custody, backup, open_custody)
    running = await open_custody(last)

    await backup.restore()

    problem = await refused_when_connected_again(running)
    assert problem["slug"] == "log-frozen"
    assert str(published) in problem["detail_en"]
    tile = f"/log/tile/entries/000.p/{published}"
    assert (await running.http.get(tile)).status_code == 404  # rows of it are gone: half a bundle is served to nobody
    [(held,)] = await rows(running, "SELECT size FROM tlog")
    for unproven in ("/v1/records?since=0", f"/v1/records?since={held}", f"/v1/records/{await first_sid(running)}"):
        answer = await running.http.get(unproven, headers=running.issuer.headers("auditor"))
        assert (answer.status_code, answer.json()["slug"]) == (503, "log-incomplete"), answer.text


async def refused_when_connected_again(custody: Custody) -> dict[str, Any]:
    """The pool finds out about its dead connections one by one."""

    async def answered() -> dict[str, Any] | None:
        problem = await refused(custody, "0030")
        return problem if problem["slug"] == "log-frozen" else None

    problem: dict[str, Any] = await until(answered)
    return problem


async def test_the_archive_freezes_a_restored_backup_when_the_anchor_is_lost(
    custody: Custody, backup: Backup, open_custody: Any
) -> None:
    last, published = await backed_up(custody, backup, open_custody)
    await backup.restore()
    anchor_of(last).unlink()

    again = await open_custody(last)

    assert f"{published} were published (the archive)" in await frozen(again)


async def test_the_anchor_freezes_a_restored_backup_when_the_archive_is_lost(
    custody: Custody, backup: Backup, open_custody: Any
) -> None:
    last, published = await backed_up(custody, backup, open_custody)
    await backup.restore()
    shutil.rmtree(last.settings.archive)

    again = await open_custody(last)

    assert f"{published} were published (the anchor)" in await frozen(again)


async def test_a_lost_archive_is_made_again_and_a_lost_anchor_too(ready: Custody, open_custody: Any) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    size = anchored(ready)
    await ready.stop()
    shutil.rmtree(ready.settings.archive)
    anchor_of(ready).unlink()

    again = await open_custody(ready)
    await signing_goes_on(again, "502")

    assert anchored(again) == size + 1
    assert (again.settings.archive / "checkpoint").read_text().splitlines()[1] == str(size + 1)


def other_root(custody: Custody, size: int) -> bytes:
    """A checkpoint of ours over a tree that was never appended."""
    return sign(Checkpoint(ORIGIN, size, EMPTY_ROOT).text(), [custody.keys.log])


@pytest.mark.parametrize("smaller", [0, 3])
async def test_an_anchor_of_the_same_or_a_smaller_size_with_another_root_freezes(
    ready: Custody, open_custody: Any, smaller: int
) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    size = anchored(ready) - smaller
    await ready.stop()
    anchor_of(ready).write_bytes(other_root(ready, size))

    again = await open_custody(ready)

    assert f"the first {size} entries are not those that were published" in await frozen(again)


async def test_an_anchor_that_cannot_be_read_freezes(ready: Custody, open_custody: Any) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    await ready.stop()
    text = anchor_of(ready).read_bytes()
    anchor_of(ready).write_bytes(text.replace(b"\n", b"\n\n", 1))

    again = await open_custody(ready)
    assert "is not a checkpoint of this log" in await frozen(again)

    anchor_of(ready).write_bytes(text)
    await until(lambda: thawed(again))
    await signing_goes_on(again, "502")


async def thawed(custody: Custody) -> bool:
    return (await custody.get("/healthz"))["frozen"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE tlog SET edge = set_byte(edge, 3, get_byte(edge, 3) # 1)", "not the one that was signed"),
        ("UPDATE tlog SET size = size - 1, edge = substr(edge, 1, 32)", "were published"),
        (
            "UPDATE checkpoint SET note = overlay(note placing '9'::bytea from 40) WHERE size > 10",
            "is not what was signed",
        ),
        (
            "UPDATE checkpoint SET edge = set_byte(edge, 3, get_byte(edge, 3) # 1) WHERE size > 10",
            "is not what was signed",
        ),
    ],
)
async def test_a_changed_head_or_checkpoint_row_freezes_and_is_not_served(
    ready: Custody, open_custody: Any, change: str, reason: str
) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    await ready.stop()
    async with tampering(ready.database) as connection:
        await connection.execute(change)

    again = await open_custody(ready)

    assert reason in await frozen(again)
    served = await again.http.get("/log/checkpoint")
    assert open_note(served.content, [again.keys.log.verifier])  # an older one, where the newest is not right


async def two_lined(custody: Custody, open_custody: Any) -> tuple[Custody, Signer]:
    """A log under whose checkpoints stands an ML-DSA-44 line too; stopped."""
    lattice = Signer.generate(ORIGIN, MLDSA44)
    custody.keys.log_file = f"{custody.keys.log.skey}\n{lattice.skey}\n"
    await custody.stop()
    again = await open_custody(custody)
    await again.send(felling(again, "501"), wait="inclusion")
    await again.stop()
    return again, lattice


def spoilt(note: bytes, where: str) -> bytes:
    """One letter of the second line is another: of its name, of its key ID or of its signature."""
    line = split_note(note)[1][1]
    start = note.index(line.line.encode()) + len("\u2014 ".encode())
    at = start + {"name": 3, "key": len(line.name) + 2, "signature": 2000}[where]
    return note[:at] + (b"B" if note[at : at + 1] == b"A" else b"A") + note[at + 1 :]


@pytest.mark.parametrize("where", ["name", "key", "signature"])
async def test_a_spoilt_line_of_the_second_key_freezes_and_is_not_served(
    ready: Custody, open_custody: Any, where: str
) -> None:
    last, lattice = await two_lined(ready, open_custody)
    [(size, right)] = await rows(last, "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
    async with tampering(last.database) as connection:
        change = "UPDATE checkpoint SET note = $1 WHERE size = $2"
        await connection.execute(change, spoilt(right, where), size)

        again = await open_custody(last)
        assert "is not what was signed" in await frozen(again)
        served = (await again.http.get("/log/checkpoint")).content
        assert parse(open_note(served, [again.keys.log.verifier, lattice.verifier]).text).size < size

        await connection.execute(change, right, size)
    await until(lambda: thawed(again))
    await signing_goes_on(again, "502")


@pytest.mark.parametrize("place", ["anchor", "archive"])
async def test_a_spoilt_line_of_the_second_key_in_anchor_or_archive_freezes(
    ready: Custody, open_custody: Any, place: str
) -> None:
    last, _ = await two_lined(ready, open_custody)
    file = Path(last.settings.data_dir) / place / "checkpoint"
    right = file.read_bytes()
    file.write_bytes(spoilt(right, "signature"))

    again = await open_custody(last)
    assert f"the {place}" in await frozen(again)

    file.write_bytes(right)
    await again.stop()
    await signing_goes_on(await open_custody(again), "502")


async def test_an_older_checkpoint_with_a_spoilt_line_is_shown_to_nobody(ready: Custody, open_custody: Any) -> None:
    last, _ = await two_lined(ready, open_custody)
    again = await open_custody(last)
    [(size, right)] = await rows(again, "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
    await signing_goes_on(again, "502")
    asked = [f"/v1/logs/{ORIGIN}/consistency?from=1&to={size}", f"/v1/logs/{ORIGIN}/first-checkpoint?after={size - 1}"]

    async def answers() -> list[int]:
        return [(await again.http.get(path)).status_code for path in asked]

    before = await answers()
    async with tampering(again.database) as connection:
        await connection.execute("UPDATE checkpoint SET note = $1 WHERE size = $2", spoilt(right, "signature"), size)
    after = await answers()

    assert (before, after) == ([200, 200], [503, 503])
    assert (await again.http.get(asked[0])).json()["slug"] == "log-incomplete"


async def test_the_freeze_ends_when_the_newest_backup_is_put_back(
    custody: Custody, backup: Backup, open_custody: Any
) -> None:
    await prepared(custody)
    await grow(custody, range(10))
    await custody.stop()
    await backup.take()
    async with tampering(custody.database) as connection:
        await connection.execute(
            "DELETE FROM entry WHERE idx > 5; DELETE FROM checkpoint; UPDATE tlog SET size = 0, edge = ''"
        )
    again = await open_custody(custody)
    assert "were published" in await frozen(again)

    await backup.restore()
    await again.stop()

    await signing_goes_on(await open_custody(again), "0030")


async def test_a_log_without_room_for_its_second_copy_records_but_publishes_nothing_and_says_so(
    ready: Custody, open_custody: Any
) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    size = anchored(ready)
    await ready.stop()
    entries = ready.settings.archive / "tile" / "entries"
    shutil.rmtree(entries)
    entries.write_text("in the way")

    again = await open_custody(ready)
    [result] = await again.send(felling(again, "502"))
    assert result["status"] == "logged"
    why = await until(lambda: held_up(again))
    assert str(ready.settings.archive) in why
    assert (await thawed(again), anchored(again)) == (True, size)

    entries.unlink()
    await signing_goes_on(again, "503")


async def held_up(custody: Custody) -> Any:
    return (await custody.get("/healthz"))["held_up"]


async def test_what_the_archive_shows_is_asked_again_later(ready: Custody) -> None:
    """A copy that somebody carried on elsewhere and brought back tells that this database is behind."""
    await ready.send(felling(ready, "501"), wait="inclusion")
    guard = guard_of(ready)
    note = ready.settings.archive / "checkpoint"
    note.write_bytes(other_root(ready, 10_000))

    await guard.look_back()
    await ready.app.state.custody.signer.look()

    assert "10000 were published (the archive)" in await frozen(ready)


async def test_what_the_archive_shows_while_the_database_is_held_against_less_is_not_forgotten(ready: Custody) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    guard, store = guard_of(ready), ready.app.state.custody.store
    marks = await guard.marks()

    (ready.settings.archive / "checkpoint").write_bytes(other_root(ready, 10_000))
    await guard.look_back()
    async with store.snapshot() as tx:
        await guard.hold(tx, await tx.head(), await tx.last_checkpoint(), marks)
    await ready.app.state.custody.signer.look()

    assert "10000 were published (the archive)" in await frozen(ready)


def guard_of(custody: Custody) -> Guard:
    guard: Guard = custody.app.state.custody.signer._guard
    return guard


async def test_no_record_is_half_recorded_by_the_freeze(custody: Custody, backup: Backup, open_custody: Any) -> None:
    last, _ = await backed_up(custody, backup, open_custody)
    await backup.restore()
    again = await open_custody(last)

    await refused(again, "0030")

    connection = await asyncpg.connect(again.database.admin_dsn)
    try:
        assert await connection.fetchval("SELECT count(*) = max(idx) + 1 FROM entry")
        size = await connection.fetchval("SELECT size FROM tlog")
        found = "SELECT idx FROM mention UNION ALL SELECT unnest(entries) FROM fact"
        assert await connection.fetchval(f"SELECT max(idx) FROM ({found}) AS found") < size
    finally:
        await connection.close()
