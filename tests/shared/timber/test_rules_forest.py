"""Rules of felling and cross-cutting: a case that fails, with its figures, beside one that passes."""

from typing import Any

import pytest

from shared.timber.event import tree_item
from tests.build import (
    CITES_SPECIES,
    LOG,
    OTHER_SPECIES,
    PARCEL,
    PLAN,
    TREE,
    a_cut,
    a_felling,
    a_guide,
    a_section,
    a_status_change,
    a_tree,
    an_item,
    failures,
    founded,
    measures,
    passes,
    the,
    unevaluated,
    with_log,
)


def test_an_ordinary_felling_passes_every_rule() -> None:
    outcomes = founded().admit(a_felling())

    assert failures(outcomes) == unevaluated(outcomes) == []
    assert passes(outcomes) == ["C01", "C02", "C03", "C05", "C07"]


def test_c01_a_tree_out_of_the_census_is_recorded_with_an_s4() -> None:
    log = founded()

    outcomes = log.admit(a_felling("999"))

    assert failures(outcomes) == [("C01", "S4")]
    assert unevaluated(outcomes) == ["C05", "C07"]  # a missing input never passes
    assert log.item(tree_item(PLAN, PARCEL, "999")).worst == "S4"


@pytest.mark.parametrize("condition", ["seed", "protected", "future"])
def test_c01_a_tree_that_was_to_stand_is_an_s4(condition: str) -> None:
    outcomes = founded([a_tree("501", condition=condition)]).admit(a_felling())

    assert failures(outcomes) == [("C01", "S4")]
    assert the("C01", outcomes).case == "condition"


def test_c02_a_second_felling_of_a_tree_is_an_s3_and_adds_no_wood() -> None:
    log = founded()
    log.admit(a_felling())

    outcomes = log.admit(a_felling(time="2025-08-05T15:00:00Z"))

    assert failures(outcomes) == [("C02", "S3")]
    assert f"entrada {log.item(TREE).made_index}" in the("C02", outcomes).text_es
    assert log.item(TREE).fellings == 2
    assert log.line().felled_dm3 == 5_643


@pytest.mark.parametrize(
    ("time", "found"),
    [
        ("2025-07-22T04:59:59Z", [("C03", "S4")]),  # the evening of the 21st in Peru
        ("2025-07-22T05:00:00Z", []),
        ("2026-07-22T04:59:59Z", []),
        ("2026-07-22T05:00:00Z", [("C03", "S4")]),
    ],
)
def test_c03_a_felling_belongs_inside_the_harvest_window(time: str, found: list[Any]) -> None:
    assert failures(founded().admit(a_felling(time=time))) == found


def test_c03_a_felling_under_a_suspended_permit_is_an_s4() -> None:
    log = founded()
    log.admit(a_status_change("permit.suspended", time="2025-08-20T12:00:00Z"))

    after = log.admit(a_felling("501", time="2025-08-21T12:00:00Z"))
    claimed_before = log.admit(a_felling("502", time="2025-08-19T12:00:00Z"))
    log.admit(a_status_change("permit.reinstated", time="2025-08-25T12:00:00Z"))
    reinstated = log.admit(a_felling("503", time="2025-08-26T12:00:00Z"))

    assert (failures(after), failures(claimed_before), failures(reinstated)) == ([("C03", "S4")], [("C03", "S2")], [])
    assert "suspendido" in the("C03", claimed_before).text_es


def test_c05_another_species_than_the_census_is_an_s3_and_an_s4_where_the_permit_lists_none() -> None:
    listed = founded().admit(a_felling(species=OTHER_SPECIES))
    unlisted = founded().admit(a_felling(species=CITES_SPECIES))

    assert failures(listed) == [("C05", "S3")]
    assert failures(unlisted) == [("C05", "S4")]
    assert OTHER_SPECIES in the("C05", listed).text_en


def test_c05_a_log_has_the_species_of_its_tree() -> None:
    log = founded()
    log.admit(a_felling(), a_felling("502"))

    assert failures(log.admit(a_cut(a_section(species=OTHER_SPECIES)))) == [("C05", "S3")]
    assert failures(log.admit(a_cut(tree="502"))) == []


@pytest.mark.parametrize(
    ("volume_dm3", "found"),
    [(5_881, []), (6_763, []), (6_764, [("C07", "S2")]), (7_645, [("C07", "S2")]), (7_646, [("C07", "S3")])],
)
def test_c07_felled_volume_against_the_census(volume_dm3: int, found: list[Any]) -> None:
    assert failures(founded().admit(a_felling(volume_dm3=volume_dm3))) == found


# ---- cross-cutting


def test_an_ordinary_cut_passes_every_rule() -> None:
    log = founded()
    log.admit(a_felling())

    outcomes = log.admit(a_cut())

    assert failures(outcomes) == unevaluated(outcomes) == []
    assert passes(outcomes) == ["C05", "C08", "C10", "C13"]


@pytest.mark.parametrize(
    ("volume_dm3", "found"),
    [(5_643, []), (5_925, []), (5_926, [("C08", "S2")]), (6_489, [("C08", "S2")]), (6_490, [("C08", "S3")])],
)
def test_c08_logs_against_the_tree(volume_dm3: int, found: list[Any]) -> None:
    log = founded()
    log.admit(a_felling())

    assert failures(log.admit(a_cut(a_section(volume_dm3=volume_dm3)))) == found


def test_c08_adds_up_over_several_records_and_leaves_branches_apart() -> None:
    log = founded()
    log.admit(a_felling())

    assert failures(log.admit(a_cut(a_section("501/A", volume_dm3=5_000)))) == []
    assert failures(log.admit(a_cut(a_section("501/B", volume_dm3=2_000, branch=True)))) == []
    assert failures(log.admit(a_cut(a_section("501/C", volume_dm3=1_000)))) == [("C08", "S2")]
    assert (log.item(TREE).cut_dm3, log.item(TREE).branch_dm3) == (6_000, 2_000)


@pytest.mark.parametrize("branch", [True, False])
def test_c08_counts_all_that_comes_from_a_log_whatever_it_is_called(branch: bool) -> None:
    log = founded()
    log.admit(a_felling(), a_cut(a_section("501/A", branch=branch, **measures(400, 380, 6_000))))
    held = log.item(LOG).volume_dm3

    too_much = a_section("501/AA", branch=True, **measures(400, 380, 6_000)) | {"volume_dm3": held + 200}
    found = failures(log.admit(a_cut(too_much, source=LOG)))

    assert ("C08", "S3") in found
    assert log.item(LOG).cut_dm3 == held + 200


def test_c09_a_log_of_the_stem_gives_no_wood_of_branches() -> None:
    log = with_log()
    short = measures(700, 700, 4_000)

    found = failures(log.admit(a_cut(a_section("501/AA", branch=True, **short), source=LOG)))

    assert found == [("C09", "S4")]
    assert log.item(an_item("501/AA")).worst == "S4"  # our own guides stay shut for it


def test_c09_a_branch_gives_wood_of_branches() -> None:
    log = founded()
    log.admit(a_felling(), a_cut(a_section("501/A", branch=True, **measures(300, 280, 5_000))))

    assert failures(log.admit(a_cut(a_section("501/AA", branch=True, **measures(300, 290, 2_000)), source=LOG))) == []


@pytest.mark.parametrize(("second_dm3", "found"), [(1_257, []), (1_258, [("C09", "S2")])])
def test_c09_a_tree_has_only_so_much_wood_in_its_branches(second_dm3: int, found: list[Any]) -> None:
    log = founded()
    log.admit(a_felling(), a_cut(a_section("501/A", volume_dm3=1_000, branch=True)))

    assert failures(log.admit(a_cut(a_section("501/B", volume_dm3=second_dm3, branch=True)))) == found  # 40 % of 5.643


def test_c08_diameters_fall_along_the_stem() -> None:
    lower = a_section("501/A", **measures(750, 700, 6_000))

    def outcome(large_mm: int) -> list[tuple[str, str]]:
        log = founded()
        log.admit(a_felling())
        return failures(log.admit(a_cut(a_section("501/B", **measures(large_mm, 600, 6_000)), lower)))

    assert outcome(730) == []
    assert outcome(731) == [("C08", "S2")]


@pytest.mark.parametrize(
    ("codes", "case", "severity"),
    [
        (["501/A", "501/B"], None, ""),
        (["502/A"], "not_child", "S4"),
        (["501/A", "501/C"], "gap", "S2"),
        (["501/B"], "gap", "S2"),
    ],
)
def test_c10_log_codes_follow_their_tree(codes: list[str], case: str | None, severity: str) -> None:
    log = founded()
    log.admit(a_felling())

    outcomes = log.admit(a_cut(*(a_section(code, **measures(700, 690, 3_000)) for code in codes)))

    assert failures(outcomes) == ([("C10", severity)] if case else [])
    assert case is None or the("C10", outcomes).case == case


def test_c10_a_letter_is_used_once_and_a_gap_closes_when_its_log_arrives() -> None:
    short: Any = measures(700, 690, 3_000)
    log = founded()
    log.admit(a_felling(), a_cut(a_section("501/A", **short)))

    again = log.admit(a_cut(a_section("501/A", item=an_item("other"), **short)))
    log = founded()
    log.admit(a_felling())
    early = log.admit(a_cut(a_section("501/B", **short)))
    late = log.admit(a_cut(a_section("501/A", **short)))

    assert failures(again) == [("C10", "S4")]
    assert (failures(early), failures(late)) == ([("C10", "S2")], [])


def test_c10_a_long_row_of_letters_is_told_by_its_end() -> None:
    short: Any = measures(300, 290, 500)
    log = founded()
    log.admit(a_felling(), a_cut(*(a_section(f"501/{letter}", **short) for letter in "ABCDEFGHIJKLMNOPQRSTUVWX")))

    gap = the("C10", log.admit(a_cut(a_section("501/Z", **short))))

    assert gap.computed["codes"] == [f"501/{letter}" for letter in "FGHIJKLMNOPQRSTUVWXZ"]
    assert failures(log.admit(a_cut(a_section("501/Y", **short)))) == []


def test_c10_a_log_cut_again_extends_its_code() -> None:
    log = with_log()
    log.admit(a_felling("502"), a_cut(tree="502"))

    good = a_cut(a_section("501/AA", **measures(700, 700, 6_000)), source=an_item("501/A"))
    bad = a_cut(a_section("502/B", **measures(700, 700, 6_000)), source=an_item("502/A"))

    assert failures(log.admit(good)) == []
    assert failures(log.admit(bad)) == [("C10", "S4")]


def test_c10_a_log_on_the_road_is_not_cut() -> None:
    log = with_log()
    log.admit(a_guide())

    outcomes = log.admit(a_cut(a_section("501/AA", **measures(700, 700, 6_000)), source=an_item("501/A")))

    assert failures(outcomes) == [("C10", "S4")]
    assert "017-0001426 (talonario oficial)" in the("C10", outcomes).text_es


def test_c13_a_log_is_not_cut_before_its_tree_falls() -> None:
    log = founded()
    log.admit(a_felling(), a_felling("502"))

    assert failures(log.admit(a_cut(time="2025-08-04T14:59:59Z"))) == [("C13", "S3")]
    assert failures(log.admit(a_cut(tree="502", time="2025-08-04T15:00:00Z"))) == []
