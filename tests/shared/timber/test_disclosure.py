"""Private fields: disclosures of RFC 9901 with one spelling, and the table of what may be private."""

import base64
import hashlib
import itertools
import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from shared.refusal import Malformed, Refusal
from shared.timber import disclosure
from shared.timber.bodies import BODIES
from shared.timber.disclosure import BadDisclosure, Disclosure, DoesNotFit, SaidTwice, TooManyPrivate
from shared.timber.event import SD_SIZES, MalformedRecord, make_statement, parse_statement
from shared.timber.fields import MAX_TEXT
from shared.timber.norms.private import BadPrivateValue, PrivateFieldUnknown, load_private
from shared.tlog.canon import NotCanonical
from tests.build import COMMUNITY, a_record, an_entry
from tests.shared.test_format_examples import inside

SALTS = st.binary(min_size=16, max_size=16)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True)
TEXTS = st.text(st.characters(max_codepoint=0x52F, exclude_categories=("Cs", "Cc", "Cf", "Cn", "Co")), max_size=80).map(lambda text: unicodedata.normalize("NFC", text))  # fmt: skip
VALUES = TEXTS | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans()
SALE = {"lot": "L-1", "buyer": "comprador-1"}


def decoys() -> Iterator[str]:
    return (disclosure.digest_of(f"decoy-{n}") for n in itertools.count())


def a_sale(*fields: Disclosure) -> Any:
    """A record that commits to these fields."""
    return a_record("lot.sold", SALE, sd=disclosure.padded([one.digest for one in fields], decoys()))


# ---- one spelling


@given(SALTS, NAMES, VALUES)
def test_any_field_is_read_as_it_was_made(salt: bytes, name: str, value: Any) -> None:
    made = disclosure.make(salt, name, value)

    assert disclosure.read(made.text) == made
    assert (made.name, made.value, type(made.value)) == (name, value, type(value))
    array = json.loads(base64.urlsafe_b64decode(made.text + "=="))
    assert array == [base64.urlsafe_b64encode(salt).decode().rstrip("="), name, value]
    digest = hashlib.sha256(made.text.encode("ascii")).digest()
    assert made.digest == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@given(SALTS, NAMES, VALUES, SALTS, NAMES, VALUES)
def test_another_salt_name_or_value_is_another_digest(
    salt: bytes, name: str, value: Any, salt_2: bytes, name_2: str, value_2: Any
) -> None:
    assume((salt, name, value, type(value)) != (salt_2, name_2, value_2, type(value_2)))
    mine, other = disclosure.make(salt, name, value), disclosure.make(salt_2, name_2, value_2)
    record = a_sale(mine)

    disclosure.check_fits(record, [mine])
    with pytest.raises(DoesNotFit):
        disclosure.check_fits(record, [other])


@given(SALTS, NAMES, VALUES, st.data())
def test_no_changed_character_fits(salt: bytes, name: str, value: Any, data: st.DataObject) -> None:
    made = disclosure.make(salt, name, value)
    at = data.draw(st.integers(0, len(made.text) - 1))
    text = made.text[:at] + data.draw(st.characters(codec="ascii")) + made.text[at + 1 :]
    assume(text != made.text)

    with pytest.raises(Refusal):
        disclosure.check_fits(a_sale(made), [disclosure.read(text)])


def spelled(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


SALT = "AAAAAAAAAAAAAAAAAAAAAA"


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "ñ", spelled("{}"), spelled("[]"), spelled("null"), spelled(f'["{SALT}","driver"]'),
        spelled(f'["{SALT}","driver","a","b"]'), spelled(f'["{SALT}", "driver", "a"]'), spelled(f'["{SALT}","driver","a"]') + "=",
        spelled(f'["{SALT}","driver","a"]\n'), spelled(f'["{SALT}","driver","\\u0061"]'), spelled(f'["{SALT}","driver",1.5]'),
        spelled(f'["{SALT}","driver",null]'), spelled(f'["{SALT}","driver",["a"]]'), spelled(f'["{SALT}","driver",{{}}]'),
        spelled(f'["{SALT}","Driver","a"]'), spelled(f'["{SALT}","_sd","a"]'), spelled(f'["{SALT}","...","a"]'),
        spelled(f'["{SALT}","","a"]'), spelled(f'["{SALT}",7,"a"]'), spelled('["short","driver","a"]'),
        spelled('["AAAAAAAAAAAAAAAAAAAAAB","driver","a"]'), spelled('[1,"driver","a"]'),
        spelled(f'["{SALT}","driver",9007199254740992]'), spelled(f'["{SALT}","driver","e\u0301"]'),
        spelled(f'["{SALT}","driver","\u202e"]'), spelled(f'["{SALT}","driver","\ud800"]'),
        spelled(f'["{SALT}","driver","a"],"e":[1]'), spelled(f'["{SALT}","driver","{"a" * 4000}"]'),
    ],
)  # fmt: skip
def test_what_is_spelled_otherwise_is_refused(text: str) -> None:
    assert disclosure.read(spelled(f'["{SALT}","driver","a"]')).value == "a"
    with pytest.raises(Malformed) as refused:
        disclosure.read(text)
    assert refused.value.text("es") != refused.value.text("en")


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_whatever_the_text_only_a_refusal_comes_out(text: str) -> None:
    try:
        read = disclosure.read(text)
    except Refusal:
        return
    assert disclosure.make(base64.urlsafe_b64decode(read.salt + "=="), read.name, read.value) == read


@pytest.mark.parametrize("value", [None, 1.5, ["a"], {"a": "b"}, b"a", 2**53, "\x00", "e\u0301"])
def test_a_value_outside_the_profile_has_no_disclosure(value: Any) -> None:
    with pytest.raises((BadDisclosure, NotCanonical)):
        disclosure.make(bytes(16), "driver", value)


def test_a_salt_has_128_bits() -> None:
    with pytest.raises(ValueError, match="128"):
        disclosure.make(bytes(15), "driver", "a")


def test_a_refusal_does_not_repeat_what_it_refuses() -> None:
    for text in (spelled(f'["{SALT}","driver","Persona Uno", 1]'), spelled(f'["{SALT}","driver",["Persona Uno"]]')):
        with pytest.raises(Malformed) as refused:
            disclosure.read(text)
        assert "Persona" not in refused.value.text("es") + refused.value.text("en") + str(refused.value.facts())


# ---- the statement says nothing


@pytest.mark.parametrize(("fields", "size"), [(1, 4), (3, 4), (4, 4), (5, 8), (8, 8), (9, 16), (16, 16)])
def test_decoys_fill_up_to_one_of_three_sizes(fields: int, size: int) -> None:
    digests = [disclosure.make(bytes([n] * 16), f"name{n}", n).digest for n in range(fields)]

    sd = disclosure.padded(digests, decoys())

    assert len(sd) == size
    assert set(digests) < set(sd) or fields == size
    assert sd == sorted(sd)
    assert parse_statement(make_statement("lot.sold", COMMUNITY, "2026-01-01T00:00:00Z", SALE, sd=sd))["sd"] == sd


def test_more_than_sixteen_fields_are_refused() -> None:
    with pytest.raises(TooManyPrivate):
        disclosure.padded(["x"] * 17, decoys())


@pytest.mark.parametrize("count", [0, 1, 3, 5, 7, 9, 15, 17, 200])
def test_a_statement_whose_digests_are_not_filled_up_is_refused(count: int) -> None:
    digests = sorted(itertools.islice(decoys(), count))
    with pytest.raises(MalformedRecord):
        an_entry("lot.sold", SALE, sd=digests)
    assert an_entry("lot.sold", SALE, sd=sorted(itertools.islice(decoys(), 8)))


def test_a_record_without_private_fields_commits_to_nothing() -> None:
    plain = a_record("lot.sold", SALE | {"claim": 'dice "sd":["x"]'})

    assert disclosure.committed(plain) == []
    with pytest.raises(DoesNotFit):
        disclosure.check_fits(plain, [disclosure.make(bytes(16), "driver", "a")])


def test_a_name_is_said_once() -> None:
    one, two = (disclosure.make(bytes([n] * 16), "terms", f"condición {n}") for n in (1, 2))
    public = disclosure.make(bytes(16), "buyer", "comprador-2")
    record = a_sale(one, two, public)

    for fields in ([one, two], [one, one], [public]):
        with pytest.raises(SaidTwice):
            disclosure.check_fits(record, fields)
    disclosure.check_fits(record, [two])


# ---- against another implementation of RFC 9901


def a_jwk() -> JWK:
    return JWK.from_json(json.dumps(ECKey.generate_key("P-256").as_dict(private=True)))


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=16))
def test_another_implementation_takes_our_disclosures_and_passes_over_our_decoys(fields: dict[str, Any]) -> None:
    key = a_jwk()
    made = [disclosure.make(bytes([n] * 16), name, value) for n, (name, value) in enumerate(fields.items())]
    sd = disclosure.padded([one.digest for one in made], decoys())
    signed = JWS(json.dumps({"_sd": sd, "_sd_alg": "sha-256"}))
    signed.add_signature(key, protected=json.dumps({"alg": "ES256"}))
    presented = "~".join([signed.serialize(compact=True), *(one.text for one in made), ""])

    shown = SDJWTVerifier(presented, lambda *_: key).get_verified_payload()

    assert shown == fields


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=6))
def test_digests_of_another_implementation_are_those_we_compute(fields: dict[str, Any]) -> None:
    issued = SDJWTIssuer({SDObj(name): value for name, value in fields.items()}, a_jwk())

    texts = issued.sd_jwt_issuance.split("~")[1:-1]
    body = issued.sd_jwt_issuance.split(".")[1]
    payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert sorted(payload["_sd"]) == sorted(disclosure.digest_of(text) for text in texts)


# ---- what may be private


def test_every_private_field_is_of_types_that_exist_and_hides_nothing_that_is_public() -> None:
    table = load_private()
    assert {type_ for field in table.fields for type_ in field.types} <= BODIES.keys()
    for field in table.fields:
        for type_ in field.types:
            known = inside(BODIES[type_])
            assert field.name not in known["find"].__self__, (type_, field.name)
        assert field.kind in table.kinds
        assert field.source
        assert field.legal_review
        assert field.title_es != ""


def test_no_type_has_more_private_fields_than_a_record_can_carry() -> None:
    assert all(len(load_private().on(type_, "2026-01-01")) <= SD_SIZES[-1] for type_ in BODIES)


GOOD: dict[str, Any] = {
    "driver": "Persona Uno", "driver_document": "00000000", "plate": "ABC-123", "lat_e7": -125_000_000,
    "lon_e7": -690_000_000, "price_cents": 0, "currency": "PEN", "price_unit": "m3", "terms": "x" * MAX_TEXT,
    "phone": "+51900000000", "note": "Ñandú",
}  # fmt: skip


@pytest.mark.parametrize(
    ("type_", "name", "bad"),
    [
        ("guide.issued", "driver", ""), ("guide.issued", "driver", "x" * 161), ("guide.issued", "driver", 7),
        ("guide.issued", "driver", " a"), ("guide.departed", "driver_document", "no es un documento"),
        ("guide.departed", "plate", "abc-123"), ("guide.departed", "plate", True), ("tree.felled", "lat_e7", 900_000_001),
        ("tree.felled", "lat_e7", "-12.5"), ("tree.felled", "lon_e7", -1_800_000_001), ("tree.felled", "lat_e7", True),
        ("lot.sold", "price_cents", -1), ("lot.sold", "price_cents", "100"), ("lot.sold", "currency", "soles"),
        ("lot.sold", "price_unit", "troza"), ("lot.sold", "terms", "x" * 401), ("key.added", "phone", "llámame"),
        ("lot.composed", "note", ""),
    ],
)  # fmt: skip
def test_a_private_field_holds_what_its_table_says(type_: str, name: str, bad: Any) -> None:
    table = load_private()
    assert table.check(type_, "2026-01-01", name, GOOD[name]).name == name
    with pytest.raises(BadPrivateValue) as refused:
        table.check(type_, "2026-01-01", name, bad)
    assert not isinstance(bad, str) or len(bad) < 4 or bad not in refused.value.text("es") + refused.value.text("en")


@pytest.mark.parametrize(
    ("type_", "name"), [("lot.sold", "driver"), ("status.listed", "note"), ("lot.sold", "Persona Uno")]
)
def test_a_private_field_that_a_type_has_not_is_refused(type_: str, name: str) -> None:
    with pytest.raises(PrivateFieldUnknown) as refused:
        load_private().check(type_, "2026-01-01", name, "x")
    assert "Persona" not in refused.value.text("es")


def test_the_version_in_force_on_the_day_is_asked() -> None:
    table = load_private()
    later = table.fields[0].__class__(
        "driver", "person", "Conductor", "Driver", {"text": 5}, ["guide.issued"], "norm", "pending", "2030-01-01"
    )
    both = table.__class__(table.country, table.version, table.kinds, (*table.fields, later))

    assert both.check("guide.issued", "2029-12-31", "driver", "Persona Uno")
    with pytest.raises(BadPrivateValue):
        both.check("guide.issued", "2030-01-01", "driver", "Persona Uno")
    with pytest.raises(PrivateFieldUnknown):
        both.check("guide.departed", "2030-01-01", "driver", "Uno")
    assert both.check("guide.issued", "2000-01-01", "driver", "Persona Uno")
