"""A migration may change everything but the log: it is hashed again before and after, or nothing was migrated."""

import shutil
from pathlib import Path

import pytest

import services.custody
from services.custody.main import whole_log
from services.custody.operate import check
from services.custody.soundness.damage import Damage
from shared.web.db import MigrationRefused, migrate
from tests.custody.conftest import Custody
from tests.custody.set_back import rows, tampering

OWN = Path(services.custody.__file__).parent / "migrations"
NEWEST = max(path.name for path in (OWN / "versions").glob("*.py")).partition("_")[0]
ENTRIES = "ALTER TABLE entry DISABLE TRIGGER USER"
HEAD = "UPDATE tlog SET size = 0, edge = ''"


def with_revision(folder: Path, *statements: str) -> Path:
    """The migrations of custody, and one more."""
    shutil.copytree(OWN, folder / "custody" / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    body = "\n".join(f"    op.execute({statement!r})" for statement in statements)
    text = (
        f'from alembic import op\n\nrevision = "9999"\ndown_revision = "{NEWEST}"\n\n\ndef upgrade() -> None:\n{body}\n'
    )
    (folder / "custody" / "migrations" / "versions" / "9999_next.py").write_text(text)
    return folder


async def version(custody: Custody) -> str:
    [(found,)] = await rows(custody, "SELECT version_num FROM alembic_version")
    return str(found)


async def test_a_migration_that_leaves_the_log_as_it_was_is_made(shelved: Custody, tmp_path: Path) -> None:
    folder = with_revision(tmp_path / "next", "ALTER TABLE entry ADD COLUMN seen_at timestamptz")

    await migrate("custody", shelved.database.owner_url, folder, whole_log)

    assert await version(shelved) == "9999"
    await check(shelved.settings)


@pytest.mark.parametrize(
    "statements",
    [
        (ENTRIES, "DELETE FROM entry WHERE idx = 300"),
        (ENTRIES, "UPDATE entry SET body = body || '\\x00'::bytea WHERE idx = 300"),
        ("ALTER TABLE tile DISABLE TRIGGER USER", "DELETE FROM tile"),
    ],
)
async def test_a_migration_that_harms_the_log_leaves_nothing_behind(
    shelved: Custody, tmp_path: Path, statements: tuple[str, ...]
) -> None:
    folder = with_revision(tmp_path / "next", *statements)

    with pytest.raises(Damage):
        await migrate("custody", shelved.database.owner_url, folder, whole_log)

    assert await version(shelved) == NEWEST
    await check(shelved.settings)


async def test_a_migration_that_makes_another_log_of_it_leaves_nothing_behind(shelved: Custody, tmp_path: Path) -> None:
    """All that is left fits together: but it is less."""
    tables = ("entry", "tile", "checkpoint", "cosignature")
    emptied = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables]
    emptied += [f"DELETE FROM {table}" for table in tables]
    folder = with_revision(tmp_path / "next", *emptied, HEAD)

    with pytest.raises(MigrationRefused):
        await migrate("custody", shelved.database.owner_url, folder, whole_log)

    assert await version(shelved) == NEWEST
    await check(shelved.settings)


async def test_a_damaged_log_is_not_migrated(shelved: Custody, tmp_path: Path) -> None:
    async with tampering(shelved.database) as connection:
        await connection.execute("DELETE FROM entry WHERE idx = 300")

    with pytest.raises(Damage, match="entry 300"):
        await migrate("custody", shelved.database.owner_url, with_revision(tmp_path / "next", "SELECT 1"), whole_log)

    assert await version(shelved) == NEWEST


async def test_a_log_that_is_up_to_date_is_not_read_again(shelved: Custody) -> None:
    async with tampering(shelved.database) as connection:
        await connection.execute("DELETE FROM entry WHERE idx = 300")

    await migrate("custody", shelved.database.owner_url, look=whole_log)  # every start of a site does this
