"""Appraisals and settlements as workbooks: the same figures as their JSON, in rows, in one language. They say nothing of
their own."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.contracts.domain.money import Money
from services.contracts.domain.owed import UNKNOWN_EN, UNKNOWN_ES
from services.contracts.domain.reconciliation import Reconciliation
from services.contracts.domain.report import Language
from services.contracts.domain.settlement import SettlementText, Stated
from services.contracts.domain.words import CAUSES, VERDICTS, Both
from shared.web.workbook import Cell, Fixed, Sheet, workbook_of

_SHEETS = {
    "summary": Both("Resumen", "Summary"),
    "lines": Both("Líneas", "Lines"),
    "causes": Both("Causas", "Causes"),
    "flags": Both("Alertas", "Alerts"),
    "logs": Both("Trozas", "Logs"),
    "payments": Both("Pagos", "Payments"),
    "differences": Both("Diferencias", "Differences"),
    "data": Both("Datos usados", "Data used"),
}
_HEADERS = {
    "summary": (Both("Qué", "What"), Both("Cuánto", "How much"), Both("Moneda", "Currency")),
    "text": (Both("Texto", "Text"),),
    "line": (
        Both("Línea", "Line"), Both("Especies", "Species"), Both("Resultado", "Result"), Both("Neto por m³", "Net per m³"),
        Both("Justo, lo más bajo", "Fair, lowest"), Both("Justo, en medio", "Fair, middle"),
        Both("Justo, lo más alto", "Fair, highest"), Both("Diferencia", "Difference"), Both("Moneda", "Currency"),
    ),
    "causes": (Both("Causa", "Cause"), Both("Monto", "Amount"), Both("Moneda", "Currency")),
    "flags": (
        Both("Código", "Code"), Both("Alerta", "Alert"), Both("Estado", "State"), Both("Gravedad", "Severity"),
        Both("Texto", "Text"), Both("Revisión legal", "Legal review"),
    ),
    "data": (Both("Dato", "What"), Both("Huella", "Hash")),
    "owed": (
        Both("Línea", "Line"), Both("Tipo", "Kind"), Both("Especies", "Species"), Both("Medido", "Measured"),
        Both("Unidad", "Unit"), Both("Precio", "Price"), Both("Se debe", "Owed"), Both("Moneda", "Currency"),
        Both("Sale de", "Rests on"), Both("Por qué no se sabe", "Why it is unknown"),
    ),
    "logs": (
        Both("Código", "Code"), Both("Parcela", "Parcel"), Both("Pieza en custodia", "Item in custody"),
        Both("Especie en la hoja", "Species on the sheet"), Both("Especie en custodia", "Species in custody"),
        Both("Custodia, m³", "Custody, m³"), Both("Según custodia, en la unidad de la hoja", "By custody, in the sheet's unit"),
        Both("Medido en la hoja", "Measured on the sheet"), Both("En la hoja de la otra parte", "On the other party's sheet"),
    ),
    "payments": (
        Both("Día", "Day"), Both("Monto", "Amount"), Both("Moneda", "Currency"), Both("Bienes", "Goods"),
        Both("Recibo", "Receipt"), Both("Huella del recibo", "Hash of the receipt"), Both("Lo declara", "Stated by"),
    ),
    "differences": (Both("Diferencia", "Difference"), Both("Texto", "Text")),
}  # fmt: skip
_FIGURES = (
    ("net_m3", Both("Deja a la comunidad, por m³", "Leaves the community, per m³")),
    ("fair_low_m3", Both("Justo por m³, lo más bajo", "Fair per m³, lowest")),
    ("fair_mid_m3", Both("Justo por m³, en medio", "Fair per m³, middle")),
    ("fair_high_m3", Both("Justo por m³, lo más alto", "Fair per m³, highest")),
    ("loss_mid", Both("Diferencia en todo el lote", "Difference over the whole lot")),
)
_STATES = {
    "raised": Both("levantada", "raised"),
    "clear": Both("sin novedad", "clear"),
    "unknown": Both("no se sabe", "unknown"),
}
_BASIS = {"measured": Both("la hoja", "the sheet"), "stated": Both("lo declarado", "what was stated")}


def appraisal_book(appraisal: Mapping[str, Any], language: Language) -> bytes:
    """An appraisal, stored or not. Slow: use a thread."""
    text, total = appraisal["text"][language], appraisal["total"]
    said = VERDICTS[appraisal["verdict"]]
    summary: list[Sequence[Cell]] = [(_in(said, language), None, None)]
    summary += [(_in(name, language), *_money(total[field])) for field, name in _FIGURES if total[field] is not None]
    sentences: list[Sequence[Cell]] = [(one,) for one in (text["headline"], *text["sentences"])]
    lines: list[Sequence[Cell]] = [
        (number, _species(line["species"]), _in(VERDICTS[line["verdict"]], language), *_line_figures(line))
        for number, line in enumerate(appraisal["lines"], 1)
    ]
    causes: list[Sequence[Cell]] = [
        (_in(CAUSES[one["cause"]], language), *_money(one["amount"])) for one in total["waterfall"] or ()
    ]
    flags: list[Sequence[Cell]] = [
        (flag["code"], flag[f"title_{language}"], _in(_STATES[flag["state"]], language), flag["severity"],
         flag[f"text_{language}"], flag["legal_review"])
        for flag in appraisal["flags"]
    ]  # fmt: skip
    pins = appraisal["pins"]
    data: list[Sequence[Cell]] = [
        (appraisal["engine"], appraisal["id"]), ("offer", pins["offer_sha256"]), ("flags", pins["flag_pack"]["sha256"]),
        *((book, pins[book]["sha256"]) for book in ("price_book", "cost_book") if pins[book]),
    ]  # fmt: skip
    words = {"es": "Texto", "en": "Text"}[language]
    return workbook_of([
        _sheet("summary", "summary", language, summary), (words, [_in(_HEADERS["text"][0], language)], sentences),
        _sheet("lines", "line", language, lines), _sheet("causes", "causes", language, causes),
        _sheet("flags", "flags", language, flags), _sheet("data", "data", language, data),
    ])  # fmt: skip


def settlement_book(
    stated: SettlementText, payments: Sequence[Stated], stands: Reconciliation, language: Language
) -> bytes:
    """A settlement as it stands on a day, log by log. Slow for thousands of logs: use a thread."""
    owed = stands.owed
    sums = (
        (Both("Vale la entrega", "The delivery comes to"), owed.gross), (Both("Se descuenta", "Taken off"), owed.taken),
        (Both("Se debe", "Owed"), owed.net), (Both("Interés por demora", "Interest for delay"), stands.interest),
        (Both("Pagado", "Paid"), stands.paid), (Both("Solo lo dice el comprador", "Only the buyer says"), stands.claimed),
        (Both("Saldo", "Balance"), stands.balance),
    )  # fmt: skip
    summary: list[Sequence[Cell]] = [(_in(name, language), Fixed(amount), owed.currency) for name, amount in sums]
    facts = (
        (Both("Lote", "Lot"), stated.lot), (Both("Día", "Day"), stands.on.isoformat()),
        (Both("Custodia", "Custody"), stands.custody), (Both("Regla", "Rule"), stated.sheet.rule.value),
        (Both("Unidad de la hoja", "Unit of the sheet"), stated.sheet.unit.value),
    )  # fmt: skip
    summary += [(_in(name, language), value, None) for name, value in facts]
    logs: list[Sequence[Cell]] = [
        (row.code, row.parcel, row.item, None if row.scaled is None else row.scaled.species,
         None if row.kept is None else row.kept.species, None if row.kept is None else Decimal(row.kept.litres).scaleb(-3),
         row.expected, row.measured, None if stands.beside is None else stands.beside.measured.get(row))
        for row in stands.rows
    ]  # fmt: skip
    paid: list[Sequence[Cell]] = [
        (one.payment.paid_on.isoformat(), Fixed(one.payment.amount.amount), one.payment.amount.currency,
         one.payment.goods, one.payment.receipt.name, one.payment.receipt.sha256, one.org)
        for one in payments
    ]  # fmt: skip
    flags: list[Sequence[Cell]] = [
        (flag.spec.code, (flag.spec.es if language == "es" else flag.spec.en)["title"], _in(_STATES[flag.outcome.state], language), flag.severity,
         flag.text(language), flag.spec.legal_review)
        for flag in stands.flags
    ]  # fmt: skip
    differences: list[Sequence[Cell]] = [(one.what, getattr(one, language)) for one in stands.differences]
    return workbook_of([
        _sheet("summary", "summary", language, summary), _sheet("lines", "owed", language, _owed(stands, language)),
        _sheet("logs", "logs", language, logs), _sheet("payments", "payments", language, paid),
        _sheet("flags", "flags", language, flags), _sheet("differences", "differences", language, differences),
    ])  # fmt: skip


def _owed(stands: Reconciliation, language: Language) -> list[Sequence[Cell]]:
    why = UNKNOWN_ES if language == "es" else UNKNOWN_EN
    return [
        (line.line + 1, line.kind, ", ".join(line.species), line.measured, line.unit, _amount(line.price),
         _amount(line.amount), None if line.amount is None else line.amount.currency,
         None if line.basis is None else _in(_BASIS[line.basis], language),
         None if line.unknown is None else why[line.unknown])
        for line in stands.owed.lines
    ]  # fmt: skip


def _amount(money: Money | None) -> Cell:
    return None if money is None else Fixed(money.amount)


def _sheet(name: str, header: str, language: Language, rows: Sequence[Sequence[Cell]]) -> Sheet:
    return _in(_SHEETS[name], language), [_in(title, language) for title in _HEADERS[header]], rows


def _in(both: Both, language: Language) -> str:
    return both.es if language == "es" else both.en


def _money(money: Mapping[str, str]) -> tuple[Cell, Cell]:
    return Fixed(Decimal(money["amount"])), money["currency"]


def _line_figures(line: Mapping[str, Any]) -> list[Cell]:
    found = [line[field] for field, _ in _FIGURES]
    currency = next((one["currency"] for one in found if one is not None), None)
    return [*(None if one is None else Fixed(Decimal(one["amount"])) for one in found), currency]


def _species(named: Any) -> str:
    return named if isinstance(named, str) else ", ".join(named)
