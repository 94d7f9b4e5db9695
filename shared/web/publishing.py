"""Carries statements from a service's outbox into the log, in order, until each has been answered.

Custody may be down for hours: statements wait in the database, and the pauses between attempts grow to half a minute. A
statement that custody refuses is kept with the reason and tried again later and later behind the others. What a service
takes from its outbox and how it hands it over is its own: a ``Publisher`` of its own says so.
"""

import asyncio
import random
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.timber.outgoing import Announced
from shared.web.client import UpstreamRefused
from shared.web.db import Database
from shared.web.problems import HttpRefusal
from shared.web.telemetry import logger

LEASE_S = 60.0
IDLE_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0
# Custody's answers to a whole batch that one of its statements may have caused.
OF_ONE_STATEMENT = frozenset({409, 413, 422})


class Letter(Protocol):
    """A statement that waits. ``subject`` says what it is about and stays in the house."""

    @property
    def sid(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def subject(self) -> str: ...


L = TypeVar("L", bound=Letter)


class Outbox(Protocol):
    """What the loop asks of a service's ``store.outbox``."""

    async def lease(self, tx: AsyncSession, holder: str, seconds: float, at: datetime) -> bool: ...
    async def release(self, tx: AsyncSession, holder: str) -> None: ...
    async def count_attempt(self, tx: AsyncSession, sids: Sequence[str]) -> None: ...
    async def note_answers(self, tx: AsyncSession, answers: Sequence[Announced], at: datetime) -> None: ...
    async def waiting(self, tx: AsyncSession) -> tuple[int, int]: ...


class Unanswered(Exception):  # noqa: N818
    """Custody said nothing about these statements; they stay pending."""


class Publisher(ABC, Generic[L]):
    """The background worker. One process at a time publishes, by a lease in the database. ``wake`` saves it the wait."""

    def __init__(
        self, db: Database, outbox: Outbox, registry: CollectorRegistry, clock: Callable[[], datetime],
        wake: asyncio.Event,
    ) -> None:  # fmt: skip
        self.db, self.outbox, self.clock, self.wake = db, outbox, clock, wake
        self.holder = uuid.uuid4().hex
        self._waiting = Gauge(
            "trozalog_outbox", "Statements not in the log yet, by state", ["state"], registry=registry
        )
        self._silent = Counter("trozalog_outbox_unanswered", "Batches without an answer", registry=registry)

    @abstractmethod
    async def take(self, tx: AsyncSession, now: datetime) -> list[L]:
        """What is sent next, in order: what waits, else what is due again. Under the lease."""

    def taken(self) -> None:
        """After the commit of what ``take`` did."""

    @abstractmethod
    async def post(self, letters: Sequence[L]) -> Any:
        """Custody's answer: ``origin`` and ``results``."""

    @abstractmethod
    def results(self, letters: Sequence[L], found: Sequence[Any]) -> list[Any]:
        """Of custody's results the one of each letter; any ``KeyError``, ``TypeError`` or ``ValueError`` is an answer that is
        not understood."""

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
                await self.outbox.release(tx, self.holder)
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
        """One round. How many were answered; ``Unanswered`` when custody is silent."""
        now = self.clock()
        async with self.db.transaction() as tx:
            if not await self.outbox.lease(tx, self.holder, LEASE_S, now):
                return 0
            letters = await self.take(tx, now)
        self.taken()
        if not letters:
            return 0
        try:
            answers = await self._send(letters)
        except Unanswered:
            async with self.db.transaction() as tx:
                await self.outbox.count_attempt(tx, [letter.sid for letter in letters])
            raise
        await self._note(letters, answers)
        return len(answers)

    async def _note(self, letters: Sequence[L], answers: Sequence[Announced]) -> None:
        for letter, answer in zip(letters, answers, strict=True):
            if answer.problem is not None:
                logger.error(
                    "the log refused a statement", sid=letter.sid, type=letter.type, subject=letter.subject,
                    slug=answer.problem.get("slug"),
                )  # fmt: skip
        async with self.db.transaction() as tx:
            await self.outbox.note_answers(tx, answers, self.clock())
            pending, refused = await self.outbox.waiting(tx)
        self._waiting.labels("pending").set(pending)
        self._waiting.labels("refused").set(refused)

    async def _send(self, letters: Sequence[L]) -> list[Announced]:
        """Custody's answer to each; a batch that is refused as a whole is sent again one by one."""
        try:
            answer = await self.post(letters)
        except UpstreamRefused as refusal:
            status = refusal.problem.get("status")
            if status not in OF_ONE_STATEMENT:
                raise Unanswered(f"{status} {refusal.slug}") from refusal
            if len(letters) == 1:
                return [Announced(letters[0].sid, "refused", None, None, refusal.problem)]
            return [answer for letter in letters for answer in await self._send([letter])]
        except HttpRefusal as silence:
            raise Unanswered(silence.slug) from silence
        try:
            origin, results = str(answer["origin"]), self.results(letters, answer["results"])
            return [_answer(letter.sid, origin, one) for letter, one in zip(letters, results, strict=True)]
        except (KeyError, TypeError, ValueError) as error:
            raise Unanswered(f"answer not understood: {type(error).__name__}") from error


def _answer(sid: str, origin: str, result: Any) -> Announced:
    """``ValueError`` when custody speaks of another statement than it was given."""
    if result["status"] == "refused":
        return Announced(sid, "refused", None, None, dict(result["problem"]))
    if result["sid"] != sid:
        raise ValueError("another statement")
    return Announced(sid, "in_log", origin, int(result["index"]), None)
