"""Permits and delegations begin and end with the day in Peru, five hours after that of Greenwich."""

from datetime import UTC, date, datetime

import asyncpg
import pytest

from services.permits.domain.day import peru_day, peru_day_of
from services.permits.domain.permit import Act
from services.permits.domain.standing import status_on
from tests.permits.conftest import MANAGER, PERMIT, PLAN, Permits

LAST_EVENING = datetime(2027, 12, 31, 5, 0, tzinfo=UTC), datetime(2028, 1, 1, 4, 59, 59, tzinfo=UTC)
AFTERWARDS = datetime(2028, 1, 1, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "day"),
    [("2026-11-28T04:59:59Z", "2026-11-27"), ("2026-11-28T05:00:00Z", "2026-11-28"), ("2026-11-29T04:59:59Z", "2026-11-28")],
)  # fmt: skip
async def test_the_day_is_that_of_peru_in_the_code_and_in_the_database(permits: Permits, at: str, day: str) -> None:
    connection = await asyncpg.connect(permits.database.app_dsn)
    stored = await connection.fetchval("SELECT peru_day($1)", datetime.fromisoformat(at))
    await connection.close()

    assert peru_day(datetime.fromisoformat(at)) == stored == date.fromisoformat(day)
    assert peru_day_of(at) == day


async def test_a_permit_moves_wood_until_its_last_day_has_ended_in_peru(permits: Permits) -> None:
    await permits.issued_permit()
    verify = f"/v1/permits/{PERMIT}/verify"
    for now in LAST_EVENING:
        permits.app.state.house.clock = lambda now=now: now
        told = await permits.get(verify)
        assert (told["on"], told["movement_valid"]) == ("2027-12-31", True)

    permits.app.state.house.clock = lambda: AFTERWARDS

    told = await permits.get(verify)
    assert (told["on"], told["movement_valid"]) == ("2028-01-01", False)


async def test_a_delegation_counts_until_its_last_day_has_ended_in_peru(permits: Permits) -> None:
    states = []
    for now in (datetime(2099, 1, 1, 4, 59, 59, tzinfo=UTC), datetime(2099, 1, 1, 5, 0, tzinfo=UTC)):
        permits.app.state.house.clock = lambda now=now: now
        listed = await permits.get("/v1/organisations/comunidad-a/delegations", MANAGER, limit=10)
        states += [one["state"] for one in listed["items"] if one["plan"] == PLAN]

    assert states == ["active", "expired"]


def test_an_act_of_the_evening_counts_on_that_day() -> None:
    suspended = [
        Act(kind, at, "") for kind, at in (("issued", "2026-11-01T12:00:00Z"), ("suspended", "2026-11-29T03:00:00Z"))
    ]

    assert status_on(suspended, date(2026, 11, 28)) == "suspended"
    assert status_on(suspended, date(2026, 11, 27)) == "in_force"
