"""The variances of the model, fitted to a panel: by how likely each price is as the estimator would have told it.

Prices are told as in the back-test (``rolling``), from the years before alone and again with the other cells of their year,
and an odd cell is believed less, as the estimator does it. The density is Student's t of the same degrees: under a normal
one a handful of odd cells outweigh all others. Nothing is drawn: the same panel gives the same figures.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from services.contracts.domain.estimate.band import calibrated
from services.contracts.domain.estimate.parameters import Parameters, Spread
from services.contracts.domain.estimate.rolling import Held, PanelCell, Rolled, rolling

NAMES = tuple(one.name for one in fields(Spread))
# From which value each search begins, whatever is in force: a fit that begins at the answer proves nothing.
BEGIN = Spread(**{name: 5.0 if name.endswith("_years") else 0.02 for name in NAMES})
# A variance below the first is nothing; a movement slower than the last of these years is none in a few years of prices.
BOUNDS = {"variance": (1e-5, 2.0), "years": (0.25, 25.0)}
# Steps of the logarithm, each tried until none of the numbers gains by it.
STEPS = (1.0, 0.5, 0.2, 0.1)
GAIN = 0.05


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit: the variances, their log-likelihood, that of those in force over the same prices, how many prices were told
    and how many variances tried. ``bands`` are the multiples of the deviation that covered these prices, told with the
    other cells of their year."""

    spread: Spread
    log_likelihood: float
    in_force: float
    told: int
    tried: int
    bands: Mapping[int, float]


def fitted(cells: Sequence[PanelCell], parameters: Parameters, fixed: Mapping[str, float]) -> Fitted:
    """The variances under which the prices are likeliest, those of ``fixed`` held as they are; all else of the estimator is
    that of ``parameters``, whose own variances are held against them. The first year is only looked back on."""
    priced = [cell for cell in cells if cell.price is not None]
    first = min((cell.year for cell in priced), default=0)

    def told(spread: Spread) -> Rolled:
        return rolling(priced, first, replace(parameters, spread=spread))

    def likelihood(spread: Spread) -> float:
        rolled = told(spread)
        return math.fsum(_log_density(way, parameters.surprise) for way in (rolled.past_only, rolled.same_year))

    spread, best, tried = _searched(likelihood, replace(BEGIN, **fixed), [name for name in NAMES if name not in fixed])
    rolled = told(spread)
    misses = [abs(_error(one)) / one.deviation for one in rolled.same_year]
    return Fitted(spread, best, likelihood(parameters.spread), len(misses), tried, calibrated(misses, parameters.bands))


def _log_density(held: Sequence[Held], degrees: float) -> float:
    """Of all prices as they were told: Student's t about the mean, the deviation its scale."""
    scale = np.array([one.deviation for one in held])
    missed = np.array([_error(one) for one in held]) / scale
    constant = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - 0.5 * math.log(degrees * math.pi)
    return float((constant - np.log(scale) - (degrees + 1) / 2 * np.log1p(missed**2 / degrees)).sum())


def _error(held: Held) -> float:
    return math.log(held.cell.price or 1.0) - held.mean


def _searched(likelihood: Callable[[Spread], float], begin: Spread, free: Sequence[str]) -> tuple[Spread, float, int]:
    """One number at a time, up or down by a step, as long as one of them gains."""
    found, best, tried = begin, likelihood(begin), 1
    for step in STEPS:
        gained = True
        while gained:
            gained = False
            for name in free:
                for factor in (math.exp(step), math.exp(-step)):
                    other = _with(found, name, factor)
                    if other == found:
                        continue
                    said, tried = likelihood(other), tried + 1
                    if said > best + GAIN:
                        found, best, gained = other, said, True
                        break
    return found, best, tried


def _with(spread: Spread, name: str, factor: float) -> Spread:
    low, high = BOUNDS["years" if name.endswith("_years") else "variance"]
    return replace(spread, **{name: min(max(getattr(spread, name) * factor, low), high)})
