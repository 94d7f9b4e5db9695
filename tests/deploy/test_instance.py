"""What the files of a data folder say of it, and which words mean it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.instance import Instance, default_data
from deploy.keygen import make_keys

ROOT = Path(__file__).parents[2]


@pytest.fixture
def keyed(tmp_path: Path) -> Instance:
    """A folder into which somebody put the keys of a house that was lost."""
    instance = Instance(tmp_path / "data")
    instance.make()
    make_keys(instance.keys, instance.policy)
    return instance


def touched(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_a_key_without_its_log_does_not_sign_again(keyed: Instance) -> None:
    command = [sys.executable, "-m", "deploy", "up", "--empty", "--data", str(keyed.data)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{keyed.keys}/log.key is here and no database, anchor or archive of its log" in done.stderr
    assert f"./timber restore FILE --data {keyed.data}" in done.stderr
    assert not keyed.status


@pytest.mark.parametrize("there", ["anchor/checkpoint", "anchor/0123456789abcdef/checkpoint", "archive/checkpoint"])
def test_a_key_with_what_was_published_may_start(keyed: Instance, there: str) -> None:
    assert keyed.key_alone

    touched(keyed.data / there)

    assert not keyed.key_alone


@pytest.mark.parametrize("there", ["pg/data/PG_VERSION", "given-server.json"])
def test_a_database_counts_once_a_start_or_a_restore_came_to_its_end(keyed: Instance, there: str) -> None:
    touched(keyed.data / there)
    assert keyed.key_alone  # left by a restore that failed: the log is not in it

    keyed.sample_mark.write_text("Restored from a backup: no sample data.\n")
    assert not keyed.key_alone

    keyed.write_status({"state": "stopped"})
    assert not keyed.key_alone
    (keyed.data / there).unlink()
    assert keyed.key_alone  # the disk of the database is gone


def test_a_first_start_that_was_interrupted_goes_on_and_a_new_folder_starts(keyed: Instance) -> None:
    keyed.write_status({"state": "starting"})
    assert not keyed.key_alone

    shutil.rmtree(keyed.data)
    assert not keyed.key_alone


def test_hints_name_the_folder_unless_it_is_the_usual_one(tmp_path: Path) -> None:
    data = tmp_path / "a b"
    assert Instance(data).typed("up") == f"./timber up --data '{data}'"
    assert Instance(default_data()).typed("up") == "./timber up"

    for verb in (("token", "comunidad"), ("rewrap",), ("seed",)):
        command = [sys.executable, "-m", "deploy", *verb, "--data", str(data)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (
            1, f"timber: not running ({data}). Start it with `./timber up --data '{data}'`\n",
        )  # fmt: skip
