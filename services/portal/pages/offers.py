"""What an offer is worth: the check, the comparison of two, the paper for the assembly, the price board. All public."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from services.portal import figures, offer_form
from services.portal.backends import or_none
from services.portal.documents.assembly import report_pdf
from services.portal.drawing.charts import chart
from services.portal.drawing.offers import fair_bands, way_down
from services.portal.naming import region_name
from services.portal.navigation import may
from services.portal.offer_answer import judgement, money, signed, spoken_offer
from services.portal.offer_form import Asked
from services.portal.pages.filling import fields_of, pdf, say_of, today
from services.portal.pages.house import House, HouseDep
from services.portal.pages.recording import parties_of
from shared.timber.species import catalogue
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["offers"])
# Whoever is not signed in asks for a community without a name; an offer names one.
NOBODYS = "comunidad"
PLACES = {"check": "/community/offers", "compare": "/community/offers/compare"}
FORMS = {"check": "community/offer.html", "compare": "community/offers.html"}


@router.get("/community/offers", response_class=Response)
async def offer_form_page(house: HouseDep) -> Response:
    """The form of one offer."""
    return await _form(house, "check", _started(house))


@router.get("/community/offers/compare", response_class=Response)
async def compare_form_page(house: HouseDep) -> Response:
    """The form of two offers for the same wood."""
    return await _form(house, "compare", _started(house))


@router.post("/community/offers", response_class=Response)
async def check_offer(house: HouseDep) -> Response:
    """The word on the offer, its reasons, what to ask and what to ask for. Nothing is kept, so nothing needs a session."""
    asked = await _asked(house)
    try:
        judged = await _judged(house, asked)
    except UpstreamRefused as refusal:
        return await _form(house, "check", asked, asked.faults(refusal.problem, house.language))
    # Who keeps it may name the buyer as a party, which is what both need to sign.
    parties = await or_none(parties_of(house)) if house.session and may(house.session.roles, "keep_offer") else ()
    return await house.page(
        "community/offer_result.html", judged=judged, charts=_charts(house, [("", judged)]), fields=asked.fields,
        offer=_told(house, asked), parties=parties or (),
    )  # fmt: skip


@router.post("/community/offers/keep", response_class=Response)
async def keep_offer(house: HouseDep) -> Response:
    """Keep the offer among the contracts of the community. The same offer again leads to what was kept first."""
    form = await house.form()
    asked = Asked(fields_of(form), house.need("manager").org, today())
    offer = asked.offer() | {"buyer": asked.get("keep_buyer") or None}
    try:
        stored = await house.contracts.post("/v1/contracts", offer)
    except UpstreamRefused as refusal:
        return await _form(house, "check", asked, asked.faults(refusal.problem, house.language))
    return house.go(f"/community/contracts/{stored['id']}", done="offer_kept")


@router.post("/community/offers/again", response_class=Response)
async def change_offer(house: HouseDep) -> Response:
    """The form again, as it was filled in."""
    return await _form(house, "check", await _asked(house))


@router.post("/community/offers/compare/again", response_class=Response)
async def change_offers(house: HouseDep) -> Response:
    """The form of two again, as it was filled in."""
    return await _form(house, "compare", await _asked(house))


@router.post("/community/offers/report.pdf", response_class=Response)
async def assembly_report(house: HouseDep) -> Response:
    """The same on paper, for the assembly."""
    asked = await _asked(house)
    judged = await _judged(house, asked)
    data = await asyncio.to_thread(report_pdf, judged, _told(house, asked), house.language, say_of(house))
    return pdf(data, f"asamblea-{judged['id'][:8]}.pdf")


@router.post("/community/offers/compare", response_class=Response)
async def compare_offers(house: HouseDep) -> Response:
    """Two offers side by side."""
    asked, say = await _asked(house), say_of(house)
    body: dict[str, Any] = {
        "offers": [asked.offer("a_"), asked.offer("b_")],
        "basis": asked.basis(say("offer.given_source")),
    }
    try:
        compared = await house.contracts.post("/v1/comparisons", body, deadline_s=10.0)
        judged = [await _judged(house, asked, prefix) for prefix in ("a_", "b_")]
    except UpstreamRefused as refusal:
        return await _form(house, "compare", asked, asked.faults(refusal.problem, house.language))
    titles = [one["title"] for one in body["offers"]]
    return await house.page(
        "community/offers_result.html", judged=judged, titles=titles, sentences=compared["text"][house.language],
        best=[titles[n] for n in compared["best"]], columns=compared["offers"], money=money,
        charts=_charts(house, list(zip(titles, judged, strict=True))), fields=asked.fields,
    )  # fmt: skip


async def _judged(house: House, asked: Asked, prefix: str = "a_") -> dict[str, Any]:
    """One offer judged, with what may be asked for."""
    say = say_of(house)
    body = {"offer": asked.offer(prefix), "basis": asked.basis(say("offer.given_source"))}
    appraisal, counter = await asyncio.gather(
        house.contracts.post("/v1/appraisals/quick", body, deadline_s=10.0),
        house.contracts.post("/v1/counter-offers", body | asked.wishes(), deadline_s=10.0),
    )
    return judgement(appraisal, counter, house.language, say)


def _charts(house: House, offers: list[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The drawings of one or more judged offers, each with its table twin."""
    say = say_of(house)
    bands = [(name, one["band"]) for name, one in offers if one["band"] is not None]
    drawn: dict[str, Any] = {"band": "", "bands": bands, "ways": [], "signed": signed}
    if bands:
        drawn["band"] = chart(fair_bands(bands, say("offer.amount")), say("offer.band"), say("offer.band_about"))
    for name, one in offers:
        if one["steps"]:
            spec = way_down(one["steps"], say("offer.amount"))
            title = f"{name}: {say('offer.causes')}" if name else say("offer.causes")
            drawn["ways"].append(
                {"title": title, "svg": chart(spec, title, say("offer.causes_about")), "steps": one["steps"]}
            )
    return drawn


def _told(house: House, asked: Asked) -> dict[str, Any]:
    """The offer in words, as the result and the paper name it."""
    say, offer = say_of(house), asked.offer()
    volumes = ", ".join(f"{one['species']} {one['volume_m3']} m³" for one in offer["lot"]["species"])
    return {
        "title": offer["title"],
        "about": say(
            "assembly.about", buyer=offer.get("buyer_name") or say("assembly.nobody"),
            day=figures.day(offer["offered_on"], house.language), volume=volumes,
        ),
        "lines": spoken_offer(offer["lines"], say),
    }  # fmt: skip


def _started(house: House) -> Asked:
    """An empty form with what a community most often answers."""
    day = today().isoformat()
    fields = {
        "region": (house.session.caller.region if house.session else None) or offer_form.REGIONS[0],
        "basis": "census",
    }
    for prefix, name in (("a_", "offer.a"), ("b_", "offer.b")):
        line = f"{prefix}line0_"
        fields |= {
            f"{prefix}title": say_of(house)(name), f"{prefix}offered_on": day, f"{prefix}paid_now": "100",
            f"{line}product": "standing", f"{line}point": "stump",
        }  # fmt: skip
    return Asked(fields, _community(house), today())


def _community(house: House) -> str:
    return NOBODYS if house.session is None else house.session.org


async def _asked(house: House) -> Asked:
    return Asked(fields_of(await house.request.form(max_fields=400)), _community(house), today())


async def _form(house: House, which: str, asked: Asked, faults: Mapping[str, str] | None = None) -> Response:
    books: dict[str, list[dict[str, Any]]] = {}
    for field, path in (("price_book", "/v1/price-books"), ("cost_book", "/v1/cost-books")):
        found = (await house.contracts.get(path))["items"]
        books[field] = [one for one in found if one.get("kind") != "series"]
    return await house.page(
        FORMS[which], 422 if faults else 200, place=PLACES[which], fields=asked.fields, faults=faults or {}, books=books,
        species=sorted(catalogue(), key=lambda one: one.trade_name), lists=offer_form, region_name=region_name,
    )  # fmt: skip
