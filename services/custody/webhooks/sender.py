"""Delivers events to subscriptions: at least once, in the order of the log, by any number of processes.

Each process takes hold of a few subscriptions at a time, looks from their index on for what they are about, and posts it
event by event. What a checkpoint covers is sent, nothing earlier, so that a receiver can ask for the proof at once. A
receiver that fails is tried again from the database's clock, and holds up nobody but itself.
"""

import asyncio
import ssl
import time
import uuid
from dataclasses import dataclass

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.custody.derived import indices_under
from services.custody.domain.webhook import payload, signing_key
from services.custody.keys.hosted import HostKey
from services.custody.outside.published import Published
from services.custody.store import Store, Transaction
from services.custody.webhooks import kept as webhook_store
from services.custody.webhooks.kept import Claim
from shared.timber.event import Record, parse_entry
from shared.web.webhooks.destination import Address, BadDestination, Destinations
from shared.web.webhooks.post import STEADY, Pace, Undelivered, client_of, post

logger = structlog.get_logger(__name__)

AT_ONCE = 8  # subscriptions a process serves at the same time
BURST = 50  # events of one subscription before its place in the log is noted


@dataclass(slots=True)
class _Progress:
    """How far one burst came."""

    next_index: int
    delivered: int = 0


class Sender:
    """One per process and log."""

    def __init__(
        self, store: Store, published: Published, host: HostKey, origin: str, public_url: str,
        destinations: Destinations, pace: Pace = STEADY, tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        """`tls` says whose certificates count; without it those of the public authorities."""
        self._store = store
        self._published = published
        self._host = host
        self._origin = origin
        self._public_url = public_url.rstrip("/")
        self._destinations = destinations
        self._pace = pace
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        self._at_work: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled. Database trouble is retried; a burst that is cut short is sent again by whoever comes next."""
        try:
            while True:
                try:
                    taken = await self._take()
                except Exception as error:
                    logger.warning("webhooks_not_claimed", error=repr(error))
                    taken = 0
                if not taken:
                    await self._rest()
        finally:
            left = tuple(self._at_work)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _rest(self) -> None:
        """Until one is free again, or for a second: another may have become due."""
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=self._pace.idle_s, return_when=asyncio.FIRST_COMPLETED)
        else:
            await self._published.reaches(self._size + 1, self._pace.idle_s)

    @property
    def _size(self) -> int:
        """Up to where a checkpoint that may leave covers the log."""
        newest = self._published.newest
        return 0 if newest is None else newest.size

    async def _take(self) -> int:
        free = AT_ONCE - len(self._at_work)
        if not free or not self._size:
            return 0
        async with self._store.transaction() as tx:
            claims = await webhook_store.claim(tx, uuid.uuid4(), self._pace.lease_s, self._size, free)
        for held in claims:
            task = asyncio.create_task(self._serve(held))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        return len(claims)

    async def _serve(self, held: Claim) -> None:
        """One burst and the note of how far it came. Where that cannot be noted the lease ends by itself, and the burst is
        sent again."""
        size, progress = self._size, _Progress(held.next_index)
        try:
            try:
                end = await self._burst(held, size, progress)
            except Undelivered as why:
                await self._note_failed(held, progress, why)
            else:
                async with self._store.transaction() as tx:
                    pause_s = 0.0 if end < size else self._pace.idle_s
                    await webhook_store.note_sent(tx, held, end, progress.delivered, pause_s)
        except Exception as error:
            logger.warning("webhook_burst_failed", id=str(held.id), error=repr(error))

    async def _note_failed(self, held: Claim, progress: _Progress, why: Undelivered) -> None:
        logger.info("webhook_failed", id=str(held.id), index=progress.next_index, reason=why.reason)
        async with self._store.transaction() as tx:
            await webhook_store.note_failed(
                tx, held, progress.next_index, progress.delivered, why.reason, self._pace, gone=why.gone,
                retry_after_s=why.retry_after_s,
            )  # fmt: skip

    async def _burst(self, held: Claim, size: int, progress: _Progress) -> int:
        """Sends what it finds, in order; the index up to which everything is done."""
        async with self._store.snapshot() as tx:
            indices, end = await self._due(tx, held, size)
            records = [(index, parse_entry(body)) for index, body in await tx.bodies(indices)]
        if not records:
            return end
        progress.next_index = records[0][0]
        address = await self._resolved(held)
        until = time.monotonic() + self._pace.burst_s
        async with client_of(self._tls, self._pace) as client:
            for index, record in records:
                if time.monotonic() > until or not await self._still(held):
                    return progress.next_index
                progress.next_index = index
                await self._post(client, held, address, (index, record))
                progress.next_index, progress.delivered = index + 1, progress.delivered + 1
        return end

    async def _resolved(self, held: Claim) -> Address:
        try:
            return await self._destinations.resolve(held.url)
        except BadDestination as refusal:
            raise Undelivered(refusal.text("en")) from None

    async def _due(self, tx: Transaction, held: Claim, size: int) -> tuple[list[int], int]:
        about = held.filter
        if about.every or about.types:
            return await indices_under(tx, about.every, about.types, held.next_index, size, BURST)
        end = min(held.next_index + BURST, size)
        return list(range(held.next_index, end)), end

    async def _still(self, held: Claim) -> bool:
        """Whether nobody has removed it or asked for a replay since the last event."""
        async with self._store.snapshot() as tx:
            return await webhook_store.holds(tx, held)

    def _keys(self, held: Claim) -> list[Ed25519PrivateKey]:
        """The subscription's key, and those it had under host keys that are not retired yet."""
        keys: list[Ed25519PrivateKey] = []
        host: HostKey | None = self._host
        while host is not None:
            keys.append(signing_key(host.private, held.id))
            host = host.before
        return keys

    async def _post(self, client: httpx.AsyncClient, held: Claim, address: Address, event: tuple[int, Record]) -> None:
        """One event; Undelivered unless the answer is 2xx."""
        index, record = event
        content = payload(self._origin, self._public_url, index, record)
        await post(client, held.url, address, self._keys(held), record.sid, content, self._pace)
