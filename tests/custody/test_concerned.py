"""Whom a record concerns: its organisation finds it by feed and webhook though it is not the one who speaks."""

from typing import Any

import pytest

from shared.timber.event import parse_entry
from tests.custody.conftest import PERMIT, PLAN, Custody, cut, felling, key_added, log_id
from tests.custody.test_feed import types_of
from tests.custody.test_guides import guide

LATER = "2026-11-06T12:00:00Z"


async def told_to(custody: Custody, org: str, since: int) -> list[str]:
    """What an organisation is told from an index on."""
    headers = custody.issuer.headers("manager", org=org)
    await custody.send(felling(custody, "510"), wait="inclusion")
    answer = await custody.http.get("/v1/records", params={"org": org, "since": since}, headers=headers)
    assert answer.status_code == 200, answer.text
    return [kind for kind in types_of(custody, answer.json()) if kind != "tree.felled"]


ACTS: list[tuple[str, dict[str, Any]]] = [
    ("permit.suspended", {"number": PERMIT, "reason": "supervision", "by": "s1"}),
    ("permit.amended", {"number": PERMIT, "reason": "error", "approved_by": "b2", "lines": [
        {"parcel": "PC 01", "species": "Brosimum guianense", "product": "roundwood", "volume_dm3": 2_000_000}]}),
    ("inspection.reported", {"number": "INF-1", "plan": PLAN, "parcel": "PC 01", "inspector": "registro",
                             "trees_sampled": 3, "trees_absent": 0, "volume_dm3": 9000}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body"), ACTS, ids=[kind for kind, _ in ACTS])
async def test_a_community_is_told_of_acts_about_its_permit(ready: Custody, kind: str, body: dict[str, Any]) -> None:
    [index] = await ready.log(ready.act(kind, body))

    assert await told_to(ready, "comunidad-a", index) == [kind]
    assert await told_to(ready, "comunidad-b", index) == []


async def test_an_organisation_is_told_of_its_keys(ready: Custody) -> None:
    kid = key_added(ready.keys.mill, "aserradero-1", "device")["kid"]
    [index] = await ready.log(ready.act("key.revoked", {"kid": kid, "reason": "lost phone"}))

    assert await told_to(ready, "aserradero-1", index) == ["key.revoked"]


async def test_whoever_said_it_is_told_of_its_correction_and_of_a_second_use(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    first = ready.entry("lot.composed", {"lot": "LOT-1", "items": [log_id("501/A")]}, time=LATER)
    [index] = await ready.log(first)
    await ready.send(ready.entry("lot.composed", {"lot": "LOT-2", "items": [log_id("501/A")]}, time=LATER))
    correction = {
        "amends": parse_entry(first).sid,
        "field": "body.lot",
        "was": "LOT-1",
        "now": "LOT-7",
        "reason": "error",
    }
    await ready.log(ready.act("record.corrected", correction))

    assert await told_to(ready, "comunidad-a", index) == ["lot.composed", "conflict.noted", "record.corrected"]


async def test_both_sides_of_a_guide_are_told_of_what_becomes_of_it(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    [index] = await ready.log(guide(ready, "017-1", ["501/A"], form="official"))
    on = {"guide": "017-1", "form": "official", "at": LATER}
    await ready.log(ready.entry("guide.departed", on, time=LATER))
    mill = {"by": ready.keys.mill, "actor": "aserradero-1", "time": LATER}
    await ready.log(ready.entry("guide.received", {**on, "volume_dm3": 5000}, **mill))

    whole = ["guide.issued", "guide.departed", "guide.received"]
    assert await told_to(ready, "comunidad-a", index) == whole
    assert await told_to(ready, "aserradero-1", index) == whole
    assert await told_to(ready, "comprador-1", index) == []


async def test_the_buyer_is_told_of_the_sale_and_wood_is_found_under_its_permit_wherever_it_goes(
    ready: Custody,
) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    [index] = await ready.log(ready.entry("lot.composed", {"lot": "LOT-1", "items": [log_id("501/A")]}, time=LATER))
    await ready.log(ready.entry("lot.sold", {"lot": "LOT-1", "buyer": "comprador-1"}, time=LATER))

    assert await told_to(ready, "comprador-1", index) == ["lot.sold"]
    headers = ready.issuer.headers("auditor", org="auditores")
    under = (await ready.http.get("/v1/records", params={"permit": PERMIT, "since": index}, headers=headers)).json()
    assert types_of(ready, under)[:2] == ["lot.composed", "lot.sold"]
