"""Offers side by side, counter-offers and what-ifs through the door; reports of a stored appraisal."""

from decimal import Decimal
from typing import Any

import asyncpg
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.domain.comparison import difference
from services.contracts.quick_limit import Bucket
from tests.contracts.builders import Json, a_cost_book, an_offer, judged, pen, per_tree, per_volume, t10
from tests.contracts.conftest import Contracts
from tests.contracts.test_api import basis

D = Decimal
LOT = {"basis": "logs", "logs": t10()}
DOYLE = an_offer(per_volume("1.20", "pt", "doyle"), lot=LOT, title="Doyle")
SMALIAN = an_offer(per_volume("330", "m3", "smalian"), lot=LOT, title="Smalian")
LATER = an_offer(
    per_volume("330", "m3", "smalian"), lot=LOT, title="Smalian, más tarde",
    payments=[{"share_milli": 1_000, "days": 365}], deductions=[{"kind": "road", "amount": pen("400")}],
)  # fmt: skip


def soles(money: Any) -> Decimal:
    return D(money["amount"])


async def ask(contracts: Contracts, noun: str, body: Json, expect: int = 200) -> Any:
    return await contracts.post(f"/v1/{noun}", body, expect, role=None)


async def test_w05_of_two_offers_the_plain_cubic_metre_pays_more_than_the_board_foot(contracts: Contracts) -> None:
    answer = await ask(
        contracts, "comparisons", {"offers": [DOYLE, SMALIAN, LATER], "basis": basis(base_rule="smalian")}
    )

    nets = [soles(offer["total"]["net_m3"]) for offer in answer["offers"]]
    assert nets[:2] == [D("300.81"), D("330.00")]
    assert answer["best"] == [1]
    assert [1, 2] in answer["dominates"]
    assert not any(pair[1] == 1 for pair in answer["dominates"])
    apart = answer["differences"][0]
    assert soles(apart["net_m3"]) == D("29.19") == sum(soles(part["amount"]) for part in apart["parts"])
    parts = {part["cause"]: soles(part["amount"]) for part in apart["parts"]}
    assert parts["price"] == D("330.00") - D("508.53")
    assert parts["rule"] == D("508.53") - D("300.81")
    assert "La oferta 2 deja S/ 29.19 por m³ más que la oferta 1" in answer["text"]["es"][3]


async def test_an_offer_that_cannot_be_read_is_set_beside_the_others_and_none_is_best(contracts: Contracts) -> None:
    unread = an_offer(per_volume("1.20", "pt", "doyle"))

    answer = await ask(contracts, "comparisons", {"offers": [unread, SMALIAN], "basis": basis()})

    assert answer["best"] == answer["differences"] == answer["dominates"] == []
    assert answer["offers"][0]["verdict"] == "no_answer"
    assert answer["text"]["en"][0] == "Offer 1 cannot be compared yet."


async def test_one_offer_is_no_comparison_and_six_are_too_many(contracts: Contracts) -> None:
    for offers in ([DOYLE], [DOYLE] * 6):
        assert (await ask(contracts, "comparisons", {"offers": offers}, 422))["slug"] == "malformed"
    await ask(contracts, "comparisons", {"offers": [DOYLE] * 5, "basis": basis()})


prices = st.decimals(min_value="1", max_value="900", places=2)


@given(prices, prices, st.integers(min_value=0, max_value=700))
def test_a_comparison_read_backwards_is_the_same_with_the_other_sign(one: Decimal, other: Decimal, days: int) -> None:
    first = judged(an_offer(per_volume(str(one), "m3", "smalian"), lot=LOT)).total
    second = judged(
        an_offer(per_volume(str(other), "m3", "huber"), lot=LOT, payments=[{"share_milli": 1_000, "days": days}])
    ).total

    there, back = difference(0, first, 1, second), difference(1, second, 0, first)

    assert there.net_m3 == -back.net_m3 == sum(part.amount for part in there.parts)
    assert [part.amount for part in there.parts] == [-part.amount for part in back.parts]


async def test_a_counter_offer_is_in_the_buyers_own_unit_and_says_what_the_clauses_lack(contracts: Contracts) -> None:
    offer = DOYLE | {"terms": {"scaler": "buyer", "joint_scaling": False, "tally_copy": False}}
    body = {"offer": offer, "basis": basis(base_rule="smalian"), "reservation_m3": "330.00"}

    answer = await ask(contracts, "counter-offers", body)

    floor = answer["lines"][0]["floor"]
    assert (floor["source"], floor["price"], floor["base_m3"]) == ("reservation", pen("1.32"), pen("330.00"))
    assert floor["deal"] is True
    assert answer["text"]["es"] == [
        "Pida al menos S/ 1.32 por pie tablar (Doyle), o S/ 330.00 por m³ con la regla Smalian."
    ]
    assert "V01" in {clause["code"] for clause in answer["clauses"]}
    assert not any("{" in clause["es"] for clause in answer["clauses"])


async def test_without_supported_figures_there_is_no_floor_and_it_says_what_is_missing(contracts: Contracts) -> None:
    answer = await ask(contracts, "counter-offers", {"offer": DOYLE, "basis": basis(costs=a_cost_book())})

    assert answer["lines"][0]["floor"] is None
    assert [gap["what"] for gap in answer["missing"]] == ["support"]


async def test_what_if_the_price_the_costs_or_the_margin_were_others(contracts: Contracts) -> None:
    changes = [
        {"name": "margen 10 %", "margin_milli": 100},
        {"name": "oferta al doble", "offered_milli": 2_000},
        {"name": "costos + 10 %", "cost_milli": 1_100},
        {"name": "precio - 10 %", "price_milli": 900},
        {"name": "sin espera", "rate_milli": 0},
    ]

    answer = await ask(contracts, "scenarios", {"offer": an_offer(), "basis": basis(), "scenarios": changes})

    rows = {row["name"]: row["total"] for row in answer["scenarios"]}
    assert [row["name"] for row in answer["scenarios"]] == ["base", *(change["name"] for change in changes)]
    assert soles(rows["base"]["fair_mid_m3"]) == D("295.64")
    assert soles(rows["margen 10 %"]["fair_mid_m3"]) == D("349.06")
    assert soles(rows["costos + 10 %"]["fair_mid_m3"]) == D("295.64") - D("29.20")
    assert soles(rows["oferta al doble"]["net_m3"]) == D("15.65")
    assert soles(rows["precio - 10 %"]["fair_mid_m3"]) < D("295.64")
    assert rows["sin espera"] == rows["base"]


async def test_none_of_them_stores_anything_and_strangers_are_counted_by_the_offer(contracts: Contracts) -> None:
    await ask(contracts, "comparisons", {"offers": [DOYLE, SMALIAN], "basis": basis()})
    admin = await asyncpg.connect(contracts.database.admin_dsn)
    counts = [await admin.fetchval(f"SELECT count(*) FROM {table}") for table in ("contract", "appraisal", "book")]
    await admin.close()
    assert counts == [0, 0, 0]

    contracts.app.state.quick_limit = Bucket(rate=0.0, burst=3)
    await ask(contracts, "comparisons", {"offers": [DOYLE, SMALIAN], "basis": basis()})
    assert (await ask(contracts, "comparisons", {"offers": [DOYLE, SMALIAN]}, 429))["slug"] == "too-many-attempts"
    await ask(contracts, "counter-offers", {"offer": DOYLE, "basis": basis()})


async def test_a_number_with_a_comma_is_refused_unless_the_comma_is_stated(contracts: Contracts) -> None:
    comma = an_offer(per_tree() | {"price": {"amount": "50,00", "currency": "PEN"}})

    problem = await ask(contracts, "appraisals/quick", {"offer": comma}, 422)
    assert (problem["slug"], problem["facts"]["where"]) == ("decimal-comma", "offer.lines.0.price.amount")
    assert problem["detail_es"] != problem["detail_en"]
    await ask(contracts, "appraisals/quick", {"offer": comma, "decimal_mark": ","})


async def test_a_body_nested_beyond_any_form_is_malformed(contracts: Contracts) -> None:
    deep: Any = "0,5"
    for _ in range(450):
        deep = {"amount": deep}

    assert (await ask(contracts, "appraisals/quick", {"offer": deep}, 422))["slug"] == "malformed"


async def test_a_stored_appraisal_is_handed_over_in_every_form(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer(title="<b>Oferta</b>"))
    appraisal = await contracts.post(f"/v1/contracts/{stored['id']}/appraisals", basis())
    headers = contracts.issuer.headers("manager")

    async def report(form: str, lang: str = "es") -> Any:
        return await contracts.http.get(
            f"/v1/appraisals/{appraisal['id']}/report?form={form}&lang={lang}", headers=headers
        )

    page, sms, speech = await report("html"), await report("sms"), await report("speech", "en")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert sms.text == appraisal["text"]["es"]["sms"]
    assert speech.text.startswith("The offer is far below fair value.\nYou are offered 50 soles per tree, standing.")
    assert (await report("json")).json()["headline"] == appraisal["text"]["es"]["headline"]
    buyer = contracts.issuer.headers("manager", org="aserradero-1")
    assert (await contracts.http.get(f"/v1/appraisals/{appraisal['id']}/report", headers=buyer)).status_code == 404
