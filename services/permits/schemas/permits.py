"""Permits, their amendments, and the public answer on whether one counts."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from services.permits.schemas.words import (
    Count,
    Day,
    Dm3,
    In,
    LogState,
    Number,
    OrgId,
    Out,
    ParcelCode,
    Product,
    Reason,
    Short,
    Species,
)  # fmt: skip


class LineIn(In):
    """An authorised volume."""

    parcel: ParcelCode
    species: Species
    product: Product
    volume_dm3: Dm3
    trees: Count | None = None


def _distinct(lines: list[LineIn]) -> list[LineIn]:
    if len({(line.parcel, line.species, line.product) for line in lines}) != len(lines):
        raise ValueError("lines repite parcela, especie y producto / lines repeats parcel, species and product")
    return lines


Lines = Annotated[list[LineIn], Field(min_length=1, max_length=2_000), AfterValidator(_distinct)]


class PermitIn(In):
    """A permit to be proposed."""

    number: Number
    official_number: Short | None = None
    plan: Number
    holder: OrgId
    harvest_from: Day
    harvest_to: Day
    move_to: Day
    lines: Lines

    @model_validator(mode="after")
    def _whole(self) -> "PermitIn":
        if not self.harvest_from <= self.harvest_to <= self.move_to:
            raise ValueError(
                "harvest_from, harvest_to, move_to deben seguirse / harvest_from, harvest_to, move_to must follow each other"
            )
        return self


class AmendmentIn(In):
    """Lines that set authorised volumes anew."""

    id: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,39}$")]
    reason: Reason
    lines: Lines


class LineOut(Out):
    """An authorised volume."""

    parcel: str
    species: str
    product: str
    volume_dm3: int
    trees: int | None


class AmendmentOut(Out):
    """A change of lines."""

    id: str
    reason: str
    lines: list[LineOut]
    state: str


class ActOut(Out):
    """Something done to the permit."""

    kind: str
    at: str
    reason: str


class CensusBasis(Out):
    """What the authorised volume was weighed against."""

    basis: str
    trees: int
    harvestable_dm3: int
    p05: str


class PermitOut(Out):
    """A permit in full, for its parties and officers."""

    number: str
    official_number: str | None
    title: str
    plan: str
    org: str
    holder: str
    harvest_from: date
    harvest_to: date
    move_to: date
    state: str
    lines: list[LineOut]
    census: CensusBasis
    amendments: list[AmendmentOut]
    acts: list[ActOut]
    log: LogState | None


class ReasonOut(Out):
    """Why a permit does not count for something."""

    slug: str
    es: str
    en: str


class Window(Out):
    """Its two clocks."""

    harvest_from: date
    harvest_to: date
    move_to: date


class Holder(Out):
    """Who may use it."""

    id: str
    name: str


class TitleRef(Out):
    """The title it stands on."""

    number: str
    official_number: str | None
    region: str


class PlanRef(Out):
    """The plan it stands on."""

    id: str
    number: str
    season: str
    resolution: str | None


class CensusWords(CensusBasis):
    """The same, said to a person."""

    es: str
    en: str


class Inspected(Out):
    """How much of the plan somebody independent looked at."""

    inspections: int
    trees_sampled: int
    trees_absent: int


class ProductVolume(Out):
    """Authorised volume of one product."""

    product: str
    volume_dm3: int


class SpeciesVolume(Out):
    """Authorised volume of one product of one species."""

    species: str
    product: str
    volume_dm3: int


class LinesSummary(Out):
    """The lines in figures."""

    count: int
    parcels: list[str]
    species: int
    by_product: list[ProductVolume]
    by_species: list[SpeciesVolume]


class VerifyOut(Out):
    """Whether a permit counts on a day: what anyone may ask."""

    number: str
    on: date
    valid: bool
    movement_valid: bool
    status: str
    reasons: list[ReasonOut]
    window: Window
    holder: Holder
    title: TitleRef
    plan: PlanRef
    census: CensusWords
    inspected: Inspected
    lines: LinesSummary
    log: LogState | None
