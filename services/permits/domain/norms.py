"""Thresholds of what the door admits, by day: data with source and validity in ``norms/permits.json``."""

import json
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


def limits_from(document: dict[str, Any], day: date) -> Limits:
    """The newest value of each limit whose validity began by ``day``; ``ValueError`` when one has none."""
    values: dict[str, Any] = {}
    for row in sorted(document["limits"], key=lambda row: str(row["valid_from"])):
        if date.fromisoformat(row["valid_from"]) <= day:
            value = row["value"]
            values[row["name"]] = tuple(value) if isinstance(value, list) else value
    missing = set(Limits.__slots__) - {"version"} - set(values)
    if missing:
        raise ValueError(f"no norm in force on {day} for: {', '.join(sorted(missing))}")
    return Limits(version=document["version"], **values)


@cache
def _document() -> dict[str, Any]:
    text = (resources.files("services.permits") / "norms" / "permits.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def limits_on(day: date) -> Limits:
    """The limits of this version of the norms on a day."""
    return limits_from(_document(), day)
