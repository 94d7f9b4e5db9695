"""Papers of other authorities that rules ask for: the licence of a regent, the CITES paper of a plan.

Nothing of a paper is unsaid: what is corrected, ended or revoked is a new version of it, and the last one counts.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from services.permits.domain.census import Tree
from services.permits.domain.party import WrongState
from shared.refusal import Refusal
from shared.timber.cites import standing, trade_name_may_be

PaperAct = Literal["registered", "corrected", "ended", "revoked"]


@dataclass(frozen=True, slots=True)
class Licence:
    """A regent's licence and its days. ``no_more_from`` is the first day on which it does not count any more, because it was
    ended or revoked."""

    number: str
    valid_from: date
    valid_to: date
    no_more_from: date | None = None

    def counts_on(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.valid_from <= day <= self.valid_to and _still(self.no_more_from, day)


@dataclass(frozen=True, slots=True)
class CitesPaper:
    """A quota or a finding that the harvest does no detriment, for one species of one plan."""

    species: str
    kind: Literal["quota", "non_detriment_finding"]
    number: str
    no_more_from: date | None = None

    def counts_on(self, day: date) -> bool:
        """Whether it may be quoted on a day."""
        return _still(self.no_more_from, day)


@dataclass(frozen=True, slots=True)
class Version:
    """How a paper came to stand as it does: what was done, for which reason, by which authority, when."""

    number: int
    act: PaperAct
    reason: str
    by_org: str
    at: datetime


@dataclass(eq=False)
class NotListed(Refusal):
    """A CITES paper for a species that no appendix lists on the day."""

    slug: ClassVar[str] = "species-not-listed"
    es: ClassVar[str] = "{species} no está en un apéndice de CITES el {day}."
    en: ClassVar[str] = "{species} is in no appendix of CITES on {day}."
    species: str
    day: str


def _still(no_more_from: date | None, day: date) -> bool:
    return no_more_from is None or day < no_more_from


def check_changeable(kind: str, key: str, last: Version, act: PaperAct) -> None:
    """A paper that was ended or revoked is not ended again; it may be corrected, when that was a mistake."""
    if act != "corrected" and last.act in ("ended", "revoked"):
        raise WrongState(kind, key, last.act, "registered, corrected")


def is_listed(species: str, day: date) -> bool:
    """Whether a species, or its genus whole, is in an appendix of CITES on a day."""
    return standing(species, day) == "listed"


def may_be_listed(tree: Tree, day: date) -> bool:
    """Whether a tree whose name is not listed may be of a listed species: by its genus, or by what people call it."""
    how = standing(tree.species, day)
    return how == "maybe" or (how == "none" and trade_name_may_be(tree.trade_name, day))


def check_listed(species: str, day: date) -> None:
    """Refuse a paper for a species that needs none."""
    if standing(species, day) == "none":
        raise NotListed(species, day.isoformat())
