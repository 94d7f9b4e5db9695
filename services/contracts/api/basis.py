"""What a question is answered from: the books, custody's logs, the standing of permit and regent; and the answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.contracts.api.dated import read_dated
from services.contracts.api.house import House, today
from services.contracts.custody import CustodyLot, left_under, logs_of_lot
from services.contracts.domain.appraisal import appraise
from services.contracts.domain.book import CostBook, PriceBook, Signatory, check_known_on
from services.contracts.domain.fair import Basis
from services.contracts.domain.judged import Case, judge_offer
from services.contracts.domain.known import Known
from services.contracts.domain.lot import Wood, count_wood
from services.contracts.domain.offer import Offer
from services.contracts.domain.pinned import Pin, Pins, sha256_of
from services.contracts.permits import regent_on, standing_of
from services.contracts.schemas.basis import BasisIn
from services.contracts.shipped import flag_pack
from services.contracts.store import Store
from services.contracts.store import books as books_store
from services.contracts.store.books import BookKind, Published
from services.contracts.store.signatures import Signed, cost_book_for, cost_book_named, signatures_of
from shared.refusal import Missing
from shared.timber.measure import LogRule
from shared.web.auth import Caller


@dataclass(frozen=True, slots=True)
class Question:
    """One offer with everything its answer is computed from."""

    offer: Offer
    basis: Basis
    wood: Wood
    known: Known
    pins: Pins

    def case(self) -> Case:
        """The offer judged."""
        return judge_offer(self.offer, self.wood, self.basis, flag_pack().verdict, self.known)

    def appraisal(self, contract: str | None = None) -> dict[str, Any]:
        """The offer appraised."""
        return appraise(self.offer, self.wood, self.basis, flag_pack(), self.pins, contract, self.known)


Books = tuple[PriceBook | None, Pin | None, CostBook | None, Pin | None, str | None]


async def ask(store: Store, house: House, offer: Offer, asked: BasisIn, caller: Caller | None) -> Question:
    """Load the books, and ask custody and permits at once; what they do not answer stays unknown."""
    day = asked.on or today()
    check_known_on(day, asked.prices, asked.costs, asked.fx)
    prices, price_pin, costs, cost_pin, signature = await _load_books(store, asked, offer.region, caller)
    lot, permit, regent, left_m3 = await asyncio.gather(
        logs_of_lot(house.custody, offer.lot.custody_lot),
        standing_of(house.permits, offer.permit, day),
        regent_on(house.permits, offer.regent, offer.terms.signed_on or day),
        left_under(house.custody_as_caller, offer.permit),
    )
    dated = await read_dated(store, offer, asked.fx, (prices, costs), day)
    basis = Basis(
        day, asked.rate_milli, LogRule(asked.base_rule), prices, costs, dated.fx, asked.seed, asked.draws, dated.index,
        offer.index is not None,
    )  # fmt: skip
    pins = Pins(sha256_of(offer), price_pin, cost_pin, _pin_of(lot), signature, dated.fx_pin, dated.index_pins)
    wood = count_wood(offer.lot, lot.logs, lot.state, basis.base_rule)
    return Question(offer, basis, wood, Known(permit, regent, lot.kept, dated.buyer, left_m3), pins)


def _pin_of(lot: CustodyLot) -> str | None:
    return None if lot.logs is None else sha256_of([(s, z.large_mm, z.small_mm, z.length_mm) for s, z in lot.logs])


async def _load_books(store: Store, basis: BasisIn, region: str, caller: Caller | None) -> Books:
    """Given figures, the named book, or the newest book of the region on that day; none is an answer too."""
    prices, costs = basis.prices, basis.costs
    price_pin = None if prices is None else Pin(prices.id, None, sha256_of(prices))
    cost_pin = None if costs is None else Pin(costs.id, None, sha256_of(costs))
    signature: str | None = None
    if prices is not None and costs is not None:
        return prices, price_pin, costs, cost_pin, signature
    async with store.db.transaction(caller) as tx:

        async def find(kind: BookKind, named: str | None) -> Published | None:
            day = basis.on or today()
            if named is None:
                if kind == "cost":
                    return await cost_book_for(tx, region, day)
                return await books_store.newest_book_for(tx, kind, region, day)
            if kind == "cost":
                found = await cost_book_named(tx, named, day)
            else:
                found = await books_store.book_of_day(tx, kind, named, day) or await books_store.book(tx, kind, named)
            if found is None:
                raise Missing(f"{kind}_book", named)
            return found

        if prices is None and (found := await find("price", basis.price_book)):
            prices, price_pin = PriceBook.read_back(found.content), _pin(found)
        if costs is None and (found := await find("cost", basis.cost_book)):
            cost_pin, signed = _pin(found), await signatures_of(tx, found.id, found.version)
            costs = _signed(CostBook.read_back(found.content), signed)
            signature = signed[0].sha256 if signed else None
    check_known_on(
        basis.on or today(), prices if basis.prices is None else None, costs if basis.costs is None else None, None, named=True
    )  # fmt: skip
    return prices, price_pin, costs, cost_pin, signature


def _signed(book: CostBook, signatures: Sequence[Signed]) -> CostBook:
    """A stored book is signed by whoever signed it after it was published, whatever its own text says."""
    first = signatures[0] if signatures else None
    by = None if first is None else Signatory(name=first.name, licence=first.licence, on=first.signed_on)
    return book.model_copy(update={"signed_by": by})


def _pin(book: Published) -> Pin:
    return Pin(book.id, book.version, book.sha256)
