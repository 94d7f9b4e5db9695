"""One sale, provable offline: what is valid, what is not, and which record is to blame."""

import json
import re
from functools import cache

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.lot.bundle import pack, read
from shared.lot.report import Report
from shared.lot.verify import verify
from shared.timber import disclosure, event
from shared.timber.disclosure import Value
from shared.tlog import merkle, note
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Signer
from shared.tlog.policy import Policy
from tests.shared.lot.wood import ORIGIN, PLAN, Wood, a_lot, a_policy, key, log_signer, witness

LOT = "LOTE-01"


@cache
def lot() -> Wood:
    """A consistent lot; not to be changed."""
    return a_lot()


@cache
def good() -> bytes:
    return lot().bundle(LOT)


def slug(report: Report) -> str:
    """Why a report is not valid; it never is without a reason."""
    assert report.outcome != "valid"
    assert report.refusal is not None
    assert report.exit_code in (1, 2)
    return report.refusal.slug


def blamed(report: Report) -> tuple[int, str]:
    """Which entry is to blame, and for what."""
    assert slug(report) == "record-refused"
    assert report.refusal is not None
    facts = report.refusal.facts()
    return facts["index"], facts["reason"]


# ---- words


def test_a_lot_without_findings_is_consistent() -> None:
    report = verify(good(), a_policy())
    assert report.outcome == "valid"
    assert report.verdict is not None
    assert (report.verdict.word, report.verdict.open, report.exit_code) == ("CONSISTENT", [], 0)
    assert report.lot is not None
    assert (len(report.lot.items), report.seller, report.lot.buyer) == (4, "aserradero-1", "otra-1")
    assert report.signer == log_signer().verifier.vkey


def test_a_clean_lot_still_says_that_nobody_saw_its_trees() -> None:
    report = verify(good(), a_policy())
    assert report.verdict is not None
    assert report.verdict.coverage.permille == 0
    assert "0.0 %" in report.text("en")
    said = " ".join(entry["en"] for entry in report.not_checked)
    for unchecked in ("no witness", "other guides on the same balances", "trees of the census exist", "revocations"):
        assert unchecked in said


def test_a_field_inspection_counts_as_coverage() -> None:
    wood = Wood()
    body = {"number": "INS-01", "plan": PLAN, "parcel": "PC 01", "inspector": "registro", "trees_sampled": 2,
            "trees_absent": 0, "volume_dm3": 250_000}  # fmt: skip
    wood.add("inspection.reported", "registro", body)
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")
    report = verify(wood.bundle(LOT), a_policy())
    assert report.verdict is not None
    assert report.verdict.coverage.permille == 250
    assert report.exit_code == 0


def test_more_wood_than_the_tree_held_is_to_review() -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501", length_mm=9_000), "501", length_mm=7_000)
    wood.guide("001-1", logs)
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")
    report = verify(wood.bundle(LOT), a_policy())
    assert report.outcome == "valid"
    assert report.verdict is not None
    assert report.verdict.word == "TO_REVIEW"
    assert "C08" in {finding.rule for finding in report.verdict.open}
    assert report.exit_code == 3


def test_a_guide_beyond_the_balance_is_to_review() -> None:
    wood = Wood(authorised_dm3=5_000)
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")
    report = verify(wood.bundle(LOT), a_policy())
    assert report.verdict is not None
    assert (report.verdict.word, report.exit_code) == ("TO_REVIEW", 3)
    assert "B01" in {finding.rule for finding in report.verdict.open}


def test_a_mandatory_rule_without_its_input_is_incomplete() -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs, sent=False)
    named = {"guide": "001-1", "form": "official"}
    total = sum(wood.volume(log) for log in logs)
    wood.add("guide.received", "aserradero-1", {**named, "at": "2026-07-03T08:00:00Z", "volume_dm3": total})
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")
    report = verify(wood.bundle(LOT), a_policy())
    assert report.verdict is not None
    assert (report.verdict.word, report.exit_code) == ("INCOMPLETE", 3)
    assert "T02" in {finding.rule for finding in report.verdict.findings}


def test_findings_on_a_neighbour_are_not_findings_on_the_lot() -> None:
    wood = Wood()
    ours = wood.cut(wood.fell("501"), "501")
    theirs = wood.cut(wood.fell("502", length_mm=8_000), "502", length_mm=7_000)  # far more than its tree held
    assert any(outcome.rule == "C08" for outcome in wood.outcomes[-1])
    wood.guide("001-1", [*ours, *theirs])
    wood.sell(LOT, ours, seller="aserradero-1", buyer="otra-1")
    report = verify(wood.bundle(LOT), a_policy())
    assert report.verdict is not None
    assert [finding.rule for finding in report.verdict.open if finding.rule == "C08"] == []


# ---- trust


def test_a_log_that_the_policy_does_not_name_is_untrusted_but_examined() -> None:
    report = verify(good(), a_policy(log=Signer("other.example", key("other"))))
    assert (report.outcome, report.exit_code, slug(report)) == ("untrusted", 1, "unknown-log")
    assert report.verdict is not None
    assert report.verdict.word == "CONSISTENT"
    assert "NO CONFIABLE" in report.text("es")


def test_the_same_name_under_another_key_is_untrusted() -> None:
    impostor = lot().bundle(LOT, signer=Signer(ORIGIN, key("impostor")))
    assert slug(verify(impostor, a_policy())) == "unknown-log"
    assert verify(impostor, a_policy(log=Signer(ORIGIN, key("impostor")))).exit_code == 0


def test_an_untrusted_bundle_that_does_not_fit_is_invalid() -> None:
    report = verify(lot().packed("LOTE-99", lot().gathered(LOT)), a_policy(log=Signer("other.example", key("other"))))
    assert (report.outcome, slug(report)) == ("invalid", "lot-missing")


def test_a_quorum_of_witnesses_is_asked_for_when_the_policy_says_so() -> None:
    assert slug(verify(good(), a_policy("w1"))) == "quorum-not-met"
    report = verify(lot().bundle(LOT, witnesses=[witness()]), a_policy("w1"))
    assert (report.exit_code, dict(report.witnesses), report.known_witnesses) == (0, {"w1": 1_800_000_000}, 1)
    assert "no witness" not in " ".join(entry["en"] for entry in report.not_checked)
    assert "Testigo w1, 2027-01-15T08:00:00Z." in report.text("es")


def test_a_wrong_signature_of_the_log_is_invalid() -> None:
    text, _ = note.split_note(lot().checkpoint())
    forged = note.sign(text.replace("2026", "2025", 1), [Signer(ORIGIN, key("log"))])
    wrong = text.encode() + forged[forged.index(b"\n\n") + 1 :]
    report = verify(lot().packed(LOT, lot().gathered(LOT), wrong), a_policy())
    assert (report.outcome, slug(report)) == ("invalid", "bad-signature")


# ---- what is in the file


@pytest.mark.parametrize("data", [b"", b"{}", b"not a bundle", good().replace(b"bundle/1", b"bundle/2")])
def test_a_file_of_another_kind_or_version_cannot_be_read(data: bytes) -> None:
    report = verify(data, a_policy())
    assert (report.outcome, report.exit_code, slug(report)) == ("unreadable", 2, "bundle-unreadable")


def test_an_empty_bundle_is_not_valid() -> None:
    document = json.loads(good())
    document["log"] |= {"entries": [], "indices": [], "proof": [document["log"]["entries"][0]]}
    report = verify(orjson.dumps(document, option=orjson.OPT_SORT_KEYS), a_policy())
    assert (report.outcome, report.exit_code) == ("invalid", 1)


def test_without_the_registrars_first_entry_nothing_stands() -> None:
    report = verify(lot().packed(LOT, [i for i in lot().gathered(LOT) if i]), a_policy())
    assert slug(report) == "anchor-missing"


def test_every_record_left_out_is_missed_or_changes_what_the_report_says() -> None:
    indices = lot().gathered(LOT)
    whole = verify(good(), a_policy()).as_dict()
    harmless = {"organisation.registered"}  # only names; a party that acts is refused without it
    for index in indices:
        report = verify(lot().packed(LOT, [i for i in indices if i != index]), a_policy())
        if lot().records[index].type not in harmless:
            assert report.as_dict()["verdict"] != whole["verdict"] or report.lot is None or report.lot.buyer is None, (
                index
            )


def test_a_missing_parent_is_named() -> None:
    indices = lot().gathered(LOT)
    cut = next(i for i in indices if lot().records[i].type == "log.cut")
    felled = cut - 1
    report = verify(lot().packed(LOT, [i for i in indices if i != felled]), a_policy())
    assert blamed(report) == (cut, "unknown-parent")


def test_entries_that_change_places_are_not_the_log() -> None:
    bundle = read(good())
    entries = list(bundle.entries)
    entries[-4], entries[-5] = entries[-5], entries[-4]
    swapped = pack(LOT, bundle.checkpoint, zip(bundle.indices, entries, strict=True), bundle.proof)
    assert slug(verify(swapped, a_policy())) in ("record-refused", "not-the-log")


def test_an_index_that_is_not_the_entrys_own_is_not_the_log() -> None:
    bundle = read(good())
    at = bundle.indices.index(8)
    indices = [*bundle.indices[:at], 7, *bundle.indices[at + 1 :]]
    moved = pack(LOT, bundle.checkpoint, zip(indices, bundle.entries, strict=True), bundle.proof)
    assert slug(verify(moved, a_policy())) == "not-the-log"


def test_a_record_changed_and_not_signed_again_is_named() -> None:
    for position, index in enumerate(read(good()).indices):
        bundle = read(good())
        entry = bundle.entries[position]
        entries = [*bundle.entries]
        entries[position] = re.sub(rb'"time":"\d{4}', b'"time":"2027', entry)
        changed = pack(LOT, bundle.checkpoint, zip(bundle.indices, entries, strict=True), bundle.proof)
        report = verify(changed, a_policy())
        assert blamed(report) == (index, "bad-signature")
        assert report.refusal is not None
        assert report.refusal.facts()["sid"] == event.parse_entry(entries[position]).sid


def test_a_record_signed_again_by_its_owner_is_still_not_the_one_in_the_log() -> None:
    bundle = read(good())
    record = lot().records[-1]
    again = event.sign(record.statement.replace(b'"otra-1"', b'"otra-2"'), key("aserradero-1"))
    entries = [*bundle.entries[:-1], again]
    changed = pack(LOT, bundle.checkpoint, zip(bundle.indices, entries, strict=True), bundle.proof)
    assert slug(verify(changed, a_policy())) == "not-the-log"


def test_a_record_by_a_revoked_key_is_refused_and_one_before_stands() -> None:
    wood = a_lot()
    kid = event.key_id(key("aserradero-1").public_key().public_bytes_raw())
    wood.add("key.revoked", "registro", {"kid": kid, "reason": "Teléfono perdido"})
    assert verify(wood.bundle(LOT), a_policy()).exit_code == 0

    stolen = event.make_statement("lot.composed", "aserradero-1", "2026-07-09T10:00:00Z", {"lot": "LOTE-77", "items": ["0" * 8 + "-0000-7000-8000-" + "0" * 12]})  # fmt: skip
    entry = event.sign(stolen, key("aserradero-1"))
    leaves = [*(record.leaf_hash for record in wood.records), merkle.leaf_hash(entry)]
    indices = [*wood.gathered(LOT), len(wood.records)]
    proof = merkle.multiproof(indices, len(leaves), lambda lv, i: merkle.root_of(leaves[i << lv : (i + 1) << lv]))
    checkpoint = note.sign(Checkpoint(ORIGIN, len(leaves), merkle.root_of(leaves)).text(), [log_signer()])
    entries = [(i, wood.records[i].entry) for i in indices[:-1]]
    bundle = pack(LOT, checkpoint, [*entries, (len(wood.records), entry)], proof)
    assert blamed(verify(bundle, a_policy())) == (len(wood.records), "key-revoked")


def test_a_multiproof_with_a_hash_more_or_less_is_refused() -> None:
    wood = a_lot()
    wood.fell("503")
    bundle = read(wood.bundle(LOT))
    pairs = list(zip(bundle.indices, bundle.entries, strict=True))
    assert bundle.proof
    for proof in (bundle.proof[1:], (*bundle.proof, bytes(32)), (bytes(32), *bundle.proof[1:])):
        assert slug(verify(pack(LOT, bundle.checkpoint, pairs, proof), a_policy())) == "not-the-log"


def test_a_lot_that_nothing_composes_is_missing() -> None:
    indices = [i for i in lot().gathered(LOT) if not lot().records[i].type.startswith("lot.")]
    assert slug(verify(lot().packed(LOT, indices), a_policy())) == "lot-missing"


def test_an_unsold_lot_is_examined_and_called_unsold() -> None:
    wood = a_lot()
    indices = [i for i in wood.gathered(LOT) if wood.records[i].type != "lot.sold"]
    report = verify(wood.packed(LOT, indices), a_policy())
    assert report.exit_code == 0
    assert "sin vender" in report.text("es")


# ---- bytes


def caught(mutant: bytes) -> None:
    report = verify(mutant, a_policy())
    assert report.outcome in ("invalid", "untrusted", "unreadable")
    assert report.exit_code in (1, 2)


def test_changed_bytes_of_a_bundle_are_caught() -> None:
    """All bytes around the entries, and every ninth of the entries, which their signatures guard."""
    data = good()
    entries = range(data.index(b'"entries":[') + 20, data.index(b'],"indices"'))
    for at in range(len(data)):
        if at not in entries or at % 9 == 0:
            caught(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


@cache
def with_everything() -> bytes:
    """A bundle with all that one can hold: private fields, a known and an unknown witness, a seam of two logs."""
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)
    wood.add("lot.composed", "aserradero-1", {"lot": LOT, "items": logs}, day="2026-07-06")
    fields: list[tuple[str, Value]] = [("price_cents", 1_234_500), ("currency", "PEN")]
    shown = [disclosure.make(bytes(range(at, at + 16)), name, value) for at, (name, value) in enumerate(fields)]
    decoys = (disclosure.digest_of(f"decoy {n}") for n in range(9))
    sd = disclosure.padded([one.digest for one in shown], decoys)
    wood.add("lot.sold", "aserradero-1", {"lot": LOT, "buyer": "otra-1"}, day="2026-07-06", sd=sd)
    sale = len(wood.records) - 1
    wood.close(ORIGIN)
    wood.go_on("trozalog.example/madre-de-dios/2025")
    signed = wood.checkpoint(witnesses=[witness(), witness("stranger")])
    return wood.packed(LOT, wood.gathered(LOT), signed, [(sale, one.text) for one in shown])


def test_every_byte_counts_but_those_of_a_signature_that_the_policy_does_not_know(
    request: pytest.FixtureRequest,
) -> None:
    """The list of what is immaterial (docs/format.md, section 10.2) is that one line."""
    data = with_everything()
    whole = verify(data, a_policy()).as_dict()
    assert (whole["outcome"], len(whole["private"]), whole["log"]["witnesses"].keys()) == ("valid", 2, {"w1"})
    start = data.index(b'"checkpoint":"') + 14
    line = read(data).checkpoint.index("— stranger".encode())
    unknown = range(start + line * 4 // 3, data.index(b'"', start))
    full = request.config.getoption("--full")
    without_effect = [
        at for at in range(len(data))
        if (full or at % 11 == 0)
        and verify(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], a_policy()).as_dict() == whole
    ]  # fmt: skip

    assert without_effect
    assert set(without_effect) <= set(unknown)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_every_changed_byte_of_a_bundle_is_caught() -> None:
    data = good()
    for at in range(len(data)):
        for value in {data[at] ^ 1, data[at] ^ 0x20, 0x41, 0x30} - {data[at]}:
            caught(data[:at] + bytes([value]) + data[at + 1 :])


def test_only_a_signature_by_somebody_unknown_can_change_without_changing_the_report() -> None:
    stranger = lot().bundle(LOT, witnesses=[witness("stranger")])
    bundle = read(stranger)
    pairs = list(zip(bundle.indices, bundle.entries, strict=True))
    report = verify(stranger, a_policy()).as_dict()
    line = bundle.checkpoint.rindex("— stranger".encode())
    for at in range(line + 30, len(bundle.checkpoint) - 4, 7):
        checkpoint = bytearray(bundle.checkpoint)
        checkpoint[at] = 0x41 if checkpoint[at] != 0x41 else 0x42
        assert verify(pack(LOT, bytes(checkpoint), pairs, bundle.proof), a_policy()).as_dict() == report


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_nothing_in_a_file_makes_verification_raise(data: st.DataObject) -> None:
    document = json.loads(good())
    log = document["log"]
    shape = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([log["checkpoint"], log["entries"][0]]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "log", "lot"]), inner, max_size=3),
        max_leaves=6,
    )  # fmt: skip
    where = data.draw(st.sampled_from(["lot", "checkpoint", "indices", "entries", "proof", "entry", "index"]))
    value = data.draw(shape)
    if where == "lot":
        document["lot"] = value
    elif where in log:
        log[where] = value
    else:
        values = log["entries" if where == "entry" else "indices"]
        values[data.draw(st.integers(0, len(values) - 1))] = value
    try:
        mutant = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return
    if mutant != good():
        assert verify(mutant, a_policy()).exit_code in (1, 2)


@given(st.binary(max_size=100))
def test_no_checkpoint_makes_verification_raise(data: bytes) -> None:
    bundle = read(good())
    pairs = list(zip(bundle.indices, bundle.entries, strict=True))
    assert verify(pack(LOT, data, pairs, bundle.proof), a_policy()).outcome == "invalid"


def test_a_report_is_made_of_plain_json_in_every_outcome() -> None:
    reports = [
        verify(good(), a_policy()), verify(good(), Policy.parse(b"quorum none\n")), verify(good() + b"x", a_policy()),
        verify(b"", a_policy()),
    ]  # fmt: skip
    assert [report.outcome for report in reports] == ["valid", "untrusted", "invalid", "unreadable"]
    documents = [json.loads(orjson.dumps(report.as_dict())) for report in reports]
    assert len({frozenset(document) for document in documents}) == 1
    for report in reports:
        assert report.text("es") != report.text("en")
        for word in ("illegal", "ilegal", " legal", "{", "}"):
            assert word not in report.text("es") + report.text("en")
