"""The measure beside ours: the PyPI package `eventsourcing` appending bare events (no signature, no rule, no Merkle tree)
to the same PostgreSQL server, in its own process, as its users do: single events, and in its best bulk form.

`python -m deploy.bench.rival DSN FORM THREADS EVENTS BATCH` prints seconds.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import asyncpg

from deploy.databases import Database
from deploy.instance import CHECKOUT

NAME = "bench_rival"
STATE = b"x" * 650  # as long as our mean entry


@dataclass(frozen=True)
class Form:
    """One way to append: `functions` turns on the package's server-side insert (its unnest form)."""

    name: str
    threads: int
    batch: int
    functions: bool

    @property
    def words(self) -> str:
        """For people."""
        how = "server-side insert function" if self.functions else "default insert"
        return f"{self.threads} thread{'s' if self.threads > 1 else ''}, {self.batch} per transaction, {how}"


FORMS = tuple(
    Form(f"{'functions' if functions else 'default'}-{threads}x{batch}", threads, batch, functions)
    for batch in (1, 100, 500)
    for threads in (1, 8)
    for functions in (False, True)
)


async def make_database(custody: Database) -> str:
    """An empty database beside ours on the same server; its address."""
    await drop_database(custody)
    address = custody.address
    admin = await asyncpg.connect(address.dsn(address.admin, address.password, address.admin_database))
    try:
        await admin.execute(f'CREATE DATABASE "{NAME}"')
    finally:
        await admin.close()
    return address.dsn(address.admin, address.password, NAME)


async def drop_database(custody: Database) -> None:
    """Leave the server as it was."""
    address = custody.address
    admin = await asyncpg.connect(address.dsn(address.admin, address.password, address.admin_database))
    try:
        await admin.execute(f'DROP DATABASE IF EXISTS "{NAME}" WITH (FORCE)')
    finally:
        await admin.close()


def measure(dsn: str, form: Form, events: int) -> float:
    """Events a second, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.bench.rival", dsn, form.name, str(events)],
        stdout=subprocess.PIPE, text=True, check=True, timeout=300, cwd=CHECKOUT,
    )  # fmt: skip
    return events / float(done.stdout)


def about() -> str:
    """Which versions were measured, and which form of the driver."""
    import psycopg

    return (
        f"eventsourcing {version('eventsourcing')}, psycopg {version('psycopg')} ({psycopg.pq.__impl__} implementation)"
    )


def _environment(dsn: str, form: Form) -> dict[str, str]:
    parts = urlsplit(dsn)
    host = parse_qs(parts.query).get("host", [parts.hostname or "localhost"])[0]
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres", "POSTGRES_DBNAME": NAME, "POSTGRES_HOST": host,
        "POSTGRES_PORT": parse_qs(parts.query).get("port", [str(parts.port or 5432)])[0],
        "POSTGRES_USER": unquote(parts.username or ""), "POSTGRES_PASSWORD": unquote(parts.password or ""),
        "POSTGRES_POOL_SIZE": str(form.threads), "POSTGRES_MAX_OVERFLOW": "0",
        "POSTGRES_ENABLE_DB_FUNCTIONS": "yes" if form.functions else "no",
    }  # fmt: skip


def main() -> None:
    """Append and print the seconds it took."""
    from eventsourcing.persistence import InfrastructureFactory, StoredEvent

    dsn, name, events = sys.argv[1], sys.argv[2], int(sys.argv[3])
    form = next(form for form in FORMS if form.name == name)
    factory = InfrastructureFactory.construct(_environment(dsn, form))
    recorder = factory.application_recorder()

    def event() -> StoredEvent:
        return StoredEvent(originator_id=uuid4(), originator_version=1, topic="bench:Event", state=STATE)

    batches = [[event() for _ in range(form.batch)] for _ in range(events // form.batch)]
    recorder.insert_events([event()])  # makes the table and opens the first connection
    begun = time.perf_counter()
    with ThreadPoolExecutor(form.threads) as pool:
        list(pool.map(recorder.insert_events, batches))
    print(time.perf_counter() - begun)
    factory.close()


if __name__ == "__main__":
    main()
