"""Plane and ellipsoid geometry of a polygon. Loaded at first use: numpy, GEOS and PROJ take 30 MB."""

from typing import Any, NamedTuple

from pyproj import Geod, Proj
from shapely import get_coordinates
from shapely.geometry import shape
from shapely.validation import explain_validity

_EARTH = Geod(ellps="WGS84")


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


def area_m2(geojson: dict[str, Any]) -> int:
    """Geodesic area on WGS 84 (Karney 2013, by PROJ), to the square metre."""
    return round(abs(_EARTH.geometry_area_perimeter(shape(geojson))[0]))


def across_zones_dm(one: tuple[str, int, int], other: tuple[str, int, int]) -> int:
    """Decimetres on the ellipsoid between two points (zone, easting, northing in decimetres) of different UTM zones."""
    (lon_a, lat_a), (lon_b, lat_b) = _lon_lat(*one), _lon_lat(*other)
    return round(float(_EARTH.inv(lon_a, lat_a, lon_b, lat_b)[2]) * 10)


def _lon_lat(zone: str, easting_dm: int, northing_dm: int) -> tuple[float, float]:
    grid = Proj(proj="utm", zone=int(zone[:-1]), south=zone.endswith("S"), ellps="WGS84")
    lon, lat = grid(easting_dm / 10, northing_dm / 10, inverse=True)
    return float(lon), float(lat)
