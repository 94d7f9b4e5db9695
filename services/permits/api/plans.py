"""Plans from draft to approval."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Query, Response

from services.permits.api.assemblies import check_held, delegated
from services.permits.api.field_work import report_closed
from services.permits.api.house import CommandDep, House, HouseDep, PagingDep, Work, log_state, require_organisations
from services.permits.api.reach import Reach, reach_of
from services.permits.api.reviewing import keep_review
from services.permits.api.territory import check_region
from services.permits.api.vault import check_cited
from services.permits.domain.announced import Letter
from services.permits.domain.assembly import AssemblyAct, AssemblyNeeded, check_come
from services.permits.domain.census import listed_parts, root_of_lines
from services.permits.domain.finding_life import check_gate
from services.permits.domain.lifecycle import Done, transition
from services.permits.domain.party import REGISTRY, NumberTaken, ReferenceUnknown, WrongState
from services.permits.domain.permit import Permit
from services.permits.domain.plan import Parcel, Plan, Summary, Zone
from services.permits.domain.rules.catalogue import rules_on
from services.permits.domain.verification import check_not_verifier, public_census
from services.permits.registrar import Registrar
from services.permits.schemas.instruments import SubmissionIn
from services.permits.schemas.plans import ApprovalIn, CensusOut, ParcelOut, PlanIn, PlanOut, ZoneOut
from services.permits.schemas.words import Page
from services.permits.store import acts, assemblies, census, findings, outbox, plans, titles, visits
from services.permits.store.acts import Committed, PlanAct, committed_in
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.timber.lottery import census_commitment
from shared.timber.outgoing import Announced
from shared.web.access import Grant, GrantDep, OtherOrganisation, RoleNotIncluded
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["plans"])


class CensusChanged(RuntimeError):  # noqa: N818
    """The stored lines no longer give the root that was noted at the upload, or that is not the one the log was told of at the
    submission: nothing may be drawn from them or approved over them."""


def check_committed(plan: Plan, committed: Committed | None) -> None:
    """The census is the one that the plan was handed in with; of before there were commitments nothing can be said."""
    if committed is not None and committed.root != plan.census.root:
        raise CensusChanged(plan.id)


@router.post("/v1/plans", status_code=201, response_model=PlanOut)
async def draft_plan(body: PlanIn, command: CommandDep) -> Response:
    """Draft a plan on a title of one's own community, or of one that delegated this."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        known = await titles.title(work.tx, body.title)
        if known is None:
            raise ReferenceUnknown("title", body.title)
        title = known[0]
        await _check_drafter(work, title.org, body.id)
        await require_organisations(work.tx, [org for org in (body.regent, body.delegate) if org])
        plan = _draft(body, title.org, title.region, work.caller)
        await _check_parent(work.tx, plan)
        await _check_superseded(work.tx, plan)
        added = await plans.add_plan(work.tx, plan)
        if added:
            await acts.add_act(work.tx, plan.id, _act_of(work, "draft", plan.state))
        stored = await plans.plan(work.tx, plan.id)
        if stored is None or stored.content != plan.content:
            raise NumberTaken("plan", plan.id)
        return await work.answer(201 if added else 200, await answer_of(work.tx, stored))


async def _check_drafter(work: Work, org: str, plan: str) -> None:
    """A manager of the community, or somebody it delegated this to."""
    manager = "manager" in work.caller.roles
    if manager == (work.caller.org == org):
        if not manager:
            await delegated(work, org, plan, "draft_plan")
        return
    raise OtherOrganisation("draft_plan") if manager else RoleNotIncluded("draft_plan")


async def _check_parent(tx: Tx, plan: Plan) -> None:
    """The plan it says to stand under, or the one that took its place, holds it and still stands itself."""
    if plan.parent is None:
        return
    parent = await plans.plan(tx, plan.parent)
    while parent is not None and (successor := await plans.successor(tx, parent.id)) is not None:
        parent = await plans.plan(tx, successor)
    plan.check_under(parent)
    assert parent is not None, "an unknown one was refused"
    await check_standing(tx, parent)


async def _hold_parent(tx: Tx, plan: Plan) -> None:
    """The general plan that this one stands under is superseded after this act or before it: it is held, as is whatever took its
    place, each before that is asked of it."""
    held = plan.parent
    while held is not None:
        await plans.hold(tx, held)
        held = await plans.successor(tx, held)


async def _check_superseded(tx: Tx, plan: Plan) -> None:
    """The plan that this one takes the place of is approved and of the same title."""
    if plan.supersedes is None:
        return
    old = await plans.plan(tx, plan.supersedes)
    if old is None or old.title != plan.title:
        raise ReferenceUnknown("plan", plan.supersedes)
    transition("plan", "reformulate").take(old.id, await state_of(tx, old), "", {})


async def _check_holds(tx: Tx, plan: Plan, today: date) -> None:
    """What stands under the plan that this one takes the place of, and is not over, fits under this one."""
    if plan.supersedes is None:
        return
    taken = await plans.before(tx, plan.supersedes)
    under = await plans.plans_of(tx, sorted(await plans.below(tx, plan.supersedes) - taken))
    states = await acts.states_after(tx, list(under))
    for one in under.values():
        if one.parent in taken and states.get(one.id, one.state) in ("approved", "suspended"):
            plan.check_holds(one, today)


def _act_of(work: Work, act: str, state: str, reason: str = "", documents: Sequence[str] = ()) -> PlanAct:
    return PlanAct(act, work.caller.sub, work.caller.org, work.now, reason, state, list(documents))


async def state_of(tx: Tx, plan: Plan) -> str:
    """The state of a plan: its own until it is approved, afterwards that of its last act."""
    return plan.state if plan.state != "approved" else (await acts.states_after(tx, [plan.id])).get(plan.id, plan.state)


async def check_standing(tx: Tx, plan: Plan) -> None:
    """Nothing is issued or enlarged on a plan that was suspended, reformulated, closed or has lapsed, nor while the general plan
    above it is suspended or has lapsed; one that was closed leaves what it bore, one that was reformulated hands it on."""
    state = await state_of(tx, plan)
    if state != "approved":
        raise WrongState("plan", plan.id, state, "approved")
    down = await fallen(tx, plan)
    if down is not None:
        raise WrongState("plan", *down, "approved")


async def fallen(tx: Tx, plan: Plan) -> tuple[str, str] | None:
    """The plan that is suspended or has lapsed, and in which of the two states it is: this one, one above it, or one that took the
    place of either; ``None`` when none is."""
    line = [plan.id, *sorted(await plans.above(tx, plan.id) - {plan.id})]
    states = await acts.states_after(tx, line)
    return next(((one, states[one]) for one in line if states.get(one) in ("suspended", "caducated")), None)


async def check_plan_lets_move(tx: Tx, permit: Permit) -> None:
    """A permit counts again on a plan that stands, or that was superseded: what it authorised is its own to the end of its days."""
    plan = await plan_of(tx, permit)
    superseded, down = await state_of(tx, plan) == "reformulated", await fallen(tx, plan)
    if superseded and down is not None:
        raise WrongState("plan", *down, "approved")
    if not superseded:
        await check_standing(tx, plan)


async def check_plan_of(tx: Tx, permit: Permit) -> None:
    """Nobody goes back to fell while the plan of the permit does not stand."""
    await check_standing(tx, await plan_of(tx, permit))


async def plan_of(tx: Tx, permit: Permit) -> Plan:
    """The plan that a permit was issued on."""
    plan = await plans.plan(tx, permit.plan)
    assert plan is not None, "a foreign key holds it, and an approved plan is seen by all"
    return plan


def _draft(body: PlanIn, org: str, region: str, author: Caller) -> Plan:
    return Plan(
        id=body.id, title=body.title, org=org, region=region, number=body.number, season=body.season,
        regent=body.regent, parcels=tuple(Parcel(p.code, p.area_m2) for p in body.parcels),
        form_factor_milli=body.form_factor_milli, harvest_from=body.harvest_from, harvest_to=body.harvest_to,
        census_basis=body.census_basis, state="draft", created_by=author.sub, uploaded_by=None, submitted_by=None,
        approved_by=None, resolution=None, census=Summary(root=root_of_lines([])), sid=None, kind=body.kind,
        parent=body.parent, supersedes=body.supersedes, cycle_years=body.cycle_years,
        zones=tuple(Zone(z.name, z.use, z.area_m2) for z in body.zones),
        delegate=body.delegate if author.org == org else author.org,
    )  # fmt: skip


@router.post("/v1/plans/{plan_id}/submit", response_model=PlanOut)
async def submit_plan(
    plan_id: str, grant: GrantDep, command: CommandDep, house: HouseDep, body: SubmissionIn | None = None
) -> Response:
    """The community hands its plan in, as its assembly agreed; from here on it does not change unless it is observed. The
    log is told which census this is, before any lottery can be drawn over it, and the rules say what they find in it."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await plan_to_change(work.tx, plan_id, grant)
        if not grant.in_full(plan.org):
            raise OtherOrganisation("submit_plan")
        plan.check_submission(await census.parcels_with_trees(work.tx, plan.id))
        agreed = await _agreement(work.tx, plan, None if body is None else body.assembly_act)
        await plans.note_submission(work.tx, plan.id, work.caller.sub)
        act = _act_of(work, "submit", "submitted", agreed.number, [agreed.document])
        facts = _said_of_census(work, body) | await _commit_census(work, house, plan)
        await acts.add_act(work.tx, plan.id, replace(act, facts=facts))
        submitted = await _again(work.tx, plan.id)
        await keep_review(work, submitted)
        return await work.answer(200, await answer_of(work.tx, submitted))


async def _commit_census(work: Work, house: House, plan: Plan) -> dict[str, str]:
    """Tell the log which census is handed in, unless it is the one it was told of last; nothing where there is none. A
    corrected census is another entry, which names the one before."""
    if not plan.census.trees:
        return {}
    before = committed_in(await acts.acts_on(work.tx, plan.id))
    if before is None or before.root != plan.census.root:
        trees = public_census(await census.public_trees(work.tx, plan.id))
        body = await asyncio.to_thread(census_commitment, plan.id, plan.census.root, trees)
        letter = house.registrar.write(
            "census.committed",
            REGISTRY,
            body,
            work.now,
            subject=f"plan:{plan.id}",
            prev=[before.sid] if before else [],
        )
        await outbox.announce(work.tx, [letter], work.now)
        before = Committed(plan.census.root, letter.sid)
    return {"census_root": before.root, "census_committed": before.sid}


def _said_of_census(work: Work, body: SubmissionIn | None) -> dict[str, str]:
    """When the census ended, as the community says; a day that has not come is refused."""
    if body is None or body.census_ended_on is None:
        return {}
    check_come(body.census_ended_on, work.today)
    return {"census_ended_on": body.census_ended_on.isoformat()}


async def _agreement(tx: Tx, plan: Plan, number: str | None) -> AssemblyAct:
    """The act of the assembly that agreed to submit this plan; ``AssemblyNeeded`` without one."""
    known = (
        await assemblies.act(tx, plan.org, number) if number else await assemblies.act_for_plan(tx, plan.org, plan.id)
    )
    if known is None:
        raise AssemblyNeeded(plan.org, "plan", plan.id)
    known.check_use(plan.org, "plan", plan.id)
    return known


@router.post("/v1/plans/{plan_id}/approve", response_model=PlanOut)
async def approve_plan(
    plan_id: str, body: ApprovalIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """The authority approves; the census and then the plan are announced."""
    officer = command.caller
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await plan_to_change(work.tx, plan_id, grant)
        check_region(officer.region, plan.region, "approve_plan")
        earlier = await acts.acts_on(work.tx, plan.id)
        plan.check_approval(officer.sub, done_by(plan, earlier))
        plan.check_opinion(next((act.facts for act in reversed(earlier) if act.act == "inspect"), None))
        check_committed(plan, committed_in(earlier))
        check_not_verifier(plan.id, officer.sub, await visits.recorders(work.tx, plan.id))
        await _check_gate(work, plan)
        papers = [*body.documents, *_minutes(earlier)]
        await check_cited(work.tx, body.documents)
        await _hold_parent(work.tx, plan)
        if plan.supersedes is not None:
            await plans.hold(work.tx, plan.supersedes)
        await _check_parent(work.tx, plan)
        await _check_superseded(work.tx, plan)
        await _check_holds(work.tx, plan, work.today)
        await require_organisations(work.tx, [officer.org])
        title = await titles.title(work.tx, plan.title)
        assert title is not None, "a foreign key holds it"
        trees, lines = await census.public_trees(work.tx, plan.id), await census.lines_of(work.tx, plan.id)
        act = _Approval(house.registrar, officer, body.resolution, title[1], work.now, tuple(papers))
        summary, letters = await asyncio.to_thread(act.write, plan, trees, lines)
        await plans.note_approval(work.tx, plan.id, officer.sub, body.resolution, summary, letters[0].sid)
        await acts.add_act(work.tx, plan.id, _act_of(work, "approve", "approved", body.resolution, body.documents))
        if plan.supersedes is not None:
            replaced = _act_of(work, "reformulate", "reformulated", plan.id, body.documents)
            await acts.add_act(work.tx, plan.supersedes, replaced)
        await outbox.announce(work.tx, letters, work.now)
        approved = await _again(work.tx, plan.id)
        await report_closed(work, house, approved)
        return await work.answer(200, await answer_of(work.tx, approved))


def _minutes(earlier: Sequence[PlanAct]) -> list[str]:
    """The minutes that the plan was last submitted with; none for one submitted before there were acts."""
    return next((act.documents for act in reversed(earlier) if act.act == "submit"), [])


def done_by(plan: Plan, earlier: Sequence[PlanAct]) -> Done:
    """Who did which act: the plan knows the last person of each, its acts know all."""
    found = {act: set(persons) for act, persons in plan.done.items()}
    for act, persons in acts.persons_of(earlier).items():
        found.setdefault(act, set()).update(persons)
    return found


async def _check_gate(work: Work, plan: Plan) -> None:
    day = work.today
    review, found = await findings.reviewed(work.tx, plan.id)
    changes = await findings.changes_around(work.tx, plan)
    check_gate(plan, review, found, work.caller.sub, day, rules_on(day).terms, changes)


@dataclass(frozen=True)
class _Approval:
    """The act of an officer, and the statements that tell the log of it."""

    registrar: Registrar
    officer: Caller
    resolution: str
    title_sid: str
    now: datetime
    papers: tuple[str, ...]

    def write(
        self, plan: Plan, trees: list[tuple[str, dict[str, Any]]], lines: list[bytes]
    ) -> tuple[Summary, list[Letter]]:
        """The plan, then its census in parts, from rows read back; slow for a large census: use a thread."""
        if root_of_lines(lines) != plan.census.root or len(trees) != plan.census.trees:
            raise CensusChanged(plan.id)
        parts = listed_parts(plan.id, trees)
        summary = replace(plan.census, parts=len(parts))
        submitted_by = self.registrar.pseudonym(plan.submitted_by or "")
        approved = replace(plan, census=summary).statement(
            self.resolution, submitted_by, self.registrar.pseudonym(self.officer.sub), self.papers
        )
        bodies = [("plan.approved", approved)] + [("census.listed", part) for part in parts]
        return summary, [self._letter(plan.id, kind, body) for kind, body in bodies]

    def _letter(self, plan: str, kind: str, body: dict[str, Any]) -> Letter:
        return self.registrar.write(
            kind, self.officer.org, body, self.now, subject=f"plan:{plan}", prev=[self.title_sid]
        )


@router.get("/v1/plans")
async def list_plans(
    grant: GrantDep,
    house: HouseDep,
    paging: PagingDep,
    title: Annotated[str | None, Query(max_length=40)] = None,
    org: Annotated[str | None, Query(max_length=40)] = None,
    begins: Annotated[str, Query(max_length=64, description="How the id begins")] = "",
    unexplained: Annotated[
        Literal["S2", "S3", "S4"] | None,
        Query(description="Only plans in whose last review something of this severity failed and nobody has answered"),
    ] = None,
) -> Page[PlanOut]:
    """Approved plans for everyone; drafts for those concerned."""
    async with house.database.transaction(grant.caller) as tx:
        asked = await plans.plans(
            tx, title, org, paging.after, paging.limit + 1, begins=begins, unexplained=unexplained
        )
        found, following = paging.page(asked, lambda plan: plan.id)
        announced = await outbox.announced(tx, [plan.sid for plan in found])
        states = await acts.states_after(tx, [plan.id for plan in found])
        reach = await reach_of(tx, grant)
        seen = [plan for plan in found if _sees(reach, plan)]
        await _note(tx, reach, seen)
    return Page(items=[_plan(plan, states, announced) for plan in seen], next=following)


@router.get("/v1/plans/{plan_id}")
async def read_plan(plan_id: str, grant: GrantDep, house: HouseDep) -> PlanOut:
    """One plan."""
    async with house.database.transaction(grant.caller) as tx:
        return await answer_of(tx, await visible_plan(tx, plan_id, grant))


async def visible_plan(tx: Tx, plan_id: str, grant: Grant) -> Plan:
    """A plan that exists for the caller; that a draft was read is written down."""
    plan, reach = await plans.plan(tx, plan_id), await reach_of(tx, grant)
    if plan is None or not _sees(reach, plan):
        raise Missing("plan", plan_id)
    await _note(tx, reach, [plan])
    return plan


async def concerned_plan(tx: Tx, plan_id: str, grant: Grant, action: str) -> Plan:
    """A plan whose private fields the caller may see; ``OtherOrganisation`` where it is visible and no more than that."""
    plan = await visible_plan(tx, plan_id, grant)
    if not (await reach_of(tx, grant)).in_full(plan):
        raise OtherOrganisation(action)
    return plan


async def plan_to_change(tx: Tx, plan_id: str, grant: Grant) -> Plan:
    """A plan of the caller's that is not approved yet, locked; ``WrongState`` when it is approved already."""
    plan = await plans.plan_to_change(tx, plan_id)
    if plan is None:
        await check_held(tx, plan_id, grant)
        plan = await visible_plan(tx, plan_id, grant)
        plan.check_state("draft", "submitted", "observed", "inspected")
    if not (await reach_of(tx, grant)).in_full(plan):
        raise Missing("plan", plan_id)
    return plan


def _sees(reach: Reach, plan: Plan) -> bool:
    return plan.state == "approved" or reach.of_plan(plan) is not None


async def _note(tx: Tx, reach: Reach, seen: Iterable[Plan]) -> None:
    """Drafts that somebody else than their community has read."""
    drafts = [plan for plan in seen if plan.state != "approved"]
    await reach.note(tx, [(plan.org, plan.region, "plan", plan.id, reach.of_plan(plan)) for plan in drafts])


async def _again(tx: Tx, plan_id: str) -> Plan:
    plan = await plans.plan(tx, plan_id)
    assert plan is not None, "it was changed in this transaction"
    return plan


async def answer_of(tx: Tx, plan: Plan) -> PlanOut:
    """A plan as it is answered."""
    return _plan(plan, await acts.states_after(tx, [plan.id]), await outbox.announced(tx, [plan.sid]))


def _plan(plan: Plan, states: Mapping[str, str], announced: dict[str, Announced]) -> PlanOut:
    return PlanOut(
        id=plan.id, title=plan.title, org=plan.org, number=plan.number, season=plan.season, regent=plan.regent,
        parcels=[ParcelOut(code=p.code, area_m2=p.area_m2) for p in plan.parcels],
        form_factor_milli=plan.form_factor_milli, harvest_from=plan.harvest_from, harvest_to=plan.harvest_to,
        census_basis=plan.census_basis, resolution=plan.resolution, kind=plan.kind, parent=plan.parent,
        state=plan.state if plan.state != "approved" else states.get(plan.id, plan.state), supersedes=plan.supersedes,
        cycle_years=plan.cycle_years, zones=[ZoneOut(**asdict(zone)) for zone in plan.zones], delegate=plan.delegate,
        census=CensusOut.model_validate(asdict(plan.census)), log=log_state(announced, plan.sid),
    )  # fmt: skip
