"""Re-entry and mobilisation of balances: days that a resolution adds to a permit's two clocks."""

from fastapi import Response

from services.permits.api.house import CommandDep, HouseDep, Work, log_state, require_organisations
from services.permits.api.plans import check_plan_of
from services.permits.api.territory import check_region, sees_in_full
from services.permits.api.vault import check_cited
from services.permits.domain.lifecycle import Extension, transition
from services.permits.domain.measure import Appeal
from services.permits.domain.party import NumberTaken, WrongState
from services.permits.domain.permit import Permit, extension_statement
from services.permits.schemas.instruments import (
    AppealOut,
    CourseOut,
    DecisionIn,
    ExtensionIn,
    ExtensionOut,
)  # fmt: skip
from services.permits.store import extensions, outbox, permits
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.web.access import GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["permits"])


@router.post("/v1/permits/{number}/extensions", status_code=201, response_model=CourseOut)
async def request_extension(number: str, body: ExtensionIn, grant: GrantDep, command: CommandDep) -> Response:
    """Ask for days: by the community, or proposed by an officer. The same again is answered as known (200)."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        permit = await permits.permit(work.tx, number)
        if permit is None:
            raise Missing("permit", number)
        if not grant.in_full(permit.org):
            raise OtherOrganisation("request_extension")
        if "manager" not in work.caller.roles or work.caller.org != permit.org:
            check_region(work.caller.region, permit.region, "request_extension")
        asked = Extension(
            body.id, body.kind, body.harvest_from, body.harvest_to, body.move_to, body.reason, tuple(body.documents),
            "requested", work.caller.sub,
        )  # fmt: skip
        known = await _known(work.tx, number, body.id)
        if known is None:
            transition("permit", "request_extension").take(number, permit.state, work.caller.sub, {})
            permit.check_extension(asked)
            await check_cited(work.tx, body.documents)
        new = known is None and await extensions.add_extension(work.tx, number, asked)
        stored = await _known(work.tx, number, body.id)
        if stored is None or _content(stored) != _content(asked):
            raise NumberTaken("extension", f"{number} {body.id}")
        return await work.answer(201 if new else 200, await course_of(work.tx, number))


@router.post("/v1/permits/{number}/extensions/{extension_id}/approve", response_model=CourseOut)
async def approve_extension(
    number: str, extension_id: str, body: DecisionIn, command: CommandDep, house: HouseDep
) -> Response:
    """Another person approves by resolution; from its log index the new days count."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        permit, asked = await _to_decide(work, number, extension_id, "approve_extension")
        permit.check_extension(asked)
        if asked.kind == "reentry":
            await check_plan_of(work.tx, permit)
        await check_cited(work.tx, body.documents)
        given = Extension(
            asked.id, asked.kind, asked.harvest_from, asked.harvest_to, asked.move_to, body.resolution,
            tuple(sorted({*asked.documents, *body.documents})), "approved", asked.requested_by,
        )  # fmt: skip
        officer, registrar = work.caller, house.registrar
        statement = extension_statement(number, given, body.resolution, registrar.pseudonym(officer.sub))
        letter = registrar.write(
            "permit.amended", officer.org, statement, work.now, subject=f"permit:{number}", prev=[permit.last_sid]
        )
        await extensions.decide_extension(work.tx, number, asked.id, "approved", officer.sub, body.resolution)
        await permits.note_extension(work.tx, permit, given, letter.sid, work.now)
        await outbox.announce(work.tx, [letter], work.now)
        return await work.answer(200, await course_of(work.tx, number))


@router.post("/v1/permits/{number}/extensions/{extension_id}/refuse", response_model=CourseOut)
async def refuse_extension(number: str, extension_id: str, body: DecisionIn, command: CommandDep) -> Response:
    """Another person refuses the request."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        _, asked = await _to_decide(work, number, extension_id, "refuse_extension")
        await check_cited(work.tx, body.documents)
        await extensions.decide_extension(work.tx, number, asked.id, "refused", work.caller.sub, body.resolution)
        return await work.answer(200, await course_of(work.tx, number))


@router.get("/v1/permits/{number}/course")
async def read_course(number: str, grant: GrantDep, house: HouseDep) -> CourseOut:
    """A permit's measure, its days, the extensions and appeals; for its parties and officers."""
    async with house.database.transaction(grant.caller) as tx:
        permit = await permits.permit(tx, number)
        if permit is None or not sees_in_full(grant, permit.region, permit.org, permit.holder, permit.regent):
            raise Missing("permit", number)
        return await course_of(tx, number)


async def _to_decide(work: Work, number: str, id_: str, act: str) -> tuple[Permit, Extension]:
    permit = await permits.permit_to_change(work.tx, number) or await permits.permit(work.tx, number)
    if permit is None:
        raise Missing("permit", number)
    check_region(work.caller.region, permit.region, act)
    await require_organisations(work.tx, [work.caller.org])
    asked = await _known(work.tx, number, id_)
    if asked is None:
        raise Missing("extension", f"{number} {id_}")
    if asked.state != "requested":
        raise WrongState("extension", f"{number} {id_}", asked.state, "requested")
    done = {"request_extension": [asked.requested_by]}
    transition("permit", act).take(number, permit.state, work.caller.sub, done)
    return permit, asked


async def _known(tx: Tx, number: str, id_: str) -> Extension | None:
    return next((one for one in (await extensions.extensions(tx, [number]))[number] if one.id == id_), None)


def _content(one: Extension) -> tuple[object, ...]:
    return one.kind, one.harvest_from, one.harvest_to, one.move_to, one.reason, one.documents


async def course_of(tx: Tx, number: str) -> CourseOut:
    """A permit's course as it is answered."""
    permit = await permits.permit(tx, number)
    assert permit is not None, "it was read in this transaction"
    announced = await outbox.announced(tx, [permit.last_sid])
    return CourseOut(
        permit=number, state=permit.state, measure=permit.measure, harvest_from=permit.harvest_from,
        harvest_to=permit.harvest_to, reentries=[list(window) for window in permit.reentries], move_to=permit.move_to,
        extensions=[_extension(one) for one in (await extensions.extensions(tx, [number]))[number]],
        appeals=[_appeal(one) for one in (await extensions.appeals(tx, [number]))[number]],
        log=log_state(announced, permit.last_sid),
    )  # fmt: skip


def _extension(one: Extension) -> ExtensionOut:
    return ExtensionOut(
        id=one.id, kind=one.kind, harvest_from=one.harvest_from, harvest_to=one.harvest_to, move_to=one.move_to,
        reason=one.reason, state=one.state, resolution=one.resolution, documents=list(one.documents),
    )  # fmt: skip


def _appeal(one: Appeal) -> AppealOut:
    return AppealOut(
        id=one.id, ground=one.ground, state=one.state, resolution=one.resolution, documents=list(one.documents)
    )
