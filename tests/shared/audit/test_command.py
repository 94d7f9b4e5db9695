"""`audit-log` as people run it."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.up import any_free_port
from tests.shared.audit.logs import LOG, PlainLog
from tests.shared.lot.wood import Wood, a_lot

ROOT = Path(__file__).parents[3]


class Quiet(SimpleHTTPRequestHandler):
    """A static server, as a mirror of the log would be."""

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/log/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the policy, and below `log` an honest log."""
    (tmp_path / "policy").write_text(f"log {LOG.verifier.vkey}\nquorum none\n")
    PlainLog([record.entry for record in a_lot().records]).write(tmp_path / "log")
    return tmp_path


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "shared.audit", *words, "--policy", str(folder / "policy")]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, *words), cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )


def forked(folder: Path) -> None:
    entries = [record.entry for record in a_lot().records]
    PlainLog([*entries[:-1], b"another", b"past"]).write(folder / "log")


def put_whole(folder: Path, entries: list[bytes]) -> None:
    """The log as a server puts it before its readers: a checkpoint whose files are there."""
    PlainLog(entries).write(folder / "next")
    shutil.copytree(folder / "next/tile", folder / "log/tile", dirs_exist_ok=True)
    (folder / "next/checkpoint").replace(folder / "log/checkpoint")


def test_a_log_is_copied_checked_and_watched_over_http_and_from_the_copy(site: Path) -> None:
    with served(site) as url:
        done = run(site, "mirror", url, str(site / "copy"))
        assert (done.returncode, done.stderr) == (0, "")
        assert "Copia completa" in done.stdout
        assert run(site, "fsck", url).returncode == 0
    done = run(site, "monitor", str(site / "copy"), "--state", str(site / "state"), "--lang", "en")

    assert (done.returncode, done.stderr) == (0, "")
    assert "21 entries judged; findings: 0" in done.stdout


def test_findings_end_with_3_and_are_told_again_unless_only_new_ones_are_asked_for(site: Path) -> None:
    wood = Wood(authorised_dm3=5_000)
    wood.guide("001-1", wood.cut(wood.fell("501"), "501"))
    PlainLog([record.entry for record in wood.records]).write(site / "log")
    words = ("monitor", str(site / "log"), "--state", str(site / "state"), "--json")

    for more, code, found in (((), 3, 1), ((), 3, 1), (("--new",), 0, 0), (("--least", "S4"), 3, 1)):
        done = run(site, *words, *more)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == code
        assert [line["rule"] for line in lines if line["kind"] == "finding"] == ["B01"] * found
        assert lines[-1] == {"kind": "judged", "origin": LOG.name, "size": len(wood.records), "found": found}


def test_a_source_that_shows_less_than_was_seen_is_said_to_be_behind(site: Path) -> None:
    entries = [record.entry for record in a_lot().records]
    words = ("monitor", str(site / "log"), "--state", str(site / "state"))
    assert run(site, *words).returncode == 0
    PlainLog(entries[:-3]).write(site / "log")

    plain, english, programs = (
        run(site, *words),
        run(site, *words, "--lang", "en"),
        run(site, *words, "--json", "--new"),
    )
    graver = run(site, *words, "--least", "S2")
    PlainLog(entries).write(site / "log")
    again = run(site, *words)

    assert (plain.returncode, english.returncode, programs.returncode) == (3, 3, 3)
    assert "una constancia de 18 entradas, anterior a las 21 ya vistas" in plain.stdout
    assert "a checkpoint of 18 entries, older than the 21 seen before" in english.stdout
    first, last = [json.loads(line) for line in programs.stdout.splitlines()]
    assert (first["kind"], first["severity"], first["size"], first["seen"]) == ("behind", "S1", 18, 21)
    assert first["text_es"] != first["text_en"]
    assert (last["kind"], last["found"]) == ("judged", 1)
    assert (graver.returncode, again.returncode) == (0, 0)
    assert "anterior" not in graver.stdout + again.stdout


def test_whoever_follows_is_told_once_that_the_source_is_behind(site: Path) -> None:
    entries = [record.entry for record in a_lot().records]
    words = ("monitor", str(site / "log"), "--state", str(site / "state"), "--follow", "--every", "0.1", "--json")
    process = subprocess.Popen(command(site, *words), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = [json.loads(process.stdout.readline())]
        put_whole(site, entries[:-3])
        said.append(json.loads(process.stdout.readline()))
        time.sleep(1)
        put_whole(site, [*entries, b"more"])
        said += [json.loads(process.stdout.readline()) for _ in range(2)]
    finally:
        process.kill()
        process.communicate()

    assert [one["kind"] for one in said] == ["judged", "behind", "finding", "judged"]


def test_damage_ends_with_1_and_names_its_place(site: Path) -> None:
    path = site / "log/tile/entries/000.p/21"
    path.write_bytes(path.read_bytes()[:-2] + b"??")

    done = run(site, "fsck", str(site / "log"), "--json")
    plain = run(site, "fsck", str(site / "log"))

    assert (done.returncode, plain.returncode) == (1, 1)
    damage = json.loads(done.stdout)["damage"]
    assert (damage["place"], damage["index"]) == ("tile/entries/000.p/21", 20)
    assert plain.stdout.startswith("entrada 20: Daño en tile/entries/000.p/21")


def test_a_damaged_mirror_is_named_and_mended(site: Path) -> None:
    PlainLog([b"entry %d" % n for n in range(300)]).write(site / "log")
    words = ("mirror", str(site / "log"), str(site / "copy"))
    assert run(site, *words).returncode == 0
    (site / "copy/tile/entries/000").write_bytes(b"?")

    named = run(site, *words, "--check")
    (site / "copy/tile/entries/000").unlink()
    mended = run(site, *words, "--check")

    assert named.returncode == 1
    assert named.stderr == (
        "Daño en tile/entries/000: el archivo de esta copia no es el que cubre la raíz firmada. Bórrelo y repita con --check.\n"
    )
    assert (mended.returncode, "Copia completa" in mended.stdout) == (0, True)
    assert run(site, "fsck", str(site / "copy")).returncode == 0


def test_a_fork_ends_with_1_and_prints_both_notes(site: Path) -> None:
    state = ("--state", str(site / "state"))
    first = (site / "log/checkpoint").read_text()
    assert run(site, "fsck", str(site / "log"), *state).returncode == 0
    assert run(site, "mirror", str(site / "log"), str(site / "copy")).returncode == 0
    forked(site)

    for words in (("fsck", str(site / "log"), *state), ("mirror", str(site / "log"), str(site / "copy"))):
        done = run(site, *words)
        assert done.returncode == 1
        assert first in done.stderr
        assert (site / "log/checkpoint").read_text() in done.stderr
    PlainLog([record.entry for record in a_lot().records]).write(site / "log")  # back to the first history
    for words in (("fsck", str(site / "log"), *state), ("mirror", str(site / "log"), str(site / "copy"))):
        again = run(site, *words)
        assert again.returncode == 1
        assert first in again.stderr


@pytest.mark.parametrize(
    "words", [("fsck", "nowhere"), ("fsck", "http://127.0.0.1:9/log/x y\n"), ("mirror", "nowhere", "x")]
)
def test_what_cannot_be_read_ends_with_2(site: Path, words: tuple[str, ...]) -> None:
    done = run(site, *words)

    assert done.returncode == 2
    assert "no se puede leer" in done.stderr.lower()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("--listen", "x:y"), ("--listen", "127.0.0.1:0"), ("--follow", "--every", "0")])
def test_words_that_make_no_sense_are_refused(site: Path, words: tuple[str, ...]) -> None:
    done = run(site, "monitor", str(site / "log"), "--state", str(site / "state"), *words)

    assert done.returncode == 2
    assert done.stderr.startswith("usage:")


def test_a_policy_that_is_none_ends_with_2(site: Path) -> None:
    (site / "policy").write_text("log x\nquorum none\n")

    assert run(site, "fsck", str(site / "log")).returncode == 2


def test_a_log_that_the_policy_does_not_know_ends_with_1(site: Path) -> None:
    (site / "policy").write_text("quorum none\n")

    done = run(site, "fsck", str(site / "log"), "--lang", "en")

    assert done.returncode == 1
    assert "Your policy does not know" in done.stderr


def test_a_monitor_that_listens_answers_and_follows_until_it_is_interrupted(site: Path) -> None:
    port = any_free_port()
    words = ("monitor", str(site / "log"), "--state", str(site / "state"), "--follow", "--every", "0.1", "--json")
    process = subprocess.Popen(
        command(site, *words, "--listen", f"127.0.0.1:{port}"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["size"] == 21
        note = (site / "log/checkpoint").read_bytes()
        assert _posted(port, note)["outcome"] == "consistent"
        forked(site)
        assert json.loads(process.stdout.readline())["slug"] == "log-forked"
        assert process.wait(timeout=120) == 1
    finally:
        process.kill()
        process.communicate()


def test_a_monitor_says_that_its_address_is_taken(site: Path) -> None:
    words = ("monitor", str(site / "log"), "--state", str(site / "state"), "--follow")
    with served(site) as taken:
        address = taken.removeprefix("http://").partition("/")[0]
        done = run(site, *words, "--listen", address)

    assert (done.returncode, done.stderr) == (2, f"No se puede escuchar en {address}: la dirección ya está en uso.\n")


def _interruptible() -> None:
    """A shell starts what runs in the background with this signal ignored, and so would be whatever the tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_monitor_that_listens_ends_when_it_is_interrupted(site: Path) -> None:
    words = (
        "monitor",
        str(site / "log"),
        "--state",
        str(site / "state"),
        "--follow",
        "--listen",
        "127.0.0.1:0",
        "--json",
    )
    process = subprocess.Popen(
        command(site, *words),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_interruptible,
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["size"] == 21
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=120) == 130
    finally:
        process.kill()
        _, errors = process.communicate()
    assert "Traceback" not in errors


def _posted(port: int, note: bytes) -> dict[str, Any]:
    """The answer of the door, which may open a moment after the first round."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/checkpoints", note, timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.05)
