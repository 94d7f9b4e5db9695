"""Estimates from a sample, against scipy, against counting, and against forests whose truth is known."""

import random
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from services.permits.domain.estimate import (
    Seen,
    clopper_pearson,
    detection_permille,
    estimate,
    phantoms_between,
    power_table,
)
from shared.timber.lottery import sample_of

SAMPLES = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(SAMPLES, st.sampled_from([900, 950, 990]))
def test_the_interval_of_a_share_is_that_of_the_beta_quantiles(sample: tuple[int, int], confidence: int) -> None:
    found, n = sample
    tail = (1 - confidence / 1000) / 2

    low, high = clopper_pearson(found, n, confidence)

    assert low == pytest.approx(0 if found == 0 else beta.ppf(tail, found, n - found + 1), abs=1e-9)
    assert high == pytest.approx(1 if found == n else beta.ppf(1 - tail, found + 1, n - found), abs=1e-9)


@pytest.mark.parametrize(("found", "sample"), [(0, 0), (2, 1), (-1, 5)])
def test_there_is_no_share_of_no_sample(found: int, sample: int) -> None:
    with pytest.raises(ValueError, match="sample"):
        clopper_pearson(found, sample, 950)


def _by_counting(found: int, n: int, trees: int, tail: Fraction) -> tuple[int, int]:
    """The phantoms that leave both tails credible, by counting every sample."""

    def at_most(k: int, phantoms: int) -> Fraction:
        ways = sum(comb(phantoms, i) * comb(trees - phantoms, n - i) for i in range(k + 1))
        return Fraction(ways, comb(trees, n))

    credible = [
        phantoms for phantoms in range(found, trees - (n - found) + 1)
        if at_most(found, phantoms) > tail and 1 - (at_most(found - 1, phantoms) if found else 0) > tail
    ]  # fmt: skip
    return min(credible), max(credible)


@settings(deadline=None)
@given(st.integers(1, 30).flatmap(lambda trees: st.tuples(st.just(trees), st.integers(1, trees))), st.data())
def test_the_counts_of_a_small_stratum_are_those_of_counting_all_samples(
    sizes: tuple[int, int], data: st.DataObject
) -> None:
    trees, n = sizes
    found = data.draw(st.integers(0, n))

    assert phantoms_between(found, n, trees, 950) == _by_counting(found, n, trees, Fraction(25, 1000))


def test_a_stratum_seen_whole_leaves_nothing_to_chance() -> None:
    assert phantoms_between(3, 40, 40, 950) == (3, 3)
    assert phantoms_between(3, 40, 40, 950, unknown=2) == (3, 5)


def test_trees_not_reached_widen_the_interval_on_both_sides() -> None:
    low, high = phantoms_between(3, 59, 1_000, 950)
    wider = phantoms_between(3, 59, 1_000, 950, unknown=5)

    assert wider[0] <= low
    assert wider[1] > high


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 60), st.sampled_from([10, 50, 200, 500]))
def test_the_chance_to_catch_one_is_that_of_counting(trees: int, n: int, share: int) -> None:
    n = min(n, trees)
    phantoms = max(1, -(-trees * share // 1000))

    chance = 1 - Fraction(comb(trees - phantoms, n), comb(trees, n))

    assert detection_permille(trees, n, share) == int(chance * 1000)


def test_the_power_table_says_what_each_share_would_need() -> None:
    table = power_table([("cites", 0, 0), ("other", 2_000, 59)], 950)

    assert [(row["share_permille"], row["large_stratum"]) for row in table[:4]] == [
        (10, 299),
        (20, 149),
        (50, 59),
        (100, 29),
    ]
    [other] = table[2]["strata"]  # type: ignore[misc]
    assert other["needed"] == sample_of(2_000, 50, 950) <= 59
    assert other["detection_permille"] >= 950


def a_stratum(**changes: object) -> Seen:
    values = {
        "name": "other", "trees": 1_000, "volume_dm3": 5_000_000, "drawn": 59, "reached": 59, "absent": 0, "mismatched": 0,
        "reached_dm3": 295_000, "absent_dm3": 0, "measured_dm3": 295_000, "excess_dm3": 0, "unseen_dm3": (5_000,) * 941,
    } | changes  # fmt: skip
    return Seen(**values)  # type: ignore[arg-type]


def test_what_nobody_saw_is_bounded_by_the_largest_trees_that_are_left() -> None:
    unseen = (*(9_000,) * 100, *(1_000,) * 841)
    [one] = estimate([a_stratum(absent=3, absent_dm3=15_000, unseen_dm3=unseen)], 950)

    beyond = one.phantoms_at_most - 3
    assert beyond > 100
    assert one.phantom_dm3_at_most == 15_000 + 900_000 + (beyond - 100) * 1_000
    assert one.phantom_dm3_at_least == 15_000 + (one.phantoms_at_least - 3) * 1_000
    assert one.phantom_dm3 == 5_000_000 * 15_000 // 295_000


def test_overstated_size_is_weighed_by_volume_and_never_offset_by_trees_that_grew() -> None:
    layers = [
        a_stratum(name="high_value", excess_dm3=59_000),
        a_stratum(name="other", volume_dm3=15_000_000, excess_dm3=0),
    ]
    *_, whole = estimate(layers, 950)

    assert whole.overstated_permille == 50  # a fifth of a quarter


def test_a_stratum_that_nobody_reached_has_no_estimate_and_every_bound() -> None:
    [one] = estimate([a_stratum(reached=0, reached_dm3=0, measured_dm3=0, unseen_dm3=(5_000,) * 1_000)], 950)

    assert (one.share.estimate_ppm, one.phantom_dm3, one.overstated_permille) == (None, None, None)
    assert (one.phantoms_at_least, one.phantoms_at_most) == (0, 1_000)


def _misses(share: float, rounds: int) -> int:
    """How often the bounds for all strata miss the truth."""
    chance, missed = random.Random(11), 0
    for _ in range(rounds):
        layers, truth = [], 0
        for name, trees in (("cites", 12), ("high_value", 150), ("other", 400)):
            phantoms = round(share * trees)
            n = trees if name == "cites" else sample_of(trees, 50, 950)
            absent = sum(tree < phantoms for tree in chance.sample(range(trees), n))
            truth += phantoms
            layers.append(
                a_stratum(name=name, trees=trees, drawn=n, reached=n, absent=absent, unseen_dm3=(5_000,) * (trees - n))
            )
        *_, whole = estimate(layers, 950)
        missed += not whole.phantoms_at_least <= truth <= whole.phantoms_at_most
    return missed


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_the_bounds_hold_the_truth_as_often_as_they_say(share: float) -> None:
    assert _misses(share, 100) <= 12  # 5 expected at most; 12 is three standard deviations


@pytest.mark.full
@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.2, 0.3])
def test_the_bounds_hold_the_truth_as_often_as_they_say_over_many_samples(share: float) -> None:
    assert _misses(share, 1_000) <= 50 + 3 * (1_000 * 0.05 * 0.95) ** 0.5
