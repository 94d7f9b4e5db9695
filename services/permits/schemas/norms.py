"""Norms and species by day."""

from datetime import date
from typing import Any

from services.permits.schemas.words import Out


class NormsOut(Out):
    """What was in force on a day, each entry with its source and the state of its legal review."""

    on: date
    country: str
    versions: dict[str, str]
    acts: list[dict[str, Any]]
    sanctions: list[dict[str, Any]]
    caducity: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    plan_rules: list[dict[str, Any]]
    thresholds: list[dict[str, Any]]
    assembly: list[dict[str, Any]]
    species: dict[str, Any]
    documents: list[dict[str, Any]]


class CitesOut(Out):
    """A listing that binds."""

    appendix: str
    in_force: date
    annotation: str


class SpeciesOut(Out):
    """A species as the norms of a day have it. ``shares_name_with`` are others of the same trade name."""

    name: str
    family: str
    trade_name: str
    alternates: list[str]
    synonyms: list[str]
    shares_name_with: list[str]
    seen_in_regions: list[str]
    dmc_mm: int | None
    dmc_basis: str
    felling_prohibited: bool
    cites: CitesOut | None
    sawn_yield_milli: int | None
    flooring_blank_yield_milli: int | None
    wood_density_kg_m3: int | None
    form_factor_milli: int
    source: str


class SpeciesListOut(Out):
    """Species on a day, and the version of the list."""

    on: date
    version: str
    legal_review: str
    items: list[SpeciesOut]
