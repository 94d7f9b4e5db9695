"""The algebra of value: how it moves with its inputs, and the same figures from independent programs."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.domain.residual import (
    Bounded,
    Inputs,
    discount_factor,
    effective_price_m3,
    loss,
    mill_price_m3,
    per_tree_price_m3,
    present_value,
    residual_m3,
    residual_with_band,
    rule_price,
)
from shared.timber.measure import PT_PER_M3

D = Decimal
amounts = st.decimals(min_value="0.01", max_value="10000", places=2)
prices = st.decimals(min_value="0.10", max_value="30", places=2)
shares = st.decimals(min_value="0.05", max_value="0.90", places=3)


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    costs = draw(st.lists(st.decimals(min_value="1", max_value="300", places=2), min_size=1, max_size=6))
    return Inputs(draw(prices), draw(shares), draw(shares), tuple((f"c{n}", cost) for n, cost in enumerate(costs)))


@given(inputs(), prices, shares)
def test_residual_value_rises_in_a_straight_line_with_price_and_with_recovery(
    given_inputs: Inputs, more_price: Decimal, more_recovery: Decimal
) -> None:
    for name, more in (("price_pt", more_price), ("recovery", more_recovery)):
        now = getattr(given_inputs, name)
        once = replace(given_inputs, **{name: now + more})
        twice = replace(given_inputs, **{name: now + 2 * more})

        first, second = residual_m3(once) - residual_m3(given_inputs), residual_m3(twice) - residual_m3(once)

        assert first > 0
        assert abs(first - second) < D("1e-18")


@given(inputs(), amounts, shares)
def test_residual_value_falls_with_costs_and_with_margin(
    given_inputs: Inputs, more_cost: Decimal, more_margin: Decimal
) -> None:
    dearer = replace(given_inputs, costs=(*given_inputs.costs, ("more", more_cost)))
    greedier = replace(given_inputs, margin=given_inputs.margin + more_margin)

    assert abs(residual_m3(given_inputs) - residual_m3(dearer) - more_cost) < D("1e-18")
    assert residual_m3(greedier) < residual_m3(given_inputs)


@given(inputs())
def test_the_margin_is_earned_on_costs_and_stumpage_together(given_inputs: Inputs) -> None:
    stumpage = residual_m3(given_inputs)

    profit = given_inputs.gross_m3 - given_inputs.cost_m3 - stumpage

    assert abs(profit - given_inputs.margin * (given_inputs.cost_m3 + stumpage)) < D("1e-15")


@given(amounts, st.decimals(min_value="1", max_value="430", places=4))
def test_an_effective_price_reads_back_as_the_price_it_came_from(price: Decimal, factor: Decimal) -> None:
    assert abs(rule_price(effective_price_m3(price, factor), factor) - price) < D("1e-20")


@given(amounts, amounts, st.integers(min_value=1, max_value=1_000))
def test_a_price_per_tree_spread_over_the_wood_is_the_same_money(price: Decimal, volume: Decimal, trees: int) -> None:
    assert abs(per_tree_price_m3(price, volume, trees) * volume - price * trees) < D("1e-15")


def test_a_price_on_board_ship_comes_back_to_the_mill() -> None:
    assert mill_price_m3(D(900), D(180), D("3.75")) == D("2700.00")


flows = st.lists(st.tuples(amounts, st.integers(min_value=0, max_value=3_650)), min_size=1, max_size=12)


@given(flows)
def test_without_interest_a_schedule_is_worth_its_sum(schedule: list[tuple[Decimal, int]]) -> None:
    assert present_value(schedule, D(0)) == sum(amount for amount, _ in schedule)


@given(flows, st.decimals(min_value="0.01", max_value="0.40", places=3))
def test_present_value_agrees_with_pyxirr(schedule: list[tuple[Decimal, int]], rate: Decimal) -> None:
    signed = date(2026, 7, 1)
    # pyxirr counts from the first date it is given: a flow of nothing on the day of signature.
    days = [signed, *(signed + timedelta(days=days) for _, days in schedule)]
    expected = pyxirr.xnpv(float(rate), days, [0.0, *(float(amount) for amount, _ in schedule)])

    assert expected is not None
    assert float(present_value(schedule, rate)) == pytest.approx(expected, rel=1e-12)


@given(flows, st.decimals(min_value="0.01", max_value="0.40", places=3), st.integers(min_value=1, max_value=365))
def test_waiting_longer_is_never_worth_more(schedule: list[tuple[Decimal, int]], rate: Decimal, days: int) -> None:
    later = [(amount, when + days) for amount, when in schedule]

    assert present_value(later, rate) < present_value(schedule, rate)


@given(st.decimals(min_value="0.01", max_value="0.40", places=3), st.integers(min_value=0, max_value=3_650))
def test_the_discount_factor_agrees_with_floating_point(rate: Decimal, days: int) -> None:
    assert float(discount_factor(rate, days)) == pytest.approx((1 + float(rate)) ** (-days / 365), rel=1e-13)


@given(amounts, amounts, amounts)
def test_comparison_is_antisymmetric(volume: Decimal, one: Decimal, other: Decimal) -> None:
    assert loss(volume, one, other) == -loss(volume, other, one)


W06 = Inputs(D("3.20"), D("0.52"), D("0.20"), (("all", D(292)),))
BAND = Bounded(
    W06,
    Inputs(D("2.80"), D("0.47"), D("0.10"), (("all", D(262)),)),
    Inputs(D("3.60"), D("0.57"), D("0.30"), (("all", D(322)),)),
)


def test_without_bounds_the_band_is_a_point_and_nothing_swings() -> None:
    found = residual_with_band(Bounded(W06, W06, W06))

    assert found.low_m3 == found.mid_m3 == found.high_m3
    assert found.swings == ()


def test_swings_come_widest_first_and_the_band_holds_each_of_them() -> None:
    found = residual_with_band(BAND)

    assert [swing.input for swing in found.swings] == ["price_pt", "recovery", "margin", "all"]
    for swing in found.swings:
        assert found.low_m3 <= min(swing.low, swing.high) <= found.mid_m3 <= max(swing.low, swing.high) <= found.high_m3


def test_the_band_agrees_with_two_hundred_thousand_draws_of_independent_inputs() -> None:
    """Bounds are read as holding four times out of five; the band in quadrature must then hold so too."""
    draws = np.random.default_rng(7)
    z80 = 1.2815515655446004

    def drawn(mid: float, low: float, high: float) -> np.ndarray:
        return draws.normal(mid, (high - low) / 2 / z80, 200_000)

    price, recovery = drawn(3.2, 2.8, 3.6), drawn(0.52, 0.47, 0.57)
    margin, cost = drawn(0.2, 0.1, 0.3), drawn(292, 262, 322)
    values = price * float(PT_PER_M3) * recovery / (1 + margin) - cost
    low, high = np.quantile(values, [0.1, 0.9])

    found = residual_with_band(BAND)

    assert float(found.low_m3) == pytest.approx(low, abs=6)
    assert float(found.high_m3) == pytest.approx(high, abs=12)


def test_the_order_of_the_costs_changes_nothing() -> None:
    costs = [(f"c{n}", D(n)) for n in range(1, 9)]
    shuffled = random.Random(3).sample(costs, len(costs))

    one, other = (replace(W06, costs=tuple(given_costs)) for given_costs in (costs, shuffled))

    assert residual_m3(one) == residual_m3(other)
