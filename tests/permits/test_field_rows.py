"""What the database itself keeps from the wrong organisation, and lets nobody unsay, of field work."""

import asyncpg
import pytest

from tests.permits.conftest import SUPERVISOR, Permits, a_census
from tests.permits.field_days import PATH, drawn, report, sample, seen
from tests.permits.test_access import as_somebody
from tests.permits.test_field_supervision import SUPERVISIONS

OPEN = {"number": "SUP-01", "visited_from": "2026-11-20", "visited_to": "2026-11-24"}
SEEN = {
    "draws": "SELECT count(*) FROM verifications",
    "results": "SELECT count(*) FROM field_results",
    "places": "SELECT count(*) FROM field_places",
    "supervisions": "SELECT count(*) FROM supervisions",
}
PUBLIC, ALL = (2, 0, 0), (2, 2, 1)
CHANGES = [
    "UPDATE field_visits SET closed_at = now(), closed_by = 'u-x' WHERE closed_at IS NULL",
    "UPDATE verifications SET seed = repeat('0', 64)",
    "UPDATE supervisions SET notified_at = now()",
    "DELETE FROM supervision_volumes",
]


async def _in_the_field(permits: Permits) -> None:
    """A draw with both its trees found, and a supervision that is open."""
    await drawn(permits, a_census())
    await report(permits, [seen(tree) for tree in await sample(permits)])
    await permits.post(SUPERVISIONS, SUPERVISOR, OPEN, expect=201)


async def test_the_database_shows_places_and_open_supervisions_only_to_those_concerned(permits: Permits) -> None:
    await _in_the_field(permits)
    somebody = [
        (None, None, None, PUBLIC), ("comunidad-b", "manager", "madre-de-dios", PUBLIC),
        ("gerfor-lo", "authority", "loreto", PUBLIC), ("trozalog", "operator", "*", PUBLIC),
        ("comunidad-a", "member", None, ALL), ("gerfor-md", "authority", "madre-de-dios", ALL),
        ("osinfor-md", "supervisor", "*", ALL), ("regencia-1", "regent", None, (2, 0, 1)),
    ]  # fmt: skip

    for org, roles, region, expected in somebody:
        connection = await as_somebody(permits, org, roles, region)
        found = {name: await connection.fetchval(question) for name, question in SEEN.items()}
        await connection.close()
        assert found["draws"] == 1, org
        assert (found["results"], found["places"], found["supervisions"]) == expected, org


async def test_the_database_lets_no_stranger_close_or_change_anything(permits: Permits) -> None:
    await _in_the_field(permits)

    for org, roles, region in (("comunidad-a", "manager", None), ("gerfor-lo", "authority,supervisor", "loreto")):
        connection = await as_somebody(permits, org, roles, region)
        for change in CHANGES:
            assert (await connection.execute(change)).endswith(" 0"), (org, change)
        await connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE field_results SET facts = '{}'", "DELETE FROM field_results", "DELETE FROM verification_trees",
        "UPDATE verification_trees SET rank = 1", "DELETE FROM verifications", "UPDATE field_visits SET visitor = 'gerfor-md'",
        "UPDATE draw_bases SET after_size = 0", "UPDATE field_places SET zone = '18S'", "DELETE FROM supervision_answers",
    ],
)  # fmt: skip
async def test_the_service_cannot_unsay_what_was_drawn_or_found(permits: Permits, change: str) -> None:
    connection = await as_somebody(permits, "osinfor-md", "authority,supervisor", "*")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(change)

    await connection.close()


async def test_the_database_too_knows_one_draw_a_stage_that_is_never_drawn_again(permits: Permits) -> None:
    await drawn(permits, a_census())
    supervisor = await as_somebody(permits, "osinfor-md", "supervisor", "*")
    again = await supervisor.execute("UPDATE verifications SET seed = repeat('0', 64)")
    await supervisor.close()
    admin = await asyncpg.connect(permits.database.admin_dsn)

    with pytest.raises(asyncpg.UniqueViolationError, match="one_draw_a_stage"):
        await admin.execute("INSERT INTO draw_bases SELECT plan, stage, origin, after_size + 1, 0, 1 FROM draw_bases")
    await admin.close()

    assert again == "UPDATE 0"
    assert (await permits.get(PATH))["source"]["seed"] != "0" * 64
