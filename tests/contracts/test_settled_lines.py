"""What each kind of price line comes to at a delivery, and what stays unknown until somebody says it."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contracts.builders import LUPUNA, TORNILLO, Json, pen, per_tree, per_volume
from tests.contracts.conftest import BUYER, Contracts
from tests.contracts.deals import (
    LOT,
    a_payment,
    a_sheet,
    a_signed_contract,
    a_statement,
    item_id,
    kept,
    pay,
    reconciled,
)
from tests.contracts.test_versions import AS_BUYER, a_text, an_amendment, signed

ONE = {"instalments": [{"due_on": "2026-08-01", "share_milli": 1_000}]}
PAPER = {"sha256": "ef" * 32, "name": "Facturas", "media_type": "application/pdf"}
SHARE = {
    "kind": "share_of_volume",
    "species": [TORNILLO],
    "share_milli": 150,
    "product": "log",
    "point_of_sale": "roadside",
}
BACK = {"price": pen("200.00"), "unit": "m3", "rule": "mean_of_ends"}
BOARDS = per_volume("3.20", "pt", "sawn", [TORNILLO], product="sawn", point_of_sale="mill_gate")


def lump(amount: str = "5000.00", species: Any = "any", **more: Any) -> Json:
    return per_tree(amount, species, **({"kind": "lump_sum"} | more))


def account(revenue: str, costs: str | None = None, line: int = 1) -> list[Json]:
    costs_said = {} if costs is None else {"costs": pen(costs)}
    return [{"line": line, "revenue": pen(revenue), "paper": PAPER} | costs_said]


async def settled_with(contracts: Contracts, *lines: Json, expect: int = 201, **more: Any) -> Json:
    title = f"Oferta {len((await contracts.get('/v1/contracts'))['items'])}"
    contract = await a_signed_contract(contracts, a_text(lines=list(lines), schedule=ONE), title=title)
    found: Json = await contracts.post("/v1/settlements", a_statement(contract, **more), expect)
    return found


def first(found: Json) -> tuple[Any, ...]:
    line = found["lines"][0]
    amount = None if line["amount"] is None else line["amount"]["amount"]
    return line["kind"], amount, line["basis"], line["unknown"] and line["unknown"]["why"]


@pytest.mark.parametrize(
    ("line", "said", "told"),
    [
        (lump(), {}, ("lump_sum", None, None, "part_not_stated")),
        (lump(), {"parts": [{"line": 1, "amount": pen("2000.00")}]}, ("lump_sum", "2000.00", "stated", None)),
        (lump(kind="in_kind"), {}, ("in_kind", None, None, "part_not_stated")),
        (lump(kind="in_kind"), {"parts": [{"line": 1, "amount": pen("50.00")}]}, ("in_kind", "50.00", "stated", None)),
        # 15 % of the ten cubic metres, at 200 a cubic metre.
        (SHARE | {"buy_back": BACK}, {}, ("share_of_volume", "300.00", "measured", None)),
        (SHARE | {"buy_back": BACK | {"rule": "doyle"}}, {}, ("share_of_volume", None, None, "not_measured_by_rule")),
        (SHARE, {}, ("share_of_volume", None, None, "wood_not_money")),
        (SHARE | {"kind": "share_of_revenue"}, {}, ("share_of_revenue", None, None, "account_not_stated")),
        (
            SHARE | {"kind": "share_of_revenue"}, {"accounts": account("12345.70")},
            ("share_of_revenue", "1851.86", "stated", None),
        ),
        (SHARE | {"kind": "share_of_profit"}, {}, ("share_of_profit", None, None, "account_not_stated")),
        (SHARE | {"kind": "share_of_profit"}, {"accounts": account("9000")}, ("share_of_profit", None, None, "costs_not_stated")),
        (
            SHARE | {"kind": "share_of_profit"}, {"accounts": account("9000.00", "7000.00")},
            ("share_of_profit", "300.00", "stated", None),
        ),
        # Of a loss nothing is owed.
        (
            SHARE | {"kind": "share_of_profit"}, {"accounts": account("7000.00", "9000.00")},
            ("share_of_profit", "0.00", "stated", None),
        ),
        (per_tree("50.00"), {"sheet": a_sheet(["100.00"] * 10, "sawn", "pt")}, ("per_tree", None, None, "trees_not_on_sheet")),
    ],
)  # fmt: skip
async def test_a_line_is_owed_by_its_own_rule_or_it_is_unknown(
    contracts: Contracts, line: Json, said: Json, told: tuple[Any, ...]
) -> None:
    found = await settled_with(contracts, line, **said)

    assert first(found) == told
    assert found["owed"] == pen(told[1] or "0.00")


async def test_what_is_unknown_is_explained_or_it_is_not_closed(contracts: Contracts) -> None:
    settlement = await settled_with(contracts, per_volume("330.00", "m3", "mean_of_ends", [TORNILLO]), lump())
    both = await settled_with(
        contracts, lump(species=[TORNILLO]), per_volume("9.00", "m3", "mean_of_ends", [LUPUNA]), lot="L-2"
    )
    contracts.custody.lots["L-2"] = kept()
    path = f"/v1/settlements/{both['id']}/closing"

    silent = await contracts.post(path, {}, 409)
    told = {one["what"]: one["es"] for one in (await reconciled(contracts, both))["differences"]}
    closed = await contracts.post(
        path, {"explanations": [{"what": "line-1-unknown", "text": "Se paga con el último lote"}]}
    )

    assert [one["kind"] for one in settlement["lines"]] == ["per_volume"]
    assert silent["facts"]["missing"] == "line-1-unknown"
    assert told["line-1-unknown"].endswith("corresponde a esta entrega")
    assert closed["state"] == "closed"
    assert (await contracts.get("/v1/price-reports"))["items"] == []


async def test_parts_of_a_whole_price_are_never_more_than_it(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts, a_text(lines=[lump("5000.00")]))
    other = [lump("1.00", [LUPUNA]), lump("5000.00")]

    def said(lot: str, amount: str, line: int = 1, **more: Any) -> Json:
        return a_statement(contract, lot=lot, parts=[{"line": line, "amount": pen(amount)}]) | more

    await contracts.post("/v1/settlements", said("L-1", "3000.00"))
    problem = await contracts.post("/v1/settlements", said("L-2", "2000.01"), 409)
    await signed(contracts, contract, an_amendment(1, "lines", lines=other))
    moved = await contracts.post("/v1/settlements", said("L-3", "2000.01", 2, version=2), 409)
    await contracts.post("/v1/settlements", said("L-3", "2000.00", 2, version=2))

    assert (problem["slug"], problem["facts"]["parts"]) == ("parts-exceed-price", "S/ 5,000.01")
    assert (moved["slug"], moved["facts"]["line"]) == ("parts-exceed-price", 2)


@pytest.mark.parametrize(
    ("line", "wrong", "right", "status", "slug"),
    [
        (lump(), {"accounts": account("1.00")}, {}, 409, "not-of-the-line"),
        (lump(), {"parts": [{"line": 2, "amount": pen("1.00")}]}, {}, 409, "not-of-the-line"),
        (SHARE, {"parts": [{"line": 1, "amount": pen("1.00")}]}, {}, 409, "not-of-the-line"),
        (
            SHARE | {"kind": "share_of_revenue"}, {"accounts": account("9.00", "1.00")}, {"accounts": account("9.00")}, 409,
            "not-of-the-line",
        ),
        (lump(), {"parts": [{"line": 1, "amount": pen("1.00")}] * 2}, {}, 422, "malformed"),
        (
            SHARE | {"kind": "share_of_profit"},
            {"accounts": [account("9.00")[0] | {"costs": {"amount": "1.00", "currency": "USD"}}]},
            {"accounts": account("9.00", "1.00")}, 409, "several-currencies",
        ),
        (
            lump(), {"parts": [{"line": 1, "amount": {"amount": "1.00", "currency": "USD"}}]},
            {"parts": [{"line": 1, "amount": pen("1.00")}]}, 409, "several-currencies",
        ),
    ],
)  # fmt: skip
async def test_what_a_line_does_not_bear_is_refused_and_its_twin_is_taken(
    contracts: Contracts, line: Json, wrong: Json, right: Json, status: int, slug: str
) -> None:
    contract = await a_signed_contract(contracts, a_text(lines=[line]))

    problem = await contracts.post("/v1/settlements", a_statement(contract, **wrong), status)

    assert problem["slug"] == slug
    assert problem["detail_es"] != problem["detail_en"]
    await contracts.post("/v1/settlements", a_statement(contract, **right))


async def test_what_the_buyer_says_it_sold_for_is_never_taken_in_silence(contracts: Contracts) -> None:
    settlement = await settled_with(contracts, SHARE | {"kind": "share_of_revenue"}, accounts=account("1000.00"))
    await pay(contracts, settlement, a_payment("150.00", "2026-08-01"))
    path = f"/v1/settlements/{settlement['id']}/closing"

    silent = await contracts.post(path, {}, 409)
    await contracts.post(path, {"explanations": [{"what": "line-1-stated", "text": "Vimos las facturas"}]})

    assert silent["facts"]["missing"] == "line-1-stated"


async def test_goods_pay_what_was_agreed_in_goods_and_no_more_without_a_reason(contracts: Contracts) -> None:
    settlement = await settled_with(
        contracts, lump("400.00", kind="in_kind"), parts=[{"line": 1, "amount": pen("400.00")}]
    )
    goods = {"goods": "Motosierra"}
    await pay(contracts, settlement, a_payment("400.00", "2026-08-01") | goods)
    enough = await reconciled(contracts, settlement, "2026-08-01")
    as_money = await pay(contracts, settlement, a_payment("400.00", "2026-08-01"), 409)
    money = await settled_with(contracts, per_volume("330.00", "m3", "mean_of_ends", [TORNILLO]), lot="L-2")
    await pay(contracts, money, a_payment("3300.00", "2026-08-01", "bb") | goods)

    told = {one["what"]: one["en"] for one in (await reconciled(contracts, money, "2026-08-01"))["differences"]}

    assert (enough["differences"], enough["reconciled"]) == ([], True)
    assert as_money["slug"] == "receipt-says-otherwise"
    assert told == {
        "goods_beyond_agreed": "S/ 3,300.00 more was paid in goods than the contract agrees for this delivery"
    }


# --- boards -------------------------------------------------------------------------------------------------------


def sawn_lot(litres: int = 2_000) -> Json:
    boards = [
        {"id": item_id(700 + n), "code": "", "parcel": "PC 01", "tree": None, "species": TORNILLO, "product": "sawn",
         "diameter_large_mm": 0, "diameter_small_mm": 0, "length_mm": 0, "volume_dm3": litres}
        for n in range(2)
    ]  # fmt: skip
    return kept() | {"items": boards}


def packages(volume: str, unit: str = "pt") -> Json:
    rows = [
        {"code": f"Paquete {n + 1}", "species": TORNILLO, "volume": volume, "item": item_id(700 + n)} for n in range(2)
    ]
    return {"rule": "sawn", "unit": unit, "logs": rows}


async def test_boards_are_owed_by_the_board_foot_and_held_against_what_custody_sawed(contracts: Contracts) -> None:
    """Two packages of 2 m3, 847.552 board feet each, at S/ 3.20."""
    settlement = await settled_with(contracts, BOARDS, sheet=packages("847.552"))
    contracts.custody.lots[LOT] = sawn_lot()
    await pay(contracts, settlement, a_payment("5424.33", "2026-08-01"))

    stands = await reconciled(contracts, settlement, "2026-08-01")
    await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {})

    assert first(settlement) == ("per_volume", "5424.33", "measured", None)
    assert Decimal("5424.33") == (2 * Decimal("847.552") * Decimal("3.20")).quantize(Decimal("0.01"))
    assert [row["expected"] for row in stands["logs"]] == ["847.552", "847.552"]
    assert {flag["code"]: flag["state"] for flag in stands["flags"]} == {"V03": "unknown", "V04": "clear"}
    assert (stands["differences"], stands["reconciled"]) == ([], True)
    [filed] = (await contracts.get("/v1/price-reports"))["items"]
    assert (filed["report"]["line"]["rule"], filed["report"]["volume_m3"]) == ("sawn", "4.000")


async def test_boards_in_cubic_metres_pay_the_same_price_by_the_board_foot(contracts: Contracts) -> None:
    settlement = await settled_with(contracts, BOARDS, sheet=packages("2.000", "m3"))

    assert first(settlement)[1] == "5424.33"


async def test_boards_that_measure_less_than_custody_sawed_raise_v04(contracts: Contracts) -> None:
    settlement = await settled_with(contracts, BOARDS, sheet=packages("800.00"))
    contracts.custody.lots[LOT] = sawn_lot()

    stands = await reconciled(contracts, settlement)

    assert {flag["code"]: flag["state"] for flag in stands["flags"]}["V04"] == "raised"


async def test_a_sheet_of_boards_for_a_lot_of_logs_is_not_comparable(contracts: Contracts) -> None:
    settlement = await settled_with(contracts, BOARDS, sheet=a_sheet(["100.00"] * 10, "sawn", "pt"))

    told = {one["what"] for one in (await reconciled(contracts, settlement))["differences"]}

    assert told == {"not_comparable", "unpaid"}


async def test_boards_are_not_paid_by_a_rule_of_logs(contracts: Contracts) -> None:
    problem = await settled_with(contracts, BOARDS, expect=409)

    assert (problem["slug"], problem["facts"]["agreed"]) == ("rule-not-agreed", "sawn")
    await settled_with(contracts, BOARDS, sheet=packages("800.00"), lot="L-2")


async def test_a_dear_species_that_was_measured_short_is_not_made_good_by_a_cheap_one(contracts: Contracts) -> None:
    lines = [per_volume("900.00", "m3", "mean_of_ends", [TORNILLO]), per_volume("9.00", "m3", "mean_of_ends", [LUPUNA])]
    sheet = a_sheet(["0.900"] * 5 + ["1.100"] * 5)
    lot = kept()
    for n, row in enumerate(sheet["logs"][5:], 5):
        row["species"] = lot["logs"][n]["species"] = LUPUNA
    settlement = await settled_with(contracts, *lines, sheet=sheet)
    contracts.custody.lots[LOT] = lot

    [v04] = [flag for flag in (await reconciled(contracts, settlement))["flags"] if flag["code"] == "V04"]

    assert (v04["state"], v04["evidence"]["species"], v04["evidence"]["short"]) == ("raised", TORNILLO, "0.1000")
    assert (await reconciled(contracts, settlement, role="company", org=BUYER))["flags"][1] == v04
    assert AS_BUYER["org"] == BUYER
