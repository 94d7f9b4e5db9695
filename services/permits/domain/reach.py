"""On what ground somebody reads what is not public, and what of that goes into the trail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from shared.refusal import Malformed, Refusal

Scope = Literal["plans", "census", "permits", "territory", "audit", "inspections"]
Why = Literal["own", "party", "grant", "office", "service"]


@dataclass(eq=False)
class EndsTooSoon(Malformed):
    """The grant would end before it begins."""

    slug: ClassVar[str] = "grant-ends-too-soon"
    es: ClassVar[str] = "El permiso de lectura terminaría antes de empezar: {where}."
    en: ClassVar[str] = "The grant would end before it begins: {where}."
    where: str = "valid_until"
    reason: str = "too soon"


@dataclass(eq=False)
class GrantToOneself(Refusal):
    """An organisation reads what is its own without a grant."""

    slug: ClassVar[str] = "grant-to-oneself"
    es: ClassVar[str] = "{org} ya lee lo suyo: el permiso de lectura es para otra organización."
    en: ClassVar[str] = "{org} reads its own already: a grant is for another organisation."
    org: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a reading is allowed: one's own, a part in it, a grant, an office in the region, or the house itself."""

    ground: Why
    grant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """That something of an organisation, which is not public, was read."""

    org: str
    region: str
    what: str
    thing: str
    ground: Ground


Given = Mapping[tuple[str, str], UUID]


def ground_of(
    org: str, officer: Why | None, given: Given, scope: Scope, owner: str, *parties: str | None
) -> Ground | None:
    """The first ground that carries a caller of ``org``; ``officer``: by whose role it sees the territory in full."""
    if org == owner:
        return Ground("own")
    if org in parties:
        return Ground("party")
    if officer is not None:
        return Ground(officer)
    grant = given.get((owner, scope))
    return None if grant is None else Ground("grant", grant)


def worth_noting(ground: Ground | None) -> bool:
    """An organisation need not be told that it read its own."""
    return ground is not None and ground.ground != "own"
