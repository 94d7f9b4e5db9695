"""Commitments: the salted hash by which the log knows a contract or a settlement (docs/format.md, section 6.6)."""

import hashlib
import hmac
from typing import Final

SALT_BYTES: Final = 32
_DOMAIN = b"trozalog/v1/commitment\n"


def commitment_of(salt: bytes, document: bytes) -> str:
    """What the log holds of a document, under a salt of 32 bytes that nobody can guess. ``ValueError`` for another length."""
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 256 bits")
    return hashlib.sha256(_DOMAIN + salt + document).hexdigest()


def opens(commitment: str, salt: bytes, document: bytes) -> bool:
    """Whether this salt and this document are what a commitment was made of."""
    return len(salt) == SALT_BYTES and hmac.compare_digest(commitment_of(salt, document), commitment)
