"""Land on the plane of a UTM zone, for statistics of where trees stand. Loaded at first use: numpy, GEOS and PROJ take 30 MB."""

from typing import Any

from numpy import column_stack, ndarray, zeros
from pyproj import Transformer
from shapely import distance, intersects_xy, make_valid, points, prepare, transform, union_all
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry


def on_plane(geojson: dict[str, Any], zone: str) -> BaseGeometry:
    """The polygon in metres of a southern UTM zone (WGS 84), made valid where its rings cross."""
    forward = Transformer.from_crs(4326, 32700 + int(zone[:2]), always_xy=True)
    form = transform(shape(geojson), lambda lon_lat: column_stack(forward.transform(lon_lat[:, 0], lon_lat[:, 1])))
    return form if form.is_valid else make_valid(form)


def plane_size(geojson: dict[str, Any], zone: str) -> tuple[float, float]:
    """Area in square metres and perimeter in metres on the plane of the zone; cracks and corners under 10 m are closed."""
    form = on_plane(geojson, zone).buffer(5.0).buffer(-5.0)
    return float(form.area), float(form.simplify(10.0).length)


def distance_outside_m(geojson: dict[str, Any], zone: str, x_m: ndarray, y_m: ndarray) -> ndarray:
    """How far each point lies outside the polygon; zero inside."""
    form = on_plane(geojson, zone)
    prepare(form)
    outside = ~intersects_xy(form, x_m, y_m)
    far_m = zeros(len(x_m))
    far_m[outside] = distance(form, points(x_m[outside], y_m[outside]))
    return far_m


def rezoned(x_m: ndarray, y_m: ndarray, zone: str, wanted: str) -> tuple[ndarray, ndarray]:
    """Coordinates of one southern UTM zone in another."""
    move = Transformer.from_crs(32700 + int(zone[:2]), 32700 + int(wanted[:2]), always_xy=True)
    east, north = move.transform(x_m, y_m)
    return east, north


def united(geometries: list[dict[str, Any]]) -> dict[str, Any]:
    """Several polygons as one GeoJSON geometry; what crosses itself is made valid first."""
    forms = [shape(geometry) for geometry in geometries]
    found: dict[str, Any] = mapping(union_all([form if form.is_valid else make_valid(form) for form in forms]))
    return found
