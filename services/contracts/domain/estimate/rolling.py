"""Rolling origin over a panel of yearly cell means: what the estimator would have said of each cell, never seeing it.

Each year's cells are estimated from what was reported before that year and, when asked for, from the other cells of that
year. A cell's own price, number of reports, lowest and highest price are not looked at until its estimate is made.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.contracts.domain.estimate.band import LEAST_MISSES, calibrated
from services.contracts.domain.estimate.parameters import Parameters
from services.contracts.domain.estimate.pooled import Floats, Place, Point, belief_weights, by_the_others, pool


@dataclass(frozen=True, slots=True)
class PanelCell:
    """The mean price of one species in one region and year. ``price`` is ``None`` where only the estimate is wanted.

    ``market`` names prices that may be pooled: one product in one unit.
    """

    year: int
    market: str
    species: str
    region: str
    price: float | None
    reports: int

    @property
    def series(self) -> tuple[str, str, str]:
        """The cell whatever the year."""
        return self.market, self.species, self.region


@dataclass(frozen=True, slots=True)
class Held:
    """A cell with what was said of its log price: mean, standard deviation, and multiples of it for each band."""

    cell: PanelCell
    mean: float
    deviation: float
    multipliers: Mapping[int, float]

    def bounds(self, level: int) -> tuple[float, float]:
        """The band of a level, as prices."""
        reach = self.multipliers[level] * self.deviation
        return math.exp(self.mean - reach), math.exp(self.mean + reach)


@dataclass(frozen=True, slots=True)
class Rolled:
    """The same cells twice: by what was reported before their year, and with the other cells of their year."""

    past_only: tuple[Held, ...]
    same_year: tuple[Held, ...]


def rolling(cells: Iterable[PanelCell], first: int, parameters: Parameters) -> Rolled:
    """Estimates of all cells from the year ``first`` on, in the order of the cells.

    Cells of a market without any other price to go by are left out. Bands are calibrated on the misses of the years
    before, ``calibration_years`` of them and more where those are few, estimated in the same way.
    """
    rows = list(cells)
    by_year: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, cell in enumerate(rows):
        by_year[cell.year][cell.market].append(number)
    markets: dict[str, _Market] = defaultdict(lambda: _Market(parameters))
    ways = _Way(parameters), _Way(parameters)
    for year in sorted(by_year):
        for name, mine in sorted(by_year[year].items()):
            asked = [rows[number] for number in mine]
            for way, said in zip(ways, markets[name].year(asked), strict=True):
                way.note(mine, asked, said, first)
    return Rolled(ways[0].in_order(), ways[1].in_order())


class _Way:
    """What was said by one way of estimating, and by how much it missed."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.held: dict[int, Held] = {}
        self.misses: dict[int, list[float]] = defaultdict(list)
        self.multipliers: dict[int, dict[int, float]] = {}

    def note(self, numbers: Sequence[int], cells: Sequence[PanelCell], said: "_Said", first: int) -> None:
        for number, cell, mean, variance in zip(numbers, cells, said.means, said.variances, strict=True):
            if not math.isfinite(mean):
                continue
            deviation = math.sqrt(variance)
            if cell.price is not None:
                self.misses[cell.year].append(abs(math.log(cell.price) - mean) / deviation)
            if cell.year >= first:
                self.held[number] = Held(cell, float(mean), deviation, self._multipliers(cell.year))

    def in_order(self) -> tuple[Held, ...]:
        return tuple(self.held[number] for number in sorted(self.held))

    def _multipliers(self, year: int) -> dict[int, float]:
        if year not in self.multipliers:
            lately: list[float] = []
            for earlier in sorted((one for one in self.misses if one < year), reverse=True):
                if earlier < year - self.parameters.calibration_years and len(lately) >= LEAST_MISSES:
                    break
                lately += self.misses[earlier]
            self.multipliers[year] = calibrated(lately, self.parameters.bands)
        return self.multipliers[year]


@dataclass(frozen=True, slots=True)
class _Said:
    """Mean and variance of the log prices of a year's cells; not a number where there was nothing to go by."""

    means: Floats
    variances: Floats


class _Market:
    """One market, year after year."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.past: list[tuple[PanelCell, Point, float]] = []

    def year(self, cells: Sequence[PanelCell]) -> tuple[_Said, _Said]:
        """What the past says of the cells of a year, and what it says with their neighbours; then they are past."""
        self.past = [row for row in self.past if row[0].year >= cells[0].year - self.parameters.years_back]
        told = np.array([cell.price is not None for cell in cells])
        prices = np.array([0.0 if cell.price is None else math.log(cell.price) for cell in cells])
        noise = np.array([1.0 if cell.price is None else self._noise(cell.reports) for cell in cells])
        usual = self._usual_reports()
        again = np.array([self._noise(usual.get(cell.series, self.parameters.publish_reporters)) for cell in cells])
        weights = np.ones(len(cells))
        nothing = np.full(len(cells), np.nan)
        past_only = same_year = _Said(nothing, nothing)
        if self.past:
            points, believed = [row[1] for row in self.past], np.array([row[2] for row in self.past])
            means, joint = pool(points, believed, self.parameters.spread).belief([_place(cell) for cell in cells])
            variances = np.diag(joint)
            weights = belief_weights(prices - means, variances + noise, self.parameters.surprise)
            past_only = _Said(means, variances + again)
            means, variances = _with_others(means, joint, prices, noise / weights, told)
            same_year = _Said(means, variances + again)
        self.past += [
            (cell, Point(_place(cell), float(prices[n]), float(noise[n])), float(weights[n]))
            for n, cell in enumerate(cells)
            if told[n]
        ]
        return past_only, same_year

    def _noise(self, reports: float) -> float:
        return self.parameters.spread.cell + self.parameters.spread.report / reports

    def _usual_reports(self) -> dict[tuple[str, str, str], float]:
        """The harmonic mean of how many reported each cell in the past; a new one has the fewest that are published."""
        shares: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        for cell, _, _ in self.past:
            shares[cell.series].append(1 / cell.reports)
        return {series: len(own) / math.fsum(own) for series, own in shares.items()}


def _with_others(
    middle: Floats, joint: Floats, prices: Floats, noise: Floats, told: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[Floats, Floats]:  # fmt: skip
    """Mean and variance of the latent price of each cell once the other cells of its year are known."""
    mean, variance = middle.copy(), np.diag(joint).copy()
    own = np.flatnonzero(told)
    if own.size:
        seen = joint[np.ix_(own, own)] + np.diag(noise[own])
        mean[own], variance[own] = by_the_others(middle[own], seen, prices[own])
        variance[own] -= noise[own]
        asked = np.flatnonzero(~told)
        across = joint[np.ix_(asked, own)] @ np.linalg.inv(seen)
        mean[asked] = middle[asked] + across @ (prices[own] - middle[own])
        variance[asked] -= np.einsum("ij,ij->i", across, joint[np.ix_(asked, own)])
    return mean, np.maximum(variance, 0.0)


def _place(cell: PanelCell) -> Place:
    return Place(cell.species, cell.region, float(cell.year))
