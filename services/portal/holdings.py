"""What a community holds, out of the answers of the API: what is left under each permit, and what wants doing. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

# From here on the end of a permit's movement is near enough to say so.
SOON_DAYS = 60
# Below this share of what was authorised a balance is called short.
SHORT_MILLI = 100


@dataclass(frozen=True)
class Left:
    """One species and product under a permit, over all its parcels, in litres."""

    species: str
    product: str
    authorised_dm3: int
    drawn_dm3: int
    felled_dm3: int

    @property
    def left_dm3(self) -> int:
        """What guides may still draw; less than nothing when more was moved than was authorised."""
        return self.authorised_dm3 - self.drawn_dm3

    @property
    def left_milli(self) -> int:
        """The same as thousandths of what was authorised, between none and all."""
        return max(0, min(1000, 1000 * self.left_dm3 // self.authorised_dm3)) if self.authorised_dm3 else 0

    @property
    def mark(self) -> str:
        """The shape beside it: none left, short, or enough."""
        return "no" if self.left_dm3 <= 0 else "look" if self.left_milli < SHORT_MILLI else "yes"


def left_of(balances: Iterable[Mapping[str, Any]], permit: str) -> list[Left]:
    """What is left under a permit by species and product, those in use first, then by what is left."""
    sums: dict[tuple[str, str], list[int]] = {}
    for one in balances:
        if one["permit"] == permit:
            row = sums.setdefault((one["species"], one["product"]), [0, 0, 0])
            for at, name in enumerate(("authorised_dm3", "drawn_dm3", "felled_dm3")):
                row[at] += one[name]
    found = [Left(species, product, *row) for (species, product), row in sums.items()]
    return sorted(
        found, key=lambda one: (one.drawn_dm3 == 0 and one.felled_dm3 == 0, -one.left_dm3, one.species, one.product)
    )


@dataclass(frozen=True)
class Todo:
    """Something that wants doing: the key of its text with its facts, and the page where it is done."""

    text: str
    path: str
    facts: Mapping[str, Any]


def todos(
    plans: Sequence[Mapping[str, Any]],
    permits: Sequence[Mapping[str, Any]],
    open_findings: int,
    today: date,
    *,
    owns_forest: bool,
) -> list[Todo]:
    """What wants doing, the most pressing first. Who owns no forest and has no plan waits for the loads of others."""
    found = [Todo("todo.finding", "#findings", {"count": open_findings})] if open_findings else []
    in_force = [one for one in permits if one["state"] == "in_force"]
    for one in in_force:
        days = (date.fromisoformat(one["move_to"]) - today).days
        if 0 <= days <= SOON_DAYS:
            found.append(Todo("todo.ends", f"/permits/{one['number']}", {"permit": one["number"], "days": days}))
    found += [
        Todo("todo.census", f"/community/census?plan={one['id']}", {"plan": one["number"]})
        for one in plans
        if one["state"] == "draft"
    ]
    if not (owns_forest or plans or permits):
        found.append(Todo("todo.reception", "/community/reception", {}))
    elif not in_force:
        found.append(Todo("todo.no_permit", "/community/census", {}))
    elif not open_findings:
        found.append(Todo("todo.record", "/community/felling", {}))
    return found
