"""What registrars, authorities and supervisors put in the log, and what is refused of it."""

from typing import Any

import pytest

from shared.refusal import Refusal
from shared.timber.event import Record
from shared.timber.facts import Inspection, Permit, StatusList
from shared.timber.refusals import (
    CensusExceeded,
    IdTaken,
    ListFromFuture,
    NotIndependent,
    NotYours,
    PermitStatus,
    TooMany,
    UnknownOrganisation,
    UnknownParent,
)
from tests.build import (
    AUTHORITY,
    COMMUNITY,
    HOST,
    KINDS,
    LOG,
    MILL,
    OTHER,
    PERMIT,
    PLAN,
    REGISTRY,
    SUPERVISOR,
    TODAY,
    Log,
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


def a_plan_of(trees: int, parts: int) -> Log:
    """A log in which a second plan stands with a census of so many trees in so many parts, none listed yet."""
    log = founded()
    log.admit(a_plan(id="P-2", census={"trees": trees, "parts": parts, "root": "0" * 64}))
    return log


def part_of(number: int, *codes: str) -> Record:
    return a_census([a_tree(code) for code in codes], number, plan="P-2")


def test_a_census_is_listed_in_the_parts_that_were_approved_in_any_order() -> None:
    log = a_plan_of(trees=3, parts=2)

    log.admit(part_of(2, "3"), part_of(1, "1", "2"))

    assert log.facts.get("plan:P-2").listed_trees == 3


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (part_of(3, "9"), ("parts", 2, 3)),
        (part_of(0, "9"), ("parts", 2, 0)),
        (part_of(2, "3", "4"), ("trees", 3, 4)),
    ],
    ids=["beyond the last part", "before the first", "one tree more"],
)
def test_a_census_does_not_grow_after_its_approval(part: Record, why: tuple[str, int, int]) -> None:
    log = a_plan_of(trees=3, parts=2)
    log.admit(part_of(1, "1", "2"))

    refusal = refused(log, part)

    assert isinstance(refusal, CensusExceeded)
    assert (refusal.what, refusal.approved, refusal.reached) == why
    assert "censo de" in refusal.text("es")
    log.admit(part_of(2, "3"))


def test_a_part_of_a_census_is_listed_once_whatever_is_in_it() -> None:
    log = a_plan_of(trees=3, parts=2)
    log.admit(part_of(1, "1"))

    refusal = refused(log, part_of(1, "2"))

    assert isinstance(refusal, IdTaken)
    assert (refusal.kind, refusal.id) == ("census part", "P-2 1")
    log.admit(part_of(2, "2"))


def test_a_census_waits_for_the_approval_of_its_plan() -> None:
    log = founded()

    refusal = refused(log, part_of(1, "1"))

    assert isinstance(refusal, UnknownParent)
    assert (refusal.kind, refusal.id) == ("plan", "P-2")


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
    log.admit(
        a_status_list("2025-09-20T06:00:00Z"), a_status_list("2025-09-19T06:00:00Z"), today="2025-09-20T07:00:00Z"
    )  # fmt: skip

    status = log.facts.find(StatusList, "status")
    assert status is not None
    assert status.as_of == "2025-09-20"


@pytest.mark.parametrize(
    ("time", "as_of", "good"),
    [
        ("2025-09-14T15:00:00Z", "2025-09-14", True),
        ("2025-09-14T15:00:01Z", "2025-09-14", False),
        ("2099-01-01T06:00:00Z", "2099-01-01", False),
        ("2025-09-13T06:00:00Z", "2099-01-01", False),
        ("2099-01-01T06:00:00Z", "2025-09-13", True),  # it counts from the start of its day
    ],
)
def test_a_status_list_of_a_day_to_come_does_not_hide_those_before_it(time: str, as_of: str, good: bool) -> None:
    log = with_log()
    listed = a_status_list(time, as_of=as_of)

    if good:
        log.admit(listed)
    else:
        refusal = refused(log, listed)
        assert isinstance(refusal, ListFromFuture)
        assert (refusal.today, refusal.limit_days) == (TODAY, 1)
        log.admit(a_guide(form="own"))
        log.admit(listed, today=None)  # what is in the log is not judged by today


@pytest.mark.parametrize(
    ("inspector", "good"),
    [
        (SUPERVISOR, True),
        (AUTHORITY, True),
        ("certificador-1", True),
        (COMMUNITY, False),
        (OTHER, False),
        (MILL, False),
    ],
)
def test_only_somebody_independent_inspects(inspector: str, good: bool) -> None:
    log = founded()
    log.admit(an_organisation("certificador-1", "certifier"))

    if good:
        log.admit(an_inspection(inspector=inspector))
    else:
        refusal = refused(log, an_inspection(inspector=inspector))
        assert isinstance(refusal, NotIndependent)
        assert refusal.facts() == {"inspector": inspector, "kind": KINDS[inspector], "plan": PLAN}


def test_who_holds_the_title_does_not_inspect_it_whatever_kind_it_is() -> None:
    log = founded()
    log.admit(a_title(number="T-2", org=SUPERVISOR), a_plan(id="P-2", title="T-2"))

    assert isinstance(refused(log, an_inspection(plan="P-2")), NotIndependent)
    log.admit(an_inspection(plan="P-2", inspector=AUTHORITY))


def test_a_plan_has_a_thousand_inspections_at_most() -> None:
    log = founded()
    log.admit(an_inspection())
    seen = log.facts.find(Inspection, f"inspection:{PLAN}")
    assert seen is not None
    seen.reports |= {f"INF-{n}": 1 for n in range(2, 1_000)}
    log.admit(an_inspection(number="INF-1000"))

    assert isinstance(refused(log, an_inspection(number="INF-1001")), TooMany)


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
