"""What was settled beside what custody recorded and what was paid: every difference by name, none hidden in a sum."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from services.contracts.domain.beside import Other, SideBySide, beside
from services.contracts.domain.border import spelled
from services.contracts.domain.contract import ContractText
from services.contracts.domain.differences import (
    Difference,
    Elsewhere,
    of_delivery,
    of_flags,
    of_goods,
    of_lines,
    of_money,
    of_others,
    of_sums,
    of_term,
    of_trees,
    of_wood,
)
from services.contracts.domain.flags.answer import UNKNOWN, Flag, FlagPack, FlagSpec, Outcome
from services.contracts.domain.flags.scaling import short_settled, underscale
from services.contracts.domain.late import Late, Rate, late, match, total
from services.contracts.domain.lot import CustodyState
from services.contracts.domain.matched import THOUSAND, KeptLot, Row, rows_of
from services.contracts.domain.money import CENT
from services.contracts.domain.owed import Owed
from services.contracts.domain.settlement import Closing, SettlementText, SettlingLimits, Stated, counted
from shared.refusal import Refusal
from shared.timber.measure import half_up

NOWHERE = Elsewhere()


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The state of a settlement on a day."""

    on: date
    custody: CustodyState
    rows: tuple[Row, ...]
    flags: tuple[Flag, ...]
    owed: Owed
    paid: Decimal
    claimed: Decimal
    lates: tuple[Late, ...]
    interest: Decimal
    rate: Rate
    differences: tuple[Difference, ...]
    beside: SideBySide | None = None

    @property
    def balance(self) -> Decimal:
        """What is still owed with its interest; below nothing, what was paid too much."""
        return self.owed.net + self.interest - self.paid

    @property
    def reconciled(self) -> bool:
        """Whether custody was read and nothing is left to explain."""
        return self.custody == "read" and not self.differences


@dataclass(eq=False)
class CustodyNotRead(Refusal):
    """A settlement is closed against the log list of custody, and there is none to see now."""

    slug: ClassVar[str] = "custody-not-read"
    es: ClassVar[str] = (
        "La lista de trozas del lote {lot} no se pudo leer en custodia ({state}); cierre cuando se pueda."
    )
    en: ClassVar[str] = "The log list of lot {lot} could not be read in custody ({state}); close when it can."
    lot: str
    state: str


@dataclass(eq=False)
class DifferencesUnexplained(Refusal):
    """Something does not agree and nobody said why."""

    slug: ClassVar[str] = "differences-unexplained"
    es: ClassVar[str] = "No se cierra: falta explicar {missing}."
    en: ClassVar[str] = "It is not closed: {missing} is not explained."
    missing: str


@dataclass(eq=False)
class NothingToExplain(Refusal):
    """An explanation of what is no difference hides what the settlement says."""

    slug: ClassVar[str] = "nothing-to-explain"
    es: ClassVar[str] = "{what} no es una diferencia de esta liquidación."
    en: ClassVar[str] = "{what} is no difference of this settlement."
    what: str


def rates_of(contract: ContractText, dated: Sequence[Rate]) -> list[Rate]:
    """The rate the parties agreed, else the legal ones by their dates."""
    agreed = contract.late_interest
    if agreed is None:
        return list(dated)
    return [Rate(date.min, agreed.annual_milli, "contract", "contrato", "not needed")]


def reconcile(
    contract: ContractText, stated: SettlementText, parties: tuple[str, str], owed: Owed, payments: Sequence[Stated],
    kept: KeptLot, legal: Sequence[Rate], pack: FlagPack, limits: SettlingLimits, on: date,
    elsewhere: Elsewhere = NOWHERE, other: Other | None = None,
) -> Reconciliation:  # fmt: skip
    """Lay everything side by side as it stands on a day. ``parties`` are community and buyer; ``elsewhere`` is what other
    settlements say of the same (``of_others``), ``other`` what the other party states of this lot."""
    rows = rows_of(stated.sheet, kept)
    own, only_buyer = counted([one for one in payments if one.payment.paid_on <= on], parties[0])
    rates = rates_of(contract, legal)
    parts, _ = match(owed.due, [(one.payment.paid_on, _cents(one)) for one in own])
    lates = tuple(late(parts, rates, on))
    flags = _flags(rows, kept, pack)
    both = None
    if other is not None:
        both = beside(stated, rows, owed, other, kept, _flags(rows_of(other.stated.sheet, kept), kept, pack))
    found = Reconciliation(
        on,
        kept.state,
        rows,
        flags,
        owed,
        _sum(own),
        _sum(only_buyer),
        lates,
        total(lates),
        _rate_on(rates, on),
        (),
        both,
    )
    differences = (
        *of_wood(rows, kept, parties), *of_trees(contract, stated, rows, kept), *of_flags(flags),
        *of_lines(owed), *of_money(owed, found.balance, found.interest, found.claimed), *of_goods(owed, own),
        *of_term(contract, stated), *of_delivery(stated, kept, limits.delivery_days),
        *of_others(contract, stated, elsewhere), *of_sums(contract, stated, elsewhere), *(() if both is None else both.differences),
    )  # fmt: skip
    return replace(found, differences=differences)


def check_closing(found: Reconciliation, closing: Closing, lot: str) -> None:
    """Refuse to close what custody was not read for, or what differs without a reason."""
    if found.custody != "read":
        raise CustodyNotRead(lot, found.custody)
    explained = [one.what for one in closing.explanations]
    names = [one.what for one in found.differences]
    for what in explained:
        if what not in names or explained.count(what) > 1:
            raise NothingToExplain(what)
    missing = [what for what in names if what not in explained]
    if missing:
        raise DifferencesUnexplained(", ".join(missing))


def _rate_on(rates: Sequence[Rate], on: date) -> Rate:
    begun = [rate for rate in rates if rate.valid_from <= on]
    return max(begun or rates, key=lambda rate: rate.valid_from)


def _cents(one: Stated) -> int:
    return int(one.payment.amount.amount / CENT)


def _sum(payments: Sequence[Stated]) -> Decimal:
    return sum((one.payment.amount.amount for one in payments), Decimal(0))


def _flags(rows: Sequence[Row], kept: KeptLot, pack: FlagPack) -> tuple[Flag, ...]:
    """V03 and V04 over the logs of both lists: by the sheet's own rule, and V04 in custody's cubic metres."""
    specs = {spec.code: spec for spec in pack.flags}
    if kept.state != "read":
        outcomes = {"V03": UNKNOWN, "V04": UNKNOWN}
    else:
        pairs = [(row.measured, row.expected) for row in rows if row.measured and row.expected]
        outcomes = {"V03": underscale(pairs, specs["V03"]), "V04": _short(rows, specs["V04"])}
    return tuple(Flag(specs[code], outcome, pack.version) for code, outcome in outcomes.items())


def _short(rows: Sequence[Row], spec: FlagSpec) -> Outcome:
    """V04 of the whole lot and of each species of it: what is measured too much of a cheap one makes good for no dear one."""
    whole = _short_of(rows, spec)
    if whole.state != "clear":
        return whole
    for name in sorted({row.kept.species for row in rows if row.kept}):
        one = _short_of([row for row in rows if row.kept and row.kept.species == name], spec)
        if one.state == "raised":
            return replace(one, evidence={**one.evidence, "species": name})
    return whole


def _short_of(rows: Sequence[Row], spec: FlagSpec) -> Outcome:
    litres = sum(row.kept.litres for row in rows if row.kept)
    there = sum((row.expected or Decimal(0) for row in rows), Decimal(0))
    settled = sum((row.measured or Decimal(0) for row in rows), Decimal(0))
    if not litres or not there:
        return UNKNOWN
    kept_m3 = Decimal(litres) / THOUSAND
    return short_settled(half_up(kept_m3 * settled / there, Decimal("0.001")), kept_m3, spec)


def as_json(found: Reconciliation) -> dict[str, Any]:
    """The part of a sealed document that says how it stood."""
    return {
        "on": found.on.isoformat(),
        "custody": found.custody,
        "logs": [
            {
                "code": row.code,
                "parcel": row.parcel,
                "item": row.item,
                "custody_dm3": None if row.kept is None else row.kept.litres,
                "expected": None if row.expected is None else spelled(row.expected, 3),
                "measured": None if row.measured is None else spelled(row.measured, 3),
            }
            for row in found.rows
        ],
        "flags": {flag.spec.code: flag.outcome.state for flag in found.flags},
        "lines": [
            {"line": line.line + 1, "amount": None if line.amount is None else spelled(line.amount.amount)}
            for line in found.owed.lines
        ],
        "owed": spelled(found.owed.net),
        "paid": spelled(found.paid),
        "claimed": spelled(found.claimed),
        "interest": spelled(found.interest),
        "currency": found.owed.currency,
        "rate": {"annual_milli": found.rate.annual_milli, "source": found.rate.source},
        "differences": [one.what for one in found.differences],
    } | _beside_as_json(found.beside)


def _beside_as_json(both: SideBySide | None) -> dict[str, Any]:
    """What the other party states of the lot, whole; nothing where it states nothing."""
    if both is None:
        return {}
    other = both.other
    return {
        "beside": {
            "settlement": other.settlement, "org": other.org, "stated": other.stated.model_dump(mode="json"),
            "owed": spelled(other.owed.net), "flags": {flag.spec.code: flag.outcome.state for flag in both.flags},
        }
    }  # fmt: skip
