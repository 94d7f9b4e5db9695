"""The polygon of a title: whole, simple, in Peru, and as large as the title says."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

from geojson_pydantic import MultiPolygon, Polygon
from pydantic import TypeAdapter, ValidationError

from services.permits.domain.norms import Limits
from shared.refusal import Malformed
from shared.tlog import canon

MAX_POINTS = 20_000
MAX_DOCUMENT_BYTES = 1_000_000
_GEOMETRY: TypeAdapter[Polygon | MultiPolygon] = TypeAdapter(Polygon | MultiPolygon)


@dataclass(eq=False)
class PolygonInvalid(Malformed):
    """It is not a GeoJSON polygon with closed rings."""

    slug: ClassVar[str] = "polygon-invalid"
    es: ClassVar[str] = "El polígono no sirve: {where}: {reason}."
    en: ClassVar[str] = "The polygon cannot be used: {where}: {reason}."


@dataclass(eq=False)
class CrossesItself(Malformed):
    """The boundary crosses itself; the place is named so that it can be found on a map."""

    slug: ClassVar[str] = "polygon-crosses-itself"
    es: ClassVar[str] = "El lindero se cruza consigo mismo en longitud {lon}, latitud {lat} ({reason})."
    en: ClassVar[str] = "The boundary crosses itself at longitude {lon}, latitude {lat} ({reason})."
    lon: str
    lat: str


@dataclass(eq=False)
class AxesSwapped(Malformed):
    """The points are outside Peru as they are written, and inside with latitude and longitude exchanged."""

    slug: ClassVar[str] = "axes-swapped"
    es: ClassVar[str] = "Latitud y longitud están intercambiadas: GeoJSON escribe primero la longitud."
    en: ClassVar[str] = "Latitude and longitude are swapped: GeoJSON writes the longitude first."


@dataclass(eq=False)
class OutsidePeru(Malformed):
    """A point lies outside the country."""

    slug: ClassVar[str] = "outside-peru"
    es: ClassVar[str] = "El punto longitud {lon}, latitud {lat} está fuera del Perú."
    en: ClassVar[str] = "The point longitude {lon}, latitude {lat} lies outside Peru."
    lon: str
    lat: str


@dataclass(eq=False)
class AreaDiffers(Malformed):
    """The polygon measures another area than the title declares."""

    slug: ClassVar[str] = "area-differs"
    es: ClassVar[str] = (
        "El polígono mide {measured_ha} ha y el título declara {declared_ha} ha (tolerancia {tolerance_permille} ‰)."
    )
    en: ClassVar[str] = (
        "The polygon measures {measured_ha} ha, the title declares {declared_ha} ha (tolerance {tolerance_permille} ‰)."
    )
    measured_m2: int
    declared_m2: int
    tolerance_permille: int
    measured_ha: str
    declared_ha: str


@dataclass(frozen=True, slots=True)
class Land:
    """A checked polygon: its canonical document (whole 1e-7 degrees), the digest that is published, its area."""

    document: bytes
    sha256: str
    area_m2: int


def survey(geometry: Any, declared_m2: int, limits: Limits) -> Land:
    """The land of a GeoJSON geometry, or the refusal that says where and why it cannot be used."""
    from services.permits.domain import shapes  # 30 MB of libraries that only a title needs

    rings = _rings(geometry)
    document = canon.encode({"type": "multipolygon", "lon_lat_e7": rings}, max_bytes=MAX_DOCUMENT_BYTES)
    _check_country(rings, limits)
    fault = shapes.fault_of(geojson_of(document))
    if fault is not None:
        raise CrossesItself("polygon", fault.reason, *_degrees(fault.lon, fault.lat))
    area_m2 = shapes.area_m2(geojson_of(document))
    if abs(area_m2 - declared_m2) * 1000 > declared_m2 * limits.title_area_tolerance_permille:
        measured, declared = f"{area_m2 / 10_000:.2f}", f"{declared_m2 / 10_000:.2f}"
        raise AreaDiffers(
            "polygon", "area", area_m2, declared_m2, limits.title_area_tolerance_permille, measured, declared
        )
    return Land(document, sha256(document).hexdigest(), area_m2)


def geojson_of(document: bytes) -> dict[str, Any]:
    """The polygon as GeoJSON, from its stored document."""
    rings = canon.decode(document, max_bytes=MAX_DOCUMENT_BYTES)["lon_lat_e7"]
    polygons = [[[[lon / 1e7, lat / 1e7] for lon, lat in ring] for ring in polygon] for polygon in rings]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _rings(geometry: Any) -> list[list[list[list[int]]]]:
    try:
        form = _GEOMETRY.validate_python(geometry)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PolygonInvalid(f"polygon.{where}"[:120], str(first["msg"])[:200]) from error
    polygons = [form.coordinates] if isinstance(form, Polygon) else form.coordinates
    rings = [[[_point(point) for point in ring] for ring in polygon] for polygon in polygons]
    points = sum(len(ring) for polygon in rings for ring in polygon)
    if points == 0 or points > MAX_POINTS:
        raise PolygonInvalid("polygon", f"{points} puntos; de 4 a {MAX_POINTS} / {points} points; 4 to {MAX_POINTS}")
    return rings


def _point(point: Any) -> list[int]:
    lon, lat = float(point[0]), float(point[1])
    if not (abs(lon) <= 180 and abs(lat) <= 180):
        raise PolygonInvalid("polygon", f"{lon}, {lat}: no son grados / not degrees")
    return [round(lon * 1e7), round(lat * 1e7)]


def _points(rings: list[list[list[list[int]]]]) -> Iterator[list[int]]:
    for polygon in rings:
        for ring in polygon:
            yield from ring


def _check_country(rings: list[list[list[list[int]]]], limits: Limits) -> None:
    west, south, east, north = limits.peru_lon_lat_e7
    outside = next((p for p in _points(rings) if not (west <= p[0] <= east and south <= p[1] <= north)), None)
    if outside is None:
        return
    if all(west <= lat <= east and south <= lon <= north for lon, lat in _points(rings)):
        raise AxesSwapped("polygon", "lon, lat")
    raise OutsidePeru("polygon", "outside", *_degrees(outside[0] / 1e7, outside[1] / 1e7))


def _degrees(lon: float, lat: float) -> tuple[str, str]:
    return f"{lon:.7f}", f"{lat:.7f}"
