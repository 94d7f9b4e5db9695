"""Plans and their census."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.permits.schemas.findings import RuleOutcomeWithEvidence
from services.permits.schemas.words import AreaM2, Day, In, LogState, Number, OrgId, Out, ParcelCode, Season, Short


class ParcelIn(In):
    """A cutting parcel."""

    code: ParcelCode
    area_m2: AreaM2


class PlanIn(In):
    """A plan to be drafted. ``regent`` is the firm that the community lets read it and upload its census."""

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

    @model_validator(mode="after")
    def _whole(self) -> "PlanIn":
        if self.harvest_from > self.harvest_to:
            raise ValueError("harvest_to debe seguir a harvest_from / must follow harvest_from")
        if len({parcel.code for parcel in self.parcels}) != len(self.parcels):
            raise ValueError("parcels repite un código / repeats a code")
        return self


class ApprovalIn(In):
    """The decision of the authority."""

    resolution: Short


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
