"""Agreements of assemblies, what they delegate to others, and the unions a community joins."""

from datetime import date
from typing import Annotated

from fastapi import Query, Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, Work, require_organisations
from services.permits.api.vault import check_cited
from services.permits.domain.assembly import (
    JOINABLE,
    AssemblyAct,
    AssemblyNeeded,
    Delegation,
    Membership,
    check_communal,
    check_delegation,
    check_quorum,
)
from services.permits.domain.document import check_kind
from services.permits.domain.party import NumberTaken, Organisation
from services.permits.schemas.instruments import (
    AssemblyActIn,
    AssemblyActOut,
    DelegationIn,
    DelegationOut,
    LeaveIn,
    MemberIn,
    MemberOut,
    MembersOut,
)  # fmt: skip
from services.permits.schemas.parties import ReasonIn
from services.permits.schemas.words import Day, Page
from services.permits.store import assemblies, parties
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["assemblies"])


@router.post("/v1/organisations/{org}/assembly-acts", status_code=201, response_model=AssemblyActOut)
async def record_assembly_act(org: str, body: AssemblyActIn, grant: GrantDep, command: CommandDep) -> Response:
    """Record what the assembly agreed, with its minutes in the vault. The same content again is answered as known (200)."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        party = await _own(work.tx, org, grant, "record_assembly_act")
        check_communal(party)
        papers = await check_cited(work.tx, [body.document], org)
        check_kind(papers[body.document], body.document, "assembly_act")
        permille, norm = check_quorum(body.held_on, body.present, body.members, work.today)
        await require_organisations(work.tx, body.third_parties)
        act = AssemblyAct(
            org=org, number=body.number, region=party.region, purpose=body.purpose, plan=body.plan,
            held_on=body.held_on, present=body.present, members=body.members, quorum_permille=permille, norm=norm,
            agreement=body.agreement, third_parties=tuple(body.third_parties), document=body.document,
            recorded_by=work.caller.sub,
        )  # fmt: skip
        new = await assemblies.add_act(work.tx, act, work.now)
        known = await assemblies.act(work.tx, org, body.number)
        if known is None or known.content != act.content:
            raise NumberTaken("assembly act", f"{org} {body.number}")
        return await work.answer(201 if new else 200, _act(known))


@router.get("/v1/organisations/{org}/assembly-acts")
async def list_assembly_acts(org: str, grant: GrantDep, house: HouseDep, paging: PagingDep) -> Page[AssemblyActOut]:
    """The agreements of a community, for itself and for officers."""
    async with house.database.transaction(grant.caller) as tx:
        found, following = paging.page(
            await assemblies.acts(tx, org, paging.after, paging.limit + 1), lambda one: one.number
        )
    return Page(items=[_act(one) for one in found], next=following)


@router.post("/v1/organisations/{org}/delegations", status_code=201, response_model=DelegationOut)
async def delegate(org: str, body: DelegationIn, grant: GrantDep, command: CommandDep) -> Response:
    """Let another organisation act for the community on one plan, as the assembly agreed. Keys are never delegated."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        party = await _own(work.tx, org, grant, "delegate")
        check_communal(party)
        await require_organisations(work.tx, [body.delegate])
        if body.delegate == org:
            raise NumberTaken("delegate", org)
        act = await assemblies.act(work.tx, org, body.assembly_act)
        if act is None:
            raise AssemblyNeeded(org, "delegation", body.plan)
        act.check_use(org, "delegation", body.plan, body.delegate)
        delegation = Delegation(
            org=org, number=body.number, region=party.region, delegate=body.delegate, person=body.person,
            plan=body.plan, acts=tuple(body.acts), species=None if body.species is None else tuple(body.species),
            cap_dm3=body.cap_dm3, valid_from=body.valid_from, valid_to=body.valid_to, assembly_act=act.number,
            given_by=work.caller.sub,
        )  # fmt: skip
        new = await assemblies.add_delegation(work.tx, delegation, work.now)
        known = await assemblies.delegation(work.tx, org, body.number)
        if known is None or known.content != delegation.content:
            raise NumberTaken("delegation", f"{org} {body.number}")
        return await work.answer(201 if new else 200, _delegation(known, work.today))


@router.post("/v1/organisations/{org}/delegations/{number}/revoke", response_model=DelegationOut)
async def revoke_delegation(org: str, number: str, body: ReasonIn, grant: GrantDep, command: CommandDep) -> Response:
    """Take a delegation back, at once and by the community alone. Again it is answered as done."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        if await assemblies.delegation(work.tx, org, number) is None:
            raise Missing("delegation", f"{org} {number}")
        await _own(work.tx, org, grant, "revoke_delegation")
        await assemblies.revoke_delegation(work.tx, org, number, work.caller.sub, body.reason, work.now)
        known = await assemblies.delegation(work.tx, org, number)
        assert known is not None, "it was read in this transaction"
        return await work.answer(200, _delegation(known, work.today))


@router.get("/v1/organisations/{org}/delegations")
async def list_delegations(org: str, grant: GrantDep, house: HouseDep, paging: PagingDep) -> Page[DelegationOut]:
    """What a community delegated: all for itself and officers, its own part for a delegate."""
    today = house.today
    async with house.database.transaction(grant.caller) as tx:
        found, following = paging.page(
            await assemblies.delegations(tx, org, paging.after, paging.limit + 1), lambda one: one.number
        )
    return Page(items=[_delegation(one, today) for one in found], next=following)


@router.post("/v1/organisations/{org}/members", status_code=201, response_model=MemberOut)
async def join(org: str, body: MemberIn, grant: GrantDep, command: CommandDep) -> Response:
    """A community joins a consortium, enterprise or federation, by an agreement of its own assembly."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        if not grant.in_full(body.member):
            raise OtherOrganisation("join")
        check_communal(await _party(work.tx, org), JOINABLE)
        if body.member == org:
            raise NumberTaken("membership", f"{org} {org}")
        check_communal(await _party(work.tx, body.member))
        act = await assemblies.act(work.tx, body.member, body.assembly_act)
        if act is None:
            raise AssemblyNeeded(body.member, "membership", org)
        act.check_use(body.member, "membership", org, org)
        membership = Membership(org, body.member, body.since, None, act.number)
        new = await assemblies.join(work.tx, membership)
        known = [one for one in await assemblies.members(work.tx, org, None) if one.member == body.member][-1]
        if (known.since, known.until) != (membership.since, None):
            raise NumberTaken("membership", f"{org} {body.member}")
        return await work.answer(201 if new else 200, _member(known))


@router.post("/v1/organisations/{org}/members/{member}/leave", response_model=MemberOut)
async def leave(org: str, member: str, body: LeaveIn, grant: GrantDep, command: CommandDep) -> Response:
    """The membership ends: said by the member or by the union."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        known = [one for one in await assemblies.members(work.tx, org, None) if one.member == member]
        if not known:
            raise Missing("member", f"{org} {member}")
        if not (grant.in_full(member) or grant.in_full(org)):
            raise OtherOrganisation("leave")
        if known[-1].until is None and body.until >= known[-1].since:
            await assemblies.leave(work.tx, org, member, body.until)
        last = [one for one in await assemblies.members(work.tx, org, None) if one.member == member][-1]
        if last.until != body.until:
            raise NumberTaken("membership", f"{org} {member}")
        return await work.answer(200, _member(last))


@router.get("/v1/organisations/{org}/members")
async def list_members(org: str, house: HouseDep, on: Annotated[Day | None, Query()] = None) -> MembersOut:
    """The members of a union with their dates, perhaps only those of a day."""
    async with house.database.transaction() as tx:
        await _party(tx, org)
        found = await assemblies.members(tx, org, on)
    return MembersOut(items=[_member(one) for one in found])


async def delegated(
    work: Work, org: str, plan: str, act: str, volumes_dm3: list[tuple[str, int]] | None = None
) -> None:
    """Pass when the caller's organisation may do this for the community; else the reason, as a refusal."""
    caller = work.caller
    if caller.org == org:
        return
    found = await assemblies.delegations_on(work.tx, plan, caller.org)
    check_delegation(
        [one for one in found if one.org == org], org, caller.org, caller.sub, plan, act, work.today,
        volumes_dm3 or [],
    )  # fmt: skip


async def check_held(tx: Tx, plan: str, grant: Grant) -> None:
    """Who was given this plan and no longer sees it is told why: revoked, not begun, over."""
    day = await assemblies.today(tx)
    found = await assemblies.delegations_on(tx, plan, grant.known.org)
    if found and all(one.state_on(day) != "active" for one in found):
        found[-1].check(day, {})


async def _party(tx: Tx, org: str) -> Organisation:
    known = await parties.organisation(tx, org)
    if known is None:
        raise Missing("organisation", org)
    return known[0]


async def _own(tx: Tx, org: str, grant: Grant, action: str) -> Organisation:
    party = await _party(tx, org)
    if not grant.in_full(org):
        raise OtherOrganisation(action)
    return party


def _act(one: AssemblyAct) -> AssemblyActOut:
    return AssemblyActOut(
        org=one.org, number=one.number, purpose=one.purpose, plan=one.plan, held_on=one.held_on, present=one.present,
        members=one.members, quorum_permille=one.quorum_permille, norm=one.norm, agreement=one.agreement,
        third_parties=list(one.third_parties), document=one.document,
    )  # fmt: skip


def _delegation(one: Delegation, today: date) -> DelegationOut:
    return DelegationOut(
        org=one.org, number=one.number, delegate=one.delegate, plan=one.plan, acts=list(one.acts),
        species=None if one.species is None else list(one.species), cap_dm3=one.cap_dm3, valid_from=one.valid_from,
        valid_to=one.valid_to, assembly_act=one.assembly_act, state=one.state_on(today),
        revoked_reason=one.revoked_reason,
    )  # fmt: skip


def _member(one: Membership) -> MemberOut:
    return MemberOut(org=one.org, member=one.member, since=one.since, until=one.until)
