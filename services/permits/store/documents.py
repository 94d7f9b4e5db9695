"""The vault: bytes named by their hash, who keeps them, and who else may read them."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import col, select

from services.permits.domain.document import Document, Reading
from services.permits.store.instrument_rows import DocumentRow
from services.permits.store.session import Tx, added

_KEEP = text("INSERT INTO document_contents (sha256, content) VALUES (:sha256, :content) ON CONFLICT DO NOTHING")
_CONTENT = text("SELECT content FROM document_contents WHERE sha256 = :sha256")
_GRANT = text(
    "INSERT INTO document_grants (org, sha256, reader, until, granted_by) VALUES (:org, :sha256, :reader, :until,"
    " :granted_by) ON CONFLICT (org, sha256, reader) DO UPDATE SET until = excluded.until,"
    " granted_by = excluded.granted_by"
)
_READINGS = text(
    "SELECT org, sha256, reader, until, granted_by FROM document_grants WHERE org = :org AND sha256 = :sha256"
    " ORDER BY reader"
)


async def add_document(tx: Tx, document: Document, content: bytes) -> bool:
    """Keep a paper of an organisation with its bytes; ``False`` when it had it already."""
    await tx.execute(_KEEP, {"sha256": document.sha256, "content": content})
    return await added(tx, DocumentRow, {name: getattr(document, name) for name in Document.__slots__})


async def documents_named(tx: Tx, sha256s: Sequence[str]) -> dict[str, list[Document]]:
    """These papers as far as the caller may see them; each perhaps of several organisations."""
    found: dict[str, list[Document]] = {}
    asked = select(DocumentRow).where(col(DocumentRow.sha256).in_(sha256s)).order_by(col(DocumentRow.org))
    for row in await tx.exec(asked):
        found.setdefault(row.sha256, []).append(_document(row))
    return found


async def documents(tx: Tx, org: str | None, kind: str | None, after: str, limit: int) -> list[Document]:
    """Papers that the caller may see, by organisation and hash (``org/sha256``)."""
    place, _, digest = after.partition("/")
    asked = select(DocumentRow)
    if after:
        beyond = (col(DocumentRow.org) == place) & (col(DocumentRow.sha256) > digest)
        asked = asked.where((col(DocumentRow.org) > place) | beyond)
    if org is not None:
        asked = asked.where(DocumentRow.org == org)
    if kind is not None:
        asked = asked.where(DocumentRow.kind == kind)
    order = col(DocumentRow.org), col(DocumentRow.sha256)
    return [_document(row) for row in await tx.exec(asked.order_by(*order).limit(limit))]


async def content_of(tx: Tx, sha256: str) -> bytes | None:
    """The bytes, where the caller may see the paper."""
    found = (await tx.execute(_CONTENT, {"sha256": sha256})).scalar_one_or_none()
    return None if found is None else bytes(found)


async def let_read(tx: Tx, reading: Reading) -> None:
    """Another organisation may read a paper until a day; a day that has passed ends it."""
    await tx.execute(_GRANT, {name: getattr(reading, name) for name in Reading.__slots__})


async def readings(tx: Tx, org: str, sha256: str) -> list[Reading]:
    """Who else may read a paper of the caller's."""
    return [Reading(*row) for row in await tx.execute(_READINGS, {"org": org, "sha256": sha256})]


def _document(row: DocumentRow) -> Document:
    return Document(**{name: getattr(row, name) for name in Document.__slots__})
