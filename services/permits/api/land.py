"""Boundaries judged, kept and laid over other land: shapes of parcels, zones of titles, the figures of a plan's land."""

import asyncio
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response

from services.permits.api.census import draft
from services.permits.api.house import CommandDep, House, HouseDep, PagingDep
from services.permits.api.plans import concerned_plan, visible_plan
from services.permits.api.territory import sees_in_full
from services.permits.api.uploads import file_of, openapi_of
from services.permits.domain.land.document import geojson_of
from services.permits.domain.land.drawing import Datum, Drawing, decide_frame
from services.permits.domain.land.facts import weigh
from services.permits.domain.land.faults import LandFault, unreadable
from services.permits.domain.land.judge import Judgement, Land, judge
from services.permits.domain.land.limits import LandLimits, land_limits_on
from services.permits.domain.norms import limits_on
from services.permits.domain.party import NumberTaken
from services.permits.domain.plan import Plan
from services.permits.domain.title import Title
from services.permits.land_file import TYPES, read_drawing, type_of
from services.permits.schemas.land import (
    Accept,
    DatumTrialOut,
    FaultOut,
    LandCheckOut,
    LandPreview,
    OverlapOut,
    PlacedOut,
    ShapeOut,
    SourceOut,
    TreesPlacedOut,
    Zone,
    ZoneCode,
    ZoneOut,
)
from services.permits.schemas.words import Page, ParcelCode
from services.permits.store import census, land, titles
from services.permits.store.session import Tx
from shared.refusal import Malformed, Missing
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["land"])
FILE = openapi_of(TYPES)
AcceptQuery = Annotated[Accept, Query()]
DatumQuery = Annotated[Datum | None, Query()]
ZoneQuery = Annotated[Zone | None, Query()]


# ---- judging a file


async def _judged(
    request: Request, house: House, datum: Datum | None, zone: Zone | None, title: bytes | None = None
) -> Judgement:
    """The file of a request, judged in a thread."""
    data, media_type = await file_of(request, TYPES, type_of, unreadable)
    return await asyncio.to_thread(_judge, data, media_type, datum, zone, title, house.today)


def _judge(
    data: bytes, media_type: str, datum: Datum | None, zone: Zone | None, title: bytes | None, today: date
) -> Judgement:
    drawing = read_drawing(data, media_type)
    frame = decide_frame(drawing, datum, zone)
    return judge(drawing, frame, limits_on(today), land_limits_on(today), title)


async def _preview(
    request: Request, house: House, datum: Datum | None, zone: Zone | None, title: bytes | None = None
) -> LandPreview:
    """What storing would say, without storing. A file that cannot be read at all, or whose numbers mean nothing without
    datum and zone, is refused."""
    found = await _judged(request, house, datum, zone, title)
    return LandPreview(
        form=found.drawing.form, datum=found.frame.datum, zone=found.frame.zone,
        points=len(found.drawing.points), faults=[_fault(fault) for fault in found.faults], accept=found.needed,
        usable=found.document is not None,
        polygon=None if found.document is None else geojson_of(found.document),
        area_m2=None if found.document is None else found.area_m2, transformation=found.transformation(),
        as_written=_as_written(found.drawing),
    )  # fmt: skip


def _fault(fault: LandFault) -> FaultOut:
    facts = {name: value for name, value in fault.facts().items() if name not in ("offer", "fix", "where")}
    return FaultOut(
        slug=fault.slug, fix=fault.fix, where=fault.where, es=fault.text("es"), en=fault.text("en"), facts=facts
    )


def _as_written(drawing: Drawing) -> dict[str, Any]:
    """The points as they stand in the file, in the form of GeoJSON though perhaps in metres."""
    return {"type": "MultiPolygon", "coordinates": drawing.polygons}


def source_of(source: bytes) -> SourceOut:
    """How a boundary arrived."""
    return SourceOut.model_validate(orjson.loads(source))


@router.post("/v1/titles/preview", openapi_extra=FILE)
async def preview_title(
    request: Request, house: HouseDep, datum: DatumQuery = None, zone: ZoneQuery = None
) -> LandPreview:
    """Judge a boundary before it is registered: send ``as_written`` with datum, zone and ``accept`` to register it."""
    return await _preview(request, house, datum, zone)


# ---- parcels


@router.post("/v1/plans/{plan_id}/parcels/{code}/shape/preview", openapi_extra=FILE)
async def preview_shape(
    plan_id: str, code: ParcelCode, request: Request, grant: GrantDep, house: HouseDep, datum: DatumQuery = None,
    zone: ZoneQuery = None,
) -> LandPreview:  # fmt: skip
    """Judge the shape of a parcel, its datum against the title too. Nothing is stored."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await concerned_plan(tx, plan_id, grant, "preview_shape")
        _parcel(plan, code)
        title = await land.title_polygon(tx, plan.title)
    return await _preview(request, house, datum, zone, title[0] if title else None)


@router.post("/v1/plans/{plan_id}/parcels/{code}/shape", response_model=ShapeOut, openapi_extra=FILE)
async def upload_shape(
    plan_id: str, code: ParcelCode, request: Request, grant: GrantDep, command: CommandDep, house: HouseDep,
    datum: DatumQuery = None, zone: ZoneQuery = None, accept: AcceptQuery = [],  # noqa: B006
) -> Response:  # fmt: skip
    """The shape of a parcel of a draft. Another upload takes the place of the first. Repairs only as accepted."""
    async with command.glance() as look:
        if look.first:
            return look.first
        plan = await draft(look.tx, plan_id, grant)
        _parcel(plan, code)
        title = await land.title_polygon(look.tx, plan.title)
    judgement = await _judged(request, house, datum, zone, title[0] if title else None)
    shape = judgement.settle(accept)
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await draft(work.tx, plan_id, grant)
        await land.replace_shape(work.tx, plan, code, shape, work.caller.sub)
        return await work.answer(200, _shape(plan.id, code, shape))


@router.get("/v1/plans/{plan_id}/parcels/{code}/shape")
async def read_shape(plan_id: str, code: ParcelCode, grant: GrantDep, house: HouseDep) -> ShapeOut:
    """The shape of a parcel, for those concerned."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        found = await land.shapes(tx, plan.id, code)
    if not found:
        raise Missing("shape", code)
    return _shape(plan.id, code, found[0])


def _parcel(plan: Plan, code: str) -> None:
    if code not in [parcel.code for parcel in plan.parcels]:
        raise Missing("parcel", code)


def _shape(plan: str, parcel: str, shape: Land | land.Shape) -> ShapeOut:
    return ShapeOut(
        plan=plan, parcel=parcel, area_m2=shape.area_m2, sha256=shape.sha256, polygon=geojson_of(shape.document),
        source=source_of(shape.source),
    )  # fmt: skip


# ---- zones


@router.post("/v1/titles/{number}/zones/preview", openapi_extra=FILE)
async def preview_zone(
    number: str, request: Request, grant: GrantDep, house: HouseDep, datum: DatumQuery = None, zone: ZoneQuery = None
) -> LandPreview:
    """Judge a zone, its datum against the title too. Nothing is stored."""
    async with house.database.transaction(grant.caller) as tx:
        title = await _own_title(tx, number, grant)
        polygon = await land.title_polygon(tx, title.number)
    return await _preview(request, house, datum, zone, polygon[0] if polygon else None)


@router.post("/v1/titles/{number}/zones", status_code=201, response_model=ZoneOut, openapi_extra=FILE)
async def register_zone(
    number: str, request: Request, grant: GrantDep, command: CommandDep, house: HouseDep,
    code: Annotated[ZoneCode, Query()], kind: Annotated[str, Query(max_length=40)], datum: DatumQuery = None,
    zone: ZoneQuery = None, accept: AcceptQuery = [],  # noqa: B006
) -> Response:  # fmt: skip
    """A zone of a title: of its general plan, or one in which the community does not cut. It does not change; it may be
    withdrawn. The same content again is answered as known (200)."""
    land_limits = land_limits_on(house.today)
    if kind not in land_limits.kinds:
        raise Malformed("kind", f"uno de / one of: {', '.join(land_limits.kinds)}")
    if kind in land_limits.by_authority and not command.caller.roles & {"authority"}:
        raise OtherOrganisation("register_zone")  # what binds the neighbours too is registered by the authority
    async with command.glance() as look:
        if look.first:
            return look.first
        title = await _own_title(look.tx, number, grant)
        polygon = await land.title_polygon(look.tx, title.number)
    judgement = await _judged(request, house, datum, zone, polygon[0] if polygon else None)
    drawn = judgement.settle(accept)
    async with command.transaction() as work:
        if work.first:
            return work.first
        added = await land.add_zone(work.tx, title, code, kind, drawn, work.caller.sub, work.now)
        known = await land.zone(work.tx, title.number, code)
        if known is None or (known.kind, known.sha256) != (kind, drawn.sha256):
            raise NumberTaken("zone", code)
        return await work.answer(201 if added else 200, _zone_out(title.number, known, land_limits))


@router.post("/v1/titles/{number}/zones/{code}/withdraw", response_model=ZoneOut)
async def withdraw_zone(number: str, code: str, grant: GrantDep, command: CommandDep, house: HouseDep) -> Response:
    """The zone counts no more; it stays readable. May be repeated."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        title = await _own_title(work.tx, number, grant)
        await land.withdraw_zone(work.tx, title.number, code, work.caller.sub, work.now)
        known = await land.zone(work.tx, title.number, code)
        if known is None:
            raise Missing("zone", code)
        return await work.answer(200, _zone_out(title.number, known, land_limits_on(house.today)))


@router.get("/v1/titles/{number}/zones")
async def list_zones(number: str, grant: GrantDep, house: HouseDep, paging: PagingDep) -> Page[ZoneOut]:
    """The zones of a title by code, withdrawn ones too, for those who may see its polygon."""
    land_limits = land_limits_on(house.today)
    async with house.database.transaction(grant.caller) as tx:
        if await titles.title(tx, number) is None:
            raise Missing("title", number)
        if await land.title_polygon(tx, number) is None:
            raise OtherOrganisation("list_zones")
        items, following = paging.page(
            await land.zones(tx, number, paging.after, paging.limit + 1), lambda zone: zone.code
        )
    return Page(items=[_zone_out(number, zone, land_limits) for zone in items], next=following)


async def _own_title(tx: Tx, number: str, grant: Grant) -> Title:
    """A title of the caller's organisation or of an officer's region."""
    known = await titles.title(tx, number)
    if known is None:
        raise Missing("title", number)
    if not sees_in_full(grant, known[0].region, known[0].org):
        raise OtherOrganisation("zone")
    return known[0]


def _zone_out(title: str, zone: land.Zone, limits: LandLimits) -> ZoneOut:
    return ZoneOut(
        title=title, code=zone.code, kind=zone.kind, harvest=limits.harvests(zone.kind), area_m2=zone.area_m2,
        sha256=zone.sha256, polygon=geojson_of(zone.document), source=source_of(zone.source),
        registered_at=zone.registered_at, withdrawn_at=zone.withdrawn_at,
    )  # fmt: skip


# ---- the figures of a plan's land


@router.get("/v1/plans/{plan_id}/land-check")
async def check_land(plan_id: str, grant: GrantDep, house: HouseDep) -> LandCheckOut:
    """Areas outside the title and the zones of harvest, overlaps with other land, and what the datum would change."""
    limits = land_limits_on(house.today)
    async with house.database.transaction(grant.caller) as tx:
        plan = await concerned_plan(tx, plan_id, grant, "check_land")
        stored = await land.land_of(tx, plan, await census.placed_lines(tx, plan.id))
    facts = await asyncio.to_thread(weigh, stored, limits)
    trial = facts.datum
    return LandCheckOut(
        plan=plan.id, title=plan.title, norms=limits.version, cycle_years=limits.cycle_years,
        parcels=[PlacedOut(**asdict(one)) for one in facts.placed],
        overlaps=[OverlapOut(**asdict(one)) for one in facts.overlaps],
        datum=None if trial is None else DatumTrialOut(**asdict(trial), suspected=trial.suspected(limits)),
        trees=None if facts.trees is None else TreesPlacedOut(**asdict(facts.trees)),
        not_measured=facts.not_measured,
    )  # fmt: skip
