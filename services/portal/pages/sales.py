"""Sales by form: pieces, their lot, its buyer and, kept private, the price."""

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from services.portal import acts, standing
from services.portal.acts import Filled
from services.portal.pages.filling import fields_of
from services.portal.pages.house import House, HouseDep
from services.portal.pages.recording import begun, form_page, parties_of, pieces_of, record, summed
from shared.web.app import Router

router = Router(tags=["recording"])
Json = dict[str, Any]
Asked = Annotated[str, Query(max_length=4000)]


@router.get("/community/sale", response_class=Response)
async def sale_form(house: HouseDep, permit: Asked = "", codes: Asked = "") -> Response:
    """First the pieces, then the lot, its buyer and, kept private, its price."""
    house.need()
    return await _sale_page(house, Filled(begun() | {"permit": permit, "codes": codes}))


@router.post("/community/sale", response_class=Response)
async def record_sale(house: HouseDep) -> Response:
    """Record a lot and its sale."""
    form = Filled(fields_of(await house.form()))
    pieces = await pieces_of(house, form)
    if form.faults:
        return await _sale_page(house, form)
    return await record(house, form, acts.sale(form, pieces), _sale_page)


async def _sale_page(house: House, form: Filled) -> Response:
    pieces = await pieces_of(house, form) if form.get("codes") else []
    stands = standing.of_lot(pieces, house.need().org)
    return await form_page(
        house, "community/sale.html", form, pieces=pieces, parties=await parties_of(house),
        total_dm3=sum(one["volume_dm3"] for one in pieces), stands=stands, notes=summed(stands),
    )  # fmt: skip
