"""Statements and entries: what is accepted, byte for byte, and what is refused and why."""

import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.refusal import Malformed
from shared.timber.event import (
    BODIES,
    MAX_DEPTH,
    MAX_ENTRY,
    BadSignature,
    MalformedRecord,
    UnknownType,
    check_signature,
    make_statement,
    parse_entry,
    parse_statement,
    sid_of,
    sign,
    tree_item,
)
from shared.tlog import canon
from shared.tlog.canon import NotCanonical
from shared.tlog.ed25519 import BadKey
from shared.tlog.encoding import to_base64url
from shared.tlog.merkle import leaf_hash
from tests.build import (
    COMMUNITY,
    MILL,
    PARCEL,
    PLAN,
    a_book,
    a_check,
    a_commitment,
    a_cut,
    a_departure,
    a_felling,
    a_guide,
    a_key,
    a_line,
    a_lot,
    a_move,
    a_reception,
    a_sale,
    a_sawing,
    a_section,
    a_status_change,
    a_tree,
    a_voiding,
    an_entry,
    an_inspection,
    an_item,
    foundation,
    kid_of,
    measures,
)

VALID = {
    record.type: record
    for record in (
        *foundation(), a_book(), a_felling(), a_cut(), a_move(an_item("501/A")), a_guide(), a_departure(), a_check(),
        a_reception(), a_voiding(), a_sawing([an_item("501/A")]), a_lot([an_item("501/A")]), a_sale(),
        a_status_change("permit.suspended"), a_status_change("permit.reinstated"), a_status_change("permit.revoked"),
        an_inspection(), a_commitment(),
    )
}  # fmt: skip


def body_of(type_: str, **change: Any) -> dict[str, Any]:
    """The body of a valid record with some fields changed; ``None`` drops one."""
    return {name: value for name, value in (VALID[type_].body | change).items() if value is not None}


def refused(kind: str, body: dict[str, Any]) -> MalformedRecord:
    with pytest.raises(MalformedRecord) as caught:
        make_statement(kind, COMMUNITY, "2025-08-04T15:00:00Z", body)
    return caught.value


def test_the_record_keeps_the_bytes_it_came_in() -> None:
    entry = an_entry("tree.felled", VALID["tree.felled"].body, prev=["b" * 64, "a" * 64], seq=7)

    record = parse_entry(entry)

    assert record.entry == entry
    assert record.statement in entry
    assert record.sid == sid_of(record.statement)
    assert record.leaf_hash == leaf_hash(entry)
    assert record.prev == ("a" * 64, "b" * 64)
    assert parse_statement(record.statement)["body"] == record.body


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_the_statement_is_found_behind_any_number_of_signatures(count: int) -> None:
    statement = make_statement("lot.sold", MILL, "2025-08-04T15:00:00Z", {"lot": "L-1", "buyer": "comprador-1"})
    keys = [a_key(f"signer {n}") for n in range(count)]

    record = parse_entry(sign(statement, *keys))

    assert record.statement == statement
    for key in keys:
        check_signature(record, kid_of(key), key.public_key().public_bytes_raw())
    assert record.checked == {kid_of(key) for key in keys}


def test_the_id_of_a_tree_is_its_uuid_of_version_5() -> None:
    space = uuid.uuid5(uuid.NAMESPACE_URL, "trozalog:tree")

    assert tree_item(PLAN, PARCEL, "501") == str(uuid.uuid5(space, f"{PLAN}\n{PARCEL}\n501"))


POISONS: tuple[Any, ...] = (
    None, 1.5, 2**53, -(2**53), {"Upper": 1}, {"a b": 1}, {"x": None}, [[1.5]], {"x": {"y": 2**60}},
    {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}},
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a value with every key or position in it, and one more."""
    if isinstance(value, dict):
        for name in [*value, "more"]:
            yield value, name
        for part in value.values():
            yield from places(part)
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield value, at
            yield from places(part)


@pytest.mark.parametrize("kind", sorted(VALID))
def test_what_the_canonical_form_does_not_know_is_told_before_what_the_type_does_not(kind: str) -> None:
    """Entries are not walked twice: whatever a type lets in must be what the profile lets in."""
    whole = orjson.loads(VALID[kind].entry)
    for container, place in places(whole):
        for poison in POISONS:
            was = container.get(place) if isinstance(container, dict) else container[place]
            container[place] = poison
            entry = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
            with pytest.raises(NotCanonical) as caught:
                parse_entry(entry)
            with pytest.raises(NotCanonical) as expected:
                canon.decode(entry, max_bytes=MAX_ENTRY, max_depth=MAX_DEPTH + 1)
            assert str(caught.value) == str(expected.value)
            if was is None:
                del container[place]
            else:
                container[place] = was
    assert parse_entry(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).sid == VALID[kind].sid


def test_the_same_content_without_nonce_is_the_same_record() -> None:
    body = VALID["lot.sold"].body

    once, again, other = (
        make_statement("lot.sold", MILL, time, body)
        for time in ("2025-08-04T15:00:00Z", "2025-08-04T15:00:00Z", "2025-08-04T15:00:01Z")
    )

    assert once == again
    assert sid_of(once) != sid_of(other)


# ---- signatures


def test_a_signature_by_another_key_is_refused() -> None:
    record, stranger = a_felling(), a_key("stranger").public_key().public_bytes_raw()
    kid = record.signatures[0][0]

    with pytest.raises(BadSignature):
        check_signature(record, kid, stranger)
    check_signature(record, kid, a_key(COMMUNITY).public_key().public_bytes_raw())


def test_a_good_signature_under_the_name_of_another_key_is_refused() -> None:
    record, signer = a_felling(), a_key(COMMUNITY)
    named = kid_of(a_key(MILL))
    renamed = parse_entry(record.entry.replace(kid_of(signer).encode(), named.encode()))

    with pytest.raises(BadSignature):
        check_signature(renamed, named, signer.public_key().public_bytes_raw())
    assert renamed.checked == set()


def test_a_changed_statement_no_longer_fits_its_signature() -> None:
    entry = a_felling().entry.replace(b'"volume_dm3":5643', b'"volume_dm3":5644')
    record = parse_entry(entry)

    with pytest.raises(BadSignature):
        check_signature(record, record.signatures[0][0], a_key(COMMUNITY).public_key().public_bytes_raw())


def test_a_key_of_small_order_is_refused() -> None:
    from shared.timber.event import key_id

    weak = bytes([1]) + bytes(31)
    body = body_of("key.added", public_key=to_base64url(weak), kid=key_id(weak))

    with pytest.raises(BadKey):
        make_statement("key.added", COMMUNITY, "2025-08-04T15:00:00Z", body)


def test_a_key_id_of_another_key_is_refused() -> None:
    assert refused("key.added", body_of("key.added", kid=kid_of(a_key("other")))).where == "stmt.body.kid"


# ---- the catalogue of bad input


@pytest.mark.parametrize("cut", [1, 10, 100, 300, -1])
def test_a_truncated_entry_is_refused(cut: int) -> None:
    with pytest.raises(Malformed):
        parse_entry(a_felling().entry[:cut])


ENTRY = a_felling().entry
SIG = ENTRY[len(b'{"sig":[') : ENTRY.index(b"]")]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (b'{"sig"', b' {"sig"'),
        (b'{"sig"', b'\xef\xbb\xbf{"sig"'),
        (b'"volume_dm3":5643', b'"volume_dm3":5643.0'),
        (b'"volume_dm3":5643', b'"volume_dm3":-0'),
        (b'"volume_dm3":5643', b'"volume_dm3":NaN'),
        (b'"volume_dm3":5643', b'"volume_dm3":1e999'),
        (b'"volume_dm3":5643', b'"volume_dm3":' + b"9" * 5000),
        (b'"volume_dm3":5643', b'"volume_dm3":5643,"volume_dm3":5644'),
        (b'"volume_dm3":5643', b'"volume_dm3":null'),
        (b'"volume_dm3":5643', b'"volume_dm3":true'),
        (b'"volume_dm3":5643', b'"volume_dm3":"5643"'),
        (b'"volume_dm3":5643', b'"volume_dm3":0'),
        (b'"volume_dm3":5643', b'"volume_dm3":-5'),
        (b'"volume_dm3":5643', b'"volume_dm3":200001'),
        (b'"length_mm":13300', b'"length_mm":60001'),
        (b'"diameter_large_mm":750', b'"diameter_large_mm":5001'),
        (b'"tree":"501"', b'"tree":"50\\u0000"'),
        (b'"tree":"501"', b'"tree":"\\ud800"'),
        (b'"tree":"501"', '"tree":"50а"'.encode()),
        (b'"tree":"501"', '"tree":"5‮01"'.encode()),
        (b'"tree":"501"', b'"tree":"../../etc/passwd"'),
        (b'"tree":"501"', b'"tree":"=1+1"'),
        (b'"tree":"501"', b'"tree":""'),
        (b'"tree":"501"', b'"tree":[[[[[[[[[[1]]]]]]]]]]'),
        (b'"actor":"comunidad-a"', b'"actor":"Comunidad-A"'),
        (b'"time":"2025-08-04T15:00:00Z"', b'"time":"2025-02-30T15:00:00Z"'),
        (b'"time":"2025-08-04T15:00:00Z"', b'"time":"2025-08-04T15:00:60Z"'),
        (b'"time":"2025-08-04T15:00:00Z"', b'"time":"2025-08-04T24:00:00Z"'),
        (b'"time":"2025-08-04T15:00:00Z"', b'"time":"2025-08-04T15:00:00+24:00"'),
        (b'"time":"2025-08-04T15:00:00Z"', b'"time":"0000-08-04T15:00:00Z"'),
        (b'"time":"2025-08-04T15:00:00Z"', b'"time":"1899-08-04T15:00:00Z"'),
        (b'"time":"2025-08-04T15:00:00Z"', b'"time":"9999-08-04T15:00:00Z"'),
        (b'"prev":[]', b'"prev":["A"]'),
        (b'"prev":[]', b'"prev":["' + b"b" * 64 + b'","' + b"a" * 64 + b'"]'),
        (b'"prev":[]', b'"prev":["' + b"a" * 64 + b'","' + b"a" * 64 + b'"]'),
        (b'"species":"Brosimum guianense"', b'"species":"Brosimum guianense (Aubl.) Huber"'),
        (b'"species":"Brosimum guianense"', b'"species":"Brosimum ' + b"g" * 7_000 + b'"'),
        (b'"species":"Brosimum guianense"', b'"species":"Brosimum a' + b"-a" * 3_000 + b'"'),
        (b'"permit":"RGR-0000-2025"', b'"permit":"RGR/0000"'),
        (SIG, b""),
        (SIG, SIG + b"," + SIG),
        (SIG, SIG[:-3] + b'"}'),
        (SIG, SIG[:-3] + b'="}'),
        (SIG, SIG[:-3] + b'B"}'),
    ],
)  # fmt: skip
def test_a_bad_byte_is_refused(was: bytes, now: bytes) -> None:
    assert was in ENTRY

    with pytest.raises(Malformed):
        parse_entry(ENTRY.replace(was, now, 1))

    assert parse_entry(ENTRY).type == "tree.felled"  # the twin


def test_an_entry_has_no_third_part() -> None:
    with pytest.raises(MalformedRecord):
        parse_entry(canon.encode({"sig": [], "stmt": {}, "x": 1}))
    with pytest.raises(MalformedRecord):
        parse_entry(canon.encode({"sig": []}))
    with pytest.raises(UnknownType):
        parse_entry(ENTRY.replace(b'"type":"tree.felled"', b'"type":"settlement.opened"'))


@pytest.mark.parametrize("kind", ["settlement.opened", "tree.felled ", "", "x" * 300])
def test_an_unknown_type_is_refused_by_name(kind: str) -> None:
    with pytest.raises(UnknownType) as caught:
        make_statement(kind, COMMUNITY, "2025-08-04T15:00:00Z", {})

    assert caught.value.reason == kind[:60]


def test_a_statement_longer_than_16_kib_is_refused() -> None:
    items = [an_item(str(n)) for n in range(420)]
    assert parse_entry(an_entry("lot.composed", {"lot": "L-1", "items": items[:390]}))

    with pytest.raises(Malformed):
        make_statement("lot.composed", COMMUNITY, "2025-08-04T15:00:00Z", {"lot": "L-1", "items": items})
    statement = canon.encode(
        parse_statement(make_statement("lot.composed", COMMUNITY, "2025-08-04T15:00:00Z", {"lot": "L-1", "items": items[:2]}))
        | {"body": {"lot": "L-1", "items": items}},
        max_bytes=60_000,
    )  # fmt: skip
    with pytest.raises(MalformedRecord):
        parse_entry(sign(statement, a_key("x")))


@pytest.mark.parametrize("kind", sorted(VALID))
def test_every_body_refuses_a_missing_and_an_unknown_field(kind: str) -> None:
    body = VALID[kind].body
    assert make_statement(kind, COMMUNITY, "2025-08-04T15:00:00Z", body)

    unknown = refused(kind, body | {"extra": 1})
    without = refused(kind, {name: body[name] for name in list(body)[1:]})

    assert (unknown.where, unknown.reason_es) == ("stmt.body.extra", "no es un campo de este registro")
    assert next(iter(body)) in without.reason


def test_every_type_has_a_valid_example_here() -> None:
    assert BODIES.keys() - VALID.keys() == {
        "key.revoked", "permit.amended", "record.corrected", "conflict.noted", "log.recovered", "log.closed",
        "log.continued", "finding.raised", "finding.resolved", "certificate.registered", "certificate.amended",
        "certificate.suspended", "certificate.reinstated", "certificate.ended", "contract.committed", "settlement.sealed",
    }  # fmt: skip


A, B = a_section("501/A"), a_section("501/B")
LOADED = {"item": an_item("501/A"), "volume_dm3": 5_192}


@pytest.mark.parametrize(
    ("kind", "change", "where"),
    [
        ("tree.felled", {"tree": "502"}, ".item"),
        ("tree.felled", {"observations": " con blancos "}, ".observations"),
        ("tree.felled", {"observations": "x" * 401}, ".observations"),
        ("log.cut", {"sections": []}, ".sections"),
        ("log.cut", {"sections": [A] * 2}, ".sections"),
        ("log.cut", {"sections": [A, B | {"code": "501/A"}]}, ".sections"),
        ("log.cut", {"sections": [A, B | {"code": "501-B"}]}, ".sections[1].code"),
        ("log.cut", {"sections": [A, B | {"branch": 1}]}, ".sections[1].branch"),
        ("log.cut", {"sections": [A, B | {"item": B["item"].upper()}]}, ".sections[1].item"),
        ("log.cut", {"source": A["item"]}, ".sections[0].item"),
        ("log.cut", {"sections": [a_section(f"501/{chr(65 + n // 26)}{chr(65 + n % 26)}") for n in range(41)]}, ".sections"),
        ("log.moved", {"items": [an_item("x"), an_item("x")]}, ".items"),
        ("guide.issued", {"lines": []}, ".lines"),
        ("guide.issued", {"lines": [a_line(), a_line()]}, ".lines"),
        ("guide.issued", {"lines": [a_line(parcel="PC 1")]}, ".lines[0].parcel"),
        ("guide.issued", {"lines": [a_line(parcel="")]}, ".lines[0].parcel"),
        ("guide.issued", {"lines": [a_line(product="charcoal")]}, ".lines[0].product"),
        ("guide.issued", {"permit": None}, ".lines[0].parcel"),
        ("guide.issued", {"permit": None, "lines": [a_line(parcel="")]}, ".permit"),
        ("guide.issued", {"items": []}, ".items"),
        ("guide.issued", {"items": [LOADED, LOADED | {"volume_dm3": 1}]}, ".items"),
        ("guide.issued", {"form": "other"}, ".form"),
        ("guide.issued", {"issued_on": "2025-13-01"}, ".issued_on"),
        ("guide.departed", {"at": "2025-09-14"}, ".at"),
        ("mill.processed", {"inputs": [an_item("tablas")]}, ".outputs[0].item"),
        ("plan.approved", {"approved_by": "a1"}, ".approved_by"),
        ("plan.approved", {"harvest_to": "2024-01-01"}, ".harvest_to"),
        ("plan.approved", {"census": {"trees": 1, "parts": 1, "root": "F" * 64}}, ".census.root"),
        ("permit.issued", {"approved_by": "a1"}, ".approved_by"),
        ("permit.issued", {"move_to": "2025-01-01"}, ".move_to"),
        ("permit.issued", {"lines": [a_line(), a_line(volume_dm3=5)]}, ".lines"),
        ("permit.issued", {"lines": [a_line(volume_dm3=1_000_000_001)]}, ".lines[0].volume_dm3"),
        ("inspection.reported", {"trees_absent": 2}, ".trees_absent"),
        ("census.listed", {"trees": [a_tree(), a_tree()]}, ".trees"),
        ("census.listed", {"trees": [a_tree(condition="rotten")]}, ".trees[0].condition"),
        ("census.listed", {"parcel": "PC1"}, ".parcel"),
        ("census.committed", {"trees": 0}, ".trees"),
        ("census.committed", {"listing_root": "AB" * 32}, ".listing_root"),
        ("organisation.registered", {"kind": "friend"}, ".kind"),
        ("organisation.registered", {"name": 5}, ".name"),
    ],
)  # fmt: skip
def test_a_body_that_contradicts_itself_is_refused_at_its_place(kind: str, change: dict[str, Any], where: str) -> None:
    refusal = refused(kind, body_of(kind, **change))

    assert refusal.where == f"stmt.body{where}"
    assert refusal.reason_es
    assert refusal.text("es") != refusal.text("en")


def test_a_mill_guide_needs_no_permit_when_it_names_its_origin() -> None:
    sawn = a_guide(permit=None, items=None, lines=[a_line(product="sawn", parcel="")], origin_guides=["017-0001426"])
    onward = a_guide(permit=None, lines=[a_line(parcel="")], origin_guides=["017-0001426"])

    assert "permit" not in sawn.body | onward.body


def test_a_guide_without_permit_names_its_pieces_or_the_guides_they_came_in_with() -> None:
    """The numbers of the paper book are one series for the whole country: an empty guide does not take one."""
    sawn = [a_line(product="sawn", parcel="")]

    for form in ("official", "own"):
        with pytest.raises(MalformedRecord) as caught:
            a_guide(form=form, permit=None, items=None, lines=sawn)
        assert caught.value.where == "stmt.body.items"
    a_guide(permit=None, items=None, lines=sawn, origin_guides=["017-0001426"])
    a_guide(permit=None, lines=sawn)
    a_guide(items=None)


def test_a_branch_is_a_log_with_a_flag() -> None:
    record = a_cut(a_section("501/A", **measures(300, 250, 3_000), branch=True))

    assert record.body["sections"][0]["branch"] is True


def test_a_signature_of_a_fresh_key_verifies() -> None:
    key = Ed25519PrivateKey.generate()
    record = parse_entry(sign(a_felling().statement, key))

    check_signature(record, kid_of(key), key.public_key().public_bytes_raw())
