"""Who may call what, and what the database itself keeps from the wrong organisation."""

from typing import Any

import asyncpg
import orjson
import pytest

from services.permits.access import ACCESS
from tests.access_matrix import Sample, check_matrix
from tests.permits.conftest import MANAGER, OFFICER, PERMIT, PLAN, SQUARE, TITLE, Permits, a_census, a_plan, a_title
from tests.tokens import ORG, Issuer


class National(Issuer):
    """Gives everybody the whole country, so that the table alone decides; borders are tested in test_regions."""

    def token(self, *roles: str, org: str = ORG, sub: str = "u-1", **more: Any) -> str:
        return super().token(*roles, org=org, sub=sub, **({"region": "*"} | more))


async def test_every_operation_answers_each_role_as_the_table_says(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    drawn = {"content": orjson.dumps(SQUARE), "headers": {"content-type": "application/geo+json"}}
    await permits.call("POST", f"/v1/plans/{PLAN}/parcels/PC 01/shape", MANAGER, 200, **drawn)
    await permits.issued_permit()
    await permits.post("/v1/titles", OFFICER, a_title(number="CN-B", org="comunidad-b"))
    samples = {
        "read_permit": Sample(f"/v1/permits/{PERMIT}"),
        "verify_permit": Sample(f"/v1/permits/{PERMIT}/verify"),
        "read_plan": Sample(f"/v1/plans/{PLAN}"),
        "list_plans": Sample("/v1/plans"),
        "list_verifications": Sample(f"/v1/plans/{PLAN}/verifications"),
        "list_supervisions": Sample(f"/v1/plans/{PLAN}/supervisions"),
        "list_trees": Sample(f"/v1/plans/{PLAN}/trees"),
        "read_tree": Sample(f"/v1/plans/{PLAN}/trees/501"),
        "read_shape": Sample(f"/v1/plans/{PLAN}/parcels/PC 01/shape"),
        "check_land": Sample(f"/v1/plans/{PLAN}/land-check", hidden=403),
        "export_csv": Sample(f"/v1/plans/{PLAN}/census.csv", hidden=403),
        "list_zones": Sample(f"/v1/titles/{TITLE}/zones", "/v1/titles/CN-B/zones", hidden=403),
        "read_title": Sample(f"/v1/titles/{TITLE}", "/v1/titles/CN-B"),
        "read_organisation": Sample("/v1/organisations/comunidad-a", "/v1/organisations/comunidad-b"),
        "list_plan_findings": Sample(f"/v1/plans/{PLAN}/findings"),
        "read_track_record": Sample(
            "/v1/organisations/comunidad-a/track-record", "/v1/organisations/comunidad-b/track-record"
        ),
        "list_publications": Sample("/v1/publications"),
    }

    national = National(key=permits.issuer.key)
    assert await check_matrix(permits.app, ACCESS, national, samples) == []


SEEN = {
    "plans": "SELECT count(*) FROM plans",
    "trees": "SELECT count(*) FROM census_trees",
    "lines": "SELECT count(*) FROM census_lines",
    "polygons": "SELECT count(*) FROM title_polygons",
    "permits": "SELECT count(*) FROM permits",
    "papers": "SELECT count(*) FROM finding_papers",
    "reviews": "SELECT count(*) FROM plan_reviews",
}
NOTHING = dict.fromkeys(SEEN, 0)
ALL = {"plans": 1, "trees": 2, "lines": 2, "polygons": 1, "permits": 0, "papers": 39, "reviews": 1}


async def as_somebody(
    permits: Permits, org: str | None, roles: str | None, region: str | None = None
) -> asyncpg.Connection:
    connection = await asyncpg.connect(permits.database.app_dsn)
    for name, value in (("app.org", org), ("app.roles", roles), ("app.region", region)):
        if value is not None:
            await connection.execute("SELECT set_config($1, $2, false)", name, value)
    return connection


@pytest.mark.parametrize(
    ("org", "roles", "region", "seen"),
    [
        (None, None, None, NOTHING),
        ("", "", "", NOTHING),
        ("comunidad-b", "manager,member", "madre-de-dios", NOTHING),
        ("otra-firma", "regent", "*", NOTHING),
        ("trozalog", "operator", "*", NOTHING),
        ("gerfor-md", "authority", None, NOTHING),
        ("gerfor-md", "authority", "", NOTHING),
        ("gerfor-lo", "authority", "loreto", NOTHING),
        ("osinfor-lo", "supervisor", "loreto", NOTHING),
        ("comunidad-a", "member", None, ALL),
        ("regencia-1", "regent", None, ALL),
        ("gerfor-md", "authority", "madre-de-dios", ALL),
        ("gerfor", "authority", "*", ALL),
        ("osinfor-md", "supervisor", "*", ALL),
    ],
)
async def test_the_database_shows_a_draft_only_to_those_concerned(
    permits: Permits, org: str | None, roles: str | None, region: str | None, seen: dict[str, int]
) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census())
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)

    connection = await as_somebody(permits, org, roles, region)
    found = {name: await connection.fetchval(question) for name, question in SEEN.items()}
    await connection.close()

    assert found == seen


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE plans SET season = '2099'",
        "UPDATE permits SET state = 'in_force'",
        "DELETE FROM census_lines",
        "DELETE FROM census_trees",
        "UPDATE permits SET move_to = '2099-01-01'",
    ],
)
async def test_the_database_lets_no_neighbour_change_anything(permits: Permits, change: str) -> None:
    await permits.issued_permit()

    neighbour = await as_somebody(permits, "comunidad-b", "manager")
    far_officer = await as_somebody(permits, "gerfor-lo", "authority,supervisor", "loreto")
    for connection in (neighbour, far_officer):
        done = await connection.execute(change)
        await connection.close()
        assert done.endswith(" 0")


async def test_the_database_lets_an_officer_change_permits_of_the_own_region_only(permits: Permits) -> None:
    await permits.issued_permit()
    change = "UPDATE permits SET move_to = '2099-01-01'"

    done = []
    for region in (None, "loreto", "madre-de-dios", "*"):
        connection = await as_somebody(permits, "gerfor-md", "authority", region)
        done.append(await connection.execute(change))
        await connection.close()

    assert done == ["UPDATE 0", "UPDATE 0", "UPDATE 1", "UPDATE 1"]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM outbox", "DELETE FROM permits", "DELETE FROM plans", "DELETE FROM permit_acts",
        "UPDATE permit_acts SET kind = 'issued'", "UPDATE organisations SET name = 'x'", "UPDATE titles SET area_m2 = 1",
        "UPDATE inspections SET trees_absent = 0", "UPDATE findings SET severity = ''", "DELETE FROM findings",
        "UPDATE finding_acts SET state = 'accepted'", "DELETE FROM finding_papers", "DELETE FROM plan_reviews", "DELETE FROM commands", "TRUNCATE permits", "DROP TABLE permits",
        "ALTER TABLE permits DISABLE ROW LEVEL SECURITY",
    ],
)  # fmt: skip
async def test_the_service_cannot_unsay_what_was_announced(permits: Permits, change: str) -> None:
    connection = await as_somebody(permits, "gerfor-md", "authority", "*")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(change)

    await connection.close()


async def test_an_approved_plan_does_not_change_even_for_an_officer(permits: Permits) -> None:
    await permits.approved_plan()

    connection = await as_somebody(permits, "gerfor-md", "authority", "*")
    changed = await connection.execute("UPDATE plans SET season = '2099'")
    await connection.close()

    assert changed == "UPDATE 0"


async def test_the_database_too_wants_two_persons(permits: Permits) -> None:
    await permits.issued_permit()
    admin = await asyncpg.connect(permits.database.admin_dsn)

    for table in ("permits", "plans"):
        proposer = "proposed_by" if table == "permits" else "submitted_by"
        with pytest.raises(asyncpg.CheckViolationError, match="approved_by_another_person"):
            await admin.execute(f"UPDATE {table} SET approved_by = {proposer}")

    await admin.close()


async def test_a_stored_answer_is_seen_by_the_organisation_it_was_given_to(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan(), key="k-1")

    seen = []
    for org in (None, "", "comunidad-b", "gerfor-md", "comunidad-a"):
        connection = await as_somebody(permits, org, "authority,supervisor,manager", "*")
        seen.append(await connection.fetchval("SELECT count(*) FROM commands"))
        await connection.close()

    assert seen == [0, 0, 0, 0, 1]


async def test_answers_of_thirty_days_ago_are_forgotten_and_none_before(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    for n in range(2):
        await permits.post("/v1/plans", MANAGER, a_plan(id=f"PO-{n}"), key=f"k-{n}")
    admin = await asyncpg.connect(permits.database.admin_dsn)
    await admin.execute("UPDATE commands SET created_at = now() - interval '31 days' WHERE key = 'k-0'")
    await admin.execute("UPDATE commands SET created_at = now() - interval '29 days' WHERE key = 'k-1'")

    connection = await as_somebody(permits, None, None)
    # A day in the future does not make the young old.
    await connection.execute("SELECT forget_commands(now() + interval '90 days')")

    assert [row["key"] for row in await admin.fetch("SELECT key FROM commands")] == ["k-1"]
    await connection.close()
    await admin.close()
