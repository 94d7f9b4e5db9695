"""Rows that were written more than once: runs of rows repeated, twins beyond chance, one shift that maps many trees."""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.stand import Ints, Stand

MIN_RUN = 3


@dataclass(frozen=True, slots=True)
class Runs:
    """Stretches of the list that occur again later: places of first and second occurrence, and how many rows."""

    trees: int
    first: Ints
    second: Ints
    rows: Ints
    chance: float

    @property
    def repeated_rows(self) -> int:
        """Rows that stand in some repeated run."""
        return int(self.rows.sum())


@dataclass(frozen=True, slots=True)
class Twins:
    """Pairs of trees equal in species, diameter and height against what the margins within species give by chance."""

    pairs: int
    expected: float


def marks_of(stand: Stand, dbh_mm: int = 1, height_mm: int = 1) -> Ints:
    """One number for species, diameter and height of each row, the last two in steps of so many millimetres."""
    dbh, height = stand.dbh_mm // dbh_mm, stand.height_mm // height_mm
    key = (stand.species * (int(dbh.max(initial=0)) + 1) + dbh) * (int(height.max(initial=0)) + 1) + height
    return np.asarray(np.unique(key, return_inverse=True)[1], np.int64)


def measure_runs(stand: Stand) -> Runs:
    """Maximal runs of at least ``MIN_RUN`` equal rows with at least two species among them."""
    marks = marks_of(stand)
    n = len(marks)
    if n < 2 * MIN_RUN:
        none = np.empty(0, np.int64)
        return Runs(n, none, none, none, 0.0)
    key = np.zeros(n - MIN_RUN + 1, np.int64)
    for k in range(MIN_RUN):
        key = np.unique(key * (int(marks.max()) + 1) + marks[k : n - MIN_RUN + 1 + k], return_inverse=True)[1]
    order = np.lexsort((np.arange(len(key)), key))
    same = key[order][1:] == key[order][:-1]
    a, b = order[:-1][same], order[1:][same]
    fit = b - a >= MIN_RUN
    first, second, rows = _joined(sorted(zip((b - a)[fit].tolist(), a[fit].tolist(), strict=True)))
    # A sorted list repeats one species for long; a stretch that is copied holds several.
    varied = np.array([np.ptp(stand.species[f : f + k]) > 0 for f, k in zip(first, rows, strict=True)], np.bool_)
    return Runs(n, first[varied], second[varied], rows[varied], _chance(marks))


def _joined(starts: list[tuple[int, int]]) -> tuple[Ints, Ints, Ints]:
    """Starts (lag, place) that follow each other, as whole runs."""
    first: list[int] = []
    second: list[int] = []
    rows: list[int] = []
    last: tuple[int, int] | None = None
    for lag, place in starts:
        if last is not None and last == (lag, place - 1):
            rows[-1] += 1
        else:
            first.append(place)
            second.append(place + lag)
            rows.append(MIN_RUN)
        last = (lag, place)
    return np.array(first, np.int64), np.array(second, np.int64), np.array(rows, np.int64)


def _chance(marks: Ints) -> float:
    """Expected repeated starts if rows were shuffled."""
    n = len(marks)
    counts = np.bincount(marks).astype(np.float64)
    same = float((counts * (counts - 1)).sum()) / (n * (n - 1))
    return n * (n - 1) / 2 * same**MIN_RUN


def measure_twins(stand: Stand) -> Twins:
    """Equal pairs; expected from the shares of diameters and of heights within each species, taken as independent."""
    pairs, expected = 0.0, 0.0
    for number, n in enumerate(np.bincount(stand.species).tolist()):
        if n < 2:
            continue
        here = stand.species == number
        dbh, height = stand.dbh_mm[here], stand.height_mm[here]
        d, h = (np.unique(v, return_counts=True)[1].astype(np.float64) for v in (dbh, height))
        both = np.unique(dbh * 100_000 + height, return_counts=True)[1].astype(np.float64)
        possible = n * (n - 1)
        pairs += float((both * (both - 1)).sum()) / 2
        expected += float((d * (d - 1)).sum()) * float((h * (h - 1)).sum()) / possible / 2
    return Twins(int(pairs), expected)
