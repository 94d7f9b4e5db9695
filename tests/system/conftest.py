"""Real processes: a gateway with the real issuer before services that only echo, and the whole house."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy import gateway
from deploy.instance import CHECKOUT, Instance
from deploy.issuer import make_logins
from deploy.keygen import make_keys
from deploy.process import die_with_parent
from deploy.topology import BY_NAME, PARTS, Laptop, environment
from deploy.up import any_free_port
from tests.browser import Visitor, Windows, a_browser

PYTHON = [sys.executable, "-P"]
Visit = Callable[..., Visitor]
PATIENCE_S = 120.0  # a machine that is busy with other things starts a process in half a minute
# Of what is set here only this reaches them: an address of a database or a data folder is somebody's.
KEPT = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
ENVIRONMENT = {"HOME": "/"} | KEPT | {"PYTHONPATH": str(CHECKOUT)}


@dataclass(frozen=True)
class Gateway:
    """A running gateway: its address, and secrets to sign in with."""

    url: str
    port: int
    logins: dict[str, str]
    place: Laptop

    def client(self, **options: Any) -> httpx.Client:
        """An HTTP client of it."""
        return httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_S, **options)

    def token(self, name: str) -> str:
        """An access token of a person."""
        with self.client() as client:
            asked = {"grant_type": "password", "username": name, "password": self.logins[name]}
            answer = client.post("/v1/tokens", json=asked)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for socket names."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def started(command: list[str], log: Path, variables: dict[str, str]) -> "subprocess.Popen[bytes]":
    """A child that cannot outlive the tests."""
    with log.open("ab") as sink:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=ENVIRONMENT | variables, cwd="/",
            preexec_fn=die_with_parent(signal.SIGKILL),
        )  # fmt: skip


def wait_until(done: Callable[[], bool]) -> None:
    """Poll until true; fails when it takes far too long."""
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def status_of(url: str) -> int:
    """The status of a GET; 0 when nobody answers."""
    try:
        return httpx.get(url, trust_env=False, timeout=30).status_code
    except httpx.HTTPError:
        return 0


@pytest.fixture(scope="session")
def gateway_before_echoes() -> Iterator[Gateway]:
    """Envoy as the launcher runs it and the development issuer; behind them services that say what reached them."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    keys = folder / "keys"
    make_keys(keys, folder / "policy.txt")
    logins = make_logins(keys / "logins.json")
    port = any_free_port()
    place = Laptop(folder, folder, keys, f"http://127.0.0.1:{port}")
    gateway.write(place, port, folder / "envoy.yaml")
    echoes = [str(place.socket(name)) for part in PARTS if part.name != "issuer" for name in part.names]
    children = [
        started(
            [*PYTHON, "-m", "deploy.issuer", "serve"], folder / "issuer.log", environment(BY_NAME["issuer"], place)
        ),
        started([*PYTHON, "-m", "tests.system.echo", *echoes], folder / "echo.log", {}),
        started(gateway.command(folder / "envoy.yaml"), folder / "gateway.log", {}),
    ]
    try:
        wait_until(lambda: status_of(f"http://127.0.0.1:{port}/.well-known/jwks.json") == 200)
        wait_until(lambda: status_of(f"http://127.0.0.1:{port}/v1/logs") == 200)
        found = Gateway(f"http://127.0.0.1:{port}", port, logins, place)
        token = found.token("auditor")
        bearer = {"authorization": f"Bearer {token}"}
        with found.client() as client:  # Envoy fetches the issuer's keys once a second until it has them
            wait_until(lambda: client.get("/v1/logs", headers=bearer).status_code == 200)
        yield found
    finally:
        for child in children:
            child.kill()
            child.wait()
        shutil.rmtree(folder, ignore_errors=True)


def timber(*arguments: str, check: bool = True, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a verb of the launcher to its end."""
    return subprocess.run(
        [*PYTHON, "-m", "deploy", *arguments], capture_output=True, text=True, env=ENVIRONMENT | variables, check=check,
        stdin=subprocess.DEVNULL, cwd="/", timeout=240,
    )  # fmt: skip


@pytest.fixture(scope="session")
def house() -> Iterator[Instance]:
    """The whole house with its sample data, as `./timber up` starts it."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    folder.chmod(0o711)  # as root, the database's user walks through it
    data = folder / "data"
    try:
        up = timber("up", "-d", "--data", str(data), "--port", "0", check=False)
        assert up.returncode == 0, up.stdout + up.stderr
        yield Instance(data)
    finally:
        timber("reset", "--yes", "--data", str(data), check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def telling(house: Instance) -> "subprocess.CompletedProcess[str]":
    """The story of `./timber demo --json` on that house, for the first time."""
    return timber("demo", "--json", "--data", str(house.data), check=False)


@pytest.fixture(scope="session")
def told_house(house: Instance, telling: "subprocess.CompletedProcess[str]") -> Instance:
    """The whole house after the story: permits, trees, logs, guides, two sold lots."""
    assert telling.returncode == 0, telling.stdout + telling.stderr
    return house


@pytest.fixture(scope="module")
def windows(told_house: Instance) -> Iterator[Windows]:
    """A browser in front of that house. It ends with its module: while it lives, its driver runs a loop on this thread, and
    no test of another module could run one of its own."""
    with a_browser() as browser:
        yield Windows(browser, told_house.base_url, told_house.logins().__getitem__)


@pytest.fixture
def visit(windows: Windows) -> Iterator[Visit]:
    """``visit("comunidad", language="en", width=360)``: a person in a window of their own."""
    yield windows.visit
    windows.close()
