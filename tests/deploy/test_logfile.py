"""A file of messages stays bounded while somebody writes into it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from deploy.instance import CHECKOUT, Instance
from deploy.logfile import KEPT, bound, piece_of

# As Envoy and PostgreSQL do: opened once for appending, never again. It writes when it is asked, then says so.
WRITER = """
import sys
for number in range(20_000):
    print(f"{number:07} a line of the forest")
    if number % 500 == 499:
        sys.stdout.flush()
        sys.stderr.write("more? ")
        sys.stderr.flush()
        sys.stdin.read(1)
"""
LIMIT = 50_000


def test_a_writer_that_knows_nothing_of_it_goes_on_in_the_emptied_file(tmp_path: Path) -> None:
    log = tmp_path / "writer.log"
    with log.open("ab") as sink:
        command = [sys.executable, "-c", WRITER]
        writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.PIPE)
    assert writer.stdin is not None
    assert writer.stderr is not None
    seen: list[int] = []

    with writer:
        while writer.stderr.read(len("more? ")):
            if bound(log, LIMIT):
                seen += numbers(piece_of(log, 1))
            writer.stdin.write(b".")
            writer.stdin.flush()

    assert [*seen, *numbers(log)] == list(range(20_000))
    assert {path.name for path in tmp_path.iterdir()} == {"writer.log", *(f"writer.log.{n + 1}" for n in range(KEPT))}
    assert all(path.stat().st_size < 2 * LIMIT for path in tmp_path.iterdir())
    assert stat.S_IMODE(piece_of(log, 1).stat().st_mode) == 0o600


def test_whoever_follows_a_log_misses_nothing_when_it_is_emptied(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "data")
    instance.make()
    log = instance.logs / "custody.log"
    log.write_text("first\nsecond\n")
    command = [sys.executable, "-P", "-m", "deploy", "logs", "-f", "custody", "--data", str(instance.data)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as follower:
        assert follower.stdout is not None
        seen = [follower.stdout.readline() for _ in range(2)]
        with log.open("a") as writer:
            writer.write("third\n")
        assert bound(log, 1)
        seen.append(follower.stdout.readline())
        with log.open("a") as writer:
            writer.write("fourth\n")
        seen.append(follower.stdout.readline())
        follower.terminate()

    assert seen == ["first\n", "second\n", "third\n", "fourth\n"]


def numbers(log: Path) -> list[int]:
    """The lines of a file, by number."""
    return [int(line[:7]) for line in log.read_text().splitlines()]


def test_a_short_file_is_left_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "short.log"
    log.write_bytes(b"x" * LIMIT)

    assert not bound(log, LIMIT)
    assert not bound(tmp_path / "none.log", LIMIT)

    assert log.stat().st_size == LIMIT
    assert list(tmp_path.iterdir()) == [log]


def test_the_oldest_piece_goes_first(tmp_path: Path) -> None:
    log = tmp_path / "many.log"
    for number in range(KEPT + 2):
        log.write_text(f"{number}" * (LIMIT + 1))
        assert bound(log, LIMIT)

    youngest_first = [piece_of(log, n).read_text()[0] for n in range(1, KEPT + 1)]
    assert youngest_first == [str(KEPT + 1 - n) for n in range(KEPT)]
    assert log.read_text() == ""
    assert not piece_of(log, KEPT + 1).exists()
