"""Data that comes with this version: flags, terms of the market, estimator parameters, the World Bank's prices; read once."""

import csv
import hashlib
import io
import json
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from services.contracts.domain.estimate import Parameters, parameters_on
from services.contracts.domain.flags import FlagPack, parse_pack
from services.contracts.domain.late import Rate
from services.contracts.domain.market_terms import MarketTerms, parse_terms

_DATA = resources.files("services.contracts") / "data"


@cache
def flag_pack() -> FlagPack:
    """The flag catalogue of this version."""
    return parse_pack((_DATA / "flags.json").read_bytes())


@cache
def legal_rates() -> tuple[Rate, ...]:
    """The legal rates of late interest that come with this version, by the day from which they hold."""
    read = json.loads((_DATA / "legal_rates.json").read_text(encoding="utf-8"))
    return tuple(
        Rate(date.fromisoformat(one["valid_from"]), one["annual_milli"], one["source"], one["legal_review"])
        for one in read["rates"]
    )


@cache
def market_terms() -> tuple[MarketTerms, ...]:
    """The versions of the terms of the market, oldest first."""
    return parse_terms(json.loads((_DATA / "market.json").read_text(encoding="utf-8"))["terms"])


@cache
def estimator(day: date) -> Parameters:
    """The parameters of the price estimator in force on a day."""
    return parameters_on(json.loads((_DATA / "estimator.json").read_text(encoding="utf-8")), day)


@cache
def world_bank() -> dict[str, Any]:
    """The wood series of the Pink Sheet, month by month; a figure that was not published is ``None``."""
    about: dict[str, Any] = json.loads((_DATA / "wb_pinksheet_wood.json").read_text(encoding="utf-8"))
    table = (_DATA / "wb_pinksheet_wood_monthly.csv").read_bytes()
    months = [
        {name: figure or None for name, figure in row.items()}
        for row in csv.DictReader(io.StringIO(table.decode("utf-8")))
    ]
    return {
        **about,
        "kind": "series",
        "version": months[-1]["month"],
        "sha256": hashlib.sha256(table).hexdigest(),
        "months": months,
    }
