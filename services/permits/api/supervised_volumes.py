"""What people do about a volume that a supervision finds fault with. The table of steps is that of ``domain/finding_life.py``."""

from fastapi import Response

from services.permits.api.field_supervisions import answer_of, check_supervisor, lives_of, supervision_of
from services.permits.api.field_work import work_on
from services.permits.api.house import CommandDep, HouseDep, Work
from services.permits.api.plans import visible_plan
from services.permits.api.territory import check_region
from services.permits.api.vault import check_cited
from services.permits.domain.field_supervision import Supervision
from services.permits.domain.finding_life import DECISIONS, Act, Actor, Done, Outcome, next_step
from services.permits.domain.party import WrongState
from services.permits.domain.plan import Plan
from services.permits.domain.rules.catalogue import rules_on
from services.permits.domain.supervised_volume import check_heard, check_time
from services.permits.schemas.supervisions import SupervisionOut, VolumeClosingIn, VolumeDecisionIn, VolumeWordIn
from services.permits.store import permits, supervised_volumes, supervisions
from shared.refusal import Missing
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["supervisions"])


@router.post("/v1/plans/{plan_id}/supervisions/{number}/volumes/decision", response_model=SupervisionOut)
async def decide_volume(
    plan_id: str, number: str, body: VolumeDecisionIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """The supervisor accepts what the holder answered of a volume, or upholds it; closing upholds what was not decided."""
    return await _act(plan_id, number, DECISIONS[body.decision], "", body, grant, command, house)


@router.post("/v1/plans/{plan_id}/supervisions/{number}/volumes/appeal", response_model=SupervisionOut)
async def appeal_volume(
    plan_id: str, number: str, body: VolumeWordIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """The community, its regent firm or the holder of the permit does not agree with a volume that was upheld; it counts against nobody
    until that is decided. To an open appeal each of them may add its own."""
    return await _act(plan_id, number, "appeal", "", body, grant, command, house)


@router.post("/v1/plans/{plan_id}/supervisions/{number}/volumes/closing", response_model=SupervisionOut)
async def close_volume(
    plan_id: str, number: str, body: VolumeClosingIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """A supervisor ends it: as accepted, as upheld once the term to appeal is over, or upheld or lifted on appeal by somebody
    who did not decide it."""
    return await _act(plan_id, number, "close", body.outcome, body, grant, command, house)


async def _check_who(work: Work, grant: Grant, one: Supervision, plan: Plan, act: Act, holder: str) -> None:
    """Whoever it is held against appeals; a supervisor of the region who had no part in plan or permit decides and closes, before the
    closing of the supervision its own."""
    if act == "appeal":
        if grant.known.org not in (one.visit.org, one.visit.regent, holder):
            raise OtherOrganisation("appeal_volume")
        return
    await check_supervisor(work, plan, one.permit)
    if act == "close":
        check_region(work.caller.region, one.visit.region, "close_volume")
    else:
        await work_on(work, one.visit, "decide_volume")


async def _act(
    plan_id: str, number: str, act: Act, outcome: Outcome, body: VolumeWordIn, grant: GrantDep, command: CommandDep,
    house: HouseDep,
) -> Response:  # fmt: skip
    caller = command.caller
    async with command.transaction() as work:
        if work.first:
            return work.first
        one, plan = await supervision_of(work.tx, plan_id, number), await visible_plan(work.tx, plan_id, grant)
        permit = None if one.permit is None else await permits.permit(work.tx, one.permit)
        holder = "" if permit is None else permit.holder
        await _check_who(work, grant, one, plan, act, holder)
        check_time(one, act)
        volumes, last = (
            await supervisions.volumes(work.tx, number),
            await supervised_volumes.last(work.tx, number, body.key),
        )
        known = (await lives_of(work.tx, one, volumes)).get(body.key)
        if known is None:
            raise Missing("volume", f"{number} {' '.join(map(str, body.key))}")
        who, terms = Actor(caller.sub, caller.org, work.today), rules_on(work.today).terms
        step = next_step(known, plan, act, outcome, who, terms, holder)
        if act == "close":
            check_heard(one, known, who, terms)
        await check_cited(work.tx, body.documents)
        done = Done(act, step.after, outcome, work.now, caller.sub, caller.org, body.text, None)
        if not await supervised_volumes.add_act(work.tx, number, body.key, last + 1, done, body.documents):
            raise WrongState("volume", known.id, "changing", known.state)
        return await work.answer(200, await answer_of(work.tx, grant, house, one))
