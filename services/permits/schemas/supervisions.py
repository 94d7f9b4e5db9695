"""Supervisions of a harvest: volumes, documents, the holder's answer."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from services.permits.schemas.field import FoundOut, InspectionRef, PlannedOut, Sha256, VisitNumber
from services.permits.schemas.words import Day, Dm3, In, Number, Out, ParcelCode, Reason, Short, Species, Writing

Known = Literal["known", "unknown", "no_permit", "not_asked"]


class SupervisionIn(In):
    """A supervision by the caller's organisation."""

    number: VisitNumber
    permit: Number | None = None
    visited_from: Day
    visited_to: Day

    @model_validator(mode="after")
    def _whole(self) -> "SupervisionIn":
        if self.visited_from > self.visited_to:
            raise ValueError("visited_to debe seguir a visited_from / visited_to must follow visited_from")
        return self


class VolumeIn(In):
    """A volume found fault with: numeral 10 is *no autorizado*, 21 and 26 are *injustificado*."""

    parcel: ParcelCode
    species: Species
    numeral: Annotated[int, Field(ge=1, le=99, strict=True)]
    volume_dm3: Dm3
    trees: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] | None = None
    reason: Reason


class VolumesIn(In):
    """All volumes found fault with; they replace those given before."""

    volumes: Annotated[list[VolumeIn], Field(max_length=500)]

    @model_validator(mode="after")
    def _once(self) -> "VolumesIn":
        if len({(one.parcel, one.species, one.numeral) for one in self.volumes}) != len(self.volumes):
            raise ValueError("volumes repite parcela, especie y numeral / volumes repeats parcel, species and numeral")
        return self


class DocumentIn(In):
    """One document of the checklist."""

    document: Annotated[str, Field(max_length=40)]
    state: Literal["present", "absent", "not_applicable"]
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _whole(self) -> "DocumentIn":
        if self.sha256 is not None and self.state != "present":
            raise ValueError("solo un documento presente tiene sha256 / only a present document has a sha256")
        return self


class DocumentsIn(In):
    """The checklist; it replaces the one given before."""

    documents: Annotated[list[DocumentIn], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _once(self) -> "DocumentsIn":
        if len({one.document for one in self.documents}) != len(self.documents):
            raise ValueError("documents repite un documento / documents repeats a document")
        return self


class AttachmentIn(In):
    """A paper of the vault that goes with an answer."""

    name: Short
    sha256: Sha256


class AnswerIn(In):
    """What the holder answers."""

    answer: Annotated[str, Field(min_length=1, max_length=4_000)]
    attachments: Annotated[list[AttachmentIn], Field(max_length=50, default_factory=list)]


class ConclusionIn(In):
    """The supervisor's last word, the answers read."""

    conclusion: Annotated[str, Field(min_length=1, max_length=4_000)]


class VolumeWordIn(In):
    """Which volume is spoken of, what is said of it, and the papers in the vault that bear it out."""

    parcel: ParcelCode
    species: Species
    numeral: Annotated[int, Field(ge=1, le=99, strict=True)]
    text: Writing
    documents: Annotated[list[Sha256], Field(max_length=20, default_factory=list)]

    @property
    def key(self) -> tuple[str, str, int]:
        """The volume."""
        return self.parcel, self.species, self.numeral


class VolumeDecisionIn(VolumeWordIn):
    """The supervisor's decision on a volume, the answer read."""

    decision: Literal["accepted", "upheld"]


class VolumeClosingIn(VolumeWordIn):
    """How a volume found fault with ends."""

    outcome: Literal["accepted", "upheld", "lifted"]


class IndicatorsOut(Out):
    """V1 to V3 in permille, and what they are made of. ``moved`` says whether custody answered; it is asked when one
    supervision is read, and when it is closed."""

    species: int
    trees_looked_for: int
    trees_absent: int
    unauthorised_dm3: int
    unjustified_dm3: int
    moved: Known
    moved_dm3: int | None
    moved_as_of: int | None
    v1_permille: int | None
    v2_permille: int | None
    v3_permille: int | None


class VolumeActOut(Out):
    """An act on a volume. Who (as a pseudonym), why and on which papers only for those concerned."""

    act: str
    state: str
    outcome: str
    at: datetime
    org: str
    by: str | None
    text: str | None
    documents: list[str]


class VolumeOut(Out):
    """A volume found fault with, and what became of it; why, in words, only for those concerned. ``counts`` is whether it is held
    against anybody: not while it is under appeal, nor once it was accepted or lifted."""

    parcel: str
    species: str
    numeral: int
    kind: str
    volume_dm3: int
    trees: int | None
    reason: str | None
    state: str
    outcome: str
    counts: bool
    acts: list[VolumeActOut]


class DocumentOut(Out):
    """A document of the checklist; ``state`` is empty while nobody has looked for it. Its digest is for those concerned."""

    document: str
    es: str
    en: str
    state: str | None
    sha256: str | None


class AnswerOut(Out):
    """An answer of the holder."""

    answer: str
    attachments: list[dict[str, Any]]
    at: datetime


class SupervisionOut(Out):
    """A supervision. Until it is closed only those concerned see it, and whom the community lets; answers, the conclusion and
    what else is said in words always only they."""

    number: str
    plan: str
    permit: str | None
    state: str
    supervisor: str
    visited_from: date
    visited_to: date
    opened_at: datetime
    notified_at: datetime | None
    answer_until: date | None
    closed_at: datetime | None
    conclusion: str | None
    tolerances: dict[str, Any]
    trees_reported: int
    indicators: IndicatorsOut
    volumes: list[VolumeOut]
    documents: list[DocumentOut]
    answers: list[AnswerOut]
    inspections: list[InspectionRef]


class SupervisedTreeOut(Out):
    """A tree of the supervision, planned against field."""

    parcel: str
    code: str
    planned: PlannedOut | None
    found: FoundOut
