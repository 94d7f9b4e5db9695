"""In whose hands a piece was, on both clocks: when it happened, and when it became known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.timber import chain, norms
from shared.timber.event import parse_entry
from shared.timber.facts import Facts, Item, past_of
from tests.custody.conftest import Custody, cut, felling, log_id
from tests.custody.forest import grown, parents_of
from tests.custody.private import as_admin
from tests.custody.test_guides import LOG_DM3, guide
from tests.custody.test_lots import SAWN, sold
from tests.custody.test_traces import SEEDS, entries_of, proves

A = log_id("501/A")


async def at(custody: Custody, item: str = A, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await custody.get(f"/v1/items/{item}/custody", **query))["custody"]
    return answer


async def travelled(custody: Custody, left: str, arrived: str) -> None:
    """Log 501/A goes to the mill: departure and reception at these claimed times."""
    mill = {"by": custody.keys.mill, "actor": "aserradero-1"}
    await custody.log(felling(custody, "501"), cut(custody, "501"), guide(custody, "017-1", ["501/A"], form="official"))
    on = {"guide": "017-1", "form": "official"}
    await custody.log(custody.entry("guide.departed", {**on, "at": left}, time=left))
    await custody.log(
        custody.entry("guide.received", {**on, "at": arrived, "volume_dm3": LOG_DM3}, time=arrived, **mill)
    )


async def test_a_log_is_the_communitys_until_the_mill_signs_for_it(ready: Custody) -> None:
    await travelled(ready, "2026-11-04T08:00:00Z", "2026-11-05T18:00:00Z")

    before = await at(ready, at="2026-11-01T00:00:00Z")
    standing = await at(ready, at="2026-11-03T00:00:00Z")
    listed = await at(ready, at="2026-11-03T23:00:00Z")
    on_the_way = await at(ready, at="2026-11-05T00:00:00Z")
    there = await at(ready, at="2026-11-05T18:00:00Z")

    assert before["holder"] is None
    assert (standing["holder"], standing["guide"]) == ("comunidad-a", None)
    assert (listed["holder"], listed["guide_state"]) == ("comunidad-a", "issued")
    assert (on_the_way["holder"], on_the_way["guide_state"]) == ("comunidad-a", "departed")
    assert (there["holder"], there["guide"]) == ("aserradero-1", None)


async def test_what_was_uploaded_late_is_seen_at_its_time_and_not_known_before_its_index(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    [moved_later] = await ready.log(
        ready.entry("log.moved", {"items": [A], "place": "Patio 2"}, time="2026-11-10T12:00:00Z")
    )
    [moved_first] = await ready.log(
        ready.entry("log.moved", {"items": [A], "place": "Patio 1"}, time="2026-11-05T12:00:00Z")
    )

    known_now = await at(ready, at="2026-11-06T00:00:00Z")
    known_then = await at(ready, at="2026-11-06T00:00:00Z", known=moved_first)
    after_both = await at(ready, at="2026-11-11T00:00:00Z")
    answer = await ready.get(f"/v1/items/{A}/custody")

    assert known_now["place"] == "Patio 1"
    assert known_now["because"]["place"] == moved_first
    assert known_then["place"] is None
    assert after_both["place"] == "Patio 2"
    assert after_both["because"]["place"] == moved_later
    assert answer["in_order"] is False
    assert [event["index"] for event in answer["story"]] == sorted(event["index"] for event in answer["story"])


async def test_an_arrival_claimed_before_its_departure_counts_from_the_guide_on(ready: Custody) -> None:
    await travelled(ready, "2026-11-04T08:00:00Z", "2026-11-02T18:00:00Z")

    day_before_the_guide = await at(ready, at="2026-11-02T20:00:00Z")
    with_the_guide = await at(ready, at="2026-11-03T12:00:00Z")

    assert day_before_the_guide["holder"] == "comunidad-a"
    assert with_the_guide["holder"] == "aserradero-1"


async def test_a_sold_board_is_the_buyers_and_the_proof_holds(ready: Custody) -> None:
    await sold(ready)

    answer = await ready.get(f"/v1/items/{SAWN}/custody", proof="1")

    assert answer["custody"]["holder"] == "comprador-1"
    assert answer["custody"]["lot"] == "LOT-1"
    types = [parse_entry(entry).type for entry in proves(ready, answer)]
    assert types == ["mill.processed", "lot.composed", "lot.sold"]
    used = await at(ready)
    assert used["used"] == "mill"


async def test_a_piece_nobody_recorded_or_that_was_not_known_yet_is_not_found(ready: Custody) -> None:
    await ready.get(f"/v1/items/{A}/custody", expect=404)
    [_, index] = await ready.log(felling(ready, "501"), cut(ready, "501"))

    await ready.get(f"/v1/items/{A}/custody", expect=404, known=index)
    await ready.get(f"/v1/items/{A}/custody", known=index + 1)


async def signed_at(custody: Custody) -> dict[int, str]:
    """Its checkpoints are put a minute of the tenth of November apart for each of their entries."""
    await as_admin(custody, "ALTER TABLE checkpoint DISABLE TRIGGER USER")
    await as_admin(
        custody, "UPDATE checkpoint SET signed_at = '2026-11-10T00:00:00Z'::timestamptz + size * interval '1 minute'"
    )
    sizes = await as_admin(custody, "SELECT size FROM checkpoint ORDER BY size")
    start = datetime(2026, 11, 10, tzinfo=UTC)
    return {size: f"{start + timedelta(minutes=size):%Y-%m-%dT%H:%M:%SZ}" for (size,) in sizes}


async def test_what_was_known_is_asked_by_day_and_hour_too(ready: Custody) -> None:
    await ready.send(felling(ready, "501"), cut(ready, "501"), wait="inclusion")
    moved = ready.entry("log.moved", {"items": [A], "place": "Patio 1"}, time="2026-11-05T12:00:00Z")
    await ready.send(moved, wait="inclusion")
    signed = await signed_at(ready)
    *_, before, last = signed

    then = await ready.get(f"/v1/items/{A}/custody", known_at=signed[before])
    by_number = await ready.get(f"/v1/items/{A}/custody", known=before)
    at_last = await ready.get(f"/v1/items/{A}/custody", known_at=signed[last])
    later = await ready.get(f"/v1/items/{A}/custody", known_at="2027-01-01T00:00:00Z")

    assert (then["known"], then["known_at"]) == (before, signed[before])
    assert (by_number["known"], by_number["known_at"]) == (before, None)
    assert {**then, "known_at": None} == by_number
    assert (then["custody"]["place"], at_last["custody"]["place"]) == (None, "Patio 1")
    assert at_last["known"] == later["known"] == last


async def test_an_instant_between_two_checkpoints_is_of_the_earlier(ready: Custody) -> None:
    await ready.send(felling(ready, "501"), cut(ready, "501"), wait="inclusion")
    for place in ("Patio 1", "Patio 2", "Patio 3"):
        await ready.send(ready.entry("log.moved", {"items": [A], "place": place}), wait="inclusion")
    signed = await signed_at(ready)
    first = min(size for size in signed if size > 0)

    for minute in range(first, max(signed) + 2):
        at = f"2026-11-10T00:{minute:02}:59Z"
        answer = await ready.get("/v1/mass-balances", "manager", known_at=at)
        assert answer["known"] == max(size for size in signed if size <= minute), at
        again = await ready.get("/v1/mass-balances", "manager", known=answer["known"])
        assert again["balances"] == answer["balances"]


async def test_what_was_known_before_the_first_checkpoint_is_said_by_nobody(ready: Custody) -> None:
    await ready.send(felling(ready, "501"), cut(ready, "501"), wait="inclusion")

    problem = await ready.get(f"/v1/items/{A}/custody", expect=409, known_at="2020-01-01T00:00:00Z")
    await ready.get("/v1/mass-balances", "manager", expect=409, known_at="2020-01-01T00:00:00Z")

    assert (problem["slug"], problem["facts"]) == ("before-first-checkpoint", {"known_at": "2020-01-01T00:00:00Z"})
    assert (await ready.get(f"/v1/items/{A}/custody", known_at="2099-01-01T00:00:00Z"))["custody"]["holder"]


@pytest.mark.parametrize(
    "wrong", [{"known_at": "2026-02-30T00:00:00Z"}, {"known_at": "2099-01-01"}, {"known": 99, "known_at": "2099-01-01T00:00:00Z"}]
)  # fmt: skip
async def test_an_hour_that_is_none_or_a_number_besides_is_refused(ready: Custody, wrong: dict[str, Any]) -> None:
    await ready.send(felling(ready, "501"), cut(ready, "501"), wait="inclusion")

    assert (await ready.get(f"/v1/items/{A}/custody", expect=422, **wrong))["slug"] == "malformed"
    assert (await ready.get("/v1/mass-balances", "manager", expect=422, **wrong))["slug"] == "malformed"
    for right in ({"known": 99}, {"known_at": "2099-01-01T00:00:00Z"}):
        await ready.get(f"/v1/items/{A}/custody", **right)


@pytest.mark.parametrize("wrong", ["2026-11-06", "yesterday", "2026-11-06T00:00:00+05:00"])
async def test_an_instant_that_is_none_is_refused(ready: Custody, wrong: str) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    await ready.get(f"/v1/items/{A}/custody", expect=422, at=wrong)


def replayed(entries: list[bytes], upto: int) -> Facts:
    """The facts of the log when it had so many entries, by the rules alone."""
    facts, rules = Facts(), norms.load()
    for index, entry in enumerate(entries[:upto]):
        record = parse_entry(entry)
        chain.admit(record, index, facts, rules, None)
        facts.preload([past_of(record, index)])
    return facts


def same(told: dict[str, Any], item: Item) -> bool:
    used = None if item.kind == "tree" or item.spent_how == "lot" else item.spent_how
    told_used = None if item.kind == "tree" else told["used"]
    return (told["holder"], told["guide"], told["lot"], told_used) == (item.holder, item.guide, item.lot, used)


@pytest.mark.parametrize("seed", SEEDS)
async def test_as_of_any_size_it_is_what_the_facts_were_at_that_size(custody: Custody, seed: int) -> None:
    await grown(custody, seed)
    entries = await entries_of(custody)

    for known in (len(entries) // 3, len(entries) // 2, len(entries)):
        facts = replayed(entries, known)
        pieces = [item for _, item in facts.items() if isinstance(item, Item)]
        assert pieces or known < len(entries)
        for item in pieces:
            told = await at(custody, item.id, known=known)
            assert same(told, item), (known, item, told)


@pytest.mark.parametrize("seed", SEEDS)
async def test_where_all_came_in_order_an_instant_is_a_size(custody: Custody, seed: int) -> None:
    forest = await grown(custody, seed, in_order=True)
    entries = await entries_of(custody)
    times = [parse_entry(entry).time for entry in entries]
    first = len(forest.foundation())

    for size in range(first + 10, len(entries) - 1, 25):
        facts = replayed(entries, size)
        for id_ in parents_of(entries[:size]):
            item = facts.find(Item, f"item:{id_}")
            assert item is not None
            told = await at(custody, id_, at=times[size - 1])
            assert same(told, item), (size, item, told)
