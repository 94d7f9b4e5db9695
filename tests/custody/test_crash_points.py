"""Custody dies at every step of an append and of a checkpoint (docs/life-of-a-log.md): nothing acknowledged is lost,
nothing is there twice or half, and every checkpoint anybody saw still holds."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.timber.event import parse_entry
from shared.tlog.note import COSIGNATURE, Signer
from tests.custody.conftest import NDJSON, Custody, cut, felling
from tests.custody.private import LAT, LON, seen, state
from tests.custody.processes import AFTER, Point, Process, Road, serve_custody, watching
from tests.custody.promises import Promises
from tests.custody.set_back import rows

HEAD = "FROM tlog .* FOR UPDATE"
FLUSH = "pg_logical_emit_message"  # and what was promised is read back with it
# Step 4, 5, 7 and 8 of an append; the rules of step 6 and the hashing of 1 to 3 touch nothing outside the process.
APPEND = (
    Point(HEAD), Point(HEAD, done=True), Point("SELECT e.sid, e.idx"), Point("FROM fact"),
    Point("INSERT INTO entry"), Point("INSERT INTO entry", done=True), Point("UPDATE tlog SET size"),
    Point("UPDATE tlog SET size", done=True), Point("INSERT INTO fact", done=True), Point("INSERT INTO mention"),
    Point("INSERT INTO spent"), Point("INSERT INTO tile", done=True), Point("INSERT INTO finding"),
    Point("INSERT INTO posting", done=True), Point("INSERT INTO entry", commit=True),
    Point("INSERT INTO entry", commit=True, done=True), Point(FLUSH), Point(FLUSH, done=True),
)  # fmt: skip
# Steps 1, 3 and 4 of a checkpoint; then the files.
CHECKPOINT = (
    Point("SELECT body FROM entry"), Point("INSERT INTO checkpoint"), Point("INSERT INTO checkpoint", done=True),
    Point("INSERT INTO checkpoint", commit=True), Point("INSERT INTO checkpoint", commit=True, done=True),
    Point("SELECT body FROM entry", done=True),
)  # fmt: skip
RENAMES = (
    r"archive/\.mirror/", r"archive/tile/entries/", r"archive/tile/0/", r"archive/checkpoint$", r"anchor/checkpoint$",
    AFTER + r"anchor/checkpoint$",
)  # fmt: skip
# Between the append and the keeping of private fields; and custody's half of step 12.
FIELDS, COSIGNATURES = (
    (
        Point(f"INSERT INTO {table}"), Point(f"INSERT INTO {table}", done=True), Point(f"INSERT INTO {table}", commit=True),
        Point(f"INSERT INTO {table}", commit=True, done=True),
    )
    for table in ("disclosure", "cosignature")
)  # fmt: skip
BRIEFLY = (
    Point(HEAD, done=True), Point("INSERT INTO entry", done=True), Point("INSERT INTO entry", commit=True),
    Point("INSERT INTO entry", commit=True, done=True), Point(FLUSH), Point("INSERT INTO checkpoint", commit=True, done=True),
)  # fmt: skip
BRIEFLY_RENAMES = (r"archive/checkpoint$", AFTER + r"anchor/checkpoint$")
ROUNDS_FULL = 3
MOST_BATCHES = 10  # of 63 records, and a tile holds 256


@dataclass
class House:
    """One custody process behind the road, and all that it ever acknowledged."""

    custody: Custody
    process: Process
    road: Road
    promises: Promises = field(default_factory=Promises)
    last: int = 0
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
        """Hands in, and looks at the checkpoint; raises when there is no answer."""
        await self.hand_in(batch, **query)
        await self.look()

    async def hand_in(self, batch: list[bytes], **query: str) -> None:
        """Remembers what is acknowledged; raises when there is no answer."""
        headers = NDJSON | self.custody.issuer.headers("manager")
        answer = await self.process.http.post("/v1/records", content=b"\n".join(batch), headers=headers, params=query)
        answer.raise_for_status()
        self.promises.answered(answer.json()["results"])

    async def look(self) -> None:
        """Keeps the checkpoint that is shown, which is never smaller than one before."""
        size = self.promises.saw(self.custody, (await self.process.http.get("/log/checkpoint")).content).size
        assert size >= self.last
        self.last = size

    async def come_back(self, batch: list[bytes]) -> None:
        """It is started again, and the phone sends its batch again, until it stands under a checkpoint."""
        await self.process.start(None)
        await self.send(batch, wait="inclusion")
        assert self.last > max(self.promises.acknowledged.values())


@asynccontextmanager
async def behind_the_road(shelved: Custody, short: Path, **more: Any) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        there = shelved.database
        road = await stack.enter_async_context(Road(Path(there.address.host), short / "road").open())
        database = replace(there, address=replace(there.address, host=str(road.folder)))
        settings = shelved.settings
        values: dict[str, Any] = {
            "env": "test", "database_url": database.app_url, "origin": settings.origin, "keys_dir": settings.keys_dir,
            "data_dir": settings.data_dir, "uds": short / "custody.sock",
        } | more  # fmt: skip
        arguments = (values, shelved.issuer.jwks(), short / "custody.log")
        process = Process(short / "custody.sock", serve_custody, arguments)
        stack.push_async_callback(process.close)
        yield House(shelved, process, road)


@pytest.fixture
async def house(shelved: Custody, short: Path) -> AsyncIterator[House]:
    async with behind_the_road(shelved, short) as house:
        yield house


@pytest.fixture
async def witnessed(shelved: Custody, short: Path) -> AsyncIterator[House]:
    """The same where nothing leaves before a witness has cosigned it."""
    signer, log = Signer.generate("watcher.test/w", COSIGNATURE), f"log {shelved.keys.log.verifier.vkey}\n"
    (short / "witness").mkdir()
    (short / "witness" / "witness.key").write_text(signer.skey)
    (short / "witness" / "logs.txt").write_text(log + "quorum none\n")
    policy = short / "policy.txt"
    policy.write_text(log + f"witness own {signer.verifier.vkey}\nquorum own\n")
    async with AsyncExitStack() as stack:
        witness = watching(short)
        stack.push_async_callback(witness.close)
        await witness.start()
        asked = {"policy": policy, "witness_uds": short / "witness.sock", "only_witnessed": True}
        yield await stack.enter_async_context(behind_the_road(shelved, short, **asked))


async def test_custody_may_die_at_every_statement(house: House, request: pytest.FixtureRequest) -> None:
    full = request.config.getoption("--full")
    for point in (APPEND + CHECKPOINT) * ROUNDS_FULL if full else BRIEFLY:
        await house.process.start(None)
        await house.look()
        batch = house.batch()
        house.road.wait_for(point, house.process.kill)
        for _ in range(MOST_BATCHES):  # a tile is not written by every batch
            if await answered(house, batch, point):
                break
            batch = house.batch()
        else:
            pytest.fail(f"no batch came to {point}")
        await house.road.struck.wait()
        await house.process.gone()

        await house.come_back(batch)
        house.process.kill()
    await house.promises.kept(house.custody)


async def answered(house: House, batch: list[bytes], point: Point) -> bool:
    """Whether this batch came to the point. Then it was not acknowledged, unless the checkpoint is what was not made."""
    try:
        await house.send(batch)
    except httpx.HTTPError:
        return True
    assert point in CHECKPOINT or not house.road.struck.is_set(), f"acknowledged, and killed {point}"
    return point in CHECKPOINT


async def test_custody_may_die_before_every_file_that_it_puts_in_its_place(
    house: House, request: pytest.FixtureRequest
) -> None:
    for name in RENAMES * ROUNDS_FULL if request.config.getoption("--full") else BRIEFLY_RENAMES:
        batch = house.batch()
        await house.process.start(name)
        await house.look()
        with suppress(httpx.HTTPError):  # it dies while it publishes, mostly after the answer
            await house.hand_in(batch)
        await house.process.gone()

        await house.come_back(batch)
        house.process.kill()
    await house.promises.kept(house.custody)


async def test_custody_may_die_before_it_keeps_the_private_fields_of_what_it_logged(
    house: House, request: pytest.FixtureRequest
) -> None:
    for n, point in enumerate(FIELDS if request.config.getoption("--full") else FIELDS[:1]):
        await house.process.start(None)
        there = replace(house.custody, http=house.process.http)
        body = parse_entry(felling(there, f"{n + 2:04}", observations="al pie")).body
        told = {
            "type": "tree.felled",
            "time": "2026-11-01T12:00:00Z",
            "body": body,
            "private": {"lat_e7": LAT, "lon_e7": LON},
        }
        house.road.wait_for(point, house.process.kill)
        with pytest.raises(httpx.HTTPError):
            await state(there, told)
        await house.process.gone()

        await house.process.start(None)
        results = await state(there, told)
        house.promises.answered(results)
        assert await seen(there, results[0]["sid"]) == {"lat_e7": LAT, "lon_e7": LON}
        house.process.kill()
    await house.come_back(house.batch())
    house.process.kill()
    await house.promises.kept(house.custody)


async def test_custody_may_die_while_it_keeps_a_cosignature(witnessed: House, request: pytest.FixtureRequest) -> None:
    house = witnessed
    await house.come_back(house.batch())
    house.process.kill()
    for point in COSIGNATURES if request.config.getoption("--full") else COSIGNATURES[2:3]:
        await house.process.start(None)
        await house.look()
        batch = house.batch()
        house.road.wait_for(point, house.process.kill)
        with suppress(httpx.HTTPError):
            await house.hand_in(batch)
        await house.road.struck.wait()
        await house.process.gone()

        await house.come_back(batch)
        house.process.kill()
    kept = {size for (size,) in await rows(house.custody, "SELECT size FROM cosignature")}
    assert kept >= house.promises.shown.keys()
    await house.promises.kept(house.custody)
