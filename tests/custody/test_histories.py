"""The history of a piece, a guide or a lot is told in pages that say whether they are whole; what was made of it is whole."""

from typing import Any

import pytest

from shared.timber.event import tree_item
from tests.custody.conftest import PARCEL, PLAN, Custody, cut, felling, log_id
from tests.custody.private import as_admin
from tests.custody.test_guides import guide
from tests.custody.test_lots import sold

TREE = tree_item(PLAN, PARCEL, "501")
ITEM, LOT = f"/v1/items/{TREE}", "/v1/lots/LOT-1"
GUIDE = "/v1/guides/017-1"


async def felled_again(custody: Custody, times: int) -> list[int]:
    """The holder records more fellings of tree 501, each of other measures."""
    found: list[int] = []
    for start in range(0, times, 200):
        some = [felling(custody, "501", length_mm=5_000 + n) for n in range(start, min(start + 200, times))]
        found += await custody.log(*some)
    return found


async def pages(custody: Custody, path: str, limit: int) -> list[dict[str, Any]]:
    """The pages of a history, from the newest back."""
    found = [await custody.get(path, limit=limit)]
    while found[-1]["next"] is not None:
        found.append(await custody.get(path, limit=limit, before=found[-1]["next"]))
    return found


def told(page: dict[str, Any]) -> list[int]:
    return [record["index"] for record in page["history"]]


async def test_what_was_cut_from_a_tree_is_told_however_often_it_is_felled_again(ready: Custody) -> None:
    [first, cutting] = await ready.log(felling(ready, "501"), cut(ready, "501"))
    before = await ready.get(ITEM)
    again = await felled_again(ready, 510)

    after = await ready.get(ITEM)
    older = await ready.get(ITEM, before=after["next"])

    assert (told(before), before["complete"], before["next"]) == ([first, cutting], True, None)
    assert [child["id"] for child in after["children"]] == [log_id("501/A")] == [c["id"] for c in before["children"]]
    assert (told(after), after["complete"]) == (again[-500:], False)
    assert (told(older), older["complete"], older["next"]) == ([first, cutting, *again[:10]], True, None)
    assert older["children"] == after["children"]
    assert (after["index"], older["index"]) == (again[-1], again[9])


async def test_as_many_logs_as_the_rules_let_be_cut_from_a_tree_are_told(ready: Custody) -> None:
    await ready.log(felling(ready, "501"))
    letters = [chr(65 + n // 26) + chr(65 + n % 26) for n in range(200)]
    for start in range(0, 200, 40):
        await ready.log(cut(ready, "501", letters[start : start + 40]))

    tree = await ready.get(ITEM, limit=1)

    assert {child["code"] for child in tree["children"]} == {f"501/{letters_}" for letters_ in letters}
    assert len(tree["history"]) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
async def test_the_pages_of_a_history_put_together_are_the_whole_of_it(ready: Custody, limit: int) -> None:
    await sold(ready)
    await felled_again(ready, 4)

    for path in (ITEM, LOT, "/v1/guides/G-501", f"/v1/items/{log_id('501/A')}"):
        whole = await ready.get(path)
        found = await pages(ready, path, limit)

        assert whole["complete"]
        assert [index for page in reversed(found) for index in told(page)] == told(whole)
        assert [page["complete"] for page in found] == [False] * (len(found) - 1) + [True]
        assert all(len(page["history"]) <= limit for page in found)
        assert all(page["index"] == told(page)[-1] for page in found)


async def test_a_page_tells_the_findings_of_its_own_records(ready: Custody) -> None:
    [wrong] = await ready.log(felling(ready, "501", species="Hymenaea oblongifolia"))
    await felled_again(ready, 1)

    whole = await ready.get(ITEM)
    found = await pages(ready, ITEM, 1)

    assert whole["findings"]
    assert told(found[1]) == [wrong]
    assert "C05" in {finding["rule"] for finding in found[1]["findings"]}
    together = [finding for page in reversed(found) for finding in page["findings"]]
    assert together == whole["findings"]


async def test_before_the_first_record_there_is_none_and_the_answer_is_proven_all_the_same(ready: Custody) -> None:
    [made, _, issued] = await ready.log(
        felling(ready, "501"), cut(ready, "501"), guide(ready, "017-1", ["501/A"], form="official")
    )

    for path, index in ((ITEM, made), (GUIDE, issued)):
        answer = await ready.get(path, before=index)
        assert (answer["history"], answer["complete"], answer["next"]) == ([], True, None)
        assert answer["index"] == index


async def test_a_page_that_holds_nothing_but_a_namesakes_records_leads_on(ready: Custody) -> None:
    """Two names may share the 64 bits they are found under: whoever looks for such a pair finds one."""
    [made, cutting] = await ready.log(felling(ready, "501"), cut(ready, "501"))
    foreign = await ready.log(*(felling(ready, code) for code in ("502", "503", "504")))
    await as_admin(
        ready,
        "INSERT INTO mention SELECT log_id, ('x' || encode(substr(sha256(convert_to('item:"
        f"{TREE}', 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint, unnest(ARRAY{foreign}) FROM tlog",
    )

    found = await pages(ready, ITEM, 2)

    assert [told(page) for page in found] == [[], [cutting], [made]]
    assert [page["index"] for page in found] == [made, cutting, made]
    assert all(len(page["children"]) == 1 for page in found)


@pytest.mark.parametrize("path", [ITEM, LOT, "/v1/guides/G-501"])
@pytest.mark.parametrize(
    "wrong", [{"before": "-1"}, {"before": "x"}, {"limit": "0"}, {"limit": "501"}, {"before": 10**30}]
)
async def test_a_page_that_can_be_none_is_refused(ready: Custody, path: str, wrong: dict[str, Any]) -> None:
    await sold(ready)
    assert (await ready.get(path, expect=422, **wrong))["slug"] == "malformed"
    await ready.get(path, before="1000", limit="500")


async def test_a_lot_says_whether_all_guides_of_its_wood_are_told(ready: Custody) -> None:
    log = log_id("501/A")
    await ready.log(felling(ready, "501"), cut(ready, "501"), guide(ready, "017-1", ["501/A"], form="official"))
    await ready.log(ready.entry("lot.composed", {"lot": "LOT-2", "items": [log]}, time="2026-11-06T12:00:00Z"))
    few = await ready.get("/v1/lots/LOT-2", travelled="true")
    moves = [ready.entry("log.moved", {"items": [log], "place": f"Patio {n}"}) for n in range(500)]
    for start in (0, 250):
        await ready.log(*moves[start : start + 250])

    many = await ready.get("/v1/lots/LOT-2", travelled="true")

    assert ([one["number"] for one in few["guides"]], few["guides_complete"]) == (["017-1"], True)
    assert (many["guides"], many["guides_complete"]) == ([], False)
    assert "guides_complete" not in await ready.get("/v1/lots/LOT-2")
