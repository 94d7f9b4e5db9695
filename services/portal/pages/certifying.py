"""A certification body writes: registers a certificate, lets members join or leave, ends a certificate. The services decide."""

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from services.portal.acts import Filled
from services.portal.pages.filling import fields_of, say_of, today
from services.portal.pages.house import House, HouseDep
from shared.timber.bodies import SCHEMES
from shared.timber.party import CERTIFYING
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["certifier"])
Json = dict[str, Any]
MEMBERS = 6
SQUARE_METRES = 10_000  # in a hectare


@router.get("/certifier/new", response_class=Response)
async def certificate_form(house: HouseDep) -> Response:
    """The form of a new certificate."""
    return await _new(house, Filled({"valid_from": today().isoformat()}))


@router.post("/certifier/new", response_class=Response)
async def register_certificate(house: HouseDep) -> Response:
    """Register it; the same again is known and leads to the same page."""
    form = Filled(fields_of(await house.form()))
    body = _certificate(form)
    if not form.faults:
        try:
            made = await house.permits.post("/v1/certificates", body)
        except UpstreamRefused as refused:
            _beside(form, refused, house)
        else:
            return house.go(_page(made["number"]), done="certificate_registered")
    return await _new(house, form)


@router.get("/certifier/{number}/change", response_class=Response)
async def change_form(number: str, house: HouseDep) -> Response:
    """The forms that change a certificate: its members, its end."""
    return await _change(house, number, Filled({"first_day": today().isoformat()}))


@router.post("/certifier/{number}/members", response_class=Response)
async def amend_members(number: str, house: HouseDep) -> Response:
    """A member joins, or leaves on a day."""
    form = Filled(fields_of(await house.form()))
    member = {"org": form.needed("org"), "first_day": form.needed("first_day")}
    member |= {"last_day": form.get("last_day")} if form.get("last_day") else {}
    body = {"members": [member], "reason": form.needed("reason")}
    return await _told(house, number, form, "/members", body, "members_changed")


@router.post("/certifier/{number}/end", response_class=Response)
async def end_certificate(number: str, house: HouseDep) -> Response:
    """End it for good."""
    form = Filled(fields_of(await house.form()))
    if form.get("sure") != "yes":
        form.faults["sure"] = "act.needed"
    return await _told(house, number, form, "/end", {"reason": form.needed("reason_end")}, "certificate_ended")


async def _told(house: House, number: str, form: Filled, verb: str, body: Json, done: str) -> Response:
    if not form.faults:
        try:
            await house.permits.post(f"/v1/certificates/{quote(number, safe='')}{verb}", body)
        except UpstreamRefused as refused:
            _beside(form, refused, house)
        else:
            return house.go(_page(number), done)
    return await _change(house, number, form)


def _page(number: str) -> str:
    return f"/certifier/{quote(number, safe='')}"


def _certificate(form: Filled) -> Json:
    body: Json = {name: form.needed(name) for name in ("code", "scheme", "holder", "valid_from", "valid_to")}
    if form.get("licence"):
        body["licence"] = form.get("licence")
    if form.get("hectares"):
        body["area_m2"] = form.thousandths("hectares", "act.not_an_area") * SQUARE_METRES // 1000
    members = []
    for n in range(MEMBERS):
        if form.get(f"org{n}"):
            member = {"org": form.get(f"org{n}"), "first_day": form.get(f"first_day{n}") or body["valid_from"]}
            members.append(member | ({"last_day": form.get(f"last_day{n}")} if form.get(f"last_day{n}") else {}))
    return body | {"members": members}


def _beside(form: Filled, refused: UpstreamRefused, house: House) -> None:
    """What permits says beside the field it speaks of, or above all."""
    errors = refused.problem.get("errors") or []
    for one in errors:
        name = str(one["where"]).rpartition(".")[2]
        form.faults[name] = str(one["reason_en"] if house.language == "en" else one["reason"])
    if not errors:
        form.faults[""] = refused.text(house.language)


def _said(house: House, form: Filled) -> dict[str, str]:
    say = say_of(house)
    return {name: say(text) if text.startswith("act.") else text for name, text in form.faults.items()}


async def _new(house: House, form: Filled) -> Response:
    house.need()
    return await house.page(
        "certifier/new.html", 422 if form.faults else 200, place="/certifier/new", fields=form.fields,
        faults=_said(house, form), schemes=SCHEMES, members=MEMBERS, parties=await _parties(house),
    )  # fmt: skip


async def _change(house: House, number: str, form: Filled) -> Response:
    certificate = await house.permits.get(f"/v1/certificates/{quote(number, safe='')}")
    return await house.page(
        "certifier/change.html", 422 if form.faults else 200, place=f"{_page(number)}/change", certificate=certificate,
        fields=form.fields, faults=_said(house, form), parties=await _parties(house),
    )  # fmt: skip


async def _parties(house: House) -> list[Json]:
    """Who may hold a certificate or be a member: everybody but certification bodies."""
    listed: list[Json] = (await house.permits.get("/v1/organisations", limit=200))["items"]
    return [one for one in listed if one["kind"] != CERTIFYING]
