"""What was reported: one price in one cell by one entity, and what of it counts as one vote."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.contracts.domain.estimate.parameters import Parameters, Tier
from services.contracts.domain.estimate.robust import weighted_median

YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """What is estimated. ``market`` names prices that may be pooled: one product, point of sale, unit and currency.

    Without a region it means the species everywhere, without a species the market as a whole.
    """

    market: str
    species: str | None
    region: str | None

    def parents(self) -> tuple["Cell", ...]:
        """The wider cells, nearest first: the species in all regions, then the market."""
        wider = (Cell(self.market, self.species, None), Cell(self.market, None, None))
        return tuple(cell for cell in wider if cell.covers(self) and cell != self)

    def within(self) -> tuple["Cell", ...]:
        """Every cell that a report of this one is a report of too, itself first."""
        regions = dict.fromkeys((self.region, None))
        return tuple(Cell(self.market, s, r) for s in dict.fromkeys((self.species, None)) for r in regions)

    def covers(self, other: "Cell") -> bool:
        """Whether a report of ``other`` is a report of this cell too."""
        return (
            self.market == other.market
            and self.species in (None, other.species)
            and self.region in (None, other.region)
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """One price report, in the currency and unit of its market (for Peru: soles a round cubic metre).

    ``entity`` is the legal entity, by any pseudonym that stays the same for it. ``ValueError`` unless price is above 0.
    """

    id: str
    cell: Cell
    price: Decimal
    tier: Tier
    entity: str
    observed_on: date

    def __post_init__(self) -> None:
        if not (self.price.is_finite() and self.price > 0):
            raise ValueError(f"the price {self.price} of report {self.id} is not above nothing")
        if self.cell.species is None or self.cell.region is None:
            raise ValueError(f"report {self.id} names no species or no region")


@dataclass(frozen=True, slots=True)
class Vote:
    """All that one party says of one cell in one half-life: its weighted median, with the weight of its best report."""

    cell: Cell
    window: int
    party: str
    log_price: float
    weight: float
    age_days: float


def clusters(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The party of each linked entity (related companies, one device): the first name of its cluster by alphabet."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for one, other in links:
        first, second = sorted((find(one), find(other)))
        leader[second] = first
    return {name: find(name) for name in sorted(leader)}


def votes(
    observations: Iterable[Observation], on: date, parameters: Parameters, parties: Mapping[str, str]
) -> list[Vote]:
    """One vote a party, cell and half-life counted back from ``on``; later reports and those too old do not count.

    A further report of the same party moves its own vote at most and never adds weight beyond its best report.
    """
    said: dict[tuple[Cell, int, str], list[tuple[float, float, float]]] = defaultdict(list)
    for one in observations:
        age = (on - one.observed_on).days
        if 0 <= age <= parameters.years_back * YEAR_DAYS:
            window, rest = divmod(age, parameters.half_life_days)
            weight = parameters.tiers[one.tier] * 0.5 ** (rest / parameters.half_life_days)
            party = parties.get(one.entity, one.entity)
            said[one.cell, window, party].append((math.log(one.price), weight, float(age)))
    found = []
    for (cell, window, party), rows in sorted(said.items(), key=lambda item: (item[0][0], *item[0][1:])):
        prices, weights, ages = zip(*sorted(rows), strict=True)
        best = max(weights)
        found.append(Vote(cell, window, party, weighted_median(prices, weights), best, weighted_median(ages, weights)))
    return found
