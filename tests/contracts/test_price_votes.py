"""What counts as one vote, and the middle of a few votes."""

import json
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

import services.contracts
from services.contracts.domain.estimate import Cell, Tier, clusters, parameters_on
from services.contracts.domain.estimate.observation import Observation, votes
from services.contracts.domain.estimate.robust import robust_mean, weighted_median
from tests.contracts.price_reports import CEDRO, ON, TORNILLO, a_report, parameters

LOGS = st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=15)


def test_an_entity_has_one_vote_in_a_cell_and_half_life_however_often_it_reports() -> None:
    often = [a_report(f"{price}.00", days_ago=n) for n, price in enumerate((290, 300, 310, 300, 295))]

    found = votes(often, ON, parameters(), {})

    assert [(vote.party, vote.window) for vote in found] == [("c-1", 0)]
    assert found[0].weight == 1.0
    assert math.exp(found[0].log_price) == pytest.approx(299, abs=4)


def test_it_has_another_in_another_cell_and_in_the_half_life_before() -> None:
    reports = [a_report(), a_report(cell=CEDRO), a_report(days_ago=800)]

    assert {(vote.cell, vote.window) for vote in votes(reports, ON, parameters(), {})} == {
        (TORNILLO, 0), (CEDRO, 0), (TORNILLO, 1),
    }  # fmt: skip


def test_what_was_observed_later_or_too_long_ago_does_not_count() -> None:
    reports = [a_report(days_ago=-1), a_report(days_ago=5 * 366)]

    assert votes(reports, ON, parameters(), {}) == []
    assert len(votes([a_report(days_ago=0)], ON, parameters(), {})) == 1


def test_a_vote_weighs_as_the_best_report_of_its_party_and_less_with_age() -> None:
    oral, sealed, old = (a_report(tier=Tier.ORAL), a_report(tier=Tier.SEALED), a_report(entity="old", days_ago=365))

    by_party = {vote.party: vote.weight for vote in votes([oral, sealed, old], ON, parameters(), {})}

    assert by_party["c-1"] == pytest.approx(0.5 ** (30 / 730))
    assert by_party["old"] == pytest.approx(0.5**0.5)


def test_related_entities_are_one_party_through_any_chain_of_links() -> None:
    parties = clusters([("b", "a"), ("c", "b"), ("x", "y")])

    assert parties == {"a": "a", "b": "a", "c": "a", "x": "x", "y": "x"}
    reports = [a_report(entity=name) for name in "abcxyz"]
    assert sorted(vote.party for vote in votes(reports, ON, parameters(), parties)) == ["a", "x", "z"]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=12), st.randoms())
def test_the_order_of_the_links_changes_no_party(links: list[tuple[str, str]], random: object) -> None:
    shuffled = [(two, one) for one, two in links]
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert clusters(shuffled) == clusters(links)


@pytest.mark.parametrize("price", ["0", "-3", "NaN", "Infinity"])
def test_a_report_without_a_price_above_nothing_cannot_be_written(price: str) -> None:
    with pytest.raises(ValueError, match="not above nothing"):
        a_report(price)


def test_a_report_names_its_species_and_region() -> None:
    with pytest.raises(ValueError, match="no species or no region"):
        a_report(cell=Cell("standing/stump", None, "ucayali"))
    assert isinstance(a_report(), Observation)


# ---- the middle


@settings(max_examples=40)
@given(LOGS)
def test_the_weighted_median_with_equal_weights_is_the_median(values: list[float]) -> None:
    assert weighted_median(values, [0.7] * len(values)) == pytest.approx(float(np.median(values)), abs=1e-12)


def test_the_weighted_median_is_interpolated() -> None:
    assert weighted_median([1.0, 2.0, 3.0], [1.0, 1.0, 2.0]) == pytest.approx(2 + 0.5 / 1.5)


@pytest.mark.parametrize("seed", range(8))
def test_the_middle_is_the_mean_of_its_distribution_as_an_integrator_finds_it(seed: int) -> None:
    p, random = parameters(), np.random.default_rng(seed)
    y, given_ = random.normal(0, 0.3, seed + 2), random.choice([0.4, 0.6, 0.8, 1.0], seed + 2)
    w = np.minimum(given_, p.most_weight * given_.mean())
    median = weighted_median(y, w)
    reach = float(np.abs(y - median).max()) + 3 * min(float(scatter) for scatter in p.scatters)

    def likely(at: float) -> float:
        """The chances of the scatters, times the product of what each makes of the votes."""
        return sum(
            chance
            * float(
                np.prod(
                    (
                        (1 - p.gross_share) * stats.norm.pdf(y, at, float(scatter))
                        + p.gross_share * stats.norm.pdf(y, at, p.gross_scatter)
                    )
                    ** (w / w.mean())
                )
            )
            for scatter, chance in p.scatters.items()
        )

    whole = integrate.quad(likely, median - reach, median + reach, limit=200)[0]
    first = integrate.quad(lambda at: at * likely(at), median - reach, median + reach, limit=200)[0]
    assert robust_mean(list(y), list(given_), p).mean == pytest.approx(first / whole, abs=1e-3)


def test_votes_in_which_no_error_is_thinkable_have_their_plain_weighted_mean() -> None:
    found = robust_mean([0.0, 0.1, 3.0], [1.0, 0.5, 0.4], parameters().trusting())

    assert found.mean == pytest.approx((0.05 + 1.2) / 1.9)
    assert found.kept == (1.0, 1.0, 1.0)


@settings(max_examples=40)
@given(st.lists(st.floats(-0.5, 0.5), min_size=3, max_size=12), st.floats(-2, 2), st.floats(-0.01, 0.01))
def test_a_vote_that_moves_a_little_moves_the_middle_by_less(values: list[float], last: float, by: float) -> None:
    weights = [1.0] * (len(values) + 1)
    first, second = (robust_mean([*values, at], weights, parameters()).mean for at in (last, last + by))

    assert abs(second - first) <= abs(by) + 1e-6


@settings(max_examples=40)
@given(LOGS, st.floats(-3, 3))
def test_prices_in_another_currency_have_the_same_middle_in_it(values: list[float], rate: float) -> None:
    weights = [1.0] * len(values)
    moved = robust_mean([value + rate for value in values], weights, parameters())

    assert moved.mean == pytest.approx(robust_mean(values, weights, parameters()).mean + rate, abs=1e-6)


@settings(max_examples=40)
@given(LOGS, st.randoms())
def test_the_order_of_the_votes_changes_no_bit(values: list[float], random: object) -> None:
    pairs = [(value, 0.4 + 0.2 * (n % 4)) for n, value in enumerate(values)]
    first = robust_mean(*zip(*pairs, strict=True), parameters())  # type: ignore[arg-type]
    random.shuffle(pairs)  # type: ignore[attr-defined]

    assert robust_mean(*zip(*pairs, strict=True), parameters()).mean == first.mean  # type: ignore[arg-type]


@settings(max_examples=40)
@given(st.floats(0.0, 0.1), st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_who_is_further_off_never_keeps_more_of_its_weight(scatter: float, one: float, other: float) -> None:
    rest = [scatter * by for by in (-2, -1, -1, 0, 0, 1, 1, 2)]
    near, far = (robust_mean([*rest, at], [1.0] * 9, parameters()).kept[-1] for at in sorted((one, other)))

    assert 0 <= far <= near + 1e-6 <= 1 + 1e-6


def test_a_vote_far_off_all_others_hardly_counts_and_one_nearby_does() -> None:
    rest = [0.0, 0.02, -0.03, 0.05, -0.04, 0.01]

    assert robust_mean([*rest, -2.0], [1.0] * 7, parameters()).kept[-1] < 0.001
    assert robust_mean([*rest, -0.7], [1.0] * 7, parameters()).kept[-1] < 0.2
    assert robust_mean([*rest, 0.03], [1.0] * 7, parameters()).kept[-1] == 1


# ---- parameters are dated data


def test_a_later_value_counts_from_its_day_and_changes_the_hash_only_then() -> None:
    row = {"name": "half_life_days", "value": 365, "valid_from": "2027-01-01", "source": "test"}
    document = {"version": "x", "parameters": [*_rows(), row]}

    before, after = parameters_on(document, date(2026, 12, 31)), parameters_on(document, date(2027, 1, 1))

    assert (before.half_life_days, after.half_life_days) == (730, 365)
    now = parameters_on({"version": "x", "parameters": _rows()}, date(2026, 12, 31))
    assert before.sha256 == now.sha256 != after.sha256


def test_an_estimate_of_a_day_before_the_variances_were_fitted_again_has_those_of_then() -> None:
    document = {"version": "x", "parameters": _rows()}

    before, since = parameters_on(document, date(2026, 11, 28)), parameters_on(document, date(2026, 11, 29))

    assert (before.spread.cell, since.spread.cell) == (0.0015, 0.00365)
    assert (before.bands[80], since.bands[80]) == (1.35, 1.57)


def test_before_any_value_is_in_force_there_is_no_estimator() -> None:
    with pytest.raises(ValueError, match="is in force on 2000-01-01"):
        parameters_on({"version": "x", "parameters": _rows()}, date(2000, 1, 1))


def test_every_value_names_its_source() -> None:
    assert all(row["source"] for row in _rows())


def _rows() -> list[dict[str, object]]:
    text = (Path(services.contracts.__file__).parent / "data" / "estimator.json").read_text(encoding="utf-8")
    rows: list[dict[str, object]] = json.loads(text)["parameters"]
    return rows
