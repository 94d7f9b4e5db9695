"""Where an auditor begins without knowing a code: what needs attention first, and the lists of what there is."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.responses import Response

from services.portal.attention import GRAVE, counted
from services.portal.backends import or_none
from services.portal.pages.house import House, HouseDep
from services.portal.verdicts import CALM, word_of
from shared.web import deadline
from shared.web.app import Router
from shared.web.client import ServiceClient

router = Router(tags=["pages"])
Json = dict[str, Any]
READERS = ("auditor", "authority", "supervisor", "certifier")
FEW, MANY = 5, 25
# Lots with a finding that may count in a verdict (two of S2 make one TO_REVIEW), and how long a page waits for their verdicts.
COUNTS_FROM, CANDIDATES, JUDGING_S = "S2", 10, 3.0
Cursor = Annotated[str, Query(max_length=300)]
Code = Annotated[str, Query(max_length=40)]
Org = Annotated[str, Query(max_length=40)]


@router.get("/auditor", response_class=Response)
async def audit_page(house: HouseDep) -> Response:
    """What needs attention first, each with the way to it; then the newest lots and the lists. A part that its service
    does not answer is said to be silent, and the others are shown."""
    house.need(*READERS)
    counts, findings, candidates, newest, overdrawn, plans = await asyncio.gather(
        or_none(house.custody.get("/v1/findings/summary")),
        or_none(house.custody.get("/v1/findings", open="true", order="newest", severity="S4", limit=FEW)),
        or_none(house.custody.get("/v1/lots", severity=COUNTS_FROM, limit=CANDIDATES)),
        or_none(house.custody.get("/v1/lots", limit=FEW)),
        or_none(house.custody.get("/v1/balances", overdrawn="true", limit=FEW)),
        or_none(house.permits.get("/v1/plans", unexplained=GRAVE, limit=FEW)),
    )
    review = None if candidates is None or newest is None else await _to_review(house, candidates, newest)
    return await house.page(
        "auditor/audit.html", counted=None if counts is None else counted(counts["counts"]), findings=findings, review=review,
        newest=newest, overdrawn=overdrawn, plans=plans, least=GRAVE,
    )  # fmt: skip


@router.get("/auditor/lots", response_class=Response)
async def lots_page(
    house: HouseDep, code: Code = "", severity: Annotated[str, Query(pattern="^(S[1-4])?$")] = "", holder: Org = "",
    review: Literal["", "yes"] = "", cursor: Cursor = "",
) -> Response:  # fmt: skip
    """Lots from the newest back, or by how their code begins; with ``review`` each is judged, and those that leave something to
    look into are shown."""
    house.need(*READERS)
    asked = {"code": code.strip().upper(), "severity": severity, "holder": holder.strip()}
    page = await _page(house.custody, "/v1/lots", asked, cursor)
    if review:
        page["lots"] = [one for one in await _judged(house, page["lots"]) if one["word"] not in CALM]
    return await _shown(house, "lots", page, asked | {"review": review}, cursor)


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
    house: House, service: ServiceClient, path: str, name: str, filters: Mapping[str, str], cursor: str, **also: str
) -> Response:
    house.need(*READERS)
    return await _shown(house, name, await _page(service, path, filters, cursor, **also), filters, cursor)


async def _page(service: ServiceClient, path: str, filters: Mapping[str, str], cursor: str, **also: str) -> Json:
    asked: dict[str, Any] = {name: value for name, value in {**filters, **also, "cursor": cursor}.items() if value}
    found: Json = await service.get(path, **asked, limit=MANY)
    return found


async def _shown(house: House, name: str, page: Json, filters: Mapping[str, str], cursor: str) -> Response:
    asked = {key: value for key, value in filters.items() if value}
    return await house.page(f"auditor/{name}.html", page=page, filters=filters, asked=asked, first=not cursor)


async def _to_review(house: House, *pages: Json) -> list[Json]:
    """The newest of these lots whose verdict leaves something to look into, the newest first."""
    lots = {one["id"]: one for page in pages for one in page["lots"]}
    judged = await _judged(house, sorted(lots.values(), key=lambda one: -int(one["index"])))
    return [one for one in judged if one["word"] not in CALM][:FEW]


async def _judged(house: House, lots: Sequence[Json]) -> list[Json]:
    """Each lot with the word of its verdict, worked out from its proof file as its own page does; without a word where that took
    too long or its file was not to be had. What was begun is finished and kept for the next who looks."""
    checkpoint = await or_none(house.backends.newest_checkpoint())

    async def word(lot: str) -> str:
        judged = await house.verdicts.of(lot, checkpoint, lambda: house.backends.bundle(lot))
        return word_of(None if judged is None else judged.report)

    asked = {one["id"]: asyncio.create_task(or_none(word(one["id"]))) for one in lots}
    if asked:
        _, late = await asyncio.wait(asked.values(), timeout=deadline.left_s(JUDGING_S))
        for task in late:
            task.cancel()
    done = {lot: task.result() if task.done() and not task.cancelled() else None for lot, task in asked.items()}
    return [{**one, "word": done[one["id"]] or ""} for one in lots]
