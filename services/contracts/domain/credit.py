"""What an advance, a wait or a fine costs: implied interest (F9), price clauses over time (F10), expected fines (F18)."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from services.contracts.domain.residual import DAYS_A_YEAR, present_value

HIGHEST_RATE = Decimal(1_000)
_LOWEST, _HALVINGS = Decimal("-0.99"), 120


def implied_rate(received: Decimal, delivered: Decimal, periods: Decimal) -> Decimal:
    """F9: interest by period of an advance: (market value of the wood delivered / value received)^(1/n) - 1."""
    return (delivered / received) ** (1 / periods) - 1


def implied_annual_rate(received: Decimal, delivered: Decimal, days: int) -> Decimal:
    """F9 as an effective annual rate of 365 days."""
    return implied_rate(received, delivered, Decimal(days) / DAYS_A_YEAR)


def internal_rate(flows: Sequence[tuple[Decimal, int]]) -> Decimal | None:
    """F9, general case: the effective annual rate at which dated amounts are worth nothing together.

    Between -99 % and 100,000 %, by halving; ``None`` where the ends of that span have one sign.
    """
    low, high = _LOWEST, HIGHEST_RATE
    at_low = present_value(flows, low)
    if at_low == 0 or (at_low > 0) == (present_value(flows, high) > 0):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (present_value(flows, middle) > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def indexed_price(price: Decimal, fixed: Decimal, parts: Iterable[tuple[Decimal, Decimal, Decimal]]) -> Decimal:
    """F10: p0 x (a + sum of b x I_t / I_0); parts are (weight, index at the start, index now), weights summing to 1."""
    listed = tuple(parts)
    if fixed + sum((weight for weight, _, _ in listed), Decimal(0)) != 1:
        raise ValueError("the weights of an index clause sum to one")
    return price * (fixed + sum((weight * now / start for weight, start, now in listed), Decimal(0)))


def real_value(inflation: Decimal, years: int) -> Decimal:
    """F10: what a fixed price is still worth in year ``years``: (1 + inflation)^-n."""
    return (1 + inflation) ** -years


def mean_real_value(inflation: Decimal, years: int) -> Decimal:
    """What a price fixed for so many years is worth on the average of its years."""
    return sum((real_value(inflation, year) for year in range(1, years + 1)), Decimal(0)) / years


def expected_fine(risks: Iterable[tuple[Decimal, Decimal]], unit: Decimal) -> Decimal:
    """F18: sum of probability x number of UIT, in soles of the given UIT."""
    return sum((probability * count * unit for probability, count in risks), Decimal(0))
