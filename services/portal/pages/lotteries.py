"""Public lotteries of trees: how they were drawn, worked out again by this service, and what was found."""

import asyncio
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from services.portal.backends import part
from services.portal.pages.house import House, HouseDep
from services.portal.redraw import Redrawn, redrawn
from shared.timber.draw_file import MAX_BYTES
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["pages"])
SHOWN = 100


@router.get("/plans/{plan_id}/lotteries", response_class=Response)
async def lotteries_page(plan_id: str, house: HouseDep, cursor: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The lotteries of a plan, and those of other plans of its title."""
    asked: dict[str, Any] = {"cursor": cursor} if cursor else {}
    found = await house.permits.get(f"/v1/plans/{part(plan_id)}/verifications", **asked)
    return await house.page("auditor/lotteries.html", plan=plan_id, found=found)


@router.get("/plans/{plan_id}/lotteries/{number}", response_class=Response)
async def lottery_page(
    plan_id: str, number: str, house: HouseDep, cursor: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """One lottery, step by step, recomputed here with the public algorithm; and its trees."""
    base = f"/v1/plans/{part(plan_id)}/verifications/{part(number)}"
    one = await house.permits.get(base)
    sample: dict[str, Any] = {"items": [], "next": None}
    again = None
    if one["drawn_at"] is not None:
        asked: dict[str, Any] = {"limit": SHOWN} | ({"cursor": cursor} if cursor else {})
        sample, again = await asyncio.gather(house.permits.get(f"{base}/trees", **asked), _again(house, base))
    return await house.page(
        "auditor/lottery.html", one=one, sample=sample, again=again, base=base, public_url=house.public_url
    )


async def _again(house: House, base: str) -> Redrawn | None:
    """The draw worked out again; None while its document is for those concerned only."""
    try:
        data = await house.permits.raw(f"{base}/draw", deadline_s=20.0, at_most=MAX_BYTES)
    except UpstreamRefused:
        return None
    return await asyncio.to_thread(redrawn, data, house.policy)
