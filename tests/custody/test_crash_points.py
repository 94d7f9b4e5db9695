"""Custody dies at every step of an append and of a checkpoint (docs/life-of-a-log.md): nothing acknowledged is lost,
nothing is there twice or half, and every checkpoint anybody saw still holds."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.custody.operate import check
from shared.timber.event import parse_entry
from shared.tlog.checkpoint import Checkpoint, parse
from shared.tlog.merkle import leaf_hash, root_of
from shared.tlog.note import open_note
from tests.custody.conftest import NDJSON, Custody, cut, felling
from tests.custody.processes import Point, Process, Road, serve_custody
from tests.custody.set_back import rows

HEAD = "FROM tlog .* FOR UPDATE"
# Step 4, 5, 7 and 8 of an append; the rules of step 6 and the hashing of 1 to 3 touch nothing outside the process.
APPEND = (
    Point(HEAD), Point(HEAD, done=True), Point("FROM entry .* sid = ANY"), Point("FROM fact"),
    Point("INSERT INTO entry"), Point("INSERT INTO entry", done=True), Point("UPDATE tlog SET size"),
    Point("UPDATE tlog SET size", done=True), Point("INSERT INTO fact", done=True), Point("INSERT INTO mention"),
    Point("INSERT INTO spent"), Point("INSERT INTO tile", done=True), Point("INSERT INTO finding"),
    Point("INSERT INTO posting", done=True), Point("INSERT INTO entry", commit=True),
    Point("INSERT INTO entry", commit=True, done=True),
)  # fmt: skip
# Steps 1, 3 and 4 of a checkpoint; then the files.
CHECKPOINT = (
    Point("SELECT body FROM entry"), Point("INSERT INTO checkpoint"), Point("INSERT INTO checkpoint", done=True),
    Point("INSERT INTO checkpoint", commit=True), Point("INSERT INTO checkpoint", commit=True, done=True),
    Point("SELECT body FROM entry", done=True),
)  # fmt: skip
RENAMES = (
    r"archive/\.mirror/", r"archive/tile/entries/", r"archive/tile/0/", r"archive/checkpoint$", r"anchor/checkpoint$",
)  # fmt: skip
BRIEFLY = (
    Point(HEAD, done=True), Point("INSERT INTO entry", done=True), Point("INSERT INTO entry", commit=True),
    Point("INSERT INTO entry", commit=True, done=True), Point("INSERT INTO checkpoint", commit=True, done=True),
)  # fmt: skip
BRIEFLY_RENAMES = (r"archive/checkpoint$", r"anchor/checkpoint$")
ROUNDS_FULL = 3


@dataclass
class House:
    """One custody process behind the road, and all that it ever acknowledged."""

    custody: Custody
    process: Process
    road: Road
    acknowledged: dict[str, int] = field(default_factory=dict)
    seen: list[Checkpoint] = field(default_factory=list)
    batches: int = 0

    def batch(self) -> list[bytes]:
        """Records nobody has sent yet: some with findings, one that uses up a log, enough to fill a tile now and then."""
        self.batches += 1
        n = self.batches
        return [
            *(felling(self.custody, f"{n * 7 % 500 + 2:04}", observations=f"{n}/{i}") for i in range(60)),
            felling(self.custody, f"{n % 500 + 2:04}", species="Cedrelinga cateniformis", observations=f"{n}"),
            cut(self.custody, f"{n + 10:04}", "A"),
            self.cut_again(n),
        ]

    def cut_again(self, n: int) -> bytes:
        """A log that was just cut is cut again, and with that used up."""
        first = parse_entry(cut(self.custody, f"{n + 10:04}", "A")).body
        source = first["sections"][0]
        piece = source | {"item": source["item"][:-4] + f"{n:04x}", "code": f"{n + 10:04}/AA", "length_mm": 6000}
        piece["volume_dm3"] = 2342
        body = {"source": source["item"], "permit": first["permit"], "parcel": first["parcel"], "sections": [piece]}
        return self.custody.entry("log.cut", body, time="2026-11-03T12:00:00Z")

    async def send(self, batch: list[bytes], **query: str) -> None:
        """Remembers what is acknowledged; raises when there is no answer."""
        headers = NDJSON | self.custody.issuer.headers("manager")
        answer = await self.process.http.post("/v1/records", content=b"\n".join(batch), headers=headers, params=query)
        answer.raise_for_status()
        for result in answer.json()["results"]:
            assert result["status"] == "logged", result
            known = self.acknowledged.setdefault(result["sid"], result["index"])
            assert known == result["index"]
        await self.look()

    async def look(self) -> None:
        """Keeps the checkpoint that is shown."""
        note = (await self.process.http.get("/log/checkpoint")).content
        self.seen.append(parse(open_note(note, [self.custody.keys.log.verifier]).text))

    async def come_back(self, batch: list[bytes]) -> None:
        """It is started again, and the phone sends its batch again, until it stands under a checkpoint."""
        await self.process.start(None)
        await self.send(batch, wait="inclusion")
        assert self.seen[-1].size > max(self.acknowledged.values())

    async def all_is_well(self) -> None:
        """Every acknowledged record at its index, no gap, each once; every checkpoint seen is of this one history."""
        entries = [body for (body,) in await rows(self.custody, "SELECT body FROM entry ORDER BY idx")]
        sids = [parse_entry(body).sid for body in entries]
        assert len(set(sids)) == len(sids)
        assert {sid: sids.index(sid) for sid in self.acknowledged} == self.acknowledged
        sizes = [seen.size for seen in self.seen]
        assert sizes == sorted(sizes)
        for seen in {seen.size: seen for seen in self.seen}.values():
            assert root_of(map(leaf_hash, entries[: seen.size])) == seen.root
        owner = type(self.custody.settings)(database_url=self.custody.database.owner_url).database_url
        sound, outside = await check(self.custody.settings.model_copy(update={"database_url": owner}), deep=True)
        assert sound.size == len(entries)
        assert {one.checkpoint.size for one in outside.published} == {self.seen[-1].size}


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for the names of sockets."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def house(shelved: Custody, short: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        there = shelved.database
        road = await stack.enter_async_context(Road(Path(there.address.host), short / "road").open())
        database = replace(there, address=replace(there.address, host=str(road.folder)))
        settings = shelved.settings
        values: dict[str, Any] = {
            "env": "test", "database_url": database.app_url, "origin": settings.origin, "keys_dir": settings.keys_dir,
            "data_dir": settings.data_dir, "uds": short / "custody.sock",
        }  # fmt: skip
        arguments = (values, shelved.issuer.jwks(), short / "custody.log")
        process = Process(short / "custody.sock", serve_custody, arguments)
        stack.push_async_callback(process.close)
        yield House(shelved, process, road)


async def test_custody_may_die_at_every_statement(house: House, request: pytest.FixtureRequest) -> None:
    full = request.config.getoption("--full")
    for point in (APPEND + CHECKPOINT) * ROUNDS_FULL if full else BRIEFLY:
        await house.process.start(None)
        await house.look()
        batch = house.batch()
        house.road.wait_for(point, house.process.kill)
        acknowledged = True
        try:
            await house.send(batch)
        except httpx.HTTPError:
            acknowledged = False
        await wait_for_the_strike(house, point, batch)
        assert acknowledged <= (point in CHECKPOINT), f"acknowledged {point}"

        await house.come_back(batch)
        house.process.kill()
    await house.all_is_well()


async def wait_for_the_strike(house: House, point: Point, batch: list[bytes]) -> None:
    """Some tables are not written by every batch: then another one follows."""
    while not house.road.struck.is_set():
        try:
            await house.send([*batch, *house.batch()])
        except httpx.HTTPError:
            break
    await house.road.struck.wait()
    await house.process.gone()
    assert house.road.point is None, point


async def test_custody_may_die_before_every_file_that_it_puts_in_its_place(
    house: House, request: pytest.FixtureRequest
) -> None:
    for name in RENAMES * ROUNDS_FULL if request.config.getoption("--full") else BRIEFLY_RENAMES:
        batch = house.batch()
        await house.process.start(name)
        await house.look()
        await house.send(batch)  # acknowledged: it dies while it publishes
        await house.process.gone()

        await house.come_back(batch)
        house.process.kill()
    await house.all_is_well()
