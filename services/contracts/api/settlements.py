"""Settlements: lot by lot against custody's log list, each party's sheet beside the other's, with every payment."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Query, Response

from services.contracts.api.deliveries import around, check_open, delivery, reconciled, settlement, signed, standing
from services.contracts.api.house import Cursor, House, HouseDep, Limit, StoreDep, day_in_peru, today, workbook
from services.contracts.api.settled import shown, shown_reconciliation
from services.contracts.api.versions import now, party_contract
from services.contracts.custody import list_of_lot
from services.contracts.domain.contract import TurnTaken, check_in_force, check_share
from services.contracts.domain.owed import check_sums, owed
from services.contracts.domain.reconciliation import Reconciliation
from services.contracts.domain.settlement import (
    MOST_ENTRIES,
    MOST_SETTLEMENTS,
    Beside,
    Id,
    LotSettled,
    NotYet,
    Payment,
    Replacement,
    SettlementText,
    SheetOfTheOther,
    check_payment,
)
from services.contracts.report_book import settlement_book
from services.contracts.schemas.cursor import read_cursor, write_cursor
from services.contracts.schemas.settlements import ReconciliationOut, SettlementOut, SettlementsOut
from services.contracts.store import Store
from services.contracts.store import settlements as kept
from services.contracts.store import versions as known_versions
from services.contracts.store.settlements import Settlement
from services.contracts.store.versions import Tx
from shared.refusal import Missing
from shared.web.access import Grant, GrantDep
from shared.web.app import Router
from shared.web.auth import Caller
from shared.web.workbook import XLSX_TYPE

router = Router(tags=["settlements"])
On = Annotated[date | None, Query(description="How it stood on a day; today unless asked otherwise")]


@router.post("/v1/settlements", status_code=201, responses={200: {"model": SettlementOut}})
async def state_settlement(body: SettlementText, grant: GrantDep, store: StoreDep, response: Response) -> SettlementOut:
    """State what was delivered of one lot and what was measured. Each party states its own, and both stand beside one
    another; one's own that was wrong is replaced by a settlement that names it. The same statement again answers 200."""
    caller, at = grant.known, now()
    if body.delivered_on > today():
        raise NotYet("delivered_on", body.delivered_on.isoformat(), today().isoformat())
    async with store.db.transaction(caller) as tx:
        contract = await party_contract(tx, body.contract, grant)
        known = await known_versions.versions(tx, body.contract)
        version = signed(known, body)
        comes_to = owed(version.text, body)
        found = await kept.settlement(tx, kept.id_of(body, caller.org))
        new = found is None
        if found is None:
            check_in_force(known, body.version, body.delivered_on, day_in_peru)
            others = await kept.of_contract(tx, body.contract, None, MOST_SETTLEMENTS)
            check_share("settlements", [one.stated_by_org for one in others], caller.org, MOST_SETTLEMENTS)
            of_lot = [one for one in others if one.stated.lot == body.lot and one.state != "replaced"]
            before = _check_place(of_lot, body, caller.org)
            counted = [one.stated for one in others if one.stated.lot != body.lot and one.counts(caller.org)]
            check_sums(version.text, body, [(known[one.version - 1].text, one) for one in counted])
            await _add(tx, body, len(others) + 1, before, caller, at)
            found = await settlement(tx, kept.id_of(body, caller.org))
        seals = await standing(tx, [found])
    response.status_code = 201 if new else 200
    return shown(found, comes_to, contract.offer.community, seals)


def _check_place(of_lot: Sequence[Settlement], body: SettlementText, org: str) -> Settlement | None:
    """What stands of the lot already: the party's own settlement, which this one replaces by name, else the other's, which it
    will stand beside."""
    own = next((one for one in of_lot if one.stated_by_org == org), None)
    other = next((one for one in of_lot if one.stated_by_org != org), None)
    if other is not None and body.replaces == other.id:
        raise SheetOfTheOther(other.id, other.stated_by_org)
    if own is not None and body.replaces != own.id:
        raise LotSettled(body.lot, own.id)
    if own is None and body.replaces is not None:
        raise Missing("settlement", body.replaces)
    for one in sorted(of_lot, key=lambda one: one.stated_by_org == org):  # two of one moment stand in no order
        check_open(one)
    return own or other


async def _add(tx: Tx, body: SettlementText, seq: int, before: Settlement | None, caller: Caller, at: datetime) -> None:
    """Add the settlement; and to the lot, where something stands of it, that it did: whoever closes it or pays at this moment
    comes before or not at all."""
    if not await kept.add(tx, body, seq, caller, at):
        raise TurnTaken("settlements")
    if before is None:
        return
    by = kept.id_of(body, caller.org)
    entry = Replacement(by=by) if before.stated_by_org == caller.org else Beside(by=by)
    if not await kept.add_entry(tx, before, entry, caller, at):
        raise TurnTaken("settlements")


@router.get("/v1/settlements")
async def list_settlements(
    grant: GrantDep, store: StoreDep, contract: Annotated[Id, Query()], cursor: Cursor = None, limit: Limit = 50
) -> SettlementsOut:
    """The settlements of a contract, the newest first, those that were replaced too."""
    after = read_cursor(cursor)
    async with store.db.transaction(grant.known) as tx:
        stored = await party_contract(tx, contract, grant)
        found = await kept.of_contract(tx, contract, after, limit + 1)
        texts = {one.number: one for one in await known_versions.versions(tx, contract)}
        seals = await standing(tx, found)
    more = write_cursor((found[limit - 1].stated_at, found[limit - 1].id)) if len(found) > limit else None
    items = [
        shown(one, owed(texts[one.stated.version].text, one.stated), stored.offer.community, seals)
        for one in found[:limit]
    ]
    return SettlementsOut(items=items, next=more)


@router.get("/v1/settlements/{settlement_id}")
async def read_settlement(settlement_id: str, grant: GrantDep, store: StoreDep) -> SettlementOut:
    """One settlement, to the parties of its contract."""
    async with store.db.transaction(grant.known) as tx:
        known = await delivery(tx, settlement_id, grant)
        seals = await standing(tx, [known.found])
    return shown(known.found, known.comes_to, known.contract.offer.community, seals)


@router.post("/v1/settlements/{settlement_id}/payments", status_code=201, responses={200: {"model": SettlementOut}})
async def add_payment(
    settlement_id: str, body: Payment, grant: GrantDep, store: StoreDep, response: Response
) -> SettlementOut:
    """State a payment of the lot with the hash of its receipt. The community's statement counts; what only the buyer states is
    shown as a claim until the community states the same receipt. The same again answers 200."""
    caller, at = grant.known, now()
    async with store.db.transaction(caller) as tx:
        known = await delivery(tx, settlement_id, grant)
        found = known.found
        same = check_payment(found.payments, body, caller.org, known.comes_to.currency, known.version.text, today())
        if same is None:
            check_open(found)
            check_share("payments", [one.org for one in found.payments], caller.org, MOST_ENTRIES - 1)
            if not await kept.add_entry(tx, found, body, caller, at):
                raise TurnTaken("payments")
            known = await delivery(tx, settlement_id, grant)
        seals = await standing(tx, [known.found])
    response.status_code = 201 if same is None else 200
    return shown(known.found, known.comes_to, known.contract.offer.community, seals)


@router.get("/v1/settlements/{settlement_id}/reconciliation")
async def reconcile_settlement(
    settlement_id: str, grant: GrantDep, store: StoreDep, house: HouseDep, on: On = None
) -> ReconciliationOut:
    """What was delivered, measured, owed and paid, log by log beside custody and beside the other party's sheet, with V03 and
    V04 of either and what differs. When custody does not answer, the flags are unknown and the rest is answered."""
    found, stands = await _beside_custody(settlement_id, grant, store, house, on or today())
    return shown_reconciliation(found, stands)


@router.get(
    "/v1/settlements/{settlement_id}/report",
    responses={200: {"content": {XLSX_TYPE: {}}}},
    response_class=Response,
)
async def report_settlement(
    settlement_id: str, grant: GrantDep, store: StoreDep, house: HouseDep, on: On = None,
    lang: Literal["es", "en"] = "es",
) -> Response:  # fmt: skip
    """The reconciliation as a workbook: sums, lines, logs, payments, flags, differences. With custody silent the rest is in
    it all the same."""
    found, stands = await _beside_custody(settlement_id, grant, store, house, on or today())
    book = await asyncio.to_thread(settlement_book, found.stated, found.payments, stands, lang)
    return workbook(book, f"settlement-{settlement_id}-{stands.on}-{lang}.xlsx")


async def _beside_custody(
    settlement_id: str, grant: Grant, store: Store, house: House, on: date
) -> tuple[Settlement, Reconciliation]:
    """A settlement and how it stands on a day, with what custody answers; no transaction is open while it is asked."""
    async with store.db.transaction(grant.known) as tx:
        known = await delivery(tx, settlement_id, grant)
        beside = await around(tx, known)
    lot = await list_of_lot(house.custody, known.found.stated.lot)
    return known.found, reconciled(known, beside, lot, on)
