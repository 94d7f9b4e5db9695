"""Snapshots of the lists of sanctions, and what each says of a party on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.pinned import sha256_of
from services.contracts.domain.standing import Sanction, SanctionList, Snapshot
from shared.web.auth import Caller

_COLUMNS = (
    "id, version, title, as_of, valid_days, source, document_sha256, entries, sha256, published_by_org, published_at"
)
# Only where all that is there is the publisher's own: another may have begun the list since its owner was asked for.
_ADD = text(
    "INSERT INTO sanction_list (id, version, title, as_of, valid_days, source, document_sha256, entries, sha256,"
    " published_by_org, published_by) SELECT :id, 1 + coalesce(max(version), 0), :title, :as_of, :valid_days, :source,"
    " :document, :entries, :sha256, :org, :sub FROM sanction_list WHERE id = :id"
    " HAVING coalesce(bool_and(published_by_org = :org), true) ON CONFLICT DO NOTHING RETURNING version"
)
_ADD_ENTRIES = text(
    "INSERT INTO sanction (list_id, version, place, ruc, reason, resolution, since, until)"
    " SELECT :id, :version, place, ruc, reason, resolution, since, until FROM unnest(CAST(:rucs AS text[]),"
    " CAST(:reasons AS text[]), CAST(:resolutions AS text[]), CAST(:sinces AS date[]), CAST(:untils AS date[]))"
    " WITH ORDINALITY AS u (ruc, reason, resolution, since, until, place)"
)
_WITH = text(f"SELECT {_COLUMNS} FROM sanction_list WHERE id = :id AND sha256 = :sha256")  # noqa: S608 - constants
_OWNER = text("SELECT published_by_org FROM sanction_list WHERE id = :id ORDER BY version LIMIT 1")
_LISTED = text(
    f"SELECT DISTINCT ON (id) {_COLUMNS} FROM sanction_list WHERE id > :after"  # noqa: S608
    " ORDER BY id, as_of DESC, version DESC LIMIT :limit"
)
# Of each list that the house keeps, the newest snapshot up to the day; a list that began later has none.
_SNAPSHOTS = text(
    "SELECT known.id, s.version, s.as_of, s.valid_days, s.sha256, s.document_sha256"
    " FROM (SELECT DISTINCT id FROM sanction_list) known LEFT JOIN LATERAL (SELECT version, as_of, valid_days, sha256,"
    " document_sha256 FROM sanction_list l WHERE l.id = known.id AND l.as_of <= :on"
    " ORDER BY as_of DESC, version DESC LIMIT 1) s ON true ORDER BY known.id"
)
_SANCTIONS = text(
    "SELECT list_id, version, ruc, reason, resolution, since, until FROM sanction WHERE ruc = :ruc"
    " ORDER BY list_id, version, place"
)


@dataclass(frozen=True, slots=True)
class StoredList:
    """A snapshot as it stands in the database, without its lines."""

    id: str
    version: int
    title: str
    as_of: date
    valid_days: int
    source: str
    document_sha256: str
    entries: int
    sha256: str
    published_by_org: str
    published_at: datetime


async def add_sanction_list(tx: AsyncSession, read: SanctionList, caller: Caller) -> bool:
    """Store a snapshot with all its lines. False when the same content is already there, or another came first."""
    row = {
        "id": read.id, "title": read.title, "as_of": read.as_of, "valid_days": read.valid_days, "source": read.source,
        "document": read.document_sha256, "entries": len(read.entries), "sha256": sha256_of(read),
        "org": caller.org, "sub": caller.sub,
    }  # fmt: skip
    version = (await tx.execute(_ADD, row)).scalar_one_or_none()
    if version is None:
        return False
    entries = {
        "id": read.id, "version": version,
        "rucs": [one.ruc for one in read.entries], "reasons": [one.reason for one in read.entries],
        "resolutions": [one.resolution for one in read.entries], "sinces": [one.since for one in read.entries],
        "untils": [one.until for one in read.entries],
    }  # fmt: skip
    await tx.execute(_ADD_ENTRIES, entries)
    return True


async def sanction_list_with(tx: AsyncSession, name: str, sha256: str) -> StoredList | None:
    """The snapshot of a list that has this content."""
    found = (await tx.execute(_WITH, {"id": name, "sha256": sha256})).one_or_none()
    return None if found is None else StoredList(*found)


async def owner_of_list(tx: AsyncSession, name: str) -> str | None:
    """The organisation that began a list."""
    found: str | None = (await tx.execute(_OWNER, {"id": name})).scalar_one_or_none()
    return found


async def sanction_lists(tx: AsyncSession, after: str | None, limit: int) -> Sequence[StoredList]:
    """The newest snapshot of each list, by id."""
    return [StoredList(*row) for row in await tx.execute(_LISTED, {"after": after or "", "limit": limit})]


async def snapshots_for(tx: AsyncSession, ruc: str, on: date) -> tuple[Snapshot, ...]:
    """Every list of the house as it stood on a day, with what it says of one party."""
    named: dict[tuple[str, int], list[Sanction]] = {}
    for row in await tx.execute(_SANCTIONS, {"ruc": ruc}):
        sanction = Sanction(ruc=row.ruc, reason=row.reason, resolution=row.resolution, since=row.since, until=row.until)
        named.setdefault((row.list_id, row.version), []).append(sanction)
    return tuple(
        Snapshot(
            row.id, row.as_of, row.valid_days or 0, row.sha256 or "", row.document_sha256 or "",
            tuple(named.get((row.id, row.version), ())),
        )
        for row in await tx.execute(_SNAPSHOTS, {"on": on})
    )  # fmt: skip
