"""Answers about settlements: what is owed and paid, and how it stands beside custody."""

from datetime import datetime
from typing import Any, Literal

from services.contracts.domain.border import Day
from services.contracts.domain.settlement import Closing, Payment, SettlementText
from services.contracts.schemas.answer import Out
from services.contracts.schemas.deals import LogStateOut
from services.contracts.schemas.money import MoneyOut


class UnknownOut(Out):
    """Why nobody can say what a line comes to."""

    why: str
    es: str
    en: str


class LineOwedOut(Out):
    """One price line: measured in the unit of its price, or in trees. Its amount follows from the sheet (``measured``) or
    from what a party stated with its paper (``stated``); where neither says it, it is unknown and in no sum."""

    line: int
    kind: str
    species: list[str]
    measured: str | None
    unit: str | None
    price: MoneyOut | None
    amount: MoneyOut | None
    basis: Literal["measured", "stated"] | None
    unknown: UnknownOut | None


class InstalmentOut(Out):
    due_on: Day
    amount: MoneyOut


class PaymentOut(Out):
    """A payment as a party stated it. ``counted`` when the community has stated it itself."""

    seq: int
    payment: Payment
    stated_by_org: str
    stated_at: datetime
    counted: bool


class ClosedOut(Out):
    by_org: str
    at: datetime
    closing: Closing


class SettlementOut(Out):
    """One party's settlement of a lot: its sheet, what the contract makes of it, what was paid of the lot. ``beside`` is what
    the other party states of the lot; of the two one ``counts`` in sums: the closed one, else the community's. ``sid`` is of
    its seal, once closed."""

    id: str
    state: Literal["open", "closed", "replaced", "set_aside"]
    stated: SettlementText
    stated_by_org: str
    stated_at: datetime
    lines: list[LineOwedOut]
    gross: MoneyOut
    taken: MoneyOut
    owed: MoneyOut
    due: list[InstalmentOut]
    payments: list[PaymentOut]
    paid: MoneyOut
    claimed: MoneyOut
    closed: ClosedOut | None
    beside: str | None
    counts: bool
    sid: str | None
    log: LogStateOut | None


class SettlementsOut(Out):
    items: list[SettlementOut]
    next: str | None


class RowOut(Out):
    """One log. ``expected`` is what custody's measures give by the rule of the sheet, in its unit; ``other`` what the other
    party's sheet says of it, in the same; ``name`` is for people."""

    item: str | None
    code: str
    parcel: str | None
    name: str
    species: str | None
    species_custody: str | None
    custody_m3: str | None
    expected: str | None
    measured: str | None
    other: str | None


class SettlementFlagOut(Out):
    code: str
    state: Literal["raised", "clear", "unknown"]
    severity: Literal["S", "H", "M", "I"]
    evidence: dict[str, Any]
    threshold: dict[str, str | int]
    text_es: str
    text_en: str


class LateOut(Out):
    due_on: Day
    paid_on: Day | None
    amount: MoneyOut
    days: int


class RateOut(Out):
    annual_milli: int
    valid_from: Day | None
    source: str
    source_es: str
    legal_review: str


class DifferenceOut(Out):
    what: str
    es: str
    en: str


class BesideOut(Out):
    """What the other party states of the lot: what is owed by it, and V03 and V04 of its sheet beside custody."""

    settlement: str
    by_org: str
    delivered_on: Day
    rule: str
    owed: MoneyOut
    flags: list[SettlementFlagOut]


class ReconciliationOut(Out):
    """How a settlement stands on a day. ``balance`` is what is owed with its interest; below nothing, paid too much."""

    settlement: str
    on: Day
    custody: Literal["read", "unavailable", "not_found", "not_asked"]
    rule: str
    unit: str
    logs: list[RowOut]
    flags: list[SettlementFlagOut]
    beside: BesideOut | None
    owed: MoneyOut
    paid: MoneyOut
    claimed: MoneyOut
    interest: MoneyOut
    rate: RateOut
    late: list[LateOut]
    balance: str
    differences: list[DifferenceOut]
    reconciled: bool
