"""Grants: an organisation lets somebody read private fields of its records, for a purpose and a time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import UUID, uuid4

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.custody.api.custody import CustodyDep
from services.custody.api.pages import cursor_of, place_of
from services.custody.domain.reach import Scope
from services.custody.private import grants as grant_store
from shared.refusal import Malformed, Missing, Refusal
from shared.timber.bodies import BODIES
from shared.timber.facts import Facts, Organisation
from shared.timber.norms.private import load_private
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["private fields"])

MOST_NAMED = 500
MOST_LOTS = 1_000  # that one organisation opens to another at a time: a reading walks the wood of each
# In UTC too it is an instant of the calendar, in the years that the format serves.
Instant = Annotated[AwareDatetime, Field(ge=datetime(1990, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))]
Names = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=MOST_NAMED)]


@dataclass(eq=False)
class ScopeUnknown(Malformed):
    """The scope names a type or a private field that does not exist."""

    slug: ClassVar[str] = "scope-unknown"
    es: ClassVar[str] = "El alcance ({where}) nombra algo que no existe: {reason}."
    en: ClassVar[str] = "The scope ({where}) names something that does not exist: {reason}."


@dataclass(eq=False)
class ScopeUnclear(Malformed):
    """A grant says what it opens: nothing is opened because a list was left out."""

    slug: ClassVar[str] = "scope-unclear"
    es: ClassVar[str] = "El alcance debe decir everything, o nombrar items, lots o permits; no ambos ni ninguno."
    en: ClassVar[str] = "The scope has to say everything, or to name items, lots or permits; not both, and not neither."
    where: str = "scope"
    reason: str = "unclear"


@dataclass(eq=False)
class EndsTooSoon(Malformed):
    """The grant would end before it begins."""

    slug: ClassVar[str] = "grant-ends-too-soon"
    es: ClassVar[str] = "El permiso de lectura terminaría antes de empezar: {where}."
    en: ClassVar[str] = "The grant would end before it begins: {where}."
    where: str = "valid_until"
    reason: str = "too soon"


@dataclass(eq=False)
class TooManyLots(Refusal):
    """The grants of this organisation to that one would name more lots than one reading can look through."""

    slug: ClassVar[str] = "too-many-lots-granted"
    es: ClassVar[str] = (
        "Los permisos de lectura vigentes para {to_org} ya nombran {named} lotes y este nombra {more}; el máximo es {most}. "
        "Revoque alguno, o permita permisos o todo."
    )
    en: ClassVar[str] = (
        "The grants in force to {to_org} already name {named} lots and this one names {more}; the most is {most}. Revoke "
        "one, or grant by permits or everything."
    )
    to_org: str
    named: int
    more: int
    most: int


class ScopeIn(BaseModel):
    """What a grant opens. Either `everything`, or the records about any of the items, lots and permits named (a lot: also
    the records about the wood it was made of). Types and fields narrow that further; none named is all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    everything: bool = False
    items: Names = []
    lots: Names = []
    permits: Names = []
    types: Names = []
    fields: Names = []


class GrantIn(BaseModel):
    """To whom (an organisation, or one person of it), what, from when until when, and what for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to_org: str = Field(max_length=40)
    to_person: str | None = Field(default=None, min_length=1, max_length=255, description="`sub` of the person's token")
    scope: ScopeIn
    purpose: str = Field(min_length=3, max_length=200)
    valid_from: Instant | None = Field(default=None, description="At once when left out")
    valid_until: Instant


class ScopeOut(BaseModel):
    """What a grant opens."""

    everything: bool
    items: list[str]
    lots: list[str]
    permits: list[str]
    types: list[str]
    fields: list[str]


class GrantOut(BaseModel):
    """A grant. One that was revoked opens nothing from that moment on."""

    id: UUID
    owner: str
    to_org: str
    to_person: str | None
    scope: ScopeOut
    purpose: str
    valid_from: datetime
    valid_until: datetime
    made_by: str
    made_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


class GrantsOut(BaseModel):
    """Grants in the order they were made; `next` is the cursor of what follows."""

    grants: list[GrantOut]
    next: str | None


@router.post("/v1/grants", status_code=201)
async def add_grant(body: GrantIn, custody: CustodyDep, grant: GrantDep) -> GrantOut:
    """Lets an organisation, or one person of it, read private fields of the caller's organisation. The caller answers for
    it; the organisation sees every reading."""
    scope = _checked(body)
    facts, caller = Facts(), grant.known
    async with custody.store.transaction() as tx:
        await tx.load_facts([f"org:{body.to_org}"], facts)
        if facts.find(Organisation, f"org:{body.to_org}") is None:
            raise Missing("organisation", body.to_org)
        await grant_store.act_for(tx, caller.org)
        named = await grant_store.lots_named(tx, caller.org, body.to_org)
        if scope.lots and named + len(scope.lots) > MOST_LOTS:
            raise TooManyLots(body.to_org, named, len(scope.lots), MOST_LOTS)
        made = await grant_store.add_grant(
            tx, uuid4(), caller.org, body.to_org, body.to_person, scope, body.purpose, body.valid_from, body.valid_until,
            caller.sub,
        )  # fmt: skip
    if made is None:
        raise EndsTooSoon
    return _told(made)


def _checked(body: GrantIn) -> Scope:
    scope = body.scope
    if scope.everything == bool(scope.items or scope.lots or scope.permits):
        raise ScopeUnclear
    known = {field.name for field in load_private().fields}
    for where, names, all_ in (("scope.types", scope.types, BODIES.keys()), ("scope.fields", scope.fields, known)):
        strange = sorted(set(names) - set(all_))
        if strange:
            raise ScopeUnknown(where, strange[0])
    return Scope(scope.everything, *map(frozenset, (scope.items, scope.lots, scope.permits, scope.types, scope.fields)))


@router.get("/v1/grants")
async def list_grants(
    custody: CustodyDep, grant: GrantDep, cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> GrantsOut:  # fmt: skip
    """The grants that the caller's organisation has made, and those it was given."""
    org = grant.known.org
    async with custody.store.transaction() as tx:
        await grant_store.act_for(tx, org)
        rows = await grant_store.grants_of(tx, org, place_of(cursor), limit + 1)
    following = cursor_of(rows[limit - 1].made_at, rows[limit - 1].id) if len(rows) > limit else None
    return GrantsOut(grants=[_told(row) for row in rows[:limit]], next=following)


@router.delete("/v1/grants/{grant_id}")
async def revoke_grant(grant_id: UUID, custody: CustodyDep, grant: GrantDep) -> GrantOut:
    """Ends a grant at once: the next request under it is refused. It stays in the list. May be repeated."""
    caller = grant.known
    async with custody.store.transaction() as tx:
        await grant_store.act_for(tx, caller.org)
        ended = await grant_store.revoke(tx, caller.org, grant_id, caller.sub)
    if ended is None:
        raise Missing("grant", str(grant_id))
    return _told(ended)


def _told(one: grant_store.Grant) -> GrantOut:
    scope = ScopeOut(
        everything=one.everything, items=one.items, lots=one.lots, permits=one.permits, types=one.types,
        fields=one.fields,
    )  # fmt: skip
    return GrantOut(
        id=one.id, owner=one.owner, to_org=one.to_org, to_person=one.to_person, scope=scope, purpose=one.purpose,
        valid_from=one.valid_from, valid_until=one.valid_until, made_by=one.made_by, made_at=one.made_at,
        revoked_by=one.revoked_by, revoked_at=one.revoked_at,
    )  # fmt: skip
