"""What a sample of trees tells of the rest: exact intervals for shares and counts, and how likely a sample catches fraud.

Clopper and Pearson (1934) for a share, by bisection on the binomial tail; the same over the hypergeometric tail for the
count in a finite stratum. Exact means that the stated confidence is a floor; no normal approximation anywhere.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, exp, lgamma, log, log1p

from shared.timber.lottery import sample_of, sample_size

_STEPS = 200
# A tail probability may equal its bound exactly (1 in 40); sums of logarithms come out some 1e-14 beside it.
_TIE = 1e-12
POWER_SHARES_PERMILLE = (10, 20, 50, 100, 200, 300)


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with its bounds, in millionths."""

    estimate_ppm: int | None
    at_least_ppm: int
    at_most_ppm: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found in one stratum. Volumes are those of the census; ``unseen_dm3`` are the trees not drawn or not reached.

    ``excess_dm3`` is what the census claims beyond what was measured, on the trees that were found and measured.
    """

    name: str
    trees: int
    volume_dm3: int
    drawn: int
    reached: int
    absent: int
    mismatched: int
    reached_dm3: int
    absent_dm3: int
    measured_dm3: int
    excess_dm3: int
    unseen_dm3: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A stratum, or all of them (``name`` is ``all``): phantoms by share, by count in the census, and by volume."""

    name: str
    trees: int
    drawn: int
    reached: int
    absent: int
    mismatched: int
    share: Interval
    phantoms_at_least: int
    phantoms_at_most: int
    phantom_dm3: int | None
    phantom_dm3_at_least: int
    phantom_dm3_at_most: int
    overstated_permille: int | None


def clopper_pearson(found: int, sample: int, confidence_permille: int) -> tuple[float, float]:
    """The two-sided exact interval of a share from ``found`` of ``sample`` (sample > 0)."""
    if not 0 <= found <= sample or sample == 0:
        raise ValueError("0 <= found <= sample, and a sample")
    tail = (1000 - confidence_permille) / 2000
    ways = [_log_choose(sample, i) for i in range(found + 1)]
    low = 0.0 if found == 0 else _where(lambda p: 1 - _binomial_cdf(ways[:-1], sample, p) > tail)
    high = 1.0 if found == sample else _where(lambda p: _binomial_cdf(ways, sample, p) <= tail)
    return low, high


def _where(beyond: Callable[[float], bool]) -> float:
    """The p in (0, 1) at which a monotone condition begins to hold."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return (low + high) / 2


def _binomial_cdf(ways: Sequence[float], n: int, p: float) -> float:
    """P(at most k of n); ``ways`` are the logarithms of the first k + 1 binomial coefficients."""
    hit, missed = log(p), log1p(-p)
    return min(1.0, sum(exp(way + i * hit + (n - i) * missed) for i, way in enumerate(ways)))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def phantoms_between(
    found: int, sample: int, trees: int, confidence_permille: int, unknown: int = 0
) -> tuple[int, int]:
    """Fewest and most phantoms among ``trees`` that a sample drawn without replacement leaves credible.

    ``unknown`` trees of the sample were not reached: the least counts them as standing, the most as phantoms.
    """
    tail = (1000 - confidence_permille) / 2000 + _TIE
    worst = found + unknown
    low = _first(found, trees - (sample - found), lambda d: _at_least(found, sample, d, trees) > tail)
    high = _first(worst, trees - (sample - worst), lambda d: _at_most(worst, sample, d + 1, trees) <= tail)
    return low, high


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least whole number in [low, high] from which a monotone condition holds; ``high`` when it never does."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _at_most(k: int, n: int, phantoms: int, trees: int) -> float:
    """P(a sample of n holds at most k of the phantoms)."""
    whole = _log_choose(trees, n)
    return sum(
        exp(_log_choose(phantoms, i) + _log_choose(trees - phantoms, n - i) - whole)
        for i in range(max(0, n - (trees - phantoms)), min(k, phantoms) + 1)
    )


def _at_least(k: int, n: int, phantoms: int, trees: int) -> float:
    return 1.0 if k == 0 else 1 - _at_most(k - 1, n, phantoms, trees)


def detection_permille(trees: int, sample: int, share_permille: int) -> int:
    """Chance that a sample holds at least one phantom where that share of the stratum are phantoms, rounded down."""
    if trees == 0:
        return 0
    phantoms = max(1, -(-trees * share_permille // 1000))
    missed, whole = 1, 1
    for i in range(sample):
        missed, whole = missed * (trees - phantoms - i), whole * (trees - i)
        if missed == 0:
            return 1000
    return (whole - missed) * 1000 // whole


def power_table(strata: Iterable[tuple[str, int, int]], confidence_permille: int) -> list[dict[str, object]]:
    """For each share of phantoms: the trees a large stratum would need, and for each stratum (name, trees, sample) the
    trees it would need and the chance that its sample catches one."""
    layers = list(strata)
    return [
        {
            "share_permille": share,
            "large_stratum": sample_size(share, confidence_permille),
            "strata": [
                {
                    "name": name, "needed": sample_of(trees, share, confidence_permille), "sample": sample,
                    "detection_permille": detection_permille(trees, sample, share),
                }
                for name, trees, sample in layers if trees
            ],
        }
        for share in POWER_SHARES_PERMILLE
    ]  # fmt: skip


# ---- over the strata


def estimate(strata: Sequence[Seen], confidence_permille: int) -> list[Estimate]:
    """Each stratum that has trees, then all together.

    The bounds for all are sums of bounds at a confidence that is stricter in each stratum (Bonferroni), so that all hold at
    once: they are wide rather than wrong. A stratum seen whole leaves nothing to chance.
    """
    layers = [one for one in strata if one.trees]
    found = [_of_stratum(one, confidence_permille) for one in layers]
    if len(layers) < 2:
        return found
    strict = 1000 - (1000 - confidence_permille) // len(layers)
    return [*found, _together(layers, [_of_stratum(one, strict) for one in layers])]


def _of_stratum(one: Seen, confidence_permille: int) -> Estimate:
    unknown = one.drawn - one.reached
    low, high = phantoms_between(one.absent, one.drawn, one.trees, confidence_permille, unknown)
    share_low = clopper_pearson(one.absent, one.drawn, confidence_permille)[0] if one.drawn else 0.0
    share_high = clopper_pearson(one.absent + unknown, one.drawn, confidence_permille)[1] if one.drawn else 1.0
    unseen = sorted(one.unseen_dm3)
    beyond = max(0, min(high - one.absent, len(unseen)))
    least = max(0, min(low - one.absent, len(unseen)))
    return Estimate(
        one.name, one.trees, one.drawn, one.reached, one.absent, one.mismatched,
        Interval(_ppm(one.absent, one.reached), int(share_low * 1_000_000), ceil(share_high * 1_000_000)),
        low, high,
        None if not one.reached_dm3 else one.volume_dm3 * one.absent_dm3 // one.reached_dm3,
        one.absent_dm3 + sum(unseen[:least]),
        one.absent_dm3 + (sum(unseen[-beyond:]) if beyond else 0),
        None if not one.measured_dm3 else 1000 * one.excess_dm3 // one.measured_dm3,
    )  # fmt: skip


def _together(layers: Sequence[Seen], found: Sequence[Estimate]) -> Estimate:
    trees = sum(one.trees for one in layers)
    low, high = sum(one.phantoms_at_least for one in found), sum(one.phantoms_at_most for one in found)
    expected = _weighted([(one.trees, one.absent, one.reached) for one in layers])
    volumes = [one.phantom_dm3 for one in found]
    excess = _weighted([(one.volume_dm3, one.excess_dm3, one.measured_dm3) for one in layers])
    return Estimate(
        "all", trees, sum(one.drawn for one in layers), sum(one.reached for one in layers),
        sum(one.absent for one in layers), sum(one.mismatched for one in layers),
        Interval(
            None if expected is None else int(expected * 1_000_000 / trees), low * 1_000_000 // trees,
            -(-high * 1_000_000 // trees),
        ),
        low, high,
        None if None in volumes else sum(volume or 0 for volume in volumes),
        sum(one.phantom_dm3_at_least for one in found), sum(one.phantom_dm3_at_most for one in found),
        None if excess is None else int(1000 * excess / sum(one.volume_dm3 for one in layers)),
    )  # fmt: skip


def _weighted(layers: Iterable[tuple[int, int, int]]) -> float | None:
    """The sum of each stratum's size times its share; None when one stratum has nothing to judge by."""
    whole = 0.0
    for size, part, seen in layers:
        if seen == 0:
            return None
        whole += size * part / seen
    return whole


def _ppm(part: int, whole: int) -> int | None:
    return None if whole == 0 else part * 1_000_000 // whole
