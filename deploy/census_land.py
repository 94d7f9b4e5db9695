"""The land beside a census file: the polygons of a GeoJSON, each with the parcel it names. What can be put right is, and said."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from services.permits.domain import columns
from services.permits.domain.finding import Finding
from services.permits.domain.land.drawing import DEGREES, Drawing, Point, decide_frame, invalid, read_geojson
from services.permits.domain.land.faults import LandFault, unreadable
from services.permits.domain.land.limits import land_limits_on
from shared.refusal import Malformed

PARCEL_PROPERTIES = ("parcel", "parcela", "pc", "pca")
# West, south, east and north of South America in degrees: enough to tell a longitude from a latitude.
AMERICA = (-93.0, -60.0, -30.0, 15.0)
REPAIRS = {
    "close-ring": ("un anillo que no cierra", "a ring that is not closed"),
    "swap-axes": ("los ejes intercambiados", "its axes swapped"),
    "repair-crossing": ("un lindero que se cruza", "a boundary that crosses itself"),
}


@dataclass(eq=False)
class LandUnreadable(Malformed):
    """The file of the land cannot be used: the census is not judged without it, neither for the community nor against it."""

    slug: ClassVar[str] = "land-file-unreadable"
    es: ClassVar[str] = "El polígono junto al censo no sirve ({where}): {reason_es}"
    en: ClassVar[str] = "The polygon beside the census cannot be used ({where}): {reason}"
    reason_es: str


@dataclass(frozen=True, slots=True)
class LandBeside:
    """Polygons in degrees of WGS 84 by parcel ("" where none is named), and what had to be put right to read them."""

    features: list[tuple[str, dict[str, Any]]]
    repairs: tuple[str, ...] = ()

    def by_parcel(self, parcels: tuple[str, ...]) -> dict[str, dict[str, Any]] | None:
        """The polygons of each parcel when the file names all parcels, else all of them as one land of the plan."""
        if not self.features:
            return None
        from services.permits.domain.land import plane

        named: dict[str, list[dict[str, Any]]] = {}
        for parcel, geometry in self.features:
            named.setdefault(parcel, []).append(geometry)
        if set(parcels) <= set(named):
            return {parcel: plane.united(named[parcel]) for parcel in parcels}
        return {"": plane.united([geometry for _, geometry in self.features])}

    def zone(self) -> str | None:
        """The UTM zone of the first point; ``None`` without land."""
        if not self.features:
            return None
        first = self.features[0][1]["coordinates"]
        while isinstance(first[0], list | tuple):
            first = first[0]
        return f"{int((first[0] + 180) // 6) + 1}S"

    def fault(self, version: str) -> Finding | None:
        """A note of what the service would have asked consent for; ``None`` when nothing had to be put right."""
        if not self.repairs:
            return None
        es, en = (
            joined.join(words)
            for joined, words in zip(
                (" y ", " and "), zip(*(REPAIRS[r] for r in self.repairs), strict=True), strict=True
            )
        )
        return Finding(
            "LAND", "FAIL", "S1", "plan", {"repairs": list(self.repairs)}, {}, version, "",
            f"El polígono junto al censo tiene {es}; se leyó corregido, y el servicio pediría antes el consentimiento.",
            f"The polygon beside the census has {en}; it was read put right, for which the service would ask consent.",
        )  # fmt: skip


def land_beside(census: Path, day: date) -> LandBeside:
    """The polygons of ``NAME.geojson`` beside ``NAME.csv``; none when there is no such file,
    ``LandUnreadable`` when it is of no use."""
    stem = census.with_suffix("") if census.suffix == ".gz" else census
    path = stem.with_suffix(".geojson")
    if not path.is_file():
        return LandBeside([])
    try:
        return _land(_document(path.read_bytes()), day)
    except LandFault as fault:
        raise LandUnreadable(path.name, fault.text("en"), fault.text("es")) from fault


def _document(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise unreadable("it is not JSON", "no es JSON") from error
    if not isinstance(document, dict):
        raise unreadable("it is not GeoJSON", "no es GeoJSON")
    return document


def _land(document: dict[str, Any], day: date) -> LandBeside:
    found: list[tuple[str, dict[str, Any]]] = []
    repairs: dict[str, None] = {}
    frames = {"crs": document["crs"]} if "crs" in document else {}
    for feature in _features(document):
        drawing = _drawn(feature | frames)
        polygons = [rings for polygon in _degrees(drawing, day) if (rings := _closed(polygon, repairs))]
        if _swapped([point for polygon in polygons for ring in polygon for point in ring]):
            repairs["swap-axes"] = None
            polygons = [[[(y, x) for x, y in ring] for ring in polygon] for polygon in polygons]
        found.append((_parcel(feature), _sound(polygons, repairs)))
    if not found:
        raise unreadable("it has no polygon", "no tiene ningún polígono")
    return LandBeside(found, tuple(repairs))


def _features(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The features that are polygons; a geometry alone is one."""
    listed = document.get("features") if document.get("type") == "FeatureCollection" else [document]
    if not isinstance(listed, list):
        raise unreadable("its features are no list", "sus elementos no son una lista")
    whole = [one if one.get("type") == "Feature" else {"geometry": one} for one in listed if isinstance(one, dict)]
    return [
        {"type": "Feature"} | one
        for one in whole
        if isinstance(one.get("geometry"), dict) and one["geometry"].get("type") in ("Polygon", "MultiPolygon")
    ]


def _drawn(feature: dict[str, Any]) -> Drawing:
    """Degrees are degrees, whatever old GeoJSON calls them; metres need their system named."""
    drawing = read_geojson({name: value for name, value in feature.items() if name != "crs"})
    return drawing if all(abs(x) <= 180 and abs(y) <= 180 for x, y in drawing.points) else read_geojson(feature)


def _degrees(drawing: Drawing, day: date) -> list[list[list[Point]]]:
    from services.permits.domain.land import measure

    frame = decide_frame(drawing, None, None)
    if frame == DEGREES:
        return drawing.polygons
    shift_m = land_limits_on(day).psad56_to_wgs84_m
    return [[measure.to_degrees(ring, frame, shift_m) for ring in polygon] for polygon in drawing.polygons]


def _closed(polygon: list[list[Point]], repairs: dict[str, None]) -> list[list[Point]]:
    """The rings that are some; a slit of two points, as overlays leave them, is no land and no hole. Nothing without an outside."""
    rings: list[list[Point]] = []
    for ring in polygon:
        if len(set(ring)) < 3:
            if not rings:
                return []
            continue
        if ring[0] != ring[-1]:
            repairs["close-ring"] = None
            ring = [*ring, ring[0]]
        rings.append(ring)
    return rings


def _swapped(points: list[Point]) -> bool:
    west, south, east, north = AMERICA
    as_written = all(west <= x <= east and south <= y <= north for x, y in points)
    return not as_written and all(west <= y <= east and south <= x <= north for x, y in points)


def _sound(polygons: list[list[list[Point]]], repairs: dict[str, None]) -> dict[str, Any]:
    """The geometry, without crossings; refused when it has no area."""
    from services.permits.domain.land import measure

    if not polygons:
        raise invalid("polygon", "it has no ring of three points", "no tiene ningún anillo de tres puntos")
    drawn: dict[str, Any] = {"type": "MultiPolygon", "coordinates": polygons}
    if measure.fault_of(drawn) is not None:
        repairs["repair-crossing"] = None
        drawn = {"type": "MultiPolygon", "coordinates": measure.untangled(drawn)}
    if not drawn["coordinates"] or measure.area_m2(drawn) == 0:
        raise invalid("polygon", "it has no area", "no tiene área")
    return drawn


def _parcel(feature: dict[str, Any]) -> str:
    properties = feature.get("properties")
    known: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    word = next((known[name] for name in known if name.lower() in PARCEL_PROPERTIES), None)
    try:
        return columns.parcel(word) if isinstance(word, str | int | float) else ""
    except columns.BadCell:
        return ""
