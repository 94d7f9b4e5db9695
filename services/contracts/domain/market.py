"""The market as reports tell it: which of them count, what they say of a cell, and what of that may be published."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from services.contracts.domain.book import MOST_ENTRIES, PriceBook, PriceEntry
from services.contracts.domain.estimate import (
    Cell,
    Estimate,
    Observation,
    Parameters,
    Tier,
    clusters,
    estimate,
)
from services.contracts.domain.market_terms import MarketTerms
from services.contracts.domain.money import Money
from services.contracts.domain.price import PaidRule, PointOfSale, Product
from shared.timber.measure import Unit

BAND = 80
MADE_OF_REPORTS = "reports-"
PAIRED_FIRST = ("sealed", "receipt", "contract", "bulletin", "witnessed", "oral")
State = Literal["published", "pooled", "missing"]


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that may count, under a name of its entity that says nothing of who it is."""

    id: str
    entity: str
    side: str
    tier: str
    species: str
    product: str
    point_of_sale: str
    region: str
    pen_m3: Decimal
    observed_on: date
    received_on: date
    pair: str | None
    paper: str | None


def market_of(product: str, point: str) -> str:
    """Prices that may be pooled: soles for a cubic metre of one product at one point of sale."""
    return f"{product}/{point}"


def cell_of(one: Reported) -> Cell:
    """The cell a report is of."""
    return Cell(market_of(one.product, one.point_of_sale), one.species, one.region)


def counted(reports: Iterable[Reported]) -> list[Observation]:
    """What the estimator looks at: of one price of a sale that several reported, that of one of them: the seller's, else
    the better evidenced, else the one that was there first. A sale of two species has two prices.

    One sale is what names one pair, and then what shows one paper: else seller, buyer and whoever else holds the receipt
    are three reporters of one price. Were it the better evidenced one, a buyer who reports every purchase would silence
    all who sell to it; were pairs joined by a paper, a buyer who shows one paper for all of them would.
    """
    rows = sorted(reports, key=lambda one: one.id)
    told = _one_each(_one_each(rows, lambda one: one.pair), lambda one: one.paper)
    return [Observation(one.id, cell_of(one), one.pen_m3, Tier(one.tier), one.entity, one.observed_on) for one in told]


def _one_each(rows: Sequence[Reported], sale_of: Callable[[Reported], str | None]) -> list[Reported]:
    """Of the reports of one price of a sale those of one entity; all that name no sale."""
    first: dict[tuple[str, Cell], Reported] = {}
    for one in rows:
        sale = sale_of(one)
        if sale is not None:
            first[sale, cell_of(one)] = min(one, first.get((sale, cell_of(one)), one), key=_rank)
    return [one for one in rows if (sale := sale_of(one)) is None or one.entity == first[sale, cell_of(one)].entity]


def _rank(one: Reported) -> tuple[bool, int, date, str]:
    return one.side != "seller", PAIRED_FIRST.index(one.tier), one.received_on, one.id


@dataclass(frozen=True, slots=True)
class Market:
    """All that counts on a day: reports closed before a month, and who belongs to whom."""

    observations: Sequence[Observation]
    parties: Mapping[str, str]
    closed: date
    parameters: Parameters

    @classmethod
    def of(
        cls, reports: Iterable[Reported], related: Iterable[tuple[str, str]], closed: date, parameters: Parameters
    ) -> "Market":
        """From the rows of the database."""
        return cls(counted(reports), clusters(related), closed, parameters)

    def reports_of(self, party: str, cell: Cell) -> list[str]:
        """The reports of a party that speak of a cell."""
        return [
            one.id
            for one in self.observations
            if self.parties.get(one.entity, one.entity) == party and cell.covers(one.cell)
        ]

    def tiers_of(self, told: Estimate) -> list[str]:
        """How the reports behind an estimate are evidenced, the best first."""
        own = set(told.own_reports)
        found = {one.tier.value for one in self.observations if one.id in own}
        return sorted(found, key=PAIRED_FIRST.index)


def most_moved(told: Estimate) -> Decimal | None:
    """By how much of itself one party moves the estimate at most; none where nothing is left without somebody."""
    moves = [one.moves for one in told.influence]
    return max((abs(one) for one in moves if one is not None), default=None) if None not in moves else None


@dataclass(frozen=True, slots=True)
class Told:
    """A market with the estimate of every cell that somebody reported of, and of the wider ones."""

    market: Market
    cells: Mapping[Cell, Estimate]


def tell(market: Market, name: str) -> Told:
    """Everything that can be said of one market. Slow: it is fitted again without each party."""
    own = sorted({one.cell for one in market.observations if one.cell.market == name})
    asked = list(dict.fromkeys([cell for one in own for cell in (one, *one.parents())]))
    if not asked:
        return Told(market, {})
    found = estimate(market.observations, asked, market.closed, market.parameters, market.parties)
    return Told(market, dict(zip(asked, found, strict=True)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of a cell. Where it has too few reporters, the nearest wider cell that has enough speaks for it."""

    state: State
    told: Estimate | None
    tiers: tuple[str, ...]


def ask(told: Told, cell: Cell) -> Answer:
    """The cell itself, or its parent with the state ``pooled``; ``missing`` where nobody may be quoted."""
    found = (told.cells.get(one) for one in (cell, *cell.parents()))
    best = next((one for one in found if one is not None and one.publishable), None)
    if best is None:
        return Answer("missing", None, ())
    return Answer("published" if best.cell == cell else "pooled", best, tuple(told.market.tiers_of(best)))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A price book made of reports, the reports it rests on, and those that carry an estimate too far."""

    book: PriceBook
    parameters: str
    report_ids: tuple[str, ...]
    alarming: tuple[tuple[str, Decimal | None], ...]


def name_of(region: str) -> str:
    """The name of the book made from the reports of a region. No other book has a name that begins so."""
    return f"{MADE_OF_REPORTS}{region}"[:60].rstrip("-")


def snapshot(told: Iterable[Told], region: str, as_of: date, terms: MarketTerms) -> Snapshot | None:
    """The book of a region on a day from what is told of its markets; none where no cell of it may be published."""
    found = [
        (each.market, one)
        for each in told
        for one in each.cells.values()
        if one.cell.region == region and one.publishable
    ]
    found.sort(key=lambda row: (row[1].grade, -row[1].reporters, row[1].cell))
    kept = sorted(found[:MOST_ENTRIES], key=lambda row: row[1].cell)
    if not kept:
        return None
    first = kept[0][0]
    book = PriceBook(
        id=name_of(region),
        title="Precios reportados",
        region=region,
        as_of=as_of,
        source=f"reports observed before {first.closed}, {terms.version}, estimator {first.parameters.version}",
        licence="CC BY 4.0",
        entries=tuple(_entry(market, one) for market, one in kept),
    )
    ids = sorted({id_ for _, one in kept for id_ in one.own_reports})
    alarming = dict(row for market, one in kept for row in _alarming(market, one))
    return Snapshot(book, first.parameters.sha256, tuple(ids), tuple(sorted(alarming.items())))


def _alarming(market: Market, told: Estimate) -> Iterable[tuple[str, Decimal | None]]:
    """Reports of parties that would move an estimate by more than the parameters allow, with the share."""
    limit = Decimal(str(market.parameters.alarm))
    for moved in told.influence:
        if moved.would_move is None or abs(moved.would_move) > limit:
            yield from ((id_, moved.would_move) for id_ in market.reports_of(moved.party, told.cell))


def month_of(day: date) -> date:
    """The first day of its month: what is published tells no day of anybody's sale."""
    return day.replace(day=1)


def months_between(day: date, later: date) -> int:
    """How many months a later day's month is after that of a day."""
    return 12 * (later.year - day.year) + later.month - day.month


def _entry(market: Market, told: Estimate) -> PriceEntry:
    product, _, point = told.cell.market.partition("/")
    band = told.band(BAND)
    sawn = product == Product.SAWN.value
    return PriceEntry(
        species=told.cell.species or "any",
        product=Product(product),
        unit=Unit.M3,
        rule=PaidRule.SAWN if sawn else PaidRule.MEAN_OF_ENDS,
        point_of_sale=PointOfSale(point),
        low=Money.pen(band.low),
        mid=Money.pen(told.mid),
        high=Money.pen(band.high),
        grade=told.grade,
        reporters=told.reporters,
        observed_on=month_of(max(one.observed_on for one in market.observations if one.cell == told.cell)),
        source=f"reports: {', '.join(market.tiers_of(told))}",
    )
