"""The closing of a settlement: by the community alone, against custody, and then for ever; what it seals and reports."""

import hashlib
from collections import Counter
from contextlib import suppress
from datetime import datetime

from fastapi import Request, Response

from services.contracts.api import sealing
from services.contracts.api.deliveries import (
    Delivery,
    around,
    check_open,
    delivery,
    reconciled,
    settlement,
    standing,
)
from services.contracts.api.house import HouseDep, StoreDep, today
from services.contracts.api.settled import shown
from services.contracts.api.versions import now, party_contract
from services.contracts.custody import list_of_lot
from services.contracts.domain.contract import TurnTaken
from services.contracts.domain.lot import MeasuredLog
from services.contracts.domain.owed import check_sums
from services.contracts.domain.pinned import canonical
from services.contracts.domain.price_report import Dispute
from services.contracts.domain.reconciliation import Reconciliation, as_json, check_closing
from services.contracts.domain.sealed_price import SealedPrice, disputed, sealed_prices
from services.contracts.domain.settlement import Closing
from services.contracts.filing import SealedSale, seal_report
from services.contracts.schemas.deals import CommitmentOut
from services.contracts.schemas.settlements import SettlementOut
from services.contracts.shipped import settling_limits
from services.contracts.store import settlements as kept
from services.contracts.store.versions import Tx
from shared.refusal import Malformed
from shared.web.access import GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["settlements"])
MOST_SIZES, MOST_OF_A_SIZE = 500, 1_000  # what a price report carries of a log list


@router.post("/v1/settlements/{settlement_id}/closing", status_code=201, responses={200: {"model": SettlementOut}})
async def close_settlement(
    settlement_id: str, body: Closing, grant: GrantDep, store: StoreDep, house: HouseDep, request: Request,
    response: Response,
) -> SettlementOut:  # fmt: skip
    """Close the settlement of a lot, its own or the buyer's: the community alone, when custody was read and every difference
    has an explanation. It is then frozen, its commitment goes to the log with what both parties stated, and what both have
    signed becomes a price: sealed, or with what the buyer disputes of it. Closed again answers 200."""
    caller, at = grant.known, now()
    async with store.db.transaction(caller) as tx:
        asked = await settlement(tx, settlement_id)
    lot = await list_of_lot(house.custody, asked.stated.lot)
    async with store.db.transaction(caller) as tx:
        known = await delivery(tx, settlement_id, grant)
        found, community = known.found, known.contract.offer.community
        if caller.org != community:
            raise OtherOrganisation("close_settlement")
        new = found.closed is None
        if new:
            check_open(found)
            beside = await around(tx, known)
            # No explanation helps against what was agreed once and is counted twice.
            check_sums(known.version.text, found.stated, beside.elsewhere.counted_texts)
            stands = reconciled(known, beside, lot, today())
            check_closing(stands, body, found.stated.lot)
            if not await kept.add_entry(tx, found, body, caller, at):
                raise TurnTaken("settlements")
            known = await delivery(tx, settlement_id, grant)
            disputes = disputed(stands, own_sheet=found.stated_by_org == community, limits=settling_limits())
            sha256 = await _seal(tx, known, stands, disputes, at)
            for sale in _sales(known, stands, disputes, sha256):
                # What was agreed is settled, also where the market of reports takes no such price.
                with suppress(Malformed):
                    await seal_report(tx, sale, today(), caller)
            known = await delivery(tx, settlement_id, grant)
        seals = await standing(tx, [known.found])
    sealing.wake_publisher(request)
    response.status_code = 201 if new else 200
    return shown(known.found, known.comes_to, community, seals)


async def _seal(
    tx: Tx, known: Delivery, stands: Reconciliation, disputes: tuple[Dispute, ...] | None, at: datetime
) -> str:
    """The document of a closed settlement, its way into the log behind the contract's; the document's hash."""
    found, contract, version = known.found, known.contract, known.version
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
        | ({"disputed": list(disputes)} if disputes else {})
    )  # fmt: skip
    prev = [] if version.sealed is None else [version.sealed]
    await sealing.seal(tx, "settlement.sealed", kept.subject_of(found.id), contract.id, document, at, prev)
    return hashlib.sha256(document).hexdigest()


def _sales(
    known: Delivery, stands: Reconciliation, disputes: tuple[Dispute, ...] | None, sha256: str
) -> list[SealedSale]:
    """The prices of a closed settlement, for the market of reports."""
    found, offer = known.found, known.contract.offer
    if disputes is None:
        return []
    assert found.closed is not None
    prices = sealed_prices(
        known.version.text, found.stated, stands, found.payments, offer.community, found.closed.closing, disputes
    )
    return [
        SealedSale(
            settlement=found.id, number=one.number, settlement_sha256=sha256, seller=offer.community,
            buyer=offer.buyer or "", line=one.line, region=offer.region, sale_kind=one.sale_kind,
            closed_on=one.closed_on, payment_delay_days=one.payment_delay_days, volume_m3=one.volume_m3,
            disputed=one.disputed, logs=_sizes(one),
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
        found = await settlement(tx, settlement_id)
        await party_contract(tx, found.stated.contract, grant)
        return await sealing.opened(tx, "settlement.sealed", kept.subject_of(settlement_id))
