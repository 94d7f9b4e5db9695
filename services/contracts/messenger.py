"""Posts what alerts told to the addresses of their owners: signed, at least once, by any number of processes.

What waits is a row that was written with the event; it goes when the receiver has taken it. A receiver that fails is
tried again from the database's clock and holds up nobody but itself.
"""

import asyncio
import ssl
import time

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.contracts.domain.alert import posted
from services.contracts.store import Store, alert_webhooks
from services.contracts.store.alert_webhooks import Held
from services.contracts.store.alerts import HOUSE
from shared.web.telemetry import logger
from shared.web.webhooks.destination import BadDestination, Destinations
from shared.web.webhooks.post import STEADY, Pace, Undelivered, client_of, post

AT_ONCE = 8
BURST = 50


class Messenger:
    """The background worker."""

    def __init__(
        self, store: Store, destinations: Destinations, public_url: str, pace: Pace = STEADY,
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        """`tls` says whose certificates count; without it those of the public authorities."""
        self.store, self.destinations, self.public_url, self.pace = store, destinations, public_url.rstrip("/"), pace
        self.tls = tls or httpx.create_ssl_context(trust_env=False)

    async def run(self) -> None:
        """Post until cancelled; trouble with the database is waited out."""
        while True:
            try:
                served = await self.round()
            except Exception as error:
                logger.warning("alerts_not_posted", error=repr(error))
                served = 0
            if not served:
                await asyncio.sleep(self.pace.idle_s)

    async def round(self) -> int:
        """Serve the addresses that are due, side by side. How many those were."""
        async with self.store.db.transaction(HOUSE) as tx:
            held = await alert_webhooks.claim(tx, self.pace.lease_s, AT_ONCE)
        await asyncio.gather(*(self._serve(one) for one in held))
        return len(held)

    async def _serve(self, held: Held) -> None:
        """One burst. Where it cannot be noted how far it came the lease ends by itself, and the rest is posted again."""
        try:
            try:
                await self._burst(held)
            except Undelivered as why:
                logger.info("alert_not_posted", id=str(held.id), reason=why.reason)
                async with self.store.db.transaction(HOUSE) as tx:
                    await alert_webhooks.note_failed(
                        tx, held, why.reason, self.pace, gone=why.gone, retry_after_s=why.retry_after_s
                    )
            else:
                async with self.store.db.transaction(HOUSE) as tx:
                    await alert_webhooks.let_go(tx, held)
        except Exception as error:
            logger.warning("alert_burst_failed", id=str(held.id), error=repr(error))

    async def _burst(self, held: Held) -> None:
        async with self.store.db.transaction(HOUSE) as tx:
            events = await alert_webhooks.waiting(tx, held, BURST)
        try:
            address = await self.destinations.resolve(held.url)
        except BadDestination as refusal:
            raise Undelivered(refusal.text("en")) from None
        key = Ed25519PrivateKey.from_private_bytes(held.seed)
        until = time.monotonic() + self.pace.burst_s
        async with client_of(self.tls, self.pace) as client:
            for event in events:
                if time.monotonic() > until:
                    return
                if not event.ended:
                    content = posted(self.public_url, event.alert, event.place, event.kind, event.key, event.at)
                    await post(client, held.url, address, [key], f"{event.alert}-{event.place}", content, self.pace)
                async with self.store.db.transaction(HOUSE) as tx:
                    await alert_webhooks.note_told(tx, held, event)
