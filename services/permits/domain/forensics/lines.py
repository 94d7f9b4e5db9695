"""Whether the trees that the list gives to one line of the survey lie together on the ground, and which do not.

Does not depend on the order of the list. Lists without lines, or with numbers in that column that are no lines, say nothing.
"""

from dataclasses import dataclass
from math import gcd, sqrt

import numpy as np

from services.permits.domain.forensics.near import Pairs, pairs_between, pairs_within, pieces
from services.permits.domain.forensics.pattern import Excess, mantel
from services.permits.domain.forensics.stand import Bools, Floats, Ints, Stand

LEAST_IN_LINE = 4
REACH_SPACINGS = 6.0
NEAR_SPACINGS = 2.5
# A line tells where it is when so many of its trees, and more than half of them, hang together.
LEAST_TOGETHER = 3


@dataclass(frozen=True, slots=True)
class Lines:
    """``together``: near trees of one line against lines given out at random.

    Of ``listed`` trees ``trees`` are in the lines, and of these ``told`` ones in lines that tell where they are. Of the told,
    ``strangers`` are far from all others of their line and off its axis. ``far_by_chance``: the share of them that would be,
    were the tree of each row at the place of another row.
    """

    lines: int
    listed: int
    trees: int
    together: Excess
    strangers: Ints
    told: int
    far_by_chance: float

    @property
    def misplaced(self) -> float:
        """At least this share of the whole list has nothing to do with its line, three sampling errors left out: a place at
        random is near one's line by chance, the more often the fewer lines there are. Of trees that are not told nothing is
        known, so none of them is counted."""
        if not self.far_by_chance:
            return 0.0
        share = len(self.strangers) / self.told
        least = max(share - 3 * sqrt(share * (1 - share) / self.told), 0.0) / self.far_by_chance
        return least * self.told / self.listed


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
    x_m, y_m, label = stand.x_m[place] - stand.x_m[place].min(), stand.y_m[place], label[place]
    near = pairs_within(x_m, y_m, NEAR_SPACINGS * stand.spacing_m)
    reach_m = REACH_SPACINGS * stand.spacing_m
    wide_m = float(np.ptp(x_m)) + 20 * reach_m  # so far apart that only trees of one line are near each other
    x_apart = x_m + label * wide_m
    own = pairs_within(x_apart, y_m, reach_m)
    held = _held(label, own)
    told = np.bincount(label[held], minlength=len(counts))[label] > 0
    axes = _Axes.through(x_m[held], y_m[held], label[held], len(counts))
    alone = np.ones(len(place), np.bool_)
    alone[own.i] = alone[own.j] = False
    other = other_places(len(place))
    met = pairs_between((x_m[other] + label * wide_m, y_m[other]), (x_apart, y_m), reach_m)
    far = np.ones(len(place), np.bool_)
    far[met.i[met.i != met.j]] = False
    strangers = alone & (axes.off_m(x_m, y_m, label) > stand.spacing_m)
    by_chance = far & (axes.off_m(x_m[other], y_m[other], label) > stand.spacing_m)
    return Lines(
        kept, len(stand), len(place), mantel(near.i, near.j, label), place[strangers & told], int(told.sum()),
        float(by_chance[told].mean()) if told.any() else 0.0,
    )  # fmt: skip


def _held(label: Ints, own: Pairs) -> Bools:
    """The trees that hang together in the largest piece of their line, where that is more than half of the line: a number
    that stands for several lines (one in each block, one of each crew) has no such piece."""
    piece = pieces(len(label), own)
    size = np.bincount(piece, minlength=len(label))[piece]
    return np.asarray((size >= LEAST_TOGETHER) & (2 * size > np.bincount(label)[label]), np.bool_)


def other_places(n: int) -> Ints:
    """Each place once, far from its turn, two at most in their own: steps of the golden section round the list."""
    steps = range(max(int(0.618 * n), 1), 2 * n + 2)
    step = next(step for step in steps if gcd(step, n) == 1 and gcd(step - 1, n) <= 2)
    return np.arange(n) * step % n


@dataclass(frozen=True, slots=True)
class _Axes:
    """The line of least squares through the trees of each line (principal axis)."""

    x_m: Floats
    y_m: Floats
    angle: Floats

    @classmethod
    def through(cls, x_m: Floats, y_m: Floats, label: Ints, lines: int) -> "_Axes":
        trees = np.maximum(np.bincount(label, minlength=lines), 1)

        def mean(values: Floats) -> Floats:
            return np.bincount(label, weights=values, minlength=lines) / trees

        at_x, at_y = mean(x_m), mean(y_m)
        dx, dy = x_m - at_x[label], y_m - at_y[label]
        return cls(at_x, at_y, np.arctan2(2 * mean(dx * dy), mean(dx * dx) - mean(dy * dy)) / 2)

    def off_m(self, x_m: Floats, y_m: Floats, label: Ints) -> Floats:
        """How far a place lies from the axis of this line, whose ends are not looked at."""
        angle = self.angle[label]
        return np.abs((y_m - self.y_m[label]) * np.cos(angle) - (x_m - self.x_m[label]) * np.sin(angle))
