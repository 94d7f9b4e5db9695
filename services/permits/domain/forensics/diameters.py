"""Shape of the diameters above the cut: a forest has ever fewer large trees, an invention is often a bell."""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.stand import Floats, Stand

MIN_OF_SPECIES = 12


@dataclass(frozen=True, slots=True)
class Diameters:
    """L-skewness of the diameters, within species and over all; of an exponential it is 1/3, of a normal 0."""

    trees: int
    skew: float
    skew_within: float
    trees_within: int
    share_large: float
    rise: float
    heaped: float


def measure_diameters(stand: Stand) -> Diameters:
    """Skewness does not depend on the cut of an exponential tail, nor on the unit, nor on one extreme tree."""
    dbh = stand.dbh_mm.astype(np.float64)
    total, weight = 0.0, 0
    for number, n in enumerate(np.bincount(stand.species).tolist()):
        if n >= MIN_OF_SPECIES:
            total += n * l_skewness(dbh[stand.species == number])
            weight += n
    over_50 = int((dbh >= 500).sum())
    return Diameters(
        len(dbh), l_skewness(dbh), total / weight if weight else float("nan"), weight,
        float((dbh >= 700).sum() / over_50) if over_50 else float("nan"), _rise(dbh), _heaped(stand),
    )  # fmt: skip


def l_skewness(values: Floats) -> float:
    """Ratio of the third to the second L-moment, unbiased (Hosking 1990)."""
    ordered = np.sort(values)
    n = len(ordered)
    if n < 3:
        return float("nan")
    k = np.arange(n)
    b0 = ordered.mean()
    b1 = float((k * ordered).sum()) / (n * (n - 1))
    b2 = float((k * (k - 1) * ordered).sum()) / (n * (n - 1) * (n - 2))
    second = 2 * b1 - b0
    return float((6 * b2 - 6 * b1 + b0) / second) if second > 0 else 0.0


def _rise(dbh: Floats) -> float:
    """Trees of the fullest 10 cm class over those of the first whole class above the smallest tree."""
    classes = np.bincount(((dbh - dbh.min()) // 100).astype(np.int64))
    return float(classes.max() / max(classes[0], 1))


def _heaped(stand: Stand) -> float:
    """Whipple's index: five times the share of whole centimetres that end in 0 or 5; 1 without preference."""
    whole = stand.dbh_mm // 10
    return float(5 * np.mean(whole % 5 == 0))
