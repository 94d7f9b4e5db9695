"""Webhooks through the door: subscribing, what is sent, how it is checked, whose it is, and where nothing is sent."""

import asyncio
import base64
import ipaddress
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.timber.event import parse_entry
from shared.web.webhooks.destination import Address, BadDestination, Destinations, reachable
from shared.web.webhooks.signing import signature, verification_key
from tests.custody.conftest import PERMIT, Custody, cut, felling
from tests.custody.set_back import until as until_so
from tests.custody.test_feed import example
from tests.custody.test_guides import guide
from tests.receivers import Receiver, listening

CHECK = example("\n## Webhooks\n")


async def until(done: Callable[[], bool]) -> None:
    """Returns once it is so; fails when it takes far too long."""

    async def look() -> bool:
        return done()

    await until_told(look)


async def until_told(look: Callable[[], Awaitable[bool]]) -> None:
    await until_so(look)


async def asked(
    custody: Custody, method: str, path: str = "", role: str = "manager", org: str = "comunidad-a", **more: Any
) -> httpx.Response:
    headers = custody.issuer.headers(role, org=org)
    return await custody.http.request(method, f"/v1/webhooks{path}", headers=headers, **more)


async def subscribed(custody: Custody, receiver: Receiver, expect: int = 201, **body: Any) -> dict[str, Any]:
    who = {name: body.pop(name) for name in ("role", "by") if name in body}
    answer = await asked(
        custody, "POST", role=who.get("role", "manager"), org=who.get("by", "comunidad-a"),
        json={"url": f"http://127.0.0.1:{receiver.port}/here", **body},
    )  # fmt: skip
    assert answer.status_code == expect, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def shown(custody: Custody, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = (await asked(custody, "GET", f"/{id_}")).json()
    return found


async def test_a_record_is_told_signed_and_can_be_read_with_its_proof(ready: Custody) -> None:
    async with listening(Receiver()) as receiver:
        hook = await subscribed(ready, receiver)
        [result] = await ready.send(felling(ready, "501"), wait="inclusion")
        await until(lambda: bool(receiver.events))

    [event] = receiver.events
    CHECK(event.headers, event.body, hook["verification_key"])
    told = orjson.loads(event.body)
    assert (event.path, event.headers["content-type"]) == ("/here", "application/json")
    assert event.headers["webhook-id"] == told["data"]["sid"] == result["sid"]
    assert (told["type"], told["timestamp"]) == ("tree.felled", "2026-11-01T12:00:00Z")
    assert (told["data"]["index"], told["data"]["actor"]) == (result["index"], "comunidad-a")
    record = await ready.get(told["data"]["url"].removeprefix("http://custody.test"))
    assert record["index"] == result["index"]


async def test_events_come_in_the_order_of_the_log_each_once(ready: Custody) -> None:
    codes = [str(code) for code in range(501, 509)]
    async with listening(Receiver()) as receiver:
        hook = await subscribed(ready, receiver)
        indices = []
        for code in codes:
            indices += await ready.log(felling(ready, code), cut(ready, code))
        await until(lambda: len(receiver.events) >= len(indices))
        await asyncio.sleep(0.3)

        assert [orjson.loads(event.body)["data"]["index"] for event in receiver.events] == indices
        assert receiver.most_busy == 1
        await until_delivered(ready, hook["id"], len(indices))


async def until_delivered(custody: Custody, id_: str, count: int) -> None:
    async def look() -> bool:
        return int((await shown(custody, id_))["delivered"]) >= count

    await until_told(look)


@pytest.mark.parametrize("spoil", ["body", "time", "id", "signature", "other key", "old"])
async def test_an_event_that_was_tampered_with_does_not_check(ready: Custody, spoil: str) -> None:
    async with listening(Receiver()) as receiver:
        hook = await subscribed(ready, receiver)
        other = await subscribed(ready, receiver, types=["log.cut"])
        await ready.log(felling(ready, "501"))
        await until(lambda: bool(receiver.events))
    [event] = receiver.events
    headers, body, key = dict(event.headers), event.body, hook["verification_key"]
    CHECK(headers, body, key)

    match spoil:
        case "body":
            body = body.replace(b"comunidad-a", b"comunidad-b")
        case "time":
            headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) - 1)
        case "id":
            headers["webhook-id"] = "0" * 64
        case "signature":
            headers["webhook-signature"] = "v1a," + base64.b64encode(bytes(64)).decode()
        case "other key":
            key = other["verification_key"]
        case _:
            headers["webhook-timestamp"] = str(int(time.time()) - 3600)
    with pytest.raises((InvalidSignature, ValueError)):
        CHECK(headers, body, key)


def test_the_signature_is_that_of_the_reference_implementation() -> None:
    """The vector of libraries/go/webhook_asymmetric_test.go of standard-webhooks/standard-webhooks."""
    seed = base64.b64decode("VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=")
    private = Ed25519PrivateKey.from_private_bytes(seed)

    made = signature(private, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert made == "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
    assert base64.b64decode(verification_key(private).removeprefix("whpk_")) == private.public_key().public_bytes_raw()


# ---- about what


async def test_only_what_was_chosen_is_told(ready: Custody) -> None:
    async with listening(Receiver()) as receiver:
        await subscribed(ready, receiver, types=["log.cut", "guide.issued"], permit=PERMIT)
        await ready.log(felling(ready, "501"), cut(ready, "501"))
        await ready.log(guide(ready, "017-1", ["501/A"], form="official"), felling(ready, "502"))
        await until(lambda: len(receiver.events) == 2)
        await asyncio.sleep(0.3)

    assert [orjson.loads(event.body)["type"] for event in receiver.events] == ["log.cut", "guide.issued"]


async def test_an_organisation_is_told_of_its_own_and_an_auditor_of_everything(ready: Custody) -> None:
    async with listening(Receiver()) as theirs, listening(Receiver()) as mills, listening(Receiver()) as auditors:
        await subscribed(ready, theirs, by="comunidad-b")
        await subscribed(ready, mills, by="aserradero-1", role="company")
        await subscribed(ready, auditors, by="auditores", role="auditor")
        sent = [felling(ready, "501"), cut(ready, "501"), guide(ready, "017-1", ["501/A"], form="official")]
        await ready.log(*sent)
        await until(lambda: len(auditors.events) == 3 and len(mills.events) == 1)
        await asyncio.sleep(0.3)

    assert auditors.ids == [parse_entry(entry).sid for entry in sent]
    assert mills.ids == [parse_entry(sent[2]).sid]
    assert theirs.events == []


async def test_nobody_subscribes_to_what_others_may_not_see(ready: Custody) -> None:
    async with listening(Receiver()) as receiver:
        problem = await subscribed(ready, receiver, 403, by="comunidad-b", org="comunidad-a")
        await subscribed(ready, receiver, by="auditores", role="auditor", org="comunidad-a")

    assert problem["slug"] == "other-organisation"


async def test_an_entry_that_no_log_comes_to_is_not_a_place_to_begin(ready: Custody) -> None:
    async with listening(Receiver()) as receiver:
        problem = await subscribed(ready, receiver, 422, since=2**53)
        hook = await subscribed(ready, receiver, since=2**53 - 1)
    answer = await asked(ready, "POST", f"/{hook['id']}/replay", params={"from": 2**63})

    assert (problem["slug"], answer.status_code) == ("malformed", 422)


# ---- keeping them


async def test_the_same_subscription_twice_is_one(ready: Custody) -> None:
    async with listening(Receiver()) as receiver:
        first = await subscribed(ready, receiver, types=["log.cut", "tree.felled"])
        again = await subscribed(ready, receiver, types=["tree.felled", "log.cut"])
        other = await subscribed(ready, receiver)

    assert again["id"] == first["id"] != other["id"]
    assert again["verification_key"] == first["verification_key"] != other["verification_key"]
    listed = (await asked(ready, "GET")).json()["webhooks"]
    assert [hook["id"] for hook in listed] == [first["id"], other["id"]]


async def test_subscriptions_are_their_organisations_alone(ready: Custody) -> None:
    async with listening(Receiver()) as receiver:
        hook = await subscribed(ready, receiver)
    path = f"/{hook['id']}"

    for method, where in (("GET", path), ("DELETE", path), ("POST", f"{path}/replay?from=0")):
        for role, org in (("manager", "comunidad-b"), ("auditor", "auditores")):
            assert (await asked(ready, method, where, role, org)).status_code == 404
    assert (await asked(ready, "GET", "", "manager", "comunidad-b")).json() == {"webhooks": []}
    assert (await asked(ready, "GET", path, "member")).status_code == 403
    assert (await asked(ready, "GET", path)).json() == hook


async def test_a_removed_subscription_is_told_nothing_more(ready: Custody) -> None:
    async with listening(Receiver()) as receiver:
        hook = await subscribed(ready, receiver)
        await ready.log(felling(ready, "501"))
        await until(lambda: len(receiver.events) == 1)
        assert (await asked(ready, "DELETE", f"/{hook['id']}")).status_code == 204
        await ready.send(felling(ready, "502"), wait="inclusion")
        await asyncio.sleep(0.3)

    assert len(receiver.events) == 1
    assert (await asked(ready, "DELETE", f"/{hook['id']}")).status_code == 404


async def test_an_organisation_has_so_many_subscriptions_and_no_more(ready: Custody) -> None:
    async with listening(Receiver()) as receiver:
        for n in range(20):
            await subscribed(ready, receiver, permit=f"P-{n}")
        problem = await subscribed(ready, receiver, 409, permit="P-20")
        again = await subscribed(ready, receiver, permit="P-0")
        await subscribed(ready, receiver, by="comunidad-b")

    assert problem["slug"] == "too-many-webhooks"
    assert again["permit"] == "P-0"


async def test_what_was_is_told_again_with_the_same_ids(ready: Custody) -> None:
    async with listening(Receiver()) as receiver:
        hook = await subscribed(ready, receiver)
        [first, second] = await ready.log(felling(ready, "501"), cut(ready, "501"))
        await until(lambda: len(receiver.events) == 2)

        answer = await asked(ready, "POST", f"/{hook['id']}/replay", params={"from": second})
        await until(lambda: len(receiver.events) == 3)
        await until_delivered(ready, hook["id"], 3)

    assert answer.json()["next_index"] == second > first
    assert receiver.ids[2] == receiver.ids[1] != receiver.ids[0]


async def test_a_subscription_may_begin_in_the_past(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    async with listening(Receiver()) as receiver:
        await subscribed(ready, receiver, since=0, types=["tree.felled", "permit.issued"])
        await until(lambda: len(receiver.events) == 2)

    assert [orjson.loads(event.body)["type"] for event in receiver.events] == ["permit.issued", "tree.felled"]


async def test_a_receiver_that_is_gone_ends_its_subscription_and_its_owner_sees_why(ready: Custody) -> None:
    async with listening(
        Receiver([b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"])
    ) as receiver:
        hook = await subscribed(ready, receiver)
        [index] = await ready.log(felling(ready, "501"))
        await until(lambda: bool(receiver.events))

        async def disabled() -> bool:
            return (await shown(ready, hook["id"]))["disabled_at"] is not None

        await until_told(disabled)
        now = await shown(ready, hook["id"])
        assert (now["disabled_why"], now["next_index"], now["delivered"]) == ("answered 410", index, 0)

        await asked(ready, "POST", f"/{hook['id']}/replay", params={"from": index})
        await until_delivered(ready, hook["id"], 1)

    assert receiver.ids[0] == receiver.ids[1]
    assert (await shown(ready, hook["id"]))["disabled_why"] is None


@pytest.mark.parametrize(
    "body",
    [{}, {"url": 5}, {"url": "https://a", "secret": "x"}, {"url": "https://a/" + "x" * 500},
     {"url": "https://1.1.1.1", "types": ["tree.flew"]}, {"url": "https://1.1.1.1", "since": -1}],
)  # fmt: skip
async def test_a_subscription_that_is_none_is_refused(ready: Custody, body: dict[str, Any]) -> None:
    assert (await asked(ready, "POST", json=body)).status_code == 422


# ---- where nothing is sent

INSIDE = [
    "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/",
    "https://localhost/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::a00:1]/", "https://[2002:7f00:1::]/", "https://[2002:a00:1::]/",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://0.0.0.0/", "https://0/",
    "https://192.0.0.8/", "https://192.0.2.1/", "https://198.18.0.1/", "https://198.51.100.1/", "https://203.0.113.1/",
    "https://224.0.0.1/", "https://240.0.0.1/", "https://255.255.255.255/", "https://[::]/", "https://[fe80::1]/",
    "https://[fc00::1]/", "https://[fd12:3456::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/",
    "https://[::ffff:169.254.169.254]/", "https://[fec0::1]/", "https://[::10.0.0.1]/",
]  # fmt: skip
NO_ADDRESS = [
    "http://1.1.1.1/", "ftp://1.1.1.1/", "file:///etc/passwd", "gopher://1.1.1.1/", "1.1.1.1", "//1.1.1.1/", "https://",
    "https:///path", "https://user@1.1.1.1/", "https://user:secret@1.1.1.1/", "https://1.1.1.1:port/",
    "https://1.1.1.1:99999/", "https://1.1.1.1/#part", "https://1.1.1.1\\@10.0.0.1/", "https://1.1.1.1/ x",
    "https://ejemplo.perú/", "https://[::1", "https://1.1.1.1/\r\nx: y", "https://no-such-name.invalid/",
]  # fmt: skip
OUTSIDE = [
    "https://1.1.1.1/", "https://8.8.8.8:8443/hook?x=1", "https://[2606:4700:4700::1111]/", "https://[64:ff9b::101:101]/",
    "https://[2002:808:808::1]/", "https://172.32.0.1/", "https://100.128.0.1/",
]  # fmt: skip
PRODUCTION, LAPTOP = Destinations(loopback=False), Destinations(loopback=True)


@pytest.mark.parametrize("url", INSIDE)
async def test_nothing_is_sent_into_a_private_network(url: str) -> None:
    with pytest.raises(BadDestination, match=r"private network|not known"):
        await PRODUCTION.resolve(url)


@pytest.mark.parametrize("url", NO_ADDRESS)
async def test_nothing_is_sent_to_what_is_no_https_address(url: str) -> None:
    with pytest.raises(BadDestination):
        await PRODUCTION.resolve(url)


@pytest.mark.parametrize("url", OUTSIDE)
async def test_what_the_whole_world_can_reach_may_be_sent_to(url: str) -> None:
    assert reachable(await PRODUCTION.resolve(url), loopback=False)


async def test_a_laptop_may_speak_to_itself_and_to_nothing_else_inside() -> None:
    assert (await LAPTOP.resolve("http://127.0.0.1:9000/")).is_loopback
    for url in ("http://1.1.1.1/", "http://10.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/"):
        with pytest.raises(BadDestination):
            await LAPTOP.resolve(url)


async def test_a_name_with_one_address_inside_is_refused_whole() -> None:
    async def both(host: str, port: int) -> list[Address]:
        assert (host, port) == ("receiver.example", 443)
        return [ipaddress.ip_address("1.1.1.1"), ipaddress.ip_address("10.0.0.1")]

    async def one(_: str, __: int) -> list[Address]:
        return [ipaddress.ip_address("1.1.1.1")]

    with pytest.raises(BadDestination, match="private"):
        await Destinations(loopback=False, look_up=both).resolve("https://receiver.example/")
    assert str(await Destinations(loopback=False, look_up=one).resolve("https://receiver.example/")) == "1.1.1.1"


async def test_an_address_inside_is_refused_at_the_door_in_both_languages(ready: Custody) -> None:
    answer = await asked(ready, "POST", json={"url": "https://169.254.169.254/"})

    assert (answer.status_code, answer.json()["slug"]) == (409, "bad-destination")
    assert "red privada" in answer.json()["detail_es"]
    assert "private network" in answer.json()["detail_en"]
