"""The trees of a census as columns of numbers in the order of the list, and the ground they stand on.

Positions are metres in the UTM zone that most trees use; the ground of a parcel is its polygon, or the convex hull of
its trees enlarged as Ripley and Rasson (1977) say when no polygon is known.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from services.permits.domain.census import Tree

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# How far a position may lie off under a canopy, and how many may lie farther before a polygon is not theirs.
POSITION_M, MAX_OUTSIDE = 25.0, 0.02
PARTS_OF_CODE = re.compile(r"[0-9]+|[^0-9]+")


@dataclass(frozen=True)
class Ground:
    """The land of one parcel: area and perimeter on the plane, and whether a polygon gave them."""

    area_m2: float
    perimeter_m: float
    surveyed: bool

    def pair_share(self, r_m: float) -> float:
        """Chance that two uniform points of the land are closer than ``r_m``.

        From the set covariance to first order, A - t P / pi (Matheron); good while r is well below the width.
        """
        share = (np.pi * r_m**2 * self.area_m2 - 2 * r_m**3 * self.perimeter_m / 3) / self.area_m2**2
        return float(min(max(share, 0.0), 1.0))


@dataclass(frozen=True)
class Stand:
    """A census in columns. ``rows`` gives back the tree behind each place of the arrays; the places are of the UTM ``zone``
    that most trees have."""

    rows: list[Tree]
    x_m: Floats
    y_m: Floats
    dbh_mm: Ints
    height_mm: Ints
    species: Ints
    species_names: tuple[str, ...]
    parcel: Ints
    parcel_names: tuple[str, ...]
    harvestable: Bools
    grounds: tuple[Ground, ...]
    zone: str

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def area_m2(self) -> float:
        """All parcels together."""
        return sum(ground.area_m2 for ground in self.grounds)

    @cached_property
    def spacing_m(self) -> float:
        """Side of the square that one tree has: the scale of the pattern."""
        return float(np.sqrt(self.area_m2 / max(len(self), 1)))

    def seat(self, place: int) -> dict[str, Any]:
        """Where a forester finds the row."""
        tree = self.rows[place]
        return {"sheet": tree.sheet, "row": tree.row, "parcel": tree.parcel, "code": tree.code}

    def shown(self, place: int) -> dict[str, Any]:
        """The row with what is written in it."""
        tree = self.rows[place]
        return {
            **self.seat(place), "species": tree.species, "dbh_mm": tree.dbh_mm, "height_mm": tree.height_mm,
        }  # fmt: skip


def stand_of(trees: Sequence[Tree], polygons: Mapping[str, dict[str, Any]] | None = None) -> Stand:
    """The columns of a census in the order of its list. ``polygons`` are GeoJSON geometries by parcel (WGS 84).

    The key "" holds one polygon for the whole plan: parcels without their own then share it as one ground.
    """
    polygons = polygons or {}
    rows = _listed(trees)
    zone = Counter(tree.zone for tree in rows).most_common(1)[0][0] if rows else "18S"
    x_m, y_m = _positions(rows, zone)
    names, species = _numbered([tree.species for tree in rows])
    whole = "" in polygons
    parcels, parcel = _numbered([tree.parcel if tree.parcel in polygons or not whole else "" for tree in rows])
    grounds = tuple(
        _ground(polygons.get(name), zone, x_m[parcel == number], y_m[parcel == number])
        for number, name in enumerate(parcels)
    )
    return Stand(
        rows, x_m, y_m,
        np.array([tree.dbh_mm for tree in rows], np.int64), np.array([tree.height_mm for tree in rows], np.int64),
        species, names, parcel, parcels, np.array([tree.condition == "harvestable" for tree in rows], np.bool_), grounds,
        zone,
    )  # fmt: skip


def _listed(trees: Sequence[Tree]) -> list[Tree]:
    """In the order of the sheets; what comes from the store without it, parcel by parcel in that of the codes, 2 before 10:
    crews number the trees as they list them, and the order of the root (1, 10, 100, 2) would tear every list apart."""
    if not any(tree.row for tree in trees):
        return sorted((trees[place] for place in natural_order(trees)), key=lambda tree: tree.parcel)
    sheets = {sheet: number for number, sheet in enumerate(dict.fromkeys(tree.sheet for tree in trees))}
    return sorted(trees, key=lambda tree: (sheets[tree.sheet], tree.row))


def natural_order(trees: Sequence[Tree]) -> list[int]:
    """The places of the trees by code, numbers in it by their value."""
    keys = [[(len(part), part) for part in PARTS_OF_CODE.findall(tree.code)] for tree in trees]
    return sorted(range(len(keys)), key=keys.__getitem__)


def _numbered(words: list[str]) -> tuple[tuple[str, ...], Ints]:
    numbers: dict[str, int] = {}
    places = [numbers.setdefault(word, len(numbers)) for word in words]
    return tuple(numbers), np.array(places, np.int64)


def _positions(rows: list[Tree], zone: str) -> tuple[Floats, Floats]:
    x_m = np.array([tree.easting_dm for tree in rows], np.float64) / 10
    y_m = np.array([tree.northing_dm for tree in rows], np.float64) / 10
    for other in {tree.zone for tree in rows} - {zone}:
        from services.permits.domain.land import plane  # libraries of 30 MB that few censuses need

        there = np.array([tree.zone == other for tree in rows])
        x_m[there], y_m[there] = plane.rezoned(x_m[there], y_m[there], other, zone)
    return x_m, y_m


def _ground(polygon: dict[str, Any] | None, zone: str, x_m: Floats, y_m: Floats) -> Ground:
    """The polygon when the trees stand in it, and what they cover of it when that is less."""
    covered = _covered(x_m, y_m)
    if polygon is None:
        return covered
    from services.permits.domain.land import plane

    outside = plane.distance_outside_m(polygon, zone, x_m, y_m) > POSITION_M
    if outside.mean() > MAX_OUTSIDE:
        return covered
    area_m2, perimeter_m = plane.plane_size(polygon, zone)
    if covered.area_m2 < area_m2:
        return Ground(covered.area_m2, covered.perimeter_m, surveyed=True)
    return Ground(area_m2, perimeter_m, surveyed=True)


def _covered(x_m: Floats, y_m: Floats) -> Ground:
    corners = hull(x_m, y_m)
    n, v = len(x_m), len(corners)
    if v < 3 or n <= v:
        return Ground(1.0, 4.0, surveyed=False)
    ahead = np.roll(corners, -1, axis=0)
    area_m2 = abs(float(np.sum(corners[:, 0] * ahead[:, 1] - ahead[:, 0] * corners[:, 1]))) / 2
    grown = 1 / (1 - v / n)
    sides_m = float(np.hypot(*(ahead - corners).T).sum())
    return Ground(max(area_m2 * grown, 1.0), sides_m * float(np.sqrt(grown)), surveyed=False)


def hull(x_m: Floats, y_m: Floats) -> Floats:
    """Corners of the convex hull, counter-clockwise, about the centre of the points (Andrew's monotone chain)."""
    if len(x_m) == 0:
        return np.empty((0, 2))
    x, y = x_m - x_m.mean(), y_m - y_m.mean()
    edge = _not_within(x, y)
    points = sorted(set(zip(x[edge].tolist(), y[edge].tolist(), strict=True)))

    def chain(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
        side: list[tuple[float, float]] = []
        for p in ordered:
            while len(side) > 1 and _turn(side[-2], side[-1], p) <= 0:
                side.pop()
            side.append(p)
        return side[:-1]

    return np.array(chain(points) + chain(points[::-1])).reshape(-1, 2)


def _not_within(x: Floats, y: Floats) -> Bools:
    """All points but those well within the polygon of the farthest ones of sixteen directions (Akl and Toussaint 1978):
    no corner of the hull is among these."""
    angle = np.arange(16) * (np.pi / 8)
    far = [int(np.argmax(x * np.cos(a) + y * np.sin(a))) for a in angle]
    within = np.ones(len(x), np.bool_)
    for a, b in zip(far, [*far[1:], far[0]], strict=True):
        if a != b:
            within &= (x[b] - x[a]) * (y - y[a]) - (y[b] - y[a]) * (x - x[a]) > 1.0  # m2: beyond any error of rounding
    return ~within if len(set(far)) > 2 else np.ones(len(x), np.bool_)


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
