"""ML-DSA-44 (FIPS 204, pure, empty context) as c2sp.org/tlog-cosignature uses it: type 0x06, over a structure of its own.

A quantum computer that forges Ed25519 does not forge this. A signature is made with fresh randomness, so two over the
same message differ, and both are right.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from shared.tlog.checkpoint import Checkpoint
from shared.tlog.refusals import BadBytes

PUBLIC_KEY_BYTES = 1312
SIGNATURE_BYTES = 2420
_LABEL = b"subtree/v1\n\x00"


def cosigned_message(cosigner: str, timestamp: int, checkpoint: Checkpoint) -> bytes:
    """The `cosigned_message` of a whole tree (RFC 8446 section 3 presentation). Extension lines are not in it. BadBytes
    for a name or an origin of more than 255 bytes."""
    return b"".join(
        (
            _LABEL,
            _short(cosigner),
            timestamp.to_bytes(8, "big"),
            _short(checkpoint.origin),
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _short(text: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= 255:
        raise BadBytes("note", "key name of a note")
    return bytes([len(data)]) + data


def checked_key(raw: bytes) -> bytes:
    """The bytes given; BadBytes unless they are a public key."""
    if len(raw) != PUBLIC_KEY_BYTES:
        raise BadBytes("public key", "wrong length")
    return raw


def verify_mldsa44(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature is right. BadBytes for bytes that cannot be a key."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        MLDSA44PublicKey.from_public_bytes(checked_key(public_key)).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def private_key(seed: bytes) -> MLDSA44PrivateKey:
    """The key of a 32-byte seed (FIPS 204, algorithm 6)."""
    return MLDSA44PrivateKey.from_seed_bytes(seed)
