"""Two instances that share a database server, somebody else's databases beside them, and what a reset takes away."""

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy import sockets
from deploy.instance import Instance
from deploy.postgres import Cluster
from deploy.process import alive
from tests.conftest import run_apart
from tests.system.conftest import status_of, timber, wait_until

pytestmark = pytest.mark.system


async def _ask(dsn: str, statement: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


class Server:
    """Somebody's PostgreSQL, on which a database `custody` of theirs has been all along."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o711)
        self.cluster = Cluster(folder / "pg", folder / "secret")
        self.cluster.prepare()
        self.child = self.cluster.start(folder / "log")
        self.url = f"postgresql://postgres:{self.cluster.password}@/postgres?host={self.cluster.socket_dir}"
        for statement in ("CREATE ROLE custody_owner LOGIN PASSWORD 'theirs'", "CREATE DATABASE custody"):
            self.ask(statement)

    def ask(self, statement: str) -> Any:
        return run_apart(_ask(self.url, statement))

    def databases(self) -> set[str]:
        names = "SELECT array_agg(datname::text) FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
        return set(self.ask(names))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    found = Server(folder)
    yield found
    found.cluster.stop(found.child)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def two(server: Server) -> Iterator[tuple[Instance, Instance]]:
    """Two empty instances with that server; the sockets of the second do not fit under its folder."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    made = Instance(folder / "one"), Instance(folder / ("a-deep-folder-" * 8) / "two")
    try:
        for instance in made:
            words = ["up", "-d", "--empty", "--port", "0", "--data", str(instance.data)]
            up = timber(*words, check=False, DATABASE_URL=server.url)
            assert up.returncode == 0, up.stdout + up.stderr
        yield made
    finally:
        for instance in made:
            timber("reset", "--yes", "--data", str(instance.data), check=False)
        shutil.rmtree(folder, ignore_errors=True)


def prefix_of(instance: Instance) -> str:
    return instance.database("custody").prefix


def registered() -> list[str]:
    words = Path(tempfile.gettempdir()).resolve().glob(f"timber-{os.geteuid()}-instances/*.path")
    return [word.read_text().strip() for word in words]


def test_both_answer_and_nothing_of_the_others_is_theirs(two: tuple[Instance, Instance], server: Server) -> None:
    own = {f"{prefix_of(instance)}{service}" for instance in two for service in ("permits", "custody", "contracts")}

    wait_until(lambda: [status_of(f"{instance.base_url}/healthz") for instance in two] == [200, 200])
    assert server.databases() == own | {"custody"}
    assert len(own) == 6
    assert not any((instance.data / "pg").exists() for instance in two)


def test_doctor_looks_at_the_port_it_is_asked_about(two: tuple[Instance, Instance]) -> None:
    one, other = two

    def port(*words: str) -> tuple[bool, str]:
        shown = json.loads(timber("doctor", "--json", *words, check=False).stdout)
        (found,) = (each for each in shown if each["what"] == "port")
        return found["well"], found["found"]

    assert port("--port", str(other.port)) == (True, f"{other.port}, where this instance answers")
    well, found = port("--data", str(one.data), "--port", str(other.port))
    assert (well, found.partition(" by ")[0]) == (False, f"{other.port} is taken")
    assert port("--data", str(one.data)) == (True, f"{one.port}, where this instance answers")


def test_a_process_with_the_number_of_one_of_ours_is_left_alone(two: tuple[Instance, Instance], tmp_path: Path) -> None:
    one, other = two
    dead = Instance(tmp_path)
    dead.make()
    theirs = other.status["processes"]
    stale = {name: process | {"begun": process["begun"] - 60} for name, process in theirs.items()}
    dead.write_status(other.status | {"processes": stale})

    said = timber("down", "--data", str(dead.data)).stdout

    assert said == f"not running ({dead.data})\n"
    assert all(alive(process["pid"]) for process in theirs.values())
    wait_until(lambda: status_of(f"{one.base_url}/healthz") == status_of(f"{other.base_url}/healthz") == 200)


def test_a_reset_takes_its_own_and_leaves_the_other(two: tuple[Instance, Instance], server: Server) -> None:
    one, other = two
    elsewhere = sockets.place_of(other.data / "run")
    assert elsewhere.is_dir()
    assert elsewhere != other.data / "run"
    assert {str(one.data), str(other.data)} <= set(registered())
    gone, stays = prefix_of(other), prefix_of(one)

    reset = timber("reset", "--yes", "--data", str(other.data))

    assert f"deleted {gone}permits, {gone}custody, {gone}contracts" in reset.stdout
    assert not other.data.exists()
    assert not elsewhere.exists()
    assert str(other.data) not in registered()
    wait_until(lambda: status_of(f"{one.base_url}/healthz") == 200)
    assert str(one.data) in registered()
    assert server.databases() == {"custody", *(f"{stays}{service}" for service in ("permits", "custody", "contracts"))}
    assert server.ask("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'timber%'") == 6
    theirs = server.url.replace(f"postgres:{server.cluster.password}", "custody_owner:theirs")
    assert run_apart(_ask(theirs, "SELECT 1")) == 1  # its password is what it was


def test_a_reset_that_cannot_reach_the_databases_deletes_nothing(two: tuple[Instance, Instance]) -> None:
    one, _ = two
    timber("down", "--data", str(one.data))

    refused = timber(
        "reset", "--yes", "--data", str(one.data), check=False, DATABASE_URL="postgresql://a:b@127.0.0.1:1/x"
    )

    assert refused.returncode == 1
    assert "could not be deleted" in refused.stderr
    assert one.keys.exists()
    assert timber("reset", "--yes", "--data", str(one.data)).returncode == 0  # the twin: it knows the server itself
    assert not one.data.exists()


def test_a_killed_launchers_processes_are_ended_before_its_data_goes(short_folder: Path) -> None:
    short_folder.chmod(0o711)
    instance = Instance(short_folder / "data")
    timber("up", "-d", "--empty", "--port", "0", "--data", str(instance.data))
    numbers = [process["pid"] for process in instance.status["processes"].values()]
    os.kill(instance.status["pid"], signal.SIGKILL)

    reset = timber("reset", "--yes", "--data", str(instance.data))

    assert reset.returncode == 0
    assert not instance.data.exists()
    wait_until(lambda: not any(alive(number) for number in numbers))
