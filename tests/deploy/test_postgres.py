"""The embedded server and the borders between services."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from deploy.databases import Address, Database, close_to_services, has_schema, mark_schema, schema_of
from deploy.postgres import Cluster, PostgresError
from deploy.process import alive, working_in
from shared.web import db

MakeDatabase = Callable[[str], Database]
PATIENCE_S = 120.0


async def test_the_owner_makes_tables_and_the_app_uses_only_what_was_granted(database_for: MakeDatabase) -> None:
    custody = database_for("custody")
    owner = await asyncpg.connect(custody.owner_dsn)
    await owner.execute(f"CREATE TABLE entry (i int); GRANT SELECT, INSERT ON entry TO {custody.app_role}")
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
    theirs = custody.address.dsn(permits.app_role, permits.app_password, custody.name)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(theirs)

    own = await asyncpg.connect(permits.app_dsn)
    await own.close()


async def test_a_wrong_password_does_not_open_the_socket(database_for: MakeDatabase) -> None:
    custody = database_for("custody")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(custody.address.dsn(custody.app_role, "wrong", custody.name))


async def test_the_server_checks_its_pages_and_sorts_the_same_everywhere(database_for: MakeDatabase) -> None:
    admin = await asyncpg.connect(database_for("custody").admin_dsn)

    assert await admin.fetchval("SHOW data_checksums") == "on"
    assert await admin.fetchval("SHOW listen_addresses") == ""
    assert await admin.fetchval("SELECT upper('ñandú')") == "ÑANDÚ"
    await admin.close()


async def test_sqlalchemy_reads_the_same_address(database_for: MakeDatabase) -> None:
    contracts = database_for("contracts")
    engine = db.engine(contracts.app_url)

    async with engine.connect() as connection:
        role = (await connection.execute(text("SELECT current_user"))).scalar_one()

    assert role == contracts.app_role
    await engine.dispose()


@pytest.fixture
def area() -> Iterator[Path]:
    """A folder with a short path that the database's user may walk through."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def cluster_in(area: Path) -> Cluster:
    return Cluster(area / "pg", area / "secret", durable=False)


async def written_before(cluster: Cluster, statement: str) -> None:
    address = Address(str(cluster.socket_dir), 5432, "postgres", cluster.password)
    admin = await asyncpg.connect(address.dsn("postgres", cluster.password, "postgres"))
    await admin.execute(statement)
    await admin.close()


async def test_a_killed_server_starts_again_with_what_was_committed(area: Path) -> None:
    cluster = cluster_in(area)
    cluster.durable = True
    cluster.prepare()
    child = cluster.start(area / "log")
    await written_before(cluster, "CREATE TABLE kept (i int)")
    child.kill()
    child.wait()

    again = cluster_in(area)
    again.prepare()
    child = again.start(area / "log")

    await written_before(again, "INSERT INTO kept VALUES (1)")
    again.stop(child)


def test_a_pid_file_whose_number_belongs_to_someone_else_does_not_block_the_start(area: Path) -> None:
    cluster = cluster_in(area)
    cluster.prepare()
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.data}\n1\n5432\n/tmp\n\n  1 1\nready   \n")

    cluster.prepare()

    child = cluster.start(area / "log")
    cluster.stop(child)


def test_a_socket_whose_lock_names_a_process_of_someone_else_does_not_block_the_start(area: Path) -> None:
    cluster = cluster_in(area)
    cluster.prepare()
    lock = cluster.socket_dir / ".s.PGSQL.5432.lock"
    lock.write_text(f"{os.getpid()}\n{cluster.data}\n1\n5432\n{cluster.socket_dir}\n")

    cluster.prepare()

    assert not lock.exists()
    cluster.stop(cluster.start(area / "log"))


async def test_a_backend_whose_server_was_killed_ends_before_another_server_starts(area: Path) -> None:
    cluster = cluster_in(area)
    cluster.prepare()
    child = cluster.start(area / "log")
    address = Address(str(cluster.socket_dir), 5432, "postgres", cluster.password)
    busy = await asyncpg.connect(address.admin_dsn)
    number = busy.get_server_pid()
    at_work = asyncio.create_task(busy.execute("SELECT count(*) FROM generate_series(1, 10000000000)"))
    async with asyncio.timeout(PATIENCE_S):
        while await is_idle(address, number):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    child.kill()
    child.wait()

    again = cluster_in(area)
    again.prepare()

    assert working_in(again.data) == []
    assert not alive(number)
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await at_work
    again.stop(again.start(area / "log"))


async def is_idle(address: Address, number: int) -> bool:
    watcher = await asyncpg.connect(address.admin_dsn)
    state = await watcher.fetchval("SELECT state FROM pg_stat_activity WHERE pid = $1", number)
    await watcher.close()
    return bool(state != "active")


def test_a_server_that_outlived_its_launcher_is_stopped_first(area: Path) -> None:
    cluster = cluster_in(area)
    cluster.prepare()
    orphan = cluster.start(area / "log")

    again = cluster_in(area)
    again.prepare()

    assert orphan.wait(PATIENCE_S) == 0
    again.stop(again.start(area / "log"))


def test_data_of_another_major_version_is_not_touched(area: Path) -> None:
    cluster = cluster_in(area)
    cluster.prepare()
    (cluster.data / "PG_VERSION").write_text("12\n")

    with pytest.raises(PostgresError, match="belongs to PostgreSQL 12") as refused:
        cluster_in(area).prepare()

    assert "Nothing was touched" in str(refused.value)


def test_an_interrupted_making_of_the_data_is_begun_anew(area: Path) -> None:
    half = area / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    cluster = cluster_in(area)

    cluster.prepare()

    assert not half.exists()
    cluster.stop(cluster.start(area / "log"))


def test_a_data_folder_of_something_else_is_left_alone(area: Path) -> None:
    (area / "pg" / "data").mkdir(parents=True)
    (area / "pg" / "data" / "thesis.odt").write_text("years of work")

    with pytest.raises(PostgresError, match="stays as it is"):
        cluster_in(area).prepare()

    assert (area / "pg" / "data" / "thesis.odt").exists()


def test_a_server_that_cannot_start_says_why(area: Path) -> None:
    cluster = cluster_in(area)
    cluster.prepare()
    with (cluster.data / "postgresql.conf").open("a") as settings:
        settings.write("shared_preload_libraries = 'no_such_library'\n")

    with pytest.raises(PostgresError, match="no_such_library"):
        cluster.start(area / "log")


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="the given server may be somebody's")
async def test_a_service_cannot_connect_to_the_administrators_database(
    postgres: Address, database_for: MakeDatabase
) -> None:
    custody = database_for("custody")
    await close_to_services(postgres)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(custody.address.dsn(custody.app_role, custody.app_password, "postgres"))


async def test_a_schema_is_marked_in_the_database_itself(database_for: MakeDatabase) -> None:
    custody, schema = database_for("custody"), schema_of("custody")

    assert not await has_schema(custody, schema)
    await mark_schema(custody, schema)

    assert await has_schema(custody, schema)
    assert not await has_schema(custody, schema_of("permits"))
