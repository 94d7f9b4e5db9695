"""Price books and cost books: reference figures with their source and date, never a figure alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from services.contracts.domain.border import Contradiction, Count, DatesOutOfOrder, Day, Form, Milli, Slug, Text, later
from services.contracts.domain.gap import LADDER, Lacking
from services.contracts.domain.money import ExchangeRate, Price, in_pen
from services.contracts.domain.price import PaidRule, PointOfSale, Product, SpeciesName, check_price
from shared.refusal import Malformed
from shared.timber.measure import Unit

Grade = Literal["A", "B", "C", "D", "given"]
Step = Literal[
    "planning", "fees", "certification", "surveillance", "overhead", "working_capital",
    "felling", "skidding", "loading", "road_transport", "river_transport", "milling", "drying", "to_lima", "to_fob",
]  # fmt: skip

# Between which rungs of the ladder a step is spent: the wood has passed it once it stands at that point of sale.
# Steps at the stump burden whoever runs the operation, and an offer that puts them on the community says so as a
# deduction. The mill is no rung: it lies between a log and sawn wood at the same gate.
STEP_POINT: dict[str, PointOfSale] = {
    "planning": PointOfSale.STUMP,
    "fees": PointOfSale.STUMP,
    "certification": PointOfSale.STUMP,
    "surveillance": PointOfSale.STUMP,
    "overhead": PointOfSale.STUMP,
    "working_capital": PointOfSale.STUMP,
    "felling": PointOfSale.ROADSIDE,
    "skidding": PointOfSale.ROADSIDE,
    "loading": PointOfSale.RIVER_PORT,
    "road_transport": PointOfSale.RIVER_PORT,
    "river_transport": PointOfSale.MILL_GATE,
    "to_lima": PointOfSale.WHOLESALE_LIMA,
    "to_fob": PointOfSale.FOB,
}
MOST_ENTRIES = 500
MILL_STEPS = frozenset({"milling", "drying"})
AFTER_MILL = frozenset({"to_lima", "to_fob"})


def _in_order(low: Decimal | int | None, mid: Decimal | int, high: Decimal | int | None, where: str) -> None:
    if not (mid if low is None else low) <= mid <= (mid if high is None else high):
        raise Contradiction(where, "low, mid and high are not in order", "low, mid y high no están en orden")


def _not_after(as_of: date, on: date, where: str) -> None:
    if on > as_of:
        raise DatesOutOfOrder(
            where, f"is after the day of the book, {as_of}", f"es posterior al día del libro, {as_of}"
        )


@dataclass(eq=False)
class FiguresAfterDay(Malformed):
    """Nobody knew these figures on the day that is asked about (422)."""

    slug: ClassVar[str] = "figures-after-day"
    es: ClassVar[str] = "{where}: {reason} es del {as_of}, y se valora al {day}: ese día no se conocía."
    en: ClassVar[str] = "{where}: {reason} is of {as_of}, and the appraisal of {day}: nobody knew it on that day."
    as_of: str
    day: str


class MilliRange(Form):
    """A share in thousandths with the bounds within which it lies four times out of five."""

    low: Milli | None = None
    mid: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    high: Milli | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _in_order(self.low, self.mid, self.high, "milli")
        return self


class _PriceRange(Form):
    low: Price | None = None
    mid: Price
    high: Price | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.low or self.mid, self.high or self.mid
        if not low.currency == self.mid.currency == high.currency:
            raise Contradiction("low", "is in another currency than mid", "está en otra moneda que mid")
        _in_order(low.amount, self.mid.amount, high.amount, "mid")
        return self


class PriceEntry(_PriceRange):
    """A reference price of one product at one point of sale, by one rule."""

    species: Literal["any"] | SpeciesName
    product: Product
    unit: Unit
    rule: PaidRule
    point_of_sale: PointOfSale
    grade: Grade
    reporters: Count | None = None
    observed_on: Day
    source: Text

    @model_validator(mode="after")
    def _is_a_price_of_wood(self, info: ValidationInfo) -> Self:
        for name, money in (("low", self.low), ("mid", self.mid), ("high", self.high)):
            if money is not None:
                check_price(f"entries.{name}", money, self.unit.value, info)
        return self

    @model_validator(mode="after")
    def _product_fits(self) -> Self:
        if (self.product is Product.SAWN) is not (self.rule is PaidRule.SAWN):
            raise Contradiction(
                "rule",
                "sawn wood goes with the rule sawn and only it",
                "la madera aserrada va con la regla sawn y solo ella",
            )
        if (self.product is Product.STANDING) is not (self.point_of_sale is PointOfSale.STUMP):
            raise Contradiction(
                "point_of_sale",
                "only standing wood is priced at the stump",
                "solo la madera en pie se cotiza en el tocón",
            )
        return self


class PriceBook(Form):
    """Reference prices of one region on one day."""

    id: Slug
    title: Text
    region: Slug
    as_of: Day
    source: Text
    licence: Text
    entries: tuple[PriceEntry, ...] = Field(min_length=1, max_length=MOST_ENTRIES)

    def check_days(self) -> None:
        """Refuse figures of a day after the book's own: asked of books as they arrive, not of those that are kept."""
        for number, entry in enumerate(self.entries):
            _not_after(self.as_of, entry.observed_on, f"entries.{number}.observed_on")

    def entries_for(self, species: str, product: Product) -> Iterator[PriceEntry]:
        """Entries of a product that fit a species: those that name it first, then the newest, then the better grade."""
        fitting = [e for e in self.entries if e.product is product and e.species in (species, "any")]
        yield from sorted(fitting, key=lambda e: (e.species == "any", -e.observed_on.toordinal(), e.grade, e.source))


class CostLine(_PriceRange):
    """The cost of one step, for each cubic metre of round wood (after the mill: of sawn wood)."""

    step: Step
    source: Text
    on: Day

    @model_validator(mode="after")
    def _is_a_cost_of_wood(self, info: ValidationInfo) -> Self:
        for name, money in (("low", self.low), ("mid", self.mid), ("high", self.high)):
            if money is not None:
                check_price(f"lines.{name}", money, "m3", info)
        return self


def on_the_way(line: CostLine, product: Product, point: PointOfSale) -> bool:
    """Whether a felled or sawn product has passed this step once it is handed over at a point of sale."""
    if line.step in MILL_STEPS:
        return product is Product.SAWN
    if line.step == "felling":
        return product is not Product.STANDING
    return 0 < STEP_POINT[line.step].rung <= point.rung


class Signatory(Form):
    """The forester who answers for the figures of a cost book."""

    name: Text
    licence: Text
    on: Day


class CostBook(Form):
    """What it costs to bring the wood to market, with recovery and the margin of a competent buyer."""

    id: Slug
    title: Text
    region: Slug
    as_of: Day
    source: Text
    recovery_milli: MilliRange
    margin_milli: MilliRange
    lines: tuple[CostLine, ...] = Field(min_length=1, max_length=60)
    signed_by: Signatory | None = later()
    valid_to: Day | None = later()

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.as_of:
            raise DatesOutOfOrder("valid_to", "is before as_of", "es anterior a as_of")
        return self

    def check_days(self) -> None:
        """Refuse costs of a day after the book's own: asked of books as they arrive, not of those that are kept."""
        for number, line in enumerate(self.lines):
            _not_after(self.as_of, line.on, f"lines.{number}.on")

    def valid_on(self, day: date) -> bool:
        """Whether its figures hold on a day; a book that names no last day holds until a newer one."""
        return self.as_of <= day and (self.valid_to is None or day <= self.valid_to)

    def ladder_m3(self, product: Product, point: PointOfSale, rate: ExchangeRate | None) -> Decimal:
        """What the seller spends on each round cubic metre to hand a felled or sawn product over there.

        ``Lacking`` when the book holds no cost for any step on the way, or none of sawing: nothing is not free.
        """
        spent = [line for line in self.lines if on_the_way(line, product, point)]
        if not spent or (product is Product.SAWN and not any(line.step in MILL_STEPS for line in spent)):
            raise Lacking(LADDER)
        recovery = Decimal(self.recovery_milli.mid) / 1_000
        return sum(
            (in_pen(line.mid, rate) * (recovery if line.step in AFTER_MILL else 1) for line in spent), Decimal(0)
        )

    def after_mill(self, point: PointOfSale) -> tuple[CostLine, ...]:
        """The steps that sawn wood passes from the mill gate to a point of sale; by sawn cubic metre."""
        passed = tuple(
            line for line in self.lines if line.step in AFTER_MILL and STEP_POINT[line.step].rung <= point.rung
        )
        if point.rung > PointOfSale.MILL_GATE.rung and not passed:
            raise Lacking(LADDER)
        return passed


def check_known_on(
    day: date, prices: PriceBook | None, costs: CostBook | None, rate: ExchangeRate | None, named: bool = False
) -> None:
    """Refuse figures that are later than the day of the appraisal, given with the question or ``named`` in it."""
    for where, book in (("price", prices), ("cost", costs)):
        if book is not None and book.as_of > day:
            field = f"{where}_book" if named else f"{where}s"
            raise FiguresAfterDay(f"body.basis.{field}", book.id, book.as_of.isoformat(), day.isoformat())
    if rate is not None and rate.on > day:
        raise FiguresAfterDay("body.basis.fx", rate.source, rate.on.isoformat(), day.isoformat())
