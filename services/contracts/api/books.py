"""Price books and cost books: published by stewards with their sources, read by anyone, never rewritten."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query, Response

from services.contracts.api.house import Cursor, Limit, StoreDep, today
from services.contracts.domain.announced import Letter, write
from services.contracts.domain.book import CostBook, PriceBook, Signatory
from services.contracts.domain.border import Slug
from services.contracts.domain.decimal_mark import ByItsMark
from services.contracts.domain.market import MADE_OF_REPORTS, Snapshot, name_of
from services.contracts.domain.pinned import sha256_of
from services.contracts.domain.price_report import FutureDate
from services.contracts.domain.signature import SelfSigned, check_signature
from services.contracts.refusals import (
    BookContested,
    BookGoesBack,
    BookNameReserved,
    BookOfAnother,
    PrivateGrade,
)
from services.contracts.schemas.books import BooksOut, CostBookOut, InLogOut, ListedBookOut, PriceBookOut, SeriesOut
from services.contracts.schemas.signatures import SignatureIn, SignatureOut
from services.contracts.shipped import world_bank
from services.contracts.store import Store, market, outbox
from services.contracts.store import books as books_store
from services.contracts.store.books import BookKind, Published
from services.contracts.store.price_reports import Tx
from services.contracts.store.signatures import add_signature, author_of, signatures_of
from shared.refusal import Malformed, Missing
from shared.web.access import NATIONAL, GrantDep, OtherRegion
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["books"])
# A regent is a licensed forester of any region; a steward signs in the own region.
FORESTER = frozenset({"regent"})
Region = Annotated[Slug | None, Query()]
Version = Annotated[int | None, Query(ge=1, le=1_000_000)]
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@router.post("/v1/price-books", status_code=201, responses={200: {"model": PriceBookOut}})
async def publish_price_book(
    book: Annotated[PriceBook, ByItsMark], grant: GrantDep, store: StoreDep, response: Response
) -> PriceBookOut:
    """Publish a version of a price book. The same content again answers 200 with its version."""
    for number, entry in enumerate(book.entries):
        if entry.grade == "given":
            raise PrivateGrade(f"body.entries.{number}.grade")
    book.check_days()
    if book.id.startswith(MADE_OF_REPORTS):
        raise BookNameReserved(book.id)
    published, new = await publish(store, "price", book, grant.known)
    response.status_code = 201 if new else 200
    return await shown_price_book(store, published)


@router.get("/v1/price-books")
async def list_price_books(
    store: StoreDep, region: Region = None, cursor: Cursor = None, limit: Limit = 50
) -> BooksOut:
    """The latest version of each price book, and on the first page the series that come with the house."""
    page = await _list(store, "price", region, cursor, limit)
    if cursor is not None or region is not None:
        return page
    series = world_bank()
    listed = ListedBookOut(
        id=series["id"], kind="series", version=series["version"], title=series["title"], region=None,
        as_of=series["version"], sha256=series["sha256"],
    )  # fmt: skip
    return BooksOut(items=[listed, *page.items], next=page.next)


@router.get("/v1/price-books/{book_id}")
async def read_price_book(
    book_id: str, store: StoreDep, version: Version = None, region: Region = None
) -> PriceBookOut | SeriesOut:
    """One version of a price book, the latest unless asked otherwise; or a series. A day in the place of the name, with
    ``region``, asks for the book made from reports that was the newest on it."""
    if book_id == world_bank()["id"]:
        return SeriesOut.model_validate(world_bank())
    return await shown_price_book(store, await read_book(store, "price", book_id, version, region))


@router.post("/v1/cost-books", status_code=201, responses={200: {"model": CostBookOut}})
async def publish_cost_book(
    book: Annotated[CostBook, ByItsMark], grant: GrantDep, store: StoreDep, response: Response
) -> CostBookOut:
    """Publish a version of a cost book. The same content again answers 200 with its version.

    It carries no verdict until a second person has signed it.
    """
    if book.signed_by is not None:
        raise SelfSigned("body.signed_by")
    book.check_days()
    published, new = await publish(store, "cost", book, grant.known)
    response.status_code = 201 if new else 200
    return await _cost_book(store, published)


@router.get("/v1/cost-books")
async def list_cost_books(store: StoreDep, region: Region = None, cursor: Cursor = None, limit: Limit = 50) -> BooksOut:
    """The latest version of each cost book."""
    return await _list(store, "cost", region, cursor, limit)


@router.get("/v1/cost-books/{book_id}")
async def read_cost_book(book_id: str, store: StoreDep, version: Version = None) -> CostBookOut:
    """One version of a cost book, the latest unless asked otherwise."""
    return await _cost_book(store, await read_book(store, "cost", book_id, version))


@router.post("/v1/cost-books/{book_id}/signatures", status_code=201, responses={200: {"model": CostBookOut}})
async def sign_cost_book(
    book_id: str, body: SignatureIn, grant: GrantDep, store: StoreDep, response: Response
) -> CostBookOut:
    """Put a second person's name under one version, named by the hash that was read. Signing again answers 200."""
    caller = grant.known
    signature = Signatory(name=body.name, licence=body.licence, on=today())
    async with store.db.transaction(caller) as tx:
        published = await books_store.book(tx, "cost", book_id, body.version)
        author = await author_of(tx, book_id, body.version)
        if published is None or author is None:
            raise Missing("cost_book", f"{book_id} {body.version}")
        if not FORESTER & caller.roles:
            check_region(caller, published.region)
        check_signature(book_id, published.sha256, body.sha256, author, caller.sub)
        pinned = sha256_of({"book_sha256": published.sha256, **signature.model_dump(mode="json")})
        new = await add_signature(
            tx, book_id, body.version, caller, signature.name, signature.licence, signature.on, pinned
        )
    response.status_code = 201 if new else 200
    return await _cost_book(store, published)


async def publish(
    store: Store, kind: BookKind, book: PriceBook | CostBook, caller: Caller, made_of: Snapshot | None = None
) -> tuple[Published, bool]:
    """The version of this content, and whether this call made it. A price book goes on into the log."""
    check_region(caller, book.region)
    if book.id == world_bank()["id"]:
        raise BookNameReserved(book.id)
    check_come(book.as_of, today())
    async with store.db.transaction(caller) as tx:
        last = await books_store.book(tx, kind, book.id)
        if last is not None and last.published_by_org != caller.org:
            raise BookOfAnother("publish_book", "organisation", book.id, last.published_by_org)
        same = await books_store.book_with(tx, kind, book.id, sha256_of(book))
        if same is not None:
            return same, False
        if last is not None and book.as_of < last.as_of:
            raise BookGoesBack(book.id, last.as_of.isoformat())
        made = await books_store.add_book(tx, kind, book, 1 if last is None else last.version + 1, caller)
        stored = await books_store.book_with(tx, kind, book.id, sha256_of(book))
        if stored is None:
            raise BookContested(book.id)
        if made and kind == "price":
            at = datetime.now(UTC).replace(microsecond=0)
            await outbox.announce(tx, _letter(stored, caller, at), at)
        if made and made_of is not None:
            await _note_sources(tx, stored, made_of, caller)
    return stored, made


def _subject(book: Published) -> str:
    return f"book:{book.id}/{book.version}"


def _letter(book: Published, caller: Caller, at: datetime) -> Letter:
    """What the log is told of a publication (docs/format.md, price_book.published)."""
    body = {
        "book": book.id, "version": book.version, "region": book.region, "as_of": book.as_of.isoformat(),
        "sha256": book.sha256, "publisher": caller.org, "by": caller.sub,
    }  # fmt: skip
    return write("price_book.published", _subject(book), body, at)


async def _note_sources(tx: Tx, book: Published, made_of: Snapshot, caller: Caller) -> None:
    """Which reports the book rests on, and which of them move it too far."""
    await market.note_reports(tx, book.id, book.version, made_of.report_ids, made_of.parameters)
    alarming = [(id_, "–" if share is None else f"{abs(share) * 100:.1f}") for id_, share in made_of.alarming]
    await market.open_influence_reviews(tx, alarming, caller)


def check_region(caller: Caller, region: str) -> None:
    """The house publishes for every region, an officer for the own one; one whose token names none, for none."""
    if region_of(caller) not in (None, region):
        raise OtherRegion("publish_book", "region", caller.region or "–", region)


def region_of(caller: Caller) -> str | None:
    """The one region in which a steward acts; ``None``: in every one. Empty where an officer's token names none."""
    if caller.region == NATIONAL or (caller.region is None and "operator" in caller.roles):
        return None
    return caller.region or ""


def check_come(as_of: date, day: date) -> None:
    """Nobody publishes figures of a day that has not come."""
    if as_of > day:
        raise FutureDate("body.as_of", as_of.isoformat(), day.isoformat())


async def _list(store: Store, kind: BookKind, region: str | None, cursor: str | None, limit: int) -> BooksOut:
    async with store.db.transaction() as tx:
        found = await books_store.books(tx, kind, region, cursor, limit + 1)
    items = [
        ListedBookOut(
            id=one.id, kind="book", version=str(one.version), title=one.title, region=one.region,
            as_of=one.as_of.isoformat(), sha256=one.sha256,
        )
        for one in found[:limit]
    ]  # fmt: skip
    return BooksOut(items=items, next=found[limit - 1].id if len(found) > limit else None)


async def read_book(
    store: Store, kind: BookKind, book_id: str, version: int | None, region: str | None = None
) -> Published:
    """A version of a book; by a day and a region, the one made from reports that was the newest then."""
    day = _day(book_id) if kind == "price" else None
    if day is not None and region is None:
        raise Malformed("query.region", "a book by its day needs the region")
    async with store.db.transaction() as tx:
        if day is not None and region is not None:
            found = await books_store.book_of_day(tx, kind, name_of(region), day)
        else:
            found = await books_store.book(tx, kind, book_id, version)
    if found is None:
        raise Missing(f"{kind}_book", book_id)
    return found


def _day(text: str) -> date | None:
    """A book's name begins with a letter, so a day is never one."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


async def shown_price_book(store: Store, one: Published) -> PriceBookOut:
    """A price book as it is answered, with its place in the log."""
    async with store.db.transaction() as tx:
        log = await outbox.standing_about(tx, _subject(one))
    return PriceBookOut(
        id=one.id, kind="book", version=one.version, sha256=one.sha256, published_by_org=one.published_by_org,
        published_at=one.published_at,
        log=None if log is None else InLogOut(state=log.state, sid=log.sid, origin=log.origin, index=log.index),
        book=PriceBook.read_back(one.content),
    )  # fmt: skip


async def _cost_book(store: Store, one: Published) -> CostBookOut:
    async with store.db.transaction() as tx:
        signed = await signatures_of(tx, one.id, one.version)
    return CostBookOut(
        id=one.id, kind="book", version=one.version, sha256=one.sha256, published_by_org=one.published_by_org,
        published_at=one.published_at, book=CostBook.read_back(one.content),
        signatures=[
            SignatureOut(
                name=s.name, licence=s.licence, on=s.signed_on, signed_by_org=s.signed_by_org, sha256=s.sha256
            )
            for s in signed
        ],
    )  # fmt: skip
