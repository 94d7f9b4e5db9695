"""A witness killed at the two moments that matter, and at any other: it never goes back behind what it answered."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.instance import CHECKOUT
from deploy.process import die_with_parent
from deploy.up import any_free_port
from shared.tlog.note import COSIGNATURE, Signer
from shared.tlog.witness import origin_id
from tests.witness.conftest import NAME, settle
from tests.witness.foreign import ForeignLog, cosigned_at

PATIENCE_S = 120


class Process:
    """A witness in a process of its own, that may be killed and started again."""

    def __init__(self, folder: Path, log: ForeignLog) -> None:
        self.signer, self.log, self.folder = Signer.generate(NAME, COSIGNATURE), log, folder / "state"
        settle(folder, self.signer, log.vkey)
        self._port = any_free_port()
        self._variables = {
            "TROZALOG_KEYS_DIR": str(folder), "TROZALOG_DATA_DIR": str(self.folder), "TROZALOG_PORT": str(self._port),
            "TROZALOG_POLICY": str(folder / "logs.txt"), "PYTHONPATH": str(CHECKOUT), "PATH": os.environ["PATH"],
        }  # fmt: skip
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", trust_env=False, timeout=PATIENCE_S)
        self.start()

    def start(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "services.witness.main", "serve"], env=self._variables, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, preexec_fn=die_with_parent(signal.SIGKILL),
        )  # fmt: skip
        end = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert time.monotonic() < end, "the witness does not start"
            time.sleep(0.02)

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return self.http.get("/healthz").status_code == 200
        return False

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()

    def send(self, old: int, size: int, log: ForeignLog | None = None) -> httpx.Response:
        return self.http.post("/add-checkpoint", content=(log or self.log).request(old, size))

    def send_into_the_void(self, old: int, size: int) -> threading.Thread:
        """A request whose answer never comes."""

        def carry() -> None:
            with contextlib.suppress(httpx.HTTPError):
                answer = self.send(old, size)
                raise AssertionError(f"it was answered: {answer.status_code}")

        thread = threading.Thread(target=carry)
        thread.start()
        return thread

    def size(self) -> int:
        answer = self.http.get(f"/{origin_id(self.log.name)}/checkpoint")
        return int(answer.text.split("\n")[1]) if answer.status_code == 200 else 0

    def stored(self) -> int:
        """The size in the file, read as somebody else would."""
        with contextlib.closing(sqlite3.connect(self.folder / "cosigned.db", timeout=PATIENCE_S)) as db:
            size: int = db.execute("SELECT max(size) FROM cosigned").fetchone()[0]
        return size


@pytest.fixture
def witness(tmp_path: Path, log: ForeignLog) -> Iterator[Process]:
    process = Process(tmp_path, log)
    yield process
    process.kill()
    process.http.close()


def test_killed_after_the_check_and_before_it_is_kept_nothing_was_promised(witness: Process) -> None:
    assert witness.send(0, 6).status_code == 200
    reader = sqlite3.connect(witness.folder / "cosigned.db", isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM cosigned").fetchone() == (1,)  # holds up the commit, not the check
    waiting = witness.send_into_the_void(6, 9)
    journal = witness.folder / "cosigned.db-journal"
    end = time.monotonic() + PATIENCE_S
    while not journal.exists():
        assert time.monotonic() < end
        time.sleep(0.001)

    witness.kill()
    reader.execute("COMMIT")
    reader.close()
    waiting.join()
    witness.start()

    assert witness.size() == 6
    assert witness.send(6, 8).status_code == 200


def test_killed_after_it_is_kept_and_before_the_answer_it_remembers(witness: Process) -> None:
    assert witness.send(0, 6).status_code == 200
    os.mkfifo(witness.folder / "high-water.new")  # whoever opens it to write waits for a reader
    waiting = witness.send_into_the_void(6, 9)
    end = time.monotonic() + PATIENCE_S
    while witness.stored() != 9:
        assert time.monotonic() < end
        time.sleep(0.005)

    witness.kill()
    waiting.join()
    (witness.folder / "high-water.new").unlink()
    witness.start()

    assert witness.size() == 9
    assert witness.send(6, 7, witness.log.forked(6)).text == "9\n"
    again = witness.send(9, 9)
    assert again.status_code == 200
    cosigned_at(again.text, witness.log.text(9), witness.signer.verifier.vkey)


def hammered(witness: Process, kills: int, seed: int) -> None:
    """Killed while somebody sends without pause: what was answered stands, and no fork below it ever passes."""
    chance, acknowledged = random.Random(seed), 0
    for _ in range(kills):
        killer = threading.Timer(chance.uniform(0, 0.1), witness.kill)
        killer.start()
        old = acknowledged
        with contextlib.suppress(httpx.HTTPError):
            for _ in range(10_000):
                answer = witness.send(old, old + 1)
                if answer.status_code == 200:
                    acknowledged = old = old + 1
                else:
                    old = int(answer.text)
                    assert old >= acknowledged, "it went back"
        killer.join()
        witness.start()
        assert witness.size() >= acknowledged
        if acknowledged:
            assert witness.send(0, acknowledged, witness.log.forked(0)).status_code == 409


def test_killed_at_any_moment_it_never_goes_back(witness: Process) -> None:
    hammered(witness, kills=3, seed=1)


@pytest.mark.full
def test_killed_at_fifty_moments_it_never_goes_back(witness: Process) -> None:
    hammered(witness, kills=50, seed=2)
