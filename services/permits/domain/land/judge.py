"""A boundary judged: what is wrong with it, where, which repairs would do, and the land that comes of them.

Nothing is repaired in silence: a repair counts when its owner has named it, and how the boundary arrived is kept.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

import orjson

from services.permits.domain.land import faults, overlap
from services.permits.domain.land.document import Box, RingsE7, box_of, document_of, geojson_of, mapped, shifted, to_e7
from services.permits.domain.land.drawing import Drawing, Frame, Point, Rings, invalid, place
from services.permits.domain.land.faults import FIXES, Fix, LandFault
from services.permits.domain.land.limits import LandLimits
from services.permits.domain.norms import Limits


@dataclass(frozen=True, slots=True)
class Land:
    """Checked land: its canonical document (whole 1e-7 degrees), the digest that is published, its area, the box around
    it (west, south, east, north), and how it arrived."""

    document: bytes
    sha256: str
    area_m2: int
    box: Box
    source: bytes


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong with a drawing, in the order of the repairs, and its document with all of them made.

    ``document`` is ``None`` when a fault has no repair.
    """

    drawing: Drawing
    frame: Frame
    limits: LandLimits
    faults: list[LandFault] = field(default_factory=list)
    document: bytes | None = None
    area_m2: int = 0

    @property
    def needed(self) -> list[Fix]:
        """The repairs that have to be consented to."""
        asked = {fault.fix for fault in self.faults}
        return [fix for fix in FIXES if fix in asked]

    def settle(self, accept: Collection[str]) -> Land:
        """The land, when nothing is wrong or every repair was consented to. Else the first fault, with the offer."""
        for fault in self.faults:
            if fault.fix is None or fault.fix not in accept:
                raise replace(fault, offer=self.offer())
        assert self.document is not None, "it is missing only when a fault has no repair"
        digest = sha256(self.document).hexdigest()
        return Land(self.document, digest, self.area_m2, box_of(self.document), self._source())

    def offer(self) -> dict[str, Any]:
        """What to send back with the same boundary, and what would be kept then."""
        listed = [{"slug": one.slug, "fix": one.fix, "where": one.where} for one in self.faults]
        if self.document is None:
            return {"accept": [], "faults": listed, "polygon": None, "area_m2": None}
        return {
            "accept": self.needed, "faults": listed, "polygon": geojson_of(self.document), "area_m2": self.area_m2,
        }  # fmt: skip

    def transformation(self) -> dict[str, Any] | None:
        """How the numbers became degrees on WGS 84; ``None`` when they were."""
        shifted = self.frame.datum == "PSAD56" or "shift-psad56" in self.needed
        if self.frame.epsg == 4326 and not shifted:
            return None
        helmert = {"psad56_to_wgs84_m": list(self.limits.psad56_to_wgs84_m)} if shifted else {}
        return {"from_epsg": self.frame.epsg, "to_epsg": 4326, "norms": self.limits.version, **helmert}

    def _source(self) -> bytes:
        return orjson.dumps(
            {
                "form": self.drawing.form, "datum": self.frame.datum, "zone": self.frame.zone, "accepted": self.needed,
                "transformation": self.transformation(), "as_written": self.drawing.polygons,
            }
        )  # fmt: skip


def judge(drawing: Drawing, frame: Frame, limits: Limits, land: LandLimits, title: bytes | None = None) -> Judgement:
    """Everything that is wrong with a drawing. With the document of its title, also whether its datum is plausible."""
    from services.permits.domain.land import measure  # heavy, and only land needs it

    found = Judgement(drawing, frame, land)
    try:
        rings = _closed(drawing.polygons, frame, found.faults)
        rings = _ordered(rings, frame, limits, found.faults)
        degrees = mapped(rings, lambda points: measure.to_degrees(points, frame, land.psad56_to_wgs84_m))
        rings_e7 = _without_repeats(to_e7(degrees), found.faults)
        _check_country(rings_e7, limits)
        document = _untangled(document_of(rings_e7), found.faults)
        if title is not None and frame.datum == "WGS84":
            document = _on_datum(document, frame, title, land, found.faults)
        area_m2 = measure.area_m2(geojson_of(document))
        if area_m2 == 0:
            raise invalid("polygon", "it has no area", "no tiene área")
    except LandFault as fatal:
        return replace(found, faults=[*found.faults, fatal])
    return replace(found, document=document, area_m2=area_m2)


def check_area(measured_m2: int, declared_m2: int, limits: Limits) -> None:
    """``AreaDiffers`` when a polygon measures another area than its title declares."""
    if abs(measured_m2 - declared_m2) * 1000 > declared_m2 * limits.title_area_tolerance_permille:
        measured, declared = f"{measured_m2 / 10_000:.2f}", f"{declared_m2 / 10_000:.2f}"
        raise faults.AreaDiffers(
            "polygon", "area", measured_m2, declared_m2, limits.title_area_tolerance_permille, measured, declared
        )


# ---- the faults, one after the other


def _written(point: Point, frame: Frame) -> tuple[str, str]:
    return (f"{point[0]:.1f}", f"{point[1]:.1f}") if frame.zone else (f"{point[0]:.7f}", f"{point[1]:.7f}")


def _closed(rings: Rings, frame: Frame, found: list[LandFault]) -> Rings:
    open_ends: list[tuple[str, Point]] = []
    closed: Rings = []
    for n, polygon in enumerate(rings):
        closed.append([])
        for m, ring in enumerate(polygon):
            if len(ring) > 1 and ring[0] != ring[-1]:
                open_ends.append((place(n, m, len(ring) - 1), ring[-1]))
                ring = [*ring, ring[0]]
            closed[-1].append(ring)
    if open_ends:
        where, end = open_ends[0]
        found.append(faults.RingOpen(where, "the ring is open", len(open_ends), *_written(end, frame)))
    return closed


def _ordered(rings: Rings, frame: Frame, limits: Limits, found: list[LandFault]) -> Rings:
    """With the first number first: longitude or easting."""
    if frame.zone is None:
        west, south, east, north = (edge / 1e7 for edge in limits.peru_lon_lat_e7)
    else:
        (west, east), (south, north) = limits.easting_m, limits.northing_m
    points = [point for polygon in rings for ring in polygon for point in ring]
    if all(west <= x <= east and south <= y <= north for x, y in points):
        return rings
    if not all(west <= y <= east and south <= x <= north for x, y in points):
        return rings
    found.append(faults.AxesSwapped(place(0, 0, 0), "lat, lon" if frame.zone is None else "N, E"))
    return mapped(rings, lambda ring: [(y, x) for x, y in ring])


def _without_repeats(rings: RingsE7, found: list[LandFault]) -> RingsE7:
    first, count = None, 0
    kept: RingsE7 = []
    for n, polygon in enumerate(rings):
        kept.append([])
        for m, ring in enumerate(polygon):
            repeated = [k for k, (a, b) in enumerate(pairwise(ring), 1) if a == b]
            if repeated:
                first = first or (place(n, m, repeated[0]), ring[repeated[0]])
                count += len(repeated)
                ring = [point for k, point in enumerate(ring) if k == 0 or point != ring[k - 1]]
            if len(ring) < 4:
                raise invalid(
                    place(n, m, 0),
                    f"a ring of {len(ring)} points; it needs 4",
                    f"un anillo de {len(ring)} puntos; necesita 4",
                )
            kept[-1].append(ring)
        if not polygon:
            raise invalid(place(n, 0, 0), "a polygon without rings", "un polígono sin anillos")
    if first is not None:
        where, (lon, lat) = first
        found.append(faults.PointsRepeated(where, "repeated", count, f"{lon / 1e7:.7f}", f"{lat / 1e7:.7f}"))
    return kept


def _check_country(rings: RingsE7, limits: Limits) -> None:
    west, south, east, north = limits.peru_lon_lat_e7
    for n, polygon in enumerate(rings):
        for m, ring in enumerate(polygon):
            for k, (lon, lat) in enumerate(ring):
                if not (west <= lon <= east and south <= lat <= north):
                    raise faults.OutsidePeru(place(n, m, k), "outside", f"{lon / 1e7:.7f}", f"{lat / 1e7:.7f}")


def _untangled(document: bytes, found: list[LandFault]) -> bytes:
    from services.permits.domain.land import measure

    drawn = geojson_of(document)
    crossing = measure.fault_of(drawn)
    if crossing is None:
        return document
    untangled = measure.untangled(drawn)
    fault = faults.CrossesItself("polygon", crossing.reason, f"{crossing.lon:.7f}", f"{crossing.lat:.7f}")
    if not untangled:
        raise invalid("polygon", f"{crossing.reason}, and no area is left", f"{crossing.reason}, y no queda área")
    found.append(fault)
    return document_of(to_e7(untangled))


def _on_datum(document: bytes, frame: Frame, title: bytes, land: LandLimits, found: list[LandFault]) -> bytes:
    trial = overlap.datum_trial([document], title, land, frame.zone)
    if trial is None or not trial.suspected(land):
        return document
    found.append(
        faults.DatumSuspected(
            "polygon", "PSAD56", trial.outside_permille, trial.shifted_outside_permille, trial.shift_m
        )
    )
    return shifted(document, land, frame.zone)
