"""Pairs of near trees, by a grid of square cells: numpy only, memory bounded by the pairs found."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.permits.domain.forensics.stand import Bools, Floats, Ints

CHUNK = 400_000
_HALF = ((0, 0), (1, 0), (-1, 1), (0, 1), (1, 1))


class Pairs(NamedTuple):
    """Places ``i``, ``j`` (each pair once) and their distance."""

    i: Ints
    j: Ints
    d_m: Floats


def pairs_within(x_m: Floats, y_m: Floats, r_m: float) -> Pairs:
    """Every pair of points not farther apart than ``r_m``, each once."""
    return _joined(list(_pairs(x_m, y_m, r_m)))


def pairs_between(a: tuple[Floats, Floats], b: tuple[Floats, Floats], r_m: float) -> Pairs:
    """Every pair of a point of ``a`` (place ``i``) and one of ``b`` (place ``j``) not farther apart than ``r_m``."""
    return _joined(list(_pairs_between(a, b, r_m)))


def _joined(found: list[Pairs]) -> Pairs:
    if not found:
        none = np.empty(0, np.int64)
        return Pairs(none, none, np.empty(0))
    return Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def pieces(n: int, pairs: Pairs) -> Ints:
    """The piece that each of n places hangs together in, pair by pair, by its first place.

    In two rounds each piece that meets another joins one, so their number halves: the order of the places, which is that of
    somebody's list, cannot make a chain of them slow.
    """
    piece, i, j = np.arange(n), pairs.i, pairs.j
    while True:
        a, b = piece[i], piece[j]
        apart = a != b
        if not apart.any():
            return piece
        i, j, a, b = i[apart], j[apart], a[apart], b[apart]
        np.minimum.at(piece, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(first := piece[piece], piece):
            piece = first


def candidates(x_m: Floats, y_m: Floats, r_m: float) -> int:
    """How many pairs ``pairs_within`` would look at: with n points on one spot, n squared."""
    if len(x_m) < 2:
        return 0
    key, width = _cells(x_m, y_m, r_m)
    cells, trees = np.unique(key, return_counts=True)
    total = 0
    for dx, dy in _HALF:
        at = np.minimum(np.searchsorted(cells, cells + dy * width + dx), len(cells) - 1)
        total += int(np.sum(np.where(cells[at] == cells + dy * width + dx, trees * trees[at], 0)))
    return total


def _cells(x_m: Floats, y_m: Floats, r_m: float) -> tuple[Ints, int]:
    """The square cell of each point as one number, and how many numbers a row of cells takes."""
    cx = np.floor((x_m - x_m.min()) / r_m).astype(np.int64)
    cy = np.floor((y_m - y_m.min()) / r_m).astype(np.int64)
    width = int(cx.max()) + 3
    return (cy + 1) * width + cx + 1, width


def _pairs(x_m: Floats, y_m: Floats, r_m: float) -> Iterator[Pairs]:
    if len(x_m) < 2:
        return
    key, width = _cells(x_m, y_m, r_m)
    here = _Sorted.by(key, x_m, y_m)
    # A row of cells is a row of numbers: what follows in the own cell and the next one, and the three cells above.
    yield from _reached(here, here, np.arange(1, len(key) + 1), here.after(here.key + 1), r_m)
    yield from _reached(here, here, here.before(here.key + width - 1), here.after(here.key + width + 1), r_m)


def _pairs_between(a: tuple[Floats, Floats], b: tuple[Floats, Floats], r_m: float) -> Iterator[Pairs]:
    if len(a[0]) == 0 or len(b[0]) == 0:
        return
    key, width = _cells(np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]), r_m)
    here, there = _Sorted.by(key[: len(a[0])], *a), _Sorted.by(key[len(a[0]) :], *b)
    for row in (-width, 0, width):
        yield from _reached(here, there, there.before(here.key + row - 1), there.after(here.key + row + 1), r_m)


class _Sorted(NamedTuple):
    """Points in the order of their cells, so that those of neighbouring cells lie together in memory."""

    key: Ints
    x_m: Floats
    y_m: Floats
    place: Ints

    @classmethod
    def by(cls, key: Ints, x_m: Floats, y_m: Floats) -> "_Sorted":
        order = np.argsort(key, kind="stable")
        return cls(key[order], x_m[order], y_m[order], order)

    def before(self, cell: Ints) -> Ints:
        return np.searchsorted(self.key, cell, "left")

    def after(self, cell: Ints) -> Ints:
        return np.searchsorted(self.key, cell, "right")


def _reached(a: _Sorted, b: _Sorted, first: Ints, end: Ints, r_m: float) -> Iterator[Pairs]:
    """Pairs of each point of ``a`` with those of ``b`` from ``first`` to ``end``, some hundred thousand at a time."""
    count = end - first
    until = np.cumsum(count)
    edges = np.searchsorted(until, np.arange(0, int(until[-1]) + CHUNK, CHUNK), "left")
    for low, high in zip(edges, [*edges[1:], len(count)], strict=True):
        counts = count[low:high]
        total = int(counts.sum())
        if total == 0:
            continue
        i = np.repeat(np.arange(low, high), counts)
        j = np.arange(total) + np.repeat(first[low:high] - (np.cumsum(counts) - counts), counts)
        dx, dy = a.x_m[i] - b.x_m[j], a.y_m[i] - b.y_m[j]
        near = np.flatnonzero(dx * dx + dy * dy <= r_m * r_m * (1 + 1e-9))
        d_m = np.hypot(dx[near], dy[near])
        near, d_m = near[d_m <= r_m], d_m[d_m <= r_m]
        if len(near):
            yield Pairs(a.place[i[near]], b.place[j[near]], d_m)


def thinned(n: int, share: float) -> Bools:
    """A fixed pseudo-random choice of about ``share`` of n places, the same for the same n (multiplicative hashing)."""
    if share >= 1:
        return np.ones(n, np.bool_)
    mixed = (np.arange(1, n + 1, dtype=np.uint64) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    mixed = ((mixed ^ (mixed >> np.uint64(15))) * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    return np.asarray(mixed < share * 2**32, np.bool_)


def nearest_m(x_m: Floats, y_m: Floats, reach_m: float) -> Floats:
    """Distance from each point to its nearest neighbour; ``reach_m`` where there is none within it. Trees on one point are
    one place, so a list written on one spot has no more pairs than places."""
    places, place, count = np.unique(np.column_stack([x_m, y_m]), axis=0, return_inverse=True, return_counts=True)
    i, j, d_m = pairs_within(places[:, 0], places[:, 1], reach_m)
    nearest = np.where(count > 1, 0.0, reach_m)
    np.minimum.at(nearest, i, d_m)
    np.minimum.at(nearest, j, d_m)
    return np.asarray(nearest[place.ravel()], np.float64)
