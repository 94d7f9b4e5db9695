"""Estimates worked out once for each state of the market, by one thread, however many ask.

A market is fitted again without each of its parties, which takes seconds where very many report. What was worked out
last is told, with when and of which state, until the next is there; only who asks of a market for the first time waits.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime

from services.contracts.domain.market import Market, Told, tell
from services.contracts.domain.market_terms import terms_on
from services.contracts.shipped import estimator, market_terms
from services.contracts.store import Store
from services.contracts.store import market as kept
from shared.web.problems import TooManyAttempts, Unavailable
from shared.web.telemetry import logger

KEPT = 200
MOST_WAITING = 20
# Of months long closed anybody may ask as many as there are: while so many questions wait, none of these joins them.
MOST_BEFORE_PAST = 2
PATIENCE_S = 10.0
# So long the next answer is waited for where there is one already: most markets are small.
GRACE_S = 0.5
# A market on a day: the first day that is not looked at, and its name.
Key = tuple[date, str]


@dataclass(frozen=True, slots=True)
class Finished:
    """What was told of a market: of which state of its reports, and when they were read."""

    told: Told
    version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer there is; ``current`` unless the reports have changed since, and the next is being worked out."""

    finished: Finished
    current: bool


class Estimates:
    """The last answer of each market and closed month, and at most one task for the next."""

    def __init__(self, store: Store, patience_s: float = PATIENCE_S, grace_s: float = GRACE_S) -> None:
        self.store, self._patience_s, self._grace_s = store, patience_s, grace_s
        self._worker = ThreadPoolExecutor(1, "estimates")
        self._finished: OrderedDict[Key, Finished] = OrderedDict()
        self._tasks: dict[Key, asyncio.Task[Finished]] = {}

    async def names(self, region: str, on: date) -> list[str]:
        """The markets that somebody of a region reported of."""
        async with self.store.db.transaction() as tx:
            return await kept.names(tx, region, *_days(on))

    async def told(self, on: date, name: str, now: date | None = None) -> Answered:
        """What is told of one market on a day: the last answer, also while what changed since is being worked in.

        The first answer is waited for: ``Unavailable`` when that takes too long, and the same question again finds it.
        Where ``now`` is given, a question about an earlier month than those last closed stands back behind the others.
        """
        key = _days(on)[1], name
        version = await self._version(on, name)
        last = self._finished.get(key)
        if last is not None:
            self._finished.move_to_end(key)
            if last.version == version:
                return Answered(last, current=True)
        past = now is not None and key[0] < _days(now)[1]
        if key not in self._tasks and len(self._tasks) >= (MOST_BEFORE_PAST if past else MOST_WAITING):
            if last is None:
                raise TooManyAttempts(retry_after_s=5)
            return Answered(last, current=False)
        task = self._task(key, on)
        done, _ = await asyncio.wait({task}, timeout=self._patience_s if last is None else self._grace_s)
        if done and (last is None or task.exception() is None):
            return Answered(task.result(), task.result().version == version)
        if last is None:
            raise Unavailable("estimates")
        return Answered(last, current=False)

    async def fresh(self, on: date, name: str) -> Finished:
        """What is told of one market by the reports as they stand now, for a book that is published and stays.

        ``Unavailable`` when that takes too long; asked again it is there, unless the reports changed meanwhile.
        """
        key = _days(on)[1], name
        if key in self._tasks:  # of reports that were read before this question: it may be what is asked for, or not
            await self._wait(self._tasks[key])
        last = self._finished.get(key)
        if last is not None and last.version == await self._version(on, name):
            return last
        return await self._wait(self._task(key, on))

    async def _version(self, on: date, name: str) -> str:
        async with self.store.db.transaction() as tx:
            return await kept.version(tx, name, *_days(on))

    def _task(self, key: Key, on: date) -> asyncio.Task[Finished]:
        """The one task of a market: the one that runs, or a new one."""
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._logged(self._work_out(key, on)))
        return self._tasks[key]

    async def _wait(self, task: asyncio.Task[Finished]) -> Finished:
        done, _ = await asyncio.wait({task}, timeout=self._patience_s)
        if not done:
            raise Unavailable("estimates")
        return task.result()

    async def _work_out(self, key: Key, on: date) -> Finished:
        closed, name = key
        try:
            async with self.store.db.transaction() as tx:
                at, state = datetime.now(UTC), await kept.state(tx, name, *_days(on))
            market = Market.of(state.reports, state.related, closed, estimator(closed))
            told = await asyncio.get_running_loop().run_in_executor(self._worker, tell, market, name)
            self._finished[key] = finished = Finished(told, state.version, at)
            self._finished.move_to_end(key)
            if len(self._finished) > KEPT:
                self._finished.popitem(last=False)
            return finished
        finally:
            del self._tasks[key]

    @staticmethod
    async def _logged(work: Coroutine[None, None, Finished]) -> Finished:
        """Nobody may be waiting for it, so that what went wrong is told here too."""
        try:
            return await work
        except Exception:
            logger.exception("estimates_not_worked_out")
            raise

    def close(self) -> None:
        """Give up what nobody will hear of."""
        for task in self._tasks.values():
            task.cancel()
        self._worker.shutdown(wait=False, cancel_futures=True)


def _days(on: date) -> tuple[date, date]:
    """From which day on, and before which, an estimate of a day looks at reports."""
    terms = terms_on(market_terms(), on)
    return terms.opened_from(on), terms.closed_before(on)
