"""Keys: an organisation asks, somebody of the registry proposes, somebody else approves; one person ends them at once, and
another says whether rightly.

What is here is what came through the registry. The log decides which keys count: roots add phones of their own, and keys
name their successors, without us.
"""

from typing import Annotated, Literal

from fastapi import Query, Response

from services.permits.api.house import Command, CommandDep, HouseDep, PagingDep, Work, log_state
from services.permits.api.territory import check_registrar
from services.permits.domain.key import (
    MOST_AWAITING,
    MOST_UNKNOWN,
    Ended,
    Enrolment,
    Key,
    KeyTaken,
    Revocation,
    SecondWord,
    TooManyAwaiting,
    TooManyUnknown,
    check_house,
    check_third_party,
)  # fmt: skip
from services.permits.domain.party import REGISTRY, Organisation, ReferenceUnknown, WrongState
from services.permits.registrar import Registrar
from services.permits.schemas.keys import (
    ConfirmationIn,
    ContestIn,
    KeyIn,
    KeyOut,
    RevocationIn,
    RevocationOut,
    SecondWordOut,
)
from services.permits.schemas.words import Page
from services.permits.store import keys, outbox, parties
from services.permits.store.session import Tx
from shared.refusal import Missing, Refusal
from shared.timber.outgoing import Announced
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["keys"])


@router.post("/v1/keys", status_code=201, response_model=KeyOut)
async def add_key(body: KeyIn, grant: GrantDep, command: CommandDep, house: HouseDep) -> Response:
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
        return await work.answer(201 if new else 200, await _answer(work.tx, known, house.registrar))


@router.post("/v1/keys/{kid}/propose", response_model=KeyOut)
async def propose_key(kid: str, grant: GrantDep, command: CommandDep, house: HouseDep) -> Response:
    """An officer takes up what an organisation asked for; another one approves it then."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        enrolment = await _to_take_further(work, kid, grant, "propose_key")
        enrolment.check_proposal(work.caller.sub)
        await keys.note_proposal(work.tx, kid, work.caller.sub)
        return await work.answer(200, await _answer(work.tx, await _again(work.tx, kid), house.registrar))


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
        return await work.answer(200, await _answer(work.tx, await _again(work.tx, kid), house.registrar))


@router.post("/v1/keys/{kid}/revoke", response_model=RevocationOut)
async def revoke_key(kid: str, body: RevocationIn, grant: GrantDep, command: CommandDep, house: HouseDep) -> Response:
    """From its log index on the key signs nothing; what it signed before stands, and may be put in doubt. One person does so at
    once, and a second one confirms or contests it. For a key that did not come through here ``org`` names its organisation: the
    log refuses a wrong one.
    """
    async with command.transaction() as work:
        if work.first:
            return work.first
        known, org = await _to_end(work, kid, body.org, grant, "revoke_key")
        revocation = Revocation(kid, org, body.reason, body.distrust_from)
        await _check_bounds(work, grant, known, revocation)
        letter = house.registrar.write(
            "key.revoked", REGISTRY, revocation.statement(), work.now, subject=f"key:{kid}",
            prev=[None if known is None else known.sid],
        )  # fmt: skip
        if await keys.revoke(work.tx, revocation, letter.sid, work.caller.sub):
            await outbox.announce(work.tx, [letter], work.now)
        stands = await keys.revocation(work.tx, kid, org)
        if stands is None or stands.revocation != revocation:
            raise WrongState("key", kid, "revoked", "active")
        return await work.answer(
            200, _revocation(stands, await outbox.announced(work.tx, [stands.sid]), house.registrar)
        )


@router.post("/v1/keys/{kid}/revoke/confirm", response_model=RevocationOut)
async def confirm_revocation(
    kid: str, body: ConfirmationIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """A second person finds that a key was ended rightly. Nothing changes in the log, where it ended at once."""
    return await _second(kid, body.org, "confirmed", None, grant, command, house.registrar)


@router.post("/v1/keys/{kid}/revoke/contest", response_model=RevocationOut)
async def contest_revocation(
    kid: str, body: ContestIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """A second person finds that a key was ended wrongly, and why. The key does not come back: its holder enrols a new one."""
    return await _second(kid, body.org, "contested", body.reason, grant, command, house.registrar)


async def _second(
    kid: str, org: str | None, word: Literal["confirmed", "contested"], reason: str | None, grant: Grant, command: Command,
    registrar: Registrar,
) -> Response:  # fmt: skip
    async with command.transaction() as work:
        if work.first:
            return work.first
        _, org = await _to_end(work, kid, org, grant, f"{word.removesuffix('ed')}_revocation")
        ended = await keys.revocation(work.tx, kid, org, lock=True)
        if ended is None:
            raise Missing("revocation", kid)
        said = None if ended.second is None else (ended.second.word, ended.second.reason, ended.second.by)
        if said != (word, reason, work.caller.sub):
            ended.check_second(work.caller.sub, word)
            await keys.note_second(work.tx, kid, org, SecondWord(word, reason, work.caller.sub, work.now))
        stands = await keys.revocation(work.tx, kid, org)
        assert stands is not None, "it is there"
        return await work.answer(200, _revocation(stands, await outbox.announced(work.tx, [stands.sid]), registrar))


@router.get("/v1/keys/revocations")
async def list_revocations(
    house: HouseDep, paging: PagingDep, org: Annotated[str | None, Query(max_length=40)] = None,
    awaiting: bool | None = None,
) -> Page[RevocationOut]:  # fmt: skip
    """The ends of keys that were told here, by id, perhaps of one organisation; ``awaiting``: only those on which a second person
    has still to speak, or only the others."""
    kid, _, of = paging.after.partition(" ")
    async with house.database.transaction() as tx:
        found, following = paging.page(
            await keys.all_revocations(tx, org, awaiting, (kid, of), paging.limit + 1),
            lambda one: f"{one.revocation.kid} {one.revocation.org}",
        )
        announced = await outbox.announced(tx, [one.sid for one in found])
    return Page(items=[_revocation(one, announced, house.registrar) for one in found], next=following)


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
        sids = [*(known.sid for known in found), *(one.sid for one in ended.values())]
        announced = await outbox.announced(tx, sids)
    items = [_key(known, ended.get(known.key.kid), announced, house.registrar) for known in found]
    return Page(items=items, next=following)


@router.get("/v1/keys/{kid}")
async def read_key(kid: str, house: HouseDep) -> KeyOut:
    """One key."""
    async with house.database.transaction() as tx:
        known = await keys.key(tx, kid)
        if known is None:
            raise Missing("key", kid)
        return await _answer(tx, known, house.registrar)


async def _check_region(tx: Tx, grant: Grant, org: str, action: str) -> Organisation:
    known = await parties.organisation(tx, org)
    if known is None:
        raise ReferenceUnknown("organisation", org)
    check_registrar(grant, known[0].region, action)
    return known[0]


async def _to_end(work: Work, kid: str, named: str | None, grant: Grant, action: str) -> tuple[Enrolment | None, str]:
    """The key, where it came through here, and its organisation: the caller's own, or one of their region. ``named`` is the
    organisation that the caller says it is of."""
    known = await keys.key(work.tx, kid)
    org = known.key.org if known is not None else named
    if org is None or named not in (None, org):
        raise Missing("key", kid)
    grant.require_full(org, kind="key", key=kid, action=action)
    check_house(org, action)
    if known is not None and known.sid is None:
        raise WrongState("key", kid, known.state, "registered")
    await _check_region(work.tx, grant, org, action)
    return known, org


async def _check_bounds(work: Work, grant: Grant, known: Enrolment | None, revocation: Revocation) -> None:
    """So many and no more, by one person and of keys that did not come through here; what repeats a revocation that stands is none."""
    refusal: Refusal | None = None
    if grant.scope == "any" and await keys.awaiting_of(work.tx, work.caller.sub) >= MOST_AWAITING:
        refusal = TooManyAwaiting(MOST_AWAITING)
    if (
        known is None
        and grant.scope != "any"
        and await keys.unknown_revocations(work.tx, revocation.org) >= MOST_UNKNOWN
    ):
        refusal = TooManyUnknown(revocation.org, MOST_UNKNOWN)
    if refusal is None:
        return
    stands = await keys.revocation(work.tx, revocation.kid, revocation.org)
    if stands is None or stands.revocation != revocation:
        raise refusal


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


async def _answer(tx: Tx, known: Enrolment, registrar: Registrar) -> KeyOut:
    ended = await keys.revocation(tx, known.key.kid, known.key.org)
    announced = await outbox.announced(tx, [known.sid, None if ended is None else ended.sid])
    return _key(known, ended, announced, registrar)


def _key(known: Enrolment, ended: Ended | None, announced: dict[str, Announced], registrar: Registrar) -> KeyOut:
    key = known.key
    return KeyOut.model_validate(
        {
            "kid": key.kid, "org": key.org, "public_key": key.public_key, "alg": "ed25519", "role": key.role,
            "proof": key.proof, "state": known.state, "log": log_state(announced, known.sid),
            "revocation": None if ended is None else _revocation(ended, announced, registrar),
        }
    )  # fmt: skip


def _revocation(ended: Ended, announced: dict[str, Announced], registrar: Registrar) -> RevocationOut:
    revocation, second = ended.revocation, ended.second
    return RevocationOut(
        kid=revocation.kid, org=revocation.org, reason=revocation.reason, distrust_from=revocation.distrust_from,
        log=log_state(announced, ended.sid),
        revoked_by=None if ended.revoked_by is None else registrar.pseudonym(ended.revoked_by),
        second=None if second is None else SecondWordOut(
            word=second.word, reason=second.reason, by=registrar.pseudonym(second.by), at=second.at
        ),
        awaits_second=ended.awaits,
    )  # fmt: skip
