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
