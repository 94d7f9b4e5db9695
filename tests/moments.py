"""Two acts in one moment: one is stopped between what it reads and what it writes, while the other runs."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from deploy.databases import Database

PATIENCE_S = 20.0  # less than a statement may wait
# Including those that wait for one another: whatever keeps an act from going on.
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@asynccontextmanager
async def stopped(database: Database, *holding: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Inside, nobody gets past what these statements lock. What is given returns once so many wait; fails when they do not."""
    admin, looking = [await asyncpg.connect(database.admin_dsn) for _ in range(2)]

    async def waiting(many: int) -> None:
        end = time.monotonic() + PATIENCE_S
        while await looking.fetchval(WAITING) < many:
            assert time.monotonic() < end, f"there are no {many} that wait"
            await asyncio.sleep(0.02)

    try:
        async with admin.transaction():
            for statement in holding:
                await admin.execute(statement)
            yield waiting
    finally:
        await admin.close()
        await looking.close()
