"""The first page of a community: what it holds, what is left, what the rules found, what to do next."""

import asyncio
from typing import Any

from starlette.responses import Response

from services.portal.backends import all_of
from services.portal.holdings import left_of, todos
from services.portal.naming import region_name
from services.portal.pages.filling import today
from services.portal.pages.house import House, HouseDep
from shared.web.app import Router

router = Router(tags=["community"])
FINDINGS = 100
# Whom custody tells what is left and what was found: a company, which records too, is told neither.
OWNERS = {"member", "manager"}


@router.get("/community", response_class=Response)
async def community_home(house: HouseDep) -> Response:
    """Titles, plans and permits of the caller's organisation, with what is left of each species."""
    session = house.need()
    org = session.org
    titles, plans, permits = await asyncio.gather(
        all_of(house.permits, "/v1/titles", org=org),
        all_of(house.permits, "/v1/plans", org=org),
        all_of(house.permits, "/v1/permits"),
    )
    balances: list[dict[str, Any]] = []
    findings: dict[str, Any] = {"findings": [], "next": None}
    if session.roles & OWNERS:
        balances, findings = await asyncio.gather(balances_of(house), house.custody.get("/v1/findings", limit=FINDINGS))
    held = [one for one in permits if one["holder"] == org]
    open_findings = [one for one in findings["findings"] if one["finding"]["status"] == "FAIL"]
    return await house.page(
        "community/home.html", told=bool(session.roles & OWNERS), region_name=region_name, titles=titles, plans=plans, permits=held,
        left={one["number"]: left_of(balances, one["number"]) for one in held}, findings=open_findings,
        more_findings=findings["next"] is not None,
        todos=todos(plans, held, len(open_findings), today(), owns_forest=bool(session.roles & OWNERS)),
    )  # fmt: skip


async def balances_of(house: House, permit: str | None = None) -> list[dict[str, Any]]:
    """All balance lines that the caller may see, or those of one permit."""
    asked = {"permit": permit} if permit else {}
    return await all_of(house.custody, "/v1/balances", "balances", **asked)
