"""A database that served before the reviews: its plans are read, and lose the checks that their reviews now keep."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg

import services.permits
from deploy.databases import Database
from services.permits.domain.plan import Summary
from shared.web.db import migrate

OWN = Path(services.permits.__file__).parent / "migrations"
PLAN = """
INSERT INTO organisations (id, name, kind, sid) VALUES ('comunidad-a', 'A', 'community', 's');
INSERT INTO titles (number, org, region, area_m2, declared_area_m2, polygon_sha256, sid)
    VALUES ('CN-A', 'comunidad-a', 'madre-de-dios', 1, 1, repeat('0', 64), 's');
INSERT INTO plans (id, title, org, region, number, season, parcels, form_factor_milli, harvest_from, harvest_to,
    census_basis, state, created_by, census)
    VALUES ('PO-1', 'CN-A', 'comunidad-a', 'madre-de-dios', '1', '1', '[]', 650, '2025-01-01', '2025-12-31', 'listed',
    'draft', 'u-1', '{"trees": 2, "harvestable": 2, "harvestable_dm3": 9, "parts": 1, "root": "r", "file_sha256": null,
    "checks": [{"rule": "P07"}]}');
"""


async def test_plans_of_before_the_reviews_stay_readable(
    database_for: Callable[[str], Database], tmp_path: Path
) -> None:
    database = database_for("permits")
    before = tmp_path / "permits" / "migrations"
    shutil.copytree(OWN, before, ignore=lambda _, names: [n for n in names if n[:2] == "00" and n[:4] != "0001"])
    await migrate("permits", database.owner_url, tmp_path)
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute(PLAN)

    await migrate("permits", database.owner_url)

    kept = Summary(**json.loads(await admin.fetchval("SELECT census FROM plans")))
    assert (kept.trees, kept.root) == (2, "r")
    forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'plans'"
    assert await admin.fetchval(forced)
    await admin.close()


HANDED_IN = """
INSERT INTO plans (id, title, org, region, number, season, parcels, form_factor_milli, harvest_from, harvest_to,
    census_basis, state, created_by, census)
    SELECT 'PO-' || n, title, org, region, n::text, season, parcels, form_factor_milli, harvest_from, harvest_to,
    census_basis, state, created_by, census FROM plans, generate_series(2, 3) n;
INSERT INTO plan_acts (plan, act, person, org, at, reason, state, documents, facts)
    SELECT plan, 'submit', 'u-1', 'comunidad-a', at::timestamptz, '', 'submitted', '[]', '{}' FROM (VALUES
    ('PO-2', '2026-11-01 12:00Z'), ('PO-1', '2026-11-01 12:00Z'), ('PO-2', '2026-11-09 12:00Z')) AS a (plan, at);
INSERT INTO census_prints (plan, org, region, root, trees, keys, handed_in_at, current, marks)
    SELECT plan, 'comunidad-a', 'madre-de-dios', root, 1, 0, at::timestamptz, marks IS NOT NULL, marks::bytea FROM (VALUES
    ('PO-2', 'old', '2026-11-01 12:00Z', NULL), ('PO-1', 'r', '2026-11-01 12:00Z', 'm'),
    ('PO-2', 'mended', '2026-11-01 12:00Z', 'm'), ('PO-3', 'r', '2020-01-01 12:00Z', 'm')) AS p (plan, root, at, marks);
"""


async def test_censuses_of_before_have_the_number_of_the_submission_that_their_day_was_of(
    database_for: Callable[[str], Database], tmp_path: Path
) -> None:
    database = database_for("permits")
    before = tmp_path / "permits" / "migrations"
    shutil.copytree(OWN, before, ignore=lambda _, names: [n for n in names if n[:4].isdigit() and n[:4] >= "0010"])
    await migrate("permits", database.owner_url, tmp_path)
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute(PLAN.replace(""",
    "checks": [{"rule": "P07"}]""", ""))  # fmt: skip
    await admin.execute(HANDED_IN)

    await migrate("permits", database.owner_url)

    numbers = dict(await admin.fetch("SELECT plan || ' ' || root, handed_in FROM census_prints"))
    first, second, _ = [row["seq"] for row in await admin.fetch("SELECT seq FROM plan_acts ORDER BY seq")]
    assert numbers == {"PO-2 old": first, "PO-2 mended": first, "PO-1 r": second, "PO-3 r": 0}
    assert await admin.fetchval("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'plan_acts'")
    await admin.close()
