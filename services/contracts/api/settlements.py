"""Settlements: lot by lot against custody's log list, with every payment, until the community closes it."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Query, Request, Response

from services.contracts.api import sealing
from services.contracts.api.house import Cursor, House, HouseDep, Limit, StoreDep, day_in_peru, today, workbook
from services.contracts.api.settled import shown, shown_reconciliation
from services.contracts.api.versions import now, party_contract
from services.contracts.custody import list_of_lot
from services.contracts.domain.announced import Announced
from services.contracts.domain.appraisal import canonical
from services.contracts.domain.contract import (
    NotSigned,
    TurnTaken,
    Version,
    check_in_force,
    check_share,
    in_force_before,
)
from services.contracts.domain.differences import Elsewhere
from services.contracts.domain.lot import MeasuredLog
from services.contracts.domain.matched import KeptLot
from services.contracts.domain.owed import Owed, check_parts, check_taken, owed
from services.contracts.domain.price import PerTree
from services.contracts.domain.reconciliation import (
    Reconciliation,
    SealedPrice,
    as_json,
    check_closing,
    reconcile,
    sealed_report,
)
from services.contracts.domain.settlement import (
    MOST_ENTRIES,
    MOST_SETTLEMENTS,
    STATES_ES,
    Closing,
    Id,
    LotSettled,
    NotYet,
    Payment,
    Replacement,
    SettlementEnded,
    SettlementText,
    check_payment,
)
from services.contracts.filing import SealedSale, seal_report
from services.contracts.report_book import settlement_book
from services.contracts.schemas.cursor import read_cursor, write_cursor
from services.contracts.schemas.deals import CommitmentOut
from services.contracts.schemas.settlements import ReconciliationOut, SettlementOut, SettlementsOut
from services.contracts.shipped import flag_pack, legal_rates
from services.contracts.store import Store, outbox
from services.contracts.store import settlements as kept
from services.contracts.store import versions as known_versions
from services.contracts.store.contracts import Contract
from services.contracts.store.settlements import Settlement
from services.contracts.store.versions import Tx
from shared.refusal import Malformed, Missing
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router
from shared.web.workbook import XLSX_TYPE

router = Router(tags=["settlements"])
On = Annotated[date | None, Query(description="How it stood on a day; today unless asked otherwise")]
MOST_SIZES, MOST_OF_A_SIZE = 500, 1_000  # what a price report carries of a log list


@router.post("/v1/settlements", status_code=201, responses={200: {"model": SettlementOut}})
async def state_settlement(body: SettlementText, grant: GrantDep, store: StoreDep, response: Response) -> SettlementOut:
    """State what was delivered of one lot and what was measured. The same statement again answers 200; a sheet that was
    wrong is replaced by a settlement that names it."""
    caller, at = grant.known, now()
    if body.delivered_on > today():
        raise NotYet("delivered_on", body.delivered_on.isoformat(), today().isoformat())
    async with store.db.transaction(caller) as tx:
        contract = await party_contract(tx, body.contract, grant)
        version = await _signed(tx, body)
        comes_to = owed(version.text, body)
        found = await kept.settlement(tx, kept.id_of(body))
        new = found is None
        if found is None:
            known = await known_versions.versions(tx, body.contract)
            check_in_force(known, body.version, body.delivered_on, day_in_peru)
            others = await kept.of_contract(tx, body.contract, None, MOST_SETTLEMENTS)
            check_share("settlements", [one.stated_by_org for one in others], caller.org, MOST_SETTLEMENTS)
            standing_others = [one for one in others if one.state != "replaced"]
            old = _check_place(standing_others, body)
            beside = [one.stated for one in standing_others if one.id != body.replaces]
            check_taken(version.text, body, beside)
            check_parts(version.text, body, [(known[one.version - 1].text, one) for one in beside])
            if not await kept.add(tx, body, len(others) + 1, caller, at):
                raise TurnTaken("settlements")
            # An entry of the old one: whoever closes it or pays into it at this moment comes before or not at all.
            if old is not None and not await kept.add_entry(tx, old, Replacement(by=kept.id_of(body)), caller, at):
                raise TurnTaken("settlements")
            found = await _settlement(tx, kept.id_of(body))
        standing = await _standing(tx, [found])
    response.status_code = 201 if new else 200
    return shown(found, comes_to, contract.offer.community, standing)


def _check_place(others: Sequence[Settlement], body: SettlementText) -> Settlement | None:
    """The open settlement of the lot that this one replaces by name; a second one that names none is refused."""
    last = next((one for one in others if one.stated.lot == body.lot), None)
    if last is None:
        if body.replaces is not None:
            raise Missing("settlement", body.replaces)
        return None
    if body.replaces != last.id:
        raise LotSettled(body.lot, last.id)
    _open(last)
    return last


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
        standing = await _standing(tx, found)
    more = write_cursor((found[limit - 1].stated_at, found[limit - 1].id)) if len(found) > limit else None
    items = [
        shown(one, owed(texts[one.stated.version].text, one.stated), stored.offer.community, standing)
        for one in found[:limit]
    ]
    return SettlementsOut(items=items, next=more)


@router.get("/v1/settlements/{settlement_id}")
async def read_settlement(settlement_id: str, grant: GrantDep, store: StoreDep) -> SettlementOut:
    """One settlement, to the parties of its contract."""
    async with store.db.transaction(grant.known) as tx:
        found = await _settlement(tx, settlement_id)
        contract, version = await _behind(tx, found, grant)
        standing = await _standing(tx, [found])
    return shown(found, owed(version.text, found.stated), contract.offer.community, standing)


@router.post("/v1/settlements/{settlement_id}/payments", status_code=201, responses={200: {"model": SettlementOut}})
async def add_payment(
    settlement_id: str, body: Payment, grant: GrantDep, store: StoreDep, response: Response
) -> SettlementOut:
    """State a payment with the hash of its receipt. The community's statement counts; what only the buyer states is
    shown as a claim until the community states the same receipt. The same again answers 200."""
    caller, at = grant.known, now()
    async with store.db.transaction(caller) as tx:
        found = await _settlement(tx, settlement_id)
        contract, version = await _behind(tx, found, grant)
        comes_to = owed(version.text, found.stated)
        same = check_payment(found.payments, body, caller.org, comes_to.currency, version.text, today())
        if same is None:
            _open(found)
            check_share("payments", [one.org for one in found.payments], caller.org, MOST_ENTRIES - 1)
            if not await kept.add_entry(tx, found, body, caller, at):
                raise TurnTaken("payments")
            found = await _settlement(tx, settlement_id)
        standing = await _standing(tx, [found])
    response.status_code = 201 if same is None else 200
    return shown(found, comes_to, contract.offer.community, standing)


@router.get("/v1/settlements/{settlement_id}/reconciliation")
async def reconcile_settlement(
    settlement_id: str, grant: GrantDep, store: StoreDep, house: HouseDep, on: On = None
) -> ReconciliationOut:
    """What was delivered, measured, owed and paid, log by log beside custody, with V03 and V04 and what differs. When
    custody does not answer, the flags are unknown and the rest is answered."""
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
        found = await _settlement(tx, settlement_id)
        contract, version = await _behind(tx, found, grant)
        elsewhere = await _elsewhere(tx, found, version)
    lot = await list_of_lot(house.custody, found.stated.lot)
    return found, _reconciled(contract, version, found, lot, elsewhere, on)[0]


@router.post("/v1/settlements/{settlement_id}/closing", status_code=201, responses={200: {"model": SettlementOut}})
async def close_settlement(
    settlement_id: str, body: Closing, grant: GrantDep, store: StoreDep, house: HouseDep, request: Request,
    response: Response,
) -> SettlementOut:  # fmt: skip
    """Close a settlement: the community alone, when custody was read and every difference has an explanation. It is
    then frozen, its commitment goes to the log, and a reconciled one becomes a sealed price. Closed again answers 200."""
    caller, at = grant.known, now()
    async with store.db.transaction(caller) as tx:
        asked = await _settlement(tx, settlement_id)
    lot = await list_of_lot(house.custody, asked.stated.lot)
    async with store.db.transaction(caller) as tx:
        found = await _settlement(tx, settlement_id)
        contract, version = await _behind(tx, found, grant)
        if caller.org != contract.offer.community:
            raise OtherOrganisation("close_settlement")
        elsewhere = await _elsewhere(tx, found, version)
        stands, comes_to = _reconciled(contract, version, found, lot, elsewhere, today())
        new = found.closed is None
        if new:
            _open(found)
            check_closing(stands, body, found.stated.lot)
            if not await kept.add_entry(tx, found, body, caller, at):
                raise TurnTaken("settlements")
            found = await _settlement(tx, settlement_id)
            sha256 = await _seal(tx, found, version, contract, stands, at)
            for sale in _sales(found, version, contract, stands, sha256):
                # What was agreed is settled, also where the market of reports takes no such price.
                with suppress(Malformed):
                    await seal_report(tx, sale, today(), caller)
            found = await _settlement(tx, settlement_id)
        standing = await _standing(tx, [found])
    sealing.wake_publisher(request)
    response.status_code = 201 if new else 200
    return shown(found, comes_to, contract.offer.community, standing)


async def _seal(
    tx: Tx, found: Settlement, version: Version, contract: Contract, stands: Reconciliation, at: datetime
) -> str:
    """The document of a closed settlement, its way into the log behind the contract's; the document's hash."""
    assert found.closed is not None
    document = canonical(
        {
            "kind": "settlement", "settlement": found.id, "contract": contract.id, "version": version.number,
            "contract_sid": version.sealed, "community": contract.offer.community, "buyer": contract.offer.buyer,
            "stated": found.stated.model_dump(mode="json"),
            "payments": [
                one.payment.model_dump(mode="json") | {"stated_by": one.org} for one in found.payments
            ],
            "reconciliation": as_json(stands),
            "closing": found.closed.closing.model_dump(mode="json"),
            "closed_by": found.closed.org,
            "closed_at": at.isoformat(),
        }
    )  # fmt: skip
    prev = [] if version.sealed is None else [version.sealed]
    await sealing.seal(tx, "settlement.sealed", kept.subject_of(found.id), contract.id, document, at, prev)
    return hashlib.sha256(document).hexdigest()


def _sales(
    found: Settlement, version: Version, contract: Contract, stands: Reconciliation, sha256: str
) -> list[SealedSale]:
    """The prices that a closed settlement seals, for the market of reports."""
    assert found.closed is not None
    offer, closing = contract.offer, found.closed.closing
    prices = sealed_report(version.text, found.stated, stands, found.payments, offer.community, closing)
    return [
        SealedSale(
            settlement=found.id, number=one.number, settlement_sha256=sha256, seller=offer.community,
            buyer=offer.buyer or "", line=one.line, region=offer.region, sale_kind=one.sale_kind,
            closed_on=one.closed_on, payment_delay_days=one.payment_delay_days, volume_m3=one.volume_m3,
            logs=_sizes(one),
        )
        for one in prices
    ]  # fmt: skip


def _sizes(price: SealedPrice) -> tuple[MeasuredLog, ...]:
    """The logs of a price by size; none where there are more sizes than a report carries."""
    counted = Counter(price.logs)
    if len(counted) > MOST_SIZES or max(counted.values(), default=0) > MOST_OF_A_SIZE:
        return ()
    return tuple(
        MeasuredLog(
            species=price.line.species[0], large_mm=size.large_mm, small_mm=size.small_mm, length_mm=size.length_mm,
            count=count,
        )
        for size, count in counted.items()
    )  # fmt: skip


@router.get("/v1/settlements/{settlement_id}/commitment")
async def open_settlement(settlement_id: str, grant: GrantDep, store: StoreDep) -> CommitmentOut:
    """The salt and the bytes that open the commitment of a closed settlement, for the parties."""
    async with store.db.transaction(grant.known) as tx:
        found = await _settlement(tx, settlement_id)
        await party_contract(tx, found.stated.contract, grant)
        return await sealing.opened(tx, "settlement.sealed", kept.subject_of(settlement_id))


async def _settlement(tx: Tx, settlement_id: str) -> Settlement:
    found = await kept.settlement(tx, settlement_id)
    if found is None:
        raise Missing("settlement", settlement_id)
    return found


async def _behind(tx: Tx, found: Settlement, grant: Grant) -> tuple[Contract, Version]:
    """The contract of a settlement, for its parties, and the version that it settles."""
    contract = await party_contract(tx, found.stated.contract, grant)
    return contract, await _signed(tx, found.stated)


async def _signed(tx: Tx, stated: SettlementText) -> Version:
    known = await known_versions.versions(tx, stated.contract)
    if stated.version > len(known):
        raise Missing("version", f"{stated.contract}/{stated.version}")
    version = known[stated.version - 1]
    if version.sealed is None:
        raise NotSigned(stated.version)
    return version


def _open(found: Settlement) -> None:
    if found.state != "open":
        raise SettlementEnded(found.id, found.state, STATES_ES[found.state])


def _reconciled(
    contract: Contract, version: Version, found: Settlement, lot: KeptLot, elsewhere: Elsewhere, on: date
) -> tuple[Reconciliation, Owed]:
    comes_to = owed(version.text, found.stated)
    parties = (contract.offer.community, contract.offer.buyer or "")
    stands = reconcile(
        version.text,
        found.stated,
        parties,
        comes_to,
        found.payments,
        lot,
        legal_rates(comes_to.currency),
        flag_pack(),
        on,
        elsewhere,
    )
    return stands, comes_to


async def _elsewhere(tx: Tx, found: Settlement, version: Version) -> Elsewhere:
    """What of this settlement other settlements between the same parties count too, and whether its version is of later."""
    known = await known_versions.versions(tx, found.stated.contract)
    others: list[Settlement] = []
    if any(isinstance(line, PerTree) for line in version.text.lines):
        others = await kept.of_contract(tx, found.stated.contract, None, MOST_SETTLEMENTS)
    return Elsewhere(
        lot=await kept.lot_elsewhere(tx, found),
        receipts=await kept.receipts_elsewhere(tx, found),
        by_tree=tuple(
            (one.id, known[one.stated.version - 1].text, one.stated)
            for one in others
            if one.id != found.id and one.state != "replaced"
        ),
        version=in_force_before(known, found.stated.version, found.stated.delivered_on, day_in_peru),
    )


async def _standing(tx: Tx, found: list[Settlement]) -> dict[str, Announced]:
    return await outbox.standing(tx, [one.sid for one in found if one.sid is not None])
