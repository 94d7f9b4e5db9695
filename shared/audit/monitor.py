"""Replays a log that somebody else operates, entry by entry, and says what does not hold.

Every checkpoint has to continue the last one kept; every entry is verified against it, then judged. The state is a
folder: `monitor.sqlite` (can be made again), the last checkpoint and the evidence of a fork (cannot).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from shared.audit.fsck import Progress
from shared.audit.judge import Judge
from shared.audit.kept import Kept, continue_history, newest
from shared.audit.ledger import Ledger
from shared.audit.refusals import OtherLog, damaged
from shared.audit.source import Source
from shared.audit.tree import Tree
from shared.refusal import Missing
from shared.timber import norms
from shared.timber.norms.watch import load_watch
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.gossip import Heard, Outcome, heard, judge
from shared.tlog.policy import Policy
from shared.tlog.tile import WIDTH

LAYOUT = 3  # of the ledger: another one is begun again
LEDGER = "monitor.sqlite"


def now() -> str:
    """This instant, as the format writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to somebody who shows a checkpoint. `note` is ours; `proof` leads from theirs to it."""

    outcome: Outcome
    theirs: Checkpoint
    ours: Checkpoint
    note: bytes
    proof: list[bytes]


class Monitor:
    """Watches one log. One process a state folder (`shared.audit.mirror.held`)."""

    def __init__(self, source: Source, policy: Policy, folder: Path, clock: Callable[[], str] = now) -> None:
        self._source = source
        self._policy = policy
        self._clock = clock
        self._folder = folder
        self._norms, self._watch = norms.load(), load_watch()
        self.kept = Kept(folder)
        version = f"{LAYOUT}/{self._norms.country}/{self._norms.version}/{self._watch.version}"
        self.ledger = Ledger(folder / LEDGER, version)
        self._one_at_a_time = asyncio.Lock()
        self.behind: Checkpoint | None = None  # what the last round was shown, where it had seen more before

    async def round(self, progress: Progress | None = None) -> Checkpoint | None:
        """Judge the log up to its newest checkpoint; None when there is nothing new. May be repeated after any failure.

        Forked, ForkKept, Damaged, the refusals of the policy, CannotRead, CannotWrite.
        """
        async with self._one_at_a_time:
            return await self._round(progress)

    async def _round(self, progress: Progress | None) -> Checkpoint | None:
        self.kept.refuse_after_fork()
        seen_at, ledger = self._clock(), self.ledger
        note, new = await newest(self._source, self._policy)
        if ledger.origin not in (None, new.origin):
            raise OtherLog(str(self._folder), ledger.origin or "", new.origin)
        tree = Tree(self._source, new)
        self.kept.note_first(new.origin, self.kept.last(new.origin) or note)
        newer = await continue_history(self.kept, self._policy, note, tree, self._root_at) and new.size >= ledger.size
        self.behind = None if newer else new
        if not newer:
            return None
        known = ledger.origin is not None and (ledger.size, ledger.tree.root()) == (new.size, new.root)
        if not known:
            await self._judge(tree, seen_at, progress)
        with ledger.round(new.origin):
            ledger.observe(new.size, seen_at)  # taken before the checkpoint was: no more was published then
            self._judge_of(new.origin).settle(seen_at)
        if not known:
            self._settle(new, note)
        return None if known else new

    async def _judge(self, tree: Tree, seen_at: str, progress: Progress | None) -> None:
        ledger, new = self.ledger, tree.checkpoint
        await tree.edge()
        if await tree.root_at(ledger.size) != ledger.tree.root():
            raise damaged(LEDGER, "own state")
        records = self._judge_of(new.origin)
        async for bundle in tree.bundles(ledger.size // WIDTH):
            await asyncio.to_thread(records.take, bundle.entries[ledger.size - bundle.first :], seen_at)
            if progress is not None:
                progress(ledger.size, new.size)
        if ledger.tree.root() != new.root:
            raise damaged(LEDGER, "own state")

    def _judge_of(self, origin: str) -> Judge:
        return Judge(self.ledger, self._norms, self._watch, origin, self.kept.first(origin))

    async def tell(self, since: int, hear: Callable[[dict[str, Any]], None]) -> int:
        """Let `hear` have everything that did not hold in the entries from an index on, in their order, then the numbers
        of devices that are still missing. Answers the index to go on from."""
        async with self._one_at_a_time:
            for doc in self.ledger.findings(since):
                hear(orjson.loads(doc))
            for gap in self._judge_of(self.ledger.origin or "").gaps(since):
                hear(gap.as_dict())
            return self.ledger.size

    async def _root_at(self, size: int) -> bytes | None:
        """The root of what was judged at a size; None where it does not reach so far."""
        return await asyncio.to_thread(self.ledger.root_at, size) if size <= self.ledger.size else None

    # ---- gossip

    async def compare(self, note: bytes) -> Answer:
        """What a checkpoint that somebody else saw says about this log. Both notes of a fork are kept as evidence; one
        that is ahead is kept until the log has come so far.

        NotByTheLog when none of the policy's keys signed it; Missing while nothing is known of this log.
        """
        theirs = heard(note, [log.verifier for log in self._policy.logs])
        if theirs.checkpoint.size > self.ledger.size:
            await self.round()
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._compared, theirs)

    def _compared(self, theirs: Heard) -> Answer:
        origin = theirs.checkpoint.origin
        note = self.kept.last(origin)
        if note is None or origin != self.ledger.origin:
            raise Missing("log", origin)
        ours = Checkpoint(origin, self.ledger.size, self.ledger.tree.root())
        proof = self.ledger.consistency(theirs.checkpoint.size) if theirs.checkpoint.size <= ours.size else []
        outcome = judge(ours, theirs.checkpoint, proof)
        if outcome == "fork":
            self.kept.keep_evidence((ours, note), (theirs.checkpoint, theirs.note))
        elif outcome == "consistent":
            self.kept.note_first(origin, theirs.note)  # the next round holds it against where the log began
        elif outcome == "ahead":
            self._ahead.keep_evidence((theirs.checkpoint, theirs.note))
        return Answer(outcome, theirs.checkpoint, ours, note, proof if outcome == "consistent" else [])

    @property
    def _ahead(self) -> Kept:
        """Notes that others saw and this log has not come up to."""
        return Kept(self._folder, self._folder / "ahead")

    def _settle(self, new: Checkpoint, note: bytes) -> None:
        """Judge the notes that were ahead of the log and no longer are. Forked when one is of another history."""
        for path in sorted(self._ahead.evidence.glob("*.checkpoint")):
            theirs = heard(path.read_bytes(), [log.verifier for log in self._policy.logs])
            if theirs.checkpoint.size <= self.ledger.size:
                if self.ledger.root_at(theirs.checkpoint.size) != theirs.checkpoint.root:
                    raise self.kept.forked((new, note), (theirs.checkpoint, theirs.note))
                path.unlink()
