"""Settlements through the door: owed by the signed contract, beside custody, with every payment, closed with reasons."""

import asyncio
import hashlib
from base64 import urlsafe_b64decode
from typing import Any

import orjson
import pytest

from services.contracts.api import settlements as settlements_api
from services.contracts.api import versions as versions_api
from services.contracts.api.house import today
from tests.contracts.builders import LUPUNA, TORNILLO, Json, pen, per_tree, per_volume
from tests.contracts.conftest import BUYER, Contracts
from tests.contracts.deals import (
    LOT,
    RULE,
    a_payment,
    a_sheet,
    a_signed_contract,
    a_statement,
    item_id,
    kept,
    pay,
    reconciled,
    settled,
)
from tests.contracts.test_versions import AS_BUYER, a_text, an_amendment, signed, written

ONE = {"instalments": [{"due_on": "2026-08-01", "share_milli": 1_000}]}
DOYLE = [per_volume("1.20", "pt", "doyle", [TORNILLO])]


# --- what is owed -------------------------------------------------------------------------------------------------


async def test_what_is_owed_follows_from_the_signed_contract_and_the_sheet(contracts: Contracts) -> None:
    found = await settled(contracts)

    assert (found["state"], found["gross"], found["owed"], found["paid"]) == (
        "open", pen("3300.00"), pen("3300.00"), pen("0.00"),
    )  # fmt: skip
    assert found["lines"] == [
        {
            "line": 0, "kind": "per_volume", "species": [TORNILLO], "measured": "10.000", "unit": "m3",
            "price": pen("330.00"), "amount": pen("3300.00"), "basis": "measured", "unknown": None,
        }
    ]  # fmt: skip
    assert [(one["due_on"], one["amount"]["amount"]) for one in found["due"]] == [
        ("2026-08-01", "1650.00"), ("2027-01-01", "1650.00"),
    ]  # fmt: skip
    assert await contracts.post("/v1/settlements", found["stated"], 200) == found
    assert await contracts.get(f"/v1/settlements/{found['id']}", **AS_BUYER) == found


async def test_a_price_by_tree_counts_the_trees_of_the_logs(contracts: Contracts) -> None:
    found = await settled(contracts, a_text(lines=[per_tree("50.00", [TORNILLO])]))

    assert (found["lines"][0]["measured"], found["owed"]) == ("5", pen("250.00"))


async def test_a_price_by_board_foot_is_owed_by_its_own_rule(contracts: Contracts) -> None:
    found = await settled(contracts, a_text(lines=DOYLE), sheet=a_sheet(["345.98"] * 10, "doyle", "pt"))

    assert (found["lines"][0]["measured"], found["owed"]) == ("3459.800", pen("4151.76"))


HOLLOW = [{"kind": "hollow", "amount": pen("100.00"), "formula": "pi/4 x d2 x L"}]


def taken(amount: str, kind: str = "hollow") -> list[Json]:
    return [{"kind": kind, "amount": pen(amount), "on": "2026-07-20"}]


@pytest.mark.parametrize(
    ("text", "wrong", "right", "slug"),
    [
        ({}, {"sheet": a_sheet(rule="smalian")}, {}, "rule-not-agreed"),
        ({}, {"sheet": a_sheet(species=LUPUNA)}, {}, "species-not-sold"),
        ({}, {"version": 2}, {}, "not-found"),
        ({"deductions": HOLLOW}, {"taken": taken("100.01")}, {"taken": taken("100.00")}, "deduction-not-agreed"),
        ({"deductions": HOLLOW}, {"taken": taken("10.00", "road")}, {"taken": taken("10.00")}, "deduction-not-agreed"),
        (
            {"deductions": [HOLLOW[0] | {"amount": pen("9999.00")}]}, {"taken": taken("3300.01")}, {"taken": taken("3300.00")},
            "deductions-exceed",
        ),
        ({}, {"delivered_on": "2026-06-30"}, {"delivered_on": "2026-07-01"}, "before-the-contract"),
        ({}, {"delivered_on": "2099-06-30"}, {}, "day-not-come"),
        ({}, {"replaces": "ab" * 16}, {}, "not-found"),
        (
            {"deductions": HOLLOW}, {"taken": [taken("10.00")[0] | {"amount": {"amount": "10.00", "currency": "USD"}}]}, {},
            "several-currencies",
        ),
    ],
)  # fmt: skip
async def test_what_the_contract_does_not_bear_is_refused_and_its_twin_is_taken(
    contracts: Contracts, text: Json, wrong: Json, right: Json | None, slug: str
) -> None:
    contract = await a_signed_contract(contracts, a_text(**text))

    problem = await contracts.post("/v1/settlements", a_statement(contract, **wrong), None)

    assert (problem["slug"], problem["status"]) == (slug, 404 if slug == "not-found" else 409)
    assert problem["detail_es"] != problem["detail_en"]
    if right is not None:
        await contracts.post("/v1/settlements", a_statement(contract, **right), 201)


async def test_what_was_agreed_once_is_not_taken_off_lot_after_lot(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts, a_text(deductions=HOLLOW))
    first = await contracts.post("/v1/settlements", a_statement(contract, taken=taken("60.00")))

    again = await contracts.post("/v1/settlements", a_statement(contract, lot="LOTE-2", taken=taken("40.01")), 409)
    await contracts.post("/v1/settlements", a_statement(contract, lot="LOTE-2", taken=taken("40.00")))
    replaced = a_statement(contract, replaces=first["id"], taken=taken("60.00"))

    assert (again["slug"], again["facts"]["taken"]) == ("deduction-not-agreed", "S/ 100.01")
    await contracts.post("/v1/settlements", replaced)


async def test_two_deliveries_stated_at_once_do_not_take_one_deduction_twice(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts, a_text(deductions=HOLLOW))

    answers = await asyncio.gather(
        *(
            contracts.post("/v1/settlements", a_statement(contract, lot=f"L-{n}", taken=taken("60.00")), None)
            for n in range(3)
        )
    )

    slugs = [answer.get("slug", "made") for answer in answers]
    assert slugs.count("made") == 1
    assert set(slugs) <= {"made", "deduction-not-agreed", "turn-taken"}


async def test_only_a_version_that_both_signed_is_settled(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts)
    await written(contracts, contract, an_amendment(1, "title", title="Otro"))

    problem = await contracts.post("/v1/settlements", a_statement(contract, version=2), 409)

    assert problem["slug"] == "version-not-signed"
    await contracts.post("/v1/settlements", a_statement(contract, version=1))


async def test_what_is_delivered_after_an_amendment_is_settled_by_the_amendment(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts)
    dearer = [per_volume("400.00", "m3", RULE, [TORNILLO])]
    await signed(contracts, contract, an_amendment(1, "lines", lines=dearer))
    await contracts.as_admin("UPDATE contract_signature SET signed_at = '2026-07-16T03:00:00Z' WHERE number = 2")
    after = a_statement(contract, delivered_on="2026-07-16")

    problem = await contracts.post("/v1/settlements", after, 409, **AS_BUYER)
    amended = await contracts.post("/v1/settlements", after | {"version": 2})
    before = await contracts.post("/v1/settlements", a_statement(contract, lot="L-2", delivered_on="2026-07-15"))

    assert (problem["slug"], problem["facts"]["force"]) == ("version-not-in-force", 2)
    assert (amended["owed"], before["owed"]) == (pen("4000.00"), pen("3300.00"))


@pytest.mark.parametrize(
    ("sheet", "where"),
    [
        (a_sheet() | {"logs": a_sheet()["logs"][:1] * 2}, "twice"),
        (a_sheet() | {"logs": []}, ""),
        (a_sheet(["0.000"]), ""),
        (a_sheet(["1,000"]), ""),
    ],
)
async def test_a_sheet_that_cannot_be_is_malformed(contracts: Contracts, sheet: Json, where: str) -> None:
    contract = await a_signed_contract(contracts)

    problem = await contracts.post("/v1/settlements", a_statement(contract, sheet=sheet), 422)

    assert where in problem["detail_en"]


async def test_a_wrong_sheet_is_replaced_by_one_that_names_it(contracts: Contracts) -> None:
    first = await settled(contracts, sheet=a_sheet(["0.500"] * 10))
    contract = first["stated"]["contract"]

    silent = await contracts.post("/v1/settlements", a_statement(contract), 409)
    second = await contracts.post("/v1/settlements", a_statement(contract, replaces=first["id"]))
    late = await contracts.post("/v1/settlements", a_statement(contract, replaces=first["id"], lot=LOT, version=1), 200)
    paid = await pay(contracts, first, a_payment("1.00", "2026-08-01"), 409)

    assert (silent["slug"], silent["facts"]["settlement"]) == ("lot-has-settlement", first["id"])
    assert late["id"] == second["id"]
    assert (paid["slug"], paid["facts"]["state"]) == ("settlement-ended", "replaced")
    listed = await contracts.get(f"/v1/settlements?contract={contract}")
    assert {one["id"]: one["state"] for one in listed["items"]} == {first["id"]: "replaced", second["id"]: "open"}
    page = await contracts.get(f"/v1/settlements?contract={contract}&limit=1")
    rest = await contracts.get(f"/v1/settlements?contract={contract}&limit=1&cursor={page['next']}")
    assert {page["items"][0]["id"], rest["items"][0]["id"]} == {first["id"], second["id"]}


# --- payments -----------------------------------------------------------------------------------------------------


async def test_a_payment_that_only_the_buyer_states_is_a_claim_until_the_community_states_it(
    contracts: Contracts,
) -> None:
    settlement = await settled(contracts)
    payment = a_payment("1650.00", "2026-08-01")

    claimed = await pay(contracts, settlement, payment, **AS_BUYER)
    both = await pay(contracts, settlement, payment)
    again = await pay(contracts, settlement, payment, 200)

    assert (claimed["paid"], claimed["claimed"]) == (pen("0.00"), pen("1650.00"))
    assert (both["paid"], both["claimed"], len(both["payments"])) == (pen("1650.00"), pen("0.00"), 2)
    assert again == both


@pytest.mark.parametrize(
    ("payment", "slug"),
    [
        (a_payment("1650.01", "2026-08-01"), "receipt-says-otherwise"),
        (a_payment("1650.00", "2026-08-02"), "receipt-says-otherwise"),
        (a_payment("1650.00", "2026-06-30", "bb"), "before-the-contract"),
        (a_payment("1650.00", "2099-01-01", "bb"), "day-not-come"),
        (a_payment("1", "2026-08-01", "bb") | {"amount": {"amount": "1.00", "currency": "USD"}}, "several-currencies"),
    ],
)
async def test_a_payment_that_cannot_be_is_refused(contracts: Contracts, payment: Json, slug: str) -> None:
    settlement = await settled(contracts)
    await pay(contracts, settlement, a_payment("1650.00", "2026-08-01"))

    problem = await pay(contracts, settlement, payment, 409)

    assert problem["slug"] == slug
    assert problem["detail_es"] != problem["detail_en"]
    await pay(contracts, settlement, a_payment("1650.00", "2026-08-01", "bb"))


async def test_what_the_buyer_says_of_a_receipt_does_not_bind_the_community(contracts: Contracts) -> None:
    settlement = await settled(contracts)
    await pay(contracts, settlement, a_payment("9000.00", "2026-08-01"), **AS_BUYER)

    found = await pay(contracts, settlement, a_payment("1650.00", "2026-08-01"))

    assert (found["paid"], found["claimed"]) == (pen("1650.00"), pen("9000.00"))


async def test_a_party_that_writes_without_end_leaves_the_other_its_room(
    contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    settlement = await settled(contracts)
    contract = settlement["stated"]["contract"]
    monkeypatch.setattr(settlements_api, "MOST_ENTRIES", 5)
    monkeypatch.setattr(settlements_api, "MOST_SETTLEMENTS", 4)
    monkeypatch.setattr(versions_api, "MOST_VERSIONS", 4)
    for n in range(2):
        await pay(contracts, settlement, a_payment("0.01", "2026-08-01", f"b{n}"), **AS_BUYER)
        await contracts.post("/v1/settlements", a_statement(contract, lot=f"L-{n}"), **AS_BUYER)
        await written(contracts, contract, an_amendment(1, "title", title=f"Otra {n}"), **AS_BUYER)

    full = [
        await pay(contracts, settlement, a_payment("0.01", "2026-08-01", "b2"), 409, **AS_BUYER),
        await contracts.post("/v1/settlements", a_statement(contract, lot="L-2"), 409, **AS_BUYER),
        await written(contracts, contract, an_amendment(1, "title", title="Otra 2"), expect=409, **AS_BUYER),
    ]

    assert {one["slug"] for one in full} == {"no-more-room"}
    await pay(contracts, settlement, a_payment("1650.00", "2026-08-01"))
    await contracts.post("/v1/settlements", a_statement(contract, lot="L-2"))
    await written(contracts, contract, an_amendment(1, "title", title="Otra 2"))


async def test_a_part_of_a_centimo_is_not_paid(contracts: Contracts) -> None:
    settlement = await settled(contracts)

    await pay(contracts, settlement, a_payment("1.001", "2026-08-01"), 422)
    await pay(contracts, settlement, a_payment("1.01", "2026-08-01"))


# --- reconciliation -----------------------------------------------------------------------------------------------


async def test_a_delivery_that_agrees_is_reconciled_log_by_log(contracts: Contracts) -> None:
    settlement = await settled(contracts, a_text(schedule=ONE))
    await pay(contracts, settlement, a_payment("3300.00", "2026-08-01"))

    stands = await reconciled(contracts, settlement)

    assert (stands["custody"], stands["reconciled"], stands["differences"], stands["balance"]) == (
        "read",
        True,
        [],
        "0.00",
    )
    assert {flag["code"]: flag["state"] for flag in stands["flags"]} == {"V03": "clear", "V04": "clear"}
    assert stands["logs"][0] == {
        "item": item_id(0), "code": "500/A", "parcel": "PC 01", "name": "500/A (PC 01)", "species": TORNILLO,
        "species_custody": TORNILLO, "custody_m3": "1.000", "expected": "1.000", "measured": "1.000", "other": None,
    }  # fmt: skip
    assert await reconciled(contracts, settlement, **AS_BUYER) == stands


async def test_a_sheet_that_measures_less_raises_v03_and_v04(contracts: Contracts) -> None:
    short = [f"0.{940 + n % 3}" for n in range(10)]
    settlement = await settled(contracts, sheet=a_sheet(short))

    stands = await reconciled(contracts, settlement)

    assert {flag["code"]: flag["state"] for flag in stands["flags"]} == {"V03": "raised", "V04": "raised"}
    evidence = {flag["code"]: flag["evidence"] for flag in stands["flags"]}
    assert evidence["V03"]["mean_change"] == "-0.0591"
    assert (evidence["V04"]["settled_m3"], evidence["V04"]["short"]) == ("9.409", "0.0591")
    assert [one["what"] for one in stands["differences"]] == ["V03", "V04", "unpaid"]


async def test_a_sheet_by_doyle_is_compared_with_doyle_of_the_same_logs(contracts: Contracts) -> None:
    """Log 46/42 cm of 6.577 m: the thin end gives (16.5354 - 4)^2 x 21.5781 / 16 = 211.92 board feet."""
    text = a_text(lines=DOYLE)
    settlement = await settled(contracts, text, sheet=a_sheet(["211.92"] * 10, "doyle", "pt"))

    stands = await reconciled(contracts, settlement)

    assert stands["logs"][0]["expected"] == "211.920"
    assert {flag["state"] for flag in stands["flags"]} == {"clear"}


async def test_logs_of_one_list_alone_are_differences_by_their_codes(contracts: Contracts) -> None:
    settlement = await settled(contracts, sheet=a_sheet(["1.000"] * 9 + ["1.000"]) | {"logs": [
        *a_sheet(["1.000"] * 8)["logs"], {"code": "999/A", "species": TORNILLO, "volume": "1.000"},
    ]})  # fmt: skip
    contracts.custody.lots[LOT]["logs"][0]["species"] = LUPUNA
    contracts.custody.lots[LOT]["lot"]["buyer"] = "otro-1"

    told = {one["what"]: one["es"] for one in (await reconciled(contracts, settlement))["differences"]}

    assert told["logs_missing"] == "2 trozas están en custodia y no en la hoja: 504/A (PC 01), 504/B (PC 01)"
    assert told["logs_extra"].endswith("no en custodia: 999/A")
    assert told["species_differ"].endswith("500/A (PC 01)")
    assert "otro-1" in told["lot_parties"]


@pytest.mark.parametrize("how", ["down", "gone", "twice"])
async def test_with_custody_silent_the_flags_are_unknown_and_the_money_is_still_told(
    contracts: Contracts, how: str
) -> None:
    settlement = await settled(contracts)
    if how == "gone":
        del contracts.custody.lots[LOT]
    if how == "twice":
        contracts.custody.lots[LOT]["logs"][1]["id"] = item_id(0)
    contracts.custody.down = how == "down"

    stands = await reconciled(contracts, settlement)

    assert stands["custody"] == ("not_found" if how == "gone" else "unavailable")
    assert {flag["state"] for flag in stands["flags"]} == {"unknown"}
    assert (stands["reconciled"], stands["owed"]) == (False, pen("3300.00"))
    closing = await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {}, 409)
    assert closing["slug"] == "custody-not-read"


async def test_late_payment_bears_the_rate_of_the_contract_or_else_the_legal_one(contracts: Contracts) -> None:
    agreed = await settled(contracts, a_text(schedule=ONE, late_interest={"annual_milli": 365}))
    await pay(contracts, agreed, a_payment("3300.00", "2026-08-11"))

    stands = await reconciled(contracts, agreed)

    assert (stands["interest"], stands["balance"]) == (pen("33.00"), "33.00")
    assert stands["late"] == [{"due_on": "2026-08-01", "paid_on": "2026-08-11", "amount": pen("3300.00"), "days": 10}]
    assert (stands["rate"]["source"], stands["rate"]["valid_from"]) == ("contract", None)


async def test_without_an_agreed_rate_the_dated_legal_one_counts_and_says_that_it_is_under_review(
    contracts: Contracts,
) -> None:
    settlement = await settled(contracts, a_text(schedule=ONE))

    stands = await reconciled(contracts, settlement, "2027-08-01")

    assert stands["interest"] == pen("82.50")
    assert stands["rate"]["annual_milli"] == 25
    assert "1244" in stands["rate"]["source"]
    assert stands["rate"]["legal_review"].startswith("pending")
    assert (await reconciled(contracts, settlement, "2026-08-01"))["interest"] == pen("0.00")


# --- closing ------------------------------------------------------------------------------------------------------


async def paid_settlement(contracts: Contracts, **more: Any) -> Json:
    settlement = await settled(contracts, a_text(schedule=ONE), **more)
    await pay(contracts, settlement, a_payment(str(settlement["owed"]["amount"]), "2026-08-01"))
    return settlement


async def test_a_reconciled_settlement_is_closed_by_the_community_and_sealed_in_the_log(contracts: Contracts) -> None:
    settlement = await paid_settlement(contracts)
    path = f"/v1/settlements/{settlement['id']}/closing"

    by_buyer = await contracts.post(path, {}, 403, **AS_BUYER)
    closed = await contracts.post(path, {})
    again = await contracts.post(path, {}, 200)
    await contracts.published()

    assert by_buyer["slug"] == "other-organisation"
    assert (closed["state"], closed["closed"]["by_org"]) == ("closed", "comunidad-a")
    assert again["closed"] == closed["closed"]
    _, sealed = contracts.log.log
    assert (sealed["type"], sealed["prev"]) == ("settlement.sealed", [contracts.log.sids[0]])
    opened = await contracts.get(f"/v1/settlements/{settlement['id']}/commitment", **AS_BUYER)
    salt, document = urlsafe_b64decode(opened["salt"] + "="), opened["document"].encode()
    assert sealed["body"] == {"commitment": hashlib.sha256(b"trozalog/v1/commitment\n" + salt + document).hexdigest()}
    told = orjson.loads(document)
    assert told["reconciliation"]["differences"] == []
    assert (told["contract_sid"], told["payments"][0]["receipt"]["sha256"]) == (contracts.log.sids[0], "aa" * 32)
    assert {name for one in contracts.log.log for name in one["body"]} == {"commitment"}
    late = await pay(contracts, settlement, a_payment("1.00", "2026-08-02", "cc"), 409)
    assert late["slug"] == "settlement-ended"
    other = await contracts.post("/v1/settlements", settlement["stated"] | {"replaces": settlement["id"]}, 409)
    assert other["slug"] == "settlement-ended"


async def test_a_settlement_is_closed_or_replaced_and_never_both(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts, a_text(schedule=ONE))
    for turn in range(6):
        lot = f"LOTE-R{turn}"
        contracts.custody.lots[lot] = kept()
        first = await contracts.post("/v1/settlements", a_statement(contract, lot=lot))
        await pay(contracts, first, a_payment("3300.00", "2026-08-01", f"b{turn}"))
        better = a_statement(contract, lot=lot, delivered_on="2026-07-21", replaces=first["id"])

        await asyncio.gather(
            contracts.post(f"/v1/settlements/{first['id']}/closing", {}, None),
            *(contracts.post("/v1/settlements", better, None) for _ in range(2)),
        )

        listed = await contracts.get(f"/v1/settlements?contract={contract}")
        states = sorted(one["state"] for one in listed["items"] if one["stated"]["lot"] == lot)
        assert states in (["closed"], ["open", "replaced"])


async def test_what_was_replaced_while_it_was_read_is_not_closed(contracts: Contracts) -> None:
    """The entry of a replacement may be seen before the settlement that makes it one."""
    settlement = await paid_settlement(contracts)
    await contracts.as_admin(
        "INSERT INTO settlement_entry (settlement_id, contract_id, lot, seq, kind, content, org, by_sub, at)"
        f" VALUES ('{settlement['id']}', '{settlement['stated']['contract']}', '{LOT}', 2, 'replaced',"
        f" '{{\"by\":\"{'ab' * 16}\"}}', 'comunidad-a', 'x', now())"
    )

    problem = await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {}, 409)

    assert (problem["slug"], problem["facts"]["state"]) == ("settlement-ended", "replaced")


async def test_a_reconciled_settlement_becomes_a_sealed_price_of_the_community(contracts: Contracts) -> None:
    settlement = await paid_settlement(contracts)
    await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {})
    await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {}, 200)

    [filed] = (await contracts.get("/v1/price-reports"))["items"]
    opened = await contracts.get(f"/v1/settlements/{settlement['id']}/commitment")

    report = filed["report"]
    assert (report["tier"], report["side"], report["volume_m3"]) == ("sealed", "seller", "10.000")
    assert report["line"]["price"] == pen("330.00")
    assert report["line"]["species"] == [TORNILLO]
    assert (report["payment_delay_days"], report["evidence_sha256"]) == (12, opened["document_sha256"])
    assert report["logs"][0]["count"] == 10
    assert (await contracts.get("/v1/price-reports", **AS_BUYER))["items"] == []


@pytest.mark.parametrize("price", ["0.50", "1.10"])
async def test_a_sale_at_a_price_that_the_market_does_not_take_is_closed_all_the_same(
    contracts: Contracts, price: str
) -> None:
    text = a_text(schedule=ONE, lines=[per_volume(price, "m3", "mean_of_ends", [TORNILLO])])
    settlement = await settled(contracts, text)
    await pay(contracts, settlement, a_payment(str(settlement["owed"]["amount"]), "2026-08-01"))

    closed = await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {})

    assert closed["state"] == "closed"
    assert len((await contracts.get("/v1/price-reports"))["items"]) == int(price == "1.10")


async def test_a_settlement_with_a_difference_that_was_only_explained_seals_no_price(contracts: Contracts) -> None:
    now_due = {"instalments": [{"due_on": today().isoformat(), "share_milli": 1_000}]}
    settlement = await settled(contracts, a_text(schedule=now_due))
    explained = {"explanations": [{"what": "unpaid", "text": "Se paga después"}]}

    await contracts.post(f"/v1/settlements/{settlement['id']}/closing", explained)

    assert (await contracts.get("/v1/price-reports"))["items"] == []


async def test_a_difference_is_explained_or_the_settlement_stays_open(contracts: Contracts) -> None:
    settlement = await settled(contracts, a_text(schedule=ONE))
    await pay(contracts, settlement, a_payment("3000.00", "2026-08-01"))
    path = f"/v1/settlements/{settlement['id']}/closing"

    silent = await contracts.post(path, {}, 409)
    beside = await contracts.post(path, {"explanations": [{"what": "V04", "text": "Nada"}]}, 409)
    closed = await contracts.post(path, {"explanations": [{"what": "unpaid", "text": "Se compensó con víveres"}]})

    assert (silent["slug"], silent["facts"]["missing"]) == ("differences-unexplained", "unpaid")
    assert beside["slug"] == "nothing-to-explain"
    assert closed["state"] == "closed"


async def test_a_claim_of_the_buyer_alone_does_not_close_it_silently(contracts: Contracts) -> None:
    settlement = await settled(contracts, a_text(schedule=ONE))
    await pay(contracts, settlement, a_payment("3300.00", "2026-08-01"), **AS_BUYER)

    problem = await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {}, 409)

    assert problem["facts"]["missing"] == "unpaid, claimed_only"


async def test_a_settlement_exists_for_the_parties_of_its_contract_alone(contracts: Contracts) -> None:
    settlement = await settled(contracts)

    for path in ("", "/reconciliation", "/commitment"):
        where = f"/v1/settlements/{settlement['id']}{path}"
        assert (await contracts.get(where, 404, org="comunidad-b"))["slug"] == "not-found"
    contract = settlement["stated"]["contract"]
    await contracts.get(f"/v1/settlements?contract={contract}", 404, role="company", org="aserradero-2")
    await contracts.post("/v1/settlements", settlement["stated"], 404, org="comunidad-b")
    await contracts.get(f"/v1/settlements/{settlement['id']}", 200, role="company", org=BUYER)
