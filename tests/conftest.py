"""What all tests share: `--full`, and a real PostgreSQL for those that ask for one."""

import asyncio
import hashlib
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from deploy import databases
from deploy.databases import Address, Database, Tenant
from deploy.postgres import Cluster
from shared.web import deadline

T = TypeVar("T")
# Under names of our own: the server in DATABASE_URL may be somebody's.
TESTS = Tenant("test_", "trozalog tests")
_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full` also runs the long forms."""
    parser.addoption("--full", action="store_true", help="also run the long form of tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--full` the long forms are skipped, and the report says so."""
    if config.getoption("--full"):
        return
    skip = pytest.mark.skip(reason="long form: give --full")
    for item in items:
        if item.get_closest_marker("full"):
            item.add_marker(skip)


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a thread of its own, so that it may be called with or without a running loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture(autouse=True)
def _no_deadline_of_an_earlier_request() -> None:
    """A request made inside this process leaves its deadline behind; it is not the next test's."""
    deadline.forget()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Address]:
    """One server for this test process: DATABASE_URL if given, else an embedded one without syncing to disk."""
    if url := os.environ.get("DATABASE_URL"):
        yield Address.parse(url)
        return
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    folder.chmod(0o711)
    cluster = Cluster(folder / "pg", folder / "secret", durable=False)
    try:
        cluster.prepare()
        child = cluster.start(folder / "postgres.log")
        try:
            yield Address(str(cluster.socket_dir), 5432, "postgres", cluster.password)
        finally:
            cluster.stop(child)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_for(postgres: Address) -> Iterator[Callable[[str], Database]]:
    """`database_for("custody")`: a fresh, empty database with the service's two roles, dropped after the test."""
    made: list[Database] = []

    def password(role: str) -> str:
        return hashlib.sha256(f"{postgres.password}/{role}".encode()).hexdigest()

    def make(service: str) -> Database:
        name = f"{service}_test_{os.getpid()}_{next(_numbers)}"
        made.append(replace(databases.database_of(postgres, service, password, TESTS), name=name))
        run_apart(databases.create(made[-1], TESTS))
        return made[-1]

    yield make
    for database in made:
        run_apart(databases.drop(database))
