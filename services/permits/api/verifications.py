"""Verification by public lottery: opened by an officer, seeded by the log, recorded by somebody independent, closed whole."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query, Response

from services.permits.api.field_work import (
    found_out,
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
    HouseDep,
    PagingDep,
    Work,
    json_response,
    log_state,
    place_number,
    to_cursor,
)
from services.permits.api.plans import check_committed, visible_plan
from services.permits.api.territory import check_region
from services.permits.domain.estimate import Estimate, estimate, power_table
from services.permits.domain.field_norms import tolerances_on
from services.permits.domain.party import NumberTaken
from services.permits.domain.plan import Plan
from services.permits.domain.verification import (
    Basis,
    SampleTree,
    SeedNotYet,
    Verification,
    VerificationExists,
    basis_before,
    basis_in,
    check_frame,
    check_sampled,
    check_whole,
    public_census,
    seen_in,
    stage_of,
)
from services.permits.domain.visit import Result, Visit, check_independent, check_organisation
from services.permits.schemas.field import (
    DesignOut,
    DrawElsewhere,
    EstimateOut,
    EstimatesOut,
    InspectionRef,
    IntervalOut,
    RecordedOut,
    ResultsIn,
    SampleTreeOut,
    SeedOut,
    StratumOut,
    VerificationIn,
    VerificationOut,
    VerificationsOut,
)
from services.permits.schemas.words import Page
from services.permits.store import acts, census, outbox, plans, verifications, visits
from services.permits.store.acts import committed_in
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.timber.draw_file import cites_of, draw_document, draw_of, source_in
from shared.timber.lottery import Source, Tree, listing_root, strata_of
from shared.timber.norms.lottery import Design, design_on
from shared.timber.outgoing import Announced
from shared.web.access import Grant, GrantDep
from shared.web.app import Router
from shared.web.client import ServiceClient, UpstreamDown, UpstreamRefused

router = Router(tags=["verifications"])
ELSEWHERE_AT_MOST = 500
NOTE_ES = (
    "Intervalos exactos de Clopper y Pearson por estrato; los conteos, sobre la población finita (hipergeométrica). El total"
    " suma los límites de los estratos, con una confianza más estricta en cada uno. Un árbol sin resultado o no alcanzado"
    " cuenta como en pie en el límite inferior y como inexistente en el superior."
)
NOTE_EN = (
    "Exact intervals of Clopper and Pearson by stratum; counts over the finite population (hypergeometric). The total adds the"
    " bounds of the strata, each at a stricter confidence. A tree without a result, or not reached, counts as standing in the"
    " lower bound and as non-existent in the upper one."
)


@router.post("/v1/plans/{plan_id}/verifications", status_code=201, response_model=VerificationOut)
async def open_verification(
    plan_id: str, body: VerificationIn, grant: GrantDep, command: CommandDep, custody: CustodyDep
) -> Response:
    """Fix design, census and verifier. The seed comes after: for a submitted plan from a checkpoint larger than the log is
    now, which holds the commitment to its census already; for an approved one from the first that came after its census."""
    async with command.glance() as look:
        if look.first:
            return look.first
        submitted = stage_of(await visible_plan(look.tx, plan_id, grant)) == "submitted"
    log = await _log_now(custody) if submitted else None
    async with command.transaction() as work:
        if work.first:
            return work.first
        await plans.hold(work.tx, plan_id)  # or it is observed, and another census uploaded, while this one is fixed
        plan = await visible_plan(work.tx, plan_id, grant)
        check_region(work.caller.region, plan.region, "open_verification")
        trees = public_census(await census.public_trees(work.tx, plan.id))
        check_frame(plan, trees)
        check_organisation(plan, await visitor_of(work.tx, body.verifier))
        one = await _opening(work, plan, body, trees, log)
        if not await visits.add_visit(work.tx, one.visit, plan):
            raise NumberTaken("verification", body.number)
        if not await verifications.add_verification(work.tx, one):
            raise VerificationExists(plan.id, one.stage, body.verifier)
        return await work.answer(201, await _answer(work.tx, one))


async def _log_now(custody: ServiceClient) -> Basis:
    """The log as it is published now: a checkpoint that follows cannot be known yet."""
    answer = await custody.get("/v1/logs")
    try:
        log = answer["logs"][0]
        return Basis(str(log["origin"]), int(log["size"]), None)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise UpstreamDown(custody.service) from error


async def _opening(
    work: Work, plan: Plan, body: VerificationIn, trees: Sequence[Tree], log: Basis | None
) -> Verification:
    today = work.today
    design = _design(today.isoformat(), body.share_permille)
    commitment, stage = await _commitment(work.tx, plan), stage_of(plan)
    if stage == "submitted" and log is not None:
        proposed = basis_before(plan, log, commitment)
    else:
        plan.check_state("approved")
        proposed = basis_in(plan, await verifications.census_letters(work.tx, plan.id), commitment)
    basis = await verifications.basis(work.tx, plan.id, stage, proposed)
    visit = Visit(
        body.number, "verification", plan.id, plan.org, plan.regent, plan.region, body.verifier, tolerances_on(today),
        work.caller.sub, work.now, None, None,
    )  # fmt: skip
    listing = await asyncio.to_thread(listing_root, trees)
    whole = cites_of(trees, design, await census.called(work.tx, plan.id))
    return Verification(visit, stage, plan.census.root, listing, basis, design, whole, None, None, None, (), None)


async def _commitment(tx: Tx, plan: Plan) -> Announced | None:
    """What became of the statement of the census that the plan was last handed in with. ``CensusChanged`` when that is not the
    census it has."""
    committed = committed_in(await acts.acts_on(tx, plan.id))
    check_committed(plan, committed)
    return None if committed is None else (await outbox.announced(tx, [committed.sid]))[committed.sid]


def _design(day: str, share_permille: int | None) -> Design:
    """The norm's design; a caller may only ask for more trees."""
    norm = design_on(day)
    share = min(norm.share_permille, share_permille or norm.share_permille)
    return Design(
        norm.version,
        day,
        share,
        norm.confidence_permille,
        norm.high_value_permille,
        norm.general_weight,
        norm.genus_weights,
    )


@router.post("/v1/plans/{plan_id}/verifications/{number}/draw", response_model=VerificationOut)
async def draw_verification(
    plan_id: str, number: str, grant: GrantDep, command: CommandDep, custody: CustodyDep
) -> Response:
    """Draw, once and for good: whoever asks, and whenever, the seed is the same."""
    async with command.glance() as look:
        if look.first:
            return look.first
        one = await _verification(look.tx, plan_id, number)
        check_region(look.caller.region, one.visit.region, "draw_verification")
        if one.seed is not None:
            return json_response(200, (await _answer(look.tx, one)).model_dump_json().encode())
        await visible_plan(look.tx, plan_id, grant)
        trees = public_census(await census.public_trees(look.tx, plan_id))
    note, line, source = await _seed_source(custody, one)
    drawn = await asyncio.to_thread(draw_of, one.terms, trees, source)
    async with command.transaction() as work:
        if work.first:
            return work.first
        await verifications.note_draw(work.tx, number, note, line, drawn, work.now)
        return await work.answer(200, await _answer(work.tx, await _verification(work.tx, plan_id, number)))


async def _seed_source(custody: ServiceClient, one: Verification) -> tuple[bytes, str | None, Source]:
    try:
        answer = await custody.get(f"/v1/logs/{one.basis.origin}/first-checkpoint", after=one.basis.after)
    except UpstreamRefused as refusal:
        if refusal.problem.get("status") == 404:
            raise SeedNotYet(one.basis.after) from refusal
        raise
    try:
        note, line = str(answer["checkpoint"]).encode(), answer["cosignature"]
        source, _ = source_in(note, line)
    except (KeyError, TypeError) as error:
        raise UpstreamDown(custody.service) from error
    if source.origin != one.basis.origin or source.size <= one.basis.after:
        raise UpstreamDown(custody.service)
    return note, line, source


@router.get("/v1/plans/{plan_id}/verifications")
async def list_verifications(
    plan_id: str, grant: GrantDep, house: HouseDep, paging: FilesPagingDep
) -> VerificationsOut:
    """The verifications of a plan by number, and the draws that other plans of its title had, the newest first: a plan that is
    presented again until its draw suits shows here."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await plans.plan(tx, plan_id)
        title = plan.title if plan is not None else await verifications.title_of(tx, plan_id)
        if title is None:
            raise Missing("plan", plan_id)
        asked = await verifications.verifications(tx, plan_id, paging.after, paging.limit + 1)
        found, following = paging.page(asked, lambda one: one.visit.number)
        others = await verifications.elsewhere(tx, title, plan_id, ELSEWHERE_AT_MOST + 1)
        trees = public_census(await census.public_trees(tx, plan_id)) if found else ()
        items = [await _answer(tx, one, trees) for one in found]
    return VerificationsOut(
        items=items, next=following,
        same_title=[
            DrawElsewhere(plan=p, number=n, stage=stage, drawn=drawn) for p, n, stage, drawn in others[:ELSEWHERE_AT_MOST]
        ],
        more_of_title=len(others) > ELSEWHERE_AT_MOST,
    )  # fmt: skip


@router.get("/v1/plans/{plan_id}/verifications/{number}")
async def read_verification(plan_id: str, number: str, grant: GrantDep, house: HouseDep) -> VerificationOut:
    """One verification, public from its opening: design, seed source, strata, and what the results say."""
    async with house.database.transaction(grant.caller) as tx:
        return await _answer(tx, await _verification(tx, plan_id, number))


@router.get("/v1/plans/{plan_id}/verifications/{number}/draw")
async def read_draw(plan_id: str, number: str, grant: GrantDep, house: HouseDep) -> Response:
    """The draw document (docs/format.md, annex D), which anybody recomputes. While a plan is not approved its census is
    for those concerned."""
    async with house.database.transaction(grant.caller) as tx:
        await visible_plan(tx, plan_id, grant)
        one = await _verification(tx, plan_id, number)
        one.check_drawn()
        trees = public_census(await census.public_trees(tx, plan_id))
    return json_response(200, await asyncio.to_thread(_document, one, trees))


def _document(one: Verification, trees: Sequence[Tree]) -> bytes:
    note = one.note or b""
    source, _ = source_in(note, one.cosignature)
    drawn = draw_of(one.terms, trees, source)
    assert drawn.seed == one.seed, "the census of a submitted plan does not change"
    return draw_document(one.terms, trees, source, note, drawn)


@router.get("/v1/plans/{plan_id}/verifications/{number}/trees")
async def list_sample(
    plan_id: str, number: str, grant: GrantDep, house: HouseDep, paging: PagingDep,
    stratum: Annotated[str | None, Query(max_length=20)] = None,
) -> Page[SampleTreeOut]:  # fmt: skip
    """The drawn trees in the order of their tickets, planned against field. Places only for those concerned."""
    after = place_number(paging, 0)
    async with house.database.transaction(grant.caller) as tx:
        one = await _verification(tx, plan_id, number)
        whole = [tree for tree in await verifications.sample(tx, number) if stratum in (None, tree.stratum)]
        chosen = whole[after : after + paging.limit]
        planned = await visits.planned(tx, plan_id, [tree.key for tree in chosen])
        results = await visits.results(tx, number)
        found = await found_out(tx, [results[tree.key] for tree in chosen if tree.key in results])
        await note_trees(tx, grant, one.visit, planned.values(), found.values())
    return Page(
        items=[
            SampleTreeOut(
                parcel=tree.parcel, code=tree.code, stratum=tree.stratum, rank=tree.rank, ticket=tree.ticket,
                planned=planned_out(planned.get(tree.key)), found=found.get(tree.key),
            )
            for tree in chosen
        ],
        next=to_cursor(str(after + paging.limit)) if len(whole) > after + paging.limit else None,
    )  # fmt: skip


@router.post("/v1/plans/{plan_id}/verifications/{number}/trees", response_model=RecordedOut)
async def record_verification(
    plan_id: str, number: str, body: ResultsIn, grant: GrantDep, command: CommandDep
) -> Response:
    """What the assigned verifier found, tree by tree. Only drawn trees; the same again is known, another result needs a reason."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        one, plan = await _to_work_on(work, plan_id, number, grant, "record_verification")
        asked = [(tree.parcel, tree.code) for tree in body.trees]
        check_sampled(number, {tree.key: tree for tree in await verifications.sample(work.tx, number)}, asked)
        planned = await visits.planned(work.tx, plan.id, asked)
        return await work.answer(200, await record(work, one.visit, plan, body, planned))


@router.post("/v1/plans/{plan_id}/verifications/{number}/close", response_model=VerificationOut)
async def close_verification(
    plan_id: str, number: str, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """Close it, when every drawn tree has a result, and report it to the log: at once for an approved plan, else with the
    approval."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        one, plan = await _to_work_on(work, plan_id, number, grant, "close_verification")
        results = await visits.results(work.tx, number)
        check_whole(await verifications.sample(work.tx, number), results)
        await visits.close(work.tx, number, work.caller.sub, work.now)
        if plan.state == "approved":
            planned = await visits.planned(work.tx, plan.id, list(results))
            await report_to_log(work, house, one.visit, plan, volumes_of(results, planned))
        return await work.answer(200, await _answer(work.tx, await _verification(work.tx, plan_id, number)))


async def _verification(tx: Tx, plan_id: str, number: str) -> Verification:
    one = await verifications.verification(tx, plan_id, number)
    if one is None:
        raise Missing("verification", f"{plan_id} {number}")
    return one


async def _to_work_on(
    work: Work, plan_id: str, number: str, grant: Grant, action: str
) -> tuple[Verification, Plan]:  # fmt: skip
    """A drawn verification of the caller's organisation, and its plan; both held: whoever approves the plan in this moment comes
    before, and then had no part in the field, or after, and then sees what was done there."""
    await plans.hold(work.tx, plan_id)
    one = await _verification(work.tx, plan_id, number)
    await work_on(work, one.visit, action)
    one.check_drawn()
    plan = await visible_plan(work.tx, plan_id, grant)
    check_independent(plan, work.caller.sub, await visitor_of(work.tx, work.caller.org))
    return one, plan


async def _answer(tx: Tx, one: Verification, trees: Sequence[Tree] | None = None) -> VerificationOut:
    """A verification as it is answered; ``trees`` is the census of its plan where it was read already."""
    visit, design = one.visit, one.design
    results = await visits.results(tx, visit.number)
    sample = await verifications.sample(tx, visit.number)
    reported = await plans.reported_by(tx, visit.number)
    announced = await outbox.announced(tx, [sid for _, sid in reported])
    source = None if one.note is None else source_in(one.note, one.cosignature)[0]
    return VerificationOut(
        number=visit.number, plan=visit.plan, stage=one.stage, state=one.state, verifier=visit.visitor,
        opened_at=visit.opened_at, drawn_at=one.drawn_at, closed_at=visit.closed_at, census_root=one.census_root,
        listing_root=one.listing_root,
        design=DesignOut.model_validate({name: getattr(design, name) for name in DesignOut.model_fields}),
        source=SeedOut(
            after=one.basis.after, entries=None if one.basis.entries is None else list(one.basis.entries), origin=one.basis.origin,
            committed=one.basis.committed,
            size=source and source.size, root=source and source.root,
            cosigned=None if source is None else source.cosignature is not None, seed=one.seed,
        ),
        tolerances=visit.tolerances.facts(), strata=[StratumOut.model_validate(layer) for layer in one.strata],
        trees_drawn=len(sample), trees_reported=len(results),
        power=power_table(
            [(layer["name"], layer["trees"], layer["sample"]) for layer in one.strata], design.confidence_permille
        ),
        estimates=await _estimates(tx, one, sample, results, trees),
        inspections=[InspectionRef(number=n, log=log_state(announced, sid)) for n, sid in reported],
    )  # fmt: skip


async def _estimates(
    tx: Tx, one: Verification, sample: Sequence[SampleTree], results: Mapping[tuple[str, str], Result],
    known: Sequence[Tree] | None,
) -> EstimatesOut | None:  # fmt: skip
    """Nothing before there are results, nor for who may not see the census."""
    if not results:
        return None
    trees = public_census(await census.public_trees(tx, one.visit.plan)) if known is None else known
    if not trees:
        return None
    found = await asyncio.to_thread(_estimated, one, trees, sample, results)
    return EstimatesOut(
        confidence_permille=one.design.confidence_permille, strata=[_estimate_out(each) for each in found],
        note_es=NOTE_ES, note_en=NOTE_EN,
    )  # fmt: skip


def _estimated(
    one: Verification, trees: Sequence[Tree], sample: Sequence[SampleTree], results: Mapping[tuple[str, str], Result]
) -> list[Estimate]:
    frame = strata_of(trees, frozenset(one.cites), one.design)
    return estimate(seen_in(one.strata, frame, sample, results), one.design.confidence_permille)


def _estimate_out(one: Estimate) -> EstimateOut:
    values: dict[str, Any] = {name: getattr(one, name) for name in Estimate.__slots__ if name != "share"}
    share = one.share
    return EstimateOut(
        **values,
        share=IntervalOut(
            estimate_ppm=share.estimate_ppm, at_least_ppm=share.at_least_ppm, at_most_ppm=share.at_most_ppm
        ),
    )
