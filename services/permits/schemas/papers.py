"""Licences of regents and CITES papers of plans."""

from datetime import date
from typing import Literal

from services.permits.schemas.words import Day, In, Out, Short, Species


class LicenceIn(In):
    """A licence as the register of regents has it; both days count."""

    number: Short
    valid_from: Day
    valid_to: Day


class LicenceOut(Out):
    """A licence."""

    org: str
    number: str
    valid_from: date
    valid_to: date


class LicencesOut(Out):
    """The licences of an organisation in the order they began."""

    items: list[LicenceOut]


class CitesPaperIn(In):
    """The quota or the non-detriment finding that covers a species of the plan, by its number."""

    species: Species
    kind: Literal["quota", "non_detriment_finding"]
    number: Short


class CitesPaperOut(Out):
    """A CITES paper of a plan."""

    plan: str
    species: str
    kind: str
    number: str


class CitesPapersOut(Out):
    """The CITES papers of a plan by species."""

    items: list[CitesPaperOut]
