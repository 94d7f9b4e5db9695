"""What the pages on which somebody acts share: a form for each act that is this person's, sent once however often it is clicked; a
refusal stands beside its field, with what to do about it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from services.portal import steps
from services.portal.acts import Filled
from services.portal.backends import all_of
from services.portal.pages.filling import fields_of, say_of, today
from services.portal.pages.house import House
from services.portal.steps import Offered
from shared.refusal import Missing
from shared.web.client import UpstreamRefused

Json = dict[str, Any]


def filled(form: FormData) -> Filled:
    """The form as it came; of papers there may be several."""
    ticked = {
        name: [one for one in form.getlist(name) if isinstance(one, str)] for name in ("documents", "attachments")
    }
    return Filled(fields_of(form) | {name: " ".join(papers) for name, papers in ticked.items() if papers})


async def sent(house: House, step: steps.Step, form: Filled, path: str, body: Mapping[str, Any]) -> bool:
    """Whether permits took it; else why not stands in the form."""
    if step.of and not form.get("of"):
        raise Missing(step.of, "")
    if form.faults:
        return False
    try:
        await house.permits.post(path, body)
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


async def step_page(
    house: House, template: str, place: str, every: Sequence[Offered], act: str, form: Filled | None, **values: Any
) -> Response:
    """The page with its forms; the one that was sent keeps what was typed and says what is wrong with it."""
    say, given = say_of(house), form or Filled({})
    faults = {name: say(text) if text.startswith("act.") else text for name, text in given.faults.items()}
    wrong = steps.key_of(act, given.get("of"))
    return await house.page(
        template, 422 if faults else 200, place=place, action=place, wrong=wrong, faults=faults,
        still_offered=any(one.key == wrong for one in every), volume_field=steps.volume_field,
        fields={one.key: given.fields if form and one.key == wrong else steps.begun(one, today()) for one in every}, **values,
    )  # fmt: skip


async def papers_of(house: House, org: str, kind: str = "") -> list[Json]:
    """The papers of the community and of this person's own organisation that may be cited, or those of one kind, the newest
    first."""
    wanted = {"kind": kind} if kind else {}
    asked = (all_of(house.permits, "/v1/documents", org=one, **wanted) for one in {org, house.need().org})
    found = [paper for papers in await asyncio.gather(*asked) for paper in papers]
    kinds = (
        {one["kind"]: one[house.language] for one in (await house.permits.get("/v1/norms"))["documents"]}
        if found
        else {}
    )
    named = [{**paper, "name": kinds.get(paper["kind"], paper["kind"])} for paper in found]
    return sorted(named, key=lambda one: (one["stored_on"], one["sha256"]), reverse=True)
