"""What stands beside the entries of one stretch of the log: checkpoints, cosignatures, and the files of the archive.

None of it is what the next checkpoint is made of, so damage there freezes nothing: it is told until it is mended. A file of
the archive is copied again from rows that were found sound. One thing freezes: a checkpoint under our own signature whose
root is not that of the entries.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from services.custody.operating.signed import BEFORE_ALL, CHECKPOINTS, COSIGNATURES, Signed
from services.custody.outside.archive import Archive
from services.custody.soundness.damage import Damage
from services.custody.soundness.scrub import Found, Stretch
from services.custody.store import Transaction
from services.custody.tiles import LogIncomplete
from shared.audit.refusals import CannotWrite, NotServed
from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.merkle import CompactRange

logger = structlog.get_logger(__name__)

AT_ONCE = 128  # cosignatures a step: a log that does not grow has one more every ten minutes under the same checkpoint


@dataclass(slots=True)
class _Walk:
    """Where this process stands in the cosignatures of one bundle, and what it found there so far."""

    of: tuple[int, int] = (-1, -1)  # the pass, and the bundle: another process may have brought this pass to its end
    after: tuple[int, bytes, int] = BEFORE_ALL
    found: list[str] = field(default_factory=list)


class Beside:
    """One per scrub."""

    def __init__(self, rules: Signed, archive: Archive) -> None:
        self._rules, self._archive = rules, archive
        self._walk = _Walk()
        self._kept: Checkpoint | None = None

    async def begin(self) -> None:
        """How far the archive is."""
        self._kept = None
        with suppress(Refusal):  # the guard says so, and freezes
            self._kept = await asyncio.to_thread(self._archive.newest)

    async def look(self, tx: Transaction, at: Stretch, signed: Checkpoint, passes: int) -> Found:
        """One bounded step. Damage when the log signed another root than that of its entries."""
        if self._walk.of != (passes, at.bundle):
            wrong = await self._checkpoints(tx, at)
            self._walk = _Walk((passes, at.bundle), found=[str(fault) for fault in wrong])
        walk, found = self._walk, Found()
        rows = await tx.fetch(COSIGNATURES, tx.log_id, *at.sizes, *walk.after, AT_ONCE)
        walk.found += map(str, await asyncio.to_thread(lambda: list(self._wrong_lines(rows))))
        if rows:
            walk.after = rows[-1][0], rows[-1][1], rows[-1][2]
        if len(rows) == AT_ONCE:
            return found
        if self._kept is not None and self._kept.size <= signed.size:
            await self._files(tx, at.bundle, self._kept, signed, found)
        self._walk, found.through = _Walk(), True
        found.aside = next(iter(walk.found), found.aside)
        return found

    async def _checkpoints(self, tx: Transaction, at: Stretch) -> list[Damage]:
        rows = await tx.fetch(CHECKPOINTS, tx.log_id, *at.sizes)
        wrong = await asyncio.to_thread(lambda: list(self._wrong_notes(at, rows)))
        for fault in wrong:
            if fault.reason == "other root":
                raise fault
            logger.error("checkpoint_damaged", place=fault.place, reason=fault.reason)
        return wrong

    def _wrong_notes(self, at: Stretch, rows: Sequence[Any]) -> Iterator[Damage]:
        tree = CompactRange(at.before.size, at.before.edge)
        for size, edge, note in rows:
            tree.append(at.leaves[tree.size - at.before.size : size - at.before.size])
            try:
                self._rules.check_checkpoint(tree, edge, note)
            except Damage as fault:
                yield fault

    def _wrong_lines(self, rows: Sequence[Any]) -> Iterator[Damage]:
        for size, key, at, line, note in rows:
            try:
                self._rules.check_cosignature(size, key, at, line, note)
            except Damage as fault:
                logger.error("cosignature_damaged", size=size, key=key.hex()[:16], line=line)
                yield fault

    async def _files(self, tx: Transaction, bundle: int, kept: Checkpoint, signed: Checkpoint, found: Found) -> None:
        try:
            mended = await self._archive.mend(tx, bundle, kept, signed)
        except CannotWrite as why:
            found.aside = str(why)
            return
        except (NotServed, LogIncomplete):  # other rows than those of this stretch are damaged: their turn comes
            return
        for file in mended:
            logger.warning("archive_mended", file=file, folder=str(self._archive.folder))
        found.mended = len(mended)
