"""Carries signed statements from the outbox into the log, in order, until each has been answered.

Custody may be down for hours: statements wait in the database, and the pauses between attempts grow to half a minute.
Custody refuses a single record with a reason; that is kept, shown, and tried again later and later behind the others.
A statement that builds on a refused one is refused by the log itself and follows it when it gets in.
"""

import asyncio
import random
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.permits.api.house import House
from services.permits.api.status import announce_status_of_day
from services.permits.domain.announced import Announced, Letter
from services.permits.domain.key import Enrolment, Revocation
from services.permits.domain.party import HOST, REGISTRY, Organisation
from services.permits.store import commands, keys, outbox, parties
from services.permits.store.session import Tx
from shared.web.client import ServiceClient, UpstreamRefused
from shared.web.problems import HttpRefusal
from shared.web.telemetry import logger

NDJSON = "application/x-ndjson"
BATCH = 100
BATCH_BYTES = 900_000
LEASE_S = 60.0
DEADLINE_S = 30.0
IDLE_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0
# Custody's answers to a whole batch that one of its records may have caused.
OF_ONE_RECORD = frozenset({409, 413, 422})


class RegistrarChanged(RuntimeError):  # noqa: N818
    """The registrar's key neither began this registry nor follows the one that did; the service does not start."""


class Unanswered(Exception):  # noqa: N818
    """Custody said nothing about these statements; they stay pending."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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


class Publisher:
    """The background worker. One process at a time publishes, by a lease in the database."""

    def __init__(self, house: House, custody: ServiceClient, registry: CollectorRegistry) -> None:
        self.house, self.custody = house, custody
        self.holder = uuid.uuid4().hex
        self._listed_on: date | None = None
        self._waiting = Gauge(
            "trozalog_outbox", "Statements not in the log yet, by state", ["state"], registry=registry
        )
        self._silent = Counter("trozalog_outbox_unanswered", "Batches without an answer", registry=registry)

    async def run(self) -> None:
        """Publish until cancelled."""
        pause_s = 0.0
        try:
            while True:
                try:
                    sent = await self.publish()
                    pause_s = 0.0
                except Unanswered as silence:
                    pause_s = min(max(pause_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
                    self._silent.inc()
                    logger.warning("custody did not answer", reason=silence.reason, pause_s=round(pause_s, 2))
                    sent = 0
                except Exception:
                    pause_s = min(max(pause_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
                    logger.exception("publisher")
                    sent = 0
                if pause_s:
                    await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311
                elif not sent:
                    await self._wait()
        finally:
            await self._release()

    async def _release(self) -> None:
        """Let another process go on at once; if the database is gone too, the lease ends by itself."""
        try:
            async with self.house.database.transaction() as tx:
                await outbox.release(tx, self.holder)
        except Exception as error:
            logger.warning("lease not released", error=type(error).__name__)

    async def _wait(self) -> None:
        """Until something is queued, at most a second: another process may have queued it."""
        try:
            async with asyncio.timeout(IDLE_S):
                await self.house.wake.wait()
        except TimeoutError:
            return
        self.house.wake.clear()

    async def publish(self) -> int:
        """One round: what waits, else what is due again. How many were answered; ``Unanswered`` when custody is silent."""
        now = self.house.clock()
        async with self.house.database.transaction() as tx:
            if not await outbox.lease(tx, self.holder, LEASE_S, now):
                return 0
            today = await self._daily(tx)
            letters = _batch(await outbox.pending(tx, BATCH) or await self._due_again(tx, now))
        # After the commit: a list that was not kept is tried again by the next round.
        self._listed_on = today
        if not letters:
            return 0
        try:
            answers = await self._send(letters)
        except Unanswered:
            async with self.house.database.transaction() as tx:
                await outbox.count_attempt(tx, [letter.sid for letter in letters])
            raise
        await self._note(letters, answers)
        return len(answers)

    async def _due_again(self, tx: Tx, now: datetime) -> list[Letter]:
        """Under the key in force: the one they were signed with may have been replaced since."""
        return [self.house.registrar.signed_anew(letter) for letter in await outbox.due_again(tx, BATCH, now)]

    async def _daily(self, tx: Tx) -> date:
        """What is done once a day, unless this process has seen it done; the day."""
        now = self.house.clock().replace(microsecond=0)
        if now.date() != self._listed_on and await announce_status_of_day(tx, self.house.registrar, now):
            await commands.forget_old(tx, now)
        return now.date()

    async def _note(self, letters: Sequence[Letter], answers: list[Announced]) -> None:
        about = {letter.sid: letter for letter in letters}
        for answer in answers:
            if answer.state == "refused" and answer.problem is not None:
                letter = about[answer.sid]
                logger.error(
                    "the log refused a statement", sid=letter.sid, type=letter.type, subject=letter.subject,
                    slug=answer.problem.get("slug"),
                )  # fmt: skip
        async with self.house.database.transaction() as tx:
            await outbox.note_answers(tx, answers, self.house.clock())
            pending, refused = await outbox.waiting(tx)
        self._waiting.labels("pending").set(pending)
        self._waiting.labels("refused").set(refused)

    async def _send(self, letters: Sequence[Letter]) -> list[Announced]:
        """Custody's answer to each; a batch that is refused as a whole is sent again one by one."""
        try:
            answer = await self.custody.post(
                "/v1/records", b"\n".join(letter.entry for letter in letters), deadline_s=DEADLINE_S, media_type=NDJSON
            )
        except UpstreamRefused as refusal:
            status = refusal.problem.get("status")
            if status not in OF_ONE_RECORD:
                raise Unanswered(f"{status} {refusal.slug}") from refusal
            if len(letters) == 1:
                return [Announced(letters[0].sid, "refused", None, None, refusal.problem)]
            return [answer for letter in letters for answer in await self._send([letter])]
        except HttpRefusal as silence:
            raise Unanswered(silence.slug) from silence
        return _answers(letters, answer)


def _batch(letters: list[Letter]) -> list[Letter]:
    """As many of the oldest as one request carries."""
    size = 0
    for count, letter in enumerate(letters):
        size += len(letter.entry) + 1
        if count and size > BATCH_BYTES:
            return letters[:count]
    return letters


def _answers(letters: Sequence[Letter], answer: Any) -> list[Announced]:
    """The answers by statement; ``Unanswered`` when custody left one out or speaks otherwise than agreed."""
    try:
        origin, results = str(answer["origin"]), {result["sid"]: result for result in answer["results"]}
        return [_answer(letter.sid, origin, results[letter.sid]) for letter in letters]
    except (KeyError, TypeError, ValueError) as error:
        raise Unanswered(f"answer not understood: {type(error).__name__}") from error


def _answer(sid: str, origin: str, result: dict[str, Any]) -> Announced:
    if result["status"] == "refused":
        return Announced(sid, "refused", None, None, dict(result["problem"]))
    return Announced(sid, "in_log", origin, int(result["index"]), None)
