"""Versions of indices and exchange rates. Anyone reads them, nobody rewrites them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.pinned import canonical, sha256_of
from services.contracts.domain.series import AnySeries, SeriesKind
from shared.web.auth import Caller

_COLUMNS = "id, version, sha256, title, as_of, published_by_org, published_at, content"
_ADD = text(
    "INSERT INTO series (kind, id, version, title, as_of, content, sha256, published_by_org, published_by)"
    " VALUES (:kind, :id, :version, :title, :as_of, :content, :sha256, :org, :sub) ON CONFLICT DO NOTHING RETURNING 1"
)
_ONE = text(
    f"SELECT {_COLUMNS} FROM series WHERE kind = :kind AND id = :id"  # noqa: S608 - constants of this file
    " AND (CAST(:version AS integer) IS NULL OR version = :version) ORDER BY version DESC LIMIT 1"
)
_WITH = text(f"SELECT {_COLUMNS} FROM series WHERE kind = :kind AND id = :id AND sha256 = :sha256")  # noqa: S608
_LATEST = text(
    f"SELECT DISTINCT ON (id) {_COLUMNS} FROM series WHERE kind = :kind AND id > :after"  # noqa: S608
    " ORDER BY id, version DESC LIMIT :limit"
)
_NAMED = text(
    f"SELECT DISTINCT ON (id) {_COLUMNS} FROM series WHERE kind = :kind AND id = ANY(:names)"  # noqa: S608
    " ORDER BY id, version DESC"
)


@dataclass(frozen=True, slots=True)
class PublishedSeries:
    """One version of a series as it stands in the database."""

    id: str
    version: int
    sha256: str
    title: str
    as_of: date
    published_by_org: str
    published_at: datetime
    content: bytes


async def add_series(tx: AsyncSession, kind: SeriesKind, series: AnySeries, version: int, caller: Caller) -> bool:
    """Store one version. False when that version, or the same content, is already there."""
    row = {
        "kind": kind, "id": series.id, "version": version, "title": series.title, "as_of": series.as_of,
        "content": canonical(series), "sha256": sha256_of(series), "org": caller.org, "sub": caller.sub,
    }  # fmt: skip
    return (await tx.execute(_ADD, row)).first() is not None


async def series_version(
    tx: AsyncSession, kind: SeriesKind, name: str, version: int | None = None
) -> PublishedSeries | None:
    """A version of a series; the latest one unless a version is asked for."""
    found = (await tx.execute(_ONE, {"kind": kind, "id": name, "version": version})).one_or_none()
    return None if found is None else PublishedSeries(*found)


async def series_with(tx: AsyncSession, kind: SeriesKind, name: str, sha256: str) -> PublishedSeries | None:
    """The version of a series that has this content."""
    found = (await tx.execute(_WITH, {"kind": kind, "id": name, "sha256": sha256})).one_or_none()
    return None if found is None else PublishedSeries(*found)


async def latest_series(tx: AsyncSession, kind: SeriesKind, after: str | None, limit: int) -> Sequence[PublishedSeries]:
    """The latest version of each series, by id."""
    found = await tx.execute(_LATEST, {"kind": kind, "after": after or "", "limit": limit})
    return [PublishedSeries(*row) for row in found]


async def series_named(tx: AsyncSession, kind: SeriesKind, names: Sequence[str]) -> Sequence[PublishedSeries]:
    """The latest version of each of these series; those that do not exist are left out."""
    return [PublishedSeries(*row) for row in await tx.execute(_NAMED, {"kind": kind, "names": list(names)})]
