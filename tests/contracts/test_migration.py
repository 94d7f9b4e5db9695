"""A database that served before each party kept its own sheet: what happened to a lot becomes one sequence, in its order."""

import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg

import services.contracts
from deploy.databases import Database
from shared.web.db import migrate

OWN = Path(services.contracts.__file__).parent / "migrations"
A, B, C, D, K = (letter * 32 for letter in "abcde")
# Of one lot the community's sheet A, the buyer's B that took its place before that was an entry, and C that took B's; of
# another lot D, which was closed.
BEFORE = f"""
INSERT INTO contract (id, community, buyer, title, region, offered_on, offer, offer_sha256, created_by_org, created_by)
    VALUES ('{K}', 'comunidad-a', 'aserradero-1', 'x', 'x', '2026-01-01', '{{}}', repeat('e', 64), 'comunidad-a', 'u');
INSERT INTO contract_version (contract_id, number, content, sha256, written_by_org, written_by, written_at)
    VALUES ('{K}', 1, '{{}}', repeat('a', 64), 'comunidad-a', 'u', now());
INSERT INTO settlement (id, contract_id, version, lot, seq, content, sha256, stated_by_org, stated_by, stated_at) VALUES
    ('{A}', '{K}', 1, 'L-1', 1, '{{}}', repeat('a', 64), 'comunidad-a', 'u', '2026-01-01'),
    ('{D}', '{K}', 1, 'L-2', 2, '{{}}', repeat('a', 64), 'comunidad-a', 'u', '2026-01-02'),
    ('{B}', '{K}', 1, 'L-1', 3, '{{}}', repeat('a', 64), 'aserradero-1', 'v', '2026-01-03'),
    ('{C}', '{K}', 1, 'L-1', 4, '{{}}', repeat('a', 64), 'aserradero-1', 'v', '2026-01-04');
INSERT INTO settlement_entry (settlement_id, seq, kind, content, org, by_sub, at) VALUES
    ('{A}', 1, 'payment', '{{}}', 'comunidad-a', 'u', '2026-01-02'),
    ('{B}', 1, 'payment', '{{}}', 'aserradero-1', 'v', '2026-01-03'),
    ('{B}', 2, 'replaced', '{{"by":"{C}"}}', 'aserradero-1', 'v', '2026-01-04'),
    ('{C}', 1, 'payment', '{{}}', 'comunidad-a', 'u', '2026-01-05'),
    ('{D}', 1, 'payment', '{{}}', 'comunidad-a', 'u', '2026-01-03'),
    ('{D}', 2, 'closed', '{{}}', 'comunidad-a', 'u', '2026-01-04');
"""


async def test_what_happened_to_the_sheets_of_a_lot_becomes_one_sequence(
    database_for: Callable[[str], Database], tmp_path: Path
) -> None:
    database = database_for("contracts")
    before = tmp_path / "contracts" / "migrations"
    shutil.copytree(OWN, before, ignore=lambda _, names: [n for n in names if n[:2] == "00" and n[:4] > "0007"])
    await migrate("contracts", database.owner_url, tmp_path)
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute(BEFORE)

    await migrate("contracts", database.owner_url)

    found = await admin.fetch("SELECT lot, seq, settlement_id, kind, org FROM settlement_entry ORDER BY lot, seq")
    assert [tuple(row) for row in found] == [
        ("L-1", 1, A, "payment", "comunidad-a"), ("L-1", 2, A, "replaced", "aserradero-1"),
        ("L-1", 3, B, "payment", "aserradero-1"), ("L-1", 4, B, "replaced", "aserradero-1"),
        ("L-1", 5, C, "payment", "comunidad-a"),
        ("L-2", 1, D, "payment", "comunidad-a"), ("L-2", 2, D, "closed", "comunidad-a"),
    ]  # fmt: skip
    by = await admin.fetchval(
        "SELECT convert_from(content, 'UTF8') FROM settlement_entry WHERE settlement_id = $1 AND kind = 'replaced'", A
    )
    assert by == f'{{"by":"{B}"}}'
    forced = "SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relname IN ('settlement', 'settlement_entry')"
    assert await admin.fetchval(forced)
    await admin.close()
