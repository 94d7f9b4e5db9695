"""Runs the house: brings the processes up in the order of what each needs, keeps them up, takes them down in order."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from deploy import databases, gateway, given_server
from deploy.child import Child, Program, StageFailed, ended, executable, http_fetch, http_status, python_module
from deploy.databases import Address
from deploy.instance import Instance
from deploy.keygen import make_keys
from deploy.logfile import bound
from deploy.nursery import Nursery
from deploy.postgres import Cluster, PostgresError
from deploy.process import begun_at
from deploy.secret_files import write_secret
from deploy.topology import BY_NAME, PARTS, Laptop, Part, environment

BACK_OFF_S = (0.5, 1, 2, 4, 8, 16, 30)
MIGRATION_DEADLINE_S = 3600  # the log is hashed again before and after
STEADY_S = 60  # after this long without a crash the back-off starts again
DRAIN_S = 2.0
LOOK_AT_LOGS_S = 2.0
# What may go wrong outside our own code, and is told without a traceback.
FAILURES = (
    StageFailed, PostgresError, databases.NotOurs, gateway.NoGateway, asyncpg.PostgresError, asyncpg.InterfaceError, OSError,
)  # fmt: skip


class House:
    """All processes of one instance, from the first key to the last stop. Must be used under `Instance.held`."""

    def __init__(self, instance: Instance, port: int, sample: bool) -> None:
        self.instance, self.port, self.sample = instance, port, sample
        self.place = Laptop(instance.run, instance.data, instance.keys, f"http://127.0.0.1:{port}")
        self.nursery = Nursery(instance.logs / "nursery.log")
        self.children: dict[str, Child] = {}
        self.stopping = False
        self._ready: dict[str, asyncio.Event] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._status: dict[str, Any] = {"state": "starting", "port": port, "stages": []}
        self._begun = time.monotonic()

    # --- up

    async def bring_up(self, say: Callable[[str], None]) -> None:
        """Start everything. Raises StageFailed with the first thing that went wrong; the caller then stops the rest."""
        self._say = say
        self._watchers.append(asyncio.create_task(self._bound_logs()))
        self._write("starting")
        make_keys(self.instance.keys, self.instance.policy, witness=self.place.folder(BY_NAME["witness"]))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._logins())
                group.create_task(self._database())
                for part in PARTS:
                    for name in part.names:
                        group.create_task(self._service(part, name))
                group.create_task(self._gateway())
        except BaseExceptionGroup as group:
            failures, _ = group.split(FAILURES)
            if failures is None:
                raise
            raise _first(failures) from None
        await self._sample_data()
        self._watchers += [asyncio.create_task(self._keep_up(c)) for c in self.children.values() if c.state == "ready"]
        self._write("running")

    async def _logins(self) -> None:
        """Secrets of users and machines, made by a process of its own: it loads the issuer with all that it needs."""
        clients = {part.client for part in PARTS if part.client}
        if not (self.instance.keys / "logins.json").exists() or clients - self.instance.logins().keys():
            self._status["fresh"] = True
            await self._step("logins", "deploy.logins", [str(self.instance.data)], {})
        self._set_ready("logins")

    async def _database(self) -> None:
        begun = time.monotonic()
        try:
            given = await given_server.settle(self.instance.data, self.instance.admin_url_file)
        except given_server.REFUSALS as refusal:
            raise StageFailed("PostgreSQL", str(refusal), []) from None
        if given is not None:
            address, tenant = given
            where = f"the server at {address.host}, databases {tenant.prefix}*"
        else:
            address, where, tenant = *await self._own_server(), databases.SOLE
        write_secret(self.instance.admin_url_file, address.admin_dsn)
        self._stage(f"PostgreSQL  {where}", begun)
        begun = time.monotonic()
        for part in PARTS:
            if part.database:
                await databases.create(self.instance.database(part.name), tenant)
        self._set_ready("postgres")
        migrated = [part for part in PARTS if part.database]
        await asyncio.gather(*(self._migrate(part) for part in migrated))
        self._stage("migrations  " + " · ".join(part.name for part in migrated), begun)

    async def _own_server(self) -> tuple[Address, str]:
        cluster = Cluster(self.instance.data / "pg", self.instance.keys / "postgres-admin")
        await asyncio.to_thread(cluster.prepare)  # meanwhile our own programs load

        async def ready(pid: int) -> bool:
            return cluster.ready(pid)

        spawn = executable(cluster.command(), cluster.spawn_options())
        stop = {"stop_signal": signal.SIGINT, "force_signal": signal.SIGQUIT}
        await self._start(Program("postgres", spawn, ready, grace_s=20, **stop))
        address = Address(str(cluster.socket_dir), 5432, "postgres", cluster.password)
        await databases.close_to_services(address)
        return address, f"{cluster.binaries.version}, data in {cluster.data.parent}"

    async def _migrate(self, part: Part) -> None:
        database, schema = self.instance.database(part.name), databases.schema_of(part.name)
        if not await databases.has_schema(database, schema):
            variables = environment(part, self.place) | {"TROZALOG_DATABASE_URL": database.owner_url}
            await self._step(part.migrates, part.module, ["migrate"], variables, MIGRATION_DEADLINE_S)
            await databases.mark_schema(database, schema)
        self._set_ready(part.migrates)

    async def _service(self, part: Part, name: str) -> None:
        for need in (*part.needs, *([part.migrates] if part.database else [])):
            await self._event(need).wait()
        begun = time.monotonic()
        variables = environment(part, self.place, name)
        if part.database:
            variables["TROZALOG_DATABASE_URL"] = self.instance.database(part.name).app_url
        if part.client:
            variables["TROZALOG_CLIENT_SECRET"] = self.instance.logins()[part.client]
        spawn = python_module(self.nursery, name, part.module, ["serve"], variables)
        socket = self.place.socket(name)

        async def ready(_: int) -> bool:
            return socket.exists() and await http_status(socket, "/healthz") == 200

        await self._start(Program(name, spawn, ready))
        self._set_ready(name)
        self._stage(name, begun)

    async def _gateway(self) -> None:
        await self._event("issuer").wait()  # so that the first token already finds its key
        begun = time.monotonic()
        config = self.place.run / "envoy.yaml"
        gateway.write(self.place, self.port, config)
        spawn = executable(gateway.command(config))
        admin = self.place.socket(gateway.ADMIN_SOCKET)

        async def ready(_: int) -> bool:
            return admin.exists() and await http_status(admin, "/ready") == 200

        admin.unlink(missing_ok=True)
        await self._start(Program("gateway", spawn, ready, grace_s=5))
        self._set_ready("gateway")
        self._stage(f"gateway  {self.instance.base_url}", begun)

    async def _sample_data(self) -> None:
        """Once, at the first start: a house that was begun empty holds somebody's own work and stays without."""
        mark = self.instance.sample_mark
        if mark.exists():
            return
        if not self.sample:
            mark.write_text("Begun empty: no sample data.\n")
            return
        begun = time.monotonic()
        self._write("seeding")
        await self._step("seed", "deploy", ["seed", "--data", str(self.instance.data)], {}, deadline_s=180)
        said = self.children.pop("seed").last_lines()
        self._stage("sample data  " + (said[-1] if said else ""), begun)

    async def _step(
        self, name: str, module: str, arguments: list[str], variables: dict[str, str], deadline_s: float = 60
    ) -> None:
        """Run a module of ours to its end."""
        spawn = python_module(self.nursery, name, module, arguments, variables)
        await self._start(Program(name, spawn, None, deadline_s))

    async def _start(self, program: Program) -> None:
        child = self.children[program.name] = Child(program, self.instance.logs)
        await child.start()

    def _event(self, name: str) -> asyncio.Event:
        return self._ready.setdefault(name, asyncio.Event())

    def _set_ready(self, name: str) -> None:
        self._event(name).set()

    # --- keep up

    async def _keep_up(self, child: Child) -> None:
        """Start a process again whenever it ends by itself, waiting longer each time."""
        attempt = 0
        while True:
            assert child.process is not None
            status = await child.process.wait()
            if self.stopping:
                return
            child.state = "crashed"
            attempt = 0 if time.time() - child.since > STEADY_S else attempt
            wait_s = BACK_OFF_S[min(attempt, len(BACK_OFF_S) - 1)]
            self._say(f"{child.program.name} {ended(status)}; starting it again in {wait_s} s. Its log: {child.log}")
            self._write("running")
            await asyncio.sleep(wait_s)
            attempt += 1
            child.restarts += 1
            with suppress(StageFailed):
                await child.start()
                self._say(f"{child.program.name} is back")
            self._write("running")

    async def _bound_logs(self) -> None:
        """No file of messages grows past its limit by more than what comes in a second or two."""
        while True:
            for log in self._logs():
                with suppress(OSError):  # tried again in a moment
                    await asyncio.to_thread(bound, log)
            await asyncio.sleep(LOOK_AT_LOGS_S)

    def _logs(self) -> list[Path]:
        return sorted(self.instance.logs.glob("*.log"))

    # --- down

    async def take_down(self, force: asyncio.Event) -> None:
        """Stop in order: the gateway after what is under way, the services, the database. `force` ends all at once."""
        self.stopping = True
        self._write("stopping")
        for watcher in self._watchers:
            watcher.cancel()
        hurry = asyncio.create_task(self._hurry(force))
        try:
            await self._drain()
            await self._stop(["gateway"], force)
            await self._stop([name for name in self.children if name not in ("gateway", "postgres")], force)
            await self._stop(["postgres"], force)
            await self.nursery.stop()
        finally:
            hurry.cancel()
        self._write("failed" if self._status.get("error") else "stopped")

    async def _stop(self, names: list[str], force: asyncio.Event) -> None:
        found = [self.children[name] for name in names if name in self.children]
        await asyncio.gather(*(child.stop(force.is_set()) for child in found))

    async def _hurry(self, force: asyncio.Event) -> None:
        await force.wait()
        for child in self.children.values():
            child.signal(child.program.force_signal)

    async def _drain(self) -> None:
        """Take no new connections, and wait a little for the requests that are under way."""
        admin = self.place.socket(gateway.ADMIN_SOCKET)
        if "gateway" not in self.children or self.children["gateway"].pid is None:
            return
        if await http_status(admin, "/drain_listeners?graceful&skip_exit", method="POST") != 200:
            return
        end = time.monotonic() + DRAIN_S
        while time.monotonic() < end:
            _, body = await http_fetch(admin, "/stats?filter=^http.edge.downstream_rq_active$")
            if b"downstream_rq_active: 0" in body:
                return
            await asyncio.sleep(0.05)

    # --- telling

    def fail(self, failure: StageFailed) -> None:
        """Keep the reason for whoever asks later."""
        self._status["error"] = {"stage": failure.stage, "cause": failure.cause, "lines": failure.lines}
        self._write("failed")

    def _stage(self, text: str, begun: float) -> None:
        seconds = time.monotonic() - begun
        self._status["stages"].append({"text": text, "seconds": round(seconds, 2)})
        self._write(self._status["state"])
        self._say(f"  ✓ {text:<64}{seconds:5.1f} s")

    def _write(self, state: str) -> None:
        self._status |= {
            "state": state,
            "pid": os.getpid(),
            "begun": begun_at(os.getpid()),
            "port": self.port,
            "seconds": round(time.monotonic() - self._begun, 2),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "run": str(self.place.run),
            "processes": {
                name: {
                    "pid": child.pid,
                    "begun": child.begun,
                    "state": child.state,
                    "restarts": child.restarts,
                    "since": child.since,
                }
                for name, child in self.children.items()
                if child.program.ready is not None
            },
            "nursery": self.nursery.pid,
        }
        self.instance.write_status(self._status)


def _first(failures: BaseExceptionGroup[Any]) -> StageFailed:
    found: Any = failures
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found if isinstance(found, StageFailed) else StageFailed(type(found).__name__, str(found), [])


async def run(house: House, say: Callable[[str], None], announce: Callable[[], Awaitable[None]]) -> int:
    """Bring the house up, keep it until a signal, take it down. The exit status of the launcher."""
    stop, force = asyncio.Event(), asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            force.set()
        else:
            say("stopping (again: at once)")
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` stays what it is
            loop.add_signal_handler(number, asked)
    starting = asyncio.create_task(house.bring_up(say))
    waiting = asyncio.create_task(stop.wait())
    status = 0
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await announce()
            await waiting
    except StageFailed as failure:
        house.fail(failure)
        status = 1
    finally:
        starting.cancel()
        await asyncio.wait({starting})
        waiting.cancel()
        await house.take_down(force)
    return status
