"""Forked processes behave as started ones do."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.nursery import Nursery, Order
from deploy.process import alive

PATIENCE_S = 120.0


@pytest.fixture
async def nursery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nursery]:
    monkeypatch.setenv("NOT_GIVEN", "leaked")
    found = Nursery(tmp_path / "nursery.log")
    yield found
    await found.stop()


async def until(done: Callable[[], bool]) -> None:
    """Returns once it is so; fails when it takes far too long."""
    async with asyncio.timeout(PATIENCE_S):
        while not done():  # noqa: ASYNC110  (a process is waited for)
            await asyncio.sleep(0.02)


def order(folder: Path, argument: str) -> Order:
    environment = {"GIVEN": "yes", "PATH": os.environ["PATH"]}
    return Order(f"child-{argument}", "tests.deploy.forked", [argument], environment, str(folder / "log"))


@pytest.mark.parametrize("status", ["0", "3"])
async def test_a_fork_ends_with_its_own_status(nursery: Nursery, tmp_path: Path, status: str) -> None:
    forked = await nursery.start(order(tmp_path, status))

    assert await forked.wait() == int(status)
    said = (tmp_path / "log").read_text()
    assert f"argument {status} variable yes inherited None" in said


async def test_an_error_is_in_the_log_of_the_process(nursery: Nursery, tmp_path: Path) -> None:
    forked = await nursery.start(order(tmp_path, "fail"))

    assert await forked.wait() == 1
    assert "RuntimeError: so it goes" in (tmp_path / "log").read_text()


async def test_a_fork_can_be_stopped_and_started_again(nursery: Nursery, tmp_path: Path) -> None:
    first = await nursery.start(order(tmp_path, "wait"))
    first.send_signal(signal.SIGTERM)

    assert await first.wait() == -signal.SIGTERM
    second = await nursery.start(order(tmp_path, "0"))
    assert await second.wait() == 0


async def test_forks_do_not_outlive_the_nursery_and_a_new_one_takes_its_place(nursery: Nursery, tmp_path: Path) -> None:
    forked = await nursery.start(order(tmp_path, "wait"))
    assert nursery.pid is not None
    os.kill(nursery.pid, signal.SIGKILL)

    assert await forked.wait() == -signal.SIGKILL
    await until(lambda: not alive(forked.pid))
    again = await nursery.start(order(tmp_path, "0"))
    assert await again.wait() == 0


async def test_a_fork_that_nobody_waits_for_any_more_is_ended(nursery: Nursery, tmp_path: Path) -> None:
    (await nursery.start(order(tmp_path, "0"))).send_signal(signal.SIGTERM)
    abandoned = asyncio.create_task(nursery.start(order(tmp_path, "wait")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    abandoned.cancel()

    following = await nursery.start(order(tmp_path, "3"))

    assert await following.wait() == 3
    await until(lambda: not nursery._running)
