"""Makes a log large quickly, beside the running house: real records of invented forests, signed with their keys, judged by
every rule and written by the statements that append, in rounds of thousands.

What is left out is the door: no HTTP, and the signatures, made here a moment ago, are not verified again. Signer, archive and
witness do their work meanwhile, as they always do. Memory stays bounded: a few portions are under way at a time.
"""

import asyncio
import gc
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import asyncpg

from deploy.bench.forest import Forest, Registrar
from deploy.instance import Instance
from services.custody import rounds
from services.custody.domain.admission import Round
from services.custody.store import Store
from shared.timber import norms
from shared.timber.event import Record, parse_entry
from shared.timber.facts import Facts
from shared.timber.norms import Norms

PORTION = 20_000  # records of one forest
AHEAD = 2  # portions made beforehand
ROUND = 2_000
LOG_ID = 1
TREES_A_RECORD = 0.62
# As measured in earlier sittings, with room to spare: database with its indices and write-ahead log, and the archive.
DATABASE_BYTES, ARCHIVE_BYTES, WAL_BYTES = 2_600, 900, 2_000_000_000


class NoRoom(Exception):  # noqa: N818
    """The disk is too small for a log of that size."""


def room_needed(entries: int) -> int:
    """Bytes that a log of so many entries takes on the disk while it is measured."""
    return entries * (DATABASE_BYTES + ARCHIVE_BYTES) + WAL_BYTES


def check_room(folder: Path, entries: int) -> str:
    """What it will take, for people. NoRoom when the disk has not that much."""
    needed, free = room_needed(entries), shutil.disk_usage(folder).free
    words = f"{entries:,} entries take about {needed / 1e9:.0f} GB in {folder}; {free / 1e9:.0f} GB are free"
    if needed > free:
        raise NoRoom(words)
    return words


def portion(name: str, records: int, registrar: Registrar) -> list[bytes]:
    """A forest's papers and so many records of it, in an order they may stand in."""
    forest = Forest(name, int(records * TREES_A_RECORD) + 40)
    return [*forest.papers(registrar), *forest.upload(records).splitlines()]


def _portion(name: str, records: int, keys: Path, org: str) -> list[bytes]:
    """In a process of its own, which reads the key for itself."""
    return portion(name, records, Registrar.of(keys, org))


class Filler:
    """Fills one instance's log. `number` tells the forests of several fillings apart."""

    def __init__(self, instance: Instance, registrar: Registrar) -> None:
        self._instance = instance
        self._dsn = instance.database("custody").app_dsn
        self._registrar = registrar
        self._numbers = count(1)
        self._norms = norms.load()

    def fill(
        self, size: int, between: Callable[[], Sequence[bytes]] | None = None, say: Callable[[int], None] | None = None
    ) -> int:
        """Until the log has about `size` entries; how many it has. After each portion go the entries of `between`; `say`
        hears how far it is. RuntimeError when the rules refuse one."""
        return asyncio.run(self._fill(size, between, say))

    async def _fill(
        self, size: int, between: Callable[[], Sequence[bytes]] | None, say: Callable[[int], None] | None
    ) -> int:
        gc.collect()
        thresholds = gc.get_threshold()
        gc.set_threshold(200_000, 50, 100)
        try:
            async with asyncpg.create_pool(self._dsn, min_size=1, max_size=1, command_timeout=600) as pool:
                store = Store(pool, LOG_ID)
                async with store.snapshot() as tx:
                    at = (await tx.head()).size
                async for entries in self._portions(size - at):
                    whole = [*entries, *(between() if between else ())]
                    for start in range(0, len(whole), ROUND):
                        at = await append(store, whole[start : start + ROUND], self._norms)
                    if say is not None:
                        say(at)
                return at
        finally:
            gc.set_threshold(*thresholds)

    async def _portions(self, entries: int) -> AsyncIterator[list[bytes]]:
        """Portions that add up to so many entries, made by a process of their own."""
        with ProcessPoolExecutor(1, get_context("spawn")) as maker:
            sizes = _sizes(entries)
            waiting: list[Future[list[bytes]]] = []
            while True:
                while len(waiting) < AHEAD and (records := next(sizes, 0)):
                    name = f"g{next(self._numbers)}"
                    waiting.append(maker.submit(_portion, name, records, self._instance.keys, self._registrar.org))
                if not waiting:
                    return
                yield await asyncio.wrap_future(waiting.pop(0))


def _sizes(entries: int) -> Iterator[int]:
    """The records of each portion; papers are one entry in a hundred and fifty."""
    left = entries * 150 // 151
    while left > 0:
        records = min(PORTION, left)
        left -= records
        yield records


async def append(store: Store, entries: Sequence[bytes], norms: Norms) -> int:
    """One round under the head row lock, as a recovery appends; the size after it."""
    records = [_trusted(parse_entry(entry)) for entry in entries]
    async with store.transaction() as tx:
        head = await tx.head(lock=True)
        round_, facts = Round(head.size), Facts(complete=False)
        await rounds.replay(tx, records, round_, facts, norms)
        return (await rounds.save(tx, head, round_, facts)).size


def _trusted(record: Record) -> Record:
    """Its signatures were made by this bench."""
    record.checked.update(kid for kid, _ in record.signatures)
    return record
