"""Estimates from reports, and the price books made of them by a steward: read by anyone, naming nobody."""

import gzip
from datetime import date, timedelta
from typing import Annotated

import orjson
from fastapi import Query, Response

from services.contracts.api.books import check_region, publish, read_book, shown_price_book
from services.contracts.api.house import BucketDep, EstimatesDep, StoreDep, today
from services.contracts.domain.border import Day, Slug
from services.contracts.domain.estimate import Cell, Estimate
from services.contracts.domain.gap import RULE_FACTOR, Gap
from services.contracts.domain.market import BAND, Answer, ask, market_of, months_between, most_moved, snapshot
from services.contracts.domain.market_terms import terms_on
from services.contracts.domain.money import Money
from services.contracts.domain.price import PaidRule, PointOfSale, Product, SpeciesName
from services.contracts.domain.price_report import FutureDate
from services.contracts.estimates import Answered
from services.contracts.refusals import NothingToPublish
from services.contracts.schemas.appraisals import GapOut
from services.contracts.schemas.books import PriceBookOut
from services.contracts.schemas.market import EstimateOut, SnapshotIn
from services.contracts.schemas.money import MoneyOut
from services.contracts.shipped import estimator, market_terms
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["market"])
PACK = "trozalog/price-pack/1"
REPORTERS = Gap(
    "reporters",
    "más reportantes: de este precio no se publica una estimación con los que hay",
    "more reporters: with those there are no estimate of this price is published",
)
POOLED = Gap(
    "own_reporters",
    "reportantes de esta especie en esta región: la cifra es de un conjunto más amplio, el que se nombra",
    "reporters of this species in this region: the figure is of a wider set, the one that is named",
)


@router.get("/v1/price-estimates")
async def estimate_price(
    grant: GrantDep, estimates: EstimatesDep, bucket: BucketDep,
    species: Annotated[SpeciesName, Query(max_length=120)], region: Annotated[Slug, Query()], point: PointOfSale,
    product: Product | None = None, rule: PaidRule | None = None, on: Annotated[Day | None, Query()] = None,
) -> EstimateOut:  # fmt: skip
    """What wood of a species sells for in a region at a point of sale, in soles for a cubic metre, as reports have it."""
    if grant.caller is None:
        bucket.take()
    day = on or today()
    if day > today():
        raise FutureDate("query.on", day.isoformat(), today().isoformat())
    product = product or _usual(point)
    name = market_of(product, point)
    found = await estimates.told(day, name, today())
    answer = ask(found.finished.told, Cell(name, species, region))
    closed = terms_on(market_terms(), day).closed_before(day)
    return _told(answer, found, species, region, point, product, rule, day, closed)


@router.post("/v1/price-books/snapshots", status_code=201, responses={200: {"model": PriceBookOut}})
async def snapshot_price_book(
    body: SnapshotIn, grant: GrantDep, store: StoreDep, estimates: EstimatesDep, response: Response
) -> PriceBookOut:
    """Make the price book of a region from its reports, publish it, and say so to the log. The same again answers 200.

    Whoever would move one of its estimates by more than the parameters allow is put before the stewards.
    """
    caller, day = grant.known, body.as_of or today()
    if day > today():
        raise FutureDate("body.as_of", day.isoformat(), today().isoformat())
    check_region(caller, body.region)
    terms = terms_on(market_terms(), day)
    told = [(await estimates.fresh(day, name)).told for name in await estimates.names(body.region, day)]
    made = snapshot(told, body.region, day, terms)
    if made is None:
        closed = terms.closed_before(day)
        raise NothingToPublish(body.region, closed.isoformat(), estimator(closed).publish_reporters)
    published, new = await publish(store, "price", made.book, caller, made)
    response.status_code = 201 if new else 200
    return await shown_price_book(store, published)


@router.get(
    "/v1/price-books/{book_id}/pack", response_class=Response, responses={200: {"content": {"application/gzip": {}}}}
)
async def read_price_pack(
    book_id: str, store: StoreDep, version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None
) -> Response:
    """A price book to carry where there is no network: its content as it was hashed, and where the log says so."""
    found = await read_book(store, "price", book_id, version)
    shown = await shown_price_book(store, found)
    pack = {
        "format": PACK, "id": found.id, "version": found.version, "sha256": found.sha256,
        "content": found.content.decode(), "log": None if shown.log is None else shown.log.model_dump(mode="json"),
    }  # fmt: skip
    body = gzip.compress(orjson.dumps(pack, option=orjson.OPT_SORT_KEYS), compresslevel=9, mtime=0)
    return Response(body, media_type="application/gzip")


def _usual(point: PointOfSale) -> Product:
    if point is PointOfSale.STUMP:
        return Product.STANDING
    return Product.LOG if point.rung <= PointOfSale.MILL_GATE.rung else Product.SAWN


def _told(
    answer: Answer, found: Answered, species: str, region: str, point: PointOfSale, product: Product, rule: PaidRule | None, on: date,
    closed: date,
) -> EstimateOut:  # fmt: skip
    base = PaidRule.SAWN if product is Product.SAWN else PaidRule.MEAN_OF_ENDS
    gaps = {"published": [], "pooled": [POOLED], "missing": [REPORTERS]}[answer.state]
    if rule is not None and rule is not base:
        gaps = [*gaps, RULE_FACTOR]
    told = answer.told
    band = None if told is None else told.band(BAND)
    largest = None if told is None else most_moved(told)
    return EstimateOut(
        species=species, region=region, product=product, point_of_sale=point, unit="m3", rule=base, on=on,
        observed_before=closed, state=answer.state,
        of_species=None if told is None else told.cell.species, of_region=None if told is None else told.cell.region,
        low=None if band is None else _soles(Money.pen(band.low)),
        mid=None if told is None else _soles(Money.pen(told.mid)),
        high=None if band is None else _soles(Money.pen(band.high)), band=BAND,
        grade=None if told is None else told.grade, reporters=None if told is None else told.reporters,
        age_months=None if told is None else _age_months(told, on),
        market_version=found.finished.version, worked_out_at=found.finished.at, current=found.current,
        evidence=list(answer.tiers), max_influence=None if largest is None else str(largest),
        alarm=None if told is None else told.alarm,
        parameters=None if told is None else told.parameters_version,
        parameters_sha256=None if told is None else told.parameters_sha256,
        missing=[GapOut(what=gap.what, es=gap.es, en=gap.en) for gap in gaps],
    )  # fmt: skip


def _age_months(told: Estimate, on: date) -> int | None:
    return None if told.age_days is None else months_between(told.on - timedelta(days=told.age_days), on)


def _soles(money: Money) -> MoneyOut:
    return MoneyOut.model_validate(money.model_dump(mode="json"))
