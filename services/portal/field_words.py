"""The names of fields and their values as people read them: "volumen, 5.881 m³" for ``volume_dm3: 5881``."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from services.portal import figures
from services.portal.naming import Say
from shared.web.language import Language

# From here on a measure is told in metres, as lengths are; diameters are told in centimetres.
A_LENGTH_MM = 2_500
# How a name ends that says in what its number is measured.
UNITS: dict[str, Callable[[int], str]] = {
    "dm3": figures.cubic_metres,
    "mm": lambda mm: (
        f"{figures.number(Decimal(mm) / 1000, 2)} m"
        if mm >= A_LENGTH_MM
        else f"{figures.number(Decimal(mm) / 10, 1)} cm"
    ),
    "m2": lambda m2: f"{figures.number(Decimal(m2) / 10_000, 2)} ha",
    "permille": figures.percent,
    "milli": lambda milli: figures.number(Decimal(milli) / 1000, 3),
}
_NO_UNIT = ("sha256",)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})")
# Fields whose value is a word of our own, and the texts that say it.
_SAID = {"product": "product.", "severity": "severity.", "type": "type.", "form": "guide.form.", "kind": "org_kind."}


def stem_of(path: str) -> str:
    """``sections[0].volume_dm3`` is about the volume."""
    last = re.sub(r"\[[0-9]+\]$", "", path).rpartition(".")[2]
    stem, bar, unit = last.rpartition("_")
    return stem if bar and (unit in UNITS or unit in _NO_UNIT) else last


def field_name(path: str, say: Say, known: Callable[[str], bool]) -> str:
    """What a field is called, with the row it is of: "secciones 1: volumen". One that has no name here is told as it is
    written, with blanks."""

    def called(name: str) -> str:
        stem = stem_of(name)
        return say(f"field.{stem}") if known(f"field.{stem}") else stem.replace("_", " ")

    *rows, last = path.split(".")
    *_, row = rows or [""]
    name, bar, number = last.rstrip("]").partition("[")
    own = f"{called(name)} {int(number) + 1}" if bar else called(name)
    within, bar, number = row.rstrip("]").partition("[")
    return f"{called(within)} {int(number) + 1}: {own}" if bar else own


def field_value(path: str, value: Any, language: Language, say: Say, known: Callable[[str], bool]) -> str:
    """What stands in it, with its unit; days and instants as Peru writes them."""
    last = re.sub(r"\[[0-9]+\]$", "", path).rpartition(".")[2]
    if isinstance(value, bool) or value in ("true", "false"):
        return say("field.yes" if value in (True, "true") else "field.no")
    if isinstance(value, (list, tuple)):
        return ", ".join(field_value(path, one, language, say, known) for one in value) or "–"
    if isinstance(value, dict):
        return "; ".join(
            f"{field_name(name, say, known)}: {field_value(name, one, language, say, known)}"
            for name, one in value.items()
        )
    text = str(value)
    unit = UNITS.get(last.rpartition("_")[2])
    if unit is not None and re.fullmatch(r"-?[0-9]+", text):
        return unit(int(text))
    if _INSTANT.fullmatch(text):
        return figures.moment(text, language)
    if _DAY.fullmatch(text) and _is_day(text):
        return figures.day(text, language)
    start = "severity." if last.startswith("severity_") else _SAID.get(last)
    return say(f"{start}{text}") if start and known(f"{start}{text}") else text


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
