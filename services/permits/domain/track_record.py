"""What is known of a regent firm or a company from the plans it had a part in, across communities and regions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A finding of false data that an officer upheld and no appeal lifted."""

    id: str
    rule: str
    subject: str


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


@dataclass(frozen=True, slots=True)
class Supervised:
    """What closed supervisions of permits it holds found in a community: unjustified volume, and moved volume of the supervised
    species (V3 is the one over the other)."""

    org: str
    unjustified_dm3: int
    moved_dm3: int

    def v3_over(self, permille: int) -> bool:
        """Whether more of what was moved than this has no tree behind it."""
        return self.unjustified_dm3 * 1000 > permille * self.moved_dm3


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """The plans of one organisation up to a day, and by community what supervisions of its permits found."""

    org: str
    day: date
    plans: tuple[PartIn, ...]
    supervised: tuple[Supervised, ...] = ()

    @property
    def signed_in_a_year(self) -> list[PartIn]:
        """Plans handed in with it as regent in the 365 days up to the day."""
        return [one for one in self.plans if one.part == "regent" and 0 <= (self.day - one.signed_on).days < 365]

    @property
    def confirmed_plans(self) -> list[PartIn]:
        """Plans it signed as regent in which false data was confirmed."""
        return [one for one in self.plans if one.part == "regent" and one.confirmed]

    @property
    def confirmed_communities(self) -> list[str]:
        """Communities in whose plans, moved by it as holder of the permit, false data was confirmed."""
        return _distinct(one.org for one in self.plans if one.part == "holder" and one.confirmed)

    def without(self, plan: str) -> "TrackRecord":
        """The same, but for one plan."""
        return replace(self, plans=tuple(one for one in self.plans if one.plan != plan))


def _distinct(names: Iterable[str]) -> list[str]:
    return sorted(set(names))
