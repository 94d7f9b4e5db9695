"""Price books and cost books: published by stewards with their sources, read by anyone, never rewritten."""

from typing import Annotated

from fastapi import Query, Response

from services.contracts.api.house import Cursor, Limit, StoreDep, today
from services.contracts.domain.appraisal import sha256_of
from services.contracts.domain.book import CostBook, PriceBook, Signatory
from services.contracts.domain.border import Slug
from services.contracts.domain.decimal_mark import ByItsMark
from services.contracts.domain.signature import SelfSigned, check_signature
from services.contracts.refusals import (
    BookContested,
    BookGoesBack,
    BookNameReserved,
    BookOfAnother,
    PrivateGrade,
)
from services.contracts.schemas import BooksOut, CostBookOut, ListedBookOut, PriceBookOut, SeriesOut
from services.contracts.schemas.signatures import SignatureIn, SignatureOut
from services.contracts.shipped import world_bank
from services.contracts.store import BookKind, Published, Store
from services.contracts.store.signatures import add_signature, author_of, signatures_of
from shared.refusal import Missing
from shared.web.access import NATIONAL, GrantDep, OtherRegion
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["books"])
# A regent is a licensed forester of any region; a steward signs in the own region.
FORESTER = frozenset({"regent"})
Region = Annotated[Slug | None, Query()]
Version = Annotated[int | None, Query(ge=1, le=1_000_000)]


@router.post("/v1/price-books", status_code=201, responses={200: {"model": PriceBookOut}})
async def publish_price_book(
    book: Annotated[PriceBook, ByItsMark], grant: GrantDep, store: StoreDep, response: Response
) -> PriceBookOut:
    """Publish a version of a price book. The same content again answers 200 with its version."""
    for number, entry in enumerate(book.entries):
        if entry.grade == "given":
            raise PrivateGrade(f"body.entries.{number}.grade")
    book.check_days()
    published, new = await _publish(store, "price", book, grant.known)
    response.status_code = 201 if new else 200
    return _price_book(published)


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
async def read_price_book(book_id: str, store: StoreDep, version: Version = None) -> PriceBookOut | SeriesOut:
    """One version of a price book, the latest unless asked otherwise; or a series."""
    if book_id == world_bank()["id"]:
        return SeriesOut.model_validate(world_bank())
    return _price_book(await _read(store, "price", book_id, version))


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
    published, new = await _publish(store, "cost", book, grant.known)
    response.status_code = 201 if new else 200
    return await _cost_book(store, published)


@router.get("/v1/cost-books")
async def list_cost_books(store: StoreDep, region: Region = None, cursor: Cursor = None, limit: Limit = 50) -> BooksOut:
    """The latest version of each cost book."""
    return await _list(store, "cost", region, cursor, limit)


@router.get("/v1/cost-books/{book_id}")
async def read_cost_book(book_id: str, store: StoreDep, version: Version = None) -> CostBookOut:
    """One version of a cost book, the latest unless asked otherwise."""
    return await _cost_book(store, await _read(store, "cost", book_id, version))


@router.post("/v1/cost-books/{book_id}/signatures", status_code=201, responses={200: {"model": CostBookOut}})
async def sign_cost_book(
    book_id: str, body: SignatureIn, grant: GrantDep, store: StoreDep, response: Response
) -> CostBookOut:
    """Put a second person's name under one version, named by the hash that was read. Signing again answers 200."""
    caller = grant.known
    signature = Signatory(name=body.name, licence=body.licence, on=today())
    async with store.db.transaction(caller) as tx:
        published = await store.book(tx, "cost", book_id, body.version)
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


async def _publish(store: Store, kind: BookKind, book: PriceBook | CostBook, caller: Caller) -> tuple[Published, bool]:
    """The version of this content, and whether this call made it."""
    check_region(caller, book.region)
    if book.id == world_bank()["id"]:
        raise BookNameReserved(book.id)
    async with store.db.transaction(caller) as tx:
        last = await store.book(tx, kind, book.id)
        if last is not None and last.published_by_org != caller.org:
            raise BookOfAnother("publish_book", "organisation", book.id, last.published_by_org)
        same = await store.book_with(tx, kind, book.id, sha256_of(book))
        if same is not None:
            return same, False
        if last is not None and book.as_of < last.as_of:
            raise BookGoesBack(book.id, last.as_of.isoformat())
        made = await store.add_book(tx, kind, book, 1 if last is None else last.version + 1, caller)
        stored = await store.book_with(tx, kind, book.id, sha256_of(book))
    if stored is None:
        raise BookContested(book.id)
    return stored, made


def check_region(caller: Caller, region: str) -> None:
    """The house publishes for every region, an officer for the own one; one whose token names none, for none."""
    house = caller.region is None and "operator" in caller.roles
    if not house and caller.region not in (NATIONAL, region):
        raise OtherRegion("publish_book", "region", caller.region or "–", region)


async def _list(store: Store, kind: BookKind, region: str | None, cursor: str | None, limit: int) -> BooksOut:
    async with store.db.transaction() as tx:
        found = await store.books(tx, kind, region, cursor, limit + 1)
    items = [
        ListedBookOut(
            id=one.id, kind="book", version=str(one.version), title=one.title, region=one.region,
            as_of=one.as_of.isoformat(), sha256=one.sha256,
        )
        for one in found[:limit]
    ]  # fmt: skip
    return BooksOut(items=items, next=found[limit - 1].id if len(found) > limit else None)


async def _read(store: Store, kind: BookKind, book_id: str, version: int | None) -> Published:
    async with store.db.transaction() as tx:
        found = await store.book(tx, kind, book_id, version)
    if found is None:
        raise Missing(f"{kind}_book", book_id)
    return found


def _price_book(one: Published) -> PriceBookOut:
    return PriceBookOut(
        id=one.id, kind="book", version=one.version, sha256=one.sha256, published_by_org=one.published_by_org,
        published_at=one.published_at, book=PriceBook.model_validate_json(one.content),
    )  # fmt: skip


async def _cost_book(store: Store, one: Published) -> CostBookOut:
    async with store.db.transaction() as tx:
        signed = await signatures_of(tx, one.id, one.version)
    return CostBookOut(
        id=one.id, kind="book", version=one.version, sha256=one.sha256, published_by_org=one.published_by_org,
        published_at=one.published_at, book=CostBook.model_validate_json(one.content),
        signatures=[
            SignatureOut(
                name=s.name, licence=s.licence, on=s.signed_on, signed_by_org=s.signed_by_org, sha256=s.sha256
            )
            for s in signed
        ],
    )  # fmt: skip
