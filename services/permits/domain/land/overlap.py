"""Land laid over land: areas in square metres, and nothing said of what they mean (rules P01, P02 and P03 do)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.permits.domain.land.document import geojson_of, shifted
from services.permits.domain.land.drawing import Frame, Point
from services.permits.domain.land.limits import LandLimits

# That these exist is public; which zones a title has is not.
PUBLIC = ("title", "parcel")


@dataclass(frozen=True, slots=True)
class Plot:
    """A piece of land and what it is: a ``title``, a ``parcel``, or a zone of a title by its kind.

    ``seen`` says whether the asker may look at it; ``harvest_from`` and ``approved`` are of a parcel's plan.
    """

    kind: str
    title: str
    plan: str | None
    code: str
    document: bytes
    seen: bool = True
    harvest_from: date | None = None
    approved: bool = True


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a parcel shares with another plot. ``used_parcel`` is a parcel of an approved plan of the same cutting cycle.

    ``within_title`` is set when only the part inside the plan's own title was measured: the asker may not look at the
    other plot, and learns of it no more than concerns the own land.
    """

    parcel: str
    kind: str
    title: str
    plan: str | None
    code: str
    area_m2: int
    within_title: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """A parcel on the map: its areas, and how much of it lies outside its title and outside the zones of harvest.

    ``None`` is what could not be measured: no shape, no polygon of the title, no zone of harvest.
    """

    parcel: str
    declared_m2: int
    area_m2: int | None
    outside_title_m2: int | None
    outside_zones_m2: int | None


@dataclass(frozen=True, slots=True)
class DatumTrial:
    """How much lies outside the title as drawn, and read as PSAD56; and how far that moves it."""

    outside_permille: int
    shifted_outside_permille: int
    shift_m: int

    def suspected(self, land: LandLimits) -> bool:
        """Whether rule P03 would call the datum into question."""
        return (
            self.outside_permille > land.p03_outside_permille
            and self.shifted_outside_permille < land.p03_shifted_permille
        )


@dataclass(frozen=True, slots=True)
class TreesPlaced:
    """Trees of a census on the map. ``outside_parcel`` counts among the trees whose parcel has a shape."""

    trees: int
    outside_title: int
    shifted_outside_title: int
    with_shape: int
    outside_parcel: int


def placed(
    parcels: Sequence[tuple[str, int]], shapes: dict[str, bytes], title: bytes | None, zones: Iterable[bytes]
) -> list[Placed]:
    """Each parcel (code and declared area) against its title (P01) and against the zones of harvest together."""
    from services.permits.domain.land import measure

    title_form = None if title is None else measure.form_of(geojson_of(title))
    zone_forms = [measure.form_of(geojson_of(zone)) for zone in zones]
    zones_form = measure.together(zone_forms) if zone_forms else None
    found = []
    for code, declared_m2 in parcels:
        form = measure.form_of(geojson_of(shapes[code])) if code in shapes else None
        outside = [
            None if form is None or other is None else measure.area_of(measure.outside(form, other))
            for other in (title_form, zones_form)
        ]
        area_m2 = None if form is None else measure.area_of(form)
        found.append(Placed(code, declared_m2, area_m2, *outside))
    return found


def overlaps(
    plan: str, title: str, shapes: dict[str, bytes], near: Iterable[Plot], cycle: tuple[date, date],
    title_document: bytes | None = None, kin: Collection[str] = (),
) -> list[Overlap]:  # fmt: skip
    """What the parcels of a plan share with other titles, with zones in which no wood is cut, with each other and with
    parcels of other plans (P02). Zones of harvest and the plan's own title are no overlap, nor is the parcel of the same code of a plan
    that is ``kin``; less than 1 m² is none.

    ``cycle`` bounds the ``harvest_from`` of a parcel that counts as used.
    """
    from services.permits.domain.land import measure

    own = None if title_document is None else measure.form_of(geojson_of(title_document))
    forms = {code: measure.form_of(geojson_of(document)) for code, document in shapes.items()}
    found = []
    for plot in near:
        if (plot.kind == "title" and plot.title == title) or (
            not plot.seen and (own is None or plot.kind not in PUBLIC)
        ):
            continue
        other = measure.form_of(geojson_of(plot.document))
        for code, form in sorted(forms.items()):
            if plot.plan == plan and plot.code <= code:
                continue  # itself, or a pair that was measured from the other side
            if plot.plan in kin and plot.code == code:
                continue
            common = measure.inside(form, other)
            if not plot.seen and own is not None:
                common = measure.inside(common, own)
            area_m2 = measure.area_of(common)
            if area_m2 > 0:
                kind = "used_parcel" if _used(plot, plan, cycle) else plot.kind
                found.append(Overlap(code, kind, plot.title, plot.plan, plot.code, area_m2, not plot.seen))
    return sorted(found, key=lambda one: (one.parcel, one.kind, one.title, one.plan or "", one.code))


def _used(plot: Plot, plan: str, cycle: tuple[date, date]) -> bool:
    return (
        plot.kind == "parcel"
        and plot.plan != plan
        and plot.approved
        and plot.harvest_from is not None
        and cycle[0] <= plot.harvest_from <= cycle[1]
    )


def datum_trial(shapes: Sequence[bytes], title: bytes, land: LandLimits, zone: str | None = None) -> DatumTrial | None:
    """The land of a plan outside its title, as drawn and as PSAD56 (P03); ``None`` without a shape."""
    from services.permits.domain.land import measure

    if not shapes:
        return None
    title_form = measure.form_of(geojson_of(title))
    moved = [shifted(document, land, zone) for document in shapes]
    before, after = _permille(shapes, title_form), _permille(moved, title_form)
    first, then = _first_point(shapes[0]), _first_point(moved[0])
    return DatumTrial(before, after, round(measure.metres_between(first, then)))


def _permille(documents: Sequence[bytes], title: Any) -> int:
    from services.permits.domain.land import measure

    forms = [measure.form_of(geojson_of(document)) for document in documents]
    whole = sum(measure.area_of(form) for form in forms)
    outside = sum(measure.area_of(measure.outside(form, title)) for form in forms)
    return round(outside * 1000 / whole) if whole else 0


def _first_point(document: bytes) -> Point:
    coordinates: Any = geojson_of(document)["coordinates"]
    while isinstance(coordinates[0], list):
        coordinates = coordinates[0]
    return coordinates[0], coordinates[1]


def trees_placed(
    trees: Sequence[tuple[str, str, int, int]], shapes: dict[str, bytes], title: bytes, land: LandLimits
) -> TreesPlaced:
    """Trees (parcel, UTM zone, easting and northing in decimetres) outside their title and their parcel."""
    from services.permits.domain.land import measure

    title_form = measure.form_of(geojson_of(title))
    forms = {code: measure.form_of(geojson_of(document)) for code, document in shapes.items()}
    outside = shifted_outside = with_shape = outside_parcel = 0
    for parcel, zone in sorted({(tree[0], tree[1]) for tree in trees}):
        metres = [(e / 10, n / 10) for p, z, e, n in trees if (p, z) == (parcel, zone)]
        points = measure.to_degrees(metres, Frame("WGS84", zone), land.psad56_to_wgs84_m)
        moved = measure.to_degrees(metres, Frame("PSAD56", zone), land.psad56_to_wgs84_m)
        outside += measure.points_inside(points, title_form).count(False)
        shifted_outside += measure.points_inside(moved, title_form).count(False)
        if parcel in forms:
            with_shape += len(points)
            outside_parcel += measure.points_inside(points, forms[parcel]).count(False)
    return TreesPlaced(len(trees), outside, shifted_outside, with_shape, outside_parcel)
