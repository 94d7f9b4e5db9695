"""Tolerances, numerals and the document checklist of field work, by day: data with source in ``norms/field.json``."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far the field may be from the census, and how long an answer may take, in force on one day."""

    version: str
    dbh_permille: int
    height_permille: int
    position_dm: int
    answer_days: int

    def facts(self) -> dict[str, Any]:
        """As stored and answered."""
        return {name: getattr(self, name) for name in self.__slots__}


def tolerances_from(document: dict[str, Any], day: date) -> Tolerances:
    """The newest value of each tolerance whose validity began by ``day``; ``ValueError`` when one has none."""
    begun = [row for row in document["tolerances"] if date.fromisoformat(row["valid_from"]) <= day]
    values = {row["name"]: int(row["value"]) for row in sorted(begun, key=lambda row: str(row["valid_from"]))}
    missing = set(Tolerances.__slots__) - {"version"} - set(values)
    if missing:
        raise ValueError(f"no tolerance in force on {day} for: {', '.join(sorted(missing))}")
    return Tolerances(version=document["version"], **values)


@cache
def field_document() -> dict[str, Any]:
    """The whole file, with the source of each value."""
    text = (resources.files("services.permits") / "norms" / "field.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def tolerances_on(day: date) -> Tolerances:
    """The tolerances of this version of the norms on a day."""
    return tolerances_from(field_document(), day)


@cache
def kinds_by_numeral() -> dict[int, str]:
    """``unauthorised`` (a known tree that was not allowed) or ``unjustified`` (moved volume without a tree), by numeral."""
    return {row["numeral"]: row["kind"] for row in field_document()["numerals"]}


@cache
def checklist() -> dict[str, tuple[str, str]]:
    """The documents of a supervision file, with their names in Spanish and English."""
    return {row["document"]: (row["es"], row["en"]) for row in field_document()["checklist"]}
