"""Signs checkpoints: after the commit, from rows read back, and never behind what was once published.

A log dies by signing two histories. So every checkpoint extends the last signed one: the entries since then are read
back from the database, hashed again, and must lead from the old edge to the head's edge; and nothing is signed that
is smaller than the anchor, a file outside the database that a restored backup does not bring back.
"""

import asyncio
import fcntl
import os
from pathlib import Path

import structlog

from services.custody import tiles
from services.custody.published import Published
from services.custody.store import Head, SignedHead, Store, Transaction
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.note import Signer as NoteSigner
from shared.tlog.note import open_note, sign

logger = structlog.get_logger(__name__)

INTERVAL_S = 0.2
READ_BACK = 4096


class Frozen(Exception):  # noqa: N818 - a state of the log, shown to operators, not a mistake of a caller
    """Signing stopped: the database stands behind, or beside, what was published. Reading goes on."""


class Anchor:
    """The last published checkpoint, kept in a file beside the database, written before it is served."""

    def __init__(self, path: Path, signer: NoteSigner) -> None:
        self._path = path
        self._signer = signer

    def read(self) -> Checkpoint | None:
        if not self._path.exists():
            return None
        return parse_checkpoint(open_note(self._path.read_bytes(), [self._signer.verifier]).text)

    def write(self, note: bytes, size: int) -> None:
        """Durable when it returns: temporary file, fsync, rename, fsync of the folder. Never goes back: where several
        processes sign, the largest stays."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            stands = self.read()
            if stands is not None and stands.size >= size:
                return
            draft = self._path.with_suffix(".new")
            with draft.open("wb") as out:
                out.write(note)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self._path)
            os.fsync(folder)
        finally:
            os.close(folder)  # and with it the lock


class Signer:
    """Signs at most every 200 ms, as soon as something new is committed. Any number of processes may run one."""

    def __init__(self, store: Store, origin: str, signer: NoteSigner, anchor: Anchor, published: Published) -> None:
        self._store = store
        self._origin = origin
        self._signer = signer
        self._anchor = anchor
        self._published = published
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Database trouble is retried. While the log is frozen nothing is appended either, so it stays
        as it is until an operator acts."""
        while True:
            self._wake.clear()
            try:
                await self.look()
            except Exception as error:
                logger.warning("signing_failed", error=repr(error))
            await asyncio.sleep(INTERVAL_S)
            try:
                async with asyncio.timeout(INTERVAL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """One round of signing; a log that must not be signed is marked as frozen, with the reason, and what was signed
        before is served on."""
        try:
            await self.sign_once()
            self._published.frozen = None
        except Frozen as why:
            if self._published.frozen is None:
                logger.error("signing_frozen", reason=str(why))
            self._published.frozen = str(why)
            async with self._store.snapshot() as tx:
                last = await tx.last_checkpoint()
            if last is not None:
                await self._published.announce(last)

    async def sign_once(self) -> None:
        """One round: nothing to do, or a new checkpoint stored, anchored and announced; or Frozen."""
        floor = await asyncio.to_thread(self._anchor.read)  # before the snapshot: another process may be ahead of it
        async with self._store.snapshot() as tx:
            head, last = await tx.head(), await tx.last_checkpoint()
            await refuse_to_go_back(tx, head, last, floor)
            new = head if last is None or head.size > last.size else None
            if new is not None and await reread(tx, last, head.size) != head:
                raise Frozen(f"the stored entries up to {head.size} do not hash to the head")
        if new is None:
            assert last is not None
            if floor is None or floor.size < last.size:  # stopped between the commit and the anchor
                await asyncio.to_thread(self._anchor.write, last.note, last.size)
            await self._published.announce(last)
            return
        root = tiles.tree_of(new).root()
        note = sign(Checkpoint(self._origin, new.size, root).text(), [self._signer])
        async with self._store.transaction() as tx:
            await tx.add_checkpoint(new.size, new.edge, note)
        await asyncio.to_thread(self._anchor.write, note, new.size)
        await self._published.announce(SignedHead(new.size, new.edge, note))


async def refuse_to_go_back(tx: Transaction, head: Head, last: SignedHead | None, floor: Checkpoint | None) -> None:
    """A checkpoint is stored before it is anchored, so a database whose last one is older than the anchor was set back.
    However far it has grown since, nothing is signed unless its entries lead to the very root that was published."""
    if floor is None:
        return
    if head.size < floor.size:
        raise Frozen(f"the database holds {head.size} entries, {floor.size} were published")
    if last is None or last.size <= floor.size:
        at = await reread(tx, last, floor.size)
        if tiles.tree_of(at).root() != floor.root:
            raise Frozen(f"the first {floor.size} entries are not those that were published")


async def reread(tx: Transaction, last: SignedHead | None, size: int) -> Head:
    """The head at `size`, from the entries since the last checkpoint as they are stored now, hashed again."""
    at = Head(last.size, last.edge) if last is not None else Head(0, b"")
    while at.size < size:
        bodies = await tx.body_range(at.size, min(at.size + READ_BACK, size))
        if not bodies:
            raise Frozen(f"entry {at.size} of {size} is missing")
        at = await asyncio.to_thread(rehashed, at, bodies)
    return at


def rehashed(head: Head, bodies: list[bytes]) -> Head:
    """The head after these entries, hashed anew."""
    return tiles.extended(head, [merkle.leaf_hash(body) for body in bodies])[0]
