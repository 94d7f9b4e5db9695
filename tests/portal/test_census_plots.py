"""The figures behind the forensics of a census."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.census_plots import nearest_m, plots_of


def a_tree(dbh_mm: int, x: float | None = None, y: float = 0.0, zone: str = "19S") -> dict[str, object]:
    place = None if x is None else {"zone": zone, "easting_dm": round(x * 10), "northing_dm": round(y * 10)}
    return {"dbh_mm": dbh_mm, "height_mm": 18_000, "utm": place}


@given(st.lists(st.tuples(st.floats(0, 5_000), st.floats(0, 900)), min_size=2, max_size=60))
def test_the_nearest_neighbour_is_the_nearest_of_all(places: list[tuple[float, float]]) -> None:
    slow = [min(math.dist(a, b) for j, b in enumerate(places) if j != i) for i, a in enumerate(places)]
    assert nearest_m(places) == pytest.approx(slow)


def test_diameters_are_counted_by_classes_of_5_cm_beside_a_forest_of_as_many_trees() -> None:
    dice = random.Random(7)
    trees = [a_tree(400 + round(dice.expovariate(1 / 180))) for _ in range(4000)]

    plots = plots_of(trees, 1e6)

    assert sum(count for *_, count in plots.diameters) == plots.trees == 4000
    assert plots.diameters[0][:2] == (40.0, 45.0)
    worst = max(abs(count - plots.forest[at][1]) / math.sqrt(plots.forest[at][1] + 1)
                for at, (*_, count) in enumerate(plots.diameters))  # fmt: skip
    assert worst < 4, "a list that falls exponentially lies on the reference"


def test_digits_are_those_of_whole_centimetres() -> None:
    plots = plots_of([a_tree(mm) for mm in (450, 459, 551, 600)], 1e6)
    assert plots.digits == [1, 0, 0, 0, 0, 3, 0, 0, 0, 0]
    assert plots.per_digit == 0.4


def test_trees_thrown_at_random_lie_on_the_random_curve_and_a_grid_far_from_it() -> None:
    dice = random.Random(3)
    thrown = [a_tree(500, 300_000 + dice.uniform(0, 1000), 9_000_000 + dice.uniform(0, 1000)) for _ in range(900)]
    grid = [a_tree(500, 300_000 + 33.3 * a, 9_000_000 + 33.3 * b) for a in range(30) for b in range(30)]

    gaps = []
    for trees in (thrown, grid):
        plots = plots_of(trees, 1e6)
        gaps.append(max(abs(own[1] - chance[1]) for own, chance in zip(plots.near, plots.random, strict=True)))

    assert gaps[0] < 8 < 60 < gaps[1]


def test_without_places_there_is_no_curve_of_neighbours_and_without_trees_nothing() -> None:
    plots = plots_of([a_tree(500), a_tree(610)], 1e6)
    assert plots.near == plots.random == []
    assert len(plots.heights) == 2
    nothing = plots_of([], 1e6)
    assert nothing.trees == 0
    assert nothing.forest == []
    assert sum(count for *_, count in nothing.diameters) == 0
