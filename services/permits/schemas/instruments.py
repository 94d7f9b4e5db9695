"""Papers, agreements of assemblies, delegations, members, and what is done to plans and permits."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from services.permits.schemas.words import Day, In, LogState, Number, OrgId, Out, Reason, Short, Species

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ActId = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,39}$")]
Purpose = Literal["plan", "delegation", "membership", "contract"]
Delegable = Literal["draft_plan", "upload_census", "propose_permit"]


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("repite un elemento / repeats an element")
    return sorted(values)


# A statement names twenty: those of the request and those of its decision.
Cited = Annotated[list[Sha256], Field(max_length=10), AfterValidator(_distinct)]


class DocumentOut(Out):
    """A paper of the vault."""

    sha256: str
    org: str
    kind: str
    media_type: str
    size_bytes: int
    stored_on: date


class ReadingIn(In):
    """Who else may read a paper, until which day."""

    reader: OrgId
    until: Day


class ReadingOut(Out):
    """That an organisation may read a paper."""

    org: str
    sha256: str
    reader: str
    until: date


class AssemblyActIn(In):
    """What an assembly agreed. ``present`` of ``members`` entitled to vote; ``third_parties`` as registered."""

    number: Number
    purpose: Purpose
    plan: Number | None = None
    held_on: Day
    present: Annotated[int, Field(ge=1, le=100_000, strict=True)]
    members: Annotated[int, Field(ge=1, le=100_000, strict=True)]
    agreement: Reason
    third_parties: Annotated[list[OrgId], Field(max_length=20), AfterValidator(_distinct)] = []  # noqa: RUF012
    document: Sha256

    @model_validator(mode="after")
    def _whole(self) -> "AssemblyActIn":
        if self.present > self.members:
            raise ValueError("present no puede pasar de members / present cannot exceed members")
        if self.purpose in ("plan", "delegation") and self.plan is None:
            raise ValueError("plan falta / plan is missing")
        return self


class AssemblyActOut(Out):
    """An agreement, with the quorum it was held against and the norm of that day."""

    org: str
    number: str
    purpose: str
    plan: str | None
    held_on: date
    present: int
    members: int
    quorum_permille: int
    norm: str
    agreement: str
    third_parties: list[str]
    document: str


class DelegationIn(In):
    """What a community lets another do on one plan. ``person`` narrows it to one login; ``cap_dm3`` is harvestable volume."""

    number: Number
    delegate: OrgId
    person: Short | None = None
    plan: Number
    acts: Annotated[list[Delegable], Field(min_length=1, max_length=3), AfterValidator(_distinct)]
    species: Annotated[list[Species], Field(min_length=1, max_length=200), AfterValidator(_distinct)] | None = None
    cap_dm3: Annotated[int, Field(ge=1, le=1_000_000_000_000, strict=True)] | None = None
    valid_from: Day
    valid_to: Day
    assembly_act: Number

    @model_validator(mode="after")
    def _whole(self) -> "DelegationIn":
        if self.valid_from > self.valid_to:
            raise ValueError("valid_to debe seguir a valid_from / valid_to must follow valid_from")
        return self


class DelegationOut(Out):
    """A delegation, and its state today: active, not_yet, expired or revoked."""

    org: str
    number: str
    delegate: str
    plan: str
    acts: list[str]
    species: list[str] | None
    cap_dm3: int | None
    valid_from: date
    valid_to: date
    assembly_act: str
    state: str
    revoked_reason: str | None


class MemberIn(In):
    """A community joins a union by its own agreement."""

    member: OrgId
    since: Day
    assembly_act: Number


class LeaveIn(In):
    """The last day of a membership."""

    until: Day


class MemberOut(Out):
    """A member of a union, with its dates."""

    org: str
    member: str
    since: date
    until: date | None


class MembersOut(Out):
    """All members of a union."""

    items: list[MemberOut]


class SubmissionIn(In):
    """The agreement to submit; without it the latest one for this plan is taken. ``census_ended_on`` is the last day of the
    census in the forest; without it P04 is not evaluated."""

    assembly_act: Number | None = None
    census_ended_on: Day | None = None


class PlanActIn(In):
    """Why, and on which papers."""

    reason: Reason
    documents: Cited = []  # noqa: RUF012


class OcularInspectionIn(In):
    """What an officer saw before the approval."""

    day: Day
    opinion: Literal["favourable", "unfavourable"]
    trees_sampled: Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
    trees_absent: Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
    reason: Reason
    documents: Cited = []  # noqa: RUF012

    @model_validator(mode="after")
    def _whole(self) -> "OcularInspectionIn":
        if self.trees_absent > self.trees_sampled:
            raise ValueError("trees_absent no puede pasar de trees_sampled / trees_absent cannot exceed trees_sampled")
        return self


class PlanActOut(Out):
    """Something that was done to a plan."""

    act: str
    org: str
    at: str
    reason: str
    state: str
    documents: list[str]
    facts: dict[str, Any]


class PlanActsOut(Out):
    """All that was done to a plan, in order."""

    plan: str
    items: list[PlanActOut]


class StandingOut(Out):
    """Where a plan stands on a day. ``drawn_dm3`` is custody's count, ``null`` when it was not asked or did not answer."""

    plan: str
    kind: str
    on: date
    state: str
    phase: str
    authorised_dm3: int
    drawn_dm3: int | None


class ExtensionIn(In):
    """Days asked for. A re-entry has a harvest window; a mobilisation of balances has none."""

    id: ActId
    kind: Literal["reentry", "balance_mobilisation"]
    harvest_from: Day | None = None
    harvest_to: Day | None = None
    move_to: Day
    reason: Reason
    documents: Cited = []  # noqa: RUF012

    @model_validator(mode="after")
    def _whole(self) -> "ExtensionIn":
        days = [day for day in (self.harvest_from, self.harvest_to) if day is not None]
        if len(days) != (2 if self.kind == "reentry" else 0):
            raise ValueError(
                "harvest_from y harvest_to van con el reingreso / harvest_from and harvest_to go with a re-entry"
            )
        if sorted([*days, self.move_to]) != [*days, self.move_to]:
            raise ValueError(
                "harvest_from, harvest_to, move_to deben seguirse / harvest_from, harvest_to, move_to must follow each other"
            )
        return self


class DecisionIn(In):
    """The resolution of an authority."""

    resolution: Short
    documents: Cited = []  # noqa: RUF012


class ExtensionOut(Out):
    """Days asked for or given."""

    id: str
    kind: str
    harvest_from: date | None
    harvest_to: date | None
    move_to: date
    reason: str
    state: str
    resolution: str | None
    documents: list[str]


class AppealIn(In):
    """Why a measure is contested."""

    id: ActId
    ground: Reason
    documents: Cited = []  # noqa: RUF012


class AppealDecisionIn(DecisionIn):
    """What became of an appeal."""

    outcome: Literal["upheld", "dismissed"]


class AppealOut(Out):
    """An appeal."""

    id: str
    ground: str
    state: str
    resolution: str | None
    documents: list[str]


class CourseOut(Out):
    """What was done to a permit beside its lines: its measure, its days and the appeals."""

    permit: str
    state: str
    measure: str | None
    harvest_from: date
    harvest_to: date
    reentries: list[list[date]]
    move_to: date
    extensions: list[ExtensionOut]
    appeals: list[AppealOut]
    log: LogState | None
