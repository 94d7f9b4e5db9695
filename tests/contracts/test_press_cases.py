"""What communities of the press would have read: asked of the service through its public door, and the page that shows it."""

import csv
from decimal import Decimal
from typing import Any

import pytest

from deploy.appraise import answer
from deploy.press import body, facts
from deploy.press.__main__ import PAGE, page
from services.contracts.domain.pinned import canonical
from shared.timber.measure import half_up
from tests.contracts.conftest import Contracts
from tests.contracts.test_api import STEWARD
from tests.permits.conftest import research_data

D = Decimal
NAMES = [case["name"] for case in facts()["cases"]]


def of(found: Any, name: str) -> Decimal:
    return D(found["total"][name]["amount"])


@pytest.mark.parametrize("name", NAMES)
async def test_the_public_door_answers_a_case_as_the_command_does(contracts: Contracts, name: str) -> None:
    found = await contracts.post("/v1/appraisals/quick", body(name), 200, role=None)

    assert canonical(found) == canonical(answer(body(name)))
    assert found["verdict"] == "far_below"
    for language in ("es", "en"):
        assert found["text"][language]["sentences"]
        assert len(found["text"][language]["sms"]) <= 480


def test_w09_four_species_at_a_fixed_price() -> None:
    found, part = answer(body("four-species")), answer(body("fifteen-per-cent"))

    assert half_up(of(found, "net_total"), D(1)) == 59_498
    assert half_up(of(part, "net_total"), D(1)) == 8_925
    assert of(found, "fair_low_m3") == D("728.26")  # 728,261 for the thousand cubic metres
    assert of(found, "fair_mid_m3") == D("904.55")
    assert (found["total"]["value_share"], found["total"]["disproportion"]) == ("0.0365", "0.9342")
    raised = {flag["code"] for flag in found["flags"] if flag["state"] == "raised"}
    assert {"P01", "P02", "P08", "L10"} <= raised
    told = " ".join(found["text"]["es"]["sentences"])
    assert "Por shihuahuaco le ofrecen S/ 0.30 por pie tablar" in told
    assert "Por lupuna pida al menos" in told
    assert "Oferta: 4 precios = S/ 59.50 por m³." in found["text"]["es"]["sms"]
    assert "Por shihuahuaco le ofrecen S/ 0.045 por pie tablar" in " ".join(part["text"]["es"]["sentences"])


def test_w10_fifty_soles_a_tree_and_who_carries_the_fines() -> None:
    found = answer(body("fifty-a-tree"))

    assert (of(found, "net_m3"), of(found, "fair_mid_m3")) == (D("14.29"), D("295.64"))
    raised = {flag["code"] for flag in found["flags"] if flag["state"] == "raised"}
    assert {"P01", "P11", "L03", "L04"} <= raised


@pytest.mark.parametrize("name", NAMES)
async def test_without_the_assumed_signature_nobody_would_have_read_a_verdict(contracts: Contracts, name: str) -> None:
    """The costs as a steward would publish them: unsigned they colour nothing, signed by somebody else they do."""
    asked = body(name)
    costs = asked["basis"].pop("costs")
    by = costs.pop("signed_by")
    book = await contracts.post("/v1/cost-books", costs, **STEWARD)

    unsigned = await contracts.post("/v1/appraisals/quick", asked, 200)
    signature = {"version": 1, "sha256": book["sha256"], "name": by["name"], "licence": by["licence"]}
    await contracts.post("/v1/cost-books/supuestos/signatures", signature, role="regent", org="regencia-1", sub="u-2")
    signed = await contracts.post("/v1/appraisals/quick", asked, 200)

    assert (unsigned["verdict"], [gap["what"] for gap in unsigned["missing"]]) == ("no_answer", ["support"])
    assert signed["verdict"] == "far_below"
    assert signed["total"] == unsigned["total"] == answer(body(name))["total"]


def test_the_page_is_what_the_command_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m deploy.press --write"


def test_the_page_says_every_assumption_in_both_languages_with_its_source() -> None:
    said = page()

    for case in facts()["cases"]:
        assert case["assumed"]
        for name in case["assumed"]:
            one = facts()["assumed"][name]
            assert one["es"] in said
            assert one["en"] in said
            assert one["source"] in said


def test_the_prices_are_those_of_the_press_and_no_name_of_theirs_is_in_the_repository() -> None:
    rows = list(csv.DictReader(research_data("peru_press_cases.csv").decode().splitlines()))
    contract = [row for row in rows if row["unit"] == "pie_tablar"]
    told = facts()["press"]["contract"]

    assert {
        (row["species"], D(row["contract_price_pen"]), D(row["market_low_pen"]), D(row["market_high_pen"]))
        for row in contract
    } == {(one["name"], D(one["contract"]), D(one["market_low"]), D(one["market_high"])) for one in told["prices_pt"]}
    assert {int(row["term_years"]) * 12 for row in contract} == {told["term_months"]}
    assert {int(row["community_share_pct"]) * 10 for row in contract} == {told["community_share_milli"]}
    trees = next(row for row in rows if row["unit"] == "tree")
    assert trees["contract_price_pen"] == facts()["press"]["trees"]["price_tree"]
    shown = (page() + str(facts())).casefold()
    for row in rows:
        for word in row["place"].replace("(", " ").replace(")", " ").split():
            assert word.casefold() not in shown or word.casefold() in ("ucayali", "loreto", "el", "nuevo")
