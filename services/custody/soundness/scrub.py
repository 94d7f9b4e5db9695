"""A slow second reading of the whole log, over and over: a bit that flipped in storage is found before an auditor does.

Each step hashes one bundle of entries again, with the tiles above it, against the signed root, and then looks at what
stands beside it (`services.custody.operating.beside`). Processes take turns, and the place where they stand is a row, so a
restart goes on where it was. Damage freezes signing and recording, with the place, in every process; it is looked at again
until it is mended.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from services.custody.keys import our_notes
from services.custody.soundness import rehash
from services.custody.soundness.damage import Damage, damage, seen
from services.custody.soundness.rows import Rows
from services.custody.store import Store, Transaction
from shared.audit.edge import hashes_of
from shared.audit.refusals import Damaged
from shared.audit.tree import Tree
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.merkle import CompactRange
from shared.tlog.note import Verifier
from shared.tlog.tile import WIDTH

logger = structlog.get_logger(__name__)

PAUSE_S = 0.5  # with 256 entries a step, some 7 ms with what stands beside them: between one and two per cent of a core
IDLE_S = 5.0
PASS_S = 3600.0  # a pass over a small log is over in seconds; the next one begins this long after it began

OPEN = "INSERT INTO scrub (log_id) VALUES ($1) ON CONFLICT DO NOTHING"
TURN = """
SELECT bundle, passes, aside_at, damage, now() - began_at > make_interval(secs => $2) AS due
FROM scrub WHERE log_id = $1 FOR UPDATE SKIP LOCKED"""
NEXT = "UPDATE scrub SET bundle = bundle + 1 WHERE log_id = $1"
AGAIN = "UPDATE scrub SET bundle = 0, began_at = now(), passes = passes + 1 WHERE log_id = $1"
MARK = "UPDATE scrub SET damage = $2 WHERE log_id = $1"
MENDED = "UPDATE scrub SET mended = mended + $2 WHERE log_id = $1"
ASIDE = "UPDATE scrub SET aside = $2, aside_at = $3 WHERE log_id = $1"
STATE = "SELECT bundle, passes, damage, began_at, aside, mended FROM scrub WHERE log_id = $1"


@dataclass(frozen=True, slots=True)
class State:
    """How far this pass is, how many came to an end, since when it runs, and the damage found ('' when none): in the log,
    and aside of it, which freezes nothing. `mended` files of the archive were copied again."""

    entries: int
    passes: int
    damage: str
    began_at: datetime | None
    aside: str = ""
    mended: int = 0


async def state(tx: Transaction) -> State:
    """For `/healthz`, and for the signer, who signs nothing while there is damage."""
    rows = await tx.fetch(STATE, tx.log_id)
    if not rows:
        return State(0, 0, "", None)
    bundle, passes, found, began_at, aside, mended = rows[0]
    return State(bundle * WIDTH, passes, found, began_at, aside, mended)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A bundle whose rows were found sound: the tree before it, and the leaf hashes of its entries."""

    bundle: int
    before: CompactRange
    leaves: Sequence[bytes]

    @property
    def sizes(self) -> tuple[int, int]:
        """The first and the last size of the log that it leads to."""
        return (self.before.size + 1 if self.bundle else 0), self.before.size + len(self.leaves)


@dataclass(slots=True)
class Found:
    """What a stretch has beside it: the first damage in words ('' when none), and how many files were copied again.
    `through` when all of it was looked at."""

    aside: str = ""
    mended: int = 0
    through: bool = False


class Beside(Protocol):
    """What is to be looked at beside the entries."""

    async def begin(self) -> None:
        """Before the rows are read: what stands outside the database was in it before."""
        ...

    async def look(self, tx: Transaction, at: Stretch, signed: Checkpoint, passes: int) -> Found:
        """One bounded step in the pass after `passes`, asked again with the same stretch until it is through. Damage, which
        freezes."""
        ...


class Scrub:
    """One per process and log; they take turns."""

    def __init__(self, store: Store, logs: Sequence[Verifier], beside: Beside) -> None:
        self._store, self._logs, self._beside = store, logs, beside
        self.seen = State(0, 0, "", None)  # where it stood when this process last looked

    async def run(self) -> None:
        """Until cancelled. Trouble with the database is logged and tried again."""
        while True:
            busy = False
            try:
                busy = await self.step()
                async with self._store.snapshot() as tx:
                    self.seen = await state(tx)
            except Exception as error:
                logger.warning("scrub_failed", error=repr(error))
            await asyncio.sleep(PAUSE_S if busy else IDLE_S)

    async def step(self, pass_s: float = PASS_S) -> bool:
        """One bundle; False when there is nothing to do now, or another process is at it."""
        await self._beside.begin()
        async with self._store.transaction() as tx:
            await tx.execute(OPEN, tx.log_id)
            last = await tx.last_checkpoint()
            turn = await tx.fetch(TURN, tx.log_id, pass_s)
            if last is None or not turn:
                return False
            bundle, passes, aside_at, known, due = turn[0]
            signed = our_notes.opened(last.note, self._logs).checkpoint
            if bundle * WIDTH >= signed.size:
                if due:
                    await tx.execute(AGAIN, tx.log_id)
                return bool(due)
            found = await self._look(tx, bundle, signed, known, passes)
            if found is not None and found.through:
                if found.aside or aside_at == bundle:
                    await tx.execute(ASIDE, tx.log_id, found.aside, bundle if found.aside else -1)
                await tx.execute(NEXT, tx.log_id)
            return True

    async def _look(self, tx: Transaction, bundle: int, signed: Checkpoint, known: str, passes: int) -> Found | None:
        """The place where the damage was is looked at again: the pass does not go on before it is mended."""
        try:
            found = await self._beside.look(tx, await check(tx, bundle, signed), signed, passes)
        except Damage as fault:
            if str(fault) != known:
                logger.error("log_damaged", place=fault.place, reason=fault.reason)
                await tx.execute(MARK, tx.log_id, str(fault))
            return None
        if known:
            logger.warning("log_mended", damage=known)
            await tx.execute(MARK, tx.log_id, "")
        if found.mended:
            await tx.execute(MENDED, tx.log_id, found.mended)
        return found


async def check(tx: Transaction, bundle: int, signed: Checkpoint) -> Stretch:
    """One bundle of entries, its tile and those above that it completes, against the signed root; Damage otherwise."""
    arbiter = rehash.Arbiter(tx, signed)
    leaves = await rehash.entries(tx, bundle, signed.size, arbiter)
    tree = Tree(Rows(tx, signed.size), signed)
    try:
        for index, (hashed, is_signed) in enumerate(
            zip(leaves, hashes_of(await tree.tile(0, bundle)), strict=True), bundle * WIDTH
        ):
            if hashed != is_signed:
                raise damage(f"entry {index}", "entry")
        level, n = 0, bundle
        while (n + 1) * WIDTH << (8 * level) <= signed.size:
            await rehash.tile(tx, level, n, await tree.tile(level, n), arbiter)
            if (n + 1) % WIDTH:
                break
            level, n = level + 1, n // WIDTH
        spans = [(at << level, (at + 1) << level) for level, at in merkle.span_nodes(0, bundle * WIDTH)]
        return Stretch(bundle, CompactRange(bundle * WIDTH, await tree.prove(spans)), leaves)
    except Damaged as found:
        # The edge of the tree is made of the last bundle's rows: perhaps one of these is to blame.
        await rehash.entries(tx, (signed.size - 1) // WIDTH, signed.size, arbiter)
        raise seen(found) from found
