"""The OCDS export: the shape of the standard, and prices for those alone who may read the contract."""

import copy
from typing import Any

import orjson
import pytest

from tests.contracts.builders import LUPUNA, TORNILLO, Json, an_offer, pen, per_tree, per_volume
from tests.contracts.conftest import Contracts
from tests.contracts.deals import a_payment, pay, settled
from tests.contracts.ocds_shape import faults
from tests.contracts.test_versions import AS_BUYER, a_text, an_amendment, signed, written

ANNEX = {"name": "Mapa", "sha256": "cd" * 32, "media_type": "application/pdf"}
RICH = {
    "lines": [
        per_volume("330.00", "m3", "mean_of_ends", [TORNILLO]), per_tree("44.00", [LUPUNA]),
    ],
    "schedule": {
        "total": pen("7777.00"),
        "instalments": [
            {"due_on": "2026-08-01", "amount": pen("4000.00")}, {"due_on": "2027-01-01", "amount": pen("3777.00")},
        ],
    },
    "obligations": [{"of": "buyer", "what": "Reparar el camino", "due_on": "2026-12-31", "worth": pen("999.00")}],
    "annexes": [ANNEX],
}  # fmt: skip


async def exported(contracts: Contracts, contract: str, **who: Any) -> Json:
    found: Json = await contracts.get(f"/v1/contracts/{contract}/ocds", **who)
    return found


def numbers(value: Any) -> set[float]:
    """Every number that stands anywhere in it."""
    match value:
        case dict():
            return set().union(*(numbers(one) for one in value.values()))
        case list():
            return set().union(*(numbers(one) for one in value))
        case int() | float():
            return {float(value)}
    return set()


async def a_whole_story(contracts: Contracts) -> str:
    """Signed, amended, delivered, paid twice over by two statements of one receipt."""
    settlement = await settled(contracts, a_text(**RICH))
    contract = str(settlement["stated"]["contract"])
    await pay(contracts, settlement, a_payment("1650.00", "2026-08-01"), **AS_BUYER)
    await pay(contracts, settlement, a_payment("1650.00", "2026-08-01"))
    await signed(contracts, contract, an_amendment(1, "title", **(RICH | {"title": "Con otro título"})))
    return contract


async def test_a_signed_amended_and_delivered_contract_has_the_shape_of_the_standard(contracts: Contracts) -> None:
    contract = await a_whole_story(contracts)

    release = await exported(contracts, contract)

    assert faults(release) == []
    assert release["tag"] == ["contract", "contractAmendment", "implementation"]
    [told] = release["contracts"]
    assert (told["status"], told["title"], told["value"]) == (
        "active",
        "Con otro título",
        {"amount": 7777, "currency": "PEN"},
    )
    assert [item["unit"]["value"]["amount"] for item in told["items"]] == [330, 44]
    assert [one["id"] for one in told["documents"]][1] == "cd" * 32
    assert told["amendments"][0]["description"] == "title"
    [transaction] = told["implementation"]["transactions"]
    assert (transaction["source"], transaction["value"]["amount"]) == ("sha256:" + "aa" * 32, 1650)
    assert [one["title"] for one in told["milestones"]] == ["Cuota 1", "Cuota 2", "Reparar el camino"]
    assert told["implementation"]["milestones"][0]["dateMet"] == "2026-07-20T00:00:00-05:00"
    assert await exported(contracts, contract, **AS_BUYER) == release


async def test_what_only_the_buyer_says_it_paid_is_no_transaction(contracts: Contracts) -> None:
    settlement = await settled(contracts, a_text(**RICH))
    await pay(contracts, settlement, a_payment("9000.00", "2026-08-01"), **AS_BUYER)

    [told] = (await exported(contracts, settlement["stated"]["contract"]))["contracts"]

    assert told["implementation"]["transactions"] == []


async def test_a_draft_is_a_pending_award(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    await written(contracts, stored["id"])

    release = await exported(contracts, stored["id"])

    assert faults(release) == []
    assert (release["tag"], release["contracts"][0]["status"]) == (["award"], "pending")
    assert "dateSigned" not in release["contracts"][0]


async def test_a_member_reads_it_without_a_single_price(contracts: Contracts) -> None:
    contract = await a_whole_story(contracts)

    release = await exported(contracts, contract, role="member")

    assert faults(release) == []
    assert not numbers(release) & {330, 44, 7777, 3777, 4000, 1650, 999}
    assert numbers(await exported(contracts, contract)) >= {330, 44, 7777, 1650}
    assert b"PEN" not in orjson.dumps(release)
    assert release["contracts"][0]["implementation"]["transactions"] == []


async def test_no_id_of_it_follows_from_the_offer_and_each_stays_what_it_was(contracts: Contracts) -> None:
    contract = await a_whole_story(contracts)
    other = await contracts.post("/v1/contracts", an_offer(title="Otra"))
    await written(contracts, other["id"])

    release = await exported(contracts, contract)

    known = {contract, (await contracts.get(f"/v1/settlements?contract={contract}"))["items"][0]["id"]}
    assert not any(one in orjson.dumps(release).decode() for one in known)
    assert await exported(contracts, contract) == release
    assert (await exported(contracts, other["id"]))["ocid"] != release["ocid"]
    named = release["ocid"].removeprefix("ocds-unregistered-")
    assert await exported(contracts, named) == release
    assert (await exported(contracts, named, role="member"))["ocid"] == release["ocid"]
    await contracts.get(f"/v1/contracts/{named}/ocds", 404, org="comunidad-b")


async def test_a_member_does_not_read_the_reason_of_an_amendment_which_may_name_a_price(contracts: Contracts) -> None:
    contract = await a_whole_story(contracts)

    [told] = (await exported(contracts, contract, role="member"))["contracts"]
    [whole] = (await exported(contracts, contract))["contracts"]

    assert "rationale" not in told["amendments"][0]
    assert whole["amendments"][0]["rationale"] == "Acuerdo de las partes"


async def test_a_signature_late_in_the_evening_in_lima_is_of_that_day(contracts: Contracts) -> None:
    contract = await a_whole_story(contracts)
    await contracts.as_admin("UPDATE contract_signature SET signed_at = '2026-07-16T03:00:00Z' WHERE number = 2")

    [told] = (await exported(contracts, contract))["contracts"]

    assert told["dateSigned"] == "2026-07-15T22:00:00-05:00"
    assert told["period"]["startDate"] == "2026-07-01T00:00:00-05:00"


async def test_the_export_exists_for_the_parties_and_once_something_is_written(contracts: Contracts) -> None:
    contract = await a_whole_story(contracts)
    stored = await contracts.post("/v1/contracts", an_offer(title="Sin texto"))

    await contracts.get(f"/v1/contracts/{contract}/ocds", 404, org="comunidad-b")
    await contracts.get(f"/v1/contracts/{contract}/ocds", 403, role="authority")
    await contracts.get(f"/v1/contracts/{stored['id']}/ocds", 404)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("tag",), []), (("tag",), ["sold"]), (("date",), "2026-07-01"), (("ocid",), None), (("extra",), 1),
        (("contracts", 0, "awardID"), "other"), (("contracts", 0, "status"), "signed"),
        (("contracts", 0, "items", 0, "unit", "value", "amount"), "330"), (("buyer", "id"), "nobody"),
        (("parties", 0, "roles"), ["seller"]),
    ],
)  # fmt: skip
async def test_the_check_of_the_shape_can_fail(contracts: Contracts, path: tuple[Any, ...], value: Any) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    await written(contracts, stored["id"], a_text())
    release = await exported(contracts, stored["id"])
    spoiled = copy.deepcopy(release)
    place = spoiled
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert faults(release) == []
    assert faults(spoiled) != []
