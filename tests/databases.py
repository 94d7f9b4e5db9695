"""Databases for tests on one server: migrated once, then copied or emptied for each test.

Migrations and TRUNCATE cost far more than what most tests do: a copy of a migrated database is files, and a DELETE of what a
test wrote is a few rows. What is done between tests runs over connections that stay open.
"""

import asyncio
import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any, TypeVar

import asyncpg

from deploy import databases
from deploy.databases import Address, Connection, Database, Tenant
from shared.web.db import migrate

T = TypeVar("T")
# Under names of our own: the server in DATABASE_URL may be somebody's.
TESTS = Tenant("test_", "trozalog tests")
# Files, not their pages through the write-ahead log: a third of the work, for databases that are mostly catalogue.
COPIED = "STRATEGY FILE_COPY"
# A table that a test has made larger than this is truncated: rows that are only deleted stay in the way of the next.
LARGE_BYTES = 512 * 1024
TABLES = (
    "SELECT relname AS name, pg_relation_size(oid) > $1 AS large FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT relname = ANY($2)"
)
SEQUENCES = "SELECT sequencename AS name, last_value AS value FROM pg_sequences WHERE schemaname = 'public'"

Rows = tuple[dict[str, bytes], dict[str, int | None]]  # of tables, in binary COPY, and where sequences stand


class Keeper:
    """The administrator of the server, on a loop and a thread of their own: every method may be called from anywhere."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._numbers = itertools.count(1)
        self._templates: dict[str, Database] = {}
        self._open: dict[str, Connection] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="keeper of databases", daemon=True)
        self._thread.start()

    def named(self, service: str, suffix: str) -> Database:
        """How a database of this process is called. The roles belong to the server: their passwords are always the same."""

        def password(role: str) -> str:
            return hashlib.sha256(f"{self.address.password}/{role}".encode()).hexdigest()

        own = databases.database_of(self.address, service, password, TESTS)
        return replace(own, name=f"{service}_test_{os.getpid()}_{suffix}")

    def made(self, service: str) -> Database:
        """A new empty database with the service's two roles."""
        database = self.named(service, str(next(self._numbers)))
        self._run(databases.create(database, TESTS))
        return database

    def migrated(self, service: str) -> Database:
        """A new database as the migrations of the service leave it."""
        if service not in self._templates:
            template = self.named(service, "template")
            self._run(databases.create(template, TESTS))
            self._run(migrate(service, template.owner_url))
            self._templates[service] = template
        database = self.named(service, str(next(self._numbers)))
        self._run(self._copy(self._templates[service], database))
        return database

    async def _copy(self, template: Database, database: Database) -> None:
        name, owner = database.name, database.owner_role
        server = await self._connection(self.address.admin_dsn)
        await server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template.name}" {COPIED} OWNER "{owner}"')
        await server.execute(
            f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC; GRANT CONNECT ON DATABASE "{name}" TO "{database.app_role}"'
        )

    def drop(self, database: Database) -> None:
        """Remove it with whatever is still connected to it."""

        async def work() -> None:
            if connection := self._open.pop(database.admin_dsn, None):
                await connection.close()
            server = await self._connection(self.address.admin_dsn)
            await server.execute(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')

        self._run(work())

    def empty(self, database: Database, *, but: tuple[str, ...] = (), then: str = "") -> None:
        """Take all rows out of it, those of some tables excepted; sequences begin again. ``then`` is done in the same breath."""

        async def work() -> None:
            connection = await self._connection(database.admin_dsn)
            async with connection.transaction():
                # No trigger and no foreign key has a say: afterwards there is nothing left that they could hold together.
                await connection.execute("SET LOCAL session_replication_role = replica")
                found = await connection.fetch(TABLES, LARGE_BYTES, ["alembic_version", *but])
                large = ", ".join(f'"{row["name"]}"' for row in found if row["large"])
                statements = [f"TRUNCATE {large} CASCADE"] if large else []
                statements += [f'DELETE FROM "{row["name"]}"' for row in found]
                moved = [row["name"] for row in await connection.fetch(SEQUENCES) if row["value"] is not None]
                statements += [f'ALTER SEQUENCE "{name}" RESTART' for name in moved]
                await connection.execute("; ".join([*statements, then]))

        self._run(work())

    def rows(self, database: Database) -> Rows:
        """Everything that it holds, the version of its schema excepted."""

        async def work() -> Rows:
            connection = await self._connection(database.admin_dsn)
            kept = {}
            for row in await connection.fetch(TABLES, LARGE_BYTES, ["alembic_version"]):
                if await connection.fetchval(f'SELECT EXISTS (SELECT FROM "{row["name"]}")'):
                    held = BytesIO()
                    await connection.copy_from_table(row["name"], output=held, format="binary")
                    kept[row["name"]] = held.getvalue()
            return kept, {row["name"]: row["value"] for row in await connection.fetch(SEQUENCES)}

        return self._run(work())

    def put(self, database: Database, rows: Rows) -> None:
        """Put back what ``rows`` answered, into a database that was emptied; what stands in those tables goes."""

        async def work() -> None:
            connection = await self._connection(database.admin_dsn)
            tables, sequences = rows
            async with connection.transaction():
                await connection.execute("SET LOCAL session_replication_role = replica")
                for name, held in tables.items():
                    await connection.execute(f'DELETE FROM "{name}"')
                    await connection.copy_to_table(name, source=BytesIO(held), format="binary")
                for name, value in sequences.items():
                    if value is not None:
                        await connection.execute(f"SELECT setval('\"{name}\"', {value})")

        self._run(work())

    async def _connection(self, dsn: str) -> Connection:
        if dsn not in self._open or self._open[dsn].is_closed():
            self._open[dsn] = await asyncpg.connect(dsn)
        return self._open[dsn]

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Remove the templates, and hang up."""
        for template in self._templates.values():
            self.drop(template)

        async def hang_up() -> None:
            for connection in self._open.values():
                await connection.close()

        self._run(hang_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def handed_out(keeper: Keeper, make: Callable[[str], Database]) -> Iterator[Callable[[str], Database]]:
    """Databases by service, as many as are asked for, dropped at the end."""
    made: list[Database] = []

    def hand_out(service: str) -> Database:
        made.append(make(service))
        return made[-1]

    try:
        yield hand_out
    finally:
        for database in made:
            keeper.drop(database)
