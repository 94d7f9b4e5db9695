"""Settlements and what happens to them: only ever added to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import text

from services.contracts.domain.appraisal import canonical, sha256_of
from services.contracts.domain.border import Form
from services.contracts.domain.settlement import Closed, Closing, Payment, Replacement, SettlementText, Stated
from services.contracts.store.versions import Tx
from shared.web.auth import Caller

_COLUMNS = (
    "SELECT s.id, s.content, s.seq, s.stated_by_org, s.stated_at,"
    " (SELECT max(o.seq) FROM settlement o WHERE o.contract_id = s.contract_id AND o.lot = s.lot) AS last_seq,"
    " (SELECT l.sid FROM seal l WHERE l.subject = 'settlement:' || s.id) AS sid FROM settlement s"
)
_ONE = text(f"{_COLUMNS} WHERE s.id = :id")
_OF_CONTRACT = text(
    f"{_COLUMNS} WHERE s.contract_id = :contract AND (CAST(:at AS timestamptz) IS NULL OR (s.stated_at, s.id) <"
    " (CAST(:at AS timestamptz), :after)) ORDER BY s.stated_at DESC, s.id DESC LIMIT :limit"
)
_IDS_OF_LOT = text("SELECT id FROM settlement WHERE contract_id = :contract AND lot = :lot")
# Of the same two parties, and not replaced; an answer names at most so many.
_ELSEWHERE = (
    "SELECT DISTINCT o.id FROM settlement o JOIN contract oc ON oc.id = o.contract_id JOIN contract c ON c.id = :contract"
    " {join} WHERE o.id <> :id AND (oc.community, oc.buyer) = (c.community, c.buyer) AND {where}"
    " AND o.seq = (SELECT max(l.seq) FROM settlement l WHERE l.contract_id = o.contract_id AND l.lot = o.lot)"
    " ORDER BY o.id LIMIT 10"
)
_LOT_ELSEWHERE = text(_ELSEWHERE.format(join="", where="o.lot = :lot AND o.contract_id <> :contract"))
_PAPER = "convert_from({e}.content, 'UTF8')::jsonb #>> '{{receipt,sha256}}'"
_RECEIPTS_ELSEWHERE = text(
    _ELSEWHERE.format(
        join="JOIN settlement_entry e ON e.settlement_id = o.id AND e.kind = 'payment' AND e.org = c.community",
        where=_PAPER.format(e="e") + f" IN (SELECT {_PAPER.format(e='m')} FROM settlement_entry m"  # noqa: S608
        " WHERE m.settlement_id = :id AND m.kind = 'payment' AND m.org = c.community)",
    )
)
_ADD = text(
    "INSERT INTO settlement (id, contract_id, version, lot, seq, content, sha256, stated_by_org, stated_by, stated_at)"
    " VALUES (:id, :contract, :version, :lot, :seq, :content, :sha256, :org, :sub, :at)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_ENTRIES = text(
    "SELECT settlement_id, seq, kind, content, org, at FROM settlement_entry"
    " WHERE settlement_id = ANY (CAST(:ids AS text[])) ORDER BY settlement_id, seq"
)
_ADD_ENTRY = text(
    "INSERT INTO settlement_entry (settlement_id, seq, kind, content, org, by_sub, at)"
    " VALUES (:id, :seq, :kind, :content, :org, :sub, :at) ON CONFLICT DO NOTHING RETURNING 1"
)

_KINDS: dict[type[Form], str] = {Payment: "payment", Closing: "closed", Replacement: "replaced"}
T = TypeVar("T", bound=Form)


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement as it stands, with the entries made so far."""

    id: str
    stated: SettlementText
    seq: int
    replaced: bool
    stated_by_org: str
    stated_at: datetime
    payments: tuple[Stated, ...]
    closed: Closed | None
    entries: int
    sid: str | None

    @property
    def state(self) -> str:
        """``open``, ``closed`` or ``replaced``."""
        return "closed" if self.closed is not None else "replaced" if self.replaced else "open"


def id_of(stated: SettlementText) -> str:
    """The id of a settlement: the same statement is the same settlement."""
    return sha256_of(stated)[:32]


def subject_of(settlement_id: str) -> str:
    """The name of a settlement's seal."""
    return f"settlement:{settlement_id}"


async def settlement(tx: Tx, settlement_id: str) -> Settlement | None:
    """A settlement of a contract the caller is a party of."""
    return _first(await _read(tx, (await tx.execute(_ONE, {"id": settlement_id})).all()))


async def of_contract(tx: Tx, contract_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Settlement]:
    """Settlements of a contract, the newest first."""
    at, key = after or (None, "")
    values = {"contract": contract_id, "at": at, "after": key, "limit": limit}
    return await _read(tx, (await tx.execute(_OF_CONTRACT, values)).all())


async def ids_of_lot(tx: Tx, contract_id: str, lot: str) -> frozenset[str]:
    """Every settlement of a lot, those that were replaced too."""
    return frozenset((await tx.execute(_IDS_OF_LOT, {"contract": contract_id, "lot": lot})).scalars())


async def lot_elsewhere(tx: Tx, known: Settlement) -> tuple[str, ...]:
    """Settlements of the same lot between the same parties under other contracts."""
    asked = {"id": known.id, "contract": known.stated.contract, "lot": known.stated.lot}
    return tuple((await tx.execute(_LOT_ELSEWHERE, asked)).scalars())


async def receipts_elsewhere(tx: Tx, known: Settlement) -> tuple[str, ...]:
    """Settlements between the same parties in which the community has stated a receipt that it states here too."""
    asked = {"id": known.id, "contract": known.stated.contract}
    return tuple((await tx.execute(_RECEIPTS_ELSEWHERE, asked)).scalars())


async def add(tx: Tx, stated: SettlementText, seq: int, caller: Caller, at: datetime) -> bool:
    """Add a settlement to those of its contract; False when somebody else took that place first."""
    row = {
        "id": id_of(stated), "contract": stated.contract, "version": stated.version, "lot": stated.lot, "seq": seq,
        "content": canonical(stated), "sha256": sha256_of(stated), "org": caller.org, "sub": caller.sub, "at": at,
    }  # fmt: skip
    return (await tx.execute(_ADD, row)).first() is not None


async def add_entry(
    tx: Tx, known: Settlement, content: Payment | Closing | Replacement, caller: Caller, at: datetime
) -> bool:
    """Add what happened behind everything that was read; False when something else happened first."""
    row = {
        "id": known.id, "seq": known.entries + 1, "kind": _KINDS[type(content)],
        "content": canonical(content), "org": caller.org, "sub": caller.sub, "at": at,
    }  # fmt: skip
    return (await tx.execute(_ADD_ENTRY, row)).first() is not None


def _first(found: Sequence[Settlement]) -> Settlement | None:
    return found[0] if found else None


async def _read(tx: Tx, rows: Sequence[object]) -> list[Settlement]:
    ids = [row.id for row in rows]  # type: ignore[attr-defined]
    entries = (await tx.execute(_ENTRIES, {"ids": ids})).all() if ids else []
    found = []
    for row in rows:
        own = [entry for entry in entries if entry.settlement_id == row.id]  # type: ignore[attr-defined]
        payments = tuple(
            Stated(one.seq, _parse(Payment, one.content), one.org, one.at) for one in own if one.kind == "payment"
        )
        closed = next(
            (Closed(_parse(Closing, one.content), one.org, one.at) for one in own if one.kind == "closed"), None
        )
        # The entries are read after the row: one that was replaced in between is told by its entry alone.
        replaced = row.seq < row.last_seq or any(entry.kind == "replaced" for entry in own)  # type: ignore[attr-defined]
        found.append(
            Settlement(
                row.id, _parse(SettlementText, row.content), row.seq, replaced, row.stated_by_org,  # type: ignore[attr-defined]
                row.stated_at, payments, closed, len(own), row.sid,  # type: ignore[attr-defined]
            )
        )  # fmt: skip
    return found


def _parse(kind: type[T], content: bytes) -> T:
    return kind.model_validate_json(content)
