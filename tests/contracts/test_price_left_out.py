"""Leaving a party out by updates of few rows, against fitting the market from nothing without it."""

import numpy as np
import pytest

from services.contracts.domain.estimate import Cell, Parameters, Tier
from services.contracts.domain.estimate.left_out import Whole
from services.contracts.domain.estimate.observation import Observation, votes
from services.contracts.domain.estimate.pooled import Place, fit
from services.contracts.domain.estimate.robust import robust_mean, robust_means, weighted_median, weighted_medians
from services.contracts.domain.estimate.spoken import Spoken, points
from tests.contracts.price_reports import ON, a_report, parameters

TARGETS = [Place("s0", "r1", 0.0), Place("s1", None, 0.0), Place(None, None, 0.0), Place("new", "r0", 0.0)]


def a_market(parties: int, cells: int, in_each: int, seed: int = 3) -> list[Observation]:
    """Parties that each report in some cells over four years; one price in fifteen is far off."""
    random = np.random.default_rng(seed)
    names = [Cell("standing/stump", f"s{n // 5}", f"r{n % 5}") for n in range(cells)]
    found = []
    for party in range(parties):
        for at in random.choice(cells, in_each, replace=False):
            price = np.exp(5.5 + 0.2 * (at // 5) + random.normal(0, 0.25) - (random.random() < 0.07) * 0.8)
            tier = list(Tier)[random.integers(6)]
            days = int(random.integers(0, 1_400))
            found.append(a_report(f"{price:.2f}", f"p{party}", cell=names[at], tier=tier, days_ago=days))
    return found


@pytest.mark.parametrize("trusting", [False, True])
@pytest.mark.parametrize(
    ("parties", "cells", "in_each"),
    [(8, 10, 2), (20, 12, 1), (6, 8, 8), (2, 1, 1), (3, 2, 1), (30, 5, 2)],
)
def test_without_a_party_the_market_tells_what_it_tells_when_it_was_never_there(
    parties: int, cells: int, in_each: int, trusting: bool
) -> None:
    used = parameters().trusting() if trusting else parameters()
    counted = votes(a_market(parties, cells, in_each), ON, used, {})
    spoken = Spoken(counted, used)
    whole = Whole(spoken.points, used, TARGETS)

    for party in sorted({vote.party for vote in counted}):
        left = Spoken([vote for vote in counted if vote.party != party], used).points
        told = whole.means_without(spoken.without(party))
        assert told == pytest.approx(fit(left, used).means(TARGETS), abs=1e-9)


def test_most_parties_are_left_out_by_few_rows_and_one_that_speaks_everywhere_from_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used = parameters()
    everywhere = [a_report("200.00", "all", cell=Cell("standing/stump", f"s{n // 5}", f"r{n % 5}")) for n in range(20)]
    spoken = Spoken(votes([*a_market(12, 20, 2), *everywhere], ON, used, {}), used)
    whole, fitted = Whole(spoken.points, used, TARGETS), []
    inverse = np.linalg.inv
    monkeypatch.setattr(np.linalg, "inv", lambda matrix: fitted.append(len(matrix)) or inverse(matrix))

    whole.means_without(spoken.without("p1"))
    assert fitted == []
    whole.means_without(spoken.without("all"))
    assert fitted


def test_cells_told_together_are_told_as_each_alone() -> None:
    counted = votes(a_market(20, 6, 2), ON, parameters(), {})
    cells = [[vote for vote in counted if vote.cell == cell] for cell in sorted({vote.cell for vote in counted})]
    assert len({len(cell) for cell in cells}) > 1

    for alone, told in zip(
        [points([cell], parameters())[0] for cell in cells], points(cells, parameters()), strict=True
    ):
        assert told.log_price == pytest.approx(alone.log_price, abs=1e-12)
        assert told.noise == pytest.approx(alone.noise, abs=1e-12)
        assert told.voices == pytest.approx(alone.voices, abs=1e-12)
        assert told.place.at_years == pytest.approx(alone.place.at_years, abs=1e-12)


@pytest.mark.parametrize("used", [parameters(), parameters().trusting()])
def test_a_row_filled_up_with_votes_of_no_weight_has_the_middle_of_those_that_weigh(used: Parameters) -> None:
    random = np.random.default_rng(4)
    long = random.normal(0, 0.4, 9)
    for size in range(1, 9):
        short, weight = random.normal(0, 0.4, size), random.choice([0.4, 0.8, 1.0], size)
        values, weights = np.stack([long, np.zeros(9)]), np.stack([np.ones(9), np.zeros(9)])
        values[1, :size], weights[1, :size] = short, weight

        alone, told = robust_mean(list(short), list(weight), used), robust_means(values, weights, used)

        assert told.mean[1] == pytest.approx(alone.mean, abs=1e-12)
        assert told.scale[1] == pytest.approx(alone.scale, abs=1e-12)
        assert told.kept[1] == pytest.approx([*alone.kept, *[0.0] * (9 - size)], abs=1e-12)
        assert weighted_medians(values, weights)[1] == pytest.approx(weighted_median(short, weight), abs=1e-12)
