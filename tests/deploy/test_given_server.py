"""A server that somebody gives: names of our own on it, nothing of anybody else touched, its address kept whole."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from deploy import databases, given_server, migrate, site_secrets
from deploy.address import Address, BadAddress
from deploy.databases import SERVICES, Database, NotOurs, Tenant, Unusable
from deploy.given_server import BadServer
from deploy.postgres import Cluster
from deploy.up import any_free_port
from shared.web import db

OURS, THEIRS = Tenant("ours_", "trozalog instance 1"), Tenant("theirs_", "trozalog instance 2")
PASSWORD = "a'password/with%signs"


class OnTheNetwork(Cluster):
    """A server that also listens on a loopback port, without TLS, as many a server in a private network does."""

    tcp_port: int

    def command(self) -> list[str]:
        return [*super().command(), "-c", "listen_addresses=127.0.0.1", "-c", f"port={self.tcp_port}"]


@pytest.fixture(scope="module")
def server() -> Iterator[Address]:
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    folder.chmod(0o711)
    cluster = OnTheNetwork(folder / "pg", folder / "secret", durable=False)
    cluster.tcp_port = any_free_port()
    cluster.prepare()
    rules = cluster.data / "pg_hba.conf"
    rules.write_text(rules.read_text().replace("reject", "scram-sha-256"))
    child = cluster.start(folder / "log")
    yield Address("127.0.0.1", cluster.tcp_port, "postgres", cluster.password)
    cluster.stop(child)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
async def _nothing_is_left(server: Address) -> AsyncIterator[None]:
    yield
    for tenant in (OURS, THEIRS):
        await databases.remove(server, tenant)


def database_in(server: Address, tenant: Tenant, service: str = "custody") -> Database:
    return databases.database_of(server, service, lambda role: f"{PASSWORD} of {role}", tenant)


async def made(server: Address, tenant: Tenant) -> list[Database]:
    """All databases of a tenant."""
    found = [database_in(server, tenant, service) for service in SERVICES]
    for database in found:
        await databases.create(database, tenant)
    return found


async def does(address: str, statement: str) -> object:
    connection = await asyncpg.connect(db.asyncpg_dsn(address))  # as custody does
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def by_asyncpg(address: str) -> object:
    return await does(address, "SELECT current_setting('application_name')")


async def by_sqlalchemy(address: str) -> object:
    engine = db.engine(address)
    try:
        async with engine.connect() as connection:
            return (await connection.execute(text("SELECT current_setting('application_name')"))).scalar_one()
    finally:
        await engine.dispose()


async def by_alembic(address: str) -> object:
    await db.migrate("custody", address)
    return await does(address, "SELECT current_setting('application_name')")


# --- the address


@pytest.mark.parametrize("reach", [by_asyncpg, by_sqlalchemy, by_alembic])
async def test_the_parameters_of_the_address_reach_every_driver(server: Address, reach: Callable[..., object]) -> None:
    given = Address.parse(server.admin_dsn + "?sslmode=disable&application_name=made%20of%20wood")
    database = replace(database_in(server, OURS), address=given)
    await databases.create(database, OURS)

    assert await reach(database.owner_url) == "made of wood"  # type: ignore[misc]
    insisting = replace(database, address=replace(given, options=(("sslmode", "require"),)))
    with pytest.raises(ConnectionError, match="SSL upgrade"):
        await reach(insisting.owner_url)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "postgresql://ana:a%40b@db.example:6000/maintenance",
            Address("db.example", 6000, "ana", "a@b", "maintenance"),
        ),
        ("postgresql+asyncpg://ana:pw@/postgres?host=/run/pg", Address("/run/pg", 5432, "ana", "pw")),
        ("postgres://ana@/x?host=/run/pg&port=6000", Address("/run/pg", 6000, "ana", "", "x")),
        ("postgresql://ana:p@[2001:db8::1]/", Address("2001:db8::1", 5432, "ana", "p")),
        (
            "postgresql://ana:p@h/x?sslmode=verify-full&sslrootcert=/etc/our%20ca.pem",
            Address("h", 5432, "ana", "p", "x", (("sslmode", "verify-full"), ("sslrootcert", "/etc/our ca.pem"))),
        ),
    ],
)
def test_a_server_address_is_read_whole_and_written_as_it_was_read(url: str, address: Address) -> None:
    assert Address.parse(url) == address
    assert Address.parse(address.admin_dsn) == address


@pytest.mark.parametrize(
    "url", ["mysql://x@y/z", "postgresql://h/x", "postgresql://a@h:port/x", "postgresql://a@h1,h2/x", "5432", ""]
)
def test_what_is_no_address_of_one_server_is_refused(url: str) -> None:
    with pytest.raises(BadAddress, match="DATABASE_URL must look like"):
        Address.parse(url)


# --- whose is what


async def test_two_instances_live_on_one_server_and_one_leaves_without_the_other(server: Address) -> None:
    first, second = await made(server, OURS), await made(server, THEIRS)

    for ours, theirs in zip(first, second, strict=True):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await does(server.dsn(ours.app_role, ours.app_password, theirs.name), "SELECT 1")
    assert await databases.remove(server, OURS) == ["ours_permits", "ours_custody", "ours_contracts"]

    for theirs in second:
        assert await does(theirs.app_dsn, "SELECT 1") == 1
    left = await does(server.admin_dsn, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'ours\\_%'")
    assert left == 0
    assert await databases.remove(server, OURS) == []


async def test_a_role_of_somebody_else_keeps_its_password_and_its_rights(server: Address) -> None:
    await does(server.admin_dsn, "CREATE ROLE ours_custody_owner LOGIN CREATEDB PASSWORD 'their own'")
    try:
        with pytest.raises(NotOurs, match=r"role ours_custody_owner .* was not made by this instance"):
            await databases.check_free(server, OURS)
        with pytest.raises(NotOurs):
            await databases.create(database_in(server, OURS), OURS)
        assert await databases.remove(server, OURS) == []

        theirs = server.dsn("ours_custody_owner", "their own", "postgres")
        assert await does(theirs, "SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user") is True
    finally:
        await does(server.admin_dsn, "DROP ROLE ours_custody_owner")
    await databases.create(database_in(server, OURS), OURS)  # the twin: the name is free


async def test_a_database_of_somebody_else_is_neither_opened_nor_dropped(server: Address) -> None:
    await does(server.admin_dsn, "CREATE DATABASE ours_custody")
    await does(
        server.dsn("postgres", server.password, "ours_custody"), "CREATE TABLE thesis AS SELECT 'years of work' t"
    )
    try:
        with pytest.raises(NotOurs, match="database ours_custody"):
            await databases.check_free(server, OURS)
        with pytest.raises(NotOurs):
            await databases.create(database_in(server, OURS), OURS)
        assert await databases.remove(server, OURS) == []  # though the roles were made, and go

        theirs = server.dsn("postgres", server.password, "ours_custody")
        assert await does(theirs, "SELECT t FROM thesis") == "years of work"
        assert await does(theirs, "SELECT has_database_privilege('public', 'ours_custody', 'CONNECT')") is True
    finally:
        await does(server.admin_dsn, "DROP DATABASE ours_custody")


async def test_an_administrator_who_is_no_superuser_is_enough(server: Address) -> None:
    await does(server.admin_dsn, "CREATE ROLE manager LOGIN CREATEDB CREATEROLE PASSWORD 'm'")
    managed = replace(server, admin="manager", password="m")
    try:
        for _ in range(2):  # the second start finds everything there
            await databases.check_free(managed, OURS)
            (database, *_others) = await made(managed, OURS)
        await db.migrate("permits", database.owner_url)
        assert await does(database.app_dsn, "SELECT count(*) FROM permits") == 0
        schema = databases.schema_of("permits")
        await databases.mark_schema(database, schema)
        assert await databases.has_schema(database, schema)
        open_one = await asyncpg.connect(database.app_dsn)

        assert len(await databases.remove(managed, OURS)) == 3
        with suppress(asyncpg.PostgresError):
            await open_one.close()
    finally:
        await databases.remove(server, OURS)
        await does(server.admin_dsn, "DROP ROLE manager")


async def test_an_administrator_without_the_rights_is_told_so_before_anything_is_made(server: Address) -> None:
    await does(server.admin_dsn, "CREATE ROLE guest LOGIN CREATEDB PASSWORD 'g'")
    try:
        with pytest.raises(Unusable, match="guest may not make databases and roles"):
            await databases.check_free(replace(server, admin="guest", password="g"), OURS)
    finally:
        await does(server.admin_dsn, "DROP ROLE guest")


@pytest.mark.parametrize("wrong", [{"password": "guess"}, {"port": 1}, {"host": "/nowhere"}])
async def test_a_server_that_does_not_answer_is_named(server: Address, wrong: dict[str, Any]) -> None:
    given = replace(server, **wrong)

    with pytest.raises(Unusable, match=f"the server at {given.host} cannot be used as postgres"):
        await databases.check_free(given, OURS)


async def test_text_sorts_as_on_our_own_server_whatever_the_server_prefers(server: Address) -> None:
    await databases.create(database_in(server, OURS), OURS)

    provider = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = current_database()"
    assert await does(database_in(server, OURS).app_dsn, provider) == "bC.UTF-8"


# --- docker compose on such a server


SITE = Tenant("ours_", "trozalog timber.example/loreto/2026")


@pytest.fixture
async def address_files(server: Address, tmp_path: Path) -> AsyncIterator[Path]:
    """What `docker compose run --rm secrets` made, then changed to another server and other names."""
    site_secrets.make(tmp_path)
    (tmp_path / "postgres_url").write_text(server.admin_dsn)
    for service in SERVICES:
        for kind in ("owner", "app"):
            file = tmp_path / f"{service}_{kind}_url"
            url = file.read_text().replace("@postgres:5432/", f"@{server.host}:{server.port}/ours_")
            file.write_text(url.replace(f"//{service}", f"//ours_{service}"))
    yield tmp_path
    await databases.remove(server, SITE)


async def test_compose_makes_what_its_address_files_name_and_knows_it_again(address_files: Path) -> None:
    for _ in range(2):
        await migrate.prepare(address_files, "timber.example/loreto/2026")

    serving = await does(
        (address_files / "custody_app_url").read_text(), "SELECT current_user || ' ' || current_database()"
    )
    assert serving == "ours_custody_app ours_custody"
    with pytest.raises(NotOurs, match="role ours_permits_owner"):
        await migrate.prepare(address_files, "another.example/loreto/2026")


async def test_compose_needs_the_two_roles_of_a_service_to_be_called_alike(address_files: Path) -> None:
    file = address_files / "permits_app_url"
    file.write_text(file.read_text().replace("ours_permits_app", "reader"))

    with pytest.raises(SystemExit, match="with the same beginning"):
        await migrate.prepare(address_files, "timber.example/loreto/2026")


# --- what the data folder keeps


async def test_each_data_folder_has_names_of_its_own_and_keeps_them(server: Address, tmp_path: Path) -> None:
    environ = {"DATABASE_URL": server.admin_dsn}
    settled = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        settled.append(await given_server.settle(tmp_path / name, tmp_path / name / "url", environ))
    (tmp_path / "a" / "url").write_text(server.admin_dsn)

    (one, two) = settled
    assert one is not None
    assert two is not None
    assert one[1].prefix != two[1].prefix
    assert one[1].mark != two[1].mark
    assert await given_server.settle(tmp_path / "a", tmp_path / "a" / "url", environ) == one
    assert await given_server.settle(tmp_path / "a", tmp_path / "a" / "url", {}) == one  # the variable may be forgotten


async def test_a_chosen_prefix_is_used_and_may_not_change(server: Address, tmp_path: Path) -> None:
    environ = {"DATABASE_URL": server.admin_dsn, "TIMBER_DATABASE_PREFIX": "madera_"}

    settled = await given_server.settle(tmp_path, tmp_path / "url", environ)

    assert settled is not None
    assert settled[1].prefix == "madera_"
    with pytest.raises(BadServer, match="under the prefix madera_"):
        await given_server.settle(tmp_path, tmp_path / "url", environ | {"TIMBER_DATABASE_PREFIX": "otra_"})


@pytest.mark.parametrize("prefix", ["", "Madera_", "1_", "a-b", "x" * 41, 'a"; DROP ROLE x; --'])
async def test_a_prefix_that_is_no_name_is_refused(server: Address, tmp_path: Path, prefix: str) -> None:
    with pytest.raises(BadServer, match="TIMBER_DATABASE_PREFIX must be"):
        await given_server.settle(
            tmp_path, tmp_path / "url", {"DATABASE_URL": server.admin_dsn, "TIMBER_DATABASE_PREFIX": prefix}
        )


async def test_a_prefix_that_somebody_has_is_refused_and_not_kept(server: Address, tmp_path: Path) -> None:
    await made(server, THEIRS)
    environ = {"DATABASE_URL": server.admin_dsn, "TIMBER_DATABASE_PREFIX": THEIRS.prefix}

    with pytest.raises(NotOurs):
        await given_server.settle(tmp_path, tmp_path / "url", environ)

    assert given_server.tenant_in(tmp_path) is None
    assert await given_server.settle(tmp_path, tmp_path / "url", environ | {"TIMBER_DATABASE_PREFIX": "ours_"})


async def test_records_in_a_server_of_its_own_are_not_left_for_a_given_one(server: Address, tmp_path: Path) -> None:
    (tmp_path / "pg" / "data").mkdir(parents=True)
    (tmp_path / "pg" / "data" / "PG_VERSION").write_text("18\n")

    with pytest.raises(BadServer, match="are in its own server"):
        await given_server.settle(tmp_path, tmp_path / "url", {"DATABASE_URL": server.admin_dsn})
    assert await given_server.settle(tmp_path, tmp_path / "url", {}) is None
