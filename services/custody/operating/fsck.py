"""The whole log hashed again from its rows, and held against everything that was ever signed of it: the first damage.

In the order of the log: each bundle of entries, the tiles it completes, the checkpoints and cosignatures of its sizes;
then the head, the archive, and with `deep` what is derived, by a replay. One snapshot, nothing is written.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from services.custody.operating import rebuild
from services.custody.operating.signed import BEFORE_ALL, CHECKPOINTS, COSIGNATURES, Signed
from services.custody.outside.archive import Pinned
from services.custody.outside.guard import Mark
from services.custody.soundness import rehash
from services.custody.soundness.damage import damage, seen
from services.custody.store import Transaction
from services.custody.succession import Before
from shared.audit.fsck import first_damage
from shared.refusal import Refusal
from shared.timber.norms import Norms
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.merkle import BadProof, CompactRange
from shared.tlog.note import Verifier
from shared.tlog.tile import WIDTH

HEAD = "SELECT origin, size, edge FROM tlog WHERE log_id = $1"
LAST_SIZE = "SELECT max(size) FROM checkpoint WHERE log_id = $1"
BEYOND = "SELECT min(idx) FROM entry WHERE log_id = $1 AND (idx >= $2 OR idx < 0)"
TILES = "SELECT level, n FROM tile WHERE log_id = $1 AND n >= $2::bigint >> least(8 * (level + 1), 63) ORDER BY level, n LIMIT 1"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Sound:
    """What was hashed again and found right."""

    size: int
    root: bytes
    checkpoints: int
    signed_size: int


@dataclass(slots=True)
class Fsck:
    """One look at one log. `logs` are its keys, the retired too, and those of logs before it; where one of a name is known
    every one is, and a line by another is damage. Without any, signatures are not checked. `marks` are checkpoints that
    show outside the database, asked before the transaction began. `witnesses` are those whose lines can be checked, by
    what these are kept under. `past` are the logs that this one continues; of these, `named` are further keys, perhaps
    not all."""

    tx: Transaction
    origin: str | None
    logs: Sequence[Verifier]
    marks: Sequence[Mark] = ()
    witnesses: Mapping[bytes, Verifier] = field(default_factory=dict)
    progress: Progress | None = None
    past: Sequence[Before] = ()
    named: Sequence[Verifier] = ()
    checkpoints: int = 0
    signed_size: int = -1
    _rules: Signed = field(init=False)

    def __post_init__(self) -> None:
        self._rules = Signed(self.origin, self.logs, self.witnesses, self.past, self.named, every_key_known=True)
        self.marks = [*self.marks, *(Mark(f"the log {one.origin}", one.checkpoint) for one in self.past)]

    async def rows(self) -> Sound:
        """Everything the entries and tiles are made of; Damage names the first that is not right."""
        size, edge = await self._head()
        arbiter = rehash.Arbiter(self.tx, await self._signed(size))
        growing = rehash.Growing()
        await self._signed_between(growing.tree, [], 0)
        for n in range(-(-size // WIDTH)):
            leaves = await rehash.entries(self.tx, n, size, arbiter)
            before = CompactRange(growing.tree.size, growing.tree.edge)
            for level, number, hashes in growing.append(leaves):
                await rehash.tile(self.tx, level, number, hashes, arbiter)
            await self._signed_between(before, leaves, before.size + 1)
            if self.progress is not None:
                self.progress(growing.tree.size, size)
        if growing.tree.edge_bytes != edge:
            raise damage("head", "head")
        await self._nothing_beyond(size)
        return Sound(size, growing.tree.root(), self.checkpoints, self.signed_size)

    async def _head(self) -> tuple[int, bytes]:
        """Size and edge; Damage when the row is of another log, or behind what was signed or published."""
        found = await self.tx.fetch(HEAD, self.tx.log_id)
        if not found:
            raise damage("head", "missing")
        origin, size, edge = found[0]
        if self.origin not in (None, origin):
            raise damage("head", "origin")
        for mark in self.marks:
            if mark.checkpoint.size > size:
                raise damage(f"entry {size} ({mark.where}: {mark.checkpoint.size})", "behind")
        last = (await self.tx.fetch(LAST_SIZE, self.tx.log_id))[0][0]
        if last is not None and last > size:
            raise damage(f"entry {size} (checkpoint {last})", "behind")
        try:
            CompactRange.stored(size, edge)
        except BadProof:
            raise damage("head", "head") from None
        return size, edge

    async def _signed(self, size: int) -> Checkpoint | None:
        """The newest checkpoint that can be believed: it says which of two rows is the damaged one."""
        known = [mark.checkpoint for mark in self.marks]
        last = await self.tx.last_checkpoint()
        if last is not None and last.size <= size:
            with suppress(Refusal):
                known.append(self._rules.opened(last.note, self.origin).checkpoint)
        return max(known, key=lambda one: one.size, default=None)

    async def _signed_between(self, tree: CompactRange, leaves: list[bytes], start: int) -> None:
        """Checkpoints, marks and cosignatures of the sizes that `tree` has from `start` on while `leaves` follow."""
        base, end = tree.size, tree.size + len(leaves)
        rows = await self.tx.fetch(CHECKPOINTS, self.tx.log_id, start, end)
        marks = [mark for mark in self.marks if start <= mark.checkpoint.size <= end]
        for size in sorted({row[0] for row in rows} | {mark.checkpoint.size for mark in marks}):
            tree.append(leaves[tree.size - base : size - base])
            self._check_marks(tree, [mark for mark in marks if mark.checkpoint.size == size])
            for _, edge, note in (row for row in rows if row[0] == size):
                self._rules.check_checkpoint(tree, edge, note)
                self.checkpoints += 1
                self.signed_size = tree.size
        for size, key, at, line, note in await self.tx.fetch(
            COSIGNATURES, self.tx.log_id, start, end, *BEFORE_ALL, None
        ):  # fmt: skip
            self._rules.check_cosignature(size, key, at, line, note)

    def _check_marks(self, tree: CompactRange, marks: Iterable[Mark]) -> None:
        for mark in marks:
            if mark.checkpoint.root != tree.root():
                raise damage(f"checkpoint {tree.size} ({mark.where})", "other root")

    async def _nothing_beyond(self, size: int) -> None:
        beyond = (await self.tx.fetch(BEYOND, self.tx.log_id, size))[0][0]
        if beyond is not None:
            raise damage(f"entry {beyond}", "beyond")
        for level, n in await self.tx.fetch(TILES, self.tx.log_id, size):
            raise damage(f"tile {level}/{n}", "beyond")

    async def derived(self, size: int, norms: Norms) -> None:
        """Facts, findings and all else that follows from the entries, by a replay in temporary tables: the role must be
        allowed to make them. Damage names the first row."""
        try:
            await rebuild.replay(self.tx, size, norms)
        except rebuild.DoesNotFollow as refusal:
            why = damage(f"entry {refusal.index}", "rules")
            why.reason_es += f": {refusal.why_es.rstrip('.')}"
            why.reason_en += f": {refusal.why.rstrip('.')}"
            raise why from refusal
        for table in rebuild.DERIVED:
            differing = await rebuild.first_difference(self.tx, table)
            if differing is not None:
                raise damage(differing, "derived")


async def archive(copy: Pinned, progress: Progress | None = None) -> None:
    """The second copy, hashed again from its files. Damage names the first one."""
    found = await first_damage(copy, copy.checkpoint, progress)
    if found is not None:
        raise seen(found, f"{copy.name}/")
