"""What the estimator must beat on a panel: the last price, the five-year median, and the hierarchical reference."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.contracts.domain.estimate.rolling import PanelCell

Series = tuple[str, str, str]
Logs = Mapping[int, float]
HALF_LIFE_YEARS, SHRINK, MOST_REPORTS, MEDIAN_YEARS = 2.0, 10.0, 30, 5


class History:
    """All log prices of a panel by series and year."""

    def __init__(self, cells: Sequence[PanelCell]) -> None:
        self.logs: dict[Series, dict[int, float]] = defaultdict(dict)
        self.weights: dict[Series, dict[int, float]] = defaultdict(dict)
        self.regions: dict[tuple[str, str], list[Series]] = defaultdict(list)
        for cell in cells:
            if cell.price is not None:
                if cell.series not in self.logs:
                    self.regions[cell.series[:2]].append(cell.series)
                self.logs[cell.series][cell.year] = math.log(cell.price)
                self.weights[cell.series][cell.year] = min(cell.reports, MOST_REPORTS)

    def knows(self, cell: PanelCell) -> bool:
        """Whether the cell has a price of an earlier year."""
        return any(year < cell.year for year in self.logs.get(cell.series, ()))

    def last_price(self, cell: PanelCell) -> float:
        """The newest price of a cell that has one, before its year."""
        own = self.logs[cell.series]
        return own[max(year for year in own if year < cell.year)]

    def median_price(self, cell: PanelCell) -> float:
        """The median of the cell's last five years; its last price where there is none."""
        own = self.logs[cell.series]
        lately = [own[year] for year in own if cell.year - MEDIAN_YEARS <= year < cell.year]
        return statistics.median(lately) if lately else self.last_price(cell)

    def reference(self, *, same_year: bool) -> Callable[[PanelCell], float]:
        """The hierarchical estimator of the reference study: level of the species over regions, plus the effect of the
        region, blended in thin cells with the cell's own median."""
        levels: dict[tuple[str, str, int], _Level] = {}

        def told(cell: PanelCell) -> float:
            key = (*cell.series[:2], cell.year)
            if key not in levels:
                levels[key] = self._level(cell)
            level = levels[key]
            middle = self._with_neighbours(cell, level) if same_year else level.past
            return self._blended(cell, middle + level.effects[cell.series])

        return told

    def _level(self, cell: PanelCell) -> "_Level":
        """What the years before a cell's year say of its species and of each of its regions."""
        regions = self.regions[cell.series[:2]]
        means = {year: mean for year, mean in self._means(regions).items() if year < cell.year}
        fading = {year: 0.5 ** ((cell.year - 1 - year) / HALF_LIFE_YEARS) for year in means}
        past = sum(means[year] * fading[year] for year in means) / sum(fading.values())
        return _Level(past, {one: self._effect(one, means, fading) for one in regions})

    def _means(self, regions: Sequence[Series]) -> dict[int, float]:
        sums: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for one in regions:
            for year, log_price in self.logs[one].items():
                sums[year][0] += self.weights[one][year] * log_price
                sums[year][1] += self.weights[one][year]
        return {year: total / weight for year, (total, weight) in sums.items()}

    def _effect(self, series: Series, means: Logs, fading: Logs) -> float:
        """How far the region lies from the species' level, drawn towards nothing."""
        own, weights = self.logs[series], self.weights[series]
        counted = [(weights[y] * fading[y], own[y] - means[y]) for y in own if y in means]
        return sum(w * dev for w, dev in counted) / (sum(w for w, _ in counted) + SHRINK)

    def _with_neighbours(self, cell: PanelCell, level: "_Level") -> float:
        others = [one for one in self.regions[cell.series[:2]] if one != cell.series and cell.year in self.logs[one]]
        weights = [self.weights[one][cell.year] for one in others]
        now = [self.logs[one][cell.year] - level.effects[one] for one in others]
        told = sum(weight * log_price for weight, log_price in zip(weights, now, strict=True))
        return (told + SHRINK * level.past) / (sum(weights) + SHRINK)

    def _blended(self, cell: PanelCell, found: float) -> float:
        own = self.median_price(cell)
        lately = [w for year, w in self.weights[cell.series].items() if cell.year - MEDIAN_YEARS <= year < cell.year]
        share = 0.5 * 10 / ((statistics.fmean(lately) if lately else 0) + 10)
        return (1 - share) * found + share * own


@dataclass(frozen=True, slots=True)
class _Level:
    past: float
    effects: Mapping[Series, float]
