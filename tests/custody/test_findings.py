"""Findings as custody tells them once a supervisor has answered, and what that opens and does not open."""

from itertools import chain
from typing import Any

import pytest

from services.custody import finding_rows
from shared.lot.verify import verify
from shared.tlog.policy import Policy
from tests.custody.conftest import Custody, cut, felling, log_id

OSINFOR = {"id": "osinfor-md", "name": "Osinfor", "kind": "supervisor"}


def resolution(custody: Custody, sid: str, rule: str, actor: str = "osinfor-md") -> bytes:
    body = {"record": sid, "rule": rule, "reason": "Visto en campo", "evidence_sha256": "e" * 64, "by": "c3"}
    return custody.entry("finding.resolved", body, custody.keys.registrar, actor, time="2026-11-20T12:00:00Z")


async def invented(ready: Custody) -> dict[str, Any]:
    """A tree out of the census, felled and cut: C01 is S4."""
    await ready.log(ready.act("organisation.registered", OSINFOR))
    [felled, *_] = await ready.send(felling(ready, "999"), cut(ready, "999"))
    assert [f["rule"] for f in felled["findings"] if f["status"] == "FAIL"] == ["C01"]
    result: dict[str, Any] = felled
    return result


async def test_a_resolved_finding_says_so_wherever_it_is_shown(ready: Custody) -> None:
    felled = await invented(ready)
    before = (await ready.get("/v1/findings", "supervisor", rule="C01"))["findings"]

    [index] = await ready.log(resolution(ready, felled["sid"], "C01"))

    [after] = (await ready.get("/v1/findings", "supervisor", rule="C01"))["findings"]
    assert [one["finding"]["status"] for one in before] == ["FAIL"]
    assert after["finding"]["status"] == "RESOLVED"
    said = after["finding"]["resolution"]
    assert (said["by"], said["reason"], said["index"]) == ("osinfor-md", "Visto en campo", index)
    item = await ready.get(f"/v1/items/{after['finding']['subject']}")
    statuses = {finding["rule"]: finding["status"] for finding in item["findings"]}
    assert statuses["C01"] == "RESOLVED"
    assert statuses["C05"] == statuses["C07"] == "NOT_EVALUATED"


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_question_of_findings_reads_so_many_at_once_and_says_where_to_go_on(
    ready: Custody, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    await invented(ready)

    async def pages(**asked: str) -> list[Any]:
        found, more = list[Any](), dict[str, str]()
        while True:
            page = await ready.get("/v1/findings", "supervisor", order=order, **asked, **more)
            found.append([(one["index"], one["finding"]["rule"]) for one in page["findings"]])
            if page["next"] is None:
                return found
            more = {"cursor": page["next"]}

    asked: list[dict[str, str]] = [{"rule": "C01"}, {"rule": "NONE"}, {"severity": "S4", "open": "true"}, {}]
    whole = [await pages(**one) for one in asked]
    monkeypatch.setattr(finding_rows, "MOST_EXAMINED", 3)
    parts = [await pages(**one) for one in asked]

    assert [len(one) for one in whole] == [1, 1, 1, 1]
    assert whole[0][0]
    assert whole[3][0]
    assert [list(chain(*one)) for one in parts] == [list(chain(*one)) for one in whole]
    assert len(parts[1]) > 1


async def test_nobody_resolves_for_themselves(ready: Custody) -> None:
    felled = await invented(ready)

    [result] = await ready.send(resolution(ready, felled["sid"], "C01", "comunidad-a"))

    assert result["problem"]["slug"] == "not-supervising"
    await ready.log(resolution(ready, felled["sid"], "C01"))
    [again] = await ready.send(resolution(ready, felled["sid"], "C01", "registro"))
    assert again["problem"]["slug"] == "already-done"


async def test_the_proof_file_of_a_lot_carries_the_resolution(ready: Custody) -> None:
    felled = await invented(ready)
    lot = {"lot": "L-1", "items": [log_id("999/A")]}
    await ready.log(ready.entry("lot.composed", lot, time="2026-11-03T12:00:00Z"))
    policy = Policy.parse(f"log {ready.keys.log.verifier.vkey}\nquorum none\n".encode())

    async def c01() -> str:
        report = verify(await ready.bundle("L-1"), policy)
        assert report.outcome == "valid", report.text("en")
        assert report.verdict is not None
        return {rule.rule: rule.status for rule in report.verdict.rules}["C01"]

    assert await c01() == "FAIL"
    await ready.log(resolution(ready, felled["sid"], "C01"))
    assert await c01() == "RESOLVED"
