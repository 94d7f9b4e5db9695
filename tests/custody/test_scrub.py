"""A running custody reads its log again, slowly: what changed in storage freezes it, with the place, until it is mended."""

from functools import partial
from typing import Any

import pytest

from services.custody.soundness import scrub
from services.custody.soundness.scrub import Scrub, State
from tests.custody.conftest import NDJSON, Custody, felling
from tests.custody.set_back import rows, tampering, until

FLIP = "UPDATE {} = set_byte({}, 0, get_byte({}, 0) # 1) WHERE {}"


@pytest.fixture
async def running(shelved: Custody, open_custody: Any) -> Custody:
    made: Custody = await open_custody(shelved)
    return made


def of(custody: Custody) -> Scrub:
    """A scrub beside the one in the background, as another process has it."""
    return Scrub(custody.app.state.custody.store, (custody.keys.log.verifier,))


async def state(custody: Custody) -> State:
    async with custody.app.state.custody.store.snapshot() as tx:
        return await scrub.state(tx)


async def whole_pass(custody: Custody) -> None:
    """From wherever it stands to the end of the next whole pass."""
    goal = (await state(custody)).passes + 2

    async def over() -> bool:
        await of(custody).step(pass_s=0)
        now = await state(custody)
        return now.passes >= goal or now.damage != ""

    await until(over)


async def refused(custody: Custody) -> dict[str, Any]:
    headers = NDJSON | custody.issuer.headers("manager")
    answer = await custody.http.post("/v1/records", content=felling(custody, "0002", observations="x"), headers=headers)
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == 503, problem
    return problem


async def reason(custody: Custody) -> Any:
    return (await custody.get("/healthz"))["frozen"]


async def test_an_undamaged_log_is_read_to_its_end_and_again(running: Custody) -> None:
    await whole_pass(running)

    health = await running.get("/healthz")
    assert (health["frozen"], health["scrub"]["damage"]) == (None, None)
    assert health["scrub"]["passes"] >= 2


async def test_when_a_pass_is_over_it_rests_until_the_next_is_due(running: Custody) -> None:
    async def at_the_end() -> bool:
        return not await of(running).step() and (await state(running)).entries >= 600

    await until(at_the_end)
    before = await state(running)

    assert not await of(running).step()
    assert await state(running) == before


async def test_a_restart_goes_on_where_it_was(running: Custody, open_custody: Any) -> None:
    async def begun() -> bool:  # by this one, or by the one in the background before it
        return await of(running).step() or (await state(running)).entries > 0

    await until(begun)
    before = await state(running)
    await running.stop()

    again = await open_custody(running)

    assert (await state(again)).entries >= before.entries > 0


@pytest.mark.parametrize(
    ("what", "place"),
    [
        (FLIP.format("entry SET body", "body", "body", "idx = 300"), "entry 300"),
        (FLIP.format("entry SET leaf_hash", "leaf_hash", "leaf_hash", "idx = 300"), "entry 300"),
        (FLIP.format("entry SET sid", "sid", "sid", "idx = 300"), "entry 300"),
        (FLIP.format("tile SET hashes", "hashes", "hashes", "n = 1"), "tile"),
        (FLIP.format("tile SET root", "root", "root", "n = 1"), "tile"),
        ("DELETE FROM entry WHERE idx = 300", "entry 300"),
        ("DELETE FROM tile WHERE n = 1", "tile"),
        (FLIP.format("entry SET leaf_hash", "leaf_hash", "leaf_hash", "idx = 595"), "entry 595"),
    ],
)
async def test_damage_freezes_with_its_place_and_nothing_is_recorded(running: Custody, what: str, place: str) -> None:
    async with tampering(running.database) as connection:
        assert await connection.execute(what) in ("UPDATE 1", "DELETE 1")

    await whole_pass(running)
    why = await until(lambda: reason(running))

    assert f"Damage at {place}" in why
    assert place in (await refused(running))["detail"]
    health = await running.get("/healthz")
    assert health["scrub"]["damage"] == why
    assert health["signed_size"] == health["size"]
    assert (await running.get("/log/checkpoint")).startswith(b"trozalog.test")  # what was signed is served on


async def test_damage_is_known_to_every_process_and_after_a_restart(running: Custody, open_custody: Any) -> None:
    other = await open_custody(running)
    async with tampering(running.database) as connection:
        await connection.execute("DELETE FROM entry WHERE idx = 300")
    await whole_pass(running)

    for one in (running, other):
        assert "entry 300" in await until(partial(reason, one))
        await one.stop()

    assert "entry 300" in await reason(await open_custody(running))


async def test_what_was_mended_is_signed_again(running: Custody) -> None:
    [(body,)] = await rows(running, "SELECT body FROM entry WHERE idx = 300")
    async with tampering(running.database) as connection:
        await connection.execute(FLIP.format("entry SET body", "body", "body", "idx = 300"))
        await whole_pass(running)
        await until(lambda: reason(running))
        await connection.execute("UPDATE entry SET body = $1 WHERE idx = 300", body)

    async def thawed() -> bool:
        await of(running).step()
        return await reason(running) is None

    await until(thawed)
    [result] = await running.send(felling(running, "0002", observations="x"), wait="inclusion")
    assert result["status"] == "logged"


async def test_the_metrics_say_how_far_it_is(running: Custody) -> None:
    async def read() -> bool:
        text = (await running.http.get("/metrics")).text
        return "trozalog_scrub_entries" in text and "trozalog_scrub_damage 0.0" in text

    assert await until(read)
