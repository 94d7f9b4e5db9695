"""Supervisions of a harvest: opened and written by a supervisor, told to the holder, answered, closed."""

from collections.abc import Sequence

from fastapi import Response

from services.permits.api.balances import drawn_on
from services.permits.api.field_work import (
    found_out,
    ground_of_visit,
    note_trees,
    planned_out,
    record,
    report_to_log,
    visitor_of,
    volumes_of,
    work_on,
)
from services.permits.api.house import (
    CommandDep,
    CustodyDep,
    FilesPagingDep,
    House,
    HouseDep,
    PagingDep,
    Work,
    log_state,
    place_number,
    to_cursor,
)
from services.permits.api.plans import visible_plan
from services.permits.api.reach import reach_of
from services.permits.api.territory import check_region
from services.permits.api.vault import check_cited
from services.permits.domain.assembly import check_come
from services.permits.domain.field_norms import checklist, tolerances_on
from services.permits.domain.field_supervision import (
    FoundVolume,
    Moved,
    Supervision,
    VolumeKey,
    check_checklist,
    check_documents,
    indicators,
    moved_from,
)
from services.permits.domain.finding_life import KnownFinding
from services.permits.domain.party import NumberTaken, ReferenceUnknown
from services.permits.domain.plan import Plan, TreeUnknown
from services.permits.domain.supervised_volume import counts, life_of
from services.permits.domain.visit import Visit, check_independent
from services.permits.schemas.field import InspectionRef, RecordedOut, ResultsIn
from services.permits.schemas.supervisions import (
    AnswerIn,
    AnswerOut,
    ConclusionIn,
    DocumentOut,
    DocumentsIn,
    IndicatorsOut,
    Known,
    SupervisedTreeOut,
    SupervisionIn,
    SupervisionOut,
    VolumeActOut,
    VolumeOut,
    VolumesIn,
)
from services.permits.schemas.words import Page
from services.permits.store import outbox, permits, plans, supervised_volumes, supervisions, visits
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router
from shared.web.client import ServiceClient

router = Router(tags=["supervisions"])


@router.post("/v1/plans/{plan_id}/supervisions", status_code=201, response_model=SupervisionOut)
async def open_supervision(
    plan_id: str, body: SupervisionIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """Open a supervision of an approved plan, perhaps of one of its permits, by somebody who had no part in either."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await visible_plan(work.tx, plan_id, grant)
        check_region(work.caller.region, plan.region, "open_supervision")
        plan.check_state("approved")
        if body.permit is not None:
            permit = await permits.permit(work.tx, body.permit)
            if permit is None or permit.plan != plan.id:
                raise ReferenceUnknown("permit", body.permit)
        await check_supervisor(work, plan, body.permit)
        visit = Visit(
            body.number, "supervision", plan.id, plan.org, plan.regent, plan.region, work.caller.org,
            tolerances_on(work.today), work.caller.sub, work.now, None, None,
        )  # fmt: skip
        one = Supervision(visit, body.permit, body.visited_from, body.visited_to, None, None, None)
        if not await visits.add_visit(work.tx, visit, plan):
            raise NumberTaken("supervision", body.number)
        await supervisions.add_supervision(work.tx, one)
        return await work.answer(201, await answer_of(work.tx, grant, house, one))


async def check_supervisor(work: Work, plan: Plan, permit: str | None) -> None:
    """Nobody supervises, or decides on what was found in, a plan or permit they had a part in."""
    makers = [] if permit is None else await visits.permit_makers(work.tx, permit)
    check_independent(plan, work.caller.sub, await visitor_of(work.tx, work.caller.org), makers)


@router.post("/v1/plans/{plan_id}/supervisions/{number}/trees", response_model=RecordedOut)
async def record_supervision(
    plan_id: str, number: str, body: ResultsIn, grant: GrantDep, command: CommandDep
) -> Response:
    """Trees of the census as they were found, moved ones by their stump or their place in the book."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        one, plan = await _to_change(work, plan_id, number, grant, "record_supervision")
        asked = [(tree.parcel, tree.code) for tree in body.trees]
        planned = await visits.planned(work.tx, plan.id, asked)
        for parcel, code in asked:
            if (parcel, code) not in planned:
                raise TreeUnknown(parcel, code)
        return await work.answer(200, await record(work, one.visit, plan, body, planned))


@router.post("/v1/plans/{plan_id}/supervisions/{number}/volumes", response_model=SupervisionOut)
async def set_volumes(
    plan_id: str, number: str, body: VolumesIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """The volumes found fault with, each under its numeral: unauthorised and unjustified stay apart."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        one, plan = await _to_change(work, plan_id, number, grant, "set_volumes")
        parcels = {parcel.code for parcel in plan.parcels}
        for volume in body.volumes:
            if volume.parcel not in parcels:
                raise ReferenceUnknown("parcel", f"{plan.id} {volume.parcel}")
        found = [
            FoundVolume.under(v.parcel, v.species, v.numeral, v.volume_dm3, v.trees, v.reason) for v in body.volumes
        ]
        await supervisions.replace_volumes(work.tx, number, found)
        return await work.answer(200, await answer_of(work.tx, grant, house, one))


@router.post("/v1/plans/{plan_id}/supervisions/{number}/documents", response_model=SupervisionOut)
async def set_documents(
    plan_id: str, number: str, body: DocumentsIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """The document checklist: what is there, what is absent, what does not apply."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        one, _ = await _to_change(work, plan_id, number, grant, "set_documents")
        check_documents(document.document for document in body.documents)
        await supervisions.replace_documents(work.tx, number, [(d.document, d.state, d.sha256) for d in body.documents])
        return await work.answer(200, await answer_of(work.tx, grant, house, one))


@router.post("/v1/plans/{plan_id}/supervisions/{number}/notify", response_model=SupervisionOut)
async def notify_supervision(
    plan_id: str, number: str, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """Tell the holder: from here on nothing found changes, and the days of the answer run."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        one, _ = await _to_change(work, plan_id, number, grant, "notify_supervision")
        check_come(one.visited_to, work.today)
        check_checklist(await supervisions.documents(work.tx, number))
        await supervisions.notify(work.tx, number, work.now)
        return await work.answer(
            200, await answer_of(work.tx, grant, house, await supervision_of(work.tx, plan_id, number))
        )


@router.post("/v1/plans/{plan_id}/supervisions/{number}/answers", status_code=201, response_model=SupervisionOut)
async def answer_supervision(
    plan_id: str, number: str, body: AnswerIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """The holder answers, with papers of the vault attached by their digests; it may answer again until the supervision is
    closed."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        await supervisions.one_answers_or_closes(work.tx, number)
        one = await supervision_of(work.tx, plan_id, number)
        if not grant.in_full(one.visit.org):
            raise OtherOrganisation("answer_supervision")
        one.check_answerable()
        await check_cited(work.tx, [each.sha256 for each in body.attachments])
        attachments = [{"name": each.name, "sha256": each.sha256} for each in body.attachments]
        await supervisions.add_answer(work.tx, number, body.answer, attachments, work.caller.org, work.now)
        return await work.answer(201, await answer_of(work.tx, grant, house, one))


@router.post("/v1/plans/{plan_id}/supervisions/{number}/close", response_model=SupervisionOut)
async def close_supervision(
    plan_id: str, number: str, body: ConclusionIn, grant: GrantDep, command: CommandDep, house: HouseDep,
    custody: CustodyDep,
) -> Response:  # fmt: skip
    """Close it, once the holder has answered or let the days pass, and report to the log what was looked at. What custody
    says was moved is kept with it; when custody does not answer, that is unknown and stays so."""
    async with command.glance() as look:
        if look.first:
            return look.first
        permit = (await supervision_of(look.tx, plan_id, number)).permit
    moved = await _moved(custody, permit)
    async with command.transaction() as work:
        if work.first:
            return work.first
        await supervisions.one_answers_or_closes(work.tx, number)
        await work_on(work, (await supervision_of(work.tx, plan_id, number)).visit, "close_supervision")
        one = await supervision_of(work.tx, plan_id, number)
        plan = await visible_plan(work.tx, plan_id, grant)
        await check_supervisor(work, plan, one.permit)
        one.check_closing(len(await supervisions.answers(work.tx, number)), work.today)
        results = await visits.results(work.tx, number)
        planned = await visits.planned(work.tx, plan.id, list(results))
        await supervisions.conclude(work.tx, number, body.conclusion, moved)
        await visits.close(work.tx, number, work.caller.sub, work.now)
        await report_to_log(work, house, one.visit, plan, volumes_of(results, planned))
        return await work.answer(
            200, await answer_of(work.tx, grant, house, await supervision_of(work.tx, plan_id, number))
        )


@router.get("/v1/plans/{plan_id}/supervisions")
async def list_supervisions(
    plan_id: str, grant: GrantDep, house: HouseDep, paging: FilesPagingDep
) -> Page[SupervisionOut]:
    """The supervisions of a plan: closed ones for everybody, others for those concerned."""
    async with house.database.transaction(grant.caller) as tx:
        await visible_plan(tx, plan_id, grant)
        found, following = paging.page(
            await supervisions.supervisions(tx, plan_id, paging.after, paging.limit + 1), lambda one: one.visit.number
        )
        await _note(tx, grant, *found)
        items = [await answer_of(tx, grant, house, one) for one in found]
    return Page(items=items, next=following)


@router.get("/v1/plans/{plan_id}/supervisions/{number}")
async def read_supervision(
    plan_id: str, number: str, grant: GrantDep, house: HouseDep, custody: CustodyDep
) -> SupervisionOut:
    """One supervision. Before it is closed V3 is worked out with what custody counts now."""
    async with house.database.transaction(grant.caller) as tx:
        one = await supervision_of(tx, plan_id, number)
        await _note(tx, grant, one)
        if one.visit.closed_at is not None or one.permit is None:
            return await answer_of(tx, grant, house, one)
    moved = await _moved(custody, one.permit)
    async with house.database.transaction(grant.caller) as tx:
        return await answer_of(tx, grant, house, await supervision_of(tx, plan_id, number), moved, asked=True)


@router.get("/v1/plans/{plan_id}/supervisions/{number}/trees")
async def list_supervised_trees(
    plan_id: str, number: str, grant: GrantDep, house: HouseDep, paging: PagingDep
) -> Page[SupervisedTreeOut]:
    """Its trees, planned against field; places and observations only for those concerned."""
    after = place_number(paging, 0)
    async with house.database.transaction(grant.caller) as tx:
        one = await supervision_of(tx, plan_id, number)
        await _note(tx, grant, one)
        results = await visits.results(tx, number)
        chosen = sorted(results)[after : after + paging.limit]
        planned = await visits.planned(tx, plan_id, chosen)
        await note_trees(tx, grant, one.visit, planned.values())
        found = await found_out(tx, [results[key] for key in chosen])
    return Page(
        items=[
            SupervisedTreeOut(parcel=key[0], code=key[1], planned=planned_out(planned.get(key)), found=found[key])
            for key in chosen
        ],
        next=to_cursor(str(after + paging.limit)) if len(results) > after + paging.limit else None,
    )


async def lives_of(tx: Tx, one: Supervision, volumes: Sequence[FoundVolume]) -> dict[VolumeKey, KnownFinding]:
    """What became of each volume."""
    acts = await supervised_volumes.acts(tx, one.visit.number)
    answered_at = await supervised_volumes.answered_at(tx, one.visit.number)
    return {volume.key: life_of(one, volume, answered_at, acts.get(volume.key, [])) for volume in volumes}


async def supervision_of(tx: Tx, plan_id: str, number: str) -> Supervision:
    one = await supervisions.supervision(tx, plan_id, number)
    if one is None:
        raise Missing("supervision", f"{plan_id} {number}")
    return one


async def _to_change(work: Work, plan_id: str, number: str, grant: Grant, action: str) -> tuple[Supervision, Plan]:
    """A supervision of the caller's organisation before the holder was told, held."""
    await work_on(work, (await supervision_of(work.tx, plan_id, number)).visit, action)
    one = await supervision_of(work.tx, plan_id, number)  # as it is now: the holder may have been told while we waited
    one.check_changeable()
    plan = await visible_plan(work.tx, plan_id, grant)
    await check_supervisor(work, plan, one.permit)
    return one, plan


async def _moved(custody: ServiceClient | None, permit: str | None) -> Moved | None:
    """What custody counts as drawn on a permit; ``None`` when there is no permit or custody does not answer."""
    drawn = None if permit is None else await drawn_on(custody, permit)
    return None if drawn is None else moved_from(drawn.lines, drawn.as_of)


async def _note(tx: Tx, grant: Grant, *read: Supervision) -> None:
    """The community sees who read them."""
    reach = await reach_of(tx, grant)
    seen = [one.visit for one in read]
    await reach.note(tx, [(v.org, v.region, "inspection", v.number, ground_of_visit(reach, v)) for v in seen])


async def answer_of(
    tx: Tx, grant: Grant, house: House, one: Supervision, moved: Moved | None = None, *, asked: bool = False
) -> SupervisionOut:  # fmt: skip
    """A supervision as it is answered. ``moved`` is what custody says now, where it was ``asked``; of a closed supervision what it
    said then counts."""
    visit, number = one.visit, one.visit.number
    shown = ground_of_visit(await reach_of(tx, grant), visit) is not None
    results, volumes = await visits.results(tx, number), await supervisions.volumes(tx, number)
    planned = await visits.planned(tx, visit.plan, list(results))
    documents = await supervisions.documents(tx, number)
    reported = await plans.reported_by(tx, number)
    announced = await outbox.announced(tx, [sid for _, sid in reported])
    if visit.closed_at is not None:
        moved, asked = one.moved, True
    lives = await lives_of(tx, one, volumes)
    dropped = [key for key, life in lives.items() if not counts(life)]
    found = indicators(results.values(), {key: tree.species for key, tree in planned.items()}, volumes, moved, dropped)
    return SupervisionOut(
        number=number, plan=visit.plan, permit=one.permit, state=one.state, supervisor=visit.visitor,
        visited_from=one.visited_from, visited_to=one.visited_to, opened_at=visit.opened_at,
        notified_at=one.notified_at, answer_until=one.answer_until, closed_at=visit.closed_at,
        conclusion=one.conclusion if shown else None, tolerances=visit.tolerances.facts(), trees_reported=len(results),
        indicators=IndicatorsOut(
            **{name: getattr(found, name) for name in type(found).__slots__},
            moved=_known(one.permit, moved, asked),
            moved_as_of=None if moved is None else moved.as_of,
        ),
        volumes=[_volume(v, lives[v.key], shown, house) for v in volumes],
        documents=_documents_out(documents, shown),
        answers=[
            AnswerOut(answer=a.answer, attachments=list(a.attachments), at=a.at)
            for a in await supervisions.answers(tx, number)
        ],
        inspections=[InspectionRef(number=n, log=log_state(announced, sid)) for n, sid in reported],
    )  # fmt: skip


def _known(permit: str | None, moved: Moved | None, asked: bool) -> Known:
    if permit is None:
        return "no_permit"
    if not asked:
        return "not_asked"
    return "unknown" if moved is None else "known"


def _volume(one: FoundVolume, life: KnownFinding, shown: bool, house: House) -> VolumeOut:
    facts = {name: getattr(one, name) for name in FoundVolume.__slots__}
    acts = [
        VolumeActOut(
            act=done.act, state=done.state, outcome=done.outcome, at=done.at, org=done.org,
            by=house.registrar.pseudonym(done.by) if shown and done.by else None, text=done.text if shown else None,
            documents=list(done.documents) if shown else [],
        )
        for done in life.acts
    ]  # fmt: skip
    return VolumeOut(
        **(facts if shown else facts | {"reason": None}), state=life.state, outcome=life.outcome, counts=counts(life),
        acts=acts,
    )  # fmt: skip


def _documents_out(documents: dict[str, tuple[str, str | None]], shown: bool) -> list[DocumentOut]:
    nothing: tuple[str | None, str | None] = (None, None)
    return [
        DocumentOut(document=name, es=es, en=en, state=state, sha256=digest if shown else None)
        for name, (es, en) in checklist().items()
        for state, digest in [documents.get(name, nothing)]
    ]
