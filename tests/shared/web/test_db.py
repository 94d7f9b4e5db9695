"""Against real PostgreSQL: a transaction sees what its caller may see, and migrations may run twice at once."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from deploy.databases import Database as Made
from shared.web import deadline
from shared.web.auth import Caller
from shared.web.db import Database, asyncpg_dsn, migrate, wait_for_database
from tests.tokens import ORG, OTHER_ORG

MakeDatabase = Callable[[str], Made]
ENV = "from shared.web.db import run_migrations\n\nrun_migrations()\n"
FIRST = """
from alembic import op

from shared.web.db import app_role

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TABLE log (code text PRIMARY KEY, org text NOT NULL)")
    op.execute("SELECT pg_sleep(0.2)")
    op.execute(f"GRANT SELECT, INSERT ON log TO {app_role()}")
    op.execute("ALTER TABLE log ENABLE ROW LEVEL SECURITY")
    op.execute(\"\"\"CREATE POLICY own ON log USING (
        org = nullif(current_setting('app.org', true), '')
        OR 'auditor' = ANY (string_to_array(current_setting('app.roles', true), ','))
    )\"\"\")
"""
SECOND = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE log ADD COLUMN species text")
"""
MIGRATE = """
import asyncio, sys, pathlib
from shared.web.db import migrate
asyncio.run(migrate("permits", sys.argv[1], pathlib.Path(sys.argv[2])))
"""
OURS, THEIRS = Caller("u-1", ORG, frozenset({"member"})), Caller("u-2", OTHER_ORG, frozenset({"member", "manager"}))
AUDITOR = Caller("u-3", "auditoria-1", frozenset({"auditor"}))


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A folder of services with two revisions of one."""
    versions = tmp_path / "permits" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text(ENV)
    (versions / "0001_log.py").write_text(FIRST)
    (versions / "0002_species.py").write_text(SECOND)
    return tmp_path


@pytest.fixture
async def database(database_for: MakeDatabase, migrations: Path) -> AsyncIterator[Database]:
    """A migrated database with a pool of two."""
    made = database_for("permits")
    await migrate("permits", made.owner_url, migrations)
    database = Database(made.app_dsn, pool=2)
    yield database
    await database.close()


async def _codes(database: Database, caller: Caller | None) -> list[str]:
    async with database.transaction(caller) as tx:
        return [row[0] for row in await tx.execute(text("SELECT code FROM log ORDER BY code"))]


async def _add(database: Database, caller: Caller, code: str, org: str) -> None:
    async with database.transaction(caller) as tx:
        await tx.execute(text("INSERT INTO log (code, org) VALUES (:code, :org)"), {"code": code, "org": org})


async def test_a_caller_sees_what_the_policy_shows_and_nobody_sees_nothing(database: Database) -> None:
    await _add(database, OURS, "A", ORG)
    await _add(database, THEIRS, "B", OTHER_ORG)

    assert await _codes(database, OURS) == ["A"]
    assert await _codes(database, THEIRS) == ["B"]
    assert await _codes(database, AUDITOR) == ["A", "B"]
    assert await _codes(database, None) == []


async def test_a_row_for_another_organisation_is_refused_by_the_database(database: Database) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        await _add(database, OURS, "B", OTHER_ORG)


async def test_nothing_of_a_caller_stays_in_the_pool(database: Database) -> None:
    await _add(database, OURS, "A", ORG)
    await _add(database, THEIRS, "B", OTHER_ORG)
    callers = (OURS, THEIRS, AUDITOR, None)

    async def read(i: int) -> None:
        caller = callers[i % 4]
        expected = [["A"], ["B"], ["A", "B"], []][i % 4]
        async with database.transaction(caller) as tx:
            codes = [row[0] for row in await tx.execute(text("SELECT code FROM log ORDER BY code"))]
            assert codes == expected
            if i % 5 == 0:
                raise ConnectionError("the handler failed")

    results = []
    for at in range(0, 200, 8):  # more than there are connections, and no more than come to one in time
        results += await asyncio.gather(*(read(i) for i in range(at, at + 8)), return_exceptions=True)

    assert {type(r) for r in results} == {type(None), ConnectionError}


async def test_a_block_that_fails_leaves_nothing_behind(database: Database) -> None:
    async def fail_halfway() -> None:
        async with database.transaction(OURS) as tx:
            await tx.execute(text("INSERT INTO log (code, org) VALUES ('A', :org)"), {"org": ORG})
            raise ConnectionError("the handler failed")

    with pytest.raises(ConnectionError):
        await fail_halfway()

    assert await _codes(database, OURS) == []


async def test_a_statement_does_not_outlive_the_wait_of_the_gateway(database: Database) -> None:
    deadline.begin(b"150")

    with pytest.raises(DBAPIError, match="statement timeout"):
        async with database.transaction() as tx:
            await tx.execute(text("SELECT pg_sleep(5)"))


async def test_a_failed_statement_does_not_tell_its_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as no:
        await _add(database, OURS, "secret-code", OTHER_ORG)

    assert "secret-code" not in str(no.value)


async def test_several_processes_may_migrate_at_once(database_for: MakeDatabase, migrations: Path) -> None:
    made = database_for("permits")
    words = [sys.executable, "-c", MIGRATE, made.owner_url, str(migrations)]

    several = [await asyncio.create_subprocess_exec(*words) for _ in range(3)]
    assert await asyncio.gather(*(process.wait() for process in several)) == [0, 0, 0]
    await migrate("permits", made.owner_url, migrations)

    owner = await asyncpg.connect(made.owner_dsn)
    assert await owner.fetch("SELECT version_num FROM alembic_version") == [("0002",)]
    await owner.close()


async def test_a_revision_that_fails_leaves_the_schema_as_it_was(database_for: MakeDatabase, migrations: Path) -> None:
    made = database_for("permits")
    broken = migrations / "permits" / "migrations" / "versions" / "0002_species.py"
    broken.write_text(SECOND.replace("ALTER TABLE log", "ALTER TABLE no_such_table"))

    with pytest.raises(DBAPIError, match="no_such_table"):
        await migrate("permits", made.owner_url, migrations)

    owner = await asyncpg.connect(made.owner_dsn)
    assert await owner.fetchval("SELECT to_regclass('log')") is None
    broken.write_text(SECOND)
    await migrate("permits", made.owner_url, migrations)
    assert await owner.fetchval("SELECT to_regclass('log')::text") == "log"
    await owner.close()


async def test_the_application_may_not_migrate(database_for: MakeDatabase, migrations: Path) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        await migrate("permits", database_for("permits").app_url, migrations)


async def test_waiting_ends_when_the_database_answers_and_when_it_never_does(database_for: MakeDatabase) -> None:
    made = database_for("permits")

    await wait_for_database(made.app_url, 5)
    with pytest.raises((OSError, DBAPIError)):
        await wait_for_database("postgresql://u:p@/x?host=/nowhere", 0.2)


async def test_health_asks_the_database(database: Database) -> None:
    gone = Database("postgresql://u:p@/x?host=/nowhere")

    assert await database.ping() == {"database": "ok"}
    with pytest.raises(OSError, match="No such file"):
        await gone.ping()


@pytest.mark.parametrize(
    "given", ["postgres://u:p%40x@h:1/d", "postgresql://u:p%40x@h:1/d", "postgresql+asyncpg://u:p%40x@h:1/d"]
)
def test_every_spelling_of_an_address_is_understood(given: str) -> None:
    assert asyncpg_dsn(given) == "postgresql://u:p%40x@h:1/d"
