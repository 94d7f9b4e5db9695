"""Money: a decimal amount and its currency, never one without the other, never a float."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from services.contracts.domain.border import Amount, Day, Form, Text, spelled
from services.contracts.domain.gap import FX, Lacking
from shared.timber.measure import half_up

Currency = Literal["PEN", "USD"]
CENT = Decimal("0.01")
# Every sum of an appraisal is made in this context, whatever the caller's is.
MONEY = Context(prec=28, rounding=ROUND_HALF_EVEN)
_SIGNS: dict[Currency, str] = {"PEN": "S/", "USD": "US$"}


class Money(Form):
    """An amount of one currency. In JSON the amount is text: a number has one spelling there."""

    amount: Amount
    currency: Currency

    @classmethod
    def pen(cls, amount: Decimal) -> "Money":
        """Soles, rounded half-up to the cent."""
        return cls.model_construct(amount=half_up(amount, CENT), currency="PEN")

    def __str__(self) -> str:
        """As it was written: to the cent, or to the last decimal that was given of a price by the board foot."""
        return f"{_SIGNS[self.currency]} {Decimal(spelled(self.amount)):,}"


def _positive(money: Money) -> Money:
    if money.amount <= 0:
        raise PydanticCustomError("greater_than", "must be more than nothing", {"gt": 0})
    return money


Price = Annotated[Money, AfterValidator(_positive)]


class ExchangeRate(Form):
    """Soles for one dollar on a day, and who said so."""

    pen_per_usd: Annotated[Amount, Field(gt=0, le=100)]
    on: Day
    source: Text


def in_pen(money: Money, rate: ExchangeRate | None) -> Decimal:
    """The amount in soles, unrounded; ``Lacking`` when it is foreign and no rate was given."""
    if money.currency == "PEN":
        return money.amount
    if rate is None:
        raise Lacking(FX)
    return money.amount * rate.pen_per_usd


def shown(amount: Decimal) -> str:
    """Soles for a person: thousands apart, no cents from a thousand on."""
    places = CENT if abs(amount) < 1_000 else Decimal(1)
    return f"S/ {half_up(amount, places):,}"
