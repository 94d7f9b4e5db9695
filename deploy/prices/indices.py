"""The World Bank's wood series: is the last figure a better word for a later month than a median of the last ones?"""

import statistics
from decimal import Decimal
from typing import Any

from services.contracts.domain.estimate.index import carried
from services.contracts.shipped import world_bank

AHEAD = (1, 6, 12)
MEDIANS = (12, 24)
FIRST_YEAR = 2003


def held_against(first: int) -> list[dict[str, Any]]:
    """For each series and horizon the median error in per cent of the last figure and of medians of 12 and 24 months,
    over all months from January of the year ``first`` on that were published."""
    found = []
    for name in world_bank()["units"]:
        months = [(row["month"], row[name]) for row in world_bank()["months"]]
        published = {month: Decimal(figure) for month, figure in months if figure is not None}
        order = [month for month, _ in months]
        for ahead in AHEAD:
            asked = [
                (n, month) for n, month in enumerate(order)
                if month >= f"{first}-01" and month in published and n >= ahead + max(MEDIANS)
            ]  # fmt: skip
            row: dict[str, Any] = {"series": name, "months_ahead": ahead, "months": len(asked)}
            errors: dict[str, list[float]] = {"last": [], **{f"median_{span}": [] for span in MEDIANS}}
            for n, month in asked:
                came, origin = published[month], n - ahead
                last = carried(published, order[origin])
                spans = {span: _between(published, order[origin - span + 1 : origin + 1]) for span in MEDIANS}
                if last is None or not all(spans.values()):
                    continue
                errors["last"].append(_off(last[1], came))
                for span, figures in spans.items():
                    errors[f"median_{span}"].append(_off(statistics.median(figures), came))
            row |= {way: round(statistics.median(values), 2) for way, values in errors.items() if values}
            found.append(row)
    return found


def _between(published: dict[str, Decimal], months: list[str]) -> list[Decimal]:
    return [published[month] for month in months if month in published]


def _off(said: Decimal, came: Decimal) -> float:
    return float(abs(said / came - 1)) * 100
