"""A database that was set back is rolled forward from a copy of the log, or it is said exactly what is missing."""

import http.server
import shutil
import threading
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.custody import operate
from services.custody.operate import check
from services.custody.operating.report import Report
from shared.audit.fsck import first_damage
from shared.audit.source import FolderSource
from shared.timber.event import MalformedRecord, parse_entry
from shared.tlog.checkpoint import Checkpoint, parse
from shared.tlog.merkle import EMPTY_ROOT, leaf_hash, root_of
from shared.tlog.note import Signer, open_note, sign
from tests.custody.conftest import ORIGIN, Custody, cut, felling, genesis, permit_acts
from tests.custody.set_back import Backup, rows, tampering, until

TAIL = 300  # more than a bundle


@pytest.fixture
async def backup(shelved: Custody) -> AsyncIterator[Backup]:
    """The log as it was in the evening."""
    made = Backup(shelved.database)
    await made.take()
    yield made
    await made.drop()


@dataclass
class Lost:
    """A log whose database is the one of the evening; stopped. What it held, and had published, the day after."""

    custody: Custody
    entries: list[bytes]
    published: Checkpoint


@pytest.fixture
async def lost(shelved: Custody, backup: Backup, open_custody: Any) -> Lost:
    today = await open_custody(shelved)
    await today.log(*(felling(today, "0002", observations=f"{n}") for n in range(TAIL)))
    await today.log(*(cut(today, f"{code:04}") for code in range(3, 9)))
    await today.send(felling(today, "0009", observations="al final"), wait="inclusion")
    await today.stop()
    before = Lost(today, await entries(today), checkpoint(today, "anchor/checkpoint"))
    await backup.restore()
    return before


def checkpoint(custody: Custody, name: str) -> Checkpoint:
    note = (custody.settings.data_dir / name).read_bytes()
    return parse(open_note(note, [custody.keys.log.verifier]).text)


async def recovered(
    custody: Custody, capsys: pytest.CaptureFixture[str], source: str | Path | None = None
) -> tuple[int, list[Any]]:
    """What the command answers, and its exit code."""
    capsys.readouterr()
    options = Namespace(source=source and str(source), reason="Disco averiado", json=True, lang="es")
    code = await operate.recover(custody.settings, options, Report(options))
    return code, [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]


async def entries(custody: Custody) -> list[bytes]:
    return [body for (body,) in await rows(custody, "SELECT body FROM entry ORDER BY idx")]


async def frozen(custody: Custody) -> Any:
    return (await custody.get("/healthz"))["frozen"]


async def check_recovered(lost: Lost) -> None:
    now, published = await entries(lost.custody), lost.published
    assert now[: len(lost.entries)] == lost.entries
    statement = parse_entry(now[len(lost.entries)])
    assert (statement.type, statement.body["reason"]) == ("log.recovered", "Disco averiado")
    assert (statement.body["to_size"], statement.body["root"]) == (published.size, published.root.hex())
    assert statement.body["from_size"] < published.size


async def test_the_lost_entries_come_back_at_their_indices_with_all_that_follows_from_them(
    lost: Lost, capsys: pytest.CaptureFixture[str]
) -> None:
    [(size,)] = await rows(lost.custody, "SELECT size FROM tlog")

    code, said = await recovered(lost.custody, capsys)

    assert (code, [one["status"] for one in said]) == (0, ["recovered", "said"])
    assert (said[0]["start"], said[0]["end"]) == (size, lost.published.size - 1)
    await check_recovered(lost)
    owner = type(lost.custody.settings)(database_url=lost.custody.database.owner_url).database_url
    await check(lost.custody.settings.model_copy(update={"database_url": owner}), deep=True)


async def test_a_frozen_custody_that_runs_meanwhile_signs_again_by_itself(
    lost: Lost, open_custody: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    processes = [await open_custody(lost.custody), await open_custody(lost.custody)]
    assert [f"{lost.published.size} were published" in await frozen(one) for one in processes] == [True, True]

    await recovered(lost.custody, capsys)

    for one in processes:
        await until(partial(thawed, one))
        [repeated] = await one.send(parse_entry(lost.entries[-1]).entry)
        assert repeated["index"] == len(lost.entries) - 1  # resubmission finds the first index again
        [result] = await one.send(felling(one, "0010", observations=f"{id(one)}"), wait="inclusion")
        assert result["status"] == "logged"
    served = parse(open_note(await processes[0].get("/log/checkpoint"), [lost.custody.keys.log.verifier]).text)
    now = await entries(lost.custody)
    assert root_of(map(leaf_hash, now[: served.size])) == served.root
    assert root_of(map(leaf_hash, now[: lost.published.size])) == lost.published.root
    kept = checkpoint(lost.custody, "archive/checkpoint")
    assert await first_damage(FolderSource(lost.custody.settings.archive), kept) is None
    assert kept.size >= lost.published.size + 2


async def thawed(custody: Custody) -> bool:
    return await frozen(custody) is None


async def test_a_mirror_will_do_when_the_archive_is_lost_too(
    lost: Lost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost.custody.settings.archive.rename(tmp_path / "mirror")

    code, _ = await recovered(lost.custody, capsys, tmp_path / "mirror")

    assert code == 0
    await check_recovered(lost)


@contextmanager
def over_http(folder: Path) -> Iterator[str]:
    """A mirror as somebody serves it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_a_mirror_on_the_web_will_do_too(lost: Lost, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost.custody.settings.archive.rename(tmp_path / "mirror")

    with over_http(tmp_path / "mirror") as url:
        code, said = await recovered(lost.custody, capsys, url)

    assert (code, said[0]["where"]) == (0, url)
    await check_recovered(lost)


async def test_a_mirror_that_saw_more_than_anchor_and_archive_is_believed(
    lost: Lost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole machine was lost: what is left is a backup, and what others kept."""
    lost.custody.settings.archive.rename(tmp_path / "mirror")
    shutil.rmtree(lost.custody.settings.data_dir / "anchor")

    code, _ = await recovered(lost.custody, capsys, tmp_path / "mirror")

    assert code == 0
    await check_recovered(lost)


async def test_what_no_copy_holds_is_named_and_the_log_stays_frozen(
    lost: Lost, shelf: Any, tmp_path: Path, open_custody: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.copy("data/archive", tmp_path / "evening")
    shutil.rmtree(lost.custody.settings.archive)
    before = await rows(lost.custody, "SELECT size, edge FROM tlog")
    [(size, _)] = before

    code, said = await recovered(lost.custody, capsys, tmp_path / "evening")

    assert (code, [one["status"] for one in said]) == (1, ["refused", "frozen"])
    assert (said[0]["first"], said[0]["last"]) == (size, lost.published.size - 1)
    assert f"Faltan las entradas {size} a {lost.published.size - 1}" in said[0]["text_es"]
    assert await rows(lost.custody, "SELECT size, edge FROM tlog") == before
    assert f"{lost.published.size} were published" in await frozen(await open_custody(lost.custody))


async def test_a_copy_of_another_history_is_not_believed(lost: Lost, capsys: pytest.CaptureFixture[str]) -> None:
    """Signed with our own key, and as large: but what was published is another root."""
    note = sign(Checkpoint(ORIGIN, lost.published.size, EMPTY_ROOT).text(), [lost.custody.keys.log])
    (lost.custody.settings.data_dir / "anchor" / "checkpoint").write_bytes(note)
    before = await entries(lost.custody)

    code, said = await recovered(lost.custody, capsys)

    assert (code, said[0]["status"], said[0]["size"]) == (1, "refused", lost.published.size)
    assert await entries(lost.custody) == before


async def test_a_copy_of_another_log_is_named_in_one_sentence(
    lost: Lost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, copy = await entries(lost.custody), tmp_path / "copy"
    copy.mkdir()
    for note in (sign(Checkpoint(ORIGIN, 5, EMPTY_ROOT).text(), [Signer.generate(ORIGIN)]), b"# no checkpoint\n"):
        (copy / "checkpoint").write_bytes(note)

        code, said = await recovered(lost.custody, capsys, copy)

        assert (code, [one["status"] for one in said]) == (1, ["refused", "frozen"])
        assert said[0]["text_es"].startswith(f"{copy} no es una copia de esta bitácora: ")
        assert (
            said[0]["text_en"]
            == f"{copy} is no copy of this log: none of its keys signed the checkpoint that is there."
        )
    assert await entries(lost.custody) == before


@pytest.mark.parametrize("bundle", ["002", "003"])
async def test_a_damaged_copy_brings_nothing_back(lost: Lost, bundle: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even the entries before the damage: all or nothing."""
    [file] = [path for path in lost.custody.settings.archive.glob(f"tile/entries/{bundle}*") if path.is_file()] or [
        max(
            (lost.custody.settings.archive / "tile" / "entries" / f"{bundle}.p").iterdir(),
            key=lambda path: int(path.name),
        )
    ]
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    before = await entries(lost.custody)

    code, said = await recovered(lost.custody, capsys)

    assert (code, said[0]["status"]) == (1, "refused")
    assert f"tile/entries/{bundle}" in said[0]["text_en"]
    assert await entries(lost.custody) == before


async def test_a_damaged_backup_is_not_built_upon(lost: Lost, capsys: pytest.CaptureFixture[str]) -> None:
    async with tampering(lost.custody.database) as connection:
        await connection.execute("UPDATE entry SET sid = set_byte(sid, 0, get_byte(sid, 0) # 1) WHERE idx = 300")

    code, said = await recovered(lost.custody, capsys)

    assert (code, said[0]["place"]) == (1, "entry 300")


async def test_a_log_that_lacks_nothing_is_left_alone(shelved: Custody, capsys: pytest.CaptureFixture[str]) -> None:
    before = await entries(shelved)

    code, said = await recovered(shelved, capsys)

    assert (code, [one["status"] for one in said]) == (0, ["nothing_lost"])
    assert await entries(shelved) == before


async def test_without_any_copy_it_says_that_it_cannot_read(lost: Lost, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(lost.custody.settings.archive)

    code, said = await recovered(lost.custody, capsys)

    assert (code, [one["status"] for one in said]) == (2, ["unreadable", "frozen"])


async def test_the_entries_come_back_even_where_the_log_does_not_know_the_host_key(
    lost: Lost, capsys: pytest.CaptureFixture[str]
) -> None:
    lost.custody.keys.host = Ed25519PrivateKey.generate()
    lost.custody.keys.write(lost.custody.settings.keys_dir)

    code, said = await recovered(lost.custody, capsys)

    assert (code, [one["status"] for one in said]) == (0, ["recovered", "unsaid"])
    assert await entries(lost.custody) == lost.entries


async def test_a_record_of_a_recovery_changes_no_verdict_and_only_the_host_writes_it(custody: Custody) -> None:
    await custody.log(*genesis(custody), *permit_acts(custody, ["501"]))
    body = {"from_size": 3, "to_size": 9, "root": "0" * 64, "reason": "Prueba"}

    [by_a_phone] = await custody.send(custody.entry("log.recovered", body))
    [by_the_host] = await custody.send(custody.entry("log.recovered", body, custody.keys.host, "trozalog"))

    assert by_a_phone["problem"]["slug"] == "key-role"
    assert (by_the_host["status"], by_the_host["findings"]) == ("logged", [])
    with pytest.raises(MalformedRecord, match="greater than from_size"):
        custody.entry("log.recovered", body | {"from_size": 9})
