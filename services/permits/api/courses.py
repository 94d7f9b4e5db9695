"""What becomes of a plan on its way and after its approval, and the table that says who may do what."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response

from services.permits.api.balances import drawn_on
from services.permits.api.house import CommandDep, HouseDep, Work, require_organisations
from services.permits.api.measures import check_no_appeal, note_moot, put_under, release
from services.permits.api.plans import answer_of, done_by, fallen, plan_of, state_of, visible_plan
from services.permits.api.reach import reach_of
from services.permits.api.status import announce_status
from services.permits.api.territory import check_region
from services.permits.api.vault import check_cited
from services.permits.domain.assembly import DayNotCome
from services.permits.domain.document import check_kind
from services.permits.domain.lifecycle import phase_of, transition
from services.permits.domain.measure import MeasureOfSupervisor
from services.permits.domain.permit import Permit
from services.permits.domain.plan import Plan
from services.permits.domain.shipped import shipped
from services.permits.schemas.instruments import (
    OcularInspectionIn,
    PlanActIn,
    PlanActOut,
    PlanActsOut,
    StandingOut,
)  # fmt: skip
from services.permits.schemas.plans import PlanOut
from services.permits.schemas.words import Day
from services.permits.store import acts, extensions, permits, plans
from services.permits.store.acts import PlanAct
from shared.refusal import Missing
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["plans"])


@router.get("/v1/plans/lifecycle")
async def read_lifecycle() -> dict[str, Any]:
    """Every act on plans and permits: from which states, to which, in whose hands, apart from whom, on which papers; in
    Spanish and English. What is computed by day stands apart."""
    found: dict[str, Any] = shipped("lifecycle")
    return found


@router.post("/v1/plans/{plan_id}/inspect", response_model=PlanOut)
async def inspect_plan(plan_id: str, body: OcularInspectionIn, command: CommandDep) -> Response:
    """The ocular inspection before the approval, by an officer who had no part in the plan."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        if body.day > work.today:
            raise DayNotCome(body.day.isoformat(), work.today.isoformat())
        plan = await _to_move(work, plan_id, "inspect_plan")
        facts = body.model_dump(mode="json", include={"day", "opinion", "trees_sampled", "trees_absent"})
        return await _move(work, plan, "inspect", body, facts)


@router.post("/v1/plans/{plan_id}/observe", response_model=PlanOut)
async def observe_plan(plan_id: str, body: PlanActIn, command: CommandDep) -> Response:
    """Return the plan with observations: the community may upload its census again and submit again."""
    return await _before_approval(plan_id, body, command, "observe")


@router.post("/v1/plans/{plan_id}/reject", response_model=PlanOut)
async def reject_plan(plan_id: str, body: PlanActIn, command: CommandDep) -> Response:
    """Reject the plan, for good."""
    return await _before_approval(plan_id, body, command, "reject")


async def _before_approval(plan_id: str, body: PlanActIn, command: CommandDep, act: str) -> Response:
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await _to_move(work, plan_id, f"{act}_plan")
        return await _move(work, plan, act, body)


@router.post("/v1/plans/{plan_id}/suspend", response_model=PlanOut)
async def suspend_plan(plan_id: str, body: PlanActIn, command: CommandDep, house: HouseDep) -> Response:
    """Suspend an approved plan, and with it every permit in force on it or on a plan that stands under it."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await _to_move(work, plan_id, "suspend_plan")
        for permit in await permits.permits_under(work.tx, plan.id):
            if permit.state == "in_force":
                await put_under(work, house.registrar, permit, "plan", body.reason, body.documents)
        await announce_status(work.tx, house.registrar, work.now)
        return await _move(work, plan, "suspend", body)


@router.post("/v1/plans/{plan_id}/reinstate", response_model=PlanOut)
async def reinstate_plan(plan_id: str, body: PlanActIn, command: CommandDep, house: HouseDep) -> Response:
    """Lift the suspension of a plan, and of the permits that were suspended with it, as far as nothing else of their plans is
    suspended: of two plans one above the other the last to be reinstated brings them back. What their holders had appealed
    against is lifted with it: an open appeal is moot."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await _to_move(work, plan_id, "reinstate_plan")
        last = next((one for one in reversed(await acts.acts_on(work.tx, plan.id)) if one.act == "suspend"), None)
        if last is not None and last.facts.get("supervisor") and "supervisor" not in work.caller.roles:
            raise MeasureOfSupervisor(plan.id, "suspend")
        answer = await _move(work, plan, "reinstate", body)
        for permit in await permits.permits_under(work.tx, plan.id):
            if permit.measure == "plan" and await fallen(work.tx, await plan_of(work.tx, permit)) is None:
                await note_moot(work, permit, body.reason)
                await release(work, house.registrar, permit, body.reason, body.documents)
        await announce_status(work.tx, house.registrar, work.now)
        return answer


@router.post("/v1/plans/{plan_id}/caducity", response_model=PlanOut)
async def caducate_plan(plan_id: str, body: PlanActIn, command: CommandDep, house: HouseDep) -> Response:
    """Declare the caducity of a plan: no permit is issued again on it or under it, those there are stand suspended under
    caducity."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await _to_move(work, plan_id, "caducate_plan")
        for permit in await permits.permits_under(work.tx, plan.id):
            if permit.state in ("in_force", "suspended") and permit.measure != "caducity":
                await check_no_appeal(work, permit)
                await put_under(work, house.registrar, permit, "caducity", body.reason, body.documents)
        await announce_status(work.tx, house.registrar, work.now)
        return await _move(work, plan, "declare_caducity", body)


@router.post("/v1/plans/{plan_id}/close", response_model=PlanOut)
async def close_plan(plan_id: str, body: PlanActIn, command: CommandDep) -> Response:
    """Close a plan with its execution report."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await _to_move(work, plan_id, "close_plan")
        papers = await check_cited(work.tx, body.documents)
        check_kind([one for found in papers.values() for one in found], ", ".join(body.documents), "execution_report")
        return await _move(work, plan, "close", body)


@router.get("/v1/plans/{plan_id}/acts")
async def list_plan_acts(plan_id: str, grant: GrantDep, house: HouseDep) -> PlanActsOut:
    """What was done to a plan, for those concerned."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        if not (await reach_of(tx, grant)).in_full(plan):
            raise Missing("plan", plan_id)
        found = await acts.acts_on(tx, plan.id)
    items = [
        PlanActOut(
            act=one.act, org=one.org, at=one.at.strftime("%Y-%m-%dT%H:%M:%SZ"), reason=one.reason, state=one.state,
            documents=one.documents, facts=one.facts,
        )
        for one in found
    ]  # fmt: skip
    return PlanActsOut(plan=plan.id, items=items)


@router.get("/v1/plans/{plan_id}/standing")
async def plan_standing(
    plan_id: str, grant: GrantDep, house: HouseDep, on: Annotated[Day | None, Query()] = None
) -> StandingOut:
    """Where a plan stands on a day. Exhausted is what custody counts: everything that was authorised has been drawn. That
    count is for those concerned."""
    day: date = on or house.today
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        state = await state_of(tx, plan)
        asked = (await extensions.extensions_of_plans(tx, [plan.id]))[plan.id]
        found = [one for one in await permits.permits_of_plan(tx, plan.id) if one.state != "proposed"]
        concerned = (await reach_of(tx, grant)).in_full(plan)
    authorised = sum(line.volume_dm3 for permit in found for line in permit.lines)
    phase = phase_of(plan.kind, state, plan.harvest_from, plan.harvest_to, asked, day)
    drawn = await _drawn(house, found) if concerned else None
    if phase in ("active", "reentry_active", "in_force") and drawn is not None and 0 < authorised <= drawn:
        phase = "exhausted"
    return StandingOut(
        plan=plan.id, kind=plan.kind, on=day, state=state, phase=phase, authorised_dm3=authorised, drawn_dm3=drawn
    )


async def _drawn(house: HouseDep, found: Sequence[Permit]) -> int | None:
    """What custody counts as drawn on these permits in dm3; ``None`` when it does not answer for one of them."""
    total = 0
    for permit in found:
        drawn = await drawn_on(house.custody, permit.number)
        if drawn is None:
            return None
        total += sum(int(line["drawn_dm3"]) for line in drawn.lines)
    return total


async def _to_move(work: Work, plan_id: str, action: str) -> Plan:
    """A plan for an officer of its region, whose organisation may speak; held, with the one it stands under: what happens to the
    two in one moment is told to their permits in one order."""
    plan = await plans.plan_to_change(work.tx, plan_id) or await plans.plan(work.tx, plan_id)
    if plan is None:
        raise Missing("plan", plan_id)
    check_region(work.caller.region, plan.region, action)
    await plans.hold(work.tx, plan.id)
    if plan.parent is not None:
        await plans.hold(work.tx, plan.parent)
    await require_organisations(work.tx, [work.caller.org])
    return plan


async def _move(
    work: Work, plan: Plan, act: str, body: PlanActIn | OcularInspectionIn, facts: dict[str, Any] | None = None
) -> Response:
    """The plan in its next state by the table, with the act that brought it there."""
    await check_cited(work.tx, body.documents)
    state = await state_of(work.tx, plan)
    done = done_by(plan, await acts.acts_on(work.tx, plan.id))
    after = transition("plan", act).take(plan.id, state, work.caller.sub, done)
    if plan.state != "approved":
        await plans.note_state(work.tx, plan.id, after)
    said = facts or ({"supervisor": True} if "supervisor" in work.caller.roles else {})
    await acts.add_act(
        work.tx, plan.id,
        PlanAct(act, work.caller.sub, work.caller.org, work.now, body.reason, after, body.documents, said),
    )  # fmt: skip
    moved = await plans.plan(work.tx, plan.id)
    assert moved is not None, "it was changed in this transaction"
    return await work.answer(200, await answer_of(work.tx, moved))
