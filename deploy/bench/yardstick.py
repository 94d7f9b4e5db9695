"""The yardstick: the throw-away prototype that the goals of records a second were set from, written again, so that a sitting says what
its machine is worth. It had no rule, no token, no known sid, no tile and no checkpoint, and ran at `THEN`.

One uvicorn worker behind Envoy, bodies of signed entries of ours, the canonical form checked by orjson, one Ed25519 check a record
with the key object at hand, admission in a thread, one committer that drains a queue into one transaction with COPY under the row
lock of the head.

`python -m deploy.bench.yardstick DSN SOCKET KEYS` serves it.
"""

import asyncio
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx
import orjson
import uvicorn
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.gateway import command
from deploy.instance import CHECKOUT
from deploy.up import any_free_port
from shared.timber.event import DOMAIN, key_id
from shared.tlog.encoding import from_base64url, to_base64url

# Records a second by batch on the machine that the goals were set on, and milliseconds of a single's p99 there.
THEN = {"100": 16_068, "500": 17_140, "single": 3_915}
P99_MS_THEN = 34
PATIENCE_S = 30.0
TABLES = (
    "CREATE TABLE head (size bigint NOT NULL)",
    "INSERT INTO head VALUES (0)",
    "CREATE TABLE entry (index bigint PRIMARY KEY, sid bytea NOT NULL, leaf bytea NOT NULL, entry bytea NOT NULL)",
)
_ENVOY = "type.googleapis.com/envoy.extensions.filters"
_SORTED = orjson.OPT_SORT_KEYS
Row = tuple[bytes, bytes, bytes]
Json = dict[str, Any]


class Prototype:
    """Admits bodies and appends what they hold."""

    def __init__(self, pool: Any, keys: dict[str, Ed25519PublicKey]) -> None:
        self.pool, self.keys = pool, keys
        self.queue: asyncio.Queue[tuple[list[Row], asyncio.Future[int]]] = asyncio.Queue()

    def admit(self, body: bytes) -> list[Row]:
        """Sid, leaf and entry of each line. Raises ValueError, KeyError or InvalidSignature."""
        rows = []
        for line in body.splitlines():
            entry = orjson.loads(line)
            if orjson.dumps(entry, option=_SORTED) != line:
                raise ValueError("an entry that is not in its canonical form")
            signed = DOMAIN + orjson.dumps(entry["stmt"], option=_SORTED)
            for one in entry["sig"]:
                self.keys[one["kid"]].verify(from_base64url(one["sig"], "sig", 64), signed)
            rows.append((hashlib.sha256(signed).digest(), hashlib.sha256(b"\0" + line).digest(), line))
        return rows

    async def commit(self) -> None:
        """Whatever waits, in one transaction, and again."""
        while True:
            waiting = [await self.queue.get()]
            while not self.queue.empty():
                waiting.append(self.queue.get_nowait())
            rows = [row for rows, _ in waiting for row in rows]
            async with self.pool.acquire() as connection, connection.transaction():
                first = await connection.fetchval("SELECT size FROM head FOR UPDATE")
                await connection.copy_records_to_table(
                    "entry", records=[(first + at, *row) for at, row in enumerate(rows)]
                )
                await connection.execute("UPDATE head SET size = $1", first + len(rows))
            for taken, done in waiting:
                done.set_result(first)
                first += len(taken)

    async def answer(self, _: Json, receive: Callable[[], Awaitable[Json]], send: Callable[[Json], Awaitable[None]]) -> None:  # fmt: skip
        """The ASGI application: any POST."""
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        rows = await asyncio.to_thread(self.admit, b"".join(parts))
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((rows, done))
        first = await done
        results = [{"index": first + at, "sid": row[0].hex(), "status": "logged"} for at, row in enumerate(rows)]
        content = orjson.dumps({"results": results})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


async def serve(dsn: str, socket: str, keys: dict[str, str]) -> None:
    """Until it is told to stop, in an empty database."""
    known = {kid: Ed25519PublicKey.from_public_bytes(from_base64url(raw, "key", 32)) for kid, raw in keys.items()}
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        for statement in TABLES:
            await pool.execute(statement)
        prototype = Prototype(pool, known)
        config = uvicorn.Config(
            prototype.answer, uds=socket, lifespan="off", interface="asgi3", log_level="error", access_log=False,
            timeout_graceful_shutdown=5,
        )  # fmt: skip
        async with asyncio.TaskGroup() as tasks:  # a committer that fails ends the server
            committer = tasks.create_task(prototype.commit())
            await uvicorn.Server(config).serve()
            committer.cancel()


@contextmanager
def running(dsn: str, keys: Sequence[Ed25519PrivateKey]) -> Iterator[int]:
    """It and an Envoy before it, for entries that these keys signed; the port. Raises RuntimeError when they do not start."""
    public = [key.public_key().public_bytes_raw() for key in keys]
    with TemporaryDirectory(prefix="timber-") as name:
        folder, port = Path(name), any_free_port()
        socket, config, known = folder / "s", folder / "envoy.yaml", folder / "keys"
        known.write_text(json.dumps({key_id(raw): to_base64url(raw) for raw in public}))
        config.write_text(yaml.safe_dump(_gateway(port, socket)))
        said = folder / "said"
        here = [sys.executable, "-m", "deploy.bench.yardstick", dsn, str(socket), str(known)]
        with _process(here, said) as server, _process(command(config), said) as gateway:
            if not _answers(port, [server, gateway]):
                raise RuntimeError(f"the yardstick did not start: {said.read_text()[-2000:]}")
            yield port


@contextmanager
def _process(line: Sequence[str], said: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Started, with what it complains of at the end of that file, and ended."""
    with said.open("ab") as complaints:
        process = subprocess.Popen(line, cwd=CHECKOUT, stderr=complaints)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int, started: Sequence["subprocess.Popen[bytes]"]) -> bool:
    """Whether an empty upload goes through both, sooner or later."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and all(process.poll() is None for process in started):
        with suppress(httpx.TransportError):
            if httpx.post(f"http://127.0.0.1:{port}/").is_success:
                return True
        time.sleep(0.05)
    return False


def _gateway(port: int, socket: Path) -> Json:
    """Envoy with nothing but a route."""
    manager = {
        "@type": f"{_ENVOY}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "yardstick",
        "route_config": {"virtual_hosts": [
            {"name": "prototype", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "prototype"}}]}
        ]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{_ENVOY}.http.router.v3.Router"}}
        ],
    }  # fmt: skip
    listener = {
        "name": "yardstick", "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }  # fmt: skip
    upstream = {"endpoint": {"address": {"pipe": {"path": str(socket)}}}}
    cluster = {
        "name": "prototype", "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "prototype", "endpoints": [{"lb_endpoints": [upstream]}]},
    }  # fmt: skip
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def main() -> None:
    """Serve with what the command line names."""
    import uvloop

    dsn, socket, keys = sys.argv[1:]
    uvloop.run(serve(dsn, socket, json.loads(Path(keys).read_text())))


if __name__ == "__main__":
    main()
