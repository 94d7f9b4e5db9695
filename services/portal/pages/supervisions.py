"""The supervisions of a plan: what was found, what the community answered, what became of each volume; with the forms of both."""

import asyncio
from typing import Any

from starlette.responses import Response

from services.portal import field_steps
from services.portal.acts import Filled
from services.portal.backends import all_of, part
from services.portal.pages.filling import today
from services.portal.pages.house import House, HouseDep
from services.portal.pages.stepping import filled, papers_of, sent, step_page
from shared.refusal import Missing
from shared.timber.species import catalogue
from shared.web.app import Router

router = Router(tags=["steps"])
Json = dict[str, Any]
SUPERVISIONS = 20  # as many as a page of the list holds
# Who may do one of the acts; others read.
ACTORS = {"manager", "regent", "company", "supervisor"}


@router.get("/plans/{plan_id}/supervisions", response_class=Response)
async def supervisions_page(plan_id: str, house: HouseDep) -> Response:
    """Closed supervisions are everybody's to read, the others' only of those concerned."""
    return await _page(house, plan_id)


@router.post("/plans/{plan_id}/supervisions/{act}", response_class=Response)
async def take_supervision_step(plan_id: str, act: str, house: HouseDep) -> Response:
    """Answer a supervision, decide or contest a volume, or take it further."""
    form, session = filled(await house.form()), house.need()
    step = field_steps.step_named(act)
    if step is None:
        raise Missing("act", act)
    papers = await papers_of(house, session.org) if form.get("attachments") else []
    number, body = field_steps.body_of(step, form, papers)
    path = f"/v1/plans/{part(plan_id)}/supervisions{step.path.format(of=part(number))}"
    if await sent(house, step, form, path, body):
        return house.go(f"/plans/{part(plan_id)}/supervisions", done="step_taken")
    return await _page(house, plan_id, act, form)


async def _page(house: House, plan_id: str, act: str = "", form: Filled | None = None) -> Response:
    path, session = f"/v1/plans/{part(plan_id)}", house.session
    roles, org = (session.roles, session.org) if session else (frozenset[str](), "")
    asked = all_of(house.permits, f"{path}/supervisions", limit=SUPERVISIONS)
    plan, listed = await asyncio.gather(house.permits.get(path), asked)
    acts = bool(roles & ACTORS)
    papers, permits = await asyncio.gather(_papers(house, plan["org"], acts), _permits(house, plan_id, acts))
    opened = field_steps.of_plan(plan, roles, today().isoformat())
    own = {one["number"]: field_steps.of_supervision(one, plan, roles, org) for one in listed}
    against = {one["number"]: field_steps.held_against(one, plan, permits) for one in listed}
    said = {
        field_steps.volume_of(one, volume): field_steps.of_volume(one, volume, against[one["number"]], roles, org)
        for one in listed
        for volume in one["volumes"]
    }
    every = [*opened, *(each for forms in (*own.values(), *said.values()) for each in forms)]
    return await step_page(
        house, "steps/supervisions.html", f"/plans/{part(plan_id)}/supervisions", every, act, form, plan=plan, papers=papers,
        supervisions=listed, opened=opened, own_forms=own, said=said, volume_of=field_steps.volume_of, permits=permits,
        marks=field_steps.MARKS, state_marks=field_steps.STATE_MARKS, rows=field_steps.ROWS, numerals=field_steps.NUMERALS,
        there=field_steps.THERE, species=sorted(catalogue(), key=lambda one: one.trade_name) if acts else (),
    )  # fmt: skip


async def _papers(house: House, org: str, acts: bool) -> list[Json]:
    return await papers_of(house, org) if acts else []


async def _permits(house: House, plan_id: str, acts: bool) -> list[Json]:
    """The permits on the plan: for the form that opens a supervision, and for who holds them."""
    return await all_of(house.permits, "/v1/permits", plan=plan_id) if acts else []
