"""A price line: without unit, rule, product, point of sale and currency it cannot be written."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from services.contracts.domain.border import KEPT, Contradiction, Form
from services.contracts.domain.money import Money, Price
from shared.refusal import Malformed
from shared.timber.measure import LogRule, Unit
from shared.timber.species import catalogue


class PointOfSale(StrEnum):
    """Where the wood is handed over, from the forest to the ship."""

    STUMP = "stump"
    ROADSIDE = "roadside"
    RIVER_PORT = "river_port"
    MILL_GATE = "mill_gate"
    WHOLESALE_LIMA = "wholesale_lima"
    FOB = "fob"

    @property
    def rung(self) -> int:
        """Its place on the ladder, from the stump up."""
        return _RUNGS[self]


_RUNGS = {point: rung for rung, point in enumerate(PointOfSale)}


class Product(StrEnum):
    """What is handed over. A log at the mill is (``log``, ``mill_gate``)."""

    STANDING = "standing"
    LOG = "log"
    SAWN = "sawn"


class PaidRule(StrEnum):
    """How the paid volume is measured: a log rule, or the boards that come out of the saw."""

    MEAN_OF_ENDS = "mean_of_ends"
    SMALIAN = "smalian"
    HUBER = "huber"
    NEWTON = "newton"
    DOYLE = "doyle"
    OXAPAMPINA = "oxapampina"
    INTERNATIONAL_QUARTER = "international_quarter"
    SCRIBNER = "scribner"
    SAWN = "sawn"

    @property
    def log_rule(self) -> LogRule | None:
        """The rule of round wood behind it; ``None`` for sawn board feet."""
        return None if self is PaidRule.SAWN else LogRule(self.value)


def _accepted(value: Any) -> Any:
    if value == "any":
        return value
    if isinstance(value, list | tuple) and 0 < len(value) <= 100 and all(isinstance(name, str) for name in value):
        for name in value:
            catalogue().accepted(name, "species")
        if len(set(value)) == len(value):
            return tuple(value)
    raise Contradiction(
        "species",
        'must be "any" or a list of different scientific names',
        'debe ser "any" o una lista de nombres científicos distintos',
    )


def _one_accepted(value: Any) -> Any:
    if isinstance(value, str):
        catalogue().accepted(value, "species")
    return value


SpeciesName = Annotated[str, BeforeValidator(_one_accepted)]
SpeciesSet = Annotated[Literal["any"] | tuple[str, ...], BeforeValidator(_accepted)]


class _Line(Form):
    species: SpeciesSet
    point_of_sale: PointOfSale

    def covers(self, species: str) -> bool:
        """Whether this line names the species; ``any`` names none and takes what no other line names."""
        return self.species != "any" and species in self.species


# Bounds of the form, like that of a diameter: far above any wood, below a slip of the keyboard by thousands. The one of a
# board foot is that of a cubic metre by its 424 board feet.
DEAREST = Decimal(100_000)
DEAREST_PT = Decimal(250)


@dataclass(eq=False)
class AbsurdPrice(Malformed):
    """No wood costs so much for one unit of volume (422)."""

    slug: ClassVar[str] = "absurd-price"
    es: ClassVar[str] = "{where}: {reason} por {unit} no es un precio de madera; revise el número y la unidad."
    en: ClassVar[str] = "{where}: {reason} per {unit} is no price of wood; look at the number and the unit again."
    unit: str


def check_price(where: str, price: Money, unit: str, info: ValidationInfo) -> None:
    """Refuse a price that no wood and no work on it ever cost for one unit, except in what was accepted before."""
    if info.context != KEPT and price.amount > (DEAREST_PT if unit == Unit.PT.value else DEAREST):
        raise AbsurdPrice(where, str(price), unit)


class PerVolume(_Line):
    """So much for each cubic metre or board foot, measured by a named rule."""

    kind: Literal["per_volume"]
    price: Price
    unit: Unit
    rule: PaidRule
    product: Product

    @model_validator(mode="after")
    def _is_a_price_of_wood(self, info: ValidationInfo) -> Self:
        check_price("price", self.price, self.unit.value, info)
        return self

    @model_validator(mode="after")
    def _product_fits(self) -> Self:
        _standing_is_sold_at_the_stump(self.product, self.point_of_sale)
        if self.product is Product.SAWN and self.rule is not PaidRule.SAWN:
            raise Contradiction(
                "rule",
                "sawn wood is measured by the rule sawn, not by a log rule",
                "la madera aserrada se mide con la regla sawn, no con una regla de trozas",
            )
        if self.point_of_sale.rung > PointOfSale.MILL_GATE.rung and self.product is not Product.SAWN:
            raise Contradiction(
                "point_of_sale",
                "only sawn wood is sold beyond the mill gate",
                "después del aserradero solo se vende madera aserrada",
            )
        return self


class _Whole(_Line):
    price: Price
    product: Literal[Product.STANDING, Product.LOG]

    @model_validator(mode="after")
    def _product_fits(self) -> Self:
        _standing_is_sold_at_the_stump(self.product, self.point_of_sale)
        if self.point_of_sale.rung > PointOfSale.MILL_GATE.rung:
            raise Contradiction(
                "point_of_sale",
                "only sawn wood is sold beyond the mill gate",
                "después del aserradero solo se vende madera aserrada",
            )
        return self


class PerTree(_Whole):
    """So much for each tree, whatever it holds."""

    kind: Literal["per_tree"]

    @model_validator(mode="after")
    def _is_a_price_of_a_tree(self, info: ValidationInfo) -> Self:
        check_price("price", self.price, "árbol (tree)", info)
        return self


class LumpSum(_Whole):
    """So much for all the wood of the line."""

    kind: Literal["lump_sum"]


class InKind(_Whole):
    """Goods for all the wood of the line: ``price`` is what they cost in the local shop, ``billed`` what was written."""

    kind: Literal["in_kind"]
    billed: Price | None = None


class BuyBack(Form):
    """What the buyer pays for the community's part of the wood."""

    price: Price
    unit: Unit
    rule: PaidRule

    @model_validator(mode="after")
    def _is_a_price_of_wood(self, info: ValidationInfo) -> Self:
        check_price("buy_back.price", self.price, self.unit.value, info)
        return self


class _Share(_Line):
    share_milli: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    product: Product

    @model_validator(mode="after")
    def _product_fits(self) -> Self:
        _standing_is_sold_at_the_stump(self.product, self.point_of_sale)
        return self


class ShareOfVolume(_Share):
    """A part of the wood itself, bought back by the buyer or sold freely by the community."""

    kind: Literal["share_of_volume"]
    buy_back: BuyBack | None = None


class ShareOfRevenue(_Share):
    """A part of what the boards are sold for. It is valued at reference prices, never at the buyer's own book."""

    kind: Literal["share_of_revenue"]


class ShareOfProfit(_Share):
    """A part of what is left after costs. It is valued by the cost book, never by the buyer's own accounts."""

    kind: Literal["share_of_profit"]


def _standing_is_sold_at_the_stump(product: Product, point: PointOfSale) -> None:
    if product is Product.STANDING and point is not PointOfSale.STUMP:
        raise Contradiction(
            "point_of_sale",
            "standing wood is sold at the stump",
            "la madera en pie se vende en el tocón (stump)",
        )


Whole = PerTree | LumpSum | InKind
Priced = PerVolume | Whole
Shared = ShareOfVolume | ShareOfRevenue | ShareOfProfit
AnyLine = Priced | Shared
PriceLine = Annotated[AnyLine, Field(discriminator="kind")]
