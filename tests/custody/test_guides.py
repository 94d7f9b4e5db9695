"""Transport guides: ours are refused when the permit does not carry them, the paper book's are recorded as facts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.custody.access import ACCESS
from tests.access_matrix import Sample, check_matrix
from tests.custody.conftest import (
    PARCEL,
    PERMIT,
    SPECIES,
    Custody,
    cut,
    felling,
    genesis,
    log_id,
    permit_acts,
    status_list,
)

LOG_DM3 = 5192


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def guide(custody: Custody, number: str, codes: list[str], form: str = "own", **more: Any) -> bytes:
    body = {
        "guide": number, "form": form, "permit": PERMIT, "addressee": "aserradero-1", "issued_on": "2026-11-03",
        "expires_on": "2026-11-20",
        "lines": [{"parcel": PARCEL, "species": SPECIES, "product": "roundwood", "volume_dm3": LOG_DM3 * len(codes)}],
        "items": [{"item": log_id(code), "volume_dm3": LOG_DM3} for code in codes],
    }  # fmt: skip
    return custody.entry("guide.issued", body | more, time="2026-11-03T12:00:00Z")


async def balance(custody: Custody) -> dict[str, Any]:
    [line] = (await custody.get("/v1/balances", "manager", permit=PERMIT))["balances"]
    found: dict[str, Any] = line
    return found


@pytest.fixture
async def cut_logs(ready: Custody) -> Custody:
    """Logs 501/A to 503/A, and a fresh status list."""
    for code in ("501", "502", "503"):
        await ready.log(felling(ready, code), cut(ready, code))
    await ready.log(status_list(ready, now()))
    return ready


async def test_a_guide_draws_the_balance_of_its_line(cut_logs: Custody) -> None:
    await cut_logs.log(guide(cut_logs, "G-1", ["501/A"]))

    line = await balance(cut_logs)

    assert (line["drawn_dm3"], line["balance_dm3"]) == (LOG_DM3, 1_000_000 - LOG_DM3)


async def test_our_guide_beyond_the_balance_is_refused_with_the_figures_and_draws_nothing(custody: Custody) -> None:
    await custody.log(*genesis(custody), *permit_acts(custody, ["501", "502"], volume_dm3=LOG_DM3))
    await custody.log(felling(custody, "501"), felling(custody, "502"), cut(custody, "501"), cut(custody, "502"))
    await custody.log(status_list(custody, now()), guide(custody, "G-1", ["501/A"]))

    [refused] = await custody.send(guide(custody, "G-2", ["502/A"]))

    assert refused["problem"]["slug"] == "balance-exceeded"
    facts = refused["problem"]["facts"]
    assert (facts["authorised_dm3"], facts["drawn_dm3"], facts["asked_dm3"]) == (LOG_DM3, LOG_DM3, LOG_DM3)
    assert (await balance(custody))["drawn_dm3"] == LOG_DM3
    await custody.get("/v1/guides/G-2", expect=404)


async def test_a_paper_guide_beyond_the_balance_is_recorded_and_found(custody: Custody) -> None:
    await custody.log(*genesis(custody), *permit_acts(custody, ["501", "502"], volume_dm3=LOG_DM3))
    await custody.log(felling(custody, "501"), felling(custody, "502"), cut(custody, "501"), cut(custody, "502"))

    [result] = await custody.send(guide(custody, "017-0001426", ["501/A", "502/A"], form="official"))

    assert result["status"] == "logged"
    assert "B01" in {finding["rule"] for finding in result["findings"]}
    assert (await balance(custody))["balance_dm3"] == -LOG_DM3
    found = await custody.get("/v1/findings", "supervisor", rule="B01")
    assert [finding["finding"]["severity"] for finding in found["findings"]] == ["S4"]


async def test_no_guide_of_ours_on_a_status_list_older_than_its_limit(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"), status_list(ready, "2026-01-01T00:00:00Z"))

    [refused] = await ready.send(guide(ready, "G-1", ["501/A"]))

    assert refused["problem"]["slug"] == "status-stale"
    await ready.log(status_list(ready, now()))
    await ready.log(guide(ready, "G-1", ["501/A"]))


async def test_no_guide_of_ours_on_a_suspended_permit_until_it_is_reinstated(cut_logs: Custody) -> None:
    act = {"number": PERMIT, "reason": "supervision", "by": "s1"}
    await cut_logs.log(cut_logs.act("permit.suspended", act))

    [refused] = await cut_logs.send(guide(cut_logs, "G-1", ["501/A"]))

    assert refused["problem"]["slug"] == "permit-not-in-force"
    await cut_logs.log(cut_logs.act("permit.reinstated", act))
    await cut_logs.log(guide(cut_logs, "G-1", ["501/A"]))


async def test_a_log_travels_on_one_open_guide(cut_logs: Custody) -> None:
    await cut_logs.log(guide(cut_logs, "G-1", ["501/A"]))

    [refused] = await cut_logs.send(guide(cut_logs, "G-2", ["501/A", "502/A"]))

    assert refused["status"] == "refused"
    assert (await balance(cut_logs))["drawn_dm3"] == LOG_DM3


async def test_a_voided_guide_gives_back_what_it_drew_only_before_departure(cut_logs: Custody) -> None:
    void = {"form": "own", "reason": "wrong plate"}
    await cut_logs.log(guide(cut_logs, "G-1", ["501/A"]))
    await cut_logs.log(cut_logs.entry("guide.voided", {"guide": "G-1", **void}, time="2026-11-03T13:00:00Z"))
    assert (await balance(cut_logs))["drawn_dm3"] == 0

    await cut_logs.log(guide(cut_logs, "G-2", ["501/A"]))
    departed = {"guide": "G-2", "form": "own", "at": "2026-11-03T14:00:00Z"}
    await cut_logs.log(cut_logs.entry("guide.departed", departed, time="2026-11-03T14:00:00Z"))
    await cut_logs.send(cut_logs.entry("guide.voided", {"guide": "G-2", **void}, time="2026-11-03T15:00:00Z"))
    assert (await balance(cut_logs))["drawn_dm3"] == LOG_DM3


async def test_the_addressee_signs_for_what_arrived(cut_logs: Custody) -> None:
    await cut_logs.log(guide(cut_logs, "G-1", ["501/A"]))
    body = {"guide": "G-1", "form": "own", "at": "2026-11-05T12:00:00Z", "volume_dm3": LOG_DM3}

    [not_theirs] = await cut_logs.send(cut_logs.entry("guide.received", body, time="2026-11-05T12:00:00Z"))
    received = cut_logs.entry("guide.received", body, cut_logs.keys.mill, "aserradero-1", time="2026-11-05T12:00:00Z")
    await cut_logs.log(received)

    assert not_theirs["problem"]["slug"] == "not-yours"
    answer = await cut_logs.get("/v1/guides/G-1")
    assert answer["guide"]["state"] == "received"
    assert [record["type"] for record in answer["history"]] == ["guide.issued", "guide.received"]
    item = await cut_logs.get(f"/v1/items/{log_id('501/A')}")
    assert item["item"]["holder"] == "aserradero-1"


async def test_balances_of_another_community_are_not_shown_to_a_community(cut_logs: Custody) -> None:
    theirs = await cut_logs.get("/v1/balances", "manager", org="comunidad-b", permit=PERMIT)
    supervisors = await cut_logs.get("/v1/balances", "supervisor", org="osinfor-md", permit=PERMIT)

    assert theirs["balances"] == []
    assert len(supervisors["balances"]) == 1


async def test_every_role_gets_what_the_table_gives_it(cut_logs: Custody) -> None:
    item = f"/v1/items/{log_id('501/A')}"
    await cut_logs.send(guide(cut_logs, "G-1", ["501/A"]), wait="inclusion")

    wrong = await check_matrix(cut_logs.app, ACCESS, cut_logs.issuer, {
        "read_item": Sample(item), "read_guide": Sample("/v1/guides/G-1"), "list_logs": Sample("/v1/logs"),
        "trace_back": Sample(f"{item}/ancestors"), "trace_forward": Sample(f"{item}/descendants"),
        "read_custody": Sample(f"{item}/custody"), "read_content": Sample("/v1/guides/G-1/content"),
        "find_items": Sample(f"/v1/items?permit={PERMIT}&code=501/A"), "list_records": Sample("/v1/records?limit=1"),
    })  # fmt: skip

    assert wrong == []
