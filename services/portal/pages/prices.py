"""The price board: estimates from reports by species, region and point of sale, and the price books. All public."""

import asyncio
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from services.portal import offer_form, prices
from services.portal.backends import all_of
from services.portal.drawing.charts import chart
from services.portal.drawing.deals import price_bands
from services.portal.naming import region_name
from services.portal.offer_answer import money
from services.portal.pages.filling import say_of
from services.portal.pages.house import House, HouseDep
from services.portal.prices import Price
from shared.timber.species import catalogue
from shared.web.app import Router
from shared.web.client import UpstreamDown, UpstreamRefused

router = Router(tags=["offers"])
Asked = Annotated[str, Query(max_length=120)]
# The first question fits the market, the others find it done.
REPORTED_S = 9.0
MOST_BOOKS = 20


@router.get("/community/prices", response_class=Response)
async def price_board(house: HouseDep, region: Asked = "", point: Asked = "", species: Asked = "") -> Response:
    """What wood sells for as reports have it, with band, grade, reporters and age; then the published books."""
    session = house.session
    own = (session.caller.region if session else None) or offer_form.REGIONS[0]
    region = region if region in offer_form.REGIONS else own
    point = point if point in offer_form.POINTS else "mill_gate"
    listed, permits = await asyncio.gather(house.contracts.get("/v1/price-books", limit=MOST_BOOKS), _permits(house))
    books = await asyncio.gather(
        *(house.contracts.get(f"/v1/price-books/{one['id']}") for one in listed["items"] if one["kind"] != "series")
    )
    known = [one.name for one in catalogue()]
    named = prices.species_of([one["book"] for one in books], permits, region, species, known)
    rows = await asyncio.gather(*(_price(house, one, region, point) for one in named))
    together = prices.together(rows)
    return await house.page(
        "community/prices.html", books=books, series=[one for one in listed["items"] if one["kind"] == "series"],
        money=money, rows=together, unknown=prices.without(rows), asked=bool(rows), first=rows[0].answer if rows else None, drawing=await asyncio.to_thread(_drawn, house, together),
        region=region, point=point, chosen_species=species, lists=offer_form, region_name=region_name,
        species=sorted(catalogue(), key=lambda one: one.trade_name),
    )  # fmt: skip


async def _permits(house: House) -> list[dict[str, Any]]:
    """The permits of whoever is signed in and may list them; nobody else has any."""
    if house.session is None:
        return []
    try:
        found = await all_of(house.permits, "/v1/permits")
    except UpstreamRefused:
        return []
    return [one for one in found if one["holder"] == house.session.org]


async def _price(house: House, species: str, region: str, point: str) -> Price:
    """The estimate of one species; without an answer while the service is busy, or does not know the question."""
    try:
        answer = await house.contracts.get(
            "/v1/price-estimates", deadline_s=REPORTED_S, species=species, region=region, point=point
        )
    except (UpstreamDown, UpstreamRefused):
        answer = None
    return Price(species, answer, house.language, say_of(house))


def _drawn(house: House, rows: list[Price]) -> str:
    """The bands of the prices that are known, as a chart; nothing when none is."""
    say = say_of(house)
    known = [(row.name, row.figure("low"), row.figure("mid"), row.figure("high")) for row in rows]
    if not known:
        return ""
    return chart(price_bands(known, say("prices.per_m3")), say("prices.chart"), say("prices.chart_about"))
