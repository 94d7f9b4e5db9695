"""Rows that were written more than once: runs of rows repeated, twins beyond chance, one shift that maps many trees."""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.stand import Ints, Stand

MIN_RUN = 3
LEAST_CONTROLS = 50
# Classes that diameters are written in; finer lists are taken by the centimetre.
CLASSES_MM = (100, 50, 20, 10)


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
    """Pairs of trees equal in species, diameter and height against what trees of nearly equal diameter give."""

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
    """Equal pairs, against pairs of equal diameter times how often trees of nearly equal diameter have equal heights.

    Nearly equal: the next trees of the species by diameter, another diameter within two classes of those written (at least 2 cm). Heights that follow the
    diameter closely thus explain their own twins.
    """
    order = np.lexsort((stand.dbh_mm, stand.species))
    species, dbh, height = stand.species[order], stand.dbh_mm[order], stand.height_mm[order]
    near = alike = 0
    classes = next((step for step in CLASSES_MM if np.mean(dbh % step == 0) > 0.95), CLASSES_MM[-1])
    for lag in _lags(len(order)):
        step = dbh[lag:] - dbh[:-lag]
        beside = (species[lag:] == species[:-lag]) & (step > 0) & (step <= 2 * classes)
        near += int(beside.sum())
        alike += int((height[lag:] == height[:-lag])[beside].sum())
    same_dbh = _equal_pairs(species * 100_000 + dbh)
    pairs = _equal_pairs(np.unique(species * 100_000 + dbh, return_inverse=True)[1] * 100_000 + height)
    # Without any control pair the chance of equal heights is that of the whole list.
    chance = (
        alike / near if near >= LEAST_CONTROLS else _equal_pairs(height) / max(len(order) * (len(order) - 1) / 2, 1)
    )
    return Twins(int(pairs), same_dbh * chance)


def _lags(n: int) -> list[int]:
    """Some near and some far in the order, so that crowded diameters also meet their neighbours."""
    return [lag for lag in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610) if lag < n]


def _equal_pairs(values: Ints) -> float:
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1)).sum()) / 2
