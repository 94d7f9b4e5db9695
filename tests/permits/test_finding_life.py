"""The life of a finding without I/O: which act follows which state, by whom, after how long; and what it keeps from approval."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest

from services.permits.domain.finding import Finding
from services.permits.domain.finding_life import (
    MOST_APPEALS,
    STATES,
    STEPS,
    Act,
    Actor,
    Done,
    FindingsOpen,
    KnownFinding,
    NothingToAnswer,
    NotYours,
    Outcome,
    Review,
    ReviewNeeded,
    TermNotOver,
    TooManyAppeals,
    check_gate,
    digest_of,
    next_step,
    why_blocked,
)
from services.permits.domain.party import SameOrganisation, SamePerson, WrongState
from services.permits.domain.plan import Parcel, Plan, Summary
from services.permits.domain.rules.catalogue import About, Terms

OPENED = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = OPENED.date()
TERMS = Terms(explanation_days=10, appeal_days=21, review_days=30)
PLAN = Plan(
    "PO-1", "CN-A", "comunidad-a", "madre-de-dios", "PO 1", "2026", "regencia-1", (Parcel("PC 01", 1),), 650, DAY, DAY,
    "listed", "submitted", "u-manager", "u-regent", "u-manager", None, None, Summary(root="r"), None,
)  # fmt: skip
COMMUNITY, REGENT = Actor("u-manager", "comunidad-a", DAY), Actor("u-regent", "regencia-1", DAY)
SUPERVISOR, OTHER = Actor("u-supervisor", "osinfor-md", DAY), Actor("u-other", "osinfor-md", DAY)


def a_finding(severity: Any = "S3", status: Any = "FAIL", **changes: Any) -> Finding:
    return replace(Finding("P09", status, severity, "plan:PO-1", {"n": 1}, {}, "norm", "source", "es", "en"), **changes)


def known(*acts: tuple[str, str, str], severity: Any = "S3", outcome: str = "") -> KnownFinding:
    """A finding after these (act, state, person); the last may have closed it."""
    done = [Done(act, state, "", OPENED, by, "", "", None) for act, state, by in acts]
    if outcome:
        done[-1] = replace(done[-1], outcome=outcome)
    status = "FAIL" if severity else "PASS"
    return KnownFinding("f-1", a_finding(severity, status), About("pattern", "", True), OPENED, tuple(done), True)


EXPLAINED = ("explain", "explained", "u-manager")
ACCEPTED, UPHELD = ("accept", "accepted", "u-supervisor"), ("uphold", "upheld", "u-supervisor")
APPEALED = ("appeal", "appealed", "u-manager")
PATHS: dict[str, list[tuple[str, str, str]]] = {
    "open": [], "explained": [EXPLAINED], "accepted": [EXPLAINED, ACCEPTED], "upheld": [EXPLAINED, UPHELD],
    "appealed": [EXPLAINED, UPHELD, APPEALED], "closed": [EXPLAINED, ACCEPTED, ("close", "closed", "u-other")],
}  # fmt: skip
LATER = DAY + timedelta(days=60)
ACTS: list[tuple[Act, Outcome]] = [
    ("explain", ""), ("accept", ""), ("uphold", ""), ("appeal", ""), ("close", "accepted"), ("close", "upheld"),
    ("close", "lifted"),
]  # fmt: skip
FITTING = {
    ("open", "explain"): "explained", ("open", "uphold"): "upheld", ("explained", "explain"): "explained",
    ("explained", "accept"): "accepted", ("explained", "uphold"): "upheld", ("upheld", "appeal"): "appealed",
    ("accepted", "close accepted"): "closed", ("upheld", "close upheld"): "closed",
    ("appealed", "close upheld"): "closed", ("appealed", "close lifted"): "closed", ("appealed", "appeal"): "appealed",
}  # fmt: skip


@pytest.mark.parametrize("state", PATHS)
@pytest.mark.parametrize(("act", "outcome"), ACTS)
def test_each_act_fits_the_states_of_the_table_and_no_other(state: str, act: Act, outcome: Outcome) -> None:
    finding = known(*PATHS[state])
    who = replace(COMMUNITY if act in ("explain", "appeal") else OTHER, day=LATER)
    expected = FITTING.get((state, f"{act} {outcome}".strip()))

    if expected is None:
        with pytest.raises(WrongState) as refused:
            next_step(finding, PLAN, act, outcome, who, TERMS)
        assert refused.value.state == state
        assert refused.value.text("es")
    else:
        assert next_step(finding, PLAN, act, outcome, who, TERMS).after == expected


def test_the_table_names_every_state_and_act_once_reached() -> None:
    assert set(STATES) == set(PATHS)
    assert {step.act for step in STEPS} == set(get_args(Act))
    assert {step.after for step in STEPS} == set(PATHS) - {"open"}


def test_a_rule_that_holds_has_nothing_to_answer() -> None:
    with pytest.raises(NothingToAnswer):
        next_step(known(severity=""), PLAN, "explain", "", COMMUNITY, TERMS)


def test_only_those_who_made_the_plan_answer_for_it_and_only_others_judge() -> None:
    neighbour = Actor("u-9", "comunidad-b", DAY)
    with pytest.raises(NotYours):
        next_step(known(), PLAN, "explain", "", neighbour, TERMS)
    with pytest.raises(SameOrganisation):
        next_step(known(EXPLAINED), PLAN, "accept", "", Actor("u-9", "regencia-1", DAY), TERMS)

    assert next_step(known(), PLAN, "explain", "", REGENT, TERMS).after == "explained"
    assert next_step(known(EXPLAINED), PLAN, "accept", "", SUPERVISOR, TERMS).after == "accepted"


@pytest.mark.parametrize("act", ["accept", "uphold"])
def test_who_made_or_approved_the_plan_decides_none_of_its_findings(act: Act) -> None:
    approved = replace(PLAN, approved_by="u-officer")
    for sub in ("u-manager", "u-regent", "u-officer"):
        with pytest.raises(SamePerson):
            next_step(known(EXPLAINED), approved, act, "", Actor(sub, "gerfor-md", DAY), TERMS)

    assert next_step(known(EXPLAINED), approved, act, "", Actor("u-second", "gerfor-md", DAY), TERMS)


@pytest.mark.parametrize("outcome", ["upheld", "lifted"])
def test_who_decided_hears_no_appeal(outcome: Outcome) -> None:
    with pytest.raises(SamePerson):
        next_step(known(*PATHS["appealed"]), PLAN, "close", outcome, SUPERVISOR, TERMS)

    assert next_step(known(*PATHS["appealed"]), PLAN, "close", outcome, OTHER, TERMS).after == "closed"


def test_each_organisation_speaks_only_so_often_in_one_appeal() -> None:
    def appealed(often: int) -> KnownFinding:
        said = [Done("appeal", "appealed", "", OPENED, "u-manager", "comunidad-a", "", None)] * often
        return replace(known(EXPLAINED, UPHELD), acts=(*known(EXPLAINED, UPHELD).acts, *said))

    with pytest.raises(TooManyAppeals) as refused:
        next_step(appealed(MOST_APPEALS), PLAN, "appeal", "", COMMUNITY, TERMS)

    assert refused.value.slug == "too-many-appeals"
    assert all(str(MOST_APPEALS) in refused.value.text(language) for language in ("es", "en"))
    assert next_step(appealed(MOST_APPEALS - 1), PLAN, "appeal", "", COMMUNITY, TERMS).after == "appealed"
    assert next_step(appealed(MOST_APPEALS), PLAN, "appeal", "", REGENT, TERMS).after == "appealed"
    assert next_step(appealed(MOST_APPEALS), PLAN, "close", "lifted", OTHER, TERMS).after == "closed"


def test_silence_is_upheld_only_when_the_term_to_explain_is_over() -> None:
    with pytest.raises(TermNotOver) as refused:
        next_step(known(), PLAN, "uphold", "", replace(SUPERVISOR, day=DAY + timedelta(days=10)), TERMS)

    assert refused.value.until == (DAY + timedelta(days=10)).isoformat()
    assert next_step(known(), PLAN, "uphold", "", replace(SUPERVISOR, day=DAY + timedelta(days=11)), TERMS)
    assert next_step(known(EXPLAINED), PLAN, "uphold", "", SUPERVISOR, TERMS)


def test_what_was_upheld_is_closed_only_when_the_term_to_appeal_is_over() -> None:
    with pytest.raises(TermNotOver):
        next_step(
            known(EXPLAINED, UPHELD), PLAN, "close", "upheld", replace(OTHER, day=DAY + timedelta(days=21)), TERMS
        )

    assert next_step(
        known(EXPLAINED, UPHELD), PLAN, "close", "upheld", replace(OTHER, day=DAY + timedelta(days=22)), TERMS
    )


# ---- the gate


CLOSE = ("close", "closed", "u-other")


@pytest.mark.parametrize(
    ("severity", "acts", "outcome", "why"),
    [
        ("S1", (), "", None), ("S1", (EXPLAINED, UPHELD), "", None), ("", (), "", None),
        ("S2", (), "", "needs-explanation"), ("S2", (EXPLAINED,), "", None), ("S2", (EXPLAINED, ACCEPTED), "", None),
        ("S2", (EXPLAINED, UPHELD), "", "upheld"),
        ("S3", (), "", "needs-decision"), ("S3", (EXPLAINED,), "", "needs-decision"), ("S3", (EXPLAINED, ACCEPTED), "", None),
        ("S3", (EXPLAINED, UPHELD), "", "upheld"), ("S3", (EXPLAINED, UPHELD, APPEALED), "", "upheld"),
        ("S3", (EXPLAINED, UPHELD, APPEALED, CLOSE), "lifted", None), ("S3", (EXPLAINED, UPHELD, CLOSE), "upheld", "upheld"),
        ("S4", (), "", "stands"), ("S4", (EXPLAINED, ACCEPTED), "", "stands"),
        ("S4", (EXPLAINED, UPHELD, APPEALED), "", "stands"), ("S4", (EXPLAINED, UPHELD, APPEALED, CLOSE), "upheld", "stands"),
        ("S4", (EXPLAINED, UPHELD, APPEALED, CLOSE), "lifted", None),
    ],
)  # fmt: skip
def test_what_keeps_a_plan_from_approval(severity: Any, acts: Any, outcome: str, why: str | None) -> None:
    assert why_blocked(known(*acts, severity=severity, outcome=outcome)) == why


def test_an_s4_that_names_a_fact_stands_until_the_fact_is_put_right_whatever_an_appeal_said() -> None:
    lifted = known(EXPLAINED, UPHELD, APPEALED, CLOSE, severity="S4", outcome="lifted")

    assert why_blocked(lifted) is None
    for kind in ("papers", "unauthorised", "data"):
        assert why_blocked(replace(lifted, about=About(kind, "", True))) == "stands"


def test_who_lifted_a_finding_does_not_approve_the_plan() -> None:
    lifted = known(EXPLAINED, UPHELD, APPEALED, CLOSE, severity="S4", outcome="lifted")

    with pytest.raises(SamePerson):
        check_gate(PLAN, REVIEW, [lifted], CLOSE[2], DAY, TERMS, 3)
    check_gate(PLAN, REVIEW, [lifted], "u-third", DAY, TERMS, 3)


REVIEW = Review(1, "PO-1", OPENED, "u-second", "gerfor-md", "1", "r", 3)


def test_a_plan_is_approved_on_a_fresh_review_by_who_decided_none_of_its_findings() -> None:
    accepted = known(EXPLAINED, ACCEPTED)

    def gate(
        review: Review | None = REVIEW, found: KnownFinding = accepted, by: str = "u-officer", day: date = DAY
    ) -> None:
        check_gate(PLAN, review, [found], by, day, TERMS, 3)

    gate()
    gate(day=DAY + timedelta(days=30))
    of_the_submission = replace(REVIEW, by="u-manager", org=PLAN.org)
    old = replace(REVIEW, at=OPENED - timedelta(days=31))
    outdated, uncounted = replace(REVIEW, changes=2), replace(REVIEW, changes=None)
    for other in (None, replace(REVIEW, census_root="other"), old, of_the_submission, outdated, uncounted):
        with pytest.raises(ReviewNeeded):
            gate(other)
    with pytest.raises(SamePerson):
        gate(by="u-supervisor")
    with pytest.raises(FindingsOpen) as refused:
        gate(found=known(EXPLAINED))
    assert refused.value.findings[0]["why"] == "needs-decision"
    assert "P09 (S3)" in refused.value.text("es")


def test_the_same_figures_are_the_same_finding_however_they_are_worded() -> None:
    same = replace(a_finding(), es="otra frase", en="another sentence", source="elsewhere")

    assert digest_of(same) == digest_of(a_finding())
    for other in (
        a_finding(computed={"n": 2}),
        a_finding("S2"),
        a_finding(subject="plan:PO-2"),
        a_finding(evidence=[{"code": "1"}]),
    ):
        assert digest_of(other) != digest_of(a_finding())
