"""What was signed of the log, by itself and by witnesses, as its rows have it: each checkpoint and each cosignature against
the entries. Used by the slow scrub of a running custody and by `fsck`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.custody.soundness.damage import damage
from services.custody.succession import Before
from services.custody.witnesses.cosignatures import stands
from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.merkle import CompactRange
from shared.tlog.note import Verifier, open_note, split_note

CHECKPOINTS = "SELECT size, edge, note FROM checkpoint WHERE log_id = $1 AND size >= $2 AND size <= $3 ORDER BY size"
COSIGNATURES = """
SELECT c.size, c.key, c.at, c.line, p.note FROM cosignature c LEFT JOIN checkpoint p USING (log_id, size)
WHERE c.log_id = $1 AND c.size >= $2 AND c.size <= $3 AND (c.size, c.key, c.at) > ($4::bigint, $5::bytea, $6::bigint)
ORDER BY c.size, c.key, c.at LIMIT $7"""
BEFORE_ALL = (-1, b"", -1)


@dataclass(slots=True)
class Signed:
    """Who signs this log of `origin` and who cosigns it. `logs` are its keys, the retired too, and those of `past`, the
    logs that it continues; without any, signatures are not checked. `witnesses` are those whose lines can be checked, by
    what these are kept under."""

    origin: str | None
    logs: Sequence[Verifier]
    witnesses: Mapping[bytes, Verifier] = field(default_factory=dict)
    past: Sequence[Before] = ()

    def opened(self, note: bytes, origin: str | None) -> Checkpoint:
        """The checkpoint of a note, verified where the keys of its origin are known; a Refusal."""
        keys = [log for log in self.logs if log.name == origin]
        return parse_checkpoint(open_note(note, keys).text if keys else split_note(note)[0])

    def check_checkpoint(self, tree: CompactRange, edge: bytes, note: bytes) -> None:
        """Damage unless the row of the size of `tree` is what this log, or the one before at that size, signed of it."""
        place = f"checkpoint {tree.size}"
        then = next((one for one in self.past if tree.size <= one.size), None)
        origin = self.origin if then is None else then.origin
        try:
            signed = self.opened(note, origin)
        except Refusal:
            raise damage(place, "note") from None
        if signed.size != tree.size or origin not in (None, signed.origin):
            raise damage(place, "note")
        if then is not None and tree.size == then.size and not then.signed(note):
            raise damage(place, "note")  # the log itself says which one it was
        if signed.root != tree.root():
            raise damage(place, "other root")
        if edge != tree.edge_bytes:
            raise damage(place, "edge")

    def check_cosignature(self, size: int, key: bytes, at: int, line: str, note: bytes | None) -> None:
        """Damage unless the row is under a checkpoint that is there, and by the witness, where its key is known."""
        if note is None or not stands(note, line, self.witnesses.get(key), at):
            raise damage(f"cosignature of checkpoint {size} by {key.hex()[:16]}", "cosignature")
