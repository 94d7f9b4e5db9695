"""What is known of a regent firm or a company from the plans it had a part in, across communities and regions.

A record looks back as many days as the norm says, and within them nothing newer wipes out what is older.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A finding of false data that an officer upheld, on this day, and no appeal lifted."""

    id: str
    rule: str
    subject: str
    upheld_on: date


@dataclass(frozen=True, slots=True)
class PartIn:
    """A plan in which an organisation had a part: as its ``regent``, or as ``holder`` of a permit on another's plan.

    ``signed_on`` is the day the plan was handed in.
    """

    plan: str
    part: str
    org: str
    signed_on: date
    confirmed: tuple[Confirmed, ...]

    def confirmed_since(self, day: date) -> bool:
        """Whether false data in it was upheld on that day or after it."""
        return any(one.upheld_on >= day for one in self.confirmed)


@dataclass(frozen=True, slots=True)
class Supervised:
    """What one closed supervision of a permit it holds found in a community: unjustified volume, and moved volume of the
    supervised species (V3 is the one over the other)."""

    org: str
    unjustified_dm3: int
    moved_dm3: int
    number: str
    permit: str
    closed_on: date

    @property
    def v3_permille(self) -> int | None:
        """V3 in whole permille; ``None`` where nothing was moved."""
        return self.unjustified_dm3 * 1000 // self.moved_dm3 if self.moved_dm3 else None

    @property
    def share(self) -> Fraction:
        """V3 as a number to compare; volume without trees where nothing was moved is worse than any share."""
        if self.moved_dm3:
            return Fraction(self.unjustified_dm3, self.moved_dm3)
        return Fraction(self.unjustified_dm3 + 1) if self.unjustified_dm3 else Fraction(0)

    def v3_over(self, permille: int) -> bool:
        """Whether more of what was moved than this has no tree behind it."""
        return self.unjustified_dm3 * 1000 > permille * self.moved_dm3


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """The plans of one organisation up to a day, and what each supervision of its permits found, the oldest first."""

    org: str
    day: date
    plans: tuple[PartIn, ...]
    supervised: tuple[Supervised, ...] = ()

    @property
    def signed_in_a_year(self) -> list[PartIn]:
        """Plans handed in with it as regent in the 365 days up to the day."""
        return [one for one in self.plans if one.part == "regent" and 0 <= (self.day - one.signed_on).days < 365]

    def confirmed_plans(self, days: int) -> list[PartIn]:
        """Plans it signed as regent in which false data was confirmed in so many days up to the day."""
        since = self._since(days)
        return [one for one in self.plans if one.part == "regent" and one.confirmed_since(since)]

    def confirmed_communities(self, days: int) -> list[str]:
        """Communities in whose plans, moved by it as holder of the permit, false data was confirmed in so many days."""
        since = self._since(days)
        return _distinct(one.org for one in self.plans if one.part == "holder" and one.confirmed_since(since))

    def supervised_in(self, days: int) -> list[Supervised]:
        """The supervisions that were closed in so many days up to the day, the oldest first."""
        return [one for one in self.supervised if one.closed_on >= self._since(days)]

    def without(self, plan: str) -> "TrackRecord":
        """The same, but for one plan."""
        return replace(self, plans=tuple(one for one in self.plans if one.plan != plan))

    def _since(self, days: int) -> date:
        return self.day - timedelta(days=days)


def newest_and_worst(found: Iterable[Supervised]) -> tuple[Supervised, Supervised]:
    """Of supervisions of one community, of which there is one at least: the last closed, and the one with the highest V3."""
    known = list(found)
    return max(known, key=lambda one: (one.closed_on, one.number)), max(
        known, key=lambda one: (one.share, one.closed_on)
    )


def _distinct(names: Iterable[str]) -> list[str]:
    return sorted(set(names))
