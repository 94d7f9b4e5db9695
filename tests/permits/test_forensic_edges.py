"""F18: where the diameters of harvestable trees begin, against the minimum diameters of the norms or of the plan."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from services.permits.domain.census import Tree
from services.permits.domain.finding import Finding
from services.permits.domain.forensics.along import edge_likelihood
from services.permits.domain.forensics.edges import _Group, _odds, measure_edges
from services.permits.domain.forensics.found_marks import find_marks
from services.permits.domain.forensics.stand import stand_of
from services.permits.domain.forensics.thresholds import thresholds_on

NORMS = thresholds_on(date(2026, 11, 29))
SPECIES = ("Alpha beta", "Gamma delta", "Epsilon zeta", "Eta theta")


def a_tree(code: int, species: str, dbh_mm: int, condition: str, dmc_mm: int | None = None) -> Tree:
    return Tree(
        "PC 01", str(code), species, "", "", "", dbh_mm, 15_000 + 10 * (code % 300), 2_000, condition, "18S",
        5_000_000 + 37 * code, 90_000_000 + 53 * (code % 90), dmc_mm, "CSV", code + 1,
    )  # fmt: skip


def a_whole_list(trees: int = 600, seed: int = 3) -> list[Tree]:
    """Every tree from 40 cm on; what is thinner than 50 cm is left for later, and above it half may fall."""
    rng = np.random.default_rng(seed)
    sizes = np.rint(400 + rng.exponential(150, trees)).astype(int).tolist()
    return [
        a_tree(k, SPECIES[k % 4], dbh, "future" if dbh < 500 or rng.random() < 0.5 else "harvestable")
        for k, dbh in enumerate(sizes)
    ]


def a_list_of_minima(minima_mm: tuple[int, ...], each: int = 60, seed: int = 4) -> list[Tree]:
    """Harvestable trees of species with minimum diameters of their own, which the plan names."""
    rng = np.random.default_rng(seed)
    return [
        a_tree(g * each + k, SPECIES[g % 4], int(least + rng.exponential(140)), "harvestable", least)
        for g, least in enumerate(minima_mm)
        for k in range(each)
    ]


def f18(trees: list[Tree]) -> Finding:
    return next(one for one in find_marks(stand_of(trees), NORMS)[0] if one.rule == "F18")


def raised(trees: list[Tree], factor: float = 1.0, more_mm: int = 0) -> list[Tree]:
    return [tree._replace(dbh_mm=round(tree.dbh_mm * factor) + more_mm) for tree in trees]


def cut_higher(trees: list[Tree], cut_mm: int) -> list[Tree]:
    """A company that fells from its own diameter on and lists what is thinner as left for later."""
    return [tree._replace(condition="future") if tree.dbh_mm < cut_mm else tree for tree in trees]


@pytest.mark.parametrize(("factor", "more_mm"), [(1.1, 0), (1.2, 0), (1.0, 40), (1.0, 80)])
def test_a_raise_that_leaves_no_edge_at_a_round_diameter_asks_a_supervisor(factor: float, more_mm: int) -> None:
    honest = a_whole_list()

    found = f18(raised(honest, factor, more_mm))

    assert f18(honest).status == "PASS"
    assert found.severity == "S3"
    along = (
        found.computed["along_factor"] * 500 + found.computed["along_mm"]
    )  # near the edge, both kinds of raise look alike
    assert along == pytest.approx(factor * 500 + more_mm, abs=12)
    assert found.evidence


@pytest.mark.parametrize("cut_mm", [550, 600, 650, 583])
@pytest.mark.parametrize("begun_mm", [400, 410])
def test_a_cut_of_its_own_over_a_list_begun_at_a_round_diameter_only_asks(cut_mm: int, begun_mm: int) -> None:
    found = f18(cut_higher([tree for tree in a_whole_list() if tree.dbh_mm >= begun_mm], cut_mm))

    assert found.severity == "S2"
    assert "columna dmc" in found.es
    assert "column dmc" in found.en
    assert found.evidence


@pytest.mark.parametrize(("factor", "more_mm"), [(1.3, 0), (1.4, 0), (1.0, 50), (1.0, 100)])
def test_a_raise_to_about_round_diameters_again_is_told_from_no_own_cut_and_only_asks(
    factor: float, more_mm: int
) -> None:
    assert f18(raised(a_whole_list(), factor, more_mm)).severity == "S2"


def test_who_measures_girths_may_begin_at_a_round_girth() -> None:
    begun_mm = round(1500 / np.pi)  # 477 mm: nearly 1.2 times 40 cm
    trees = cut_higher([tree for tree in a_whole_list(2_000) if tree.dbh_mm >= begun_mm], 600)
    taped = [tree._replace(dbh_mm=round(max(round(tree.dbh_mm * np.pi / 10), 150) * 10 / np.pi)) for tree in trees]

    assert f18(taped).severity == "S2"
    assert f18(raised(cut_higher(a_whole_list(2_000), 500), 1.2)).severity == "S3"


def test_crews_that_pass_by_the_thinnest_trees_have_raised_nothing() -> None:
    rng = np.random.default_rng(6)
    honest = cut_higher(a_whole_list(1_500), 600)
    passed_by = [tree for tree in honest if tree.dbh_mm >= 415 or rng.random() < 0.3]

    assert f18(passed_by).severity == "S2"


def test_a_plan_that_names_its_own_minimum_explains_where_its_trees_begin() -> None:
    unexplained = raised(a_whole_list(), 1.2)
    explained = [tree._replace(dmc_mm=600) for tree in unexplained]

    assert f18(unexplained).severity == "S3"
    assert f18(explained).status == "PASS"


def test_a_list_cut_at_one_larger_diameter_leaves_nothing_between() -> None:
    cut = [tree for tree in a_whole_list(900) if tree.dbh_mm >= 600]

    assert f18(cut).status == "PASS"


def test_edges_in_proportion_to_the_minima_are_a_multiplication_and_other_choices_are_not() -> None:
    minima = (410, 460, 510, 610)
    honest = a_list_of_minima(minima)

    multiplied = f18(raised(honest, 1.2))

    assert multiplied.severity == "S3"
    assert multiplied.computed["factor"] == pytest.approx(1.2, abs=0.02)
    assert f18(honest).status == "PASS"
    assert f18(raised(honest, more_mm=50)).status == "PASS"  # a margin on top of each minimum
    assert f18([tree for tree in honest if tree.dbh_mm >= 650]).status == "PASS"  # one threshold for all


def test_a_forest_that_thins_out_towards_its_limit_has_no_edge_of_a_multiplication() -> None:
    """Large trees of one species, as in some forests: few stand near the minimum, and none begins at a place of its own."""
    rng = np.random.default_rng(8)
    sizes = {410: 1_950, 460: 50, 510: 40}
    honest = [
        a_tree(1_000 * least + k, SPECIES[least % 4], int(least + rng.gamma(2.0, 150)), "harvestable", least)
        for least, trees in sizes.items()
        for k in range(trees)
    ]

    assert f18(honest).status == "PASS"


def test_under_three_minima_a_factor_is_no_explanation() -> None:
    assert measure_edges(stand_of(raised(a_list_of_minima((410, 510)), 1.2)), 500).factor_gain == 0


@given(st.integers(1, 80), st.integers(0, 20), st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_the_odds_are_those_of_two_binomials(future: int, fell: int, share: float) -> None:
    n = future + fell
    expected = stats.binom.logpmf(fell, n, fell / n) - stats.binom.logpmf(fell, n, share)

    assert _odds(future, fell, share) == pytest.approx(expected if fell / n < share else 0.0, abs=1e-6)


@given(st.integers(0, 2**31), st.integers(15, 80))
@settings(max_examples=40, deadline=None)
def test_an_edge_is_weighed_by_the_exponential_tail_above_it(seed: int, trees: int) -> None:
    dbh = 500 + np.random.default_rng(seed).exponential(120, trees)
    group = _Group(410, float(dbh.min()), float(dbh.mean()), dbh)

    def oracle(edge: float) -> float:
        return float(stats.expon.logpdf(dbh, loc=edge, scale=dbh.mean() - edge).sum())

    assert group.likelihood(490) - group.likelihood(450) == pytest.approx(oracle(490) - oracle(450))
    assert group.likelihood(float(dbh.min()) + 1) == -np.inf


@given(st.integers(0, 2**31), st.integers(15, 80))
@settings(max_examples=40, deadline=None)
def test_where_a_list_begins_is_weighed_by_its_tail_and_its_slips(seed: int, trees: int) -> None:
    dbh = np.rint(400 + np.random.default_rng(seed).exponential(120, trees)).astype(np.int64)

    def oracle(edge: float) -> float:
        above, below = dbh[dbh >= edge], dbh[dbh < edge]
        scale = max(float(above.mean()) - edge, 1.0)
        return float((np.log(0.98) + stats.expon.logpdf(above, loc=edge, scale=scale)).sum()) + len(below) * np.log(
            0.02 / 200
        )

    edges = np.array([380.0, 400.0, 420.0])

    assert edge_likelihood(dbh, edges).tolist() == pytest.approx([oracle(float(edge)) for edge in edges])


@given(st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_list_says_nothing_of_its_edges(seed: int) -> None:
    trees = raised(a_whole_list(200), 1.2)
    shuffled = [trees[k]._replace(row=n + 2) for n, k in enumerate(np.random.default_rng(seed).permutation(200))]

    one, other = (replace(measure_edges(stand_of(some), 500), between=np.empty(0)) for some in (trees, shuffled))

    assert (one.rise_mm, one.gain, one.share_above) == (other.rise_mm, other.gain, other.share_above)
