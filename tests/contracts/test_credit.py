"""Interest that hides in an advance, price clauses over the years, and fines: F9, F10, F18."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import pyxirr
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.domain.credit import (
    expected_fine,
    implied_annual_rate,
    implied_rate,
    indexed_price,
    internal_rate,
    mean_real_value,
    real_value,
)
from services.contracts.domain.judged import cents
from services.contracts.domain.residual import present_value
from shared.timber.measure import half_up

D = Decimal
FOUR = D("0.0001")
amounts = st.decimals(min_value="1", max_value="100000", places=2)


def test_w14_an_index_clause() -> None:
    parts = [(D("0.5"), D("716.784"), D("735.26")), (D("0.3"), D("3.75"), D("3.82"))]

    assert cents(indexed_price(D(330), D("0.2"), parts)) == D("336.10")


def test_weights_of_an_index_clause_that_do_not_sum_to_one_are_refused_and_those_that_do_are_not() -> None:
    with pytest.raises(ValueError, match="sum to one"):
        indexed_price(D(330), D("0.2"), [(D("0.7"), D(1), D(2))])
    assert indexed_price(D(330), D("0.2"), [(D("0.8"), D(1), D(2))]) == D("594.0")


def test_w15_a_price_fixed_for_twenty_years() -> None:
    assert half_up(real_value(D("0.03"), 20), FOUR) == D("0.5537")
    assert half_up(mean_real_value(D("0.03"), 20), FOUR) == D("0.7439")


def test_w19_an_expected_fine() -> None:
    assert expected_fine([(D(1), D("7.082"))], D(5_150)) == D("36472.30")
    assert expected_fine([(D("0.5"), D("7.082")), (D("0.1"), D(10))], D(5_150)) == D("18236.15") + D(5_150)


def test_an_advance_paid_back_in_wood_worth_more_than_it_hides_its_interest() -> None:
    assert half_up(implied_rate(D(1_000), D(1_331), D(3)), FOUR) == D("0.1000")
    assert half_up(implied_annual_rate(D(1_000), D(1_210), 730), FOUR) == D("0.1000")
    assert implied_annual_rate(D(1_000), D(1_000), 90) == 0


@given(amounts, amounts, st.integers(min_value=1, max_value=3_650))
def test_one_advance_has_the_same_rate_by_both_ways(received: Decimal, delivered: Decimal, days: int) -> None:
    rate = implied_annual_rate(received, delivered, days)
    if not D("-0.98") < rate < D(900):
        return

    found = internal_rate([(received, 0), (-delivered, days)])

    assert found is not None
    assert abs(found - rate) < D("1e-15")


@settings(max_examples=25)
@given(st.lists(st.tuples(amounts, st.integers(min_value=1, max_value=2_000)), min_size=1, max_size=8), amounts)
def test_the_internal_rate_agrees_with_pyxirr_and_makes_nothing_of_the_flows(
    repaid: list[tuple[Decimal, int]], received: Decimal
) -> None:
    flows = [(received, 0), *((-amount, days) for amount, days in repaid)]
    rate = internal_rate(flows)
    if rate is None or not D("-0.5") < rate < D(20):
        return

    assert abs(present_value(flows, rate)) < D("0.0001")
    days = [date(2026, 1, 1) + timedelta(days=day) for _, day in flows]
    expected = pyxirr.xirr(days, [float(amount) for amount, _ in flows])
    assert expected is None or float(rate) == pytest.approx(expected, abs=1e-6)


def test_flows_of_one_sign_have_no_rate() -> None:
    assert internal_rate([(D(1), 0), (D(1), 10)]) is None
    assert internal_rate([(D(1), 0), (D(-1), 10)]) is not None
