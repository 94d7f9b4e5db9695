"""The same trees twice: under one shift within a plan, or under a shift and a turn in another plan.

Codes, order and small changes of the marks do not matter: trees of one species with nearly equal diameter and height
vote for the movement that would carry one to the other, and chance spreads its votes evenly.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from services.permits.domain.forensics.near import pairs_between, pairs_within
from services.permits.domain.forensics.stand import Floats, Ints, Stand

DBH_MM, HEIGHT_MM = 25, 1100
CELL_M = 10.0
ARRIVED_M = 12.0
# Inside one plan a movement shorter than this is not looked at: clumps of one species lie closer.
LEAST_SHIFT_M = 25.0
MAX_OF_SPECIES = 700
EDGES_EACH = 3
MAX_NEAR = 24
COARSE_M = 40.0
LEAST_ANGLE_VOTES = 6


@dataclass(frozen=True, slots=True)
class Match:
    """Trees of the first list that arrive at a tree of their species, how many would by chance, and the movement."""

    first: Ints
    second: Ints
    by_chance: float
    of: int
    turn_deg: float
    east_m: float
    north_m: float

    @property
    def share(self) -> float:
        """Of the smaller list, chance taken off."""
        return max(len(self.first) - self.by_chance, 0.0) / self.of if self.of else 0.0

    @property
    def shift_m(self) -> float:
        """Length of the movement."""
        return float(np.hypot(self.east_m, self.north_m))


def nothing(of: int) -> Match:
    """No movement carries trees to trees."""
    none = np.empty(0, np.int64)
    return Match(none, none, 0.0, of, 0.0, 0.0, 0.0)


Edges = tuple[Ints, Ints, Floats, Floats]


@dataclass(frozen=True)
class Marks:
    """Places and marks of trees on so much land; species numbered across all lists that are compared."""

    x_m: Floats
    y_m: Floats
    dbh: Floats
    height: Floats
    species: Ints
    area_m2: float

    def __len__(self) -> int:
        return len(self.x_m)

    @cached_property
    def edges(self) -> Edges:
        """From each tree to its nearest neighbours: both ends, length and bearing."""
        return _edges_of(self)


def marks_of(stand: Stand, names: dict[str, int]) -> Marks:
    """The columns of a stand; ``names`` numbers the species, new ones added to it."""
    numbers = np.array([names.setdefault(name, len(names)) for name in stand.species_names], np.int64)
    return Marks(
        stand.x_m,
        stand.y_m,
        stand.dbh_mm.astype(np.float64),
        stand.height_mm.astype(np.float64),
        numbers[stand.species],
        stand.area_m2,
    )


def _alike(a: Marks, b: Marks | None) -> tuple[Ints, Ints]:
    """Pairs of trees of one species with nearly equal marks: within ``a`` (each once), or of ``a`` with ``b``."""
    parts = [a] if b is None else [a, b]
    trees = np.bincount(np.concatenate([m.species for m in parts]))
    places = [np.flatnonzero(trees[m.species] <= MAX_OF_SPECIES * len(parts)) for m in parts]
    spots = [
        ((m.species * 10_000 + m.dbh / DBH_MM)[place], (m.height / HEIGHT_MM)[place])
        for m, place in zip(parts, places, strict=True)
    ]
    if b is None:
        pairs = pairs_within(*spots[0], 1.0)
        return places[0][np.minimum(pairs.i, pairs.j)], places[0][np.maximum(pairs.i, pairs.j)]
    pairs = pairs_between(spots[0], spots[1], 1.0)
    return places[0][pairs.i], places[1][pairs.j]


def shift_within(stand: Stand) -> Match:
    """The movement inside one plan that carries most trees to trees like them, if chance does not explain it."""
    marks = marks_of(stand, {})
    i, j = _alike(marks, None)
    dx, dy = marks.x_m[j] - marks.x_m[i], marks.y_m[j] - marks.y_m[i]
    far = np.hypot(dx, dy) > LEAST_SHIFT_M
    i, j, dx, dy = i[far], j[far], dx[far], dy[far]
    back = dx < 0
    i, j = np.where(back, j, i), np.where(back, i, j)
    peak = _peak(np.abs(dx), np.where(back, -dy, dy), CELL_M)
    if peak is None or not _beyond_chance(peak[2], 2 * len(i), CELL_M, stand.area_m2, len(stand)):
        return nothing(len(stand))
    return _arrivals(marks, marks, len(stand), 0.0, peak[0], peak[1], itself=True)


def match_plans(first: Stand, second: Stand) -> Match:
    """The turn and shift that carry most trees of one plan to trees like them of the other."""
    names: dict[str, int] = {}
    return match_marks(marks_of(first, names), marks_of(second, names))


def match_marks(a: Marks, b: Marks) -> Match:
    """As ``match_plans``, of marks whose species are numbered alike: what one list is compared with many times is made once."""
    of = min(len(a), len(b))
    i, j = _alike(a, b)
    area = a.area_m2 + b.area_m2
    peak = _peak(b.x_m[j] - a.x_m[i], b.y_m[j] - a.y_m[i], CELL_M)
    if peak is not None and _beyond_chance(peak[2], len(i), CELL_M, area, of):
        return _arrivals(a, b, of, 0.0, peak[0], peak[1], itself=False)
    return _turned(a, b, of)


def still_there(now: Marks, before: Marks, came_x: Floats, came_y: Floats) -> tuple[Ints, Ints, tuple[float, float]]:
    """Trees of ``now`` that stand on a tree like them where one of ``before`` stood when it came (``came_x``, ``came_y``), that
    tree, and the one shift of the whole list that was taken off: a datum put right makes no other trees."""
    i, j = _alike(now, before)
    peak = _peak(before.x_m[j] - now.x_m[i], before.y_m[j] - now.y_m[i], CELL_M)
    shifts = [(0.0, 0.0)] if peak is None else [(0.0, 0.0), (peak[0], peak[1])]
    came = replace(before, x_m=came_x, y_m=came_y)
    found = [(*_landed(now, now.x_m + east, now.y_m + north, came), (east, north)) for east, north in shifts]
    return max(found, key=lambda one: len(one[0]))


def _peak(dx: Floats, dy: Floats, cell_m: float) -> tuple[float, float, int] | None:
    """The fullest cell of movements, over four grids set off by half a cell: its mean movement and its votes."""
    best: tuple[float, float, int] | None = None
    if len(dx) == 0:
        return None
    for ox, oy in ((0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5)):
        cx, cy = np.floor(dx / cell_m + ox).astype(np.int64), np.floor(dy / cell_m + oy).astype(np.int64)
        key = (cx - cx.min()) * (int(cy.max() - cy.min()) + 1) + cy - cy.min()
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], np.diff(key[order]) > 0]))
        votes = np.diff(np.append(starts, len(key)))
        most = int(np.argmax(votes))
        if best is None or votes[most] > best[2]:
            inside = order[starts[most] : starts[most] + votes[most]]
            best = float(np.median(dx[inside])), float(np.median(dy[inside])), int(votes[most])
    return best


def _beyond_chance(votes: int, pairs: int, cell_m: float, area_m2: float, trees: int) -> bool:
    """Whether a cell with so many votes is not expected anywhere; clumps may double or triple the even spread."""
    expected = 3 * pairs * cell_m**2 / area_m2
    return votes >= max(10.0, 0.03 * trees, expected + 7 * float(np.sqrt(expected)) + 6)


def _turned(a: Marks, b: Marks, of: int) -> Match:
    """Like neighbours in both lists vote for an angle; the best angle then votes for a shift, and both are refined."""
    i, j, turn = _alike_edges(a, b)
    if len(turn) < LEAST_ANGLE_VOTES:
        return nothing(of)
    angle = _best_angle(turn)
    near = np.abs(_wrapped(turn - angle)) < np.radians(6)
    i, j = i[near], j[near]
    best: tuple[float, float, float, int] | None = None
    for try_angle in angle + np.radians(np.arange(-5, 5.01, 0.25)):
        x, y = _rotated(a, try_angle)
        peak = _peak(b.x_m[j] - x[i], b.y_m[j] - y[i], COARSE_M)
        if peak is not None and (best is None or peak[2] > best[3]):
            best = (float(try_angle), *peak)
    if best is None or best[3] < LEAST_ANGLE_VOTES:
        return nothing(of)
    angle, east, north = _refined(a, b, i, j, best[:3])
    return _arrivals(a, b, of, angle, east, north, itself=False)


def _edges_of(m: Marks) -> Edges:
    reach_m = _reach_m(m)
    pairs = pairs_within(m.x_m, m.y_m, reach_m)
    i, j = np.concatenate([pairs.i, pairs.j]), np.concatenate([pairs.j, pairs.i])
    d = np.concatenate([pairs.d_m, pairs.d_m])
    order = np.argsort(i * (2 * reach_m) + d, kind="stable")  # tree by tree, the nearest first
    i, j, d = i[order], j[order], d[order]
    rank = np.arange(len(i)) - np.searchsorted(i, i, "left")
    keep = (rank < EDGES_EACH) & (d > 4)
    i, j, d = i[keep], j[keep], d[keep]
    return i, j, d, np.arctan2(m.y_m[j] - m.y_m[i], m.x_m[j] - m.x_m[i])


def _reach_m(m: Marks) -> float:
    """Within which a tree has some eight others. Less where the list lies in heaps far apart: near trees stay few."""
    n = max(len(m.x_m), 1)
    reach = max(1.6 * float(np.sqrt(max(np.ptp(m.x_m) * np.ptp(m.y_m), 1.0) / n)), 1.0) if len(m.x_m) else 1.0
    while reach > 1.0 and _in_one_cell(m, reach) > MAX_NEAR * n:
        reach /= 1.5
    return reach


def _in_one_cell(m: Marks, cell_m: float) -> int:
    """Pairs of trees that share a cell."""
    cell = np.floor((m.x_m - m.x_m.min()) / cell_m) + 1j * np.floor((m.y_m - m.y_m.min()) / cell_m)
    return int((np.unique(cell, return_counts=True)[1] ** 2).sum())


def _alike_edges(a: Marks, b: Marks) -> tuple[Ints, Ints, Floats]:
    """Edges of both lists alike in species, length and diameters: the trees they start from, and the turn between them."""
    kinds = int(max(a.species.max(initial=0), b.species.max(initial=0))) + 1
    spots = [
        ((m.species[start] * kinds + m.species[end]) * 10_000 + length_m / 8, m.dbh[start] / DBH_MM)
        for m in (a, b)
        for start, end, length_m, _ in (m.edges,)
    ]
    pairs = pairs_between(spots[0], spots[1], 1.0)
    i, j = pairs.i, pairs.j
    fit = np.abs(a.dbh[a.edges[1][i]] - b.dbh[b.edges[1][j]]) <= DBH_MM
    fit &= np.abs(a.height[a.edges[0][i]] - b.height[b.edges[0][j]]) <= HEIGHT_MM
    i, j = i[fit], j[fit]
    return a.edges[0][i], b.edges[0][j], b.edges[3][j] - a.edges[3][i]


def _wrapped(angle: Floats) -> Floats:
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi, np.float64)


def _best_angle(turn: Floats) -> float:
    bins = np.floor((turn % (2 * np.pi)) / np.radians(3)).astype(np.int64)
    votes = np.bincount(bins, minlength=120).astype(np.float64)
    votes = votes + np.roll(votes, 1) + np.roll(votes, -1)
    return float(np.radians(3) * (int(np.argmax(votes)) + 0.5))


def _rotated(m: Marks, angle: float) -> tuple[Floats, Floats]:
    x, y = m.x_m - m.x_m.mean(), m.y_m - m.y_m.mean()
    return (
        x * np.cos(angle) - y * np.sin(angle) + m.x_m.mean(),
        x * np.sin(angle) + y * np.cos(angle) + m.y_m.mean(),
    )


def _refined(
    a: Marks, b: Marks, i: Ints, j: Ints, start: tuple[float, float, float]
) -> tuple[float, float, float]:  # fmt: skip
    """Least squares over the pairs that the movement brings together, twice with a shrinking reach."""
    angle, east, north = start
    for reach_m in (COARSE_M, 20.0, 12.0):
        x, y = _rotated(a, angle)
        close = np.hypot(b.x_m[j] - x[i] - east, b.y_m[j] - y[i] - north) < reach_m
        if close.sum() < 4:
            break
        px, py, qx, qy = x[i][close], y[i][close], b.x_m[j][close], b.y_m[j][close]
        cx, cy, ex, ey = px.mean(), py.mean(), qx.mean(), qy.mean()
        cross = float(((px - cx) * (qy - ey) - (py - cy) * (qx - ex)).sum())
        along = float(((px - cx) * (qx - ex) + (py - cy) * (qy - ey)).sum())
        angle += float(np.arctan2(cross, along))
        x, y = _rotated(a, angle)
        east, north = float((qx - x[i][close]).mean()), float((qy - y[i][close]).mean())
    return angle, east, north


def _arrivals(a: Marks, b: Marks, of: int, angle: float, east: float, north: float, *, itself: bool) -> Match:
    x, y = _rotated(a, angle)
    first, second = _landed(a, x + east, y + north, b)
    aside = [len(_landed(a, x + east + dx, y + north + dy, b)[0]) for dx, dy in ((67, 31), (-45, 71), (-59, -43))]
    if itself:
        first, second = first[first != second], second[first != second]
    return Match(first, second, float(np.mean(aside)), of, float(np.degrees(angle) % 360), east, north)


def _landed(a: Marks, x_m: Floats, y_m: Floats, b: Marks) -> tuple[Ints, Ints]:
    """Trees of ``a`` that, so placed, stand on a tree of their species in ``b``, and the nearest such; each once."""
    if len(x_m) == 0 or len(b.x_m) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    west, wide = min(x_m.min(), b.x_m.min()), np.ptp(np.concatenate([x_m, b.x_m])) + 10 * ARRIVED_M
    pairs = pairs_between(
        (x_m - west + a.species * wide, y_m), (b.x_m - west + b.species * wide, b.y_m), ARRIVED_M
    )  # fmt: skip
    alike = np.abs(a.dbh[pairs.i] - b.dbh[pairs.j]) <= 3 * DBH_MM
    i, j, d_m = pairs.i[alike], pairs.j[alike], pairs.d_m[alike]
    nearest = np.lexsort((j, d_m, i))
    first, index = np.unique(i[nearest], return_index=True)
    return first, j[nearest][index]
