"""Volumes of wood: official values, worked examples W01-W05, the table of rules, and the proof of exactness."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.timber import measure
from shared.timber.measure import (
    CUSTOMARY_PT_PER_M3,
    FT3_PER_M3,
    PT_PER_M3,
    SCALES,
    LogRule,
    LogSize,
    Unit,
    Volume,
    census_dm3,
    half_up,
    in_unit,
    mean_of_ends_dm3,
    rule_factor,
)

T10 = (
    *(LogSize(460, 420, 4_900),) * 4,
    *(LogSize(620, 560, 4_900),) * 4,
    *(LogSize(880, 800, 4_900),) * 2,
)
CENT = Decimal("0.01")

diameters = st.integers(min_value=0, max_value=measure.MAX_DIAMETER_MM)
lengths = st.integers(min_value=0, max_value=measure.MAX_LENGTH_MM)
logs = st.builds(
    LogSize,
    large_mm=st.integers(min_value=150, max_value=2_500),
    small_mm=st.integers(min_value=150, max_value=2_500),
    length_mm=st.integers(min_value=500, max_value=30_000),
    mid_mm=st.none() | st.integers(min_value=150, max_value=2_500),
)


# --- official volumes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("large_mm", "small_mm", "length_mm", "litres"),
    [
        (750, 720, 13_300, 5_643),
        (700, 710, 13_300, 5_192),
        (800, 640, 24_500, 9_975),
        (860, 760, 10_550, 5_436),
        (760, 700, 7_600, 3_181),
        (700, 630, 6_340, 2_202),
    ],
)
def test_a_felled_log_measures_what_the_official_record_says(
    large_mm: int, small_mm: int, length_mm: int, litres: int
) -> None:
    assert mean_of_ends_dm3(large_mm, small_mm, length_mm) == litres


@pytest.mark.parametrize(
    ("dbh_mm", "height_mm", "form_factor_milli", "litres"), [(800, 18_000, 650, 5_881), (950, 20_000, 710, 10_065)]
)
def test_a_standing_tree_measures_what_the_official_plan_says(
    dbh_mm: int, height_mm: int, form_factor_milli: int, litres: int
) -> None:
    assert census_dm3(dbh_mm, height_mm, form_factor_milli) == litres


def test_a_census_without_a_form_factor_takes_the_peruvian_default() -> None:
    assert census_dm3(800, 18_000) == census_dm3(800, 18_000, 650)


def test_millimetres_are_rounded_half_up_to_the_centimetre_before_the_formula() -> None:
    assert mean_of_ends_dm3(755, 720, 13_300) == mean_of_ends_dm3(760, 720, 13_300)
    assert mean_of_ends_dm3(754, 720, 13_300) == mean_of_ends_dm3(750, 720, 13_300)


def by_decimal_ends(large_mm: int, small_mm: int, length_mm: int) -> int:
    """The formula as the norm writes it, in 60 digits of Decimal, with pi from another source."""
    with localcontext() as context:
        context.prec = 60
        metres = [(Decimal(mm) / 1000).quantize(CENT, ROUND_HALF_UP) for mm in (large_mm, small_mm)]
        volume = pi_by_machin() / 4 * (sum(metres) / 2) ** 2 * (Decimal(length_mm) / 1000)
        return int(volume.quantize(Decimal("0.001"), ROUND_HALF_UP) * 1000)


def by_decimal_census(dbh_mm: int, height_mm: int, form_factor_milli: int) -> int:
    with localcontext() as context:
        context.prec = 60
        dbh_m, height_m = Decimal(dbh_mm) / 1000, Decimal(height_mm) / 1000
        volume = pi_by_machin() / 4 * dbh_m**2 * height_m * (Decimal(form_factor_milli) / 1000)
        return int(volume.quantize(Decimal("0.001"), ROUND_HALF_UP) * 1000)


def pi_scaled(digits: int) -> int:
    """Pi x 10**digits by Machin's formula in integers: an oracle that shares nothing with the module."""
    one = 10 ** (digits + 10)

    def arctan_inverse(x: int) -> int:
        term = total = one // x
        n, sign = 3, -1
        while term:
            term //= x * x
            total += sign * (term // n)
            n, sign = n + 2, -sign
        return total

    return 4 * (4 * arctan_inverse(5) - arctan_inverse(239)) // 10**10


_PI_100 = pi_scaled(100)


def pi_by_machin() -> Decimal:
    return Decimal(_PI_100).scaleb(-100)


def convergent_denominators_of_pi() -> Iterator[int]:
    """Denominators of the continued fraction of pi, from its 100-digit value."""
    numerator, denominator = _PI_100, 10**100
    before, now = 1, 0
    while True:
        quotient, rest = divmod(numerator, denominator)
        before, now = now, quotient * now + before
        yield now
        numerator, denominator = denominator, rest


@pytest.mark.parametrize(
    "largest_n",
    [
        (2 * measure.MAX_DIAMETER_MM // 10) ** 2 * measure.MAX_LENGTH_MM,
        measure.MAX_DIAMETER_MM**2 * measure.MAX_LENGTH_MM * measure.MAX_FORM_FACTOR_MILLI,
    ],
    ids=["mean_of_ends", "census"],
)
def test_forty_decimals_of_pi_round_every_log_within_the_bounds_as_pi_itself_would(largest_n: int) -> None:
    """Both volumes round pi x n / 2k for a whole n: they differ from the truth only if an integer lies between.

    Among all n up to N, pi x n comes nearest to an integer at a convergent of pi (Lagrange): the error of our pi,
    times N, must stay below that distance.
    """
    best = 1
    for denominator in convergent_denominators_of_pi():
        if denominator > largest_n:
            break
        best = max(best, denominator)
    nearest = min(_PI_100 * best % 10**100, -_PI_100 * best % 10**100)

    error = abs(_PI_100 - measure._PI_E40 * 10**60) + 1

    assert error * largest_n * 1_000 < nearest


def test_the_integer_formula_equals_the_decimal_one_over_a_wide_grid() -> None:
    ends = range(0, 2_600, 173)
    for large_mm, small_mm, length_mm in product(ends, ends, (1, 500, 2_439, 4_900, 10_550, 24_500, 99_999)):
        assert mean_of_ends_dm3(large_mm, small_mm, length_mm) == by_decimal_ends(large_mm, small_mm, length_mm)


@given(diameters, diameters, lengths)
def test_the_integer_formula_equals_the_decimal_one(large_mm: int, small_mm: int, length_mm: int) -> None:
    assert mean_of_ends_dm3(large_mm, small_mm, length_mm) == by_decimal_ends(large_mm, small_mm, length_mm)


@given(diameters, lengths, st.integers(min_value=0, max_value=measure.MAX_FORM_FACTOR_MILLI))
def test_the_integer_census_equals_the_decimal_one(dbh_mm: int, height_mm: int, form_factor_milli: int) -> None:
    assert census_dm3(dbh_mm, height_mm, form_factor_milli) == by_decimal_census(dbh_mm, height_mm, form_factor_milli)


@given(diameters, diameters, lengths)
def test_swapped_ends_hold_the_same_wood(large_mm: int, small_mm: int, length_mm: int) -> None:
    assert mean_of_ends_dm3(large_mm, small_mm, length_mm) == mean_of_ends_dm3(small_mm, large_mm, length_mm)


# --- W01 to W05 ------------------------------------------------------------------------------------------------


def test_w01_the_board_foot_is_exact_and_424_overstates_it() -> None:
    assert Decimal("0.0254") ** 3 * 144 == measure.PT_M3
    assert half_up(PT_PER_M3, Decimal("0.000001")) == Decimal("423.776001")
    assert half_up((CUSTOMARY_PT_PER_M3 / PT_PER_M3 - 1) * 100, Decimal("0.0001")) == Decimal("0.0529")
    assert half_up(220 * measure.PT_M3, Decimal("0.00001")) == Decimal("0.51914")
    assert half_up(FT3_PER_M3, Decimal("0.000001")) == Decimal("35.314667")


@pytest.mark.parametrize(
    ("rule", "volume_m3"), [(LogRule.SMALIAN, "1.3804"), (LogRule.HUBER, "1.3739"), (LogRule.NEWTON, "1.3761")]
)
def test_w02_one_log_by_three_cubic_rules(rule: LogRule, volume_m3: str) -> None:
    assert SCALES[rule].of(LogSize(620, 540, 5_200, 580)) == Volume(Decimal(volume_m3), Unit.M3, rule)


@pytest.mark.parametrize(("small_in", "board_feet"), [(8, 16), (12, 64), (16, 144), (20, 256), (28, 576), (40, 1296)])
def test_w03_doyle_of_sixteen_foot_logs(small_in: int, board_feet: int) -> None:
    assert measure.doyle_pt(Decimal(small_in), Decimal(16)) == board_feet


@pytest.mark.parametrize(
    ("rule", "amount"),
    [(LogRule.SMALIAN, "13.8020"), (LogRule.DOYLE, "3459.78"), (LogRule.OXAPAMPINA, "3639.04")],
)
def test_w04_each_log_of_the_lot_is_rounded_and_then_summed(rule: LogRule, amount: str) -> None:
    assert str(SCALES[rule].sum(T10).amount) == amount


def test_w04_what_each_trade_rule_credits_of_the_wood_there_is() -> None:
    geometric_pt = in_unit(SCALES[LogRule.SMALIAN].sum(T10), Unit.PT)

    assert half_up(geometric_pt, CENT) == Decimal("5848.96")
    assert half_up(SCALES[LogRule.DOYLE].sum(T10).amount / geometric_pt * 100, Decimal("0.1")) == Decimal("59.2")
    assert half_up(SCALES[LogRule.OXAPAMPINA].sum(T10).amount / geometric_pt * 100, Decimal("0.1")) == Decimal("62.2")


@pytest.mark.parametrize(("rule", "per_m3"), [(LogRule.DOYLE, "300.81"), (LogRule.OXAPAMPINA, "316.39")])
def test_w05_one_price_by_board_foot_is_two_prices_by_cubic_metre(rule: LogRule, per_m3: str) -> None:
    assert half_up(Decimal("1.20") * rule_factor(rule, Unit.PT, T10, LogRule.SMALIAN), CENT) == Decimal(per_m3)


def test_w05_totals_the_naive_factor_and_the_equivalent_price() -> None:
    doyle, oxapampina = (SCALES[rule].sum(T10).amount for rule in (LogRule.DOYLE, LogRule.OXAPAMPINA))

    assert half_up(Decimal("1.20") * doyle, CENT) == Decimal("4151.74")
    assert half_up(Decimal("1.20") * oxapampina, CENT) == Decimal("4366.85")
    assert half_up(Decimal("1.20") * PT_PER_M3, CENT) == Decimal("508.53")
    assert half_up(330 * SCALES[LogRule.SMALIAN].sum(T10).amount, CENT) == Decimal("4554.66")
    assert half_up(330 / rule_factor(LogRule.DOYLE, Unit.PT, T10, LogRule.SMALIAN), Decimal("0.0001")) == Decimal(
        "1.3165"
    )


# --- the table of rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("small_in", "smalian", "geometric", "quarter", "doyle_share", "doyle_to_quarter", "oxapampina_share"),
    [
        (8, "0.2026", "85.9", "38.7", "18.6", "41", "61.6"),
        (12, "0.4201", "178.0", "96.9", "36.0", "66", "62.0"),
        (16, "0.7166", "303.7", "180.6", "47.4", "80", "62.1"),
        (20, "1.0922", "462.9", "289.8", "55.3", "88", "62.2"),
        (28, "2.0807", "881.7", "584.6", "65.3", "99", "62.3"),
        (40, "4.1564", "1761.4", "1218.0", "73.6", "106", "62.3"),
    ],
)
def test_sixteen_foot_logs_with_two_inches_of_taper_give_the_published_table(
    small_in: int, smalian: str, geometric: str, quarter: str, doyle_share: str, doyle_to_quarter: str,
    oxapampina_share: str,
) -> None:  # fmt: skip
    small, large, length_ft = Decimal(small_in), Decimal(small_in + 2), Decimal(16)
    inch_m, foot_m = measure.INCH_MM / 1000, measure.FOOT_MM / 1000

    volume_m3 = measure.smalian_m3(large * inch_m, small * inch_m, length_ft * foot_m)
    geometric_pt = volume_m3 * PT_PER_M3
    quarter_pt = measure.international_quarter_pt(small, length_ft)
    doyle_pt = measure.doyle_pt(small, length_ft)
    oxapampina_pt = measure.oxapampina_pt((small + large) / 2, length_ft)

    assert half_up(volume_m3, Decimal("0.0001")) == Decimal(smalian)
    assert half_up(geometric_pt, Decimal("0.1")) == Decimal(geometric)
    assert half_up(quarter_pt, Decimal("0.1")) == Decimal(quarter)
    assert half_up(doyle_pt / geometric_pt * 100, Decimal("0.1")) == Decimal(doyle_share)
    assert half_up(doyle_pt / quarter_pt * 100, Decimal(1)) == Decimal(doyle_to_quarter)
    assert half_up(oxapampina_pt / geometric_pt * 100, Decimal("0.1")) == Decimal(oxapampina_share)


def test_oxapampina_credits_the_same_share_of_the_cylinder_whatever_the_diameter() -> None:
    for diameter_in in (Decimal(8), Decimal(20), Decimal(60)):
        cylinder_pt = measure.PI / 4 * diameter_in * diameter_in / 144 * 16 * 12
        share = measure.oxapampina_pt(diameter_in, Decimal(16)) / cylinder_pt
        assert half_up(share * 100, CENT) == Decimal("62.36")


def test_doyle_and_oxapampina_cross_at_twenty_and_eighty_five_hundredths_inches() -> None:
    length_ft = Decimal(16)
    below, above = Decimal("20.84"), Decimal("20.86")

    assert measure.doyle_pt(below, length_ft) < measure.oxapampina_pt(below, length_ft)
    assert measure.doyle_pt(above, length_ft) > measure.oxapampina_pt(above, length_ft)


def test_newton_is_exact_for_a_cone_and_between_the_other_two() -> None:
    large, small, length = Decimal("0.80"), Decimal("0.40"), Decimal(6)
    cone = measure.PI * length / 12 * (large**2 + large * small + small**2)

    newton = measure.newton_m3(large, (large + small) / 2, small, length)

    assert half_up(newton, Decimal("0.0000000001")) == half_up(cone, Decimal("0.0000000001"))
    assert measure.huber_m3((large + small) / 2, length) < newton < measure.smalian_m3(large, small, length)


def test_smalian_exceeds_mean_of_ends_by_what_the_formulas_say() -> None:
    large, small, length = Decimal("0.80"), Decimal("0.64"), Decimal("24.5")

    gap = measure.smalian_m3(large, small, length) - measure.huber_m3((large + small) / 2, length)

    assert half_up(gap, Decimal("0.001")) == Decimal("0.123")


def test_a_remainder_counts_by_its_share_of_a_section_at_its_own_diameter() -> None:
    four, eight, six = (measure.international_quarter_pt(Decimal(12), Decimal(feet)) for feet in (4, 8, 6))

    assert six == four + (eight - four) / 2


def test_thin_logs_hold_nothing_under_a_board_foot_rule_and_never_less() -> None:
    for rule in (measure.doyle_pt, measure.scribner_pt, measure.international_quarter_pt):
        assert rule(Decimal(3), Decimal(4)) == 0
        assert rule(Decimal(12), Decimal(16)) > 0


def test_scribner_by_its_formula() -> None:
    assert measure.scribner_pt(Decimal(12), Decimal(16)) == Decimal("85.76")


def test_sawn_board_feet_round_each_piece_and_then_multiply() -> None:
    one = measure.sawn_pt(50, 250, 3_050)

    assert one == Decimal("16.16")
    assert measure.sawn_pt(50, 250, 3_050, pieces=3) == Decimal("48.48")


# --- a volume always says its rule -----------------------------------------------------------------------------


def test_every_rule_has_a_scale_that_names_it() -> None:
    assert set(SCALES) == set(LogRule)
    assert all(SCALES[rule].of(T10[0]).rule is rule for rule in LogRule)


def test_volumes_of_one_rule_add_and_those_of_two_rules_do_not() -> None:
    doyle, smalian = SCALES[LogRule.DOYLE].of(T10[0]), SCALES[LogRule.SMALIAN].of(T10[0])

    assert (doyle + doyle).amount == 2 * doyle.amount
    with pytest.raises(ValueError, match="do not add"):
        _ = doyle + smalian


def test_a_lot_without_wood_has_no_rule_factor_and_one_with_wood_has() -> None:
    assert rule_factor(LogRule.MEAN_OF_ENDS, Unit.M3, T10) == 1
    with pytest.raises(ValueError, match="no wood"):
        rule_factor(LogRule.DOYLE, Unit.PT, [])


@given(st.lists(logs, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_logs_changes_nothing(lot: list[LogSize], random: Random) -> None:
    shuffled = list(lot)
    random.shuffle(shuffled)
    for scale in SCALES.values():
        assert scale.sum(lot) == scale.sum(shuffled)


@given(st.lists(logs, min_size=1, max_size=6))
def test_choosing_another_rule_never_changes_the_smalian_volume(lot: list[LogSize]) -> None:
    base = SCALES[LogRule.SMALIAN].sum(lot).amount
    for rule in LogRule:
        credited = SCALES[rule].sum(lot)
        for unit in Unit:
            implied = (
                in_unit(credited, unit) / rule_factor(rule, unit, lot, LogRule.SMALIAN) if credited.amount else base
            )
            assert half_up(implied, Decimal("0.0001")) == base


@given(logs, st.integers(min_value=10, max_value=300))
def test_a_thicker_log_never_holds_less(log: LogSize, more_mm: int) -> None:
    thicker = LogSize(
        log.large_mm + more_mm,
        log.small_mm + more_mm,
        log.length_mm,
        None if log.mid_mm is None else log.mid_mm + more_mm,
    )
    for scale in SCALES.values():
        assert scale.of(thicker).amount >= scale.of(log).amount
