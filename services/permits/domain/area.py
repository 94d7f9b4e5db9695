"""The area of several lands together, each square metre counted once."""

from collections.abc import Sequence
from typing import Any

Rings = Sequence[Sequence[Sequence[Sequence[int]]]]
"""Polygons of rings of points, whole 1e-7 degrees, longitude first: as the documents of boundaries hold them."""


def union_area_m2(lands: Sequence[Rings]) -> int:
    """Geodesic area on WGS 84 of the union, in whole m². Edges are straight in degrees where lands overlap, which over a
    community's land differs from geodesic edges by less than the sources do."""
    if not lands:
        return 0
    from pyproj import Geod  # 30 MB of libraries that only this needs
    from shapely import Polygon, unary_union
    from shapely.geometry.polygon import orient

    polygons = [
        Polygon(_degrees(rings[0]), [_degrees(hole) for hole in rings[1:]]) for land in lands for rings in land if rings
    ]
    together: Any = unary_union(polygons)
    earth = Geod(ellps="WGS84")
    parts = [orient(part) for part in getattr(together, "geoms", [together])]
    return round(sum(abs(earth.geometry_area_perimeter(part)[0]) for part in parts))


def _degrees(ring: Sequence[Sequence[int]]) -> list[tuple[float, float]]:
    return [(lon / 1e7, lat / 1e7) for lon, lat in ring]
