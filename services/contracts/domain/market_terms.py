"""The dated terms of the market of reports: how late prices are published, which gap opens a review, and by which rate a
wait is counted. How many reporters an estimate needs is the estimator's (data/estimator.json)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """One version of the terms, in force from a day on. Shares are in thousandths, prices in soles by cubic metre."""

    version: str
    since: date
    delay_days: int
    gap_milli: int
    pair_days: int
    rate_milli: int
    lowest_pen_m3: Decimal
    highest_pen_m3: Decimal
    years: int
    source: str

    def closed_before(self, on: date) -> date:
        """The first day that an estimate on ``on`` does not look at: whole months only, none younger than the delay.

        Months enter whole, so that two questions on two days do not differ by one sale.
        """
        return (on - timedelta(days=self.delay_days)).replace(day=1)

    def opened_from(self, on: date) -> date:
        """The first day that an estimate looks at."""
        before = self.closed_before(on)
        return before.replace(year=before.year - self.years)


def parse_terms(data: Sequence[dict[str, Any]]) -> tuple[MarketTerms, ...]:
    """The versions as the file has them, oldest first."""
    read = [
        MarketTerms(
            **{name: value for name, value in one.items() if name not in ("from", "lowest_pen_m3", "highest_pen_m3")},
            since=date.fromisoformat(one["from"]),
            lowest_pen_m3=Decimal(one["lowest_pen_m3"]),
            highest_pen_m3=Decimal(one["highest_pen_m3"]),
        )
        for one in data
    ]
    return tuple(sorted(read, key=lambda one: one.since))


def terms_on(versions: Sequence[MarketTerms], on: date) -> MarketTerms:
    """The terms in force on a day; before the first version, the first."""
    return next((one for one in reversed(versions) if one.since <= on), versions[0])
