"""Custody at the door: parents, hands and exits; what is refused changes nothing."""

from typing import Any

import pytest

from shared.refusal import Refusal
from shared.timber.event import Record, tree_item
from shared.timber.facts import Lot
from shared.timber.refusals import (
    AlreadyDone,
    AlreadySpent,
    BranchWood,
    IdTaken,
    NotYours,
    TooMany,
    UnknownParent,
    Unrelated,
    WrongKind,
)
from tests.build import (
    AUTHORITY,
    BUYER,
    COMMUNITY,
    LOG,
    MILL,
    OTHER,
    PARCEL,
    PERMIT,
    PLAN,
    SUPERVISOR,
    TREE,
    a_check,
    a_cut,
    a_departure,
    a_felling,
    a_guide,
    a_line,
    a_lot,
    a_move,
    a_reception,
    a_record,
    a_sale,
    a_sawing,
    a_section,
    a_voiding,
    an_item,
    an_output,
    delivered,
    failures,
    founded,
    measures,
    refused,
    snapshot,
    with_log,
)


@pytest.mark.parametrize(
    ("record", "refusal"),
    [
        (a_felling("502", permit="P-9"), UnknownParent),
        (a_felling("502", actor=OTHER), NotYours),
        (a_felling("502", plan="P-9"), Unrelated),
        (a_cut(source=tree_item(PLAN, PARCEL, "502")), UnknownParent),
        (a_cut(a_section("501/B"), actor=OTHER), NotYours),
        (a_cut(a_section("501/B"), permit="P-9"), Unrelated),
        (a_cut(a_section("501/B"), parcel="PC 02"), Unrelated),
        (a_cut(), IdTaken),
        (a_cut(a_section("501/B", item=tree_item(PLAN, PARCEL, "503"))), IdTaken),
        (a_move(an_item("x")), UnknownParent),
        (a_move(LOG, actor=OTHER), NotYours),
        (a_guide(logs=[a_section("501/Z")]), UnknownParent),
        (a_guide(permit="P-9"), UnknownParent),
        (a_guide(actor=OTHER), NotYours),
        (a_guide(permit=None, origin_guides=["G-0"], lines=[a_line(parcel="")], actor=OTHER), NotYours),
        (a_departure("G-0"), UnknownParent),
        (a_reception("G-0"), UnknownParent),
        (a_sawing([an_item("x")]), UnknownParent),
        (a_sawing([LOG]), NotYours),
        (a_sawing([TREE], actor=COMMUNITY), WrongKind),
        (a_sawing([LOG], an_output(item=TREE), actor=COMMUNITY), IdTaken),
        (a_sawing([LOG], an_output(item=tree_item(PLAN, PARCEL, "503")), actor=COMMUNITY), IdTaken),
        (a_lot([an_item("x")]), UnknownParent),
        (a_lot([LOG]), NotYours),
        (a_lot([TREE], actor=COMMUNITY), WrongKind),
        (a_sale("L-9"), UnknownParent),
    ],
)
def test_what_cannot_be_attached_is_refused(record: Record, refusal: type[Refusal]) -> None:
    assert type(refused(with_log(), record)) is refusal


def test_a_refusal_names_both_organisations() -> None:
    refusal = refused(with_log(), a_felling("502", actor=OTHER))

    assert refusal.facts() == {"thing": f"permit {PERMIT}", "holder": COMMUNITY, "actor": OTHER}


def test_a_piece_consumed_once_is_refused_with_its_first_exit() -> None:
    log = delivered()
    log.admit(a_sawing([LOG]))
    first = log.records[-1]

    exits = [
        a_sawing([LOG], an_output("other"), time="2025-09-21T08:00:00Z"),
        a_cut(a_section("501/AA", **measures(700, 700, 6_000)), source=LOG, actor=MILL),
        a_lot([LOG]),
        a_move(LOG, actor=MILL),
        a_guide("G-9", actor=MILL, permit=None, origin_guides=["G-0"], lines=[a_line(parcel="")]),
    ]

    for record in exits:
        refusal = refused(log, record)
        assert isinstance(refusal, AlreadySpent)
        assert (refusal.how, refusal.first_sid, refusal.first_index) == ("mill", first.sid, len(log.records) - 1)


def test_a_log_is_cut_again_once_and_a_tree_in_several_records() -> None:
    log = with_log()
    short: Any = measures(700, 690, 3_000)
    again = a_cut(a_section("501/AA", **short), source=LOG)
    log.admit(again)
    cut_index = len(log.records) - 1

    refusal = refused(log, a_cut(a_section("501/AB", **short), source=LOG))
    log.admit(a_cut(a_section("501/B", volume_dm3=400)))

    assert isinstance(refusal, AlreadySpent)
    assert (refusal.how, refusal.first_index) == ("cut", cut_index)
    assert log.item(an_item("501/AA")).parents == [LOG]
    assert log.item(an_item("501/AA")).tree == TREE
    assert log.line().cut_dm3 == 5_192 + 400  # wood that is cut again is not counted again


def test_what_is_cut_from_delivered_wood_was_drawn_with_it() -> None:
    log = delivered()
    part = a_section("501/AA", **measures(700, 700, 6_000))
    log.admit(a_cut(part, source=LOG, actor=MILL, time="2025-09-17T08:00:00Z"))
    total = [a_line(volume_dm3=part["volume_dm3"], parcel="")]
    onward = {"permit": None, "origin_guides": ["G-0"], "lines": total, "addressee": BUYER, "issued_on": "2025-09-18"}

    outcomes = log.admit(a_guide("G-2", [part], form="own", actor=MILL, **onward), today="2025-09-18T15:00:00Z")

    assert failures(outcomes) == []
    assert log.line().drawn_dm3 == 5_192


def test_a_product_is_not_cut_and_may_be_processed_again() -> None:
    log = delivered()
    log.admit(a_sawing([LOG]))
    boards = an_item("tablas")

    body = {"source": boards, "permit": PERMIT, "parcel": PARCEL}
    assert isinstance(refused(log, a_cut(a_section("501/AA"), actor=MILL, **body)), WrongKind)
    outcomes = log.admit(a_sawing([boards], an_output("listones", volume_dm3=2_400), time="2025-09-21T09:00:00Z"))

    assert failures(outcomes) == []  # the ceilings speak of round wood


@pytest.mark.parametrize(
    "again",
    [a_guide(addressee=BUYER), a_departure(at="2025-09-15T08:00:00Z"), a_reception(at="2025-09-17T08:00:00Z")],
    ids=lambda record: str(record.type),
)
def test_what_happens_to_a_guide_once_is_refused_the_second_time_with_the_first(again: Record) -> None:
    log = delivered()
    first = next(record for record in log.records if record.type == again.type)

    refusal = refused(log, again)

    assert isinstance(refusal, AlreadyDone)
    assert refusal.first_sid == first.sid
    assert log.records[refusal.first_index].sid == first.sid


def test_a_guide_is_voided_once() -> None:
    log = with_log()
    log.admit(a_guide(), a_voiding())
    voided = log.records[-1]

    refusal = refused(log, a_record("guide.voided", voided.body | {"reason": "Otra vez"}))

    assert isinstance(refusal, AlreadyDone)
    assert refusal.first_sid == voided.sid


def test_a_voided_guide_gives_back_its_draw_and_frees_its_logs() -> None:
    log = with_log()
    before = snapshot(log)
    log.admit(a_guide(), a_voiding())

    after = snapshot(log)

    assert (log.line().drawn_dm3, log.line().guides) == (0, 1)
    assert after[f"item:{LOG}"] == before[f"item:{LOG}"]
    assert failures(log.admit(a_guide("G-2"))) == []


@pytest.mark.parametrize("by", [AUTHORITY, MILL, COMMUNITY])
def test_a_guide_that_was_seen_on_the_road_gives_nothing_back(by: str) -> None:
    seen, unseen = with_log(), with_log()
    seen.admit(a_guide(), a_check(actor=by))
    unseen.admit(a_guide())

    assert failures(seen.admit(a_voiding())) == [("T01", "S4")]
    assert failures(unseen.admit(a_voiding())) == []
    assert (seen.line().drawn_dm3, unseen.line().drawn_dm3) == (5_192, 0)
    assert (seen.item(LOG).guide, unseen.item(LOG).guide) == ("guide:official:017-0001426", None)
    assert (seen.guide_state(), unseen.guide_state()) == ("issued", "voided")


@pytest.mark.parametrize(
    ("use", "actor"),
    [(a_departure(actor=MILL), COMMUNITY), (a_voiding(actor=MILL), COMMUNITY), (a_reception(actor=COMMUNITY), MILL),
     (a_check(actor=OTHER), COMMUNITY)],
)  # fmt: skip
def test_only_those_on_the_guide_use_it(use: Record, actor: str) -> None:
    log = with_log()
    log.admit(a_guide())

    refusal = refused(log, use)

    assert isinstance(refusal, NotYours)
    assert refusal.holder == actor


@pytest.mark.parametrize("actor", [COMMUNITY, MILL, SUPERVISOR, "gerfor-md"])
def test_a_control_post_may_be_told_by_either_side_or_by_who_supervises(actor: str) -> None:
    log = with_log()
    log.admit(a_guide(), a_departure(), a_check(actor=actor))


def test_the_addressee_holds_what_arrived_and_the_rest_stays_on_the_guide() -> None:
    short: Any = measures(700, 690, 3_000)
    logs = [a_section("501/A", **short), a_section("501/B", **short)]
    log = founded()
    log.admit(a_felling(), a_cut(*logs), a_guide(logs=logs), a_departure())

    log.admit(a_reception(items=[{"item": LOG, "volume_dm3": 1_138}]))

    assert (log.item(LOG).holder, log.item(LOG).guide) == (MILL, None)
    lost = log.item(an_item("501/B"))
    assert (lost.holder, lost.guide) == (COMMUNITY, "guide:official:017-0001426")


# ---- identifiers and sizes


def test_a_felling_does_not_take_the_id_that_a_log_or_a_product_has() -> None:
    """Ids of trees out of the census cannot be kept free: whoever comes first has the id."""
    late = tree_item(PLAN, PARCEL, "999")
    log, mill = founded(), with_log()
    log.admit(a_felling(), a_cut(a_section(item=late)))
    mill.admit(a_sawing([LOG], an_output(item=late), actor=COMMUNITY))

    for one in (log, mill):
        refusal = refused(one, a_felling("999"))
        assert isinstance(refusal, IdTaken)
        assert refusal.first_index == len(one.records) - 1
    log.admit(a_felling("998"), a_felling("998", time="2025-08-05T15:00:00Z"))  # felled twice is a fact


def test_wood_of_a_branch_stays_wood_of_a_branch() -> None:
    short: Any = measures(300, 280, 2_000)
    log = founded()
    log.admit(a_felling(), a_cut(a_section("501/A", branch=True, **measures(300, 280, 5_000))))

    refusal = refused(log, a_cut(a_section("501/AA", branch=True, **short), a_section("501/AB", **short), source=LOG))

    assert isinstance(refusal, BranchWood)
    assert refusal.facts() == {"item": LOG, "code": "501/AB"}
    log.admit(a_cut(a_section("501/AA", branch=True, **short), a_section("501/AB", branch=True, **short), source=LOG))
    assert log.item(an_item("501/AB")).product == "branch_firewood"


def letters(number: int) -> str:
    return chr(65 + number // 26) + chr(65 + number % 26)


def test_a_tree_is_cut_into_two_hundred_sections_at_most() -> None:
    short: Any = measures(200, 190, 500)
    sections = [a_section(f"501/{letters(n)}", **short) for n in range(201)]
    log = founded()
    log.admit(a_felling(), *(a_cut(*sections[n : min(n + 40, 199)]) for n in range(0, 200, 40)))

    refusal = refused(log, a_cut(*sections[199:]))

    assert isinstance(refusal, TooMany)
    assert refusal.facts() == {"kind": "item", "id": TREE, "limit": 200}
    log.admit(a_cut(sections[199]))


def test_a_lot_holds_five_thousand_pieces_at_most() -> None:
    log = with_log()
    short: Any = measures(700, 690, 400)
    log.admit(a_cut(a_section("501/B", **short), a_section("501/C", **short)), a_lot([LOG], actor=COMMUNITY))
    lot = log.facts.find(Lot, "lot:L-1")
    assert lot is not None
    lot.items += [an_item(f"piece {n}") for n in range(4_998)]

    refusal = refused(log, a_lot([an_item("501/B"), an_item("501/C")], actor=COMMUNITY))

    assert isinstance(refusal, TooMany)
    assert refusal.facts() == {"kind": "lot", "id": "L-1", "limit": 5_000}
    log.admit(a_lot([an_item("501/B")], actor=COMMUNITY))


# ---- lots


def test_a_lot_is_sold_once_and_its_buyer_goes_on_with_it() -> None:
    log = delivered()
    log.admit(a_lot([LOG]))
    assert isinstance(refused(log, a_lot([LOG], "L-2")), AlreadySpent)
    log.admit(a_sale(claim="FSC 100%"))

    assert isinstance(refused(log, a_sale(buyer=OTHER)), AlreadyDone)
    assert isinstance(refused(log, a_lot([LOG], "L-2")), NotYours)
    assert isinstance(refused(log, a_lot([an_item("x")])), NotYours)
    log.admit(a_lot([LOG], "L-2", actor=BUYER))
    lot = log.facts.find(Lot, "lot:L-1")
    assert lot is not None
    assert (lot.buyer, lot.claim, lot.volume_dm3) == (BUYER, "FSC 100%", 5_192)


def test_a_lot_grows_until_it_is_sold() -> None:
    log = with_log()
    log.admit(a_felling("502"), a_cut(tree="502"), a_felling("503"), a_cut(tree="503"))
    log.admit(a_lot([LOG], actor=COMMUNITY), a_lot([an_item("502/A")], actor=COMMUNITY, time="2025-09-21T09:00:00Z"))
    log.admit(a_sale(actor=COMMUNITY, buyer=COMMUNITY))

    refusal = refused(log, a_lot([an_item("503/A")], actor=COMMUNITY))

    lot = log.facts.find(Lot, "lot:L-1")
    assert isinstance(refusal, AlreadyDone)
    assert lot is not None
    assert lot.items == [LOG, an_item("502/A")]


def test_wood_sold_before_it_travels_stays_its_buyers() -> None:
    log = with_log()
    log.admit(a_lot([LOG], actor=COMMUNITY), a_sale(actor=COMMUNITY), a_guide(), a_departure(), a_reception())

    assert log.item(LOG).holder == BUYER
    assert failures([outcome for _, outcome in log.outcomes]) == []


def test_logs_sawn_in_the_forest_draw_from_the_line_of_their_product() -> None:
    log = founded(lines=[a_line(), a_line(product="sawn", volume_dm3=10_000)])
    log.admit(a_felling(), a_cut(), a_sawing([LOG], actor=COMMUNITY, time="2025-09-10T08:00:00Z"))

    outcomes = log.admit(a_guide(logs=[an_output()]))

    assert failures(outcomes) == []
    assert (log.line(product="sawn").drawn_dm3, log.line().drawn_dm3) == (2_500, 0)
