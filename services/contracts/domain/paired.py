"""Paired scaling: whether one list of the same logs measures less than another, on the logarithms of their ratios.

The one statistic outside the estimator. Floating point stays here and leaves it rounded.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.timber.measure import half_up

_FOUR = Decimal("0.0001")
_TERMS, _TINY, _CLOSE = 300, 1e-300, 1e-15


@dataclass(frozen=True, slots=True)
class Paired:
    """Mean change (exp of the mean log ratio, less one) and the one-sided p that it is a fall by chance."""

    mean_change: Decimal
    p: Decimal


def paired_log_ratios(pairs: Sequence[tuple[Decimal, Decimal]]) -> Paired:
    """Student's test of (settled, kept) volumes of at least two logs, all above nothing."""
    ratios = sorted(math.log(float(settled / kept)) for settled, kept in pairs)
    count = len(ratios)
    mean = math.fsum(ratios) / count
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in ratios) / (count - 1))
    if deviation < 1e-12:
        p = 1.0 if mean >= 0 else 0.0
    else:
        p = student_below(mean / (deviation / math.sqrt(count)), count - 1)
    return Paired(half_up(Decimal(math.expm1(mean)), _FOUR), half_up(Decimal(p), _FOUR))


def student_below(t: float, freedom: int) -> float:
    """The chance that Student's t with so many degrees of freedom is below ``t``."""
    whole = freedom + t * t
    # Whichever of the two arguments is small keeps its digits.
    both = _beta(freedom / whole, freedom / 2, 0.5) if t * t > freedom else 1 - _beta(t * t / whole, 0.5, freedom / 2)
    tail = both / 2
    return tail if t < 0 else 1 - tail


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    c, d = 1.0, 1 / _safe(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _TERMS):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / _safe(1 + step * d), _safe(1 + step / c)
            value *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return front * value / a


def _safe(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
