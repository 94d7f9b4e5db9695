"""Carries queued imports of a census to their end: read and checked outside of any transaction, then stored in one.

A job is held under a lease that progress renews. When its process dies the lease ends and another begins the job again;
nothing of it was stored. It acts as whoever handed the file in, so row-level security sees the uploader.
"""

import asyncio
import uuid
from typing import Any

from services.permits.api.census import keep_census
from services.permits.api.house import House, Work
from services.permits.census_reading import Reading, read_file, terms_of
from services.permits.domain.imports import MAX_ATTEMPTS, ImportInterrupted, Task
from services.permits.domain.lifecycle import transition
from services.permits.store import jobs, plans
from shared.refusal import Missing, Refusal
from shared.web.auth import Caller
from shared.web.problems import describe
from shared.web.telemetry import logger

LEASE_S = 20
HEARTBEAT_S = 0.5
IDLE_S = 5.0
PAUSE_S = 2.0


class LeaseLost(Exception):  # noqa: N818
    """Another worker has the job now; what was read is thrown away."""


class Importer:
    """The background worker; any number of processes may run one."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.holder = uuid.uuid4().hex

    async def run(self) -> None:
        """Import until cancelled."""
        while True:
            try:
                if not await self.step():
                    await self._wait()
            except LeaseLost:
                logger.warning("an import went on elsewhere")
            except Exception:
                logger.exception("importer")
                await asyncio.sleep(PAUSE_S)

    async def _wait(self) -> None:
        """Until a job is queued here, at most some seconds: another process may have left one."""
        try:
            async with asyncio.timeout(IDLE_S):
                await self.house.imports.wait()
        except TimeoutError:
            return
        self.house.imports.clear()

    async def step(self) -> bool:
        """Bring one job to its end; whether there was one."""
        async with self.house.database.transaction() as tx:
            task = await jobs.take(tx, self.holder, LEASE_S, self.house.clock())
        if task is None:
            return False
        caller = Caller(**task.caller | {"roles": frozenset(task.caller["roles"])})
        try:
            if task.attempts > MAX_ATTEMPTS:
                raise ImportInterrupted(task.attempts - 1)
            await self._import(task, caller)
        except Refusal as refusal:
            await self._fail(task, caller, refusal)
        except asyncio.CancelledError:
            await self._release(task, caller)
            raise
        return True

    async def _import(self, task: Task, caller: Caller) -> None:
        async with self.house.database.transaction(caller) as tx:
            plan = await plans.plan(tx, task.plan)
        if plan is None:
            raise Missing("plan", task.plan)
        transition("plan", "upload_census").take(plan.id, plan.state, "", {})
        progress: dict[str, Any] = {"stage": "reading", "rows_read": 0, "rows_checked": 0}
        day = self.house.today
        reading = await self._watched(
            task, caller, progress,
            self._begin(read_file, task.file, task.media_type, terms_of(plan), day, _teller(progress)),
        )  # fmt: skip
        await self._keep(task, caller, reading, progress)

    def _begin(self, *work: Any) -> asyncio.Future[Reading]:
        """On the thread that reads one census at a time."""
        return asyncio.get_running_loop().run_in_executor(self.house.reader, *work)

    async def _watched(
        self, task: Task, caller: Caller, progress: dict[str, Any], work: asyncio.Future[Reading]
    ) -> Reading:
        """The outcome, with the progress written down every half second meanwhile."""
        while True:
            done, _ = await asyncio.wait({work}, timeout=HEARTBEAT_S)
            if done:
                return work.result()
            async with self.house.database.transaction(caller) as tx:
                if not await jobs.note(tx, task, self.holder, progress, LEASE_S, self.house.clock()):
                    raise LeaseLost

    async def _keep(self, task: Task, caller: Caller, reading: Reading, progress: dict[str, Any]) -> None:
        """Trees, lines and the end of the job in one transaction: all of it or nothing."""
        async with self.house.database.transaction(caller) as tx:
            plan = await plans.plan_to_change(tx, task.plan)
            if plan is None:
                raise Missing("plan", task.plan)
            transition("plan", "upload_census").take(plan.id, plan.state, "", {})
            answer = reading.answer(plan.id).model_dump_json().encode()
            if not await jobs.finish(tx, task, self.holder, progress, answer, self.house.clock()):
                raise LeaseLost
            await keep_census(Work(tx, self.house.clock(), caller, None), plan, reading)

    async def _fail(self, task: Task, caller: Caller, refusal: Refusal) -> None:
        async with self.house.database.transaction(caller) as tx:
            await jobs.fail(tx, task, self.holder, describe(refusal), self.house.clock())

    async def _release(self, task: Task, caller: Caller) -> None:
        """Let another process begin it at once; if the database is gone too, the lease ends by itself."""
        try:
            async with self.house.database.transaction(caller) as tx:
                await jobs.release(tx, task, self.holder)
        except Exception as error:
            logger.warning("import not released", error=type(error).__name__)


def _teller(progress: dict[str, Any]) -> Any:
    """What the reading thread says of its progress, where the loop sees it."""

    def tell(stage: str, rows: int) -> None:
        progress["stage"] = stage
        if stage in ("reading", "checking"):
            progress["rows_read" if stage == "reading" else "rows_checked"] = rows

    return tell
