"""Whether one log goes on as another (docs/format.md, section 7.3): from both, and nothing but their files.

The records at the seam are read, not judged: whether the keeper's key may say them is for whoever replays the log
(`monitor`).
"""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.audit.kept import newest
from shared.audit.source import Source
from shared.audit.tree import Tree
from shared.refusal import Refusal
from shared.timber.event import Record, parse_entry
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Verifier, open_note, split_note
from shared.tlog.policy import Policy
from shared.tlog.tile import WIDTH

_REASONS: dict[str, tuple[str, str]] = {
    "same log": ("ambas constancias son de la misma bitácora", "both checkpoints are of the same log"),
    "not closed": ("su última entrada no es log.closed", "its last entry is not log.closed"),
    "other next": ("su cierre nombra otra bitácora o clave", "its closing names another log or key"),
    "shorter": ("la nueva no llega más allá de la vieja", "the new one does not reach beyond the old one"),
    "other tree": ("la nueva no empieza con las entradas de la vieja", "the new one does not begin with the entries of the old"),
    "not continued": (
        "la primera entrada nueva no es log.continued, o nombra otra constancia",
        "its first own entry is not log.continued, or names another checkpoint",
    ),
}  # fmt: skip


@dataclass(eq=False)
class NotContinued(Refusal):
    """The log that is said to follow another does not, or the other has not ended."""

    slug: ClassVar[str] = "not-continued"
    es: ClassVar[str] = "{new} no continúa {old}: {reason_es}."
    en: ClassVar[str] = "{new} does not continue {old}: {reason_en}."
    old: str
    new: str
    reason: str
    reason_es: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Seam:
    """Where the old log ends, and the key that it says goes on."""

    old: Checkpoint
    new: Checkpoint
    vkey: str


async def seam(old: Source, new: Source, policy: Policy) -> Seam:
    """That the old log has ended, names the new one and its key, and that the new one begins with all of it.

    NotContinued with the reason; refusals as of `newest` for either log; Damaged; CannotRead.
    """
    old_note, last = await newest(old, policy)
    new_note, now = await newest(new, policy)

    def unless(right: bool, reason: str) -> None:
        if not right:
            raise NotContinued(last.origin, now.origin, reason, *_REASONS[reason])

    unless(last.origin != now.origin, "same log")
    before, after = Tree(old, last), Tree(new, now)
    closing = None if last.size == 0 else await _record(before, last.size - 1)
    unless(closing is not None and closing.type == "log.closed", "not closed")
    assert closing is not None
    vkey = closing.body["vkey"]
    unless(closing.body["next"] == now.origin and _signed(new_note, vkey), "other next")
    unless(now.size > last.size, "shorter")
    unless(await after.root_at(last.size) == last.root, "other tree")
    first = await _record(after, last.size)
    unless(first.type == "log.continued" and first.body == _continuing(last, old_note), "not continued")
    return Seam(last, now, vkey)


def _continuing(last: Checkpoint, note: bytes) -> dict[str, Any]:
    """What the first record of the new log says of the old one. Cosignatures came to its note later."""
    text, signatures = split_note(note)
    own = "".join(one.line for one in signatures if one.name == last.origin)
    sha256 = hashlib.sha256(f"{text}\n{own}".encode()).hexdigest()
    return {"before": last.origin, "size": last.size, "root": last.root.hex(), "checkpoint_sha256": sha256}


def _signed(note: bytes, vkey: str) -> bool:
    try:
        open_note(note, [Verifier.parse(vkey)])
    except Refusal:
        return False
    return True


async def _record(tree: Tree, index: int) -> Record:
    bundle = await tree.bundle(index // WIDTH)
    return parse_entry(bundle.entries[index - bundle.first])
