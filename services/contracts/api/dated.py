"""What an appraisal reads by its day: the exchange rate, the indices of a price clause, the buyer's standing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TypeVar

from services.contracts.domain.book import CostBook, PriceBook
from services.contracts.domain.money import ExchangeRate
from services.contracts.domain.offer import Offer
from services.contracts.domain.pinned import Pin, canonical, sha256_of
from services.contracts.domain.series import (
    DOLLAR,
    AnySeries,
    IndexSeries,
    RateSeries,
    ReadClause,
    rate_of,
    read_clause,
)
from services.contracts.domain.standing import Standing, standing_on
from services.contracts.shipped import world_bank_indices
from services.contracts.store import Store
from services.contracts.store.series import PublishedSeries, latest_series, series_named
from services.contracts.store.standing import snapshots_for

Read = TypeVar("Read", IndexSeries, RateSeries)
MOST_SOURCES = 50
_DOLLARS = b'"currency":"USD"'


@dataclass(frozen=True, slots=True)
class Dated:
    """Figures of one day with their pins; ``None`` where nothing holds on that day."""

    fx: ExchangeRate | None
    fx_pin: Pin | None
    index: ReadClause | None
    index_pins: tuple[Pin, ...]
    buyer: Standing | None


async def read_dated(
    store: Store, offer: Offer, given: ExchangeRate | None, books: tuple[PriceBook | None, CostBook | None], day: date
) -> Dated:
    """Read what this offer and these books need, and nothing else: only what is used is pinned."""
    indexed = {part.index for part in offer.index.parts} if offer.index is not None else set()
    in_dollars = given is None and any(form is not None and _DOLLARS in canonical(form) for form in (offer, *books))
    if not (indexed or in_dollars or offer.buyer_ruc):
        return Dated(given, None, None, (), None)
    shipped, wanted = world_bank_indices(), in_dollars or DOLLAR in indexed
    async with store.db.transaction() as tx:
        rates = _read(await latest_series(tx, "fx", None, MOST_SOURCES), RateSeries) if wanted else {}
        published = await series_named(tx, "index", sorted(indexed - {DOLLAR} - set(shipped)))
        buyer = None
        if offer.buyer_ruc is not None:
            # The day that counts is that of the signature, where there is one.
            on = offer.terms.signed_on or day
            buyer = standing_on(offer.buyer_ruc, on, await snapshots_for(tx, offer.buyer_ruc, on))
    found: dict[str, tuple[AnySeries, Pin]] = {
        name: (shipped[name], Pin(name, 0, sha256_of(shipped[name]))) for name in indexed & set(shipped)
    }
    found |= _read(published, IndexSeries)
    newest = rate_of([series for series, _ in rates.values()], day)
    if newest is not None and DOLLAR in indexed:
        found[DOLLAR] = rates[newest[0].id]
    fx, fx_pin = (newest[1], rates[newest[0].id][1]) if newest is not None and in_dollars else (given, None)
    clause = read_clause(offer.index, {name: series for name, (series, _) in found.items()}, day)
    pins = tuple(found[name][1] for name in sorted(found)) if clause is not None else ()
    return Dated(fx, fx_pin, clause, pins, buyer)


def _read(published: Sequence[PublishedSeries], form: type[Read]) -> dict[str, tuple[Read, Pin]]:
    return {one.id: (_parsed(form, one.content), Pin(one.id, one.version, one.sha256)) for one in published}


@lru_cache(maxsize=32)
def _parsed(form: type[Read], content: bytes) -> Read:
    """Thousands of lines that do not change between two appraisals are parsed once."""
    return form.read_back(content)
