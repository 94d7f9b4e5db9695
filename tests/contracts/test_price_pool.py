"""Pooling over species, regions and time, against the textbook: brute-force conditioning of a joint normal."""

from dataclasses import replace

import numpy as np
import pytest

from services.contracts.domain.estimate.band import LEAST_MISSES, bands, calibrated
from services.contracts.domain.estimate.pooled import (
    Floats,
    Place,
    Point,
    belief_weights,
    by_the_others,
    covariance,
    fit,
    leanings,
    pool,
    without_each,
)
from services.contracts.domain.estimate.rolling import Held, PanelCell, rolling
from tests.contracts.price_reports import parameters

SPREAD = parameters().spread


def some_points(count: int = 24, seed: int = 5) -> list[Point]:
    random = np.random.default_rng(seed)
    return [
        Point(
            Place(f"s{random.integers(4)}", f"r{random.integers(3)}", float(random.integers(4))),
            float(random.normal(5, 0.5)), float(random.uniform(0.005, 0.3)),
        )
        for _ in range(count)
    ]  # fmt: skip


def conditioned(points: list[Point], targets: list[Place]) -> tuple[Floats, Floats]:
    """The same belief from a mean so vague (variance 10^7) that it says nothing, by one plain matrix of everything."""
    places = [point.place for point in points]
    vague = 1e7
    among = covariance(places, places, SPREAD) + vague + np.diag([point.noise for point in points])
    across = covariance(targets, places, SPREAD) + vague
    gain = np.linalg.solve(among, across.T).T
    prices = np.array([point.log_price for point in points])
    joint = covariance(targets, targets, SPREAD) + vague - gain @ across.T
    return gain @ prices, joint


def test_the_belief_is_that_of_a_joint_normal_with_an_unknown_mean() -> None:
    points = some_points()
    targets = [Place("s1", "r2", 4.0), Place("s1", None, 4.0), Place(None, None, 4.0), Place("new", "r0", 4.0)]

    means, joint = pool(points, np.ones(len(points)), SPREAD).belief(targets)

    expected, variance = conditioned(points, targets)
    assert means == pytest.approx(expected, abs=1e-5)
    assert joint == pytest.approx(variance, abs=1e-5)


def test_what_is_asked_for_its_mean_alone_is_told_the_same_and_who_is_believed_in_full_is_fitted_once() -> None:
    points, targets = some_points(), [Place("s1", "r2", 4.0), Place("new", None, 4.0)]
    trusted = fit(points, parameters().trusting())

    assert trusted.means(targets).tolist() == trusted.belief(targets)[0].tolist()
    once = pool(points, np.ones(len(points)), SPREAD, trusted_together(points))
    assert trusted.means(targets).tolist() == once.means(targets).tolist()


def trusted_together(points: list[Point]) -> Floats:
    places = [point.place for point in points]
    return np.asarray(covariance(places, places, SPREAD) + leanings(points), np.float64)


def test_what_the_others_say_of_a_point_is_what_they_say_when_it_was_never_there() -> None:
    points = some_points()
    prices = np.array([point.log_price for point in points])

    told, variance = without_each(pool(points, np.ones(len(points)), SPREAD), prices)

    for n in (0, 7, 23):
        left = [point for k, point in enumerate(points) if k != n]
        mean, joint = pool(left, np.ones(len(left)), SPREAD).belief([points[n].place])
        assert told[n] == pytest.approx(mean[0], abs=1e-8)
        assert variance[n] == pytest.approx(joint[0, 0] + points[n].noise, abs=1e-8)


def test_new_cells_of_a_year_are_told_by_the_past_and_by_each_other() -> None:
    points = some_points()
    past, new = points[:16], points[16:]
    prices = np.array([point.log_price for point in new])
    means, joint = pool(past, np.ones(16), SPREAD).belief([point.place for point in new])

    told, variance = by_the_others(means, joint + np.diag([point.noise for point in new]), prices)

    left = [*past, *new[1:]]
    mean, around = pool(left, np.ones(len(left)), SPREAD).belief([new[0].place])
    assert told[0] == pytest.approx(mean[0], abs=1e-8)
    assert variance[0] == pytest.approx(around[0, 0] + new[0].noise, abs=1e-8)


def test_a_point_that_surprises_the_others_is_believed_less() -> None:
    weights = belief_weights(np.array([0.0, 0.1, 0.5, 1.0]), np.full(4, 0.04), 4.0)

    assert list(weights) == sorted(weights, reverse=True)
    assert weights[0] == 1.0
    assert weights[3] < 0.2


def test_ten_cells_of_one_party_know_less_than_ten_cells_of_ten() -> None:
    def surely(parties: list[str]) -> float:
        points = [
            Point(Place("s", f"r{n}", 0.0), 5.0, 0.3, {party: 0.37}) for n, party in enumerate(parties)
        ]  # fmt: skip
        places = [point.place for point in points]
        together = covariance(places, places, SPREAD) + leanings(points)
        _, joint = pool(points, np.ones(10), SPREAD, together).belief([Place("s", "elsewhere", 0.0)])
        return float(joint[0, 0])

    assert surely(["one"] * 10) > surely([f"p{n}" for n in range(10)]) + 0.1


# ---- bands


def test_a_band_is_the_multiple_that_covered_so_many_of_earlier_misses() -> None:
    misses = [n / 100 for n in range(1, 201)]

    found = calibrated(misses, parameters().bands)

    assert found[80] == pytest.approx(1.61)  # the 161st of 200: ceil(201 x 0.8)
    assert found[95] == pytest.approx(1.91)
    assert calibrated(misses[: LEAST_MISSES - 1], parameters().bands) == parameters().bands


def test_bands_lie_within_each_other_and_hold_the_price() -> None:
    found = bands(5.7, 0.2, parameters().bands)

    lows, highs = [band.low for band in found], [band.high for band in found]
    assert (lows, highs) == (sorted(lows, reverse=True), sorted(highs))
    assert lows[0] < highs[0]


# ---- rolling origin


def a_panel(years: int = 8, seed: int = 2) -> list[PanelCell]:
    """Species in regions over years: a level each, a drift of the market, noise by the number of reports."""
    random = np.random.default_rng(seed)
    species, regions = random.normal(5, 0.5, 6), random.normal(0, 0.1, 8)
    cells = []
    for year in range(2000, 2000 + years):
        drift = 0.05 * (year - 2000)
        for s, level in enumerate(species):
            for r, effect in enumerate(regions):
                reports = int(random.integers(3, 60))
                noise = random.normal(0, np.sqrt(0.004 + 0.25 / reports))
                price = float(np.exp(level + effect + drift + noise))
                cells.append(PanelCell(year, "logs/m3", f"s{s}", f"r{r}", price, reports))
    return cells


def said(held: tuple[Held, ...]) -> dict[tuple[int, str, str], tuple[float, float, float]]:
    return {(h.cell.year, h.cell.species, h.cell.region): (h.mean, *h.bounds(80)) for h in held}


def test_nothing_of_a_cell_is_in_its_own_estimate_or_band() -> None:
    cells = a_panel()
    n = next(k for k, cell in enumerate(cells) if cell.year == 2007)
    changed = [*cells]
    changed[n] = replace(cells[n], price=cells[n].price * 3, reports=500)  # type: ignore[operator]
    key = (2007, cells[n].species, cells[n].region)

    before, after = rolling(cells, 2006, parameters()), rolling(changed, 2006, parameters())

    assert said(after.same_year)[key] == pytest.approx(said(before.same_year)[key], rel=1e-9)
    assert said(after.past_only)[key] == said(before.past_only)[key]
    others = {one for one in said(before.same_year) if one != key and one[0] == 2007}
    assert any(said(after.same_year)[one] != said(before.same_year)[one] for one in others)


def test_from_the_past_alone_nothing_of_the_year_or_later_is_used() -> None:
    cells = a_panel()
    changed = [replace(c, price=c.price * 2) if c.year >= 2006 and c.price else c for c in cells]

    before, after = rolling(cells, 2006, parameters()), rolling(changed, 2006, parameters())

    of_2006 = [key for key in said(before.past_only) if key[0] == 2006]
    assert of_2006
    assert all(said(before.past_only)[key] == said(after.past_only)[key] for key in of_2006)


def test_a_cell_without_a_price_is_estimated_as_if_its_price_were_hidden() -> None:
    cells = a_panel()
    n = next(k for k, cell in enumerate(cells) if cell.year == 2007)
    asked = [*cells]
    asked[n] = replace(cells[n], price=None, reports=1)
    key = (2007, cells[n].species, cells[n].region)

    whole, blank = rolling(cells, 2007, parameters()), rolling(asked, 2007, parameters())

    assert said(blank.same_year)[key] == pytest.approx(said(whole.same_year)[key], rel=1e-9)


def test_on_a_panel_made_by_the_model_the_bands_cover_and_the_neighbours_help() -> None:
    rolled = rolling(a_panel(12, seed=9), 2006, parameters())

    def inside(held: tuple[Held, ...]) -> float:
        rows = [(h.cell.price, h.bounds(80)) for h in held if h.cell.price]
        return sum(low <= price <= high for price, (low, high) in rows) / len(rows)

    def miss(held: tuple[Held, ...]) -> float:
        return float(np.median([abs(h.mean - np.log(h.cell.price)) for h in held if h.cell.price]))

    assert 0.72 < inside(rolled.same_year) < 0.88
    assert miss(rolled.same_year) < miss(rolled.past_only)


def test_a_market_without_any_earlier_price_is_left_out() -> None:
    cells = [*a_panel(3), PanelCell(2002, "new/m3", "s0", "r0", 10.0, 5)]

    assert {h.cell.market for h in rolling(cells, 2002, parameters()).same_year} == {"logs/m3"}
