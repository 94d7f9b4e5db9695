"""Indices and exchange rates: published by stewards in versions, each line with its source, read by anyone."""

from typing import Annotated

from fastapi import Query, Response

from services.contracts.api.books import check_come, check_region
from services.contracts.api.house import Cursor, Limit, StoreDep, today
from services.contracts.domain.decimal_mark import ByItsMark
from services.contracts.domain.pinned import sha256_of
from services.contracts.domain.series import DOLLAR, AnySeries, IndexSeries, RateSeries, SeriesKind
from services.contracts.refusals import BookContested, BookGoesBack, BookNameReserved, BookOfAnother
from services.contracts.schemas.stewards import IndexSeriesOut, ListedSeriesOut, RateSeriesOut, SeriesListOut
from services.contracts.shipped import world_bank_indices
from services.contracts.store import Store
from services.contracts.store.series import (
    PublishedSeries,
    add_series,
    latest_series,
    series_version,
    series_with,
)
from shared.refusal import Missing
from shared.web.access import NATIONAL, GrantDep
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["books"])
Version = Annotated[int | None, Query(ge=0, le=1_000_000)]


@router.post("/v1/indices", status_code=201, responses={200: {"model": IndexSeriesOut}})
async def publish_index(
    series: Annotated[IndexSeries, ByItsMark], grant: GrantDep, store: StoreDep, response: Response
) -> IndexSeriesOut:
    """Publish a version of an index, all its figures with their sources. The same content again answers 200."""
    if series.id == DOLLAR or series.id in world_bank_indices():
        raise BookNameReserved(series.id)
    published, new = await _publish(store, "index", series, grant.known)
    response.status_code = 201 if new else 200
    return _index(published)


@router.get("/v1/indices")
async def list_indices(store: StoreDep, cursor: Cursor = None, limit: Limit = 50) -> SeriesListOut:
    """The latest version of each index, and on the first page those that come with the house."""
    page = await _list(store, "index", cursor, limit)
    if cursor is not None:
        return page
    shipped = [
        ListedSeriesOut(id=one.id, version=0, title=one.title, as_of=one.as_of, sha256=sha256_of(one))
        for one in world_bank_indices().values()
    ]
    return SeriesListOut(items=[*shipped, *page.items], next=page.next)


@router.get("/v1/indices/{index_id}")
async def read_index(index_id: str, store: StoreDep, version: Version = None) -> IndexSeriesOut:
    """One version of an index, the latest unless asked otherwise."""
    if (shipped := world_bank_indices().get(index_id)) is not None and not version:
        return IndexSeriesOut(
            id=index_id, version=0, sha256=sha256_of(shipped), published_by_org=None, published_at=None, series=shipped
        )
    return _index(await _read(store, "index", index_id, version))


@router.post("/v1/fx-rates", status_code=201, responses={200: {"model": RateSeriesOut}})
async def publish_rates(
    series: Annotated[RateSeries, ByItsMark], grant: GrantDep, store: StoreDep, response: Response
) -> RateSeriesOut:
    """Publish a version of a source's exchange rates, soles for one dollar. The same content again answers 200."""
    published, new = await _publish(store, "fx", series, grant.known)
    response.status_code = 201 if new else 200
    return _rates(published)


@router.get("/v1/fx-rates")
async def list_rates(store: StoreDep, cursor: Cursor = None, limit: Limit = 50) -> SeriesListOut:
    """The latest version of each source of exchange rates."""
    return await _list(store, "fx", cursor, limit)


@router.get("/v1/fx-rates/{series_id}")
async def read_rates(series_id: str, store: StoreDep, version: Version = None) -> RateSeriesOut:
    """One version of a source's exchange rates, the latest unless asked otherwise."""
    return _rates(await _read(store, "fx", series_id, version))


async def _publish(store: Store, kind: SeriesKind, series: AnySeries, caller: Caller) -> tuple[PublishedSeries, bool]:
    """The version of this content, and whether this call made it. Figures of the whole country: a national steward."""
    check_region(caller, NATIONAL)
    check_come(series.as_of, today())
    digest = sha256_of(series)
    async with store.db.transaction(caller) as tx:
        last = await series_version(tx, kind, series.id)
        if last is not None and last.published_by_org != caller.org:
            raise BookOfAnother("publish_series", "organisation", series.id, last.published_by_org)
        same = await series_with(tx, kind, series.id, digest)
        if same is not None:
            return same, False
        if last is not None and series.as_of < last.as_of:
            raise BookGoesBack(series.id, last.as_of.isoformat())
        made = await add_series(tx, kind, series, 1 if last is None else last.version + 1, caller)
        stored = await series_with(tx, kind, series.id, digest)
    if stored is None:
        raise BookContested(series.id)
    return stored, made


async def _list(store: Store, kind: SeriesKind, cursor: str | None, limit: int) -> SeriesListOut:
    async with store.db.transaction() as tx:
        found = await latest_series(tx, kind, cursor, limit + 1)
    items = [
        ListedSeriesOut(id=one.id, version=one.version, title=one.title, as_of=one.as_of, sha256=one.sha256)
        for one in found[:limit]
    ]
    return SeriesListOut(items=items, next=found[limit - 1].id if len(found) > limit else None)


async def _read(store: Store, kind: SeriesKind, name: str, version: int | None) -> PublishedSeries:
    async with store.db.transaction() as tx:
        found = await series_version(tx, kind, name, version)
    if found is None:
        raise Missing("index" if kind == "index" else "fx_rates", name)
    return found


def _index(one: PublishedSeries) -> IndexSeriesOut:
    return IndexSeriesOut(
        id=one.id, version=one.version, sha256=one.sha256, published_by_org=one.published_by_org,
        published_at=one.published_at, series=IndexSeries.read_back(one.content),
    )  # fmt: skip


def _rates(one: PublishedSeries) -> RateSeriesOut:
    return RateSeriesOut(
        id=one.id, version=one.version, sha256=one.sha256, published_by_org=one.published_by_org,
        published_at=one.published_at, series=RateSeries.read_back(one.content),
    )  # fmt: skip
