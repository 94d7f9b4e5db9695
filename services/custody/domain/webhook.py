"""What a webhook says of the log, and the key that signs it.

Each subscription has a signing key of its own, derived from the host key and the subscription's id, so that none is
stored and what one receiver can verify says nothing about another.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.timber.event import Record

_INFO = b"trozalog/v1/webhook/"


@dataclass(slots=True, frozen=True)
class Filter:
    """Which records a subscription is about; an empty one is about all."""

    org: str | None
    permit: str | None
    types: tuple[str, ...]

    @property
    def every(self) -> list[str]:
        """The names under which a record must be found."""
        named = (("org", self.org), ("permit", self.permit))
        return [f"{name}:{value}" for name, value in named if value is not None]


def signing_key(host: Ed25519PrivateKey, id_: UUID) -> Ed25519PrivateKey:
    """The key that signs for one subscription: HKDF-SHA256 (RFC 5869) of the host key, bound to its id."""
    derive = HKDF(SHA256(), length=32, salt=None, info=_INFO + id_.bytes)
    return Ed25519PrivateKey.from_private_bytes(derive.derive(host.private_bytes_raw()))


def payload(origin: str, public_url: str, index: int, record: Record) -> bytes:
    """A thin event: that the record stands in the log, and where it is read with its proof."""
    data: dict[str, Any] = {
        "origin": origin, "index": index, "sid": record.sid, "actor": record.actor,
        "url": f"{public_url}/v1/records/{record.sid}",
    }  # fmt: skip
    return orjson.dumps({"type": record.type, "timestamp": record.time, "data": data})
