"""Backup, restore, recover and fsck as an operator types them, on a real house."""

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.bench.forest import Forest
from deploy.bench.fresh import down, fresh_instance, machine_tokens, up
from deploy.instance import Instance
from tests.system.conftest import PATIENCE_S, timber, wait_until
from tests.system.test_crash import Door, a_forest

pytestmark = pytest.mark.system


@dataclass
class Evening:
    """A house with a log, and its backup of a moment before the last uploads."""

    door: Door
    forest: Forest
    before: list[bytes]
    after: list[bytes]
    answers: list[list[dict[str, Any]]]
    file: Path

    def said(self, *words: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        """What a verb answers."""
        done = timber(*words, "--data", str(self.door.instance.data), check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(
            f"{self.door.instance.base_url}/healthz", trust_env=False, timeout=PATIENCE_S
        ).json()
        return found


@pytest.fixture(scope="module")
def evening() -> Iterator[Evening]:
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    with fresh_instance() as instance:
        door = Door(instance, machine_tokens(instance, 1)[0])
        forest = a_forest(door, "night", 900)
        before = [forest.upload(100) for _ in range(3)]
        after = [forest.upload(100) for _ in range(3)]
        answers = [door.send_until_answered(body) for body in before]
        made = Evening(door, forest, before, after, answers, folder / "evening.backup")
        made.said("backup", str(made.file))
        answers += [door.send_until_answered(body) for body in after]
        door.signed_up_to(1 + max(one["index"] for results in answers for one in results))
        yield made
        door.http.close()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_backup_holds_no_private_key(evening: Evening) -> None:
    data = evening.file.read_bytes()
    assert evening.file.stat().st_mode & 0o77 == 0
    for path in evening.door.instance.keys.rglob("*"):
        if path.is_file() and not path.name.endswith((".pub", "DEVELOPMENT")):
            for word in path.read_bytes().split():
                assert len(word) < 20 or word not in data, path


def test_a_backup_never_takes_the_place_of_another(evening: Evening) -> None:
    assert "exists" in evening.said("backup", str(evening.file), code=1).stderr


def test_a_sound_log_is_said_to_be_so_and_a_changed_digit_has_a_place(evening: Evening) -> None:
    sound = json.loads(evening.said("fsck", "--json").stdout)
    assert (sound["status"], sound["signatures"]) == ("sound", True)
    assert sound["archive_size"] == sound["signed_size"] == sound["size"]

    asyncio.run(flip(evening.door.instance, 400))
    damaged = json.loads(evening.said("fsck", "--json", code=1).stdout)
    asyncio.run(flip(evening.door.instance, 400))

    assert (damaged["status"], damaged["place"]) == ("damaged", "entry 400")
    evening.said("fsck", "--deep")


async def flip(instance: Instance, index: int) -> None:
    connection = await asyncpg.connect(instance.admin_dsn("custody"))
    try:
        await connection.execute("SET session_replication_role = replica")
        change = "UPDATE entry SET body = set_byte(body, 250, get_byte(body, 250) # 1) WHERE idx = $1"
        await connection.execute(change, index)
    finally:
        await connection.close()


def test_a_wrong_folder_is_not_taken_for_damage(tmp_path: Path, evening: Evening) -> None:
    nowhere = timber("fsck", "--data", str(tmp_path / "nowhere"), check=False)
    assert (nowhere.returncode, "has no database" in nowhere.stderr) == (2, True)
    assert "there is no folder" in evening.said("backup", str(tmp_path / "nowhere" / "file"), code=1).stderr


def test_a_restore_is_refused_while_it_runs_without_a_yes_and_from_half_a_file(evening: Evening) -> None:
    assert "stop it first" in evening.said("restore", str(evening.file), "--yes", code=1).stderr


def test_a_restored_house_is_frozen_until_what_was_lost_is_back(evening: Evening) -> None:
    door, instance = evening.door, evening.door.instance
    half = evening.file.with_name("half")
    half.write_bytes(evening.file.read_bytes()[:-30_000])
    down(instance)
    evening.said("fsck")  # with PostgreSQL alone
    assert "--yes" in evening.said("restore", str(evening.file), code=1).stdout
    assert "not a whole backup" in evening.said("restore", str(half), "--yes", code=1).stderr
    evening.said("fsck")  # nothing has changed

    restored = evening.said("restore", str(evening.file), "--yes").stdout
    assert "will be frozen" in restored
    up(instance)

    wait_until(lambda: evening.health()["status"] == "frozen")
    assert "FROZEN: the database holds" in evening.said("status", code=1).stdout
    refused = door.http.post("/v1/records", content=evening.after[0], headers=headers(door))
    assert (refused.status_code, refused.json()["slug"]) == (503, "log-frozen")
    assert door.http.get(f"/v1/records/{evening.answers[0][0]['sid']}").status_code == 200
    evening.said("fsck", code=1)

    said = [json.loads(line) for line in evening.said("recover", "--json").stdout.splitlines()]
    assert [one["status"] for one in said] == ["recovered", "said"]
    wait_until(lambda: evening.health()["status"] == "ok")
    assert "FROZEN" not in evening.said("status").stdout

    last = door.signed_up_to(said[1]["statement"] + 1)
    sids = door.sids(last.size)
    for results in evening.answers:
        assert [sids[one["index"]] for one in results] == [one["sid"] for one in results]
    assert [door.send_until_answered(body) for body in (*evening.before, *evening.after)] == evening.answers
    evening.said("fsck", "--deep")


def headers(door: Door) -> dict[str, str]:
    return {"Authorization": f"Bearer {door.token}", "Content-Type": "application/x-ndjson"}


def test_a_house_that_was_lost_comes_back_elsewhere_from_backup_keys_and_archive(evening: Evening) -> None:
    instance = evening.door.instance
    file = evening.file.with_name("morning.backup")
    evening.said("backup", str(file))
    elsewhere = evening.file.parent / "elsewhere"
    elsewhere.mkdir(mode=0o711)
    where = ("--data", str(elsewhere))
    torn = file.with_name("torn")
    torn.write_bytes(file.read_bytes()[:-30_000])
    without = timber("restore", str(file), "--yes", *where, check=False)
    failed = timber("restore", str(torn), "--yes", "--keys", str(instance.keys), *where, check=False)
    left = [path for path in (elsewhere / "keys").rglob("*") if path.name.startswith("log.")]
    restored = timber("restore", str(file), "--yes", "--keys", str(instance.keys), *where, check=False)
    try:
        assert (without.returncode, "put the keys back first" in without.stderr) == (1, True), without.stderr
        assert (failed.returncode, left) == (1, [])  # with its key and without its entries a start would fork the log
        assert restored.returncode == 0, restored.stdout + restored.stderr
        assert "put them back BEFORE the next start" in restored.stdout
        assert "policy.txt was made anew from log.key" in restored.stdout
        own = (instance.keys / "log.pub").read_text().strip()
        assert f"log {own}\n" in (elsewhere / "policy.txt").read_text()
        for name in ("anchor", "archive"):
            shutil.copytree(instance.data / name, elsewhere / name)

        sound = timber("fsck", "--json", *where)

        found = json.loads(sound.stdout)
        assert (found["status"], found["size"]) == ("sound", found["archive_size"])
    finally:
        timber("reset", "--yes", *where, check=False)
