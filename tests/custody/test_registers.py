"""The lists an auditor begins from, asked through the door: lots, permits, findings, balances, and pieces by painted code."""

import string
import uuid
from typing import Any

import pytest

from shared.timber.event import tree_item
from tests.custody.conftest import PARCEL, PERMIT, PLAN, SPECIES, Custody, cut, felling, log_id
from tests.custody.test_findings import OSINFOR, invented, resolution
from tests.custody.test_guides import LOG_DM3, guide
from tests.custody.test_lots import sold

OTHER_PLAN = "CN-B.PO-1"
NOON = "2026-11-03T12:00:00Z"


def composed(custody: Custody, lot: str, *codes: str) -> bytes:
    return custody.entry("lot.composed", {"lot": lot, "items": [log_id(code) for code in codes]}, time=NOON)


async def three_lots(custody: Custody) -> None:
    """L-1 of good wood, L-2 of a tree that no census has, L-3 of good wood again."""
    await custody.log(felling(custody, "501"), cut(custody, "501"), composed(custody, "L-1", "501/A"))
    await invented(custody)
    await custody.log(
        composed(custody, "L-2", "999/A"),
        felling(custody, "502"),
        cut(custody, "502"),
        composed(custody, "L-3", "502/A"),
    )


def ids(answer: dict[str, Any]) -> list[str]:
    return [lot["id"] for lot in answer["lots"]]


async def test_lots_are_listed_from_the_newest_back_with_their_gravest_finding(ready: Custody) -> None:
    await three_lots(ready)

    answer = await ready.get("/v1/lots", "auditor", org="auditora")

    assert [(lot["id"], lot["worst"]) for lot in answer["lots"]] == [("L-3", ""), ("L-2", "S4"), ("L-1", "")]
    assert answer["lots"][2] == {
        "id": "L-1", "holder": "comunidad-a", "buyer": None, "claim": None, "volume_dm3": LOG_DM3, "pieces": 1,
        "species": [SPECIES], "permits": [PERMIT], "index": answer["lots"][2]["index"], "sold_index": None, "worst": "",
    }  # fmt: skip
    assert answer["next"] is None


async def test_lots_are_found_by_severity_and_by_how_their_code_begins(ready: Custody) -> None:
    await three_lots(ready)

    grave = await ready.get("/v1/lots", "auditor", severity="S3")
    begun = await ready.get("/v1/lots", "auditor", code="L-3")
    none = await ready.get("/v1/lots", "auditor", code="L-9")

    assert ids(grave) == ["L-2"]
    assert ids(begun) == ["L-3"]
    assert ids(none) == []


@pytest.mark.parametrize("code", ["", "L-"])
async def test_a_list_of_lots_goes_on_where_its_page_ended(ready: Custody, code: str) -> None:
    await three_lots(ready)
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await ready.get(
            "/v1/lots",
            "auditor",
            limit="1",
            **({"code": code} if code else {}),
            **({"cursor": cursor} if cursor else {}),
        )
        assert len(page["lots"]) <= 1
        found += ids(page)
        cursor = page["next"]
        if cursor is None:
            break

    assert found == (["L-1", "L-2", "L-3"] if code else ["L-3", "L-2", "L-1"])


async def test_a_lot_that_pieces_joined_one_by_one_hides_no_other(ready: Custody) -> None:
    letters = string.ascii_uppercase[:20]
    codes = [f"{tree}/{letter}" for tree in ("502", "503", "504") for letter in letters]
    await ready.log(felling(ready, "501"), cut(ready, "501"), composed(ready, "L-1", "501/A"))
    for tree in ("502", "503", "504"):
        await ready.log(felling(ready, tree), cut(ready, tree, letters))
    await ready.log(*(composed(ready, "L-2", code) for code in codes))

    one = await ready.get("/v1/lots", "auditor", org="auditora", limit="1")
    whole = await ready.get("/v1/lots", "auditor", org="auditora")
    theirs = await ready.get("/v1/lots", "manager", org="comunidad-b")

    assert ids(whole) == ["L-2", "L-1"]
    assert (ids(one), whole["next"]) == (["L-2"], None)
    assert ids(await ready.get("/v1/lots", "auditor", org="auditora", cursor=one["next"])) == ["L-1"]
    assert (ids(theirs), theirs["next"]) == ([], None)


async def test_a_community_is_told_of_its_own_lots_and_a_buyer_of_those_it_bought(ready: Custody) -> None:
    await sold(ready)

    assert ids(await ready.get("/v1/lots", "company", org="comprador-1")) == ["LOT-1"]
    assert ids(await ready.get("/v1/lots", "manager", org="comunidad-b")) == []
    assert ids(await ready.get("/v1/lots", "auditor", org="comunidad-b")) == ["LOT-1"]


async def test_a_cursor_of_another_list_is_refused(ready: Custody) -> None:
    other = (await ready.get("/v1/balances", "auditor", limit="1"))["next"] or "bm8="

    await ready.get("/v1/lots", "auditor", expect=422, cursor=other)


async def test_permits_are_listed_as_the_log_has_them(ready: Custody) -> None:
    [one] = (await ready.get("/v1/authorisations", "auditor", number=PERMIT[:4]))["authorisations"]
    other = (await ready.get("/v1/authorisations", "auditor", status="revoked"))["authorisations"]
    theirs = (await ready.get("/v1/authorisations", "manager", org="comunidad-b"))["authorisations"]

    assert (one["number"], one["plan"], one["holder"], one["status"]) == (PERMIT, PLAN, "comunidad-a", "in_force")
    assert one["authorised_dm3"] == 1_000_000
    assert other == theirs == []


async def test_findings_are_counted_by_severity_and_rule_and_a_resolved_one_is_open_no_more(ready: Custody) -> None:
    await ready.log(ready.act("organisation.registered", OSINFOR))
    [felled, *_] = await ready.send(felling(ready, "999"), cut(ready, "999"))

    def c01(answer: dict[str, Any]) -> dict[str, Any]:
        return next(one for one in answer["counts"] if one["rule"] == "C01")

    before = await ready.get("/v1/findings/summary", "supervisor")
    await ready.log(resolution(ready, felled["sid"], "C01"))
    after = await ready.get("/v1/findings/summary", "supervisor")

    assert before["counts"][0]["severity"] == "S4"
    total = c01(before)["open"]
    assert (c01(before)["resolved"], c01(after)["resolved"], c01(after)["open"]) == (0, 1, total - 1)
    assert (await ready.get("/v1/findings/summary", "manager", org="comunidad-b"))["counts"] == []


async def test_open_findings_leave_out_the_resolved_and_what_could_not_be_judged(ready: Custody) -> None:
    felled = await invented(ready)
    whole = (await ready.get("/v1/findings", "supervisor"))["findings"]
    still_open = (await ready.get("/v1/findings", "supervisor", open="1"))["findings"]
    await ready.log(resolution(ready, felled["sid"], "C01"))
    left = (await ready.get("/v1/findings", "supervisor", open="1", severity="S4"))["findings"]

    assert {one["finding"]["status"] for one in whole} == {"FAIL", "NOT_EVALUATED"}
    assert {one["finding"]["status"] for one in still_open} == {"FAIL"}
    assert felled["index"] not in {one["index"] for one in left}


async def test_a_finding_says_what_is_painted_on_the_piece_it_is_about(ready: Custody) -> None:
    await invented(ready)

    [one] = (await ready.get("/v1/findings", "supervisor", rule="C01"))["findings"]

    assert one["about"] == {"kind": "tree", "code": "999", "species": SPECIES, "parcel": PARCEL, "permit": PERMIT}


async def test_findings_from_the_newest_back_are_those_from_the_oldest_on(ready: Custody) -> None:
    await three_lots(ready)

    async def pages(order: str) -> list[Any]:
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await ready.get("/v1/findings", "auditor", order=order, limit="2", **cursor)
            found += [(one["index"], one["finding"]["rule"]) for one in page["findings"]]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    forth, back = await pages("oldest"), await pages("newest")
    assert len(forth) == 3
    assert back == forth[::-1]


async def test_balances_that_are_overdrawn_are_found_among_the_others(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    before = (await ready.get("/v1/balances", "auditor", overdrawn="1"))["balances"]
    too_much = [{"parcel": PARCEL, "species": SPECIES, "product": "roundwood", "volume_dm3": 1_000_001}]
    await ready.log(guide(ready, "017-1", ["501/A"], form="official", lines=too_much))

    after = (await ready.get("/v1/balances", "auditor", overdrawn="1"))["balances"]

    assert before == []
    assert [(one["permit"], one["balance_dm3"] < 0) for one in after] == [(PERMIT, True)]


async def another_plan(custody: Custody) -> None:
    """A plan of another community's title with a tree of the same code."""
    window = {"harvest_from": "2025-07-22", "harvest_to": "2027-07-21"}
    title = {
        "number": "CN-B-1",
        "org": "comunidad-b",
        "region": "loreto",
        "area_m2": 5_000_000,
        "polygon_sha256": "0" * 64,
    }
    tree = {
        "code": "501", "species": "Cedrela odorata", "dbh_mm": 900, "height_mm": 20000, "volume_dm3": 8270,
        "condition": "harvestable",
    }  # fmt: skip
    plan = {
        "id": OTHER_PLAN, "title": "CN-B-1", "number": "PO-1", "season": "2025", "resolution": "R-1",
        "parcels": [{"code": PARCEL, "area_m2": 5_000_000}], "form_factor_milli": 650, **window,
        "census": {"trees": 1, "parts": 1, "root": "e" * 64}, "submitted_by": "a1", "approved_by": "b2",
    }  # fmt: skip
    await custody.log(
        custody.act("title.registered", title), custody.act("plan.approved", plan),
        custody.act("census.listed", {"plan": OTHER_PLAN, "part": 1, "parcel": PARCEL, "trees": [tree]}),
    )  # fmt: skip


async def test_what_is_painted_on_a_log_is_found_in_every_plan(ready: Custody) -> None:
    await another_plan(ready)
    await ready.log(felling(ready, "501"), cut(ready, "501", "AB"))

    trees = await ready.get("/v1/items", code="501")
    logs = await ready.get("/v1/items", code="501/A")
    nothing = await ready.get("/v1/items", code="777/Z")

    assert {tree["plan"] for tree in trees["census"]} == {PLAN, OTHER_PLAN}
    assert [item["id"] for item in trees["items"]] == [tree_item(PLAN, PARCEL, "501")]
    assert {plan["id"]: plan["season"] for plan in trees["plans"]} == {PLAN: "2025", OTHER_PLAN: "2025"}
    assert [(item["plan"], item["code"]) for item in logs["items"]] == [(PLAN, "501/A")]
    assert logs["census"] == nothing["items"] == nothing["census"] == []
    assert trees["next"] is None


async def test_a_code_is_asked_for_in_a_plan_or_in_the_plan_of_a_permit_and_not_in_both(ready: Custody) -> None:
    await ready.get("/v1/items", expect=422, code="501", plan=PLAN, permit=PERMIT)
    await ready.get("/v1/items", expect=404, code="501", plan=str(uuid.uuid4()))

    assert (await ready.get("/v1/items", code="501", plan=PLAN))["census"][0]["plan"] == PLAN
