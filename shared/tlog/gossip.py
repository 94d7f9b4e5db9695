"""Gossip: what a checkpoint that somebody else saw says about a log.

Two checkpoints of one log are consistent when the smaller tree is a prefix of the larger. When they are not, the log
has signed two histories, and the two notes prove it to anybody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.tlog.checkpoint import Checkpoint
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.merkle import BadProof, verify_consistency
from shared.tlog.note import BadNote, BadSignature, Verifier, open_note, split_note
from shared.tlog.witness import NotByTheLog

Outcome = Literal["consistent", "fork", "ahead"]


@dataclass(frozen=True, slots=True)
class Heard:
    """A checkpoint that a known log signed; `note` is its text under that log's verified signatures and no others."""

    checkpoint: Checkpoint
    note: bytes


def heard(note: bytes, logs: Iterable[Verifier]) -> Heard:
    """Verify a note before it says anything. NotByTheLog unless one of these keys of its origin signed it; a malformed
    note raises as `split_note` and `checkpoint.parse` do."""
    text, signatures = split_note(note)
    checkpoint = parse_checkpoint(text)
    keys = [key for key in logs if key.name == checkpoint.origin]
    try:
        known = {(one.verifier.name, one.verifier.key_id) for one in open_note(note, keys).known}
    except (BadNote, BadSignature):
        raise NotByTheLog(checkpoint.origin) from None
    lines = {signature.line for signature in signatures if (signature.name, signature.key_id) in known}
    return Heard(checkpoint, (text + "\n" + "".join(sorted(lines))).encode())


def judge(ours: Checkpoint, theirs: Checkpoint, proof: Sequence[bytes]) -> Outcome:
    """`consistent` or `fork`; `ahead` when theirs is larger, so that nothing can be said yet.

    `proof` is our own, that our tree at their size is a prefix of our tree (RFC 6962).
    """
    if theirs.size > ours.size:
        return "ahead"
    try:
        verify_consistency(theirs.size, ours.size, theirs.root, ours.root, proof)
    except BadProof:
        return "fork"
    return "consistent"
