"""L08: a plan is approved over the census it was handed in with, and the trees that are listed are those of that census."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.audit.judge import Judge
from shared.audit.ledger import Ledger
from shared.timber import norms
from shared.timber.event import Record
from shared.timber.lottery import Tree, census_commitment
from shared.timber.norms.watch import load_watch
from tests import build
from tests.build import PARCEL, PLAN, a_census, a_commitment, a_plan, a_title, an_act
from tests.shared.audit.logs import ORIGIN

ROOT = "cd" * 32
PARTIES = [build.a_key_added(build.REGISTRY, role="registrar"), build.an_organisation(build.REGISTRY),
           build.an_organisation(), a_title()]  # fmt: skip
N = len(PARTIES)
TREES = [build.a_tree("501"), build.a_tree("502", condition="seed"), build.a_tree("503", volume_dm3=4_000)]
BEFORE, AFTER = "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z"  # the rule's day
Found = list[tuple[int, str, str]]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger", "1")
    yield opened
    opened.close()


def judged(ledger: Ledger, *records: Record) -> Found:
    """What the next entries of the log are told: place, case and severity. None is of another rule."""
    judge = Judge(ledger, norms.load(), load_watch(), ORIGIN)
    found = judge.take([record.entry for record in records], "2026-12-02T12:00:00Z")
    assert {one.outcome.rule for one in found} <= {"L08"}
    return [(one.index, one.outcome.case, one.outcome.severity) for one in found]


def handed_in(trees: Sequence[dict[str, Any]] = TREES, root: str = ROOT, plan: str = PLAN, **body: Any) -> Record:
    said = a_commitment(**census_commitment(plan, root, [Tree(PARCEL, **tree) for tree in trees]) | body)
    return an_act(said.type, said.body, time=BEFORE)


def approved(trees: int = 3, root: str = ROOT, parts: int = 2, time: str = BEFORE, plan: str = PLAN) -> Record:
    census = {"trees": trees, "parts": parts, "root": root}
    return an_act("plan.approved", a_plan(id=plan, census=census).body, time=time)


def listed(trees: Sequence[dict[str, Any]] = TREES) -> list[Record]:
    return [part(1, trees[:2]), part(2, trees[2:])]


def part(number: int, trees: Sequence[dict[str, Any]]) -> Record:
    return an_act("census.listed", a_census(trees, number).body, time=BEFORE)


def test_a_plan_is_approved_and_listed_as_it_was_handed_in(ledger: Ledger) -> None:
    assert judged(ledger, *PARTIES, handed_in(), approved(), *listed()) == []


def test_the_last_census_handed_in_counts(ledger: Ledger) -> None:
    corrected = handed_in(TREES[:2], "ab" * 32)

    assert judged(ledger, *PARTIES, corrected, handed_in(), approved(), *listed()) == []


def test_a_plan_approved_over_an_earlier_census_is_found_where_it_is_approved(ledger: Ledger) -> None:
    corrected = handed_in(TREES[:2], "ab" * 32)

    assert judged(ledger, *PARTIES, handed_in(), corrected, approved(), *listed()) == [
        (N + 2, "other_census", "S4"), (N + 4, "other_trees", "S4"),
    ]  # fmt: skip


@pytest.mark.parametrize("other", [{"root": "ab" * 32}, {"trees": 4}, {"trees": 0}], ids=str)
def test_another_root_or_another_number_of_trees_is_another_census(ledger: Ledger, other: dict[str, Any]) -> None:
    assert judged(ledger, *PARTIES, handed_in(), approved(**other)) == [(N + 1, "other_census", "S4")]


@pytest.mark.parametrize(
    "other",
    [{"volume_dm3": 4_001}, {"species": build.OTHER_SPECIES}, {"condition": "seed"}, {"code": "504"}],
    ids=lambda other: next(iter(other)),
)
def test_one_tree_listed_otherwise_is_found_when_the_last_part_has_come(ledger: Ledger, other: dict[str, Any]) -> None:
    first, second = listed([*TREES[:2], TREES[2] | other])

    assert judged(ledger, *PARTIES, handed_in(), approved(), second) == []
    assert judged(ledger, first) == [(N + 3, "other_trees", "S4")]


def test_parts_may_come_in_any_order_and_in_several_rounds(ledger: Ledger) -> None:
    first, second = listed()

    assert judged(ledger, *PARTIES, handed_in(), approved(), second) == []
    assert judged(ledger, first) == []


def test_a_harvestable_volume_that_no_listing_has_is_found(ledger: Ledger) -> None:
    said = handed_in(harvestable_dm3=17_643)

    assert judged(ledger, *PARTIES, said, approved(), *listed()) == [(N + 3, "other_trees", "S4")]


def test_trees_that_are_never_listed_are_found_with_the_last_part(ledger: Ledger) -> None:
    assert judged(ledger, *PARTIES, handed_in(), approved(), part(1, TREES[:1]), part(2, TREES[1:2])) == [
        (N + 3, "other_trees", "S4")
    ]


def test_of_plans_approved_before_commitments_nothing_is_said(ledger: Ledger) -> None:
    """The log of a house that did not know them: silence, and the rule says of itself that it was not evaluated."""
    assert judged(ledger, *PARTIES, approved(), *listed()) == []


def test_from_the_day_of_the_rule_every_plan_with_trees_needs_one(ledger: Ledger) -> None:
    assert judged(ledger, *PARTIES, approved(time=AFTER), approved(0, time=AFTER, plan="PO-OTHER")) == [
        (N, "uncommitted", "S2")
    ]


def test_where_the_log_told_it_of_one_plan_it_is_missed_of_another(ledger: Ledger) -> None:
    other = handed_in(plan="PO-OTHER")

    assert judged(ledger, *PARTIES, other, approved(plan="PO-OTHER"), approved(), *listed()) == [
        (N + 2, "uncommitted", "S2")
    ]


def test_a_commitment_after_the_approval_binds_nobody(ledger: Ledger) -> None:
    late = handed_in(TREES[:2], "ab" * 32)

    assert judged(ledger, *PARTIES, handed_in(), approved(), late, *listed()) == [(N + 2, "committed_late", "S2")]


def test_what_no_registrar_said_is_no_commitment(ledger: Ledger) -> None:
    """A forged commitment is refused (L01), and does not shade the one that stands."""
    forged = build.a_record(
        "census.committed", handed_in(TREES[:2], "ab" * 32).body, by=build.a_key("nobody"), time=BEFORE
    )
    judge = Judge(ledger, norms.load(), load_watch(), ORIGIN)
    entries = [record.entry for record in (*PARTIES, handed_in(), forged, approved(), *listed())]

    found = judge.take(entries, "2026-12-02T12:00:00Z")

    assert [(one.index, one.outcome.rule) for one in found] == [(N + 1, "L01")]
