"""What people do about a finding: explain, decide, appeal, close. The table of steps is ``domain/finding_life.py``."""

from uuid import UUID

from fastapi import Response

from services.permits.api.house import CommandDep, HouseDep
from services.permits.api.plans import visible_plan
from services.permits.api.reach import reach_of
from services.permits.api.reviews import findings_out
from services.permits.api.territory import check_region
from services.permits.api.vault import check_cited
from services.permits.domain.finding_life import DECISIONS, Act, Actor, Done, Outcome, next_step
from services.permits.domain.party import WrongState
from services.permits.domain.rules.catalogue import rules_on
from services.permits.schemas.findings import ClosingIn, DecisionIn, PlanFindingOut, WordIn
from services.permits.store import findings
from shared.refusal import Missing
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["findings"])


@router.post("/v1/plans/{plan_id}/findings/{finding_id}/explanation", response_model=PlanFindingOut)
async def explain_finding(
    plan_id: str, finding_id: UUID, body: WordIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """Those who made the plan say why; a decision may follow."""
    return await _act(plan_id, finding_id, "explain", "", body, grant, command, house)


@router.post("/v1/plans/{plan_id}/findings/{finding_id}/decision", response_model=PlanFindingOut)
async def decide_finding(
    plan_id: str, finding_id: UUID, body: DecisionIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """An officer accepts the explanation, or upholds what was found."""
    return await _act(plan_id, finding_id, DECISIONS[body.decision], "", body, grant, command, house)


@router.post("/v1/plans/{plan_id}/findings/{finding_id}/appeal", response_model=PlanFindingOut)
async def appeal_finding(
    plan_id: str, finding_id: UUID, body: WordIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """Those who made the plan do not agree with what was upheld."""
    return await _act(plan_id, finding_id, "appeal", "", body, grant, command, house)


@router.post("/v1/plans/{plan_id}/findings/{finding_id}/closing", response_model=PlanFindingOut)
async def close_finding(
    plan_id: str, finding_id: UUID, body: ClosingIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """An officer ends it: as accepted, as upheld, or lifted on appeal by somebody who did not decide it."""
    return await _act(plan_id, finding_id, "close", body.outcome, body, grant, command, house)


async def _act(
    plan_id: str,
    finding_id: UUID,
    act: Act,
    outcome: Outcome,
    body: WordIn,
    grant: GrantDep,
    command: CommandDep,
    house: HouseDep,
) -> Response:
    caller = command.caller
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await visible_plan(work.tx, plan_id, grant)
        if grant.scope == "any":
            check_region(caller.region, plan.region, f"{act}_finding")
        known = await findings.finding(work.tx, plan.id, str(finding_id))
        if known is None:
            raise Missing("finding", str(finding_id))
        who = Actor(caller.sub, caller.org, work.today)
        step = next_step(known, plan, act, outcome, who, rules_on(who.day).terms)
        await check_cited(work.tx, [body.attachment_sha256] if body.attachment_sha256 else [])
        done = Done(act, step.after, outcome, work.now, caller.sub, caller.org, body.text, body.attachment_sha256)
        if not await findings.add_act(work.tx, plan, known, done):
            raise WrongState("finding", known.id, "changing", known.state)
        again = await findings.finding(work.tx, plan.id, known.id)
        assert again is not None, "it was read in this transaction"
        shown = (await reach_of(work.tx, grant)).in_full(plan)
        return await work.answer(200, (await findings_out(work.tx, [again], shown, house.registrar))[0])
