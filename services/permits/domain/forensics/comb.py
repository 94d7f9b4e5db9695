"""Traces of a multiplication in the written diameters: a factor leaves gaps in the lattice of what can be written.

Diameters read off a tape fall on every step of their lattice (1 mm, 5 mm or 1 cm), some digits being preferred. When a
list is multiplied by f > 1 and rounded again, one value in f/(f-1) can no longer occur, and the preferred digits move to
multiples of f. Both models are fitted to the same list, a smooth curve times a preference of digits, and compared.
"""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.stand import Floats, Ints, Stand

STEPS_MM = (50, 20, 10, 5, 1)
# On a coarser lattice too few values are left to tell a gap from chance.
COARSEST_MM = 10
FACTORS = np.round(np.arange(1.05, 1.505, 0.01), 2)
SHARES = (1.0, 0.75, 0.5)
# Diameters from a girth tape read to 5 or 10 mm of girth fall on every 5/pi or 10/pi millimetres: honest gaps.
TAPES_MM = (5 / np.pi, 10 / np.pi)
# How much of the share that was multiplied must be missing in the gaps, and by how many standard errors.
DEPLETED, DEPLETED_ERRORS = 0.7, 3.0
SMOOTH_MM = 30.0
PILE_SHARE = 0.04
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Comb:
    """The best factor, its gain in log-likelihood over an untouched list, and the lattice the list is written on.

    Only factors count whose gaps are as empty as the share of multiplied trees says.
    """

    trees: int
    step_mm: int
    factor: float
    share: float
    gain: float
    gap_share: float
    gap_expected: float


def measure_comb(stand: Stand) -> Comb:
    """The multiplication that explains the last digits best; a gain of 0 means none does, or the lattice is too coarse."""
    dbh = stand.dbh_mm
    step = next(step for step in STEPS_MM if np.mean(dbh % step == 0) >= 0.995)
    best = Comb(len(dbh), step, 1.0, 0.0, 0.0, 0.0, 0.0)
    if step > COARSEST_MM:
        return best
    values = (dbh[dbh % step == 0] // step).astype(np.int64)
    low, high = int(values.min()), int(values.max())
    count = _without_piles(np.bincount(values, minlength=high + 1).astype(np.float64))
    plain = _fitted(count, low, high, step)
    base = _likelihood(count, plain)
    for tape in TAPES_MM if step == 1 else ():
        taped = _multiplied(count, tape, low, high, step)[0]
        base = max(base, _likelihood(count, 0.99 * taped + 0.01 * plain))
    for factor in FACTORS:
        moved, reached = _multiplied(count, float(factor), low, high, step)
        gap = ~reached
        gap[:low] = False
        missing, due = float(count[gap].sum()), float(plain[gap].sum() * count.sum())
        for share in SHARES:
            depleted = due - missing
            if depleted < DEPLETED * share * due or depleted < DEPLETED_ERRORS * np.sqrt(due):
                continue
            gain = _likelihood(count, 0.995 * (share * moved + (1 - share) * plain) + 0.005 * plain) - base
            if gain > best.gain:
                n = float(count.sum())
                best = Comb(len(values), step, float(factor), share, gain, missing / n, due / n)
    return best


def _without_piles(count: Floats) -> Floats:
    """Values that hold far more trees than those 10 and 20 steps away, as when thin trees were set to the cut, levelled."""
    around = np.zeros(len(count))
    for lag in (10, 20):
        if lag < len(count):
            around[lag:] += count[:-lag] / 4
            around[:-lag] += count[lag:] / 4
    piled = (count > PILE_SHARE * count.sum()) & (count > 4 * around + 5)
    return np.where(piled, around, count)


def _likelihood(count: Floats, chance: Floats) -> float:
    return float((count * np.log(np.maximum(chance, 1e-12))).sum())


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
    if not len(source):  # no value of the list is reached by any whole one: it was not multiplied by this
        return np.zeros(len(count)), reached
    behind = np.zeros(int(source[-1]) + 1)
    behind[source] = count[target]
    fitted = _fitted(behind, int(source[0]), int(source[-1]), step)
    moved = np.zeros(len(count))
    moved[target] = fitted[source]
    return moved, reached
