"""A boundary as it was drawn: its points as written, and what the file says of datum and zone. GeoJSON is read here."""

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from services.permits.domain.land.faults import FrameContradicts, FrameMissing, PolygonInvalid

MAX_POINTS = 20_000
MAX_FEATURES = 1_000

Datum = Literal["WGS84", "PSAD56"]
Point = tuple[float, float]
# Polygons of rings of points; the first ring of a polygon is its outside, the others are holes.
Rings = list[list[list[Point]]]

_EPSG = re.compile(r"(?:urn:ogc:def:crs:)?EPSG:(?:[0-9.]*:)?([0-9]{4,6})", re.IGNORECASE)
ZONES = ("17S", "18S", "19S", "20S")


@dataclass(frozen=True, slots=True)
class Frame:
    """What the numbers mean: metres of a UTM zone, or degrees without one; on a datum."""

    datum: Datum
    zone: str | None

    @property
    def epsg(self) -> int:
        """The code of the reference system."""
        if self.zone is None:
            return 4326 if self.datum == "WGS84" else 4248
        return (32700 if self.datum == "WGS84" else 24860) + int(self.zone[:2])


DEGREES = Frame("WGS84", None)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Polygons as they were written, in which form, and the frame that the file declares, if it does."""

    polygons: Rings
    form: str
    frame: Frame | None

    @property
    def points(self) -> list[Point]:
        """All of them."""
        return [point for polygon in self.polygons for ring in polygon for point in ring]


def frame_of_epsg(code: int) -> Frame | None:
    """The frame of a code of EPSG, if it is one of those used for land in Peru."""
    for frame in (Frame(datum, zone) for datum in ("WGS84", "PSAD56") for zone in (None, *ZONES)):
        if frame.epsg == code:
            return frame
    return None


def place(polygon: int, ring: int, point: int) -> str:
    """Where in a drawing, counted from 1."""
    return f"polygon {polygon + 1}, ring {ring + 1}, point {point + 1}"


def invalid(where: str, reason: str, reason_es: str) -> PolygonInvalid:
    """``PolygonInvalid`` at a place."""
    return PolygonInvalid(where[:120], reason, reason_es)


def check_size(drawing: Drawing) -> Drawing:
    """The drawing, when it has a point and not too many."""
    count = len(drawing.points)
    if not 0 < count <= MAX_POINTS:
        raise invalid(
            "polygon",
            f"{count} points; there must be 4 to {MAX_POINTS}",
            f"{count} puntos; deben ser de 4 a {MAX_POINTS}",
        )
    return drawing


# ---- what the numbers mean


def decide_frame(drawing: Drawing, datum: Datum | None, zone: str | None) -> Frame:
    """What was said, what the file says and what the numbers look like must agree; metres need datum and zone."""
    said = Frame(datum or "WGS84", zone) if datum or zone else None
    metres = [abs(x) > 180 or abs(y) > 180 for x, y in drawing.points]
    if any(metres) and not all(metres):
        raise invalid("polygon", "some points are degrees and some are metres", "unos puntos son grados y otros metros")
    declared = drawing.frame
    if said and declared and said != declared:
        raise FrameContradicts("datum", f"the file says EPSG:{declared.epsg}", f"el archivo dice EPSG:{declared.epsg}")
    if not any(metres):
        in_degrees = said or declared or DEGREES
        if in_degrees.zone is not None:
            raise FrameContradicts("zone", "the numbers are degrees", "los números son grados")
        return in_degrees
    in_metres = declared or (said if datum and zone else None)
    if in_metres is None or in_metres.zone is None:
        raise FrameMissing("datum", "metres without datum and UTM zone", _candidates(drawing))
    return in_metres


def _candidates(drawing: Drawing) -> list[dict[str, str]]:
    """Where the first point would lie in each zone, for the eye of who knows the land."""
    from services.permits.domain.land import measure

    x, y = drawing.points[0]
    found = []
    for zone in ZONES:
        # A pair in the wrong order is shown as it would lie once exchanged.
        lon, lat = measure.to_degrees([(min(x, y), max(x, y))], Frame("WGS84", zone), (0, 0, 0))[0]
        if math.isfinite(lon) and math.isfinite(lat):
            found.append({"datum": "WGS84", "zone": zone, "lon": f"{lon:.5f}", "lat": f"{lat:.5f}"})
    return found


# ---- GeoJSON


def read_geojson(document: Any) -> Drawing:
    """The polygons of a geometry, a feature or a collection. Rings may be open: that is judged, with a repair offered."""
    found: Rings = []
    _collect(document, found, "polygon", 0)
    return check_size(Drawing(found, "geojson", _named_frame(document)))


def _named_frame(document: Any) -> Frame | None:
    """The ``crs`` member of old GeoJSON; without one RFC 7946 says degrees on WGS 84, and metres say nothing."""
    crs = document.get("crs") if isinstance(document, dict) else None
    if not isinstance(crs, dict):
        return None
    properties = crs.get("properties")
    name = str(properties.get("name", "")) if isinstance(properties, dict) else ""
    if name.endswith("CRS84"):
        return DEGREES
    code = _EPSG.fullmatch(name)
    frame = frame_of_epsg(int(code[1])) if code else None
    if frame is None:
        raise FrameContradicts("crs", f"{name[:60]} is not used here", f"{name[:60]} no se usa aquí")
    return frame


def _collect(node: Any, found: Rings, where: str, depth: int) -> None:
    if not isinstance(node, dict) or depth > 4 or len(found) > MAX_FEATURES:
        raise invalid(where, "not a GeoJSON polygon", "no es un polígono GeoJSON")
    match node.get("type"):
        case "Polygon":
            found.append(_polygon(node.get("coordinates"), where))
        case "MultiPolygon":
            found.extend(_polygon(one, f"{where}.{n}") for n, one in enumerate(_list(node.get("coordinates"), where)))
        case "Feature":
            _collect(node.get("geometry"), found, f"{where}.geometry", depth + 1)
        case "FeatureCollection":
            for n, one in enumerate(_list(node.get("features"), where)):
                _collect(one, found, f"{where}.features.{n}", depth + 1)
        case "GeometryCollection":
            for n, one in enumerate(_list(node.get("geometries"), where)):
                _collect(one, found, f"{where}.geometries.{n}", depth + 1)
        case other:
            raise invalid(where, f"a {str(other)[:30]} is not a polygon", f"{str(other)[:30]} no es un polígono")


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise invalid(where, "not a list", "no es una lista")
    return value


def _polygon(rings: Any, where: str) -> list[list[Point]]:
    return [
        [_point(point, f"{where}.{n}.{m}") for m, point in enumerate(_list(ring, f"{where}.{n}"))]
        for n, ring in enumerate(_list(rings, where))
    ]


def _point(point: Any, where: str) -> Point:
    pair = _list(point, where)
    if not 2 <= len(pair) <= 4 or not all(_is_number(value) for value in pair[:2]):
        raise invalid(where, "not a pair of numbers", "no es un par de números")
    return float(pair[0]), float(pair[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e9


def number(text: str, where: str) -> float:
    """A number written as text in a file."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) >= 1e9:
        raise invalid(where, f"{text[:30]!r} is not a number", f"{text[:30]!r} no es un número")
    return value
