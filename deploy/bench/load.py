"""The load generator: a process of its own that sends prepared HTTP requests over a few connections and notes how long
each took. It does nothing else, because it shares the machine with what it measures.

`python -m deploy.bench.load FILE` reads a job (see `Job`) and prints its `Outcome` as JSON.
"""

import asyncio
import json
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

CHECKOUT = Path(__file__).resolve().parents[2]
DEADLINE_S = 300


@dataclass(frozen=True)
class Job:
    """Bodies to POST to `path` in this order, over `connections` at once, each waiting for its answer.

    Connections take tokens and loopback source addresses in turn: a gateway's limit for one user or one address is not
    what is measured.
    """

    port: int
    path: str
    media_type: str
    bodies: Sequence[bytes]
    connections: int
    tokens: Sequence[str]
    addresses: int = 1


@dataclass(frozen=True)
class Outcome:
    """Seconds from the first byte sent to the last answer; each request's seconds; answers by status; records logged."""

    seconds: float
    latencies: list[float]
    statuses: dict[str, int]
    logged: int


def send(job: Job) -> Outcome:
    """Run the job in a process of its own."""
    with TemporaryDirectory(prefix="timber-load-") as folder:
        path = Path(folder) / "job"
        path.write_bytes(pickle.dumps(job))
        done = subprocess.run(
            [sys.executable, "-m", "deploy.bench.load", str(path)],
            stdout=subprocess.PIPE, check=True, timeout=DEADLINE_S + 30, cwd=CHECKOUT,
        )  # fmt: skip
    return Outcome(**json.loads(done.stdout))


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection: a request at a time, answers with a Content-Length."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[bytes, bytes]] | None = None
        self._needed = 0
        self._head = b""
        self._start = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> "asyncio.Future[tuple[bytes, bytes]]":
        """Send; the future holds status line with headers, and body."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._needed:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head = bytes(self._buffer[:end]).lower()
            at = self._head.find(b"content-length: ")
            if at < 0:
                self._fail(RuntimeError(f"an answer without length: {self._head[:200]!r}"))
                return
            self._needed = end + 4 + int(self._head[at + 16 :].split(b"\r\n", 1)[0])
            self._start = end + 4
        if len(self._buffer) >= self._needed and self._answer is not None:
            body = bytes(self._buffer[self._start : self._needed])
            del self._buffer[: self._needed]
            self._needed = 0
            answer, self._answer = self._answer, None
            answer.set_result((self._head, body))

    def close(self) -> None:
        """No more requests."""
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionError("the gateway closed the connection"))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


async def run(job: Job) -> Outcome:
    """Send all bodies and collect what came back."""
    loop = asyncio.get_running_loop()
    heads = [_head(job, token) for token in job.tokens]
    connections = []
    for number in range(job.connections):
        source = f"127.0.0.{2 + number % job.addresses}" if job.addresses > 1 else "127.0.0.1"
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", job.port, local_addr=(source, 0))
        connections.append((connection, heads[number % len(heads)]))
    waiting = iter(job.bodies)
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    logged = 0

    async def worker(connection: _Connection, head: bytes) -> None:
        nonlocal logged
        for body in waiting:
            begun = time.perf_counter()
            answer, content = await connection.ask(head % len(body) + body)
            latencies.append(time.perf_counter() - begun)
            status = answer[9:12].decode()
            statuses[status] = statuses.get(status, 0) + 1
            logged += content.count(b'"status":"logged"')

    begun = time.perf_counter()
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(*(worker(connection, head) for connection, head in connections))
    seconds = time.perf_counter() - begun
    for connection, _ in connections:
        connection.close()
    return Outcome(seconds, latencies, statuses, logged)


def _head(job: Job, token: str) -> bytes:
    return (
        f"POST {job.path} HTTP/1.1\r\nhost: 127.0.0.1:{job.port}\r\nauthorization: Bearer {token}\r\n"
        f"content-type: {job.media_type}\r\ncontent-length: "
    ).encode() + b"%d\r\n\r\n"


def main() -> None:
    """Run the job in the file named on the command line."""
    job = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301  (written by `send` a moment ago)
    try:
        import uvloop

        outcome = uvloop.run(run(job))
    except ImportError:
        outcome = asyncio.run(run(job))
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
