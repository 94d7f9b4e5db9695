"""What is owed for a delivery: each kind of price line has its rule, and what a rule cannot compute stays unknown."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from services.contracts.domain.apportion import apportion
from services.contracts.domain.contract import ContractText
from services.contracts.domain.money import CENT, Currency, Money
from services.contracts.domain.price import (
    AnyLine,
    InKind,
    LumpSum,
    PerTree,
    PerVolume,
    ShareOfProfit,
    ShareOfRevenue,
    ShareOfVolume,
)
from services.contracts.domain.settlement import (
    BeforeContract,
    LineAccount,
    ScaledLog,
    ScaleSheet,
    SettlementText,
    SeveralCurrencies,
)
from shared.refusal import Refusal
from shared.timber.measure import PT_M3, PT_PER_M3, Unit, half_up

MILLI = Decimal(1_000)
Basis = Literal["measured", "stated"]
Unknown = Literal[
    "part_not_stated", "account_not_stated", "costs_not_stated", "wood_not_money", "trees_not_on_sheet",
    "not_measured_by_rule",
]  # fmt: skip
# Why nobody can say what a line comes to: in Spanish and English.
UNKNOWN_ES: dict[Unknown, str] = {
    "part_not_stated": "nadie dijo qué parte de ese precio corresponde a esta entrega",
    "account_not_stated": "nadie dijo, con su papel, en cuánto se vendió",
    "costs_not_stated": "nadie dijo, con su papel, cuánto costó",
    "wood_not_money": "se debe en madera, y ningún papel de aquí muestra que se entregó",
    "trees_not_on_sheet": "en una hoja de tablas no se cuentan árboles",
    "not_measured_by_rule": "la hoja no mide por la regla de la recompra",
}
UNKNOWN_EN: dict[Unknown, str] = {
    "part_not_stated": "nobody said which part of that price is of this delivery",
    "account_not_stated": "nobody said, with its paper, what it was sold for",
    "costs_not_stated": "nobody said, with its paper, what it cost",
    "wood_not_money": "it is owed in wood, and no paper here shows that it was handed over",
    "trees_not_on_sheet": "trees are not counted on a sheet of boards",
    "not_measured_by_rule": "the sheet does not measure by the rule of the buy-back",
}


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
class NotOfTheLine(Refusal):
    """Something is stated of a line that bears no such thing, or of which nothing was delivered."""

    slug: ClassVar[str] = "not-of-the-line"
    es: ClassVar[str] = "Se declara {what} de la línea {line}, que en esta entrega es {kind} y no lo lleva."
    en: ClassVar[str] = "{what} is stated of line {line}, which in this delivery is {kind} and bears none."
    line: int
    kind: str
    what: str


@dataclass(eq=False)
class PartsExceed(Refusal):
    """The parts that deliveries settle of a whole price are more than that price."""

    slug: ClassVar[str] = "parts-exceed-price"
    es: ClassVar[str] = "De la línea {line} ya son {parts} en todas las entregas, y su precio es {agreed}."
    en: ClassVar[str] = "Of line {line} it is {parts} over all deliveries, and its price is {agreed}."
    line: int
    parts: str
    agreed: str


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


@dataclass(frozen=True, slots=True)
class LineOwed:
    """What one price line comes to: ``measured`` in the unit of its price (trees where it is paid by tree). Without an
    amount it is unknown, and ``unknown`` says why; ``basis`` is whether it follows from the sheet or from what a party
    stated with its paper."""

    line: int
    kind: str
    species: tuple[str, ...]
    measured: Decimal | None = None
    unit: str | None = None
    price: Money | None = None
    amount: Money | None = None
    basis: Basis | None = None
    unknown: Unknown | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """What a delivery comes to by the contract, and when it is due. Money in the contract's currency. Lines that are
    unknown are not in the sums."""

    currency: Currency
    lines: tuple[LineOwed, ...]
    gross: Decimal
    taken: Decimal
    due: tuple[tuple[date, int], ...]

    @property
    def net(self) -> Decimal:
        """What is owed: the lines less what is taken off."""
        return self.gross - self.taken

    @property
    def unknown(self) -> tuple[LineOwed, ...]:
        """The lines of which nobody can say what they come to."""
        return tuple(line for line in self.lines if line.amount is None)

    def money(self, amount: Decimal) -> Money:
        """An amount of this settlement."""
        return Money(amount=amount, currency=self.currency)


def owed(contract: ContractText, stated: SettlementText) -> Owed:
    """What the contract's lines come to over the sheet, line by line, rounded once each, and the days it is due."""
    if stated.delivered_on < contract.dated:
        raise BeforeContract("delivered_on", stated.delivered_on.isoformat(), contract.dated.isoformat())
    by_line = logs_by_line(contract, stated)
    _check_stated_of_lines(contract, stated, by_line.keys())
    lines = tuple(_line_owed(contract, number, logs, stated) for number, logs in sorted(by_line.items()))
    amounts = [line.amount for line in lines if line.amount is not None]
    currency = _currency(contract, amounts)
    for other in (*amounts, *(one.amount for one in stated.taken)):
        if other.currency != currency:
            raise SeveralCurrencies(currency, other.currency)
    gross = sum((one.amount for one in amounts), Decimal(0))
    taken = sum((one.amount.amount for one in stated.taken), Decimal(0))
    if taken > gross:
        raise NothingLeft(str(Money(amount=taken, currency=currency)), str(Money(amount=gross, currency=currency)))
    return Owed(currency, lines, gross, taken, _due(contract, gross - taken, stated.delivered_on))


def logs_by_line(contract: ContractText, stated: SettlementText) -> dict[int, list[ScaledLog]]:
    """The rows of the sheet by the line that prices them, which ``any`` does for what no other line names."""
    by_line: dict[int, list[ScaledLog]] = {}
    for log in stated.sheet.logs:
        by_line.setdefault(_line_of(contract, log), []).append(log)
    return by_line


def _line_of(contract: ContractText, log: ScaledLog) -> int:
    anything = None
    for number, line in enumerate(contract.lines):
        if line.covers(log.species):
            return number
        anything = number if line.species == "any" else anything
    if anything is None:
        raise SpeciesNotSold(log.name, log.species)
    return anything


def _check_stated_of_lines(contract: ContractText, stated: SettlementText, delivered: AbstractSet[int]) -> None:
    """Refuse a part or an account of a line that takes none, or of which nothing is on the sheet."""
    rows: list[tuple[int, str, tuple[type, ...]]] = [
        *((one.line, "parts", (LumpSum, InKind)) for one in stated.parts or ()),
        *((one.line, "accounts", (ShareOfRevenue, ShareOfProfit)) for one in stated.accounts or ()),
        *((one.line, "costs", (ShareOfProfit,)) for one in stated.accounts or () if one.costs is not None),
    ]
    for number, what, kinds in rows:
        line = contract.lines[number - 1] if number - 1 in delivered else None
        if not isinstance(line, kinds):
            raise NotOfTheLine(number, "-" if line is None else line.kind, what)


def _line_owed(contract: ContractText, number: int, logs: Sequence[ScaledLog], stated: SettlementText) -> LineOwed:
    line, sheet = contract.lines[number], stated.sheet
    species = tuple(sorted({log.species for log in logs}))
    match line:
        case PerVolume():
            if line.rule is not sheet.rule:
                raise RuleNotAgreed(number + 1, line.rule.value, sheet.rule.value)
            return _by_measure(number, line, species, _volume(logs, sheet, line.unit), line.unit.value, line.price)
        case PerTree():
            if sheet.rule.log_rule is None:
                return LineOwed(number, line.kind, species, price=line.price, unknown="trees_not_on_sheet")
            return _by_measure(number, line, species, Decimal(len(trees(logs))), "tree", line.price)
        case LumpSum() | InKind():
            part = next((one.amount for one in stated.parts or () if one.line == number + 1), None)
            return LineOwed(
                number, line.kind, species, price=line.price, amount=part,
                basis=None if part is None else "stated", unknown="part_not_stated" if part is None else None,
            )  # fmt: skip
        case ShareOfVolume():
            return _of_the_wood(number, line, species, logs, sheet)
        case ShareOfRevenue() | ShareOfProfit():
            account = next((one for one in stated.accounts or () if one.line == number + 1), None)
            return _of_an_account(number, line, species, account)


def _by_measure(
    number: int, line: AnyLine, species: tuple[str, ...], measured: Decimal, unit: str, price: Money
) -> LineOwed:
    amount = price.model_copy(update={"amount": half_up(price.amount * measured, CENT)})
    return LineOwed(number, line.kind, species, measured, unit, price, amount, "measured")


def _of_the_wood(
    number: int, line: ShareOfVolume, species: tuple[str, ...], logs: Sequence[ScaledLog], sheet: ScaleSheet
) -> LineOwed:
    """A share of the wood, at the price of its buy-back; without one it is owed as wood."""
    back = line.buy_back
    if back is None:
        share = _volume(logs, sheet, sheet.unit) * line.share_milli / MILLI
        return LineOwed(number, line.kind, species, share, sheet.unit.value, unknown="wood_not_money")
    if back.rule is not sheet.rule:
        return LineOwed(number, line.kind, species, price=back.price, unknown="not_measured_by_rule")
    share = _volume(logs, sheet, back.unit) * line.share_milli / MILLI
    return _by_measure(number, line, species, share, back.unit.value, back.price)


def _of_an_account(
    number: int, line: ShareOfRevenue | ShareOfProfit, species: tuple[str, ...], account: LineAccount | None
) -> LineOwed:
    """A share of what a party stated; of a loss nothing is owed, and none of it is shared."""
    if account is None:
        return LineOwed(number, line.kind, species, unknown="account_not_stated")
    left = account.revenue.amount
    if isinstance(line, ShareOfProfit):
        if account.costs is None:
            return LineOwed(number, line.kind, species, unknown="costs_not_stated")
        if account.costs.currency != account.revenue.currency:
            raise SeveralCurrencies(account.revenue.currency, account.costs.currency)
        left = max(left - account.costs.amount, Decimal(0))
    share = half_up(left * line.share_milli / MILLI, CENT)
    amount = Money(amount=share, currency=account.revenue.currency)
    return LineOwed(number, line.kind, species, amount=amount, basis="stated")


def _volume(logs: Sequence[ScaledLog], sheet: ScaleSheet, unit: Unit) -> Decimal:
    return converted(sum((log.volume for log in logs), Decimal(0)), sheet.unit, unit)


def converted(volume: Decimal, unit: Unit, wanted: Unit) -> Decimal:
    """The same wood by the same rule in another unit, by the exact board foot and unrounded."""
    if unit is wanted:
        return volume
    return volume * (PT_PER_M3 if wanted is Unit.PT else PT_M3)


def trees(logs: Sequence[ScaledLog]) -> frozenset[tuple[str, ...]]:
    """The trees that logs are of: by custody's id where the sheet states it, else by parcel and the code before the
    slash. What custody says of them is held against this before a settlement is closed."""
    return frozenset(
        (log.tree,) if log.tree is not None else (log.parcel or "", log.code.partition("/")[0]) for log in logs
    )


def _currency(contract: ContractText, amounts: Sequence[Money]) -> Currency:
    """That of what is owed; of nothing known yet, that of the contract's own prices, else soles."""
    stated = [
        line.price for line in contract.lines if not isinstance(line, ShareOfVolume | ShareOfRevenue | ShareOfProfit)
    ]
    total = [] if contract.schedule.total is None else [contract.schedule.total]
    return next((one.currency for one in (*amounts, *total, *stated)), "PEN")


# A settlement with the text of the contract that it settles.
Counted = tuple[ContractText, SettlementText]


def check_sums(contract: ContractText, stated: SettlementText, others: Sequence[Counted]) -> None:
    """Refuse what comes to more than was agreed over all settlements of the contract together."""
    for beyond in beyond_agreed(contract, stated, others):
        raise beyond


def beyond_agreed(contract: ContractText, stated: SettlementText, others: Sequence[Counted]) -> list[Refusal]:
    """What is taken off, or settled of a whole price, beyond what was agreed once for all settlements together."""
    return [*_taken_beyond(contract, stated, [each for _, each in others]), *_parts_beyond(contract, stated, others)]


def _parts_beyond(contract: ContractText, stated: SettlementText, others: Sequence[Counted]) -> list[PartsExceed]:
    """An amendment may have moved the line, so it is known by its kind and its species."""
    found = []
    for part in stated.parts or ():
        line = contract.lines[part.line - 1]
        assert isinstance(line, LumpSum | InKind)
        if part.amount.currency != line.price.currency:
            raise SeveralCurrencies(line.price.currency, part.amount.currency)
        rows = [
            one.amount.amount
            for text, each in others
            for one in each.parts or ()
            if (text.lines[one.line - 1].kind, text.lines[one.line - 1].species) == (line.kind, line.species)
        ]
        whole = sum(rows, part.amount.amount)
        if whole > line.price.amount:
            said = Money(amount=whole, currency=line.price.currency)
            found.append(PartsExceed(part.line, str(said), str(line.price)))
    return found


def _taken_beyond(
    contract: ContractText, stated: SettlementText, others: Sequence[SettlementText]
) -> list[DeductionNotAgreed]:  # fmt: skip
    found = []
    for kind in sorted({one.kind for one in stated.taken}):
        currency = stated.taken[0].amount.currency
        rows = [one for each in (stated, *others) for one in each.taken]
        taken, agreed = (
            sum((one.amount.amount for one in some if (one.kind, one.amount.currency) == (kind, currency)), Decimal(0))
            for some in (rows, contract.deductions)
        )
        if taken > agreed:
            amounts = [str(Money(amount=amount, currency=currency)) for amount in (taken, agreed)]
            found.append(DeductionNotAgreed(kind, *amounts))
    return found


def _due(contract: ContractText, net: Decimal, delivered_on: date) -> tuple[tuple[date, int], ...]:
    """The instalments of this delivery, in céntimos: none is due before the wood was delivered."""
    plan = contract.schedule.weights()
    parts = apportion(int(net / CENT), [weight for _, weight in plan])
    return tuple((max(day, delivered_on), cents) for (day, _), cents in zip(plan, parts, strict=True) if cents)
