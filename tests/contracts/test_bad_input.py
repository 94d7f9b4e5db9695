"""What people get wrong, through the door: each a problem with its slug, its place and both languages, and a twin that passes."""

import copy
from typing import Any

import pytest

from tests.contracts.builders import (
    TORNILLO,
    a_cost_book,
    a_price_book,
    an_offer,
    pen,
    per_tree,
    per_volume,
    sawn,
    t10,
    wood,
)
from tests.contracts.conftest import Contracts
from tests.contracts.test_api import STEWARD
from tests.contracts.test_series import an_index, rates

Json = dict[str, Any]
FOOT = per_volume("1.20", "pt", "doyle")
LOGS = {"basis": "logs", "logs": t10()}
HOLLOW = {"kind": "hollow", "amount": pen("10")}
SHEET = {"rule": "smalian", "logs": [{"code": "1", "volume_m3": "1.000"}, {"code": "2", "volume_m3": "0.900"}]}


def good(**more: Any) -> Json:
    offer = an_offer(FOOT, lot=LOGS) | more.pop("offer", {})
    return {"offer": offer, "basis": {"on": "2026-11-22", "prices": a_price_book(), "costs": a_cost_book()}} | more


def changed(body: Json, *path: str | int, to: Any = None, drop: bool = False) -> Json:
    """The body with one place of it changed or left out."""
    body = copy.deepcopy(body)
    at: Any = body
    for step in path[:-1]:
        at = at[step]
    if drop:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return body


LINE: tuple[str | int, ...] = ("offer", "lines", 0)
LOG: tuple[str | int, ...] = ("offer", "lot", "logs", 0)
PRICES, COSTS = ("basis", "prices"), ("basis", "costs")

# (what is wrong, slug, where it is said to be)
CASES: list[tuple[Json, str, str]] = [
    *((changed(good(), *LINE, name, drop=True), "malformed", f"lines.0.per_volume.{name}") for name in ("unit", "rule", "product", "point_of_sale", "price", "species")),
    (changed(good(), *LINE, "price", "currency", drop=True), "malformed", "lines.0.per_volume.price.currency"),
    (changed(good(), *LINE, "price", "currency", to="EUR"), "malformed", "currency"),
    (changed(good(), *LINE, "rule", to="la de siempre"), "malformed", "rule"),
    *((changed(good(), *LOG, name, to=size), "malformed", f"logs.0.{name}") for name, size in (("large_mm", 0), ("large_mm", 5_001), ("small_mm", -420), ("length_mm", 60_001), ("large_mm", "46 cm"))),
    (changed(good(), *LINE, "price", "amount", to="-1.20"), "malformed", "amount"),
    (changed(good(), *LINE, "price", "amount", to="0"), "malformed", "price"),
    (changed(good(), *LINE, "price", "amount", to="250.01"), "absurd-price", "price"),
    (good(offer={"lines": [per_volume("100000.01", "m3", "smalian")]}), "absurd-price", "price"),
    (good(offer={"lines": [per_tree("1377000.01", kind="lump_sum")]}), "absurd-price", "lines.0.price"),
    (good(offer={"lines": [per_tree("1377000.01", kind="in_kind")]}), "absurd-price", "lines.0.price"),
    (changed(good(), "offer", "lines", to=[per_tree("100000.01")]), "absurd-price", "price"),
    (changed(good(), *PRICES, "entries", 0, "mid", "amount", to="100001"), "absurd-price", "entries.mid"),
    (changed(good(), *COSTS, "lines", 0, "mid", "amount", to="100001"), "absurd-price", "lines.mid"),
    (changed(good(), *PRICES, "entries", 0, "mid", "amount", to="-3"), "malformed", "amount"),
    (good(offer={"terms": {"signed_on": "2026-10-31"}}), "dates-out-of-order", "signed_on"),
    (good(offer={"terms": {"first_contact_on": "2026-11-05", "signed_on": "2026-11-04"}}), "dates-out-of-order", "signed_on"),
    (changed(good(), *PRICES, "entries", 0, "observed_on", to="2026-11-02"), "dates-out-of-order", "entries.0.observed_on"),
    (changed(good(), *COSTS, "lines", 1, "on", to="2026-11-02"), "dates-out-of-order", "lines.1.on"),
    (changed(good(), *COSTS, "valid_to", to="2026-10-31"), "dates-out-of-order", "valid_to"),
    (changed(good(), *PRICES, "as_of", to="2026-11-23"), "figures-after-day", "body.basis.prices"),
    (changed(good(), *COSTS, "as_of", to="2026-11-23"), "figures-after-day", "body.basis.costs"),
    (changed(good(), "basis", "fx", to={"pen_per_usd": "3.75", "on": "2026-11-23", "source": "SBS"}), "figures-after-day", "body.basis.fx"),
    (changed(good(), "offer", "offered_on", to="31/10/2026"), "malformed", "offered_on"),
    (changed(good(), "offer", "offered_on", to="2026-02-30"), "malformed", "offered_on"),
    (good(offer={"payments": [{"share_milli": 300, "days": 0}, {"share_milli": 600, "days": 90}]}), "schedule-does-not-sum", "payments"),
    (changed(good(), "offer", "settlement", to=changed(SHEET, "logs", 1, "rule", to="doyle")), "mixed-rules", "settlement.logs.1.rule"),
    (changed(good(), *LINE, "price", "amount", to="1,20"), "decimal-comma", "offer.lines.0.price.amount"),
    (changed(good(decimal_mark=","), *LINE, "price", "amount", to="1.2"), "number-not-by-its-mark", "offer.lines.0.price.amount"),
    (good(decimal_mark="'"), "malformed", "decimal_mark"),
    (changed(good(), *LINE, "price", "amount", to=1.2), "malformed", "amount"),
    (changed(good(), *LINE, "price", "amount", to="1.2e3"), "malformed", "amount"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "slug", "where"), CASES)
async def test_it_is_a_problem_with_a_slug_a_place_and_both_languages(
    contracts: Contracts, wrong: Json, slug: str, where: str
) -> None:
    problem = await contracts.post("/v1/appraisals/quick", wrong, 422, role=None)

    assert (problem["status"], problem["slug"]) == (422, slug)
    assert where in str(problem["facts"]) + problem["detail_en"] + str(problem.get("errors", ""))
    assert problem["detail_es"]
    assert problem["detail_es"] != problem["detail_en"]
    await contracts.post("/v1/appraisals/quick", good(), 200, role=None)


async def test_a_hollow_says_how_it_is_measured(contracts: Contracts) -> None:
    open_rule = good(offer={"deductions": [HOLLOW]})
    stated = good(offer={"deductions": [HOLLOW | {"formula": "d² x L / 24.5"}]})

    problem = await contracts.post("/v1/appraisals/quick", open_rule, 422)

    assert problem["slug"] == "hollow-without-formula"
    assert "deductions.formula" in str(problem["facts"])
    assert ("fórmula" in problem["detail_es"], "formula" in problem["detail_en"]) == (True, True)
    await contracts.post("/v1/appraisals/quick", stated, 200)


TWIG = {"species": TORNILLO, "large_mm": 10, "small_mm": 10, "length_mm": 10, "count": 1}


@pytest.mark.parametrize("price", [FOOT, per_tree("5"), per_volume("100", "m3", "smalian")])
@pytest.mark.parametrize(
    ("lot", "volume_m3"),
    [
        ({"basis": "logs", "logs": [TWIG]}, "0.000"),
        ({"basis": "logs", "logs": [TWIG, *t10()]}, "13.770"),
        (wood("3.000", basis="declared", logs=[TWIG]), "3.000"),
    ],
)
async def test_twigs_that_measure_no_wood_are_answered_and_add_none(
    contracts: Contracts, lot: Json, volume_m3: str, price: Json
) -> None:
    told = await contracts.post("/v1/appraisals/quick", good() | {"offer": an_offer(price, lot=lot)}, 200)

    assert told["lot"]["volume_m3"] == volume_m3


@pytest.mark.parametrize(
    "right",
    [
        changed(good(), *LOG, "large_mm", to=5_000),
        changed(good(), *LOG, "small_mm", to=470),  # the small end may measure more
        changed(good(), *LINE, "price", "amount", to="250"),
        good(offer={"lines": [per_volume("100000", "m3", "smalian")]}),
        good(offer={"lines": [per_tree("1377000", kind="lump_sum")]}),
        good(offer={"terms": {"first_contact_on": "2026-11-01", "signed_on": "2026-11-01"}}),
        changed(good(), *PRICES, "entries", 0, "observed_on", to="2026-11-01"),
        good(offer={"payments": [{"share_milli": 300, "days": 0}, {"share_milli": 700, "days": 90}]}),
        changed(good(), "offer", "settlement", to=changed(SHEET, "logs", 1, "rule", to="smalian")),
    ],
)
async def test_what_is_just_right_passes(contracts: Contracts, right: Json) -> None:
    await contracts.post("/v1/appraisals/quick", right, 200)


async def test_a_stated_comma_reads_every_number_and_changes_no_answer(contracts: Contracts) -> None:
    points = await contracts.post("/v1/appraisals/quick", good(), 200)
    commas = await contracts.post("/v1/appraisals/quick", with_commas(good()) | {"decimal_mark": ","}, 200)

    assert commas == points


async def test_published_books_are_held_to_the_same(contracts: Contracts) -> None:
    late = a_price_book(sawn(observed_on="2026-11-02"))
    absurd = a_cost_book({"felling": "100001"})

    refused = [
        await contracts.post("/v1/price-books", late, 422, **STEWARD),
        await contracts.post("/v1/cost-books", absurd, 422, **STEWARD),
    ]

    assert [one["slug"] for one in refused] == ["dates-out-of-order", "absurd-price"]
    await contracts.post("/v1/price-books", a_price_book(sawn(observed_on="2026-11-01")), 201, **STEWARD)
    await contracts.post("/v1/cost-books", a_cost_book({"felling": "100000"}), 201, **STEWARD)


def with_commas(value: Any) -> Any:
    """Every decimal number as it is written in Peru's spreadsheets."""
    if isinstance(value, dict):
        return {
            key: one.replace(".", ",") if key in ("amount", "volume_m3", "value") and isinstance(one, str) else with_commas(one)
            for key, one in value.items()
        }  # fmt: skip
    return [with_commas(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("path", "body", "who"),
    [
        ("/v1/contracts", an_offer(FOOT, lot=LOGS), {}),
        ("/v1/price-books", a_price_book(), STEWARD),
        ("/v1/cost-books", a_cost_book({"felling": "28.50"}), STEWARD),
        ("/v1/fx-rates", rates(), STEWARD),
        ("/v1/indices", an_index(("2026-11-20", "118.25")), STEWARD),
    ],
)
async def test_an_upload_reads_the_comma_that_it_states_and_no_other(
    contracts: Contracts, path: str, body: Json, who: Any
) -> None:
    guessed = await contracts.post(path, with_commas(body), 422, **who)
    stated = await contracts.post(path, with_commas(body) | {"decimal_mark": ","}, 201, **who)
    plain = await contracts.post(path, body, 200, **who)
    neither = await contracts.post(path, body | {"decimal_mark": "'"}, 422, **who)

    assert guessed["slug"] == "decimal-comma"
    assert stated == plain
    assert neither["slug"] == "malformed"
