"""A settlement: one lot of a signed contract, what was measured of it, what is owed for it, and what was paid.

Nothing is changed afterwards: payments and the closing are entries, and a sheet that was wrong is replaced by another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.contracts.domain.apportion import apportion
from services.contracts.domain.border import Contradiction, Day, Form, Sha256, Text, VolumeM3
from services.contracts.domain.contract import ContractText, MediaType
from services.contracts.domain.money import CENT, Money, Price
from services.contracts.domain.offer import DeductionKind, Number
from services.contracts.domain.price import PerTree, PerVolume, SpeciesName
from shared.refusal import Refusal
from shared.timber.measure import LogRule, Unit, Volume, half_up, in_unit

Id = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
MOST_ENTRIES = 500
MOST_LOGS = 2_000  # what a request body of the service carries
MOST_SETTLEMENTS = 500  # of one contract
STATES_ES = {"closed": "cerrada", "replaced": "reemplazada"}


def _whole_cents(money: Money) -> Money:
    if money.amount != money.amount.quantize(CENT):
        raise PydanticCustomError("decimal_max_places", "must be in whole céntimos", {"decimal_places": 2})
    return money


Paid = Annotated[Price, AfterValidator(_whole_cents)]


class ScaledLog(Form):
    """One log of the scale sheet by its code in custody, in the unit of the sheet."""

    code: Text
    species: SpeciesName
    volume: VolumeM3


class ScaleSheet(Form):
    """What was measured at the delivery, by one rule: volumes of several do not sum."""

    rule: LogRule
    unit: Unit
    logs: tuple[ScaledLog, ...] = Field(min_length=1, max_length=MOST_LOGS)

    @model_validator(mode="after")
    def _lists_each_log_once(self) -> Self:
        if len({log.code for log in self.logs}) != len(self.logs):
            raise Contradiction("sheet.logs", "a log is listed twice", "una troza está dos veces")
        return self


class Taken(Form):
    """What is taken off at this settlement, of what the contract lets be taken off."""

    kind: DeductionKind
    amount: Paid
    on: Day
    note: Text | None = None


class SettlementText(Form):
    """What is stated of one delivery. ``replaces`` is the settlement of the same lot whose sheet was wrong."""

    contract: Id
    version: Annotated[int, Field(strict=True, ge=1, le=99)]
    lot: Number
    delivered_on: Day
    sheet: ScaleSheet
    taken: tuple[Taken, ...] = Field(default=(), max_length=60)
    replaces: Id | None = None


class Receipt(Form):
    """The paper that shows a payment, by the hash of its bytes."""

    sha256: Sha256
    name: Text
    media_type: MediaType


class Payment(Form):
    """So much was paid on a day, and the receipt that shows it."""

    paid_on: Day
    amount: Paid
    receipt: Receipt


class Explanation(Form):
    """Why one difference stays: ``what`` is its name in the reconciliation."""

    what: Text
    text: Text


class Closing(Form):
    """The closing of a settlement: each difference that is left has an explanation."""

    explanations: tuple[Explanation, ...] = Field(default=(), max_length=20)
    sale_kind: Literal["negotiated", "auction", "tender", "related_party"] = "negotiated"


class Replacement(Form):
    """The settlement of the same lot that takes the place of this one."""

    by: Id


@dataclass(eq=False)
class SpeciesNotSold(Refusal):
    """No line of the contract prices the species of a log."""

    slug: ClassVar[str] = "species-not-sold"
    es: ClassVar[str] = "La troza {code} es de {species}, y ninguna línea del contrato le pone precio."
    en: ClassVar[str] = "Log {code} is of {species}, and no line of the contract prices it."
    code: str
    species: str


@dataclass(eq=False)
class RuleNotAgreed(Refusal):
    """The sheet is measured by another rule than the one that was agreed."""

    slug: ClassVar[str] = "rule-not-agreed"
    es: ClassVar[str] = "La línea {line} del contrato se paga por la regla {agreed}; la hoja mide por {sheet}."
    en: ClassVar[str] = "Line {line} of the contract is paid by the rule {agreed}; the sheet measures by {sheet}."
    line: int
    agreed: str
    sheet: str


@dataclass(eq=False)
class LineNotByMeasure(Refusal):
    """What a line comes to does not follow from a scale sheet."""

    slug: ClassVar[str] = "line-not-by-measure"
    es: ClassVar[str] = "La línea {line} es {kind}: lo que se debe por ella no sale de una hoja de medición."
    en: ClassVar[str] = "Line {line} is {kind}: what is owed for it does not follow from a scale sheet."
    line: int
    kind: str


@dataclass(eq=False)
class SeveralCurrencies(Refusal):
    """Amounts of several currencies do not sum."""

    slug: ClassVar[str] = "several-currencies"
    es: ClassVar[str] = "Esta liquidación es en {currency}; {other} no se suma con ella."
    en: ClassVar[str] = "This settlement is in {currency}; {other} does not add to it."
    currency: str
    other: str


@dataclass(eq=False)
class DeductionNotAgreed(Refusal):
    """More is taken off than the signed contract lets be taken off."""

    slug: ClassVar[str] = "deduction-not-agreed"
    es: ClassVar[str] = "Se descuenta {taken} por {kind} y el contrato firmado permite {agreed}."
    en: ClassVar[str] = "{taken} is taken off for {kind} and the signed contract allows {agreed}."
    kind: str
    taken: str
    agreed: str


@dataclass(eq=False)
class NothingLeft(Refusal):
    """The deductions are more than the wood comes to."""

    slug: ClassVar[str] = "deductions-exceed"
    es: ClassVar[str] = "Los descuentos ({taken}) pasan de lo que vale la entrega ({gross})."
    en: ClassVar[str] = "The deductions ({taken}) are more than the delivery comes to ({gross})."
    taken: str
    gross: str


@dataclass(eq=False)
class BeforeContract(Refusal):
    """Nothing is delivered or paid for a contract before it is dated."""

    slug: ClassVar[str] = "before-the-contract"
    es: ClassVar[str] = "{what} es del {day} y el contrato del {dated}."
    en: ClassVar[str] = "{what} is of {day} and the contract of {dated}."
    what: str
    day: str
    dated: str


@dataclass(eq=False)
class NotYet(Refusal):
    """The day has not come."""

    slug: ClassVar[str] = "day-not-come"
    es: ClassVar[str] = "{what} es del {day}, que todavía no llega; hoy es {today}."
    en: ClassVar[str] = "{what} is of {day}, which has not come yet; today is {today}."
    what: str
    day: str
    today: str


@dataclass(eq=False)
class LotSettled(Refusal):
    """The lot has a settlement; another one replaces it, by name."""

    slug: ClassVar[str] = "lot-has-settlement"
    es: ClassVar[str] = "El lote {lot} ya tiene la liquidación {settlement}; una nueva dice que la reemplaza."
    en: ClassVar[str] = "Lot {lot} has the settlement {settlement} already; a new one says that it replaces it."
    lot: str
    settlement: str


@dataclass(eq=False)
class SettlementEnded(Refusal):
    """A settlement that is closed or replaced takes nothing more."""

    slug: ClassVar[str] = "settlement-ended"
    es: ClassVar[str] = "La liquidación {settlement} está {state_es}; ya no se le agrega nada."
    en: ClassVar[str] = "The settlement {settlement} is {state}; nothing is added to it any more."
    settlement: str
    state: str
    state_es: str


@dataclass(eq=False)
class ReceiptSaysOtherwise(Refusal):
    """The party stated the same receipt with another day or amount."""

    slug: ClassVar[str] = "receipt-says-otherwise"
    es: ClassVar[str] = "El recibo {receipt} ya consta con {amount} del {day}."
    en: ClassVar[str] = "The receipt {receipt} stands already with {amount} of {day}."
    receipt: str
    amount: str
    day: str


@dataclass(frozen=True, slots=True)
class LineOwed:
    """What one price line comes to: ``measured`` in the unit of its price (trees where it is paid by tree)."""

    line: int
    species: tuple[str, ...]
    measured: Decimal
    unit: str
    price: Money
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Owed:
    """What a delivery comes to by the contract, and when it is due. Money in the contract's currency."""

    currency: Literal["PEN", "USD"]
    lines: tuple[LineOwed, ...]
    gross: Decimal
    taken: Decimal
    due: tuple[tuple[date, int], ...]

    @property
    def net(self) -> Decimal:
        """What is owed: the lines less what is taken off."""
        return self.gross - self.taken

    def money(self, amount: Decimal) -> Money:
        """An amount of this settlement."""
        return Money(amount=amount, currency=self.currency)


@dataclass(frozen=True, slots=True)
class Stated:
    """A payment as a party stated it."""

    seq: int
    payment: Payment
    org: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """That, when, by whom and with which explanations it was closed."""

    closing: Closing
    org: str
    at: datetime


def owed(contract: ContractText, stated: SettlementText) -> Owed:
    """What the contract's lines come to over the sheet, line by line, rounded once each, and the days it is due."""
    if stated.delivered_on < contract.dated:
        raise BeforeContract("delivered_on", stated.delivered_on.isoformat(), contract.dated.isoformat())
    by_line: dict[int, list[ScaledLog]] = {}
    for log in stated.sheet.logs:
        by_line.setdefault(_line_of(contract, log), []).append(log)
    lines = tuple(_line_owed(contract, number, logs, stated.sheet) for number, logs in sorted(by_line.items()))
    currency = lines[0].price.currency
    for other in (*(line.price for line in lines), *(one.amount for one in stated.taken)):
        if other.currency != currency:
            raise SeveralCurrencies(currency, other.currency)
    gross = sum((line.amount for line in lines), Decimal(0))
    taken = sum((one.amount.amount for one in stated.taken), Decimal(0))
    if taken > gross:
        raise NothingLeft(str(Money(amount=taken, currency=currency)), str(Money(amount=gross, currency=currency)))
    return Owed(currency, lines, gross, taken, _due(contract, gross - taken, stated.delivered_on))


def _line_of(contract: ContractText, log: ScaledLog) -> int:
    anything = None
    for number, line in enumerate(contract.lines):
        if line.covers(log.species):
            return number
        anything = number if line.species == "any" else anything
    if anything is None:
        raise SpeciesNotSold(log.code, log.species)
    return anything


def _line_owed(contract: ContractText, number: int, logs: Sequence[ScaledLog], sheet: ScaleSheet) -> LineOwed:
    line = contract.lines[number]
    match line:
        case PerVolume():
            if line.rule.log_rule is None:
                raise LineNotByMeasure(number + 1, line.rule.value)
            if line.rule.log_rule is not sheet.rule:
                raise RuleNotAgreed(number + 1, line.rule.value, sheet.rule.value)
            total = sum((log.volume for log in logs), Decimal(0))
            measured, unit = in_unit(Volume(total, sheet.unit, sheet.rule), line.unit), line.unit.value
        case PerTree():
            measured, unit = Decimal(len({log.code.partition("/")[0] for log in logs})), "tree"
        case _:
            raise LineNotByMeasure(number + 1, line.kind)
    species = tuple(sorted({log.species for log in logs}))
    return LineOwed(number, species, measured, unit, line.price, half_up(line.price.amount * measured, CENT))


def check_taken(contract: ContractText, stated: SettlementText, others: Sequence[SettlementText]) -> None:
    """Refuse to take off more than was agreed, over all settlements of the contract together."""
    for kind in sorted({one.kind for one in stated.taken}):
        currency = stated.taken[0].amount.currency
        rows = [one for each in (stated, *others) for one in each.taken]
        taken, agreed = (
            sum((one.amount.amount for one in some if (one.kind, one.amount.currency) == (kind, currency)), Decimal(0))
            for some in (rows, contract.deductions)
        )
        if taken > agreed:
            amounts = [str(Money(amount=amount, currency=currency)) for amount in (taken, agreed)]
            raise DeductionNotAgreed(kind, *amounts)


def _due(contract: ContractText, net: Decimal, delivered_on: date) -> tuple[tuple[date, int], ...]:
    """The instalments of this delivery, in céntimos: none is due before the wood was delivered."""
    plan = contract.schedule.weights()
    parts = apportion(int(net / CENT), [weight for _, weight in plan])
    return tuple((max(day, delivered_on), cents) for (day, _), cents in zip(plan, parts, strict=True) if cents)


def counted(payments: Sequence[Stated], community: str) -> tuple[list[Stated], list[Stated]]:
    """The payments that the community has stated itself, and those that only the buyer states, of that amount and day."""
    first = [one for one in payments if one.org == community]
    seen = {_facts(one.payment) for one in first}
    return first, [one for one in payments if one.org != community and _facts(one.payment) not in seen]


def _facts(payment: Payment) -> tuple[str, Money, date]:
    return payment.receipt.sha256, payment.amount, payment.paid_on


def check_payment(
    known: Sequence[Stated], payment: Payment, org: str, owed_by: Owed, contract: ContractText, today: date
) -> Stated | None:
    """The same statement of the same party, when it stands already. Refuses what cannot be.

    Nobody is bound by what the other party said of a receipt.
    """
    if payment.amount.currency != owed_by.currency:
        raise SeveralCurrencies(owed_by.currency, payment.amount.currency)
    if payment.paid_on < contract.dated:
        raise BeforeContract("paid_on", payment.paid_on.isoformat(), contract.dated.isoformat())
    if payment.paid_on > today:
        raise NotYet("paid_on", payment.paid_on.isoformat(), today.isoformat())
    for one in known:
        if (one.org, one.payment.receipt.sha256) == (org, payment.receipt.sha256):
            if _facts(one.payment) != _facts(payment):
                raise ReceiptSaysOtherwise(
                    payment.receipt.sha256, str(one.payment.amount), one.payment.paid_on.isoformat()
                )
            return one
    return None
