"""What must never get in: each kind of bad input is answered with a problem, and nothing is written."""

import base64
from collections.abc import AsyncIterator, Callable

import orjson
import pytest

from shared.timber.event import parse_entry
from tests.custody.conftest import NDJSON, Custody, cut, felling

L = 2**252 + 27742317777372353535851937790883648493  # the order of the Ed25519 base point (RFC 8032)


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda entry: entry.replace(old, new, 1)


def with_signature(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def spoil(entry: bytes) -> bytes:
        value = orjson.loads(entry)
        raw = base64.urlsafe_b64decode(value["sig"][0]["sig"] + "==")
        value["sig"][0]["sig"] = base64.urlsafe_b64encode(change(raw)).rstrip(b"=").decode()
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    return spoil


def higher_s(raw: bytes) -> bytes:
    return raw[:32] + (int.from_bytes(raw[32:], "little") + L).to_bytes(32, "little")


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "nested a hundred thousand deep": lambda _: b'{"sig":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested 33 deep": replaced(b'"prev":[]', b'"prev":' + b"[" * 33 + b"]" * 33),
    "NaN": replaced(b":13300", b":NaN"),
    "infinity": replaced(b":13300", b":Infinity"),
    "1e999": replaced(b":13300", b":1e999"),
    "a number of 5,000 digits": replaced(b":13300", b":" + b"9" * 5000),
    "2^53": replaced(b":13300", b":9007199254740992"),
    "a float": replaced(b":13300", b":13300.0"),
    "minus zero": replaced(b":13300", b":-0"),
    "a duplicate key": replaced(b'"length_mm":13300', b'"length_mm":13300,"length_mm":13300'),
    "null": replaced(b":13300", b":null"),
    "keys out of order": lambda entry: b'{"stmt":' + entry[entry.index(b'"stmt":') + 7 : -1] + b"," + entry[1 : entry.index(b',"stmt"')] + b"}",
    "a space": replaced(b":13300", b": 13300"),
    "a byte order mark": lambda entry: b"\xef\xbb\xbf" + entry,
    "UTF-16": lambda entry: entry.decode().encode("utf-16"),
    "invalid UTF-8": replaced(b"Brosimum", b"Bros\xff\xfemum"),
    "a lone surrogate": replaced(b"Brosimum", b"Bros\\ud800mum"),
    "NUL": replaced(b"Brosimum", b"Bros\\u0000mum"),
    "a control character": replaced(b"Brosimum", b"Bros\x01mum"),
    "a bidi override": replaced(b"Brosimum", "Bros\u202emum".encode()),
    "text that is not NFC": replaced(b"Brosimum", "Brosi\u0301mum".encode()),
    "a Cyrillic letter in a number": replaced(b'"permit":"RGR', '"permit":"R\u0410R'.encode()),
    "trailing bytes": lambda entry: entry + b" ",
    "a truncated entry": lambda entry: entry[:-20],
    "a truncated signature": with_signature(lambda raw: raw[:-1]),
    "a longer signature": with_signature(lambda raw: raw + b"\0"),
    "a signature with S above the order": with_signature(higher_s),
    "a signature of zeros": with_signature(lambda _: bytes(64)),
    "an unknown field": replaced(b'"length_mm":13300', b'"length_mm":13300,"lengthx":1'),
    "a missing field": replaced(b'"length_mm":13300,', b""),
    "a negative length": replaced(b":13300", b":-13300"),
    "a length of zero": replaced(b":13300", b":0"),
    "a length in another unit": replaced(b":13300", b":13300000"),
    "a volume beyond any tree": replaced(b'"volume_dm3":5643', b'"volume_dm3":9007199254740991'),
    "year zero": replaced(b"2026-11-01T12:00:00Z", b"0000-11-01T12:00:00Z"),
    "a far future": replaced(b"2026-11-01T12:00:00Z", b"9999-11-01T12:00:00Z"),
    "a leap second": replaced(b"2026-11-01T12:00:00Z", b"2026-11-01T23:59:60Z"),
    "the 31st of November": replaced(b"2026-11-01T12:00:00Z", b"2026-11-31T12:00:00Z"),
    "an offset": replaced(b"2026-11-01T12:00:00Z", b"2026-11-01T12:00:00+05:00"),
    "an unknown type": replaced(b'"type":"tree.felled"', b'"type":"tree.flew"'),
    "the item of another tree": replaced(b'"tree":"501"', b'"tree":"502"'),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILED)
async def test_a_spoiled_record_is_refused_alone_and_its_twin_passes(ready: Custody, kind: str) -> None:
    good = felling(ready, "501")
    size = (await ready.get("/healthz"))["size"]
    spoiled = SPOILED[kind](good)
    assert spoiled != good

    [refused] = await ready.send(spoiled.replace(b"\n", b""))

    assert refused["status"] == "refused"
    problem = refused["problem"]
    assert problem["status"] in (409, 422)
    assert problem["detail_es"]
    assert problem["detail_en"]
    assert (await ready.get("/healthz"))["size"] == size
    assert await ready.log(good) == [size]


async def test_a_record_that_is_its_own_parent_is_refused(ready: Custody) -> None:
    await ready.log(felling(ready, "501"))
    body = parse_entry(cut(ready, "501")).body
    item = body["sections"][0]["item"]
    entry = cut(ready, "501").replace(item.encode(), body["source"].encode())

    [refused] = await ready.send(entry)

    assert refused["problem"]["slug"] == "malformed-record"


async def test_ten_thousand_predecessors_are_refused(ready: Custody) -> None:
    prev = b",".join(b'"%064x"' % n for n in range(10_000))

    [refused] = await ready.send(felling(ready, "501").replace(b'"prev":[]', b'"prev":[' + prev + b"]"))

    assert refused["status"] == "refused"


async def test_a_predecessor_the_log_does_not_hold_is_named(ready: Custody) -> None:
    body = parse_entry(felling(ready, "501")).body
    sid = "0" * 64

    [refused] = await ready.send(ready.entry("tree.felled", body, prev=[sid]))

    assert refused["problem"]["slug"] == "unknown-predecessor"
    assert refused["problem"]["facts"]["prev"] == sid


async def test_a_body_beyond_the_limit_is_refused_with_or_without_a_declared_length(ready: Custody) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 1_000_000

    headers = NDJSON | ready.issuer.headers("manager")
    declared = await ready.http.post("/v1/records", content=b"x" * 10_000_000, headers=headers)
    chunked = await ready.http.post("/v1/records", content=chunks(), headers=headers)

    assert (declared.status_code, chunked.status_code) == (413, 413)


async def test_a_compressed_body_is_refused_before_it_is_unpacked(ready: Custody) -> None:
    headers = NDJSON | ready.issuer.headers("manager") | {"content-encoding": "gzip"}

    answer = await ready.http.post("/v1/records", content=b"\x1f\x8b", headers=headers)

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "path",
    [
        "/v1/records/xyz",
        "/v1/findings?cursor=%25%25",
        "/v1/balances?limit=0",
        "/v1/findings?cursor=wrIuMQ==",
        "/v1/balances?cursor=AA==",
        f"/v1/records?since={10**30}",
        f"/v1/mass-balances?org=comunidad-a&since={10**30}",
    ],
)
async def test_a_malformed_question_says_what_is_wrong(ready: Custody, path: str) -> None:
    answer = await ready.http.get(path, headers=ready.issuer.headers("supervisor"))

    assert answer.status_code == 422
    assert answer.json()["slug"] == "malformed"


@pytest.mark.parametrize("path", ["/v1/items/0190b1a0-0000-7000-8000-00000000ffff", "/v1/lots/none", "/v1/guides/G-9",
                                  "/v1/lots/none/bundle", "/v1/records/" + "0" * 64])  # fmt: skip
async def test_what_is_not_there_is_not_found(ready: Custody, path: str) -> None:
    answer = await ready.http.get(path)

    assert answer.status_code == 404
    assert answer.json()["slug"] == "not-found"
