"""The proof file of a lot shows the private fields that whoever asks may see, and only when asked."""

from functools import partial

import pytest

from shared.lot.bundle import read
from shared.lot.verify import verify
from tests.custody.conftest import Custody, cut, felling, log_id, once_signed
from tests.custody.private import DRIVER, PRICE, REGION, ROAD, a_departure, a_statement, grant, post, stated
from tests.custody.test_lots import policy

BUNDLE = "/v1/lots/LOT-1/bundle"


@pytest.fixture
async def sold(ready: Custody) -> Custody:
    """Lot LOT-1: a guide with driver and plate, a sale with its price."""
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    lot = {"type": "lot.composed", "time": "2026-11-05T12:00:00Z", "body": {"lot": "LOT-1", "items": [log_id("501/A")]}}
    sale = {
        "type": "lot.sold", "time": "2026-11-06T12:00:00Z", "body": {"lot": "LOT-1", "buyer": "comprador-1"},
        "private": {"price_cents": PRICE, "currency": "PEN"},
    }  # fmt: skip
    await stated(ready, a_statement(), a_departure(), lot, sale)
    return ready


async def bundle(custody: Custody, disclose: str | None = None, *roles: str, expect: int = 200, org: str = "comunidad-a",
                 purpose: str | None = None, **claims: str) -> bytes:  # fmt: skip
    query = {name: value for name, value in (("disclose", disclose), ("purpose", purpose)) if value}
    headers = custody.issuer.headers(*roles, org=org, **claims) if roles else {}
    answer = await once_signed(partial(custody.http.get, BUNDLE, params=query, headers=headers))
    assert answer.status_code == expect, answer.text
    assert expect != 200 or ("no-store" in answer.headers["cache-control"]) == (disclose is not None)
    content: bytes = answer.content
    return content


async def shown(custody: Custody, *asked: str, **more: str) -> list[tuple[str, str, str | int | bool]]:
    """Type, name and value of what the file shows, once it verified."""
    report = verify(await bundle(custody, *asked, **more), policy(custody))
    assert report.outcome == "valid", report.text("en")
    return [(one.type, one.name, one.value) for one in report.private]


ALL_OF_ROAD = {(kind, name, value) for kind in ("guide.issued", "guide.departed") for name, value in ROAD.items()}


async def test_the_owner_chooses_what_the_file_shows(sold: Custody) -> None:
    price = {("lot.sold", "price_cents", PRICE), ("lot.sold", "currency", "PEN")}

    assert set(await shown(sold, "all", "manager")) == ALL_OF_ROAD | price
    assert set(await shown(sold, "driver,price_cents", "manager")) == {
        ("guide.issued", "driver", DRIVER), ("guide.departed", "driver", DRIVER), ("lot.sold", "price_cents", PRICE),
    }  # fmt: skip
    assert await shown(sold, "feller", "manager") == []
    assert await shown(sold) == []


async def test_the_same_choice_gives_the_same_bytes(sold: Custody) -> None:
    first = await bundle(sold, "all", "manager")

    assert await bundle(sold, "all", "manager") == first
    assert await bundle(sold) != first
    assert read(await bundle(sold)).entries == read(first).entries
    assert await bundle(sold, None, "manager") == await bundle(sold)


async def test_without_a_ground_the_file_shows_nothing_private(sold: Custody) -> None:
    for asked, status in (((), 401), (("auditor",), 403), (("operator",), 403)):
        problem = await bundle(sold, "all", *asked, expect=status, org="comprador-1")
        assert DRIVER.encode() not in problem
    assert b"disclosures" in await bundle(sold, None, "auditor", org="comprador-1")


async def test_a_grant_shows_what_it_opens_and_the_owner_learns_of_it(sold: Custody) -> None:
    made = await grant(sold, scope={"lots": ["LOT-1"], "fields": ["plate"]})

    found = await shown(sold, "all", "auditor", org="comprador-1", sub="u-9", purpose="auditoría")

    assert set(found) == {("guide.issued", "plate", ROAD["plate"]), ("guide.departed", "plate", ROAD["plate"])}
    reads = (await sold.get("/v1/disclosure-reads", "manager"))["reads"]
    assert [(one["way"], one["names"], one["reader"], one["grant"], one["purpose"]) for one in reads] == [
        ("bundle", ["plate"], "u-9", made["id"], "auditoría")
    ] * 2
    await post(sold, f"/v1/grants/{made['id']}", method="DELETE", expect=200)
    await bundle(sold, "all", "auditor", org="comprador-1", expect=403)


async def test_an_officer_of_the_region_gets_people_and_no_prices(sold: Custody) -> None:
    found = await shown(sold, "all", "authority", org="gerfor-md", region=REGION, purpose="control")

    assert set(found) == ALL_OF_ROAD
    await bundle(sold, "all", "authority", org="gerfor-md", region=REGION, expect=422)
    await bundle(sold, "all", "authority", org="gerfor-uc", region="ucayali", purpose="control", expect=403)


@pytest.mark.parametrize("disclose", ["", "Driver", "driver,", "a b", "x" * 41])
async def test_names_are_names(sold: Custody, disclose: str) -> None:
    headers = sold.issuer.headers("manager")
    assert (await sold.http.get(BUNDLE, params={"disclose": disclose}, headers=headers)).status_code == 422
    assert (await sold.http.get(BUNDLE, params={"disclose": "driver"}, headers=headers)).status_code == 200


async def test_a_lot_without_private_fields_has_none_to_show(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    lot = {"type": "lot.composed", "time": "2026-11-05T12:00:00Z", "body": {"lot": "LOT-1", "items": [log_id("501/A")]}}
    await stated(ready, lot)

    assert await shown(ready, "all", "auditor", org="comprador-1") == []
    await bundle(ready, "all", expect=401)
