"""What the registry says goes into the log signed. The loop is ``shared.web.publishing``.

A statement that builds on a refused one is refused by the log itself and follows it when it gets in.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from services.permits.api.house import House
from services.permits.api.status import announce_status_of_day
from services.permits.domain.announced import Letter
from services.permits.domain.key import Enrolment, Revocation
from services.permits.domain.party import HOST, REGISTRY, Organisation
from services.permits.store import commands, keys, outbox, parties
from services.permits.store.session import Tx
from shared.web import publishing
from shared.web.client import ServiceClient

NDJSON = "application/x-ndjson"
BATCH = 100
BATCH_BYTES = 900_000
DEADLINE_S = 30.0


class RegistrarChanged(RuntimeError):  # noqa: N818
    """The registrar's key neither began this registry nor follows the one that did; the service does not start."""


async def open_registry(house: House) -> None:
    """Say once what everything else rests on: the registrar's key (first of all), the registry, the host and its key;
    and when one of these keys has been changed, that it has.

    May be repeated, and by several processes at once. ``RegistrarChanged`` when this key neither began this registry nor
    follows the one that did.
    """
    async with house.database.transaction() as tx:
        await outbox.lock_lease(tx)
        for org in (_REGISTRY, _HOST):
            if await parties.organisation(tx, org.id) is None:
                await _introduce(tx, house, org)
        if await keys.key(tx, house.registrar.key.kid) is None:
            await _succeed(tx, house)
        if await keys.key(tx, house.registrar.host_key.kid) is None:
            await _change_host(tx, house)


async def _succeed(tx: Tx, house: House) -> None:
    """The new registrar's key takes over, signed by the old one; what waits before it goes before it."""
    old, now = house.registrar.old_kid, house.clock().replace(microsecond=0)
    if old is None or await keys.key(tx, old) is None or await keys.revocation(tx, old, REGISTRY) is not None:
        raise RegistrarChanged("registrar.key is not the key of this registry, and no second line in it is")
    key, letter = house.registrar.succession(now)
    await keys.add_key(tx, Enrolment(key, "registered", sid=letter.sid))
    await keys.revoke(tx, Revocation(old, REGISTRY, f"replaced by {key.kid}", None), letter.sid)
    await outbox.announce(tx, [letter], now)


async def _change_host(tx: Tx, house: House) -> None:
    """Introduce custody's host key, and end the one before."""
    registrar, now = house.registrar, house.clock().replace(microsecond=0)
    host = registrar.host_key
    letters = [registrar.write("key.added", REGISTRY, host.statement(), now, subject=f"key:{host.kid}")]
    for known in await keys.keys_of_role(tx, host.role):
        ended = Revocation(known.key.kid, known.key.org, f"replaced by {host.kid}", None)
        letter = registrar.write(
            "key.revoked", REGISTRY, ended.statement(), now, subject=f"key:{ended.kid}", prev=[known.sid]
        )
        if await keys.revoke(tx, ended, letter.sid):
            letters.append(letter)
    await keys.add_key(tx, Enrolment(host, "registered", sid=letters[0].sid))
    await outbox.announce(tx, letters, now)


_REGISTRY = Organisation(REGISTRY, "Registro forestal", "authority", None)
_HOST = Organisation(HOST, "Trozalog", "operator", None)


async def _introduce(tx: Tx, house: House, org: Organisation) -> None:
    registrar, now = house.registrar, house.clock().replace(microsecond=0)
    letter = registrar.write("organisation.registered", REGISTRY, org.statement(), now, subject=f"org:{org.id}")
    letters = [letter]
    await parties.add_organisation(tx, org, letter.sid)
    if org.id == REGISTRY:
        anchor = registrar.key
        first = registrar.write("key.added", REGISTRY, anchor.statement(), now, subject=f"key:{anchor.kid}")
        await keys.add_key(tx, Enrolment(anchor, "registered", sid=first.sid))
        letters = [first, letter]
    await outbox.announce(tx, letters, now)


class Publisher(publishing.Publisher[Letter]):
    """The background worker, and what is done once a day."""

    def __init__(self, house: House, custody: ServiceClient, registry: CollectorRegistry) -> None:
        super().__init__(house.database, outbox, registry, house.clock, house.wake)
        self.house, self.custody = house, custody
        self._listed_on: date | None = None
        self._listing: date | None = None

    async def take(self, tx: Tx, now: datetime) -> list[Letter]:
        """What waits, the status list of the day among it; else what is due again, under the key in force: the one it was
        signed with may have been replaced since."""
        self._listing = await self._daily(tx)
        waiting = await outbox.pending(tx, BATCH)
        if not waiting:
            waiting = [self.house.registrar.signed_anew(letter) for letter in await outbox.due_again(tx, BATCH, now)]
        return _batch(waiting)

    def taken(self) -> None:
        """A list that was not kept is tried again by the next round."""
        self._listed_on = self._listing

    async def _daily(self, tx: Tx) -> date:
        """What is done once a day, unless this process has seen it done; the day."""
        now = self.house.clock().replace(microsecond=0)
        if now.date() != self._listed_on and await announce_status_of_day(tx, self.house.registrar, now):
            await commands.forget_old(tx, now)
        return now.date()

    async def post(self, letters: Sequence[Letter]) -> Any:
        """The signed entries, a line each."""
        return await self.custody.post(
            "/v1/records", b"\n".join(letter.entry for letter in letters), deadline_s=DEADLINE_S, media_type=NDJSON
        )

    def results(self, letters: Sequence[Letter], found: Sequence[Any]) -> list[Any]:
        """Custody answers by the sid of each."""
        by_sid = {result["sid"]: result for result in found}
        return [by_sid[letter.sid] for letter in letters]


def _batch(letters: list[Letter]) -> list[Letter]:
    """As many of the oldest as one request carries."""
    size = 0
    for count, letter in enumerate(letters):
        size += len(letter.entry) + 1
        if count and size > BATCH_BYTES:
            return letters[:count]
    return letters
