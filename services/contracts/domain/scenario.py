"""What if: the same offer with prices, costs, recovery, margin, rate or its own price moved."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from services.contracts.domain.book import CostBook, MilliRange, PriceBook
from services.contracts.domain.border import Form, Text
from services.contracts.domain.fair import Basis
from services.contracts.domain.money import Money
from services.contracts.domain.offer import Offer
from services.contracts.domain.price import Shared
from shared.timber.measure import half_up

Slider = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Part = Annotated[int, Field(strict=True, ge=1, le=1_000)]
_LEAST = Decimal("0.0001")


class Scenario(Form):
    """One change. Sliders are thousandths of what the books and the offer say; recovery and margin replace theirs."""

    name: Text
    offered_milli: Slider = 1_000
    price_milli: Slider = 1_000
    cost_milli: Slider = 1_000
    recovery_milli: Part | None = None
    margin_milli: Part | None = None
    rate_milli: Annotated[int, Field(strict=True, ge=0, le=400)] | None = None


def moved(offer: Offer, basis: Basis, scenario: Scenario) -> tuple[Offer, Basis]:
    """The offer and the basis after the change; bounds move with their middle, and a replaced share is certain."""
    lines = tuple(
        line
        if isinstance(line, Shared)
        else line.model_copy(update={"price": _times(line.price, scenario.offered_milli)})
        for line in offer.lines
    )
    rate = basis.rate_milli if scenario.rate_milli is None else scenario.rate_milli
    prices = None if basis.prices is None else _prices(basis.prices, scenario)
    costs = None if basis.costs is None else _costs(basis.costs, scenario)
    return offer.model_copy(update={"lines": lines}), replace(basis, rate_milli=rate, prices=prices, costs=costs)


def _times(money: Money, milli: int) -> Money:
    amount = max(half_up(money.amount * milli / 1_000, _LEAST), _LEAST)
    return money if milli == 1_000 else money.model_copy(update={"amount": amount})


def _range(entry: Any, milli: int) -> dict[str, Money]:
    ends = {end: getattr(entry, end) for end in ("low", "mid", "high")}
    return {end: _times(money, milli) for end, money in ends.items() if money is not None}


def _prices(book: PriceBook, scenario: Scenario) -> PriceBook:
    entries = tuple(one.model_copy(update=_range(one, scenario.price_milli)) for one in book.entries)
    return book.model_copy(update={"entries": entries})


def _costs(book: CostBook, scenario: Scenario) -> CostBook:
    lines = tuple(one.model_copy(update=_range(one, scenario.cost_milli)) for one in book.lines)
    update: dict[str, Any] = {"lines": lines}
    for name in ("recovery_milli", "margin_milli"):
        if (share := getattr(scenario, name)) is not None:
            update[name] = MilliRange(mid=share)
    return book.model_copy(update=update)
