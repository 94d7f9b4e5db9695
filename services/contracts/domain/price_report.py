"""A price report: what somebody was paid, asked or read, with everything that makes the number a price.

The amount stays as it was said, in its own unit, rule and currency; beside it stands what it comes to for a base cubic
metre, with the name of each thing the conversion rests on.
"""

import hashlib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.contracts.domain.border import (
    Contradiction,
    Day,
    Days,
    DiameterMm,
    Form,
    Sha256,
    Slug,
    Text,
    VolumeM3,
    Yes,
    later,
)
from services.contracts.domain.gap import Gap, Lacking
from services.contracts.domain.lot import DiameterClass, FactorSource, MeasuredLog, SpeciesWood, Wood
from services.contracts.domain.market_terms import MarketTerms
from services.contracts.domain.money import CENT, ExchangeRate, Price, in_pen
from services.contracts.domain.price import AbsurdPrice, PerVolume, PointOfSale, Product
from services.contracts.domain.residual import discount_factor
from shared.refusal import Malformed, NotAllowed
from shared.timber.measure import PT_PER_M3, LogRule, Unit, half_up

ReportId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{7,59}$")]
Side = Literal["seller", "buyer", "mill", "authority", "bulletin"]
Tier = Literal["sealed", "receipt", "contract", "bulletin", "witnessed", "oral"]
SaleKind = Literal["negotiated", "auction", "tender", "related_party"]
# What the buyer disputes of a settlement, as its differences are named.
Dispute = Literal["claimed_only", "sheets_differ", "statements_differ", "unpaid"]
# What a report of a tier cannot be without.
SHOWN = frozenset({"sealed", "receipt", "contract", "witnessed"})
FACTOR = Decimal("0.000001")
BASE = LogRule.MEAN_OF_ENDS
ONE = Decimal(1)
BARK = Gap("bark", "un precio por volumen sin corteza", "a price by volume under bark")


@dataclass(eq=False)
class FutureDate(Malformed):
    """Nobody has been paid tomorrow (422)."""

    slug: ClassVar[str] = "future-date"
    es: ClassVar[str] = "{where}: {reason} todavía no ha llegado; hoy es {today}."
    en: ClassVar[str] = "{where}: {reason} has not come yet; today is {today}."
    today: str


@dataclass(eq=False)
class EvidenceMissing(Malformed):
    """A tier that rests on a paper needs the paper's hash (422)."""

    slug: ClassVar[str] = "evidence-missing"
    es: ClassVar[str] = "{where}: un reporte de nivel {reason} lleva el SHA-256 de su documento; sin él es oral."
    en: ClassVar[str] = (
        "{where}: a report of tier {reason} carries the SHA-256 of its document; without one it is oral."
    )


@dataclass(eq=False)
class SealedByOthers(Malformed):
    """Only a settlement that was closed against custody seals a price (422)."""

    slug: ClassVar[str] = "sealed-by-settlement"
    es: ClassVar[str] = "{where}: el nivel {reason} lo pone el cierre de una liquidación, no quien reporta."
    en: ClassVar[str] = "{where}: the tier {reason} is set by the closing of a settlement, not by who reports."


@dataclass(eq=False)
class SideNotYours(NotAllowed):
    """One reports from the side on which one stands (403)."""

    slug: ClassVar[str] = "side-not-yours"
    es: ClassVar[str] = "Con su función no se reporta como {side}."
    en: ClassVar[str] = "With your role one does not report as {side}."
    side: str


class DiameterRange(Form):
    """The diameters of the logs that the price is for."""

    from_mm: DiameterMm
    to_mm: DiameterMm

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.from_mm > self.to_mm:
            raise Contradiction("diameter", "from_mm is more than to_mm", "from_mm es mayor que to_mm")
        return self


class PriceReport(Form):
    """One price as it was said. ``id`` is the reporter's own (a ULID, or any name it will not give twice). ``disputed`` is set
    by the closing of a settlement that the buyer disputes; the price is then what both have signed."""

    id: ReportId
    side: Side
    line: PerVolume
    region: Slug
    observed_on: Day
    tier: Tier
    sale_kind: SaleKind
    basin: Slug | None = None
    quality: Text | None = None
    bark: Literal["under", "over"] = "under"
    moisture: Literal["green", "air_dry", "kiln_dry"] | None = None
    low: Price | None = None
    high: Price | None = None
    volume_m3: VolumeM3 | None = None
    diameter: DiameterRange | None = None
    logs: tuple[MeasuredLog, ...] = Field(default=(), max_length=500)
    diameters: tuple[DiameterClass, ...] = Field(default=(), max_length=40)
    payment_delay_days: Days = 0
    fx: ExchangeRate | None = None
    evidence_sha256: Sha256 | None = None
    counterpart_sha256: Sha256 | None = None
    is_estimated: Yes = False
    source: Text | None = None
    licence: Text | None = None
    disputed: Annotated[tuple[Dispute, ...], Field(min_length=1, max_length=4)] | None = later()

    @property
    def settled(self) -> bool:
        """Whether the closing of a settlement filed it, not its author."""
        return self.tier == "sealed" or self.disputed is not None

    @property
    def species(self) -> str:
        """The one species it is for."""
        return self.line.species[0]

    @model_validator(mode="after")
    def _prices_one_species(self) -> Self:
        if self.line.species == "any" or len(self.line.species) != 1:
            raise Contradiction("line.species", "a report is of one species", "un reporte es de una sola especie")
        if any(log.species != self.species for log in self.logs):
            raise Contradiction("logs", "a log is of another species", "una troza es de otra especie")
        if sum(one.share_milli for one in self.diameters) not in (0, 1_000):
            raise Contradiction("diameters", "the shares do not add up to 1000", "las partes no suman 1000")
        return self

    @model_validator(mode="after")
    def _is_sold_where_it_is(self) -> Self:
        if (self.line.product is Product.STANDING) is not (self.line.point_of_sale is PointOfSale.STUMP):
            raise Contradiction(
                "line.point_of_sale",
                "only standing wood is priced at the stump",
                "solo la madera en pie se cotiza en el tocón",
            )
        return self

    @model_validator(mode="after")
    def _bounds_hold_the_price(self) -> Self:
        low, high = self.low or self.line.price, self.high or self.line.price
        if not low.currency == self.line.price.currency == high.currency:
            raise Contradiction("low", "is in another currency than the price", "está en otra moneda que el precio")
        if not low.amount <= self.line.price.amount <= high.amount:
            raise Contradiction("low", "low, price and high are not in order", "low, precio y high no están en orden")
        return self

    @model_validator(mode="after")
    def _says_where_it_comes_from(self) -> Self:
        if (self.side == "bulletin") is not (self.tier == "bulletin"):
            raise Contradiction("tier", "side and tier bulletin go together", "side y tier bulletin van juntos")
        if self.side == "bulletin" and (self.source is None or self.licence is None):
            raise Contradiction(
                "source", "a bulletin names its source and its licence", "un boletín nombra su fuente y su licencia"
            )
        if self.fx is not None and self.fx.on > self.observed_on:
            raise Contradiction("fx.on", "is after the day of the price", "es posterior al día del precio")
        return self


def pair_sha256(seller: str, buyer: str, document_sha256: str) -> str:
    """The blind name of a sale, which both sides find by themselves (docs/format.md): it tells nobody who they are."""
    return hashlib.sha256(f"trozalog/v1/price-pair\n{seller}\n{buyer}\n{document_sha256}\n".encode()).hexdigest()


_PARTY_SIDES: dict[str, frozenset[str]] = {
    "manager": frozenset({"seller"}),
    "company": frozenset({"buyer", "mill"}),
    "machine": frozenset({"seller", "buyer", "mill"}),
    "authority": frozenset({"authority", "bulletin"}),
    "operator": frozenset({"bulletin"}),
}


def check_report(report: PriceReport, roles: AbstractSet[str], today: date) -> None:
    """What the door asks of a report beyond its form; refuses with the reason."""
    if report.settled:
        where = "tier" if report.tier == "sealed" else "disputed"
        raise SealedByOthers(f"body.report.{where}", report.tier)
    if not any(report.side in _PARTY_SIDES.get(role, ()) for role in roles):
        raise SideNotYours("file_price_report", "side", report.side)
    if report.observed_on > today:
        raise FutureDate("body.report.observed_on", report.observed_on.isoformat(), today.isoformat())
    if report.tier in SHOWN and report.evidence_sha256 is None:
        raise EvidenceMissing("body.report.evidence_sha256", report.tier)


ConversionSource = FactorSource | Literal["exact"]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What the price comes to in soles for one cubic metre: round by the base rule, or sawn for sawn wood.

    ``cash_pen_m3`` is the same paid at once. ``factor`` are units of the price for each of these cubic metres.
    """

    pen_m3: Decimal
    cash_pen_m3: Decimal
    factor: Decimal
    factor_source: ConversionSource
    fx_on: date | None
    fx_source: str | None
    version: str


def convert(report: PriceReport, terms: MarketTerms) -> Conversion:
    """By the report's own logs, else its stated diameters, else exactly; ``Lacking`` names what is not there.

    ``AbsurdPrice`` where what comes out is no price of wood.
    """
    if report.bark == "over":
        raise Lacking(BARK)
    factor, source = _factor(report)
    price = in_pen(report.line.price, report.fx)
    dollars = report.line.price.currency == "USD" and report.fx is not None
    pen_m3 = price * factor
    cash = pen_m3 * discount_factor(Decimal(terms.rate_milli) / 1_000, report.payment_delay_days)
    for amount in (pen_m3, cash):
        if not terms.lowest_pen_m3 <= amount <= terms.highest_pen_m3:
            raise AbsurdPrice("body.report.line.price", f"S/ {half_up(amount, CENT)}", "m3")
    return Conversion(
        half_up(pen_m3, CENT),
        half_up(cash, CENT),
        half_up(factor, FACTOR),
        source,
        report.fx.on if dollars and report.fx else None,
        report.fx.source if dollars and report.fx else None,
        terms.version,
    )


def _factor(report: PriceReport) -> tuple[Decimal, ConversionSource]:
    line = report.line
    if line.product is Product.SAWN:
        return (PT_PER_M3 if line.unit is Unit.PT else ONE), "exact"
    sizes = tuple(log.size for log in report.logs for _ in range(log.count))
    one = SpeciesWood(ONE, ONE, ONE, None, sizes)
    wood = Wood({report.species: one}, "logs" if sizes else "none", "not_asked", BASE, report.diameters)
    return wood.factor(report.species, line.rule, line.unit, None)
