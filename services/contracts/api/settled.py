"""Settlements and their reconciliation as they are answered."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.contracts.api import sealing
from services.contracts.domain.beside import SideBySide
from services.contracts.domain.border import spelled
from services.contracts.domain.flags.answer import Flag
from services.contracts.domain.late import Late, Rate
from services.contracts.domain.matched import Row
from services.contracts.domain.owed import UNKNOWN_EN, UNKNOWN_ES, LineOwed, Owed
from services.contracts.domain.reconciliation import Reconciliation
from services.contracts.domain.settlement import counted
from services.contracts.schemas.settlements import ReconciliationOut, SettlementOut
from services.contracts.store.settlements import Settlement
from shared.timber.measure import half_up
from shared.timber.outgoing import Announced

FOUR = Decimal("0.0001")


def shown(found: Settlement, comes_to: Owed, community: str, standing: Mapping[str, Announced]) -> SettlementOut:
    """A settlement with what its contract makes of it."""
    own, only_buyer = counted(found.payments, community)
    closed = found.closed
    return SettlementOut.model_validate(
        {
            "id": found.id,
            "state": found.state,
            "stated": found.stated,
            "stated_by_org": found.stated_by_org,
            "stated_at": found.stated_at,
            "lines": [_line(line) for line in comes_to.lines],
            "gross": _money(comes_to, comes_to.gross),
            "taken": _money(comes_to, comes_to.taken),
            "owed": _money(comes_to, comes_to.net),
            "due": [{"due_on": day, "amount": _money(comes_to, Decimal(cents) / 100)} for day, cents in comes_to.due],
            "payments": [
                {
                    "seq": one.seq, "payment": one.payment, "stated_by_org": one.org, "stated_at": one.at,
                    "counted": one in own,
                }
                for one in found.payments
            ],
            "paid": _money(comes_to, sum((one.payment.amount.amount for one in own), Decimal(0))),
            "claimed": _money(comes_to, sum((one.payment.amount.amount for one in only_buyer), Decimal(0))),
            "closed": None if closed is None else {"by_org": closed.org, "at": closed.at, "closing": closed.closing},
            "beside": found.beside,
            "counts": found.counts(community),
            "sid": found.sid,
            "log": None if found.sid is None else sealing.shown(standing[found.sid]),
        }
    )  # fmt: skip


def shown_reconciliation(found: Settlement, stands: Reconciliation) -> ReconciliationOut:
    """How a settlement stands on a day."""
    return ReconciliationOut.model_validate(
        {
            "settlement": found.id,
            "on": stands.on,
            "custody": stands.custody,
            "rule": found.stated.sheet.rule.value,
            "unit": found.stated.sheet.unit.value,
            "logs": [_row(row, None if stands.beside is None else stands.beside.measured.get(row)) for row in stands.rows],
            "flags": [_flag(flag) for flag in stands.flags],
            "beside": None if stands.beside is None else _beside(stands.beside),
            "owed": _money(stands.owed, stands.owed.net),
            "paid": _money(stands.owed, stands.paid),
            "claimed": _money(stands.owed, stands.claimed),
            "interest": _money(stands.owed, stands.interest),
            "rate": _rate(stands.rate),
            "late": [_late(stands.owed, one) for one in stands.lates],
            "balance": f"{stands.balance:.2f}",
            "differences": [{"what": one.what, "es": one.es, "en": one.en} for one in stands.differences],
            "reconciled": stands.reconciled,
        }
    )  # fmt: skip


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "code": flag.spec.code, "state": flag.outcome.state, "severity": flag.severity,
        "evidence": dict(flag.outcome.evidence), "threshold": dict(flag.spec.threshold),
        "text_es": flag.text("es"), "text_en": flag.text("en"),
    }  # fmt: skip


def _beside(both: SideBySide) -> dict[str, Any]:
    other = both.other
    return {
        "settlement": other.settlement,
        "by_org": other.org,
        "delivered_on": other.stated.delivered_on,
        "rule": other.stated.sheet.rule.value,
        "owed": _money(other.owed, other.owed.net),
        "flags": [_flag(flag) for flag in both.flags],
    }


def _line(line: LineOwed) -> dict[str, Any]:
    places = 0 if line.unit == "tree" else 3
    return {
        "line": line.line,
        "kind": line.kind,
        "species": list(line.species),
        "unit": line.unit,
        "measured": None if line.measured is None else spelled(half_up(line.measured, FOUR).normalize(), places),
        "price": None if line.price is None else line.price.model_dump(mode="json"),
        "amount": None if line.amount is None else line.amount.model_dump(mode="json"),
        "basis": line.basis,
        "unknown": None
        if line.unknown is None
        else {"why": line.unknown, "es": UNKNOWN_ES[line.unknown], "en": UNKNOWN_EN[line.unknown]},
    }


def _money(comes_to: Owed, amount: Decimal) -> dict[str, str]:
    return {"amount": spelled(amount), "currency": comes_to.currency}


def _volume(volume: Decimal | None) -> str | None:
    return None if volume is None else spelled(volume, 3)


def _row(row: Row, other: Decimal | None) -> dict[str, Any]:
    return {
        "item": row.item,
        "code": row.code,
        "parcel": row.parcel,
        "name": row.name,
        "species": None if row.scaled is None else row.scaled.species,
        "species_custody": None if row.kept is None else row.kept.species,
        "custody_m3": _volume(None if row.kept is None else Decimal(row.kept.litres) / 1_000),
        "expected": _volume(row.expected),
        "measured": _volume(row.measured),
        "other": _volume(other),
    }


def _rate(rate: Rate) -> dict[str, Any]:
    return {
        "annual_milli": rate.annual_milli,
        "valid_from": None if rate.source == "contract" else rate.valid_from,
        "source": rate.source,
        "source_es": rate.source_es,
        "legal_review": rate.legal_review,
    }


def _late(comes_to: Owed, one: Late) -> dict[str, Any]:
    part = one.part
    return {
        "due_on": part.due_on, "paid_on": part.paid_on, "amount": _money(comes_to, Decimal(part.cents) / 100),
        "days": one.days,
    }  # fmt: skip
