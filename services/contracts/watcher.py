"""Looks at the alerts, again and again, and tells each owner once what is new.

Any number of processes may look: an alert is claimed by one at a time, and what it has told is a key in the database.
Who is silent (permits, or nobody has recorded a payment) leaves an alert unknown; the next look asks again.
"""

import asyncio

import orjson
from pydantic import TypeAdapter

from services.contracts.api.house import today
from services.contracts.domain.alert import (
    NOTHING_KNOWN,
    About,
    AnyAbout,
    BuyerSanctioned,
    Finding,
    PaymentOverdue,
    PermitExpiring,
    PriceMoved,
    SeenPrice,
    buyer_sanctioned,
    permit_expiring,
    price_moved,
    seen_price,
)
from services.contracts.domain.book import PriceBook
from services.contracts.domain.overdue import dues_of, payment_overdue
from services.contracts.domain.owed import owed
from services.contracts.domain.standing import standing_on
from services.contracts.permits import standing_of
from services.contracts.shipped import alert_limits
from services.contracts.store import Store, alerts, settlements, versions
from services.contracts.store import books as books_store
from services.contracts.store import contracts as contracts_store
from services.contracts.store.alerts import HOUSE
from services.contracts.store.standing import snapshots_for
from shared.web.auth import Caller
from shared.web.client import ServiceClient
from shared.web.telemetry import logger

LOOK_EVERY_S = 900.0
IDLE_S, PAUSE_S = 60.0, 30.0
AT_ONCE = 20
MOST_SETTLEMENTS = 1_000
ABOUT: TypeAdapter[AnyAbout] = TypeAdapter(About)


class Watcher:
    """The background worker."""

    def __init__(self, store: Store, permits: ServiceClient) -> None:
        self.store, self.permits = store, permits

    async def run(self) -> None:
        """Look until cancelled; trouble with the database is waited out."""
        while True:
            try:
                looked = await self.look()
                pause_s = 0.0 if looked == AT_ONCE else IDLE_S
            except Exception:
                logger.exception("alerts_not_looked_at")
                pause_s = PAUSE_S
            await asyncio.sleep(pause_s)

    async def look(self, every_s: float = LOOK_EVERY_S) -> int:
        """Look once at the alerts whose turn it is. How many those were."""
        async with self.store.db.transaction(HOUSE) as tx:
            claimed = await alerts.claim_alerts(tx, every_s, AT_ONCE)
        for one in claimed:
            try:
                finding = await self._look_at(one)
            except Exception:  # one that cannot be looked at is unknown, and the others are looked at
                logger.exception("alert_not_looked_at", alert=one.id)
                finding = NOTHING_KNOWN
            async with self.store.db.transaction(HOUSE) as tx:
                await alerts.keep_finding(tx, one, finding)
        return len(claimed)

    async def _look_at(self, one: alerts.Alert) -> Finding:
        match ABOUT.validate_json(one.about):
            case PriceMoved() as about:
                return await self._price(about, one.seen)
            case PaymentOverdue() as about:
                return await self._payment(about, one.org)
            case PermitExpiring() as about:
                permit = await standing_of(self.permits, about.permit, today())
                return permit_expiring(permit, today(), alert_limits(), one.seen)
            case BuyerSanctioned() as about:
                async with self.store.db.transaction(HOUSE) as tx:
                    return buyer_sanctioned(
                        standing_on(about.ruc, today(), await snapshots_for(tx, about.ruc, today()))
                    )

    async def _price(self, about: PriceMoved, seen: bytes | None) -> Finding:
        async with self.store.db.transaction(HOUSE) as tx:
            found = await books_store.newest_book_for(tx, "price", about.region, today())
        now: SeenPrice | None = None
        if found is not None:
            entries = PriceBook.read_back(found.content).entries_for(about.species, about.product)
            # Grade D is shown to people, never acted upon.
            good = next((entry for entry in entries if entry.grade != "D"), None)
            now = None if good is None else seen_price(found.id, found.version, found.sha256, good)
        before = None if seen is None else SeenPrice.model_validate(orjson.loads(seen))
        return price_moved(about, before, now, alert_limits())

    async def _payment(self, about: PaymentOverdue, org: str) -> Finding:
        """Read as the organisation that set the alert: what it may not see, it is not told of."""
        async with self.store.db.transaction(Caller(HOUSE.sub, org, HOUSE.roles)) as tx:
            contract = await contracts_store.contract(tx, about.contract)
            if contract is None:
                return NOTHING_KNOWN
            texts = {one.number: one.text for one in await versions.versions(tx, about.contract)}
            settled = await settlements.of_contract(tx, about.contract, None, MOST_SETTLEMENTS)
        deliveries = [
            dues_of(one.id, one.stated.lot, owed(texts[one.stated.version], one.stated), one.payments, contract.offer.community)
            for one in settled
            if one.counts(contract.offer.community)
        ]  # fmt: skip
        return payment_overdue(about.contract, deliveries, today(), alert_limits())
