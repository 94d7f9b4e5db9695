"""Whether the list follows a walk through the forest, and which rows do not fit it.

Crews write the trees in the order they meet them, so neighbours in the list are neighbours on the ground. A list sorted
by species, code of another kind or diameter has lost the walk and says nothing here.
"""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.stand import Bools, Floats, Ints, Stand

# A row is near another when it is among this share of the plan, or this many trees, round it.
NEAR_SHARE, NEAR_TREES = 0.01, 10
ROWS_EACH_WAY = 3


@dataclass(frozen=True, slots=True)
class Walk:
    """``walked``: share of steps between following rows that are short; ``astray``: places far from all list neighbours."""

    trees: int
    walked: float
    near_m: float
    astray: Ints
    expected_astray: float

    @property
    def astray_share(self) -> float:
        """Of all rows judged."""
        return len(self.astray) / self.trees if self.trees else 0.0


def measure_walk(stand: Stand) -> Walk:
    """Steps against pairs of rows far apart in the list, parcel by parcel."""
    share_near = min(max(NEAR_SHARE, NEAR_TREES / max(len(stand), 1)), 1.0)
    near_m = float(np.sqrt(share_near * stand.area_m2 / np.pi))
    walked: list[Floats] = []
    far: list[Ints] = []
    for number in range(len(stand.parcel_names)):
        here = np.flatnonzero(stand.parcel == number)
        if len(here) <= 2 * ROWS_EACH_WAY:
            continue
        near = _near_in_list(stand.x_m[here], stand.y_m[here], near_m)
        walked.append(near[0][:-1].astype(np.float64))
        far.append(here[~np.any(near, axis=0)])
    steps = np.concatenate(walked) if walked else np.empty(0)
    astray = np.concatenate(far) if far else np.empty(0, np.int64)
    share = float(steps.mean()) if len(steps) else float("nan")
    return Walk(len(stand), share, near_m, astray, len(stand) * (1 - share_near) ** (2 * ROWS_EACH_WAY))


def _near_in_list(x_m: Floats, y_m: Floats, near_m: float) -> Bools:
    """For each row whether it is near the row k after it or k before it, k from 1; one line for each k and direction."""
    lines = []
    for k in range(1, ROWS_EACH_WAY + 1):
        close = np.hypot(x_m[k:] - x_m[:-k], y_m[k:] - y_m[:-k]) <= near_m
        blank = np.zeros(k, np.bool_)
        lines += [np.concatenate([close, blank]), np.concatenate([blank, close])]
    return np.array(lines)
