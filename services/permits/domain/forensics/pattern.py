"""Where the trees stand: regular, at random, or clumped as trees are; and whether species keep to their places.

Two nulls, each with closed-form moments: uniform positions on the same ground (pairs of trees at a distance), and
species given out at random over the same positions (Mantel's statistic over near pairs, moments of Mantel 1967).
Both ratios keep their expectation when a list is thinned, so plans of 1 and of 20 trees a hectare compare.
"""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.near import Pairs, candidates, nearest_m, pairs_within, thinned
from services.permits.domain.forensics.stand import Ints, Stand

MAX_CANDIDATES = 2_500_000
# As many times more as the trees of a forest stand closer than even ones; beyond it they lie in heaps.
HEAPED = 4
NEAR_M, FAR_M = 60.0, 180.0
MIXED_M, SPREAD_M = 150.0, 400.0


@dataclass(frozen=True, slots=True)
class Excess:
    """A count against its expectation: ``effect`` is the relative excess, ``weight`` the expectation in standard errors."""

    observed: float
    expected: float
    error: float

    @property
    def effect(self) -> float:
        """(observed - expected) / expected."""
        return self.observed / self.expected - 1 if self.expected > 0 else 0.0

    @property
    def weight(self) -> float:
        """How many standard errors an effect of 1 would be: what the plan can show at all."""
        return self.expected / self.error if self.error > 0 else 0.0

    @property
    def z(self) -> float:
        """The excess in standard errors."""
        return self.effect * self.weight


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the positions show. ``bands`` are near and far pairs, then same-species pairs, in the order of the norms; the
    first two rest on the land, which is ``surveyed`` when polygons give it."""

    trees: int
    area_m2: float
    regular: Excess
    clark_evans: float
    clark_evans_z: float
    bands: tuple[Excess, ...]
    surveyed: bool


def measure_pattern(stand: Stand) -> Pattern:
    """The pattern of all parcels together; pairs across parcels are not counted."""
    ratio, z = clark_evans(stand)
    near = _all_pairs(stand, (0.5 * stand.spacing_m,))
    total = _all_pairs(stand, (NEAR_M, FAR_M))
    mixed = _same_species(stand, (MIXED_M, SPREAD_M))
    surveyed = all(ground.surveyed for ground in stand.grounds)
    return Pattern(len(stand), stand.area_m2, near[0], ratio, z, (*total, *mixed), surveyed)


def chosen(stand: Stand, r_m: float) -> Ints:
    """Places of a thinned list whose candidate pairs within ``r_m`` stay bounded."""
    expected = len(stand) ** 2 / stand.area_m2 * 4.5 * r_m**2
    places = np.flatnonzero(thinned(len(stand), float(np.sqrt(MAX_CANDIDATES / max(expected, 1.0)))))
    most = HEAPED * MAX_CANDIDATES
    found = candidates(stand.x_m[places], stand.y_m[places], r_m)
    return places if found <= most else places[thinned(len(places), float(np.sqrt(most / found)))]


def _pairs(stand: Stand, places: Ints, r_m: float) -> Pairs:
    found = pairs_within(stand.x_m[places], stand.y_m[places], r_m)
    same = stand.parcel[places[found.i]] == stand.parcel[places[found.j]]
    return found if same.all() else Pairs(found.i[same], found.j[same], found.d_m[same])


def _all_pairs(stand: Stand, edges_m: tuple[float, ...]) -> list[Excess]:
    places = chosen(stand, edges_m[-1])
    found = _pairs(stand, places, edges_m[-1])
    counts = np.bincount(stand.parcel[places], minlength=len(stand.grounds))
    result, low_m = [], 0.0
    for high_m in edges_m:
        expected = sum(
            n * (n - 1) / 2 * (ground.pair_share(high_m) - ground.pair_share(low_m))
            for n, ground in zip(counts.tolist(), stand.grounds, strict=True)
        )
        observed = int(np.count_nonzero((found.d_m > low_m) & (found.d_m <= high_m)))
        result.append(Excess(observed, expected, float(np.sqrt(expected))))
        low_m = high_m
    return result


def _same_species(stand: Stand, edges_m: tuple[float, ...]) -> list[Excess]:
    places = chosen(stand, edges_m[-1])
    found = _pairs(stand, places, edges_m[-1])
    species = stand.species[places]
    result, low_m = [], 0.0
    for high_m in edges_m:
        band = (found.d_m > low_m) & (found.d_m <= high_m)
        result.append(mantel(found.i[band], found.j[band], species))
        low_m = high_m
    return result


def mantel(i: Ints, j: Ints, species: Ints) -> Excess:
    """Same-species pairs among the given pairs, each worth 1 / trees of the species, against random labels."""
    n, m = len(species), len(i)
    trees = np.bincount(species).astype(np.float64) if n else np.zeros(1)
    if n < 4 or m == 0:
        return Excess(0.0, 0.0, 0.0)
    worth = 1 / np.maximum(trees, 1)
    same = species[i] == species[j]
    observed = 2 * float(worth[species[i][same]].sum())
    degree = np.bincount(np.concatenate([i, j]), minlength=n).astype(np.float64)
    a0, a1, a2 = 2.0 * m, 4.0 * m, 4 * float((degree**2).sum())
    b0 = float((worth * trees * (trees - 1)).sum())
    b1 = 2 * float((worth**2 * trees * (trees - 1)).sum())
    b2 = 4 * float((trees * (worth * (trees - 1)) ** 2).sum())
    expected = a0 * b0 / (n * (n - 1))
    variance = (
        a1 * b1 / (2 * n * (n - 1))
        + (a2 - 2 * a1) * (b2 - 2 * b1) / (4 * n * (n - 1) * (n - 2))
        + (a0**2 + a1 - a2) * (b0**2 + b1 - b2) / (n * (n - 1) * (n - 2) * (n - 3))
        - expected**2
    )
    return Excess(observed, expected, float(np.sqrt(max(variance, 0.0))))


def clark_evans(stand: Stand) -> tuple[float, float]:
    """Mean distance to the nearest tree over its expectation at random (1954), edges after Donnelly (1978), and its z."""
    reach_m = 4 * stand.spacing_m
    nearest = np.empty(len(stand))
    expected = variance = 0.0
    for number, ground in enumerate(stand.grounds):
        here = np.flatnonzero(stand.parcel == number)
        n = len(here)
        nearest[here] = nearest_m(stand.x_m[here], stand.y_m[here], reach_m)
        expected += n * (0.5 * np.sqrt(ground.area_m2 / n) + (0.0514 + 0.041 / np.sqrt(n)) * ground.perimeter_m / n)
        variance += n * (0.0683 * ground.area_m2 / n + 0.037 * ground.perimeter_m * np.sqrt(ground.area_m2 / n**3))
    if expected <= 0:
        return 1.0, 0.0
    total = float(nearest.sum())
    return total / float(expected), (total - float(expected)) / float(np.sqrt(variance))
