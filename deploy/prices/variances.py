"""The variances of the model, fitted to a panel: by how likely each cell is as all the others tell it.

Every cell of the years asked for is left out in turn (Dubrule 1983), and the sum of its log-likelihoods is made as large as
a search over one number at a time makes it. Nothing is drawn: the same panel gives the same figures.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from services.contracts.domain.estimate.parameters import Spread
from services.contracts.domain.estimate.pooled import Place, Point, covariance, pool, without_each
from services.contracts.domain.estimate.rolling import PanelCell

# From which value each search begins, whatever is in force: a fit that begins at the answer proves nothing.
BEGIN = Spread(**{one.name: 5.0 if one.name.endswith("_years") else 0.02 for one in fields(Spread)})
# A variance below the first is nothing; a movement slower than the last of these years is none in a few years of prices.
BOUNDS = {"variance": (1e-5, 2.0), "years": (0.25, 25.0)}
# Steps of the logarithm, each tried until none of the numbers gains by it.
STEPS = (1.0, 0.5, 0.2, 0.1)
GAIN = 0.05


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit: the variances, their log-likelihood, that of others over the same cells, and how many were looked at."""

    spread: Spread
    log_likelihood: float
    compared: float
    cells: int
    tried: int


def fitted(cells: Sequence[PanelCell], compared: Spread) -> Fitted:
    """The variances under which the left-out cells are likeliest; ``compared`` are held against them."""
    markets = _markets(cells)

    def likelihood(spread: Spread) -> float:
        return math.fsum(_of_market(market, spread) for market in markets)

    spread, best, tried = _searched(likelihood)
    return Fitted(spread, best, likelihood(compared), sum(len(market) for market in markets), tried)


def _searched(likelihood: Callable[[Spread], float]) -> tuple[Spread, float, int]:
    found, best, tried = BEGIN, likelihood(BEGIN), 1
    for step in STEPS:
        gained = True
        while gained:
            gained = False
            for name in asdict(found):
                for factor in (math.exp(step), math.exp(-step)):
                    other = _with(found, name, factor)
                    if other == found:
                        continue
                    told, tried = likelihood(other), tried + 1
                    if told > best + GAIN:
                        found, best, gained = other, told, True
                        break
    return found, best, tried


def _with(spread: Spread, name: str, factor: float) -> Spread:
    low, high = BOUNDS["years" if name.endswith("_years") else "variance"]
    return replace(spread, **{name: min(max(getattr(spread, name) * factor, low), high)})


def _markets(cells: Sequence[PanelCell]) -> list[list[PanelCell]]:
    """The cells with a price, by market; of one cell nobody else tells anything."""
    found: dict[str, list[PanelCell]] = defaultdict(list)
    for cell in cells:
        if cell.price is not None:
            found[cell.market].append(cell)
    return [market for _, market in sorted(found.items()) if len(market) > 1]


def _of_market(cells: Sequence[PanelCell], spread: Spread) -> float:
    points = [
        Point(
            Place(cell.species, cell.region, float(cell.year)), math.log(cell.price or 1.0),
            spread.cell + spread.report / cell.reports,
        )
        for cell in cells
    ]  # fmt: skip
    places = [point.place for point in points]
    prices = np.array([point.log_price for point in points])
    told, variance = without_each(
        pool(points, np.ones(len(points)), spread, covariance(places, places, spread)), prices
    )
    return float(-0.5 * (np.log(2 * math.pi * variance) + (prices - told) ** 2 / variance).sum())
