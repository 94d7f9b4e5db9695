"""Crowns of census trees looked for in an image from above: what was seen, by whom, and how far it counts (F14)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

Seat = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CrownLook:
    """What one organisation saw in one image. ``trees``: parcel and code of each tree that was looked for, and whether its crown is
    there. ``by_another``: by nobody who made the plan."""

    image: str
    by_org: str
    by_another: bool
    taken_on: date
    device: str
    trees: Mapping[Seat, bool]


def crowns_seen(looks: Iterable[CrownLook], felling_from: date) -> tuple[dict[Seat, bool], dict[Seat, bool]]:
    """Of each tree whether a crown is there: as others saw it, and as its makers say. A later look counts before an earlier one.
    From the first day of felling on a crown that is gone says nothing."""
    others: dict[Seat, bool] = {}
    makers: dict[Seat, bool] = {}
    for look in sorted(looks, key=lambda one: (one.taken_on, one.image, one.by_org)):
        told = {seat: there for seat, there in look.trees.items() if there or look.taken_on < felling_from}
        (others if look.by_another else makers).update(told)
    return others, makers
