"""Thresholds of what the door admits, by day: data with source and validity in ``norms/permits.json``."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from services.permits.domain.shipped import shipped


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
    named = [row for document in ("permits", "land") for row in shipped(document)["limits"]]
    return _in_force(named, "name", day)


def plan_rules_on(day: date) -> list[dict[str, Any]]:
    """The rules over plans in force on a day, with parameters, source and validity, by rule."""
    return _in_force(shipped("plan_rules")["rules"], "rule", day)


def _in_force(rows: Iterable[dict[str, Any]], key: str, day: date) -> list[dict[str, Any]]:
    begun = [row for row in rows if date.fromisoformat(row["valid_from"]) <= day]
    newest = {str(row[key]): row for row in sorted(begun, key=lambda row: str(row["valid_from"]))}
    return [newest[name] for name in sorted(newest)]


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
def limits_on(day: date) -> Limits:
    """The limits of this version of the norms on a day."""
    return limits_from(shipped("permits"), day)
