"""Databases and roles: one database for each service, an owner that migrates it, an app role that serves from it.

No role may connect to another service's database. Tables belong to the owner; what the app may do with each is
granted by the service's migrations and by nothing else.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import asyncpg

from deploy.postgres import write_secret

SERVICES = ("permits", "custody", "contracts")
CHECKOUT = Path(__file__).resolve().parents[1]


class BadAddress(ValueError):  # noqa: N818
    """DATABASE_URL is not the address of a server."""


@dataclass(frozen=True)
class Address:
    """Where a server is and how its administrator signs in: a socket folder, or a host and port."""

    host: str
    port: int
    admin: str
    password: str
    admin_database: str = "postgres"

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read `postgresql://user:password@host:port/database`; a socket folder stands in `?host=`."""
        parts = urlsplit(url)
        query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
        if not parts.scheme.startswith("postgres") or not parts.username:
            raise BadAddress("DATABASE_URL must look like postgresql://user:password@host:5432/postgres")
        return cls(
            host=unquote(query.get("host", "")) or parts.hostname or "localhost",
            port=parts.port or 5432,
            admin=unquote(parts.username),
            password=unquote(parts.password or ""),
            admin_database=parts.path.lstrip("/") or "postgres",
        )

    def dsn(self, role: str, password: str, database: str, scheme: str = "postgresql") -> str:
        """The address of one database for one role, as asyncpg and libpq read it."""
        user = f"{quote(role, safe='')}:{quote(password, safe='')}"
        if self.host.startswith("/"):
            return f"{scheme}://{user}@/{database}?host={quote(self.host, safe='/')}&port={self.port}"
        return f"{scheme}://{user}@{self.host}:{self.port}/{database}"


@dataclass(frozen=True)
class Database:
    """One service's database. `*_url` is for SQLAlchemy with asyncpg, `*_dsn` for asyncpg alone."""

    name: str
    service: str
    address: Address
    owner_password: str
    app_password: str

    @property
    def owner_dsn(self) -> str:
        """For migrations."""
        return self.address.dsn(f"{self.service}_owner", self.owner_password, self.name)

    @property
    def app_dsn(self) -> str:
        """For serving."""
        return self.address.dsn(f"{self.service}_app", self.app_password, self.name)

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

    @property
    def admin_url(self) -> str:
        """For the operator, by SQLAlchemy."""
        return _sqlalchemy(self.admin_dsn)


def _sqlalchemy(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+asyncpg://", 1)


def kept_in(folder: Path) -> Callable[[str], str]:
    """Passwords that are made once and kept, a file each."""

    def password(role: str) -> str:
        path = folder / role
        if not path.exists():
            write_secret(path, secrets.token_hex(24))
        return path.read_text().strip()

    return password


async def create(address: Address, service: str, password: Callable[[str], str], name: str | None = None) -> Database:
    """Make the service's two roles and its database where they are missing, and set who may connect. May be repeated."""
    database = Database(name or service, service, address, password(f"{service}_owner"), password(f"{service}_app"))
    admin = await asyncpg.connect(address.dsn(address.admin, address.password, address.admin_database))
    try:
        await _create_roles(admin, database)
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database.name) is None:
            await admin.execute(f'CREATE DATABASE "{database.name}" OWNER "{service}_owner"')
        await admin.execute(f'REVOKE ALL ON DATABASE "{database.name}" FROM PUBLIC')
        await admin.execute(f'GRANT CONNECT ON DATABASE "{database.name}" TO "{service}_app"')
    finally:
        await admin.close()
    inside = await asyncpg.connect(database.admin_dsn)
    try:
        await inside.execute(f'ALTER SCHEMA public OWNER TO "{service}_owner"')
        await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        await inside.execute(f'GRANT USAGE ON SCHEMA public TO "{service}_app"')
    finally:
        await inside.close()
    return database


async def _create_roles(admin: "asyncpg.Connection[asyncpg.Record]", database: Database) -> None:
    plain = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
    for role, password in (
        (f"{database.service}_owner", database.owner_password),
        (f"{database.service}_app", database.app_password),
    ):
        known = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
        verb = "ALTER" if known else "CREATE"
        await admin.execute(f"{verb} ROLE \"{role}\" {plain} PASSWORD '{password}'")


async def close_to_services(address: Address) -> None:
    """Keep every role but the administrator out of the databases that belong to no service. For our own server only:
    on a given one other people may live there."""
    admin = await asyncpg.connect(address.dsn(address.admin, address.password, address.admin_database))
    try:
        for name in ("postgres", "template1"):
            await admin.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
    finally:
        await admin.close()


def schema_of(service: str) -> str:
    """A fingerprint of a service's migrations: the same text, the same schema."""
    digest = hashlib.sha256()
    for path in sorted((CHECKOUT / "services" / service / "migrations").rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"schema {digest.hexdigest()[:32]}"


async def has_schema(database: Database, schema: str) -> bool:
    """True when `mark_schema` said so of this very database; the mark lies in it and goes where it goes."""
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        return bool(await admin.fetchval(query) == schema)
    finally:
        await admin.close()


async def mark_schema(database: Database, schema: str) -> None:
    """Remember that the migrations were run to their end, so that the next start need not."""
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        await admin.execute(f"COMMENT ON DATABASE \"{database.name}\" IS '{schema}'")
    finally:
        await admin.close()


async def drop(database: Database) -> None:
    """Remove a database with whatever is still connected to it; its roles stay."""
    address = database.address
    admin = await asyncpg.connect(address.dsn(address.admin, address.password, address.admin_database))
    try:
        await admin.execute(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')
    finally:
        await admin.close()
