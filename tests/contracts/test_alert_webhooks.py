"""Alerts posted to addresses of their owner: signed, at least once, without a figure, and to nobody else."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

import asyncpg
import orjson
import pytest

from services.contracts.api import alert_webhooks as api
from services.contracts.api.house import today
from services.contracts.messenger import Messenger
from services.contracts.watcher import Watcher
from shared.web.webhooks.destination import Address, Destinations
from shared.web.webhooks.post import Pace
from tests.contracts.builders import Json
from tests.contracts.conftest import BUYER, PATIENCE_S, Contracts
from tests.contracts.test_api import STEWARD
from tests.contracts.test_deals_rows import as_org
from tests.contracts.test_standing import RUC, a_list, a_sanction
from tests.custody.test_feed import example
from tests.receivers import OK, Receiver, listening, status

CHECK = example("\n## Webhooks\n")
QUICK = Pace(lease_s=60.0, burst_s=30.0, answer_s=20.0, connect_s=20.0, first_pause_s=0.0, longest_pause_s=0.0)
HOOKS = "/v1/alerts/webhooks"
SANCTIONED = {"kind": "buyer_sanctioned", "ruc": RUC}


class House:
    """The background of the service, one step at a time."""

    def __init__(self, contracts: Contracts) -> None:
        self.contracts = contracts
        self.watcher = Watcher(contracts.app.state.store, contracts.app.state.permits)

    async def tell(self) -> Json:
        """An alert of the community that has something to tell: its buyer is in a list of sanctions."""
        alert: Json = await self.contracts.post("/v1/alerts", SANCTIONED)
        await self.contracts.post("/v1/sanction-lists", a_list(a_sanction(), as_of=today().isoformat()), **STEWARD)
        await self.watcher.look(every_s=0.0)
        return alert

    async def post(self, destinations: Destinations | None = None, pace: Pace = QUICK) -> int:
        where = destinations or Destinations(loopback=True)
        return await Messenger(self.contracts.app.state.store, where, "http://house.test/", pace).round()

    async def hook(self, receiver: Receiver, **who: Any) -> Json:
        made: Json = await self.contracts.post(HOOKS, {"url": f"http://127.0.0.1:{receiver.port}/here"}, **who)
        return made

    async def shown(self) -> Json:
        found: Json = (await self.contracts.get(HOOKS))["items"][0]
        return found


@pytest.fixture
async def house(contracts: Contracts) -> House:
    """The background itself stands still meanwhile."""
    contracts.app.state.watching.cancel()
    contracts.app.state.posting.cancel()
    return House(contracts)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening(Receiver()) as found:
        yield found


async def test_what_an_alert_tells_is_posted_signed_once_and_without_its_facts(
    house: House, receiver: Receiver
) -> None:
    hook = await house.hook(receiver)
    alert = await house.tell()

    assert [await house.post(), await house.post()] == [1, 0]

    [event] = receiver.events
    CHECK(event.headers, event.body, hook["verification_key"])
    told = orjson.loads(event.body)
    assert (event.path, told["type"], event.headers["webhook-id"]) == (
        "/here", "alert.buyer_sanctioned", f"{alert['id']}-1",
    )  # fmt: skip
    assert sorted(told["data"]) == ["alert", "key", "place", "url"]
    read = await house.contracts.get(told["data"]["url"].removeprefix("http://house.test"))
    assert read["items"][0]["key"] == told["data"]["key"]
    assert (await house.shown())["delivered"] == 1


async def test_a_post_that_was_tampered_with_does_not_check(house: House, receiver: Receiver) -> None:
    hook = await house.hook(receiver)
    await house.tell()
    await house.post()
    [event] = receiver.events

    with pytest.raises(ValueError, match="signature"):
        CHECK(event.headers, event.body.replace(b"alert.", b"alerta"), hook["verification_key"])


async def test_each_address_has_a_key_of_its_own(house: House, receiver: Receiver) -> None:
    async with listening(Receiver()) as other:
        one, two = await house.hook(receiver), await house.hook(other)
        again = await house.contracts.post(HOOKS, {"url": two["url"]}, 200)
        await house.tell()
        await house.post()

        assert again == two
        assert one["verification_key"] != two["verification_key"]
        CHECK(other.events[0].headers, other.events[0].body, two["verification_key"])
        with pytest.raises(ValueError, match="signature"):
            CHECK(receiver.events[0].headers, receiver.events[0].body, two["verification_key"])


async def test_a_receiver_that_fails_is_tried_again_and_then_disabled_until_it_is_woken(
    house: House, receiver: Receiver
) -> None:
    receiver.answers = [status(500), status(410), OK]
    hook = await house.hook(receiver)
    await house.tell()

    await house.post()
    failed = await house.shown()
    await house.post()
    gone = await house.shown()
    nothing = await house.post()
    woken = await house.contracts.post(f"{HOOKS}/{hook['id']}/wake", None, 200)
    await house.post()

    assert (failed["failures"], failed["last_error"], failed["disabled_at"]) == (1, "answered 500", None)
    assert (gone["disabled_why"], nothing) == ("answered 410", 0)
    assert (woken["disabled_at"], woken["failures"]) == (None, 0)
    assert len({one.headers["webhook-id"] for one in receiver.events}) == 1
    assert (await house.shown())["delivered"] == 1


async def test_two_senders_at_once_post_an_event_once(house: House, receiver: Receiver) -> None:
    await house.hook(receiver)
    await house.tell()

    served = await asyncio.gather(house.post(), house.post(), house.post())

    assert (sum(served), len(receiver.events)) == (1, 1)


async def test_what_was_cut_short_is_posted_again_with_the_same_id(house: House, receiver: Receiver) -> None:
    """The receiver took it and the sender died before it was noted."""
    hook = await house.hook(receiver)
    alert = await house.tell()
    await house.post()
    await house.contracts.as_admin(
        f"INSERT INTO alert_delivery (webhook_id, alert_id, place) VALUES ('{hook['id']}', '{alert['id']}', 1)"
    )

    await house.post()

    assert len(receiver.events) == 2
    assert len({one.headers["webhook-id"] for one in receiver.events}) == 1


async def test_of_an_alert_that_was_ended_nothing_is_posted(house: House, receiver: Receiver) -> None:
    await house.hook(receiver)
    alert = await house.tell()
    answer = await house.contracts.http.request(
        "DELETE", f"/v1/alerts/{alert['id']}", headers=house.contracts.issuer.headers("manager", org="comunidad-a")
    )

    assert (answer.status_code, await house.post(), await house.post()) == (204, 1, 0)
    assert receiver.events == []
    assert (await house.shown())["delivered"] == 0


async def test_the_background_of_the_service_posts_by_itself(contracts: Contracts, receiver: Receiver) -> None:
    contracts.app.state.watching.cancel()
    house, arrived = House(contracts), asyncio.Event()
    receiver.on_event = lambda _: arrived.set()
    await house.hook(receiver)
    await house.tell()

    async with asyncio.timeout(PATIENCE_S):
        await arrived.wait()


# --- who and where ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["ftp://example.org/x", "http://example.org/x", "https://u:p@example.org/", "https://"])
async def test_an_address_that_is_none_is_refused(house: House, receiver: Receiver, url: str) -> None:
    problem = await house.contracts.post(HOOKS, {"url": url}, 409)

    assert problem["slug"] == "bad-destination"
    await house.hook(receiver)


async def test_a_name_that_leads_inside_later_is_not_posted_to(house: House, receiver: Receiver) -> None:
    await house.hook(receiver)
    await house.tell()

    async def inside(_: str, __: int) -> list[Address]:
        return [ip_address("10.0.0.1")]

    await house.post(Destinations(loopback=True, look_up=inside))

    assert receiver.events == []
    assert "private network" in (await house.shown())["last_error"]


async def test_the_other_party_neither_sees_nor_ends_nor_gets_it(house: House, receiver: Receiver) -> None:
    async with listening(Receiver()) as other:
        hook = await house.hook(receiver)
        await house.hook(other, role="company", org=BUYER)
        await house.tell()
        await house.post()

        assert (len(receiver.events), len(other.events)) == (1, 0)
    as_buyer = {"role": "company", "org": BUYER}
    assert [one["id"] for one in (await house.contracts.get(HOOKS, **as_buyer))["items"]] != [hook["id"]]
    await house.contracts.post(f"{HOOKS}/{hook['id']}/wake", None, 404, **as_buyer)
    await house.contracts.call("DELETE", f"{HOOKS}/{hook['id']}", expect=404, **as_buyer)


async def test_the_seed_of_a_key_is_read_by_the_sender_alone(house: House, receiver: Receiver) -> None:
    await house.hook(receiver)
    read = "SELECT count(*) FROM alert_webhook_seed"

    assert (await as_org(house.contracts, "comunidad-a", read))[0][0] == 0
    assert (await as_org(house.contracts, "", read, roles="watcher"))[0][0] == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_org(house.contracts, "", "UPDATE alert_webhook_seed SET seed = seed", roles="watcher")


async def test_an_organisation_has_so_many_addresses_and_no_more(
    house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MOST_WEBHOOKS", 1)
    hook = await house.hook(receiver)

    problem = await house.contracts.post(HOOKS, {"url": hook["url"] + "/2"}, 409)
    await house.contracts.post(HOOKS, {"url": hook["url"] + "/2"}, 201, role="company", org=BUYER)

    assert problem["slug"] == "too-many-alert-webhooks"
