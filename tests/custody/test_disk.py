"""A disk that is full, or that does not keep what it was given: nothing is shown before it is safe, nothing is lost."""

import asyncio
import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shared.timber.event import parse_entry
from shared.tlog.checkpoint import parse
from shared.tlog.note import split_note
from tests.custody.conftest import Custody, cut, felling, genesis, log_id, permit_acts
from tests.custody.set_back import until

TREES = [str(code) for code in range(501, 511)]


class Disk:
    """Stands between custody and fsync: below the folders in `broken` it fails, as a dying disk does."""

    def __init__(self) -> None:
        self.broken: tuple[Path, ...] = ()
        self.asked: list[Path] = []
        self._real = os.fsync

    def fsync(self, file: int) -> None:
        where = Path(f"/proc/self/fd/{file}").readlink()
        self.asked.append(where)
        if any(where == folder or where.is_relative_to(folder) for folder in self.broken):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._real(file)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk()
    monkeypatch.setattr(os, "fsync", found.fsync)
    return found


async def held_up(custody: Custody) -> Any:
    return (await custody.get("/healthz"))["held_up"]


async def shown(custody: Custody) -> int:
    return parse(split_note(await custody.get("/log/checkpoint"))[0]).size


async def check_waits_and_goes_on(custody: Custody, code: str, heal: Any) -> None:
    """A record is taken, no new checkpoint is shown; after the healing it is."""
    before = await shown(custody)
    await custody.log(felling(custody, code))
    why = await until(lambda: held_up(custody))
    assert await shown(custody) == before
    assert (await custody.get("/healthz"))["frozen"] is None

    heal()

    [result] = await custody.send(felling(custody, code, observations="otra vez"), wait="inclusion")
    assert result["status"] == "logged"
    assert await shown(custody) == before + 2
    await until(lambda: goes_on(custody))  # whoever waited may have been told before the signer is through
    assert why


async def goes_on(custody: Custody) -> bool:
    return await held_up(custody) is None


async def test_a_batch_of_second_uses_waits_once_for_a_checkpoint_that_does_not_come(
    ready: Custody, disk: Disk
) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    disk.broken = (ready.settings.data_dir / "anchor",)
    await ready.log(cut(ready, "501"))
    again = parse_entry(cut(ready, "501")).body | {"source": log_id("501/A")}
    pieces = [[again["sections"][0] | {"item": log_id(f"again {n}"), "code": f"501/A{chr(65 + n)}"}] for n in range(21)]
    await ready.log(ready.entry("log.cut", again | {"sections": pieces[20]}))

    async with asyncio.timeout(19.5):  # and not a second for each of twenty
        told = await ready.send(*(ready.entry("log.cut", again | {"sections": one}) for one in pieces[:20]))

    assert {one["problem"]["slug"] for one in told} == {"already-spent"}
    assert not any("first" in one["problem"] for one in told)


@pytest.mark.parametrize("folder", ["archive", "archive/tile/entries", "anchor"])
async def test_while_fsync_fails_nothing_new_is_shown_and_records_are_taken(
    ready: Custody, disk: Disk, folder: str
) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    disk.broken = (ready.settings.data_dir / folder,)

    await check_waits_and_goes_on(ready, "502", lambda: setattr(disk, "broken", ()))


async def test_a_name_that_was_not_made_durable_is_before_its_checkpoint_is_shown(ready: Custody, disk: Disk) -> None:
    """The files were written and only their folder failed: whoever goes on finds them there, and must not trust that."""
    await ready.send(felling(ready, "501"), wait="inclusion")
    folder = ready.settings.archive / "tile" / "entries" / "000.p"
    anchor = ready.settings.data_dir / "anchor"
    real, failing = disk.fsync, True

    def only_the_folder(file: int) -> None:
        if failing and Path(f"/proc/self/fd/{file}").readlink() in (folder, anchor):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(file)

    os.fsync = only_the_folder  # the fixture takes it back
    await ready.log(felling(ready, "502"))
    await until(lambda: held_up(ready))
    size = (await ready.get("/healthz"))["size"]
    assert (folder / str(size)).exists()
    disk.asked.clear()
    failing = False

    await ready.send(felling(ready, "502"), wait="inclusion")

    assert {folder, anchor} <= set(disk.asked)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is nearly full."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("only root mounts a disk of its own")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_full_disk_holds_up_the_archive_and_loses_nothing(open_custody: Any, small_disk: Path) -> None:
    custody = await open_custody(archive_dir=small_disk / "archive")
    await custody.send(*genesis(custody), *permit_acts(custody, TREES), wait="inclusion")
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))

    await check_waits_and_goes_on(custody, "501", ballast.unlink)
    await custody.stop()
