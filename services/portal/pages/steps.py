"""What may be done next with a plan or a permit: what stands in the way, a form for each act that is this person's, what was done
before."""

import asyncio
from typing import Any, Literal

from starlette.responses import Response

from services.portal import steps
from services.portal.acts import Filled
from services.portal.backends import all_of, or_none, part
from services.portal.desk import STATE_MARKS
from services.portal.land import trees_of
from services.portal.pages.house import House, HouseDep
from services.portal.pages.plans import review_of
from services.portal.pages.stepping import filled, papers_of, sent, step_page
from shared.refusal import Missing
from shared.web.app import Router

router = Router(tags=["steps"])
Json = dict[str, Any]
LIFECYCLE = "/v1/plans/lifecycle"


@router.get("/plans/{plan_id}/steps", response_class=Response)
async def plan_steps_page(plan_id: str, house: HouseDep, propose: Literal["", "yes"] = "") -> Response:
    """A plan to be decided: its findings with the answers to each, and the acts of this person. With ``propose`` also the form of
    another permit on it."""
    house.need()
    return await _plan_page(house, plan_id, steps.PROPOSAL.act if propose else "")


@router.post("/plans/{plan_id}/steps/{act}", response_class=Response)
async def take_plan_step(plan_id: str, act: str, house: HouseDep) -> Response:
    """Take a step over a plan, answer a finding of it, or propose a permit on it."""
    form = filled(await house.form())
    step = _named("plan", act)
    of, more = form.get("of"), {"plan": plan_id} if step is steps.PROPOSAL else {}
    where = "/v1/permits" if step is steps.PROPOSAL else f"/v1/plans/{part(plan_id)}/{step.path.format(of=part(of))}"
    if await sent(house, step, form, where, steps.body_of(step, form) | more):
        return house.go(f"/plans/{part(plan_id)}/steps", done="step_taken")
    return await _plan_page(house, plan_id, act, form)


async def _plan_page(house: House, plan_id: str, act: str = "", form: Filled | None = None) -> Response:
    path, roles = f"/v1/plans/{part(plan_id)}", house.need().roles
    plan, table, review, done, permits = await asyncio.gather(
        house.permits.get(path), house.permits.get(LIFECYCLE), review_of(house.permits, plan_id),
        or_none(house.permits.get(f"{path}/acts")), all_of(house.permits, "/v1/permits", plan=plan_id),
    )  # fmt: skip
    # The whole census is read for this form only: for the first permit, or when it is asked for.
    may_propose = steps.may_propose(plan, roles, table)
    proposes = may_propose and (act == steps.PROPOSAL.act or not permits)
    trees = (await trees_of(house.permits, plan_id))[0] if proposes else None
    failed = [one for one in (review or {"findings": ()})["findings"] if one["status"] == "FAIL"]
    answers = {one["id"]: steps.answers_to(one, roles) for one in failed}
    offered = steps.of_plan(plan, roles, table, trees)
    every = [*offered, *(one for found in answers.values() for one in found)]
    return await step_page(
        house, "steps/plan.html", f"/plans/{part(plan_id)}/steps", every, act, form, papers=await papers_of(house, plan["org"]),
        plan=plan, review=review, failed=sorted(failed, key=lambda one: (one["blocks"] is None, one["rule"])), answers=answers,
        offered=offered, done_acts=(done or {"items": ()})["items"], permits=permits, marks=STATE_MARKS,
        another=may_propose and not proposes,
        rows={row["act"]: row for row in table["transitions"] if row["object"] == "plan"},
        others=steps.others_turn("plan", plan["state"], roles, table),
    )  # fmt: skip


@router.get("/permits/{number}/steps", response_class=Response)
async def permit_steps_page(number: str, house: HouseDep) -> Response:
    """A permit to be decided or moved: its measure, its days, its appeals, and the acts of this person."""
    house.need()
    return await _permit_page(house, number)


@router.post("/permits/{number}/steps/{act}", response_class=Response)
async def take_permit_step(number: str, act: str, house: HouseDep) -> Response:
    """Take a step over a permit."""
    form = filled(await house.form())
    step = _named("permit", act)
    path = step.path.format(of=part(form.get("of")))
    if await sent(house, step, form, f"/v1/permits/{part(number)}/{path}", steps.body_of(step, form)):
        return house.go(f"/permits/{part(number)}/steps", done="step_taken")
    return await _permit_page(house, number, act, form)


async def _permit_page(house: House, number: str, act: str = "", form: Filled | None = None) -> Response:
    path, roles = f"/v1/permits/{part(number)}", house.need().roles
    permit, course, table = await asyncio.gather(
        house.permits.get(path), house.permits.get(f"{path}/course"), house.permits.get(LIFECYCLE)
    )
    offered = steps.of_permit(permit, course, roles, table)
    return await step_page(
        house, "steps/permit.html", f"/permits/{part(number)}/steps", offered, act, form, papers=await papers_of(house, permit["org"]),
        permit=permit, course=course, offered=offered, others=steps.others_turn("permit", permit["state"], roles, table),
    )  # fmt: skip


def _named(kind: str, act: str) -> steps.Step:
    found = next((one for one in (*steps.STEPS, *steps.BESIDE) if (one.object, one.act) == (kind, act)), None)
    if found is None:
        raise Missing("act", act)
    return found
