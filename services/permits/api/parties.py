"""Organisations and keys."""

from typing import Annotated

from fastapi import Query, Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, log_state
from services.permits.api.territory import check_registrar
from services.permits.domain.announced import Announced
from services.permits.domain.party import (
    REGISTRY,
    Key,
    KeyTaken,
    NumberTaken,
    Organisation,
    ReferenceUnknown,
    WrongState,
    check_house,
)  # fmt: skip
from services.permits.schemas.parties import KeyIn, KeyOut, OrganisationIn, OrganisationOut, ReasonIn
from services.permits.schemas.words import Kind, Page
from services.permits.store import outbox, parties
from services.permits.store.parties import KnownKey, KnownOrganisation
from services.permits.store.session import Tx
from shared.refusal import Missing, NotAllowed
from shared.timber.event import key_id
from shared.tlog.ed25519 import checked_key
from shared.tlog.encoding import from_base64url
from shared.web.access import GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["parties"])


@router.post("/v1/organisations", status_code=201, response_model=OrganisationOut)
async def register_organisation(
    body: OrganisationIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """Register a party. The same id with the same content is answered as known (200)."""
    check_registrar(grant, body.region, "register_organisation")
    org = Organisation(body.id, body.name, body.kind, body.region)
    async with command.transaction() as work:
        if work.first:
            return work.first
        letter = house.registrar.write(
            "organisation.registered", REGISTRY, org.statement(), work.now, subject=f"org:{org.id}"
        )
        added = await parties.add_organisation(work.tx, org, letter.sid)
        stored = await parties.organisation(work.tx, org.id)
        taken = NumberTaken("organisation", org.id)
        known, announced = await work.announce_new(letter, org, added, stored, taken)
        return await work.answer(201 if added else 200, _organisation(known, announced))


@router.get("/v1/organisations")
async def list_organisations(
    house: HouseDep, paging: PagingDep, kind: Annotated[Kind | None, Query()] = None
) -> Page[OrganisationOut]:
    """All parties by id."""
    async with house.database.transaction() as tx:
        found, following = paging.page(
            await parties.organisations(tx, kind, paging.after, paging.limit + 1), lambda known: known[0].id
        )
        announced = await outbox.announced(tx, [sid for _, sid in found])
    return Page(items=[_organisation(known, announced) for known in found], next=following)


@router.get("/v1/organisations/{org}")
async def read_organisation(org: str, house: HouseDep) -> OrganisationOut:
    """One party."""
    async with house.database.transaction() as tx:
        known = await parties.organisation(tx, org)
        if known is None:
            raise Missing("organisation", org)
        announced = await outbox.announced(tx, [known[1]])
    return _organisation(known, announced)


@router.post("/v1/keys", status_code=201, response_model=KeyOut)
async def add_key(body: KeyIn, grant: GrantDep, command: CommandDep, house: HouseDep) -> Response:
    """Register a public key of an organisation. A root key, which may add others, only by an officer."""
    if not grant.in_full(body.org):
        raise OtherOrganisation("add_key")
    check_house(body.org, "add_key")
    if body.role == "root" and grant.scope != "any":
        raise NotAllowed(
            "add_key", "Una clave raíz la registra la autoridad. / A root key is registered by the authority."
        )
    public_key = from_base64url(body.public_key, "public_key", 32)
    checked_key(public_key)
    key = Key(key_id(public_key), body.org, body.public_key, body.role)
    async with command.transaction() as work:
        if work.first:
            return work.first
        org = await parties.organisation(work.tx, body.org)
        if org is None:
            raise ReferenceUnknown("organisation", body.org)
        check_registrar(grant, org[0].region, "add_key")
        letter = house.registrar.write("key.added", REGISTRY, key.statement(), work.now, subject=f"key:{key.kid}")
        added = await parties.add_key(work.tx, key, letter.sid)
        if added:
            await outbox.announce(work.tx, [letter], work.now)
        known = await parties.key(work.tx, key.kid)
        if known is None or (known[0].org, known[0].role) != (key.org, key.role):
            raise KeyTaken(key.kid)
        return await work.answer(201 if added else 200, _key(known, await _letters(work.tx, known)))


@router.post("/v1/keys/{kid}/revoke", response_model=KeyOut)
async def revoke_key(kid: str, body: ReasonIn, grant: GrantDep, command: CommandDep, house: HouseDep) -> Response:
    """From its log index on the key signs nothing. What it signed before stands."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        known = await parties.key(work.tx, kid)
        if known is None:
            raise Missing("key", kid)
        grant.require_full(known[0].org, kind="key", key=kid, action="revoke_key")
        check_house(known[0].org, "revoke_key")
        org = await parties.organisation(work.tx, known[0].org)
        check_registrar(grant, org[0].region if org is not None else None, "revoke_key")
        statement = {"kid": kid, "reason": body.reason}
        letter = house.registrar.write(
            "key.revoked", REGISTRY, statement, work.now, subject=f"key:{kid}", prev=[known[1]]
        )
        if await parties.revoke_key(work.tx, kid, body.reason, letter.sid):
            await outbox.announce(work.tx, [letter], work.now)
        elif known[0].reason != body.reason:
            raise WrongState("key", kid, "revoked", "active")
        known = await parties.key(work.tx, kid) or known
        return await work.answer(200, _key(known, await _letters(work.tx, known)))


@router.get("/v1/keys")
async def list_keys(
    house: HouseDep, paging: PagingDep, org: Annotated[str | None, Query(max_length=40)] = None
) -> Page[KeyOut]:
    """All keys by id, perhaps of one organisation."""
    async with house.database.transaction() as tx:
        found, following = paging.page(
            await parties.keys(tx, org, paging.after, paging.limit + 1), lambda known: known[0].kid
        )
        announced = await outbox.announced(tx, [sid for _, *sids in found for sid in sids])
    return Page(items=[_key(known, announced) for known in found], next=following)


@router.get("/v1/keys/{kid}")
async def read_key(kid: str, house: HouseDep) -> KeyOut:
    """One key."""
    async with house.database.transaction() as tx:
        known = await parties.key(tx, kid)
        if known is None:
            raise Missing("key", kid)
        announced = await outbox.announced(tx, known[1:])
    return _key(known, announced)


def _organisation(known: KnownOrganisation, announced: dict[str, Announced]) -> OrganisationOut:
    org, sid = known
    return OrganisationOut(id=org.id, name=org.name, kind=org.kind, region=org.region, log=log_state(announced, sid))


def _key(known: KnownKey, announced: dict[str, Announced]) -> KeyOut:
    key, sid, revocation = known
    return KeyOut(
        kid=key.kid, org=key.org, public_key=key.public_key, alg="ed25519", role=key.role,
        revoked=key.reason is not None, reason=key.reason, log=log_state(announced, sid),
        revocation_log=log_state(announced, revocation),
    )  # fmt: skip


async def _letters(tx: Tx, known: KnownKey) -> dict[str, Announced]:
    return await outbox.announced(tx, known[1:])
