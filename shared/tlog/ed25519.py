"""Ed25519 as RFC 8032 means it, in its strict form, by libsodium.

libsodium refuses S >= L and, as a public key, other spellings of a point and points of small order, under which one
signature fits every message; OpenSSL leaves those to its caller and takes about twice as long (docs/decisions/0005).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

from shared.tlog.refusals import BadBytes

KEY_BYTES = 32
SIGNATURE_BYTES = 64


@dataclass(eq=False)
class BadKey(BadBytes):
    """These bytes cannot serve as a public key."""

    slug: ClassVar[str] = "bad-key"


@lru_cache(maxsize=4096)
def checked_key(raw: bytes) -> bytes:
    """The 32 bytes given, remembered; BadKey unless they are a canonical point of the group that signatures use."""
    if len(raw) != KEY_BYTES:
        raise BadKey("public key", "wrong length")
    if not crypto_core_ed25519_is_valid_point(raw):
        raise BadKey("public key", "not a point to sign with")
    return raw


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature is right. BadKey for bytes that cannot be a key. Lets other threads run meanwhile."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, checked_key(public_key))
    except BadSignatureError:
        return False
    return True
