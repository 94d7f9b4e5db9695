"""The launcher: what it starts, what it says, and that nothing survives it."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from deploy.instance import CHECKOUT, Instance
from deploy.logfile import MAX_LOG_BYTES, piece_of
from deploy.process import alive
from deploy.topology import PARTS
from tests.system.conftest import ENVIRONMENT, PATIENCE_S, PYTHON, status_of, timber, wait_until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def one() -> Iterator[Instance]:
    """An instance without sample data, started in the background."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    folder.chmod(0o711)
    try:
        up = timber("up", "-d", "--empty", "--port", "0", "--data", str(folder / "data"), check=False)
        assert up.returncode == 0, up.stdout + up.stderr
        assert "shown once" in up.stdout
        yield Instance(folder / "data")
    finally:
        timber("reset", "--yes", "--data", str(folder / "data"), check=False)
        shutil.rmtree(folder, ignore_errors=True)


def in_the_foreground(data: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """A launcher as someone starts it in a terminal."""
    data.parent.chmod(0o711)
    command = [*PYTHON, "-m", "deploy", "up", "--empty", "--data", str(data), *arguments]
    with (data.parent / "said").open("ab") as sink:
        return subprocess.Popen(command, stdout=sink, stderr=sink, env=ENVIRONMENT, cwd="/")


def processes_of(instance: Instance) -> list[int]:
    """Every process that this instance started, with their descendants."""
    launcher = psutil.Process(instance.status["pid"])
    return [launcher.pid, *(child.pid for child in launcher.children(recursive=True))]


def wait_until_running(instance: Instance, launcher: "subprocess.Popen[bytes]") -> None:
    def done() -> bool:
        own = instance.status.get("pid") == launcher.pid and instance.status["state"] == "running"
        return own or launcher.poll() is not None

    wait_until(done)
    assert launcher.poll() is None, (instance.data.parent / "said").read_text()


def test_all_processes_are_healthy_and_told(one: Instance) -> None:
    shown = json.loads(timber("status", "--json", "--data", str(one.data)).stdout)

    healthy = {row["name"]: row["healthy"] for row in shown["processes"]}
    assert set(healthy) == {"launcher", "nursery", "postgres", "gateway", *(n for part in PARTS for n in part.names)}
    assert all(healthy.values())
    assert shown["state"] == "running"
    wait_until(lambda: status_of(f"{shown['url']}/healthz") == 200)


def test_a_second_up_shows_the_first_and_is_content(one: Instance) -> None:
    before = one.status["processes"], one.status["pid"]

    second = timber("up", "--data", str(one.data))

    assert f"127.0.0.1:{one.port}" in second.stdout
    assert (one.status["processes"], one.status["pid"]) == before


def test_verbs_find_an_instance_by_its_port(one: Instance) -> None:
    found = json.loads(timber("status", "--json", "--port", str(one.port)).stdout)

    assert found["data"] == str(one.data)
    lost = timber("status", "--port", "1", check=False)
    assert lost.returncode == 1
    assert "port 1" in lost.stderr


def test_a_token_is_printed_for_a_user_and_for_a_role(one: Instance) -> None:
    by_name = timber("token", "certificadora", "--data", str(one.data)).stdout.strip()
    by_role = timber("token", "certifier", "--data", str(one.data)).stdout.strip()

    assert by_name.count(".") == by_role.count(".") == 2
    unknown = timber("token", "alcalde", "--data", str(one.data), check=False)
    assert unknown.returncode == 1
    assert "certificadora" in unknown.stderr


def test_secrets_are_for_their_owner_only(one: Instance) -> None:
    for path in (one.keys, one.run, one.logs):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for path in (one.logins_file, *one.keys.glob("*.key"), *(one.keys / "postgres").iterdir(), one.admin_url_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for name in ("custody", "permits", "gateway-admin"):
        assert stat.S_IMODE((one.run / f"{name}.sock").stat().st_mode) & 0o077 == 0, name


def test_a_service_that_dies_comes_back(one: Instance) -> None:
    before = one.status["processes"]["contracts"]["pid"]
    os.kill(before, signal.SIGKILL)

    def back() -> bool:
        now = one.status["processes"]["contracts"]
        return now["pid"] not in (None, before) and now["state"] == "ready"

    wait_until(back)
    assert one.status["processes"]["contracts"]["restarts"] == 1
    wait_until(lambda: status_of(f"{one.base_url}/v1/red-flags") == 200)


def test_the_database_comes_back_and_services_reach_it(one: Instance) -> None:
    before = one.status["processes"]["postgres"]["pid"]
    os.kill(before, signal.SIGKILL)

    wait_until(lambda: one.status["processes"]["postgres"]["state"] == "ready" and one.status["processes"]["postgres"]["pid"] not in (None, before))  # fmt: skip
    wait_until(lambda: status_of(f"{one.base_url}/healthz") == 200)


@pytest.mark.parametrize("name", ["custody", "gateway", "postgres", "launcher"])
def test_messages_do_not_grow_without_bound_while_it_runs(one: Instance, name: str) -> None:
    log = one.logs / f"{name}.log"
    flood = b"a line that says little\n" * (MAX_LOG_BYTES // 20)
    with log.open("ab") as sink:
        sink.write(flood)

    wait_until(lambda: log.stat().st_size < MAX_LOG_BYTES)

    assert piece_of(log, 1).stat().st_size >= len(flood)
    wait_until(lambda: status_of(f"{one.base_url}/healthz") == 200)
    if name == "gateway":  # a program that knows nothing of it goes on in the emptied file
        status_of(f"{one.base_url}/v1/items/after-the-flood")
        wait_until(lambda: b"after-the-flood" in log.read_bytes())


def test_a_taken_port_is_refused_with_its_holder_and_a_free_one(short_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = timber("up", "-d", "--empty", "--port", str(port), "--data", str(short_folder / "d"), check=False)

    assert refused.returncode == 1
    assert f"port {port} is taken by" in refused.stderr
    assert f"process {os.getpid()}" in refused.stderr
    assert "is free: ./timber up --port" in refused.stderr
    assert not (short_folder / "d").exists()


def test_a_folder_with_other_things_is_left_alone(short_folder: Path) -> None:
    (short_folder / "thesis.odt").write_text("years of work")

    up = timber("up", "-d", "--data", str(short_folder), check=False)
    reset = timber("reset", "--yes", "--data", str(short_folder), check=False)

    assert up.returncode == reset.returncode == 1
    assert (short_folder / "thesis.odt").read_text() == "years of work"


def test_two_instances_run_side_by_side_and_a_killed_launcher_leaves_no_orphan(
    one: Instance, short_folder: Path
) -> None:
    data = short_folder / ("a-deep-folder-" * 9) / "data"  # its sockets do not fit under it
    data.parent.mkdir()
    short_folder.chmod(0o711)
    other = Instance(data)
    launcher = in_the_foreground(data, "--port", "0")
    wait_until_running(other, launcher)

    for instance in (one, other):
        wait_until(lambda url=instance.base_url: status_of(f"{url}/healthz") == 200)
    assert one.port != other.port
    started = processes_of(other)
    assert len(started) >= 9

    launcher.kill()
    launcher.wait()

    wait_until(lambda: not any(alive(pid) for pid in started))
    assert not other.running
    again = in_the_foreground(data, "--port", "0")
    wait_until_running(other, again)
    again.send_signal(signal.SIGINT)
    assert again.wait(PATIENCE_S) == 0
    assert other.status["state"] == "stopped"
    assert timber("reset", "--yes", "--data", str(data)).returncode == 0


def test_two_starts_at_once_make_one_instance_and_both_wait_for_it(short_folder: Path) -> None:
    short_folder.chmod(0o711)
    instance = Instance(short_folder / "data")
    command = [*PYTHON, "-m", "deploy", "up", "-d", "--empty", "--port", "0", "--data", str(instance.data)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd="/") for _ in range(2)]

    said = [start.communicate(timeout=240)[0] for start in both]

    assert [start.returncode for start in both] == [0, 0]
    assert all(f"Portal     {instance.base_url}/" in text for text in said)
    wait_until(lambda: status_of(f"{instance.base_url}/healthz") == 200)
    assert timber("reset", "--yes", "--data", str(instance.data)).returncode == 0


def test_a_house_begun_empty_stays_without_sample_data(short_folder: Path) -> None:
    short_folder.chmod(0o711)
    data = ["--data", str(short_folder / "data")]
    timber("up", "-d", "--empty", "--port", "0", *data)
    timber("down", *data)

    again = timber("up", "-d", "--port", "0", *data)

    assert "ready in" in again.stdout
    assert "sample data" not in again.stdout
    mark = Instance(short_folder / "data").sample_mark
    assert mark.read_text().startswith("Begun empty")
    timber("seed", *data)
    assert mark.read_text() == "The sample data was loaded.\n"
    assert timber("reset", "--yes", *data).returncode == 0


def test_after_everything_was_killed_it_starts_again_with_what_it_had(short_folder: Path) -> None:
    short_folder.chmod(0o711)
    instance = Instance(short_folder / "data")
    words = ["up", "-d", "--port", "0", "--data", str(instance.data)]
    timber(*words)
    size = json.loads(timber("status", "--json", "--data", str(instance.data)).stdout)["log_size"]
    killed = processes_of(instance)
    for number in killed:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    wait_until(lambda: not any(alive(number) for number in killed))

    again = timber(*words)

    assert "ready in" in again.stdout
    shown = json.loads(timber("status", "--json", "--data", str(instance.data)).stdout)
    assert shown["state"] == "running"
    assert shown["log_size"] >= size > 0
    assert timber("reset", "--yes", "--data", str(instance.data)).returncode == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("file", "is not a folder"),
        ("file/x", "cannot be used: Not a directory"),
        ("/proc/x", "cannot be used: No such"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_line(short_folder: Path, data: str, reason: str) -> None:
    (short_folder / "file").write_text("")

    up = timber("up", "-d", "--port", "0", "--data", str(short_folder / data), check=False)

    assert up.returncode == 1
    assert reason in up.stderr
    assert up.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["99999", "-1", "80a", "²"])
def test_what_is_no_port_is_refused_before_anything_is_made(short_folder: Path, port: str) -> None:
    up = timber("up", "-d", f"--port={port}", "--data", str(short_folder / "data"), check=False)

    assert up.returncode == 2
    assert f"{port} is no port; one is a number from 1 to 65535" in up.stderr
    assert not (short_folder / "data").exists()


def test_a_reset_that_nobody_confirms_deletes_nothing(short_folder: Path) -> None:
    instance = Instance(short_folder / "data")
    instance.make()

    reset = timber("reset", "--data", str(instance.data), check=False)

    assert reset.returncode == 1
    assert "nothing was deleted" in reset.stdout
    assert "Traceback" not in reset.stderr
    assert instance.keys.exists()


def test_ctrl_c_stops_everything_in_order(short_folder: Path) -> None:
    instance = Instance(short_folder / "data")
    launcher = in_the_foreground(instance.data, "--port", "0")
    wait_until_running(instance, launcher)
    started = processes_of(instance)

    launcher.send_signal(signal.SIGINT)

    assert launcher.wait(PATIENCE_S) == 0
    assert not any(alive(pid) for pid in started)
    assert instance.status["state"] == "stopped"
    assert "database system is shut down" in (instance.logs / "postgres.log").read_text()
    assert timber("status", "--data", str(instance.data), check=False).returncode == 3
    assert timber("reset", "--yes", "--data", str(instance.data)).returncode == 0
    assert not instance.data.exists()


def test_a_part_that_cannot_start_is_named_with_its_last_words(short_folder: Path) -> None:
    instance = Instance(short_folder / "data")
    short_folder.chmod(0o711)
    instance.make()
    (instance.keys / "host.key").write_text("not a key\n")
    (instance.keys / "host.pub").write_text("not a key\n")

    up = timber("up", "-d", "--empty", "--port", "0", "--data", str(instance.data), check=False)

    assert up.returncode == 1
    assert re.search(r"(custody(-\d)?|permits): ended with status", up.stderr)  # both read it; one is the first
    assert re.search(r"host\.(key|pub)", up.stderr)
    assert not instance.running


def test_the_launcher_file_needs_only_the_standard_library() -> None:
    lines = (CHECKOUT / "timber").read_text().splitlines()
    imported = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}

    assert imported <= {"hashlib", "os", "shutil", "subprocess", "sys", "pathlib"}
    assert os.access(CHECKOUT / "timber", os.X_OK)


def test_asking_twice_ends_everything_at_once(short_folder: Path) -> None:
    instance = Instance(short_folder / "data")
    launcher = in_the_foreground(instance.data, "--port", "0")
    wait_until_running(instance, launcher)
    started = processes_of(instance)
    os.kill(instance.status["processes"]["contracts"]["pid"], signal.SIGSTOP)  # it would take all of its grace

    launcher.send_signal(signal.SIGINT)
    wait_until(lambda: instance.status["state"] == "stopping")
    launcher.send_signal(signal.SIGINT)

    assert launcher.wait(PATIENCE_S) == 0
    assert not any(alive(pid) for pid in started)
    assert instance.status["state"] == "stopped"


def test_a_bad_database_address_is_one_line(short_folder: Path) -> None:
    data = str(short_folder / "data")

    up = timber(
        "up", "-d", "--empty", "--data", data, "--port", "0", check=False, DATABASE_URL="mysql://ana@somewhere/x"
    )

    assert up.returncode == 1
    assert "DATABASE_URL must look like" in up.stderr
    assert "Traceback" not in up.stderr
