"""A settlement: one lot of a signed contract, what was measured of it, what is owed for it, and what was paid.

Nothing is changed afterwards: payments and the closing are entries, and a sheet that was wrong is replaced by another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.contracts.domain.border import Contradiction, Day, Form, Sha256, Text, VolumeM3, later
from services.contracts.domain.contract import ContractText, MediaType
from services.contracts.domain.kept import named
from services.contracts.domain.money import CENT, Money, Price
from services.contracts.domain.offer import DeductionKind, ItemId, Number, listed_twice
from services.contracts.domain.price import PaidRule, SpeciesName
from shared.refusal import Refusal
from shared.timber.measure import Unit

Id = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
LineNumber = Annotated[int, Field(strict=True, ge=1, le=50)]
MOST_ENTRIES = 500  # payments of one lot
MOST_EXPLAINED = 80  # every line of a contract may be unknown
MOST_LOGS = 2_000  # what a request body of the service carries
MOST_SETTLEMENTS = 500  # of one contract
STATES_ES = {
    "closed": "cerrada",
    "replaced": "reemplazada",
    "set_aside": "dejada a un lado: se cerró la otra hoja del lote",
}


def _whole_cents(money: Money) -> Money:
    if money.amount != money.amount.quantize(CENT):
        raise PydanticCustomError("decimal_max_places", "must be in whole céntimos", {"decimal_places": 2})
    return money


Paid = Annotated[Price, AfterValidator(_whole_cents)]


class ScaledLog(Form):
    """One log, or one package of boards, in the unit of the sheet. ``code`` is what is painted on it; custody's own id of
    it (``item``), else its parcel, tells it from another of the same code. ``tree`` is custody's id of its tree."""

    code: Text
    species: SpeciesName
    volume: VolumeM3
    parcel: Text | None = later()
    item: ItemId | None = later()
    tree: ItemId | None = later()

    @property
    def name(self) -> str:
        """As people are told of it."""
        return named(self.code, self.parcel)


class ScaleSheet(Form):
    """What was measured at the delivery, by one rule: volumes of several do not sum. By the rule ``sawn`` its rows are
    packages of boards."""

    rule: PaidRule
    unit: Unit
    logs: tuple[ScaledLog, ...] = Field(min_length=1, max_length=MOST_LOGS)

    @model_validator(mode="after")
    def _lists_each_log_once(self) -> Self:
        if len({log.item or (log.code, log.parcel) for log in self.logs}) != len(self.logs):
            raise listed_twice("sheet.logs")
        return self


class Receipt(Form):
    """The paper that shows a payment, by the hash of its bytes."""

    sha256: Sha256
    name: Text
    media_type: MediaType


class Taken(Form):
    """What is taken off at this settlement, of what the contract lets be taken off."""

    kind: DeductionKind
    amount: Paid
    on: Day
    note: Text | None = None


class LinePart(Form):
    """How much of the price of a whole line (lump sum, goods) this delivery settles. ``line`` counts from one."""

    line: LineNumber
    amount: Paid


class LineAccount(Form):
    """What the wood of a share line was sold for, for a share of profit also what it cost, and the paper that shows it."""

    line: LineNumber
    revenue: Paid
    costs: Paid | None = None
    paper: Receipt


class SettlementText(Form):
    """What one party states of one delivery. ``replaces`` is its own settlement of the same lot, whose sheet was wrong; what
    the other party states of the lot stands beside it."""

    contract: Id
    version: Annotated[int, Field(strict=True, ge=1, le=99)]
    lot: Number
    delivered_on: Day
    sheet: ScaleSheet
    taken: tuple[Taken, ...] = Field(default=(), max_length=60)
    replaces: Id | None = None
    parts: Annotated[tuple[LinePart, ...], Field(min_length=1, max_length=50)] | None = later()
    accounts: Annotated[tuple[LineAccount, ...], Field(min_length=1, max_length=50)] | None = later()

    @model_validator(mode="after")
    def _speaks_of_each_line_once(self) -> Self:
        for where, rows in (("parts", self.parts or ()), ("accounts", self.accounts or ())):
            if len({one.line for one in rows}) != len(rows):
                raise Contradiction(where, "a line is there twice", "una línea está dos veces")
        return self


class Payment(Form):
    """So much was paid on a day, and the receipt that shows it. ``goods`` says what was handed over instead of money:
    ``amount`` is then what it costs in the local shop."""

    paid_on: Day
    amount: Paid
    receipt: Receipt
    goods: Text | None = later()


class Explanation(Form):
    """Why one difference stays: ``what`` is its name in the reconciliation."""

    what: Text
    text: Text


class Closing(Form):
    """The closing of a settlement: each difference that is left has an explanation."""

    explanations: tuple[Explanation, ...] = Field(default=(), max_length=MOST_EXPLAINED)
    sale_kind: Literal["negotiated", "auction", "tender", "related_party"] = "negotiated"


class Replacement(Form):
    """The settlement of the same party and lot that takes the place of this one."""

    by: Id


class Beside(Form):
    """The settlement of the same lot that the other party has stated beside this one."""

    by: Id


@dataclass(eq=False)
class SeveralCurrencies(Refusal):
    """Amounts of several currencies do not sum."""

    slug: ClassVar[str] = "several-currencies"
    es: ClassVar[str] = "Esta liquidación es en {currency}; {other} no se suma con ella."
    en: ClassVar[str] = "This settlement is in {currency}; {other} does not add to it."
    currency: str
    other: str


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
    """The party has stated a settlement of the lot; another one of its own replaces it, by name."""

    slug: ClassVar[str] = "lot-has-settlement"
    es: ClassVar[str] = "Usted ya declaró la liquidación {settlement} del lote {lot}; una nueva dice que la reemplaza."
    en: ClassVar[str] = "You have stated the settlement {settlement} of lot {lot}; a new one says that it replaces it."
    lot: str
    settlement: str


@dataclass(eq=False)
class SheetOfTheOther(Refusal):
    """Nobody replaces what the other party has measured: one's own sheet stands beside it."""

    slug: ClassVar[str] = "sheet-of-the-other-party"
    es: ClassVar[str] = (
        "La liquidación {settlement} la declaró {org}; usted no la reemplaza: declare la suya, sin decir que reemplaza esa."
    )
    en: ClassVar[str] = (
        "The settlement {settlement} was stated by {org}; you do not replace it: state your own, without naming that one."
    )
    settlement: str
    org: str


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
class SettlingLimits:
    """Days, as data with their source (``data/settling.json``): by how many a stated delivery may lie outside what custody
    records, and after how many beyond the last day to pay what nobody paid no longer keeps a price from being told."""

    delivery_days: int
    unpaid_days: int


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


def counted(payments: Sequence[Stated], community: str) -> tuple[list[Stated], list[Stated]]:
    """The payments that the community has stated itself, and those that only the buyer states, of that amount and day."""
    first = [one for one in payments if one.org == community]
    seen = {_facts(one.payment) for one in first}
    return first, [one for one in payments if one.org != community and _facts(one.payment) not in seen]


def _facts(payment: Payment) -> tuple[str, Money, date, bool]:
    return payment.receipt.sha256, payment.amount, payment.paid_on, payment.goods is None


def check_payment(
    known: Sequence[Stated], payment: Payment, org: str, currency: str, contract: ContractText, today: date
) -> Stated | None:
    """The same statement of the same party, when it stands already. Refuses what cannot be.

    Nobody is bound by what the other party said of a receipt.
    """
    if payment.amount.currency != currency:
        raise SeveralCurrencies(currency, payment.amount.currency)
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
