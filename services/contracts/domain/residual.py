"""Values in money: effective price, residual value, net-back, discounting, loss (F1-F5, F7, F8, F15-F17).

Everything is Decimal at 28 digits and unrounded; figures are rounded once, where they are shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from shared.timber.measure import PT_PER_M3

ONE = Decimal(1)
DAYS_A_YEAR = 365


def effective_price_m3(price: Decimal, factor: Decimal) -> Decimal:
    """F2: what a price by any unit and rule pays for each base cubic metre."""
    return price * factor


def rule_price(price_m3: Decimal, factor: Decimal) -> Decimal:
    """F2 read backwards: the price by a unit and rule that pays this much for each base cubic metre."""
    return price_m3 / factor


def per_tree_price_m3(price: Decimal, volume_m3: Decimal, trees: int) -> Decimal:
    """F5: what a price by the tree pays for each cubic metre of trees that hold this much together."""
    return price * trees / volume_m3


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a residual value is computed from: sawn price by board foot, recovery, margin, costs by round m3."""

    price_pt: Decimal
    recovery: Decimal
    margin: Decimal
    costs: tuple[tuple[str, Decimal], ...]

    @property
    def cost_m3(self) -> Decimal:
        return sum((amount for _, amount in self.costs), Decimal(0))

    @property
    def gross_m3(self) -> Decimal:
        """Value of the boards that one round cubic metre gives."""
        return self.price_pt * PT_PER_M3 * self.recovery


def residual_m3(inputs: Inputs) -> Decimal:
    """F3, overturn: S = P k r / (1 + m) - C, the margin being earned on costs and stumpage together."""
    return inputs.gross_m3 / (1 + inputs.margin) - inputs.cost_m3


def conversion_return_m3(inputs: Inputs) -> Decimal:
    """Gross value less costs, before any margin."""
    return inputs.gross_m3 - inputs.cost_m3


def residual_by_investment_m3(inputs: Inputs, capital: Decimal, m3_a_year: Decimal, rate: Decimal) -> Decimal:
    """F3, investment method: the margin is a return on the capital tied up."""
    return conversion_return_m3(inputs) - rate * capital / m3_a_year


def mill_price_m3(fob: Decimal, after_mill: Decimal, fx: Decimal) -> Decimal:
    """F4: a price on board ship, less the costs after the mill, in soles for each sawn cubic metre at the mill."""
    return (fob - after_mill) * fx


@dataclass(frozen=True, slots=True)
class Swing:
    """What one input alone does to the residual value, from its low to its high figure."""

    input: str
    low: Decimal
    high: Decimal

    @property
    def width(self) -> Decimal:
        return abs(self.high - self.low)


@dataclass(frozen=True, slots=True)
class Bounded:
    """The inputs with the bounds of each; bounds are read as holding four times out of five."""

    mid: Inputs
    low: Inputs
    high: Inputs


@dataclass(frozen=True, slots=True)
class Residual:
    """A residual value with its band: one-at-a-time deviations of independent inputs, added in quadrature."""

    low_m3: Decimal
    mid_m3: Decimal
    high_m3: Decimal
    inputs: Inputs
    swings: tuple[Swing, ...] = field(default=())


def residual_with_band(bounded: Bounded) -> Residual:
    """Residual value, its band, and which inputs move it most."""
    mid = residual_m3(bounded.mid)
    swings = tuple(
        sorted(
            (Swing(name, residual_m3(low), residual_m3(high)) for name, low, high in _one_at_a_time(bounded)),
            key=lambda swing: (-swing.width, swing.input),
        )
    )
    down = _quadrature(mid - min(swing.low, swing.high) for swing in swings)
    up = _quadrature(max(swing.low, swing.high) - mid for swing in swings)
    return Residual(mid - down, mid, mid + up, bounded.mid, tuple(swing for swing in swings if swing.width))


def _one_at_a_time(bounded: Bounded) -> Iterable[tuple[str, Inputs, Inputs]]:
    mid = bounded.mid
    for name in ("price_pt", "recovery", "margin"):
        low, high = getattr(bounded.low, name), getattr(bounded.high, name)
        yield name, replace(mid, **{name: low}), replace(mid, **{name: high})
    for number, (name, _) in enumerate(mid.costs):
        yield name, _with_cost(mid, number, bounded.low.costs), _with_cost(mid, number, bounded.high.costs)


def _with_cost(mid: Inputs, number: int, costs: Sequence[tuple[str, Decimal]]) -> Inputs:
    return replace(mid, costs=(*mid.costs[:number], costs[number], *mid.costs[number + 1 :]))


def _quadrature(deviations: Iterable[Decimal]) -> Decimal:
    return sum((max(one, Decimal(0)) ** 2 for one in deviations), Decimal(0)).sqrt()


def discount_factor(annual_rate: Decimal, days: int) -> Decimal:
    """F8: (1 + EA)^(-days/365)."""
    if days == 0 or annual_rate == 0:
        return ONE
    return (1 + annual_rate) ** (Decimal(-days) / DAYS_A_YEAR)


def present_value(flows: Iterable[tuple[Decimal, int]], annual_rate: Decimal) -> Decimal:
    """F7: amounts, each at so many days after signature, worth at signature."""
    return sum((amount * discount_factor(annual_rate, days) for amount, days in flows), Decimal(0))


def delay_cost(amount: Decimal, periodic_rate: Decimal, periods: int) -> Decimal:
    """F8: what an amount loses by arriving so many periods late."""
    return amount * (1 - (1 + periodic_rate) ** -periods)


def loss(volume_m3: Decimal, fair_m3: Decimal, net_m3: Decimal) -> Decimal:
    """F15: what the wood is worth at signature less what the offer is worth then. Both are present values already."""
    return volume_m3 * (fair_m3 - net_m3)


def value_share(receipts: Decimal, volume_m3: Decimal, price_pt: Decimal, recovery: Decimal) -> Decimal:
    """F16: the part of the sawn value that the community receives."""
    return receipts / (volume_m3 * PT_PER_M3 * recovery * price_pt)


def disproportion(net_m3: Decimal, fair_mid_m3: Decimal) -> Decimal:
    """F17: 1 - net / fair; 0.40 and 2/3 are the steps of Peru's Civil Code on lesion."""
    return 1 - net_m3 / fair_mid_m3
