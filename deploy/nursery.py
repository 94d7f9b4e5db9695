"""Starts our Python processes by forking one that has already loaded what they share: a third of the time and memory.

The launcher talks to it over a socket, a JSON line each way: `{"start": name, ...}` is answered by `{"started": name,
"pid": n}`, later by `{"ended": pid, "status": n}`. When it dies its children die with it (Linux); elsewhere the
launcher starts each process by itself.
"""

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from deploy.process import die_with_parent

PRELOAD = (
    "uvloop",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.lifespan.on",
    "asyncpg",
    "sqlmodel",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "alembic.command",
    "shared.web.runtime",
    "shared.web.app",
    "shared.web.db",
    "shared.timber.event",
    "shared.timber.chain",
)
# glibc: blocks of a megabyte and more go back to the system when freed (a password check takes one of 16).
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}
_PR_SET_NAME = 15


@dataclass(frozen=True)
class Order:
    """One process to start: a module of ours with one argument, its whole environment, the file for what it says."""

    name: str
    module: str
    arguments: list[str]
    environment: dict[str, str]
    log: str


@dataclass
class Forked:
    """A running process of the nursery, with the same face as a process of asyncio."""

    pid: int
    send: Callable[[dict[str, Any]], None]
    returncode: int | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> int:
        """Its exit status, once it has ended."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """By way of its parent, so that the number cannot belong to someone else by now."""
        if self.returncode is None:
            self.send({"signal": int(number), "pid": self.pid})

    def end(self, status: int) -> None:
        """What its parent learned."""
        if self.returncode is None:
            self.returncode = status
            self._ended.set()


class Nursery:
    """The launcher's side. It is started with the first order, and again if it has died."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._started: dict[str, asyncio.Future[int]] = {}
        self._running: dict[int, Forked] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Its own process number while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self, order: Order) -> Forked:
        """A process that has been forked. OSError when the nursery cannot run."""
        async with self._one_at_a_time:
            if self.pid is None:
                await self._open()
        waiting = self._started[order.name] = asyncio.get_running_loop().create_future()
        self._send({"start": order.name, **order.__dict__})
        return self._running[await waiting]

    async def stop(self) -> None:
        """End it. Its children must have ended before."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            await self._process.wait()
        if self._reading is not None:
            await self._reading

    async def _open(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as sink:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "deploy.nursery", str(theirs.fileno()),
                pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | MEMORY,
                preexec_fn=die_with_parent(signal.SIGKILL), start_new_session=True,
            )  # fmt: skip
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._reading = asyncio.create_task(self._read(reader))

    def _send(self, message: dict[str, Any]) -> None:
        assert self._writer is not None
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Answers until it ends; then everything it had started has ended too."""
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                message = json.loads(line)
                if "started" in message:
                    pid = message["pid"]
                    forked = self._running[pid] = Forked(pid, self._send)
                    waiting = self._started.pop(message["started"])
                    if waiting.cancelled():  # whoever asked is gone, so nobody would ever stop it
                        forked.send_signal(signal.SIGKILL)
                    else:
                        waiting.set_result(pid)
                elif message["ended"] in self._running:
                    self._running.pop(message["ended"]).end(message["status"])
        for forked in self._running.values():
            forked.end(-signal.SIGKILL)
        self._running.clear()
        for waiting in self._started.values():
            if not waiting.done():
                waiting.set_exception(OSError(f"the nursery ended; see {self._log}"))
        self._started.clear()
        if self._writer is not None:
            self._writer.close()


def tend(control: socket.socket) -> Order | None:
    """The nursery's own loop. It returns twice: None in the nursery when it is told to end, an Order in each child."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    unread = b""
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == wake_read:
                    os.read(wake_read, 1024)
                    _tell_ended(control)
                    continue
                block = control.recv(65536)
                if not block:
                    return None
                *lines, unread = (unread + block).split(b"\n")
                for line in lines:
                    order = _obey(json.loads(line), control)
                    if order is not None:
                        signal.set_wakeup_fd(-1)
                        os.close(wake_read)
                        os.close(wake_write)
                        return order


def _obey(message: dict[str, Any], control: socket.socket) -> Order | None:
    """Fork or signal. Answers the order in the child, None in the nursery."""
    if "signal" in message:
        with contextlib.suppress(ProcessLookupError):
            os.kill(message["pid"], message["signal"])
        return None
    name = message.pop("start")
    orphan_guard = die_with_parent(signal.SIGKILL)
    pid = os.fork()
    if pid == 0:
        if orphan_guard is not None:
            orphan_guard()
        return Order(**message)
    control.sendall(json.dumps({"started": name, "pid": pid}).encode() + b"\n")
    return None


def _tell_ended(control: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            control.sendall(json.dumps({"ended": pid, "status": code}).encode() + b"\n")


def become(order: Order) -> None:
    """Turn this fork into the process of the order, as if it had been started with `python -m`."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sink = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.close(sink)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(order.environment)
    ctypes.CDLL(None).prctl(_PR_SET_NAME, order.name.encode()[:15], 0, 0, 0)  # what `ps` and `top` show
    sys.argv = [order.module, *order.arguments]
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


def main() -> None:
    """`python -m deploy.nursery FD`: load what the services share, then fork on order."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in PRELOAD:
        with contextlib.suppress(ImportError):  # whoever needs it will say so in its own log
            import_module(name)
    gc.collect()
    gc.freeze()  # the collector does not touch, and so does not copy, what was loaded before the forks
    order = tend(control)
    if order is not None:
        control.close()
        become(order)


if __name__ == "__main__":
    main()
