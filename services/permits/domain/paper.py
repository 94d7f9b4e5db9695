"""Papers of other authorities that rules ask for: the licence of a regent, the CITES paper of a plan."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from shared.refusal import Refusal
from shared.timber.species import catalogue


@dataclass(frozen=True, slots=True)
class Licence:
    """A regent's licence and its days."""

    number: str
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class CitesPaper:
    """A quota or a finding that the harvest does no detriment, for one species of one plan."""

    species: str
    kind: Literal["quota", "non_detriment_finding"]
    number: str


@dataclass(eq=False)
class NotListed(Refusal):
    """A CITES paper for a species that no appendix lists on the day."""

    slug: ClassVar[str] = "species-not-listed"
    es: ClassVar[str] = "{species} no está en un apéndice de CITES el {day}."
    en: ClassVar[str] = "{species} is in no appendix of CITES on {day}."
    species: str
    day: str


def is_listed(species: str, day: date) -> bool:
    """Whether a species is in an appendix of CITES on a day."""
    norms = catalogue()
    return species in norms and norms.accepted(species).cites_on(day) is not None


def may_be_listed(species: str, day: date) -> bool:
    """Whether a name that the catalogue does not know has the genus of a listed species: CITES lists most of these whole."""
    norms = catalogue()
    genus = species.partition(" ")[0]
    return species not in norms and any(
        one.name.partition(" ")[0] == genus and one.cites_on(day) is not None for one in norms
    )


def check_listed(species: str, day: date) -> None:
    """Refuse a paper for a species that needs none."""
    if not is_listed(species, day):
        raise NotListed(species, day.isoformat())
