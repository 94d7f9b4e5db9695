"""Custody holds a part of the facts at a time: it must read and write as a replay of the whole does."""

import copy
from typing import Any

import pytest

from shared.refusal import Refusal
from shared.timber import chain
from shared.timber.event import BODIES, Record
from shared.timber.facts import Facts, Inspection, NotLoaded, Permit, class_of, dump, load
from tests.build import (
    BUYER,
    CERTIFICATE,
    CERTIFIER,
    COMMUNITY,
    LOG,
    MILL,
    OTHER,
    OTHER_SPECIES,
    PERMIT,
    PLAN,
    TODAY,
    Log,
    a_book,
    a_certificate,
    a_certificate_act,
    a_check,
    a_commitment,
    a_cut,
    a_departure,
    a_felling,
    a_guide,
    a_key,
    a_line,
    a_lot,
    a_move,
    a_reception,
    a_sale,
    a_sawing,
    a_section,
    a_status_change,
    a_status_list,
    a_voiding,
    an_act,
    an_inspection,
    an_item,
    an_organisation,
    an_output,
    failures,
    foundation,
    kid_of,
    measures,
    snapshot,
    with_log,
)


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
        a_felling("503"), a_cut(a_section("503/A", **short), a_section("503/B", **short), tree="503"),
        a_sawing([an_item("503/A")], an_output("beams", volume_dm3=500), actor=COMMUNITY),
        a_lot([an_item("503/B"), an_item("beams")], "L-2", actor=COMMUNITY), a_sale("L-2", MILL, actor=COMMUNITY),
        a_sawing([an_item("503/B")], an_output("slats", volume_dm3=500), time="2025-09-23T08:00:00Z"),
        a_status_change("permit.suspended"), a_status_change("permit.reinstated"), a_status_change("permit.revoked"),
        an_inspection(), *certified(), a_lot([an_item("slats")], "L-3"), a_sale("L-3", certificate=CERTIFICATE),
        a_certificate_act("ended"), a_book(), a_commitment(),
        *(an_act(kind, {"commitment": "ab" * 32}) for kind in ("contract.committed", "settlement.sealed")),
        an_act("key.revoked", {"kid": kid_of(a_key(OTHER)), "reason": "Cambio"}),
    ]  # fmt: skip


def certified() -> list[Record]:
    """A group certificate: its members come, one is suspended and comes back."""
    return [
        an_organisation(CERTIFIER, "certifier"), a_certificate(MILL),
        a_certificate_act("amended", members=[{"org": OTHER, "from": "2025-02-01"}]),
        a_certificate_act("suspended", member=MILL), a_certificate_act("reinstated", member=MILL),
    ]  # fmt: skip


def test_the_story_names_nearly_every_type() -> None:
    told = {record.type for record in whole_story()}

    assert BODIES.keys() - told == {"record.corrected", "conflict.noted", "log.recovered", "log.closed",
                                      "log.continued", "finding.raised", "finding.resolved"}  # fmt: skip


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


def test_a_batch_that_builds_on_itself_names_all_it_needs() -> None:
    log = with_log()
    stored = snapshot(log)
    part = a_section("501/AA", **measures(700, 700, 6_000))
    batch = [
        a_cut(part, source=LOG), a_guide("G-1", [part], form="own"), a_departure("G-1", form="own"),
        a_reception("G-1", part["volume_dm3"], form="own"), a_sawing([part["item"]], an_output(volume_dm3=900)),
        a_lot([an_item("tablas")]), a_sale(),
    ]  # fmt: skip
    facts = Facts(complete=False)
    for keys in (chain.keys_of, lambda one: chain.more_keys(one, facts)):
        for record in batch:
            facts.preload([(key, load(key, stored[key]) if key in stored else None) for key in keys(record)])

    for index, record in enumerate(batch, len(log.records)):
        assert failures(chain.admit(record, index, facts, log.norms, TODAY)) == []


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
