"""`./timber witness`: what somebody who is not the log's operator runs, alone."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.instance import CHECKOUT
from deploy.process import die_with_parent
from deploy.up import any_free_port
from deploy.witness import NoWitness, handed_out, prepare, variables
from shared.refusal import Refusal
from shared.tlog.note import COSIGNATURE
from shared.tlog.policy import Policy
from tests.witness.foreign import ForeignLog, cosigned_at

NAME = "watcher.example/w1"
PATIENCE_S = 120  # a machine that is busy with other things starts a process in half a minute


@pytest.fixture
def log() -> ForeignLog:
    return ForeignLog()


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[httpx.Client]:
    """A witness started from the command line, as soon as it answers."""
    port = any_free_port()
    command = [sys.executable, "-P", "-m", "deploy", "witness", "--data", str(folder), "--listen", f"127.0.0.1:{port}"]
    child = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", text=True,
        env={"PYTHONPATH": str(CHECKOUT), "TROZALOG_NOT_OURS": "x"}, preexec_fn=die_with_parent(signal.SIGKILL),
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE_S) as http:
            end = time.monotonic() + PATIENCE_S
            while child.poll() is None and time.monotonic() < end:
                with contextlib.suppress(httpx.HTTPError):
                    http.get("/healthz").raise_for_status()
                    break
                time.sleep(0.05)
            yield http
    finally:
        child.kill()
        child.communicate()


def test_a_new_witness_cosigns_and_remembers(tmp_path: Path, log: ForeignLog) -> None:
    folder = tmp_path / "witness"
    with running(folder, "--name", NAME, "--log", log.vkey) as http:
        vkey = http.get("/healthz").json()["vkey"]
        answer = http.post("/add-checkpoint", content=log.request(0, 7))
        assert answer.status_code == 200
        cosigned_at(answer.text, log.text(7), vkey)

    with running(folder) as http:
        assert http.get("/healthz").json()["vkey"] == vkey
        assert http.post("/add-checkpoint", content=log.request(0, 9)).text == "7\n"
        assert http.post("/add-checkpoint", content=log.request(7, 9)).status_code == 200


def test_what_is_handed_out_is_a_line_of_a_policy(tmp_path: Path, log: ForeignLog) -> None:
    signer = prepare(tmp_path / "witness", NAME, [log.vkey])

    [line] = [one for one in handed_out(signer.verifier, "http://127.0.0.1:8200").splitlines() if "witness " in one[:8]]

    [witness] = Policy.parse(f"{line}\nquorum watcher.example-w1\n".encode()).witnesses
    assert (witness.verifier, witness.url) == (signer.verifier, "http://127.0.0.1:8200")
    assert (signer.name, signer.kind) == (NAME, COSIGNATURE)


def test_logs_are_added_to_the_list_and_stay(tmp_path: Path, log: ForeignLog) -> None:
    folder, other = tmp_path / "witness", ForeignLog("other.example/log")
    prepare(folder, NAME, [log.vkey])
    (folder / "logs.txt").write_text("# mine\n" + (folder / "logs.txt").read_text())

    prepare(folder, None, [other.vkey, log.vkey])

    text = (folder / "logs.txt").read_bytes()
    assert text.startswith(b"# mine\n")
    assert [one.verifier.vkey for one in Policy.parse(text).logs] == [log.vkey, other.vkey]


def test_key_and_folder_are_for_their_owner_only(tmp_path: Path, log: ForeignLog) -> None:
    prepare(tmp_path / "witness", NAME, [log.vkey])

    assert (tmp_path / "witness").stat().st_mode & 0o077 == 0
    assert (tmp_path / "witness" / "witness.key").stat().st_mode & 0o077 == 0


def test_a_key_without_memory_is_not_used_again(tmp_path: Path, log: ForeignLog) -> None:
    folder = tmp_path / "witness"
    prepare(folder, NAME, [log.vkey])
    prepare(folder, None, [])  # it may be started again before it has signed anything
    (folder / "high-water").unlink()

    with pytest.raises(NoWitness, match="no memory"):
        prepare(folder, None, [])


def test_a_memory_without_its_key_gets_no_new_one(tmp_path: Path, log: ForeignLog) -> None:
    folder = tmp_path / "witness"
    prepare(folder, NAME, [log.vkey])
    (folder / "witness.key").unlink()

    with pytest.raises(NoWitness, match="key is gone"):
        prepare(folder, NAME, [])


def test_another_name_is_another_witness(tmp_path: Path, log: ForeignLog) -> None:
    prepare(tmp_path, NAME, [log.vkey])

    with pytest.raises(NoWitness, match="another name"):
        prepare(tmp_path, "watcher.example/w2", [])
    assert prepare(tmp_path, NAME, []).name == NAME


def test_nothing_is_made_of_a_command_that_cannot_be_followed(tmp_path: Path, log: ForeignLog) -> None:
    folder = tmp_path / "witness"
    for name, vkeys in ((None, [log.vkey]), (NAME, []), (NAME, ["foreign.example/log+00000000+AAAA"]), (NAME, ["x"])):
        with pytest.raises((NoWitness, Refusal)):
            prepare(folder, name, vkeys)

    assert not (folder / "witness.key").exists()
    assert not (folder / "high-water").exists()


def test_the_settings_of_a_house_on_the_same_machine_do_not_leak_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROZALOG_ORIGIN", "trozalog.localhost/madre-de-dios/2026")

    found = variables(tmp_path, "::1", "8200")

    assert "TROZALOG_ORIGIN" not in found
    assert (found["TROZALOG_HOST"], found["TROZALOG_PORT"]) == ("::1", "8200")
