"""The end of a year, as an operator does it: the house runs, the log is closed, the house starts again."""

import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.instance import Instance
from shared.tlog.witness import origin_id
from tests.system.conftest import PATIENCE_S, timber, wait_until

pytestmark = pytest.mark.system

OLD, NEW = (f"trozalog.localhost/madre-de-dios/{year}" for year in (2026, 2027))


@pytest.fixture
def house() -> Iterator[Instance]:
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    folder.chmod(0o711)
    try:
        timber("up", "-d", "--empty", "--port", "0", "--data", str(folder / "data"))
        yield Instance(folder / "data")
    finally:
        timber("reset", "--yes", "--data", str(folder / "data"), check=False)
        shutil.rmtree(folder, ignore_errors=True)


def asked(house: Instance, path: str) -> str:
    with urllib.request.urlopen(house.base_url + path, timeout=PATIENCE_S) as answer:  # noqa: S310
        return str(answer.read().decode())


def size_of(house: Instance) -> int:
    """How many entries its newest checkpoint covers; none while there is no checkpoint."""
    try:
        return int(asked(house, "/log/checkpoint").splitlines()[1])
    except urllib.error.HTTPError:
        return 0


def test_a_year_ends_and_the_next_one_goes_on(house: Instance) -> None:
    data = ["--data", str(house.data)]
    wait_until(lambda: size_of(house) >= 3)  # registrar and host are in the log

    closed = timber("hand-over", NEW, "--lang", "en", *data)
    timber("down", *data)
    timber("up", "-d", *data)
    timber("backup", str(house.data / "early"), *data)
    timber("demo", *data)

    assert f"{OLD} is closed for ever" in closed.stdout
    assert "1 of 1 witnesses" in closed.stdout
    [log] = json.loads(asked(house, "/v1/logs"))["logs"]
    end = f"/log/closed/{origin_id(OLD)}"
    assert (log["origin"], log["before"][0]["origin"]) == (NEW, OLD)
    assert asked(house, f"{end}/checkpoint").startswith(f"{OLD}\n{log['before'][0]['size']}\n")
    places = [f"{house.base_url}{end}", f"{house.base_url}/log/"]
    proven = timber("succession", *places, "--policy", str(house.policy), "--lang", "en")
    assert log["vkey"] in proven.stdout
    timber("fsck", "--deep", *data)
    again = timber("hand-over", NEW, *data, check=False)
    assert (again.returncode, "is this log" in again.stderr) == (1, True)
    timber("down", *data)
    restored = timber("restore", str(house.data / "early"), "--yes", *data)
    assert "the log will be frozen" in restored.stdout
