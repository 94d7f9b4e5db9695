"""Two acts in one moment: one is stopped between what it reads and what it writes, while the other runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from deploy.databases import Database

# Including those that wait for one another: whatever keeps an act from going on.
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@asynccontextmanager
async def stopped(database: Database, *holding: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Inside, nobody gets past what these statements lock. What is given returns once so many wait, or after a second."""
    admin, looking = [await asyncpg.connect(database.admin_dsn) for _ in range(2)]

    async def waiting(many: int) -> None:
        for _ in range(50):
            if await looking.fetchval(WAITING) >= many:
                return
            await asyncio.sleep(0.02)

    try:
        async with admin.transaction():
            for statement in holding:
                await admin.execute(statement)
            yield waiting
    finally:
        await admin.close()
        await looking.close()
