"""How a post is signed: Standard Webhooks 1.0.0, asymmetric signatures (`v1a`, Ed25519)."""

import base64
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MEDIA_TYPE = "application/json"
AGENT = "Trozalog-Webhooks/1"


def verification_key(private: Ed25519PrivateKey) -> str:
    """The public half as receivers are shown it."""
    return "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()


def signature(private: Ed25519PrivateKey, id_: str, timestamp_s: int, payload: bytes) -> str:
    """The value of the header ``webhook-signature``: over ``id.timestamp.payload``."""
    signed = private.sign(f"{id_}.{timestamp_s}.".encode() + payload)
    return "v1a," + base64.b64encode(signed).decode()


def headers(privates: Sequence[Ed25519PrivateKey], id_: str, timestamp_s: int, payload: bytes) -> dict[str, str]:
    """The headers of one attempt. The id is what happened, so it is the same however often it is sent. With several
    keys, the newest first: while a key changes, receivers who know the old one can still check."""
    return {
        "content-type": MEDIA_TYPE,
        "user-agent": AGENT,
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signature(private, id_, timestamp_s, payload) for private in privates),
    }
