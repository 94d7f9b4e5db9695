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
    found = list(_pairs(x_m, y_m, r_m))
    if not found:
        none = np.empty(0, np.int64)
        return Pairs(none, none, np.empty(0))
    return Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


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
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    for dx, dy in _HALF:
        wanted = key + dy * width + dx
        first = np.searchsorted(sorted_key, wanted, "left")
        count = np.searchsorted(sorted_key, wanted, "right") - first
        edges = np.searchsorted(np.cumsum(count), np.arange(0, int(count.sum()) + CHUNK, CHUNK), "left")
        for low, high in zip(edges, [*edges[1:], len(count)], strict=True):
            yield from _chunk(x_m, y_m, r_m, order, first, count, int(low), int(high), own=(dx, dy) == (0, 0))


def _chunk(
    x_m: Floats, y_m: Floats, r_m: float, order: Ints, first: Ints, count: Ints, low: int, high: int, *, own: bool
) -> Iterator[Pairs]:
    counts = count[low:high]
    total = int(counts.sum())
    if total == 0:
        return
    i = np.repeat(np.arange(low, high), counts)
    offset = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    j = order[np.repeat(first[low:high], counts) + offset]
    d_m = np.hypot(x_m[i] - x_m[j], y_m[i] - y_m[j])
    keep = d_m <= r_m
    if own:
        keep &= i < j
    if keep.any():
        yield Pairs(i[keep], j[keep], d_m[keep])


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
