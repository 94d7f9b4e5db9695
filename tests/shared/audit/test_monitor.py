"""A monitor is silent on an honest log, names each wrong of one that is not, and forgets nothing between its rounds."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from shared.audit.judge import Judge
from shared.audit.ledger import Ledger
from shared.audit.monitor import Monitor
from shared.audit.refusals import CannotRead, Damaged, Forked, ForkKept, OtherLog
from shared.timber import chain, norms
from shared.timber.event import key_id, make_statement, sid_of, sign, tree_item
from shared.timber.facts import dump
from shared.timber.measure import mean_of_ends_dm3
from shared.timber.norms.watch import load_watch
from shared.tlog.merkle import leaf_hash, root_of
from shared.tlog.note import Signer
from tests.shared.audit.logs import ORIGIN, PlainLog, Shelf, a_policy
from tests.shared.lot.wood import PARCEL, PERMIT, PLAN, SPECIES, Wood, a_lot, key

NOW, MONTHS_LATER = "2026-07-08T12:00:00Z", "2026-10-01T12:00:00Z"
Entry = bytes


def an_entry(kind: str, body: dict[str, Any], by: str = "comunidad-a", actor: str = "comunidad-a",
             time: str = "2026-07-02T12:00:00Z", **more: Any) -> Entry:  # fmt: skip
    """Signed, and asked of nobody whether it may enter."""
    return sign(make_statement(kind, actor, time, body, **more), key(by))


def a_felling(tree: str = "503", **more: Any) -> Entry:
    volume = mean_of_ends_dm3(800, 700, 13_000)
    body = {
        "item": tree_item(PLAN, PARCEL, tree), "permit": PERMIT, "plan": PLAN, "parcel": PARCEL, "tree": tree,
        "species": SPECIES, "diameter_large_mm": 800, "diameter_small_mm": 700, "length_mm": 13_000, "volume_dm3": volume,
    }  # fmt: skip
    return an_entry("tree.felled", body, **more)


def a_status_list(time: str) -> Entry:
    body = {"as_of": time[:10], "permits": 1, "suspended": [], "revoked": []}
    return an_entry("status.listed", body, "registrar", "registro", time)


def entries_of(wood: Wood) -> list[Entry]:
    return [record.entry for record in wood.records]


class Watching:
    """A monitor in a folder, over a log that the test lets grow."""

    opened: ClassVar[list[Ledger]] = []

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.shelf = Shelf({})
        self.monitor = Monitor(self.shelf, a_policy(), folder, lambda: self.now)
        self.opened.append(self.monitor.ledger)
        self.told = 0

    async def see(self, entries: list[Entry]) -> list[dict[str, Any]]:
        """What is found in the entries that are new."""
        self.shelf.files = PlainLog(entries).files()
        found: list[dict[str, Any]] = []
        await self.monitor.round()
        self.told = await self.monitor.tell(self.told, found.append)
        return found

    def again(self) -> "Watching":
        """Stopped and started."""
        self.monitor.ledger.close()
        other = Watching(self.folder)
        other.told = other.monitor.ledger.size
        return other


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while Watching.opened:
        Watching.opened.pop().close()


def a_ledger(path: Path, version: str = "1", **more: Any) -> Ledger:
    Watching.opened.append(Ledger(path, version, **more))
    return Watching.opened[-1]


@pytest.fixture
def watching(tmp_path: Path) -> Watching:
    return Watching(tmp_path / "state")


def said(findings: list[dict[str, Any]]) -> list[tuple[int, str, str, str]]:
    return [(found["index"], found["rule"], found["case"], found["severity"]) for found in findings]


async def planted(watching: Watching, *entries: Entry, after: Wood | None = None) -> list[tuple[int, str, str, str]]:
    """What is found in these entries at the end of an honest log, with distances from its end as indices."""
    honest = entries_of(after or a_lot())
    found = await watching.see([*honest, *entries])
    for one in found:
        assert one["text_es"]
        assert one["text_es"] != one["text_en"]
        assert one["sid"] or one["case"] in ("refused", "goes_on")
    return [(index - len(honest), *rest) for index, *rest in said(found)]


# ---- honest


async def test_an_honest_log_has_no_findings(watching: Watching) -> None:
    assert await watching.see(entries_of(a_lot())) == []
    assert watching.monitor.ledger.size == len(a_lot().records)


async def test_the_state_is_what_a_replay_in_memory_gives(watching: Watching) -> None:
    wood = Wood(trees={str(n): 800 for n in range(100, 400)})
    for n in range(100, 250):
        wood.cut(wood.fell(str(n)), str(n))
    await watching.see(entries_of(wood))

    facts, _ = chain.replay(wood.records, norms.load())

    ledger = watching.monitor.ledger
    ledger.load(name for name, _ in facts.items())
    kept = {name: dump(ledger.facts.get(name)) for name, _ in facts.items()}
    assert kept == {name: dump(doc) for name, doc in facts.items()}
    assert ledger.tree.root() == root_of(record.leaf_hash for record in wood.records)


# ---- what custody should not have let in


async def test_a_second_use_of_a_piece(watching: Watching) -> None:
    wood = a_lot()
    logs = wood.cut(wood.fell("503"), "503")
    wood.guide("001-0000018", logs)
    wood.saw(logs)
    made = {"item": wood.new_id(), "product": "sawn", "species": SPECIES, "volume_dm3": 100}
    again = an_entry("mill.processed", {"inputs": logs, "outputs": [made]}, "aserradero-1", "aserradero-1")

    [finding] = await watching.see([*entries_of(wood), again])

    assert said([finding]) == [(len(wood.records), "L01", "refused", "S4")]
    assert finding["computed"]["refusal"] == "already-spent"


async def test_a_key_used_after_its_revocation_and_one_that_was_never_added(watching: Watching) -> None:
    kid = key_id(key("comunidad-a").public_key().public_bytes_raw())
    revoked = an_entry("key.revoked", {"kid": kid, "reason": "Equipo perdido"}, "registrar", "registro")

    assert await planted(watching, revoked, a_felling(), a_felling("502", by="nobody")) == [
        (1, "L01", "refused", "S4"), (2, "L01", "refused", "S4"),
    ]  # fmt: skip


async def test_bytes_that_are_no_record_a_repetition_and_a_lost_predecessor(watching: Watching) -> None:
    felling = a_felling()
    lost = an_entry("log.moved", {"items": [tree_item(PLAN, PARCEL, "503")], "place": "Patio"}, prev=["0" * 64])

    assert await planted(watching, b"not a record", felling, felling, lost) == [
        (0, "L01", "refused", "S4"), (2, "L01", "repeated", "S4"), (3, "L01", "predecessor", "S4"),
    ]  # fmt: skip


async def test_a_type_of_a_later_version_is_said_and_not_guessed_at(watching: Watching) -> None:
    unknown = a_felling().replace(b'"tree.felled"', b'"tree.planted"')
    sid = sid_of(unknown.partition(b'],"stmt":')[2][:-1])
    after = an_entry("log.moved", {"items": [tree_item(PLAN, PARCEL, "501")], "place": "Patio"}, prev=[sid])

    assert await planted(watching, unknown, after, unknown) == [
        (0, "L01", "unknown_type", ""), (2, "L01", "unknown_type", ""),
    ]  # fmt: skip


# ---- what the rules say of wood


async def test_an_overdrawn_balance(watching: Watching) -> None:
    wood = Wood(authorised_dm3=5_000)
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)

    findings = await watching.see(entries_of(wood))

    assert [(found["rule"], found["severity"]) for found in findings] == [("B01", "S4")]


async def test_a_noted_conflict(watching: Watching) -> None:
    first = a_lot().records[-1].sid
    note = {"refused": "1" * 64, "first": first, "subject": f"item:{tree_item(PLAN, PARCEL, '501')}"}

    assert await planted(watching, an_entry("conflict.noted", note, "registrar", "registro")) == [
        (0, "L05", "noted", "S3")
    ]


async def test_a_log_that_says_it_continues_another_begins_with_that_ones_entries(watching: Watching) -> None:
    honest = entries_of(a_lot())
    root = root_of(leaf_hash(entry) for entry in honest).hex()
    said_of = {"before": "trozalog.test/x/2025", "size": len(honest), "checkpoint_sha256": "0" * 64}
    right = an_entry("log.continued", said_of | {"root": root})
    wrong = an_entry("log.continued", said_of | {"root": "0" * 64})

    found = await planted(watching, right, wrong)

    assert [one for one in found if one[1] == "L06"] == [(1, "L06", "other_root", "S4")]


BEFORE_IT, NEXT, AFTER = (f"trozalog.test/madre-de-dios/{year}" for year in (2025, 2027, 2028))


def closed(goes_on_as: str) -> Entry:
    vkey = Signer.generate(goes_on_as).verifier.vkey
    return an_entry("log.closed", {"next": goes_on_as, "vkey": vkey}, "registrar", "registro")


def continued(before: str, behind: list[Entry], **other: Any) -> Entry:
    """What the log says that follows, behind these entries."""
    root = root_of(leaf_hash(entry) for entry in behind).hex()
    body = {"before": before, "size": len(behind), "checkpoint_sha256": "0" * 64, "root": root} | other
    prev = [sid_of(behind[-1].partition(b'],"stmt":')[2][:-1])]
    return an_entry("log.continued", body, "registrar", "registro", prev=prev)


def gone_over(entries: list[Entry], goes_on_as: str, before: str) -> list[Entry]:
    """These entries, an end, and the log that follows."""
    ended = [*entries, closed(goes_on_as)]
    return [*ended, continued(before, ended)]


def at_the_seam(found: list[dict[str, Any]]) -> list[tuple[int, str]]:
    assert all(one["severity"] == "S4" and "{" not in one["text_es"] for one in found if one["rule"] == "L07")
    return [(one["index"], one["case"]) for one in found if one["rule"] == "L07"]


HONEST = entries_of(a_lot())
N = len(HONEST)
MORE = a_status_list("2026-07-02T12:00:00Z")


async def test_a_log_that_the_one_before_named_goes_on_behind_its_end(watching: Watching) -> None:
    seam = gone_over(HONEST, ORIGIN, BEFORE_IT)

    assert await watching.see([*seam, MORE]) == []
    assert await watching.see([*seam, MORE, closed(NEXT)]) == []


async def test_a_log_may_be_the_third_of_a_row(watching: Watching) -> None:
    twice = gone_over(gone_over(HONEST, BEFORE_IT, "trozalog.test/madre-de-dios/2024"), ORIGIN, BEFORE_IT)

    assert await watching.see([*twice, MORE]) == []


@pytest.mark.parametrize(
    "after",
    [MORE, closed(NEXT), b"not a record", a_felling().replace(b'"tree.felled"', b'"tree.planted"')],
    ids=["anything", "its end again", "no record", "an unknown type"],
)
async def test_nothing_but_the_log_that_follows_stands_behind_an_end(watching: Watching, after: Entry) -> None:
    assert at_the_seam(await watching.see([*HONEST, closed(NEXT), after])) == [(N + 1, "goes_on")]


async def test_an_end_without_anything_behind_it_is_an_end(watching: Watching) -> None:
    assert at_the_seam(await watching.see([*HONEST, closed(NEXT)])) == []


@pytest.mark.parametrize("before", [ORIGIN, BEFORE_IT], ids=["itself", "anything"])
async def test_a_log_does_not_go_on_by_saying_that_it_continues_something(watching: Watching, before: str) -> None:
    """The end named another log: whatever is said behind it, under this name nothing follows."""
    on = [*gone_over(HONEST, NEXT, before), MORE]

    found = await watching.see(on)

    assert at_the_seam(found) == [(N + 1, "other_next")]
    assert found[0]["computed"]["next"] == NEXT
    assert found[0]["computed"]["origin"] == ORIGIN
    assert at_the_seam(await watching.again().see([*on, MORE])) == []  # it was said


async def test_a_log_that_names_itself_has_not_gone_over(watching: Watching) -> None:
    assert at_the_seam(await watching.see([*HONEST, closed(ORIGIN)])) == [(N, "name_again")]


async def test_a_log_seen_before_its_beginning_did_not_begin_there(watching: Watching) -> None:
    """The closing names the very log that is watched: it can only be told from a beginning by who knew it before."""
    assert await watching.see(HONEST) == []

    assert at_the_seam(await watching.again().see(gone_over(HONEST, ORIGIN, BEFORE_IT))) == [(N + 1, "known_before")]


async def test_that_a_log_was_seen_before_outlives_what_can_be_made_again(watching: Watching) -> None:
    await watching.see(HONEST)
    watching.monitor.ledger.close()
    (watching.folder / "monitor.sqlite").unlink()

    found = await Watching(watching.folder).see(gone_over(HONEST, ORIGIN, BEFORE_IT))

    assert at_the_seam(found) == [(N + 1, "known_before")]


async def test_a_checkpoint_that_somebody_shows_convicts_a_log_that_had_begun_before(watching: Watching) -> None:
    over = gone_over(HONEST, ORIGIN, BEFORE_IT)
    assert await watching.see(over) == []
    after = await watching.monitor.compare(PlainLog([*over]).note())
    assert after.outcome == "consistent"
    assert at_the_seam(await watching.see([*over, MORE])) == []

    assert (
        await watching.monitor.compare(PlainLog(HONEST).note())
    ).outcome == "consistent"  # one tree, and one name too early
    watching.told = 0

    assert at_the_seam(await watching.see([*over, MORE])) == [(N + 1, "known_before")]


@pytest.mark.parametrize(
    ("goes_on_as", "before", "found"),
    [(AFTER, NEXT, []), (AFTER, BEFORE_IT, [(N + 3, "other_before")]), (ORIGIN, NEXT, [(N + 3, "name_again")])],
    ids=["the log that was named", "another", "the first name again"],
)
async def test_the_names_of_a_row_of_logs_follow_one_another(
    tmp_path: Path, goes_on_as: str, before: str, found: list[tuple[int, str]]
) -> None:
    log = Signer.generate(goes_on_as)
    row = gone_over(gone_over(HONEST, NEXT, ORIGIN), goes_on_as, before)
    monitor = Monitor(Shelf(PlainLog(row, log).files()), a_policy(log), tmp_path, lambda: NOW)
    Watching.opened.append(monitor.ledger)
    heard: list[dict[str, Any]] = []

    await monitor.round()
    await monitor.tell(0, heard.append)

    assert at_the_seam(heard) == found


async def test_a_log_goes_on_building_on_its_closing(watching: Watching) -> None:
    ended = [*HONEST, closed(ORIGIN)]
    elsewhere = continued(BEFORE_IT, [*ended[:-2], ended[-1], ended[-2]], size=N + 1, root="0" * 64)

    found = await watching.see([*ended, elsewhere])

    assert [(one["index"], one["computed"]["refusal"]) for one in found if one["rule"] == "L01"] == [
        (N + 1, "not-closed")
    ]


# ---- time

BEFORE, LATE = "2026-07-02T12:00:00Z", "2026-09-20T12:00:00Z"


async def test_a_fact_that_entered_long_after_it_happened(watching: Watching) -> None:
    watching.now = MONTHS_LATER

    assert await planted(watching, a_status_list(LATE), a_felling(time=BEFORE)) == [(1, "C14", "entered_late", "S2")]


@pytest.mark.parametrize(
    ("logged", "found"),
    [("2026-07-17T12:00:00Z", []), ("2026-07-18T12:00:00Z", [(1, "C14", "entered_late", "S1")]),
     ("2026-08-31T12:00:00Z", [(1, "C14", "entered_late", "S1")]), ("2026-09-01T12:00:00Z", [(1, "C14", "entered_late", "S2")])],
)  # fmt: skip
async def test_the_days_of_the_norm_decide_what_is_late(watching: Watching, logged: str, found: list[Any]) -> None:
    watching.now = MONTHS_LATER

    assert await planted(watching, a_status_list(logged), a_felling(time=BEFORE)) == found


async def test_a_record_whose_device_had_seen_a_later_log_was_made_late(watching: Watching) -> None:
    honest = [*entries_of(a_lot()), a_status_list(LATE)]
    seen = {"size": len(honest), "root": root_of(leaf_hash(entry) for entry in honest).hex()}
    watching.now = MONTHS_LATER

    assert await planted(watching, honest[-1], a_felling(time=BEFORE, seen=seen)) == [(1, "C14", "made_late", "S2")]


async def test_what_this_monitor_saw_itself_counts_too(watching: Watching) -> None:
    honest = entries_of(a_lot())
    watching.now = "2026-07-05T12:00:00Z"
    assert await watching.see(honest) == []
    watching.now = "2026-09-01T12:00:00Z"  # still nothing: whatever comes now comes after this
    assert await watching.see(honest) == []
    watching.now = "2026-09-02T12:00:00Z"

    found = await watching.again().see([*honest, a_felling(time=BEFORE)])

    assert said(found) == [(len(honest), "C14", "entered_late", "S2")]
    assert found[0]["computed"]["after"] == "2026-09-01T12:00:00Z"


async def test_a_fact_claimed_for_a_time_that_has_not_come(watching: Watching) -> None:
    watching.now = "2026-07-06T23:00:00Z"

    assert await planted(watching, a_felling(time="2026-07-07T23:00:00Z"), a_felling("502", time="2026-07-07T23:00:01Z")) == [
        (1, "C02", "again", "S3"), (1, "C14", "ahead", "S1"),
    ]  # fmt: skip


async def test_a_registrar_whose_clock_is_ahead_makes_nobody_late(watching: Watching) -> None:
    watching.now = MONTHS_LATER

    assert await planted(watching, a_status_list("2026-12-24T12:00:00Z"), a_felling(time=BEFORE)) == [
        (0, "C14", "ahead", "S1")
    ]


# ---- what a device saw and counted


async def test_a_device_that_saw_this_log_and_one_that_saw_another(watching: Watching) -> None:
    honest = entries_of(a_lot())
    roots = [root_of(leaf_hash(entry) for entry in honest[:size]).hex() for size in range(len(honest) + 1)]
    good = [a_felling(str(tree), seen={"size": size, "root": roots[size]}) for tree, size in ((503, 0), (504, 7))]
    bad = a_felling("505", seen={"size": 7, "root": roots[8]})
    ahead = a_felling("506", seen={"size": len(honest) + 4, "root": roots[8]})

    found = await planted(watching, *good, bad, ahead)

    assert [one for one in found if one[1] == "L02"] == [(2, "L02", "other_root", "S4"), (3, "L02", "ahead", "S4")]


async def test_numbers_of_a_device_may_come_in_any_order_but_each_once_and_all(watching: Watching) -> None:
    honest = entries_of(a_lot())

    def numbered(seq: int, tree: str = "503") -> Entry:
        return an_entry("log.moved", {"items": [tree_item(PLAN, PARCEL, "501")], "place": f"Patio {tree}"}, seq=seq)

    honest += [numbered(7), numbered(8)]
    assert await watching.see(honest) == []
    honest += [numbered(12), numbered(10)]
    gaps = [(found["computed"]["first"], found["computed"]["last"]) for found in await watching.see(honest)]
    assert gaps == [(9, 9), (11, 11)]
    honest += [numbered(9), numbered(11)]
    assert await watching.see(honest) == []

    honest.append(numbered(9, "otra vez"))
    [twice] = await watching.see(honest)

    assert (twice["rule"], twice["case"]) == ("L03", "twice")
    assert twice["computed"]["first_index"] == len(honest) - 3


async def test_two_devices_count_for_themselves(watching: Watching) -> None:
    item = tree_item(PLAN, PARCEL, "501")
    ours = an_entry("log.moved", {"items": [item], "place": "Patio 1"}, seq=5)
    theirs = an_entry("record.corrected", {"amends": a_lot().records[-1].sid, "field": "x", "was": "a", "now": "b", "reason": "c"},
                      "registrar", "registro", seq=5)  # fmt: skip

    assert [one for one in await planted(watching, ours, theirs) if one[1] in ("L03", "L04")] == []


# ---- rounds


async def test_however_the_log_is_cut_into_rounds_the_findings_are_the_same(tmp_path: Path) -> None:
    wood = Wood(trees={str(n): 800 for n in range(100, 400)}, authorised_dm3=100_000)
    for n in range(100, 220):
        logs = wood.cut(wood.fell(str(n)), str(n))
        wood.guide(f"001-{n}", logs, sent=False)
    entries = [*entries_of(wood), a_felling("100"), b"?", a_felling("101", by="nobody")]
    whole = await Watching(tmp_path / "whole").see(entries)
    assert len(whole) > 50

    for attempt in range(3):
        chance = random.Random(attempt)
        stops = sorted(chance.sample(range(1, len(entries)), 5))
        watching, found = Watching(tmp_path / str(attempt)), []
        for size in [*stops, len(entries)]:
            watching = watching.again()
            found += await watching.see(entries[:size])
        assert found == whole


async def test_an_interrupted_round_goes_on_after_its_last_whole_bundle(watching: Watching) -> None:
    wood = Wood(trees={str(n): 800 for n in range(100, 700)})
    for n in range(100, 700):
        wood.fell(str(n))
    entries = entries_of(wood)
    files = PlainLog(entries).files()
    watching.shelf.files = {path: data for path, data in files.items() if path != "tile/entries/001"}

    with pytest.raises(Damaged):
        await watching.monitor.round()
    assert watching.monitor.ledger.size == 256
    watching.shelf.asked.clear()

    assert await watching.see(entries) == []
    assert watching.monitor.ledger.size == len(entries)
    assert "tile/entries/000" not in watching.shelf.asked


def test_a_round_that_fails_leaves_no_trace_in_file_or_memory(tmp_path: Path) -> None:
    entries = entries_of(a_lot())
    ledger = a_ledger(tmp_path / "ledger")
    Judge(ledger, norms.load(), load_watch(), ORIGIN).take(entries[:5], NOW)

    with pytest.raises(KeyboardInterrupt), ledger.round(ORIGIN):  # noqa: PT012
        ledger.append([b"\x00" * 32])
        ledger.add_record(a_lot().records[9].sid, 5, "tree.felled", "comunidad-a")
        raise KeyboardInterrupt

    assert (ledger.size, ledger.index_of(a_lot().records[9].sid)) == (5, None)
    assert Judge(ledger, norms.load(), load_watch(), ORIGIN).take(entries[5:], NOW) == []


def test_what_is_let_go_from_memory_is_read_again(tmp_path: Path) -> None:
    wood = a_lot()
    for name, most in (("little", 0), ("much", 100_000)):
        ledger = a_ledger(tmp_path / name, most_in_memory=most)
        judge = Judge(ledger, norms.load(), load_watch(), ORIGIN)
        for record in wood.records:
            assert judge.take([record.entry], NOW) == []


def test_a_state_of_another_version_is_begun_again(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path / "ledger")
    Judge(ledger, norms.load(), load_watch(), ORIGIN).take(entries_of(a_lot()), NOW)
    ledger.close()

    same = a_ledger(tmp_path / "ledger")
    assert (same.begun_again, same.size) == (False, len(a_lot().records))
    same.close()
    other = a_ledger(tmp_path / "ledger", "2")
    assert (other.begun_again, other.size, other.origin) == (True, 0, None)


# ---- the log itself


async def test_a_fork_is_shown_with_both_notes_and_stays(watching: Watching) -> None:
    honest = entries_of(a_lot())
    await watching.see(honest)

    with pytest.raises(Forked):
        await watching.see([*honest[:-1], a_felling(), a_felling("502")])

    notes = {path.read_bytes() for path in (watching.folder / "evidence").iterdir()}
    assert PlainLog(honest).note() in notes
    assert len(notes) == 2
    with pytest.raises(ForkKept):
        await watching.again().see(honest)


async def test_a_state_that_is_of_another_history_is_not_gone_on_with(watching: Watching) -> None:
    honest = entries_of(a_lot())
    await watching.see(honest)
    for path in watching.folder.glob("*.checkpoint"):
        path.unlink()

    with pytest.raises(Damaged) as caught:
        await watching.see([*honest[:-1], a_felling(), a_felling("502")])

    assert caught.value.reason == "own state"


async def test_a_state_is_of_one_log(watching: Watching) -> None:
    other = PlainLog(entries_of(a_lot()), Signer.generate("other.test/region/2026"))
    await watching.see(entries_of(a_lot()))
    watching.shelf.files = other.files()
    monitor = Monitor(watching.shelf, a_policy(other.signer), watching.folder)

    with pytest.raises(OtherLog):
        await monitor.round()
    monitor.ledger.close()


async def test_a_log_that_cannot_be_read_now_is_gone_on_with_later(watching: Watching) -> None:
    with pytest.raises(CannotRead):
        await watching.monitor.round()
    assert await watching.see(entries_of(a_lot())) == []
