"""A large census as a job: answered at once, looked after, and ended with everything stored or nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.permits.api.house import House
from services.permits.domain.imports import MAX_ATTEMPTS
from services.permits.importer import LEASE_S, Importer
from services.permits.store import jobs
from shared.web.auth import Caller
from tests.permits.conftest import (
    CSV,
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    PATIENCE_S,
    PLAN,
    REGENT,
    SUPERVISOR,
    TREE_501,
    TREE_1170,
    XLSX,
    Opener,
    Permits,
    Person,
    a_census,
    a_plan,
    a_title,
)

JOBS = f"/v1/plans/{PLAN}/census/jobs"


@pytest.fixture
async def draft(permits: Permits) -> Permits:
    """A draft that waits for its census."""
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    return permits


async def hand_in(permits: Permits, data: bytes, expect: int = 202, who: Person = MANAGER, **headers: str) -> Any:
    more = {"content-type": CSV} | headers
    return (await permits.call("POST", JOBS, who, expect, content=data, headers=more)).json()


async def ended(permits: Permits, job: str) -> Any:
    """The job once it has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := await permits.get(f"{JOBS}/{job}", MANAGER))["state"] in ("queued", "running"):  # noqa: ASYNC110  (asked through the door)
            await asyncio.sleep(0.02)
        return found


def worker(permits: Permits) -> tuple[House, Importer]:
    house: House = permits.app.state.house
    return house, Importer(house)


async def rows_of(permits: Permits, question: str) -> Any:
    admin = await asyncpg.connect(permits.database.admin_dsn)
    try:
        return await admin.fetch(question)
    finally:
        await admin.close()


async def test_an_import_is_answered_at_once_and_ends_with_all_its_trees(draft: Permits) -> None:
    queued = await hand_in(draft, a_census())
    done = await ended(draft, queued["id"])

    assert (queued["state"], queued["trees_stored"], queued["answer"]) == ("queued", 0, None)
    assert (done["state"], done["trees_stored"], done["rows_read"], done["rows_checked"]) == ("done", 2, 3, 2)
    assert done["answer"]["root"] == (await draft.get(f"/v1/plans/{PLAN}", MANAGER))["census"]["root"]
    assert len((await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER))["items"]) == 2
    assert [row["file"] for row in await rows_of(draft, "SELECT file FROM census_jobs")] == [None]


async def test_a_sheet_with_one_error_stores_nothing_and_the_job_says_where(draft: Permits) -> None:
    await draft.upload(a_census(TREE_501))

    job = await hand_in(draft, a_census(TREE_501, TREE_1170.replace(",95,", ",x,")))
    failed = await ended(draft, job["id"])
    garbage = await hand_in(draft, b"%PDF", who=REGENT, **{"content-type": XLSX})
    unreadable = await ended(draft, garbage["id"])

    assert (failed["state"], failed["errors_total"], failed["answer"]) == ("failed", 1, None)
    assert failed["problem"]["slug"] == "census-invalid"
    assert failed["problem"]["facts"]["errors"][0]["column"] == "E"
    assert unreadable["problem"]["slug"] == "census-file-unreadable"
    assert (await draft.get(f"/v1/plans/{PLAN}", MANAGER))["census"]["trees"] == 1


async def test_a_job_is_seen_by_those_concerned_and_handed_in_by_owner_and_regent(draft: Permits) -> None:
    job = await hand_in(draft, a_census(), who=REGENT)
    await ended(draft, job["id"])

    for person in (MANAGER, MEMBER, REGENT, OFFICER, SUPERVISOR):
        await draft.get(f"{JOBS}/{job['id']}", person)
    await draft.get(f"{JOBS}/{job['id']}", NEIGHBOUR, expect=404)
    await draft.get(f"{JOBS}/nothing", MANAGER, expect=404)
    await hand_in(draft, a_census(), expect=404, who=NEIGHBOUR)
    await hand_in(draft, a_census(), expect=403, who=MEMBER)
    await draft.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    await draft.answered()
    await draft.post(f"/v1/plans/{PLAN}/approve", OFFICER, {"resolution": "R-1"})
    await draft.get(f"{JOBS}/{job['id']}", NEIGHBOUR, expect=404)
    await hand_in(draft, a_census(), expect=409)


async def test_the_same_import_sent_again_is_the_same_job(draft: Permits) -> None:
    first = await hand_in(draft, a_census(), **{"idempotency-key": "k-1"})
    again = await hand_in(draft, a_census(), **{"idempotency-key": "k-1"})
    other = await hand_in(draft, a_census(TREE_501), expect=422, **{"idempotency-key": "k-1"})

    assert (first["id"], other["slug"]) == (again["id"], "idempotency-mismatch")
    await ended(draft, first["id"])


@pytest.fixture
async def idle(draft: Permits) -> Permits:
    """Permits whose importer is busy elsewhere: the tests below take the jobs themselves, with clocks of their own."""
    await hold()
    return draft


async def hold() -> None:
    """Stop the background importer of a running permits, as its lifespan would."""
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__qualname__", "") == "Importer.run":
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_plan_takes_one_import_at_a_time(idle: Permits) -> None:
    first = await hand_in(idle, a_census())
    problem = await hand_in(idle, a_census(), expect=409)

    assert (problem["slug"], problem["facts"]["job"]) == ("import-running", first["id"])
    assert await worker(idle)[1].step()
    await hand_in(idle, a_census())


async def test_a_job_whose_process_died_is_begun_again_by_another(idle: Permits) -> None:
    job = await hand_in(idle, a_census())
    house, other = worker(idle)
    async with house.database.transaction() as tx:
        task = await jobs.take(tx, "dead", LEASE_S, datetime.now(UTC))
    assert task is not None

    assert not await other.step()  # held by the dead one, until its lease ends
    assert (await idle.get(f"{JOBS}/{job['id']}", MANAGER))["state"] == "running"
    house.clock = lambda: datetime.now(UTC) + timedelta(seconds=LEASE_S + 1)

    assert await other.step()
    done = await idle.get(f"{JOBS}/{job['id']}", MANAGER)
    assert (done["state"], done["attempts"], done["trees_stored"]) == ("done", 2, 2)
    # The first one was not dead but slow: it finds that the job is no longer its own.
    caller = caller_of(task.caller)
    async with house.database.transaction(caller) as tx:
        assert not await jobs.finish(tx, task, "dead", {"rows_read": 0, "rows_checked": 0}, b"{}", datetime.now(UTC))


def caller_of(facts: dict[str, Any]) -> Any:
    return Caller(**facts | {"roles": frozenset(facts["roles"])})


async def test_a_file_that_ends_every_process_is_given_up_with_nothing_stored(idle: Permits) -> None:
    job = await hand_in(idle, a_census())
    house, last = worker(idle)
    for n in range(MAX_ATTEMPTS):
        async with house.database.transaction() as tx:
            assert await jobs.take(tx, "dead", 0, datetime.now(UTC) + timedelta(seconds=n)) is not None
    house.clock = lambda: datetime.now(UTC) + timedelta(minutes=5)

    assert await last.step()

    failed = await idle.get(f"{JOBS}/{job['id']}", MANAGER)
    assert (failed["state"], failed["problem"]["slug"], failed["trees_stored"]) == ("failed", "import-interrupted", 0)
    assert (await idle.get(f"/v1/plans/{PLAN}/trees", MANAGER))["items"] == []
    assert await worker(idle)[1].step() is False


async def test_a_plan_that_was_submitted_meanwhile_keeps_the_census_it_was_submitted_with(idle: Permits) -> None:
    await idle.upload(a_census(TREE_501))
    job = await hand_in(idle, a_census())
    await idle.post(f"/v1/plans/{PLAN}/submit", MANAGER)

    assert await worker(idle)[1].step()

    failed = await idle.get(f"{JOBS}/{job['id']}", MANAGER)
    assert (failed["state"], failed["problem"]["slug"]) == ("failed", "wrong-state")
    assert (await idle.get(f"/v1/plans/{PLAN}", MANAGER))["census"]["trees"] == 1


async def test_jobs_left_by_a_service_that_stopped_go_on_when_it_starts(idle: Permits, open_permits: Opener) -> None:
    job = await hand_in(idle, a_census())
    await idle.stop()

    again = await open_permits(again=idle)

    assert (await ended(again, job["id"]))["state"] == "done"


async def test_progress_is_written_down_while_a_large_file_is_read(idle: Permits) -> None:
    rows = [TREE_501.replace(",501,", f",{n},") for n in range(5_000)]
    job = await hand_in(idle, a_census(*rows))
    house, importer = worker(idle)
    async with house.database.transaction() as tx:
        task = await jobs.take(tx, importer.holder, LEASE_S, datetime.now(UTC))
    assert task is not None
    caller, work = caller_of(task.caller), asyncio.get_running_loop().create_future()

    watching = asyncio.create_task(
        importer._watched(task, caller, {"stage": "checking", "rows_read": 5001, "rows_checked": 1500}, work)
    )
    async with asyncio.timeout(PATIENCE_S):
        while not (seen := await idle.get(f"{JOBS}/{job['id']}", MANAGER))["rows_checked"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    watching.cancel()

    assert (seen["state"], seen["stage"], seen["rows_read"], seen["rows_checked"]) == (
        "running",
        "checking",
        5001,
        1500,
    )
