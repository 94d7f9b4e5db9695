"""What a lot rests on is found by name, is enough to be replayed, and is not the whole log."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.lot.closure import Gathering, of_lineage
from shared.lot.verify import verify
from shared.timber import event
from shared.timber.facts import Lot
from tests.shared.lot.wood import LINE, PERMIT, Wood, a_lot, a_policy, key

LOT = "LOTE-01"


def types(wood: Wood, lot: str = LOT) -> list[str]:
    return [wood.records[index].type for index in wood.gathered(lot)]


def standing(wood: Wood, lot: str = LOT) -> None:
    """The bundle of the lot replays, whatever the verdict."""
    report = verify(wood.bundle(lot), a_policy())
    assert report.outcome == "valid", report.text("en")


def assert_as_at_the_door(wood: Wood, lot: str) -> None:
    """What the rules of guides found on the lot's own records when they were logged is what they find in its bundle. B02 and
    C17 count the wood of the file only."""
    records = list(enumerate(wood.records))
    stands = wood.facts.find(Lot, f"lot:{lot}")
    assert stands is not None
    own = of_lineage(records, stands, wood.facts)
    told = {
        (outcome.rule, outcome.status, outcome.severity, outcome.subject)
        for index in own
        for outcome in wood.outcomes[index]
        if outcome.rule not in ("B02", "C17")
    }
    report = verify(wood.bundle(lot), a_policy())
    assert report.verdict is not None
    found = {(one.rule, one.status, one.severity, one.subject) for one in report.verdict.findings}
    assert {one for one in found if one[0] not in ("B02", "C17")} == told


def test_the_whole_story_of_a_simple_lot_is_gathered() -> None:
    wood = a_lot()
    wood.fell("503")
    indices = wood.gathered(LOT)
    left_out = {wood.records[i].type for i in range(len(wood.records)) if i not in indices}
    assert left_out == {"key.added", "tree.felled"}  # the key of a party that signed nothing, a tree of nobody's
    standing(wood)


def test_other_logs_of_the_same_guide_bring_their_own_making() -> None:
    wood = Wood()
    ours = wood.cut(wood.fell("501"), "501")
    theirs = wood.cut(wood.fell("502"), "502")
    wood.guide("001-1", [*ours, *theirs])
    wood.sell(LOT, ours, seller="aserradero-1", buyer="otra-1")
    assert types(wood).count("log.cut") == 2
    standing(wood)


def test_every_cut_of_a_tree_of_the_lot_is_gathered() -> None:
    wood = Wood()
    tree = wood.fell("501")
    first = wood.cut(tree, "501", "A")
    wood.cut(tree, "501", "B")
    wood.sell(LOT, first)
    assert types(wood).count("log.cut") == 2
    standing(wood)


def test_sawn_wood_goes_back_to_its_trees() -> None:
    wood = Wood()
    logs = [log for tree in ("501", "502") for log in wood.cut(wood.fell(tree), tree)]
    wood.guide("001-1", logs[:2])
    wood.guide("001-2", logs[2:])
    product = wood.saw(logs)
    wood.sell(LOT, [product], seller="aserradero-1", buyer="otra-1")
    found = types(wood)
    assert (found.count("tree.felled"), found.count("guide.received"), found.count("mill.processed")) == (2, 2, 1)
    report = verify(wood.bundle(LOT), a_policy())
    assert report.exit_code == 0, report.text("en")


def test_a_log_bought_in_one_lot_and_sold_in_another_brings_both() -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)
    wood.sell("LOTE-00", logs, seller="aserradero-1", buyer="otra-1")
    wood.sell(LOT, logs, seller="otra-1", buyer="comunidad-a")
    assert types(wood).count("lot.sold") == 2
    standing(wood)
    assert types(wood, "LOTE-00").count("lot.sold") == 1
    standing(wood, "LOTE-00")


def test_what_became_of_the_wood_after_the_sale_is_left_out() -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    more = wood.cut(wood.fell("502"), "502")
    wood.guide("001-1", [*logs, *more])
    wood.sell(LOT, logs, seller="aserradero-1", buyer="aserradero-1")
    product = wood.saw([*logs, *more])
    wood.sell("LOTE-02", [product], seller="aserradero-1", buyer="otra-1")
    found = types(wood)
    assert "mill.processed" not in found
    assert found.count("lot.composed") == 1
    standing(wood)
    standing(wood, "LOTE-02")


def test_a_guide_written_after_the_sale_is_part_of_it() -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.sell(LOT, logs)
    wood.guide("001-1", logs)
    assert types(wood).count("guide.received") == 1
    standing(wood)


def test_a_lot_made_in_two_records_is_gathered_whole() -> None:
    wood = Wood()
    first, second = wood.cut(wood.fell("501"), "501")
    wood.add("lot.composed", "comunidad-a", {"lot": LOT, "items": [first]})
    wood.add("lot.composed", "comunidad-a", {"lot": LOT, "items": [second]})
    report = verify(wood.bundle(LOT), a_policy())
    assert report.lot is not None
    assert report.lot.items == [first, second]


def test_the_acts_on_permit_and_keys_come_with_the_lot() -> None:
    wood = a_lot()
    wood.add("permit.suspended", "registro", {"number": PERMIT, "reason": "Supervisión", "by": "u1"})
    kid = event.key_id(key("comunidad-a").public_key().public_bytes_raw())
    wood.add("key.revoked", "registro", {"kid": kid, "reason": "Teléfono perdido"})
    wood.add("permit.amended", "registro", {
        "number": PERMIT, "lines": [{**LINE, "volume_dm3": 2_000_000}], "reason": "Ampliación", "approved_by": "u2",
    })  # fmt: skip
    assert {"permit.suspended", "key.revoked", "permit.amended"} <= set(types(wood))
    standing(wood)


def test_corrections_and_conflicts_come_with_what_they_speak_of() -> None:
    wood = a_lot()
    felled = next(record for record in wood.records if record.type == "tree.felled")
    correction = {"amends": felled.sid, "field": "body.length_mm", "was": "13000", "now": "13100", "reason": "Error"}
    wood.add("record.corrected", "comunidad-a", correction)
    wood.add("conflict.noted", "registro", {"refused": "0" * 64, "first": wood.records[-3].sid, "subject": "x"})
    assert {"record.corrected", "conflict.noted"} <= set(types(wood))
    standing(wood)


def test_wood_moved_in_the_yard_is_gathered() -> None:
    wood = Wood()
    ours = wood.cut(wood.fell("501"), "501")
    theirs = wood.cut(wood.fell("502"), "502")
    wood.add("log.moved", "comunidad-a", {"items": [*ours, *theirs], "place": "Patio 2"})
    wood.sell(LOT, ours)
    assert "log.moved" in types(wood)
    standing(wood)


def test_records_may_be_offered_in_any_order_and_twice() -> None:
    wood = a_lot()
    gathering = Gathering(LOT)
    for _ in range(2):
        while gathering.wanted():
            for index in reversed(range(len(wood.records))):
                gathering.offer(index, wood.records[index])
    assert sorted(gathering.records) == wood.gathered(LOT)


def test_guides_that_drew_on_the_balance_later_are_left_out_and_change_nothing() -> None:
    wood = Wood(trees={str(code): 800 for code in range(501, 521)}, authorised_dm3=20_000)
    logs = {tree: wood.cut(wood.fell(tree), tree) for tree in sorted(wood.trees)}
    for number, tree in enumerate(logs):
        wood.guide(f"001-{number}", logs[tree])
    lots = {"501": "LOTE-1", "511": "LOTE-2"}
    for tree, lot in lots.items():
        wood.sell(lot, logs[tree], seller="aserradero-1", buyer="otra-1")

    assert [types(wood, lot).count("guide.issued") for lot in lots.values()] == [1, 11]
    assert [types(wood, lot).count("tree.felled") for lot in lots.values()] == [1, 11]
    for lot, word in zip(lots.values(), ("CONSISTENT", "TO_REVIEW"), strict=True):
        assert_as_at_the_door(wood, lot)
        report = verify(wood.bundle(lot), a_policy())
        assert report.verdict is not None
        assert report.verdict.word == word


def test_a_guide_voided_before_ours_gives_its_wood_back_and_one_voided_later_does_not() -> None:
    for voided_first in (True, False):
        wood = Wood(authorised_dm3=7_000)
        theirs, ours = (wood.cut(wood.fell(tree), tree) for tree in ("501", "502"))
        wood.guide("001-1", theirs, sent=False)
        void = {"guide": "001-1", "form": "official", "reason": "Error de escritura"}
        if voided_first:
            wood.add("guide.voided", "comunidad-a", void)
        wood.guide("001-2", ours)
        if not voided_first:
            wood.add("guide.voided", "comunidad-a", void)
        wood.sell(LOT, ours, seller="aserradero-1", buyer="otra-1")
        assert ("guide.voided" in types(wood)) is voided_first
        assert_as_at_the_door(wood, LOT)
        report = verify(wood.bundle(LOT), a_policy())
        assert report.verdict is not None
        assert ("B01" in {finding.rule for finding in report.verdict.open}) is not voided_first


def test_a_lot_that_does_not_exist_gathers_nothing() -> None:
    wood = a_lot()
    assert wood.gathered("LOTE-99") == [i for i in wood.gathered("LOTE-99") if wood.records[i].type != "lot.composed"]


# ---- any lot of any log


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Wood, list[str]]:
    """A log in which trees, guides, mills and sales follow each other in any admissible order."""
    wood = Wood(
        trees={str(code): 800 for code in range(501, 507)},
        authorised_dm3=draw(st.sampled_from([8_000, 20_000, 1_000_000])),
    )
    standing_trees = sorted(wood.trees)
    forest: list[str] = []  # logs with the community
    yard: list[str] = []  # logs with the mill
    packs: list[str] = []
    lots: list[str] = []
    for step in range(draw(st.integers(4, 14))):
        act = draw(st.sampled_from(["cut", "cut", "guide", "guide", "saw", "sell", "sell", "resell"]))
        if act == "cut" and standing_trees:
            tree = standing_trees.pop()
            forest += wood.cut(wood.fell(tree), tree)
        elif act == "guide" and forest:
            load = draw(st.lists(st.sampled_from(forest), min_size=1, max_size=4, unique=True))
            wood.guide(f"001-{step}", load)
            forest = [log for log in forest if log not in load]
            yard += load
        elif act == "saw" and yard:
            used = draw(st.lists(st.sampled_from(yard), min_size=1, max_size=3, unique=True))
            packs.append(wood.saw(used))
            yard = [log for log in yard if log not in used]
        elif act == "sell" and (yard or packs):
            sold = draw(st.lists(st.sampled_from([*yard, *packs]), min_size=1, max_size=4, unique=True))
            lots.append(f"LOTE-{step:02}")
            wood.sell(lots[-1], sold, seller="aserradero-1", buyer=draw(st.sampled_from(["aserradero-1", "otra-1"])))
            if wood.facts.get(f"lot:{lots[-1]}").buyer == "otra-1":
                yard, packs = ([i for i in kind if i not in sold] for kind in (yard, packs))
        elif act == "resell" and lots:
            bought = [
                i for i in wood.facts.get(f"lot:{lots[-1]}").items if wood.facts.get(f"item:{i}").holder == "otra-1"
            ]
            if bought:
                lots.append(f"LOTE-{step:02}")
                wood.sell(lots[-1], bought, seller="otra-1", buyer="comunidad-a")
    return wood, lots


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds())
def test_the_bundle_of_any_lot_of_any_log_replays(world: tuple[Wood, list[str]]) -> None:
    wood, lots = world
    for lot in lots:
        standing(wood, lot)
        assert_as_at_the_door(wood, lot)
