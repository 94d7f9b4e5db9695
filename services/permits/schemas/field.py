"""Field work: verifications by public lottery, and the trees somebody went to see."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from services.permits.domain.field_tree import CUT, Method, State
from services.permits.schemas.plans import Utm
from services.permits.schemas.words import Day, In, LogState, OrgId, Out, ParcelCode, Reason, Species, TreeCode

VisitNumber = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9.-]{1,33}$")]
Millimetres = Annotated[int, Field(ge=10, le=100_000, strict=True)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class UtmIn(In):
    """Where somebody stood (WGS84)."""

    zone: Literal["17S", "18S", "19S", "20S"]
    easting_dm: Annotated[int, Field(ge=1_600_000, le=8_400_000, strict=True)]
    northing_dm: Annotated[int, Field(ge=82_000_000, le=100_000_000, strict=True)]


class TreeResultIn(In):
    """A tree as it was found. Of a standing or fallen tree two diameters at breast height, height and place are asked for;
    of a stump or a moved tree its species and place; why a tree is absent or was not reached is said in words."""

    parcel: ParcelCode
    code: TreeCode
    state: State
    seen_on: Day
    code_field: TreeCode | None = None
    species_field: Species | None = None
    diameter_a_mm: Millimetres | None = None
    diameter_b_mm: Millimetres | None = None
    diameter_method: Method | None = None
    height_mm: Millimetres | None = None
    utm: UtmIn | None = None
    observation: Reason | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _whole(self) -> "TreeResultIn":
        if (self.diameter_a_mm is None) != (self.diameter_b_mm is None):
            raise ValueError("hacen falta los dos diámetros / both diameters are needed")
        if (self.diameter_a_mm is None) != (self.diameter_method is None):
            raise ValueError("diameter_method acompaña a los diámetros / diameter_method goes with the diameters")
        measured = (self.diameter_a_mm, self.height_mm)
        if self.state == "standing" and None in (*measured, self.species_field, self.utm):
            raise ValueError("un árbol en pie se mide entero / a standing tree is measured whole")
        if self.state in ("fallen", *CUT) and None in (self.species_field, self.utm):
            raise ValueError("faltan especie o posición / species or position is missing")
        if self.state in ("absent", "not_reached"):
            if self.observation is None:
                raise ValueError("diga por qué en observation / say why in observation")
            if (*measured, self.species_field, self.code_field) != (None,) * 4:
                raise ValueError("lo que no se vio no se midió / what was not seen was not measured")
        return self


class ResultsIn(In):
    """Results of some trees."""

    trees: Annotated[list[TreeResultIn], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _once(self) -> "ResultsIn":
        if len({(tree.parcel, tree.code) for tree in self.trees}) != len(self.trees):
            raise ValueError("trees repite un árbol / trees repeats a tree")
        return self


class VerificationIn(In):
    """A verification to be drawn. ``share_permille`` below the norm's draws more trees, never fewer."""

    number: VisitNumber
    verifier: OrgId
    share_permille: Annotated[int, Field(ge=1, le=999, strict=True)] | None = None


class DesignOut(Out):
    """How the sample is sized."""

    version: str
    day: date
    share_permille: int
    confidence_permille: int
    high_value_permille: int


class SeedOut(Out):
    """Where the seed comes from: the first checkpoint of more than ``after`` entries. ``committed`` is the entry, below it,
    that says with which census the plan was handed in."""

    after: int
    committed: int | None
    entries: list[int] | None
    origin: str | None
    size: int | None
    root: str | None
    cosigned: bool | None
    seed: str | None


class StratumOut(Out):
    """A layer of the sample."""

    name: str
    trees: int
    volume_dm3: int
    sample: int


class IntervalOut(Out):
    """A share in millionths, with the bounds of the stated confidence."""

    estimate_ppm: int | None
    at_least_ppm: int
    at_most_ppm: int


class EstimateOut(Out):
    """What the sample says of a stratum, or of ``all``."""

    name: str
    trees: int
    drawn: int
    reached: int
    absent: int
    mismatched: int
    share: IntervalOut
    phantoms_at_least: int
    phantoms_at_most: int
    phantom_dm3: int | None
    phantom_dm3_at_least: int
    phantom_dm3_at_most: int
    overstated_permille: int | None


class EstimatesOut(Out):
    """The estimates, and what they rest on, in words."""

    confidence_permille: int
    strata: list[EstimateOut]
    note_es: str
    note_en: str


class InspectionRef(Out):
    """What was reported to the log."""

    number: str
    log: LogState | None


class VerificationOut(Out):
    """A verification by lottery; ``estimates`` once results are there."""

    number: str
    plan: str
    stage: str
    state: str
    verifier: str
    opened_at: datetime
    drawn_at: datetime | None
    closed_at: datetime | None
    census_root: str
    listing_root: str
    design: DesignOut
    source: SeedOut
    tolerances: dict[str, Any]
    strata: list[StratumOut]
    trees_drawn: int
    trees_reported: int
    power: list[dict[str, Any]]
    estimates: EstimatesOut | None
    inspections: list[InspectionRef]


class DrawElsewhere(Out):
    """A verification of another plan of the same title: a plan presented again until its draw suits would show here."""

    plan: str
    number: str
    stage: str
    drawn: bool


class VerificationsOut(Out):
    """The verifications of a plan, and those of other plans of its title; ``more_of_title`` says that there are older ones, which
    each of those plans lists."""

    items: list[VerificationOut]
    next: str | None
    same_title: list[DrawElsewhere]
    more_of_title: bool


class PlannedOut(Out):
    """As the census has it; ``utm`` only for those concerned."""

    species: str
    dbh_mm: int
    height_mm: int
    volume_dm3: int
    utm: Utm | None


class FoundOut(Out):
    """As it was found, with what differs; ``utm``, ``observation`` and ``reason`` only for those concerned."""

    facts: dict[str, Any]
    utm: Utm | None
    observation: str | None
    recorded_at: datetime
    reason: str | None
    times_recorded: int


class SampleTreeOut(Out):
    """A drawn tree: its ticket, planned against field."""

    parcel: str
    code: str
    stratum: str
    rank: int
    ticket: str
    planned: PlannedOut | None
    found: FoundOut | None


class RecordedOut(Out):
    """What became of the results sent."""

    recorded: int
    known: int
    trees: list[dict[str, Any]]
