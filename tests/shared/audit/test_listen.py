"""The door of a monitor: what others saw is compared with what it watches, and kept when it does not fit."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.audit.listen import MOST_BYTES, application
from shared.audit.monitor import Monitor
from shared.audit.refusals import Forked, ForkKept
from shared.tlog.merkle import verify_consistency
from shared.tlog.note import Signer
from tests.shared.audit.logs import PlainLog, Shelf, a_policy, leaf, root
from tests.shared.lot.wood import a_lot

ENTRIES = [record.entry for record in a_lot().records]
OTHER = [*ENTRIES[:10], *reversed(ENTRIES[10:])]  # the same records, in another order
NOW = "2026-07-08T12:00:00Z"


class Door:
    """A monitor over a log that the test lets grow, and its door."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelf = Shelf({})
        self.monitor = Monitor(self.shelf, a_policy(), folder, lambda: NOW)
        transport = httpx.ASGITransport(app=application(self.monitor))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://monitor.test")

    def serve(self, entries: list[bytes]) -> None:
        self.shelf.files = PlainLog(entries).files()

    async def see(self, entries: list[bytes]) -> None:
        self.serve(entries)
        await self.monitor.round()

    async def show(self, note: bytes) -> httpx.Response:
        return await self.http.post("/v1/checkpoints", content=note)

    def evidence(self) -> set[bytes]:
        return {path.read_bytes() for path in (self.folder / "evidence").glob("*")}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.monitor.ledger.close()


@pytest.mark.parametrize("size", [0, 1, 10, len(ENTRIES)])
async def test_a_checkpoint_of_the_same_history_is_answered_with_the_proof(door: Door, size: int) -> None:
    await door.see(ENTRIES)

    answer = (await door.show(PlainLog(ENTRIES[:size]).note())).json()

    assert (answer["outcome"], answer["from"], answer["to"]) == ("consistent", size, len(ENTRIES))
    assert answer["checkpoint"].encode() == PlainLog(ENTRIES).note()
    proof = [base64.b64decode(part) for part in answer["proof"]]
    was, now = (root([leaf(entry) for entry in part]) for part in (ENTRIES[:size], ENTRIES))
    verify_consistency(size, len(ENTRIES), was, now, proof)
    assert door.evidence() == set()


@pytest.mark.parametrize("size", [11, len(ENTRIES)])
async def test_another_history_is_a_fork_and_both_notes_are_kept(door: Door, size: int) -> None:
    await door.see(ENTRIES)
    theirs = PlainLog(OTHER[:size]).note()

    answer = (await door.show(theirs)).json()

    assert (answer["outcome"], answer["proof"]) == ("fork", [])
    assert door.evidence() == {PlainLog(ENTRIES).note(), theirs}
    with pytest.raises(ForkKept):
        await door.monitor.round()


async def test_a_checkpoint_that_the_log_has_reached_meanwhile_makes_the_monitor_look(door: Door) -> None:
    await door.see(ENTRIES[:12])
    door.serve(ENTRIES)

    answer = (await door.show(PlainLog(ENTRIES).note())).json()

    assert (answer["outcome"], answer["to"]) == ("consistent", len(ENTRIES))


async def test_a_checkpoint_ahead_of_the_log_is_kept_until_the_log_has_come_so_far(door: Door) -> None:
    await door.see(ENTRIES[:12])
    assert (await door.show(PlainLog(ENTRIES[:15]).note())).json()["outcome"] == "ahead"
    assert len(list((door.folder / "ahead").iterdir())) == 1

    await door.see(ENTRIES[:15])

    assert list((door.folder / "ahead").iterdir()) == []


async def test_a_checkpoint_ahead_that_the_log_then_contradicts_is_a_fork(door: Door) -> None:
    await door.see(ENTRIES[:9])
    theirs = PlainLog(OTHER[:15]).note()
    assert (await door.show(theirs)).json()["outcome"] == "ahead"

    with pytest.raises(Forked):
        await door.see(ENTRIES[:16])

    assert door.evidence() == {PlainLog(ENTRIES[:16]).note(), theirs}


async def test_what_nobody_known_signed_is_refused(door: Door) -> None:
    await door.see(ENTRIES)
    stranger = PlainLog(ENTRIES[:3], Signer.generate("trozalog.test/madre-de-dios/2026"))

    for note, status, slug in (
        (stranger.note(), 409, "not-signed-by-the-log"),
        (b"nothing", 422, "bad-note"),
        (b"x" * (MOST_BYTES + 1), 422, "malformed"),
    ):
        answer = await door.show(note)
        assert (answer.status_code, answer.json()["slug"]) == (status, slug)
        assert answer.json()["detail_es"] != answer.json()["detail_en"]
    assert door.evidence() == set()


async def test_a_monitor_that_cannot_read_its_log_says_so(door: Door) -> None:
    answer = await door.show(PlainLog(ENTRIES).note())

    assert (answer.status_code, answer.json()["slug"]) == (503, "not-served")


async def test_the_checkpoint_known_here_is_shown_to_others(door: Door) -> None:
    assert (await door.http.get("/checkpoint")).status_code == 404
    await door.see(ENTRIES)

    assert (await door.http.get("/checkpoint")).content == PlainLog(ENTRIES).note()
