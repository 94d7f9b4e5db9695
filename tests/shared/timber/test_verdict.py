"""From outcomes to one word; two real trees of a community permit of Madre de Dios, 2025, are the golden cases."""

from collections.abc import Iterable
from typing import Any

import pytest

from shared.timber import measure
from shared.timber.event import Record, tree_item
from shared.timber.facts import Inspection, Permit
from shared.timber.norms import load
from shared.timber.rules.outcome import Outcome
from shared.timber.verdict import Coverage, Verdict, coverage_of, kinds_of, verdict
from tests.build import (
    OTHER_SPECIES,
    PARCEL,
    PERMIT,
    PLAN,
    SPECIES,
    Log,
    a_cut,
    a_departure,
    a_felling,
    a_guide,
    a_line,
    a_reception,
    a_section,
    a_tree,
    an_inspection,
    failures,
    founded,
    measures,
    with_log,
)

NONE_SEEN = Coverage(0, 200_000, 0, 0)
DAY = "2025-09-22"


def judged(log: Log, since: int = 0, coverage: Coverage = NONE_SEEN) -> Verdict:
    """The verdict on everything in a log from an index on."""
    outcomes = [outcome for index, outcome in log.outcomes if index >= since]
    return verdict(outcomes, kinds_of(log.records[since:]), log.norms, DAY, coverage)


# ---- the real trees


def test_tree_501_is_consistent() -> None:
    census = a_tree("501", SPECIES, dbh_mm=800, height_mm=18_000, volume_dm3=measure.census_dm3(800, 18_000, 650))
    log = founded([census])
    log.admit(
        a_felling("501", time="2025-08-04T12:00:00Z", **measures(750, 720, 13_300)),
        a_cut(a_section("501/A", **measures(700, 710, 13_300)), time="2025-09-04T12:00:00Z"),
        a_guide("017-0001426"),
        a_departure(),
        a_reception(),
    )

    found = judged(log)

    tree = log.item(tree_item(PLAN, PARCEL, "501"))
    assert (census["volume_dm3"], tree.volume_dm3, tree.cut_dm3) == (5_881, 5_643, 5_192)
    assert (found.word, found.findings, found.missing) == ("CONSISTENT", [], [])
    assert found.text_es == "CONSISTENTE: 0 observaciones abiertas; 0.0 % del volumen autorizado se verificó en campo."


def test_tree_1170_is_to_review_for_its_species_and_for_logs_larger_than_the_tree() -> None:
    census_species, felled_species = "Myroxylon balsamum", OTHER_SPECIES
    census = a_tree(
        "1170", census_species, dbh_mm=950, height_mm=20_000, volume_dm3=measure.census_dm3(950, 20_000, 710)
    )
    log = founded([census], [a_line(census_species), a_line(felled_species, 796_238)])
    log.admit(a_felling("1170", time="2025-08-01T12:00:00Z", **measures(800, 640, 24_500, felled_species)))
    logs = [
        a_section("1170/A", **measures(860, 760, 10_550, felled_species)),
        a_section("1170/B", **measures(760, 700, 7_600, felled_species)),
        a_section("1170/C", **measures(700, 630, 6_340, felled_species)),
    ]
    log.admit(a_cut(*logs, tree="1170", time="2025-09-01T12:00:00Z"))
    for number, section, day in (("017-0001311", logs[2], 2), ("017-0001332", logs[1], 8), ("017-0001349", logs[0], 9)):
        log.admit(a_guide(number, [section], issued_on=f"2025-09-0{day}"))

    found = judged(log)

    tree = log.item(tree_item(PLAN, PARCEL, "1170"))
    assert (census["volume_dm3"], tree.volume_dm3, tree.cut_dm3) == (10_065, 9_975, 10_819)
    assert failures(found.findings) == [("C05", "S3"), ("C08", "S2")]
    assert found.word == "TO_REVIEW"
    c08 = found.findings[1]
    assert (c08.computed["cut_dm3"], c08.computed["whole_dm3"], c08.computed["over_permille"]) == (10_819, 9_975, 85)
    assert "8.5 %" in c08.text_es
    assert tree.worst == "S3"


# ---- the word


def an_outcome(rule: str, severity: Any = "", status: Any = "FAIL") -> Outcome:
    return Outcome(rule, status, severity, "item", "x", {}, {}, "", "")


WOOD = {"tree.felled", "log.cut", "guide.issued", "guide.issued/permit"}


def word(outcomes: Iterable[Outcome], kinds: set[str] = WOOD) -> str:
    return verdict(outcomes, kinds, load(), DAY, NONE_SEEN).word


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], "CONSISTENT"),
        ([("C07", "S1")], "CONSISTENT"),
        ([("C08", "S2")], "CONSISTENT"),
        ([("C08", "S2"), ("C08", "S2"), ("C10", "S2")], "CONSISTENT"),  # one family
        ([("C08", "S2"), ("B01", "S2")], "TO_REVIEW"),
        ([("C07", "S2"), ("C08", "S2")], "TO_REVIEW"),  # census and custody
        ([("T03", "S3")], "TO_REVIEW"),
        ([("B01", "S4")], "TO_REVIEW"),
    ],
)
def test_the_word_follows_from_severities_and_families(outcomes: list[tuple[str, str]], expected: str) -> None:
    assert word([an_outcome(rule, severity) for rule, severity in outcomes]) == expected


def test_a_mandatory_rule_without_evaluation_comes_before_everything() -> None:
    missing = an_outcome("C11", status="NOT_EVALUATED")

    assert word([missing]) == word([missing, an_outcome("B01", "S4")]) == "INCOMPLETE"


def test_the_mills_stock_only_informs() -> None:
    assert word([an_outcome("M04", status="NOT_EVALUATED")], WOOD | {"mill.processed"}) == "CONSISTENT"
    assert word([an_outcome("M01", status="NOT_EVALUATED")], WOOD | {"mill.processed"}) == "INCOMPLETE"


@pytest.mark.parametrize("kinds", [set(), {"tree.felled"}, {"guide.issued"}, {"lot.composed", "lot.sold"}])
def test_a_lot_without_its_origin_is_incomplete(kinds: set[str]) -> None:
    assert word([], kinds) == "INCOMPLETE"


def test_passes_among_the_outcomes_change_nothing() -> None:
    log = with_log()
    with_passes = judged(log)
    without = verdict(
        [outcome for _, outcome in log.outcomes if outcome.status != "PASS"], kinds_of(log.records), log.norms, DAY, NONE_SEEN
    )  # fmt: skip

    assert with_passes == without


def test_the_order_of_outcomes_changes_nothing() -> None:
    outcomes = [an_outcome(rule, "S2") for rule in ("C08", "B01", "T03", "C07")]

    assert verdict(outcomes, WOOD, load(), DAY, NONE_SEEN) == verdict(outcomes[::-1], WOOD, load(), DAY, NONE_SEEN)


def test_the_verdict_says_what_was_not_checked() -> None:
    in_the_yard = judged(with_log())

    status = {rule.rule: rule.status for rule in in_the_yard.rules}
    said = " ".join(line["es"] for line in in_the_yard.not_checked)
    assert (status["C08"], status["T01"], status["M01"]) == ("PASS", "NOT_APPLICABLE", "NOT_APPLICABLE")
    assert "T01: Guía única" in said
    assert "C08" not in said
    assert "verificación en campo" in said


def test_a_guide_without_permit_asks_for_no_balance() -> None:
    onward: list[Record] = [a_guide(permit=None, origin_guides=["G-0"], lines=[a_line(parcel="")])]

    assert kinds_of(onward) == {"guide.issued"}
    assert kinds_of([a_guide()]) == {"guide.issued", "guide.issued/permit"}


# ---- coverage


def test_coverage_is_what_inspections_saw_of_what_permits_authorise() -> None:
    log = with_log()
    log.admit(an_inspection(25_550, trees_sampled=4))
    inspection = log.facts.find(Inspection, f"inspection:{PLAN}")
    permit = log.facts.find(Permit, f"permit:{PERMIT}")
    assert inspection is not None
    assert permit is not None

    found = judged(log, coverage=coverage_of([inspection], [permit]))

    assert (found.coverage.permille, found.coverage.authorised_dm3) == (127, 200_000)
    assert "12.7 % of the authorised volume was verified in the field" in found.text_en
    assert found.as_dict()["coverage"]["permille"] == 127


@pytest.mark.parametrize(
    ("inspected", "authorised", "permille"), [(0, 0, 0), (5, 0, 0), (0, 5, 0), (7, 5, 1000), (999, 1000, 999)]
)
def test_coverage_stays_between_nothing_and_all(inspected: int, authorised: int, permille: int) -> None:
    assert Coverage(inspected, authorised, 0, 0).permille == permille


def test_a_verdict_is_written_for_machines() -> None:
    found = judged(with_log()).as_dict()

    assert found["word"] == "CONSISTENT"
    assert found["rules"][0]["title_es"]
    assert found["norms"] == load().version
