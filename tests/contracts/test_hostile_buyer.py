"""What a buyer who means ill tries: to settle by another paper, to have one payment count twice, to sign or write for the
community, to change what was signed, to read what is the community's."""

from typing import Any

import asyncpg
import pytest

from tests.contracts.builders import TORNILLO, Json, an_offer, pen, per_volume
from tests.contracts.conftest import BUYER, Contracts
from tests.contracts.deals import (
    COMMUNITY,
    LOT,
    RULE,
    a_payment,
    a_signed_contract,
    a_statement,
    kept,
    pay,
    reconciled,
    settled,
)
from tests.contracts.test_api import basis
from tests.contracts.test_deals_rows import as_org
from tests.contracts.test_settled_lines import ONE
from tests.contracts.test_versions import AS_BUYER, a_text, an_amendment, sign, signed, written

CHEAP = [per_volume("100.00", "m3", RULE, [TORNILLO])]


async def differences(contracts: Contracts, settlement: Json) -> dict[str, str]:
    return {one["what"]: one["en"] for one in (await reconciled(contracts, settlement, "2026-08-01"))["differences"]}


async def closing(contracts: Contracts, settlement: Json, *names: str, expect: int = 201, **who: Any) -> Json:
    said = {"explanations": [{"what": name, "text": "Lo acordamos así"} for name in names]}
    done: Json = await contracts.post(f"/v1/settlements/{settlement['id']}/closing", said, expect, **who)
    return done


async def test_a_lot_is_not_settled_by_an_older_and_cheaper_contract_in_silence(contracts: Contracts) -> None:
    old = await a_signed_contract(contracts, a_text(lines=CHEAP, schedule=ONE), title="La vieja")
    new = await a_signed_contract(contracts, a_text(schedule=ONE), title="La nueva")
    right = await contracts.post("/v1/settlements", a_statement(new))
    alone = await differences(contracts, right)
    cheap = await contracts.post("/v1/settlements", a_statement(old), **AS_BUYER)
    await pay(contracts, cheap, a_payment("1000.00", "2026-08-01"))

    told = await differences(contracts, cheap)
    problem = await closing(contracts, cheap, expect=409)

    assert told == {"lot_elsewhere": f"the same lot is also in {right['id']}"}
    assert problem["facts"]["missing"] == "lot_elsewhere"
    assert set(alone) == {"unpaid"}


async def test_a_delivery_is_not_settled_by_an_amendment_that_came_after_it_in_silence(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts, a_text(schedule=ONE))
    await contracts.as_admin("UPDATE contract_signature SET signed_at = '2026-07-02T12:00:00Z' WHERE number = 1")
    await signed(contracts, contract, an_amendment(1, "lines", lines=CHEAP, schedule=ONE))
    await contracts.as_admin("UPDATE contract_signature SET signed_at = '2026-07-25T12:00:00Z' WHERE number = 2")
    by_amendment = await contracts.post("/v1/settlements", a_statement(contract, version=2), **AS_BUYER)
    await pay(contracts, by_amendment, a_payment("1000.00", "2026-08-01"))

    problem = await closing(contracts, by_amendment, expect=409)
    later = await contracts.post(
        "/v1/settlements", a_statement(contract, version=2, lot="L-2", delivered_on="2026-07-25")
    )
    contracts.custody.lots["L-2"] = kept()

    assert problem["facts"]["missing"] == "signed_after_delivery"
    assert "signed_after_delivery" not in await differences(contracts, later)
    await closing(contracts, by_amendment, "signed_after_delivery")


async def test_wood_is_not_settled_at_an_old_price_after_the_contract_has_ended_in_silence(
    contracts: Contracts,
) -> None:
    text = a_text(ends_on="2026-07-19", schedule={"instalments": [{"due_on": "2026-08-01", "share_milli": 1_000}]})
    settlement = await settled(contracts, text)
    within = await contracts.post(
        "/v1/settlements", a_statement(settlement["stated"]["contract"], lot="L-2", delivered_on="2026-07-19")
    )

    told = await differences(contracts, settlement)

    assert told["outside_term"] == "the contract is of 2026-07-01 → 2026-07-19"
    assert "outside_term" not in await differences(contracts, within)


async def test_one_receipt_does_not_pay_two_lots_in_silence(contracts: Contracts) -> None:
    contract = await a_signed_contract(contracts, a_text(schedule=ONE))
    contracts.custody.lots["L-2"] = kept()
    first = await contracts.post("/v1/settlements", a_statement(contract))
    second = await contracts.post("/v1/settlements", a_statement(contract, lot="L-2"))
    await pay(contracts, first, a_payment("3300.00", "2026-08-01"))
    await pay(contracts, second, a_payment("3300.00", "2026-08-01"))

    problem = await closing(contracts, second, expect=409)
    better = await contracts.post(
        "/v1/settlements", a_statement(contract, replaces=first["id"], delivered_on="2026-07-21")
    )

    assert problem["facts"]["missing"] == "receipt_elsewhere"
    # What was stated of a sheet that was replaced counts nowhere.
    assert "receipt_elsewhere" not in await differences(contracts, second)
    await pay(contracts, better, a_payment("3300.00", "2026-08-01", "bb"))
    await closing(contracts, second)


async def test_a_claim_under_a_receipt_of_the_community_changes_nothing_of_what_it_says(contracts: Contracts) -> None:
    settlement = await settled(contracts, a_text(schedule=ONE))
    await pay(contracts, settlement, a_payment("1000.00", "2026-08-01"))
    claimed = await pay(contracts, settlement, a_payment("3300.00", "2026-08-01"), **AS_BUYER)

    assert (claimed["paid"], claimed["claimed"]) == (pen("1000.00"), pen("3300.00"))
    assert (await closing(contracts, settlement, "unpaid", expect=409))["facts"]["missing"] == "claimed_only"


async def test_only_the_community_closes_and_nobody_signs_for_the_other(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    version = await written(contracts, stored["id"], a_text(schedule=ONE), **AS_BUYER)
    await sign(contracts, version, **AS_BUYER)
    again = await sign(contracts, version, 200, **AS_BUYER)
    row = (
        "INSERT INTO contract_signature (contract_id, number, place, org, signed_by, signed_at)"
        f" VALUES ('{stored['id']}', 1, 2, '{COMMUNITY}', 'x', now())"
    )

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_org(contracts, BUYER, row, roles="company")
    unsigned = await contracts.post("/v1/settlements", a_statement(stored["id"]), 409, **AS_BUYER)
    done = await sign(contracts, version)
    contracts.custody.lots[LOT] = kept()
    settlement = await contracts.post("/v1/settlements", a_statement(stored["id"]), **AS_BUYER)
    await pay(contracts, settlement, a_payment("3300.00", "2026-08-01"))

    assert (again["state"], unsigned["slug"], done["state"]) == ("draft", "version-not-signed", "signed")
    assert (await closing(contracts, settlement, expect=403, **AS_BUYER))["slug"] == "other-organisation"
    await closing(contracts, settlement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contract_version SET content = content",
        "DELETE FROM contract_version",
        "UPDATE contract_signature SET signed_at = signed_at",
        "UPDATE settlement SET content = content",
        "UPDATE settlement_entry SET content = content",
        "DELETE FROM settlement_entry",
        "UPDATE seal SET document = document",
        "UPDATE contract SET ocds_id = ocds_id",
    ],
)
async def test_what_was_signed_or_stated_is_changed_by_no_row(contracts: Contracts, statement: str) -> None:
    await settled(contracts)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_org(contracts, COMMUNITY, statement)


async def test_what_an_offer_is_worth_is_not_read_by_who_made_it(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    made = await contracts.post(f"/v1/contracts/{stored['id']}/appraisals", basis())

    await contracts.get(f"/v1/contracts/{stored['id']}", 200, **AS_BUYER)
    for path in (f"/v1/appraisals/{made['id']}", f"/v1/appraisals/{made['id']}/report?form=xlsx"):
        await contracts.get(path, 403, **AS_BUYER)
    await contracts.get(f"/v1/contracts/{stored['id']}/appraisals", 403, **AS_BUYER)
    assert (await as_org(contracts, BUYER, "SELECT count(*) FROM appraisal", roles="company"))[0][0] == 0
    await contracts.get(f"/v1/appraisals/{made['id']}")
