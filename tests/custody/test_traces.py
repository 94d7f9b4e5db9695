"""Where wood came from and what became of it, asked through the door and held against a plain walk over the entries."""

import base64
import uuid
from typing import Any

import pytest

from services.custody.lineage.tracing import ancestors, descendants
from shared.timber.event import tree_item
from shared.tlog import checkpoint, merkle
from shared.tlog.note import open_note
from tests.custody.conftest import PARCEL, PERMIT, PLAN, Custody, cut, felling, log_id
from tests.custody.forest import grown, parents_of, reached, reversed_links
from tests.custody.private import as_admin
from tests.custody.test_guides import LOG_DM3, guide
from tests.custody.test_log import Reader
from tests.custody.test_lots import SAWN, sold

SEEDS = [1, 2, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(3, 40))]


async def entries_of(custody: Custody) -> list[bytes]:
    reader = Reader(custody)
    return await reader.entries((await reader.head()).size)


def proves(custody: Custody, answer: dict[str, Any]) -> list[bytes]:
    """The entries of an answer, once their hashes lead to the root that the log signed."""
    head = checkpoint.parse(open_note(answer["checkpoint"].encode(), [custody.keys.log.verifier]).text)
    entries = [base64.b64decode(entry) for entry in answer["entries"]]
    proof = [base64.b64decode(node) for node in answer["proof"]]
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    assert merkle.multiroot(answer["indices"], leaves, head.size, proof) == head.root
    assert answer["as_of"] <= head.size
    return entries


async def test_a_board_is_traced_to_its_tree_with_proof(ready: Custody) -> None:
    await sold(ready)

    answer = await ready.get(f"/v1/items/{SAWN}/ancestors", proof="1")

    assert [(item["depth"], item["kind"], item["code"]) for item in answer["items"]] == [
        (0, "product", ""), (1, "log", "501/A"), (2, "tree", "501"),
    ]  # fmt: skip
    assert answer["complete"] is True
    assert answer["continue"] == []
    entries = proves(ready, answer)
    assert len(entries) == 3
    assert b'"type":"tree.felled"' in entries[0]


async def test_a_lot_is_traced_to_its_trees(ready: Custody) -> None:
    await sold(ready)

    answer = await ready.get("/v1/lots/LOT-1/ancestors")

    assert answer["lot"]["id"] == "LOT-1"
    assert [item["id"] for item in answer["items"]] == [SAWN, log_id("501/A"), tree_item(PLAN, PARCEL, "501")]
    assert "entries" not in answer
    assert {item["index"] for item in answer["items"]} < set(answer["indices"])


BEFORE_0003 = (
    "INSERT INTO mention SELECT 1, ('x' || encode(substr(sha256(convert_to(key, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint, "
    "unnest(entries) FROM fact",
    "UPDATE fact SET entries = '{}'",
)


async def test_a_log_from_before_entries_stood_with_facts_is_found_in_as_well(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501", "AB"))
    tree = tree_item(PLAN, PARCEL, "501")
    asked = [f"/v1/items/{tree}", f"/v1/items/{tree}/descendants", f"/v1/items/{log_id('501/A')}"]
    now = [await ready.get(one) for one in asked]

    for statement in BEFORE_0003:
        await as_admin(ready, statement)

    assert [await ready.get(one) for one in asked] == now
    await ready.log(cut(ready, "501", "C"))
    after = await ready.get(asked[1])
    assert {item["code"] for item in after["items"]} == {"501", "501/A", "501/B", "501/C"}


async def test_a_tree_is_followed_to_everything_made_of_it_and_where_that_is(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501", "AB"))
    await ready.log(guide(ready, "017-1", ["501/A"], form="official"))

    answer = await ready.get(f"/v1/items/{tree_item(PLAN, PARCEL, '501')}/descendants", proof="1")

    assert {(item["code"], item["holder"], item["guide"]) for item in answer["items"]} == {
        ("501", "comunidad-a", None), ("501/A", "comunidad-a", "guide:official:017-1"), ("501/B", "comunidad-a", None),
    }  # fmt: skip
    assert [(one["key"], one["state"], one["addressee"]) for one in answer["guides"]] == [
        ("guide:official:017-1", "issued", "aserradero-1")
    ]
    assert len(proves(ready, answer)) == 3


async def test_a_tree_that_became_a_sold_lot_says_who_has_it(ready: Custody) -> None:
    await sold(ready)

    answer = await ready.get(f"/v1/items/{tree_item(PLAN, PARCEL, '501')}/descendants")

    assert [(lot["id"], lot["buyer"]) for lot in answer["lots"]] == [("LOT-1", "comprador-1")]
    board = next(item for item in answer["items"] if item["id"] == SAWN)
    assert (board["holder"], board["lot"], board["used"]) == ("comprador-1", "LOT-1", None)
    log = next(item for item in answer["items"] if item["code"] == "501/A")
    assert log["used"] == "mill"
    assert log["used_index"] in answer["indices"]


async def test_a_walk_that_stops_says_so_and_how_to_go_on(ready: Custody) -> None:
    await sold(ready)

    first = await ready.get(f"/v1/items/{SAWN}/ancestors", depth="1")

    assert first["complete"] is False
    assert first["open"] == [log_id("501/A")]
    [address] = first["continue"]
    more = await ready.get(address)
    assert {item["code"] for item in more["items"]} == {"501/A", "501"}
    assert more["complete"] is True


@pytest.mark.parametrize("kind", ["items", "lots"])
async def test_nothing_is_known_of_wood_that_was_never_recorded(ready: Custody, kind: str) -> None:
    await ready.get(f"/v1/{kind}/{uuid.uuid4()}/ancestors", expect=404)


@pytest.mark.parametrize("path", ["/v1/items/not-an-id/ancestors", "/v1/items/not-an-id/descendants"])
async def test_an_id_that_can_be_none_is_refused(ready: Custody, path: str) -> None:
    problem = await ready.get(path, expect=422)
    assert problem["slug"] == "malformed"


async def test_a_starting_piece_that_can_be_none_is_refused(ready: Custody) -> None:
    await sold(ready)
    await ready.get(f"/v1/items/{SAWN}/ancestors", expect=422, also="'; DROP TABLE entry")
    await ready.get(f"/v1/items/{SAWN}/ancestors", expect=422, depth="0")
    await ready.get(f"/v1/items/{SAWN}/ancestors", also=log_id("501/A"))


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_trace_is_what_a_plain_walk_over_all_entries_finds(custody: Custody, seed: int) -> None:
    await grown(custody, seed)
    parents = parents_of(await entries_of(custody))
    children = reversed_links(parents)

    assert len(parents) > 20
    for item in sorted(parents):
        up = await custody.get(f"/v1/items/{item}/ancestors")
        down = await custody.get(f"/v1/items/{item}/descendants")
        assert {one["id"] for one in up["items"]} == reached(parents, {item})
        assert {one["id"] for one in down["items"]} == reached(children, {item})
        assert up["complete"]
        assert down["complete"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_walks_of_any_size_put_together_miss_nothing(custody: Custody, seed: int) -> None:
    await grown(custody, seed)
    parents = parents_of(await entries_of(custody))
    children = reversed_links(parents)
    store = custody.app.state.custody.store

    for walk, links in ((ancestors, parents), (descendants, children)):
        family = max(len(ones) for ones in links.values())
        for limit, depth in ((family + 1, 64), (family + 2, 1), (1000, 1), (2 * family, 2)):
            for start in sorted(parents)[:12]:
                found, queue = set[str](), [start]
                for _ in range(500):
                    if not queue:
                        break
                    async with store.snapshot() as tx:
                        part = await walk(tx, queue[:1], depth, limit)
                    assert len(part.items) <= limit
                    found |= part.items.keys()
                    queue = queue[1:] + [one for one in part.open if one not in queue[1:]]
                assert not queue
                assert found == reached(links, {start})


async def test_pieces_are_found_by_the_code_painted_on_them(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501", "AB"))

    by_log = await ready.get("/v1/items", code="501/B", permit=PERMIT, proof="1")
    by_tree = await ready.get("/v1/items", code="501", plan=PLAN)
    standing = await ready.get("/v1/items", code="502", permit=PERMIT)

    assert [item["id"] for item in by_log["items"]] == [log_id("501/B")]
    assert len(proves(ready, by_log)) == 1
    assert [item["kind"] for item in by_tree["items"]] == ["tree"]
    assert [tree["volume_dm3"] for tree in by_tree["census"]] == [5881]
    assert standing["items"] == []
    assert [tree["code"] for tree in standing["census"]] == ["502"]


async def test_a_code_is_looked_for_under_a_permit_that_is_known(ready: Custody) -> None:
    await ready.get("/v1/items", code="501", permit="NO-1", expect=404)
    assert (await ready.get("/v1/items", code="999", permit=PERMIT))["items"] == []


async def test_a_guide_tells_what_it_carries(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501", "AB"))
    items = [{"item": log_id("501/A"), "volume_dm3": LOG_DM3 - 10}, {"item": log_id("501/B"), "volume_dm3": LOG_DM3}]
    await ready.log(guide(ready, "017-1", ["501/A", "501/B"], form="official", items=items))

    answer = await ready.get("/v1/guides/017-1/content", proof="1")

    assert [(one["code"], one["listed_dm3"], one["volume_dm3"]) for one in answer["pieces"]] == [
        ("501/A", LOG_DM3 - 10, LOG_DM3), ("501/B", LOG_DM3, LOG_DM3),
    ]  # fmt: skip
    assert (answer["listed_dm3"], answer["recorded_dm3"]) == (2 * LOG_DM3 - 10, 2 * LOG_DM3)
    measured = {(one["diameter_large_mm"], one["diameter_small_mm"], one["length_mm"]) for one in answer["pieces"]}
    assert measured == {(700, 710, 13300)}
    assert len(proves(ready, answer)) == 2
    await ready.get("/v1/guides/017-2/content", expect=404)
