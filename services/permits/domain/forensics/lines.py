"""Whether the trees that the list gives to one line of the survey lie together on the ground.

Does not depend on the order of the list. Lists without lines, or with numbers in that column that are no lines, say nothing.
"""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.near import pairs_within
from services.permits.domain.forensics.pattern import Excess, mantel
from services.permits.domain.forensics.stand import Ints, Stand

LEAST_IN_LINE = 4
REACH_SPACINGS = 6.0
NEAR_SPACINGS = 2.5


@dataclass(frozen=True, slots=True)
class Lines:
    """``together``: near trees of one line against lines given out at random; ``strangers``: far from all their line."""

    lines: int
    trees: int
    together: Excess
    strangers: Ints


def measure_lines(stand: Stand) -> Lines | None:
    """Lines with at least four trees; None when fewer than five such lines or under half the trees in them."""
    names: dict[tuple[str, str, str], int] = {}
    label = np.array(
        [names.setdefault((t.parcel, t.block, t.line), len(names)) if t.line else -1 for t in stand.rows], np.int64
    )
    counts = np.bincount(label[label >= 0], minlength=len(names) or 1)
    place = np.flatnonzero((label >= 0) & (counts[label] >= LEAST_IN_LINE))
    kept = int((counts >= LEAST_IN_LINE).sum())
    if kept < 5 or len(place) < len(stand) / 2:
        return None
    x_m, y_m, label = stand.x_m[place], stand.y_m[place], label[place]
    near = pairs_within(x_m, y_m, NEAR_SPACINGS * stand.spacing_m)
    wide = np.ptp(x_m) + 20 * REACH_SPACINGS * stand.spacing_m
    own = pairs_within(x_m - x_m.min() + label * wide, y_m, REACH_SPACINGS * stand.spacing_m)
    company = np.zeros(len(place), np.bool_)
    company[own.i] = company[own.j] = True
    return Lines(kept, len(place), mantel(near.i, near.j, label), place[~company])
