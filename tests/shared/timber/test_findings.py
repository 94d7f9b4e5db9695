"""Findings by hand, and findings that a supervisor resolves."""

import pytest

from shared.refusal import Refusal
from shared.timber.facts import Finding, Item
from shared.timber.refusals import (
    AlreadyDone,
    KeyRole,
    NotSupervising,
    OpenFinding,
    OwnFinding,
    UnknownOrganisation,
    UnknownParent,
    WrongSigner,
)
from shared.timber.steps.case import MOST_GRAVE
from tests.build import (
    AUTHORITY,
    COMMUNITY,
    HOST,
    LOG,
    MILL,
    PERMIT,
    PLAN,
    SUPERVISOR,
    TREE,
    a_cut,
    a_felling,
    a_finding,
    a_guide,
    a_key,
    a_resolution,
    a_sawing,
    a_section,
    an_item,
    failures,
    founded,
    refused,
    the,
    with_log,
)

GRAVE = ("999", "C01")  # a tree out of the census: S4


# ---- raised


@pytest.mark.parametrize(
    "subject", [f"item:{TREE}", f"item:{LOG}", f"permit:{PERMIT}", f"plan:{PLAN}", "guide:official:017-0001426"]
)
def test_a_supervisor_raises_a_finding_on_what_the_log_knows(subject: str) -> None:
    log = with_log()
    log.admit(a_guide())

    outcomes = log.admit(a_finding(subject, "S3"))

    assert failures(outcomes) == [("H01", "S3")]
    assert the("H01", outcomes).subject == subject
    assert the("H01", outcomes).text_es == f"Observación de {SUPERVISOR}: No hay tocón"


def test_the_words_of_a_supervisor_are_shown_as_they_were_written() -> None:
    outcomes = with_log().admit(a_finding(f"item:{TREE}", text="guide:x | tocón_2 {no} hay"))

    assert the("H01", outcomes).text_en.endswith("guide:x | tocón_2 {no} hay")


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (a_finding(f"item:{an_item('nothing')}"), UnknownParent),
        (a_finding("permit:P-9"), UnknownParent),
        (a_finding(f"item:{TREE}", org="nadie"), UnknownOrganisation),
        (a_finding(f"item:{TREE}", actor=MILL), NotSupervising),
        (a_finding(f"item:{TREE}", actor=MILL, signed_by=a_key(MILL)), NotSupervising),
        (a_finding(f"item:{TREE}", signed_by=a_key(MILL)), WrongSigner),
        (a_finding(f"item:{TREE}", actor=HOST, signed_by=a_key(HOST)), KeyRole),
    ],
)
def test_nobody_else_raises_one_and_not_on_nothing(record: object, kind: type[Refusal]) -> None:
    assert isinstance(refused(with_log(), record), kind)


def test_a_supervisor_signs_with_a_key_of_its_own_as_well() -> None:
    log = with_log()

    assert failures(log.admit(a_finding(f"item:{TREE}", signed_by=a_key(SUPERVISOR)))) == [("H01", "S3")]


def test_a_grave_finding_on_a_piece_shuts_our_guides_for_it() -> None:
    log = with_log()
    log.admit(a_finding(f"item:{LOG}", "S4"))

    assert isinstance(refused(log, a_guide(form="own")), OpenFinding)


# ---- resolved


def test_a_resolution_is_kept_with_whoever_made_it() -> None:
    log = founded()
    felling = a_felling(GRAVE[0])
    log.admit(felling)

    resolution = a_resolution(felling, GRAVE[1])
    log.admit(resolution)

    finding = log.facts.find(Finding, f"finding:{len(log.records) - 2}")
    assert finding is not None
    assert finding.resolved == {
        "C01": {
            "by": SUPERVISOR, "reason": "Verificado en campo", "evidence_sha256": "e" * 64, "sid": resolution.sid,
            "index": len(log.records) - 1,
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"actor": COMMUNITY}, NotSupervising),
        ({"actor": COMMUNITY, "signed_by": a_key(COMMUNITY)}, NotSupervising),
        ({"actor": SUPERVISOR, "signed_by": a_key(MILL)}, WrongSigner),
        ({"actor": "nadie"}, UnknownOrganisation),
        ({"record": "a" * 64}, UnknownParent),
    ],
)
def test_a_finding_is_resolved_by_supervisors_only(change: dict[str, object], kind: type[Refusal]) -> None:
    log = founded()
    felling = a_felling(GRAVE[0])
    log.admit(felling)

    assert isinstance(refused(log, a_resolution(felling, GRAVE[1], **change)), kind)
    log.admit(a_resolution(felling, GRAVE[1], signed_by=a_key(SUPERVISOR)))


def test_nobody_resolves_a_finding_on_their_own_record() -> None:
    log = with_log()
    raised = a_finding(f"item:{TREE}", org=AUTHORITY)  # of what the authority has done
    log.admit(raised)

    assert isinstance(refused(log, a_resolution(raised, "H01", actor=AUTHORITY)), OwnFinding)
    log.admit(a_resolution(raised, "H01", actor=SUPERVISOR))  # whoever raised it may close it


def test_a_finding_is_resolved_once() -> None:
    log = founded()
    felling = a_felling(GRAVE[0])
    log.admit(felling, a_resolution(felling, "C01"))

    refusal = refused(log, a_resolution(felling, "C01", actor=AUTHORITY))

    assert isinstance(refusal, AlreadyDone)
    log.admit(a_resolution(felling, "C03", actor=AUTHORITY))  # of another rule on the same record


def test_our_guides_go_out_again_when_every_grave_finding_is_resolved() -> None:
    log = founded()
    felling = a_felling(GRAVE[0])
    section = a_section("999/A")
    cut = a_cut(section, tree="999")
    raised = a_finding(f"item:{section['item']}", "S4")
    log.admit(felling, cut, raised)
    guide = a_guide("G-1", [section], form="own")

    log.admit(a_resolution(felling, "C01"))
    assert isinstance(refused(log, guide), OpenFinding)

    log.admit(a_resolution(raised, "H01", actor=AUTHORITY))
    log.admit(guide)


def test_products_remember_the_grave_findings_on_their_logs() -> None:
    log = founded()
    felling = a_felling(GRAVE[0])
    section = a_section("999/A")
    log.admit(felling, a_cut(section, tree="999"), a_sawing([section["item"]], actor=COMMUNITY))

    board = log.facts.find(Item, f"item:{an_item('tablas')}")

    index = next(i for i, record in enumerate(log.records) if record.sid == felling.sid)
    assert board is not None
    assert f"{index}:C01" in board.grave.split()


def test_a_piece_remembers_so_many_grave_findings_and_with_more_goes_out_no_more() -> None:
    log = founded()
    section = a_section("999/A")
    fellings = [a_felling(GRAVE[0], observations=f"vez {n}") for n in range(MOST_GRAVE + 20)]
    log.admit(*fellings[:3], a_cut(section, tree="999"), *fellings[3:])
    for felling in fellings:
        log.admit(a_resolution(felling, "C01"))
    tree = log.facts.find(Item, f"item:{fellings[0].body['item']}")

    assert tree is not None
    assert len(tree.grave.split()) == MOST_GRAVE + 1
    assert tree.fellings == len(fellings)
    assert isinstance(refused(log, a_guide("G-1", [section], form="own")), OpenFinding)
