"""Indices and exchange rates: a figure for each of many days, each with its source, read by date and never guessed."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.contracts.domain.border import (
    Amount,
    Contradiction,
    DatesOutOfOrder,
    Day,
    Form,
    Milli,
    ScheduleDoesNotSum,
    Slug,
    Text,
)
from services.contracts.domain.credit import indexed_price
from services.contracts.domain.money import ExchangeRate

SeriesKind = Literal["index", "fx"]
# The name by which a clause speaks of the exchange rate, which is kept among the rates and not among the indices.
DOLLAR = "pen-per-usd"
MOST_LINES = 6_000


class DatedValue(Form):
    """A figure of one day, and where it was read."""

    on: Day
    value: Annotated[Amount, Field(gt=0, le=100_000_000)]
    source: Text


class _Series(Form):
    """Figures in the order of their days. ``valid_days`` is how long one holds when no newer one is there."""

    id: Slug
    title: Text
    as_of: Day
    source: Text
    licence: Text
    valid_days: Annotated[int, Field(strict=True, ge=1, le=400)]
    lines: tuple[DatedValue, ...] = Field(min_length=1, max_length=MOST_LINES)

    @model_validator(mode="after")
    def _in_order_of_days(self) -> Self:
        days = [line.on for line in self.lines]
        if any(later <= earlier for earlier, later in pairwise(days)):
            raise DatesOutOfOrder(
                "lines", "are not one a day, from the oldest on", "no van una por día, desde la más antigua"
            )
        if days[-1] > self.as_of:
            raise DatesOutOfOrder(
                "lines", "a figure is of a day after as_of", "una cifra es de un día posterior a as_of"
            )
        return self

    def read(self, day: date) -> DatedValue | None:
        """The newest figure of that day or before; ``None`` when there is none, or it no longer holds."""
        place = bisect_right(self.lines, day, key=lambda line: line.on)
        found = self.lines[place - 1] if place else None
        return found if found is not None and (day - found.on).days <= self.valid_days else None


class IndexSeries(_Series):
    """An index that a price clause may follow, in its own unit."""

    unit: Text


class RateSeries(_Series):
    """Soles for one dollar, day by day, as one source publishes them."""

    @model_validator(mode="after")
    def _is_a_rate_of_the_dollar(self) -> Self:
        if any(line.value > 100 for line in self.lines):
            raise Contradiction("lines.value", "are not soles for one dollar", "no son soles por un dólar")
        return self

    def rate(self, day: date) -> ExchangeRate | None:
        """The exchange rate of a day; ``None`` where no figure holds."""
        line = self.read(day)
        return None if line is None else ExchangeRate(pen_per_usd=line.value, on=line.on, source=line.source)


AnySeries = IndexSeries | RateSeries


class IndexPart(Form):
    """What part of the price follows which index, from the figure of which day (the start of F10)."""

    index: Slug
    weight_milli: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    base_on: Day


class IndexClause(Form):
    """F10: the price of a day is p0 x (a + sum of b x I_t / I_0); the fixed part and the weights sum to one."""

    fixed_milli: Milli
    parts: tuple[IndexPart, ...] = Field(min_length=1, max_length=10)

    @model_validator(mode="after")
    def _weighs_exactly_one(self) -> Self:
        if self.fixed_milli + sum(part.weight_milli for part in self.parts) != 1_000:
            raise ScheduleDoesNotSum("index", "the weights do not add up to 1000", "los pesos no suman 1000")
        return self


@dataclass(frozen=True, slots=True)
class ReadPart:
    """One part of a clause with the two figures that were read for it."""

    part: IndexPart
    base: DatedValue
    now: DatedValue


@dataclass(frozen=True, slots=True)
class ReadClause:
    """A clause as it stands on a day: what each price is multiplied by, and from which figures."""

    factor: Decimal
    parts: tuple[ReadPart, ...]


def read_clause(clause: IndexClause | None, series: Mapping[str, AnySeries], day: date) -> ReadClause | None:
    """The clause on a day, by the last figures that hold; ``None`` when there is none, or one figure is not there."""
    if clause is None:
        return None
    parts: list[ReadPart] = []
    for part in clause.parts:
        found = series.get(part.index)
        base, now = (None, None) if found is None else (found.read(part.base_on), found.read(day))
        if base is None or now is None:
            return None
        parts.append(ReadPart(part, base, now))
    weighed = [(Decimal(one.part.weight_milli) / 1_000, one.base.value, one.now.value) for one in parts]
    return ReadClause(indexed_price(Decimal(1), Decimal(clause.fixed_milli) / 1_000, weighed), tuple(parts))


def rate_of(rates: Iterable[RateSeries], day: date) -> tuple[RateSeries, ExchangeRate] | None:
    """The newest exchange rate that holds on a day, and whose it is; of two of one day the first by name."""
    found = [(series, rate) for series in rates if (rate := series.rate(day)) is not None]
    return min(found, key=lambda pair: (-pair[1].on.toordinal(), pair[0].id), default=None)
