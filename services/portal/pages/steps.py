"""What may be done next with a plan or a permit: what stands in the way, a form for each act that is this person's, what was done
before. A form that is sent twice is one command; a refusal stands beside its field, with what to do about it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

from starlette.datastructures import FormData
from starlette.responses import Response

from services.portal import steps
from services.portal.acts import Filled
from services.portal.backends import or_none, part
from services.portal.desk import STATE_MARKS
from services.portal.land import trees_of
from services.portal.pages.filling import fields_of, say_of, today
from services.portal.pages.house import House, HouseDep
from services.portal.pages.plans import review_of
from services.portal.steps import Offered
from shared.refusal import Missing
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["steps"])
Json = dict[str, Any]
PAPERS = 200
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
    form = _filled(await house.form())
    step = _named("plan", act)
    of, more = form.get("of"), {"plan": plan_id} if step is steps.PROPOSAL else {}
    where = "/v1/permits" if step is steps.PROPOSAL else f"/v1/plans/{part(plan_id)}/{step.path.format(of=part(of))}"
    if await _sent(house, step, form, where, more):
        return house.go(f"/plans/{part(plan_id)}/steps", done="step_taken")
    return await _plan_page(house, plan_id, act, form)


async def _plan_page(house: House, plan_id: str, act: str = "", form: Filled | None = None) -> Response:
    path, roles = f"/v1/plans/{part(plan_id)}", house.need().roles
    plan, table, review, done, permits = await asyncio.gather(
        house.permits.get(path), house.permits.get(LIFECYCLE), review_of(house.permits, plan_id),
        or_none(house.permits.get(f"{path}/acts")), house.permits.get("/v1/permits", plan=plan_id),
    )  # fmt: skip
    # The whole census is read for this form only: for the first permit, or when it is asked for.
    may_propose = steps.may_propose(plan, roles, table)
    proposes = may_propose and (act == steps.PROPOSAL.act or not permits["items"])
    trees = (await trees_of(house.permits, plan_id))[0] if proposes else None
    failed = [one for one in (review or {"findings": ()})["findings"] if one["status"] == "FAIL"]
    answers = {one["id"]: steps.answers_to(one, roles) for one in failed}
    offered = steps.of_plan(plan, roles, table, trees)
    every = [*offered, *(one for found in answers.values() for one in found)]
    return await _page(
        house, "steps/plan.html", f"/plans/{part(plan_id)}/steps", every, act, form, papers=await _papers(house, plan["org"]),
        plan=plan, review=review, failed=sorted(failed, key=lambda one: (one["blocks"] is None, one["rule"])), answers=answers,
        offered=offered, done_acts=(done or {"items": ()})["items"], permits=permits["items"], marks=STATE_MARKS,
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
    form = _filled(await house.form())
    step = _named("permit", act)
    path = step.path.format(of=part(form.get("of")))
    if await _sent(house, step, form, f"/v1/permits/{part(number)}/{path}", {}):
        return house.go(f"/permits/{part(number)}/steps", done="step_taken")
    return await _permit_page(house, number, act, form)


async def _permit_page(house: House, number: str, act: str = "", form: Filled | None = None) -> Response:
    path, roles = f"/v1/permits/{part(number)}", house.need().roles
    permit, course, table = await asyncio.gather(
        house.permits.get(path), house.permits.get(f"{path}/course"), house.permits.get(LIFECYCLE)
    )
    offered = steps.of_permit(permit, course, roles, table)
    return await _page(
        house, "steps/permit.html", f"/permits/{part(number)}/steps", offered, act, form, papers=await _papers(house, permit["org"]),
        permit=permit, course=course, offered=offered, others=steps.others_turn("permit", permit["state"], roles, table),
    )  # fmt: skip


# ---- what both share


def _filled(form: FormData) -> Filled:
    """The form as it came; of papers there may be several."""
    papers = [value for value in form.getlist("documents") if isinstance(value, str)]
    return Filled(fields_of(form) | ({"documents": " ".join(papers)} if papers else {}))


def _named(kind: str, act: str) -> steps.Step:
    found = next((one for one in (*steps.STEPS, *steps.BESIDE) if (one.object, one.act) == (kind, act)), None)
    if found is None:
        raise Missing("act", act)
    return found


async def _sent(house: House, step: steps.Step, form: Filled, path: str, more: Json) -> bool:
    """Whether permits took it; else why not stands in the form."""
    if step.of and not form.get("of"):
        raise Missing(step.of, "")
    body = steps.body_of(step, form)
    if form.faults:
        return False
    try:
        await house.permits.post(path, body | more)
    except UpstreamRefused as refused:
        text, remedy = _told(house, refused), steps.REMEDIES.get(refused.slug)
        text = f"{text} {say_of(house)(remedy)}" if remedy else text
        found = steps.beside(step, refused.problem, text, house.language)
        form.faults |= {name: _in_words(house, step, text) for name, text in found.items()}
        return False
    return True


def _told(house: House, refused: UpstreamRefused) -> str:
    """Why not, in the language of the page; states by the words of the page."""
    facts = refused.facts()
    if refused.slug != "wrong-state":
        return refused.text(house.language)
    needed = ", ".join(_state_name(house, word) for word in str(facts["needed"]).split(", "))
    return say_of(house)("step.wrong_state", state=_state_name(house, str(facts["state"])), needed=needed)


def _state_name(house: House, word: str) -> str:
    say = say_of(house)
    for start in ("plan.state.", "community.state_", "findings.state."):
        with suppress(KeyError):
            return say(start + word)
    return word


def _in_words(house: House, step: steps.Step, text: str) -> str:
    """A refusal with the labels of the fields in place of their names in the API."""
    say = say_of(house)
    for asked in sorted(step.asks, key=lambda one: -len(one.name)):
        if "_" in asked.name:
            text = text.replace(asked.name, f"«{say(f'step.field.{asked.name}')}»")
    return text


async def _page(
    house: House, template: str, place: str, every: Sequence[Offered], act: str, form: Filled | None, **values: Any
) -> Response:
    """The page with its forms; the one that was sent keeps what was typed and says what is wrong with it."""
    say, sent = say_of(house), form or Filled({})
    faults = {name: say(text) if text.startswith("act.") else text for name, text in sent.faults.items()}
    of = sent.get("of")
    wrong = f"{act}-{of}" if of else act
    return await house.page(
        template, 422 if faults else 200, place=place, action=place, wrong=wrong, faults=faults,
        still_offered=any(one.key == wrong for one in every), volume_field=steps.volume_field,
        fields={one.key: sent.fields if form and one.key == wrong else steps.begun(one, today()) for one in every}, **values,
    )  # fmt: skip


async def _papers(house: House, org: str) -> list[Json]:
    """The papers of the community and of this person's own organisation that may be cited, the newest first."""
    asked = (house.permits.get("/v1/documents", org=one, limit=PAPERS) for one in {org, house.need().org})
    found = [paper for answer in await asyncio.gather(*asked) for paper in answer["items"]]
    kinds = (
        {one["kind"]: one[house.language] for one in (await house.permits.get("/v1/norms"))["documents"]}
        if found
        else {}
    )
    named = [{**paper, "name": kinds.get(paper["kind"], paper["kind"])} for paper in found]
    return sorted(named, key=lambda one: (one["stored_on"], one["sha256"]), reverse=True)
