"""The forms in which an appraisal is handed over: print HTML, text for reading aloud, a short message.

All are made from the text and figures of the appraisal itself, stored or not: they say nothing of their own.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Any, Literal

from services.contracts.domain.words import CAUSES, VERDICTS, Both

Language = Literal["es", "en"]

_HEADINGS = {
    "verdict": Both("Resultado", "Result"),
    "figures": Both("Cifras por m³ en pie", "Figures per standing m³"),
    "net": Both("Deja a la comunidad", "Leaves the community"),
    "low": Both("Justo, lo más bajo", "Fair value, lowest"),
    "mid": Both("Justo, en medio", "Fair value, middle"),
    "high": Both("Justo, lo más alto", "Fair value, highest"),
    "loss": Both("Diferencia en todo el lote", "Difference over the whole lot"),
    "causes": Both("De dónde viene la diferencia", "Where the difference comes from"),
    "raised": Both("Alertas", "Alerts"),
    "unknown": Both("Lo que nadie ha dicho", "What nobody has said"),
    "pending": Both("revisión legal pendiente", "legal review pending"),
    "pins": Both("Huella de los datos usados", "Hash of the data used"),
}
_STYLE = (
    "body{font:12pt/1.45 Georgia,serif;max-width:46em;margin:2em auto;padding:0 1em;color:#000;background:#fff}"
    "h1{font-size:1.4em}h2{font-size:1.1em;margin-top:1.4em}table{border-collapse:collapse;width:100%}"
    "td,th{border-bottom:1px solid #999;padding:.25em .4em;text-align:left}td.n{text-align:right}"
    "footer{margin-top:2em;font:8pt monospace;overflow-wrap:anywhere}"
    "@media print{body{margin:0;max-width:none}h2,tr,li{break-inside:avoid}}"
)


def message(appraisal: Mapping[str, Any], language: Language) -> str:
    """At most 480 characters, for a phone."""
    return str(appraisal["text"][language]["sms"])


def aloud(appraisal: Mapping[str, Any], language: Language) -> str:
    """Every sentence on its own line, with signs and units said as words: for a voice, of a person or a machine."""
    text = appraisal["text"][language]
    return "\n".join(spoken(sentence, language) for sentence in (text["headline"], *text["sentences"])) + "\n"


_MONEY = re.compile(r"(-?)(S/|US\$) (-?)([0-9][0-9,]*)(?:\.([0-9]+))?")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")
_WORDS: dict[Language, tuple[tuple[str, str], ...]] = {
    "es": (("por cada 100 m³", "por cada cien metros cúbicos"), ("Por cada 100 m³", "Por cada cien metros cúbicos"),
           ("por m³", "por metro cúbico"), ("a m³", "a metros cúbicos"), ("m³", "metros cúbicos"), (" %", " por ciento")),
    "en": (("every 100 m³", "every hundred cubic metres"), ("per m³", "per cubic metre"), ("m³ a tree", "cubic metres a tree"),
           ("m³", "cubic metres"), (" %", " per cent")),
}  # fmt: skip


def spoken(sentence: str, language: Language) -> str:
    """One sentence as it is said: amounts of money with the name of the coin after them, units in full."""
    said = _MONEY.sub(lambda found: _said_money(found, language), sentence)
    for written, words in _WORDS[language]:
        said = said.replace(written, words)
    return _THOUSANDS.sub("", said)


def _said_money(found: re.Match[str], language: Language) -> str:
    minus, sign, inner, whole, decimals = found.groups()
    units, cents = whole.replace(",", ""), (decimals or "")[:2]
    coin = {"S/": ("sol", "soles"), "US$": ("dólar", "dólares") if language == "es" else ("dollar", "dollars")}[sign]
    less = {"es": "menos ", "en": "minus "}[language] if minus or inner else ""
    if len(decimals or "") > 2:  # a price by the board foot may be finer than its coin
        return f"{less}{units}.{decimals} {coin[1]}"
    said = f"{less}{units} {coin[units != '1']}"
    if not cents or int(cents) == 0:
        return said
    small = f"{int(cents)} {_cents_word(int(cents), language)}"
    if units == "0" and sign == "S/":
        return f"{less}{small}"
    return f"{said} {'con' if language == 'es' else 'and'} {small}"


def _cents_word(count: int, language: Language) -> str:
    return {"es": ("céntimo", "céntimos"), "en": ("cent", "cents")}[language][count != 1]


def page(appraisal: Mapping[str, Any], language: Language) -> str:
    """One page for print, whole in itself: no script, no picture, nothing asked of another address."""
    text, total = appraisal["text"][language], appraisal["total"]
    parts = [
        f"<!doctype html><html lang={language}><meta charset=utf-8>",
        f"<title>{_told(text['headline'])}</title><style>{_STYLE}</style>",
        f"<h1>{_told(text['headline'])}</h1>",
        *(f"<p>{_told(sentence)}</p>" for sentence in _outside_flags(appraisal, language)),
        _heading("figures", language),
        _table(_figures(appraisal, total, language)),
    ]
    if total["waterfall"]:
        rows = [(getattr(CAUSES[one["cause"]], language), _amount(one["amount"])) for one in total["waterfall"]]
        parts += [_heading("causes", language), _table(rows)]
    for state in ("raised", "unknown"):
        listed = [_flag(flag, language) for flag in appraisal["flags"] if flag["state"] == state]
        if listed:
            parts += [_heading(state, language), f"<ul>{''.join(listed)}</ul>"]
    pins = appraisal["pins"]
    hashes = [
        f"{appraisal['engine']} {appraisal['id']}",
        f"offer {pins['offer_sha256']}",
        f"flags {pins['flag_pack']['sha256']}",
    ]
    hashes += [f"{book} {pins[book]['sha256']}" for book in ("price_book", "cost_book") if pins[book]]
    label = getattr(_HEADINGS["pins"], language)
    parts.append(f"<footer>{_told(label)} · {appraisal['on']}<br>{'<br>'.join(map(_told, hashes))}</footer></html>")
    return "\n".join(parts) + "\n"


def _outside_flags(appraisal: Mapping[str, Any], language: Language) -> list[str]:
    """The sentences that no flag says: flags have a list of their own on the page."""
    flagged = {flag[f"text_{language}"] for flag in appraisal["flags"]}
    return [sentence for sentence in appraisal["text"][language]["sentences"] if sentence not in flagged]


def _figures(appraisal: Mapping[str, Any], total: Mapping[str, Any], language: Language) -> list[tuple[str, str]]:
    rows = [(getattr(_HEADINGS["verdict"], language), getattr(VERDICTS[appraisal["verdict"]], language))]
    for name, field in (
        ("net", "net_m3"), ("low", "fair_low_m3"), ("mid", "fair_mid_m3"), ("high", "fair_high_m3"), ("loss", "loss_mid"),
    ):  # fmt: skip
        if total[field] is not None:
            rows.append((getattr(_HEADINGS[name], language), _amount(total[field])))
    return rows


def _flag(flag: Mapping[str, Any], language: Language) -> str:
    note = f" <em>({getattr(_HEADINGS['pending'], language)})</em>" if flag["legal_review"] == "pending" else ""
    return f"<li><b>{_told(flag['code'])} · {_told(flag[f'title_{language}'])}.</b> {_told(flag[f'text_{language}'])}{note}</li>"


def _heading(name: str, language: Language) -> str:
    return f"<h2>{_told(getattr(_HEADINGS[name], language))}</h2>"


def _table(rows: list[tuple[str, str]]) -> str:
    cells = (f"<tr><th scope=row>{_told(name)}</th><td class=n>{_told(value)}</td></tr>" for name, value in rows)
    return f"<table>{''.join(cells)}</table>"


def _amount(money: Mapping[str, str]) -> str:
    return f"{money['currency']} {money['amount']}"


def _told(text: str) -> str:
    return escape(text, quote=True)
