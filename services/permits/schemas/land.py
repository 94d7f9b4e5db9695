"""Boundaries: what is sent, what is answered of them, and the figures of land laid over land."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from services.permits.domain.land.drawing import Datum
from services.permits.domain.land.faults import Fix
from services.permits.schemas.words import Out

Zone = Literal["17S", "18S", "19S", "20S"]
Accept = Annotated[list[Fix], Field(max_length=5)]
ZoneCode = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,19}$")]


class FaultOut(Out):
    """One thing that is wrong with a boundary; ``fix`` is the repair that may be consented to."""

    slug: str
    fix: Fix | None
    where: str
    es: str
    en: str
    facts: dict[str, Any]


class LandPreview(Out):
    """A file of boundaries, judged and not stored. ``accept`` is what to send with it to have ``polygon`` kept."""

    form: str
    datum: Datum
    zone: str | None
    points: int
    faults: list[FaultOut]
    accept: list[Fix]
    usable: bool
    polygon: dict[str, Any] | None
    area_m2: int | None
    transformation: dict[str, Any] | None
    as_written: dict[str, Any]


class SourceOut(Out):
    """How a boundary arrived: its datum and zone, the repairs that were consented to, and its points before them."""

    form: str
    datum: Datum
    zone: Zone | None
    accepted: list[Fix]
    transformation: dict[str, Any] | None
    as_written: list[list[list[list[float]]]]


class ShapeOut(Out):
    """The shape of a parcel; where it lies only for those concerned."""

    plan: str
    parcel: str
    area_m2: int
    sha256: str
    polygon: dict[str, Any]
    source: SourceOut


class ZoneOut(Out):
    """A zone of a title. Zones are shown only to those concerned with the title."""

    title: str
    code: str
    kind: str
    harvest: bool
    area_m2: int
    sha256: str
    polygon: dict[str, Any]
    source: SourceOut
    registered_at: datetime
    withdrawn_at: datetime | None


class PlacedOut(Out):
    """A parcel against its title and against the zones of harvest; ``null`` is what could not be measured."""

    parcel: str
    declared_m2: int
    area_m2: int | None
    outside_title_m2: int | None
    outside_zones_m2: int | None


class OverlapOut(Out):
    """What a parcel shares with other land. ``within_title``: only the part inside the plan's own title was measured."""

    parcel: str
    kind: str
    title: str
    plan: str | None
    code: str
    area_m2: int
    within_title: bool


class DatumTrialOut(Out):
    """How much lies outside the title as drawn and read as PSAD56."""

    outside_permille: int
    shifted_outside_permille: int
    shift_m: int
    suspected: bool


class TreesPlacedOut(Out):
    """Trees of the census outside their title and their parcel."""

    trees: int
    outside_title: int
    shifted_outside_title: int
    with_shape: int
    outside_parcel: int


class LandCheckOut(Out):
    """The figures of a plan's land; what they mean is for the rules P01, P02 and P03 to say."""

    plan: str
    title: str
    norms: str
    parcels: list[PlacedOut]
    overlaps: list[OverlapOut]
    datum: DatumTrialOut | None
    trees: TreesPlacedOut | None
    cycle_years: int
    not_measured: list[str]
