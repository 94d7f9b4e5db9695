"""Settlements and what happens to them: only ever added to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import text

from services.contracts.domain.border import Form
from services.contracts.domain.pinned import canonical, sha256_of
from services.contracts.domain.settlement import (
    Beside,
    Closed,
    Closing,
    Payment,
    Replacement,
    SettlementText,
    Stated,
)
from services.contracts.store.versions import Tx
from shared.web.auth import Caller

_COLUMNS = (
    "SELECT s.id, s.content, s.seq, s.stated_by_org, s.stated_at,"
    " (SELECT o.id FROM settlement o WHERE (o.contract_id, o.lot) = (s.contract_id, s.lot)"
    " AND o.stated_by_org <> s.stated_by_org AND NOT EXISTS (SELECT 1 FROM settlement_entry r"
    " WHERE r.settlement_id = o.id AND r.kind = 'replaced') ORDER BY o.seq DESC LIMIT 1) AS beside,"
    " (SELECT coalesce(max(e.seq), 0) FROM settlement_entry e WHERE (e.contract_id, e.lot) = (s.contract_id, s.lot))"
    " AS entries,"
    " (SELECT l.sid FROM seal l WHERE l.subject = 'settlement:' || s.id) AS sid FROM settlement s"
)
_ONE = text(f"{_COLUMNS} WHERE s.id = :id")
_OF_CONTRACT = text(
    f"{_COLUMNS} WHERE s.contract_id = :contract AND (CAST(:at AS timestamptz) IS NULL OR (s.stated_at, s.id) <"
    " (CAST(:at AS timestamptz), :after)) ORDER BY s.stated_at DESC, s.id DESC LIMIT :limit"
)
_IDS_OF_LOT = text("SELECT id FROM settlement WHERE contract_id = :contract AND lot = :lot")
# Of the same two parties, of another lot or contract, and not replaced; an answer names at most so many.
_ELSEWHERE = (
    "SELECT DISTINCT o.id FROM settlement o JOIN contract oc ON oc.id = o.contract_id JOIN contract c ON c.id = :contract"
    " {join} WHERE (o.contract_id, o.lot) <> (:contract, :lot) AND (oc.community, oc.buyer) = (c.community, c.buyer)"
    " AND {where} AND NOT EXISTS (SELECT 1 FROM settlement_entry r WHERE r.settlement_id = o.id AND r.kind = 'replaced')"
    " ORDER BY o.id LIMIT 10"
)
_LOT_ELSEWHERE = text(_ELSEWHERE.format(join="", where="o.lot = :lot"))
_RECEIPTS_ELSEWHERE = text(
    _ELSEWHERE.format(
        join="JOIN settlement_entry e ON e.settlement_id = o.id AND e.kind = 'payment' AND e.org = c.community",
        where="convert_from(e.content, 'UTF8')::jsonb #>> '{receipt,sha256}' = ANY (CAST(:receipts AS text[]))",
    )
)
_ADD = text(
    "INSERT INTO settlement (id, contract_id, version, lot, seq, content, sha256, stated_by_org, stated_by, stated_at)"
    " VALUES (:id, :contract, :version, :lot, :seq, :content, :sha256, :org, :sub, :at)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_ENTRIES = text(
    "SELECT settlement_id, contract_id, lot, seq, kind, content, org, at FROM settlement_entry WHERE (contract_id, lot) IN"
    " (SELECT * FROM unnest(CAST(:contracts AS text[]), CAST(:lots AS text[]))) ORDER BY contract_id, lot, seq"
)
_ADD_ENTRY = text(
    "INSERT INTO settlement_entry (settlement_id, contract_id, lot, seq, kind, content, org, by_sub, at)"
    " VALUES (:id, :contract, :lot, :seq, :kind, :content, :org, :sub, :at) ON CONFLICT DO NOTHING RETURNING 1"
)

_KINDS: dict[type[Form], str] = {Payment: "payment", Closing: "closed", Replacement: "replaced", Beside: "beside"}
T = TypeVar("T", bound=Form)


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement as it stands. ``payments`` are those of its lot, whichever sheet they were stated under; ``entries`` is
    how many things have happened to the lot; ``beside`` the id of what the other party states of it, if anything stands."""

    id: str
    stated: SettlementText
    seq: int
    replaced: bool
    stated_by_org: str
    stated_at: datetime
    payments: tuple[Stated, ...]
    closed: Closed | None
    set_aside: bool
    beside: str | None
    entries: int
    sid: str | None

    @property
    def state(self) -> str:
        """``open``, ``closed``, ``replaced``, or ``set_aside`` where the other sheet of the lot was closed."""
        if self.closed is not None:
            return "closed"
        return "replaced" if self.replaced else "set_aside" if self.set_aside else "open"

    def counts(self, org: str) -> bool:
        """Whether of the sheets of its lot this is the one to be counted: the closed one, else that of ``org``, else the
        only one there is."""
        if self.state == "open":
            return self.stated_by_org == org or self.beside is None
        return self.state == "closed"


def id_of(stated: SettlementText, org: str) -> str:
    """The id of a settlement: the same statement of the same party is the same settlement."""
    return sha256_of({"org": org, "stated": stated.model_dump(mode="json")})[:32]


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
    asked = {"contract": known.stated.contract, "lot": known.stated.lot}
    return tuple((await tx.execute(_LOT_ELSEWHERE, asked)).scalars())


async def receipts_elsewhere(tx: Tx, known: Settlement, community: str) -> tuple[str, ...]:
    """Settlements of other lots between the same parties in which the community has stated a receipt that it states here
    too."""
    receipts = [one.payment.receipt.sha256 for one in known.payments if one.org == community]
    asked = {"contract": known.stated.contract, "lot": known.stated.lot, "receipts": receipts}
    return tuple((await tx.execute(_RECEIPTS_ELSEWHERE, asked)).scalars())


async def add(tx: Tx, stated: SettlementText, seq: int, caller: Caller, at: datetime) -> bool:
    """Add a settlement to those of its contract; False when somebody else took that place first."""
    row = {
        "id": id_of(stated, caller.org), "contract": stated.contract, "version": stated.version, "lot": stated.lot, "seq": seq,
        "content": canonical(stated), "sha256": sha256_of(stated), "org": caller.org, "sub": caller.sub, "at": at,
    }  # fmt: skip
    return (await tx.execute(_ADD, row)).first() is not None


async def add_entry(
    tx: Tx, known: Settlement, content: Payment | Closing | Replacement | Beside, caller: Caller, at: datetime
) -> bool:
    """Add what happened behind everything that was read of the lot; False when something else happened first."""
    row = {
        "id": known.id, "contract": known.stated.contract, "lot": known.stated.lot,
        "seq": known.entries + 1, "kind": _KINDS[type(content)],
        "content": canonical(content), "org": caller.org, "sub": caller.sub, "at": at,
    }  # fmt: skip
    return (await tx.execute(_ADD_ENTRY, row)).first() is not None


def _first(found: Sequence[Settlement]) -> Settlement | None:
    return found[0] if found else None


async def _read(tx: Tx, rows: Sequence[Any]) -> list[Settlement]:
    texts = {row.id: _parse(SettlementText, row.content) for row in rows}
    lots = sorted({(one.contract, one.lot) for one in texts.values()})
    happened: dict[tuple[str, str], list[Any]] = {lot: [] for lot in lots}
    asked = {"contracts": [contract for contract, _ in lots], "lots": [lot for _, lot in lots]}
    for entry in (await tx.execute(_ENTRIES, asked)).all() if lots else ():
        happened[entry.contract_id, entry.lot].append(entry)
    return [_folded(row, text, happened[text.contract, text.lot]) for row, text in ((r, texts[r.id]) for r in rows)]


def _folded(row: Any, stated: SettlementText, happened: Sequence[Any]) -> Settlement:
    """What has happened to the lot, as far as it concerns one of its sheets: until it was replaced, else until its row was read.

    What happened after that is left out, for the row does not know of it: a sheet that the other party stated between the two
    statements would stand in ``entries`` and not in ``beside``, and the lot be closed past it. A party that replaces its
    sheet states its payments anew with it; the other's stay as they are.
    """
    happened = [one for one in happened if one.seq <= row.entries]
    replaced = next((one.seq for one in happened if (one.kind, one.settlement_id) == ("replaced", row.id)), None)
    seen = [one for one in happened if replaced is None or one.seq < replaced]
    anew = {one.org: one.seq for one in seen if one.kind == "replaced"}
    payments: dict[tuple[str, str], Stated] = {}
    for one in seen:
        if one.kind == "payment" and one.seq > anew.get(one.org, 0):
            payment = _parse(Payment, one.content)
            payments[one.org, payment.receipt.sha256] = Stated(one.seq, payment, one.org, one.at)
    ended = next((one for one in seen if one.kind == "closed"), None)
    own = ended is not None and ended.settlement_id == row.id
    return Settlement(
        id=row.id, stated=stated, seq=row.seq, replaced=replaced is not None, stated_by_org=row.stated_by_org,
        stated_at=row.stated_at, payments=tuple(payments.values()),
        closed=Closed(_parse(Closing, ended.content), ended.org, ended.at) if ended is not None and own else None,
        set_aside=ended is not None and not own, beside=None if replaced is not None else row.beside,
        entries=row.entries, sid=row.sid,
    )  # fmt: skip


def _parse(kind: type[T], content: bytes) -> T:
    return kind.read_back(content)
