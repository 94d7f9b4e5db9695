"""Databases and roles: one database for each service, an owner that migrates it, an app role that serves from it.

No role may connect to another service's database. Tables belong to the owner; what the app may do with each is
granted by the service's migrations and by nothing else. On a server that others use too, whose is what is written in the
comments of the roles, and nothing without our mark is touched.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import asyncpg

from deploy.address import Address, BadAddress

__all__ = ["SERVICES", "SOLE", "Address", "BadAddress", "Database", "NotOurs", "Tenant", "Unusable"]

SERVICES = ("permits", "custody", "contracts")
CHECKOUT = Path(__file__).resolve().parents[1]
LOWEST_VERSION = 16
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
# What no role of ours may do, whoever made it. Only a superuser may say so of a role that exists.
PLAIN = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
MARK_OF_ROLE = "SELECT shobj_description(oid, 'pg_authid') AS mark FROM pg_roles WHERE rolname = $1"
MAY_CREATE = "SELECT rolsuper OR (rolcreatedb AND rolcreaterole) FROM pg_roles WHERE rolname = current_user"
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
OWNER_OF_DATABASE = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1"


class NotOurs(Exception):  # noqa: N818
    """A name that we need is somebody else's on this server; nothing was changed."""

    def __init__(self, kind: str, name: str, address: Address) -> None:
        super().__init__(
            f"the {kind} {name} on {address.host} was not made by this instance and stays as it is. Choose another "
            "TIMBER_DATABASE_PREFIX, or with docker compose other names in the address files"
        )


class Unusable(Exception):  # noqa: N818
    """The given server does not answer, is too old, or its administrator may not make databases and roles."""


@dataclass(frozen=True)
class Tenant:
    """Whose databases and roles are whose: what stands before their names, and the comment that our roles carry.

    Without a mark the server is the house's alone, and everything on it is ours.
    """

    prefix: str = ""
    mark: str | None = None

    def owns(self, mark: str | None) -> bool:
        """Whether a role with this comment is ours."""
        return self.mark is None or mark == self.mark


SOLE = Tenant()


@dataclass(frozen=True)
class Database:
    """One service's database. `*_url` is for SQLAlchemy with asyncpg, `*_dsn` for asyncpg alone."""

    name: str
    service: str
    address: Address
    owner_password: str
    app_password: str
    prefix: str = ""

    @property
    def owner_role(self) -> str:
        """Who migrates."""
        return f"{self.prefix}{self.service}_owner"

    @property
    def app_role(self) -> str:
        """Who serves."""
        return f"{self.prefix}{self.service}_app"

    @property
    def owner_dsn(self) -> str:
        """For migrations."""
        return self.address.dsn(self.owner_role, self.owner_password, self.name)

    @property
    def app_dsn(self) -> str:
        """For serving."""
        return self.address.dsn(self.app_role, self.app_password, self.name)

    @property
    def admin_dsn(self) -> str:
        """For the operator and for tests that tamper."""
        return self.address.dsn(self.address.admin, self.address.password, self.name)

    @property
    def owner_url(self) -> str:
        """For migrations, by SQLAlchemy."""
        return _sqlalchemy(self.owner_dsn)

    @property
    def app_url(self) -> str:
        """For serving, by SQLAlchemy."""
        return _sqlalchemy(self.app_dsn)


def _sqlalchemy(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+asyncpg://", 1)


def database_of(address: Address, service: str, password: Callable[[str], str], tenant: Tenant = SOLE) -> Database:
    """The database of one service as this tenant names it. `password` knows roles by their names without prefix."""
    owner, app = password(f"{service}_owner"), password(f"{service}_app")
    return Database(f"{tenant.prefix}{service}", service, address, owner, app, tenant.prefix)


@asynccontextmanager
async def administrator(address: Address) -> AsyncIterator[Connection]:
    """A connection of the server's administrator."""
    admin = await asyncpg.connect(address.admin_dsn)
    try:
        yield admin
    finally:
        await admin.close()


async def check_free(address: Address, tenant: Tenant) -> None:
    """Raise NotOurs when a name of this tenant is somebody else's, Unusable for a server that will not do. Changes nothing."""
    try:
        async with administrator(address) as admin:
            await _check_server(admin, address)
            for service in SERVICES:
                database = database_of(address, service, lambda _: "", tenant)
                for role in (database.owner_role, database.app_role):
                    await _is_ours(admin, address, role, tenant)
                await _exists(admin, database)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unusable(f"the server at {address.host} cannot be used as {address.admin}: {error}") from None


async def _check_server(admin: Connection, address: Address) -> None:
    version = int(await admin.fetchval("SHOW server_version_num")) // 10_000
    if version < LOWEST_VERSION:
        raise Unusable(f"the server at {address.host} is PostgreSQL {version}; {LOWEST_VERSION} or newer is needed")
    if not await admin.fetchval(MAY_CREATE):
        raise Unusable(f"{address.admin} may not make databases and roles at {address.host}: CREATEDB, CREATEROLE")


async def create(database: Database, tenant: Tenant = SOLE) -> None:
    """Make a database and its two roles where they are missing, and set who may connect. May be repeated.

    The administrator need not be a superuser: CREATEDB and CREATEROLE are enough. Raises NotOurs.
    """
    async with administrator(database.address) as admin:
        await _role(admin, database.address, database.owner_role, database.owner_password, tenant)
        await _role(admin, database.address, database.app_role, database.app_password, tenant)
        if not await _exists(admin, database):
            await admin.execute(await _creation(admin, database))
        await admin.execute(f'REVOKE ALL ON DATABASE "{database.name}" FROM PUBLIC')
        await admin.execute(f'GRANT CONNECT ON DATABASE "{database.name}" TO "{database.app_role}"')
    inside = await asyncpg.connect(database.owner_dsn)
    try:
        await inside.execute(f'ALTER SCHEMA public OWNER TO "{database.owner_role}"')
        await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        await inside.execute(f'GRANT USAGE ON SCHEMA public TO "{database.app_role}"')
    finally:
        await inside.close()


async def _is_ours(admin: Connection, address: Address, role: str, tenant: Tenant) -> bool:
    """True for a role of ours, False where there is none; NotOurs for anybody else's."""
    found = await admin.fetchrow(MARK_OF_ROLE, role)
    if found is not None and not tenant.owns(found["mark"]):
        raise NotOurs("role", role, address)
    return found is not None


async def _exists(admin: Connection, database: Database) -> bool:
    """Whether there is a database of this name; NotOurs when it does not belong to our role."""
    owner = await admin.fetchval(OWNER_OF_DATABASE, database.name)
    if owner not in (None, database.owner_role):
        raise NotOurs("database", database.name, database.address)
    return owner is not None


async def _role(admin: Connection, address: Address, role: str, password: str, tenant: Tenant) -> None:
    """Made together with its mark, so that an interruption leaves no role that we would not know again."""
    superuser = await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if await _is_ours(admin, address, role, tenant):
        await admin.execute(f'ALTER ROLE "{role}" {PLAIN if superuser else ""} PASSWORD {_quoted(password)}')
        return
    async with admin.transaction():
        await admin.execute(f'CREATE ROLE "{role}" LOGIN {PLAIN} PASSWORD {_quoted(password)}')
        if tenant.mark is not None:
            await admin.execute(f'COMMENT ON ROLE "{role}" IS {_quoted(tenant.mark)}')
        if not superuser:  # else it may neither give the role a database nor drop it
            await admin.execute(f'GRANT "{role}" TO CURRENT_USER')


def _quoted(text: str) -> str:
    """A literal for statements that take no parameters (PostgreSQL manual, 4.1.2.1)."""
    return "'" + text.replace("'", "''") + "'"


async def _creation(admin: Connection, database: Database) -> str:
    """Text sorted and folded as on our own server, whatever the defaults of this one are."""
    statement = f'CREATE DATABASE "{database.name}" OWNER "{database.owner_role}" TEMPLATE template0 ENCODING \'UTF8\''
    version = int(await admin.fetchval("SHOW server_version_num"))
    return statement if version < 170_000 else f"{statement} LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"


async def remove(address: Address, tenant: Tenant) -> list[str]:
    """Drop the databases and roles that carry this tenant's mark, with whatever is connected; the databases' names.

    What has no mark of ours stays. May be repeated, also after an interruption.
    """
    dropped = []
    async with administrator(address) as admin:
        for service in SERVICES:
            database = database_of(address, service, lambda _: "", tenant)
            roles = (database.app_role, database.owner_role)
            known = [
                role
                for role in roles
                if (found := await admin.fetchrow(MARK_OF_ROLE, role)) and tenant.owns(found["mark"])
            ]
            if (
                database.owner_role in known
                and await admin.fetchval(OWNER_OF_DATABASE, database.name) == database.owner_role
            ):
                await admin.execute(f'DROP DATABASE "{database.name}" WITH (FORCE)')
                dropped.append(database.name)
            for role in known:
                await admin.execute(f'DROP ROLE "{role}"')
    return dropped


async def close_to_services(address: Address) -> None:
    """Keep every role but the administrator out of the databases that belong to no service. For our own server only:
    on a given one other people may live there."""
    async with administrator(address) as admin:
        for name in ("postgres", "template1"):
            await admin.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")


def schema_of(service: str) -> str:
    """A fingerprint of a service's migrations: the same text, the same schema."""
    digest = hashlib.sha256()
    for path in sorted((CHECKOUT / "services" / service / "migrations").rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"schema {digest.hexdigest()[:32]}"


async def has_schema(database: Database, schema: str) -> bool:
    """True when `mark_schema` said so of this very database; the mark lies in it and goes where it goes."""
    async with administrator(database.address) as admin:
        query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1"
        return bool(await admin.fetchval(query, database.name) == schema)


async def mark_schema(database: Database, schema: str) -> None:
    """Remember that the migrations were run to their end, so that the next start need not."""
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        await owner.execute(f"COMMENT ON DATABASE \"{database.name}\" IS '{schema}'")
    finally:
        await owner.close()


async def drop(database: Database) -> None:
    """Remove a database with whatever is still connected to it; its roles stay."""
    async with administrator(database.address) as admin:
        await admin.execute(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')


async def exchange(places: Sequence[tuple[Database, Database]]) -> None:
    """Give each second database the name of the first, which may not be there: all of them or none, whatever ends it. What was
    connected is disconnected; what bore the names is dropped afterwards, or when this is done again."""
    gone = [replace(database, name=f"{database.name}_replaced") for database, _ in places]
    for database in gone:
        await drop(database)
    async with administrator(places[0][0].address) as admin:
        for database, _ in places:
            await admin.execute(TERMINATE, database.name)
        async with admin.transaction():
            for (database, beside), old in zip(places, gone, strict=True):
                if await _exists(admin, database):
                    await admin.execute(f'ALTER DATABASE "{database.name}" RENAME TO "{old.name}"')
                await admin.execute(f'ALTER DATABASE "{beside.name}" RENAME TO "{database.name}"')
    for database in gone:
        await drop(database)
