"""What an offer pays, level by level, from the price as it is read to the net at signature (F2, F5, F7)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.contracts.domain.fair import Basis, boards_of, fair_value
from services.contracts.domain.gap import COST_BOOK, TREES, VOLUME, Lacking
from services.contracts.domain.lot import FactorSource, Wood
from services.contracts.domain.money import in_pen
from services.contracts.domain.offer import Offer
from services.contracts.domain.price import (
    AnyLine,
    InKind,
    LumpSum,
    PerTree,
    PerVolume,
    Priced,
    Product,
    Shared,
    ShareOfRevenue,
    ShareOfVolume,
)
from services.contracts.domain.residual import conversion_return_m3, discount_factor, present_value
from shared.timber.measure import PT_PER_M3, Unit

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Worth:
    """Soles for a volume of wood, at each level. Worths of different wood add."""

    volume_m3: Decimal
    headline: Decimal
    gross: Decimal
    discounted: Decimal
    standing: Decimal
    deducted: Decimal
    net: Decimal

    def __add__(self, other: "Worth") -> "Worth":
        return Worth(
            self.volume_m3 + other.volume_m3,
            self.headline + other.headline,
            self.gross + other.gross,
            self.discounted + other.discounted,
            self.standing + other.standing,
            self.deducted + other.deducted,
            self.net + other.net,
        )

    @property
    def levels_m3(self) -> tuple[Decimal, ...]:
        """The levels by cubic metre, in the order of the waterfall."""
        levels = (self.headline, self.gross, self.discounted, self.standing, self.deducted, self.net)
        return tuple(level / self.volume_m3 for level in levels)


def total(worths: Iterable[Worth]) -> Worth:
    """All of them together; nothing at all is ``Lacking`` a volume."""
    found: Worth | None = None
    for worth in worths:
        found = worth if found is None else found + worth
    if found is None or found.volume_m3 == 0:
        raise Lacking(VOLUME)
    return found


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the whole contract does to every cubic metre: when it pays, what it takes off, what it advances."""

    discount: Decimal
    deductions_m3: Decimal
    advances_m3: Decimal


def conditions(offer: Offer, volume_m3: Decimal, basis: Basis) -> Conditions:
    """F7 and F8 over the contract; deductions and advances are spread over all the wood it prices.

    Goods received count at their local worth on their day; what was billed for them counts as a deduction when it is
    recovered.
    """
    rate = basis.rate
    paid = sum((Decimal(p.share_milli) / 1_000 * discount_factor(rate, p.days) for p in offer.payments), ZERO)
    taken = present_value(((in_pen(d.amount, basis.fx), d.days) for d in offer.deductions), rate)
    given = present_value(
        (
            flow
            for one in offer.advances
            for flow in (
                (in_pen(one.worth, basis.fx), one.days),
                (-in_pen(one.billed, basis.fx), one.recovered_days),
            )
        ),
        rate,
    )
    return Conditions(paid, taken / volume_m3, given / volume_m3)


@dataclass(frozen=True, slots=True)
class Gross:
    """What a line pays for one species before anything is taken off: as read, and by its rule."""

    volume_m3: Decimal
    headline: Decimal
    gross: Decimal
    factor: Decimal | None
    factor_source: FactorSource


def gross_of(line: AnyLine, species: str, covered: Sequence[str], wood: Wood, basis: Basis) -> Gross:
    """F2, F5 and F6 for one species of a line. ``Lacking`` says what the conversion needs."""
    if isinstance(line, Shared):
        return _gross_of_share(line, species, wood, basis)
    return _gross_of_price(line, species, covered, wood, basis)


def _gross_of_price(line: Priced, species: str, covered: Sequence[str], wood: Wood, basis: Basis) -> Gross:
    one = wood.species[species]
    price = basis.agreed(line.price)
    match line:
        case PerVolume():
            factor, source = wood.factor(species, line.rule, line.unit, basis.recovery_milli)
            as_read = PT_PER_M3 if line.unit is Unit.PT else Decimal(1)
            return Gross(one.volume_m3, price * as_read * one.volume_m3, price * factor * one.volume_m3, factor, source)
        case PerTree():
            if one.trees is None:
                raise Lacking(TREES)
            amount = price * one.trees
        case LumpSum() | InKind():
            everything = sum((wood.species[name].volume_m3 for name in covered), ZERO)
            amount = price * one.volume_m3 / everything
    return Gross(one.volume_m3, amount, amount, None, "volume")


def _gross_of_share(line: Shared, species: str, wood: Wood, basis: Basis) -> Gross:
    """F6. The community's part is worth what others pay for such wood, whatever the buyer's book says."""
    volume_m3, share = wood.species[species].volume_m3, Decimal(line.share_milli) / 1_000
    factor: Decimal | None = None
    source: FactorSource = "volume"
    match line:
        case ShareOfVolume(buy_back=None):
            each = fair_value(species, wood, basis).mid_m3 + _way_m3(line, basis)
        case ShareOfVolume(buy_back=bought) if bought is not None:
            factor, source = wood.factor(species, bought.rule, bought.unit, basis.recovery_milli)
            each = basis.agreed(bought.price) * factor
        case ShareOfRevenue():
            each = boards_of(species, basis).gross_m3
        case _:
            each = max(conversion_return_m3(boards_of(species, basis)), ZERO)
    amount = each * share * volume_m3
    return Gross(volume_m3, amount, amount, factor, source)


def ladder_m3(line: AnyLine, basis: Basis) -> Decimal:
    """What the community spends to hand the wood over where the line says, by base cubic metre.

    Who receives a share of wood, sales or profit is not the one who brings the wood out.
    """
    return ZERO if isinstance(line, Shared) else _way_m3(line, basis)


def _way_m3(line: AnyLine, basis: Basis) -> Decimal:
    if line.product is Product.STANDING:
        return ZERO
    if basis.costs is None:
        raise Lacking(COST_BOOK)
    return basis.costs.ladder_m3(line.product, line.point_of_sale, basis.fx)


def worth_of(gross: Gross, ladder: Decimal, terms: Conditions) -> Worth:
    """All levels of one species of a line."""
    discounted = gross.gross * terms.discount
    standing = discounted - ladder * gross.volume_m3
    deducted = standing - terms.deductions_m3 * gross.volume_m3
    net = deducted + terms.advances_m3 * gross.volume_m3
    return Worth(gross.volume_m3, gross.headline, gross.gross, discounted, standing, deducted, net)
