"""Inspections, and the outbox as its watchers see it."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from services.permits.schemas.words import Count, In, LogState, Number, Out, ParcelCode, TreeCode


class InspectionIn(In):
    """What was found in the field; the inspector is the caller's organisation."""

    number: Number
    plan: Number
    parcel: ParcelCode
    trees_sampled: Count
    trees_absent: Count
    trees_mismatched: Count | None = None
    volume_dm3: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)]
    trees: Annotated[list[TreeCode], Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "InspectionIn":
        if max(self.trees_absent, self.trees_mismatched or 0) > self.trees_sampled:
            raise ValueError(
                "trees_absent y trees_mismatched no pueden pasar de trees_sampled"
                " / trees_absent and trees_mismatched cannot exceed trees_sampled"
            )
        if self.trees is not None and len(set(self.trees)) != len(self.trees):
            raise ValueError("trees repite un código / trees repeats a code")
        return self


class InspectionOut(Out):
    """An inspection."""

    number: str
    plan: str
    parcel: str
    inspector: str
    trees_sampled: int
    trees_absent: int
    trees_mismatched: int | None
    volume_dm3: int
    trees: list[str] | None
    log: LogState | None


class PublicationOut(Out):
    """A statement on its way into the log."""

    seq: int
    sid: str
    type: str
    subject: str
    state: str
    attempts: int
    index: int | None
    problem: dict[str, Any] | None


class PublicationsOut(Out):
    """The outbox: how much waits, what was refused."""

    pending: int
    refused: int
    published: int
    items: list[PublicationOut]
    next: str | None
