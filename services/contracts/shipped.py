"""Data that comes with this version: flags, terms, limits, estimator parameters, the World Bank's prices; read once."""

import csv
import hashlib
import io
import json
from calendar import monthrange
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from services.contracts.domain.alert import Limits
from services.contracts.domain.border import FIRST_DAY
from services.contracts.domain.estimate import Parameters, parameters_on
from services.contracts.domain.flags import FlagPack, parse_pack
from services.contracts.domain.late import Rate
from services.contracts.domain.market_terms import MarketTerms, parse_terms
from services.contracts.domain.money import Currency
from services.contracts.domain.series import IndexSeries
from services.contracts.domain.settlement import SettlingLimits

_DATA = resources.files("services.contracts") / "data"


@cache
def flag_pack() -> FlagPack:
    """The flag catalogue of this version."""
    return parse_pack((_DATA / "flags.json").read_bytes())


@cache
def legal_rates(currency: Currency) -> tuple[Rate, ...]:
    """The legal rates of late interest on a debt in one currency, by the day from which they hold.

    They come with this version. ``ValueError`` where none is shipped.
    """
    read = json.loads((_DATA / "legal_rates.json").read_text(encoding="utf-8"))
    found = tuple(
        Rate(
            date.fromisoformat(one["valid_from"]),
            one["annual_milli"],
            one["source"],
            one["source_es"],
            one["legal_review"],
        )
        for one in read["rates"]
        if one["currency"] == currency
    )
    if not found:
        raise ValueError(f"no legal rate of {currency} is shipped")
    return found


@cache
def market_terms() -> tuple[MarketTerms, ...]:
    """The versions of the terms of the market, oldest first."""
    return parse_terms(json.loads((_DATA / "market.json").read_text(encoding="utf-8"))["terms"])


@cache
def estimator(day: date) -> Parameters:
    """The parameters of the price estimator in force on a day; before the first full set, the first."""
    document = json.loads((_DATA / "estimator.json").read_text(encoding="utf-8"))
    since: dict[str, str] = {}
    for row in document["parameters"]:
        since[row["name"]] = min(row["valid_from"], since.get(row["name"], row["valid_from"]))
    return parameters_on(document, max(day, date.fromisoformat(max(since.values()))))


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


@cache
def alert_limits() -> Limits:
    """From when an alert has something to tell."""
    facts = json.loads((_DATA / "alerts.json").read_bytes())
    return Limits(
        Decimal(facts["price_moved"]["share"]),
        int(facts["permit_expiring"]["days"]),
        int(facts["payment_overdue"]["days"]),
    )


@cache
def settling_limits() -> SettlingLimits:
    """The days that settlements are held against."""
    facts = json.loads((_DATA / "settling.json").read_bytes())
    return SettlingLimits(int(facts["delivery"]["days"]), int(facts["unpaid"]["days"]))


@cache
def world_bank_indices() -> dict[str, IndexSeries]:
    """The same series as indices that a price clause may follow. A month's figure is of its last day, and holds until
    the next ones are published (two months)."""
    shipped = world_bank()
    found: dict[str, IndexSeries] = {}
    for column, unit in shipped["units"].items():
        lines = [
            {"on": _last_day(month["month"]), "value": month[column], "source": shipped["credit"]}
            for month in shipped["months"]
            if month[column] is not None and _last_day(month["month"]) >= FIRST_DAY.isoformat()
        ]
        name = "world-bank-" + column.rsplit("_", 2)[0].replace("_", "-")
        found[name] = IndexSeries.model_validate(
            {"id": name, "title": f"{shipped['title']}: {column}", "unit": unit, "as_of": lines[-1]["on"],
             "source": shipped["source"], "licence": shipped["licence"], "valid_days": 62, "lines": lines}
        )  # fmt: skip
    return found


def _last_day(month: str) -> str:
    year, number = (int(part) for part in month.split("-"))
    return f"{month}-{monthrange(year, number)[1]:02d}"
