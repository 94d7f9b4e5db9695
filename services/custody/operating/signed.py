"""What was signed of the log, by itself and by witnesses, as its rows have it: each checkpoint and each cosignature against
the entries. Used by the slow scrub of a running custody and by `fsck`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.custody.keys import our_notes
from services.custody.keys.our_notes import OurNote
from services.custody.soundness.damage import damage
from services.custody.succession import Before
from services.custody.witnesses.cosignatures import stands
from shared.refusal import Refusal
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.merkle import CompactRange
from shared.tlog.note import Verifier, split_note

CHECKPOINTS = "SELECT size, edge, note FROM checkpoint WHERE log_id = $1 AND size >= $2 AND size <= $3 ORDER BY size"
COSIGNATURES = """
SELECT c.size, c.key, c.at, c.line, p.note FROM cosignature c LEFT JOIN checkpoint p USING (log_id, size)
WHERE c.log_id = $1 AND c.size >= $2 AND c.size <= $3 AND (c.size, c.key, c.at) > ($4::bigint, $5::bytea, $6::bigint)
ORDER BY c.size, c.key, c.at LIMIT $7"""
BEFORE_ALL = (-1, b"", -1)


@dataclass(slots=True)
class Signed:
    """Who signs this log of `origin` and who cosigns it. `logs` are its keys, the retired too, and those of `past`, the
    logs that it continues; of these, `named` are further keys, perhaps not all. Without any, signatures are not checked.
    With `every_key_known` a line in the name of one of `logs` by another key is damage; a process that runs while keys
    change knows only those of its start. `witnesses` are those whose lines can be checked, by what these are kept under."""

    origin: str | None
    logs: Sequence[Verifier]
    witnesses: Mapping[bytes, Verifier] = field(default_factory=dict)
    past: Sequence[Before] = ()
    named: Sequence[Verifier] = ()
    every_key_known: bool = False

    def opened(self, note: bytes, origin: str | None) -> OurNote:
        """A note of that origin: where keys of it are known, each of their lines is right; a Refusal."""
        keys = [log for log in (*self.logs, *self.named) if log.name == origin]
        if keys:
            return our_notes.opened(note, keys)
        return OurNote(parse_checkpoint(split_note(note)[0]), frozenset(), ())

    def check_checkpoint(self, tree: CompactRange, edge: bytes, note: bytes) -> None:
        """Damage unless the row of the size of `tree` is what this log, or the one before at that size, signed of it."""
        place = f"checkpoint {tree.size}"
        then = next((one for one in self.past if tree.size <= one.size), None)
        origin = self.origin if then is None else then.origin
        try:
            found = self.opened(note, origin)
        except Refusal:
            raise damage(place, "note") from None
        signed = found.checkpoint
        if signed.size != tree.size or origin not in (None, signed.origin):
            raise damage(place, "note")
        if then is not None and tree.size == then.size and not then.signed(note):
            raise damage(place, "note")  # the log itself says which one it was
        if self.every_key_known and found.strange and any(log.name == origin for log in self.logs):
            raise damage(place, "strange")
        if signed.root != tree.root():
            raise damage(place, "other root")
        if edge != tree.edge_bytes:
            raise damage(place, "edge")

    def check_cosignature(self, size: int, key: bytes, at: int, line: str, note: bytes | None) -> None:
        """Damage unless the row is under a checkpoint that is there, and by the witness, where its key is known."""
        if note is None or not stands(note, line, self.witnesses.get(key), at):
            raise damage(f"cosignature of checkpoint {size} by {key.hex()[:16]}", "cosignature")
