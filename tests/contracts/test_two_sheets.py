"""Two parties, two sheets of one lot: they stand beside one another, and no word of the buyer keeps a price from being told."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.contracts.api.house import today
from tests.contracts.builders import Json, pen
from tests.contracts.conftest import BUYER, Contracts
from tests.contracts.deals import (
    COMMUNITY,
    LOT,
    a_payment,
    a_sheet,
    a_signed_contract,
    a_statement,
    kept,
    pay,
    reconciled,
    settled,
)
from tests.contracts.test_settlements import HOLLOW, taken
from tests.contracts.test_versions import AS_BUYER, a_text

ONE = {"instalments": [{"due_on": "2026-08-01", "share_milli": 1_000}]}
SHORT = ["0.900"] * 10
TURNS = 30


def due(days_ago: int) -> Json:
    """The whole price due so many days before today."""
    return {"instalments": [{"due_on": (today() - timedelta(days=days_ago)).isoformat(), "share_milli": 1_000}]}


async def both(contracts: Contracts, schedule: Json = ONE, **more: Any) -> tuple[Json, Json]:
    """The community's settlement of ten logs, and the buyer's, whose sheet is a tenth short unless told otherwise."""
    mine = await settled(contracts, a_text(schedule=schedule))
    theirs = a_statement(mine["stated"]["contract"], **({"sheet": a_sheet(SHORT)} | more))
    return mine, await contracts.post("/v1/settlements", theirs, **AS_BUYER)


async def closed(contracts: Contracts, settlement: Json, *what: str, expect: int = 201) -> Json:
    explained = {"explanations": [{"what": one, "text": "Lo dice el comprador; la comunidad no"} for one in what]}
    done: Json = await contracts.post(f"/v1/settlements/{settlement['id']}/closing", explained, expect)
    return done


async def reports(contracts: Contracts) -> list[tuple[str, list[str] | None]]:
    """The tier of each price that was reported, and what of it is disputed."""
    found = (await contracts.get("/v1/price-reports"))["items"]
    return [(one["report"]["tier"], one["report"].get("disputed")) for one in found]


# --- beside one another -------------------------------------------------------------------------------------------


async def test_neither_party_replaces_what_the_other_has_measured(contracts: Contracts) -> None:
    mine, theirs = await both(contracts)
    contract = mine["stated"]["contract"]
    again = a_statement(contract, sheet=a_sheet(["0.950"] * 10))

    by_buyer = await contracts.post("/v1/settlements", again | {"replaces": mine["id"]}, 409, **AS_BUYER)
    by_community = await contracts.post("/v1/settlements", again | {"replaces": theirs["id"]}, 409)
    silent = await contracts.post("/v1/settlements", again, 409, **AS_BUYER)
    own = await contracts.post("/v1/settlements", again | {"replaces": theirs["id"]}, **AS_BUYER)
    listed = (await contracts.get(f"/v1/settlements?contract={contract}"))["items"]

    assert by_buyer["slug"] == by_community["slug"] == "sheet-of-the-other-party"
    assert by_buyer["facts"]["org"] == COMMUNITY
    assert by_buyer["detail_es"] != by_buyer["detail_en"]
    assert silent["slug"] == "lot-has-settlement"
    assert {one["id"]: (one["state"], one["beside"], one["counts"]) for one in listed} == {
        mine["id"]: ("open", own["id"], True), theirs["id"]: ("replaced", None, False),
        own["id"]: ("open", mine["id"], False),
    }  # fmt: skip


async def test_the_same_day_both_state_the_first_sheet_and_both_stand(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts)

    for _ in range(3):  # who comes second is told so, and asks again
        stated = await asyncio.gather(
            contracts.post("/v1/settlements", a_statement(contract), None),
            contracts.post("/v1/settlements", a_statement(contract, sheet=a_sheet(SHORT)), None, **AS_BUYER),
        )
    assert [one["stated_by_org"] for one in stated] == [COMMUNITY, BUYER]
    assert all(one["state"] == "open" for one in stated)


async def test_two_sheets_of_one_lot_take_off_once_what_was_agreed_once(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts, a_text(deductions=HOLLOW))
    for who in ({}, AS_BUYER):
        await contracts.post("/v1/settlements", a_statement(contract, taken=taken("60.00")), **who)

    for who in ({}, AS_BUYER):
        over = a_statement(contract, lot="LOTE-2", taken=taken("40.01"))
        assert (await contracts.post("/v1/settlements", over, 409, **who))["slug"] == "deduction-not-agreed"
        await contracts.post("/v1/settlements", a_statement(contract, lot="LOTE-2", taken=taken("40.00")), **who)


async def test_what_the_community_closes_of_the_buyers_is_counted_with_the_rest(contracts: Contracts) -> None:
    """In its own sheet of the second lot the community takes off all that was agreed, in the buyer's of the first it is so too."""
    contract = await a_signed_contract(contracts, a_text(deductions=HOLLOW, schedule=due(0)))
    contracts.custody.lots["LOTE-2"] = kept()
    await contracts.post("/v1/settlements", a_statement(contract))
    theirs = await contracts.post("/v1/settlements", a_statement(contract, taken=taken("100.00")), **AS_BUYER)
    await contracts.post("/v1/settlements", a_statement(contract, lot="LOTE-2", taken=taken("0.01")))

    told = await reconciled(contracts, theirs)
    refused = await closed(contracts, theirs, "unpaid", "statements_differ", "deduction-not-agreed-1", expect=409)

    assert "S/ 100.01" in next(one["es"] for one in told["differences"] if one["what"] == "deduction-not-agreed-1")
    assert (refused["slug"], refused["facts"]["taken"]) == ("deduction-not-agreed", "S/ 100.01")


async def test_sheets_that_take_off_no_more_than_was_agreed_are_told_nothing_of_it_and_close(
    contracts: Contracts,
) -> None:
    contract = await a_signed_contract(contracts, a_text(deductions=HOLLOW, schedule=due(0)))
    contracts.custody.lots["LOTE-2"] = kept()
    await contracts.post("/v1/settlements", a_statement(contract))
    theirs = await contracts.post("/v1/settlements", a_statement(contract, taken=taken("99.99")), **AS_BUYER)
    await contracts.post("/v1/settlements", a_statement(contract, lot="LOTE-2", taken=taken("0.01")))

    told = await reconciled(contracts, theirs)

    assert not [one for one in told["differences"] if one["what"].startswith("deduction-not-agreed")]
    await closed(contracts, theirs, *(one["what"] for one in told["differences"]), expect=201)


async def test_both_sheets_are_read_log_by_log_and_v03_and_v04_speak_of_the_short_one(contracts: Contracts) -> None:
    mine, theirs = await both(contracts, sheet=a_sheet([f"0.{900 + n % 3}" for n in range(10)]))

    here, there = [await reconciled(contracts, one) for one in (mine, theirs)]

    assert (here["logs"][0]["measured"], here["logs"][0]["other"]) == ("1.000", "0.900")
    assert (there["logs"][0]["measured"], there["logs"][0]["other"]) == ("0.900", "1.000")
    assert [flag["state"] for flag in here["flags"]] == ["clear", "clear"]
    assert [flag["state"] for flag in here["beside"]["flags"]] == ["raised", "raised"]
    assert [flag["state"] for flag in there["flags"]] == ["raised", "raised"]
    assert (here["beside"]["by_org"], here["beside"]["owed"]) == (BUYER, theirs["owed"])
    told = {one["what"]: one for one in here["differences"]}
    assert set(told) == {"unpaid", "sheets_differ"}
    assert "10 trozas: 500/A (PC 01)" in told["sheets_differ"]["es"]
    assert "S/ 2,972.97" in told["sheets_differ"]["es"] or "S/ 2972.97" in told["sheets_differ"]["es"]
    assert {one["what"] for one in there["differences"]} == {"V03", "V04", "unpaid", "sheets_differ"}


async def test_with_custody_silent_the_two_sheets_are_still_held_against_one_another(contracts: Contracts) -> None:
    rows = a_sheet(["1.000"] * 9 + ["0.900"])
    rows["logs"][0]["parcel"] = "PC 01"
    mine, _ = await both(contracts, sheet=rows)
    contracts.custody.down = True

    stands = await reconciled(contracts, mine)

    told = {one["what"]: one["es"] for one in stands["differences"]}
    assert {flag["state"] for flag in (*stands["flags"], *stands["beside"]["flags"])} == {"unknown"}
    assert "dice otra cosa de 1 trozas: 504/B;" in told["sheets_differ"]


async def test_what_two_statements_say_otherwise_beside_their_sheets_is_named_with_both_days(
    contracts: Contracts,
) -> None:
    mine, theirs = await both(contracts, sheet=a_sheet(), delivered_on="2026-07-21")

    told = {one["what"]: one["en"] for one in (await reconciled(contracts, mine))["differences"]}
    same = await contracts.post("/v1/settlements", mine["stated"] | {"replaces": theirs["id"]}, **AS_BUYER)
    other_lot = await contracts.post("/v1/settlements", mine["stated"] | {"lot": "LOTE-2"}, **AS_BUYER)
    twin = await contracts.post("/v1/settlements", mine["stated"] | {"lot": "LOTE-2"})
    agreed = {one["what"] for one in (await reconciled(contracts, mine))["differences"]}

    assert told["statements_differ"] == f"{BUYER} states otherwise: the day of delivery (2026-07-20 / 2026-07-21)"
    assert (agreed, same["beside"]) == ({"unpaid"}, mine["id"])
    # To the letter the same: still what each has said.
    assert (twin["beside"], twin["id"] != other_lot["id"]) == (other_lot["id"], True)


async def test_a_payment_is_of_the_lot_and_each_party_restates_only_its_own(contracts: Contracts) -> None:
    mine, theirs = await both(contracts)
    await pay(contracts, mine, a_payment("1000.00", "2026-08-01"))
    claimed = await pay(contracts, mine, a_payment("500.00", "2026-08-02", "bb"), **AS_BUYER)
    across = await pay(contracts, theirs, a_payment("300.00", "2026-08-03", "cc"))
    same = await pay(contracts, theirs, a_payment("1000.00", "2026-08-01"), 200)

    better = a_statement(mine["stated"]["contract"], delivered_on="2026-07-21", replaces=mine["id"])
    anew = await contracts.post("/v1/settlements", better)
    beside = await contracts.get(f"/v1/settlements/{theirs['id']}")
    before = await contracts.get(f"/v1/settlements/{mine['id']}")

    assert (claimed["paid"], claimed["claimed"]) == (pen("1000.00"), pen("500.00"))
    assert (across["paid"], across["claimed"], same["paid"]) == (pen("1300.00"), pen("500.00"), pen("1300.00"))
    assert (anew["paid"], anew["claimed"]) == (beside["paid"], beside["claimed"]) == (pen("0.00"), pen("500.00"))
    assert (before["state"], before["paid"]) == ("replaced", pen("1300.00"))


# --- closing ------------------------------------------------------------------------------------------------------


async def test_the_community_closes_its_own_sheet_and_the_buyers_is_set_aside(contracts: Contracts) -> None:
    mine, theirs = await both(contracts)
    await pay(contracts, mine, a_payment("3300.00", "2026-08-01"))

    silent = await closed(contracts, mine, expect=409)
    done = await closed(contracts, mine, "sheets_differ")
    beside = await contracts.get(f"/v1/settlements/{theirs['id']}")
    late = [
        await pay(contracts, theirs, a_payment("1.00", "2026-08-02", "cc"), 409, **AS_BUYER),
        await contracts.post("/v1/settlements", theirs["stated"] | {"replaces": theirs["id"]}, 409, **AS_BUYER),
        await closed(contracts, theirs, expect=409),
    ]
    opened = await contracts.get(f"/v1/settlements/{mine['id']}/commitment", **AS_BUYER)

    assert silent["facts"]["missing"] == "sheets_differ"
    assert (done["state"], beside["state"], beside["counts"]) == ("closed", "set_aside", False)
    assert {one["slug"] for one in late} == {"settlement-ended"}
    assert {one["facts"]["state"] for one in late} == {"set_aside", "closed"}
    document = orjson.loads(opened["document"])
    assert (document["disputed"], document["stated"]) == (["sheets_differ"], mine["stated"])
    assert document["reconciliation"]["beside"]["stated"] == theirs["stated"]
    assert document["reconciliation"]["beside"]["flags"] == {"V03": "raised", "V04": "raised"}
    assert await reports(contracts) == [("contract", ["sheets_differ"])]


async def test_a_community_that_takes_the_buyers_sheet_disputes_nothing(contracts: Contracts) -> None:
    _, theirs = await both(contracts, sheet=a_sheet(), delivered_on="2026-07-21")
    await pay(contracts, theirs, a_payment("3300.00", "2026-08-01"))

    done = await closed(contracts, theirs, "statements_differ")

    assert (done["state"], done["stated_by_org"]) == ("closed", BUYER)
    assert await reports(contracts) == [("sealed", None)]


async def test_a_lot_is_closed_once_whichever_sheet_and_never_past_what_just_happened(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts, a_text(schedule=ONE))
    chance = random.Random(41)

    async def a_little_later(act: Awaitable[Json]) -> Json:
        await asyncio.sleep(chance.uniform(0, 0.03))  # so that one reads before, between and after what another writes
        return await act

    for turn in range(TURNS):
        lot = f"LOTE-S{turn}"
        contracts.custody.lots[lot] = kept()
        mine = await contracts.post("/v1/settlements", a_statement(contract, lot=lot))
        await pay(contracts, mine, a_payment("3300.00", "2026-08-01", f"{turn:02x}"))

        _, stated, claimed = await asyncio.gather(
            a_little_later(contracts.post(f"/v1/settlements/{mine['id']}/closing", {}, None)),
            a_little_later(
                contracts.post(
                    "/v1/settlements", a_statement(contract, lot=lot, sheet=a_sheet(SHORT)), None, **AS_BUYER
                )
            ),
            a_little_later(
                pay(contracts, mine, a_payment("1.00", "2026-08-02", f"{TURNS + turn:02x}"), None, **AS_BUYER)
            ),
        )

        now = await contracts.get(f"/v1/settlements/{mine['id']}")
        if now["state"] == "closed":  # without a difference: nothing of the buyer came before
            assert {stated.get("slug"), claimed.get("slug")} <= {"settlement-ended", "turn-taken"}
            assert (now["claimed"], now["beside"]) == (pen("0.00"), None)


# --- what the buyer says against it -------------------------------------------------------------------------------


async def test_a_payment_that_the_buyer_claims_and_the_community_denies_marks_the_price_and_keeps_it(
    contracts: Contracts,
) -> None:
    mine = await settled(contracts, a_text(schedule=due(0)))
    await pay(contracts, mine, a_payment("3000.00", today().isoformat()))
    await pay(contracts, mine, a_payment("300.00", "2026-08-01", "bb"), **AS_BUYER)

    await closed(contracts, mine, "unpaid", "claimed_only")

    assert await reports(contracts) == [("contract", ["claimed_only", "unpaid"])]


async def test_a_claim_beyond_what_was_paid_in_full_marks_it_too(contracts: Contracts) -> None:
    mine = await settled(contracts, a_text(schedule=ONE))
    await pay(contracts, mine, a_payment("3300.00", "2026-08-01"))
    await pay(contracts, mine, a_payment("3300.00", "2026-08-01", "bb"), **AS_BUYER)

    await closed(contracts, mine, "claimed_only")

    assert await reports(contracts) == [("contract", ["claimed_only"])]


@pytest.mark.parametrize(
    ("days", "claims", "told"),
    [
        (90, None, []), (91, None, [("contract", ["unpaid"])]), (0, "299.99", []),
        (91, "1.00", [("contract", ["claimed_only", "unpaid"])]),
    ],
)  # fmt: skip
async def test_what_nobody_says_was_paid_keeps_a_price_back_for_a_season_only(
    contracts: Contracts, days: int, claims: str | None, told: list[Any]
) -> None:
    mine = await settled(contracts, a_text(schedule=due(days), late_interest={"annual_milli": 0}))
    await pay(contracts, mine, a_payment("3000.00", "2026-08-01"))
    if claims is not None:
        await pay(contracts, mine, a_payment(claims, "2026-08-01", "bb"), **AS_BUYER)

    await closed(contracts, mine, "unpaid", *(["claimed_only"] if claims else []))

    assert await reports(contracts) == told


async def test_a_buyer_that_pays_by_its_own_short_sheet_says_the_same_price(contracts: Contracts) -> None:
    mine, theirs = await both(contracts, due(0))
    await pay(contracts, mine, a_payment(str(theirs["owed"]["amount"]), today().isoformat()))

    await closed(contracts, mine, "unpaid", "sheets_differ")

    assert await reports(contracts) == [("contract", ["sheets_differ", "unpaid"])]


async def test_wood_that_custody_has_otherwise_is_no_mere_word_and_shows_no_price(contracts: Contracts) -> None:
    mine = await settled(contracts, a_text(schedule=ONE), sheet=a_sheet(SHORT))
    await pay(contracts, mine, a_payment(str(mine["owed"]["amount"]), "2026-08-01"))
    await pay(contracts, mine, a_payment("1.00", "2026-08-01", "bb"), **AS_BUYER)

    # Ten logs, each a tenth short: neither is by chance.
    await closed(contracts, mine, "V03", "V04", "claimed_only")

    assert await reports(contracts) == []


async def test_nobody_files_a_dispute_by_hand(contracts: Contracts) -> None:
    report = {
        "id": "comunidad-a.1", "side": "seller", "region": "madre-de-dios", "observed_on": "2026-08-01",
        "tier": "contract", "sale_kind": "negotiated", "evidence_sha256": "ab" * 32,
        "line": a_text()["lines"][0],
    }  # fmt: skip

    refused = await contracts.post("/v1/price-reports", {"report": report | {"disputed": ["unpaid"]}}, 422)

    assert refused["slug"] == "sealed-by-settlement"
    await contracts.post("/v1/price-reports", {"report": report})


# --- the day ------------------------------------------------------------------------------------------------------


def a_guide(**more: Any) -> Json:
    """A guide of the lot's wood as custody tells it; in Peru both moments are of the day before."""
    return {
        "number": "001-1", "form": "own", "state": "received", "issuer": COMMUNITY, "addressee": BUYER,
        "issued_on": "2026-07-24", "departed_at": "2026-07-25T03:00:00Z", "received_at": "2026-07-26T04:59:59Z",
    } | more  # fmt: skip


SOLD = [{"type": "lot.composed", "actor": COMMUNITY, "time": "2026-07-01T12:00:00Z"},
        {"type": "lot.sold", "actor": COMMUNITY, "time": "2026-07-24T12:00:00Z"}]  # fmt: skip


@pytest.mark.parametrize(
    ("guides", "history", "day", "says"),
    [
        ([a_guide()], SOLD, "2026-07-20", "salió el 2026-07-24, vendido el 2026-07-24, recibido el 2026-07-25"),
        ([a_guide()], SOLD, "2026-07-21", None),
        ([a_guide()], SOLD, "2026-07-28", None),
        ([a_guide()], SOLD, "2026-07-29", "salió el 2026-07-24, vendido el 2026-07-24, recibido el 2026-07-25"),
        ([], SOLD, "2026-07-20", "vendido el 2026-07-24"),
        ([a_guide(received_at=None, state="departed")], [], "2026-07-20", "salió el 2026-07-24"),
        ([a_guide(state="voided")], [], "2026-07-20", None),
        ([a_guide(issuer=BUYER, addressee="otro-1")], [], "2026-07-20", None),
    ],
)  # fmt: skip
async def test_a_day_of_delivery_is_held_against_what_custody_knows_of_the_lot(
    contracts: Contracts, guides: list[Json], history: list[Json], day: str, says: str | None
) -> None:
    mine = await settled(contracts, delivered_on=day)
    contracts.custody.lots[LOT] |= {"guides": guides, "history": history or kept()["history"]}

    told = {one["what"]: one["es"] for one in (await reconciled(contracts, mine))["differences"]}

    assert told.get("delivered_on") == (
        None if says is None else f"la liquidación dice que se entregó el {day} y en custodia consta: {says}"
    )


@pytest.mark.parametrize(
    ("whole", "told"), [({}, True), ({"complete": False}, False), ({"guides_complete": False}, False)]
)
async def test_a_day_of_delivery_is_held_against_nothing_where_custody_does_not_tell_all_of_a_lot(
    contracts: Contracts, whole: Json, told: bool
) -> None:
    mine = await settled(contracts, delivered_on="2026-07-20")
    contracts.custody.lots[LOT] |= {"guides": [a_guide()], "history": SOLD} | whole

    found = await reconciled(contracts, mine)

    assert found["custody"] == "read"
    assert ("delivered_on" in {one["what"] for one in found["differences"]}) == told
