"""How far off an estimate may be: a standard deviation from the model, held against what happened (split-conformal)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from services.contracts.domain.estimate.parameters import LEVELS

CENT = Decimal("0.01")
# With fewer earlier misses than this a quantile of them is chance.
LEAST_MISSES = 100


@dataclass(frozen=True, slots=True)
class Band:
    """Within these bounds the price that further reporters would give lies so many times of a hundred."""

    level: int
    low: Decimal
    high: Decimal


def bands(mean: float, deviation: float, multipliers: Mapping[int, float]) -> tuple[Band, ...]:
    """The bands of all levels round a mean of logs, as prices to the cent."""
    return tuple(
        Band(level, price(mean - multipliers[level] * deviation), price(mean + multipliers[level] * deviation))
        for level in LEVELS
    )


def calibrated(misses: Sequence[float], otherwise: Mapping[int, float]) -> dict[int, float]:
    """For each level the multiple of the deviation that covered so many of earlier estimates.

    ``misses`` are distances of what came from what was said, in deviations; the quantile is the (n + 1) one of split-
    conformal prediction. ``otherwise`` holds while there are fewer than ``LEAST_MISSES``.
    """
    if len(misses) < LEAST_MISSES:
        return dict(otherwise)
    ordered = sorted(misses)
    return {level: ordered[min(math.ceil((len(ordered) + 1) * level / 100), len(ordered)) - 1] for level in LEVELS}


def price(log_price: float) -> Decimal:
    """A log price as money, to the cent."""
    return Decimal(math.exp(log_price)).quantize(CENT, rounding=ROUND_HALF_EVEN)
