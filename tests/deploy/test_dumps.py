"""The file of a backup: what was written is read back, and nothing else is taken for a backup."""

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy import databases, dumps
from deploy.databases import SERVICES, Database
from deploy.dumps import BadBackup
from tests.databases import TESTS


def written(folder: Path) -> tuple[dict[str, Any], Path]:
    """A backup of three small files that stand for dumps."""
    folder.mkdir()
    for service in SERVICES:
        (folder / f"{service}.dump").write_bytes(service.encode() * 1000)
    found = {service: dumps.facts_of(folder / f"{service}.dump") for service in SERVICES}
    manifest = {"format": dumps.FORMAT, "databases": found}
    dumps.pack(manifest, folder, folder / "backup")
    return manifest, folder / "backup"


def test_what_was_packed_is_unpacked_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    manifest, file = written(tmp_path / "a")
    (tmp_path / "b").mkdir()

    assert dumps.unpack(file, tmp_path / "b") == manifest
    assert (tmp_path / "b" / "custody.dump").read_bytes() == b"custody" * 1000
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"custodycustody", b"custodyCustody", 1),
        lambda data: data.replace(b"permitspermits", b"permitsPermits", 1),
        lambda data: data.replace(b"trozalog-backup/1", b"trozalog-backup/2"),
        lambda data: data.replace(b"manifest.json", b"manifest.jsoN"),
        lambda _: b"",
        lambda _: b"not a tar at all" * 100,
    ],
    ids=["cut", "custody", "permits", "version", "no-manifest", "empty", "another"],
)
def test_a_file_that_is_not_whole_is_no_backup(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    _, file = written(tmp_path / "a")
    file.write_bytes(spoil(file.read_bytes()))
    (tmp_path / "b").mkdir()

    with pytest.raises(BadBackup) as refused:
        dumps.unpack(file, tmp_path / "b")
    assert "Error" not in str(refused.value)


def test_a_name_in_the_file_leads_nowhere_else(tmp_path: Path) -> None:
    """Members are read by the names we expect, never by those that the file likes."""
    manifest, file = written(tmp_path / "a")
    outside = tmp_path / "outside"
    with tarfile.open(file, "w") as tar:
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        tar.add(tmp_path / "manifest.json", "manifest.json")
        tar.add(tmp_path / "a" / "custody.dump", "../outside")
    (tmp_path / "b").mkdir()

    with pytest.raises(BadBackup):
        dumps.unpack(file, tmp_path / "b")
    assert not outside.exists()


async def test_a_dump_is_restored_beside_the_real_database(
    database_for: Callable[[str], Database], tmp_path: Path
) -> None:
    database = database_for("custody")
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("CREATE TABLE kept (n integer PRIMARY KEY); INSERT INTO kept VALUES (7)")
    await owner.execute(f'GRANT SELECT ON kept TO "{database.app_role}"')
    await owner.close()
    dumps.dump(database, tmp_path / "dump")

    beside = await dumps.restored(database, TESTS, "beside", tmp_path / "dump")
    try:
        app = await asyncpg.connect(beside.app_dsn)
        assert await app.fetchval("SELECT n FROM kept") == 7  # with the rights of the service's role
        await app.close()
    finally:
        await databases.drop(beside)


async def test_a_dump_that_cannot_be_restored_leaves_no_database_behind(
    database_for: Callable[[str], Database], tmp_path: Path
) -> None:
    database = database_for("custody")
    (tmp_path / "dump").write_bytes(b"PGDMP nonsense")

    with pytest.raises(BadBackup, match="pg_restore"):
        await dumps.restored(database, TESTS, "beside", tmp_path / "dump")

    async with databases.administrator(database.address) as admin:
        assert not await admin.fetchval(
            "SELECT count(*) FROM pg_database WHERE datname = $1", f"{database.name}_beside"
        )


async def with_a_number(database: Database, n: int) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(f"CREATE TABLE kept AS SELECT {n} AS n")
    await owner.close()


async def number_in(database: Database) -> int:
    owner = await asyncpg.connect(database.owner_dsn)
    found: int = await owner.fetchval("SELECT n FROM kept")
    await owner.close()
    return found


async def test_restored_databases_take_their_names_together_or_not_at_all(
    database_for: Callable[[str], Database],
) -> None:
    real = [database_for("permits"), database_for("custody")]
    beside = [replace(database, name=f"{database.name}_beside") for database in real]
    missing = replace(real[1], name=f"{real[1].name}_missing")
    for n, database in enumerate(real):
        await with_a_number(database, n)
    for n, database in enumerate(beside):
        await databases.create(database, TESTS)
        await with_a_number(database, 10 + n)
    lingering = await asyncpg.connect(real[0].app_dsn)  # of a service that was killed
    try:
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await databases.exchange([(real[0], beside[0]), (real[1], missing)])
        assert [await number_in(one) for one in (*real, *beside)] == [0, 1, 10, 11]

        await databases.exchange(list(zip(real, beside, strict=True)))

        assert [await number_in(one) for one in real] == [10, 11]
        async with databases.administrator(real[0].address) as admin:
            names = {row["datname"] for row in await admin.fetch("SELECT datname FROM pg_database")}
        assert not names & {f"{one.name}{end}" for one in real for end in ("_beside", "_replaced")}
    finally:
        lingering.terminate()
        for database in beside:
            await databases.drop(database)
