"""The embedded server and the borders between services."""

from collections.abc import Callable

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.databases import Address, Database

MakeDatabase = Callable[[str], Database]


async def test_the_owner_makes_tables_and_the_app_uses_only_what_was_granted(database_for: MakeDatabase) -> None:
    custody = database_for("custody")
    owner = await asyncpg.connect(custody.owner_dsn)
    await owner.execute("CREATE TABLE entry (i int); GRANT SELECT, INSERT ON entry TO custody_app")
    await owner.close()

    app = await asyncpg.connect(custody.app_dsn)
    await app.execute("INSERT INTO entry VALUES (1)")

    assert await app.fetchval("SELECT i FROM entry") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("DELETE FROM entry")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("CREATE TABLE mine (i int)")
    await app.close()


async def test_a_service_cannot_connect_to_another_services_database(database_for: MakeDatabase) -> None:
    custody, permits = database_for("custody"), database_for("permits")
    theirs = custody.address.dsn("permits_app", permits.app_password, custody.name)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(theirs)

    own = await asyncpg.connect(permits.app_dsn)
    await own.close()


async def test_a_wrong_password_does_not_open_the_socket(database_for: MakeDatabase) -> None:
    custody = database_for("custody")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(custody.address.dsn("custody_app", "wrong", custody.name))


async def test_the_server_checks_its_pages_and_sorts_the_same_everywhere(database_for: MakeDatabase) -> None:
    admin = await asyncpg.connect(database_for("custody").admin_dsn)

    assert await admin.fetchval("SHOW data_checksums") == "on"
    assert await admin.fetchval("SHOW listen_addresses") == ""
    assert await admin.fetchval("SELECT upper('ñandú')") == "ÑANDÚ"
    await admin.close()


def test_a_server_address_is_read_from_a_url() -> None:
    tcp = Address.parse("postgresql://ana:a%40b@db.example:6000/maintenance")
    socket = Address.parse("postgresql+asyncpg://ana:pw@/postgres?host=/run/pg")

    assert tcp == Address("db.example", 6000, "ana", "a@b", "maintenance")
    assert socket == Address("/run/pg", 5432, "ana", "pw")
    with pytest.raises(ValueError, match="DATABASE_URL"):
        Address.parse("mysql://x@y/z")


async def test_sqlalchemy_reads_the_same_address(database_for: MakeDatabase) -> None:
    engine = create_async_engine(database_for("contracts").app_url)

    async with engine.connect() as connection:
        role = (await connection.execute(text("SELECT current_user"))).scalar_one()

    assert role == "contracts_app"
    await engine.dispose()
