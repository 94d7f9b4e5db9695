"""Offers judged: levels, causes, ladders, advances, gaps; and the properties that hold for any offer."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.domain.draws import sensitivity
from services.contracts.domain.flags import check_flags
from services.contracts.domain.floor import counter_offers
from services.contracts.domain.judged import cents
from services.contracts.domain.lot import LotEstimate, count_wood
from services.contracts.domain.residual import discount_factor
from services.contracts.domain.text import speak
from services.contracts.domain.verdict import CAUSES, Thresholds, Verdict, judge, waterfall
from services.contracts.domain.worth import Worth, total
from services.contracts.shipped import flag_pack
from shared.timber.measure import PT_PER_M3, LogRule, LogSize
from tests.contracts.builders import (
    CAOBA,
    CEDRO,
    LUPUNA,
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
LIMITS = Thresholds(D("0.60"), D("0.40"), D("0.10"))
LOGS = {"basis": "logs", "logs": t10()}


def causes(case: Any) -> dict[str, Decimal]:
    return {cause.cause: cause.amount for cause in case.total.causes}


# --- the word -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "low", "mid", "word"),
    [
        ("300", "250", "300", Verdict.FAIR),
        ("299.99", "250", "300", Verdict.LOW_IN_RANGE),
        ("250", "250", "300", Verdict.LOW_IN_RANGE),
        ("249.99", "250", "300", Verdict.BELOW),
        ("180.01", "250", "300", Verdict.BELOW),
        ("180", "250", "300", Verdict.FAR_BELOW),  # two fifths below the middle
        ("149.99", "250", "240", Verdict.FAR_BELOW),  # less than 60 % of the low bound
        ("150", "250", "240", Verdict.BELOW),
        ("5", "0", "300", Verdict.LOW_IN_RANGE),  # the low bound is nothing: nobody can be below it
        ("5", "0", "0", Verdict.NO_ANSWER),
        ("5", "0", "-1", Verdict.NO_ANSWER),
        ("-10", "0", "300", Verdict.FAR_BELOW),
    ],
)
def test_the_word_follows_the_bounds(net: str, low: str, mid: str, word: Verdict) -> None:
    assert judge(D(net), D(low), D(mid), LIMITS) is word


# --- levels and causes --------------------------------------------------------------------------------------------


def test_waiting_deductions_and_advances_each_take_their_part() -> None:
    offer = an_offer(
        per_tree("2000"),
        payments=[{"share_milli": 200, "days": 0}, {"share_milli": 800, "days": 365}],
        deductions=[{"kind": "road", "amount": pen("6390"), "days": 0}],
        advances=[{"kind": "in_kind", "worth": pen("3000"), "billed": pen("9390"), "days": 0, "recovered_days": 0}],
    )

    case = judged(offer)

    assert case.total.worth is not None
    assert causes(case)["delay"] == cents(D(200_000) / 639) - cents(
        D(200_000) * (D("0.2") + D("0.8") / D("1.18")) / 639
    )
    assert causes(case)["deductions"] == D("10.00")
    assert causes(case)["advances"] == D("10.00")


def test_goods_count_at_local_worth_and_their_bill_when_it_is_recovered() -> None:
    advance = {"kind": "in_kind", "worth": pen("1000"), "billed": pen("1500"), "days": 0, "recovered_days": 365}

    worth = judged(an_offer(advances=[advance])).total.worth

    assert worth is not None
    assert worth.net - worth.deducted == pytest.approx(D(1000) - D(1500) / D("1.18"))


def test_a_fair_advance_without_interest_changes_nothing() -> None:
    advance = {"kind": "cash", "worth": pen("1000"), "billed": pen("1000"), "days": 0, "recovered_days": 365}

    case = judged(an_offer(advances=[advance]), a_basis(rate_milli=0))

    assert causes(case)["advances"] == 0


@pytest.mark.parametrize(
    ("product", "point", "taken"),
    [("standing", "stump", "0.00"), ("log", "stump", "28.00"), ("log", "roadside", "98.00"),
     ("log", "river_port", "98.00"), ("log", "mill_gate", "158.00")],
)  # fmt: skip
def test_a_price_comes_down_the_ladder_by_the_cost_of_each_step(product: str, point: str, taken: str) -> None:
    offer = an_offer(per_volume("400", "m3", "mean_of_ends", product=product, point_of_sale=point))

    assert causes(judged(offer))["point_of_sale"] == D(taken)


def test_who_sells_boards_also_pays_the_saw_and_beyond_the_gate_the_road_by_sawn_volume() -> None:
    costs = a_cost_book(W06_COSTS | {"to_lima": "100"})
    at_gate, in_lima = (
        judged(an_offer(per_volume("3.20", "pt", "sawn", product="sawn", point_of_sale=point)), a_basis(None, costs))
        for point in ("mill_gate", "wholesale_lima")
    )

    assert causes(at_gate)["point_of_sale"] == D("253.00")
    assert causes(in_lima)["point_of_sale"] == D("253.00") + D("52.00")


def test_wood_sold_away_from_the_stump_needs_the_cost_of_the_way() -> None:
    offer = an_offer(per_volume("400", "m3", "mean_of_ends", product="log", point_of_sale="mill_gate"))

    without = judged(offer, a_basis(costs=a_cost_book({"milling": "95"})))
    with_it = judged(offer, a_basis(costs=a_cost_book({"river_transport": "60"})))

    assert without.total.verdict is Verdict.NO_ANSWER
    assert [gap.what for gap in without.total.gaps] == ["cost_steps"]
    assert with_it.total.verdict is not Verdict.NO_ANSWER


def test_a_stated_volume_wins_and_the_logs_are_a_sample_of_it() -> None:
    lot = LOGS | {"species": [{"species": TORNILLO, "volume_m3": "138.020"}]}

    sample = judged(an_offer(per_volume("1.20", "pt", "doyle"), lot=lot), a_basis(base="smalian"))

    assert sample.total.net_m3 == D("300.81")
    assert sample.total.volume_m3 == D("138.020")


def test_the_logs_of_custody_win_over_those_of_the_offer() -> None:
    listed = [(TORNILLO, LogSize(620, 560, 4_900))]

    wood = count_wood(LotEstimate.model_validate(LOGS), listed, "read", LogRule.SMALIAN)

    assert (wood.source, wood.logs) == ("custody", 1)


def test_a_stated_distribution_converts_where_no_log_list_is_known() -> None:
    sizes = [(460, 420, 400), (620, 560, 400), (880, 800, 200)]
    diameters = [{"large_mm": a, "small_mm": b, "length_mm": 4_900, "share_milli": s} for a, b, s in sizes]

    case = judged(an_offer(per_volume("1.20", "pt", "doyle"), lot=wood(diameters=diameters)), a_basis(base="smalian"))

    assert case.lines[0].factor_source == "distribution"
    assert case.total.net_m3 == D("300.81")


def test_cubic_rules_are_taken_as_equal_and_board_foot_rules_are_not() -> None:
    cubic = judged(an_offer(per_volume("330", "m3", "huber")))
    board = judged(an_offer(per_volume("1.20", "pt", "oxapampina")))

    assert (cubic.lines[0].factor_source, cubic.total.net_m3) == ("taken_equal", D("330.00"))
    assert board.total.verdict is Verdict.NO_ANSWER
    assert [gap.what for gap in board.total.gaps] == ["diameters"]


# --- what is missing ----------------------------------------------------------------------------------------------


def test_without_books_there_is_no_answer_and_it_says_what_is_missing() -> None:
    case = judged(an_offer(), a_basis(bare=True))

    assert case.total.verdict is Verdict.NO_ANSWER
    assert [gap.what for gap in case.total.gaps] == ["cost_book", "price"]
    assert case.total.net_m3 == D("7.82")


@pytest.mark.parametrize(
    ("prices", "costs", "gaps"),
    [
        (a_price_book(), None, ["cost_book", "price"]),
        (None, a_cost_book(), ["price"]),
        (a_price_book(sawn(grade="D")), a_cost_book(), ["price_grade", "price"]),
        (a_price_book(sawn("0.50")), a_cost_book(), ["harvest_does_not_pay"]),
        (a_price_book(sawn(species=LUPUNA)), a_cost_book(), ["price"]),
        (a_price_book(sawn(mid={"amount": "1.00", "currency": "USD"})), a_cost_book(), ["fx", "price"]),
        (a_price_book(sawn(point_of_sale="wholesale_lima")), a_cost_book(), ["cost_steps", "price"]),
    ],
)
def test_each_missing_part_is_named(prices: Json | None, costs: Json | None, gaps: list[str]) -> None:
    case = judged(an_offer(), a_basis(prices, costs, bare=True))

    assert case.total.verdict is Verdict.NO_ANSWER
    assert [gap.what for gap in case.total.gaps] == gaps


def test_one_species_that_does_not_pay_its_harvest_leaves_an_answer_for_the_others() -> None:
    book = a_price_book(sawn("3.20", TORNILLO), sawn("0.50", LUPUNA))
    lot = {"basis": "census", "species": [*wood()["species"], *wood("100.000", LUPUNA, 20)["species"]]}

    case = judged(an_offer(per_tree("50", [TORNILLO]), per_tree("50", [LUPUNA]), lot=lot), a_basis(book))

    assert [line.verdict for line in case.lines] == [Verdict.FAR_BELOW, Verdict.NO_ANSWER]
    assert [gap.what for gap in case.lines[1].gaps] == ["harvest_does_not_pay"]
    assert (case.total.verdict, case.total.gaps) == (Verdict.FAR_BELOW, ())
    assert case.total.fair is not None
    assert case.total.fair.mid == case.fairs[TORNILLO].mid_m3 * 639


def test_with_every_part_there_is_an_answer() -> None:
    fx = {"pen_per_usd": "3.75", "on": "2026-11-01", "source": "SBS"}
    prices = a_price_book(sawn(mid={"amount": "0.853333", "currency": "USD"} | {"amount": "0.8533"}))

    case = judged(an_offer(), a_basis(prices, fx=fx))

    assert case.total.verdict is Verdict.FAR_BELOW
    assert case.total.fair_m3 is not None
    assert abs(case.total.fair_m3[1] - D("295.64")) < 1


def test_a_species_without_volume_and_trees_without_number_are_named() -> None:
    no_volume = judged(an_offer(per_tree("50", [LUPUNA])))
    no_trees = judged(an_offer(lot=wood(trees=None)))

    assert [gap.what for gap in no_volume.total.gaps] == ["volume"]
    assert [gap.what for gap in no_trees.total.gaps] == ["trees"]


def test_a_line_for_any_other_species_does_not_count_where_there_is_no_other() -> None:
    case = judged(an_offer(per_tree("50", [TORNILLO]), per_tree("20")))

    assert case.total.verdict is Verdict.FAR_BELOW
    assert case.lines[1].verdict is Verdict.NO_ANSWER
    assert case.total.gaps == ()


# --- residual and market ------------------------------------------------------------------------------------------


def standing(amount: str, **more: Any) -> Json:
    return sawn(amount, product="standing", unit="m3", rule="mean_of_ends", point_of_sale="stump", **more)


@pytest.mark.parametrize(
    ("market", "method", "mid"),
    [("200", "residual", "295.64"), ("400", "market", "400.00")],
)
def test_the_method_with_the_higher_low_bound_is_taken_and_both_are_kept(market: str, method: str, mid: str) -> None:
    case = judged(an_offer(), a_basis(a_price_book(sawn(), standing(market))))

    fair = case.fairs[TORNILLO]
    assert (fair.method, case.total.fair_m3 and case.total.fair_m3[1]) == (method, D(mid))
    assert fair.residual is not None
    assert fair.market is not None


def test_a_market_price_of_grade_d_is_never_judged_with() -> None:
    case = judged(an_offer(), a_basis(a_price_book(sawn(), standing("400", grade="D"))))

    assert case.fairs[TORNILLO].method == "residual"


def test_the_price_of_a_log_at_the_mill_comes_down_to_the_stump() -> None:
    log = sawn("500", product="log", unit="m3", rule="mean_of_ends")

    case = judged(an_offer(), a_basis(a_price_book(log)))

    assert case.total.fair_m3 == (D("342.00"),) * 3


def test_a_price_that_names_the_species_wins_over_any_and_the_newer_over_the_older() -> None:
    book = a_price_book(
        sawn("3.20"), sawn("4.00", TORNILLO, observed_on="2026-01-01"), sawn("5.00", TORNILLO, observed_on="2026-06-01")
    )

    entry = judged(an_offer(), a_basis(book)).fairs[TORNILLO].entry

    assert entry.mid.amount == D("5.00")


def test_the_low_bound_of_fair_value_is_never_below_nothing() -> None:
    book = a_price_book(sawn("2.00", low=pen("0.50"), high=pen("3.50")))

    fair = judged(an_offer(), a_basis(book)).total.fair_m3

    assert fair is not None
    assert fair[0] == 0
    assert fair[1] > 0


# --- properties ---------------------------------------------------------------------------------------------------

money = st.decimals(min_value="0.01", max_value="3000", places=2).map(lambda amount: pen(str(amount)))
days = st.integers(min_value=0, max_value=900)
deductions = st.lists(st.fixed_dictionaries({"kind": st.just("road"), "amount": money, "days": days}), max_size=4)
advances = st.lists(
    st.fixed_dictionaries(
        {"kind": st.just("cash"), "worth": money, "billed": money, "days": days, "recovered_days": days}
    ).map(lambda one: one | {"recovered_days": one["days"] + one["recovered_days"]}),
    max_size=3,
)
payments = st.integers(min_value=0, max_value=1_000).flatmap(
    lambda first: st.tuples(days, days).map(
        lambda when: [{"share_milli": first, "days": when[0]}, {"share_milli": 1_000 - first, "days": when[1]}]
    )
)
rules = st.sampled_from([rule.value for rule in LogRule])
units = st.sampled_from(["m3", "pt"])
prices = st.decimals(min_value="0.01", max_value="250", places=2).map(str)


@given(prices, units, rules, deductions, advances, payments)
def test_the_waterfall_sums_to_the_gap_to_the_cent(
    price: str, unit: str, rule: str, taken: list[Json], given_advances: list[Json], paid: list[Json]
) -> None:
    offer = an_offer(per_volume(price, unit, rule), lot=LOGS, deductions=taken, advances=given_advances, payments=paid)

    case = judged(offer)

    assert case.total.fair_m3 is not None
    assert case.total.net_m3 is not None
    assert sum(causes(case).values()) == case.total.fair_m3[1] - case.total.net_m3
    assert tuple(causes(case)) == CAUSES
    for line in case.lines:
        assert line.fair_m3 is not None
        assert line.net_m3 is not None
        assert sum(cause.amount for cause in line.causes) == line.fair_m3[1] - line.net_m3


@given(st.lists(st.decimals(min_value=-10_000, max_value=10_000, places=2), min_size=7, max_size=7))
def test_any_levels_fall_by_steps_that_sum_exactly(levels: list[Decimal]) -> None:
    assert sum(cause.amount for cause in waterfall(levels)) == levels[0] - levels[-1]


def test_a_waterfall_with_a_level_too_few_is_refused_and_the_whole_one_is_not() -> None:
    assert len(waterfall([D(0)] * 7)) == 6
    with pytest.raises(ValueError, match="7 levels"):
        waterfall([D(0)] * 6)


@given(prices, rules)
def test_the_same_price_entered_by_foot_or_by_cubic_metre_pays_the_same(price: str, rule: str) -> None:
    by_foot = judged(an_offer(per_volume(price, "pt", rule), lot=LOGS)).total.worth
    by_metre = judged(an_offer(per_volume(price, "m3", rule), lot=LOGS)).total.worth

    assert by_foot is not None
    assert by_metre is not None
    assert abs(by_metre.net * PT_PER_M3 - by_foot.net) < D("1e-12")


@given(st.permutations(t10()), st.permutations(range(3)))
def test_the_order_of_logs_and_lines_changes_nothing(logs: list[Json], order: list[int]) -> None:
    lines = [per_volume("1.20", "pt", "doyle", [TORNILLO]), per_tree("50", [CEDRO]), per_tree("90", [CAOBA])]
    more = [
        {"species": CEDRO, "volume_m3": "40.000", "trees": 9},
        {"species": CAOBA, "volume_m3": "12.000", "trees": 2},
    ]
    lot = {"basis": "logs", "logs": logs, "species": more}

    one = judged(an_offer(*lines, lot=lot | {"logs": t10()})).total
    other = judged(an_offer(*(lines[number] for number in order), lot=lot)).total

    assert (one.net_m3, one.fair_m3, one.verdict, one.losses) == (
        other.net_m3,
        other.fair_m3,
        other.verdict,
        other.losses,
    )


@given(rules, units)
def test_another_rule_never_changes_how_much_wood_there_is(rule: str, unit: str) -> None:
    case = judged(an_offer(per_volume("1.00", unit, rule), lot=LOGS), a_basis(base="smalian"))

    assert case.total.volume_m3 == D("13.8020")


@given(prices, prices)
def test_a_better_price_is_never_judged_worse(one: str, other: str) -> None:
    order = [Verdict.FAR_BELOW, Verdict.BELOW, Verdict.LOW_IN_RANGE, Verdict.FAIR]
    bands = a_price_book(sawn(low=pen("2.80"), high=pen("3.60")))
    less, more = sorted((one, other), key=D)

    lower, higher = (
        order.index(judged(an_offer(per_volume(price, "m3", "mean_of_ends")), a_basis(bands)).total.verdict)
        for price in (less, more)
    )

    assert lower <= higher


@given(payments)
def test_without_interest_it_does_not_matter_when_they_pay(paid: list[Json]) -> None:
    assert causes(judged(an_offer(payments=paid), a_basis(rate_milli=0)))["delay"] == 0


def test_worths_of_different_wood_add_and_none_at_all_is_lacking() -> None:
    one = Worth(D(1), D(2), D(3), D(4), D(5), D(6), D(7))

    assert total([one, one]) == Worth(D(2), D(4), D(6), D(8), D(10), D(12), D(14))
    with pytest.raises(Exception, match="volume"):
        total([])


@pytest.mark.parametrize(
    ("amount", "volume"),
    [("999999999999.9999", "10000000"), ("100", "0.001"), ("0.0001", "10000000"), ("0.0001", "0.001")],
)
@pytest.mark.parametrize("dear", ["250", "0.0001"])
def test_no_figure_is_too_large_or_too_small_to_be_told(amount: str, volume: str, dear: str) -> None:
    fx = {"pen_per_usd": "100", "on": "2026-11-01", "source": "x"}
    line = per_tree(kind="lump_sum", price={"amount": amount, "currency": "USD"})
    basis = a_basis(a_price_book(sawn(dear)), a_cost_book({"felling": "0.0001"}), fx=fx)

    case = judged(an_offer(line, lot=wood(volume, trees=10_000_000)), basis)

    flags = check_flags(case, flag_pack())
    floors = counter_offers(case, LIMITS.competent_margin)
    assert sensitivity(case) is not None
    assert all(len(spoken.sms) <= 480 for spoken in speak(case, flags, floors))
    assert case.total.net_m3 is not None


def test_judging_does_not_change_the_offer() -> None:
    offer = an_offer()
    before = copy.deepcopy(offer)

    judged(offer)

    assert offer == before
    assert discount_factor(D("0.18"), 0) == 1


STANDING = sawn("200", product="standing", unit="m3", rule="mean_of_ends", point_of_sale="stump")
LOG = sawn("400", product="log", unit="m3", rule="mean_of_ends", point_of_sale="river_port")


@pytest.mark.parametrize(
    ("entries", "signed", "verdict", "method"),
    [
        (
            [sawn(grade="A")],
            False,
            "no_answer",
            "residual",
        ),  # costs that nobody signed are in it, however good the price
        ([sawn(grade="A")], True, "far_below", "residual"),
        ([sawn(grade="given")], True, "far_below", "residual"),
        ([STANDING | {"grade": "C"}], False, "far_below", "market"),  # no costs are in it
        ([STANDING | {"grade": "given"}], False, "no_answer", "market"),
        ([LOG | {"grade": "A"}], False, "no_answer", "market"),  # it comes to the stump by costs
        ([LOG | {"grade": "A"}], True, "far_below", "market"),
        # An unsigned residual value of S/ 295.64 hides no standing price of S/ 200 that three reported; a signed one does.
        ([sawn(grade="A"), STANDING | {"grade": "C"}], False, "far_below", "market"),
        ([sawn(grade="A"), STANDING | {"grade": "C"}], True, "far_below", "residual"),
    ],
)
def test_a_verdict_rests_on_signed_costs_or_on_a_price_that_has_none(
    entries: list[Any], signed: bool, verdict: str, method: str
) -> None:
    costs = a_cost_book() if signed else a_cost_book(signed_by=None)

    case = judged(an_offer(), a_basis(a_price_book(*entries), costs))

    [line] = case.lines
    assert (line.verdict, line.fair.by_species[TORNILLO].method if line.fair else None) == (verdict, method)
    assert ("support" in {gap.what for gap in line.gaps}) is (verdict == "no_answer")
