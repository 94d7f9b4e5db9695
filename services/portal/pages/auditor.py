"""Where an auditor begins without knowing a code: what needs attention first, and the lists of what there is."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.responses import Response

from services.portal.attention import GRAVE, counted
from services.portal.backends import or_none
from services.portal.pages.house import House, HouseDep
from shared.web.app import Router

router = Router(tags=["pages"])
READERS = ("auditor", "authority", "supervisor", "certifier")
FEW, MANY = 5, 25
Cursor = Annotated[str, Query(max_length=300)]
Code = Annotated[str, Query(max_length=40)]
Org = Annotated[str, Query(max_length=40)]


@router.get("/auditor", response_class=Response)
async def audit_page(house: HouseDep) -> Response:
    """What needs attention first, each with the way to it; then the newest lots and the lists. A part that its service
    does not answer is said to be silent, and the others are shown."""
    house.need(*READERS)
    counts, findings, grave, newest, overdrawn, plans = await asyncio.gather(
        or_none(house.custody.get("/v1/findings/summary")),
        or_none(house.custody.get("/v1/findings", open="true", order="newest", severity="S4", limit=FEW)),
        or_none(house.custody.get("/v1/lots", severity=GRAVE, limit=FEW)),
        or_none(house.custody.get("/v1/lots", limit=FEW)),
        or_none(house.custody.get("/v1/balances", overdrawn="true", limit=FEW)),
        or_none(house.permits.get("/v1/plans", unexplained=GRAVE, limit=FEW)),
    )
    return await house.page(
        "auditor/audit.html", counted=None if counts is None else counted(counts["counts"]), findings=findings, grave=grave,
        newest=newest, overdrawn=overdrawn, plans=plans, least=GRAVE,
    )  # fmt: skip


@router.get("/auditor/lots", response_class=Response)
async def lots_page(
    house: HouseDep, code: Code = "", severity: Annotated[str, Query(pattern="^(S[1-4])?$")] = "", holder: Org = "",
    cursor: Cursor = "",
) -> Response:  # fmt: skip
    """Lots from the newest back, or by how their code begins."""
    asked = {"code": code.strip().upper(), "severity": severity, "holder": holder.strip()}
    return await _list(house, house.custody, "/v1/lots", "lots", asked, cursor)


@router.get("/auditor/permits", response_class=Response)
async def permits_page(
    house: HouseDep, number: Code = "", holder: Org = "",
    status: Literal["", "in_force", "suspended", "revoked"] = "", cursor: Cursor = "",
) -> Response:  # fmt: skip
    """The permits of the log."""
    asked = {"number": number.strip().upper(), "holder": holder.strip(), "status": status}
    return await _list(house, house.custody, "/v1/authorisations", "permits", asked, cursor)


@router.get("/auditor/plans", response_class=Response)
async def plans_page(
    house: HouseDep, begins: Annotated[str, Query(max_length=64)] = "", org: Org = "",
    unexplained: Annotated[str, Query(pattern="^(S[2-4])?$")] = "", cursor: Cursor = "",
) -> Response:  # fmt: skip
    """Plans with their census."""
    asked = {"begins": begins.strip(), "org": org.strip(), "unexplained": unexplained}
    return await _list(house, house.permits, "/v1/plans", "plans", asked, cursor)


@router.get("/auditor/communities", response_class=Response)
async def communities_page(
    house: HouseDep, named: Annotated[str, Query(max_length=80)] = "", cursor: Cursor = ""
) -> Response:
    """Communities, each with the way to its lots, permits and plans."""
    return await _list(
        house, house.permits, "/v1/organisations", "communities", {"named": named.strip()}, cursor, kind="community"
    )


async def _list(
    house: House, service: Any, path: str, name: str, filters: Mapping[str, str], cursor: str, **also: str
) -> Response:
    house.need(*READERS)
    asked = {key: value for key, value in filters.items() if value}
    page = await service.get(path, **asked, **also, **({"cursor": cursor} if cursor else {}), limit=MANY)
    return await house.page(f"auditor/{name}.html", page=page, filters=filters, asked=asked, first=not cursor)
