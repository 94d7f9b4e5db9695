"""Transport guides by form: issued over a load, departed, received."""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from starlette.responses import Response

from services.portal import acts, standing
from services.portal.acts import Filled
from services.portal.backends import part
from services.portal.pages.community import balances_of
from services.portal.pages.filling import fields_of, say_of, today
from services.portal.pages.house import House, HouseDep
from services.portal.pages.recording import begun, form_page, parties_of, pieces_of, record, send, summed
from shared.refusal import Malformed, Missing
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["recording"])
Json = dict[str, Any]
Asked = Annotated[str, Query(max_length=4000)]
# A guide of the form is good for so many days until somebody says otherwise.
GUIDE_DAYS = 7


@router.get("/community/guide", response_class=Response)
async def guide_form(house: HouseDep, permit: Asked = "", codes: Asked = "") -> Response:
    """First the permit and the codes of the load, then what is left of each species before it is dispatched."""
    house.need()
    return await _guide_page(house, Filled(begun() | _guide_days() | {"permit": permit, "codes": codes}))


@router.post("/community/guide", response_class=Response)
async def issue_guide(house: HouseDep) -> Response:
    """Issue a transport guide."""
    form = Filled(fields_of(await house.form()))
    pieces = await pieces_of(house, form)
    if form.faults:
        return await _guide_page(house, form)
    return await record(house, form, [acts.guide(form, form.get("permit"), pieces)], _guide_page)


async def _guide_page(house: House, form: Filled) -> Response:
    pieces = await pieces_of(house, form) if form.get("codes") else []
    lines = acts.load_lines(pieces)
    left = {}
    if lines:
        left = {
            (one["parcel"], one["species"], one["product"]): one["balance_dm3"]
            for one in await balances_of(house, form.get("permit"))
        }
    stands = standing.of_load(pieces, house.need().org)
    return await form_page(
        house, "community/guide.html", form, pieces=pieces, lines=lines, left=left, parties=await parties_of(house),
        total_dm3=sum(one["volume_dm3"] for one in pieces), stands=stands, notes=summed(stands), clock="move",
    )  # fmt: skip


@router.post("/community/guides/{number}/departure", response_class=Response)
async def record_departure(number: str, house: HouseDep) -> Response:
    """Record that the load of our guide left, on the day and hour of the form. A load leaves once: said again, with
    whatever hour, this leads to the record that says so already."""
    form = Filled(fields_of(await house.form()))
    statement = acts.departure(form, number)
    if form.faults:
        raise Malformed("day", say_of(house)("act.not_a_day"))
    result = (await send(house, [statement]))[0]
    if result["status"] == "logged":
        return house.go(f"/community/recorded/{result['sid']}")
    problem = result["problem"]
    if problem["slug"] == "already-done":
        return house.go(f"/community/recorded/{problem['facts']['first_sid']}", done="recorded_before")
    raise UpstreamRefused("custody", problem)


# ---- reception


@router.get("/community/reception", response_class=Response)
async def reception_form(house: HouseDep, number: Asked = "", form: Asked = "") -> Response:
    """First the number of the guide, then what it lists beside what arrived."""
    house.need()
    return await _reception_page(house, Filled(begun() | {"number": number, "form": form}))


@router.post("/community/reception", response_class=Response)
async def record_reception(house: HouseDep) -> Response:
    """Record the reception of a load."""
    form = Filled(fields_of(await house.form()))
    content = await _content(house, form)
    if content is None:
        return await _reception_page(house, form)
    return await record(house, form, [acts.reception(form, content)], _reception_page)


async def _reception_page(house: House, form: Filled) -> Response:
    content = await _content(house, form) if form.get("number") else None
    notes = [] if content is None else standing.of_guide(content["guide"], house.need().org)
    return await form_page(house, "community/reception.html", form, content=content, notes=notes)


async def _content(house: House, form: Filled) -> Json | None:
    try:
        asked = f"?{urlencode({'form': form.get('form')})}" if form.get("form") else ""
        found: Json = await house.custody.get(f"/v1/guides/{part(form.get('number').upper())}/content{asked}")
    except (UpstreamRefused, Missing):
        form.faults["number"] = say_of(house)("act.no_guide")
        return None
    return found


def _guide_days() -> dict[str, str]:
    return {"issued_on": today().isoformat(), "expires_on": (today() + timedelta(days=GUIDE_DAYS)).isoformat()}
