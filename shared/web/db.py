"""One PostgreSQL database of one service: transactions that know their caller, and migrations."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
    "SELECT set_config('app.org', :org, true), set_config('app.roles', :roles, true),"
    " set_config('app.region', :region, true), set_config('statement_timeout', :timeout, true)"
)
# As alembic would make it; made first so that there is a table to lock.
VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS alembic_version"
    " (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
)


def engine_url(url: str) -> str:
    """The URL for SQLAlchemy over asyncpg, from any ``postgres://`` spelling."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def asyncpg_dsn(url: str) -> str:
    """The URL for asyncpg itself."""
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
        self.engine: AsyncEngine = create_async_engine(
            engine_url(url), pool_size=pool, max_overflow=0, pool_timeout=2.0, pool_use_lifo=True, hide_parameters=True
        )

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
    engine = create_async_engine(engine_url(url), poolclass=NullPool, hide_parameters=True)
    until, pause_s = time.monotonic() + timeout_s, 0.05
    try:
        while True:
            try:
                async with asyncio.timeout(5), engine.connect() as connection:
                    await connection.execute(text("SELECT 1"))
                return
            except (OSError, DBAPIError, TimeoutError):
                if time.monotonic() + pause_s > until:
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 1.0)
    finally:
        await engine.dispose()


async def migrate(service: str, url: str, folder: Path = SERVICES) -> None:
    """Bring the database of a service to its newest revision, as its owner. Several processes may do so at once.

    All revisions run in one transaction that holds the version table, so a second process waits and finds them done.
    In a revision every ``op.execute`` is one statement: asyncpg prepares it.
    """
    # Imported here: a service that only serves starts half a second earlier without it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder / service / "migrations"))
    config.set_main_option("path_separator", "os")

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    engine = create_async_engine(engine_url(url), poolclass=NullPool, hide_parameters=True)
    try:
        await _make_version_table(engine)
        async with engine.begin() as connection:
            await connection.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


async def _make_version_table(engine: AsyncEngine) -> None:
    """IF NOT EXISTS still fails when two sessions create the table in the same moment; then it exists."""
    for last in (False, False, True):
        try:
            async with engine.begin() as connection:
                await connection.execute(text(VERSION_TABLE))
            return
        except DBAPIError:
            if last:
                raise


def run_migrations() -> None:
    """The whole body of a service's ``migrations/env.py``: run on the connection ``migrate`` holds."""
    from alembic import context

    context.configure(connection=context.config.attributes["connection"], target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
