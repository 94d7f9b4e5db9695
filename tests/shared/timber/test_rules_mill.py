"""Rules of mills: a case that fails beside one that passes."""

from typing import Any

import pytest

from shared.timber.event import Record
from shared.timber.rules.outcome import Outcomes
from tests.build import (
    CITES_SPECIES,
    OTHER_SPECIES,
    SPECIES,
    a_cut,
    a_departure,
    a_felling,
    a_guide,
    a_permit,
    a_reception,
    a_sawing,
    a_section,
    a_tree,
    an_item,
    an_output,
    delivered,
    failures,
    founded,
    passes,
    the,
    unevaluated,
    with_log,
)


def test_an_ordinary_sawing_passes() -> None:
    outcomes = delivered().admit(a_sawing([an_item("501/A")]))

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

    assert failures(delivered().admit(a_sawing([an_item("501/A")], output, time=time))) == found


def test_m01_round_wood_does_not_become_sawn_by_way_of_other_products() -> None:
    """What is not sawn yet stands for the round wood behind it, in however many runs the mill works."""

    def in_two_runs(block_dm3: int, sawn_dm3: int, *first: dict[str, Any]) -> list[Any]:
        log = delivered()
        log.admit(a_sawing([an_item("501/A")], *first, an_output("block", product="other", volume_dm3=block_dm3)))
        later = "2025-09-21T08:00:00Z"
        return failures(log.admit(a_sawing([an_item("block")], an_output(volume_dm3=sawn_dm3), time=later)))

    assert in_two_runs(5_192, 2_907) == in_two_runs(3_000, 2_907) == []
    assert in_two_runs(5_192, 2_908) == in_two_runs(5_192, 5_192) == [("M01", "S4")]
    boards = an_output("first boards", volume_dm3=1_400)  # they use up 2.500 m³ of the 5.192
    assert in_two_runs(2_700, 1_507, boards) == []
    assert in_two_runs(2_700, 1_508, boards) == [("M01", "S4")]
    assert in_two_runs(2_700, 1, an_output("first boards", volume_dm3=2_492)) == []
    assert in_two_runs(2_200, 1, an_output("first boards", volume_dm3=2_907)) == [("M01", "S4")]  # all used up


def test_m01_what_stands_for_round_wood_is_shared_out_and_kept_over_several_runs() -> None:
    log = delivered()
    halves = [an_output(name, product="other", volume_dm3=2_000) for name in ("left", "right")]
    log.admit(a_sawing([an_item("501/A")], *halves))
    log.admit(a_sawing([an_item("left")], an_output("planed", product="other", volume_dm3=1_900)))

    assert [log.item(an_item(name)).round_dm3 for name in ("left", "right", "planed")] == [2_596] * 3
    log.admit(a_sawing([an_item("planed")], an_output("boards", volume_dm3=1_453), time="2025-09-21T08:00:00Z"))
    assert log.item(an_item("boards")).round_dm3 is None
    over = log.admit(a_sawing([an_item("right")], an_output("more", volume_dm3=1_454), time="2025-09-21T08:00:00Z"))
    assert failures(over) == [("M01", "S4")]
    assert the("M01", over).computed["inputs_dm3"] == 2_596


def test_m01_with_a_study_what_is_sawn_uses_up_at_least_itself() -> None:
    log = delivered()
    block = an_output("block", product="other", volume_dm3=1_192)
    log.admit(a_sawing([an_item("501/A")], an_output("boards", volume_dm3=4_000), block, study="EST-2025-7"))

    assert log.item(an_item("block")).round_dm3 == 1_192


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
    listed = delivered(a_section(species=CITES_SPECIES))
    cites = listed.admit(a_sawing([an_item("501/A")], an_output(species=CITES_SPECIES)))
    studied = delivered().admit(a_sawing([an_item("501/A")], an_output(volume_dm3=3_500), study="EST-2025-7"))
    impossible = delivered().admit(a_sawing([an_item("501/A")], an_output(volume_dm3=5_193), study="EST-2025-7"))

    assert unevaluated(cites) == unevaluated(studied) == ["M01", "M04"]
    assert failures(cites) == failures(studied) == []
    assert failures(impossible) == [("M01", "S4")]


@pytest.mark.parametrize(
    ("name", "free"), [("Cedrela sp.", True), ("Cedrelinga sp.", False), ("Cedrela odorata", True)]
)
def test_m01_a_genus_that_cites_lists_whole_leaves_the_ceiling_unevaluated_as_its_species_do(
    name: str, free: bool
) -> None:
    sawn = an_output(species=name, volume_dm3=3_500)  # 67 %
    outcomes = delivered(a_section(species=name)).admit(a_sawing([an_item("501/A")], sawn))

    assert ("M01" in unevaluated(outcomes), failures(outcomes)) == (free, [] if free else [("M01", "S4")])


def test_m04_the_stock_adds_up() -> None:
    def stocked(closing_dm3: int) -> Outcomes:
        stock = {"species": SPECIES, "opening_dm3": 10_000, "in_dm3": 10_000, "consumed_dm3": 5_000}
        return delivered().admit(a_sawing([an_item("501/A")], stock=[stock | {"closing_dm3": closing_dm3}]))

    assert failures(stocked(15_000)) == failures(stocked(15_100)) == failures(stocked(14_900)) == []
    assert failures(stocked(15_101)) == failures(stocked(14_899)) == [("M04", "S3")]


def test_m06_no_species_comes_out_that_did_not_go_in() -> None:
    outcomes = delivered().admit(a_sawing([an_item("501/A")], an_output("x", OTHER_SPECIES), an_output("y")))
    only = delivered().admit(a_sawing([an_item("501/A")], an_output("x", OTHER_SPECIES)))

    assert failures(outcomes) == failures(only) == [("M06", "S4")]
    assert unevaluated(only) == ["M01", "M04"]


def test_c13_a_mill_does_not_saw_what_is_not_yet_made_or_still_on_the_way() -> None:
    early = delivered().admit(a_sawing([an_item("501/A")], time="2025-09-04T14:00:00Z"))
    log = with_log()
    log.admit(a_guide())
    moving = log.admit(a_sawing([an_item("501/A")], actor="comunidad-a"))

    assert failures(early) == failures(moving) == [("C13", "S3")]


def test_a_product_inherits_the_gravest_finding_of_its_wood() -> None:
    log = founded([a_tree("501", condition="seed")])
    log.admit(a_felling(), a_cut(), a_guide(), a_departure(), a_reception(), a_sawing([an_item("501/A")]))

    assert log.item(an_item("tablas")).worst == "S4"
