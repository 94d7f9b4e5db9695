"""Permits loses its database right before and right after the commit of every step of docs/life-of-a-log.md that is its
own, and is started again: an act is there whole or not at all, and said to the log once."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.databases import Database
from tests.custody.processes import Point, Road
from tests.permits.conftest import (
    CSV,
    MANAGER,
    MINUTES,
    OFFICER,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    Opener,
    Permits,
    Person,
    a_line,
    a_permit,
    a_plan,
    a_title,
    an_assembly,
)
from tests.permits.field_days import NUMBER, PATH, VERIFICATIONS, a_forest, another_record, sample, seen, unseen

Act = Callable[[Permits], Awaitable[httpx.Response]]
WRITES = r"^\s*(INSERT INTO|UPDATE) "


def posted(path: str, who: Person, body: Any = None) -> Act:
    return lambda permits: permits.call("POST", path, who, json=body)


async def uploaded(permits: Permits) -> httpx.Response:
    headers = {"content-type": CSV}
    return await permits.call("POST", f"/v1/plans/{PLAN}/census", REGENT, content=a_forest(), headers=headers)


async def papered(permits: Permits) -> httpx.Response:
    where, headers = "/v1/documents?kind=assembly_act", {"content-type": "text/plain"}
    return await permits.call("POST", where, MANAGER, content=MINUTES + b"Segunda.\n", headers=headers)


async def assembled(permits: Permits) -> httpx.Response:
    paper = (await papered(permits)).json()["sha256"]
    acts = "/v1/organisations/comunidad-a/assembly-acts"
    return await permits.call("POST", acts, MANAGER, json=an_assembly(number="ACTA-2", document=paper))


async def explained(permits: Permits) -> httpx.Response:
    listed = (await permits.get(f"/v1/plans/{PLAN}/findings", MANAGER))["findings"]
    asked = next(one["id"] for one in listed if one["blocks"] in ("needs-explanation", "needs-decision"))
    path = f"/v1/plans/{PLAN}/findings/{asked}/explanation"
    return await permits.call("POST", path, MANAGER, json={"text": "Se explica en el informe adjunto."})


async def reported(permits: Permits) -> httpx.Response:
    trees = await sample(permits)
    body = {"trees": [unseen(trees[0]), *(seen(tree) for tree in trees[1:])]}
    return await permits.call("POST", f"{PATH}/trees", SUPERVISOR, json=body)


# The steps 1 to 3, in the order in which they can happen; beside each what goes before it undisturbed.
STEPS: list[tuple[str, Act, Callable[[Permits], Awaitable[Any]] | None]] = [
    ("a title", posted("/v1/titles", OFFICER, a_title()), None),
    ("a plan", posted("/v1/plans", MANAGER, a_plan()), None),
    ("1 census", uploaded, None),
    ("1a a paper", papered, None),
    ("1a an assembly", assembled, papered),
    ("1b handed in", posted(f"/v1/plans/{PLAN}/submit", MANAGER), None),
    ("1b reviewed", posted(f"/v1/plans/{PLAN}/review", SECOND), None),
    ("1c explained", explained, None),
    ("2 approved", posted(f"/v1/plans/{PLAN}/approve", OFFICER, {"resolution": "RGR-0000-2025"}), Permits.answered),
    ("2a opened", posted(VERIFICATIONS, OFFICER, {"number": NUMBER, "verifier": "osinfor-md"}), Permits.published),
    ("2a drawn", posted(f"{PATH}/draw", OFFICER), another_record),
    ("2a trees", reported, None),
    ("2a closed", posted(f"{PATH}/close", SUPERVISOR, {}), None),
    ("3 proposed", posted("/v1/permits", OFFICER, a_permit(lines=[a_line(volume_dm3=5_000)])), None),
    ("3 issued", posted(f"/v1/permits/{PERMIT}/approve", SECOND), None),
]
BEFORE, AFTER = Point(WRITES, commit=True), Point(WRITES, commit=True, done=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a path that leaves room for the name of a socket."""
    made = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
async def road(migrated: Database, folder: Path) -> AsyncIterator[Road]:
    async with Road(Path(migrated.address.host), folder / "road").open() as open_road:
        yield open_road


@pytest.fixture
async def database(database: Database, road: Road) -> Database:
    """Reached by the road."""
    return replace(database, address=replace(database.address, host=str(road.folder)))


async def quiet() -> None:
    """Nothing works behind the door of the running permits any more, so that the next commit is the act's own."""
    behind = [
        task for task in asyncio.all_tasks()
        if getattr(task.get_coro(), "__qualname__", "") in ("Publisher.run", "Importer.run")
    ]  # fmt: skip
    assert len(behind) == 2
    for task in behind:
        task.cancel()
    await asyncio.gather(*behind, return_exceptions=True)


async def cut_off(permits: Permits, road: Road, act: Act, at: Point) -> None:
    """The act is sent, and its connection to the database ends at this point."""
    road.wait_for(at, lambda: None)
    try:
        answer = await act(permits)
    except Exception:
        answer = None
    assert road.struck.is_set(), answer and answer.text
    assert answer is None or answer.status_code >= 500, answer.text


async def test_every_act_is_there_whole_or_not_at_all_and_is_said_once(
    open_permits: Opener, road: Road, request: pytest.FixtureRequest
) -> None:
    full = request.config.getoption("--full")
    permits: Permits = await (await open_permits()).introduce()
    await permits.published()
    for n, (name, act, before) in enumerate(STEPS):
        if before is not None:
            await before(permits)
        for at in (BEFORE, AFTER) if full else (BEFORE, AFTER)[n % 2 :][:1]:
            await quiet()
            await cut_off(permits, road, act, at)
            await permits.stop()
            permits = await open_permits(permits)
        again = await act(permits)
        assert again.is_success or (again.status_code == 409 and (full or n % 2)), f"{name}: {again.text}"
        await permits.published()

    said = Counter(record.type for record in permits.custody.log)
    assert {kind: said[kind] for kind in ("title.registered", "plan.approved", "permit.issued")} == {
        "title.registered": 1, "plan.approved": 1, "permit.issued": 1,
    }  # fmt: skip
    assert len({record.sid for record in permits.custody.log}) == len(permits.custody.log)
    assert said["inspection.reported"] >= 1
    assert len(await sample(permits)) > 0
    assert (await permits.get(f"/v1/permits/{PERMIT}", OFFICER))["state"] == "in_force"
