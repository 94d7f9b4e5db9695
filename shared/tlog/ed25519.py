"""Ed25519 as RFC 8032 means it, with the checks that OpenSSL leaves to its caller.

OpenSSL refuses S >= L, but takes as a public key any 32 bytes: points of small order, under which one signature
fits every message, other spellings of a point, and bytes that are no point at all.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.tlog.refusals import BadBytes

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ORDER_8_Y = int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little")
# The y of the eight points whose order divides the cofactor.
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _ORDER_8_Y, _P - _ORDER_8_Y})


@dataclass(eq=False)
class BadKey(BadBytes):
    """These bytes cannot serve as a public key."""

    slug: ClassVar[str] = "bad-key"


@lru_cache(maxsize=4096)
def load_public_key(raw: bytes) -> Ed25519PublicKey:
    """The key object of 32 bytes, remembered; BadKey unless they are a canonical point of large order."""
    if len(raw) != 32:
        raise BadKey("public key", "wrong length")
    encoded = int.from_bytes(raw, "little")
    y = encoded & (2**255 - 1)
    if y >= _P:
        raise BadKey("public key", "non-canonical key")
    if y in _SMALL_ORDER_Y:
        raise BadKey("public key", "small-order key")
    # x^2 = (y^2 - 1) / (d y^2 + 1) must be a square (Euler's criterion); x = 0 only at points refused above.
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if pow(x_squared, (_P - 1) // 2, _P) != 1:
        raise BadKey("public key", "not a point of the curve")
    return Ed25519PublicKey.from_public_bytes(raw)


def verify_ed25519(public_key: Ed25519PublicKey | bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature is right. A key given as bytes is loaded strictly (BadKey)."""
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= _L:
        return False
    key = load_public_key(public_key) if isinstance(public_key, bytes) else public_key
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
