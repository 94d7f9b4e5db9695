"""Plans from draft to approval."""

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, Work, log_state, require_organisations
from services.permits.api.reviewing import keep_review
from services.permits.api.territory import check_region, sees_in_full
from services.permits.domain.announced import Announced, Letter
from services.permits.domain.census import listed_parts, root_of_lines
from services.permits.domain.finding_life import check_gate
from services.permits.domain.party import NumberTaken, ReferenceUnknown
from services.permits.domain.plan import Parcel, Plan, Summary
from services.permits.domain.rules.catalogue import rules_on
from services.permits.registrar import Registrar
from services.permits.schemas.plans import ApprovalIn, CensusOut, ParcelOut, PlanIn, PlanOut
from services.permits.schemas.words import Page
from services.permits.store import census, findings, outbox, plans, titles
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["plans"])


class CensusChanged(RuntimeError):  # noqa: N818
    """The stored lines no longer give the root that was noted at the upload: nothing may be approved over them."""


@router.post("/v1/plans", status_code=201, response_model=PlanOut)
async def draft_plan(body: PlanIn, grant: GrantDep, command: CommandDep) -> Response:
    """Draft the plan of a season on a title of one's own organisation."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        known = await titles.title(work.tx, body.title)
        if known is None:
            raise ReferenceUnknown("title", body.title)
        title = known[0]
        if not grant.in_full(title.org):
            raise OtherOrganisation("draft_plan")
        await require_organisations(work.tx, [body.regent] if body.regent else [])
        plan = _draft(body, title.org, title.region, work.caller.sub)
        added = await plans.add_plan(work.tx, plan)
        stored = await plans.plan(work.tx, plan.id)
        if stored is None or stored.content != plan.content:
            raise NumberTaken("plan", plan.id)
        return await work.answer(201 if added else 200, await answer_of(work.tx, stored))


def _draft(body: PlanIn, org: str, region: str, author: str) -> Plan:
    return Plan(
        id=body.id, title=body.title, org=org, region=region, number=body.number, season=body.season,
        regent=body.regent, parcels=tuple(Parcel(p.code, p.area_m2) for p in body.parcels),
        form_factor_milli=body.form_factor_milli, harvest_from=body.harvest_from, harvest_to=body.harvest_to,
        census_basis=body.census_basis, state="draft", created_by=author, uploaded_by=None, submitted_by=None,
        approved_by=None, resolution=None, census=Summary(root=root_of_lines([])), sid=None,
    )  # fmt: skip


@router.post("/v1/plans/{plan_id}/submit", response_model=PlanOut)
async def submit_plan(plan_id: str, grant: GrantDep, command: CommandDep) -> Response:
    """The community hands its plan in; from here on it does not change, and the rules say what they find in it."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await plan_to_change(work.tx, plan_id, grant)
        if not grant.in_full(plan.org):
            raise OtherOrganisation("submit_plan")
        plan.check_submission(await census.parcels_with_trees(work.tx, plan.id))
        await plans.note_submission(work.tx, plan.id, work.caller.sub)
        submitted = await _again(work.tx, plan.id)
        await keep_review(work, submitted)
        return await work.answer(200, await answer_of(work.tx, submitted))


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
        plan.check_approval(officer.sub)
        await _check_gate(work, plan)
        await require_organisations(work.tx, [officer.org])
        title = await titles.title(work.tx, plan.title)
        assert title is not None, "a foreign key holds it"
        trees, lines = await census.public_trees(work.tx, plan.id), await census.lines_of(work.tx, plan.id)
        act = _Approval(house.registrar, officer, body.resolution, title[1], work.now)
        summary, letters = await asyncio.to_thread(act.write, plan, trees, lines)
        await plans.note_approval(work.tx, plan.id, officer.sub, body.resolution, summary, letters[0].sid)
        await outbox.announce(work.tx, letters, work.now)
        return await work.answer(200, await answer_of(work.tx, await _again(work.tx, plan.id)))


async def _check_gate(work: Work, plan: Plan) -> None:
    day = work.now.date()
    review, found = await findings.reviewed(work.tx, plan.id)
    check_gate(plan, review, found, work.caller.sub, day, rules_on(day).terms)


@dataclass(frozen=True)
class _Approval:
    """The act of an officer, and the statements that tell the log of it."""

    registrar: Registrar
    officer: Caller
    resolution: str
    title_sid: str
    now: datetime

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
            self.resolution, submitted_by, self.registrar.pseudonym(self.officer.sub)
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
) -> Page[PlanOut]:
    """Approved plans for everyone; drafts for those concerned."""
    async with house.database.transaction(grant.caller) as tx:
        found, following = paging.page(
            await plans.plans(tx, title, org, paging.after, paging.limit + 1), lambda plan: plan.id
        )
        announced = await outbox.announced(tx, [plan.sid for plan in found])
    return Page(items=[_plan(plan, announced) for plan in found if _sees(grant, plan)], next=following)


@router.get("/v1/plans/{plan_id}")
async def read_plan(plan_id: str, grant: GrantDep, house: HouseDep) -> PlanOut:
    """One plan."""
    async with house.database.transaction(grant.caller) as tx:
        return await answer_of(tx, await visible_plan(tx, plan_id, grant))


async def visible_plan(tx: Tx, plan_id: str, grant: Grant) -> Plan:
    """A plan that exists for the caller."""
    plan = await plans.plan(tx, plan_id)
    if plan is None or not _sees(grant, plan):
        raise Missing("plan", plan_id)
    return plan


async def plan_to_change(tx: Tx, plan_id: str, grant: Grant) -> Plan:
    """A plan of the caller's that is not approved yet, locked; ``WrongState`` when it is approved already."""
    plan = await plans.plan_to_change(tx, plan_id)
    if plan is None:
        plan = await visible_plan(tx, plan_id, grant)
        plan.check_state("draft", "submitted")
    if not concerned(grant, plan):
        raise Missing("plan", plan_id)
    return plan


def concerned(grant: Grant, plan: Plan) -> bool:
    """Whether what is private of a plan is the caller's to see."""
    return sees_in_full(grant, plan.region, plan.org, plan.regent)


def _sees(grant: Grant, plan: Plan) -> bool:
    return plan.state == "approved" or concerned(grant, plan)


async def _again(tx: Tx, plan_id: str) -> Plan:
    plan = await plans.plan(tx, plan_id)
    assert plan is not None, "it was changed in this transaction"
    return plan


async def answer_of(tx: Tx, plan: Plan) -> PlanOut:
    """A plan as it is answered."""
    return _plan(plan, await outbox.announced(tx, [plan.sid]))


def _plan(plan: Plan, announced: dict[str, Announced]) -> PlanOut:
    return PlanOut(
        id=plan.id, title=plan.title, org=plan.org, number=plan.number, season=plan.season, regent=plan.regent,
        parcels=[ParcelOut(code=p.code, area_m2=p.area_m2) for p in plan.parcels],
        form_factor_milli=plan.form_factor_milli, harvest_from=plan.harvest_from, harvest_to=plan.harvest_to,
        census_basis=plan.census_basis, state=plan.state, resolution=plan.resolution,
        census=CensusOut.model_validate(asdict(plan.census)), log=log_state(announced, plan.sid),
    )  # fmt: skip
