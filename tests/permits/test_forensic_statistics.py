"""The statistics behind the forensic rules, against closed forms, brute force and scipy."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, cKDTree
from scipy.stats import expon, norm

from services.permits.domain.forensics.copies import measure_runs, measure_twins
from services.permits.domain.forensics.diameters import l_skewness
from services.permits.domain.forensics.lines import other_places
from services.permits.domain.forensics.near import (
    Pairs,
    candidates,
    nearest_m,
    pairs_between,
    pairs_within,
    pieces,
    thinned,
)
from services.permits.domain.forensics.pattern import (
    HEAPED,
    MAX_CANDIDATES,
    chosen,
    clark_evans,
    mantel,
    measure_pattern,
)
from services.permits.domain.forensics.stand import Ground, hull, stand_of
from services.permits.domain.forensics.thresholds import thresholds_on
from tests.permits.forensics_plans import honest


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.floats(1, 400))
def test_near_pairs_are_those_of_a_kd_tree(seed: int, n: int, r_m: float) -> None:
    xy = np.random.default_rng(seed).uniform(0, 1000, (n, 2)).round(1)

    found = pairs_within(xy[:, 0], xy[:, 1], r_m)

    expected = cKDTree(xy).query_pairs(r_m) if n else set()
    assert {tuple(sorted(pair)) for pair in zip(found.i.tolist(), found.j.tolist(), strict=True)} == expected
    assert len(found.i) == len(expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 200), st.integers(0, 200), st.floats(1, 400))
def test_near_pairs_of_two_lists_are_those_of_two_kd_trees(seed: int, n: int, m: int, r_m: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0, 1000, (n, 2)).round(1), rng.uniform(300, 1500, (m, 2)).round(1)

    found = pairs_between((a[:, 0], a[:, 1]), (b[:, 0], b[:, 1]), r_m)

    expected = cKDTree(a).query_ball_tree(cKDTree(b), r_m) if n and m else []
    assert sorted(zip(found.i.tolist(), found.j.tolist(), strict=True)) == sorted(
        (i, j) for i, near in enumerate(expected) for j in near
    )
    assert found.d_m == pytest.approx(np.hypot(*(a[found.i] - b[found.j]).T))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(0, 400))
def test_pieces_are_the_components_of_the_graph_by_their_first_place(seed: int, n: int, m: int) -> None:
    i, j = np.random.default_rng(seed).integers(0, n, (2, m))

    found = pieces(n, Pairs(i, j, np.zeros(m)))

    component = connected_components(coo_array((np.ones(m), (i, j)), shape=(n, n)), directed=False)[1]
    assert found.tolist() == [int(np.flatnonzero(component == one)[0]) for one in component]


def test_a_long_line_is_one_piece_in_whatever_order_it_is_listed() -> None:
    """Rounds in which a piece is told to its neighbours only would be as many as the line is long: an hour, for this one."""
    chain = np.random.default_rng(1).permutation(300_000)

    found = pieces(len(chain), Pairs(chain[:-1], chain[1:], np.ones(len(chain) - 1)))

    assert not found.any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 200), st.floats(5, 400))
def test_no_more_pairs_are_found_than_were_looked_at(seed: int, n: int, r_m: float) -> None:
    xy = np.random.default_rng(seed).uniform(0, 1000, (n, 2)).round(1)

    looked_at, found = candidates(xy[:, 0], xy[:, 1], r_m), len(pairs_within(xy[:, 0], xy[:, 1], r_m).i)

    assert found <= looked_at <= n * (n + 1) / 2 + n * n
    assert candidates(np.zeros(n), np.zeros(n), r_m) == (n * n if n > 1 else 0)


def test_thousands_of_trees_on_one_spot_are_measured_by_a_bounded_share_of_them() -> None:
    stand = stand_of(honest(2).trees())
    heap = replace(stand, x_m=np.zeros(len(stand)), y_m=np.zeros(len(stand)))
    most = HEAPED * MAX_CANDIDATES

    for r_m in (60.0, 400.0):
        places = chosen(heap, r_m)
        assert candidates(heap.x_m[places], heap.y_m[places], r_m) <= 1.2 * most
        assert len(chosen(stand, r_m)) >= len(places)


def test_nearest_distances_are_those_of_a_kd_tree() -> None:
    xy = np.random.default_rng(3).uniform(0, 1000, (400, 2))

    assert nearest_m(xy[:, 0], xy[:, 1], 500.0) == pytest.approx(cKDTree(xy).query(xy, k=2)[0][:, 1])


@pytest.mark.parametrize("spread_m", [100, 5_000])
@pytest.mark.parametrize("points", [12, 300, 5_000])
def test_the_hull_is_that_of_qhull(points: int, spread_m: int) -> None:
    xy = np.random.default_rng(4).normal(0, spread_m, (points, 2))
    corners = hull(xy[:, 0], xy[:, 1])
    ahead = np.roll(corners, -1, axis=0)

    area = np.sum(corners[:, 0] * ahead[:, 1] - ahead[:, 0] * corners[:, 1]) / 2

    assert area == pytest.approx(ConvexHull(xy).volume)
    assert len(corners) == len(ConvexHull(xy).vertices)


def test_trees_in_a_row_or_on_one_spot_enclose_nothing() -> None:
    along = np.arange(50.0)

    assert len(hull(along * 20, along * 30)) < 3
    assert len(hull(np.full(50, 7.0), np.full(50, 9.0))) < 3


def test_l_skewness_of_known_distributions() -> None:
    share = (np.arange(20_000) + 0.5) / 20_000

    assert l_skewness(expon.ppf(share)) == pytest.approx(1 / 3, abs=0.002)
    assert l_skewness(norm.ppf(share)) == pytest.approx(0.0, abs=0.002)


def test_the_moments_of_same_species_pairs_are_those_of_shuffled_labels() -> None:
    rng = np.random.default_rng(6)
    xy, species = rng.uniform(0, 1000, (150, 2)), rng.integers(0, 6, 150) ** 2 // 7
    pairs = pairs_within(xy[:, 0], xy[:, 1], 120.0)

    exact = mantel(pairs.i, pairs.j, species)
    drawn = [mantel(pairs.i, pairs.j, rng.permutation(species)).observed for _ in range(3000)]

    assert np.mean(drawn) == pytest.approx(exact.expected, rel=0.01)
    assert np.std(drawn) == pytest.approx(exact.error, rel=0.06)


def test_the_share_of_near_pairs_on_a_rectangle() -> None:
    rng = np.random.default_rng(7)
    ground = Ground(2000.0 * 1000.0, 6000.0, surveyed=True)
    a, b = rng.uniform(0, 1, (400_000, 2)) * [2000, 1000], rng.uniform(0, 1, (400_000, 2)) * [2000, 1000]
    d = np.hypot(*(a - b).T)

    for r_m in (60.0, 180.0):
        assert ground.pair_share(r_m) == pytest.approx(np.mean(d < r_m), rel=0.03)


def test_uniform_places_show_no_excess_and_a_clumped_forest_does() -> None:
    forest = stand_of(honest().trees(), {"": honest().geometry()})
    measured = measure_pattern(forest)

    assert sum(band.z for band in measured.bands) > 8
    assert clark_evans(forest)[0] < 1.03


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_pattern_and_marks_do_not_depend_on_the_order_of_the_list(seed: int) -> None:
    plan = honest(2)
    other = plan.at(np.random.default_rng(seed).permutation(len(plan)))
    a, b = stand_of(plan.trees()), stand_of(other.trees())

    assert clark_evans(a) == pytest.approx(clark_evans(b))
    assert measure_twins(a).pairs == measure_twins(b).pairs
    # Ties among controls: 0.58 to 1.67 over all of these seeds.
    assert 0.5 < measure_twins(b).expected / measure_twins(a).expected < 2


def test_a_run_is_counted_once_and_whole() -> None:
    plan = honest()
    doubled = plan.at(np.concatenate([np.arange(len(plan)), np.arange(100, 140)]))

    runs = measure_runs(stand_of(doubled.trees()))

    assert (runs.first.tolist(), runs.rows.tolist()) == ([100], [40])


def test_a_thinning_is_always_the_same_and_has_the_share_asked_for() -> None:
    assert thinned(50_000, 0.3).mean() == pytest.approx(0.3, abs=0.01)
    assert (thinned(1000, 0.5) == thinned(1000, 0.5)).all()
    assert thinned(10, 1.0).all()


def test_every_row_gets_the_place_of_another_but_for_two_at_most() -> None:
    for n in range(30, 2_001):
        other = other_places(n)

        assert np.array_equal(np.sort(other), np.arange(n))
        assert np.sum(other == np.arange(n)) <= 2


def test_every_threshold_names_its_source() -> None:
    norms = thresholds_on(date(2026, 11, 28))

    assert all(norms.sources[name] for name in norms.values)
