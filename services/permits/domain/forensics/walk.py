"""Whether the list follows a walk through the forest, and which rows do not fit it.

Crews write the trees in the order they meet them, so neighbours in the list are neighbours on the ground. A list sorted
by species, code of another kind or diameter has lost the walk and says nothing here.
"""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.stand import Bools, Floats, Ints, Stand, natural_order

# A row is near another when it is among this share of the plan, or this many trees, round it.
NEAR_SHARE, NEAR_TREES = 0.01, 10
ROWS_EACH_WAY = 3
# A list where species follow themselves this much more often than in a shuffled one is sorted by species.
SORTED_BY_SPECIES = 2.5
FOLLOWED, LOST = 0.7, 0.6


@dataclass(frozen=True, slots=True)
class Walk:
    """``walked``: share of steps between following rows that are short; ``astray``: places far from all list neighbours.

    ``walked_without``: the same share once those places are left out.
    """

    trees: int
    walked: float
    near_m: float
    walked_without: float
    sorted_by_species: bool
    astray: Ints

    @property
    def astray_share(self) -> float:
        """Of all rows judged."""
        return len(self.astray) / self.trees if self.trees else 0.0

    @property
    def alone_by_gaps(self) -> float:
        """Share of rows, two sampling errors added, that stand between two long steps when steps are long or short one by
        one, as where a narrow line meets few trees. A row put in makes two long steps at once: such a list has more of them."""
        share = (1 - self.walked) ** 2
        return share + 2 * float(np.sqrt(share * (1 - share) / max(self.trees, 1)))

    @property
    def readable(self) -> bool:
        """Whether the list is a walk, once the rows astray are taken out of it."""
        return not self.sorted_by_species and self.walked_without >= FOLLOWED and self.astray_share < LOST

    @property
    def lost(self) -> bool:
        """Whether nearly no row is near its neighbours in the list, though it is not sorted by species."""
        return not self.sorted_by_species and self.astray_share >= LOST


def measure_walk(stand: Stand) -> Walk:
    """The walk of the list, or of its codes in natural order where fewer rows go astray in that: 2 before 10."""
    listed = _walk(stand, np.arange(len(stand)))
    if not len(listed.astray):
        return listed
    by_code = _walk(stand, np.array(natural_order(stand.rows), np.int64))
    return by_code if by_code.readable and len(by_code.astray) < len(listed.astray) else listed


def _walk(stand: Stand, order: Ints) -> Walk:
    """Steps between following rows of this order, parcel by parcel."""
    share_near = min(max(NEAR_SHARE, NEAR_TREES / max(len(stand), 1)), 1.0)
    near_m = float(np.sqrt(share_near * stand.area_m2 / np.pi))
    walked: list[Floats] = []
    without: list[Floats] = []
    far: list[Ints] = []
    for number in range(len(stand.parcel_names)):
        here = order[stand.parcel[order] == number]
        if len(here) <= 2 * ROWS_EACH_WAY:
            continue
        near = _near_in_list(stand.x_m[here], stand.y_m[here], near_m)
        left = here[np.any(near, axis=0)]
        walked.append(near[0][:-1].astype(np.float64))
        far.append(here[~np.any(near, axis=0)])
        without.append((np.hypot(np.diff(stand.x_m[left]), np.diff(stand.y_m[left])) <= near_m).astype(np.float64))
    astray = np.sort(np.concatenate(far)) if far else np.empty(0, np.int64)
    return Walk(len(stand), _mean(walked), near_m, _mean(without), _sorted_by_species(stand.species[order]), astray)


def _mean(parts: list[Floats]) -> float:
    values = np.concatenate(parts) if parts else np.empty(0)
    return float(values.mean()) if len(values) else 0.0


def _sorted_by_species(species: Ints) -> bool:
    n = len(species)
    counts = np.bincount(species).astype(np.float64)
    by_chance = float((counts * (counts - 1)).sum()) / (n * (n - 1)) if n > 1 else 1.0
    return float(np.mean(species[1:] == species[:-1])) > max(SORTED_BY_SPECIES * by_chance, 0.1) if n > 1 else True


def _near_in_list(x_m: Floats, y_m: Floats, near_m: float) -> Bools:
    """For each row whether it is near the row k after it or k before it, k from 1; one line for each k and direction."""
    lines = []
    for k in range(1, ROWS_EACH_WAY + 1):
        close = np.hypot(x_m[k:] - x_m[:-k], y_m[k:] - y_m[:-k]) <= near_m
        blank = np.zeros(k, np.bool_)
        lines += [np.concatenate([close, blank]), np.concatenate([blank, close])]
    return np.array(lines)
