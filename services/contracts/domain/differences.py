"""What does not agree in a settlement: each difference by a stable name and in words, none hidden in a sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from services.contracts.domain.contract import ContractText
from services.contracts.domain.flags.answer import Flag
from services.contracts.domain.kept import Stray
from services.contracts.domain.matched import Dated, KeptLot, Row
from services.contracts.domain.owed import (
    UNKNOWN_EN,
    UNKNOWN_ES,
    Counted,
    LineOwed,
    Owed,
    beyond_agreed,
    logs_by_line,
    trees,
)
from services.contracts.domain.price import PerTree
from services.contracts.domain.settlement import SettlementText, Stated


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not agree, by a stable name and in words."""

    what: str
    es: str
    en: str


# What custody knows a day of, in Spanish and English.
DAYS: dict[Dated, tuple[str, str]] = {
    "sold": ("vendido el", "sold on"), "left": ("salió el", "left on"), "received": ("recibido el", "received on"),
}  # fmt: skip
STRAYS: dict[Stray, tuple[str, str, str]] = {
    "extra": ("logs_extra", "están en la hoja y no en custodia", "are on the sheet and not in custody"),
    "ambiguous": (
        "logs_ambiguous",
        "pueden ser varias de custodia; diga la parcela o la pieza",
        "may be several of custody; state the parcel or the item",
    ),
    "twice": ("logs_twice", "están dos veces en la hoja", "are on the sheet twice"),
}


def of_wood(rows: Sequence[Row], kept: KeptLot, parties: tuple[str, str]) -> list[Difference]:
    """The logs of one list alone, and what custody says otherwise of a log or of the lot."""
    if kept.state != "read":
        return []
    both = [(row, row.scaled, row.kept) for row in rows if row.scaled and row.kept]
    other_code = [row for row, scaled, log in both if scaled.item and log.code and scaled.code != log.code]
    other_species = [row for row, scaled, log in both if scaled.species != log.species]
    unmeasured = [row for row, *_ in both if row.expected is None]
    found = [
        *_listed(
            [row for row in rows if row.scaled is None], "logs_missing", "están en custodia y no en la hoja",
            "are in custody and not on the sheet",
        ),
        *(one for stray, told in STRAYS.items() for one in _listed([row for row in rows if row.stray == stray], *told)),
        *_listed(other_code, "codes_differ", "tienen otro código en custodia", "bear another code in custody"),
        *_listed(other_species, "species_differ", "tienen otra especie en custodia", "are of another species in custody"),
        *_listed(
            unmeasured, "not_comparable", "no tienen en custodia un volumen por la regla de la hoja",
            "have no volume by the rule of the sheet in custody",
        ),
    ]  # fmt: skip
    if (kept.seller, kept.buyer) != parties:
        names = f"{kept.seller or '-'} → {kept.buyer or '-'}"
        found.append(
            Difference("lot_parties", f"en custodia el lote es de {names}", f"in custody the lot is of {names}")
        )
    return found


def _listed(rows: Sequence[Row], what: str, es: str, en: str) -> list[Difference]:
    if not rows:
        return []
    named = ", ".join(row.name for row in rows[:10]) + (" …" if len(rows) > 10 else "")
    return [Difference(what, f"{len(rows)} trozas {es}: {named}", f"{len(rows)} logs {en}: {named}")]


def of_term(contract: ContractText, stated: SettlementText) -> list[Difference]:
    """Wood that was delivered before the contract begins or after it ends."""
    if contract.starts_on <= stated.delivered_on <= contract.ends_on:
        return []
    term = f"{contract.starts_on.isoformat()} → {contract.ends_on.isoformat()}"
    return [Difference("outside_term", f"el contrato rige {term}", f"the contract is of {term}")]


def of_delivery(stated: SettlementText, kept: KeptLot, tolerance_days: int) -> list[Difference]:
    """A day of delivery that lies outside all that custody records of the same lot: sold, left, received."""
    if not kept.days:
        return []
    tolerance = timedelta(days=tolerance_days)
    known = [day for _, day in kept.days]
    if min(known) - tolerance <= stated.delivered_on <= max(known) + tolerance:
        return []
    said, said_en = (", ".join(f"{DAYS[what][n]} {day}" for what, day in kept.days) for n in (0, 1))
    return [
        Difference(
            "delivered_on",
            f"la liquidación dice que se entregó el {stated.delivered_on} y en custodia consta: {said}",
            f"the settlement says it was delivered on {stated.delivered_on}, and custody has: {said_en}",
        )
    ]


def of_trees(contract: ContractText, stated: SettlementText, rows: Sequence[Row], kept: KeptLot) -> list[Difference]:
    """Where a price is by tree: the trees that the sheet counts, beside those that custody names of the same logs."""
    if kept.state != "read":
        return []
    found = []
    by_row = {row.scaled: row.kept for row in rows if row.scaled and row.kept}
    for number, logs in logs_by_line(contract, stated).items():
        if not isinstance(contract.lines[number], PerTree):
            continue
        matched = [log for log in logs if log in by_row]
        named = {by_row[log].tree or by_row[log].item for log in matched}
        there, counted_there = len(named), len(trees(matched))
        if there != counted_there:
            found.append(
                Difference(
                    f"line-{number + 1}-trees",
                    f"la hoja cuenta {counted_there} árboles y en custodia son {there}; diga parcela o árbol",
                    f"the sheet counts {counted_there} trees and in custody they are {there}; state parcel or tree",
                )
            )
    return found


def of_lines(owed: Owed) -> list[Difference]:
    """Lines of which nobody can say what they come to, and those that rest on what a party stated of its own sales."""
    return [one for line in owed.lines if (one := _of_line(line)) is not None]


def _of_line(line: LineOwed) -> Difference | None:
    place = line.line + 1
    if line.unknown is not None:
        return Difference(
            f"line-{place}-unknown",
            f"no se sabe cuánto se debe por la línea {place}: {UNKNOWN_ES[line.unknown]}",
            f"what is owed for line {place} is not known: {UNKNOWN_EN[line.unknown]}",
        )
    if line.basis == "stated" and line.price is None:
        return Difference(
            f"line-{place}-stated",
            f"la línea {place} sale de cuentas declaradas; diga qué papeles vio",
            f"line {place} rests on accounts that were stated; say which papers you saw",
        )
    return None


def of_goods(owed: Owed, own: Sequence[Stated]) -> list[Difference]:
    """Goods that were taken for money beyond what the contract agreed to be paid in goods."""
    agreed = sum((line.amount.amount for line in owed.lines if line.kind == "in_kind" and line.amount), Decimal(0))
    goods = sum((one.payment.amount.amount for one in own if one.payment.goods is not None), Decimal(0))
    if goods <= agreed:
        return []
    beyond = owed.money(goods - agreed)
    return [
        Difference(
            "goods_beyond_agreed",
            f"se pagó en víveres o bienes {beyond} más de lo que el contrato acuerda para esta entrega",
            f"{beyond} more was paid in goods than the contract agrees for this delivery",
        )
    ]


def of_flags(flags: Sequence[Flag]) -> list[Difference]:
    """The flags that are raised."""
    return [
        Difference(flag.spec.code, flag.text("es"), flag.text("en")) for flag in flags if flag.outcome.state == "raised"
    ]


def of_money(owed: Owed, balance: Decimal, interest: Decimal, claimed: Decimal) -> list[Difference]:
    """What is still owed or was paid too much, and what only the buyer says that it paid."""
    differences = []
    shown = owed.money(abs(balance))
    if balance > 0:
        late = owed.money(interest)
        differences.append(
            Difference(
                "unpaid", f"falta pagar {shown}, de ello interés {late}", f"{shown} is unpaid, {late} of it interest"
            )
        )
    if balance < 0 and not owed.unknown:
        differences.append(Difference("overpaid", f"se pagó {shown} de más", f"{shown} was paid too much"))
    if claimed:
        said = owed.money(claimed)
        differences.append(
            Difference(
                "claimed_only",
                f"el comprador declara {said} que la comunidad no reconoce",
                f"the buyer states {said} that the community has not acknowledged",
            )
        )
    return differences


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Other settlements that stand between the same parties and have counted something of this one already, by id: the lot
    under another contract, a receipt, and those of other lots of the contract that the community counts, with their text.
    ``version`` is the one that was in force on the day of the delivery, where this settlement names one that was signed
    later."""

    lot: tuple[str, ...] = ()
    receipts: tuple[str, ...] = ()
    counted: tuple[tuple[str, ContractText, SettlementText], ...] = ()
    version: int | None = None

    @property
    def counted_texts(self) -> list[Counted]:
        """The same without their ids."""
        return [(text, stated) for _, text, stated in self.counted]


def of_others(contract: ContractText, stated: SettlementText, elsewhere: Elsewhere) -> list[Difference]:
    """What is counted here and elsewhere too."""
    here = paid_trees(contract, stated)
    version = () if elsewhere.version is None else (str(elsewhere.version),)
    felled = tuple(one for one, text, other in elsewhere.counted if here & paid_trees(text, other))
    return [
        Difference(what, f"{es} {', '.join(ids)}", f"{en} {', '.join(ids)}")
        for ids, what, es, en in (
            (elsewhere.lot, "lot_elsewhere", "el mismo lote está también en", "the same lot is also in"),
            (felled, "trees_elsewhere", "árboles que se pagan aquí se pagan también en", "trees paid here are also paid in"),
            (version, "signed_after_delivery", "al entregar regía la versión", "at the delivery the version in force was"),
            (elsewhere.receipts, "receipt_elsewhere", "un recibo de aquí está también en", "a receipt of here is also in"),
        )
        if ids
    ]  # fmt: skip


def of_sums(contract: ContractText, stated: SettlementText, elsewhere: Elsewhere) -> list[Difference]:
    """What was agreed once for all lots and comes to more with those of other lots: such a sheet is replaced, not closed."""
    return [
        Difference(f"{beyond.slug}-{number}", beyond.text("es"), beyond.text("en"))
        for number, beyond in enumerate(beyond_agreed(contract, stated, elsewhere.counted_texts), 1)
    ]


def paid_trees(contract: ContractText, stated: SettlementText) -> frozenset[tuple[str, ...]]:
    """The trees of the rows whose line pays by tree."""
    by_line = logs_by_line(contract, stated).items()
    return trees([log for number, logs in by_line if isinstance(contract.lines[number], PerTree) for log in logs])
