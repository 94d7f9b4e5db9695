"""Licences of regents and CITES papers of plans."""

from datetime import date, datetime
from typing import Literal

from pydantic import model_validator

from services.permits.schemas.words import Day, In, Out, Reason, Short, Species

Act = Literal["corrected", "ended", "revoked"]
PaperKind = Literal["quota", "non_detriment_finding"]


class LicenceIn(In):
    """A licence as the register of regents has it; both days count."""

    number: Short
    valid_from: Day
    valid_to: Day


class LicenceChangeIn(In):
    """What became of a licence. ``ended`` and ``revoked``: it does not count from ``no_more_from`` on, which is its first day
    when it never counted. ``corrected``: these are its days, and always were."""

    number: Short
    act: Act
    reason: Reason
    no_more_from: Day | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _whole(self) -> "LicenceChangeIn":
        corrected = self.act == "corrected"
        if corrected == (self.no_more_from is not None):
            raise ValueError("no_more_from es de ended y revoked / no_more_from belongs to ended and revoked")
        if {self.valid_from is not None, self.valid_to is not None} != {corrected}:
            raise ValueError("valid_from y valid_to son de corrected / valid_from and valid_to belong to corrected")
        return self


class PaperVersionOut(Out):
    """What was done to a paper, when, by which authority, and why."""

    version: int
    act: str
    reason: str
    by_org: str
    at: datetime


class LicenceOut(Out):
    """A licence as it stands; from ``no_more_from`` on it does not count."""

    org: str
    number: str
    valid_from: date
    valid_to: date
    no_more_from: date | None
    state: str
    versions: list[PaperVersionOut]


class LicencesOut(Out):
    """The licences of an organisation in the order they began."""

    items: list[LicenceOut]


class CitesPaperIn(In):
    """The quota or the non-detriment finding that covers a species of the plan, by its number."""

    species: Species
    kind: PaperKind
    number: Short


class CitesPaperChangeIn(In):
    """What became of a CITES paper: it does not count from ``no_more_from`` on, or is of another ``kind`` than was registered."""

    species: Species
    number: Short
    act: Act
    reason: Reason
    no_more_from: Day | None = None
    kind: PaperKind | None = None

    @model_validator(mode="after")
    def _whole(self) -> "CitesPaperChangeIn":
        corrected = self.act == "corrected"
        if corrected == (self.no_more_from is not None):
            raise ValueError("no_more_from es de ended y revoked / no_more_from belongs to ended and revoked")
        if corrected != (self.kind is not None):
            raise ValueError("kind es de corrected / kind belongs to corrected")
        return self


class CitesPaperOut(Out):
    """A CITES paper of a plan as it stands; from ``no_more_from`` on it does not count."""

    plan: str
    species: str
    kind: str
    number: str
    no_more_from: date | None
    state: str
    versions: list[PaperVersionOut]


class CitesPapersOut(Out):
    """The CITES papers of a plan by species."""

    items: list[CitesPaperOut]
