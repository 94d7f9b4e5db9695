"""Signatures of a second person under the published versions of cost books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.store.books import Published
from shared.web.auth import Caller

_ADD = text(
    "INSERT INTO cost_signature (book_id, version, book_sha256, published_by, signed_by, signed_by_org, name, licence,"
    " signed_on, sha256) SELECT id, version, sha256, published_by, :sub, :org, :name, :licence, :on, :sha256 FROM book"
    " WHERE kind = 'cost' AND id = :book AND version = :version ON CONFLICT DO NOTHING RETURNING 1"
)
_OF = text(
    "SELECT name, licence, signed_on, signed_by_org, sha256, signed_by FROM cost_signature"
    " WHERE book_id = :book AND version = :version ORDER BY signed_at, sha256"
)
_AUTHOR = text("SELECT published_by FROM book WHERE kind = 'cost' AND id = :book AND version = :version")
# A signed and valid version before any other: whoever publishes without a signature takes nobody's answer away.
_FOR_REGION = text(
    "SELECT b.id, b.version, b.sha256, b.title, b.region, b.as_of, b.published_by_org, b.published_at, b.content"
    " FROM book b WHERE b.kind = 'cost' AND b.region = :region AND b.as_of <= :on"
    " ORDER BY EXISTS (SELECT 1 FROM cost_signature s WHERE s.book_id = b.id AND s.version = b.version)"
    " AND (b.valid_to IS NULL OR b.valid_to >= :on) DESC, b.as_of DESC, b.published_at DESC, b.id, b.version DESC LIMIT 1"
)
_NAMED = text(
    "SELECT b.id, b.version, b.sha256, b.title, b.region, b.as_of, b.published_by_org, b.published_at, b.content"
    " FROM book b WHERE b.kind = 'cost' AND b.id = :book"
    " ORDER BY EXISTS (SELECT 1 FROM cost_signature s WHERE s.book_id = b.id AND s.version = b.version)"
    " AND b.as_of <= :on AND (b.valid_to IS NULL OR b.valid_to >= :on) DESC, b.as_of <= :on DESC, b.version DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature: the forester as he or she named themself, and the account that gave it."""

    name: str
    licence: str
    signed_on: date
    signed_by_org: str
    sha256: str
    signed_by: str


async def add_signature(
    tx: AsyncSession, book: str, version: int, caller: Caller, name: str, licence: str, on: date, sha256: str
) -> bool:
    """Put a signature under a version. False when this person has signed it before."""
    asked = {
        "book": book, "version": version, "sub": caller.sub, "org": caller.org, "name": name, "licence": licence,
        "on": on, "sha256": sha256,
    }  # fmt: skip
    return (await tx.execute(_ADD, asked)).first() is not None


async def signatures_of(tx: AsyncSession, book: str, version: int) -> Sequence[Signed]:
    """All signatures of a version, the oldest first."""
    return [Signed(*row) for row in await tx.execute(_OF, {"book": book, "version": version})]


async def author_of(tx: AsyncSession, book: str, version: int) -> str | None:
    """Who published a version."""
    found: str | None = (await tx.execute(_AUTHOR, {"book": book, "version": version})).scalar_one_or_none()
    return found


async def cost_book_for(tx: AsyncSession, region: str, on: date) -> Published | None:
    """The cost book of a region on a day: of the signed and valid ones the newest, else the newest of all."""
    found = (await tx.execute(_FOR_REGION, {"region": region, "on": on})).one_or_none()
    return None if found is None else Published(**found._mapping)


async def cost_book_named(tx: AsyncSession, book: str, on: date) -> Published | None:
    """A cost book by its name: its newest version that is signed and valid on the day, else its newest."""
    found = (await tx.execute(_NAMED, {"book": book, "on": on})).one_or_none()
    return None if found is None else Published(**found._mapping)
