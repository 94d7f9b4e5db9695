"""Two clocks of a permit: re-entry opens a further harvest window, mobilisation of balances only the days to move wood."""

from typing import Any

import pytest

from shared.timber.event import Record
from shared.timber.facts import Facts, Permit, dump, load
from shared.timber.refusals import MovementEnded, WindowOrder
from tests.build import (
    HARVEST_TO,
    MOVE_TO,
    PERMIT,
    a_felling,
    a_guide,
    a_record,
    a_status_list,
    an_act,
    failures,
    founded,
    refused,
    with_log,
)
from tests.shared.timber.test_event import refused as refused_body
from tests.shared.timber.test_own_guides import held_back

REENTRY = {"harvest_from": "2027-01-10", "harvest_to": "2027-06-30", "move_to": "2027-12-31"}
MOBILISATION = {"move_to": "2027-03-31"}
GAP, REENTERED = "2026-10-01T15:00:00Z", "2027-02-01T15:00:00Z"


def extended(**window: Any) -> Record:
    body = {"number": PERMIT, "reason": "Resolución", "approved_by": "b", "documents": ["ab" * 32]}
    return an_act("permit.amended", body | window, time="2026-12-20T12:00:00Z")


@pytest.mark.parametrize(
    ("window", "time", "found"),
    [
        ({}, REENTERED, [("C03", "S4")]),
        (REENTRY, REENTERED, []),
        (REENTRY, "2027-01-10T05:00:00Z", []),
        (REENTRY, "2027-07-01T05:00:00Z", [("C03", "S4")]),
        (REENTRY, GAP, [("C03", "S4")]),
        (REENTRY, f"{HARVEST_TO}T23:59:59Z", []),
        (MOBILISATION, REENTERED, [("C03", "S4")]),
    ],
)
def test_only_a_reentry_allows_felling_and_never_in_the_days_between_two_windows(
    window: dict[str, str], time: str, found: list[Any]
) -> None:
    log = founded()
    if window:
        log.admit(extended(**window))

    assert failures(log.admit(a_felling(time=time))) == found


@pytest.mark.parametrize(("window", "good"), [(None, False), (MOBILISATION, True), (REENTRY, True)])
def test_wood_felled_in_time_moves_after_the_end_only_under_a_resolution(
    window: dict[str, str] | None, good: bool
) -> None:
    today = "2027-03-01T15:00:00Z"
    log = with_log()
    if window:
        log.admit(extended(**window))
    log.admit(a_status_list(today), today=today)
    guide = a_guide(form="own", issued_on="2026-12-31" if not good else "2027-03-01", expires_on="2027-03-15")

    if good:
        log.admit(guide, today=today)
    else:
        assert isinstance(held_back(log, guide, today), MovementEnded)


@pytest.mark.parametrize(
    "window",
    [
        {"move_to": "2026-12-30"},
        REENTRY | {"harvest_from": HARVEST_TO},
        {"harvest_from": "2026-08-01", "harvest_to": "2026-09-01", "move_to": "2026-12-30"},
    ],
)
def test_windows_are_added_and_never_taken_back(window: dict[str, str]) -> None:
    log = founded()

    refusal = refused(log, extended(**window))

    assert isinstance(refusal, WindowOrder)
    assert refusal.facts() == {"permit": PERMIT, "harvest_to": HARVEST_TO, "move_to": MOVE_TO}
    assert HARVEST_TO in refusal.text("es")
    log.admit(extended(**REENTRY))
    assert isinstance(refused(log, extended(**REENTRY)), WindowOrder)


def test_a_permit_stored_before_there_were_windows_is_read_as_having_one() -> None:
    log = founded()
    permit = log.facts.find(Permit, f"permit:{PERMIT}")
    assert permit is not None
    stored = dump(permit)
    old = stored.removesuffix(b",[]]") + b"]"

    assert stored != old
    assert load(f"permit:{PERMIT}", old) == permit
    assert (
        Facts([(f"permit:{PERMIT}", load(f"permit:{PERMIT}", old))]).get(f"permit:{PERMIT}").felling_ended == HARVEST_TO
    )


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({}, ".lines"),
        ({"harvest_from": "2027-01-10"}, ".harvest_to"),
        ({"harvest_from": "2027-01-10", "harvest_to": "2027-02-10", "lines": []}, ".lines"),
        ({"harvest_from": "2027-01-10", "harvest_to": "2027-02-10"}, ".lines"),
        (REENTRY | {"move_to": "2027-06-29"}, ".move_to"),
        (MOBILISATION | {"documents": []}, ".documents"),
    ],
)
def test_an_amendment_changes_something_and_its_days_follow_each_other(change: dict[str, Any], where: str) -> None:
    assert refused_body("permit.amended", {"number": PERMIT, "reason": "R", "approved_by": "b"} | change).where == (
        f"stmt.body{where}"
    )
    assert a_record("permit.amended", {"number": PERMIT, "reason": "R", "approved_by": "b"} | REENTRY).body
