"""Thresholds of what the door admits, by day: data with source and validity in ``norms/permits.json``."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds in force on one day; the file beside says where each comes from."""

    version: str
    title_area_tolerance_permille: int
    utm_zones: tuple[str, ...]
    easting_m: tuple[int, int]
    northing_m: tuple[int, int]
    peru_lon_lat_e7: tuple[int, int, int, int]
    status_every_days: int


def rows_on(day: date) -> list[dict[str, Any]]:
    """The thresholds in force on a day with source and validity, by name."""
    rows = sorted(document_of("permits.json")["limits"], key=lambda row: str(row["valid_from"]))
    begun = {str(row["name"]): row for row in rows if date.fromisoformat(row["valid_from"]) <= day}
    return [begun[name] for name in sorted(begun)]


def limits_from(document: dict[str, Any], day: date) -> Limits:
    """The newest value of each limit whose validity began by ``day``; ``ValueError`` when one has none."""
    return Limits(**values_on(document, day, Limits.__slots__))


def values_on(document: dict[str, Any], day: date, names: Iterable[str]) -> dict[str, Any]:
    """The version, and of each other name the newest value whose validity began by ``day``; ``ValueError`` without one."""
    values: dict[str, Any] = {"version": document["version"]}
    for row in sorted(document["limits"], key=lambda row: str(row["valid_from"])):
        if date.fromisoformat(row["valid_from"]) <= day:
            value = row["value"]
            values[row["name"]] = tuple(value) if isinstance(value, list) else value
    missing = set(names) - set(values)
    if missing:
        raise ValueError(f"no norm in force on {day} for: {', '.join(sorted(missing))}")
    return values


@cache
def document_of(name: str) -> dict[str, Any]:
    """One file of norms, read once."""
    text = (resources.files("services.permits") / "norms" / name).read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def limits_on(day: date) -> Limits:
    """The limits of this version of the norms on a day."""
    return limits_from(document_of("permits.json"), day)
