"""Census forensics: every rule with a forgery it finds and the honest twin it passes."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import numpy as np
import pytest
import shapely

from deploy.corpus.forgeries import (
    bell_diameters,
    clone_of,
    copied_rows,
    formula_heights,
    inflated,
    jittered_grid,
    noisy_copies,
    phantoms,
    scattered_copies,
    uniform_in_strips,
    uniform_positions,
)  # fmt: skip
from deploy.corpus.house import honest_listing
from deploy.corpus.listing import Listing, joined, uniform_in
from services.permits.domain.census import Tree
from services.permits.domain.compared import Compared
from services.permits.domain.finding import MAX_EXAMPLES, Finding
from services.permits.domain.forensics import Examination, examine
from services.permits.domain.forensics.comb import Comb, measure_comb
from services.permits.domain.forensics.examine import RULES
from services.permits.domain.forensics.found_plan import Terrain
from services.permits.domain.forensics.stand import stand_of
from services.permits.domain.forensics.thresholds import thresholds_from, thresholds_on
from tests.permits.forensics_plans import honest, moved, rng

NORMS = thresholds_on(date(2026, 11, 29))


def examined(plan: Listing, **more: object) -> Examination:
    return examine(plan.trees(), NORMS, polygons={"": plan.geometry()}, **more)  # type: ignore[arg-type]


def found(plan: Listing, rule: str, **more: object) -> Finding:
    return next(finding for finding in examined(plan, **more).findings if finding.rule == rule)


@pytest.mark.parametrize(
    ("rule", "forge"),
    [
        ("F01-RUNS", copied_rows), ("F01-TWINS", scattered_copies), ("F01-SHIFT", noisy_copies), ("F02", jittered_grid),
        ("F03", uniform_positions), ("F03", uniform_in_strips), ("F04", formula_heights), ("F05", bell_diameters),
        ("F15", inflated(1.1)), ("F15", inflated(1.2)), ("F15", inflated(1.4)), ("F15", inflated(1.2, 0.5)),
        ("F16", phantoms(0.3)), ("F16", phantoms(0.3, "end")),
    ],
)  # fmt: skip
def test_a_forgery_is_found_by_its_rule_and_its_honest_twin_passes(
    rule: str, forge: Callable[[Listing, np.random.Generator], Listing]
) -> None:
    plan = honest()

    assert found(plan, rule).status == "PASS"
    finding = found(forge(plan, rng()), rule)

    assert finding.status == "FAIL"
    assert finding.severity in ("S3", "S4")
    assert finding.es != finding.en
    assert len(finding.evidence) <= MAX_EXAMPLES
    assert finding.source
    assert finding.threshold
    json.dumps(finding.facts(), allow_nan=False)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_honest_plan_has_no_finding_at_s3_and_a_low_score(number: int) -> None:
    answer = examined(honest(number))

    assert not [f for f in answer.findings if f.severity in ("S3", "S4")]
    assert [f.rule for f in answer.findings] == list(RULES)
    assert answer.score is not None
    assert answer.score.chance < NORMS["f00_chance_s2"]


def test_the_evidence_of_a_copied_stretch_names_both_rows_and_they_are_equal() -> None:
    forged = copied_rows(honest(), rng())
    trees = {tree.row: tree for tree in forged.trees()}

    row = found(forged, "F01-RUNS").evidence[0]

    first, again = trees[row["first"]["row"]], trees[row["again"]["row"]]
    assert first.row != again.row
    assert (first.species, first.dbh_mm, first.height_mm) == (again.species, again.dbh_mm, again.height_mm)


def test_the_factor_of_a_multiplied_list_is_named() -> None:
    assert found(inflated(1.2)(honest(), rng()), "F15").computed["factor"] == pytest.approx(1.2)


def test_the_rows_astray_are_the_invented_ones() -> None:
    forged = phantoms(0.3, "end")(honest(), rng())
    finding = found(forged, "F16")

    assert sum(row["row"] > 0.7 * len(forged) for row in finding.evidence) >= 0.8 * MAX_EXAMPLES


def stored(plan: Listing) -> list[Tree]:
    """The trees as they come back from the store: in the order of the root, without their rows."""
    trees = [tree._replace(sheet="", row=0) for tree in plan.trees()]
    return sorted(trees, key=lambda tree: (tree.parcel, tree.code))


def of_stored(plan: Listing, rule: str) -> Finding:
    (finding,) = [one for one in examine(stored(plan), NORMS).findings if one.rule == rule]
    return finding


def test_a_list_from_the_store_is_read_in_the_order_of_its_codes() -> None:
    """1, 10, 100, 2 is the order of the root; a list that an office sorted by species and diameter would seem to repeat
    itself in it, since every tenth row is from elsewhere."""
    plan = honest()
    by_size = plan.at(np.lexsort((plan.dbh_mm, plan.species)))

    assert of_stored(by_size, "F01-RUNS").status == "NOT_EVALUATED"
    assert of_stored(plan, "F01-RUNS").severity == ""
    copied = copied_rows(plan, rng())
    assert of_stored(copied, "F01-RUNS").computed == found(copied, "F01-RUNS").computed


def in_narrow_lines(plan: Listing, wide_m: int = 11) -> Listing:
    """The same trees met on lines so narrow that steps along them are long."""
    line = ((plan.x_m - plan.x_m.min()) // wide_m).astype(np.int64)
    return plan.at(np.lexsort((np.where(line % 2 == 0, plan.y_m, -plan.y_m), line)))


def test_rows_alone_between_the_long_steps_of_a_narrow_line_ask_nothing() -> None:
    alone = found(in_narrow_lines(honest()), "F16")
    put_in = found(phantoms(0.12)(honest(), rng()), "F16")

    assert NORMS["f16_astray_s2"] <= alone.computed["astray_share"] < put_in.computed["astray_share"]
    assert (alone.severity, put_in.severity) == ("", "S2")


def test_a_list_sorted_by_species_is_not_read_as_a_walk() -> None:
    plan = honest()

    finding = found(plan.at(np.argsort(plan.species, kind="stable")), "F16")

    assert finding.status == "NOT_EVALUATED"


@pytest.mark.parametrize("order", ["species", "diameter", "shuffled", "reversed"])
def test_no_order_of_an_honest_list_is_held_against_it(order: str) -> None:
    plan = honest()
    orders = {
        "species": np.argsort(plan.species, kind="stable"), "diameter": np.lexsort((plan.height_mm, plan.dbh_mm)),
        "shuffled": rng().permutation(len(plan)), "reversed": np.arange(len(plan))[::-1],
    }  # fmt: skip

    answer = examined(plan.at(orders[order]))

    assert not [f for f in answer.findings if f.severity in ("S3", "S4")]


def test_a_small_census_is_not_judged() -> None:
    answer = examined(honest().at(np.arange(40)))

    assert {finding.status for finding in answer.findings} == {"NOT_EVALUATED"}
    assert [finding.rule for finding in answer.findings] == list(RULES)
    assert answer.score is None


@pytest.mark.parametrize(("turned", "noisy"), [(False, False), (False, True), (True, False), (True, True)])
def test_a_clone_of_another_plan_is_recognised_and_another_forest_is_not(turned: bool, noisy: bool) -> None:
    original = honest()
    clone = clone_of(original, rng(), turned=turned, noisy=noisy)

    finding = found(clone, "F13", others=Compared({"PLAN-1": original.trees(), "PLAN-2": honest(2).trees()}))

    assert (finding.severity, finding.computed["other_plan"]) == ("S4", "PLAN-1")
    assert finding.computed["jaccard"] > 0.8
    assert found(original, "F13", others=Compared({"PLAN-2": honest(2).trees()})).status == "PASS"


def test_the_same_trees_at_the_same_place_may_be_a_re_entry() -> None:
    plan = honest()

    finding = found(plan, "F13", others=Compared({"PLAN-1": plan.trees()}))

    assert (finding.severity, finding.computed["shift_m"]) == ("S3", 0)


def test_trees_in_a_river_or_outside_their_parcel_are_named() -> None:
    plan = honest()
    river = replace(plan, land=shapely.box(*plan.land.bounds).buffer(-0.2 * np.sqrt(plan.land.area)))

    inside = found(plan, "F11-GROUND", terrain=Terrain({"río": river.geometry()}))
    outside = next(
        f
        for f in examine(moved(plan, 900, 0).trees(), NORMS, polygons={"": plan.geometry()}).findings
        if f.rule == "F11-PARCEL"
    )

    assert (inside.severity, inside.evidence[0]["area"]) == ("S3", "río")
    assert outside.severity in ("S2", "S3")
    assert outside.evidence[0]["outside_m"] > 25
    assert found(plan, "F11-PARCEL").status == "PASS"
    assert found(plan, "F11-GROUND").status == "NOT_EVALUATED"


def test_a_crew_cannot_write_a_thousand_trees_in_a_day() -> None:
    plan = honest()
    trees = plan.trees()

    def pace(days: list[date]) -> Finding:
        dated = [tree._replace(surveyed_on=day) for tree, day in zip(trees, days, strict=True)]
        return next(one for one in examine(dated, NORMS).findings if one.rule == "F10")

    one_day = pace([date(2025, 5, 5)] * len(trees))
    by_week = pace([date(2025, 5, 5) + timedelta(days=k // 150) for k in range(len(trees))])

    assert (one_day.severity, by_week.status) == ("S2", "PASS")
    assert found(plan, "F10").status == "NOT_EVALUATED"


def test_many_trees_on_one_point_and_a_volume_of_another_factor_ask_for_an_explanation() -> None:
    plan = honest()
    stacked = replace(plan, x_m=np.where(np.arange(len(plan)) < 5, plan.x_m[0], plan.x_m))
    stacked = replace(stacked, y_m=np.where(np.arange(len(plan)) < 5, plan.y_m[0], plan.y_m))
    swollen = [
        tree._replace(volume_dm3=tree.volume_dm3 * (13 if k % 9 == 0 else 10)) for k, tree in enumerate(plan.trees())
    ]
    factor = next(f for f in examine(swollen, NORMS).findings if f.rule == "F08")

    assert (found(stacked, "F09").severity, found(plan, "F09").status) == ("S2", "PASS")
    assert (factor.severity, found(plan, "F08").status) == ("S2", "PASS")


def test_lines_that_do_not_lie_together_are_seen_and_real_ones_pass() -> None:
    plan = honest()

    mixed = found(replace(plan, line=rng().permutation(plan.line)), "F17")

    assert (mixed.severity, found(plan, "F17").status) == ("S2", "PASS")
    assert found(replace(plan, line=np.arange(len(plan))), "F17").status == "NOT_EVALUATED"


@pytest.mark.parametrize("order", ["as listed", "species", "shuffled"])
def test_trees_far_from_the_line_written_for_them_are_seen_in_any_order_and_typing_errors_ask_nothing(
    order: str,
) -> None:
    plan, forged = honest(), phantoms(0.3)(honest(), rng())
    mistyped = replace(plan, line=np.where(rng().random(len(plan)) < 0.04, rng(6).permutation(plan.line), plan.line))

    def listed(list_: Listing) -> Listing:
        orders = {"as listed": np.arange(len(list_)), "species": np.argsort(list_.species, kind="stable")}
        return list_.at(orders.get(order, rng().permutation(len(list_))))

    finding = found(listed(forged), "F17")

    assert (finding.severity, found(listed(mistyped), "F17").status) == ("S3", "PASS")
    assert 0.15 < finding.computed["misplaced"] < 0.3
    real = set(zip(plan.x_m.tolist(), plan.y_m.tolist(), strict=True))
    placed = {tree.code: (tree.easting_dm / 10, tree.northing_dm / 10) for tree in listed(forged).trees()}
    assert sum(placed[row["code"]] not in real for row in finding.evidence) >= 0.9 * MAX_EXAMPLES


def test_lone_trees_of_a_number_that_is_no_place_are_not_strangers() -> None:
    """Some rows have the number of a crew, which was all over the land, in the column of the line."""
    plan, forged = honest(), phantoms(0.3)(honest(), rng())

    def with_crews(list_: Listing) -> Listing:
        crew = np.where(rng(7).random(len(list_)) < 0.04, 9_001 + np.arange(len(list_)) % 5, 0)
        return replace(list_, line=np.where(crew, crew, list_.line), block=np.where(crew, 0, list_.block))

    finding, twin = found(with_crews(forged), "F17"), found(with_crews(plan), "F17")

    assert (twin.status, twin.computed["strangers"]) == ("PASS", found(plan, "F17").computed["strangers"])
    line = {tree.code: int(tree.line) for tree in with_crews(forged).trees()}
    assert (finding.severity, len(finding.evidence)) == ("S3", MAX_EXAMPLES)
    assert max(line[row["code"]] for row in finding.evidence) < 9_001


@pytest.mark.parametrize("without", [0.0, 0.3, 0.45])
def test_the_share_told_is_that_of_the_whole_list_also_where_many_trees_have_no_line(without: float) -> None:
    forged = phantoms(0.3)(honest(), rng())
    pick = rng(8).random(len(forged)) < without
    trees = [tree._replace(line="") if off else tree for tree, off in zip(forged.trees(), pick, strict=True)]
    real = set(zip(honest().x_m.tolist(), honest().y_m.tolist(), strict=True))
    invented = [tree for tree in trees if (tree.easting_dm / 10, tree.northing_dm / 10) not in real]

    finding = next(one for one in examine(trees, NORMS).findings if one.rule == "F17")

    truth = sum(tree.line != "" for tree in invented) / len(trees)
    assert 0.5 * truth < finding.computed["misplaced"] <= truth
    assert finding.computed["told"] <= finding.computed["trees"] <= finding.computed["listed"] == len(trees)


def test_invented_trees_whose_lines_were_fitted_are_not_strangers_to_them() -> None:
    fitted = phantoms(0.3, "lined")(honest(), rng())

    assert found(fitted, "F17").severity == ""
    assert found(fitted, "F16").severity == "S3"


def test_line_numbers_that_begin_again_in_each_block_tell_no_place() -> None:
    """The column of the block was left out: one number stands for a line in each block."""
    plan = honest()
    x = plan.x_m - plan.x_m.min()
    again = replace(plan, block=np.zeros(len(plan), np.int64), line=((x % 500) // 50).astype(np.int64) + 1)

    assert found(again, "F17").status == "NOT_EVALUATED"
    numbered = replace(again, block=(x // 500).astype(np.int64))
    assert found(numbered, "F17").status == "PASS"


def test_lines_of_a_patch_so_small_that_all_of_it_is_near_them_tell_nothing() -> None:
    plan = honest()
    middle = np.hypot(plan.x_m - np.median(plan.x_m), plan.y_m - np.median(plan.y_m))
    patch = replace(plan, block=np.zeros(len(plan), np.int64)).at(np.sort(np.argsort(middle)[:70]))
    patch = replace(patch, line=np.digitize(patch.x_m, np.quantile(patch.x_m, [0.2, 0.4, 0.6, 0.8])) + 1)

    assert found(patch, "F17").status == "NOT_EVALUATED"
    assert found(plan, "F17").status == "PASS"


def test_trees_added_later_under_a_line_of_their_own_are_not_held_against_the_list() -> None:
    plan = honest()
    later = rng().random(len(plan)) < 0.2

    finding = found(replace(plan, line=np.where(later, 9_999, plan.line), block=np.where(later, 0, plan.block)), "F17")

    assert finding.status == "PASS"


def test_trees_of_a_thin_narrow_line_are_not_strangers_to_it() -> None:
    plan = honest()
    line = ((plan.x_m - plan.x_m.min()) // 20).astype(np.int64) + 1
    thin = replace(plan, line=line, block=line // 25).at(np.flatnonzero(rng().random(len(plan)) < 0.6))

    finding = found(thin, "F17")

    assert (finding.status, finding.computed["misplaced"]) == ("PASS", 0)


def test_the_score_is_the_sum_of_its_parts_and_blocks_nothing() -> None:
    answer = examined(jittered_grid(honest(), rng()))
    finding = answer.findings[0]

    assert answer.score is not None
    total = answer.score.base + sum(answer.score.terms.values())
    assert answer.score.chance == pytest.approx(1 / (1 + np.exp(-total)))
    assert (finding.rule, finding.status) == ("F00", "FAIL")
    assert finding.severity in ("S2", "S3")
    assert {"regular"} <= {part["part"] for part in finding.computed["parts"]}


def test_where_the_forest_lies_changes_nothing() -> None:
    plan = honest()
    here = examine(plan.trees(), NORMS)
    there = examine(moved(plan, 12_000, -40_000).trees(), NORMS)

    assert there.score is not None
    assert here.score is not None
    assert there.score.chance == pytest.approx(here.score.chance, abs=1e-6)
    assert [f.severity for f in there.findings] == [f.severity for f in here.findings]


def test_a_day_before_every_threshold_is_refused() -> None:
    document = {
        "version": "2", "rows_version": "1",
        "thresholds": [{"name": "a", "value": 1, "valid_from": "2020-01-01", "source": "s"}],
    }  # fmt: skip

    assert thresholds_from(document, date(2020, 1, 1))["a"] == 1
    with pytest.raises(ValueError, match="2019-12-31"):
        thresholds_from(document, date(2019, 12, 31))


def test_a_finding_names_the_version_that_last_changed_a_threshold_of_its_rule() -> None:
    row = {"value": 1, "valid_from": "2020-01-01", "source": "s"}
    rows = [row | {"name": "kept"}, row | {"name": "changed", "version": "2"}]
    norms = thresholds_from({"version": "2", "rows_version": "1", "thresholds": rows}, date(2020, 1, 1))

    assert norms.finding("F02", "", ("kept",), {}, "", "").norm == "1"  # answers to it stand
    assert norms.finding("F03", "", ("kept", "changed"), {}, "", "").norm == "2"


def odd_list(seed: int) -> list[Tree]:
    """Sixty and more trees as no forest has them: all of one size, on one spot, of one species, in two zones."""
    pick = Random(seed)
    sizes = pick.choice([[500], [500, 600], list(range(400, 1500)), [410] * 9 + [4000], [1, 5000]])
    heights = pick.choice([[15_000], [10_000, 20_000], list(range(5_000, 30_000, 500)), [1, 80_000]])
    east = pick.choice([[5_000_000], [5_000_000, 5_000_010], list(range(5_000_000, 5_100_000))])
    north = pick.choice([[90_000_000], list(range(90_000_000, 90_100_000))])
    names = pick.choice(
        [["Cedrela odorata"], ["Alpha beta", "Gamma delta"], [f"Genus s{letter}" for letter in "abcdefgh"]]
    )
    lines, zones = pick.choice([[""], ["1", "2"]]), pick.choice([["19S"], ["18S", "19S"]])
    conditions = pick.choice([["harvestable"], ["harvestable", "seed"], ["seed"]])
    return [
        Tree(
            "PC 01", str(n), pick.choice(names), "", "", pick.choice(lines), pick.choice(sizes), pick.choice(heights),
            pick.choice([1, 3_000]), pick.choice(conditions), pick.choice(zones), pick.choice(east), pick.choice(north), None,
            "CSV", n + 1,
        )
        for n in range(1, pick.choice([60, 61, 75, 120]) + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_a_list_as_no_forest_has_it_is_answered_all_the_same(seed: int) -> None:
    found = examine(odd_list(seed), NORMS)

    assert [finding.rule for finding in found.findings] == list(RULES)


# ---- F03 with the order of the list, F15 on other lattices


def small(plan: Listing, trees: int = 160) -> Listing:
    """So few trees of a plan that its places alone tell nothing."""
    return plan.at(np.sort(rng().permutation(len(plan))[:trees]))


def test_random_places_show_in_a_small_list_by_its_lines_and_the_honest_one_passes() -> None:
    plan = small(honest())
    x, y = uniform_in(plan.land, len(plan), rng())
    forged = found(replace(plan, x_m=x, y_m=y), "F03")

    assert (forged.severity, forged.computed["order"]) == ("S3", "lines_loose")
    assert found(plan, "F03").status == "PASS"


def test_without_a_polygon_random_trees_of_two_far_parcels_are_no_forest() -> None:
    one = honest()
    there = moved(small(one, 400), 9_000, 0)
    x, y = uniform_in(one.land, len(one), rng(1))
    x_there, y_there = uniform_in(there.land, len(there), rng(2))
    both = joined(
        replace(one, x_m=x, y_m=y), replace(there, x_m=x_there + 9_000, y_m=y_there), np.arange(len(one) + 400)
    )
    order = rng(3).permutation(len(both))

    forged = next(one for one in examine(both.at(order).trees(), NORMS).findings if one.rule == "F03")

    assert forged.severity == "S3"


def measured(dbh_mm: "np.typing.ArrayLike") -> Comb:
    """The comb of a list that has these diameters."""
    plan = honest()
    dbh = np.asarray(dbh_mm, np.int64)
    rows = np.arange(len(dbh)) % len(plan)
    return measure_comb(stand_of(replace(plan.at(rows), dbh_mm=dbh).trees()))


def read_diameters(trees: int, seed: int) -> np.ndarray:
    """Centimetres of a forest above 40, four in ten read to the whole centimetre."""
    pick = rng(seed)
    exact = 40 + pick.exponential(16, trees)
    return np.where(pick.random(trees) < 0.4, np.rint(exact), np.round(exact, 1))


@pytest.mark.parametrize("step_mm", [10, 5])
def test_preferred_centimetres_betray_a_factor_also_in_a_list_written_coarser(step_mm: int) -> None:
    exact = read_diameters(2_500, 6)

    def written(cm: np.ndarray) -> np.ndarray:
        return np.floor(cm * 10 / step_mm + 0.5).astype(np.int64) * step_mm

    raised, honestly = measured(written(exact * 1.4)), measured(written(exact))

    assert raised.gain > NORMS["f15_gain_s3"]
    assert raised.factor == pytest.approx(1.4, abs=0.011)
    assert honestly.gain < NORMS["f15_gain_s2"]


def test_a_factor_on_girths_shows_in_the_girths_and_a_tape_by_itself_does_not() -> None:
    girths_cm = np.rint((40 + rng(7).exponential(16, 600)) * np.pi)

    def written(girth_cm: np.ndarray) -> np.ndarray:
        return np.rint(girth_cm / np.pi * 10).astype(np.int64)

    raised, honestly = measured(written(np.rint(girths_cm * 1.2))), measured(written(girths_cm))

    assert raised.gain > NORMS["f15_gain_s3"]
    assert (raised.lattice, raised.factor) == ("girth", pytest.approx(1.2, abs=0.011))
    assert honestly.gain < NORMS["f15_gain_s2"]


@pytest.mark.parametrize("seed", range(6))
def test_neither_the_half_step_at_the_cut_nor_girths_in_classes_are_gaps(seed: int) -> None:
    exact = 50 + rng(seed).gamma(0.9, 18, 3_000)
    in_classes = np.rint(exact * np.pi / 5) * 5 / np.pi

    for cm in (exact, in_classes):
        assert measured(np.floor(cm + 0.5).astype(np.int64) * 10).gain < NORMS["f15_gain_s2"]


@pytest.mark.parametrize("number", [81, 479])
def test_what_a_smooth_curve_misses_of_ten_thousand_trees_is_no_multiplication(number: int) -> None:
    """Two honest lists of centimetres that were told as multiplied by 1.16 and 1.08."""
    honest = honest_listing(2, number)

    assert len(honest) > 9_000
    assert measured(honest.dbh_mm).gain < NORMS["f15_gain_s2"]
    assert measured(np.floor(honest.dbh_mm * 0.14 + 0.5).astype(np.int64) * 10).gain > NORMS["f15_gain_s3"]
