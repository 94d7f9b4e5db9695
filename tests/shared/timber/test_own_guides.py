"""The gate of our own guides: each reason to hold one back, beside the guide that passes."""

from typing import Any

import pytest

from shared.timber.event import Record, tree_item
from shared.timber.refusals import (
    AlreadySpent,
    BalanceExceeded,
    GuideDates,
    GuideFromFuture,
    GuideRefused,
    GuideTooLong,
    GuideWithoutItems,
    LineNotAuthorised,
    LinesDiffer,
    MovementEnded,
    NeverDrawn,
    NotCrossCut,
    NotOfPermit,
    NotYours,
    OnOpenGuide,
    OpenFinding,
    OutsideMovementWindow,
    PermitNotInForce,
    StatusStale,
    UnknownOrganisation,
    UnknownParent,
)
from tests.build import (
    BUYER,
    CITES_SPECIES,
    COMMUNITY,
    MILL,
    OTHER_SPECIES,
    PARCEL,
    PERMIT,
    PLAN,
    SPECIES,
    TODAY,
    Log,
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
    a_status_list,
    a_tree,
    an_item,
    an_output,
    delivered,
    failures,
    founded,
    with_log,
)

TREE, LOG = tree_item(PLAN, PARCEL, "501"), an_item("501/A")


def own(number: str = "G-1", **more: Any) -> Record:
    return a_guide(number, form="own", **more)


def held_back(log: Log, record: Record, today: str = TODAY) -> Any:
    """The reason; and the same guide of the paper book is recorded as a fact."""
    before = log.line().drawn_dm3
    with pytest.raises(GuideRefused) as caught:
        log.admit(record, today=today)
    assert log.line().drawn_dm3 == before
    assert caught.value.text("es").startswith("No se emite la guía")
    return caught.value


def test_a_guide_of_ours_that_the_facts_bear_is_issued_and_draws() -> None:
    log = with_log()

    outcomes = log.admit(own())

    assert failures(outcomes) == []
    assert log.line().drawn_dm3 == 5_192
    assert log.item(LOG).guide == "guide:own:G-1"


def test_the_next_guide_over_the_real_dipteryx_balance_is_held_back_with_the_figures() -> None:
    log = founded([a_tree("501", CITES_SPECIES)], [a_line(CITES_SPECIES, 3_197_063), a_line()])
    section = a_section(species=CITES_SPECIES)
    log.admit(a_felling(species=CITES_SPECIES), a_cut(section))
    log.admit(a_guide("P-1", items=None, lines=[a_line(CITES_SPECIES, 3_400_174)]))

    refusal = _refused_balance(log, own(logs=[section]))

    assert (refusal.authorised_dm3, refusal.drawn_dm3, refusal.asked_dm3) == (3_197_063, 3_400_174, 5_192)
    assert "3197.063 m³ autorizados y 3400.174 m³ ya movidos; se piden 5.192 m³" in refusal.text("es")


def _refused_balance(log: Log, record: Record) -> BalanceExceeded:
    with pytest.raises(BalanceExceeded) as caught:
        log.admit(record)
    return caught.value


def test_the_last_litre_of_a_line_may_go_and_one_more_may_not() -> None:
    exact = founded(lines=[a_line(volume_dm3=5_192)])
    short = founded(lines=[a_line(volume_dm3=5_191)])
    for log in (exact, short):
        log.admit(a_felling(), a_cut())

    exact.admit(own())
    assert held_back(short, own()).facts() == {
        "permit": PERMIT, "parcel": PARCEL, "species": SPECIES, "product": "roundwood", "authorised_dm3": 5_191,
        "drawn_dm3": 0, "asked_dm3": 5_192,
    }  # fmt: skip


def test_a_line_the_permit_does_not_list_is_named() -> None:
    log = founded()
    section = a_section(branch=True)
    log.admit(a_felling(), a_cut(section))

    assert isinstance(held_back(log, own(logs=[section])), LineNotAuthorised)
    assert failures(log.admit(a_guide(logs=[section]))) == [("B01", "S4")]


def test_a_permit_that_is_not_in_force_certifies_nothing() -> None:
    log = with_log()
    log.admit(a_status_change("permit.suspended"))
    refusal = held_back(log, own())

    assert isinstance(refusal, PermitNotInForce)
    assert (refusal.status, refusal.status_index) == ("suspended", len(log.records) - 1)
    log.admit(a_status_change("permit.reinstated"), own())


@pytest.mark.parametrize("word", ["suspended", "revoked"])
def test_the_status_list_alone_can_hold_a_guide_back(word: str) -> None:
    log = with_log()
    log.admit(a_status_list("2025-09-13T07:00:00Z", **{word: [PERMIT]}))

    refusal = held_back(log, own())

    assert isinstance(refusal, PermitNotInForce)
    assert refusal.status == word


@pytest.mark.parametrize(
    ("today", "stale"),
    [
        ("2025-09-13T06:00:00Z", False),
        ("2025-09-16T06:00:00Z", False),
        ("2025-09-16T06:00:01Z", True),
        ("2026-09-13T06:00:00Z", True),
        ("2025-09-12T06:00:00Z", False),
        ("2025-09-12T05:59:59Z", True),
    ],
)
def test_a_status_list_is_good_for_72_hours_and_none_is_trusted_from_the_future(today: str, stale: bool) -> None:
    log = with_log()
    if stale:
        refusal = held_back(log, own(), today)
        assert isinstance(refusal, StatusStale)
        assert (refusal.as_of, refusal.limit_hours) == ("2025-09-13", 72)
    else:
        log.admit(own(), today=today)


def test_a_status_list_that_claims_another_day_counts_from_the_start_of_its_day() -> None:
    log = with_log()
    log.admit(a_status_list("2025-09-20T06:00:00Z", as_of="2025-09-17"), today="2025-09-17T06:00:00Z")

    assert isinstance(held_back(log, own(), "2025-09-20T06:00:00Z"), StatusStale)
    log.admit(own(), today="2025-09-20T00:00:00Z")


@pytest.mark.parametrize(("issued_on", "good"), [("2026-12-31", True), ("2027-01-01", False), ("2025-07-21", False)])
def test_a_guide_is_issued_inside_the_movement_window(issued_on: str, good: bool) -> None:
    log = with_log()
    today = f"{issued_on}T06:00:00Z"
    log.admit(a_status_list(today), today=today)
    guide = own(issued_on=issued_on, expires_on="2027-02-01")

    if good:
        log.admit(guide, today=today)
    else:
        assert isinstance(held_back(log, guide, today), OutsideMovementWindow)


@pytest.mark.parametrize(
    ("today", "good"),
    [("2026-12-31T23:00:00Z", True), ("2027-01-01T23:59:59Z", True), ("2027-01-02T00:00:00Z", False)],
)
def test_a_guide_that_claims_an_old_day_is_not_issued_once_the_permit_moves_nothing_more(
    today: str, good: bool
) -> None:
    log = with_log()
    log.admit(a_status_list(today), today=today)

    if good:
        log.admit(own(), today=today)
    else:
        refusal = held_back(log, own(), today)
        assert isinstance(refusal, MovementEnded)
        assert refusal.facts() == {"permit": PERMIT, "today": "2027-01-02", "move_to": "2026-12-31"}


@pytest.mark.parametrize(("issued_on", "good"), [("2025-09-12", True), ("2025-09-14", True), ("2025-09-15", False)])
def test_a_guide_claims_no_day_that_has_not_come(issued_on: str, good: bool) -> None:
    guide = own(issued_on=issued_on)

    if good:
        with_log().admit(guide)
    else:
        assert held_back(with_log(), guide).facts() == {"issued_on": "2025-09-15", "today": "2025-09-13"}


def test_the_days_of_a_guide_without_permit_are_looked_at_too() -> None:
    log = delivered()
    onward = {"permit": None, "origin_guides": ["G-1"], "lines": [a_line(volume_dm3=5_192, parcel="")], "actor": MILL}

    with pytest.raises(GuideFromFuture):
        log.admit(own("G-2", addressee=BUYER, issued_on="2025-09-20", **onward))
    with pytest.raises(GuideTooLong):
        log.admit(own("G-2", addressee=BUYER, expires_on="2099-12-31", **onward))
    log.admit(own("G-2", addressee=BUYER, **onward))


def test_a_guide_is_valid_for_no_longer_than_a_trip_takes() -> None:
    refusal = held_back(with_log(), own(expires_on="2025-11-13"))

    assert isinstance(refusal, GuideTooLong)
    assert refusal.limit_days == 60
    with_log().admit(own(expires_on="2025-11-12"))
    assert failures(with_log().admit(a_guide(expires_on="2025-11-13"))) == []  # the paper book is a fact


def test_the_days_of_a_guide_are_the_gates_and_a_replay_does_not_know_today() -> None:
    with_log().admit(own(issued_on="2026-08-01", expires_on="2026-12-31"), today=None)


def test_a_guide_does_not_expire_before_it_is_issued() -> None:
    assert isinstance(held_back(with_log(), own(expires_on="2025-09-12")), GuideDates)
    with_log().admit(own(expires_on="2025-09-13"))


def test_a_guide_goes_to_somebody_registered_but_the_paper_book_names_whom_it_likes() -> None:
    log = with_log()

    with pytest.raises(UnknownOrganisation):
        log.admit(own(addressee="nadie"))
    log.admit(a_guide(addressee="nadie"))


def test_a_guide_says_which_pieces_it_carries() -> None:
    assert isinstance(held_back(with_log(), own(items=None)), GuideWithoutItems)


def test_a_standing_or_felled_tree_does_not_travel() -> None:
    log = founded()
    log.admit(a_felling())

    assert isinstance(held_back(log, own(logs=[a_section(item=TREE)])), NotCrossCut)


def test_an_unknown_piece_and_a_consumed_one_are_no_matter_of_the_gate() -> None:
    log = with_log()
    with pytest.raises(UnknownParent):
        log.admit(own(logs=[a_section("501/Z")]))
    log.admit(a_sawing([LOG], actor=COMMUNITY))
    with pytest.raises(AlreadySpent):
        log.admit(own())


def test_a_piece_of_another_permit_is_named() -> None:
    log = with_log()
    log.admit(a_permit(number="P-2"))

    assert isinstance(held_back(log, own(permit="P-2")), NotOfPermit)


def test_a_piece_goes_on_one_open_guide() -> None:
    log = with_log()
    log.admit(own())

    refusal = held_back(log, own("G-2"))

    assert isinstance(refusal, OnOpenGuide)
    assert refusal.guide == "guide:own:G-1"


def test_wood_that_was_delivered_is_not_the_communitys_to_send() -> None:
    log = with_log()
    log.admit(own(), a_departure("G-1", form="own"), a_reception("G-1", form="own"))

    with pytest.raises(NotYours):
        log.admit(own("G-2"))
    onward = {"permit": None, "origin_guides": ["G-1"], "lines": [a_line(volume_dm3=5_192, parcel="")]}
    assert failures(log.admit(own("G-2", actor=MILL, addressee=BUYER, **onward))) == []
    assert log.line().drawn_dm3 == 5_192


def test_without_a_permit_only_wood_that_was_drawn_goes_on() -> None:
    log = with_log()
    without = {"permit": None, "origin_guides": ["G-0"], "lines": [a_line(volume_dm3=5_192, parcel="")]}

    assert isinstance(held_back(log, own(**without)), NeverDrawn)
    assert log.admit(a_guide(**without)) is not None  # the paper guide is a fact, and draws the line of its log
    assert log.line().drawn_dm3 == 5_192


@pytest.mark.parametrize("condition", ["seed", "protected"])
def test_a_log_with_an_s4_on_it_or_on_its_tree_is_held_back(condition: str) -> None:
    log = founded([a_tree("501", condition=condition), a_tree("502")])
    log.admit(a_felling(), a_cut(), a_felling("502"), a_cut(tree="502"))

    refusal = held_back(log, own())

    assert isinstance(refusal, OpenFinding)
    assert (refusal.item, refusal.severity) == (LOG, "S4")
    log.admit(own(logs=[a_section("502/A")]))


def test_an_s4_found_on_the_tree_after_the_log_was_cut_counts_too() -> None:
    log = with_log()
    log.admit(a_cut(a_section("501/A", item=an_item("copy"), volume_dm3=100)))

    assert log.item(LOG).worst == ""
    assert isinstance(held_back(log, own()), OpenFinding)


def test_a_log_with_an_s3_travels_and_the_finding_stays() -> None:
    log = founded()
    log.admit(a_felling(species=OTHER_SPECIES), a_cut(a_section(species=OTHER_SPECIES)))

    assert failures(log.admit(own(logs=[a_section(species=OTHER_SPECIES)]))) == []
    assert log.item(LOG).worst == "S3"


def test_lines_and_list_that_differ_are_held_back_in_words() -> None:
    log = with_log()

    differ = held_back(log, own(lines=[a_line(volume_dm3=5_218)]))
    restated = held_back(log, own(logs=[a_section(volume_dm3=5_300)]))

    assert isinstance(differ, LinesDiffer)
    assert "5.218 m³" in differ.text("es")
    assert "recorded with 5.192 m³" in restated.text("en")


def test_a_replay_does_not_judge_the_gate_again() -> None:
    log = with_log()
    log.admit(a_status_change("permit.suspended"))

    outcomes = log.admit(own(), today=None)

    assert failures(outcomes) == []


def test_a_mill_issues_its_own_guides_of_what_it_made() -> None:
    log = with_log()
    log.admit(own(), a_departure("G-1", form="own"), a_reception("G-1", form="own"), a_sawing([LOG]))
    boards: dict[str, Any] = {
        "permit": None,
        "origin_guides": ["G-1"],
        "lines": [a_line(product="sawn", volume_dm3=2_500, parcel="")],
    }

    boards |= {"actor": MILL, "addressee": BUYER, "issued_on": "2025-09-20"}
    outcomes = log.admit(own("G-2", logs=[an_output()], **boards), today="2025-09-20T15:00:00Z")

    assert failures(outcomes) == []
    assert log.line().drawn_dm3 == 5_192


def test_a_refused_balance_names_the_product_in_the_words_of_its_reader() -> None:
    refusal = BalanceExceeded(PERMIT, "PC 01", SPECIES, "roundwood", 5_191, 0, 5_192)

    assert "(madera rolliza)" in refusal.text("es")
    assert "5.191 m³ autorizados" in refusal.text("es")
    assert "(roundwood)" in refusal.text("en")
