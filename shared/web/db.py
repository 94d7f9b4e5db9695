"""One PostgreSQL database of one service: transactions that know their caller, and migrations."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as PlainSession
from sqlalchemy.pool import NullPool
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.web import deadline
from shared.web.auth import Caller

SERVICES = Path(__file__).parents[2] / "services"
LONGEST_STATEMENT_MS = 30_000
# First statement of every transaction. Local settings end with it, so nothing leaks through the pool.
SET_CALLER = text(
    "SELECT set_config('app.org', :org, true), set_config('app.sub', :sub, true), set_config('app.roles', :roles, true),"
    " set_config('app.region', :region, true), set_config('statement_timeout', :timeout, true)"
)
Look = Callable[[Any], Awaitable[object]]  # over a connection of asyncpg, inside the transaction
# As alembic would make it; made first so that there is a table to lock.
VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS alembic_version"
    " (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
)


def engine(url: str, **options: Any) -> AsyncEngine:
    """SQLAlchemy over asyncpg. asyncpg reads the address, so its parameters (``sslmode``...) mean the same everywhere."""
    connect = partial(asyncpg.connect, asyncpg_dsn(url))
    return create_async_engine("postgresql+asyncpg://", async_creator=connect, hide_parameters=True, **options)


def asyncpg_dsn(url: str) -> str:
    """The URL for asyncpg, from any ``postgres://`` spelling."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Session(AsyncSession):
    """sqlmodel's session: ``exec`` for selects of rows, ``execute`` for SQL text (there it warns of itself)."""

    execute = PlainSession.execute


_GONE = (
    OSError,
    TimeoutError,
    PoolTimeout,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that dies in the middle of its own handshake
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)


def is_outage(error: BaseException) -> bool:
    """Whether the database did not answer, in any of the ways its drivers say so: not there, starting, stopping, no
    connection free, too late. For ``make_app``, which then answers 503 instead of 500."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_outage(error.orig))
    return isinstance(error, _GONE) or (error.__cause__ is not None and is_outage(error.__cause__))


class Database:
    """A pool of connections. ``transaction`` is the only way to a session."""

    def __init__(self, url: str, pool: int = 10) -> None:
        self.engine = engine(url, pool_size=pool, max_overflow=0, pool_timeout=2.0, pool_use_lifo=True)

    @asynccontextmanager
    async def transaction(self, caller: Caller | None = None) -> AsyncIterator[Session]:
        """A transaction that row-level security sees as this caller's; commits at the end of the block.

        Without a caller the settings are empty: policies then show what is public, never everything.
        """
        async with Session(self.engine, expire_on_commit=False) as session, session.begin():
            connection = await session.connection()
            await connection.execute(
                SET_CALLER,
                {
                    "org": caller.org if caller else "",
                    "sub": caller.sub if caller else "",
                    "roles": ",".join(sorted(caller.roles)) if caller else "",
                    "region": (caller.region or "") if caller else "",
                    "timeout": str(min(deadline.left_ms() or LONGEST_STATEMENT_MS, LONGEST_STATEMENT_MS)),
                },
            )
            yield session

    async def ping(self) -> dict[str, str]:
        """For ``/healthz``: raises when the database does not answer."""
        async with asyncio.timeout(2), self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return {"database": "ok"}

    async def close(self) -> None:
        await self.engine.dispose()


async def wait_for_database(url: str, timeout_s: float = 30.0) -> None:
    """Return once the database accepts connections; the last error is raised when it never does."""
    one_time = engine(url, poolclass=NullPool)
    until, pause_s = time.monotonic() + timeout_s, 0.05
    try:
        while True:
            try:
                async with asyncio.timeout(5), one_time.connect() as connection:
                    await connection.execute(text("SELECT 1"))
                return
            except (OSError, DBAPIError, TimeoutError):
                if time.monotonic() + pause_s > until:
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 1.0)
    finally:
        await one_time.dispose()


class MigrationRefused(Exception):  # noqa: N818
    """The revisions changed what must stay as it was. Nothing of them is left."""


async def migrate(service: str, url: str, folder: Path = SERVICES, look: Look | None = None) -> None:
    """Bring the database of a service to its newest revision, as its owner. Several processes may do so at once.

    All revisions run in one transaction that holds the version table, so a second process waits and finds them done.
    In a revision every ``op.execute`` is one statement: asyncpg prepares it. ``look`` is asked before and after, when a
    database that is in use has revisions to come: what it raises, and MigrationRefused when its answers differ, undoes all.
    """
    # Imported here: a service that only serves starts half a second earlier without it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(folder / service / "migrations"))
    config.set_main_option("path_separator", "os")

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    newest = ScriptDirectory.from_config(config).get_current_head()
    one_time = engine(url, poolclass=NullPool)
    try:
        await _make_version_table(one_time)
        async with one_time.begin() as connection:
            await connection.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
            stands = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
            bare = (await connection.get_raw_connection()).driver_connection
            seen = [] if look is None or stands in (None, newest) else [await look(bare)]
            await connection.run_sync(upgrade)
            if look is not None and seen and await look(bare) != seen[0]:
                raise MigrationRefused(f"the migration of {service} changed what must stay; nothing was migrated")
    finally:
        await one_time.dispose()


async def _make_version_table(one_time: AsyncEngine) -> None:
    """IF NOT EXISTS still fails when two sessions create the table in the same moment; then it exists."""
    for last in (False, False, True):
        try:
            async with one_time.begin() as connection:
                await connection.execute(text(VERSION_TABLE))
            return
        except DBAPIError:
            if last:
                raise


def app_role() -> str:
    """In a revision: who serves from this database. The owner runs the revision and is called alike: `x_owner`, `x_app`."""
    from alembic import op

    owner: str = op.get_bind().execute(text("SELECT current_user")).scalar_one()
    return f'"{owner.removesuffix("_owner")}_app"'


def run_migrations() -> None:
    """The whole body of a service's ``migrations/env.py``: run on the connection ``migrate`` holds."""
    from alembic import context

    context.configure(connection=context.config.attributes["connection"], target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
