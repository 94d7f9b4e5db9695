"""What standing wood of a species is worth: residual value and market price, both shown, one taken."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from services.contracts.domain.book import AFTER_MILL, CostBook, PriceBook, PriceEntry
from services.contracts.domain.gap import COST_BOOK, INDEX, PRICE_BOOK, PRICE_GRADE, Gap, Lacking
from services.contracts.domain.lot import Wood
from services.contracts.domain.money import ExchangeRate, Money, in_pen
from services.contracts.domain.price import PointOfSale, Product
from services.contracts.domain.residual import Bounded, Inputs, Residual, mill_price_m3, residual_with_band
from services.contracts.domain.series import ReadClause
from shared.timber.measure import PT_PER_M3, LogRule, Unit

Method = Literal["residual", "market"]
Bound = Literal["low", "mid", "high"]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Basis:
    """The prices, costs and conventions of one appraisal: everything that is not the offer itself."""

    on: date
    rate_milli: int
    base_rule: LogRule
    prices: PriceBook | None
    costs: CostBook | None
    fx: ExchangeRate | None
    seed: int = 1
    draws: int = 2_000
    index: ReadClause | None = None
    indexed: bool = False
    region: str | None = None

    @property
    def costs_signed(self) -> bool:
        """Whether a forester signed the costs, for the region of the offer and in force on the day."""
        costs = self.costs
        return (
            costs is not None
            and costs.signed_by is not None
            and costs.region == self.region
            and costs.valid_on(self.on)
        )

    def agreed(self, offer_price: Money) -> Decimal:
        """A price of the offer in soles on the day, after its index clause; ``Lacking`` where that cannot be read."""
        if self.index is None and self.indexed:
            raise Lacking(INDEX)
        return in_pen(offer_price, self.fx) * (1 if self.index is None else self.index.factor)

    @property
    def rate(self) -> Decimal:
        """The effective annual rate of discount."""
        return Decimal(self.rate_milli) / 1_000

    @property
    def recovery_milli(self) -> int | None:
        return None if self.costs is None else self.costs.recovery_milli.mid


@dataclass(frozen=True, slots=True)
class Market:
    """What comparable wood is sold for, brought to the stump."""

    low_m3: Decimal
    mid_m3: Decimal
    high_m3: Decimal
    entry: PriceEntry


@dataclass(frozen=True, slots=True)
class Fair:
    """The worth of one standing cubic metre of a species, and how it was found.

    Never below nothing: wood that does not pay its harvest is left standing. ``residual`` and ``market`` keep the
    figures as they were computed.
    """

    low_m3: Decimal
    mid_m3: Decimal
    high_m3: Decimal
    method: Method
    residual: Residual | None
    market: Market | None
    entry: PriceEntry
    sawn: PriceEntry | None

    def supported(self, basis: Basis) -> bool:
        """Whether a verdict may rest on it: no cost in it that nobody signed, and without costs a price of grade C or better.

        A residual value is made of costs, and so is the price of a felled log at the stump; that of standing wood has none.
        """
        if self.method == "residual":
            return basis.costs_signed
        judged_with = self.entry.grade in ("A", "B", "C")
        return judged_with and (self.entry.product is Product.STANDING or basis.costs_signed)


def fair_value(species: str, wood: Wood, basis: Basis) -> Fair:
    """Both methods, and of those a verdict may rest on (if on any) the one with the higher lower bound.

    ``Lacking`` when neither can be computed.
    """
    gaps: list[Gap] = []
    residual: Residual | None = None
    market: Market | None = None
    sawn: PriceEntry | None = None
    try:
        residual, sawn = _residual(species, basis)
    except Lacking as lacking:
        gaps += lacking.gaps
    try:
        market = _market(species, wood, basis)
    except Lacking as lacking:
        gaps += lacking.gaps
    found: list[Fair] = []
    if residual is not None and sawn is not None:
        found.append(Fair(*_floored(residual), "residual", residual, market, sawn, sawn))
    if market is not None:
        found.append(Fair(*_floored(market), "market", residual, market, market.entry, sawn))
    if not found:
        raise Lacking(*dict.fromkeys(gaps))
    lows = {"residual": residual and residual.low_m3, "market": market and market.low_m3}
    return max(found, key=lambda fair: (fair.supported(basis), lows[fair.method]))


def _floored(value: Residual | Market) -> tuple[Decimal, Decimal, Decimal]:
    low, mid, high = (max(amount, ZERO) for amount in (value.low_m3, value.mid_m3, value.high_m3))
    return low, mid, high


def _priced(entry: PriceEntry, bound: Bound) -> Money:
    """The figure of an entry at one bound; the middle where no bound was given."""
    money: Money = getattr(entry, bound) or entry.mid
    return money


def _usable(book: PriceBook | None, species: str, product: Product, lowest: PointOfSale) -> PriceEntry:
    """The best entry of a product from a point of sale upwards. Grade D is shown to people, never judged with."""
    if book is None:
        raise Lacking(PRICE_BOOK)
    found = [e for e in book.entries_for(species, product) if e.point_of_sale.rung >= lowest.rung]
    good = [entry for entry in found if entry.grade != "D"]
    if not good:
        raise Lacking(PRICE_GRADE if found else PRICE_BOOK)
    return good[0]


def boards_of(species: str, basis: Basis) -> Inputs:
    """What the boards of a species are worth and what they cost to make, by the books; ``Lacking`` without them."""
    if basis.costs is None:
        raise Lacking(COST_BOOK)
    sawn = _usable(basis.prices, species, Product.SAWN, PointOfSale.MILL_GATE)
    return _inputs(sawn, basis.costs, basis.fx, "mid")


def _residual(species: str, basis: Basis) -> tuple[Residual, PriceEntry]:
    if basis.costs is None:
        raise Lacking(COST_BOOK)
    sawn = _usable(basis.prices, species, Product.SAWN, PointOfSale.MILL_GATE)
    books = (_inputs(sawn, basis.costs, basis.fx, bound) for bound in ("mid", "low", "high"))
    return residual_with_band(Bounded(*books)), sawn


def _inputs(sawn: PriceEntry, costs: CostBook, fx: ExchangeRate | None, bound: Bound) -> Inputs:
    def milli(of: Literal["recovery_milli", "margin_milli"]) -> Decimal:
        share = getattr(costs, of)
        given = getattr(share, bound)
        return Decimal(share.mid if given is None else given) / 1_000

    return Inputs(
        price_pt=_at_the_mill_pt(sawn, costs, fx, bound),
        recovery=milli("recovery_milli"),
        margin=milli("margin_milli"),
        costs=tuple(
            (line.step, in_pen(getattr(line, bound) or line.mid, fx))
            for line in costs.lines
            if line.step not in AFTER_MILL
        ),
    )


def _at_the_mill_pt(sawn: PriceEntry, costs: CostBook, fx: ExchangeRate | None, bound: Bound) -> Decimal:
    """The sawn price at the mill gate, by board foot; beyond the gate the costs after the mill are taken off."""
    price = in_pen(_priced(sawn, bound), fx)
    price_m3 = price * PT_PER_M3 if sawn.unit is Unit.PT else price
    after = sum((in_pen(line.mid, fx) for line in costs.after_mill(sawn.point_of_sale)), ZERO)
    return mill_price_m3(price_m3, after, Decimal(1)) / PT_PER_M3


def _market(species: str, wood: Wood, basis: Basis) -> Market:
    try:
        entry = _usable(basis.prices, species, Product.STANDING, PointOfSale.STUMP)
    except Lacking:
        entry = _usable(basis.prices, species, Product.LOG, PointOfSale.STUMP)
    factor, _ = wood.factor(species, entry.rule, entry.unit, basis.recovery_milli)
    ladder = ZERO
    if entry.product is Product.LOG:
        if basis.costs is None:
            raise Lacking(COST_BOOK)
        ladder = basis.costs.ladder_m3(entry.product, entry.point_of_sale, basis.fx)
    low, mid, high = (in_pen(_priced(entry, bound), basis.fx) * factor - ladder for bound in ("low", "mid", "high"))
    return Market(low, mid, high, entry)
