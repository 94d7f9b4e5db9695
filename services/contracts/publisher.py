"""Carries statements from the outbox into the log, in order, until each has been answered.

Custody signs them with the key it holds for the house (``POST /v1/statements``), so no signing key is kept here. It may
be down for hours: statements wait in the database, and the pauses between attempts grow to half a minute. A statement
that custody refuses is kept with the reason and tried again later and later behind the others.
"""

import asyncio
import random
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge

from services.contracts.domain.announced import Announced, Letter
from services.contracts.store import outbox
from shared.web.client import ServiceClient, UpstreamRefused
from shared.web.db import Database
from shared.web.problems import HttpRefusal
from shared.web.telemetry import logger

BATCH = 50
LEASE_S = 60.0
DEADLINE_S = 30.0
IDLE_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0
# Custody's answers to a whole batch that one of its statements may have caused.
OF_ONE_STATEMENT = frozenset({409, 413, 422})


class Unanswered(Exception):  # noqa: N818
    """Custody said nothing about these statements; they stay pending."""


def now() -> datetime:
    """This moment, to the second: statements have no parts of one."""
    return datetime.now(UTC).replace(microsecond=0)


class Publisher:
    """The background worker. One process at a time publishes, by a lease in the database. ``wake`` saves it the wait."""

    def __init__(
        self,
        db: Database,
        custody: ServiceClient | None,
        registry: CollectorRegistry,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.db, self.custody, self.clock = db, custody, clock
        self.holder = uuid.uuid4().hex
        self.wake = asyncio.Event()
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
                    sent, pause_s = await self.publish(), 0.0
                except Exception as error:
                    pause_s = min(max(pause_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
                    sent = 0
                    self._note_trouble(error, pause_s)
                if pause_s:
                    await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311
                elif not sent:
                    await self._wait()
        finally:
            await self._release()

    def _note_trouble(self, error: Exception, pause_s: float) -> None:
        if isinstance(error, Unanswered):
            self._silent.inc()
            logger.warning("custody did not answer", reason=str(error), pause_s=round(pause_s, 2))
        else:
            logger.error("publisher", exc_info=error)

    async def _release(self) -> None:
        """Let another process go on at once; if the database is gone too, the lease ends by itself."""
        try:
            async with self.db.transaction() as tx:
                await outbox.release(tx, self.holder)
        except Exception as error:
            logger.warning("lease not released", error=type(error).__name__)

    async def _wait(self) -> None:
        """Until something is queued, at most a second: another process may have queued it."""
        try:
            async with asyncio.timeout(IDLE_S):
                await self.wake.wait()
        except TimeoutError:
            return
        self.wake.clear()

    async def publish(self) -> int:
        """One round: what waits, else what is due again. How many were answered; ``Unanswered`` when custody is silent.
        Without a way to custody everything waits."""
        if self.custody is None:
            return 0
        async with self.db.transaction() as tx:
            if not await outbox.lease(tx, self.holder, LEASE_S, self.clock()):
                return 0
            letters = await outbox.pending(tx, BATCH) or await outbox.due_again(tx, BATCH, self.clock())
        if not letters:
            return 0
        try:
            answers = await self._send(self.custody, letters)
        except Unanswered:
            async with self.db.transaction() as tx:
                await outbox.count_attempt(tx, [letter.sid for letter in letters])
            raise
        await self._note(letters, answers)
        return len(answers)

    async def _note(self, letters: Sequence[Letter], answers: list[Announced]) -> None:
        for letter, answer in zip(letters, answers, strict=True):
            if answer.problem is not None:
                logger.error(
                    "the log refused a statement", sid=letter.sid, type=letter.type, slug=answer.problem.get("slug")
                )
        async with self.db.transaction() as tx:
            await outbox.note_answers(tx, answers, self.clock())
            pending, refused = await outbox.waiting(tx)
        self._waiting.labels("pending").set(pending)
        self._waiting.labels("refused").set(refused)

    async def _send(self, custody: ServiceClient, letters: Sequence[Letter]) -> list[Announced]:
        """Custody's answer to each; a batch that is refused as a whole is sent again one by one."""
        body = {"statements": [_unsigned(letter) for letter in letters]}
        try:
            answer = await custody.post("/v1/statements", body, deadline_s=DEADLINE_S)
        except UpstreamRefused as refusal:
            status = refusal.problem.get("status")
            if status not in OF_ONE_STATEMENT:
                raise Unanswered(f"{status} {refusal.slug}") from refusal
            if len(letters) == 1:
                return [Announced(letters[0].sid, "refused", None, None, refusal.problem)]
            return [answer for letter in letters for answer in await self._send(custody, [letter])]
        except HttpRefusal as silence:
            raise Unanswered(silence.slug) from silence
        return _answers(letters, answer)


def _unsigned(letter: Letter) -> dict[str, Any]:
    """The parts that custody puts together to the very same bytes; ``actor`` is whoever asks it."""
    statement = orjson.loads(letter.statement)
    return {name: statement[name] for name in ("type", "time", "body", "prev", "nonce")}


def _answers(letters: Sequence[Letter], answer: Any) -> list[Announced]:
    """The answers in order; ``Unanswered`` when custody says other than it was asked."""
    try:
        origin, results = str(answer["origin"]), list(answer["results"])
        return [_answer(letter, origin, result) for letter, result in zip(letters, results, strict=True)]
    except (KeyError, TypeError, ValueError) as error:
        raise Unanswered(f"answer not understood: {type(error).__name__}") from error


def _answer(letter: Letter, origin: str, result: dict[str, Any]) -> Announced:
    if result["status"] == "refused":
        return Announced(letter.sid, "refused", None, None, dict(result["problem"]))
    if result["sid"] != letter.sid:
        raise ValueError("another statement")
    return Announced(letter.sid, "in_log", origin, int(result["index"]), None)
