"""Price books and cost books, in versions that nobody rewrites."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.book import CostBook, PriceBook
from services.contracts.domain.pinned import canonical, sha256_of
from shared.web.auth import Caller

BookKind = Literal["price", "cost"]


class BookRow(SQLModel, table=True):
    """One version of a price book or a cost book."""

    __tablename__ = "book"
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    title: str
    region: str
    as_of: date
    valid_to: date | None
    content: bytes
    sha256: str
    published_by_org: str
    published_by: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """One version of a book as it stands in the database."""

    id: str
    version: int
    sha256: str
    title: str
    region: str
    as_of: date
    published_by_org: str
    published_at: datetime
    content: bytes


_BOOK_COLUMNS = (
    col(BookRow.id), col(BookRow.version), col(BookRow.sha256), col(BookRow.title), col(BookRow.region),
    col(BookRow.as_of), col(BookRow.published_by_org), col(BookRow.published_at), col(BookRow.content),
)  # fmt: skip


async def add_book(tx: AsyncSession, kind: BookKind, book: PriceBook | CostBook, version: int, caller: Caller) -> bool:
    """Store one version. False when that version, or the same content, is already there."""
    row = {
        "kind": kind,
        "id": book.id,
        "version": version,
        "title": book.title,
        "region": book.region,
        "as_of": book.as_of,
        "valid_to": book.valid_to if isinstance(book, CostBook) else None,
        "content": canonical(book),
        "sha256": sha256_of(book),
        "published_by_org": caller.org,
        "published_by": caller.sub,
    }
    statement = insert(BookRow).values(row).on_conflict_do_nothing().returning(col(BookRow.version))
    return (await tx.execute(statement)).first() is not None


async def book(tx: AsyncSession, kind: BookKind, book_id: str, version: int | None = None) -> Published | None:
    """A version of a book; the latest one unless a version is asked for."""
    row = BookRow
    statement = select(*_BOOK_COLUMNS).where(col(row.kind) == kind, col(row.id) == book_id)
    if version is not None:
        statement = statement.where(col(row.version) == version)
    found = (await tx.execute(statement.order_by(col(row.version).desc()).limit(1))).one_or_none()
    return None if found is None else Published(**found._mapping)


async def book_of_day(tx: AsyncSession, kind: BookKind, book_id: str, on: date) -> Published | None:
    """The version of a book that was newest on a day."""
    row = BookRow
    statement = select(*_BOOK_COLUMNS).where(col(row.kind) == kind, col(row.id) == book_id, col(row.as_of) <= on)
    statement = statement.order_by(col(row.as_of).desc(), col(row.version).desc()).limit(1)
    found = (await tx.execute(statement)).one_or_none()
    return None if found is None else Published(**found._mapping)


async def book_with(tx: AsyncSession, kind: BookKind, book_id: str, sha256: str) -> Published | None:
    """The version of a book that has this content."""
    row = BookRow
    statement = select(*_BOOK_COLUMNS).where(col(row.kind) == kind, col(row.id) == book_id, col(row.sha256) == sha256)
    found = (await tx.execute(statement)).one_or_none()
    return None if found is None else Published(**found._mapping)


async def newest_book_for(tx: AsyncSession, kind: BookKind, region: str, on: date) -> Published | None:
    """The book of a region that was newest on a day."""
    row = BookRow
    statement = (
        select(*_BOOK_COLUMNS)
        .where(col(row.kind) == kind, col(row.region) == region, col(row.as_of) <= on)
        .order_by(col(row.as_of).desc(), col(row.published_at).desc(), col(row.id), col(row.version).desc())
        .limit(1)
    )
    found = (await tx.execute(statement)).one_or_none()
    return None if found is None else Published(**found._mapping)


async def books(
    tx: AsyncSession, kind: BookKind, region: str | None, after: str | None, limit: int
) -> Sequence[Published]:
    """The latest version of each book, by id."""
    row = BookRow
    latest = (
        select(col(row.id), func.max(col(row.version)).label("version"))
        .where(col(row.kind) == kind, col(row.id) > (after or ""))
        .group_by(col(row.id))
        .subquery()
    )
    statement = select(*_BOOK_COLUMNS).join(
        latest, and_(col(row.id) == latest.c.id, col(row.version) == latest.c.version)
    )
    statement = statement.where(col(row.kind) == kind)
    if region is not None:
        statement = statement.where(col(row.region) == region)
    found = await tx.execute(statement.order_by(col(row.id)).limit(limit))
    return [Published(**one._mapping) for one in found]
