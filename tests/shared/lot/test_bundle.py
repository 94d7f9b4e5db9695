"""The proof file has one spelling, and says so when it is not ours to read."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lot import bundle
from shared.lot.bundle import BadBundle, BundleUnreadable
from shared.refusal import Malformed, Refusal
from shared.tlog.encoding import to_base64

ENTRIES = [(0, b"zero"), (3, b"three"), (7, b"seven")]
SHOWN = [(3, "a"), (3, "b"), (7, "a")]


def packed(**changes: Any) -> bytes:
    parts = {"lot": "LOTE-01", "checkpoint": b"note\n", "entries": ENTRIES, "proof": [bytes(32), b"\1" * 32]}
    return bundle.pack(**{**parts, **changes})


def rewritten(**changes: Any) -> bytes:
    """A bundle whose JSON was edited by hand, canonical again."""
    document = json.loads(packed())
    log = {k: v for k, v in changes.items() if k in document["log"] or k.startswith("log_")}
    document["log"] = {**document["log"], **{k.removeprefix("log_"): v for k, v in log.items()}}
    document.update({k: v for k, v in changes.items() if k not in log})
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def test_a_bundle_is_read_as_it_was_packed() -> None:
    read = bundle.read(packed())
    assert read.lot == "LOTE-01"
    assert read.checkpoint == b"note\n"
    assert list(zip(read.indices, read.entries, strict=True)) == ENTRIES
    assert read.proof == (bytes(32), b"\1" * 32)


def test_the_order_of_the_entries_does_not_change_the_bytes() -> None:
    assert packed(entries=ENTRIES[::-1]) == packed()


def test_every_bundle_begins_with_its_version() -> None:
    assert packed().startswith(b'{"format":"trozalog-bundle/1","log":{')
    assert packed(disclosed=SHOWN).startswith(b'{"format":"trozalog-bundle/1","log":{')


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"hello", b"[1]", b"\xff\xfe", b"PK\x03\x04", b"null",
        packed().replace(b"bundle/1", b"bundle/2"), packed().replace(b"bundle/1", b"bundle/10"),
        b" " + packed(), b"\xef\xbb\xbf" + packed(), json.dumps(json.loads(packed()), indent=1).encode(),
        packed()[:-1], packed()[:-2], packed()[:60],
    ],
)  # fmt: skip
def test_another_file_or_version_is_told_from_a_broken_bundle(data: bytes) -> None:
    with pytest.raises(BundleUnreadable):
        bundle.read(data)


@pytest.mark.parametrize(
    "data",
    [
        packed() + b"\n", packed() + b"{}",
        rewritten(lot=""), rewritten(lot=7), rewritten(zzz=1), rewritten(log_more=1),
        rewritten(indices=[]), rewritten(indices=[0, 3]), rewritten(indices=[0, 3, 7, 8]), rewritten(indices=[0, 7, 3]),
        rewritten(indices=[0, 3, 3]), rewritten(indices=[-1, 3, 7]), rewritten(indices=["0", "3", "7"]),
        rewritten(indices=[False, 3, 7]), rewritten(indices=7), rewritten(entries=[], indices=[]),
        rewritten(entries=["eA==", "eA", "eA=="]), rewritten(entries=["eA==", "eB==", "eA=="]),
        rewritten(entries=[1, 2, 3]), rewritten(entries="eA=="), rewritten(proof=["eA=="]), rewritten(proof=[None]),
        rewritten(proof={}), rewritten(checkpoint="x"), rewritten(checkpoint=[]),
        packed().replace(b'"log":{', b'"log":{ '), packed().replace(b'"lot":"LOTE-01"', b'"lot":"LOTE-01","lot":"LOTE-01"'),
    ],
)  # fmt: skip
def test_a_bundle_that_is_not_well_formed_is_refused(data: bytes) -> None:
    assert bundle.read(rewritten())
    with pytest.raises(Malformed) as refused:
        bundle.read(data)
    assert not isinstance(refused.value, BundleUnreadable)


def test_what_is_shown_is_read_with_its_record_whatever_the_order_it_was_given_in() -> None:
    assert bundle.read(packed(disclosed=SHOWN)).disclosed == tuple(SHOWN)
    assert packed(disclosed=[*SHOWN[::-1], SHOWN[0]]) == packed(disclosed=SHOWN)
    assert bundle.read(packed()).disclosed == ()


@pytest.mark.parametrize(
    "private",
    [
        {}, [], "x", {"disclosures": []}, {"disclosures": [], "indices": [], "more": 1},
        {"disclosures": ["a"], "indices": []}, {"disclosures": [], "indices": [3]},
        {"disclosures": ["a"], "indices": [4]}, {"disclosures": ["a", "b"], "indices": [7, 3]},
        {"disclosures": ["b", "a"], "indices": [3, 3]}, {"disclosures": ["a", "a"], "indices": [3, 3]},
        {"disclosures": [1], "indices": [3]}, {"disclosures": ["a"], "indices": ["3"]},
        {"disclosures": ["a"], "indices": [True]}, {"disclosures": "a", "indices": [3]},
    ],
)  # fmt: skip
def test_private_fields_have_one_order_and_stand_beside_an_entry(private: Any) -> None:
    assert bundle.read(rewritten(private={"disclosures": ["a", "b"], "indices": [3, 3]}))
    with pytest.raises(Malformed) as refused:
        bundle.read(rewritten(private=private))
    assert not isinstance(refused.value, BundleUnreadable)


def test_a_field_beside_no_entry_is_not_packed() -> None:
    with pytest.raises(BadBundle):
        packed(disclosed=[(4, "a")])


@pytest.mark.parametrize(
    "changes", [{"entries": []}, {"lot": ""}, {"entries": [(1, b"a"), (1, b"b")]}, {"entries": [(-1, b"a")]}]
)
def test_what_no_reader_would_take_is_not_packed(changes: dict[str, Any]) -> None:
    with pytest.raises(BadBundle):
        packed(**changes)


def test_a_bundle_has_limits() -> None:
    entry = to_base64(b"x" * 60_000)
    assert len(packed(entries=[(i, b"x" * 60_000) for i in range(20)])) > 20 * len(entry)
    with pytest.raises(BadBundle):
        packed(entries=[(i, b"") for i in range(bundle.MAX_ENTRIES + 1)])


@given(st.data())
def test_whatever_the_bytes_only_a_refusal_comes_out(data: st.DataObject) -> None:
    good = packed(disclosed=SHOWN)
    at = data.draw(st.integers(0, len(good)))
    cut = data.draw(st.integers(at, min(len(good), at + 8)))
    mutant = good[:at] + data.draw(st.binary(max_size=6)) + good[cut:]
    try:
        read = bundle.read(mutant)
    except Refusal:
        return
    again = list(zip(read.indices, read.entries, strict=True))
    assert bundle.pack(read.lot, read.checkpoint, again, read.proof, read.disclosed) == mutant
