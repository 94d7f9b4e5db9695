"""What an auditor should look at first, out of the counts that custody answers. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SEVERITIES = ("S4", "S3", "S2", "S1")
# From here on a finding makes a lot TO_REVIEW (shared/timber/verdict.py).
GRAVE = "S3"


@dataclass(frozen=True)
class Counted:
    """Findings of one severity: how many nobody has resolved, how many a supervisor has, and of which rules, most first."""

    severity: str
    open: int = 0
    resolved: int = 0
    rules: tuple[tuple[str, int], ...] = field(default=())

    @property
    def mark(self) -> str:
        """The shape beside it."""
        return "yes" if not self.open else "no" if self.severity >= GRAVE else "look"


def counted(counts: Iterable[Mapping[str, Any]]) -> list[Counted]:
    """The counts by severity, the gravest first; a severity without a finding is told too."""
    rows = list(counts)
    found = []
    for severity in SEVERITIES:
        of_it = [row for row in rows if row["severity"] == severity]
        rules = sorted(((row["rule"], row["open"]) for row in of_it if row["open"]), key=lambda one: (-one[1], one[0]))
        found.append(
            Counted(severity, sum(row["open"] for row in of_it), sum(row["resolved"] for row in of_it), tuple(rules))
        )
    return found
