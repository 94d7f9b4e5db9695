"""A second copy of the log outside its database: entry bundles, hash tiles and the newest checkpoint, as under `/log/`.

It is a mirror that custody keeps of itself (`shared.audit.mirror`): every byte is verified against the signed root by
other code than that which appends, and durable before the checkpoint is served. So whatever anybody ever saw under a
checkpoint can be brought back (`services.custody.operating.recovery`), and whoever is given the folder has the whole log.
"""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from services.custody.soundness.rows import Rows
from services.custody.store import SignedHead, Store, Transaction
from services.custody.tiles import prefix
from shared.audit.edge import edge_tiles, partial_bundle
from shared.audit.kept import Kept, write_whole
from shared.audit.mirror import OWN, Mirror, held
from shared.audit.refusals import CannotRead, CannotWrite, NotServed
from shared.audit.source import CHECKPOINT, FolderSource, file_bytes
from shared.tlog import note
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Verifier
from shared.tlog.policy import Log, Policy
from shared.tlog.tile import WIDTH, Tile

LONGEST_WAIT_S = 20.0
PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Pinned:
    """The archive at one checkpoint: full tiles from its files, which never change, and the partial ones as they were."""

    name: str
    checkpoint: Checkpoint
    files: FolderSource
    partial: dict[Tile, bytes]

    async def tile(self, tile: Tile) -> bytes:
        """The bytes of a file, not verified. NotServed, or CannotRead."""
        return self.partial[tile] if tile in self.partial else await self.files.tile(tile)


class Archive:
    """One folder. Any number of processes may keep it, each in its turn."""

    def __init__(self, folder: Path, logs: Iterable[Verifier]) -> None:
        self.folder = folder
        self._policy = Policy(logs=tuple(Log(log) for log in logs))

    def newest(self) -> Checkpoint | None:
        """The checkpoint up to which the folder is a whole copy; None while there is none. A Refusal when the file is
        not a checkpoint of this log, or cannot be read."""
        found = self.note()
        return None if found is None else self._policy.check(found).checkpoint

    def note(self) -> bytes | None:
        """The signed note of it, not verified."""
        try:
            return file_bytes(self.folder / CHECKPOINT, note.MAX_BYTES)
        except NotServed:
            return None

    async def keep(self, store: Store, signed: SignedHead) -> None:
        """Copies everything up to this checkpoint; durable when it returns. May be repeated.

        Damaged with the place, in the database or in this copy; Forked when the checkpoint does not continue the last
        one kept, and ForkKept ever after; CannotWrite or CannotRead, which say nothing about the log.
        """
        if await asyncio.to_thread(self.reaches, signed.size):
            return
        async with AsyncExitStack() as stack:
            await self._hold(stack)
            tx = await stack.enter_async_context(store.snapshot())
            await Mirror(Rows(tx, signed.size, signed.note), self.folder, self._policy).pull()

    async def mend(self, tx: Transaction, n: int, kept: Checkpoint, signed: Checkpoint) -> list[str]:
        """Holds the files of entry bundle `n`, and of the tiles above that it completes, against the rows, and copies those
        that differ or cannot be read anew, each whole or not at all; their names. `kept` is the checkpoint of this copy as it
        was read before `tx` began, `signed` a larger or equal one of ours that the rows were found to lead to.

        Nothing is touched where the rows are not of the history that this copy is of: then it is what brings that back.
        CannotWrite names a file that could not be put in its place; may be repeated.
        """
        files = _files(n, kept.size)
        if not await self._differing(tx, files, kept):
            return []
        async with AsyncExitStack() as stack:
            await self._hold(stack)
            if await asyncio.to_thread(self.newest) != kept:  # those at the edge were replaced meanwhile, or swept
                files = [tile for tile in files if tile.full]
            wrong = await self._differing(tx, files, kept)
            if wrong and (await prefix(tx, kept.size, signed))[0] != kept.root:
                return []
            for tile, data in wrong:
                await asyncio.to_thread(write_whole, self.folder / tile.path, data)
        return [tile.path for tile, _ in wrong]

    async def _differing(self, tx: Transaction, files: Iterable[Tile], kept: Checkpoint) -> list[tuple[Tile, bytes]]:
        """The files that are not as the rows have them, and what the rows have."""
        rows, source, wrong = Rows(tx, kept.size), FolderSource(self.folder), []
        for tile in files:
            data = await rows.tile(tile)
            try:
                if await source.tile(tile) == data:
                    continue
            except CannotRead:  # a bad sector, too
                pass
            wrong.append((tile, data))
        return wrong

    @property
    def evidence(self) -> Path:
        """Where the notes lie that show a fork of this log. Whoever moves them away answers for it."""
        return self.folder / "evidence"

    def forked(self) -> bool:
        """Whether a fork of this log was ever seen from here."""
        return self._kept.forked_before()

    def keep_fork(self, *notes: tuple[Checkpoint, bytes]) -> None:
        """Two checkpoints under our signature of which neither continues the other: from here on nothing is signed, whoever
        starts. Durable when it returns; CannotWrite."""
        self._kept.keep_evidence(*notes)

    @property
    def _kept(self) -> Kept:
        return Kept(self.folder / OWN, self.evidence)

    def reaches(self, size: int) -> bool:
        """Whether the copy is whole up to so many entries."""
        kept = self.newest()
        return kept is not None and kept.size >= size

    async def pinned(self) -> "Pinned | None":
        """The copy as it is now, for whoever takes long to read it; None while there is none. A Refusal as `newest`."""
        if await asyncio.to_thread(self.newest) is None:
            return None
        async with AsyncExitStack() as stack:
            await self._hold(stack)
            checkpoint = await asyncio.to_thread(self.newest)
            assert checkpoint is not None, "a copy never goes away while it is held"
            files, last = FolderSource(self.folder), partial_bundle(checkpoint.size)
            partial = [*edge_tiles(checkpoint.size), *([] if last is None else [last])]
            found = {}
            for tile in partial:
                with suppress(NotServed):
                    found[tile] = await files.tile(tile)
            return Pinned(str(self.folder), checkpoint, files, found)

    async def _hold(self, stack: AsyncExitStack) -> None:
        """Wait for the turn of this process."""
        end = asyncio.get_running_loop().time() + LONGEST_WAIT_S
        while True:
            try:
                stack.enter_context(held(self.folder / OWN))
                return
            except CannotWrite as taken:
                if taken.where != str(self.folder / OWN) or asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(PAUSE_S)


def _files(n: int, size: int) -> list[Tile]:
    """Those of a copy of `size` entries that end with bundle `n`: its entries, its tile, those above that it completes, and
    behind the last one those that are not full."""
    width, files = min(WIDTH, size - n * WIDTH), []
    if width <= 0:
        return []
    files.append(Tile("entries", 0, n, width))
    level, at = 0, n
    while (at + 1) * WIDTH << (8 * level) <= size:
        files.append(Tile("tile", level, at))
        if (at + 1) % WIDTH:
            break
        level, at = level + 1, at // WIDTH
    return files + (edge_tiles(size) if (n + 1) * WIDTH >= size else [])
