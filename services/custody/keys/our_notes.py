"""What stands under a checkpoint that this log signed: a line by each of its keys, of which readers trust one or the other.

Our own side asks for all of them. A reader who knows a key takes a wrong line of it for a forgery, so a checkpoint with
one spoilt line is damaged for somebody, whatever the other lines say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.tlog.checkpoint import Checkpoint
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.note import ED25519, BadNote, Signature, Verifier, open_note, split_note


@dataclass(frozen=True, slots=True)
class OurNote:
    """A checkpoint of ours, the keys whose lines are right under it, and lines in our name by keys that are not known:
    of a newer `log.key` than this process read, or spoilt."""

    checkpoint: Checkpoint
    bears: frozenset[Verifier]
    strange: tuple[Signature, ...]

    def stands(self, signing: Iterable[Verifier]) -> bool:
        """Whether no strange line is there in the place of one by these, that sign now. Where every one of them has signed
        a strange line is of a key that was added; where a line is only missing, the key came later."""
        return not self.strange or self.bears.issuperset(signing)


def opened(note: bytes, keys: Sequence[Verifier]) -> OurNote:
    """A note of ours as we keep it. `keys` are those of one log, of every kind.

    BadSignature when the line of a known key is wrong, whatever else stands there; BadNote without an Ed25519 line, under
    another name, or when it is malformed.
    """
    found = open_note(note, keys)
    bears = frozenset(one.verifier for one in found.known)
    if all(one.kind != ED25519 for one in bears):
        raise BadNote("note", "unsigned by a known key")
    checkpoint, ids = parse_checkpoint(found.text), {key.key_id for key in keys}
    if any(checkpoint.origin != key.name for key in bears):
        raise BadNote("note", "unsigned by a known key")
    # Of a spoilt line the name or the key ID is another: with ours under another name it is not that of a witness.
    if any(line.key_id in ids for line in found.unknown):
        raise BadNote("note", "key name of a note")
    return OurNote(checkpoint, bears, tuple(line for line in found.unknown if line.name == checkpoint.origin))


def under_right_lines(note: bytes, keys: Sequence[Verifier]) -> bytes:
    """What somebody else shows of us, under those of our lines that are right: a line that was spoilt on the way speaks
    neither for nor against what the others sign. BadNote when no Ed25519 line is."""
    text, lines = split_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    right: dict[str, Verifier] = {}
    for line in lines:
        key = known.get((line.name, line.key_id))
        if key is not None and key.verify(text, line.value):
            right[line.line] = key
    if all(key.kind != ED25519 for key in right.values()):
        raise BadNote("note", "unsigned by a known key")
    return (text + "\n" + "".join(right)).encode()
