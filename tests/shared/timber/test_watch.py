"""What a monitor watches: dated data, and rules that say what they found in two languages."""

import pytest

from shared.refusal import Missing
from shared.timber.norms.watch import load_watch
from shared.timber.rules import watch
from shared.timber.rules.outcome import Outcome
from shared.timber.rules.watch_texts import WATCH_TEXTS

RULES = load_watch().on("2026-07-01")
SEAM = {
    "closed_at": 9,
    "next": "log.example/x/2027",
    "origin": "log.example/x/2026",
    "size": 7,
    "before": "log.example/x",
}
HANDED_IN = watch.HandedIn("PO-17", 4, "1" * 64, "2" * 64, 3, 17_643)
SID, KID = "5" * 64, "AbC_d-e_fGhIjKlMnOpQrA"


def test_every_rule_has_its_source_its_day_and_its_state_of_review() -> None:
    assert sorted(RULES) == ["C14", "L01", "L02", "L03", "L04", "L05", "L06", "L07", "L08"]
    for rule in load_watch().rules:
        assert rule.norm
        assert rule.source
        assert rule.legal_review
        assert rule.title_es != rule.title_en
    assert sorted({rule for rule, _ in WATCH_TEXTS}) == sorted(RULES)


def test_before_its_first_day_a_rule_counts_from_its_first_version() -> None:
    assert load_watch().on("1990-01-01") == RULES


@pytest.mark.parametrize(
    ("claimed", "made", "entered", "expected"),
    [
        ("2026-07-01T00:00:00Z", None, None, ("pass", "")),
        ("2026-07-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z", ("pass", "")),
        ("2026-07-01T00:00:00Z", None, "2026-07-16T23:59:59Z", ("pass", "")),
        ("2026-07-01T00:00:00Z", None, "2026-07-17T00:00:00Z", ("entered_late", "S1")),
        ("2026-07-01T00:00:00Z", None, "2026-08-31T00:00:00Z", ("entered_late", "S2")),
        ("2026-07-01T00:00:00Z", "2026-07-17T00:00:00Z", "2026-08-31T00:00:00Z", ("made_late", "S1")),
        ("2026-07-01T00:00:00Z", "2026-07-10T00:00:00Z", "2026-08-31T00:00:00Z", ("entered_late", "S2")),
    ],
)
def test_late_is_counted_in_whole_days(claimed: str, made: str, entered: str, expected: tuple[str, str]) -> None:
    outcome = watch.c14(RULES["C14"], SID, claimed, made, entered)

    assert (outcome.case, outcome.severity) == expected


def test_a_clock_may_be_a_day_ahead() -> None:
    found = [watch.c14_ahead(RULES["C14"], SID, claimed, "2026-07-01T00:00:00Z").status
             for claimed in ("2026-06-30T00:00:00Z", "2026-07-02T00:00:00Z", "2026-07-02T00:00:01Z")]  # fmt: skip

    assert found == ["PASS", "PASS", "FAIL"]


def every_outcome() -> list[Outcome]:
    no = Missing("item", "x_1")
    return [
        watch.c14(RULES["C14"], SID, "2026-07-01T00:00:00Z", "2026-09-01T00:00:00Z", None),
        watch.c14(RULES["C14"], SID, "2026-07-01T00:00:00Z", None, "2026-09-01T00:00:00Z"),
        watch.c14_ahead(RULES["C14"], SID, "2026-09-01T00:00:00Z", "2026-07-01T00:00:00Z"),
        watch.l01_refused(RULES["L01"], SID, no), watch.l01_unknown_type(RULES["L01"], SID, no),
        watch.l01_predecessor(RULES["L01"], SID, "0" * 64), watch.l01_repeated(RULES["L01"], SID, 7),
        watch.l02(RULES["L02"], SID, 5, 6, "0" * 64, None), watch.l02(RULES["L02"], SID, 5, 5, "0" * 64, "1" * 64),
        watch.l03_twice(RULES["L03"], SID, KID, 4, 3, "2" * 64), watch.l04_gap(RULES["L04"], KID, 3, 9),
        watch.l05_noted(RULES["L05"], "1" * 64, "2" * 64, "item:x"),
        watch.l06(RULES["L06"], SID, "log.example/2026", 7, "0" * 64, "1" * 64),
        *(watch.l07(RULES["L07"], SID, case, SEAM)
          for case in ("goes_on", "other_before", "name_again", "other_next", "known_before")),
        watch.l08_approved(RULES["L08"], "PO-17", "2026-07-01", "0" * 64, 3, HANDED_IN, None),
        watch.l08_approved(RULES["L08"], "PO-17", "2026-07-01", "0" * 64, 3, None, 6),
        watch.l08_approved(RULES["L08"], "PO-17", "2026-07-01", "0" * 64, 3, None, None),
        watch.l08_listed(RULES["L08"], HANDED_IN, "0" * 64, 3, 17_643), watch.l08_late(RULES["L08"], "PO-17", 5),
    ]  # fmt: skip


def test_every_case_is_said_with_its_figures_in_both_languages() -> None:
    outcomes = every_outcome()

    assert {(outcome.rule, outcome.case) for outcome in outcomes} == WATCH_TEXTS.keys()
    for outcome in outcomes:
        assert outcome.status == ("NOT_EVALUATED" if outcome.case in ("unknown_type", "not_told") else "FAIL")
        for text in (outcome.text_es, outcome.text_en):
            assert "{" not in text
        assert outcome.text_es != outcome.text_en


def test_the_id_of_a_key_is_written_as_it_is() -> None:
    gap = watch.l04_gap(RULES["L04"], KID, 3, 9)

    assert KID in gap.text_es
    assert KID in gap.text_en


def test_what_a_device_saw_of_this_log_passes() -> None:
    assert watch.l02(RULES["L02"], SID, 5, 5, "0" * 64, "0" * 64).status == "PASS"
    assert watch.l06(RULES["L06"], SID, "log.example/2026", 7, "0" * 64, "0" * 64).status == "PASS"
    assert watch.l07(RULES["L07"], SID, None, SEAM).status == "PASS"
