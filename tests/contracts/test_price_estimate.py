"""The estimate of a cell: its grade, its band, on whose word it rests, and how little one party can do to it."""

import math
import random as stdlib_random
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.domain.estimate import (
    Cell,
    NothingReported,
    Observation,
    Tier,
    clusters,
    estimate,
    published,
)
from services.contracts.domain.estimate.index import carried
from services.contracts.domain.estimate.observation import votes
from services.contracts.domain.estimate.robust import robust_mean
from tests.contracts.price_reports import CEDRO, NEXT_RIVER, ON, TORNILLO, a_report, honest, of, parameters

HALF = "150.00"


def moved(reports: list[Observation], lies: list[Observation], parties: dict[str, str] | None = None) -> float:
    return abs(float(of([*reports, *lies], parties=parties).mid / of(reports).mid) - 1)


def test_reports_of_one_price_are_estimated_at_it() -> None:
    found = of([a_report("300.00", f"c-{n}") for n in range(5)])

    assert found.mid == Decimal("300.00")
    assert found.band(50).low < found.mid < found.band(50).high
    assert found.band(95).low < found.band(80).low


@pytest.mark.parametrize(
    ("reporters", "days_ago", "grade"),
    [(2, 10, "D"), (3, 10, "C"), (9, 10, "C"), (10, 10, "B"), (29, 10, "B"), (30, 10, "A"), (30, 120, "B"), (30, 800, "D")],
)  # fmt: skip
def test_the_grade_is_of_reporters_and_age(reporters: int, days_ago: int, grade: str) -> None:
    found = of([a_report(f"{290 + n}.00", f"c-{n}", days_ago=days_ago) for n in range(reporters)])

    assert found.grade == grade
    assert found.reporters == (0 if days_ago > 730 else reporters)


def test_reports_of_one_party_are_one_reporter() -> None:
    reports = [a_report(entity=f"c-{n}", days_ago=n) for n in range(6)]

    found = of(reports, parties=clusters([("c-0", "c-1"), ("c-1", "c-2")]))

    assert (of(reports).reporters, found.reporters) == (6, 4)


def test_a_cell_without_reports_borrows_from_its_neighbours_with_a_wider_band_and_grade_d() -> None:
    reports = honest(12) + honest(12, seed=2, cell=CEDRO)
    own, borrowed = estimate(reports, (TORNILLO, NEXT_RIVER), ON, parameters())

    assert abs(borrowed.mid / own.mid - 1) < Decimal("0.1")
    assert borrowed.band(80).high - borrowed.band(80).low > own.band(80).high - own.band(80).low
    assert (borrowed.grade, borrowed.reporters, borrowed.age_days, borrowed.publishable) == ("D", 0, None, False)
    assert borrowed.pooled_parties == 12


def test_of_a_market_that_nobody_reported_there_is_no_estimate() -> None:
    with pytest.raises(NothingReported):
        of([a_report(days_ago=-5)])
    with pytest.raises(NothingReported):
        estimate([a_report()], (Cell("sawn/mill_gate", "Cedrela odorata", "ucayali"),), ON, parameters())


def test_it_is_published_from_three_reporters_on_none_of_them_heavier_than_the_rest() -> None:
    two, three = [a_report(entity=f"c-{n}") for n in range(2)], [a_report(entity=f"c-{n}") for n in range(3)]
    heavy = [a_report(entity="c-0"), *(a_report(entity=f"c-{n}", tier=Tier.ORAL, days_ago=700) for n in (1, 2))]

    assert [of(two).publishable, of(three).publishable] == [False, True]
    assert of(heavy).largest_share is not None
    assert (of(heavy).largest_share > Decimal("0.6"), of(heavy).publishable) == (True, False)  # type: ignore[operator]


def test_what_may_not_be_published_is_answered_by_the_wider_cell() -> None:
    reports = [a_report(), a_report(entity="c-2", cell=NEXT_RIVER), a_report(entity="c-3", cell=NEXT_RIVER)]

    found = published(reports, TORNILLO, ON, parameters())

    assert found.cell == Cell("standing/stump", "Cedrelinga cateniformis", None)
    assert (found.reporters, found.publishable) == (3, True)
    assert published(honest(5), TORNILLO, ON, parameters()).cell == TORNILLO


def test_every_number_names_its_reports_and_parameters() -> None:
    found = of([*honest(3), a_report(cell=CEDRO, entity="z", named="elsewhere")])

    assert len(found.own_reports) == 3
    assert "elsewhere" not in found.own_reports
    assert (found.parameters_version, found.parameters_sha256) == (parameters().version, parameters().sha256)


# ---- one party


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tier", list(Tier))
def test_twelve_honest_entities_are_moved_little_by_a_hundred_half_price_reports_of_one(tier: Tier, seed: int) -> None:
    lies = [a_report(HALF, "liar", tier=tier, days_ago=n) for n in range(100)]

    assert moved(honest(12, seed=seed), lies) <= 0.03


def test_on_average_also_when_the_honest_only_spoke_and_the_liar_has_seals() -> None:
    lies = [a_report(HALF, "liar", tier=Tier.SEALED, days_ago=n) for n in range(5)]
    moves = [float(of([*(h := honest(12, seed=s, tier=Tier.ORAL)), *lies]).mid / of(h).mid) - 1 for s in range(12)]

    assert abs(sum(moves) / 12) <= 0.03


def test_nor_by_reports_of_other_years_regions_and_species() -> None:
    cells = [TORNILLO, NEXT_RIVER, CEDRO, Cell("standing/stump", "Cedrela odorata", "junin")]
    lies = [a_report(HALF, "liar", cell=cell, days_ago=90 * n) for n in range(16) for cell in cells]

    found = of([*honest(12), *lies])

    assert moved(honest(12), lies) <= 0.035
    assert found.influence[0].party == "liar"


@pytest.mark.parametrize("seed", range(4))
def test_what_a_vote_moves_where_others_answer_it_is_not_taken_back_and_what_it_moves_from_elsewhere_is(
    seed: int,
) -> None:
    wide = honest(12, seed=seed, scatter=0.4)
    told = votes(wide, ON, parameters(), {})
    middle = robust_mean([one.log_price for one in told], [one.weight for one in told], parameters()).mean
    elsewhere = [a_report(HALF, "liar", cell=NEXT_RIVER, days_ago=90 * n) for n in range(16)]

    assert float(of(wide).mid) == pytest.approx(math.exp(middle), abs=0.01)
    assert moved(wide, elsewhere) <= 0.0254


def test_the_liar_stands_first_in_the_influence_report() -> None:
    found = of([*honest(12), a_report(HALF, "liar")])

    assert found.influence[0].party == "liar"
    assert abs(found.influence[0].moves) < abs(found.influence[0].would_move)  # type: ignore[arg-type]
    assert not found.alarm


def test_a_report_that_would_move_it_by_over_a_tenth_raises_the_alarm_and_one_that_agrees_does_not() -> None:
    near = [a_report("300.00", "c-1"), a_report("305.00", "c-2")]

    assert of([*near, a_report(HALF, "c-3")]).alarm
    assert not of([*near, a_report("298.00", "c-3")]).alarm


def test_alone_a_party_carries_the_estimate_and_is_named() -> None:
    found = of([a_report()])

    assert (found.influence[0].moves, found.alarm, found.grade) == (None, True, "D")


def test_related_liars_move_it_like_one() -> None:
    lies = [a_report(HALF, f"liar-{n}") for n in range(4)]
    as_one = clusters([("liar-0", f"liar-{n}") for n in range(1, 4)])

    assert moved(honest(12), lies, as_one) <= 0.03 < moved(honest(12), lies)


# ---- algebra

SEEDS = st.integers(0, 10_000)


@settings(max_examples=10)
@given(SEEDS, st.sampled_from(["0.01", "3.75", "1000"]))
def test_prices_in_another_currency_give_the_estimate_in_it(seed: int, rate: str) -> None:
    reports = [*honest(6, seed=seed), a_report(cell=CEDRO, entity="z")]
    exchanged = [
        Observation(o.id, o.cell, o.price * Decimal(rate) * 100, o.tier, o.entity, o.observed_on) for o in reports
    ]  # fmt: skip

    first, second = of(reports), of(exchanged)

    assert float(second.mid / 100 / Decimal(rate)) == pytest.approx(float(first.mid), rel=2e-4)
    assert second.influence[0].party == first.influence[0].party


@settings(max_examples=10)
@given(SEEDS)
def test_the_order_of_the_reports_changes_nothing(seed: int) -> None:
    reports = [*honest(5, seed=seed), *honest(3, seed=seed + 1, cell=NEXT_RIVER)]
    shuffled = [*reports]
    stdlib_random.Random(seed).shuffle(shuffled)

    assert of(shuffled) == of(reports)


@settings(max_examples=10)
@given(SEEDS, st.integers(2, 30))
def test_repeating_a_report_changes_nothing_at_all(seed: int, times: int) -> None:
    reports = honest(6, seed=seed)
    again = [Observation(f"{n}", o.cell, o.price, o.tier, o.entity, o.observed_on) for n, o in enumerate(reports[:1] * times)]  # fmt: skip

    repeated = of([*reports, *again])

    assert (repeated.mid, repeated.bands, repeated.influence) == (of(reports).mid, of(reports).bands, of(reports).influence)  # fmt: skip


@settings(max_examples=10)
@given(SEEDS)
def test_more_honest_reporters_never_widen_the_band_by_much(seed: int) -> None:
    few, many = of(honest(4, seed=seed)), of(honest(24, seed=seed))

    assert many.band(80).high / many.band(80).low < few.band(80).high / few.band(80).low


def test_a_better_evidenced_report_draws_the_estimate_nearer_to_itself() -> None:
    rest = [a_report("300.00", "c-1", tier=Tier.ORAL), a_report("310.00", "c-2", tier=Tier.ORAL)]
    mids = [of([*rest, a_report("320.00", "c-3", tier=tier)]).mid for tier in (Tier.ORAL, Tier.CONTRACT)]

    assert mids[0] < mids[1]


def test_older_reports_say_less_of_today() -> None:
    reports = [a_report("300.00", f"old-{n}", days_ago=900) for n in range(5)]
    new = [a_report("360.00", f"new-{n}", days_ago=10) for n in range(5)]

    assert of([*reports, *new]).mid > 330
    shifted = [Observation(o.id, o.cell, o.price, o.tier, o.entity, o.observed_on + timedelta(days=870)) for o in reports]  # fmt: skip
    assert of([*shifted, *new]).mid < of([*reports, *new]).mid


# ---- clean series


def test_an_index_is_carried_and_never_smoothed() -> None:
    published_ = {"2026-01": Decimal("400.1"), "2026-02": Decimal("410.2"), "2026-04": Decimal("390.0")}

    assert carried(published_, "2026-03") == ("2026-02", Decimal("410.2"))
    assert carried(published_, "2026-12") == ("2026-04", Decimal("390.0"))
    assert carried(published_, "2025-12") is None
