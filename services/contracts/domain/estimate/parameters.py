"""Parameters of the price estimator, by day: data with source in ``data/estimator.json``, pinned by its hash."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any


class Tier(StrEnum):
    """How a reported price is evidenced, from a settlement reconciled with custody down to a spoken word."""

    SEALED = "sealed"
    RECEIPT = "receipt"
    CONTRACT = "contract"
    BULLETIN = "bulletin"
    WITNESSED = "witnessed"
    ORAL = "oral"


LEVELS = (50, 80, 90, 95)


@dataclass(frozen=True, slots=True)
class Spread:
    """How log prices of one market vary together: variances, and the years over which a movement fades.

    ``market``, ``species``, ``region`` and ``series`` (a species in a region) each move in time; the last three also
    differ for good. ``cell`` is what no sample of a cell removes, ``report`` the variance of one full report.
    """

    market: float
    market_years: float
    species: float
    species_moving: float
    species_years: float
    region: float
    region_moving: float
    region_years: float
    series: float
    series_moving: float
    series_years: float
    cell: float
    report: float


@dataclass(frozen=True, slots=True)
class Parameters:
    """One dated set. ``bands`` multiplies the standard deviation, by level in per cent; weights are shares of one.

    Reports older than ``years_back`` are not looked at. ``scatters`` says how likely each standard deviation of sound votes
    of a cell is beforehand.
    """

    version: str
    sha256: str
    tiers: Mapping[Tier, float]
    half_life_days: int
    years_back: int
    calibration_years: int
    scatters: Mapping[str, float]
    gross_share: float
    gross_scatter: float
    least_scale: float
    most_weight: float
    report_prior: float
    party_share: float
    surprise: float
    spread: Spread
    bands: Mapping[int, float]
    grade_reporters: Mapping[str, int]
    grade_a_days: int
    publish_reporters: int
    publish_share: float
    alarm: float
    alarm_others: int

    def most_moved(self, others: int) -> float | None:
        """The share of itself by which one party may move an estimate that so many others speak for; ``None``: any.

        The level of the alarm with three others, a quarter of it with twelve.
        """
        return self.alarm * self.alarm_others / others if others else None

    def trusting(self) -> "Parameters":
        """The same with every vote and every cell believed in full: what an estimate without defence would be."""
        never = 1e9
        return replace(self, gross_share=0.0, most_weight=never, surprise=never**2)


def parameters_on(document: Mapping[str, Any], day: date) -> Parameters:
    """The newest value of each parameter whose validity began by ``day``; ``ValueError`` when one has none.

    The hash covers the values in force, so a change that is not yet in force leaves it as it was.
    """
    values: dict[str, Any] = {}
    for row in sorted(document["parameters"], key=lambda row: str(row["valid_from"])):
        if date.fromisoformat(row["valid_from"]) <= day:
            values[row["name"]] = row["value"]
    wanted = {field.name for field in fields(Parameters)} - {"version", "sha256"}
    if missing := wanted - set(values):
        raise ValueError(f"no value of {', '.join(sorted(missing))} is in force on {day}")
    kept = {name: values[name] for name in sorted(wanted)}
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return Parameters(
        version=document["version"],
        sha256=digest,
        **kept
        | {
            "tiers": {tier: float(kept["tiers"][tier.value]) for tier in Tier},
            "spread": Spread(**kept["spread"]),
            "bands": {level: float(kept["bands"][str(level)]) for level in LEVELS},
        },
    )
