"""Plans and their census."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from services.permits.schemas.findings import RuleOutcomeWithEvidence
from services.permits.schemas.instruments import Cited
from services.permits.schemas.words import AreaM2, Day, In, LogState, Number, OrgId, Out, ParcelCode, Season, Short
from shared.timber.bodies import PLAN_KINDS


class ParcelIn(In):
    """A cutting parcel."""

    code: ParcelCode
    area_m2: AreaM2


class ZoneIn(In):
    """A part of the forest with one use, as a PGMF orders it."""

    name: Short
    use: Literal["production", "protection", "reserve", "communal", "restoration"]
    area_m2: AreaM2


class PlanIn(In):
    """A plan to be drafted. ``regent`` is the firm that the community lets read it; what that firm or the ``delegate``
    does for the community it does under a delegation. A PGMF has zones and a cycle, and no census of its own."""

    id: Number
    title: Number
    number: Short
    season: Season
    regent: OrgId | None = None
    parcels: Annotated[list[ParcelIn], Field(min_length=1, max_length=100)]
    form_factor_milli: Annotated[int, Field(ge=300, le=1000, strict=True)] = 650
    harvest_from: Day
    harvest_to: Day
    census_basis: Literal["listed", "partial", "not_available"] = "listed"
    kind: Literal[PLAN_KINDS] = "PO"  # type: ignore[valid-type]
    parent: Number | None = None
    supersedes: Number | None = None
    cycle_years: Annotated[int, Field(ge=1, le=60, strict=True)] | None = None
    zones: Annotated[list[ZoneIn], Field(max_length=100)] = []  # noqa: RUF012
    delegate: OrgId | None = None

    @model_validator(mode="after")
    def _whole(self) -> "PlanIn":
        strategic = self.kind == "PGMF"
        if strategic != (self.cycle_years is not None) or (self.zones and not strategic):
            raise ValueError("cycle_years y zones son del PGMF / cycle_years and zones belong to a PGMF")
        if strategic and self.census_basis != "not_available":
            raise ValueError(
                "un PGMF no lleva censo: census_basis not_available / a PGMF has no census: census_basis not_available"
            )
        if self.parent is not None and self.kind != "PO":
            raise ValueError("parent es de un PO / parent belongs to a PO")
        if self.harvest_from > self.harvest_to:
            raise ValueError("harvest_to debe seguir a harvest_from / harvest_to must follow harvest_from")
        if len({parcel.code for parcel in self.parcels}) != len(self.parcels):
            raise ValueError("parcels repite un código / parcels repeats a code")
        return self


class ApprovalIn(In):
    """The decision of the authority."""

    resolution: Short
    documents: Cited = []  # noqa: RUF012


class CensusOut(Out):
    """What a plan says of its census."""

    trees: int
    harvestable: int
    harvestable_dm3: int
    parts: int
    root: str
    file_sha256: str | None


class ParcelOut(Out):
    """A cutting parcel."""

    code: str
    area_m2: int


class ZoneOut(Out):
    """A part of the forest with one use."""

    name: str
    use: str
    area_m2: int


class PlanOut(Out):
    """A plan."""

    id: str
    title: str
    org: str
    number: str
    season: str
    regent: str | None
    parcels: list[ParcelOut]
    form_factor_milli: int
    harvest_from: date
    harvest_to: date
    census_basis: str
    kind: str
    parent: str | None
    supersedes: str | None
    cycle_years: int | None
    zones: list[ZoneOut]
    delegate: str | None
    state: str
    resolution: str | None
    census: CensusOut
    log: LogState | None


class ParcelTotals(Out):
    """The census of one parcel in figures."""

    parcel: str
    trees: int
    harvestable: int
    harvestable_dm3: int


class CensusAnswer(Out):
    """What an upload found, accepted whole; ``findings`` of the rules that look at each tree, not kept."""

    plan: str
    trees: int
    harvestable: int
    harvestable_dm3: int
    by_parcel: list[ParcelTotals]
    root: str
    file_sha256: str
    sheets: list[str]
    ignored_sheets: list[str]
    columns: dict[str, str]
    ignored_columns: list[str]
    blank_rows: int
    findings: list[RuleOutcomeWithEvidence]


class ParcelVolumes(Out):
    """Volume of all trees of a parcel, as declared and as computed with the plan's form factor (P06)."""

    parcel: str
    declared_dm3: int
    computed_dm3: int


class TreePreview(Out):
    """A tree as it was understood."""

    sheet: str
    row: int
    parcel: str
    code: str
    species: str
    condition: str
    dbh_mm: int
    height_mm: int
    declared_dm3: int
    computed_dm3: int


class CensusPreview(Out):
    """What an upload of a file would find; nothing is stored. With errors, the figures are of the rows without any."""

    plan: str
    usable: bool
    trees: int
    harvestable: int
    harvestable_dm3: int
    by_parcel: list[ParcelTotals]
    volumes: list[ParcelVolumes]
    sheets: list[str]
    ignored_sheets: list[str]
    columns: dict[str, str]
    ignored_columns: list[str]
    blank_rows: int
    findings: list[RuleOutcomeWithEvidence]
    errors_total: int
    errors: list[dict[str, Any]]
    sample: list[TreePreview]


class CensusJob(Out):
    """An import on its way: ``queued``, ``running``, ``done`` (all stored) or ``failed`` (nothing stored)."""

    id: str
    plan: str
    state: Literal["queued", "running", "done", "failed"]
    stage: str
    rows_read: int
    rows_checked: int
    trees_stored: int
    errors_total: int
    attempts: int
    file_sha256: str
    created_at: datetime
    ended_at: datetime | None
    answer: CensusAnswer | None
    problem: dict[str, Any] | None


class Utm(Out):
    """The place of a tree (WGS84)."""

    zone: str
    easting_dm: int
    northing_dm: int


class TreeOut(Out):
    """A standing tree; where it stands (``block``, ``line``, ``utm``) only for those concerned."""

    item: str
    parcel: str
    code: str
    species: str
    trade_name: str
    block: str | None
    line: str | None
    dbh_mm: int
    height_mm: int
    volume_dm3: int
    condition: str
    utm: Utm | None
