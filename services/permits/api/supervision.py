"""Findings that supervisors raise by hand, and their answers to findings. The log keeps them; nothing is kept here.

Whose record a finding is on only the log knows, so these are acts of officers of the whole country; that nobody answers
for themselves is judged where the statement is appended.
"""

from fastapi import Response

from services.permits.api.house import CommandDep, HouseDep, log_state, require_organisations
from services.permits.api.territory import check_region
from services.permits.domain.party import NumberTaken
from services.permits.schemas.supervision import FindingIn, FindingOut, ResolutionIn, ResolutionOut
from services.permits.store import outbox
from shared.timber.event import parse_entry
from shared.web.access import NATIONAL
from shared.web.app import Router

router = Router(tags=["supervision"])


@router.post("/v1/supervision/findings", status_code=201, response_model=FindingOut)
async def raise_finding(body: FindingIn, command: CommandDep, house: HouseDep) -> Response:
    """Raise a finding on a piece, a guide, a permit or a plan; it enters the verdict of every lot it touches (rule H01).
    Send an Idempotency-Key: without one, two of these are two findings."""
    officer, registrar = command.caller, house.registrar
    check_region(officer.region, NATIONAL, "raise_finding")
    async with command.transaction() as work:
        if work.first:
            return work.first
        await require_organisations(work.tx, [officer.org, body.org])
        statement = body.model_dump() | {"by": registrar.pseudonym(officer.sub)}
        letter = registrar.write("finding.raised", officer.org, statement, work.now, subject=f"finding:{body.subject}")
        await outbox.announce(work.tx, [letter], work.now)
        log = log_state(await outbox.announced(work.tx, [letter.sid]), letter.sid)
        return await work.answer(201, FindingOut(**body.model_dump(), raised_by=officer.org, log=log))


@router.post("/v1/supervision/resolutions", status_code=201, response_model=ResolutionOut)
async def resolve_finding(body: ResolutionIn, command: CommandDep, house: HouseDep) -> Response:
    """Answer for what a rule found on a record. The same answer again is answered as known (200)."""
    officer, registrar = command.caller, house.registrar
    check_region(officer.region, NATIONAL, "resolve_finding")
    async with command.transaction() as work:
        if work.first:
            return work.first
        await require_organisations(work.tx, [officer.org])
        statement = body.model_dump() | {"by": registrar.pseudonym(officer.sub)}
        subject = f"once:resolved:{officer.org}:{body.rule}:{body.record}"
        letter = registrar.write(
            "finding.resolved", officer.org, statement, work.now, subject=subject, prev=[body.record]
        )
        new = await outbox.announce_once(work.tx, letter, work.now)
        first = letter if new else await outbox.letter_about(work.tx, subject)
        said = parse_entry(first.entry).body
        if any(said[name] != value for name, value in body.model_dump().items()):
            raise NumberTaken("resolution", f"{body.rule} {body.record}")
        log = log_state(await outbox.announced(work.tx, [first.sid]), first.sid)
        return await work.answer(
            201 if new else 200, ResolutionOut(**body.model_dump(), resolved_by=officer.org, log=log)
        )
