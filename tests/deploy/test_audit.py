"""The verbs of an auditor hand their words on, and take the policy of an instance when they are given none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared.audit.logs import LOG, PlainLog, some_entries

ROOT = Path(__file__).parents[2]


def timber(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TIMBER_DATA": str(data)}
    command = [sys.executable, "-m", "deploy", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "policy.txt").write_text(f"log {LOG.verifier.vkey}\nquorum none\n")
    return PlainLog(some_entries(3)).write(tmp_path / "log")


def test_a_policy_that_is_given_counts(log: Path, tmp_path: Path) -> None:
    policy = f"--policy={tmp_path / 'policy.txt'}"

    assert timber(tmp_path / "none", "fsck", str(log), policy).returncode == 0
    assert timber(tmp_path / "none", "mirror", str(log), str(tmp_path / "copy"), policy).returncode == 0
    assert timber(tmp_path / "none", "fsck", str(tmp_path / "copy"), policy, "--json").returncode == 0


def test_without_one_it_is_that_of_the_instance_or_none(log: Path, tmp_path: Path) -> None:
    done = timber(tmp_path, "fsck", str(log), "--lang", "en")
    assert (done.returncode, done.stdout[:9]) == (0, "No damage")

    done = timber(tmp_path / "none", "fsck", str(log))
    assert done.returncode == 2
    assert "--policy" in done.stderr


def test_each_explains_itself(tmp_path: Path) -> None:
    for verb in ("mirror", "fsck", "monitor"):
        done = timber(tmp_path, verb, "--help")
        assert done.returncode == 0
        assert done.stdout.startswith(f"usage: ./timber {verb} ")


def test_the_help_of_fsck_tells_all_its_words_and_each_has_its_place(log: Path, tmp_path: Path) -> None:
    said = timber(tmp_path, "fsck", "--help").stdout
    assert all(word in said for word in ("--state DIR", "--policy FILE", "--deep", "exit codes: 0 sound"))
    assert "fsck . --help" not in said

    state = ("--state", str(tmp_path / "state"))
    refused, passed = timber(tmp_path, "fsck", *state), timber(tmp_path, "fsck", str(log), *state)
    assert (refused.returncode, "without SOURCE there is no --state" in refused.stderr) == (2, True)
    assert (passed.returncode, len(list((tmp_path / "state").glob("*.checkpoint")))) == (0, 1)
