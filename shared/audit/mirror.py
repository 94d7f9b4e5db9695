"""A copy of a log in a folder that any web server or memory stick can hand on: each byte verified before it is written.

Full tiles are written once: temporary file, fsync, rename; one that is there already has to be equal. The checkpoint
comes last, so the folder is a whole log at any moment. An interrupted copy goes on where it was: what is there is read
from there, and verified again. The notes kept under `.mirror` and `evidence` are not part of the log.
"""

import asyncio
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.audit.edge import edge_tiles, partial_bundle
from shared.audit.fsck import Progress
from shared.audit.kept import Kept, continue_history, known, newest, sync_folder, write_whole
from shared.audit.refusals import CannotRead, CannotWrite, Damaged, NotServed, OtherLog, damaged
from shared.audit.source import CHECKPOINT, FolderSource, Source, file_bytes
from shared.audit.stored import longest
from shared.audit.tree import Tree
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import MAX_BYTES
from shared.tlog.policy import Policy
from shared.tlog.tile import WIDTH, Tile, parse_tile_path

AT_ONCE = 16
OWN = ".mirror"
Files = list[tuple[Tile, bytes]]


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder and keep other processes from working in it. CannotWrite when one does already."""
    lock = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise CannotWrite(str(lock), error.strerror or type(error).__name__) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotWrite(str(folder), "another process is writing to it") from None
        yield


class Mirror:
    """Copies one log into one folder. Hold `folder / OWN` (`held`) while it works."""

    def __init__(self, source: Source, folder: Path, policy: Policy) -> None:
        self._source = source
        self._folder = folder
        self._policy = policy
        self.kept = Kept(folder / OWN, folder / "evidence")
        self._written: set[Path] = set()

    async def pull(self, progress: Progress | None = None, *, check: bool = False) -> Checkpoint | None:
        """Copy up to the newest checkpoint; None when nothing is new. May be repeated after any failure. With `check` what
        was copied before is hashed again too, and what is missing of it fetched.

        Forked when the log does not continue the last checkpoint seen; Damaged with the place, in the log or in this
        copy; the refusals of the policy; CannotRead; CannotWrite.
        """
        self.kept.refuse_after_fork()
        note, new = await newest(self._source, self._policy)
        have = self._have()
        if have is not None and have.origin != new.origin:
            raise OtherLog(str(self._folder), have.origin, new.origin)
        before = [one for one in (have, self._seen(new.origin)) if one is not None]
        tree = Tree(_OwnFirst(self._source, self._folder), new)
        try:
            if not await continue_history(self.kept, self._policy, note, tree, None if have is None else self._root_at):
                if check:
                    raise CannotRead(self._source.name, "it shows less than this copy holds")
                return None
            if check or have is None or have.size < new.size:
                await self._copy(tree, 0 if check or have is None else have.size, progress)
        except Damaged as damage:
            raise self._of_own_copy(damage) from None
        if self._note() == note and not check:
            return None
        await asyncio.to_thread(self._publish, note)
        self._sweep(before, new.size, 0 if have is None else have.size)
        return new

    def _have(self) -> Checkpoint | None:
        """The checkpoint up to which this folder is a whole copy."""
        note = self._note()
        return None if note is None else known(self._policy, note, str(self._folder / CHECKPOINT))

    def _note(self) -> bytes | None:
        try:
            return file_bytes(self._folder / CHECKPOINT, MAX_BYTES)
        except NotServed:
            return None

    def _seen(self, origin: str) -> Checkpoint | None:
        """The last checkpoint accepted, of which the copy may not have come to an end."""
        note = self.kept.last(origin)
        return None if note is None else known(self._policy, note, str(self._folder / OWN))

    async def _root_at(self, size: int) -> bytes | None:
        """The root of this copy at a smaller size; None where it does not reach so far."""
        have = self._have()
        if have is None or have.size < size:
            return None
        try:
            return await Tree(FolderSource(self._folder), have).root_at(size)
        except Damaged as damage:
            raise damaged(damage.place, "own copy") from None

    async def _copy(self, tree: Tree, done: int, progress: Progress | None) -> None:
        """Write every file of the tree that is not part of the first `done` entries."""
        size = tree.checkpoint.size
        files: Files = []
        async for bundle in tree.bundles(done // WIDTH):
            width = len(bundle.entries)
            files += [
                (Tile("tile", 0, bundle.n, width), bundle.hashes),
                (Tile("entries", 0, bundle.n, width), bundle.data),
            ]
            if len(files) >= AT_ONCE:
                await self._put(files)
            if progress is not None:
                progress(bundle.first + width, size)
        level = 1
        while size >> (8 * level):
            count = -(-(size >> (8 * level)) // WIDTH)
            for n in range((done >> (8 * level)) // WIDTH, count):
                width = min(WIDTH, (size >> (8 * level)) - n * WIDTH)
                files.append((Tile("tile", level, n, width), await tree.tile(level, n)))
                if len(files) >= AT_ONCE:
                    await self._put(files)
            level += 1
        await self._put(files)

    async def _put(self, files: Files) -> None:
        """Write some files at once, and forget them."""
        try:
            await asyncio.gather(*(asyncio.to_thread(self._put_one, tile, data) for tile, data in files))
        except OSError as error:
            raise CannotWrite(str(self._folder), error.strerror or type(error).__name__) from error
        files.clear()

    def _put_one(self, tile: Tile, data: bytes) -> None:
        path = self._folder / tile.path
        with suppress(NotServed):
            if file_bytes(path, longest(tile)) == data:
                self._written.add(path.parent)  # perhaps by somebody who did not live to make its name durable
                return
            if tile.full:
                raise damaged(tile.path, "own copy")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        self._written.add(path.parent)

    def _publish(self, note: bytes) -> None:
        """Make all names durable, then put the checkpoint in its place."""
        folders = {parent for folder in self._written for parent in (folder, *folder.parents)}
        try:
            for folder in folders:
                if folder.is_relative_to(self._folder):
                    sync_folder(folder)
        except OSError as error:
            raise CannotWrite(str(self._folder), error.strerror or type(error).__name__) from error
        self._written.clear()
        write_whole(self._folder / CHECKPOINT, note)

    def _sweep(self, before: Iterable[Checkpoint], size: int, previous: int) -> None:
        """Remove partial tiles that belong neither to this checkpoint nor to the one before, whose readers may still be
        at work. Where the tile has become full there is nothing left to keep a part for."""
        for old in before:
            for tile in _partials(old.size):
                folder = (self._folder / tile.path).parent
                current = {one.width for at in (size, previous) for one in _partials(at) if _same(one, tile)}
                if (self._folder / Tile(tile.kind, tile.level, tile.n).path).exists():
                    shutil.rmtree(folder, ignore_errors=True)
                else:
                    for file in folder.glob("*"):
                        if file.name not in map(str, current):
                            file.unlink(missing_ok=True)

    def _of_own_copy(self, damage: Damaged) -> Damaged:
        """Damage in a file that this folder holds is this folder's."""
        if damage.place == CHECKPOINT or not parse_tile_path(damage.place).full:
            return damage
        return damaged(damage.place, "own copy") if (self._folder / damage.place).exists() else damage


class _OwnFirst:
    """Full tiles from the copy where it has them, everything else from the log."""

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder

    async def tile(self, tile: Tile) -> bytes:
        if tile.full:
            with suppress(NotServed):
                return await asyncio.to_thread(file_bytes, self._folder / tile.path, longest(tile))
        return await self._source.tile(tile)


def _partials(size: int) -> list[Tile]:
    bundle = partial_bundle(size)
    return [*edge_tiles(size), *([] if bundle is None else [bundle])]


def _same(one: Tile, other: Tile) -> bool:
    return (one.kind, one.level, one.n) == (other.kind, other.level, other.n)
