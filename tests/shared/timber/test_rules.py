"""Each rule on the records that make it speak: one case that fails, with its figures, beside one that passes."""

from typing import Any

import pytest

from shared.timber.event import Record, tree_item
from shared.timber.rules.outcome import Outcome, Outcomes
from shared.timber.rules.texts import TEXTS
from tests.build import (
    CITES_SPECIES,
    MILL,
    OTHER_SPECIES,
    PARCEL,
    PLAN,
    SPECIES,
    Log,
    a_check,
    a_cut,
    a_departure,
    a_felling,
    a_guide,
    a_line,
    a_permit,
    a_reception,
    a_sawing,
    a_section,
    a_status_change,
    a_tree,
    a_voiding,
    an_item,
    an_output,
    failures,
    founded,
    measures,
    passes,
    unevaluated,
    with_log,
)

TREE = tree_item(PLAN, PARCEL, "501")


def the(rule: str, outcomes: Outcomes) -> Outcome:
    """The one outcome of a rule that did not pass."""
    [found] = [outcome for outcome in outcomes if outcome.rule == rule]
    return found


def at_the_mill(*logs: dict[str, Any]) -> Log:
    """Logs of tree 501 received by the mill with an official guide."""
    logs = logs or (a_section(),)
    log = founded(lines=[a_line(), a_line(OTHER_SPECIES), a_line(CITES_SPECIES)])
    log.admit(a_felling(species=logs[0]["species"]), a_cut(*logs), a_guide(logs=logs), a_departure(), a_reception())
    return log


# ---- felling


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
        ("2025-07-21T23:59:59Z", [("C03", "S4")]),
        ("2025-07-22T00:00:00Z", []),
        ("2026-07-21T23:59:59Z", []),
        ("2026-07-22T00:00:00Z", [("C03", "S4")]),
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
    assert failures(log.admit(a_cut(a_section("501/B", volume_dm3=3_000, branch=True)))) == []
    assert failures(log.admit(a_cut(a_section("501/C", volume_dm3=1_000)))) == [("C08", "S2")]
    assert (log.item(TREE).cut_dm3, log.item(TREE).branch_dm3) == (6_000, 3_000)


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


# ---- guides


def test_an_ordinary_official_guide_passes_every_rule() -> None:
    outcomes = with_log().admit(a_guide())

    assert failures(outcomes) == unevaluated(outcomes) == []
    assert sorted(passes(outcomes)) == ["B01", "B02", "C11", "C13", "C17", "T01", "T02", "T03", "T04"]


def test_a_guide_without_list_draws_and_leaves_single_logs_unsaid() -> None:
    log = with_log()

    outcomes = log.admit(a_guide(items=None))

    assert failures(outcomes) == []
    assert sorted(unevaluated(outcomes)) == ["B02", "C11", "C17", "T03"]
    assert (log.line().drawn_dm3, log.line().dispatched_listed_dm3) == (5_192, 0)


def test_c11_a_tree_on_a_guide_was_never_cross_cut() -> None:
    log = founded()
    log.admit(a_felling())
    whole = {"item": TREE, "volume_dm3": 5_643, "species": SPECIES}

    outcomes = log.admit(a_guide(logs=[whole]))

    assert failures(outcomes) == [("C11", "S4"), ("C17", "S4")]
    assert the("C11", outcomes).computed["items"] == [TREE]


def test_c13_a_guide_is_not_older_than_its_logs() -> None:
    log = with_log()

    assert failures(log.admit(a_guide(issued_on="2025-09-03"))) == [("C13", "S3")]
    assert failures(with_log().admit(a_guide(issued_on="2025-09-04"))) == []


def test_c17_no_more_leaves_by_list_than_was_cross_cut() -> None:
    stated = {"volume_dm3": 5_500}

    over = with_log().admit(a_guide(logs=[a_section() | stated]))
    exact = with_log().admit(a_guide())

    assert ("C17", "S4") in failures(over)
    assert ("C17", "S4") not in failures(exact)
    assert "5.500 m³" in the("C17", over).text_es


def test_b01_the_real_dipteryx_balance_is_an_s4() -> None:
    log = founded(lines=[a_line(CITES_SPECIES, 3_197_063)])

    within = log.admit(a_guide("G-1", items=None, lines=[a_line(CITES_SPECIES, 3_197_063)]))
    over = log.admit(a_guide("G-2", items=None, lines=[a_line(CITES_SPECIES, 203_111)]))

    assert failures(within) == []
    assert failures(over) == [("B01", "S4")]
    assert "3400.174 m³ de 3197.063 m³ autorizados (6.4 % de exceso)" in the("B01", over).text_es
    assert the("B01", over).computed["excess_dm3"] == 203_111


def test_b01_half_a_per_cent_over_is_an_s2_and_a_line_nobody_authorised_an_s4() -> None:
    def drawn(volume_dm3: int, species: str = SPECIES) -> list[tuple[str, str]]:
        return failures(founded().admit(a_guide(items=None, lines=[a_line(species, volume_dm3)])))

    assert drawn(100_000) == []
    assert drawn(100_500) == [("B01", "S2")]
    assert drawn(100_501) == [("B01", "S4")]
    assert drawn(1, CITES_SPECIES) == [("B01", "S4")]


def test_b01_products_of_a_species_are_never_netted() -> None:
    log = founded(lines=[a_line(volume_dm3=10_000), a_line(volume_dm3=10_000, product="branch_firewood")])

    assert failures(log.admit(a_guide("G-1", items=None, lines=[a_line(volume_dm3=10_000)]))) == []
    assert (
        failures(log.admit(a_guide("G-2", items=None, lines=[a_line(volume_dm3=10_000, product="branch_firewood")])))
        == []
    )
    assert log.line().drawn_dm3 == log.line(product="branch_firewood").drawn_dm3 == 10_000


def test_b02_what_leaves_has_felled_trees_behind_it() -> None:
    def moved(felled_dm3: int) -> list[tuple[str, str]]:
        log = founded()
        log.admit(a_felling(volume_dm3=felled_dm3), a_cut())
        return failures(log.admit(a_guide()))

    assert moved(4_720) == []
    assert moved(4_719) == [("B02", "S4")]


def test_t01_a_guide_covers_one_permit() -> None:
    log = with_log()
    log.admit(a_permit(number="RGR-0001-2025"))
    outcomes = log.admit(a_guide(permit="RGR-0001-2025"))

    assert ("T01", "S4") in failures(outcomes)
    assert the("T01", outcomes).computed["others"] == ["RGR-0000-2025"]


@pytest.mark.parametrize("use", [a_departure(), a_check(), a_reception()], ids=lambda record: str(record.type))
def test_t01_a_void_guide_is_not_used(use: Record) -> None:
    log = with_log()
    log.admit(a_guide(), a_voiding())

    assert failures(log.admit(use))[0] == ("T01", "S4")
    assert log.guide_state() == "voided"


def test_t01_a_guide_is_not_voided_after_it_left_and_its_volume_does_not_return() -> None:
    log, early = with_log(), with_log()
    log.admit(a_guide(), a_departure())
    early.admit(a_guide())

    assert failures(log.admit(a_voiding())) == [("T01", "S4")]
    assert failures(early.admit(a_voiding())) == []
    assert (log.line().drawn_dm3, early.line().drawn_dm3) == (5_192, 0)
    assert (log.guide_state(), early.guide_state()) == ("departed", "voided")


def test_t02_the_dates_of_a_guide_follow_each_other() -> None:
    assert failures(with_log().admit(a_guide(expires_on="2025-09-12"))) == [("T02", "S4")]

    def way(*records: Record) -> list[tuple[str, str]]:
        log = with_log()
        log.admit(a_guide())
        return [found for record in records for found in failures(log.admit(record))]

    assert way(a_departure(at="2025-09-12T23:00:00Z")) == [("T02", "S4")]
    assert way(a_departure(at="2025-09-29T00:00:00Z")) == [("T02", "S4")]
    assert way(a_departure(), a_check(at="2025-09-14T07:00:00Z")) == [("T02", "S4")]
    assert way(a_departure(), a_reception(at="2025-09-29T00:00:00Z")) == [("T02", "S3")]
    assert way(a_departure(), a_reception(at="2025-09-14T07:59:59Z")) == [("T02", "S4")]
    assert way(a_departure(), a_check(), a_reception(at="2025-09-28T23:59:59Z")) == []


def test_t02_an_arrival_without_departure_is_not_evaluated() -> None:
    log = with_log()
    log.admit(a_guide())

    assert unevaluated(log.admit(a_reception())) == ["T02"]


def test_t03_lines_and_list_agree() -> None:
    def issued(volume_dm3: int, product: str = "roundwood") -> Outcomes:
        return with_log().admit(a_guide(lines=[a_line(volume_dm3=volume_dm3, product=product)]))

    assert failures(issued(5_192)) == failures(issued(5_217)) == []
    assert failures(issued(5_218)) == [("T03", "S3")]
    assert the("T03", issued(5_192, "branch_firewood")).severity == "S3"
    assert the("T03", issued(10_384)).computed["times"] == 2
    assert "2 veces" in the("T03", issued(10_384)).text_es


def test_t03_a_log_travels_with_its_recorded_volume_and_that_with_its_measures() -> None:
    small = a_section(volume_dm3=5_000)
    restated = with_log().admit(a_guide(logs=[small]))
    log = founded()
    log.admit(a_felling(), a_cut(small))
    mismeasured = log.admit(a_guide(logs=[small]))

    assert (the("T03", restated).case, the("T03", mismeasured).case) == ("item", "measures")
    assert the("T03", mismeasured).computed["computed_dm3"] == 5_192


def test_t03_nothing_arrives_that_was_not_sent() -> None:
    def arrived(**body: Any) -> list[tuple[str, str]]:
        log = with_log()
        log.admit(a_guide(), a_departure())
        return failures(log.admit(a_reception(**body)))

    extra = [{"item": an_item(name), "volume_dm3": 5_192} for name in ("501/A", "stranger")]
    assert arrived(volume_dm3=5_217) == arrived(volume_dm3=100) == arrived(items=extra[:1]) == []
    assert arrived(volume_dm3=5_218) == [("T03", "S3")]
    assert arrived(items=extra) == [("T03", "S3")]


def test_t04_a_log_on_two_guides_is_an_s4_and_draws_twice() -> None:
    log = with_log()
    log.admit(a_guide("G-1"))

    outcomes = log.admit(a_guide("G-2"))

    assert failures(outcomes) == [("T04", "S4")]
    assert log.line().drawn_dm3 == 2 * 5_192
    assert log.item(an_item("501/A")).worst == "S4"


def test_t04_wood_that_left_does_not_leave_again_with_its_first_owner() -> None:
    log = with_log()
    log.admit(a_guide("G-1"), a_departure("G-1"), a_reception("G-1"))

    again = log.admit(a_guide("G-2"))

    assert failures(again) == [("T04", "S4")]
    assert the("T04", again).case == "already_left"


def test_t04_the_addressee_may_send_it_on_without_a_second_draw() -> None:
    log = with_log()
    log.admit(a_guide("G-1"), a_departure("G-1"), a_reception("G-1"))

    onward = a_guide(
        "G-2", actor=MILL, permit=None, origin_guides=["G-1"], lines=[a_line(volume_dm3=5_192, parcel="")],
        addressee="comprador-1",
    )  # fmt: skip

    assert failures(log.admit(onward)) == []
    assert log.line().drawn_dm3 == 5_192


def test_t04_a_guide_is_not_seen_on_the_road_after_it_arrived() -> None:
    log = with_log()
    log.admit(a_guide(), a_departure(), a_reception(at="2025-09-16T08:00:00Z"))

    assert failures(log.admit(a_check(at="2025-09-16T08:00:01Z"))) == [("T04", "S4")]
    assert failures(log.admit(a_check(at="2025-09-16T08:00:00Z"))) == []


# ---- mills


def test_an_ordinary_sawing_passes() -> None:
    outcomes = at_the_mill().admit(a_sawing([an_item("501/A")]))

    assert failures(outcomes) == []
    assert unevaluated(outcomes) == ["M04"]
    assert passes(outcomes) == ["M01", "M06", "C13"]


@pytest.mark.parametrize(
    ("time", "product", "volume_dm3", "found"),
    [
        ("2025-09-20T08:00:00Z", "sawn", 2_907, []),
        ("2025-09-20T08:00:00Z", "sawn", 2_908, [("M01", "S4")]),
        ("2025-09-20T08:00:00Z", "flooring_blank", 2_128, []),
        ("2025-09-20T08:00:00Z", "flooring_blank", 2_129, [("M01", "S4")]),
        ("2025-09-20T08:00:00Z", "other", 5_192, []),
        ("2025-09-20T08:00:00Z", "other", 5_193, [("M01", "S4")]),
    ],
)
def test_m01_yield_against_the_coefficient(time: str, product: str, volume_dm3: int, found: list[Any]) -> None:
    output = an_output(product=product, volume_dm3=volume_dm3)

    assert failures(at_the_mill().admit(a_sawing([an_item("501/A")], output, time=time))) == found


def test_m01_uses_the_coefficient_of_its_day() -> None:
    output = an_output(volume_dm3=2_800)  # 53.9 %

    def sawn(felled: str, cut: str, day: str) -> Outcomes:
        log = founded()
        window = {"harvest_from": "2024-01-01", "harvest_to": "2026-01-01", "move_to": "2026-01-01"}
        log.admit(a_permit(number="OLD", **window))
        log.admit(a_felling(permit="OLD", time=felled), a_cut(permit="OLD", time=cut), actor_guide(day))
        log.admit(a_reception(at=f"{day}T06:00:00Z"))
        return log.admit(a_sawing([an_item("501/A")], output, time=f"{day}T08:00:00Z"))

    def actor_guide(day: str) -> Record:
        return a_guide(permit="OLD", issued_on=day, expires_on=day, time=f"{day}T05:00:00Z")

    before = sawn("2024-08-01T08:00:00Z", "2024-08-02T08:00:00Z", "2024-09-01")
    after = sawn("2025-08-01T08:00:00Z", "2025-08-02T08:00:00Z", "2025-09-01")

    assert failures(before) == [("M01", "S4")]
    assert failures(after) == []


def test_m01_a_quoted_study_or_a_cites_species_leaves_the_ceiling_unevaluated() -> None:
    listed = at_the_mill(a_section(species=CITES_SPECIES))
    cites = listed.admit(a_sawing([an_item("501/A")], an_output(species=CITES_SPECIES)))
    studied = at_the_mill().admit(a_sawing([an_item("501/A")], an_output(volume_dm3=3_500), study="EST-2025-7"))
    impossible = at_the_mill().admit(a_sawing([an_item("501/A")], an_output(volume_dm3=5_193), study="EST-2025-7"))

    assert unevaluated(cites) == unevaluated(studied) == ["M01", "M04"]
    assert failures(cites) == failures(studied) == []
    assert failures(impossible) == [("M01", "S4")]


def test_m04_the_stock_adds_up() -> None:
    def stocked(closing_dm3: int) -> Outcomes:
        stock = {"species": SPECIES, "opening_dm3": 10_000, "in_dm3": 10_000, "consumed_dm3": 5_000}
        return at_the_mill().admit(a_sawing([an_item("501/A")], stock=[stock | {"closing_dm3": closing_dm3}]))

    assert failures(stocked(15_000)) == failures(stocked(15_100)) == failures(stocked(14_900)) == []
    assert failures(stocked(15_101)) == failures(stocked(14_899)) == [("M04", "S3")]


def test_m06_no_species_comes_out_that_did_not_go_in() -> None:
    outcomes = at_the_mill().admit(a_sawing([an_item("501/A")], an_output("x", OTHER_SPECIES), an_output("y")))
    only = at_the_mill().admit(a_sawing([an_item("501/A")], an_output("x", OTHER_SPECIES)))

    assert failures(outcomes) == failures(only) == [("M06", "S4")]
    assert unevaluated(only) == ["M01", "M04"]


def test_c13_a_mill_does_not_saw_what_is_not_yet_made_or_still_on_the_way() -> None:
    early = at_the_mill().admit(a_sawing([an_item("501/A")], time="2025-09-04T14:00:00Z"))
    log = with_log()
    log.admit(a_guide())
    moving = log.admit(a_sawing([an_item("501/A")], actor="comunidad-a"))

    assert failures(early) == failures(moving) == [("C13", "S3")]


def test_a_product_inherits_the_gravest_finding_of_its_wood() -> None:
    log = founded([a_tree("501", condition="seed")])
    log.admit(a_felling(), a_cut(), a_guide(), a_departure(), a_reception(), a_sawing([an_item("501/A")]))

    assert log.item(an_item("tablas")).worst == "S4"


# ---- what people read


def test_every_case_says_its_sentence_in_both_languages_without_words_of_judgement() -> None:
    for (rule, case), (spanish, english) in TEXTS.items():
        assert spanish != english, (rule, case)
        for word in ("legal", "delito", "fraud"):
            assert word not in f"{spanish} {english}".lower()


def test_an_outcome_is_written_with_its_figures_threshold_and_source() -> None:
    over = a_cut(a_section(volume_dm3=6_000))
    log = founded()
    log.admit(a_felling())

    outcome = the("C08", log.admit(over)).as_dict()

    assert outcome["computed"] == {"cut_dm3": 6_000, "whole_dm3": 5_643, "over_permille": 63}
    assert outcome["threshold"]["s2_over_permille"] == 50
    assert "PE-RISFFS" in outcome["norm"]
    assert "8.5 %" in outcome["source"]
    assert "6.000 m³, 6.3 % más que la pieza de origen, 5.643 m³" in outcome["text_es"]
    assert "6.000 m³, 6.3 % more than the piece they came from, 5.643 m³" in outcome["text_en"]
