"""The counter-offer: the least price in the buyer's own unit, and whether a buyer can pay it (F11 to F13)."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.domain.floor import Floor, Wishes, counter_offers, floor_price_m3
from services.contracts.domain.money import Money
from services.contracts.domain.worth import Conditions
from tests.contracts.builders import (
    CAOBA,
    LUPUNA,
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
)

D = Decimal
T10 = {"basis": "logs", "logs": t10()}
TEN = D("0.10")


def floor(offer: Json, basis: Any = None, wishes: Wishes | None = None) -> Floor:
    case = judged(offer, basis)
    found = counter_offers(case, TEN, wishes)[0]
    assert found is not None
    return found


def test_w05_the_doyle_price_that_equals_330_by_smalian() -> None:
    offer = an_offer(per_volume("1.20", "pt", "doyle"), lot=T10)

    found = floor(offer, a_basis(base="smalian"), Wishes(reservation_m3=D(330)))

    assert (found.target_m3, found.source) == (D("330.00"), "reservation")
    assert found.price == Money(amount=D("1.32"), currency="PEN")  # S/ 1.3165, up to the cent
    assert found.base_m3 == D("330.00")


def test_the_floor_is_the_highest_of_its_bounds() -> None:
    prices = a_price_book(
        sawn(), sawn("320", product="standing", unit="m3", rule="mean_of_ends", point_of_sale="stump")
    )
    both = a_basis(prices)

    assert (floor(an_offer(), both).source, floor(an_offer(), both).target_m3) == ("market", D("320.00"))
    assert (floor(an_offer()).source, floor(an_offer()).target_m3) == ("residual", D("295.64"))
    assert floor(an_offer(), both, Wishes(alternative_m3=D(321))).source == "alternative"
    assert floor(an_offer(), both, Wishes(alternative_m3=D(319))).source == "market"


def test_w06_a_buyer_who_works_for_ten_per_cent_can_pay_the_residual_value_at_twenty() -> None:
    found = floor(an_offer())

    assert (found.buyer_limit_m3, found.deal) == (D("349.06"), True)
    assert floor(an_offer(), None, Wishes(reservation_m3=D("349.07"))).deal is False


def test_a_price_by_tree_is_countered_by_the_tree_and_a_lump_sum_by_the_lot() -> None:
    assert floor(an_offer(per_tree("50"))).price == Money(amount=D("1889.12"), currency="PEN")
    lump = floor(an_offer(per_tree("5000", kind="lump_sum")))
    assert lump.price == Money(amount=D("188911.44"), currency="PEN")


def test_a_price_in_dollars_is_countered_in_dollars() -> None:
    fx = {"pen_per_usd": "4.00", "on": "2026-11-01", "source": "SBS"}
    line = per_volume("60", "m3", "mean_of_ends") | {"price": {"amount": "60", "currency": "USD"}}

    found = floor(an_offer(line), a_basis(fx=fx))

    assert found.price == Money(amount=D("73.91"), currency="USD")
    assert found.base_m3 == D("295.64")


def test_figures_that_nobody_answers_for_give_no_counter_offer() -> None:
    unsigned = judged(an_offer(), a_basis(costs=a_cost_book(signed_by=None)))

    assert counter_offers(unsigned, TEN) == [None]
    assert counter_offers(judged(an_offer(), a_basis()), TEN) != [None]


schedules = st.sampled_from(
    [
        [{"share_milli": 1_000, "days": 0}],
        [{"share_milli": 300, "days": 0}, {"share_milli": 700, "days": 180}],
        [{"share_milli": 1_000, "days": 720}],
    ]
)
lines = st.sampled_from(
    [
        per_volume("1.00", "pt", "doyle"),
        per_volume("1.00", "pt", "oxapampina"),
        per_volume("100", "m3", "smalian"),
        per_volume("100", "m3", "mean_of_ends", product="log", point_of_sale="mill_gate"),
        per_volume("1.00", "pt", "sawn"),
    ]
)


@given(lines, schedules, st.integers(min_value=0, max_value=900), st.decimals(min_value="1", max_value="900", places=2))
def test_an_offer_at_the_floor_leaves_the_target(line: Json, paid: list[Json], taken: int, target: Decimal) -> None:
    """F11 o F7: within the cent of the price, which is rounded up and never down."""
    deductions = [{"kind": "road", "amount": pen(str(taken)), "days": 30}] if taken else []
    terms = {"lot": T10, "payments": paid, "deductions": deductions}
    asked = floor(an_offer(line, **terms), None, Wishes(reservation_m3=D(900) + target)).price
    assert asked is not None

    at_floor = judged(an_offer(line | {"price": asked.model_dump(mode="json")}, **terms))

    net, factor = at_floor.total.net_m3, at_floor.lines[0].factor
    assert net is not None
    assert factor is not None
    assert D("-0.01") <= net - (D(900) + target) <= D("0.01") * factor + D("0.01")


@given(
    st.decimals(min_value="1", max_value="900", places=2),
    st.decimals(min_value="0", max_value="200", places=2),
    st.decimals(min_value="0.20", max_value="1", places=4),
)
def test_the_floor_formula_reads_back_exactly(target: Decimal, taken: Decimal, discount: Decimal) -> None:
    price = floor_price_m3(target, D(28), Conditions(discount, taken, D(5)))

    assert abs(price * discount - 28 - taken + 5 - target) < D("0.01")


def test_a_species_worth_more_has_a_higher_floor_on_its_own_line() -> None:
    lot = {
        "basis": "census",
        "species": [{"species": CAOBA, "volume_m3": "10.000"}, {"species": LUPUNA, "volume_m3": "90.000"}],
    }
    offer = an_offer(
        per_volume("100", "m3", "mean_of_ends", [CAOBA]), per_volume("100", "m3", "mean_of_ends", [LUPUNA]), lot=lot
    )
    case = judged(offer, a_basis(a_price_book(sawn("17", CAOBA), sawn("5", LUPUNA)), a_cost_book()))

    dear, cheap = counter_offers(case, TEN)

    assert dear is not None
    assert cheap is not None
    assert dear.target_m3 > cheap.target_m3
