"""Measures of supervisors over permits, and the appeals of their holders. The log hears what follows for the wood."""

from collections.abc import Sequence

from fastapi import Response

from services.permits.api.extensions import course_of
from services.permits.api.house import CommandDep, HouseDep, Work, require_organisations
from services.permits.api.plans import fallen, plan_of
from services.permits.api.status import announce_status
from services.permits.api.territory import check_region
from services.permits.api.vault import check_cited
from services.permits.domain.lifecycle import transition
from services.permits.domain.measure import Appeal, AppealOpen, check_appeal, check_measure, check_term, done_on
from services.permits.domain.party import NumberTaken, WrongState
from services.permits.domain.permit import Permit
from services.permits.domain.plan import cited
from services.permits.domain.rules.catalogue import rules_on
from services.permits.registrar import Registrar
from services.permits.schemas.instruments import AppealDecisionIn, AppealIn, CourseOut, PlanActIn
from services.permits.store import extensions, outbox, permits
from shared.refusal import Missing
from shared.web.access import GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["permits"])


@router.post("/v1/permits/{number}/precautionary-measure", response_model=CourseOut)
async def order_precautionary_measure(number: str, body: PlanActIn, command: CommandDep, house: HouseDep) -> Response:
    """The supervisor stops the permit for as long as it looks into it; the authority that approved does not lift that."""
    return await _measure(number, body, command, house, "order_precautionary", "precautionary")


@router.post("/v1/permits/{number}/caducity", response_model=CourseOut)
async def declare_caducity(number: str, body: PlanActIn, command: CommandDep, house: HouseDep) -> Response:
    """Caducity in the first instance: the permit is suspended at once and its holder may appeal."""
    return await _measure(number, body, command, house, "declare_caducity", "caducity")


@router.post("/v1/permits/{number}/caducity/confirm", response_model=CourseOut)
async def confirm_caducity(number: str, body: PlanActIn, command: CommandDep, house: HouseDep) -> Response:
    """Somebody else makes a declared caducity final, when no appeal is open and the term to appeal is over or one was dismissed."""
    return await _measure(number, body, command, house, "confirm_caducity", None)


async def _measure(
    number: str, body: PlanActIn, command: CommandDep, house: HouseDep, act: str, measure: str | None
) -> Response:
    async with command.transaction() as work:
        if work.first:
            return work.first
        permit = await _of_region(work, number, act)
        check_measure(permit, act, work.caller.sub, await extensions.open_appeal(work.tx, number))
        if act == "confirm_caducity":
            known = (await permits.acts(work.tx, [number]))[number]
            check_term(permit, known, rules_on(work.today).terms.appeal_days, work.today)
        await check_cited(work.tx, body.documents)
        if measure is not None:
            await put_under(work, house.registrar, permit, measure, body.reason, body.documents)
        else:
            sid = await _announce(work, house.registrar, permit, "revoked", body.reason, body.documents)
            await permits.note_state(work.tx, number, "revoked", "revoked", body.reason, sid, work.now)
        await announce_status(work.tx, house.registrar, work.now)
        return await work.answer(200, await course_of(work.tx, number))


@router.post("/v1/permits/{number}/appeals", status_code=201, response_model=CourseOut)
async def file_appeal(number: str, body: AppealIn, grant: GrantDep, command: CommandDep) -> Response:
    """The community or the holder contests the measure that the permit is under."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        permit = await permits.permit(work.tx, number)
        if permit is None:
            raise Missing("permit", number)
        if not any(grant.in_full(org) for org in (permit.org, permit.holder)):
            raise OtherOrganisation("file_appeal")
        appeal = Appeal(body.id, body.ground, tuple(body.documents), "open", work.caller.sub, permit.measure_by or "")
        if await _filed(work, number, appeal):
            return await work.answer(200, await course_of(work.tx, number))
        check_appeal(permit, (await permits.acts(work.tx, [number]))[number], work.caller.sub)
        await check_cited(work.tx, body.documents)
        if not await extensions.add_appeal(work.tx, number, appeal):
            if await _filed(work, number, appeal):  # sent twice in one moment
                return await work.answer(200, await course_of(work.tx, number))
            waiting = await extensions.open_appeal(work.tx, number)
            raise AppealOpen(number, "" if waiting is None else waiting.id)
        await _check_stands(work, permit)
        await permits.note_appeal(work.tx, number, "appealed", body.ground, work.now)
        return await work.answer(201, await course_of(work.tx, number))


async def _check_stands(work: Work, permit: Permit) -> None:
    """The measure is still the one that was read. Since its appeal is kept, nobody changes the permit until the transaction
    ends: who was about to has done so."""
    now = await permits.permit(work.tx, permit.number)
    assert now is not None, "it was read in this transaction"
    check_appeal(now, (await permits.acts(work.tx, [now.number]))[now.number], work.caller.sub)
    if (now.measure, now.measure_by) != (permit.measure, permit.measure_by):
        raise WrongState("permit", now.number, now.measure or now.state, permit.measure or permit.state)


async def _filed(work: Work, number: str, appeal: Appeal) -> bool:
    """Whether this appeal is kept already; ``NumberTaken`` when its id names another."""
    known = {one.id: one for one in (await extensions.appeals(work.tx, [number]))[number]}.get(appeal.id)
    if known is not None and (known.ground, known.documents) != (appeal.ground, appeal.documents):
        raise NumberTaken("appeal", f"{number} {appeal.id}")
    return known is not None


@router.post("/v1/permits/{number}/appeals/{appeal_id}/decide", response_model=CourseOut)
async def decide_appeal(
    number: str, appeal_id: str, body: AppealDecisionIn, command: CommandDep, house: HouseDep
) -> Response:
    """Somebody else than who ordered the measure decides. Upheld, the permit counts again, at once or with its plan when that is
    suspended; dismissed, the measure stands."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        permit = await _of_region(work, number, "decide_appeal")
        appeal = await extensions.open_appeal(work.tx, number)
        if appeal is None or appeal.id != appeal_id:
            raise Missing("appeal", f"{number} {appeal_id}")
        done = {**done_on(permit), "appeal": [appeal.filed_by]}
        transition("permit", "decide_appeal").take(number, permit.state, work.caller.sub, done)
        await check_cited(work.tx, body.documents)
        await extensions.decide_appeal(work.tx, number, appeal.id, body.outcome, work.caller.sub, body.resolution)
        await permits.note_appeal(work.tx, number, f"appeal_{body.outcome}", body.resolution, work.now)
        if body.outcome == "upheld":
            if await fallen(work.tx, await plan_of(work.tx, permit)) is None:
                await release(work, house.registrar, permit, body.resolution, body.documents)
                await announce_status(work.tx, house.registrar, work.now)
            elif permit.measure != "plan":  # under no measure of its own any more, and back when its plan is
                await put_under(work, house.registrar, permit, "plan", body.resolution, body.documents)
        return await work.answer(200, await course_of(work.tx, number))


async def note_moot(work: Work, permit: Permit, resolution: str) -> None:
    """The measure is lifted by whoever may lift it: of an open appeal against it nothing is left to decide."""
    waiting = await extensions.open_appeal(work.tx, permit.number)
    if waiting is not None:
        await extensions.decide_appeal(work.tx, permit.number, waiting.id, "moot", work.caller.sub, resolution)
        await permits.note_appeal(work.tx, permit.number, "appeal_moot", resolution, work.now)


async def check_no_appeal(work: Work, permit: Permit) -> None:
    """An open appeal is decided before anything else moves the permit."""
    waiting = await extensions.open_appeal(work.tx, permit.number)
    if waiting is not None:
        raise AppealOpen(permit.number, waiting.id)


async def put_under(
    work: Work, registrar: Registrar, permit: Permit, measure: str, reason: str, documents: Sequence[str]
) -> None:
    """Suspend a permit under a measure; one that is suspended already passes under the new one, and the log knows."""
    by, kind = work.caller.sub, "suspended" if measure == "plan" else measure
    if permit.state == "suspended":
        last = permit.last_sid or ""
        await permits.note_measure(work.tx, permit.number, measure, kind, by, reason, work.now, last)
        return
    sid = await _announce(work, registrar, permit, "suspended", reason, documents)
    await permits.note_state(
        work.tx, permit.number, "suspended", kind, reason, sid, work.now, measure=measure, measure_by=by
    )


async def release(work: Work, registrar: Registrar, permit: Permit, reason: str, documents: Sequence[str]) -> None:
    """The permit counts again."""
    sid = await _announce(work, registrar, permit, "reinstated", reason, documents)
    await permits.note_state(work.tx, permit.number, "in_force", "reinstated", reason, sid, work.now)


async def _announce(
    work: Work, registrar: Registrar, permit: Permit, kind: str, reason: str, documents: Sequence[str]
) -> str:
    officer = work.caller
    statement = {"number": permit.number, "reason": reason, "by": registrar.pseudonym(officer.sub)} | cited(documents)
    letter = registrar.write(
        f"permit.{kind}", officer.org, statement, work.now, subject=f"permit:{permit.number}", prev=[permit.last_sid]
    )
    await outbox.announce(work.tx, [letter], work.now)
    return letter.sid


async def _of_region(work: Work, number: str, action: str) -> Permit:
    permit = await permits.permit_to_change(work.tx, number) or await permits.permit(work.tx, number)
    if permit is None:
        raise Missing("permit", number)
    check_region(work.caller.region, permit.region, action)
    await require_organisations(work.tx, [work.caller.org])
    return permit
