"""Canonical documents: one value, one spelling."""

import math
import re
import unicodedata
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog import canon
from shared.tlog.canon import NotCanonical
from shared.tlog.unicode12 import character_class

KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
LATER = re.compile(f"[{character_class()}]")
NONCHARACTERS = set(map(chr, range(0xFDD0, 0xFDF0)))
STRINGS = st.text().map(lambda s: unicodedata.normalize("NFC", LATER.sub("", "".join(filter(str.isprintable, s)))))
LEAVES = st.one_of(st.booleans(), st.integers(-canon.MAX_INTEGER, canon.MAX_INTEGER), STRINGS)
VALUES = st.recursive(LEAVES, lambda v: st.lists(v, max_size=4) | st.dictionaries(KEYS, v, max_size=4), max_leaves=20)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=6)


def reason(data: bytes, **limits: int) -> str:
    """Why `decode` refuses these bytes."""
    with pytest.raises(NotCanonical) as refused:
        canon.decode(data, **limits)
    return refused.value.reason


@given(DOCUMENTS)
def test_a_document_has_the_bytes_that_rfc_8785_gives_it(document: dict[str, Any]) -> None:
    data = canon.encode(document, max_depth=30, max_bytes=100_000)

    assert data == rfc8785.dumps(document)
    assert canon.decode(data, max_depth=30, max_bytes=100_000) == document


@given(DOCUMENTS, st.data())
def test_any_other_spelling_of_a_document_is_refused(document: dict[str, Any], data: st.DataObject) -> None:
    other = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    mutant = bytearray(other)
    mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    for spelling in (other, bytes(mutant)):
        try:
            value = canon.decode(spelling)
        except NotCanonical:
            continue
        assert canon.encode(value) == spelling


@given(st.binary(max_size=200))
def test_whatever_the_bytes_the_only_error_is_a_refusal(data: bytes) -> None:
    try:
        value = canon.decode(data)
    except NotCanonical:
        return
    assert canon.encode(value) == data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":2}', "duplicate key"),
        (b'{"a":1,"a":1}', "duplicate key"),
        (b'{"b":1,"a":2}', "not in canonical form"),
        (b'{ "a":1}', "not in canonical form"),
        (b' {"a":1}', "not in canonical form"),
        (b'{"a":1}\n', "not in canonical form"),
        (b'{"a":1}{}', "trailing bytes"),
        (b'{"a":1}x', "trailing bytes"),
        (b'{"a":1', "not JSON"),
        (b"", "not JSON"),
        (b"[]", "not an object"),
        (b'"a"', "not an object"),
        (b"7", "not an object"),
        (b"null", "not an object"),
        (b'{"a":null}', "null"),
        (b'{"a":[null]}', "null"),
        (b'{"a":1.5}', "float"),
        (b'{"a":1.0}', "float"),
        (b'{"a":1e5}', "float"),
        (b'{"a":1E5}', "float"),
        (b'{"a":100000.0}', "float"),
        (b'{"a":-0}', "negative zero"),
        (b'{"a":-0.0}', "float"),
        (b'{"a":NaN}', "not a number"),
        (b'{"a":Infinity}', "not a number"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":+1}', "not JSON"),
        (b'{"a":9007199254740992}', "integer beyond 2^53-1"),
        (b'{"a":-9007199254740992}', "integer beyond 2^53-1"),
        (b'{"a":18446744073709551616}', "integer beyond 2^53-1"),
        (b'{"a":1' + b"0" * 5000 + b"}", "integer beyond 2^53-1"),
        (b'{"A":1}', "key name"),
        (b'{"_a":1}', "key name"),
        (b'{"":1}', "key name"),
        (b'{"a-b":1}', "key name"),
        (b'{"a\\n":1}', "key name"),
        ('{"ñ":1}'.encode(), "key name"),
        (b'{"' + b"a" * 41 + b'":1}', "key name"),
        (b'{"a":"\\ud800"}', "lone surrogate"),
        (b'{"a":"\\udc00\\ud800"}', "lone surrogate"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xc0\xaf"}', "not UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
        (b'{"a":"\\u00e9"}', "not in canonical form"),
        (b'{"a":"\\/"}', "not in canonical form"),
        (b'{"a":"\\ud83d\\ude00"}', "not in canonical form"),
        (b'{"a":"\\u0000"}', "control character"),
        (b'{"a":"\\n"}', "control character"),
        (b'{"a":"\\u001f"}', "control character"),
        (b'{"a":"\x01"}', "control character"),
        (b'{"a":"\x7f"}', "control character"),
        ('{"a":"\u0085"}'.encode(), "control character"),
        ('{"a":"e\u0301"}'.encode(), "not NFC"),
        ('{"a":"\u212b"}'.encode(), "not NFC"),
        ('{"a":"\\"e\u0301"}'.encode(), "not NFC"),
        ('{"a":"\u202e"}'.encode(), "bidirectional control"),
        ('{"a":"\u2066x"}'.encode(), "bidirectional control"),
        ('{"a":"\u200f"}'.encode(), "bidirectional control"),
        ('{"a":"\ufffe"}'.encode(), "noncharacter"),
        ('{"a":"\U0001ffff"}'.encode(), "noncharacter"),
        ('{"a":"\u0378"}'.encode(), "character after Unicode 12.0"),
        ('{"a":"\U0001fad0"}'.encode(), "character after Unicode 12.0"),
    ],
)
def test_bytes_outside_the_profile_are_refused_with_their_reason(data: bytes, why: str) -> None:
    assert reason(data) == why


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"a":1,"b":2}',
        b'{"a":[]}',
        b'{"a":0}',
        b'{"a":9007199254740991}',
        b'{"a":-9007199254740991}',
        b'{"a":true,"b":false}',
        b'{"' + b"a" * 40 + b'":1}',
        b'{"a0_z":""}',
        b'{"a":"/"}',
        b'{"a":"\\"\\\\"}',
        '{"a":"Caoba, cumalá, 100 °C — \U0001f332"}'.encode(),
        '{"a":"\u00e9\u05d0"}'.encode(),
        '{"a":"\U0001fa95"}'.encode(),
        '{"a":"\u0301 begins with a mark"}'.encode(),
    ],
)
def test_bytes_inside_the_profile_are_accepted(data: bytes) -> None:
    assert canon.encode(canon.decode(data)) == data


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


def test_a_document_may_be_eight_levels_deep_and_no_deeper() -> None:
    assert canon.decode(nested(8))
    assert reason(nested(9)) == "too deep"
    assert canon.decode(nested(9), max_depth=9)
    assert reason(b'{"a":' + b"[" * 100_000, max_bytes=200_000) == "too deep"


def test_a_document_may_be_as_long_as_the_limit_and_no_longer() -> None:
    longest = b'{"a":"' + b"x" * (16_384 - 8) + b'"}'
    assert canon.decode(longest)
    assert reason(longest + b" ") == "too long"
    with pytest.raises(NotCanonical):
        canon.encode({"a": "x" * 16_384})


def test_explaining_a_refusal_takes_no_longer_than_reading() -> None:
    assert reason(b'{"a":"' + b'\\"' * 500_000, max_bytes=2_000_000) == "not JSON"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"a": None}, "null"),
        ({"a": 1.5}, "float"),
        ({"a": math.nan}, "float"),
        ({"a": (1, 2)}, "type of value"),
        ({"a": b"x"}, "type of value"),
        ({"a": 2**53}, "integer beyond 2^53-1"),
        ({1: 2}, "key name"),
        ({"a": "\ud800"}, "lone surrogate"),
        ({"a": "e\u0301"}, "not NFC"),
        ({"a": "\n"}, "control character"),
        ([], "not an object"),
    ],
)
def test_a_value_outside_the_profile_has_no_canonical_form(value: Any, why: str) -> None:
    with pytest.raises(NotCanonical) as refused:
        canon.encode(value)
    assert refused.value.reason == why


def test_a_refusal_speaks_both_languages() -> None:
    with pytest.raises(NotCanonical) as refused:
        canon.decode(b'{"a":null}')
    assert refused.value.text("en") == "The document is not canonical: document.a: null."
    assert refused.value.text("es") == "El documento no es canónico: documento.a: hay un valor nulo."


def test_what_this_python_does_not_know_is_refused_and_what_unicode_knew_long_ago_is_not() -> None:
    later = {c for c in map(chr, range(0x110000)) if LATER.match(c)}
    for c in map(chr, range(0x110000)):
        if unicodedata.category(c) == "Cn" and ord(c) & 0xFFFE != 0xFFFE and c not in NONCHARACTERS:
            assert c in later
        if unicodedata.ucd_3_2_0.category(c) not in ("Cn", "Cs"):
            assert c not in later
