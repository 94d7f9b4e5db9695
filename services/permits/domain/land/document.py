"""The document of a polygon: canonical JSON in whole 1e-7 degrees, what is stored, hashed and published by digest."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from services.permits.domain.land.drawing import Frame, Point, Rings, invalid
from services.permits.domain.land.limits import LandLimits
from shared.tlog import canon

MAX_DOCUMENT_BYTES = 1_000_000
Box = tuple[int, int, int, int]
RingsE7 = list[list[list[list[int]]]]


def geojson_of(document: bytes) -> dict[str, Any]:
    """The polygon as GeoJSON, from its stored document."""
    polygons = [[[[lon / 1e7, lat / 1e7] for lon, lat in ring] for ring in polygon] for polygon in _rings_e7(document)]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def box_of(document: bytes) -> Box:
    """West, south, east and north of a document, in 1e-7 degrees."""
    points = list(_points(_rings_e7(document)))
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    return min(lons), min(lats), max(lons), max(lats)


def _rings_e7(document: bytes) -> RingsE7:
    rings: RingsE7 = canon.decode(document, max_bytes=MAX_DOCUMENT_BYTES)["lon_lat_e7"]
    return rings


def document_of(rings: RingsE7) -> bytes:
    """The canonical bytes of rings."""
    return canon.encode({"type": "multipolygon", "lon_lat_e7": rings}, max_bytes=MAX_DOCUMENT_BYTES)


def _points(rings: RingsE7) -> Iterator[list[int]]:
    for polygon in rings:
        for ring in polygon:
            yield from ring


def to_e7(rings: Rings) -> RingsE7:
    """Degrees as whole 1e-7 degrees, half to even; ``PolygonInvalid`` for what is no place on earth."""
    return [[[[_e7(lon), _e7(lat)] for lon, lat in ring] for ring in polygon] for polygon in rings]


def _e7(degrees: float) -> int:
    if not math.isfinite(degrees) or abs(degrees) > 180:
        raise invalid("polygon", f"{degrees} is not a place on earth", f"{degrees} no es un lugar de la tierra")
    return round(degrees * 1e7)


def mapped(rings: Rings, change: Callable[[list[Point]], list[Point]]) -> Rings:
    """Every ring changed as a whole."""
    return [[change(ring) for ring in polygon] for polygon in rings]


def shifted(document: bytes, land: LandLimits, zone: str | None) -> bytes:
    """The land of a document if its coordinates were PSAD56 though WGS 84 was said."""
    from services.permits.domain.land import measure

    degrees = [[[(lon / 1e7, lat / 1e7) for lon, lat in ring] for ring in polygon] for polygon in _rings_e7(document)]
    zone = zone or zone_of(degrees[0][0][0])
    frame = Frame("PSAD56", zone)

    def moved(points: list[Point]) -> list[Point]:
        return measure.to_degrees(measure.to_metres(points, zone), frame, land.psad56_to_wgs84_m)

    return document_of(to_e7(mapped(degrees, moved)))


def zone_of(point: Point) -> str:
    """The UTM zone of a place in degrees, in the southern half."""
    return f"{int((point[0] + 180) // 6) + 1}S"
