"""How a log was called, by its own closings and continuations (docs/format.md, section 7.3).

A log that ended goes on under another name, with the same entries. The records at the seams must agree with one another,
and the name they lead to must be the origin of the checkpoint that they stand under: a log that said it ended would
otherwise go on by naming anything as what it continues.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from shared.timber.event import Record

CLOSED, CONTINUED = "log.closed", "log.continued"
Broken = Literal["goes_on", "other_before", "name_again"]


@dataclass(slots=True)
class Names:
    """`known` are the names so far, the oldest first and today's last; empty while no seam was met, or after one that did
    not hold. `closed_at`, `next`: the last end that a record said. `began`: the entry at which the log of today's name
    began."""

    known: list[str] = field(default_factory=list)
    closed_at: int | None = None
    next: str = ""
    began: int = 0
    open: bool = False

    def take(self, index: int, record: Record | None) -> Broken | None:
        """Read the entry at an index (None: no record), after those before it. What does not hold at the seam, if this is
        the first entry behind an end."""
        broken = self._follow(index, record) if self.open else None
        if record is not None and record.type == CLOSED:
            self.closed_at, self.next, self.open = index, record.body["next"], True
        return broken

    def _follow(self, index: int, record: Record | None) -> Broken | None:
        self.open = False
        before, self.known = self.known, []
        if record is None or record.type != CONTINUED or index - 1 != self.closed_at:
            return "goes_on"
        names = before or [record.body["before"]]
        if names[-1] != record.body["before"]:
            return "other_before"
        if self.next in names:
            return "name_again"
        self.known, self.began = [*names, self.next], index
        return None

    def contradict(self, origin: str, size: int) -> bool:
        """Whether a checkpoint of this origin and size cannot be of the log that the records read so far are of: they lead
        to another name, or to an end before it."""
        if self.open and (self.next == origin or self.closed_at != size - 1):
            return True
        return bool(self.known) and self.known[-1] != origin

    def as_dict(self) -> dict[str, Any]:
        """For keeping; `Names(**doc)` reads it back."""
        return asdict(self)
