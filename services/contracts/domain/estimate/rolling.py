"""Rolling origin over a panel of yearly cell means: what the estimator would have said of each cell, never seeing it.

Each year's cells are estimated from what was reported before that year and, when asked for, from the other cells of that
year. A cell's own price, number of reports, lowest and highest price are not looked at until its estimate is made.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.contracts.domain.estimate.band import calibrated
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


def rolling(cells: Iterable[PanelCell], first: int, parameters: Parameters, *, same_year: bool) -> list[Held]:
    """Estimates of all cells from the year ``first`` on, in the order of the cells.

    Cells of a market without any other price to go by are left out. Bands are calibrated on the misses of the years
    before, ``calibration_years`` of them, estimated in the same way.
    """
    rows = list(cells)
    by_year: dict[int, list[int]] = defaultdict(list)
    for number, cell in enumerate(rows):
        by_year[cell.year].append(number)
    markets = {name: _Market(parameters) for name in sorted({cell.market for cell in rows})}
    misses: dict[int, list[float]] = defaultdict(list)
    held: dict[int, Held] = {}
    for year in sorted(by_year):
        lately = [miss for before in range(year - parameters.calibration_years, year) for miss in misses[before]]
        multipliers = calibrated(lately, parameters.bands)
        for name, market in markets.items():
            mine = [number for number in by_year[year] if rows[number].market == name]
            said = market.year([rows[number] for number in mine], same_year)
            for number, (mean, deviation) in zip(mine, said, strict=True):
                price = rows[number].price
                if price is not None and math.isfinite(mean):
                    misses[year].append(abs(math.log(price) - mean) / deviation)
                if year >= first and math.isfinite(mean):
                    held[number] = Held(rows[number], mean, deviation, multipliers)
    return [held[number] for number in sorted(held)]


class _Market:
    """One market, year after year."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.past: list[tuple[PanelCell, Point, float]] = []

    def year(self, cells: Sequence[PanelCell], same_year: bool) -> list[tuple[float, float]]:
        """Mean and deviation of each cell (not a number where nothing is known); then the year belongs to the past."""
        if not cells:
            return []
        self.past = [row for row in self.past if row[0].year >= cells[0].year - self.parameters.years_back]
        told = np.array([cell.price is not None for cell in cells])
        prices = np.array([math.log(cell.price) if cell.price is not None else 0.0 for cell in cells])
        noise = np.array([self._noise(cell.reports) if cell.price is not None else 1.0 for cell in cells])
        places = [_place(cell) for cell in cells]
        if self.past:
            middle, joint = pool(
                [row[1] for row in self.past], np.array([row[2] for row in self.past]), self.parameters.spread
            ).belief(places)
            variance = np.diag(joint).copy()
            weights = belief_weights(prices - middle, variance + noise, self.parameters.surprise)
        else:
            middle, variance, weights = np.full(len(cells), np.nan), np.full(len(cells), np.nan), np.ones(len(cells))
            joint = np.empty(0)
        if same_year and self.past:
            middle, variance = _with_others(middle, joint, prices, noise / weights, told)
        again = np.array([self._noise(self._usual_reports(cell)) for cell in cells])
        self.past += [
            (cell, Point(place, float(log_price), float(round_it)), float(weight))
            for cell, place, log_price, round_it, weight in zip(cells, places, prices, noise, weights, strict=True)
            if cell.price is not None
        ]
        return [(float(m), math.sqrt(v)) for m, v in zip(middle, variance + again, strict=True)]

    def _noise(self, reports: float) -> float:
        return self.parameters.spread.cell + self.parameters.spread.report / reports

    def _usual_reports(self, cell: PanelCell) -> float:
        """The harmonic mean of what the cell had in the past; where it is new, the fewest that are published."""
        own = [1 / row[0].reports for row in self.past if row[0].series == cell.series]
        return len(own) / sum(own) if own else float(self.parameters.publish_reporters)


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
