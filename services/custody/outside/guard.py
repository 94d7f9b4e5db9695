"""The high-water guard: nothing is signed behind, or beside, what was once published.

A log dies by signing two histories, and a restored backup is how that happens. What was published shows outside the
database: in the anchor file, in the archive, and at witnesses, whose word `services.custody.witnesses.asking` writes into the
anchor. Archive and witnesses are asked before the first signature of a process and then every minute, the anchor every
time. With database, anchor and archive lost together only witnesses know how far the log had come: where neither of the
two is there, nothing is signed before every witness that the database holds cosignatures of has been heard; where nothing
leaves unwitnessed, in no process before those of a quorum have been.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from services.custody import tiles
from services.custody.keys import our_notes
from services.custody.keys.log_keys import LogKeys
from services.custody.outside.anchor import Anchor, Unreadable
from services.custody.outside.archive import Archive
from services.custody.store import Head, SignedHead, Transaction
from shared.refusal import Refusal
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint

logger = structlog.get_logger(__name__)

LOOK_BACK_S = 60.0
LOOK_AGAIN_S = 1.0  # while those are silent who must be heard first
READ_BACK = 4096


class Frozen(Exception):  # noqa: N818 - a state of the log, shown to operators, not a mistake of a caller
    """Signing stopped: the database stands behind, or beside, what was published, or it cannot be known. Reading goes
    on."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A checkpoint of ours that was published, and where it shows."""

    where: str
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Marks:
    """All that shows of what was published, and why that may not be enough to sign on."""

    seen: tuple[Mark, ...]
    unheard: str | None


@dataclass(frozen=True, slots=True)
class Unheard:
    """Witnesses that have never answered what they saw since this process was started: those of the quorum, while the
    others do not make it up, and those that the database remembers, while nothing else tells how far the log came."""

    of_quorum: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()


class Guard:
    """One per process and log. `ask_witnesses`, told whether nothing else outside the database shows what was published,
    looks at what each of them shows, writes it into the anchor, and names whom it has not heard; those of the quorum matter
    where `only_witnessed` is set."""

    def __init__(
        self, anchor: Anchor, archive: Archive, keys: LogKeys,
        ask_witnesses: Callable[[bool], Awaitable[Unheard]], *, only_witnessed: bool,
    ) -> None:  # fmt: skip
        self.anchor = anchor
        self.archive = archive
        self._keys = keys
        self._ask_witnesses = ask_witnesses
        self._only_witnessed = only_witnessed
        self._unheard = "the witnesses have not been asked what they saw" if only_witnessed else None
        self._alone: str | None = None  # why nothing may be signed as long as there is neither anchor nor archive
        self._archived: Mark | None = None
        self._archive_stands = False
        self._looked_alone = False  # whether the last look found neither of the two
        self._looking = asyncio.Lock()
        self._missing = asyncio.Event()  # set while somebody must be heard first
        self._doubt: str | None = None
        self._genuine: SignedHead | None = None

    async def look_back(self) -> None:
        """Asks archive and witnesses. To be awaited once before anything is signed; then `run` repeats it, soon while
        somebody must be heard first."""
        async with self._looking:
            await self._look_at_archive()
            alone = await asyncio.to_thread(self._nothing_stands)
            unheard = await self._ask_witnesses(alone)
            self._looked_alone = alone
            self._alone = unmarked(unheard.remembered) if unheard.remembered else None
            self._unheard = waits_for(unheard.of_quorum) if self._only_witnessed and unheard.of_quorum else None
            if self._alone is None and self._unheard is None:
                self._missing.clear()
            else:
                self._missing.set()

    async def _look_at_archive(self) -> None:
        try:
            kept = await asyncio.to_thread(self.archive.newest)
        except Refusal as refusal:
            self._doubt = f"the archive {self.archive.folder} cannot be read: {refusal}"
            return
        self._doubt = None
        self._archived = None if kept is None else Mark("the archive", kept)
        self._archive_stands = kept is not None

    def _nothing_stands(self) -> bool:
        """Whether neither the archive, as it was just read, nor the anchor says anything. What cannot be read freezes for
        itself."""
        if self._doubt is not None or self._archive_stands:
            return False
        with suppress(Unreadable):
            return self.anchor.read() is None
        return False

    def _archive_gone(self) -> bool:
        with suppress(Refusal):
            return self.archive.note() is None
        return False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(TimeoutError):  # a look that the signer asked for may find somebody missing at any time
                async with asyncio.timeout(LOOK_BACK_S):
                    await self._missing.wait()
                await asyncio.sleep(LOOK_AGAIN_S)
            try:
                await self.look_back()
            except Exception as error:
                logger.warning("look_back_failed", error=repr(error))

    async def marks(self) -> Marks:
        """What was published. To be asked before the database is: another process may be ahead of what we read of it.
        Frozen when it cannot be known."""
        unheard, alone = self._unheard, self._alone  # before the anchor: whoever is heard has written into it first
        if self._doubt is not None:
            raise Frozen(self._doubt)
        if await asyncio.to_thread(self.archive.forked):
            raise Frozen(f"two histories were signed; the notes are in {self.archive.evidence}")
        try:
            floor = await asyncio.to_thread(self.anchor.read)
        except Unreadable as why:
            raise Frozen(str(why)) from why
        if floor is None and not self._looked_alone and await asyncio.to_thread(self._archive_gone):
            await self.look_back()  # both are gone since the last look, or what could not be read was taken away
            return await self.marks()
        anchored = None if floor is None else Mark("the anchor", floor)
        if floor is not None or self._archive_stands:  # perhaps put back since
            alone = None
        return Marks(tuple(mark for mark in (anchored, self._archived) if mark is not None), alone or unheard)

    async def hold(self, tx: Transaction, head: Head, last: SignedHead | None, marks: Marks) -> None:
        """Frozen unless the database holds all that was published, its newest checkpoint is the one that was signed, and
        whoever must be heard first has been.

        A checkpoint is archived and anchored before it is served, so a database whose last one is older was set back.
        However far it has grown since, nothing is signed unless its entries lead to the very root that was published.
        """
        if last is not None:
            self._check(last, head)
        for mark in marks.seen:
            seen = mark.checkpoint
            if head.size < seen.size:
                raise Frozen(f"the database holds {head.size} entries, {seen.size} were published ({mark.where})")
            if await root_at(tx, last, seen.size) != seen.root:
                raise Frozen(f"the first {seen.size} entries are not those that were published ({mark.where})")
        if marks.unheard is not None:
            raise Frozen(marks.unheard)
        if self._archived in marks.seen:  # held against; the next look brings a new one, or has brought it meanwhile
            self._archived = None

    def _check(self, last: SignedHead, head: Head) -> None:
        if last != self._genuine:
            fault = self.fault_of(last)
            if fault is not None:
                raise Frozen(f"the stored checkpoint of {last.size} entries is not what was signed: {fault}")
            self._genuine = last
        if last.size == head.size and last.edge != head.edge:
            raise Frozen(f"the head of {head.size} entries is not the one that was signed")

    def fault_of(self, last: SignedHead) -> str | None:
        """Why our signatures do not stand under this checkpoint, or its edge does not lead to what it says."""
        try:
            found = our_notes.opened(last.note, self._keys.verifiers)
            root = tiles.tree_of(Head(last.size, last.edge)).root()
        except Refusal as refusal:
            return str(refusal)
        if not found.stands(self._keys.signing):
            return "a line of a key that signs is missing, and one of a key that nobody knows is there"
        same = (found.checkpoint.size, found.checkpoint.root) == (last.size, root)
        return None if same else "its size or root is another"


def unmarked(silent: Sequence[str]) -> str:
    """The reason while nothing outside the database shows what was published, and these have not been heard."""
    return (
        f"nothing outside the database tells how far the log was published; not heard yet: {', '.join(silent)}."
        " Put the anchor or the archive back where they lie, or see to it that these witnesses can be reached from here;"
        " one that is gone for good has to leave policy.txt. A running custody asks again every second and goes on by itself"
    )


def waits_for(silent: Sequence[str]) -> str:
    """The reason while these have not been heard: who, and what is to be done about it."""
    return (
        f"waiting for what the witnesses have seen of this log: no answer yet from {', '.join(silent)}."
        " Nothing is signed before the quorum of the policy has answered: see to it that it can be reached from here."
        " A running custody asks again every second and goes on by itself"
    )


async def root_at(tx: Transaction, last: SignedHead | None, size: int) -> bytes:
    """The root of the first `size` entries: where they were signed, as the tiles have it; of later ones, by reading
    them again. Frozen when rows are missing."""
    if last is None or size >= last.size:
        return tiles.tree_of(await reread(tx, last, size)).root()
    try:
        return await tiles.root_at(tx, size)
    except tiles.LogIncomplete as error:
        raise Frozen(f"tiles of the first {size} entries are missing: {error.where}") from error


async def reread(tx: Transaction, last: SignedHead | None, size: int) -> Head:
    """The head at `size`, from the entries since the last checkpoint, be it of the log before, as they are stored now,
    hashed again."""
    at = Head(last.size, last.edge) if last is not None else Head(0, b"")
    if last is None and tx.base is not None and tx.base.size <= size:
        at = tx.base
    while at.size < size:
        bodies = await tx.body_range(at.size, min(at.size + READ_BACK, size))
        if not bodies:
            raise Frozen(f"entry {at.size} of {size} is missing")
        at = await asyncio.to_thread(rehashed, at, bodies)
    return at


def rehashed(head: Head, bodies: list[bytes]) -> Head:
    """The head after these entries, hashed anew."""
    return tiles.extended(head, [merkle.leaf_hash(body) for body in bodies])[0]
