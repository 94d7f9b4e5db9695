"""The trees of a supervision: planned beside found, and the form by which its supervisor says how each was found."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from services.portal import found_trees
from services.portal.acts import Filled
from services.portal.backends import all_of, or_none, part
from services.portal.found_trees import ROWS, Tree
from services.portal.land import shown_or_none
from services.portal.navigation import may
from services.portal.pages.filling import fields_of, say_of
from services.portal.pages.house import House, HouseDep
from shared.timber.species import catalogue
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["steps"])
Json = dict[str, Any]
SHOWN = 50  # trees of one page of the list
Text = Annotated[str, Query(max_length=6_000)]  # some hundreds of codes


@dataclass(frozen=True)
class Chosen:
    """The trees that are asked about now, and those that come after: written down by code, or the census in its order."""

    parcel: str = ""
    trees: tuple[Tree, ...] = ()
    unknown: tuple[str, ...] = ()
    rest: str = ""
    place: str = ""


@router.get("/plans/{plan_id}/supervisions/{number}/trees", response_class=Response)
async def found_trees_page(
    plan_id: str, number: str, house: HouseDep, parcel: Text = "", codes: Text = "", place: Text = "", after: Text = ""
) -> Response:
    """The trees that were looked at, as far as permits tells; for the supervisor the form of those of ``codes``, or of the next
    of the census of ``parcel`` from ``place`` on."""
    return await _page(house, plan_id, number, await _chosen(house, plan_id, parcel, codes, place), after=after)


@router.post("/plans/{plan_id}/supervisions/{number}/trees", response_class=Response)
async def record_found_trees(plan_id: str, number: str, house: HouseDep) -> Response:
    """Record how the trees were found: all of the form or none. The same form again changes nothing."""
    form, say = Filled(fields_of(await house.form())), say_of(house)
    body, at = found_trees.body_of(form), f"/plans/{part(plan_id)}/supervisions/{part(number)}/trees"
    following = {name: form.get(name) for name in ("parcel", "codes", "place") if form.get(name)}
    if not form.faults:
        try:
            await house.permits.post(f"/v1{at}", body)
        except UpstreamRefused as refused:
            text = refused.text(house.language)
            if refused.slug == "result-recorded":
                text = say("found.correct_why")
            form.faults |= found_trees.beside(form, refused.problem, text, house.language)
        else:
            more = following if form.get("codes") or form.get("place") else {}
            return house.go(at, done="trees_recorded", **more)
    keys = found_trees.keys_in(form)
    planned = await asyncio.gather(*(or_none(_tree(house, plan_id, *key)) for key in keys))
    trees = tuple(Tree(one or {"parcel": key[0], "code": key[1]}) for key, one in zip(keys, planned, strict=True))
    chosen = Chosen(form.get("parcel"), trees, (), form.get("codes"), form.get("place"))
    return await _page(house, plan_id, number, chosen, form)


async def _chosen(house: House, plan_id: str, parcel: str, codes: str, place: str) -> Chosen:
    if not parcel:
        return Chosen()
    written = found_trees.codes_in(codes)
    if not written:
        asked: Json = {"cursor": place} if place else {}
        page = await house.permits.get(f"/v1/plans/{part(plan_id)}/trees", parcel=parcel, limit=ROWS, **asked)
        return Chosen(parcel, tuple(Tree(one) for one in page["items"]), place=page["next"] or "")
    now, rest = written[:ROWS], written[ROWS:]
    found = await asyncio.gather(*(shown_or_none(_tree(house, plan_id, parcel, code)) for code in now))
    there = tuple(Tree(one) for one in found if one is not None)
    unknown = tuple(code for code, one in zip(now, found, strict=True) if one is None)
    return Chosen(parcel, there, unknown, " ".join(rest))


async def _tree(house: House, plan_id: str, parcel: str, code: str) -> Json:
    found: Json = await house.permits.get(f"/v1/plans/{part(plan_id)}/trees/{part(code)}", parcel=parcel)
    return found


async def _page(
    house: House, plan_id: str, number: str, chosen: Chosen, form: Filled | None = None, after: str = ""
) -> Response:
    path, say, session = f"/v1/plans/{part(plan_id)}/supervisions/{part(number)}", say_of(house), house.session
    asked: Json = {"cursor": after} if after else {}
    plan, one, listed = await asyncio.gather(
        house.permits.get(f"/v1/plans/{part(plan_id)}"), house.permits.get(path),
        house.permits.get(f"{path}/trees", limit=SHOWN, **asked),
    )  # fmt: skip
    own = session is not None and one["supervisor"] == session.org and may(session.roles, "record_found_trees")
    writes = own and one["state"] == "open"
    recorded = await all_of(house.permits, f"{path}/trees") if writes and chosen.trees else []
    known = {(each["parcel"], each["code"]): each["found"] for each in recorded}
    trees = [Tree(tree.planned, known.get(tree.key)) for tree in chosen.trees]
    faults = {
        name: say(text) if text.startswith("act.") else text for name, text in (form.faults if form else {}).items()
    }
    return await house.page(
        "steps/trees.html", 422 if faults else 200, place=f"/plans/{plan_id}/supervisions/{number}/trees", plan=plan, one=one,
        listed=listed, writes=writes, picked=chosen, trees=trees, lists=found_trees, faults=faults,
        fields=found_trees.begun(trees, one["visited_from"]) if form is None else form.fields,
        differing={each["code"] + each["parcel"]: found_trees.differences(each["found"], house.language, say) for each in listed["items"]},
        species=sorted(catalogue(), key=lambda each: each.trade_name) if writes else (),
    )  # fmt: skip
