"""Titles and their polygons."""

import asyncio
from datetime import date
from typing import Annotated

from fastapi import Query, Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, log_state, require_organisations
from services.permits.api.land import source_of
from services.permits.api.reach import reach_of
from services.permits.api.territory import check_region
from services.permits.domain.land.document import geojson_of
from services.permits.domain.land.drawing import decide_frame, read_geojson
from services.permits.domain.land.judge import Land, check_area, judge
from services.permits.domain.land.limits import land_limits_on
from services.permits.domain.norms import limits_on
from services.permits.domain.party import NumberTaken
from services.permits.domain.reach import Ground
from services.permits.domain.title import Title
from services.permits.schemas.titles import TitleIn, TitleOut
from services.permits.schemas.words import Page
from services.permits.store import land, outbox, titles
from services.permits.store.session import Tx
from services.permits.store.titles import KnownTitle
from shared.refusal import Missing
from shared.timber.outgoing import Announced
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["titles"])


@router.post("/v1/titles", status_code=201, response_model=TitleOut)
async def register_title(body: TitleIn, command: CommandDep, house: HouseDep) -> Response:
    """Register a title with its boundary. The same content again is answered as known (200)."""
    officer = command.caller
    check_region(officer.region, body.region, "register_title")
    surveyed = await asyncio.to_thread(_survey, body, house.today)
    title = Title(
        body.number,
        body.official_number,
        body.org,
        body.region,
        surveyed.area_m2,
        body.declared_area_m2,
        surveyed.sha256,
    )
    async with command.transaction() as work:
        if work.first:
            return work.first
        await require_organisations(work.tx, [title.org, officer.org])
        letter = house.registrar.write(
            "title.registered", officer.org, title.statement(), work.now, subject=f"title:{title.number}"
        )
        added = await titles.add_title(work.tx, title, surveyed, letter.sid)
        stored = await titles.title(work.tx, title.number)
        taken = NumberTaken("title", title.number)
        known, announced = await work.announce_new(letter, title, added, stored, taken)
        return await work.answer(201 if added else 200, await _answer(work.tx, known, announced))


def _survey(body: TitleIn, today: date) -> Land:
    """The land of a title, as large as declared."""
    drawing, limits = read_geojson(body.polygon), limits_on(today)
    frame = decide_frame(drawing, body.datum, body.zone)
    found = judge(drawing, frame, limits, land_limits_on(today)).settle(body.accept)
    check_area(found.area_m2, body.declared_area_m2, limits)
    return found


@router.get("/v1/titles")
async def list_titles(
    house: HouseDep, paging: PagingDep, org: Annotated[str | None, Query(max_length=40)] = None
) -> Page[TitleOut]:
    """Titles by number, without their polygons: those come one by one."""
    async with house.database.transaction() as tx:
        found, following = paging.page(
            await titles.titles(tx, org, paging.after, paging.limit + 1), lambda known: known[0].number
        )
        announced = await outbox.announced(tx, [sid for _, sid in found])
    return Page(items=[_title(known, None, announced) for known in found], next=following)


@router.get("/v1/titles/{number}")
async def read_title(number: str, grant: GrantDep, house: HouseDep) -> TitleOut:
    """One title; its polygon only for those concerned."""
    async with house.database.transaction(grant.caller) as tx:
        known = await titles.title(tx, number)
        if known is None:
            raise Missing("title", number)
        told = await _answer(tx, known, await outbox.announced(tx, [known[1]]))
        if told.polygon is not None:
            title, reach = known[0], await reach_of(tx, grant)
            ground = reach.ground("territory", title.region, title.org) or Ground("party")
            await reach.note(tx, [(title.org, title.region, "territory", title.number, ground)])
        return told


async def _answer(tx: Tx, known: KnownTitle, announced: dict[str, Announced]) -> TitleOut:
    """Row-level security decides whether the caller of this transaction sees the polygon."""
    return _title(known, await land.title_polygon(tx, known[0].number), announced)


def _title(known: KnownTitle, polygon: tuple[bytes, bytes | None] | None, announced: dict[str, Announced]) -> TitleOut:
    title, sid = known
    return TitleOut(
        number=title.number, official_number=title.official_number, org=title.org, region=title.region,
        area_m2=title.area_m2, declared_area_m2=title.declared_area_m2, polygon_sha256=title.polygon_sha256,
        polygon=None if polygon is None else geojson_of(polygon[0]),
        source=None if polygon is None or polygon[1] is None else source_of(polygon[1]), log=log_state(announced, sid),
    )  # fmt: skip
