"""Sensitivity: each input alone, all of them together, and the same bytes on every machine."""

from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from services.contracts.domain.draws import deviates, sensitivity
from tests.contracts.builders import (
    TORNILLO,
    W06_COSTS,
    Json,
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

D = Decimal


def w17() -> tuple[Json, Json]:
    """The books of W06 with the bounds of W17."""
    costs = a_cost_book(
        recovery_milli={"low": 470, "mid": 520, "high": 570}, margin_milli={"low": 100, "mid": 200, "high": 300}
    )
    bounds = {"river_transport": ("40", "80"), "skidding": ("55", "85"), "milling": ("80", "110")}
    for line in costs["lines"]:
        if line["step"] in bounds:
            low, high = bounds[line["step"]]
            line |= {"low": pen(low), "high": pen(high)}
    return a_price_book(sawn(low=pen("2.80"), high=pen("3.60"))), costs


def test_w17_the_tornado_of_the_offer_widest_first() -> None:
    prices, costs = w17()
    found = sensitivity(judged(an_offer(), a_basis(prices, costs)))

    assert found is not None
    swings = [(bar.input.split()[0], abs(bar.fair_high_m3 - bar.fair_low_m3)) for bar in found.tornado]
    assert [name for name, _ in swings] == ["price", "recovery", "margin", "river_transport", "milling", "skidding"]
    for (_, width), expected in zip(swings, ("146.91", "113.01", "98.62", "40.00", "30.00", "30.00"), strict=True):
        assert abs(width - D(expected)) <= D("0.01")  # each end is rounded to the cent
    assert sum(D(cost) for cost in W06_COSTS.values()) == 292


def test_joint_draws_agree_with_scipy_normals() -> None:
    prices, costs = w17()
    found = sensitivity(judged(an_offer(), a_basis(prices, costs)))
    draws, z80 = np.random.default_rng(5), 1.2815515655446004

    def drawn(mid: float, half: float) -> np.ndarray:
        return stats.norm.rvs(mid, half / z80, size=100_000, random_state=draws)

    boards = drawn(3.2, 0.4) * 423.776001 * drawn(0.52, 0.05) / (1 + drawn(0.2, 0.1))
    spent = drawn(60, 20) + drawn(70, 15) + drawn(95, 15) + 67
    expected = np.quantile(boards - spent, [0.1, 0.5, 0.9])

    assert found is not None
    for mine, theirs in zip((found.fair_m3.p10, found.fair_m3.p50, found.fair_m3.p90), expected, strict=True):
        assert float(mine) == pytest.approx(theirs, abs=9)
    assert found.below == found.draws  # fifty soles a tree lose whatever the market does


def test_deviates_are_nearly_normal_and_known_to_the_last_bit() -> None:
    z = deviates(1, "recovery", 20_000)

    assert stats.kstest(z, "norm").statistic < 0.012
    assert abs(float(np.mean(z < -1.2815515655446004)) - 0.1) < 0.006
    assert [float(one).hex() for one in z[:3]] == [
        "-0x1.2a7b000000000p+0",
        "0x1.21e4000000000p-2",
        "-0x1.3f38000000000p-2",
    ]
    assert not np.array_equal(z, deviates(2, "recovery", 20_000))
    assert not np.array_equal(z, deviates(1, "margin", 20_000))


def test_without_bounds_every_draw_is_the_judgement_itself() -> None:
    case = judged(an_offer())
    found = sensitivity(case)

    assert found is not None
    assert found.tornado == ()
    assert case.total.losses is not None
    assert found.fair_m3.p10 == found.fair_m3.p90 == D("295.64")
    assert found.loss.p10 == found.loss.p50 == found.loss.p90 == case.total.losses[1]


@pytest.mark.parametrize(
    "line",
    [
        per_volume("0.90", "pt", "doyle"),
        per_volume("2.50", "pt", "sawn", product="sawn", point_of_sale="mill_gate"),
        per_volume("400", "m3", "smalian", product="log", point_of_sale="mill_gate"),
        per_tree("500", kind="lump_sum"),
        per_tree("500", kind="in_kind"),
        {"kind": "share_of_volume", "species": "any", "share_milli": 150, "product": "log", "point_of_sale": "roadside"},
        {"kind": "share_of_revenue", "species": "any", "share_milli": 150, "product": "sawn", "point_of_sale": "mill_gate"},
        {"kind": "share_of_profit", "species": "any", "share_milli": 500, "product": "log", "point_of_sale": "roadside"},
    ],
)  # fmt: skip
def test_the_middle_of_the_model_is_the_decimal_judgement(line: Json) -> None:
    offer = an_offer(
        line, lot={"basis": "logs", "logs": t10()}, deductions=[{"kind": "road", "amount": pen("300")}],
        payments=[{"share_milli": 1_000, "days": 90}],
    )  # fmt: skip
    case = judged(offer)
    found = sensitivity(case)

    assert found is not None
    assert case.total.losses is not None
    assert abs(found.loss.p50 - case.total.losses[1]) <= D("0.01")
    assert found.net_m3.p50 == case.total.net_m3


def test_who_pays_by_the_tree_leaves_the_risk_of_the_volume_with_the_buyer() -> None:
    lot = {"basis": "census", "species": [
        {"species": TORNILLO, "volume_m3": "639.000", "volume_low_m3": "500.000", "volume_high_m3": "800.000", "trees": 100}
    ]}  # fmt: skip
    tree, cubic = (
        sensitivity(judged(an_offer(line, lot=lot)))
        for line in (per_tree("50"), per_volume("7.82", "m3", "mean_of_ends"))
    )

    assert tree is not None
    assert cubic is not None
    assert tree.net_m3.p10 < tree.net_m3.p90
    assert cubic.net_m3.p10 == cubic.net_m3.p90


def test_two_offers_meet_the_same_prices_and_costs_and_another_seed_meets_others() -> None:
    prices, costs = w17()
    basis = a_basis(prices, costs)
    one, other = (sensitivity(judged(an_offer(per_tree(price), lot=wood()), basis)) for price in ("50", "500"))

    assert one is not None
    assert other is not None
    assert one.fair_m3 == other.fair_m3
