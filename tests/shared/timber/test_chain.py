"""The door: who may say what, what is refused, and that a refusal changes nothing."""

import copy
from typing import Any

import pytest

from shared.refusal import Refusal
from shared.timber import chain
from shared.timber.event import BODIES, BadSignature, Record, parse_entry, sign, tree_item
from shared.timber.facts import Facts, Inspection, Key, Lot, NotLoaded, Permit, StatusList, class_of, dump, load
from shared.timber.refusals import (
    AlreadyDone,
    AlreadySpent,
    IdTaken,
    KeyRevoked,
    KeyRole,
    NotYours,
    PermitStatus,
    UnknownKey,
    UnknownOrganisation,
    UnknownParent,
    Unrelated,
    WrongKind,
    WrongSigner,
)
from tests.build import (
    BUYER,
    COMMUNITY,
    HOST,
    MILL,
    OTHER,
    OTHER_SPECIES,
    PARCEL,
    PERMIT,
    PLAN,
    REGISTRY,
    SUPERVISOR,
    TODAY,
    Log,
    a_census,
    a_check,
    a_cut,
    a_departure,
    a_felling,
    a_guide,
    a_key,
    a_key_added,
    a_line,
    a_lot,
    a_move,
    a_permit,
    a_plan,
    a_reception,
    a_record,
    a_sale,
    a_sawing,
    a_section,
    a_status_change,
    a_status_list,
    a_title,
    a_tree,
    a_voiding,
    an_act,
    an_inspection,
    an_item,
    an_organisation,
    an_output,
    failures,
    foundation,
    founded,
    kid_of,
    measures,
    with_log,
)

TREE = tree_item(PLAN, PARCEL, "501")
LOG = an_item("501/A")


def snapshot(log: Log) -> dict[str, bytes]:
    return {key: dump(doc) for key, doc in log.facts.items()}


def refused(log: Log, record: Record, today: str | None = TODAY) -> Refusal:
    """The refusal of a record, having made sure that it left no trace."""
    before = snapshot(log)
    log.facts.dirty.clear()
    with pytest.raises(Refusal) as caught:
        log.admit(record, today=today)
    assert (snapshot(log), log.facts.dirty) == (before, set())
    assert caught.value.text("es") != caught.value.text("en")
    return caught.value


def received() -> Log:
    """A log that the mill holds."""
    log = with_log()
    log.admit(a_guide(), a_departure(), a_reception())
    return log


# ---- keys


def test_a_log_begins_with_the_registrars_own_key() -> None:
    anchor = a_key_added(REGISTRY, role="registrar")
    log = Log()

    assert isinstance(refused(log, a_key_added(COMMUNITY, by=a_key(COMMUNITY), actor=COMMUNITY)), UnknownKey)
    assert isinstance(refused(log, an_organisation()), UnknownKey)
    log.admit(anchor)

    key = log.facts.find(Key, f"key:{kid_of(a_key(REGISTRY))}")
    assert key is not None
    assert (key.role, key.added_index) == ("registrar", 0)


def test_only_the_first_entry_vouches_for_itself() -> None:
    log = founded()
    intruder = a_key_added("intruder", REGISTRY, "registrar", by=a_key("intruder"))

    assert isinstance(refused(log, intruder), UnknownKey)
    log.admit(a_key_added("second registrar", REGISTRY, "registrar"))
    log.admit(
        an_act("organisation.registered", {"id": "nueva", "name": "N", "kind": "company"}, by=a_key("second registrar"))
    )


def test_an_unknown_key_is_refused_until_the_registrar_adds_it() -> None:
    log = founded()
    phone = a_key("new phone")
    felling = parse_entry(sign(a_felling().statement, phone))

    assert refused(log, felling).facts() == {"kid": kid_of(phone)}
    log.admit(a_key_added("new phone", COMMUNITY), felling)


def test_a_revoked_key_signs_nothing_more_and_what_it_signed_stands() -> None:
    log = with_log()
    log.admit(an_act("key.revoked", {"kid": kid_of(a_key(COMMUNITY)), "reason": "Teléfono perdido"}))

    refusal = refused(log, a_felling("502"))

    assert isinstance(refusal, KeyRevoked)
    assert refusal.revoked_index == len(log.records) - 1
    assert log.item(LOG).holder == COMMUNITY


def test_a_forged_signature_is_found_at_the_door_even_if_nobody_looked_before() -> None:
    log = founded()
    forged = parse_entry(a_felling().entry.replace(b'"volume_dm3":5643', b'"volume_dm3":5644'))

    assert isinstance(refused(log, forged), BadSignature)
    log.admit(a_felling())


def test_every_signature_of_a_record_must_be_known_and_good() -> None:
    log = founded()
    twice = parse_entry(sign(a_felling().statement, a_key(COMMUNITY), a_key("stranger")))
    cosigned = parse_entry(sign(a_felling().statement, a_key(COMMUNITY), a_key(MILL)))

    assert isinstance(refused(log, twice), UnknownKey)
    log.admit(cosigned)


@pytest.mark.parametrize(
    ("record", "refusal"),
    [
        (parse_entry(sign(a_felling().statement, a_key(OTHER))), WrongSigner),
        (parse_entry(sign(a_felling().statement, a_key(REGISTRY))), KeyRole),
        (parse_entry(sign(a_felling().statement, a_key(HOST))), WrongSigner),
        (a_record("lot.sold", {"lot": "L-1", "buyer": BUYER}, actor=HOST, by=a_key(HOST)), KeyRole),
        (parse_entry(sign(an_organisation("comunidad-a").statement, a_key(COMMUNITY))), WrongSigner),
        (an_act("status.listed", a_status_list().body, actor=COMMUNITY, by=a_key(COMMUNITY)), KeyRole),
        (an_act("status.listed", a_status_list().body, actor="nadie"), UnknownOrganisation),
        (a_key_added("x", COMMUNITY, "device", actor=COMMUNITY, by=a_key(COMMUNITY)), KeyRole),
        (a_key_added("x", COMMUNITY, "device", actor=HOST, by=a_key(HOST)), KeyRole),
    ],
)
def test_who_may_not_sign(record: Record, refusal: type[Refusal]) -> None:
    assert type(refused(founded(), record)) is refusal


def test_the_registrar_speaks_for_other_registered_authorities() -> None:
    founded().admit(an_act("status.listed", a_status_list().body, actor="gerfor-md"))


def test_the_host_adds_hosted_keys_and_a_root_the_phones_of_its_own_organisation() -> None:
    log = founded()
    log.admit(
        a_key_added("hosted", COMMUNITY, "hosted", actor=HOST, by=a_key(HOST)),
        a_key_added("root", COMMUNITY, "root"),
        a_key_added("phone 2", COMMUNITY, "device", actor=COMMUNITY, by=a_key("root")),
    )

    for name, code in (("hosted", "501"), ("root", "502"), ("phone 2", "503")):
        log.admit(parse_entry(sign(a_felling(code).statement, a_key(name))))
    assert isinstance(refused(log, a_key_added("x", OTHER, "device", actor=COMMUNITY, by=a_key("root"))), KeyRole)
    assert isinstance(refused(log, a_key_added("x", COMMUNITY, "root", actor=COMMUNITY, by=a_key("root"))), KeyRole)


def test_a_root_revokes_keys_of_its_own_organisation_only() -> None:
    log = founded()
    log.admit(a_key_added("root", COMMUNITY, "root"))

    def revocation(name: str) -> Record:
        body = {"kid": kid_of(a_key(name)), "reason": "Cambio"}
        return a_record("key.revoked", body, by=a_key("root"))

    assert isinstance(refused(log, revocation(OTHER)), WrongSigner)
    assert isinstance(refused(log, revocation("nobody")), UnknownKey)
    log.admit(revocation(COMMUNITY))
    assert isinstance(refused(log, revocation(COMMUNITY)), KeyRevoked)


# ---- what the authority registers


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


# ---- custody: parents, hands, exits


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
    log = received()
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


def test_a_product_is_not_cut_and_may_be_processed_again() -> None:
    log = received()
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
    log = received()
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

    assert (log.line().drawn_dm3, log.line().guides, log.line().voids) == (0, 1, 1)
    assert after[f"item:{LOG}"] == before[f"item:{LOG}"]
    assert failures(log.admit(a_guide("G-2"))) == []


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


# ---- lots


def test_a_lot_is_sold_once_and_its_buyer_goes_on_with_it() -> None:
    log = received()
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


# ---- keys and partial facts


def whole_story() -> list[Record]:
    """One record of nearly every type, in an order that holds."""
    short: Any = measures(700, 690, 3_000)
    return [
        *foundation(),
        a_felling(), a_felling("502"),
        a_cut(a_section("501/A", **short), a_section("501/B", **short), a_section("501/C", branch=True, **measures(300, 280, 2_000))),
        a_cut(tree="502"), a_cut(a_section("502/AA", **short), source=an_item("502/A")),
        a_move(LOG), a_status_list("2025-09-12T06:00:00Z"),
        a_guide("G-1", [a_section("501/A", **short), a_section("501/B", **short)], form="own"),
        a_departure("G-1", form="own"), a_check("G-1", form="own"),
        a_reception("G-1", 2_276, form="own"),
        a_guide("G-2", [a_section("502/AA", **short)]), a_voiding("G-2"),
        a_guide("G-3", items=None, lines=[a_line(OTHER_SPECIES, 7_000)]),
        a_sawing([LOG], an_output(volume_dm3=600)),
        a_lot([an_item("tablas"), an_item("501/B")]), a_sale(),
        a_guide("G-4", [an_output(volume_dm3=600)], actor=BUYER, permit=None, origin_guides=["G-1"], addressee=OTHER,
                lines=[a_line(product="sawn", volume_dm3=600, parcel="")]),
        an_act("permit.amended", {"number": PERMIT, "lines": [a_line(volume_dm3=90_000)], "reason": "R", "approved_by": "b"}),
        a_status_change("permit.suspended"), a_status_change("permit.reinstated"), a_status_change("permit.revoked"),
        an_inspection(), an_act("key.revoked", {"kid": kid_of(a_key(OTHER)), "reason": "Cambio"}),
    ]  # fmt: skip


def test_the_story_names_nearly_every_type() -> None:
    told = {record.type for record in whole_story()}

    assert BODIES.keys() - told == {"record.corrected", "conflict.noted"}


def test_the_keys_a_record_names_are_all_that_admitting_it_reads() -> None:
    """Custody's way: load what the keys say, admit, store what changed. It must end where a replay ends."""
    complete = Log()
    stored: dict[str, bytes] = {}
    for index, record in enumerate(whole_story()):
        facts = Facts(complete=False)
        for keys in (chain.keys_of, lambda one: chain.more_keys(one, facts)):  # noqa: B023
            facts.preload([(key, load(key, stored[key]) if key in stored else None) for key in keys(record)])
        chain.admit(record, index, facts, complete.norms, TODAY)
        stored |= {key: dump(facts.get(key)) for key in facts.dirty}
        complete.admit(record)

    expected = {key: value for key, value in snapshot(complete).items() if not key.startswith("record:")}
    assert stored == expected


def test_facts_nobody_loaded_stop_the_record_before_it_changes_anything() -> None:
    story = whole_story()
    log = Log()
    log.admit(*story[:21])
    for record in (story[21], a_felling("503"), a_guide("G-9")):
        for left_out in sorted(chain.keys_of(record)):
            facts = Facts(
                ((key, copy.deepcopy(log.facts.get(key))) for key in chain.keys_of(record) - {left_out}), complete=False
            )
            before = {key: dump(doc) for key, doc in facts.items()}
            with pytest.raises((NotLoaded, Refusal)):
                chain.admit(record, 99, facts, log.norms, TODAY)
            assert (facts.dirty, {key: dump(doc) for key, doc in facts.items()}) == (set(), before)


def test_a_fact_is_stored_and_read_back_as_it_was() -> None:
    log = Log()
    log.admit(*whole_story())

    for key, doc in log.facts.items():
        assert load(key, dump(doc)) == doc
        assert type(doc) is class_of(key)


def test_a_replay_of_the_story_gives_its_facts_and_outcomes() -> None:
    log = Log()
    log.admit(*whole_story())

    facts, outcomes = chain.replay(log.records, log.norms)

    assert dict(facts.items()) == dict(log.facts.items())
    assert outcomes == log.outcomes


def test_facts_of_another_class_under_a_key_are_not_believed() -> None:
    facts = Facts([(f"permit:{PERMIT}", Inspection(PLAN))])

    with pytest.raises(TypeError):
        facts.find(Permit, f"permit:{PERMIT}")
