"""Logs and trees of two parcels that bear one code: told apart by custody's id or their parcel, never added together."""

import pytest

from tests.contracts.builders import TORNILLO, Json, pen, per_tree
from tests.contracts.conftest import Contracts
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
from tests.contracts.test_settled_lines import ONE
from tests.contracts.test_versions import a_text


def twins() -> Json:
    """Two logs, both 500/A, of a tree in each of two parcels."""
    lot = kept(2)
    for n, log in enumerate(lot["logs"]):
        log |= {"code": "500/A", "parcel": f"PC 0{n + 1}", "tree": item_id(900 + n)}
    return lot


def rows(*more: Json, volume: str = "1.000") -> Json:
    logs = [{"code": "500/A", "species": TORNILLO, "volume": volume} | one for one in more]
    return {"rule": "mean_of_ends", "unit": "m3", "logs": logs}


BY_PARCEL = rows({"parcel": "PC 01"}, {"parcel": "PC 02"})
BY_ITEM = rows({"item": item_id(0), "tree": item_id(900)}, {"item": item_id(1), "tree": item_id(901)})


async def test_a_lot_of_two_logs_of_one_code_is_settled_and_closed(contracts: Contracts) -> None:
    for lot, sheet, receipt in (("L-1", BY_PARCEL, "b1"), ("L-2", BY_ITEM, "b2")):
        contract = await a_signed_contract(contracts, a_text(schedule=ONE), title=lot)
        contracts.custody.lots[lot] = twins()
        settlement = await contracts.post("/v1/settlements", a_statement(contract, lot=lot, sheet=sheet))
        await pay(contracts, settlement, a_payment("660.00", "2026-08-01", receipt))

        stands = await reconciled(contracts, settlement, "2026-08-01")
        await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {})

        assert [(row["item"], row["name"]) for row in stands["logs"]] == [
            (item_id(0), "500/A (PC 01)"), (item_id(1), "500/A (PC 02)"),
        ]  # fmt: skip
        assert (stands["differences"], stands["reconciled"]) == ([], True)


async def test_of_two_logs_of_one_code_a_row_without_a_parcel_is_matched_with_neither(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts)
    contracts.custody.lots[LOT] = twins()
    one = await contracts.post("/v1/settlements", a_statement(contract, sheet=rows({})))

    told = {each["what"]: each["es"] for each in (await reconciled(contracts, one))["differences"]}
    twice = await contracts.post("/v1/settlements", a_statement(contract, sheet=rows({}, {})), 422)
    other = a_statement(contract, sheet=rows({}, {"parcel": "PC 02"}), replaces=one["id"])
    second = await contracts.post("/v1/settlements", other)
    left = {each["what"] for each in (await reconciled(contracts, second))["differences"]}

    assert told["logs_ambiguous"] == "1 trozas pueden ser varias de custodia; diga la parcela o la pieza: 500/A"
    assert told["logs_missing"].endswith("500/A (PC 01), 500/A (PC 02)")
    assert "state the parcel" in twice["detail_en"]
    # What is left of the two is the one that was not named.
    assert left == {"unpaid"}


async def test_a_log_that_is_named_twice_in_two_ways_is_counted_once(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts)
    contracts.custody.lots[LOT] = kept(1)
    sheet = rows({"item": item_id(0)}, {"parcel": "PC 01"})
    settlement = await contracts.post("/v1/settlements", a_statement(contract, sheet=sheet))

    told = {each["what"] for each in (await reconciled(contracts, settlement))["differences"]}

    assert "logs_twice" in told


async def test_a_log_that_custody_calls_otherwise_is_a_difference(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts)
    contracts.custody.lots[LOT] = kept(1)
    sheet = rows({"item": item_id(0), "code": "777/A"})
    settlement = await contracts.post("/v1/settlements", a_statement(contract, sheet=sheet))

    told = {each["what"]: each["es"] for each in (await reconciled(contracts, settlement))["differences"]}

    assert told["codes_differ"] == "1 trozas tienen otro código en custodia: 500/A (PC 01)"


# --- trees --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sheet", "trees"), [(BY_PARCEL, "2"), (BY_ITEM, "2"), (rows({}), "1")])
async def test_trees_of_two_parcels_with_one_code_are_two_trees(contracts: Contracts, sheet: Json, trees: str) -> None:
    contract = await a_signed_contract(contracts, a_text(lines=[per_tree("50.00", [TORNILLO])]))

    settlement = await contracts.post("/v1/settlements", a_statement(contract, sheet=sheet))

    assert (settlement["lines"][0]["measured"], settlement["owed"]) == (trees, pen(f"{50 * int(trees)}.00"))


async def test_a_sheet_that_counts_fewer_trees_than_custody_names_is_not_closed_in_silence(
    contracts: Contracts,
) -> None:
    """Logs A and B of one code: the sheet takes them for one tree, custody knows that they are of two."""
    contract = await a_signed_contract(contracts, a_text(lines=[per_tree("50.00", [TORNILLO])], schedule=ONE))
    lot = kept(2)
    lot["logs"][1] |= {"parcel": "PC 02", "tree": item_id(950)}
    contracts.custody.lots[LOT] = lot
    wrong = await contracts.post("/v1/settlements", a_statement(contract, sheet=a_sheet(["1.000"] * 2)))
    await pay(contracts, wrong, a_payment("50.00", "2026-08-01"))

    problem = await contracts.post(f"/v1/settlements/{wrong['id']}/closing", {}, 409)
    right = a_sheet(["1.000"] * 2)
    right["logs"][1]["parcel"] = "PC 02"
    better = await contracts.post("/v1/settlements", a_statement(contract, sheet=right, replaces=wrong["id"]))
    await pay(contracts, better, a_payment("100.00", "2026-08-01"))
    closed = await contracts.post(f"/v1/settlements/{better['id']}/closing", {})

    assert problem["facts"]["missing"] == "line-1-trees"
    assert (better["owed"], closed["state"]) == (pen("100.00"), "closed")


async def test_a_tree_whose_logs_come_in_two_lots_is_not_paid_twice_in_silence(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts, a_text(lines=[per_tree("50.00", [TORNILLO])], schedule=ONE))
    await contracts.post("/v1/settlements", a_statement(contract, lot="L-1", sheet=rows({"parcel": "PC 01"})))
    again = rows({"parcel": "PC 01", "code": "500/B"})
    apart = rows({"parcel": "PC 02", "code": "500/B"})
    twice = await contracts.post("/v1/settlements", a_statement(contract, lot="L-2", sheet=again))
    other = await contracts.post("/v1/settlements", a_statement(contract, lot="L-3", sheet=apart))

    told, fine = [
        {each["what"] for each in (await reconciled(contracts, one))["differences"]} for one in (twice, other)
    ]

    assert "trees_elsewhere" in told
    assert "trees_elsewhere" not in fine
