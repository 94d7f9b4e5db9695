"""Benefit ledgers: entries that are only ever added, and who may read them."""

from datetime import datetime

from sqlalchemy import text

from services.contracts.domain.ledger import Agreement, Distribution, Entry, ReceiptEntry
from services.contracts.domain.pinned import canonical, sha256_of
from services.contracts.store.versions import Tx
from shared.web.auth import Caller

Content = Agreement | Distribution | ReceiptEntry
_KINDS: dict[str, type[Content]] = {
    "agreement": Agreement, "distribution": Distribution, "receipt": ReceiptEntry,
}  # fmt: skip
_ENTRIES = text(
    "SELECT seq, kind, content, org, at, sha256 FROM ledger_entry WHERE enterprise = :enterprise ORDER BY seq"
)
_ADD = text(
    "INSERT INTO ledger_entry (enterprise, seq, kind, content, sha256, org, by_sub, at)"
    " VALUES (:enterprise, :seq, :kind, :content, :sha256, :org, :sub, :at) ON CONFLICT DO NOTHING RETURNING 1"
)
_MEMBERS = text(
    "INSERT INTO ledger_member (enterprise, org) SELECT :enterprise, org FROM unnest(CAST(:orgs AS text[])) AS u (org)"
    " ON CONFLICT DO NOTHING"
)


async def entries(tx: Tx, enterprise: str) -> list[Entry]:
    """The entries of an enterprise's book, for itself and for who is or was a member; none for others."""
    return [
        Entry(row.seq, _KINDS[row.kind].read_back(row.content), row.org, row.at, row.sha256)
        for row in await tx.execute(_ENTRIES, {"enterprise": enterprise})
    ]


async def add_entry(tx: Tx, enterprise: str, seq: int, content: Content, caller: Caller, at: datetime) -> bool:
    """Add an entry behind those that were read; False when another came first."""
    kind = next(name for name, form in _KINDS.items() if isinstance(content, form))
    row = {
        "enterprise": enterprise, "seq": seq, "kind": kind, "content": canonical(content), "sha256": sha256_of(content),
        "org": caller.org, "sub": caller.sub, "at": at,
    }  # fmt: skip
    added = (await tx.execute(_ADD, row)).first() is not None
    if added and isinstance(content, Agreement):
        await tx.execute(_MEMBERS, {"enterprise": enterprise, "orgs": [one.org for one in content.members]})
    return added
