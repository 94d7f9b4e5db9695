"""Traces of a multiplication in the written diameters: a factor leaves gaps in the lattice of what can be written.

Diameters read off a tape fall on every step of their lattice (1 mm, 5 mm or 1 cm), some digits being preferred. When a
list is multiplied by f > 1 and rounded again, one value in f/(f-1) can no longer occur, and the preferred digits move to
multiples of f. Both models are fitted to the same list, a smooth curve times a preference of digits, and compared.

Three lattices are looked at: that of the written diameters, that of the girths behind them where every diameter is a
girth divided by pi, and that of the whole centimetres which a crew preferred before a list was multiplied and written
coarser: each of these then lies f centimetres from the next, and one class in f/(f-1) lacks its share of them.
"""

from dataclasses import dataclass, replace

import numpy as np

from services.permits.domain.forensics.stand import Floats, Ints, Stand

STEPS_MM = (50, 20, 10, 5, 1)
# On a coarser lattice too few values are left to tell a gap from chance.
COARSEST_MM = 10
FACTORS = np.round(np.arange(1.05, 1.505, 0.01), 2)
SHARES = (1.0, 0.75, 0.5)
# Written coarser, these factors bring preferred centimetres to fifth and tenth ones, which honest crews prefer too.
ALIKE = np.array([10 / 9, 10 / 8, 10 / 7])
# Diameters from a girth tape read to 5 or 10 mm of girth fall on every 5/pi or 10/pi millimetres: honest gaps.
TAPES_MM = (10 / np.pi, 5 / np.pi)
# Girths read in classes of 2, 5 or 10 cm are gaps as honest, also where their diameters were written coarser.
HONEST_TAPES_MM = (*TAPES_MM, 20 / np.pi, 50 / np.pi, 100 / np.pi)
# Steps that come in twos: 5 mm of diameter or of girth.
FIVES_MM = (5, 5 / np.pi)
# A list of girths: so many of its diameters are a whole step of girth divided by pi, where a third or two thirds would be by chance.
TAPED = 0.995
# Readings that crews prefer: half and whole centimetres, every fifth and every tenth; on a girth tape every 1 to 20 cm.
PREFERRED_MM = (5.0, 10.0, 50.0, 100.0)
PREFERRED_GIRTHS_MM = (10.0, 20.0, 50.0, 100.0, 200.0)
MIXING_ROUNDS = 25
# How much of the share that was multiplied must be missing in the gaps, and by how many standard errors.
DEPLETED, DEPLETED_ERRORS = 0.7, 3.0
SMOOTH_MM = 30.0
# What the smooth curve misses of an honest list of any length, in ln for each tree: of 500 honest plans of 1,000 to 13,500 trees
# three gained 0.0010 to 0.0023 by a factor, the longest ones (docs/forensics.md); the weakest multiplied list that was found, 0.007.
MISFIT = 0.0025
PILE_SHARE = 0.04
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Comb:
    """The best factor, its gain in log-likelihood over an untouched list, and the lattice it shows on.

    ``lattice``: "written", "girth", or "coarser" where the list was written coarser than it had been measured. On the
    first two only factors count whose gaps are as empty as the share of multiplied trees says.
    """

    trees: int
    step_mm: float
    factor: float
    share: float
    gain: float
    gap_share: float
    gap_expected: float
    lattice: str = "written"


def measure_comb(stand: Stand) -> Comb:
    """The multiplication that explains the last digits best; a gain of 0 means none does, or the lattice is too coarse."""
    dbh = stand.dbh_mm
    step = next(step for step in STEPS_MM if np.mean(dbh % step == 0) >= 0.995)
    if step > COARSEST_MM:
        return Comb(len(dbh), step, 1.0, 0.0, 0.0, 0.0, 0.0)
    values = (dbh[dbh % step == 0] // step).astype(np.int64)
    found = [_same_lattice(values, step)]
    if step > 1:
        found.append(_written_coarser(values, step))
    elif (tape := tape_of(dbh)) is not None:
        girths = np.rint(dbh / tape).astype(np.int64)
        found.append(replace(_same_lattice(girths, tape), lattice="girth"))
    return max(found, key=lambda one: one.gain)


def tape_of(dbh_mm: Ints) -> float | None:
    """The step of girth, in millimetres of diameter, that all diameters were reckoned from; None when there is none."""
    for tape in TAPES_MM:
        if np.mean(np.abs(dbh_mm - np.rint(dbh_mm / tape) * tape) <= 0.5) >= TAPED:
            return tape
    return None


def _same_lattice(values: Ints, step: float) -> Comb:
    """The list as another one on the same lattice, times a factor and rounded again."""
    best = Comb(len(values), step, 1.0, 0.0, 0.0, 0.0, 0.0)
    # Of the step at the cut only the upper half is in the list: it would look like a gap.
    low, high = int(values.min()) + 1, int(values.max())
    if high <= low:
        return best
    count = _without_piles(np.bincount(values, minlength=high + 1).astype(np.float64))
    count[:low] = 0
    plain = _fitted(count, low, high, step, again=1)
    base = _likelihood(count, plain)
    for tape in (one / step for one in HONEST_TAPES_MM if one > step and step in STEPS_MM):
        taped = _multiplied(count, tape, low, high, step)[0]
        base = max(base, _likelihood(count, 0.99 * taped + 0.01 * plain))
    for factor in FACTORS:
        moved, reached = _multiplied(count, float(factor), low, high, step)
        gap = ~reached
        gap[:low] = False
        missing, due = float(count[gap].sum()), float(plain[gap].sum() * count.sum())
        lacking = plain[gap] * count.sum() - count[gap]
        for share in SHARES:
            if not _depleted(lacking, plain[gap] * count.sum(), share):
                continue
            gain = _likelihood(count, 0.995 * (share * moved + (1 - share) * plain) + 0.005 * plain) - base
            if gain > best.gain:
                n = float(count.sum())
                best = Comb(len(values), step, float(factor), share, gain, missing / n, due / n)
    return best


def _depleted(lacking: Floats, due: Floats, share: float) -> bool:
    """Whether the gaps lack what this share of multiplied trees says, also without the one that lacks most: near the cut a
    single value may be rare for reasons of its own."""
    for left in (np.ones(len(due), np.bool_), np.arange(len(due)) != (np.argmax(lacking) if len(due) else 0)):
        total = float(due[left].sum())
        if lacking[left].sum() < max(DEPLETED * share * total, DEPLETED_ERRORS * np.sqrt(total)) or total <= 0:
            return False
    return True


def _written_coarser(values: Ints, step: int) -> Comb:
    """The list as one whose preferred readings were multiplied before it was written on this coarser lattice.

    The preference of digits of the written list is in both models, so an honest habit explains itself; readings preferred
    on a girth tape are held against it as well.
    """
    best = Comb(len(values), step, 1.0, 0.0, 0.0, 0.0, 0.0, "coarser")
    # The smooth curve misses the cut itself, which is no matter of digits.
    low, high = int(values.min()) + round(SMOOTH_MM / step), int(values.max())
    if high <= low:
        return best
    count = _without_piles(np.bincount(values, minlength=high + 1).astype(np.float64))
    count[:low] = 0
    n = float(count.sum())
    if n == 0:
        return best
    plain = _fitted(count, low, high, step, again=1)
    base = max(_preferring(count, plain, np.array(PREFERRED_GIRTHS_MM) / np.pi / step)[0], _likelihood(count, plain))
    # As many factors tried, and shares fitted to each (Akaike).
    base += float(np.log(len(FACTORS))) + len(PREFERRED_MM) / 2 + MISFIT * n
    for factor in FACTORS[np.abs(FACTORS[:, None] - ALIKE).min(1) > 0.006]:
        points = float(factor) * np.array(PREFERRED_MM) / step
        found, share = _preferring(count, plain, points)
        if found - base > best.gain:
            missed = _points(float(points[1]), len(count)) == 0
            gap, due = float(count[missed].sum()) / n, float(plain[missed].sum())
            best = Comb(len(values), step, float(factor), share, found - base, gap, due, "coarser")
    return best


def _preferring(count: Floats, plain: Floats, apart: Floats) -> tuple[float, float]:
    """Log-likelihood when trees of the smooth list gather on points so many steps apart, rounded to their step, and the
    share of them that does; the shares of all kinds of points at their best (expectation and maximisation)."""
    on = np.stack([np.ones(len(count)), *(_points(float(one), len(count)) for one in apart)])
    share = np.concatenate([[0.5], np.full(len(apart), 0.5 / len(apart))])
    for _ in range(MIXING_ROUNDS):
        parts = share[:, None] * on
        share = (parts / np.maximum(parts.sum(0), 1e-12)) @ count
        share = share / max(float(share.sum()), 1e-12)
    chance = plain * (share @ on)
    return _likelihood(count, chance / chance.sum()), float(1 - share[0])


def _points(apart: float, length: int) -> Floats:
    """How many points so many steps apart are written on each step, over their mean."""
    places = np.floor(np.arange(int(length / apart) + 1) * apart + 0.5).astype(np.int64)
    return np.asarray(np.bincount(places[places < length], minlength=length) * apart, np.float64)


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


def _classes(values: Ints, step: float) -> Ints:
    """Which digit preference a value may have: its last digit, and for a whole 10 steps the digit before it."""
    last = values % 10
    return np.where(last == 0, 10 + values // 10 % 10, last) if step not in FIVES_MM else values % 20


def _fitted(count: Floats, low: int, high: int, step: float, again: int = 0) -> Floats:
    """Probability of each value: a Gaussian-smoothed curve times the preference of its class.

    ``again``: how often the curve is corrected by what smoothing it once more would lose (twicing, Tukey 1977), which
    mends its bias where it bends and at the cut.
    """
    values = np.arange(low, high + 1)
    seen, group = count[low : high + 1], _classes(values, step)
    liking = np.ones(20)
    for _ in range(ROUNDS):
        liked = _smoothed(seen / liking[group], SMOOTH_MM / step)
        curve = liked
        for _ in range(again):
            curve = curve * liked / np.maximum(_smoothed(curve, SMOOTH_MM / step), 1e-12)
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


def _multiplied(count: Floats, factor: float, low: int, high: int, step: float) -> tuple[Floats, np.ndarray]:
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
