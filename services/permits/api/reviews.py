"""The review of a plan: the rules over what is stored of it, kept, and answered to everybody without its private parts."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Response

from services.permits.api.house import CommandDep, House, HouseDep
from services.permits.api.plans import visible_plan
from services.permits.api.reach import reach_of
from services.permits.api.reviewing import keep_review
from services.permits.api.territory import check_region
from services.permits.domain.finding_life import Done, KnownFinding, Review, why_blocked
from services.permits.domain.party import WrongState
from services.permits.domain.plan import Plan
from services.permits.registrar import Registrar
from services.permits.schemas.findings import FindingActOut, PlanFindingOut, ReviewOut
from services.permits.store import census, findings, prints
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.web.access import Grant, GrantDep
from shared.web.app import Router

router = Router(tags=["findings"])


@router.post("/v1/plans/{plan_id}/review", response_model=ReviewOut)
async def review_plan(plan_id: str, grant: GrantDep, command: CommandDep, house: HouseDep) -> Response:
    """Review a plan again, after something around it changed. What is found as before keeps its answers."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await visible_plan(work.tx, plan_id, grant)
        check_region(work.caller.region, plan.region, "review_plan")
        if plan.state == "draft":
            raise WrongState("plan", plan.id, plan.state, "submitted")
        await keep_review(work, plan)
        return await work.answer(200, await answer_of(work.tx, plan, grant, house))


@router.get("/v1/plans/{plan_id}/findings")
async def list_plan_findings(
    plan_id: str, grant: GrantDep, house: HouseDep, review: Annotated[int | None, Query(ge=1, le=2**53)] = None
) -> ReviewOut:
    """What the last review found, or an earlier one by its number. Evidence and words only for those concerned."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        return await answer_of(tx, plan, grant, house, review)


async def answer_of(tx: Tx, plan: Plan, grant: Grant, house: House, number: int | None = None) -> ReviewOut:
    """A review as it is answered to this caller."""
    last, found = await findings.reviewed(tx, plan.id, number)
    if last is None:
        raise Missing("review", plan.id if number is None else f"{plan.id} {number}")
    shown = (await reach_of(tx, grant)).in_full(plan)
    return _review(last, await findings_out(tx, found, shown, house.registrar))


def _review(one: Review, found: list[PlanFindingOut]) -> ReviewOut:
    return ReviewOut(
        plan=one.plan, review=one.id, at=one.at.isoformat(), org=one.org, norms=one.norms, census_root=one.census_root,
        findings=found,
    )  # fmt: skip


async def findings_out(
    tx: Tx, found: Sequence[KnownFinding], shown: bool, registrar: Registrar
) -> list[PlanFindingOut]:
    """Findings as answered; ``shown`` lets evidence, persons and their words through. Another plan that one speaks of is
    named, with its trees, where the caller may see that plan."""
    numbers = {one.id: int(name[1:]) for one in found if (name := str(one.finding.computed.get("other_plan", "")))}
    plans = await prints.plans_named(tx, sorted(set(numbers.values())))
    answers = []
    for one in found:
        other, stands = plans.get(numbers.get(one.id, 0), (None, False))
        evidence = one.finding.evidence if shown and one.shown else None
        if evidence and one.id in numbers:
            evidence = await _named(tx, other if stands else None, evidence)
        answers.append(
            PlanFindingOut(
                **outcome_of(one), evidence=evidence, id=one.id, state=one.state, outcome=one.outcome,
                blocks=why_blocked(one), acts=[_act(done, shown, registrar) for done in one.acts], other_plan=other,
            )
        )  # fmt: skip
    return answers


async def _named(tx: Tx, other: str | None, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the other plan's trees by parcel and code, or without them."""
    seats = {} if other is None else await census.seats(tx, other, [row["there"] for row in rows])
    return [{"here": row["here"]} | ({"there": seats[row["there"]]} if row["there"] in seats else {}) for row in rows]


def outcome_of(known: KnownFinding) -> dict[str, Any]:
    """The public part of a finding."""
    facts = known.finding.facts()
    facts.pop("evidence")
    return facts | {"kind": known.about.kind, "numeral": known.about.numeral}


def _act(done: Done, shown: bool, registrar: Registrar) -> FindingActOut:
    return FindingActOut(
        act=done.act, state=done.state, outcome=done.outcome, at=done.at.isoformat(), org=done.org,
        by=registrar.pseudonym(done.by) if shown else None, text=done.text if shown else None,
        attachment_sha256=done.attachment_sha256 if shown else None,
    )  # fmt: skip
