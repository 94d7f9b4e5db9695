"""Three custody processes and a witness on one PostgreSQL, under load, and now this one is killed, now that one."""

import asyncio
import contextlib
import itertools
import random
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy import databases
from deploy.databases import Address, Database, database_of
from deploy.postgres import Cluster, PostgresError
from shared.tlog.note import COSIGNATURE, Signer
from shared.tlog.witness import monitoring_path
from shared.web.db import migrate
from tests.conftest import run_apart
from tests.custody.conftest import NDJSON, ORIGIN, Custody, Keys, felling, genesis, permit_acts
from tests.custody.processes import Process, serve_custody, watching
from tests.custody.promises import Promises
from tests.custody.set_back import until
from tests.tokens import Issuer

PROCESSES, WRITERS, RECORDS = 3, 4, 20
VICTIMS = ("custody-1", "postgres", "custody-2", "witness", "custody-3", "postgres")
ROUNDS_FULL = 10  # of six kills
LONGEST_PAUSE_S = 120.0


class Server:
    """A PostgreSQL that syncs to disk, and may be killed."""

    def __init__(self, folder: Path) -> None:
        self._cluster = Cluster(folder / "pg", folder / "secret")
        self._log = folder / "postgres.log"
        self._cluster.prepare()
        self._child: subprocess.Popen[bytes] = self._cluster.start(self._log)
        self.address = Address(str(self._cluster.socket_dir), 5432, "postgres", self._cluster.password)

    def kill(self) -> None:
        """The postmaster; its processes find out by themselves."""
        self._child.kill()
        self._child.wait()

    def start(self) -> None:
        """As soon as what is left of the last one is gone."""
        end = time.monotonic() + LONGEST_PAUSE_S
        while True:
            try:
                self._cluster.prepare()
                self._child = self._cluster.start(self._log)
                return
            except PostgresError:
                assert time.monotonic() < end, "it does not start again"
                time.sleep(0.1)

    def stop(self) -> None:
        self._cluster.stop(self._child)


@pytest.fixture
def server(short: Path) -> Iterator[Server]:
    short.chmod(0o711)
    made = Server(short)
    yield made
    made.stop()


@dataclass
class House:
    """All the processes, and what they promised."""

    custody: Custody
    server: Server
    processes: dict[str, Process]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    promises: Promises = field(default_factory=Promises)
    uploads: int = 0
    looks: int = 0

    def doors(self) -> list[Process]:
        return [process for name, process in self.processes.items() if name != "witness"]

    async def carry(self, writer: int, chance: random.Random) -> None:
        """As a phone does: each batch again and again, at any door, until it is acknowledged."""
        n = 0
        while not self.over.is_set():
            batch = [
                felling(self.custody, f"{writer:02}{i:02}", observations=f"{writer}/{n}/{i}") for i in range(RECORDS)
            ]
            if await self.sent(chance.choice(self.doors()), b"\n".join(batch)):
                self.uploads += 1
                n += 1
            else:
                await asyncio.sleep(0.05)

    async def sent(self, door: Process, body: bytes) -> bool:
        headers = NDJSON | self.custody.issuer.headers("manager")
        try:
            answer = await door.http.post("/v1/records", content=body, headers=headers)
        except httpx.HTTPError:
            return False
        assert answer.status_code in (200, 503), answer.text
        if answer.status_code == 200:
            self.promises.answered(answer.json()["results"])
        return answer.status_code == 200

    async def watch(self) -> None:
        """Looks at every door in turn; a process never shows less than it did."""
        last: dict[tuple[str, int], int] = {}
        for name, process in itertools.cycle((n, p) for n, p in self.processes.items() if n != "witness"):
            if self.over.is_set():
                return
            with contextlib.suppress(httpx.HTTPError):
                life = process.lives
                answer = await process.http.get("/log/checkpoint")
                if answer.status_code == 200:
                    size = self.promises.saw(self.custody, answer.content).size
                    assert size >= last.get((name, life), 0)
                    last[name, life] = size
                    self.looks += 1
            await asyncio.sleep(0.02)

    async def kill(self, name: str) -> None:
        """It is killed while others go on, and started again."""
        before = self.uploads
        await until(lambda: self.grown(before + 3), "nothing is going on")
        if name == "postgres":
            self.server.kill()
            await asyncio.to_thread(self.server.start)
        else:
            self.processes[name].kill()
            await self.processes[name].start(*([None] if name != "witness" else []))

    async def grown(self, uploads: int) -> bool:
        return self.uploads >= uploads

    async def settled(self) -> None:
        """Everything that was acknowledged stands under a checkpoint that every door and the witness show."""
        size = max(self.promises.acknowledged.values()) + 1
        for door in self.doors():
            await until(partial(self.shows, door, "/log/checkpoint", size))
        await until(lambda: self.shows(self.processes["witness"], f"/{monitoring_path(ORIGIN)}", size))

    async def shows(self, process: Process, path: str, size: int) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            answer = await process.http.get(path)
            return answer.status_code == 200 and self.promises.saw(self.custody, answer.content).size >= size
        return False


@pytest.fixture
async def house(server: Server, short: Path) -> AsyncIterator[House]:
    database = database_of(server.address, "custody", lambda role: f"of-{role}")
    run_apart(databases.create(database))
    await migrate("custody", database.owner_url)
    keys, issuer, witness = Keys(), Issuer(), Signer.generate("watcher.test/w", COSIGNATURE)
    keys.write(short / "keys")
    (short / "witness").mkdir()
    (short / "witness" / "witness.key").write_text(witness.skey)
    log = f"log {keys.log.verifier.vkey}\n"
    (short / "witness" / "logs.txt").write_text(log + "quorum none\n")
    (short / "policy.txt").write_text(log + f"witness own {witness.verifier.vkey}\nquorum none\n")
    async with AsyncExitStack() as stack:
        processes = {"witness": watching(short)}
        values: dict[str, Any] = {
            "env": "test", "database_url": database.app_url, "origin": ORIGIN, "keys_dir": short / "keys",
            "data_dir": short / "data", "policy": short / "policy.txt", "witness_uds": short / "witness.sock",
        }  # fmt: skip
        for n in range(1, PROCESSES + 1):
            uds = short / f"custody-{n}.sock"
            arguments = (values | {"uds": uds}, issuer.jwks(), short / f"custody-{n}.log")
            processes[f"custody-{n}"] = Process(uds, serve_custody, arguments)
        for name, process in processes.items():
            stack.push_async_callback(process.close)
            await process.start(*([None] if name != "witness" else []))
        custody = await opened(values, processes["custody-1"], keys, issuer, database)
        yield House(custody, server, processes)


async def opened(values: dict[str, Any], door: Process, keys: Keys, issuer: Issuer, database: Database) -> Custody:
    """A log that knows who takes part, a permit and its trees."""
    from services.custody.main import CustodySettings

    settings = CustodySettings(
        **{name: value for name, value in values.items() if name not in ("policy", "witness_uds")}
    )
    custody = Custody(None, door.http, issuer, keys, settings, database, AsyncExitStack())  # type: ignore[arg-type]
    trees = [f"{writer:02}{i:02}" for writer in range(WRITERS) for i in range(RECORDS)]
    await custody.log(*genesis(custody), *permit_acts(custody, trees, 100_000_000))
    return custody


async def test_whatever_is_killed_under_load_every_promise_is_kept(
    house: House, request: pytest.FixtureRequest
) -> None:
    rounds = ROUNDS_FULL if request.config.getoption("--full") else 1
    chance = random.Random(2026)
    work = [asyncio.create_task(house.carry(n, random.Random(n))) for n in range(WRITERS)]
    work.append(asyncio.create_task(house.watch()))
    try:
        for _ in range(rounds):
            for name in chance.sample(VICTIMS, len(VICTIMS)):
                await house.kill(name)
                assert not any(task.done() for task in work)
    finally:
        house.over.set()
        await asyncio.gather(*work)

    await house.settled()
    await house.promises.kept(house.custody)
    assert house.uploads > rounds * len(VICTIMS)
    assert house.looks > rounds * 10
