"""Plane and ellipsoid geometry. Loaded at first use: numpy, GEOS and PROJ take 30 MB."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import shapely
from pyproj import Geod, Proj, Transformer
from shapely import MultiPolygon, get_coordinates, make_valid, orient_polygons, set_precision
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from services.permits.domain.land.drawing import Frame, Point, Rings

_EARTH = Geod(ellps="WGS84")
_GRID = 1e-7
Form = BaseGeometry


class Fault(NamedTuple):
    """Why a polygon is not simple, in the words of GEOS, and where."""

    reason: str
    lon: float
    lat: float


def fault_of(geojson: dict[str, Any]) -> Fault | None:
    """The first place where the boundary crosses or touches itself; None for a simple polygon."""
    form = shape(geojson)
    if form.is_valid:
        return None
    reason, _, place = explain_validity(form).partition("[")
    numbers = place.rstrip("]").split()
    lon, lat = (float(numbers[0]), float(numbers[1])) if len(numbers) >= 2 else get_coordinates(form)[0]
    return Fault(reason.strip(), lon, lat)


def untangled(geojson: dict[str, Any]) -> Rings:
    """The same land without crossings, on the grid of 1e-7 degrees; empty when no area is left."""
    form = _areas(set_precision(make_valid(shape(geojson), method="structure", keep_collapsed=False), _GRID))
    polygons: list[Any] = [mapping(one)["coordinates"] for one in form.geoms]
    return [[[(x, y) for x, y in ring] for ring in polygon] for polygon in polygons]


def form_of(geojson: dict[str, Any]) -> Form:
    """A polygon made ready to be laid over others."""
    form = shape(geojson)
    shapely.prepare(form)
    return form


def area_m2(geojson: dict[str, Any]) -> int:
    """Geodesic area on WGS 84 (Karney 2013, by PROJ), to the square metre."""
    return area_of(shape(geojson))


def area_of(form: Form) -> int:
    """As ``area_m2``; lines and points of an intersection have none. Holes count as holes whichever way they turn."""
    return sum(round(abs(_EARTH.geometry_area_perimeter(orient_polygons(one))[0])) for one in _areas(form).geoms)


def inside(form: Form, other: Form) -> Form:
    """What both have in common."""
    return shapely.intersection(form, other)


def outside(form: Form, other: Form) -> Form:
    """What the first has and the second has not."""
    return shapely.difference(form, other)


def together(forms: Iterable[Form]) -> Form:
    """All of them as one."""
    return shapely.union_all(list(forms))


def points_inside(points: Sequence[Point], form: Form) -> list[bool]:
    """Of each point whether it lies in the form or on its border."""
    if not points:
        return []
    found: list[bool] = shapely.intersects_xy(form, [x for x, _ in points], [y for _, y in points]).tolist()
    return found


def _areas(form: Form) -> MultiPolygon:
    parts = [form] if form.geom_type == "Polygon" else list(getattr(form, "geoms", ()))
    return MultiPolygon([one for part in parts for one in _polygons(part) if not one.is_empty])


def _polygons(form: Form) -> list[Any]:
    if form.geom_type == "Polygon":
        return [form]
    return [one for part in getattr(form, "geoms", ()) for one in _polygons(part)]


# ---- frames


def to_degrees(points: Sequence[Point], frame: Frame, shift_m: Sequence[float]) -> list[Point]:
    """Points of a frame as degrees on WGS 84. ``shift_m`` is the geocentric translation of PSAD56 (``psad56_to_wgs84_m``)."""
    if frame.datum == "WGS84" and frame.zone is None:
        return list(points)
    lon, lat = _pipeline(frame, tuple(shift_m)).transform([x for x, _ in points], [y for _, y in points])
    return list(zip(lon, lat, strict=True))


def to_metres(points: Sequence[Point], zone: str) -> list[Point]:
    """Degrees on WGS 84 as metres of a UTM zone on WGS 84."""
    x, y = _pipeline(Frame("WGS84", zone), (0, 0, 0)).transform(
        [lon for lon, _ in points], [lat for _, lat in points], direction="INVERSE"
    )
    return list(zip(x, y, strict=True))


def metres_between(a: Point, b: Point) -> float:
    """Geodesic distance of two places in degrees."""
    distance: float = _EARTH.inv(*a, *b)[2]
    return distance


@lru_cache(maxsize=32)
def _pipeline(frame: Frame, shift_m: tuple[float, ...]) -> Transformer:
    """Written out, so that another version of the geodetic database cannot choose another transformation."""
    ellipsoid = "WGS84" if frame.datum == "WGS84" else "intl"
    steps = ["+proj=pipeline"]
    if frame.zone is None:
        steps.append("+step +proj=unitconvert +xy_in=deg +xy_out=rad")
    else:
        steps.append(f"+step +inv +proj=utm +zone={int(frame.zone[:2])} +south +ellps={ellipsoid}")
    if frame.datum == "PSAD56":
        x, y, z = shift_m
        steps += [
            "+step +proj=push +v_3", "+step +proj=cart +ellps=intl", f"+step +proj=helmert +x={x} +y={y} +z={z}",
            "+step +inv +proj=cart +ellps=WGS84", "+step +proj=pop +v_3",
        ]  # fmt: skip
    steps.append("+step +proj=unitconvert +xy_in=rad +xy_out=deg")
    return Transformer.from_pipeline(" ".join(steps))


def across_zones_dm(one: tuple[str, int, int], other: tuple[str, int, int]) -> int:
    """Decimetres on the ellipsoid between two points (zone, easting, northing in decimetres) of different UTM zones."""
    (lon_a, lat_a), (lon_b, lat_b) = _lon_lat(*one), _lon_lat(*other)
    return round(float(_EARTH.inv(lon_a, lat_a, lon_b, lat_b)[2]) * 10)


def _lon_lat(zone: str, easting_dm: int, northing_dm: int) -> tuple[float, float]:
    grid = Proj(proj="utm", zone=int(zone[:-1]), south=zone.endswith("S"), ellps="WGS84")
    lon, lat = grid(easting_dm / 10, northing_dm / 10, inverse=True)
    return float(lon), float(lat)
