"""Keys and signatures that OpenSSL would take and we do not."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.ed25519 import BadKey, checked_key, verify_ed25519

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
SMALL = {
    "identity": (1).to_bytes(32, "little"),
    "order 2": (P - 1).to_bytes(32, "little"),
    "order 4": bytes(32),
    "order 4, other sign": bytes(31) + b"\x80",
    "order 8": ORDER_8,
    "order 8, other sign": ORDER_8[:31] + b"\xfa",
    "order 8, other y": (P - int.from_bytes(ORDER_8, "little")).to_bytes(32, "little"),
    "order 8, other y and sign": (P - int.from_bytes(ORDER_8, "little") + 2**255).to_bytes(32, "little"),
    "identity, sign of zero": (1 + 2**255).to_bytes(32, "little"),
}


def a_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@given(st.binary(max_size=50))
def test_a_right_signature_is_right_only_over_its_message(message: bytes) -> None:
    key = a_key()
    signature = key.sign(message)
    raw = key.public_key().public_bytes_raw()

    assert verify_ed25519(raw, signature, message)
    assert not verify_ed25519(raw, signature, message + b"x")


@pytest.mark.parametrize("name", SMALL)
def test_keys_of_small_order_are_refused(name: str) -> None:
    with pytest.raises(BadKey) as refused:
        checked_key(SMALL[name])
    assert refused.value.reason == "not a point to sign with"


def test_openssl_alone_would_let_the_identity_sign_anything() -> None:
    forged = SMALL["identity"] + bytes(32)
    Ed25519PublicKey.from_public_bytes(SMALL["identity"]).verify(forged, b"any message")
    with pytest.raises(BadKey):
        verify_ed25519(SMALL["identity"], forged, b"any message")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (P.to_bytes(32, "little"), "not a point to sign with"),
        ((P + 1).to_bytes(32, "little"), "not a point to sign with"),
        (b"\xff" * 32, "not a point to sign with"),
        ((2).to_bytes(32, "little"), "not a point to sign with"),
        (bytes(31), "wrong length"),
        (bytes(33), "wrong length"),
    ],
)
def test_bytes_that_are_no_key_are_refused(raw: bytes, why: str) -> None:
    with pytest.raises(BadKey) as refused:
        checked_key(raw)
    assert refused.value.reason == why


@given(st.binary(min_size=32, max_size=32))
def test_every_key_that_a_seed_makes_is_accepted(seed: bytes) -> None:
    raw = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert checked_key(raw) == raw


def test_the_same_signature_with_s_plus_l_is_refused() -> None:
    key = a_key()
    signature = key.sign(b"x")
    s = int.from_bytes(signature[32:], "little")
    for other in (s + L, s + 2 * L, L):
        assert not verify_ed25519(
            key.public_key().public_bytes_raw(), signature[:32] + other.to_bytes(32, "little"), b"x"
        )


def test_a_signature_of_another_length_is_refused() -> None:
    key = a_key()
    signature = key.sign(b"x")
    for wrong in (b"", signature[:63], signature + b"\0"):
        assert not verify_ed25519(key.public_key().public_bytes_raw(), wrong, b"x")


def test_every_bit_of_a_signature_counts() -> None:
    key = a_key()
    signature = key.sign(b"x")
    for bit in range(512):
        wrong = bytearray(signature)
        wrong[bit // 8] ^= 1 << bit % 8
        assert not verify_ed25519(key.public_key().public_bytes_raw(), bytes(wrong), b"x")


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=60), st.integers(0, 511))
def test_openssl_agrees_on_good_signatures_and_on_one_changed_bit(seed: bytes, message: bytes, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    raw, signature = key.public_key().public_bytes_raw(), key.sign(message)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8

    for candidate in (signature, bytes(changed)):
        try:
            key.public_key().verify(candidate, message)
            theirs = True
        except InvalidSignature:
            theirs = False
        assert verify_ed25519(raw, candidate, message) is theirs
