"""An organisation lets another read what is its own, ends that, and sees who read and changed what."""

from uuid import UUID, uuid4

from fastapi import Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, place_number, require_organisations, to_cursor
from services.permits.api.reach import reach_of
from services.permits.domain.reach import EndsTooSoon, GrantToOneself
from services.permits.schemas.grants import AuditLineOut, ReadGrantIn, ReadGrantOut
from services.permits.schemas.words import Page
from services.permits.store import grants, parties
from services.permits.store.grants import Line, ReadGrant
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.web.access import Grant, GrantDep
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["grants"])
_WATCHED_WHOLE = frozenset({"manager", "regent"})


@router.post("/v1/organisations/{org}/grants", status_code=201, response_model=ReadGrantOut)
async def add_read_grant(org: str, body: ReadGrantIn, grant: GrantDep, command: CommandDep) -> Response:
    """Let another organisation read something of one's own, for a purpose and a time. Send an Idempotency-Key: without
    one, two of these are two grants."""
    grant.require(org, kind="organisation", key=org)
    if body.to_org == org:
        raise GrantToOneself(org)
    async with command.transaction() as work:
        if work.first:
            return work.first
        await require_organisations(work.tx, [org, body.to_org])
        made = await grants.add_grant(
            work.tx, uuid4(), org, body.to_org, body.scope, body.purpose, body.valid_from, body.valid_until, work.caller.sub
        )  # fmt: skip
        if made is None:
            raise EndsTooSoon
        return await work.answer(201, _told(made))


@router.get("/v1/organisations/{org}/grants")
async def list_read_grants(org: str, grant: GrantDep, house: HouseDep, paging: PagingDep) -> Page[ReadGrantOut]:
    """The grants that the caller's organisation has made, and those it was given."""
    grant.require(org, kind="organisation", key=org)
    async with house.database.transaction(grant.caller) as tx:
        found, following = paging.page(
            await grants.grants_of(tx, org, place_number(paging, 0), paging.limit + 1), lambda one: str(one.n)
        )
    return Page(items=[_told(one) for one in found], next=following)


@router.delete("/v1/organisations/{org}/grants/{grant_id}", response_model=ReadGrantOut)
async def revoke_read_grant(org: str, grant_id: UUID, grant: GrantDep, command: CommandDep) -> Response:
    """End a grant at once: the next request under it is refused. It stays in the list. May be repeated."""
    grant.require(org, kind="organisation", key=org)
    async with command.transaction() as work:
        if work.first:
            return work.first
        ended = await grants.revoke(work.tx, org, grant_id, work.caller.sub)
        if ended is None:
            raise Missing("grant", str(grant_id))
        return await work.answer(200, _told(ended))


def _told(one: ReadGrant) -> ReadGrantOut:
    return ReadGrantOut(
        id=one.id, owner=one.owner, to_org=one.to_org, scope=one.scope, purpose=one.purpose, valid_from=one.valid_from,
        valid_until=one.valid_until, made_by=one.made_by, made_at=one.made_at, revoked_by=one.revoked_by,
        revoked_at=one.revoked_at,
    )  # fmt: skip


@router.get("/v1/organisations/{org}/audit")
async def read_audit(org: str, grant: GrantDep, house: HouseDep, paging: PagingDep) -> Page[AuditLineOut]:
    """Who read and changed what of this organisation that is not public, the oldest first. Its manager sees all, and so
    do officers of the region and whoever it lets; everybody else their own acts; an operator sees lines without content."""
    caller = grant.known
    async with house.database.transaction(caller) as tx:
        if await parties.organisation(tx, org) is None:
            raise Missing("organisation", org)
        by = None if await _sees_whole(tx, grant, org) else caller
        lines = await grants.trail(tx, org, by, place_number(paging, 0), paging.limit + 1)
    items, more = lines[: paging.limit], len(lines) > paging.limit
    blind = _only_operates(caller)
    return Page(items=[_line(line, blind) for line in items], next=to_cursor(str(items[-1].n)) if more else None)


async def _sees_whole(tx: Tx, grant: Grant, org: str) -> bool:
    """Whether all lines that row-level security shows are the caller's to see, or only the caller's own acts."""
    caller = grant.known
    if grant.scope == "any" or (caller.org == org and not _WATCHED_WHOLE.isdisjoint(caller.roles)):
        return True
    return (await reach_of(tx, grant)).ground("audit", "", org) is not None and caller.org != org


def _only_operates(caller: Caller) -> bool:
    return "operator" in caller.roles and caller.roles.isdisjoint({"authority", "supervisor", "manager"})


def _line(line: Line, blind: bool) -> AuditLineOut:
    return AuditLineOut(
        n=line.n, at=line.at, actor=line.actor, actor_org=line.actor_org, act=line.act, what=line.what,
        thing=None if blind else line.thing, ground=line.ground, grant_id=line.grant_id, detail=None if blind else line.detail,
    )  # fmt: skip
