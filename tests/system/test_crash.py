"""What was acknowledged stays, at its index, whatever is killed; and an upload has one effect however often it comes."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from deploy.bench.forest import Forest
from deploy.bench.fresh import fresh_instance, machine_tokens, plant
from deploy.instance import Instance
from shared.timber.event import parse_entry
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.policy import Policy
from shared.tlog.tile import WIDTH, decode_entries, entries_path, node_reader, tile_path, width_at
from tests.system.conftest import PATIENCE_S, wait_until

pytestmark = pytest.mark.system

UPLOADERS, UPLOADS, RECORDS = 4, 60, 100
Json = dict[str, Any]


@dataclass
class Door:
    """The gateway of the instance, for a machine that carries other people's records."""

    instance: Instance
    token: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.instance.base_url, timeout=PATIENCE_S, trust_env=False)
        self.policy = Policy.parse(self.instance.policy.read_bytes())

    def send(self, body: bytes) -> list[Json]:
        """The results of an upload; raises when it is not answered with 200."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson"}
        answer = self.http.post("/v1/records", content=body, headers=headers)
        answer.raise_for_status()
        results: list[Json] = answer.json()["results"]
        return results

    def send_until_answered(self, body: bytes) -> list[Json]:
        """As a phone does: again and again, until the house answers."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.send(body)
            except httpx.HTTPError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def checkpoint(self) -> Checkpoint:
        """The newest checkpoint, its signature verified."""
        answer = self.http.get("/log/checkpoint")
        answer.raise_for_status()
        return self.policy.check(answer.content).checkpoint

    def signed_up_to(self, size: int) -> Checkpoint:
        """A checkpoint that covers so many entries."""
        end = time.monotonic() + PATIENCE_S
        while True:
            with suppress(httpx.HTTPError):  # a service that was killed is not back yet
                if (found := self.checkpoint()).size >= size:
                    return found
            assert time.monotonic() < end, f"no checkpoint covers {size} entries"
            time.sleep(0.05)

    def tile(self, path: str) -> bytes:
        answer = self.http.get(f"/log/{path}")
        answer.raise_for_status()
        return answer.content

    def sids(self, size: int) -> list[str]:
        """Which statement stands at each index."""
        found: list[str] = []
        for n in range(-(-size // WIDTH)):
            entries = decode_entries(self.tile(entries_path(n, min(WIDTH, size - n * WIDTH))))
            found += [parse_entry(entry).sid for entry in entries]
        return found

    def reader(self, size: int) -> merkle.GetNode:
        """Nodes of the tree of so many entries, from hash tiles."""
        fetched: dict[tuple[int, int], bytes] = {}

        def fetch(level: int, n: int) -> bytes:
            if (level, n) not in fetched:
                fetched[level, n] = self.tile(tile_path(level, n, width_at(level, n, size)))
            return fetched[level, n]

        return node_reader(fetch)


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with fresh_instance() as instance:
        opened = Door(instance, machine_tokens(instance, 1)[0])
        yield opened
        opened.http.close()


def a_forest(door: Door, name: str, records: int) -> Forest:
    """Papers of a forest with enough trees, in the log."""
    forest = Forest(name, records)
    plant(door.instance, forest, door.token)
    return forest


class Watch:
    """Collects checkpoints while something is going on."""

    def __init__(self, door: Door) -> None:
        self.seen: list[Checkpoint] = []
        self._door, self._over = door, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.is_set():
            with suppress(httpx.HTTPError):  # it is down: that is the point
                self.seen.append(self._door.checkpoint())
            time.sleep(0.03)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def check_history(door: Door, seen: list[Checkpoint], last: Checkpoint) -> None:
    """Sizes never fall, equal sizes have equal roots, and each checkpoint is a prefix of the last."""
    sizes = [checkpoint.size for checkpoint in seen]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 3, "nothing was going on"
    assert len({(c.size, c.root) for c in seen}) == len(set(sizes))
    get_node = door.reader(last.size)
    for old in {checkpoint.size: checkpoint for checkpoint in seen}.values():
        proof = merkle.consistency_proof(old.size, last.size, get_node)
        merkle.verify_consistency(old.size, last.size, old.root, last.root, proof)


def crash_under_load(door: Door, name: str, process: str) -> None:
    forest = a_forest(door, name, UPLOADS * RECORDS)
    bodies = [forest.upload(RECORDS) for _ in range(UPLOADS)]
    before = door.instance.status["processes"][process]
    acknowledged: list[list[Json]] = []
    under_way = threading.Event()

    def carry(body: bytes) -> None:
        results = door.send_until_answered(body)
        acknowledged.append(results)
        if len(acknowledged) >= UPLOADS // 4:
            under_way.set()

    with Watch(door) as watch, ThreadPoolExecutor(UPLOADERS) as pool:
        carried = [pool.submit(carry, body) for body in bodies]
        assert under_way.wait(PATIENCE_S)
        os.kill(before["pid"], signal.SIGKILL)
        for future in carried:
            future.result()

    def back() -> bool:  # the uploads may have gone on without it, through the other process of custody
        now = door.instance.status["processes"][process]
        return now["pid"] not in (None, before["pid"]) and now["state"] == "ready"

    wait_until(back)
    assert door.instance.status["processes"][process]["restarts"] == before["restarts"] + 1
    check_all_there(door, acknowledged, watch.seen)
    assert [door.send_until_answered(body) for body in bodies] == in_order(bodies, acknowledged)


def check_all_there(door: Door, acknowledged: list[list[Json]], seen: list[Checkpoint]) -> None:
    results = [result for results in acknowledged for result in results]
    assert {result["status"] for result in results} == {"logged"}
    last = door.signed_up_to(1 + max(result["index"] for result in results))
    sids = door.sids(last.size)
    assert [sids[result["index"]] for result in results] == [result["sid"] for result in results]
    assert len(set(sids)) == len(sids)
    check_history(door, [*seen, last], last)


def in_order(bodies: list[bytes], acknowledged: list[list[Json]]) -> list[list[Json]]:
    """The answers in the order of the uploads they answered."""
    by_first = {results[0]["sid"]: results for results in acknowledged}
    return [by_first[first_sid(body)] for body in bodies]


def first_sid(body: bytes) -> str:
    return parse_entry(body.split(b"\n", 1)[0]).sid


def test_killing_custody_under_load_loses_nothing_that_was_acknowledged(door: Door) -> None:
    crash_under_load(door, "kc", "custody")


def test_killing_postgresql_under_load_loses_nothing_that_was_acknowledged(door: Door) -> None:
    crash_under_load(door, "kp", "postgres")


def test_the_same_upload_five_times_at_once_has_one_effect_and_equal_answers(door: Door) -> None:
    body = a_forest(door, "five", 200).upload(200)

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(door.send, [body] * 5))

    assert all(answer == answers[0] for answer in answers)
    sids = door.sids(door.signed_up_to(1 + max(result["index"] for result in answers[0])).size)
    assert all(sids.count(result["sid"]) == 1 for result in answers[0])


def test_one_bad_record_among_five_hundred_refuses_itself_alone(door: Door) -> None:
    lines = a_forest(door, "bad", 500).upload(500).splitlines()
    good, other = lines[-1], lines[0]  # a felling nothing else builds on, and a signature of something else
    at = good.index(b'"sig":"') + 7
    taken = other.index(b'"sig":"') + 7
    lines[-1] = good[:at] + other[taken : taken + 86] + good[at + 86 :]

    results = door.send(b"\n".join(lines))

    assert [result["status"] for result in results] == ["logged"] * 499 + ["refused"]
    assert results[-1]["problem"]["slug"] == "bad-signature"
    assert door.send(good)[0]["status"] == "logged"


@pytest.mark.parametrize(
    "close", [lambda s: s.close(), lambda s: s.shutdown(socket.SHUT_WR)], ids=["closed", "half-closed"]
)
def test_an_upload_that_stops_midway_leaves_nothing(door: Door, close: Callable[[socket.socket], None]) -> None:
    name = f"half{time.monotonic_ns() % 10**9}"
    body = a_forest(door, name, 300).upload(300)
    head = (
        f"POST /v1/records HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {door.token}\r\n"
        f"content-type: application/x-ndjson\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()

    with socket.create_connection(("127.0.0.1", door.instance.port)) as phone:
        phone.sendall(head + body[: len(body) // 2])
        time.sleep(0.5)
        close(phone)
        time.sleep(0.5)

    first = "/v1/records/" + first_sid(body)
    assert door.http.get(first).status_code == 404
    assert {result["status"] for result in door.send(body)} == {"logged"}
    assert door.http.get(first).status_code == 200
