"""Traces of a multiplication in the written diameters: a factor leaves gaps in the lattice of what can be written.

Diameters read off a tape fall on every step of their lattice (1 mm, 5 mm or 1 cm), some digits being preferred. When a
list is multiplied by f > 1 and rounded again, one value in f/(f-1) can no longer occur, and the preferred digits move to
multiples of f. Both models are fitted to the same list, a smooth curve times a preference of digits, and compared.
"""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.stand import Floats, Ints, Stand

STEPS_MM = (10, 5, 1)
FACTORS = np.round(np.arange(1.03, 1.505, 0.01), 2)
SHARES = (1.0, 0.6, 0.3)
SMOOTH_MM = 30.0
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Comb:
    """The best factor, its gain in log-likelihood over an untouched list, and the lattice the list is written on."""

    trees: int
    step_mm: int
    factor: float
    share: float
    gain: float
    gap_share: float
    gap_expected: float


def measure_comb(stand: Stand) -> Comb:
    """The multiplication that explains the last digits best; a gain near or below 0 means none does."""
    dbh = stand.dbh_mm
    step = next(step for step in STEPS_MM if np.mean(dbh % step == 0) >= 0.995)
    values = (dbh[dbh % step == 0] // step).astype(np.int64)
    low, high = int(values.min()), int(values.max())
    count = np.bincount(values, minlength=high + 1).astype(np.float64)
    plain = _fitted(count, low, high, step)
    base = float((count * np.log(np.maximum(plain, 1e-12))).sum())
    best = Comb(len(values), step, 1.0, 0.0, float("-inf"), 0.0, 0.0)
    for factor in FACTORS:
        moved, reached = _multiplied(count, float(factor), low, high, step)
        for share in SHARES:
            mixed = 0.995 * (share * moved + (1 - share) * plain) + 0.005 * plain
            gain = float((count * np.log(np.maximum(mixed, 1e-12))).sum()) - base
            if gain > best.gain:
                gap = ~reached
                gap[:low] = False
                best = Comb(
                    len(values), step, float(factor), share, gain,
                    float(count[gap].sum() / count.sum()), float(plain[gap].sum()),
                )  # fmt: skip
    return best


def _classes(values: Ints, step: int) -> Ints:
    """Which digit preference a value may have: its last digit, and for a whole 10 steps the digit before it."""
    last = values % 10
    return np.where(last == 0, 10 + values // 10 % 10, last) if step != 5 else values % 20


def _fitted(count: Floats, low: int, high: int, step: int) -> Floats:
    """Probability of each value: a Gaussian-smoothed curve times the preference of its class."""
    values = np.arange(low, high + 1)
    seen, group = count[low : high + 1], _classes(values, step)
    liking = np.ones(20)
    for _ in range(ROUNDS):
        curve = _smoothed(seen / liking[group], SMOOTH_MM / step)
        got = np.bincount(group, seen, minlength=20) + 2.0
        due = np.bincount(group, curve, minlength=20) + 2.0
        liking = np.maximum(got / due, 1e-3)
    chance = curve * liking[group] + 1e-9
    result = np.zeros(len(count))
    result[low : high + 1] = chance / chance.sum()
    return result


def _smoothed(seen: Floats, width: float) -> Floats:
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    weight = np.convolve(np.ones(len(seen)), kernel)[reach : reach + len(seen)]
    return np.asarray(np.convolve(seen, kernel)[reach : reach + len(seen)] / weight, np.float64)


def _multiplied(count: Floats, factor: float, low: int, high: int, step: int) -> tuple[Floats, np.ndarray]:
    """Probabilities if the list were another one times ``factor``, and the values that this can reach."""
    first, last = int(np.ceil((low - 0.5) / factor)), int((high + 0.5) / factor)
    source = np.arange(max(first, 1), last + 1)
    target = np.floor(source * factor + 0.5).astype(np.int64)
    inside = (target >= low) & (target <= high)
    source, target = source[inside], target[inside]
    reached = np.zeros(len(count), np.bool_)
    reached[target] = True
    behind = np.zeros(int(source[-1]) + 1 if len(source) else 1)
    behind[source] = count[target]
    fitted = _fitted(behind, int(source[0]), int(source[-1]), step)
    moved = np.zeros(len(count))
    moved[target] = fitted[source]
    return moved, reached
