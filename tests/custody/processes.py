"""Custody and witness as processes of their own that tests may kill, and a road to PostgreSQL on which they can die.

The processes run the code as it is shipped. They are killed from outside, or at a moment that needs no help of theirs:
when a statement passes on its way to the database, or when Python itself says that a file is about to be renamed.
"""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import re
import signal
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from shared.web.auth import StaticJwks, TokenVerifier
from tests.custody.set_back import until
from tests.tokens import AUDIENCE, URL

PR_SET_PDEATHSIG = 1  # prctl(2)
_NURSERY = multiprocessing.get_context("forkserver")
_NURSERY.set_forkserver_preload(["services.custody.main", "services.witness.main", "tests.custody.processes"])


AFTER = "after:"  # before a pattern: it dies once the file stands in its place, and knows nothing of that


def _child(log: Path, die_before_rename: str | None) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing outlives the tests
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    if die_before_rename is not None:
        last_step = re.compile(die_before_rename.removeprefix(AFTER))
        last_moment = False

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal last_moment
            if event not in (("os.link", "os.mkdir") if die_before_rename.startswith("os.") else ("os.rename",)):
                return
            name = os.fspath(arguments[0] if event == "os.mkdir" else arguments[1])
            if last_step.search(name if event == "os.rename" else f"{event}:{name}") and not last_moment:
                last_moment = True
                if die_before_rename.startswith(AFTER):
                    Path(arguments[0]).rename(arguments[1])
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)


def serve_custody(values: dict[str, Any], jwks: dict[str, Any], log: Path, die_before_rename: str | None) -> None:
    """The process itself."""
    _child(log, die_before_rename)
    from services.custody.main import CustodySettings, build
    from shared.web.runtime import serve

    settings = CustodySettings(**values)
    serve(build(settings, TokenVerifier(StaticJwks(jwks), URL, AUDIENCE)), settings)


def serve_witness(values: dict[str, Any], log: Path) -> None:
    """The process itself."""
    _child(log, None)
    from services.witness.main import WitnessSettings, build
    from shared.web.runtime import serve

    settings = WitnessSettings(**values)
    serve(build(settings), settings)


def hand_over_custody(values: dict[str, Any], vkey: str, log: Path, die_before: str | None) -> None:
    """The command, as an operator runs it; ends with its exit code."""
    _child(log, die_before)
    from services.custody import operate
    from services.custody.main import CustodySettings
    from services.custody.operating.report import Report

    options = Namespace(vkey=vkey, unwitnessed=False, json=True, lang="es")
    sys.exit(asyncio.run(operate.hand_over(CustodySettings(**values), options, Report(options))))


@dataclass
class Errand:
    """A command that begins, and ends by itself or is killed."""

    target: Callable[..., None]
    arguments: tuple[Any, ...]
    _process: Any = None

    async def start(self) -> None:
        self._process = _NURSERY.Process(target=self.target, args=self.arguments)
        await asyncio.to_thread(self._process.start)

    def kill(self) -> None:
        """At once, wherever it is."""
        self._process.kill()

    async def ended(self) -> int:
        """Its exit code: -9 when it was killed."""
        await asyncio.to_thread(self._process.join, 120)
        assert self._process.exitcode is not None, "it goes on and on"
        return int(self._process.exitcode)


@dataclass
class Process:
    """One service on a socket. `kill` is SIGKILL."""

    uds: Path
    target: Callable[..., None]
    arguments: tuple[Any, ...]
    http: httpx.AsyncClient = field(init=False)
    lives: int = 0
    _process: Any = None

    def __post_init__(self) -> None:
        transport = httpx.AsyncHTTPTransport(uds=str(self.uds))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://custody.test", timeout=120)

    async def start(self, *more: Any) -> None:
        """Returns when it answers."""
        self.uds.unlink(missing_ok=True)
        self.lives += 1
        self._process = _NURSERY.Process(target=self.target, args=(*self.arguments, *more))
        await asyncio.to_thread(self._process.start)
        await until(self.answers, f"{self.uds.name} does not start")

    async def answers(self) -> bool:
        """Whether it serves."""
        with contextlib.suppress(httpx.HTTPError):
            return (await self.http.get("/healthz")).status_code in (200, 503)
        assert self._process.exitcode is None, self._last_words()
        return False

    def _last_words(self) -> str:
        log = next(path for path in self.arguments if isinstance(path, Path))
        return log.read_text()[-2000:] if log.exists() else "it died without a word"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.exitcode is None

    def kill(self) -> None:
        """At once, wherever it is."""
        if self.alive:
            self._process.kill()
        self._process.join()

    async def gone(self) -> None:
        """It killed itself, or was killed on the road to the database."""
        await asyncio.to_thread(self._process.join, 120)
        assert not self.alive, "it lives"

    async def close(self) -> None:
        self.kill()
        await self.http.aclose()


def watching(short: Path) -> Process:
    """The witness whose key and policy lie in a folder `witness`."""
    values = {
        "env": "test", "keys_dir": short / "witness", "data_dir": short / "witness" / "state",
        "policy": short / "witness" / "logs.txt", "uds": short / "witness.sock",
    }  # fmt: skip
    return Process(short / "witness.sock", serve_witness, (values, short / "witness.log"))


# ---- the road to PostgreSQL


@dataclass(frozen=True)
class Point:
    """A moment on the road: `statement` is on its way, or was done and its answer is on its way back (`done`). With
    `commit` it is the COMMIT of the transaction in which the statement was."""

    statement: str
    commit: bool = False
    done: bool = False

    def __str__(self) -> str:
        words = self.statement.replace(".*", " ")
        return f"{'after' if self.done else 'before'} {'the commit of ' if self.commit else ''}{words}"


class Road:
    """Hands every byte on, in both directions, until the point is reached: then `strike` is called, and nothing of this
    connection passes any more."""

    def __init__(self, server: Path, folder: Path) -> None:
        self.folder = folder
        self._server = server
        self._point: Point | None = None
        self._strike: Callable[[], None] = lambda: None
        self.struck = asyncio.Event()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Road"]:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / ".s.PGSQL.5432"
        async with await asyncio.start_unix_server(self._carry, path=str(path)):
            yield self
        path.unlink(missing_ok=True)

    def wait_for(self, point: Point, strike: Callable[[], None]) -> None:
        """From now on."""
        self.struck.clear()
        self._point, self._strike = point, strike

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_unix_connection(str(self._server / ".s.PGSQL.5432"))
        travel = _Travel(self)
        ways = (travel.to_the_server(reader, forth), travel.from_the_server(back, writer))
        tasks = [asyncio.create_task(_until_it_ends(way)) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for end in (forth, writer):
            end.close()

    def reached(self) -> None:
        self._point = None
        self._strike()
        self.struck.set()

    @property
    def point(self) -> Point | None:
        return self._point


async def _until_it_ends(way: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await way


class _Travel:
    """The messages of one connection (PostgreSQL manual, 54.7): which statement is executed is known by the name under
    which it was parsed."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._named: dict[bytes, str] = {}
        self._open = False  # a transaction in which the statement of the point was
        self._stop_on_answer = False

    async def to_the_server(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = await reader.readexactly(4)  # the first message has no type
        writer.write(size + await reader.readexactly(int.from_bytes(size, "big") - 4))
        while True:
            kind = await reader.readexactly(1)
            size = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(size, "big") - 4)
            if self._is_point(kind, body):
                assert self._road.point is not None
                if not self._road.point.done:
                    self._road.reached()
                    return
                self._stop_on_answer = True
            writer.write(kind + size + body)
            await writer.drain()

    def _is_point(self, kind: bytes, body: bytes) -> bool:
        statement = self._statement(kind, body)
        point = self._road.point
        if point is None or statement is None:
            return False
        if statement.startswith(("BEGIN", "ROLLBACK")):
            self._open = False
        named = re.search(point.statement, statement, re.DOTALL) is not None
        if not point.commit:
            return named
        self._open = self._open or named
        return self._open and statement.startswith("COMMIT")

    def _statement(self, kind: bytes, body: bytes) -> str | None:
        if kind == b"P":
            name, text = body.split(b"\0", 2)[:2]
            self._named[name] = text.decode()
        elif kind == b"B":
            return self._named.get(body.split(b"\0", 2)[1])
        elif kind == b"Q":
            return body.rstrip(b"\0").decode()
        return None

    async def from_the_server(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._stop_on_answer:
                self._road.reached()
                return
            writer.write(data)
            await writer.drain()
