"""The worked examples of the method, exact to the figures they state; W01 to W04 are in the tests of measure."""

import csv
import math
from decimal import Decimal
from statistics import median

import pytest

from services.contracts.domain.estimate.band import bands
from services.contracts.domain.estimate.parameters import LEVELS
from services.contracts.domain.judged import cents
from services.contracts.domain.residual import (
    Inputs,
    conversion_return_m3,
    delay_cost,
    present_value,
    residual_by_investment_m3,
    residual_m3,
)
from services.contracts.domain.verdict import Verdict
from services.contracts.shipped import flag_pack
from shared.timber.measure import PT_PER_M3, half_up
from tests.contracts.builders import (
    CAOBA,
    CEDRO,
    ISHPINGO,
    LUPUNA,
    SHIHUAHUACO,
    TORNILLO,
    W06_COSTS,
    a_basis,
    a_cost_book,
    a_price_book,
    an_offer,
    judged,
    pen,
    per_tree,
    per_volume,
    sawn,
    t10,
    wood,
)
from tests.permits.conftest import research_data

D = Decimal
T10 = {"basis": "logs", "logs": t10()}


def w06(**more: Decimal) -> Inputs:
    costs = tuple((step, more.pop(step, D(amount))) for step, amount in W06_COSTS.items())
    return Inputs(**{"price_pt": D("3.20"), "recovery": D("0.52"), "margin": D("0.20"), "costs": costs, **more})


@pytest.mark.parametrize(
    ("line", "by_m3", "total"),
    [
        (per_volume("1.20", "pt", "doyle"), "300.81", "4151.74"),
        (per_volume("1.20", "pt", "oxapampina"), "316.39", "4366.85"),
        (per_volume("330", "m3", "smalian"), "330.00", "4554.66"),
    ],
)
def test_w05_one_price_three_rules(line: dict[str, object], by_m3: str, total: str) -> None:
    case = judged(an_offer(line, lot=T10), a_basis(base="smalian"))

    assert case.total.net_m3 == D(by_m3)
    assert case.total.worth is not None
    assert cents(case.total.worth.net) == D(total)


def test_w05_the_naive_reading_is_what_the_waterfall_starts_from() -> None:
    case = judged(an_offer(per_volume("1.20", "pt", "doyle"), lot=T10), a_basis(base="smalian"))

    assert case.total.worth is not None
    assert cents(case.total.worth.levels_m3[0]) == D("508.53")
    assert {cause.cause: cause.amount for cause in case.total.causes}["rule"] == D("508.53") - D("300.81")


def test_w06_residual_value_by_overturn() -> None:
    assert cents(w06().gross_m3) == D("705.16")
    assert w06().cost_m3 == 292
    assert cents(conversion_return_m3(w06())) == D("413.16")
    assert cents(residual_m3(w06())) == D("295.64")
    assert cents(residual_m3(w06(margin=D("0.10")))) == D("349.06")


def test_w06_through_the_books() -> None:
    case = judged(an_offer())

    assert case.total.fair_m3 == (D("295.64"), D("295.64"), D("295.64"))


def test_w07_residual_value_by_investment() -> None:
    value = residual_by_investment_m3(w06(), D(900_000), D(6_000), D("0.25"))

    assert cents(value) == D("375.66")


EL_DORADO = {ISHPINGO: "0.20", LUPUNA: "0.20", SHIHUAHUACO: "0.30", CEDRO: "0.50", CAOBA: "0.50"}
PUCALLPA = {
    ISHPINGO: ("4", "5", "6"), LUPUNA: ("4", "5", "6"), SHIHUAHUACO: ("8", "9", "10"), CEDRO: ("12", "13", "14"),
    CAOBA: ("16", "17", "18"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("species", "percent"),
    [(ISHPINGO, "4.00"), (LUPUNA, "4.00"), (SHIHUAHUACO, "3.33"), (CEDRO, "3.85"), (CAOBA, "2.94")],
)
def test_w09_what_part_of_the_sawn_price_was_paid(species: str, percent: str) -> None:
    offer = an_offer(per_volume(EL_DORADO[species], "pt", "sawn", [species]), lot=wood("100.000", species, None))
    basis = a_basis(a_price_book(sawn(PUCALLPA[species][1], species)), a_cost_book({"felling": "100"}))

    share = judged(offer, basis).total.value_share

    assert share is not None
    assert share == half_up(D(EL_DORADO[species]) / D(PUCALLPA[species][1]), D("0.0001"))
    assert half_up(D(EL_DORADO[species]) / D(PUCALLPA[species][1]) * 100, D("0.01")) == D(percent)


@pytest.mark.parametrize(("band", "fair"), [(0, "728261"), (1, "904552")])
def test_w09_a_thousand_cubic_metres_of_el_dorado(band: int, fair: str) -> None:
    mix = {SHIHUAHUACO: "400.000", LUPUNA: "300.000", ISHPINGO: "200.000", CEDRO: "100.000"}
    offer = an_offer(
        *(per_volume(EL_DORADO[species], "pt", "sawn", [species]) for species in mix),
        lot={"basis": "census", "species": [{"species": name, "volume_m3": volume} for name, volume in mix.items()]},
    )
    prices = a_price_book(*(sawn(PUCALLPA[species][band], species) for species in mix))

    total = judged(offer, a_basis(prices, a_cost_book({"milling": "400"}, margin=250))).total

    assert total.worth is not None
    assert total.fair is not None
    assert half_up(total.worth.net, D(1)) == D(59498)
    assert half_up(total.fair.mid, D(1)) == D(fair)
    assert half_up(total.worth.net * 15 / 100, D(1)) == D(8925)
    assert total.verdict is Verdict.FAR_BELOW
    if band == 1:
        assert total.value_share == D("0.0365")
        assert total.disproportion is not None
        assert half_up(total.disproportion * 100, D("0.1")) == D("93.4")


def test_w09_paid_as_a_share_of_the_sales_fifteen_per_cent_is_below_the_usual_band() -> None:
    """F6: a share is worth its part of what others pay for the boards, whatever the buyer's book says."""
    line = {
        "kind": "share_of_revenue",
        "species": "any",
        "share_milli": 150,
        "product": "log",
        "point_of_sale": "stump",
    }

    total = judged(an_offer(line)).total

    assert total.net_m3 == cents(w06().gross_m3 * D("0.15"))
    assert total.value_share == D("0.1500")


def test_f6_a_share_of_the_wood_is_worth_what_it_is_bought_back_for_or_what_free_wood_is_worth() -> None:
    share = {
        "kind": "share_of_volume",
        "species": "any",
        "share_milli": 150,
        "product": "standing",
        "point_of_sale": "stump",
    }
    bought = share | {"buy_back": {"price": pen("0.20"), "unit": "pt", "rule": "sawn"}}
    brought_out = share | {"product": "log", "point_of_sale": "roadside"}

    free, cheap, roadside = (judged(an_offer(line)).total.net_m3 for line in (share, bought, brought_out))

    assert free == cents(residual_m3(w06()) * D("0.15"))
    assert cheap == cents(D("0.15") * D("0.20") * D("0.52") * PT_PER_M3)
    assert roadside == cents((residual_m3(w06()) + 98) * D("0.15"))  # felling 28 and skidding 70 are the buyer's


def test_f6_a_share_of_the_profit_is_taken_after_the_costs_of_the_book() -> None:
    line = {"kind": "share_of_profit", "species": "any", "share_milli": 500, "product": "log", "point_of_sale": "stump"}

    assert judged(an_offer(line)).total.net_m3 == cents(conversion_return_m3(w06()) / 2)


def test_w10_fifty_soles_a_tree() -> None:
    case = judged(an_offer(per_tree("50"), lot=wood("350.000", trees=100)))

    assert case.total.net_m3 == D("14.29")
    assert case.total.fair_m3 is not None
    assert half_up(D(50) / D("3.5") / residual_m3(w06()) * 100, D("0.01")) == D("4.83")
    assert case.total.verdict is Verdict.FAR_BELOW


def test_k09_fifty_soles_a_tree_against_the_mean_tree_of_the_plan_itself() -> None:
    case = judged(an_offer(per_tree("50"), lot=wood("639.000", trees=100)))

    assert case.total.net_m3 == D("7.82")
    assert case.total.fair_m3 == (D("295.64"), D("295.64"), D("295.64"))
    assert case.total.losses is not None
    assert case.total.losses[1] == cents(D(639) * residual_m3(w06()) - D(5_000))
    assert case.total.verdict is Verdict.FAR_BELOW


def test_w11_three_months_of_waiting() -> None:
    amount = D("87173") * D("0.35")

    assert cents(amount) == D("30510.55")
    assert cents(delay_cost(amount, D("0.03"), 3)) == D("2589.07")
    assert cents(amount) - cents(delay_cost(amount, D("0.03"), 3)) == D("27921.48")


@pytest.mark.parametrize(
    ("days", "worth"), [((0, 92, 184, 365), "110270.95"), ((0, 274, 365, 549), "103103.22")], ids=["on time", "late"]
)
def test_w12_a_schedule_of_payments(days: tuple[int, ...], worth: str) -> None:
    flows = zip((D(20_000), D(30_000), D(30_000), D(40_000)), days, strict=True)

    assert cents(present_value(flows, D("0.18"))) == D(worth)


@pytest.mark.parametrize(
    ("name", "low", "high", "swing"),
    [
        ("price_pt", "2.80", "3.60", "146.91"), ("recovery", "0.47", "0.57", "113.01"),
        ("margin", "0.30", "0.10", "98.62"), ("river_transport", "80", "40", "40.00"),
        ("skidding", "85", "55", "30.00"), ("milling", "110", "80", "30.00"),
    ],
)  # fmt: skip
def test_w17_one_input_at_a_time(name: str, low: str, high: str, swing: str) -> None:
    assert cents(residual_m3(w06(**{name: D(high)})) - residual_m3(w06(**{name: D(low)}))) == D(swing)


def test_w23_the_usual_part_of_the_boards_value_is_what_a_real_bulletin_shows() -> None:
    """Fourteen species priced standing, as logs and sawn (half a year, one country): a band, not a law."""
    rows = list(csv.DictReader(research_data("cr_onf_2018s1_sample.csv").decode().splitlines()))

    def ratios(one: str, other: str) -> list[Decimal]:
        return [D(row[one]) / D(row[other]) for row in rows]

    standing, log, sawn_wood = "stumpage_crc_pmt", "log_yard_gt10in_crc_pmt", "sawn_crc_pmt"
    usual = ratios(standing, sawn_wood)

    assert len(rows) == 14
    assert half_up(median(usual), D("0.001")) == D("0.245")
    assert (half_up(min(usual), D("0.001")), half_up(max(usual), D("0.001"))) == (D("0.170"), D("0.339"))
    assert half_up(median(ratios(log, sawn_wood)), D("0.001")) == D("0.507")
    assert half_up(median(ratios(standing, log)), D("0.001")) == D("0.513")
    # The flag about an unfair share begins where the band of the bulletin ends.
    split = next(flag for flag in flag_pack().flags if flag.code == "P14")
    assert half_up(min(usual), D("0.01")) in [D(str(limit)) for limit in split.threshold.values()]


def test_the_offer_names_the_lot_of_the_examples() -> None:
    case = judged(an_offer(per_volume("330", "m3", "smalian"), lot=T10), a_basis(base="smalian"))

    assert case.wood.species[TORNILLO].volume_m3 == D("13.8020")
    assert case.wood.logs == 10


@pytest.mark.parametrize(("reports", "times"), [(3, "1.68"), (10, "1.35"), (30, "1.22")])
def test_w24_the_band_of_eighty_per_cent_by_the_number_of_reports(reports: int, times: str) -> None:
    """The study's own spread and multiplier; the shipped estimator has a spread of its own (docs/prices.md)."""
    deviation = math.sqrt(0.0109 + 0.612 / reports)

    [eighty] = [one for one in bands(math.log(100), deviation, dict.fromkeys(LEVELS, 1.12)) if one.level == 80]

    assert half_up(eighty.high / 100, D("0.01")) == D(times)
    assert half_up(100 / eighty.low, D("0.01")) == D(times)
