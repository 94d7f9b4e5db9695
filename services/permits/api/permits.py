"""Permits: proposed by one, approved by another, suspended, amended, and verified by anyone."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Response

from services.permits.api.assemblies import delegated
from services.permits.api.balances import Drawn, drawn_on
from services.permits.api.house import (
    CommandDep,
    CustodyDep,
    HouseDep,
    PagingDep,
    Work,
    log_state,
    require_organisations,
)
from services.permits.api.measures import check_no_appeal
from services.permits.api.plans import check_plan_lets_move, check_standing, fallen, plan_of
from services.permits.api.reach import reach_of
from services.permits.api.status import announce_status
from services.permits.api.territory import bounds, check_region
from services.permits.domain.measure import CaducityDeclared, check_lifting
from services.permits.domain.party import NumberTaken, ReferenceUnknown, WrongState
from services.permits.domain.permit import (
    Act,
    Amendment,
    Line,
    NotStopped,
    Permit,
    amendment_statements,
    check_amendment,
    check_held,
    check_weighed,
)  # fmt: skip
from services.permits.domain.plan import Plan
from services.permits.domain.rules.catalogue import rules_on
from services.permits.domain.rules.volume import weighed
from services.permits.schemas.parties import ReasonIn
from services.permits.schemas.permits import (
    ActOut,
    AmendmentIn,
    AmendmentOut,
    CensusBasis,
    LineIn,
    LineOut,
    PermitIn,
    PermitOut,
)  # fmt: skip
from services.permits.schemas.words import LogState, Page
from services.permits.store import assemblies, census, outbox, permits, plans
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router
from shared.web.client import ServiceClient, UpstreamDown

router = Router(tags=["permits"])


@router.post("/v1/permits", status_code=201, response_model=PermitOut)
async def propose_permit(body: PermitIn, grant: GrantDep, command: CommandDep) -> Response:
    """Propose a permit on an approved plan. The same content again is answered as known (200)."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await plans.plan(work.tx, body.plan)
        if plan is None:
            raise ReferenceUnknown("plan", body.plan)
        permit = _proposal(body, plan, work.caller.sub)
        await _check_proposer(work, grant, plan, permit)
        permit.check_against(plan)
        await check_standing(work.tx, plan)
        await require_organisations(work.tx, [permit.holder])
        added = await permits.add_permit(work.tx, permit)
        stored = await permits.permit(work.tx, permit.number)
        if stored is None or stored.content != permit.content:
            raise NumberTaken("permit", permit.number)
        return await work.answer(201 if added else 200, await _answer(work.tx, stored))


async def _check_proposer(work: Work, grant: Grant, plan: Plan, permit: Permit) -> None:
    """A manager of the community, an officer of its region, or the regent of the plan by a delegation that reaches for the volume of
    all permits of the plan, one proposal at a time."""
    caller = work.caller
    if "regent" in caller.roles and caller.org == plan.regent != plan.org:
        await permits.one_proposes(work.tx, plan.id)
        others = [one for one in await permits.permits_of_plan(work.tx, plan.id) if one.number != permit.number]
        volumes = [(line.species, line.volume_dm3) for one in (permit, *others) for line in one.lines]
        await delegated(work, plan.org, plan.id, "propose_permit", volumes)
    elif not grant.in_full(plan.org):
        raise OtherOrganisation("propose_permit")
    elif "manager" not in caller.roles or caller.org != plan.org:
        check_region(caller.region, plan.region, "propose_permit")


def _proposal(body: PermitIn, plan: Plan, proposer: str) -> Permit:
    return Permit(
        number=body.number, official_number=body.official_number, title=plan.title, plan=plan.id, org=plan.org,
        regent=plan.regent, region=plan.region, holder=body.holder, harvest_from=body.harvest_from,
        harvest_to=body.harvest_to, move_to=body.move_to, state="proposed", lines=_lines(body.lines),
        p05="NOT_EVALUATED", proposed_by=proposer, sid=None, last_sid=None,
    )  # fmt: skip


def _lines(lines: list[LineIn]) -> tuple[Line, ...]:
    found = (Line(one.parcel, one.species, one.product, one.volume_dm3, one.trees) for one in lines)
    return tuple(sorted(found, key=lambda line: line.key))


@router.post("/v1/permits/{number}/approve", response_model=PermitOut)
async def approve_permit(number: str, command: CommandDep, house: HouseDep) -> Response:
    """Another officer approves; from its log index the permit counts."""
    officer, registrar = command.caller, house.registrar
    async with command.transaction() as work:
        if work.first:
            return work.first
        permit = await _to_weigh(work, number, "approve_permit")
        permit.check_approval(officer.sub)
        plan = await _plan_of(work.tx, permit)
        agreed = await assemblies.act_for_plan(work.tx, permit.org, plan.id)
        permit.check_holder(() if agreed is None else agreed.third_parties)
        p05 = await _weigh(work, permit, plan, permit.lines)
        first, *rest = permit.statements(registrar.pseudonym(permit.proposed_by), registrar.pseudonym(officer.sub))
        subject = f"permit:{number}"
        issued = registrar.write("permit.issued", officer.org, first, work.now, subject=subject, prev=[plan.sid])
        more = [
            registrar.write("permit.amended", officer.org, body, work.now, subject=subject, prev=[issued.sid])
            for body in rest
        ]
        letters = [issued, *more]
        await permits.note_issue(work.tx, number, officer.sub, p05, [letter.sid for letter in letters], work.now)
        await outbox.announce(work.tx, letters, work.now)
        return await work.answer(200, await _answer(work.tx, await _again(work.tx, number)))


@router.post("/v1/permits/{number}/suspend", response_model=PermitOut)
async def suspend_permit(number: str, body: ReasonIn, command: CommandDep, house: HouseDep) -> Response:
    """No guide leaves under it until it is reinstated."""
    return await _change_state(number, body.reason, command, house, "suspended", ("in_force",))


@router.post("/v1/permits/{number}/reinstate", response_model=PermitOut)
async def reinstate_permit(number: str, body: ReasonIn, command: CommandDep, house: HouseDep) -> Response:
    """It counts again."""
    return await _change_state(number, body.reason, command, house, "reinstated", ("suspended",))


@router.post("/v1/permits/{number}/revoke", response_model=PermitOut)
async def revoke_permit(number: str, body: ReasonIn, command: CommandDep, house: HouseDep) -> Response:
    """It counts no more, for good."""
    return await _change_state(number, body.reason, command, house, "revoked", ("in_force", "suspended"))


async def _change_state(
    number: str, reason: str, command: CommandDep, house: HouseDep, kind: str, needed: tuple[str, ...]
) -> Response:
    officer, registrar = command.caller, house.registrar
    state = "in_force" if kind == "reinstated" else kind
    async with command.transaction() as work:
        if work.first:
            return work.first
        permit = await _to_change(work, number, f"{kind}_permit")
        permit.check_state(*needed)
        if kind != "suspended":
            await check_no_appeal(work, permit)
        if kind == "reinstated":
            down = await fallen(work.tx, await plan_of(work.tx, permit))
            check_lifting(permit, frozenset(work.caller.roles), permit.plan if down is None else down[0])
            await check_plan_lets_move(work.tx, permit)
        if kind == "revoked" and permit.measure == "caducity":
            raise CaducityDeclared(number)
        statement = {"number": number, "reason": reason, "by": registrar.pseudonym(officer.sub)}
        letter = registrar.write(
            f"permit.{kind}", officer.org, statement, work.now, subject=f"permit:{number}", prev=[permit.last_sid]
        )
        measure, by = ("suspension", officer.sub) if kind == "suspended" else (None, None)
        await permits.note_state(
            work.tx, number, state, kind, reason, letter.sid, work.now, measure=measure, measure_by=by
        )
        await outbox.announce(work.tx, [letter], work.now)
        await announce_status(work.tx, registrar, work.now)
        return await work.answer(200, await _answer(work.tx, await _again(work.tx, number)))


@router.post("/v1/permits/{number}/amendments", status_code=201, response_model=PermitOut)
async def propose_amendment(number: str, body: AmendmentIn, command: CommandDep) -> Response:
    """Propose lines that set authorised volumes anew, never below what was drawn. On a plan that was superseded or closed they only
    become less."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        permit = await _to_change(work, number, "propose_amendment")
        permit.check_state("in_force", "suspended")
        amendment = Amendment(body.id, body.reason, _lines(body.lines), "proposed", work.caller.sub)
        _check_parcels(await _plan_to_amend(work.tx, permit, amendment), amendment)
        added = await permits.add_amendment(work.tx, number, amendment)
        stored = await _amendment(work.tx, number, body.id)
        if (stored.reason, stored.lines) != (amendment.reason, amendment.lines):
            raise NumberTaken("amendment", f"{number} {body.id}")
        return await work.answer(201 if added else 200, await _answer(work.tx, permit))


@router.post("/v1/permits/{number}/amendments/{amendment_id}/approve", response_model=PermitOut)
async def approve_amendment(
    number: str, amendment_id: str, command: CommandDep, house: HouseDep, custody: CustodyDep
) -> Response:
    """Another officer approves the new volumes. Less is approved while the permit is suspended, so that what custody counts as drawn
    is all that will be: what a line gives up may be authorised elsewhere."""
    officer, registrar = command.caller, house.registrar
    async with command.glance() as look:
        if look.first:
            return look.first
        known, asked = await permits.permit(look.tx, number), await _proposed(look.tx, number, amendment_id)
    less = known is not None and asked is not None and bool(known.lowered(asked))
    drawn = await drawn_on(custody, number) if less else None
    async with command.transaction() as work:
        if work.first:
            return work.first
        permit = await _to_weigh(work, number, "approve_amendment")
        amendment = await _amendment(work.tx, number, amendment_id)
        check_amendment(permit, amendment, officer.sub)
        await _check_lowering(work.tx, permit, amendment, drawn, custody)
        plan = await _plan_to_amend(work.tx, permit, amendment)
        p05 = await _weigh(work, permit, plan, permit.amended(amendment)) if permit.raised(amendment) else permit.p05
        bodies = amendment_statements(number, amendment, registrar.pseudonym(officer.sub))
        letters = [
            registrar.write(
                "permit.amended", officer.org, body, work.now, subject=f"permit:{number}", prev=[permit.last_sid]
            )
            for body in bodies
        ]
        await permits.note_amendment(work.tx, permit, amendment, officer.sub, p05, letters[-1].sid, work.now)
        await outbox.announce(work.tx, letters, work.now)
        return await work.answer(200, await _answer(work.tx, await _again(work.tx, number)))


async def _proposed(tx: Tx, number: str, amendment_id: str) -> Amendment | None:
    return next((one for one in (await permits.amendments(tx, [number]))[number] if one.id == amendment_id), None)


async def _amendment(tx: Tx, number: str, amendment_id: str) -> Amendment:
    amendment = await _proposed(tx, number, amendment_id)
    if amendment is None:
        raise Missing("amendment", f"{number} {amendment_id}")
    return amendment


async def _plan_to_amend(tx: Tx, permit: Permit, amendment: Amendment) -> Plan:
    """More is authorised on a plan that stands; less on any."""
    return await _plan_of(tx, permit) if permit.raised(amendment) else await plan_of(tx, permit)


async def _check_lowering(
    tx: Tx, permit: Permit, amendment: Amendment, drawn: Drawn | None, custody: ServiceClient
) -> None:
    """Nothing is lowered under what was drawn, as custody counted it once the log had the suspension that still holds."""
    if not permit.lowered(amendment):
        return
    said = (await outbox.announced(tx, [permit.last_sid])).get(permit.last_sid or "")
    since = None if said is None or permit.state != "suspended" else said.index
    if since is None:
        raise NotStopped(permit.number)
    if drawn is None:
        raise UpstreamDown(custody.service)
    if drawn.as_of <= since:
        raise NotStopped(permit.number)
    permit.check_drawn(amendment, drawn.by_line)


def _check_parcels(plan: Plan, amendment: Amendment) -> None:
    parcels = {parcel.code for parcel in plan.parcels}
    for line in amendment.lines:
        if line.parcel not in parcels:
            raise ReferenceUnknown("parcel", f"{plan.id} {line.parcel}")


@router.get("/v1/permits")
async def list_permits(
    grant: GrantDep,
    house: HouseDep,
    paging: PagingDep,
    title: Annotated[str | None, Query(max_length=40)] = None,
    plan: Annotated[str | None, Query(max_length=40)] = None,
    state: Annotated[str | None, Query(max_length=20)] = None,
) -> Page[PermitOut]:
    """Permits in which the caller's organisation has a part, or that it was let read; for officers also all of their
    region."""
    party, region = bounds(grant)
    async with house.database.transaction(grant.caller) as tx:
        reach = await reach_of(tx, grant)
        found, following = paging.page(
            await permits.permits(
                tx,
                party,
                region,
                paging.after,
                paging.limit + 1,
                owners=reach.owners("permits"),
                title=title,
                plan=plan,
                state=state,
            ),
            lambda permit: permit.number,
        )
        items = await _answers(tx, found)
        await reach.note(tx, [(one.org, one.region, "permit", one.number, reach.of_permit(one)) for one in found])
    return Page(items=items, next=following)


@router.get("/v1/permits/{number}")
async def read_permit(number: str, grant: GrantDep, house: HouseDep) -> PermitOut:
    """A permit in full, for its parties and officers. For everyone else there is ``verify``."""
    async with house.database.transaction(grant.caller) as tx:
        permit = await permits.permit(tx, number)
        reach = await reach_of(tx, grant)
        if permit is None or (ground := reach.of_permit(permit)) is None:
            raise Missing("permit", number)
        await reach.note(tx, [(permit.org, permit.region, "permit", permit.number, ground)])
        return await _answer(tx, permit)


async def _to_change(work: Work, number: str, action: str) -> Permit:
    """A permit locked for an officer of its region, whose organisation may speak in the log.

    For an officer of another region a proposal does not exist, and a permit, which anyone may verify, is refused.
    """
    permit = await permits.permit_to_change(work.tx, number) or await permits.permit(work.tx, number)
    if permit is None:
        raise Missing("permit", number)
    check_region(work.caller.region, permit.region, action)
    await require_organisations(work.tx, [work.caller.org])
    return permit


async def _to_weigh(work: Work, number: str, action: str) -> Permit:
    """The same, with every permit it is weighed with held in one order: of two that are approved in one moment the second is
    weighed with what the first authorised."""
    known = await permits.permit(work.tx, number)
    if known is not None:
        await permits.hold_authorised(work.tx, known.plan)
    return await _to_change(work, number, action)


async def _plan_of(tx: Tx, permit: Permit) -> Plan:
    plan = await plans.plan(tx, permit.plan)
    if plan is None or plan.state != "approved":
        raise WrongState("plan", permit.plan, "draft", "approved")
    await check_standing(tx, plan)
    return plan


async def _weigh(work: Work, permit: Permit, plan: Plan, lines: tuple[Line, ...]) -> str:
    """Rule P05 over these lines and those of every other permit of the plan, of those it superseded and in its parcels of those above
    and under it, also of a revoked one: its volume may be drawn."""
    others = await permits.authorised_on(work.tx, plan, but=permit.number)
    check_weighed(plan, others)
    every = [*lines, *(line for other in others for line in other.lines)]
    held, rule = await census.harvestable(work.tx, plan.id), rules_on(work.today)["P05"]
    finding = weighed(f"permit:{permit.number}", every, plan.census_basis, held, rule)
    check_held(permit.number, finding)
    return finding.status


async def _again(tx: Tx, number: str) -> Permit:
    permit = await permits.permit(tx, number)
    assert permit is not None, "it was changed in this transaction"
    return permit


async def _answer(tx: Tx, permit: Permit) -> PermitOut:
    return (await _answers(tx, [permit]))[0]


async def _answers(tx: Tx, found: Sequence[Permit]) -> list[PermitOut]:
    numbers = [permit.number for permit in found]
    known = await plans.plans_of(tx, [permit.plan for permit in found])
    announced = await outbox.announced(tx, [permit.sid for permit in found])
    acts, changes = await permits.acts(tx, numbers), await permits.amendments(tx, numbers)
    return [
        _permit_out(
            permit, known[permit.plan], log_state(announced, permit.sid), acts[permit.number], changes[permit.number]
        )
        for permit in found
    ]


def _permit_out(
    permit: Permit, plan: Plan, log: LogState | None, acts: list[Act], changes: list[Amendment]
) -> PermitOut:
    return PermitOut(
        number=permit.number, official_number=permit.official_number, title=permit.title, plan=permit.plan,
        org=permit.org, holder=permit.holder, harvest_from=permit.harvest_from, harvest_to=permit.harvest_to,
        move_to=permit.move_to, state=permit.state, lines=_lines_out(permit.lines),
        census=CensusBasis(
            basis=plan.census_basis, trees=plan.census.trees, harvestable_dm3=plan.census.harvestable_dm3,
            p05=permit.p05,
        ),
        amendments=[
            AmendmentOut(id=a.id, reason=a.reason, lines=_lines_out(a.lines), state=a.state) for a in changes
        ],
        acts=[ActOut(kind=act.kind, at=act.at, reason=act.reason) for act in acts],
        log=log,
    )  # fmt: skip


def _lines_out(lines: tuple[Line, ...]) -> list[LineOut]:
    return [
        LineOut(parcel=one.parcel, species=one.species, product=one.product, volume_dm3=one.volume_dm3, trees=one.trees)
        for one in lines
    ]
