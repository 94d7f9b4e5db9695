"""Each refusal of the door, one by one: a log that holds the refused record, before both verifiers."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from shared.timber import event
from shared.timber.facts import Item, Permit
from tests.shared.lot.policies import a_policy
from tests.shared.lot.proofs import Proof
from tests.shared.lot.stories import Story
from tests.shared.lot.telling import ORGS
from tests.shared.lot.verifiers import Verifier, by_python, differences, quickest
from tests.shared.lot.wood import ORIGIN, Wood, a_lot, key

COMMUNITY, ROOT = "comunidad-a", "comunidad-a root"


@pytest.fixture(scope="module")
def second() -> Iterator[Verifier]:
    """The second verifier where it is quickest."""
    with quickest() as verifier:
        yield verifier


def clean() -> Story:
    """Parties, plans and permits, and nobody who errs."""
    return next(story for seed in range(50) if (story := Story(seed)).mess == 0.0)


def a_tree(story: Story) -> Item:
    """A tree of the first community, felled."""
    while not story.all(Item):
        story.fell(False)
    found: Item = story.all(Item)[0]
    return found


def sections(story: Story, tree: Item, count: int, *, branch: bool = False) -> list[dict[str, Any]]:
    letters = [chr(65 + n // 26) + chr(65 + n % 26) for n in range(len(tree.sections), len(tree.sections) + count)]
    prefix = tree.code if "/" in tree.code else f"{tree.code}/"
    return [
        {"item": story.new_id(), "code": f"{prefix}{two}"[:25], "species": tree.species, "diameter_large_mm": 300,
         "diameter_small_mm": 290, "length_mm": 100, "volume_dm3": 7, "branch": branch}
        for two in letters
    ]  # fmt: skip


def cut(story: Story, tree: Item, parts: list[dict[str, Any]], **other: Any) -> None:
    body = {"source": tree.id, "permit": tree.permit, "parcel": tree.parcel, "sections": parts}
    story.say("log.cut", tree.holder, body | other, force=True)


def kid(name: str) -> str:
    return event.key_id(key(name).public_key().public_bytes_raw())


def branch_wood(story: Story) -> None:
    tree = a_tree(story)
    cut(story, tree, sections(story, tree, 1, branch=True))
    branch = next(item for item in story.all(Item) if item.branch)
    cut(story, branch, sections(story, branch, 1))


def too_many(story: Story) -> None:
    tree = a_tree(story)
    for _ in range(6):
        cut(story, tree, sections(story, tree, 40 if len(tree.sections) < 200 else 1))


def wrong_kind(story: Story) -> None:
    tree = a_tree(story)
    story.say("lot.composed", tree.holder, {"lot": "LOTE-1", "items": [tree.id]}, force=True)


def unrelated(story: Story) -> None:
    tree = a_tree(story)
    cut(story, tree, sections(story, tree, 1), parcel="PC 09")


def already_spent(story: Story) -> None:
    tree = a_tree(story)
    cut(story, tree, sections(story, tree, 1))
    log = next(item for item in story.all(Item) if item.kind == "log")
    for number in ("LOTE-1", "LOTE-2"):
        story.say("lot.composed", log.holder, {"lot": number, "items": [log.id]}, force=True)


def key_replaced(story: Story) -> None:
    story.add_key("next", COMMUNITY, "root", by=[ROOT], actor=COMMUNITY, two=False, replaces=kid(ROOT))
    story.say("key.revoked", COMMUNITY, {"kid": kid(COMMUNITY), "reason": "x"}, by=[ROOT], force=True)


def key_revoked(story: Story) -> None:
    for _ in range(2):
        story.say("key.revoked", COMMUNITY, {"kid": kid(COMMUNITY), "reason": "x"}, by=[ROOT], force=True)


def signed_by_revoked(story: Story) -> None:
    tree = a_tree(story)
    story.say("key.revoked", "registro", {"kid": kid(tree.holder), "reason": "x"})
    story.say("log.moved", tree.holder, {"items": [tree.id], "place": "x"}, force=True)


def key_role(story: Story) -> None:
    body = {"kid": kid(COMMUNITY), "reason": "x"}
    story.say("key.revoked", COMMUNITY, body, by=[COMMUNITY], force=True)


def roots_own_registrar(story: Story) -> None:
    story.say("key.revoked", "registro", {"kid": kid("registrar"), "reason": "x"}, by=[COMMUNITY], force=True)


def distrust_later(story: Story) -> None:
    body = {"kid": kid(COMMUNITY), "reason": "x", "distrust_from": 10_000}
    story.say("key.revoked", COMMUNITY, body, by=[ROOT], force=True)


def key_of_another(story: Story) -> None:
    body = {"kid": kid(COMMUNITY), "reason": "x", "org": "comunidad-b"}
    story.say("key.revoked", COMMUNITY, body, by=[ROOT], force=True)


def one_person(story: Story) -> None:
    story.add_key("teléfono", COMMUNITY, "device", two=False, force=True)


def possession_not_shown(story: Story) -> None:
    story.founded, story.mess = True, 30.0
    story.add_key("teléfono", COMMUNITY, "device", force=True)


def not_independent(story: Story) -> None:
    body = {
        "number": "INF-1",
        "plan": "PO-0",
        "parcel": "PC 01",
        "inspector": COMMUNITY,
        "trees_sampled": 1,
        "trees_absent": 0,
        "volume_dm3": 1,
    }
    story.say("inspection.reported", "registro", body, force=True)


def finding(story: Story, actor: str, org: str = COMMUNITY, **other: Any) -> event.Record | None:
    body = {"subject": "plan:PO-0", "org": org, "severity": "S3", "text": "x", "by": "u3"} | other
    return story.say("finding.raised", actor, body, force=True)


def own_finding(story: Story) -> None:
    raised = finding(story, "gerfor-md", "osinfor-md")
    assert raised is not None
    body = {"record": raised.sid, "rule": "H01", "reason": "x", "evidence_sha256": "0" * 64, "by": "u3"}
    story.say("finding.resolved", "osinfor-md", body, force=True)


def resolved_twice(story: Story) -> None:
    raised = finding(story, "gerfor-md")
    assert raised is not None
    body = {"record": raised.sid, "rule": "H01", "reason": "x", "evidence_sha256": "0" * 64, "by": "u3"}
    for _ in range(2):
        story.say("finding.resolved", "osinfor-md", body, force=True)


def not_supervising(story: Story) -> None:
    finding(story, COMMUNITY)


def not_publishing(story: Story) -> None:
    """The registry's authority publishes a version; a community does not."""
    book = {
        "book": "reports-madre-de-dios", "version": 1, "region": "madre-de-dios", "as_of": "2026-11-01",
        "sha256": "0" * 64, "publisher": "gerfor-md", "by": "u3",
    }  # fmt: skip
    for actor in ("gerfor-md", COMMUNITY):
        story.say("price_book.published", actor, book, force=True)


def finding_of_nothing(story: Story) -> None:
    finding(story, "osinfor-md", subject="guide:own:001-1")


def census_exceeded(story: Story) -> None:
    tree = {
        "code": "900",
        "species": "Virola spp.",
        "dbh_mm": 500,
        "height_mm": 9_000,
        "volume_dm3": 1_000,
        "condition": "seed",
    }
    story.say("census.listed", "registro", {"plan": "PO-0", "part": 4, "parcel": "PC 01", "trees": [tree]}, force=True)


def census_trees_exceeded(story: Story) -> None:
    tree = {"species": "Virola spp.", "dbh_mm": 500, "height_mm": 9_000, "volume_dm3": 1_000, "condition": "seed"}
    trees = [tree | {"code": f"9{n:02}"} for n in range(40)]
    story.say("census.listed", "registro", {"plan": "PO-0", "part": 3, "parcel": "PC 01", "trees": trees}, force=True)


def census_part_taken(story: Story) -> None:
    tree = {
        "code": "900",
        "species": "Virola spp.",
        "dbh_mm": 500,
        "height_mm": 9_000,
        "volume_dm3": 1_000,
        "condition": "seed",
    }
    story.say("census.listed", "registro", {"plan": "PO-0", "part": 1, "parcel": "PC 01", "trees": [tree]}, force=True)


def window_order(story: Story) -> None:
    """A second harvest window is admitted; the same again overlaps it."""
    permit: Permit = story.all(Permit)[0]
    body = {"number": permit.number, "reason": "R", "approved_by": "u2"}
    window = {"harvest_from": "2026-07-01", "harvest_to": "2026-07-31", "move_to": "2027-01-31"}
    for _ in range(2):
        story.say("permit.amended", "registro", body | window, force=True)


def permit_status(story: Story) -> None:
    permit: Permit = story.all(Permit)[0]
    story.say("permit.reinstated", "registro", {"number": permit.number, "reason": "x", "by": "u2"}, force=True)


def unknown_organisation(story: Story) -> None:
    title = {"number": "TIT-9", "org": "nadie", "region": "x", "area_m2": 1, "polygon_sha256": "0" * 64}
    story.say("title.registered", "registro", title, force=True)


def wrong_signer(story: Story) -> None:
    tree = a_tree(story)
    story.say("log.moved", tree.holder, {"items": [tree.id], "place": "x"}, by=["aserradero-1"], force=True)


def certificate(story: Story, actor: str = "certifica-1", number: str = "CB-COC-000001", **changes: Any) -> None:
    body = {
        "number": number, "code": number, "scheme": "fsc", "scope": "coc", "holder": "comunidad-b",
        "valid_from": "2026-01-01", "valid_to": "2030-12-31", "members": [{"org": COMMUNITY, "from": "2026-01-01"}], "by": "u4",
    }  # fmt: skip
    story.say("certificate.registered", actor, body | changes, force=True)


def certificate_act(story: Story, act: str, actor: str = "certifica-1", **more: Any) -> None:
    body = {"number": "CB-COC-000001", "reason": "x", "by": "u4"}
    story.say(f"certificate.{act}", actor, body | more, force=True)


def not_certifying(story: Story) -> None:
    certificate(story, "gerfor-md")


def certifying_itself(story: Story) -> None:
    certificate(story, holder="certifica-1")


def certificate_of_nobody(story: Story) -> None:
    certificate(story, holder="nadie")


def certificate_taken(story: Story) -> None:
    certificate(story)
    certificate(story)


def certificate_of_another(story: Story) -> None:
    certificate(story)
    certificate_act(story, "suspended", "osinfor-md")


def certificate_not_suspended(story: Story) -> None:
    certificate(story)
    certificate_act(story, "reinstated")


def member_suspended_twice(story: Story) -> None:
    certificate(story)
    certificate_act(story, "suspended", member=COMMUNITY)
    certificate_act(story, "suspended", member=COMMUNITY)


def member_unknown(story: Story) -> None:
    certificate(story)
    certificate_act(story, "suspended", member="aserradero-1")


def amended_after_its_end(story: Story) -> None:
    certificate(story)
    certificate_act(story, "ended")
    certificate_act(story, "amended", members=[{"org": "aserradero-1", "from": "2026-01-01"}])


def too_many_members(story: Story) -> None:
    certificate(story)
    for n in range(5):
        members = [{"org": f"m-{n}-{m}", "from": "2026-01-01"} for m in range(100)]
        certificate_act(story, "amended", members=members)


def second_organisation(story: Story) -> None:
    body = {"id": COMMUNITY, "name": "x", "kind": ORGS[COMMUNITY]}
    story.say("organisation.registered", "registro", body, force=True)


def not_the_end(story: Story) -> None:
    body = {
        "before": "log.example/x/2026",
        "size": len(story.records) - 1,
        "root": "0a" * 32,
        "checkpoint_sha256": "0b" * 32,
    }
    story.say("log.continued", "trozalog", body, by=["host"], force=True)


def not_closed(story: Story) -> None:
    body = {
        "before": "log.example/x/2026",
        "size": len(story.records),
        "root": "0a" * 32,
        "checkpoint_sha256": "0b" * 32,
    }
    story.say("log.continued", "trozalog", body, by=["host"], force=True)


CASES: list[tuple[Callable[[Story], None], str]] = [
    (branch_wood, "branch-wood"),
    (too_many, "too-many"),
    (wrong_kind, "wrong-kind"),
    (unrelated, "unrelated"),
    (already_spent, "already-spent"),
    (key_replaced, "key-replaced"),
    (key_revoked, "key-revoked"),
    (signed_by_revoked, "key-revoked"),
    (key_role, "key-role"),
    (roots_own_registrar, "wrong-signer"),
    (distrust_later, "distrust-later"),
    (key_of_another, "unrelated"),
    (one_person, "one-person"),
    (possession_not_shown, "possession-not-shown"),
    (not_independent, "not-independent"),
    (own_finding, "own-finding"),
    (resolved_twice, "already-done"),
    (not_supervising, "not-supervising"),
    (not_publishing, "not-publishing"),
    (finding_of_nothing, "unknown-parent"),
    (census_exceeded, "census-exceeded"),
    (census_trees_exceeded, "census-exceeded"),
    (census_part_taken, "id-taken"),
    (permit_status, "permit-status"),
    (window_order, "window-order"),
    (unknown_organisation, "unknown-organisation"),
    (wrong_signer, "wrong-signer"),
    (second_organisation, "id-taken"),
    (not_certifying, "not-certifying"),
    (certifying_itself, "not-certifying"),
    (certificate_of_nobody, "unknown-organisation"),
    (certificate_taken, "id-taken"),
    (certificate_of_another, "not-yours"),
    (certificate_not_suspended, "certificate-status"),
    (member_suspended_twice, "certificate-status"),
    (member_unknown, "unknown-parent"),
    (amended_after_its_end, "certificate-status"),
    (too_many_members, "too-many"),
    (not_the_end, "not-the-end"),
    (not_closed, "not-closed"),
]


@pytest.mark.parametrize(("happens", "slug"), CASES, ids=[case.__name__ for case, _ in CASES])
def test_both_refuse_the_same_record_for_the_same_reason(
    second: Verifier, happens: Callable[[Story], None], slug: str
) -> None:
    story = clean()
    happens(story)
    last = len(story.records) - 1
    bundle = Proof("LOTE-1", [record.entry for record in story.records], list(range(last + 1)), []).bytes()
    policy = a_policy(story.random)

    ours = by_python(bundle, policy)

    assert ours["problem"]["facts"].get("reason") == slug, ours["problem"]
    assert ours["problem"]["facts"]["index"] == last
    assert differences(ours, second.verify(bundle, policy)) == []


BEFORE, NEXT = "trozalog.example/madre-de-dios/2025", "trozalog.example/madre-de-dios/2027"
Seams = Callable[[Wood], None]


def over(*names: str) -> Seams:
    """The log goes over from each name to the next."""

    def happens(wood: Wood) -> None:
        for before, after in pairwise(names):
            wood.close(after)
            wood.go_on(before)

    return happens


def on_after_its_end(wood: Wood) -> None:
    wood.close(NEXT)
    wood.certify("aserradero-1")


def closed_twice(wood: Wood) -> None:
    wood.close(NEXT)
    wood.close(NEXT)


def other_before(wood: Wood) -> None:
    over(BEFORE, NEXT)(wood)
    over("another.example/x/2026", ORIGIN)(wood)


def closed_only(wood: Wood) -> None:
    wood.close(NEXT)


def itself(wood: Wood) -> None:
    wood.close(ORIGIN)


# What happens behind the lot, and where from its end on the seam stands that does not hold; None when all hold.
SEAMS: list[tuple[str, Seams, int | None]] = [
    ("a log that began under another name", over(BEFORE, ORIGIN), None),
    ("the third of a row", over("trozalog.example/madre-de-dios/2024", BEFORE, ORIGIN), None),
    ("a log that ends", closed_only, None),
    ("a log that went over under its own name", over(ORIGIN, NEXT), 0),
    ("a log that continues anything", over(BEFORE, NEXT), 0),
    ("a name borne before", over(ORIGIN, NEXT, ORIGIN), 3),
    ("a log that names itself", itself, 0),
    ("a record after the end", on_after_its_end, 1),
    ("an end after the end", closed_twice, 1),
    ("another than the one that ended", other_before, 3),
]


@pytest.mark.parametrize(("happens", "at"), [case[1:] for case in SEAMS], ids=[case[0] for case in SEAMS])
def test_both_hold_the_names_of_a_log_against_the_checkpoint(second: Verifier, happens: Seams, at: int | None) -> None:
    wood = a_lot()
    end = len(wood.records)
    happens(wood)
    bundle, policy = wood.packed("LOTE-01", range(len(wood.records))), a_policy(Random(1))

    ours = by_python(bundle, policy)

    if at is None:
        assert ours["outcome"] == "valid"
    else:
        assert ours["outcome"] == "invalid"
        assert (ours["problem"]["facts"]["index"], ours["problem"]["facts"]["reason"]) == (end + at, "log-ended")
    assert differences(ours, second.verify(bundle, policy)) == []


def test_a_proof_file_holds_the_seams_of_its_log() -> None:
    wood = a_lot()
    over(BEFORE, ORIGIN)(wood)

    assert [wood.records[index].type for index in wood.gathered("LOTE-01")[-2:]] == ["log.closed", "log.continued"]
