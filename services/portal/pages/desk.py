"""The desks of an authority, a supervisor and a regent: what waits for them, and the form of an inspection."""

import asyncio
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from services.portal import desk
from services.portal.acts import Filled
from services.portal.backends import all_of
from services.portal.desk import Waiting
from services.portal.navigation import may
from services.portal.pages.filling import fields_of, say_of
from services.portal.pages.house import House, HouseDep
from services.portal.pages.plans import review_of
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["desk"])
Json = dict[str, Any]
AT_ONCE = 8
MOST_PAGES = 2  # the review of each plan is read too


@router.get("/desk", response_class=Response)
async def desk_page(house: HouseDep) -> Response:
    """What waits for this person: plans to decide, to look at in the field, or of their own hand."""
    session = house.need()
    plans, inspections = await asyncio.gather(_all(house, "/v1/plans"), _all(house, "/v1/inspections"))
    if "regent" in session.roles:
        plans = [one for one in plans if session.org in (one["regent"], one["delegate"])]
    permits = await _all(house, "/v1/permits")
    seen, turns = desk.counted(inspections), asyncio.Semaphore(AT_ONCE)

    async def weighed(plan: Json) -> Waiting:
        async with turns:
            return desk.weighed(plan, await review_of(house.permits, plan["id"]), seen.get(plan["id"], 0))

    async def group(states: tuple[str, ...]) -> list[Waiting]:
        return list(await asyncio.gather(*(weighed(one) for one in desk.in_states(plans, states))))

    to_decide, in_hand, used = await asyncio.gather(
        group(desk.WITH_AUTHORITY), group(desk.WITH_COMMUNITY), group(desk.BEING_USED)
    )
    return await house.page(
        "desk/desk.html", to_decide=to_decide, in_hand=in_hand, used=used, marks=desk.STATE_MARKS,
        proposed=[one for one in permits if one["state"] == "proposed"],
        uninspected=desk.uninspected(plans, inspections), officer=may(session.roles, "inspections_page"),
        regent="regent" in session.roles, sees_keys=may(session.roles, "admit_key"),
    )  # fmt: skip


@router.get("/desk/inspections", response_class=Response)
async def inspections_page(house: HouseDep, plan: Annotated[str, Query(max_length=64)] = "") -> Response:
    """Plans that nobody has looked at in the field, what was found in the others, and the form of a new inspection."""
    return await _inspections(house, Filled({"plan": plan}))


@router.post("/desk/inspections", response_class=Response)
async def record_inspection(house: HouseDep) -> Response:
    """Record what was found in the field; it is announced in the log and counts in every verdict."""
    form = Filled(fields_of(await house.form()))
    body = _inspection(form)
    if not form.faults:
        try:
            await house.permits.post("/v1/inspections", body)
        except UpstreamRefused as refused:
            _beside(form, refused, house)
        else:
            return house.go("/desk/inspections", done="inspection_recorded")
    return await _inspections(house, form)


def _inspection(form: Filled) -> Json:
    plan, _, parcel = form.needed("place").rpartition("|")
    counts = {name: form.count(name) for name in ("trees_sampled", "trees_absent", "trees_mismatched")}
    body: Json = {"number": form.needed("number").upper(), "plan": plan, "parcel": parcel, **counts}
    body["volume_dm3"] = form.thousandths("volume", "act.not_a_volume")
    if form.get("codes"):
        body["trees"] = form.codes()
    return body


# Which field of the form a member of the body stands in.
FIELDS = {"volume_dm3": "volume", "trees": "codes", "plan": "place", "parcel": "place"}
BY_SLUG = {"number-taken": "number", "tree-unknown": "codes", "reference-unknown": "place"}


def _beside(form: Filled, refused: UpstreamRefused, house: House) -> None:
    errors = refused.problem.get("errors") or []
    for one in errors:
        name = str(one["where"]).removeprefix("body.").partition(".")[0]
        reason = one["reason_en"] if house.language == "en" else one["reason"]
        form.faults[FIELDS.get(name, "" if name == "body" else name)] = str(reason)
    if not errors:
        form.faults[BY_SLUG.get(str(refused.problem.get("slug")), "")] = refused.text(house.language)


async def _inspections(house: House, form: Filled) -> Response:
    plans, inspections = await asyncio.gather(_all(house, "/v1/plans"), _all(house, "/v1/inspections"))
    say = say_of(house)
    faults = {name: say(text) if text.startswith("act.") else text for name, text in form.faults.items()}
    used = desk.in_states(plans, desk.BEING_USED)
    first = next((one for one in used if one["id"] == form.get("plan")), None)
    fields = dict(form.fields)
    if first is not None and "place" not in fields:
        fields["place"] = f"{first['id']}|{first['parcels'][0]['code']}"
    return await house.page(
        "desk/inspections.html", 422 if faults else 200, place="/desk/inspections", fields=fields, faults=faults,
        plans=used, to_do=desk.uninspected(plans, inspections), done_list=list(reversed(inspections)),
    )  # fmt: skip


async def _all(house: House, path: str) -> list[Json]:
    """A list of permits that the caller may see, up to a bound."""
    return await all_of(house.permits, path, "items", MOST_PAGES)
