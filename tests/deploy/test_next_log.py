"""The key of the next log: made once, taken over once, and never lost in between."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.keygen import make_keys
from deploy.next_log import NEXT_KEY, NotNext, prepare, take_over
from deploy.rotate import add_log_key
from deploy.topology import BY_NAME, Laptop, environment
from services.custody.keys.log_keys import LogKeys
from shared.tlog.note import ED25519, MLDSA44, Signer
from shared.tlog.policy import Policy

OLD = "trozalog.localhost/madre-de-dios/2026"
NEXT = "trozalog.localhost/madre-de-dios/2027"
AFTER = "trozalog.localhost/madre-de-dios/2028"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys", tmp_path / "policy.txt")
    return tmp_path / "keys"


def test_the_next_key_takes_the_place_of_the_old_one_and_the_policy_names_both(keys: Path) -> None:
    policy = keys.parent / "policy.txt"
    old = (keys / "log.pub").read_text().strip()

    vkey = prepare(keys, NEXT)
    assert prepare(keys, NEXT) == vkey
    assert [key.vkey for key in take_over(keys, policy)] == [vkey]

    assert LogKeys.read(keys / "log.key", NEXT).shown.vkey == vkey
    assert [log.verifier.vkey for log in Policy.parse(policy.read_bytes()).logs] == [old, vkey]
    assert [line for line in (keys / "log.key").read_text().split() if "PRIVATE" not in line] == [old]
    assert (
        f"PRIVATE+KEY+{old.partition('+')[0]}" not in (keys / "log.key").read_text()
    )  # what signed the old log is gone
    assert not (keys / NEXT_KEY).exists()
    assert (keys / "log.key").stat().st_mode & 0o777 == 0o600


def test_the_next_log_signs_with_as_many_kinds_as_this_one(keys: Path) -> None:
    policy = keys.parent / "policy.txt"
    add_log_key(keys, policy, MLDSA44)
    add_log_key(keys, policy)  # a second Ed25519 key beside it, in the middle of a change
    old = LogKeys.read(keys / "log.key", OLD)

    vkey = prepare(keys, NEXT)
    handed = take_over(keys, policy)

    now = LogKeys.read(keys / "log.key", NEXT)
    assert [key.kind for key in now.signers] == [key.kind for key in handed] == [ED25519, MLDSA44]
    assert (now.shown.vkey, now.verifiers) == (vkey, handed)
    assert now.past == old.verifiers
    logs = [log.verifier for log in Policy.parse(policy.read_bytes()).logs]
    assert [log.kind for log in logs] == [ED25519] * 3
    assert {log.name for log in logs} == {OLD, NEXT}


def test_the_keys_of_the_year_before_last_are_kept_too(keys: Path) -> None:
    policy = keys.parent / "policy.txt"
    add_log_key(keys, policy, MLDSA44)
    first = LogKeys.read(keys / "log.key", OLD)
    prepare(keys, NEXT)
    take_over(keys, policy)
    second = LogKeys.read(keys / "log.key", NEXT)

    prepare(keys, AFTER)
    take_over(keys, policy)

    assert LogKeys.read(keys / "log.key", AFTER).past == (*second.verifiers, *first.verifiers)


def test_a_policy_that_names_the_second_line_names_the_next_one_too(keys: Path) -> None:
    policy = keys.parent / "policy.txt"
    lattice = add_log_key(keys, policy, MLDSA44)
    policy.write_text(f"log {lattice} https://log.example/log\n{policy.read_text()}")

    prepare(keys, NEXT)
    _, new = take_over(keys, policy)

    assert f"log {lattice} https://log.example/log\nlog {new.vkey} https://log.example/log\n" in policy.read_text()


def test_a_line_that_came_after_the_preparation_is_not_left_behind(keys: Path) -> None:
    policy = keys.parent / "policy.txt"
    vkey = prepare(keys, NEXT)
    add_log_key(keys, policy, MLDSA44)
    before = (keys / "log.key").read_text()

    with pytest.raises(NotNext, match="prepare again"):
        take_over(keys, policy)
    assert (keys / "log.key").read_text() == before
    assert prepare(keys, NEXT) == vkey  # what the closed log names stays

    assert [key.kind for key in take_over(keys, policy)] == [ED25519, MLDSA44]


def test_what_the_server_types_tells_the_key_of_the_second_line(keys: Path) -> None:
    policy = keys.parent / "policy.txt"
    add_log_key(keys, policy, MLDSA44)
    command = [sys.executable, "-m", "deploy.next_log", str(keys), "--policy", str(policy)]

    first = subprocess.run([*command, "prepare", NEXT], capture_output=True, text=True, check=True, timeout=120)
    then = subprocess.run([*command, "take-over"], capture_output=True, text=True, check=True, timeout=120)

    now = LogKeys.read(keys / "log.key", NEXT)
    assert first.stdout == now.shown.vkey + "\n"
    assert then.stdout.splitlines()[0] == NEXT
    assert then.stdout.endswith(f"the new key of the second line: {now.signers[1].verifier.vkey}\n")


def test_a_policy_without_the_key_in_force_is_not_guessed_at(keys: Path) -> None:
    policy, before = keys.parent / "policy.txt", (keys / "log.key").read_text()
    text = policy.read_text()
    prepare(keys, NEXT)
    policy.write_text(f"log {Signer.generate(OLD).verifier.vkey}\nquorum none\n")

    with pytest.raises(NotNext, match="does not name the key in force"):
        take_over(keys, policy)
    assert (keys / "log.key").read_text() == before
    policy.write_text(text)
    assert take_over(keys, policy)


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
