"""The portal as a process: it says why it cannot start, serves where it is told, takes a dead one's socket, ends when asked."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.portal.conftest import POLICY

PATIENCE_S = 120  # a machine that is busy with other things starts a process in half a minute


def start(folder: Path, *words: str, **variables: str) -> "subprocess.Popen[str]":
    """``python -m services.portal.main`` in a clean environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TROZALOG_")}
    given = {"TROZALOG_DATA_DIR": str(folder)} | {f"TROZALOG_{name}": value for name, value in variables.items()}
    command = [sys.executable, "-m", "services.portal.main", *words]
    return subprocess.Popen(command, env=clean | given, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize(
    ("words", "variables", "reason"),
    [
        (["serve"], {"COLOUR": "red"}, "unknown variables: TROZALOG_COLOUR"),
        (["serve"], {"ENV": "staging"}, "env: "),
        (
            ["serve"],
            {"ENV": "production"},
            "ENV=production refuses development values of: public_url, issuer, jwks_url",
        ),
        (["migrate"], {}, "usage: python -m services.portal.main serve|migrate"),
        ([], {}, "usage: python -m services.portal.main serve|migrate"),
    ],
)
def test_a_start_that_cannot_work_says_why(
    tmp_path: Path, words: list[str], variables: dict[str, str], reason: str
) -> None:
    process = start(tmp_path, *words, **variables)
    _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 1
    assert reason in said
    assert "Traceback" not in said


def test_without_a_policy_nothing_is_believed_and_nothing_starts(tmp_path: Path) -> None:
    process = start(tmp_path, "serve")
    _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 1
    assert "portal: cannot start:" in said
    assert "policy.txt" in said
    assert "Traceback" not in said


def test_it_takes_the_place_of_a_dead_one_and_ends_when_asked(tmp_path: Path) -> None:
    (tmp_path / "policy.txt").write_text(POLICY)
    path = tmp_path / "portal.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    process = start(tmp_path, "serve", UDS=str(path))
    try:
        answer = _first_answer(process, path)
        assert answer.status_code == 200
        assert "text/html" in answer.headers["content-type"]
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode in (0, -signal.SIGTERM)
    assert said == ""


def _first_answer(process: "subprocess.Popen[str]", path: Path) -> httpx.Response:
    until = time.monotonic() + PATIENCE_S
    while not _listens(path):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    with httpx.Client(
        transport=httpx.HTTPTransport(uds=str(path)), base_url="http://portal", timeout=PATIENCE_S
    ) as client:
        return client.get("/")


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
