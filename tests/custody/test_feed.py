"""The delta feed: read in pieces, by readers that die and come back, it is the log and nothing else."""

import asyncio
import base64
import re
from pathlib import Path
from typing import Any

import pytest

from shared.timber.event import parse_entry
from shared.tlog import checkpoint, merkle
from shared.tlog.note import open_note
from tests.custody.conftest import PERMIT, Custody, cut, felling, genesis, key_added, log_id, permit_acts
from tests.custody.forest import grown
from tests.custody.set_back import PATIENCE_S
from tests.custody.test_guides import guide
from tests.custody.test_traces import entries_of

DOCUMENT = (Path(__file__).parents[2] / "docs" / "feed-and-webhooks.md").read_text()


def example(part: str) -> Any:
    """The function that the documentation gives receivers, run as it stands there."""
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.partition(part)[2].partition("\n## ")[0], re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "feed-and-webhooks.md", "exec"), names)  # noqa: S102  the page itself is what is tested
    return names["check"]


CHECK = example("\n## The feed\n")


class Follower:
    """A reader that keeps nothing but what it has checked: entries, and where it stopped."""

    def __init__(self, custody: Custody) -> None:
        self.custody = custody
        self.entries: list[bytes] = []
        self.root = merkle.EMPTY_ROOT

    async def step(self, limit: int) -> bool:
        """One page; whether there was more than it held."""
        since = len(self.entries)
        answer = await self.custody.get("/v1/records", since=since, limit=limit)
        for index, entry in CHECK(answer, self.custody.keys.log.verifier):
            assert index == len(self.entries)
            self.entries.append(entry)
        if answer["indices"]:
            left = [base64.b64decode(node) for node in answer["proof"]][: since.bit_count()]
            assert merkle.CompactRange(since, left).root() == merkle.root_of(
                map(merkle.leaf_hash, self.entries[:since])
            )
        return bool(answer["next"] < answer["as_of"])


async def test_a_reader_that_dies_and_comes_back_has_the_whole_log_once(custody: Custody) -> None:
    await grown(custody, 5)
    whole = await entries_of(custody)

    follower, kept = Follower(custody), list[bytes]()
    for limit in (1, 7, 100, 30, 1000, 1000):
        follower = Follower(custody)
        follower.entries = kept
        await follower.step(limit)
        kept = list(follower.entries)  # what it had written down when it was killed

    assert kept == whole
    assert await follower.step(10) is False


async def test_a_growing_log_is_followed_and_each_page_extends_the_last(custody: Custody) -> None:
    codes = [str(code) for code in range(501, 541)]
    await custody.log(*genesis(custody), *permit_acts(custody, codes))
    follower = Follower(custody)
    for code in codes[:8]:
        await custody.send(felling(custody, code), cut(custody, code), wait="inclusion")
        while await follower.step(3):
            pass

    assert follower.entries == await entries_of(custody)


@pytest.mark.parametrize("spoil", ["entry", "proof", "index", "swap"])
async def test_a_page_that_was_tampered_with_does_not_check(ready: Custody, spoil: str) -> None:
    await signed_size(ready)
    answer = await ready.get("/v1/records", since=3, limit=4)
    verifier = ready.keys.log.verifier
    assert [index for index, _ in CHECK(answer, verifier)] == [3, 4, 5, 6]

    match spoil:
        case "entry":
            answer["entries"][1] = base64.b64encode(base64.b64decode(answer["entries"][1]) + b" ").decode()
        case "proof":
            answer["proof"][0] = base64.b64encode(bytes(32)).decode()
        case "index":
            answer["indices"] = [4, 5, 6, 7]
        case _:
            answer["entries"][:2] = answer["entries"][1::-1]
    with pytest.raises(Exception, match=r"proof|not in that log|root"):
        CHECK(answer, verifier)


def types_of(custody: Custody, answer: dict[str, Any]) -> list[str]:
    return [parse_entry(entry).type for _, entry in CHECK(answer, custody.keys.log.verifier)]


async def test_types_are_chosen(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"), felling(ready, "502"))
    await ready.send(guide(ready, "017-1", ["501/A"], form="official"), wait="inclusion")

    one = await ready.get("/v1/records", type="tree.felled")
    two = await ready.get("/v1/records", type=["log.cut", "guide.issued"])

    assert types_of(ready, one) == ["tree.felled", "tree.felled"]
    assert types_of(ready, two) == ["log.cut", "guide.issued"]
    assert one["next"] == one["as_of"]
    assert (await ready.get("/v1/records", expect=422, type="tree.flew"))["slug"] == "malformed"


async def asked(custody: Custody, role: str | None = None, caller: str = "comunidad-a", **query: Any) -> Any:
    headers = custody.issuer.headers(role, org=caller) if role else {}
    return await custody.http.get("/v1/records", params=query, headers=headers)


async def test_all_that_concerns_an_organisation_a_permit_or_a_key(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    await ready.log(guide(ready, "017-1", ["501/A"], form="official"))
    at = "2026-11-05T12:00:00Z"
    received = {"guide": "017-1", "form": "official", "at": at, "volume_dm3": 5000}
    arrival = ready.entry("guide.received", received, ready.keys.mill, "aserradero-1", time=at)
    await ready.send(arrival, wait="inclusion")
    kid = key_added(ready.keys.mill, "aserradero-1", "device")["kid"]

    mill = (await asked(ready, "company", "aserradero-1", org="aserradero-1")).json()
    permit = (await asked(ready, "supervisor", "osinfor-md", permit=PERMIT)).json()
    key = (await asked(ready, "company", "aserradero-1", key=kid)).json()
    both = (await asked(ready, "supervisor", "osinfor-md", permit=PERMIT, org="aserradero-1")).json()
    typed = (await asked(ready, "supervisor", "osinfor-md", permit=PERMIT, type="guide.received")).json()

    assert types_of(ready, mill) == ["organisation.registered", "key.added", "guide.issued", "guide.received"]
    assert types_of(ready, permit) == ["permit.issued", "tree.felled", "log.cut", "guide.issued", "guide.received"]
    assert types_of(ready, key) == ["guide.received"]
    assert types_of(ready, both) == ["guide.issued", "guide.received"]
    assert types_of(ready, typed) == ["guide.received"]


@pytest.mark.parametrize("query", [{"org": "comunidad-a"}, {"permit": PERMIT}, {"key": "KID"}])
async def test_what_is_of_one_organisation_is_not_for_others(ready: Custody, query: dict[str, str]) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    kid = key_added(ready.keys.device, "comunidad-a", "device")["kid"]
    query = {name: kid if value == "KID" else value for name, value in query.items()}

    assert (await asked(ready, **query)).status_code == 401
    assert (await asked(ready, "manager", "comunidad-b", **query)).status_code == 403
    assert (await asked(ready, "regent", "comunidad-a", **query)).status_code == 403
    assert (await asked(ready, "manager", "comunidad-a", **query)).json()["indices"]
    assert (await asked(ready, "auditor", "auditores", **query)).json()["indices"]


async def test_the_whole_log_is_anybodys(ready: Custody) -> None:
    assert (await asked(ready)).status_code == 200
    assert (await asked(ready, "manager", "comunidad-b")).status_code == 200
    assert (await asked(ready, "manager", "comunidad-a", permit="NO-1")).status_code == 404


async def signed_size(custody: Custody) -> int:
    """The size of a log whose every entry is under a checkpoint."""
    await custody.send(felling(custody, "510"), wait="inclusion")
    size: int = (await custody.get("/healthz"))["size"]
    return size


async def test_a_reader_that_waits_is_answered_when_something_comes(ready: Custody) -> None:
    size = await signed_size(ready)
    waiting = asyncio.create_task(ready.get("/v1/records", since=size, wait=20))
    await asyncio.sleep(0.3)
    assert not waiting.done()

    await ready.log(felling(ready, "501"))

    answer = await asyncio.wait_for(waiting, PATIENCE_S)
    assert types_of(ready, answer) == ["tree.felled"]
    assert answer["next"] == size + 1


async def test_a_reader_that_waits_for_a_type_is_not_woken_by_others(ready: Custody) -> None:
    size = await signed_size(ready)
    waiting = asyncio.create_task(ready.get("/v1/records", since=size, wait=20, type="log.cut"))

    await ready.send(felling(ready, "501"), wait="inclusion")
    await ready.send(felling(ready, "502"), cut(ready, "501"), wait="inclusion")

    answer = await asyncio.wait_for(waiting, PATIENCE_S)
    assert types_of(ready, answer) == ["log.cut"]


async def test_waiting_ends(ready: Custody) -> None:
    size = await signed_size(ready)

    answer = await ready.get("/v1/records", since=size, wait=1)

    assert answer["indices"] == answer["entries"] == answer["proof"] == []
    assert answer["next"] == answer["as_of"] == size


async def test_nothing_new_is_not_sent_twice(ready: Custody) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    first = await ready.http.get("/v1/records")

    again = await ready.http.get("/v1/records", headers={"if-none-match": first.headers["etag"]})
    await ready.send(felling(ready, "502"), wait="inclusion")
    grew = await ready.http.get("/v1/records", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert (grew.status_code, grew.headers["etag"] != first.headers["etag"]) == (200, True)


async def test_a_reader_who_has_seen_more_than_there_is_is_told_so(ready: Custody) -> None:
    size = await signed_size(ready)

    problem = await ready.get("/v1/records", expect=409, since=size + 5)

    assert problem["slug"] == "beyond-log"
    assert problem["facts"] == {"since": size + 5, "size": size}
    checkpoint.parse(open_note((await ready.get("/log/checkpoint")), [ready.keys.log.verifier]).text)


async def test_a_page_ends_before_it_is_too_large_and_loses_nothing(ready: Custody) -> None:
    letters = [a + b for a in "ABCDEFGH" for b in "ABCDE"]
    codes = [str(code) for code in range(501, 510)]
    await ready.log(*(felling(ready, code) for code in codes), *(cut(ready, code, letters) for code in codes))
    items = [log_id(f"{code}/{letter}") for code in codes for letter in letters]
    moves = [ready.entry("log.moved", {"items": items, "place": f"Patio {n}"}) for n in range(300)]
    for at in range(0, len(moves), 80):
        await ready.log(*moves[at : at + 80])
    size = await signed_size(ready)

    follower, pages = Follower(ready), 1
    while await follower.step(1000):
        pages += 1

    assert pages > 1
    assert follower.entries == await entries_of(ready)
    assert len(follower.entries) == size


@pytest.mark.parametrize("since", [2**53, 2**63, 2**64, 10**20])
async def test_an_entry_beyond_all_counting_is_malformed_wherever_it_is_asked_from(ready: Custody, since: int) -> None:
    auditor = ready.issuer.headers("auditor", org="auditoria-1")
    manager = ready.issuer.headers("manager", org="comunidad-a")
    hook = f"/v1/webhooks/{log_id('none')}"
    answers = [
        await ready.http.get(f"/v1/records?since={since}"),
        await ready.http.get(f"/v1/mass-balances?org=comunidad-a&since={since}", headers=auditor),
        await ready.http.get(f"/v1/mass-balances?org=comunidad-a&known={since}", headers=auditor),
        await ready.http.post(f"{hook}/replay?from={since}", headers=manager),
        await ready.http.post("/v1/webhooks", json={"url": "https://x.example", "since": since}, headers=manager),
    ]

    assert [(one.status_code, one.json()["slug"]) for one in answers] == [(422, "malformed")] * len(answers)
