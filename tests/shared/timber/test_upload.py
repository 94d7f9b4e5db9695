"""An upload signed once: each statement of it proves itself alone, and nothing else gets in under its signature."""

import hashlib
from typing import Any

import orjson
import pymerkle
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Malformed, Refusal
from shared.timber.event import (
    BadSignature,
    MalformedRecord,
    Record,
    check_signature,
    parse_entry,
    record_of,
    sid_of,
    sign,
    sign_all,
)
from shared.timber.upload import Together, read_header
from shared.tlog import canon, merkle
from shared.tlog.encoding import from_base64url
from tests.build import COMMUNITY, a_felling, a_key

KEY = a_key(COMMUNITY)
PUBLIC = KEY.public_key().public_bytes_raw()


def statements(count: int) -> list[bytes]:
    return [a_felling(str(number)).statement for number in range(501, 501 + count)]


def opened(upload: bytes) -> list[Record]:
    """What a server makes of an upload."""
    lines = upload.split(b"\n")
    header, together = read_header(lines), Together([sid_of(one) for one in lines[1:]])
    return [
        record_of(
            one, sid_of(one), together.entry_head(at, header.kid, header.signature), header.kid, header.raw,
            together.message,
        )
        for at, one in enumerate(lines[1:])
    ]  # fmt: skip


def changed(entry: bytes, **place: Any) -> bytes:
    """The entry with another place among the statements signed with it."""
    whole = orjson.loads(entry)
    whole["sig"][0]["of"] |= place
    return canon.encode(whole, max_bytes=60_000, max_depth=9)


@given(st.integers(2, 40))
def test_every_statement_of_an_upload_is_an_entry_that_proves_itself_alone(count: int) -> None:
    for made, statement in zip(opened(sign_all(statements(count), KEY)), statements(count), strict=True):
        alone = parse_entry(made.entry)

        assert (alone.sid, alone.statement, alone.signatures) == (sid_of(statement), statement, made.signatures)
        check_signature(alone, made.signatures[0][0], PUBLIC)
        check_signature(made, made.signatures[0][0], PUBLIC)
        assert alone.checked == made.checked == {made.signatures[0][0]}


@pytest.mark.parametrize("count", [2, 3, 7, 8, 100])
def test_the_signed_root_is_that_of_another_implementation_of_rfc_6962(count: int) -> None:
    sids = [hashlib.sha256(bytes([number])).hexdigest() for number in range(count)]
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for sid in sids:
        tree.append_entry(bytes.fromhex(sid))

    message = Together(sids).message

    assert message == b"trozalog/v1/statements\n" + count.to_bytes(8, "big") + tree.get_root()


def test_paths_of_the_largest_upload_are_audit_paths() -> None:
    sids = [hashlib.sha256(number.to_bytes(2, "big")).hexdigest() for number in range(4096)]
    together = Together(sids)
    leaves = [merkle.leaf_hash(bytes.fromhex(sid)) for sid in sids]

    for at in (0, 1, 2047, 2048, 4095):
        head = together.entry_head(at, "A" * 22, "A" * 86)
        place = orjson.loads(head.removesuffix(b',"stmt":') + b"}")["sig"][0]["of"]
        path = [from_base64url(one, "path", 32) for one in place["path"]]
        merkle.verify_inclusion(at, 4096, leaves[at], path, together.message[-32:])


def test_a_statement_that_was_not_signed_with_them_has_no_place_among_them() -> None:
    made = opened(sign_all(statements(5), KEY))[2]
    stranger = a_felling("999").statement
    swapped = made.entry.replace(made.statement, stranger)

    record = parse_entry(swapped)

    with pytest.raises(BadSignature):
        check_signature(record, made.signatures[0][0], PUBLIC)
    check_signature(parse_entry(made.entry), made.signatures[0][0], PUBLIC)


def test_a_signature_over_one_statement_is_none_over_many_nor_the_other_way_round() -> None:
    made = opened(sign_all(statements(2), KEY))[0]
    kid = made.signatures[0][0]
    without = orjson.loads(made.entry)
    del without["sig"][0]["of"]
    single = orjson.loads(sign(made.statement, KEY))
    single["sig"][0]["of"] = orjson.loads(made.entry)["sig"][0]["of"]

    for whole in (without, single):
        with pytest.raises(BadSignature):
            check_signature(parse_entry(canon.encode(whole, max_bytes=60_000, max_depth=9)), kid, PUBLIC)


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ({"at": 5}, "sig[0].of.at"),
        ({"at": -1}, "sig[0].of.at"),
        ({"at": 4}, "sig[0].of.path"),  # the odd one out has a path of one
        ({"size": 1}, "sig[0].of.size"),
        ({"size": 4097}, "sig[0].of.size"),
        ({"size": 9}, "sig[0].of.path"),
        ({"path": []}, "sig[0].of.path"),
        ({"path": ["A" * 43]}, "sig[0].of.path"),
        ({"path": ["x"] * 3}, "sig[0].of.path[0]"),
        ({"path": ["A" * 43] * 3}, "sig[0].of.path"),
        ({"more": 1}, "sig[0].of.more"),
    ],
)
def test_a_place_that_cannot_be_is_malformed(place: dict[str, Any], where: str) -> None:
    entry = opened(sign_all(statements(5), KEY))[0].entry

    with pytest.raises(MalformedRecord) as refused:
        parse_entry(changed(entry, **place))

    assert refused.value.where == where
    parse_entry(changed(entry))


@pytest.mark.parametrize("place", [{"at": 1}, {"size": 6}, {"path": ["A" * 43, "B" * 42 + "A", "C" * 42 + "A"]}])
def test_another_place_is_not_what_was_signed(place: dict[str, Any]) -> None:
    made = opened(sign_all(statements(5), KEY))[0]

    record = parse_entry(changed(made.entry, **place))

    with pytest.raises(BadSignature):
        check_signature(record, made.signatures[0][0], PUBLIC)


def test_another_persons_key_does_not_fit() -> None:
    made = opened(sign_all(statements(3), KEY))[1]
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()

    with pytest.raises(BadSignature):
        check_signature(made, made.signatures[0][0], stranger)


def test_one_statement_twice_and_one_alone_are_not_signed_together() -> None:
    [one, two] = statements(2)

    for wrong in ([one, one], [one], []):
        with pytest.raises(Malformed):
            sign_all(wrong, KEY)
    assert sign_all([one, two], KEY).startswith(b'{"kid":"')


@pytest.mark.parametrize(
    "header",
    [
        b'{"kid":"x"}',
        b'{"kid":"AAAAAAAAAAAAAAAAAAAAAA","sig":"' + b"A" * 86 + b'","size":3}',
        b'{"kid":"AAAAAAAAAAAAAAAAAAAAAA","sig":"' + b"A" * 85 + b'","size":2}',
        b'{"kid":"AAAAAAAAAAAAAAAAAAAAAA", "sig":"' + b"A" * 86 + b'","size":2}',
        b'{"kid":"AAAAAAAAAAAAAAAAAAAAAA","sig":"' + b"A" * 86 + b'","size":2,"x":1}',
    ],
)
def test_a_header_that_is_none_or_counts_others_is_refused(header: bytes) -> None:
    with pytest.raises(Refusal):
        read_header([header, *statements(2)])
    good = sign_all(statements(2), KEY).split(b"\n")
    assert read_header(good).kid


def test_a_statement_outside_the_profile_is_refused_alone() -> None:
    [good, bad] = statements(2)
    bad = bad.replace(b'{"actor"', b'{ "actor"')
    together = Together([sid_of(good), sid_of(bad)])

    def record(at: int, statement: bytes) -> Record:
        head = together.entry_head(at, "A" * 22, "A" * 86)
        return record_of(statement, sid_of(statement), head, "A" * 22, bytes(64), together.message)

    with pytest.raises(canon.NotCanonical):
        record(1, bad)
    assert record(0, good).sid == sid_of(good)
