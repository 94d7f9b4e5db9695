"""What all tests share: `--full`, and a real PostgreSQL for those that ask for one."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[1]))

from deploy.databases import Address, Database
from deploy.postgres import Cluster
from shared.web import deadline
from tests import turns
from tests.databases import Keeper, handed_out

T = TypeVar("T")
LONGEST_FULL_S = 3_600  # of one test in its long form, where it does not say so itself
# Cores are shared by all who test at once: an example may take its time.
settings.register_profile("full", deadline=None)
settings.register_profile("short", deadline=None, max_examples=40)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full` also runs the long forms."""
    parser.addoption("--full", action="store_true", help="also run the long form of tests")


def pytest_configure(config: pytest.Config) -> None:
    """How many examples Hypothesis tries, unless it was asked for a profile or the test says so itself."""
    if config.getoption("--hypothesis-profile") is None:
        settings.load_profile("full" if config.getoption("--full") else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--full` the long forms are skipped, and the report says so. Several workers begin with what is long."""
    if hasattr(config, "workerinput"):
        turns.longest_first(items)
    if config.getoption("--full"):
        for item in items:
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(LONGEST_FULL_S))
        return
    skip = pytest.mark.skip(reason="long form: give --full")
    for item in items:
        if item.get_closest_marker("full"):
            item.add_marker(skip)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> turns.Turns | None:
    """Who runs what, for several workers that take a module at a time."""
    return turns.Turns(config, log) if config.getoption("dist") == "loadscope" else None


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


@pytest.fixture(scope="session")
def keeper(postgres: Address) -> Iterator[Keeper]:
    """Who makes, copies and empties databases on that server."""
    kept = Keeper(postgres)
    try:
        yield kept
    finally:
        kept.close()


@pytest.fixture
def database_for(keeper: Keeper) -> Iterator[Callable[[str], Database]]:
    """`database_for("custody")`: a fresh, empty database with the service's two roles, dropped after the test."""
    with handed_out(keeper, keeper.made) as make:
        yield make


@pytest.fixture
def migrated_for(keeper: Keeper) -> Iterator[Callable[[str], Database]]:
    """`migrated_for("custody")`: the same as the service's migrations leave it."""
    with handed_out(keeper, keeper.migrated) as make:
        yield make
