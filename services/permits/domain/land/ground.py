"""What the rules over a plan ask of land and places: how much lies outside, how much is shared, and the same from PSAD56.
Loaded at first use: numpy, GEOS and PROJ take 30 MB."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import Transformer
from shapely import contains_xy, prepare, transform, union_all
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from services.permits.domain.land.measure import area_of

# Zone, easting and northing in metres.
Place = tuple[str, float, float]


def outside_m2(area: dict[str, Any], bound: dict[str, Any]) -> int:
    """Geodesic square metres of an area that lie outside another."""
    return area_of(shape(area).difference(shape(bound)))


def shared_m2(one: dict[str, Any], other: dict[str, Any]) -> int:
    """Geodesic square metres that two areas share."""
    return area_of(shape(one).intersection(shape(other)))


def together(areas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several areas as one."""
    found: dict[str, Any] = mapping(union_all([shape(area) for area in areas]))
    return found


def clipped(area: dict[str, Any], bound: dict[str, Any]) -> dict[str, Any] | None:
    """The part of an area inside another, or ``None`` when there is none."""
    form = shape(area).intersection(shape(bound))
    if area_of(form) == 0:
        return None
    found: dict[str, Any] = mapping(form)
    return found


def apart(land: Iterable[dict[str, Any]], trees: Sequence[Place], other: dict[str, Any]) -> bool:
    """Whether a plan with these parcels and trees has no square metre and no tree in another parcel. Slow for large land: use a
    thread."""
    return not any(shared_m2(area, other) for area in land) and len(places_outside(trees, other, 0)) == len(trees)


def places_outside(places: Sequence[Place], area: dict[str, Any], tolerance_m: float) -> list[int]:
    """Which of these places (WGS 84, UTM south) lie further than the tolerance outside an area, by their position."""
    outside: list[int] = []
    for zone, at in _by_zone(places).items():
        form = _through(_to_utm(zone), shape(area)).buffer(tolerance_m)
        prepare(form)
        inside = contains_xy(form, [places[i][1] for i in at], [places[i][2] for i in at])
        outside += [i for i, within in zip(at, inside, strict=True) if not within]
    return sorted(outside)


def from_psad56(places: Sequence[Place], shift_m: Sequence[float]) -> list[Place]:
    """The places in WGS 84 if their figures are of PSAD56: a geocentric shift of the international ellipsoid."""
    found = list(places)
    for zone, at in _by_zone(places).items():
        utm = f"proj=utm zone={zone[:-1]} south ellps="
        shift = _shift(f"step inv {utm}intl", tuple(shift_m), f"step {utm}WGS84")
        east, north = shift.transform(np.array([places[i][1] for i in at]), np.array([places[i][2] for i in at]))
        for i, x, y in zip(at, east, north, strict=True):
            found[i] = (zone, float(x), float(y))
    return found


def area_from_psad56(area: dict[str, Any], shift_m: Sequence[float]) -> dict[str, Any]:
    """The same for an area in degrees."""
    degrees = "step proj=unitconvert xy_in=deg xy_out=rad", "step proj=unitconvert xy_in=rad xy_out=deg"
    shift = _shift(degrees[0], tuple(shift_m), degrees[1])
    moved: dict[str, Any] = mapping(_through(shift, shape(area)))
    return moved


def _through(transformer: Transformer, form: BaseGeometry) -> BaseGeometry:
    def move(points: np.ndarray) -> np.ndarray:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    return transform(form, move)


def _by_zone(places: Sequence[Place]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for i, (zone, _, _) in enumerate(places):
        found[zone].append(i)
    return found


@lru_cache(maxsize=8)
def _to_utm(zone: str) -> Transformer:
    return Transformer.from_crs("EPSG:4326", f"EPSG:327{zone[:-1]}", always_xy=True)


@lru_cache(maxsize=8)
def _shift(before: str, shift_m: tuple[float, ...], after: str) -> Transformer:
    x, y, z = shift_m
    return Transformer.from_pipeline(
        f"proj=pipeline {before} step proj=cart ellps=intl step proj=helmert x={x} y={y} z={z}"
        f" step inv proj=cart ellps=WGS84 {after}"
    )
