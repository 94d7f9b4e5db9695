"""One child process of the launcher: start it, wait until it is ready or has failed, stop it, tell its last words."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from deploy.instance import CHECKOUT
from deploy.logfile import bound
from deploy.nursery import Nursery, Order
from deploy.process import begun_at, die_with_parent

LAST_LINES = 20
POLL_S = 0.02
ANSWER_S = 5.0  # a service that is busy is not one that is down


class StageFailed(Exception):  # noqa: N818
    """A step of the start did not work: which, why, and what the process said last."""

    def __init__(self, stage: str, cause: str, lines: list[str], log: Path | None = None) -> None:
        super().__init__(f"{stage}: {cause}")
        self.stage, self.cause, self.lines, self.log = stage, cause, lines, log


class Running(Protocol):
    """A process of asyncio or of the nursery."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """Its exit status once it has ended."""

    async def wait(self) -> int:
        """Its exit status."""

    def send_signal(self, number: signal.Signals) -> None:
        """Signal it."""


@dataclass(frozen=True)
class Program:
    """What to run, and how to know that it is ready. Without `ready` it is a step that must end with status 0."""

    name: str
    spawn: Callable[[Path], Awaitable[Running]]
    ready: Callable[[int], Awaitable[bool]] | None
    deadline_s: float = 60  # a busy machine is no broken one
    stop_signal: signal.Signals = signal.SIGTERM
    force_signal: signal.Signals = signal.SIGKILL
    grace_s: float = 12


def executable(command: list[str], options: dict[str, Any] | None = None) -> Callable[[Path], Awaitable[Running]]:
    """How to start a program that is not ours; it ends when the launcher does."""
    given = {"env": _environment({}), "preexec_fn": die_with_parent(signal.SIGKILL), "start_new_session": True}

    async def spawn(log: Path) -> Running:
        with log.open("ab") as sink:
            return await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink, **(given | (options or {}))
            )

    return spawn


def python_module(
    nursery: Nursery, name: str, module: str, arguments: list[str], variables: dict[str, str]
) -> Callable[[Path], Awaitable[Running]]:
    """How to start a module of ours; its environment holds nothing that it was not given."""
    environment = _environment({"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"} | variables)
    if not sys.platform.startswith("linux"):
        return executable([sys.executable, "-P", "-m", module, *arguments], {"env": environment})

    async def fork(log: Path) -> Running:
        return await nursery.start(Order(name, module, arguments, environment, str(log)))

    return fork


def _environment(variables: dict[str, str]) -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if key in os.environ}
    return kept | variables


class Child:
    """A program while the launcher runs it. `state` is waiting, starting, ready, done, crashed or stopped."""

    def __init__(self, program: Program, logs: Path) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self.state = "waiting"
        self.restarts = 0
        self.since = 0.0
        self.process: Running | None = None
        self.begun: float | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process number while it runs."""
        return self.process.pid if self.process and self.process.returncode is None else None

    async def start(self) -> None:
        """Start and wait until ready (or, for a step, done). Raises StageFailed; then nothing of it is left running."""
        self.state, self.since = "starting", time.time()
        bound(self.log)
        self.log.touch(mode=0o600)
        self._log_start = self.log.stat().st_size
        try:
            self.process = await self.program.spawn(self.log)
        except OSError as error:
            raise StageFailed(self.program.name, f"cannot be started: {error}", []) from None
        self.begun = begun_at(self.process.pid)
        try:
            await asyncio.wait_for(self._settle(), self.program.deadline_s)
        except TimeoutError:
            await self.stop(force=True)
            raise self._failed(f"was not ready after {self.program.deadline_s:.0f} s") from None

    async def _settle(self) -> None:
        """Watch exit and readiness together: a process that died will never become ready."""
        assert self.process is not None
        while True:
            status = self.process.returncode
            if self.program.ready is None and status == 0:
                self.state = "done"
                return
            if status is not None:
                raise self._failed(ended(status))
            if self.program.ready is not None and await self.program.ready(self.process.pid):
                self.state = "ready"
                return
            await asyncio.sleep(POLL_S)

    async def stop(self, force: bool = False) -> None:
        """Ask it to end and wait; after its grace, or at once with `force`, make it end."""
        if self.process is None or self.process.returncode is not None:
            return
        self.state = "stopped"
        self.signal(self.program.force_signal if force else self.program.stop_signal)
        try:
            await asyncio.wait_for(self.process.wait(), self.program.grace_s)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if it still runs."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def last_lines(self) -> list[str]:
        """What it wrote since it was last started, at most 20 lines."""
        with suppress(OSError), self.log.open("rb") as file:
            size = self.log.stat().st_size
            begin = self._log_start if self._log_start <= size else 0  # past it: the file was emptied since
            file.seek(max(begin, size - 20_000))
            lines = file.read().decode(errors="replace").splitlines()
            return [plain for line in lines for plain in _readable(line)][-LAST_LINES:]
        return []

    def _failed(self, cause: str) -> StageFailed:
        self.state = "crashed"
        return StageFailed(self.program.name, cause, self.last_lines(), self.log)


def _readable(line: str) -> list[str]:
    """A log line as people read it: of a JSON event its text, whose traceback has lines of its own."""
    with suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            return str(event["event"]).splitlines()
    return [line]


def ended(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


async def http_status(where: Path | int, target: str, deadline_s: float = ANSWER_S, method: str = "GET") -> int | None:
    """The status of one HTTP request over a Unix socket or a loopback port; None when nobody answers in time."""
    status, _ = await http_fetch(where, target, deadline_s, method)
    return status


async def http_fetch(
    where: Path | int, target: str, deadline_s: float = ANSWER_S, method: str = "GET"
) -> tuple[int | None, bytes]:
    """Status and body of one HTTP request, read to the end; (None, b"") when nobody answers in time."""
    try:
        async with asyncio.timeout(deadline_s):
            if isinstance(where, Path):
                reader, writer = await asyncio.open_unix_connection(str(where))
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", where)
            try:
                writer.write(f"{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
                return int(head.split(b" ", 2)[1]), body
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, IndexError):
        return None, b""
