"""JSON that two parsers could read differently is refused; everything else is read as it is."""

from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Malformed
from shared.web.strict_json import parse
from tests.tokens import Issuer

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=30,
)


@given(VALUES)
def test_any_ordinary_value_is_read_as_it_is(value: Any) -> None:
    assert parse(orjson.dumps(value)) == value


REFUSED: dict[str, bytes] = {
    "empty": b"",
    "cut off": b'{"a": ',
    "trailing bytes": b"{} {}",
    "duplicate key": b'{"a": 1, "a": 1}',
    "duplicate key deep inside": b'[{"b": {"a": 1, "c": 2, "a": 3}}]',
    "duplicate key by escape": b'{"a": 1, "\\u0061": 2}',
    "NaN": b"[NaN]",
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "1e999": b"[1e999]",
    "5,000 digits": b"[" + b"1" * 5000 + b"]",
    "nested 33 deep": b"[" * 33 + b"1" + b"]" * 33,
    "nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "objects nested 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "invalid UTF-8": b'["\xff"]',
    "lone surrogate": b'["\\ud800"]',
    "NUL in a text": b'["a\\u0000b"]',
    "NUL in a key": b'{"a\\u0000": 1}',
    "control character": b'["\x01"]',
    "comment": b"{} // a",
    "single quotes": b"{'a': 1}",
    "trailing comma": b"[1,]",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_parsers_read_differently_is_refused(name: str) -> None:
    with pytest.raises(Malformed) as no:
        parse(REFUSED[name])

    assert no.value.text("es") != no.value.text("en")


def test_the_greatest_depth_is_read() -> None:
    assert parse(b"[" * 32 + b"]" * 32)


@pytest.mark.parametrize("name", REFUSED)
async def test_the_http_door_refuses_them_as_malformed(api: httpx.AsyncClient, issuer: Issuer, name: str) -> None:
    headers = issuer.headers("member") | {"content-type": "application/json"}

    answer = await api.post("/v1/logs", content=REFUSED[name][:900], headers=headers)

    assert (answer.status_code, answer.json()["slug"]) == (422, "malformed")


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/merge-patch+json"]
)
async def test_what_says_it_is_json_is_read_strictly(api: httpx.AsyncClient, issuer: Issuer, kind: str) -> None:
    headers = issuer.headers("member") | {"content-type": kind}

    good = await api.post("/v1/logs", content=b'{"code": "A", "length_mm": 1}', headers=headers)
    twice = await api.post("/v1/logs", content=b'{"code": "A", "code": "B", "length_mm": 1}', headers=headers)

    assert (good.status_code, twice.status_code) == (201, 422)


async def test_what_does_not_say_it_is_json_is_not_read(api: httpx.AsyncClient, issuer: Issuer) -> None:
    headers = issuer.headers("member") | {"content-type": "text/plain"}

    assert (await api.post("/v1/logs", content=b'{"code": "A", "length_mm": 1}', headers=headers)).status_code == 422
