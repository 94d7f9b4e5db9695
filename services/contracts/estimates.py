"""Estimates worked out once for each state of the market, by one thread, however many ask.

A market is fitted again without each of its parties, which takes seconds where many report. The parts of an answer that
nobody asked for yet are worked out with the first; who is in a hurry is told to come back, and the work goes on.
"""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from services.contracts.domain.market import Market, Told, tell
from services.contracts.domain.market_terms import terms_on
from services.contracts.shipped import estimator, market_terms
from services.contracts.store import Store
from services.contracts.store import market as kept
from shared.web.problems import TooManyAttempts, Unavailable

KEPT = 200
MOST_WAITING = 20
# Of months long closed anybody may ask as many as there are: while so many questions wait, none of these joins them.
MOST_BEFORE_PAST = 2
PATIENCE_S = 10.0
Key = tuple[str, date, str]


class Estimates:
    """What is told of each market, by the version of the reports, the day they were closed, and the market."""

    def __init__(self, store: Store, patience_s: float = PATIENCE_S) -> None:
        self.store, self._patience_s = store, patience_s
        self._worker = ThreadPoolExecutor(1, "estimates")
        self._told: OrderedDict[Key, Told] = OrderedDict()
        self._tasks: dict[Key, asyncio.Task[Told]] = {}

    async def market(self, on: date) -> Market:
        """All that counts on a day, read without the name of anybody."""
        opened, closed = _days(on)
        async with self.store.db.transaction() as tx:
            reports = await kept.reported(tx, opened, closed)
            related = await kept.related_entities(tx)
        return Market.of(reports, related, closed, estimator(closed))

    async def told(self, on: date, name: str, now: date | None = None) -> Told:
        """What is told of one market on a day. ``Unavailable`` when it takes too long: the same question again finds it.

        Where ``now`` is given, a question about an earlier month than those last closed stands back behind the others.
        """
        opened, closed = _days(on)
        async with self.store.db.transaction() as tx:
            key = await kept.version(tx, name, opened, closed), closed, name
        if key in self._told:
            self._told.move_to_end(key)
            return self._told[key]
        if key not in self._tasks:
            past = now is not None and closed < _days(now)[1]
            if len(self._tasks) >= (MOST_BEFORE_PAST if past else MOST_WAITING):
                raise TooManyAttempts(retry_after_s=5)
            self._tasks[key] = asyncio.create_task(self._work_out(key, on))
        task = self._tasks[key]
        done, _ = await asyncio.wait({task}, timeout=self._patience_s)
        if not done:
            raise Unavailable("estimates")
        return task.result()

    async def _work_out(self, key: Key, on: date) -> Told:
        try:
            market = await self.market(on)
            told = await asyncio.get_running_loop().run_in_executor(self._worker, tell, market, key[2])
            self._told[key] = told
            if len(self._told) > KEPT:
                self._told.popitem(last=False)
            return told
        finally:
            del self._tasks[key]

    def close(self) -> None:
        """Give up what nobody will hear of."""
        for task in self._tasks.values():
            task.cancel()
        self._worker.shutdown(wait=False, cancel_futures=True)


def _days(on: date) -> tuple[date, date]:
    """From which day on, and before which, an estimate of a day looks at reports."""
    terms = terms_on(market_terms(), on)
    return terms.opened_from(on), terms.closed_before(on)
