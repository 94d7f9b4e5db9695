"""What everybody may see: the first page, verdicts, permits, guides, items, the API."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from fastapi import Query
from markupsafe import Markup
from starlette.responses import Response

from services.portal.drawing.qr import qr_svg
from services.portal.merged import for_programs, groups, merge, schemas
from services.portal.pages.house import House, HouseDep
from services.portal.pieces import painted
from services.portal.search import LONGEST, PAGES, candidates
from services.portal.search import painted as painted_codes
from services.portal.sightings import Seen, seen_as
from services.portal.verdicts import LARGEST_BYTES, MARKS, word_of
from shared.refusal import Missing
from shared.tlog.canon import MAX_INTEGER
from shared.web.app import Router
from shared.web.client import UpstreamDown, UpstreamRefused

router = Router(tags=["pages"])
API_KEPT_S = 30.0


@router.get("/", response_class=Response)
async def home(house: HouseDep) -> Response:
    """What this is, the three doors, the state of the log and the search box."""
    return await house.page("public/home.html", head=await house.backends.head(house.policy))


@router.get("/search", response_class=Response)
async def search(
    house: HouseDep, q: str = "", code: Annotated[str, Query(max_length=25)] = "",
    cursor: Annotated[str, Query(max_length=300)] = "",
) -> Response:  # fmt: skip
    """To the page of whatever was typed, scanned or pasted, or to a list when it may be several things: codes painted on
    trees and logs repeat from plan to plan. With nothing typed to the search box; ``code`` and ``cursor`` go on in a list."""
    typed = q.strip()[:LONGEST]
    if not typed:
        return house.go("/")
    codes = (code,) if code else painted_codes(typed)
    found, silent = await house.backends.find(() if code else candidates(typed))
    answers = await asyncio.gather(*(_seen(house, one, cursor) for one in codes))
    seen = [one for one in answers if isinstance(one, Seen) and (one.rows or one.next)]
    pages = [PAGES[one.kind] + quote(one.key, safe="") for one in found] + [
        row.path for one in seen for row in one.rows
    ]
    if len(pages) == 1 and not any(one.next for one in seen):
        return house.go(pages[0])
    if found or seen:
        return await house.page("public/candidates.html", typed=typed, found=found, seen=seen, pages=PAGES)
    for one in (silent, *answers):
        if isinstance(one, UpstreamDown):
            raise one
    raise Missing("code", typed[:80])


async def _seen(house: House, code: str, cursor: str) -> Seen | UpstreamDown:
    """Where a code is painted; nowhere for what custody does not read as one."""
    try:
        return seen_as(code, await house.backends.painted(code, cursor))
    except UpstreamRefused:
        return Seen(code, (), None)
    except UpstreamDown as silent:
        return silent


@router.get("/v", response_class=Response)
async def verify_door(house: HouseDep) -> Response:
    """Without a code there is only the search box."""
    return house.go("/")


@router.get("/v/{code}", response_class=Response)
async def verdict_page(code: str, house: HouseDep) -> Response:
    """The public verdict on a lot, worked out from its proof file."""
    checkpoint = await house.backends.newest_checkpoint()
    judged = await house.verdicts.of(code, checkpoint, lambda: house.backends.bundle(code))
    report = None if judged is None else judged.report
    word = word_of(report)
    address = f"{house.public_url}/v/{quote(code, safe='')}"
    return await house.page(
        "public/verdict.html" if judged is not None else "public/too_long.html",
        scripts=judged is not None,
        code=code,
        report=report,
        judged=judged,
        permits={} if judged is None else await house.backends.standing(judged.permits),
        policy=house.policy_text,
        recheck_words=house.texts("recheck.", "word."),
        limit_mib=LARGEST_BYTES // 1024**2,
        word=word,
        mark=MARKS[word],
        address=address,
        qr=Markup(qr_svg(address)),  # noqa: S704  (drawn here, from an address)
        checked_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


@router.get("/verify.html", response_class=Response)
async def verifier(house: HouseDep) -> Response:
    """The verifier of proof files, which needs no server once it is here: it can be saved and opened from disk."""
    return house.pages.verifier()


@router.get("/lots/{code}", response_class=Response)
async def lot_page(code: str, house: HouseDep) -> Response:
    """The page of a lot is its verdict, in the language that was asked for."""
    return house.go(f"/v/{quote(code, safe='')}")


@router.get("/permits/{number}", response_class=Response)
async def permit_page(number: str, house: HouseDep) -> Response:
    """Whether a permit counts today, and what it rests on."""
    address = f"{house.public_url}/permits/{quote(number, safe='')}"
    return await house.page(
        "public/permit.html",
        permit=await house.backends.permit(number),
        address=address,
        qr=Markup(qr_svg(address)),  # noqa: S704  (drawn here)
    )


@router.get("/guides/{number}", response_class=Response)
async def guide_page(
    number: str, house: HouseDep, form: Annotated[str | None, Query(pattern="^(own|official)$")] = None,
    before: Annotated[int | None, Query(ge=0, le=MAX_INTEGER)] = None,
) -> Response:  # fmt: skip
    """What a transport guide covers, and what became of it."""
    answer = await house.backends.guide(number, form, before)
    pieces = await painted(house.backends.custody, answer["guide"]["items"])
    return await house.page("public/guide.html", answer=answer, pieces=pieces, before=before)


@router.get("/docs", response_class=Response)
async def api_page(house: HouseDep) -> Response:
    """The operations of every service, for people who write programs."""
    merged = await _merged(house)
    return await house.page(
        "public/docs.html", groups=groups(merged), schemas=schemas(merged), public_url=house.public_url,
        by_password="/v1/tokens" in merged["paths"],
    )  # fmt: skip


@router.get("/openapi.json", response_class=Response)
async def merged_openapi(house: HouseDep) -> Response:
    """The merged OpenAPI 3.1 page."""
    return Response(orjson.dumps(await _merged(house)), media_type="application/json")


async def _merged(house: House) -> dict[str, Any]:
    """Kept half a minute once every service has answered; without a silent one until then."""
    state = house.request.app.state
    kept: tuple[float, dict[str, Any]] | None = getattr(state, "merged", None)
    if kept is not None and time.monotonic() < kept[0]:
        return kept[1]
    found = await house.backends.descriptions()
    own = {"portal": for_programs(house.request.app.openapi())} if found else {}
    merged = merge(found | own, house.public_url)
    if len(found) == len(house.backends.described):
        state.merged = time.monotonic() + API_KEPT_S, merged
    return merged


@router.get("/static/{name}", response_class=Response)
async def static_file(name: str, house: HouseDep) -> Response:
    """Our style. The address changes with its content, so it is kept for good."""
    if name not in house.pages.files:
        raise Missing("file", name)
    content, media_type = house.pages.files[name]
    return Response(content, media_type=media_type, headers={"cache-control": "public, max-age=31536000, immutable"})
