"""Whatever people send, in whatever order, some things hold."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.refusal import Refusal
from shared.timber import chain
from shared.timber.event import Record, tree_item
from shared.timber.facts import Facts, Guide, Item, Line, Lot, NotLoaded, dump, guide_key, load
from tests.build import (
    BUYER,
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
    a_lot,
    a_reception,
    a_sale,
    a_sawing,
    a_section,
    a_status_change,
    a_voiding,
    an_item,
    an_output,
    founded,
    measures,
)

TREES = ["501", "502"]
LOGS = [f"{tree}/{letters}" for tree in TREES for letters in ("A", "B", "AA", "AB")]
NUMBERS = [f"G-{n}" for n in range(4)]
ORGS = [COMMUNITY, MILL, BUYER]
RIGHTLY = ""  # whoever holds the piece, in place of an organisation
SMALL: Any = measures(700, 690, 3_000)

trees, logs, numbers, orgs = (st.sampled_from(values) for values in (TREES, LOGS, NUMBERS, ORGS))
actors = st.sampled_from([RIGHTLY, RIGHTLY, RIGHTLY, *ORGS])
some_logs = st.lists(logs, min_size=1, max_size=3, unique=True)
forms = st.sampled_from(["official", "own"])
species = st.sampled_from([SPECIES, SPECIES, OTHER_SPECIES])


def snapshot(facts: Facts) -> dict[str, bytes]:
    return {key: dump(doc) for key, doc in facts.items()}


class Forest(RuleBasedStateMachine):
    """People fell, cut, move, void, saw and sell the same few pieces, rightly and wrongly."""

    @initialize()
    def begin(self) -> None:
        self.log: Log = founded(
            lines=[a_line(volume_dm3=6_000), a_line(OTHER_SPECIES, 6_000), a_line(volume_dm3=500, product="sawn")]
        )
        for tree in TREES:  # half of the wood is there from the start, so that short stories reach far
            self.log.admit(a_felling(tree), a_cut(a_section(f"{tree}/A", **SMALL), tree=tree))
        self.stored = snapshot(self.log.facts)
        self.sent: Counter[str] = Counter()
        self.consumed: Counter[str] = Counter()

    def send(self, record: Record) -> None:
        """Admit, or refuse and change nothing; and custody, which loads only what is named, does the same."""
        before = snapshot(self.log.facts)
        partial = self._partial(record)
        try:
            self.log.admit(record)
        except Refusal as refusal:
            assert snapshot(self.log.facts) == before
            self._same_refusal(record, partial, refusal)
            return
        for item, doc in self.log.facts.items():
            if isinstance(doc, Item) and doc.spent_by == record.sid and doc.spent_how in ("cut", "mill"):
                self.consumed[item] += 1
        self._admit(record, len(self.log.records) - 1, partial)
        self.stored |= {key: dump(partial.get(key)) for key in partial.dirty}

    def _by(self, actor: str, *names: str) -> str:
        """The organisation asked for, or the one that holds the first of these pieces."""
        held = [doc.holder for name in names if (doc := self.log.facts.find(Item, f"item:{an_item(name)}")) is not None]
        return actor or next(iter(held), COMMUNITY)

    def _partial(self, record: Record) -> Facts:
        facts = Facts(complete=False)
        facts.preload([(key, self._stored(key)) for key in chain.keys_of(record)])
        facts.preload([(key, self._stored(key)) for key in chain.more_keys(record, facts)])
        return facts

    def _admit(self, record: Record, index: int, partial: Facts) -> None:
        """As custody does: what is asked for and was not named is loaded, and the record judged again."""
        while True:
            try:
                chain.admit(record, index, partial, self.log.norms, TODAY)
                return
            except NotLoaded as asked:
                if partial.dirty or not asked.key.startswith(
                    "finding:"
                ):  # of a piece with a grave finding, for our guides
                    raise
                partial.preload([(asked.key, self._stored(asked.key))])

    def _stored(self, key: str) -> Any:
        return load(key, self.stored[key]) if key in self.stored else None

    def _same_refusal(self, record: Record, partial: Facts, refusal: Refusal) -> None:
        with pytest.raises(type(refusal)) as same:
            self._admit(record, len(self.log.records), partial)
        assert same.value.facts() == refusal.facts()
        assert not partial.dirty

    @rule(tree=trees, of=species, hour=st.integers(0, 1))
    def fell(self, tree: str, of: str, hour: int) -> None:
        self.send(a_felling(tree, species=of, time=f"2025-08-04T1{hour}:00:00Z"))

    @rule(codes=some_logs, tree=trees, of=species, branch=st.booleans())
    def cut(self, codes: list[str], tree: str, of: str, branch: bool) -> None:
        self.send(a_cut(*(a_section(code, branch=branch, **SMALL | {"species": of}) for code in codes), tree=tree))

    @rule(codes=some_logs, source=logs, actor=actors)
    def cut_again(self, codes: list[str], source: str, actor: str) -> None:
        if source not in codes:
            self.send(
                a_cut(
                    *(a_section(code, **SMALL) for code in codes), source=an_item(source), actor=self._by(actor, source)
                )
            )

    @rule(number=numbers, codes=some_logs, form=forms, of=species)
    def issue(self, number: str, codes: list[str], form: str, of: str) -> None:
        self.send(a_guide(number, [a_section(code, **SMALL | {"species": of}) for code in codes], form=form))

    @rule(number=numbers, volume=st.integers(1, 4_000))
    def issue_without_list(self, number: str, volume: int) -> None:
        self.send(a_guide(number, items=None, lines=[a_line(volume_dm3=volume)]))

    @rule(number=numbers, codes=some_logs, form=forms, actor=actors)
    def send_on(self, number: str, codes: list[str], form: str, actor: str) -> None:
        sections = [a_section(code, **SMALL) for code in codes]
        total = sum(section["volume_dm3"] for section in sections)
        onward = {"permit": None, "origin_guides": ["G-0"], "lines": [a_line(volume_dm3=total, parcel="")]}
        self.send(a_guide(number, sections, form=form, actor=self._by(actor, *codes), addressee=BUYER, **onward))

    @rule(number=numbers, form=forms)
    def depart(self, number: str, form: str) -> None:
        self.send(a_departure(number, form=form))

    @rule(number=numbers, form=forms, actor=actors)
    def receive(self, number: str, form: str, actor: str) -> None:
        guide = self.log.facts.find(Guide, guide_key(form, number))
        self.send(a_reception(number, form=form, actor=actor or (guide.addressee if guide else MILL)))

    @rule(number=numbers, form=forms)
    def void(self, number: str, form: str) -> None:
        self.send(a_voiding(number, form=form))

    @rule(codes=some_logs, output=st.sampled_from(["x", "y"]), actor=actors)
    def saw(self, codes: list[str], output: str, actor: str) -> None:
        self.send(
            a_sawing(
                [an_item(code) for code in codes], an_output(output, volume_dm3=500), actor=self._by(actor, *codes)
            )
        )

    @rule(
        names=st.lists(st.sampled_from([*LOGS, "x"]), min_size=1, max_size=2, unique=True),
        lot=st.sampled_from(["L-1", "L-2"]),
        actor=actors,
    )
    def compose(self, names: list[str], lot: str, actor: str) -> None:
        self.send(a_lot([an_item(name) for name in names], lot, actor=self._by(actor, *names)))

    @rule(lot=st.sampled_from(["L-1", "L-2"]), actor=actors, buyer=orgs)
    def sell(self, lot: str, actor: str, buyer: str) -> None:
        known = self.log.facts.find(Lot, f"lot:{lot}")
        self.send(a_sale(lot, buyer, actor=actor or (known.holder if known else COMMUNITY)))

    @precondition(lambda self: len(self.log.records) % 7 == 0)
    @rule(kind=st.sampled_from(["permit.suspended", "permit.reinstated"]), hour=st.integers(10, 20))
    def change_status(self, kind: str, hour: int) -> None:
        self.send(a_status_change(kind, time=f"2025-08-20T{hour}:00:00Z"))

    @invariant()
    def no_piece_is_consumed_twice(self) -> None:
        assert all(times == 1 for times in self.consumed.values())

    @invariant()
    def balances_are_the_sum_of_their_guides_less_the_voided(self) -> None:
        drawn: Counter[str] = Counter()
        listed: Counter[str] = Counter()
        guides = [doc for _, doc in self.log.facts.items() if isinstance(doc, Guide)]
        for guide in guides:
            if guide.state != "voided":
                drawn.update(guide.drawn)
                listed.update(guide.listed)
        for key, line in self.log.facts.items():
            if isinstance(line, Line):
                assert (line.drawn_dm3, line.dispatched_listed_dm3) == (drawn[key], listed[key])

    @invariant()
    def a_sound_guide_of_undrawn_wood_draws_exactly_its_lines(self) -> None:
        differ = {index for index, outcome in self.log.outcomes if outcome.rule == "T03" and outcome.status == "FAIL"}
        for guide in [doc for _, doc in self.log.facts.items() if isinstance(doc, Guide)]:
            undrawn = not guide.items or sum(guide.listed.values()) == guide.volume_dm3
            if guide.permit is not None and undrawn and guide.index not in differ:
                assert sum(guide.drawn.values()) == guide.volume_dm3

    @invariant()
    def our_own_guides_never_overdraw(self) -> None:
        for guide in [doc for _, doc in self.log.facts.items() if isinstance(doc, Guide) and doc.form == "own"]:
            failed = [o.rule for index, o in self.log.outcomes if index == guide.index and o.status == "FAIL"]
            assert "B01" not in failed
            assert not {"C11", "T01", "T03", "T04"} & set(failed)

    @invariant()
    def every_piece_has_a_known_parent_and_one_holder(self) -> None:
        for _, doc in self.log.facts.items():
            if isinstance(doc, Item):
                assert doc.holder in ORGS
                assert all(self.log.facts.get(f"item:{parent}") is not None for parent in doc.parents)
                assert (doc.kind == "tree") == (not doc.parents)

    @invariant()
    def what_custody_stored_is_what_a_replay_finds(self) -> None:
        assert {key: value for key, value in snapshot(self.log.facts).items() if key in self.stored} == self.stored

    def teardown(self) -> None:
        if hasattr(self, "log"):
            facts, outcomes = chain.replay(self.log.records, self.log.norms)
            assert snapshot(facts) == snapshot(self.log.facts)
            assert outcomes == self.log.outcomes


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_these_things_hold_whatever_people_send() -> None:
    run_state_machine_as_test(Forest, settings=settings(UNHURRIED, max_examples=60, stateful_step_count=50))


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_they_hold_in_long_stories_too() -> None:
    run_state_machine_as_test(Forest, settings=settings(UNHURRIED, max_examples=1_000, stateful_step_count=120))


def test_the_machine_can_reach_a_sale() -> None:
    """The rules above are worth something only if the story can be told to its end with them."""
    log = founded()
    sections = [a_section("501/A", **SMALL)]
    log.admit(a_felling(), a_cut(*sections), a_guide("G-0", sections), a_departure("G-0"), a_reception("G-0"))
    log.admit(a_sawing([an_item("501/A")], an_output("x", volume_dm3=500)), a_lot([an_item("x")]), a_sale())

    assert log.item(an_item("x")).holder == BUYER
    assert log.item(tree_item(PLAN, PARCEL, "501")).permit == PERMIT
