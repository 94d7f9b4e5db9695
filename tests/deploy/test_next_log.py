"""The key of the next log: made once, taken over once, and never lost in between."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.keygen import make_keys
from deploy.next_log import NEXT_KEY, NotNext, prepare, take_over
from deploy.topology import BY_NAME, Laptop, environment
from services.custody.keys.log_keys import LogKeys
from shared.tlog.policy import Policy

NEXT = "trozalog.localhost/madre-de-dios/2027"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys", tmp_path / "policy.txt")
    return tmp_path / "keys"


def test_the_next_key_takes_the_place_of_the_old_one_and_the_policy_names_both(keys: Path) -> None:
    policy = keys.parent / "policy.txt"
    old = (keys / "log.pub").read_text().strip()

    vkey = prepare(keys, NEXT)
    assert prepare(keys, NEXT) == vkey
    assert take_over(keys, policy) == NEXT

    assert LogKeys.read(keys / "log.key", NEXT).shown.vkey == vkey
    assert [log.verifier.vkey for log in Policy.parse(policy.read_bytes()).logs] == [old, vkey]
    assert old.partition("+")[0] not in (keys / "log.key").read_text()  # what signed the old log is gone
    assert not (keys / NEXT_KEY).exists()
    assert (keys / "log.key").stat().st_mode & 0o777 == 0o600


def test_a_laptop_keeps_the_log_that_its_key_names(keys: Path) -> None:
    place = Laptop(keys.parent / "run", keys.parent, keys, "")

    before = environment(BY_NAME["custody"], place)["TROZALOG_ORIGIN"]
    prepare(keys, NEXT)
    take_over(keys, keys.parent / "policy.txt")

    assert before == "trozalog.localhost/madre-de-dios/2026"
    assert environment(BY_NAME["custody"], place)["TROZALOG_ORIGIN"] == NEXT


@pytest.mark.parametrize(
    "origin", ["trozalog.localhost/madre-de-dios/2026", "Trozalog/2027", "trozalog.localhost", "a b/c"]
)
def test_a_log_goes_on_under_an_origin_of_its_own(keys: Path, origin: str) -> None:
    with pytest.raises(NotNext):
        prepare(keys, origin)
    assert not (keys / NEXT_KEY).exists()


def test_while_one_log_is_prepared_no_other_is(keys: Path) -> None:
    vkey = prepare(keys, NEXT)

    with pytest.raises(NotNext, match=NEXT):
        prepare(keys, "trozalog.localhost/madre-de-dios/2028")
    assert prepare(keys, NEXT) == vkey


def test_nothing_is_taken_over_that_was_not_prepared(keys: Path) -> None:
    before = (keys / "log.key").read_text()

    with pytest.raises(NotNext):
        take_over(keys, keys.parent / "policy.txt")
    assert (keys / "log.key").read_text() == before


def test_making_and_taking_over_a_key_may_die_at_every_line(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Steps 1 and 6 of a hand-over (docs/life-of-a-log.md): killed anywhere, every file is whole, and said again it ends well."""
    every = "1" if request.config.getoption("--full") else "29"
    command = [sys.executable, "-m", "tests.deploy.dying", str(tmp_path / "site"), every]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)

    assert done.returncode == 0, done.stderr
    deaths = dict(line.split() for line in done.stdout.splitlines())
    assert deaths.keys() == {"prepare", "take-over"}
    assert min(int(count) * int(every) for count in deaths.values()) > 300
