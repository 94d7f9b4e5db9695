"""What contracts remembers: offers, appraisals, books. Every question names the organisations it is asked for.

Row-level security repeats those names (migrations/0001): a forgotten condition shows nothing, not everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import and_, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.appraisal import canonical, sha256_of
from services.contracts.domain.book import CostBook, PriceBook
from services.contracts.domain.offer import Offer
from shared.web.auth import Caller
from shared.web.db import Database

BookKind = Literal["price", "cost"]
Place = tuple[datetime, str]


class ContractRow(SQLModel, table=True):
    """A stored offer."""

    __tablename__ = "contract"
    id: str = Field(primary_key=True)
    community: str
    buyer: str | None
    title: str
    region: str
    offered_on: date
    offer: bytes
    offer_sha256: str
    created_by_org: str
    created_by: str
    created_at: datetime
    ocds_id: str


class AppraisalRow(SQLModel, table=True):
    """A stored appraisal: its bytes, and what lists need."""

    __tablename__ = "appraisal"
    id: str = Field(primary_key=True)
    contract_id: str
    community: str
    appraised_on: date
    verdict: str
    body: bytes
    created_by: str
    created_at: datetime


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
class Contract:
    """A stored offer with who stored it and when, and the random id that it has for the world."""

    id: str
    offer: Offer
    offer_sha256: str
    created_by_org: str
    created_at: datetime
    ocds_id: str

    @property
    def parties(self) -> tuple[str, ...]:
        """The organisations that see it."""
        return (self.offer.community,) if self.offer.buyer is None else (self.offer.community, self.offer.buyer)


@dataclass(frozen=True, slots=True)
class Listed:
    """A contract in a list."""

    id: str
    title: str
    community: str
    buyer: str | None
    region: str
    offered_on: date
    offer_sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ListedAppraisal:
    """An appraisal in a list."""

    id: str
    on: date
    verdict: str
    created_at: datetime


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


class Store:
    """The questions contracts asks its database."""

    def __init__(self, db: Database) -> None:
        self.db = db

    # --- contracts ---------------------------------------------------------------------------------------------

    async def add_contract(self, tx: AsyncSession, offer: Offer, caller: Caller) -> tuple[str, bool]:
        """Store an offer once. Answers its id, and whether it is new."""
        digest = sha256_of(offer)
        row = {
            "id": digest[:32],
            "community": offer.community,
            "buyer": offer.buyer,
            "title": offer.title,
            "region": offer.region,
            "offered_on": offer.offered_on,
            "offer": canonical(offer),
            "offer_sha256": digest,
            "created_by_org": caller.org,
            "created_by": caller.sub,
        }
        statement = insert(ContractRow).values(row).on_conflict_do_nothing().returning(col(ContractRow.id))
        return digest[:32], (await tx.execute(statement)).first() is not None

    async def contract(self, tx: AsyncSession, contract_id: str) -> Contract | None:
        """A contract the caller is a party of, by row-level security; none otherwise."""
        columns = (
            col(ContractRow.id), col(ContractRow.offer), col(ContractRow.offer_sha256),
            col(ContractRow.created_by_org), col(ContractRow.created_at), col(ContractRow.ocds_id),
        )  # fmt: skip
        found = (await tx.execute(select(*columns).where(col(ContractRow.id) == contract_id))).one_or_none()
        if found is None:
            return None
        return Contract(
            found.id, parse_offer(found.offer), found.offer_sha256, found.created_by_org, found.created_at, found.ocds_id
        )  # fmt: skip

    async def contract_of_ocid(self, tx: AsyncSession, ocds_id: str) -> str | None:
        """The id of the contract that has this random one, to its parties."""
        statement = select(col(ContractRow.id)).where(col(ContractRow.ocds_id) == ocds_id)
        return (await tx.execute(statement)).scalar_one_or_none()

    async def contracts_of(self, tx: AsyncSession, org: str, after: Place | None, limit: int) -> list[Listed]:
        """Contracts of an organisation as community or as buyer, newest first."""
        row = ContractRow
        mine = or_(col(row.community) == org, col(row.buyer) == org)
        columns = (
            col(row.id), col(row.title), col(row.community), col(row.buyer), col(row.region), col(row.offered_on),
            col(row.offer_sha256), col(row.created_at),
        )  # fmt: skip
        statement = select(*columns).where(and_(mine, _older(row, after)))
        statement = statement.order_by(col(row.created_at).desc(), col(row.id).desc()).limit(limit)
        return [Listed(**found._mapping) for found in await tx.execute(statement)]

    # --- appraisals --------------------------------------------------------------------------------------------

    async def add_appraisal(
        self, tx: AsyncSession, appraisal: dict[str, Any], body: bytes, community: str, caller: Caller
    ) -> bool:
        """Store an appraisal once: the same inputs have the same id and the same bytes. Whether it is new."""
        row = {
            "id": appraisal["id"],
            "contract_id": appraisal["contract"],
            "community": community,
            "appraised_on": date.fromisoformat(appraisal["on"]),
            "verdict": appraisal["verdict"],
            "body": body,
            "created_by": caller.sub,
        }
        statement = insert(AppraisalRow).values(row).on_conflict_do_nothing().returning(col(AppraisalRow.id))
        return (await tx.execute(statement)).first() is not None

    async def appraisal(self, tx: AsyncSession, appraisal_id: str) -> bytes | None:
        """The bytes of an appraisal of the caller's own community; none otherwise."""
        statement = select(col(AppraisalRow.body)).where(col(AppraisalRow.id) == appraisal_id)
        return (await tx.execute(statement)).scalar_one_or_none()

    async def appraisals_of(
        self, tx: AsyncSession, contract_id: str, after: Place | None, limit: int
    ) -> list[ListedAppraisal]:
        """Appraisals of one contract, newest first."""
        row = AppraisalRow
        columns = (col(row.id), col(row.appraised_on), col(row.verdict), col(row.created_at))
        statement = select(*columns).where(and_(col(row.contract_id) == contract_id, _older(row, after)))
        statement = statement.order_by(col(row.created_at).desc(), col(row.id).desc()).limit(limit)
        return [ListedAppraisal(*found) for found in await tx.execute(statement)]

    # --- books -------------------------------------------------------------------------------------------------

    async def add_book(
        self, tx: AsyncSession, kind: BookKind, book: PriceBook | CostBook, version: int, caller: Caller
    ) -> bool:
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

    async def book(
        self, tx: AsyncSession, kind: BookKind, book_id: str, version: int | None = None
    ) -> Published | None:
        """A version of a book; the latest one unless a version is asked for."""
        row = BookRow
        statement = select(*_BOOK_COLUMNS).where(col(row.kind) == kind, col(row.id) == book_id)
        if version is not None:
            statement = statement.where(col(row.version) == version)
        found = (await tx.execute(statement.order_by(col(row.version).desc()).limit(1))).one_or_none()
        return None if found is None else Published(**found._mapping)

    async def book_of_day(self, tx: AsyncSession, kind: BookKind, book_id: str, on: date) -> Published | None:
        """The version of a book that was newest on a day."""
        row = BookRow
        statement = select(*_BOOK_COLUMNS).where(col(row.kind) == kind, col(row.id) == book_id, col(row.as_of) <= on)
        statement = statement.order_by(col(row.as_of).desc(), col(row.version).desc()).limit(1)
        found = (await tx.execute(statement)).one_or_none()
        return None if found is None else Published(**found._mapping)

    async def book_with(self, tx: AsyncSession, kind: BookKind, book_id: str, sha256: str) -> Published | None:
        """The version of a book that has this content."""
        row = BookRow
        statement = select(*_BOOK_COLUMNS).where(
            col(row.kind) == kind, col(row.id) == book_id, col(row.sha256) == sha256
        )
        found = (await tx.execute(statement)).one_or_none()
        return None if found is None else Published(**found._mapping)

    async def newest_book_for(self, tx: AsyncSession, kind: BookKind, region: str, on: date) -> Published | None:
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
        self, tx: AsyncSession, kind: BookKind, region: str | None, after: str | None, limit: int
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


def _older(row: type[ContractRow] | type[AppraisalRow], after: Place | None) -> Any:
    """Rows after a place in a list that runs from the newest to the oldest."""
    if after is None:
        return True
    return tuple_(col(row.created_at), col(row.id)) < tuple_(*after)


def parse_offer(content: bytes) -> Offer:
    """A stored offer, read back from its bytes."""
    return Offer.model_validate_json(content)
