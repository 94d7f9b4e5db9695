"""Appraisals: what an offer is worth. Stored ones never change; the quick one is not stored."""

from typing import Any, Literal

import orjson
from fastapi import Response

from services.contracts.api.house import BucketDep, Cursor, CustodyDep, Limit, StoreDep, today
from services.contracts.custody import CustodyLot, logs_of_lot
from services.contracts.domain.appraisal import Pin, Pins, appraise, canonical, sha256_of, told
from services.contracts.domain.book import CostBook, PriceBook
from services.contracts.domain.fair import Basis
from services.contracts.domain.lot import count_wood
from services.contracts.domain.offer import Offer
from services.contracts.refusals import BuyerMayNotAppraise
from services.contracts.schemas import (
    AppraisalOut,
    AppraisalsOut,
    BasisIn,
    ListedAppraisalOut,
    QuickIn,
    ToldOut,
    read_cursor,
    write_cursor,
)
from services.contracts.shipped import flag_pack
from services.contracts.store import BookKind, Contract, Published, Store
from shared.refusal import Missing
from shared.timber.measure import LogRule
from shared.web.access import Grant, GrantDep
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["appraisals"])
JSON = "application/json"
Books = tuple[PriceBook | None, Pin | None, CostBook | None, Pin | None]


@router.post(
    "/v1/contracts/{contract_id}/appraisals",
    status_code=201,
    response_model=AppraisalOut,
    responses={200: {"model": AppraisalOut}},
)
async def appraise_contract(
    contract_id: str, basis: BasisIn, grant: GrantDep, store: StoreDep, custody: CustodyDep
) -> Response:
    """Appraise a stored offer. The same question again answers 200 with the same bytes."""
    caller = grant.known
    async with store.db.transaction(caller) as tx:
        contract = _of_the_community(await store.contract(tx, contract_id), contract_id, grant)
    books = await _load_books(store, basis, contract.offer.region, caller)
    lot = await logs_of_lot(custody, contract.offer.lot.custody_lot)
    appraisal = _decide(contract.offer, basis, books, lot, contract_id)
    body = canonical(appraisal)
    async with store.db.transaction(caller) as tx:
        new = await store.add_appraisal(tx, appraisal, body, contract.offer.community, caller)
        kept = await store.appraisal(tx, appraisal["id"])
    return Response(kept or body, 201 if new else 200, media_type=JSON)


@router.get("/v1/contracts/{contract_id}/appraisals")
async def list_appraisals(
    contract_id: str, grant: GrantDep, store: StoreDep, cursor: Cursor = None, limit: Limit = 50
) -> AppraisalsOut:
    """Appraisals of one offer, newest first."""
    after = read_cursor(cursor)
    async with store.db.transaction(grant.known) as tx:
        _of_the_community(await store.contract(tx, contract_id), contract_id, grant)
        found = await store.appraisals_of(tx, contract_id, after, limit + 1)
    more = write_cursor((found[limit - 1].created_at, found[limit - 1].id)) if len(found) > limit else None
    items = [
        ListedAppraisalOut.model_validate(
            {"id": one.id, "on": one.on, "verdict": one.verdict, "created_at": one.created_at}
        )
        for one in found[:limit]
    ]
    return AppraisalsOut(items=items, next=more)


@router.get("/v1/appraisals/{appraisal_id}", response_model=AppraisalOut | ToldOut)
async def read_appraisal(
    appraisal_id: str, grant: GrantDep, store: StoreDep, lang: Literal["es", "en"] | None = None
) -> Response:
    """The stored bytes; with ``lang`` the text in that language."""
    async with store.db.transaction(grant.known) as tx:
        body = await store.appraisal(tx, appraisal_id)
    if body is None:
        raise Missing("appraisal", appraisal_id)
    return Response(body if lang is None else orjson.dumps(told(orjson.loads(body), lang)), media_type=JSON)


@router.post("/v1/appraisals/quick", response_model=AppraisalOut)
async def appraise_quick(
    body: QuickIn, grant: GrantDep, store: StoreDep, custody: CustodyDep, bucket: BucketDep
) -> Response:
    """Appraise an offer without storing anything: a community can try it in private, with or without a login."""
    if grant.caller is None:
        bucket.take()
    books = await _load_books(store, body.basis, body.offer.region, grant.caller)
    lot = await logs_of_lot(custody, body.offer.lot.custody_lot)
    return Response(canonical(_decide(body.offer, body.basis, books, lot, None)), media_type=JSON)


def _of_the_community(contract: Contract | None, contract_id: str, grant: Grant) -> Contract:
    """The contract, for the community alone: to its buyer it is visible, but not for this."""
    if contract is None:
        raise Missing("contract", contract_id)
    grant.require(*contract.parties, kind="contract", key=contract_id)
    if not grant.in_full(contract.offer.community):
        raise BuyerMayNotAppraise("appraise_contract")
    return contract


async def _load_books(store: Store, basis: BasisIn, region: str, caller: Caller | None) -> Books:
    """Given figures, the named book, or the newest book of the region on that day; none is an answer too."""
    prices, costs = basis.prices, basis.costs
    price_pin = None if prices is None else Pin(prices.id, None, sha256_of(prices))
    cost_pin = None if costs is None else Pin(costs.id, None, sha256_of(costs))
    if prices is not None and costs is not None:
        return prices, price_pin, costs, cost_pin
    async with store.db.transaction(caller) as tx:

        async def find(kind: BookKind, named: str | None) -> Published | None:
            if named is None:
                return await store.newest_book_for(tx, kind, region, basis.on or today())
            found = await store.book(tx, kind, named)
            if found is None:
                raise Missing(f"{kind}_book", named)
            return found

        if prices is None and (found := await find("price", basis.price_book)):
            prices, price_pin = PriceBook.model_validate_json(found.content), _pin(found)
        if costs is None and (found := await find("cost", basis.cost_book)):
            costs, cost_pin = CostBook.model_validate_json(found.content), _pin(found)
    return prices, price_pin, costs, cost_pin


def _pin(book: Published) -> Pin:
    return Pin(book.id, book.version, book.sha256)


def _decide(offer: Offer, asked: BasisIn, books: Books, lot: CustodyLot, contract: str | None) -> dict[str, Any]:
    prices, price_pin, costs, cost_pin = books
    basis = Basis(
        asked.on or today(),
        asked.rate_milli,
        LogRule(asked.base_rule),
        prices,
        costs,
        asked.fx,
        asked.seed,
        asked.draws,
    )
    wood = count_wood(offer.lot, lot.logs, lot.state, basis.base_rule)
    logs = None if lot.logs is None else sha256_of([(s, z.large_mm, z.small_mm, z.length_mm) for s, z in lot.logs])
    pins = Pins(sha256_of(offer), price_pin, cost_pin, logs)
    return appraise(offer, wood, basis, flag_pack(), pins, contract)
