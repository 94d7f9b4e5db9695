"""A price clause over time (F10): what a price that follows indices has become, and what one that stands still is worth."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from services.contracts.domain.border import Amount, Contradiction, Form, Milli
from services.contracts.domain.credit import indexed_price, mean_real_value, real_value
from services.contracts.domain.money import CENT, Price
from shared.timber.measure import half_up

MONEY = Context(prec=28, rounding=ROUND_HALF_EVEN)
SHARE = Decimal("0.0001")
Index = Annotated[Amount, Field(gt=0)]
Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Series = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{3,60}$")]
# The figure of a series in a month; none where there is none.
Look = Callable[[str, str], Decimal | None]


class SeriesPart(Form):
    """A published series between two months."""

    id: Series
    start: Month
    now: Month


class IndexPart(Form):
    """A part of the price and the index it follows: two figures, or a series of the house between two months."""

    weight_milli: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    start: Index | None = None
    now: Index | None = None
    series: SeriesPart | None = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if (self.series is None) is (self.start is None) or (self.start is None) is not (self.now is None):
            raise Contradiction("parts", "give start and now, or a series", "dé start y now, o una serie")
        return self


class PriceClause(Form):
    """A price at signature, the part of it that never moves, the parts that follow indices, and for how many years."""

    price: Price
    fixed_milli: Milli = 0
    parts: tuple[IndexPart, ...] = Field(default=(), max_length=10)
    years: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None
    inflation_milli: Annotated[int, Field(strict=True, ge=0, le=1_000)] = 30

    @model_validator(mode="after")
    def _weighs_one(self) -> Self:
        if self.fixed_milli + sum(part.weight_milli for part in self.parts) != 1_000:
            raise Contradiction(
                "parts", "fixed_milli and the weights do not add up to 1000", "fixed_milli y los pesos no suman 1000"
            )
        return self


@dataclass(frozen=True, slots=True)
class Indexed:
    """The price now, by how much it moved, and what a price fixed for the years is worth in the last and on average."""

    price: Decimal
    change: Decimal
    figures: tuple[tuple[Decimal, Decimal], ...]
    real_last: Decimal | None
    real_mean: Decimal | None


def follow(clause: PriceClause, look: Look) -> Indexed:
    """F10, to the cent. ``Contradiction`` names the part whose series has no figure in a month."""
    with localcontext(MONEY):
        figures = tuple(_figures(part, number, look) for number, part in enumerate(clause.parts))
        weights = (Decimal(part.weight_milli) / 1_000 for part in clause.parts)
        listed = tuple((weight, *pair) for weight, pair in zip(weights, figures, strict=True))
        now = indexed_price(clause.price.amount, Decimal(clause.fixed_milli) / 1_000, listed)
        inflation, years = Decimal(clause.inflation_milli) / 1_000, clause.years
        last, mean = (
            (None, None) if years is None else (real_value(inflation, years), mean_real_value(inflation, years))
        )
        return Indexed(
            half_up(now, CENT),
            half_up(now / clause.price.amount - 1, SHARE),
            figures,
            None if last is None else half_up(last, SHARE),
            None if mean is None else half_up(mean, SHARE),
        )


def _figures(part: IndexPart, number: int, look: Look) -> tuple[Decimal, Decimal]:
    if part.start is not None and part.now is not None:
        return part.start, part.now
    assert part.series is not None, "the form has one or the other"
    start, now = look(part.series.id, part.series.start), look(part.series.id, part.series.now)
    if start is None or now is None:
        month = part.series.start if start is None else part.series.now
        raise Contradiction(
            f"body.parts.{number}.series",
            f"{part.series.id} has no figure for {month}",
            f"{part.series.id} no tiene cifra de {month}",
        )
    return start, now
