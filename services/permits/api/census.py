"""Census files in, trees out."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Annotated, TypeVar

from fastapi import Query, Request, Response

from services.permits.api.assemblies import delegated
from services.permits.api.house import CommandDep, House, HouseDep, PagingDep, Work, place_number, to_cursor
from services.permits.api.plans import concerned_plan, plan_to_change, visible_plan
from services.permits.api.reach import reach_of
from services.permits.api.uploads import file_of, openapi_of
from services.permits.census_file import CSV_TYPE, TYPES, XLSX_TYPE, type_of, unreadable
from services.permits.census_reading import Reading, annotate_file, preview_file, read_file, terms_of
from services.permits.domain.census import Terms, Tree, utm_of
from services.permits.domain.export import Placed, csv_of, rows_of
from services.permits.domain.lifecycle import transition
from services.permits.domain.plan import Plan
from services.permits.domain.verification import CensusVerified
from services.permits.schemas.plans import CensusAnswer, CensusPreview, TreeOut, Utm
from services.permits.schemas.words import Page
from services.permits.store import acts, census, plans, verifications
from services.permits.store.acts import PlanAct
from services.permits.store.census import StandingTree
from services.permits.store.session import Tx
from services.permits.table_out import workbook_of
from shared.refusal import Malformed, Missing
from shared.tlog import canon
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["census"])
FORMATS = openapi_of(TYPES)
T = TypeVar("T")


@router.post("/v1/plans/{plan_id}/census", response_model=CensusAnswer, openapi_extra=FORMATS)
async def upload_census(
    plan_id: str, request: Request, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """The whole census of a draft, accepted whole or not at all. Another upload takes the place of the first.

    The file is read before the transaction that keeps it: no connection and no lock waits for a slow workbook. One of
    many thousand trees is better handed in as a job.
    """
    data, media_type = await census_in(request)
    async with command.glance() as look:
        if look.first:
            return look.first
        terms, day = terms_of(await draft(look.tx, plan_id, grant)), look.today
    reading = await _read(house, read_file, data, media_type, terms, day)
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await draft(work.tx, plan_id, grant)
        await keep_census(work, plan, reading)
        return await work.answer(200, reading.answer(plan.id))


async def census_in(request: Request) -> tuple[bytes, str]:
    """The file of a request and its type."""
    return await file_of(request, TYPES, type_of, unreadable)


async def draft(tx: Tx, plan_id: str, grant: Grant) -> Plan:
    """A draft of the caller's, locked."""
    plan = await plan_to_change(tx, plan_id, grant)
    transition("plan", "upload_census").take(plan.id, plan.state, "", {})
    return plan


async def keep_census(work: Work, plan: Plan, reading: Reading) -> None:
    """Store a census read for this draft, in place of the one before. Whoever is not of the community needs a delegation
    that covers what it lists."""
    tx, caller, summary = work.tx, work.caller, reading.summary
    if await verifications.verifications(tx, plan.id):
        raise CensusVerified(plan.id)
    await delegated(work, plan.org, plan.id, "upload_census", reading.harvestable_dm3)
    await census.replace_census(tx, plan, reading.census.trees, reading.lines)
    await plans.note_census(tx, plan.id, caller.sub, summary)
    await acts.add_act(
        tx, plan.id, PlanAct("upload_census", caller.sub, caller.org, work.now, summary.root, plan.state)
    )


async def _read(
    house: House,
    read: Callable[[bytes, str, Terms, date], T],
    data: bytes,
    media_type: str,
    terms: Terms,
    day: date,
) -> T:
    """One census at a time, on the thread that reads them."""
    return await asyncio.get_running_loop().run_in_executor(house.reader, read, data, media_type, terms, day)


@router.post("/v1/plans/{plan_id}/census/preview", openapi_extra=FORMATS)
async def preview_census(plan_id: str, request: Request, grant: GrantDep, house: HouseDep) -> CensusPreview:
    """What an upload would find: counts, columns, errors, declared volumes beside computed ones. Nothing is stored."""
    data, media_type, terms, day = await _to_look_at(plan_id, request, grant, house)
    return await _read(house, preview_file, data, media_type, terms, day)


@router.post(
    "/v1/plans/{plan_id}/census/annotated",
    response_class=Response,
    responses={200: {"content": {XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra=FORMATS,
)
async def annotate_census(plan_id: str, request: Request, grant: GrantDep, house: HouseDep) -> Response:
    """The file back as a workbook: the same rows, the problems of each beside it, and a sheet of all. Nothing is stored."""
    data, media_type, terms, day = await _to_look_at(plan_id, request, grant, house)
    return _attached(plan_id, "errores", await _read(house, annotate_file, data, media_type, terms, day), XLSX_TYPE)


async def _to_look_at(plan_id: str, request: Request, grant: Grant, house: House) -> tuple[bytes, str, Terms, date]:
    data, media_type = await census_in(request)
    async with house.database.transaction(grant.caller) as tx:
        plan = await concerned_plan(tx, plan_id, grant, "preview_census")
    return data, media_type, terms_of(plan), house.today


# ---- the census as a file again


@router.get(
    "/v1/plans/{plan_id}/census.csv",
    response_class=Response,
    responses={200: {"content": {CSV_TYPE: {"schema": {"type": "string"}}}}},
)
async def export_csv(plan_id: str, grant: GrantDep, house: HouseDep) -> Response:
    """The census as CSV, places included, for those concerned and whom the community lets read it. Uploaded again it gives
    the same trees."""
    plan, trees = await _whole(plan_id, grant, house, "export_csv")
    rows = await asyncio.to_thread(_rows, trees, plan.form_factor_milli)
    return _attached(plan_id, "censo", await asyncio.to_thread(csv_of, rows), CSV_TYPE)


@router.get(
    "/v1/plans/{plan_id}/census.xlsx",
    response_class=Response,
    responses={200: {"content": {XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def export_xlsx(plan_id: str, grant: GrantDep, house: HouseDep) -> Response:
    """As the CSV, as a workbook."""
    plan, trees = await _whole(plan_id, grant, house, "export_xlsx")
    rows = await asyncio.to_thread(_rows, trees, plan.form_factor_milli)
    loop = asyncio.get_running_loop()
    book = await loop.run_in_executor(house.reader, workbook_of, [("Censo", rows)])
    return _attached(plan_id, "censo", book, XLSX_TYPE)


async def _whole(plan_id: str, grant: Grant, house: House, action: str) -> tuple[Plan, list[StandingTree]]:
    async with house.database.transaction(grant.caller) as tx:
        plan, reach = await visible_plan(tx, plan_id, grant), await reach_of(tx, grant)
        ground = reach.of_census(plan)
        if ground is None:
            raise OtherOrganisation(action)
        await reach.note(tx, [(plan.org, plan.region, "census", plan.id, ground)])
        return plan, await census.all_trees(tx, plan.id)


def _rows(trees: list[StandingTree], form_factor_milli: int) -> list[list[str | int | float | None]]:
    return rows_of([_placed(tree) for tree in trees], form_factor_milli)


def _placed(tree: StandingTree) -> Placed:
    zone, easting_dm, northing_dm = ("", 0, 0) if tree.document is None else utm_of(tree.document)
    whole = Tree(
        tree.parcel, tree.code, tree.species, tree.trade_name, tree.block or "", tree.line or "", tree.dbh_mm,
        tree.height_mm, tree.volume_dm3, tree.condition, zone, easting_dm, northing_dm, tree.dmc_mm, "", 0,
        tree.surveyed_on,
    )  # fmt: skip
    return Placed(whole, tree.document is not None)


def _attached(plan_id: str, word: str, content: bytes, media_type: str) -> Response:
    ending = "csv" if media_type == CSV_TYPE else "xlsx"
    headers = {"content-disposition": f'attachment; filename="{word}-{plan_id}.{ending}"', "cache-control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)


@router.get("/v1/plans/{plan_id}/trees")
async def list_trees(
    plan_id: str,
    grant: GrantDep,
    house: HouseDep,
    paging: PagingDep,
    parcel: Annotated[str | None, Query(max_length=12)] = None,
    species: Annotated[str | None, Query(max_length=80)] = None,
) -> Page[TreeOut]:
    """The census by parcel and code; where a tree stands only for those concerned."""
    after = place_number(paging, -1)
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        found = await census.trees(tx, plan.id, parcel, species, after, paging.limit + 1)
        await _note_places(tx, grant, plan, found)
    items, more = found[: paging.limit], len(found) > paging.limit
    following = to_cursor(str(items[-1].position)) if more else None
    return Page(items=[_tree(tree) for tree in items], next=following)


@router.get("/v1/plans/{plan_id}/trees/{code}")
async def read_tree(
    plan_id: str,
    code: str,
    grant: GrantDep,
    house: HouseDep,
    parcel: Annotated[str | None, Query(max_length=12)] = None,
) -> TreeOut:
    """One tree. A code that repeats in several parcels needs the parcel."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        found = await census.trees_with_code(tx, plan.id, code, parcel)
        await _note_places(tx, grant, plan, found)
    if not found:
        raise Missing("tree", code)
    if len(found) > 1:
        raise Malformed("parcel", f"{code} se repite en {found[0].parcel} y {found[1].parcel} / repeats in both")
    return _tree(found[0])


async def _note_places(tx: Tx, grant: Grant, plan: Plan, found: list[StandingTree]) -> None:
    """That somebody else than the community was told where trees stand. Row-level security decided whether."""
    if any(tree.document is not None for tree in found):
        reach = await reach_of(tx, grant)
        ground = reach.of_census(plan)
        await reach.note(tx, [(plan.org, plan.region, "census", plan.id, ground)])


def _tree(tree: StandingTree) -> TreeOut:
    utm = None if tree.document is None else Utm(**canon.decode(tree.document)["utm"])
    return TreeOut(
        item=tree.item, parcel=tree.parcel, code=tree.code, species=tree.species, trade_name=tree.trade_name,
        block=tree.block, line=tree.line, dbh_mm=tree.dbh_mm, height_mm=tree.height_mm, volume_dm3=tree.volume_dm3,
        condition=tree.condition, utm=utm,
    )  # fmt: skip
