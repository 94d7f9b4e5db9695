"""What was settled beside what custody recorded and what was paid: every difference by name, none hidden in a sum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Literal

from services.contracts.domain.border import spelled
from services.contracts.domain.contract import ContractText
from services.contracts.domain.flags.answer import UNKNOWN, Flag, FlagPack
from services.contracts.domain.flags.scaling import short_settled, underscale
from services.contracts.domain.late import Late, Rate, late, match, total
from services.contracts.domain.lot import CustodyState
from services.contracts.domain.money import CENT
from services.contracts.domain.price import PerVolume
from services.contracts.domain.settlement import Closing, Owed, SettlementText, Stated, counted
from shared.refusal import Refusal
from shared.timber.measure import SCALES, LogRule, LogSize, Volume, half_up, in_unit

THOUSAND = Decimal(1_000)


@dataclass(frozen=True, slots=True)
class KeptLog:
    """A log as custody records it."""

    species: str
    size: LogSize
    litres: int


@dataclass(frozen=True, slots=True)
class KeptLot:
    """Custody's list of a lot by the code of the log, who composed the lot and who bought it; or why there is none."""

    state: CustodyState
    logs: Mapping[str, KeptLog]
    seller: str | None = None
    buyer: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One log beside itself: delivered as custody has it, measured as the sheet has it, by the sheet's rule and unit."""

    code: str
    species: str | None
    species_custody: str | None
    custody_litres: int | None
    expected: Decimal | None
    measured: Decimal | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not agree, by a stable name and in words."""

    what: str
    es: str
    en: str


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
    return [Rate(date.min, agreed.annual_milli, "contract", "not needed")]


def reconcile(
    contract: ContractText, stated: SettlementText, parties: tuple[str, str], owed: Owed, payments: Sequence[Stated],
    kept: KeptLot, legal: Sequence[Rate], pack: FlagPack, on: date,
) -> Reconciliation:  # fmt: skip
    """Lay everything side by side as it stands on a day. ``parties`` are community and buyer."""
    rows = _rows(stated, kept)
    own, only_buyer = counted([one for one in payments if one.payment.paid_on <= on], parties[0])
    rates = rates_of(contract, legal)
    parts, _ = match(owed.due, [(one.payment.paid_on, _cents(one)) for one in own])
    lates = tuple(late(parts, rates, on))
    flags = _flags(rows, kept, pack)
    found = Reconciliation(
        on, kept.state, rows, flags, owed, _sum(own), _sum(only_buyer), lates, total(lates), _rate_on(rates, on), ()
    )
    differences = (*_of_wood(rows, kept, parties), *_of_flags(flags), *_of_money(found))
    return Reconciliation(
        on, kept.state, rows, flags, owed, found.paid, found.claimed, lates, found.interest, found.rate, differences
    )


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


def _rows(stated: SettlementText, kept: KeptLot) -> tuple[Row, ...]:
    sheet = {log.code: log for log in stated.sheet.logs}
    return tuple(
        _row(code, sheet.get(code), kept.logs.get(code), stated) for code in sorted(sheet.keys() | kept.logs.keys())
    )


def _row(code: str, measured: Any, log: KeptLog | None, stated: SettlementText) -> Row:
    expected = None
    if log is not None:
        official = Volume(Decimal(log.litres) / THOUSAND, SCALES[LogRule.MEAN_OF_ENDS].unit, LogRule.MEAN_OF_ENDS)
        by_rule = official if stated.sheet.rule is LogRule.MEAN_OF_ENDS else SCALES[stated.sheet.rule].of(log.size)
        expected = half_up(in_unit(by_rule, stated.sheet.unit), Decimal("0.001"))
    return Row(
        code,
        None if measured is None else measured.species,
        None if log is None else log.species,
        None if log is None else log.litres,
        expected,
        None if measured is None else measured.volume,
    )


def _flags(rows: Sequence[Row], kept: KeptLot, pack: FlagPack) -> tuple[Flag, ...]:
    """V03 and V04 over the logs of both lists: by the sheet's own rule, and V04 in custody's cubic metres."""
    specs = {spec.code: spec for spec in pack.flags}
    if kept.state != "read":
        outcomes = {"V03": UNKNOWN, "V04": UNKNOWN}
    else:
        pairs = [(row.measured, row.expected) for row in rows if row.measured and row.expected]
        litres = sum(row.custody_litres or 0 for row in rows)
        there = sum((row.expected or Decimal(0) for row in rows), Decimal(0))
        settled = sum((row.measured or Decimal(0) for row in rows), Decimal(0))
        short = UNKNOWN
        if litres and there:
            kept_m3 = Decimal(litres) / THOUSAND
            paid_m3 = half_up(kept_m3 * settled / there, Decimal("0.001"))
            short = short_settled(paid_m3, kept_m3, specs["V04"])
        outcomes = {"V03": underscale(pairs, specs["V03"]), "V04": short}
    return tuple(Flag(specs[code], outcome, pack.version) for code, outcome in outcomes.items())


def _of_wood(rows: Sequence[Row], kept: KeptLot, parties: tuple[str, str]) -> list[Difference]:
    if kept.state != "read":
        return []
    found = []
    missing = [row.code for row in rows if row.measured is None]
    extra = [row.code for row in rows if row.custody_litres is None]
    other = [
        row.code
        for row in rows
        if None not in (row.species, row.species_custody) and row.species != row.species_custody
    ]
    for codes, what, es, en in (
        (missing, "logs_missing", "están en custodia y no en la hoja", "are in custody and not on the sheet"),
        (extra, "logs_extra", "están en la hoja y no en custodia", "are on the sheet and not in custody"),
        (other, "species_differ", "tienen otra especie en custodia", "are of another species in custody"),
    ):
        if codes:
            named = ", ".join(codes[:10]) + (" …" if len(codes) > 10 else "")
            found.append(Difference(what, f"{len(codes)} trozas {es}: {named}", f"{len(codes)} logs {en}: {named}"))
    if (kept.seller, kept.buyer) != parties:
        names = f"{kept.seller or '-'} → {kept.buyer or '-'}"
        found.append(
            Difference("lot_parties", f"en custodia el lote es de {names}", f"in custody the lot is of {names}")
        )
    return found


def _of_flags(flags: Sequence[Flag]) -> list[Difference]:
    return [
        Difference(flag.spec.code, flag.text("es"), flag.text("en")) for flag in flags if flag.outcome.state == "raised"
    ]


def _of_money(found: Reconciliation) -> list[Difference]:
    differences, balance = [], found.balance
    shown = found.owed.money(abs(balance))
    if balance > 0:
        interest = found.owed.money(found.interest)
        differences.append(
            Difference(
                "unpaid",
                f"falta pagar {shown}, de ello interés {interest}",
                f"{shown} is unpaid, {interest} of it interest",
            )
        )
    if balance < 0:
        differences.append(Difference("overpaid", f"se pagó {shown} de más", f"{shown} was paid too much"))
    if found.claimed:
        said = found.owed.money(found.claimed)
        differences.append(
            Difference(
                "claimed_only",
                f"el comprador declara {said} que la comunidad no reconoce",
                f"the buyer states {said} that the community has not acknowledged",
            )
        )
    return differences


# --- a closed settlement as a price ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SealedPrice:
    """What a closed settlement says of the price of one species of one line: the facts of a sealed price report."""

    number: int
    line: PerVolume
    closed_on: date
    payment_delay_days: int
    volume_m3: Decimal
    logs: tuple[LogSize, ...]
    sale_kind: Literal["negotiated", "auction", "tender", "related_party"]


def sealed_report(
    contract: ContractText, stated: SettlementText, found: Reconciliation, payments: Sequence[Stated], community: str,
    closing: Closing, kept: KeptLot,
) -> tuple[SealedPrice, ...]:  # fmt: skip
    """The price of each species that was paid by volume, in its own unit and rule; none of a settlement that has a
    difference of wood or that was not paid: such a price was not reconciled with custody."""
    if any(one.what != "overpaid" for one in found.differences) or found.custody != "read":
        return ()
    delay = payment_delay_days(stated.delivered_on, counted(payments, community)[0])
    prices: list[SealedPrice] = []
    for owed in found.owed.lines:
        line = contract.lines[owed.line]
        if not isinstance(line, PerVolume):
            continue
        for species in owed.species:
            logs = [kept.logs[log.code] for log in stated.sheet.logs if log.species == species]
            prices.append(
                SealedPrice(
                    len(prices) + 1,
                    line.model_copy(update={"species": (species,)}),
                    found.on,
                    delay,
                    Decimal(sum(log.litres for log in logs)) / THOUSAND,
                    tuple(log.size for log in logs),
                    closing.sale_kind,
                )
            )
    return tuple(prices)


def payment_delay_days(delivered_on: date, payments: Sequence[Stated]) -> int:
    """How long after the delivery the money came, as a mean weighted by amount; money before it counts as no delay."""
    whole = _sum(payments)
    if not whole:
        return 0
    days = sum(
        (max((one.payment.paid_on - delivered_on).days, 0) * one.payment.amount.amount for one in payments), Decimal(0)
    )
    return int(half_up(days / whole, Decimal(1)))


def as_json(found: Reconciliation) -> dict[str, Any]:
    """The part of a sealed document that says how it stood."""
    return {
        "on": found.on.isoformat(),
        "custody": found.custody,
        "logs": [
            {
                "code": row.code,
                "custody_dm3": row.custody_litres,
                "expected": None if row.expected is None else spelled(row.expected, 3),
                "measured": None if row.measured is None else spelled(row.measured, 3),
            }
            for row in found.rows
        ],
        "flags": {flag.spec.code: flag.outcome.state for flag in found.flags},
        "owed": spelled(found.owed.net),
        "paid": spelled(found.paid),
        "claimed": spelled(found.claimed),
        "interest": spelled(found.interest),
        "currency": found.owed.currency,
        "rate": {"annual_milli": found.rate.annual_milli, "source": found.rate.source},
        "differences": [one.what for one in found.differences],
    }
