"""The benefit ledger through the door: shares by act, distributions that sum exactly, receipts by the members."""

import asyncio
from typing import Any

import pytest

from services.contracts.domain import ledger
from tests.contracts.builders import Json, pen
from tests.contracts.conftest import BUYER, Contracts
from tests.contracts.deals import COMMUNITY, a_payment, a_statement, pay, settled
from tests.contracts.test_versions import AS_BUYER

A, B, C = "comunidad-x", "comunidad-y", "comunidad-z"
BOOK = f"/v1/benefit-ledgers/{COMMUNITY}"


def an_act(**more: Any) -> Json:
    return {"on": "2026-07-01", "minutes_sha256": "ef" * 32, "entitled": 90, "attended": 60, "quorum_milli": 500} | more


def an_agreement(*shares: str, act: Json | None = None, valid_from: str = "2026-07-01") -> Json:
    shares = shares or ("1/3", "1/3", "1/3")
    members = [{"org": org, "share": share} for org, share in zip((A, B, C), shares, strict=False)]
    return {"members": members, "valid_from": valid_from, "act": act or an_act()}


def a_distribution(settlement: Json, amount: str = "100.00", on: str = "2026-08-02", **more: Any) -> Json:
    return {"settlement": settlement["id"], "amount": pen(amount), "on": on} | more


async def opened(contracts: Contracts, received: str = "1650.00") -> Json:
    """An enterprise of three communities that has received money for a settlement."""
    settlement = await settled(contracts)
    await pay(contracts, settlement, a_payment(received, "2026-08-01"))
    await contracts.post("/v1/benefit-ledgers", an_agreement())
    return settlement


async def test_a_third_each_of_a_hundred_soles_sums_to_a_hundred(contracts: Contracts) -> None:
    settlement = await opened(contracts)

    made = await contracts.post(f"{BOOK}/distributions", a_distribution(settlement))
    again = await contracts.post(f"{BOOK}/distributions", a_distribution(settlement), 200)

    assert [part["amount"]["amount"] for part in made["parts"]] == ["33.34", "33.33", "33.33"]
    assert again == made
    book = await contracts.get(BOOK, org=B)
    assert (book["entries"], len(book["distributions"])) == (2, 1)
    assert book["agreements"][0]["agreement"]["act"]["minutes_sha256"] == "ef" * 32


@pytest.mark.parametrize(
    ("wrong", "right", "slug"),
    [
        (an_agreement("1/3", "1/3", "0.333333"), an_agreement("1/3", "1/3", "333333/999999"), "shares-do-not-sum"),
        (an_agreement("1/2", "1/2", "1/2"), an_agreement("1/2", "1/4", "0.25"), "shares-do-not-sum"),
        (an_agreement(act=an_act(attended=44)), an_agreement(act=an_act(attended=45)), "quorum-not-met"),
        (an_agreement(act=an_act(attended=91)), an_agreement(act=an_act(attended=90)), "quorum-not-met"),
        (an_agreement(act=an_act(on="2026-07-02")), an_agreement(act=an_act(on="2026-06-30")), "dates-out-of-order"),
        (an_agreement("0/3", "1/3", "2/3"), an_agreement("1"), "malformed"),
        (
            an_agreement() | {"members": [{"org": A, "share": "1/2"}, {"org": A, "share": "1/2"}]}, an_agreement(),
            "member-twice",
        ),
    ],
)  # fmt: skip
async def test_an_agreement_that_cannot_be_is_refused_and_its_twin_opens_the_book(
    contracts: Contracts, wrong: Json, right: Json, slug: str
) -> None:
    problem = await contracts.post("/v1/benefit-ledgers", wrong, 422)
    await contracts.post("/v1/benefit-ledgers", right, 201)

    assert problem["slug"] == slug
    assert problem["detail_es"] != problem["detail_en"]
    await contracts.post("/v1/benefit-ledgers", right, 200)


async def test_an_enterprise_neither_shares_with_itself_nor_ahead_of_its_assembly(contracts: Contracts) -> None:
    itself = an_agreement() | {"members": [{"org": COMMUNITY, "share": "1"}]}

    assert (await contracts.post("/v1/benefit-ledgers", itself, 422))["slug"] == "member-twice"
    ahead = an_agreement(act=an_act(on="2099-01-01"), valid_from="2099-01-01")
    assert (await contracts.post("/v1/benefit-ledgers", ahead, 409))["slug"] == "day-not-come"


async def test_a_new_agreement_divides_what_comes_after_it_and_leaves_the_rest(contracts: Contracts) -> None:
    settlement = await opened(contracts)
    first = await contracts.post(f"{BOOK}/distributions", a_distribution(settlement))
    back = await contracts.post("/v1/benefit-ledgers", an_agreement("1/2", "1/2", valid_from="2026-07-01"), 409)
    await contracts.post("/v1/benefit-ledgers", an_agreement("1/2", "1/2", valid_from="2026-08-10"))

    second = await contracts.post(f"{BOOK}/distributions", a_distribution(settlement, "0.01", "2026-08-10"))
    before = await contracts.post(f"{BOOK}/distributions", a_distribution(settlement, "0.01", "2026-08-09"))
    early = await contracts.post(f"{BOOK}/distributions", a_distribution(settlement, "0.01", "2026-06-30"), 409)

    assert back["slug"] == "agreement-goes-back"
    assert [(part["org"], part["amount"]["amount"]) for part in second["parts"]] == [(A, "0.01"), (B, "0.00")]
    assert (first["agreement"], second["agreement"], before["agreement"]) == (1, 2, 1)
    assert early["slug"] == "no-agreement-in-force"
    assert (await contracts.get(BOOK, org=C))["distributions"][0] == first


async def test_no_more_is_shared_out_than_was_received(contracts: Contracts) -> None:
    settlement = await opened(contracts, "100.00")
    await pay(contracts, settlement, a_payment("900.00", "2026-08-01", "bb"), **AS_BUYER)
    await contracts.post(f"{BOOK}/distributions", a_distribution(settlement, "60.00"))

    problem = await contracts.post(f"{BOOK}/distributions", a_distribution(settlement, "40.01"), 409)

    assert (problem["slug"], problem["facts"]["shared"]) == ("more-than-received", "S/ 60.00")
    await contracts.post(f"{BOOK}/distributions", a_distribution(settlement, "40.00"))


async def test_money_restated_for_a_replaced_sheet_is_not_shared_out_again(contracts: Contracts) -> None:
    first = await opened(contracts, "100.00")
    await contracts.post(f"{BOOK}/distributions", a_distribution(first, "60.00"))
    better = a_statement(first["stated"]["contract"], delivered_on="2026-07-21", replaces=first["id"])
    second = await contracts.post("/v1/settlements", better)
    await pay(contracts, second, a_payment("100.00", "2026-08-01"))

    old = await contracts.post(f"{BOOK}/distributions", a_distribution(first, "40.00"), 409)
    problem = await contracts.post(f"{BOOK}/distributions", a_distribution(second, "40.01"), 409)

    assert (old["slug"], problem["slug"]) == ("settlement-ended", "more-than-received")
    assert problem["facts"]["shared"] == "S/ 60.00"
    await contracts.post(f"{BOOK}/distributions", a_distribution(second, "40.00"))


async def test_two_distributions_at_once_do_not_share_out_one_sol_twice(contracts: Contracts) -> None:
    settlement = await opened(contracts, "100.00")

    answers = await asyncio.gather(
        *(
            contracts.post(f"{BOOK}/distributions", a_distribution(settlement, "60.00", note=f"n{n}"), None)
            for n in range(4)
        )
    )

    slugs = sorted(answer.get("slug", "made") for answer in answers)
    assert slugs.count("made") == 1
    assert set(slugs) <= {"made", "more-than-received", "turn-taken"}


async def test_a_member_says_itself_what_it_received_and_no_more_than_its_part(contracts: Contracts) -> None:
    settlement = await opened(contracts)
    await contracts.post(f"{BOOK}/distributions", a_distribution(settlement))
    path = f"{BOOK}/distributions/1/receipts"
    receipt = {"amount": pen("30.00"), "received_on": "2026-08-03"}

    some = await contracts.post(path, receipt, org=B)
    again = await contracts.post(path, receipt, 200, org=B)
    beyond = await contracts.post(path, receipt | {"amount": pen("3.34")}, 409, org=B)
    rest = await contracts.post(path, receipt | {"amount": pen("3.33")}, org=B)
    by_enterprise = await contracts.post(path, receipt, 403)
    absent = await contracts.post(f"{BOOK}/distributions/2/receipts", receipt, 404, org=B)

    assert some == again
    assert (beyond["slug"], by_enterprise["slug"], absent["slug"]) == ("more-than-part", "no-part-in-it", "not-found")
    assert [part["received"]["amount"] for part in rest["parts"]] == ["0.00", "33.33", "0.00"]
    accounts = {one["org"]: one for one in (await contracts.get(BOOK))["accounts"]}
    assert accounts[B] == {"org": B, "amount": pen("33.33"), "received": pen("33.33")}
    assert accounts[A]["received"] == pen("0.00")


async def test_a_member_does_not_fill_the_book_with_receipts(
    contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_RECEIPTS", 2)
    await contracts.post(f"{BOOK}/distributions", a_distribution(await opened(contracts)))
    path = f"{BOOK}/distributions/1/receipts"
    for day in ("2026-08-03", "2026-08-04"):
        await contracts.post(path, {"amount": pen("0.01"), "received_on": day}, org=A)

    problem = await contracts.post(path, {"amount": pen("0.01"), "received_on": "2026-08-05"}, 409, org=A)

    assert problem["slug"] == "no-more-room"
    await contracts.post(path, {"amount": pen("0.01"), "received_on": "2026-08-05"}, org=B)


async def test_the_book_is_for_the_enterprise_and_its_members_and_not_for_buyers(contracts: Contracts) -> None:
    settlement = await opened(contracts)
    await contracts.post(f"{BOOK}/distributions", a_distribution(settlement))

    for org in (COMMUNITY, A, B, C):
        await contracts.get(BOOK, org=org)
        await contracts.get(BOOK, org=org, role="member")
    assert (await contracts.get(BOOK, 403, **AS_BUYER))["slug"] == "role-not-allowed"
    assert (await contracts.get(BOOK, 404, org=BUYER))["slug"] == "not-found"
    assert (await contracts.get("/v1/benefit-ledgers/comunidad-b", 404))["slug"] == "not-found"
    by_member = await contracts.post(f"{BOOK}/distributions", a_distribution(settlement, "1.00"), 403, org=A)
    assert by_member["slug"] == "other-organisation"


async def test_an_enterprise_shares_out_its_own_sales_alone(contracts: Contracts) -> None:
    settlement = await opened(contracts)
    await contracts.post("/v1/benefit-ledgers", an_agreement(), org=BUYER)

    other = await contracts.post(
        f"/v1/benefit-ledgers/{BUYER}/distributions", a_distribution(settlement), 409, org=BUYER
    )
    unseen = await contracts.post("/v1/benefit-ledgers", an_agreement(), org="comunidad-b")
    hidden = await contracts.post(
        "/v1/benefit-ledgers/comunidad-b/distributions", a_distribution(settlement), 404, org="comunidad-b"
    )

    assert (other["slug"], hidden["slug"]) == ("settlement-of-another", "not-found")
    assert unseen["enterprise"] == "comunidad-b"
