"""What is divided is what there was; what is late bears interest for the days it was late: against slow oracles."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.domain.apportion import apportion
from services.contracts.domain.contract import Schedule
from services.contracts.domain.late import Late, Rate, interest, late, match, total
from services.contracts.domain.ledger import Member, divide
from services.contracts.domain.money import Money
from services.contracts.domain.sealed_price import payment_delay_days
from services.contracts.shipped import legal_rates

START = date(2026, 1, 1)
days = st.integers(0, 1_500).map(lambda n: START + timedelta(days=n))
cents = st.integers(1, 10**11)
money = st.lists(st.tuples(days, cents), max_size=8)


def a_rate(day: date, annual_milli: int) -> Rate:
    return Rate(day, annual_milli, "s", "s", "pending")


rates = st.lists(st.tuples(days, st.integers(0, 500)), min_size=0, max_size=4, unique_by=lambda one: one[0]).map(
    lambda found: [a_rate(date.min, 100), *(a_rate(day, milli) for day, milli in found)]
)


# --- dividing -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**13), st.lists(st.integers(0, 10**6), min_size=1, max_size=60).filter(any))
def test_parts_sum_to_the_whole_and_lie_within_one_of_their_share(whole: int, weights: list[int]) -> None:
    parts = apportion(whole, weights)

    assert sum(parts) == whole
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(whole * weight, sum(weights))) < 1
        assert part >= 0
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


@given(st.integers(0, 10**9), st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(1, 1_000))
def test_only_the_ratios_of_weights_matter_and_the_larger_never_gets_less(
    whole: int, weights: list[int], factor: int
) -> None:
    parts = apportion(whole, weights)

    assert apportion(whole, [Fraction(weight * factor, 7) for weight in weights]) == parts
    ordered = sorted(zip(weights, parts, strict=True))
    assert all(light <= heavy for (a, light), (b, heavy) in pairwise(ordered) if a < b)


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [2, -1]])
def test_nothing_is_divided_among_nobody(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weigh"):
        apportion(1, weights)


@given(cents, st.lists(st.integers(1, 9), min_size=1, max_size=10))
def test_a_distribution_is_shared_out_to_the_last_centimo(amount: int, sevenths: list[int]) -> None:
    whole = sum(sevenths)
    members = [
        Member(org=f"comunidad-{n}", share=f"{share}/{whole}" if whole > share else "1")
        for n, share in enumerate(sevenths)
    ]

    parts = divide(Money(amount=Decimal(amount) / 100, currency="PEN"), members)

    assert sum(part.amount for part in parts) == Decimal(amount) / 100
    assert all(part.amount == part.amount.quantize(Decimal("0.01")) for part in parts)


@given(st.lists(st.integers(1, 999), min_size=1, max_size=20))
def test_a_schedule_is_taken_when_it_sums_and_refused_one_centimo_beside(amounts: list[int]) -> None:
    plan = [
        {
            "due_on": (START + timedelta(days=n)).isoformat(),
            "amount": {"amount": f"{cent // 100}.{cent % 100:02}", "currency": "PEN"},
        }
        for n, cent in enumerate(amounts)
    ]

    def schedule(whole: int) -> Schedule:
        return Schedule.model_validate(
            {"total": {"amount": f"{whole // 100}.{whole % 100:02}", "currency": "PEN"}, "instalments": plan}
        )

    assert [weight for _, weight in schedule(sum(amounts)).weights()] == [cent * 100 for cent in amounts]
    with pytest.raises(Exception, match="add up to"):
        schedule(sum(amounts) + 1)


# --- late payment -------------------------------------------------------------------------------------------------


def by_the_day(lates: Sequence[Late], known: Sequence[Rate], on: date) -> Fraction:
    """Interest counted day by day, céntimo by céntimo: slow, and written otherwise."""
    found = Fraction(0)
    for one in lates:
        day = one.part.due_on
        while day < (one.part.paid_on or on):
            rate = max((rate for rate in known if rate.valid_from <= day), key=lambda rate: rate.valid_from)
            found += Fraction(one.part.cents * rate.annual_milli, 100 * 1_000 * 365)
            day += timedelta(days=1)
    return found


@given(money, money)
def test_every_centimo_due_is_matched_once_and_what_is_left_over_is_told(
    due: list[tuple[date, int]], paid: list[tuple[date, int]]
) -> None:
    parts, over = match(due, paid)

    owed, given_ = sum(cent for _, cent in due), sum(cent for _, cent in paid)
    assert sum(part.cents for part in parts) == owed
    assert sum(part.cents for part in parts if part.paid_on is not None) == min(owed, given_)
    assert over == max(given_ - owed, 0)
    assert all(part.cents > 0 for part in parts)


@given(st.lists(st.tuples(days, st.integers(1, 10**6)), min_size=1, max_size=3), money, rates, days)
def test_interest_is_what_counting_day_by_day_gives(
    due: list[tuple[date, int]], paid: list[tuple[date, int]], known: list[Rate], on: date
) -> None:
    parts, _ = match(due, paid)
    lates = late(parts, known, on)

    exact = by_the_day(lates, known, on)

    assert abs(Fraction(sum((one.interest for one in lates), Decimal(0))) - exact) < Fraction(1, 10**6)
    assert abs(Fraction(total(lates)) - exact) <= Fraction(1, 200) + Fraction(1, 10**6)
    assert all(one.days > 0 for one in lates)


@given(cents, days, st.integers(0, 900), st.integers(0, 900), rates)
def test_simple_interest_adds_up_over_time_and_over_money(
    amount: int, start: date, first: int, second: int, known: list[Rate]
) -> None:
    between, end = start + timedelta(days=first), start + timedelta(days=first + second)

    whole = interest(amount, start, end, known)

    apart = interest(amount, start, between, known) + interest(amount, between, end, known)
    assert abs(whole - apart) <= abs(whole) * Decimal("1e-25") + Decimal("1e-20")
    assert abs(interest(amount, start, end, [*known][::-1]) - whole) == 0
    assert whole >= 0


@given(st.lists(st.tuples(days, cents), min_size=1, max_size=5))
def test_who_pays_on_the_day_owes_no_interest(due: list[tuple[date, int]]) -> None:
    parts, over = match(due, due)

    assert (late(parts, legal_rates("PEN"), date(2099, 1, 1)), over) == ([], 0)


def test_no_payment_is_no_delay() -> None:
    assert payment_delay_days(START, []) == 0


def test_a_debt_in_dollars_bears_the_rate_of_dollars_and_one_in_soles_that_of_soles() -> None:
    """Circular 021-2007-BCRP: the legal rate is the average of deposits, TIPMN in soles and TIPMEX in dollars."""
    soles, dollars = legal_rates("PEN"), legal_rates("USD")

    assert [rate.annual_milli for rate in soles] != [rate.annual_milli for rate in dollars]
    assert all("TIPMN" in rate.source and "tasa pasiva promedio (TIPMN)" in rate.source_es for rate in soles)
    assert all("tasa pasiva promedio (TIPMEX)" in rate.source_es for rate in dollars)
    assert all("TIPMEX" in rate.source and rate.legal_review.startswith("pending") for rate in dollars)
    year = date(2026, 1, 1), date(2027, 1, 1)
    assert interest(100_000, *year, soles) == Decimal("25")
    assert interest(100_000, *year, dollars) == Decimal("4")
    with pytest.raises(ValueError, match="no legal rate of EUR"):
        legal_rates("EUR")  # type: ignore[arg-type]
