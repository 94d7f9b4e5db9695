"""What waits for whom: plans by what is done with them next, permits and inspections, out of the answers of permits. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
# Where a plan is in whose hands, as the lifecycle of permits has it.
WITH_AUTHORITY, WITH_COMMUNITY, BEING_USED = (
    ("submitted", "inspected"),
    ("draft", "observed"),
    ("approved", "suspended"),
)
STATE_MARKS = {
    "draft": "part", "observed": "look", "submitted": "look", "inspected": "look", "approved": "yes", "suspended": "no",
    "rejected": "no", "caducated": "no", "reformulated": "part", "closed": "part",
}  # fmt: skip
WITH_CENSUS = "PO"


@dataclass(frozen=True)
class Waiting:
    """A plan with what its last review found: open findings, and how many of them keep it from approval; ``None``
    before there is a review."""

    plan: Json
    open_findings: int | None = None
    blocking: int = 0
    inspections: int = 0


def weighed(plan: Json, review: Json | None, inspections: int = 0) -> Waiting:
    """A plan beside its review."""
    if review is None:
        return Waiting(plan, inspections=inspections)
    failed = [one for one in review["findings"] if one["status"] == "FAIL"]
    return Waiting(plan, len(failed), sum(one["blocks"] is not None for one in failed), inspections)


def in_states(plans: Iterable[Json], states: Sequence[str]) -> list[Json]:
    """The plans that are in one of these states, by their number."""
    return sorted((one for one in plans if one["state"] in states), key=lambda one: one["id"])


def counted(inspections: Iterable[Json]) -> dict[str, int]:
    """How many inspections each plan has had."""
    found: dict[str, int] = {}
    for one in inspections:
        found[one["plan"]] = found.get(one["plan"], 0) + 1
    return found


def uninspected(plans: Iterable[Json], inspections: Iterable[Json]) -> list[Json]:
    """Approved plans with a census that nobody has looked at in the field, the largest volume first."""
    seen = counted(inspections)
    found = [one for one in in_states(plans, BEING_USED) if one["id"] not in seen and one["kind"] == WITH_CENSUS]
    return sorted(found, key=lambda one: (-one["census"]["harvestable_dm3"], one["id"]))
