"""What registrars, authorities and supervisors put in the log, and what is refused of it."""

from typing import Any

import pytest

from shared.refusal import Refusal
from shared.timber.event import Record
from shared.timber.facts import Inspection, Permit, StatusList
from shared.timber.refusals import (
    IdTaken,
    NotYours,
    PermitStatus,
    UnknownOrganisation,
    UnknownParent,
)
from tests.build import (
    COMMUNITY,
    HOST,
    LOG,
    OTHER,
    PERMIT,
    PLAN,
    REGISTRY,
    a_census,
    a_guide,
    a_key,
    a_key_added,
    a_line,
    a_permit,
    a_plan,
    a_record,
    a_status_change,
    a_status_list,
    a_title,
    a_tree,
    an_act,
    an_inspection,
    an_organisation,
    founded,
    refused,
    snapshot,
    with_log,
)


@pytest.mark.parametrize(
    "record",
    [an_organisation(), a_key_added(COMMUNITY), a_title(), a_plan(), a_permit(), a_census([a_tree("501")])],
    ids=lambda record: str(record.type),
)
def test_an_identifier_is_registered_once(record: Record) -> None:
    log = founded()

    refusal = refused(log, record)

    assert isinstance(refusal, IdTaken)
    assert log.records[refusal.first_index].type == record.type


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (a_title(number="T-2", org="nadie"), UnknownOrganisation),
        (a_plan(id="P-2", title="T-9"), UnknownParent),
        (a_permit(number="P-2", plan="P-9"), UnknownParent),
        (a_permit(number="P-2", title="T-9"), UnknownParent),
        (a_permit(number="P-2", holder="nadie"), UnknownOrganisation),
        (a_status_change("permit.suspended", number="P-9"), UnknownParent),
        (an_inspection(plan="P-9"), UnknownParent),
        (an_inspection(inspector="nadie"), UnknownOrganisation),
        (
            an_act("permit.amended", {"number": "P-9", "lines": [a_line()], "reason": "R", "approved_by": "b"}),
            UnknownParent,
        ),
    ],
    ids=lambda value: getattr(value, "type", getattr(value, "__name__", "")),
)
def test_an_act_builds_on_what_is_registered(record: Record, kind: type[Refusal]) -> None:
    assert type(refused(founded(), record)) is kind


def test_a_permit_covers_the_title_of_its_plan() -> None:
    log = founded()
    log.admit(a_title(number="T-2"))

    assert isinstance(refused(log, a_permit(number="P-2", title="T-2")), NotYours)
    log.admit(a_permit(number="P-2"))


def test_an_amendment_sets_volumes_and_adds_lines_and_nothing_drawn_is_forgotten() -> None:
    log = with_log()
    log.admit(a_guide())
    lines = [a_line(volume_dm3=50_000), a_line("Cedrela odorata", 20_000)]
    log.admit(
        an_act("permit.amended", {"number": PERMIT, "lines": lines, "reason": "Reformulación", "approved_by": "b"})
    )

    permit = log.facts.find(Permit, f"permit:{PERMIT}")
    assert permit is not None
    assert (log.line().authorised_dm3, log.line().drawn_dm3, log.line("Cedrela odorata").authorised_dm3) == (
        50_000,
        5_192,
        20_000,
    )
    assert permit.authorised_dm3 == 50_000 + 100_000 + 20_000


def test_a_permit_moves_between_its_states_only_as_the_law_of_the_log_says() -> None:
    log = founded()
    assert isinstance(refused(log, a_status_change("permit.reinstated")), PermitStatus)
    log.admit(a_status_change("permit.suspended"))
    assert isinstance(refused(log, a_status_change("permit.suspended", time="2025-08-21T00:00:00Z")), PermitStatus)
    log.admit(a_status_change("permit.reinstated"), a_status_change("permit.revoked"))
    assert isinstance(refused(log, a_status_change("permit.reinstated", time="2025-08-22T00:00:00Z")), PermitStatus)


def test_an_older_status_list_changes_nothing() -> None:
    log = founded()
    log.admit(a_status_list("2025-09-20T06:00:00Z"), a_status_list("2025-09-19T06:00:00Z"))

    status = log.facts.find(StatusList, "status")
    assert status is not None
    assert status.as_of == "2025-09-20"


def test_inspections_add_up_and_each_report_counts_once() -> None:
    log = founded()
    log.admit(an_inspection(5_000), an_inspection(2_000, "INF-2", trees_sampled=4, trees_absent=1))

    seen = log.facts.find(Inspection, f"inspection:{PLAN}")
    assert seen is not None
    assert (seen.volume_dm3, seen.sampled, seen.absent) == (7_000, 5, 1)
    assert isinstance(refused(log, an_inspection(1)), IdTaken)


def a_correction(amends: str, actor: str = COMMUNITY, **more: Any) -> Record:
    body = {"amends": amends, "field": "volume_dm3", "was": "5643", "now": "5463", "reason": "Error de escritura"}
    return a_record("record.corrected", body, actor=actor, **more)


def test_a_correction_names_a_record_of_the_same_organisation() -> None:
    log = with_log()
    felling = log.records[-2].sid
    before = snapshot(log)

    assert isinstance(refused(log, a_correction("0" * 64)), UnknownParent)
    assert isinstance(refused(log, a_correction(felling, OTHER)), NotYours)
    log.admit(a_correction(felling))
    log.admit(a_correction(felling, REGISTRY, by=a_key(REGISTRY)))

    after = snapshot(log)
    assert all(after[key] == value for key, value in before.items())  # it replaces nothing


def test_a_conflict_is_noted_by_the_host_against_a_record_of_the_log() -> None:
    log = with_log()
    first = log.records[-1].sid

    def note(first_sid: str) -> Record:
        body = {"refused": "1" * 64, "first": first_sid, "subject": LOG}
        return a_record("conflict.noted", body, actor=HOST, by=a_key(HOST))

    assert isinstance(refused(log, note("0" * 64)), UnknownParent)
    log.admit(note(first))
