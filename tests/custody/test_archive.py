"""The second copy: whole, right, and there before anybody is shown the checkpoint."""

import asyncio
from pathlib import Path
from typing import Any

from services.custody.outside.archive import Archive
from shared.audit.fsck import first_damage
from shared.audit.source import FolderSource
from shared.tlog.checkpoint import Checkpoint, parse
from shared.tlog.note import open_note
from shared.tlog.tile import entries_path, tile_path, width_at
from tests.custody.conftest import Custody, felling, genesis, permit_acts
from tests.custody.set_back import until

CODES = [f"{code:04}" for code in range(300)]


def archived(custody: Custody) -> Checkpoint:
    note = (custody.settings.archive / "checkpoint").read_bytes()
    return parse(open_note(note, [custody.keys.log.verifier]).text)


async def served(custody: Custody) -> Checkpoint:
    return parse(open_note(await custody.get("/log/checkpoint"), [custody.keys.log.verifier]).text)


async def test_the_archive_is_the_log_as_it_is_served_byte_for_byte(custody: Custody) -> None:
    await custody.log(*genesis(custody), *permit_acts(custody, CODES))
    await custody.send(*(felling(custody, code) for code in CODES), wait="inclusion")

    size = archived(custody).size

    assert archived(custody) == await served(custody)
    assert size > 300
    for n in range(2):
        width = width_at(0, n, size)
        for path in (entries_path(n, width), tile_path(0, n, width)):
            assert (custody.settings.archive / path).read_bytes() == await custody.get(f"/log/{path}")
    assert await first_damage(FolderSource(custody.settings.archive), archived(custody)) is None


async def test_whatever_is_shown_is_in_the_archive_already(custody: Custody) -> None:
    await custody.log(*genesis(custody), *permit_acts(custody, CODES))
    over, looks = asyncio.Event(), 0

    async def watch() -> None:
        nonlocal looks
        while not over.is_set():
            shown = await served(custody)
            assert archived(custody).size >= shown.size
            looks += 1

    async def watched_thrice() -> bool:
        return watching.done() or looks >= enough

    watching = asyncio.create_task(watch())
    for n in range(0, 300, 30):
        await custody.log(*(felling(custody, code) for code in CODES[n : n + 30]))
        enough = looks + 3
        await until(watched_thrice)
    over.set()

    await watching


async def test_two_processes_keep_one_archive_in_turns(custody: Custody, open_custody: Any) -> None:
    other = await open_custody(custody)
    await custody.log(*genesis(custody), *permit_acts(custody, CODES))

    async def carry(door: Custody, codes: list[str]) -> None:
        for n in range(0, len(codes), 10):
            await door.send(*(felling(door, code) for code in codes[n : n + 10]), wait="inclusion")

    await asyncio.gather(carry(custody, CODES[:150]), carry(other, CODES[150:]))

    now = archived(custody)
    assert now.size == (await custody.get("/healthz"))["size"]
    assert await first_damage(FolderSource(custody.settings.archive), now) is None


async def test_partial_tiles_of_earlier_days_do_not_pile_up(ready: Custody) -> None:
    for code in range(501, 509):
        await ready.send(felling(ready, str(code)), wait="inclusion")

    for folder in ("tile/entries/000.p", "tile/0/000.p"):

        async def swept(folder: str = folder) -> bool:
            return (
                len(widths(ready, folder)) == 2
            )  # this checkpoint's, and that of a reader who is still at the one before

        await until(swept)
        assert widths(ready, folder)[-1] == archived(ready).size


def widths(custody: Custody, folder: str) -> list[int]:
    return sorted(int(path.name) for path in (custody.settings.archive / folder).iterdir())


async def test_the_archive_may_lie_on_another_disk(custody: Custody, open_custody: Any, tmp_path: Path) -> None:
    await custody.stop()

    again = await open_custody(custody, archive_dir=tmp_path / "disk")
    await again.log(*genesis(again))
    await again.send(*genesis(again), wait="inclusion")

    kept = Archive(tmp_path / "disk", [custody.keys.log.verifier]).newest()
    assert kept is not None
    assert kept.size == (await again.get("/healthz"))["size"]
