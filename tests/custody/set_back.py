"""A database that is set back to an earlier day, as a restored backup is, and one that is changed behind its triggers."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg

from deploy.databases import Database, administrator
from services.custody.main import CustodySettings
from tests.conftest import run_apart
from tests.custody.conftest import Custody
from tests.databases import COPIED

Connection = Any


PATIENCE_S = 120.0  # a machine that is busy with other things starts a process in half a minute


async def until(done: Callable[[], Awaitable[Any]], why: str = "not in time") -> Any:
    """What is true sooner or later."""
    end = time.monotonic() + PATIENCE_S
    while not (found := await done()):
        assert time.monotonic() < end, why
        await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def tampering(database: Database) -> AsyncIterator[Connection]:
    """What only somebody with the whole machine can do: a connection that no trigger stops."""
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        yield connection
    finally:
        await connection.close()


class Backup:
    """The whole database as it was, byte for byte. Nobody may be connected while it is taken."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.name = f"{database.name}_backup"

    def of(self, database: Database) -> "Backup":
        """The same backup, to be restored into another database."""
        other = Backup(database)
        other.name = self.name
        return other

    async def take(self) -> None:
        async with administrator(self._database.address) as admin:
            await admin.execute(f'DROP DATABASE IF EXISTS "{self.name}"')
            await admin.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self._database.name}" {COPIED}')

    async def restore(self) -> None:
        """May be repeated."""
        name, owner = self._database.name, self._database.owner_role
        async with administrator(self._database.address) as admin:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}" {COPIED} OWNER "{owner}"')
            await admin.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{self._database.app_role}"')

    async def drop(self) -> None:
        async with administrator(self._database.address) as admin:
            await admin.execute(f'DROP DATABASE IF EXISTS "{self.name}"')


async def rows(custody: Custody, question: str) -> list[tuple[Any, ...]]:
    """What the administrator reads."""
    connection = await asyncpg.connect(custody.database.admin_dsn)
    try:
        return [tuple(row) for row in await connection.fetch(question)]
    finally:
        await connection.close()


class Shelf:
    """A stopped custody with everything it keeps, made once and handed out as often as a test wants to spoil one."""

    def __init__(self) -> None:
        self._kept: tuple[Custody, Backup, Path] | None = None

    async def put(self, custody: Custody, folder: Path) -> None:
        """Keep it; it must be stopped."""
        backup = Backup(custody.database)
        await backup.take()
        shutil.copytree(custody.settings.data_dir, folder / "data")
        shutil.copytree(custody.settings.keys_dir, folder / "keys")
        self._kept = custody, backup, folder

    @property
    def empty(self) -> bool:
        return self._kept is None

    @asynccontextmanager
    async def spoilt(self, *statements: str) -> AsyncIterator[tuple[Connection, Custody]]:
        """Inside one transaction that is never committed: the database of it with these changes, and what else it keeps."""
        assert self._kept is not None
        custody, backup, folder = self._kept
        async with tampering(replace(custody.database, name=backup.name)) as connection:
            change = connection.transaction()
            await change.start()
            try:
                for statement in statements:
                    assert await connection.execute(statement) not in ("UPDATE 0", "DELETE 0"), statement
                places = {"data_dir": folder / "data", "keys_dir": folder / "keys"}
                yield connection, replace(custody, settings=custody.settings.model_copy(update=places))
            finally:
                await change.rollback()

    async def take(self, database: Database, folder: Path) -> Custody:
        """One like it, with its own database and its own folders below `folder`."""
        assert self._kept is not None
        custody, backup, kept = self._kept
        await backup.of(database).restore()
        for name in ("data", "keys"):
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(kept / name, folder / name)
        places = {"data_dir": folder / "data", "keys_dir": folder / "keys"}
        address = CustodySettings(database_url=database.app_url).database_url
        settings = custody.settings.model_copy(update={"database_url": address, **places})
        return replace(custody, settings=settings, database=database, keys=replace(custody.keys))

    def copy(self, name: str, to: Path) -> None:
        """One of the folders it keeps."""
        assert self._kept is not None
        shutil.copytree(self._kept[2] / name, to)

    def drop(self) -> None:
        if self._kept is not None:
            run_apart(self._kept[1].drop())
