"""Keys: an organisation asks, somebody of the registry proposes, somebody else approves; and how they end.

What is here is what came through the registry. The log decides which keys count: roots add phones of their own, and keys
name their successors, without us.
"""

from typing import Annotated

from fastapi import Query, Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, Work, log_state
from services.permits.api.territory import check_registrar
from services.permits.domain.key import (
    MOST_UNKNOWN,
    Enrolment,
    Key,
    KeyTaken,
    Revocation,
    TooManyUnknown,
    check_house,
    check_third_party,
)  # fmt: skip
from services.permits.domain.party import REGISTRY, Organisation, ReferenceUnknown, WrongState
from services.permits.schemas.keys import KeyIn, KeyOut, RevocationIn, RevocationOut
from services.permits.schemas.words import Page
from services.permits.store import keys, outbox, parties
from services.permits.store.keys import KnownRevocation
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.timber.outgoing import Announced
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["keys"])


@router.post("/v1/keys", status_code=201, response_model=KeyOut)
async def add_key(body: KeyIn, grant: GrantDep, command: CommandDep) -> Response:
    """Bring a key with the proof of its holder. Its organisation asks for it so; an officer of the registry proposes it
    so. The same key again is answered as known (200)."""
    if not grant.in_full(body.org):
        raise OtherOrganisation("add_key")
    check_house(body.org, "add_key")
    key = Key.shown(body.org, body.public_key, body.role, body.proof)
    async with command.transaction() as work:
        if work.first:
            return work.first
        org = await _check_region(work.tx, grant, body.org, "add_key")
        by = work.caller.sub
        if grant.scope != "any":
            check_third_party(org, work.caller.roles, await keys.asked_for(work.tx, by))
        brought = Enrolment(key, "proposed", None, by) if grant.scope == "any" else Enrolment(key, "asked", by)
        new = await keys.add_key(work.tx, brought)
        known = await keys.key(work.tx, key.kid)
        if known is None or known.key != key:
            raise KeyTaken(key.kid)
        return await work.answer(201 if new else 200, await _answer(work.tx, known))


@router.post("/v1/keys/{kid}/propose", response_model=KeyOut)
async def propose_key(kid: str, grant: GrantDep, command: CommandDep) -> Response:
    """An officer takes up what an organisation asked for; another one approves it then."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        enrolment = await _to_take_further(work, kid, grant, "propose_key")
        enrolment.check_proposal(work.caller.sub)
        await keys.note_proposal(work.tx, kid, work.caller.sub)
        return await work.answer(200, await _answer(work.tx, await _again(work.tx, kid)))


@router.post("/v1/keys/{kid}/approve", response_model=KeyOut)
async def approve_key(kid: str, grant: GrantDep, command: CommandDep, house: HouseDep) -> Response:
    """Another officer than the one who proposed it; from its log index the key counts."""
    officer, registrar = command.caller, house.registrar
    async with command.transaction() as work:
        if work.first:
            return work.first
        enrolment = await _to_take_further(work, kid, grant, "approve_key")
        enrolment.check_approval(officer.sub)
        statement = enrolment.statement(
            registrar.pseudonym(enrolment.proposed_by or ""), registrar.pseudonym(officer.sub)
        )
        letter = registrar.write("key.added", REGISTRY, statement, work.now, subject=f"key:{kid}")
        await keys.note_approval(work.tx, kid, officer.sub, letter.sid)
        await outbox.announce(work.tx, [letter], work.now)
        return await work.answer(200, await _answer(work.tx, await _again(work.tx, kid)))


@router.post("/v1/keys/{kid}/revoke", response_model=RevocationOut)
async def revoke_key(kid: str, body: RevocationIn, grant: GrantDep, command: CommandDep, house: HouseDep) -> Response:
    """From its log index on the key signs nothing; what it signed before stands, and may be put in doubt. At once and by
    one person. For a key that did not come through here ``org`` names its organisation: the log refuses a wrong one.
    """
    async with command.transaction() as work:
        if work.first:
            return work.first
        known = await keys.key(work.tx, kid)
        org = known.key.org if known is not None else body.org
        if org is None or body.org not in (None, org):
            raise Missing("key", kid)
        grant.require_full(org, kind="key", key=kid, action="revoke_key")
        check_house(org, "revoke_key")
        if known is not None and known.sid is None:
            raise WrongState("key", kid, known.state, "registered")
        await _check_region(work.tx, grant, org, "revoke_key")
        if known is None and grant.scope != "any" and await keys.unknown_revocations(work.tx, org) >= MOST_UNKNOWN:
            raise TooManyUnknown(org, MOST_UNKNOWN)
        revocation = Revocation(kid, org, body.reason, body.distrust_from)
        letter = house.registrar.write(
            "key.revoked", REGISTRY, revocation.statement(), work.now, subject=f"key:{kid}",
            prev=[None if known is None else known.sid],
        )  # fmt: skip
        if await keys.revoke(work.tx, revocation, letter.sid):
            await outbox.announce(work.tx, [letter], work.now)
        stands = await keys.revocation(work.tx, kid, org)
        if stands is None or stands[0] != revocation:
            raise WrongState("key", kid, "revoked", "active")
        return await work.answer(200, _revocation(stands, await outbox.announced(work.tx, [stands[1]])))


@router.get("/v1/keys")
async def list_keys(
    house: HouseDep, paging: PagingDep, org: Annotated[str | None, Query(max_length=40)] = None
) -> Page[KeyOut]:
    """The keys that came through here by id, perhaps of one organisation."""
    async with house.database.transaction() as tx:
        found, following = paging.page(
            await keys.keys(tx, org, paging.after, paging.limit + 1), lambda known: known.key.kid
        )
        ended = await keys.revocations(tx, found)
        sids = [*(known.sid for known in found), *(sid for _, sid in ended.values())]
        announced = await outbox.announced(tx, sids)
    items = [_key(known, ended.get(known.key.kid), announced) for known in found]
    return Page(items=items, next=following)


@router.get("/v1/keys/{kid}")
async def read_key(kid: str, house: HouseDep) -> KeyOut:
    """One key."""
    async with house.database.transaction() as tx:
        known = await keys.key(tx, kid)
        if known is None:
            raise Missing("key", kid)
        return await _answer(tx, known)


async def _check_region(tx: Tx, grant: Grant, org: str, action: str) -> Organisation:
    known = await parties.organisation(tx, org)
    if known is None:
        raise ReferenceUnknown("organisation", org)
    check_registrar(grant, known[0].region, action)
    return known[0]


async def _to_take_further(work: Work, kid: str, grant: Grant, action: str) -> Enrolment:
    """A key that exists, locked, of an organisation in the officer's region."""
    enrolment = await keys.key(work.tx, kid, lock=True)
    if enrolment is None:
        raise Missing("key", kid)
    await _check_region(work.tx, grant, enrolment.key.org, action)
    return enrolment


async def _again(tx: Tx, kid: str) -> Enrolment:
    enrolment = await keys.key(tx, kid)
    assert enrolment is not None, "it was changed in this transaction"
    return enrolment


async def _answer(tx: Tx, known: Enrolment) -> KeyOut:
    ended = await keys.revocation(tx, known.key.kid, known.key.org)
    return _key(known, ended, await outbox.announced(tx, [known.sid, None if ended is None else ended[1]]))


def _key(known: Enrolment, ended: KnownRevocation | None, announced: dict[str, Announced]) -> KeyOut:
    key = known.key
    return KeyOut.model_validate(
        {
            "kid": key.kid, "org": key.org, "public_key": key.public_key, "alg": "ed25519", "role": key.role,
            "proof": key.proof, "state": known.state, "log": log_state(announced, known.sid),
            "revocation": None if ended is None else _revocation(ended, announced),
        }
    )  # fmt: skip


def _revocation(known: KnownRevocation, announced: dict[str, Announced]) -> RevocationOut:
    revocation, sid = known
    return RevocationOut(
        kid=revocation.kid, org=revocation.org, reason=revocation.reason, distrust_from=revocation.distrust_from,
        log=log_state(announced, sid),
    )  # fmt: skip
