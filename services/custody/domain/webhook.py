"""What a webhook says and how it is signed: Standard Webhooks 1.0.0, asymmetric signatures (`v1a`, Ed25519).

Each subscription has a signing key of its own, derived from the host key and the subscription's id, so that none is
stored and what one receiver can verify says nothing about another.
"""

import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.timber.event import Record

MEDIA_TYPE = "application/json"
AGENT = "Trozalog-Webhooks/1"
_INFO = b"trozalog/v1/webhook/"
# IANA IPv4 Special-Purpose Address Registry (RFC 6890) and multicast: what is not globally reachable. Written out, because
# the library's own judgement differs from one version of Python to the next.
_NOT_GLOBAL_V4 = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
# Of IPv6 only global unicast (RFC 4291, 2.4) but for protocol assignments and documentation (IANA registry of IPv6).
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_GLOBAL_V6 = tuple(ipaddress.IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "3fff::/20"))
# NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address; what they lead to is judged.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(slots=True, frozen=True)
class Pace:
    """How long things may take, in seconds. A burst and one answer together stay below the lease, so that nobody takes
    over while an answer is awaited. A failed event is tried again after `first_pause_s`, then twice that, and so on."""

    lease_s: float = 60.0
    burst_s: float = 30.0
    answer_s: float = 15.0
    connect_s: float = 5.0
    idle_s: float = 1.0
    first_pause_s: float = 5.0
    longest_pause_s: float = 3600.0
    give_up_s: float = 5 * 86_400.0


STEADY = Pace()


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


def verification_key(private: Ed25519PrivateKey) -> str:
    """The public half as receivers are shown it."""
    return "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()


def signature(private: Ed25519PrivateKey, id_: str, timestamp_s: int, payload: bytes) -> str:
    """The value of the header ``webhook-signature``: over ``id.timestamp.payload``."""
    signed = private.sign(f"{id_}.{timestamp_s}.".encode() + payload)
    return "v1a," + base64.b64encode(signed).decode()


def headers(privates: Sequence[Ed25519PrivateKey], sid: str, timestamp_s: int, payload: bytes) -> dict[str, str]:
    """The headers of one attempt. The id is the record's own, so it is the same however often it is sent. With several
    keys, the newest first: while a key changes, receivers who know the old one can still check."""
    return {
        "content-type": MEDIA_TYPE,
        "user-agent": AGENT,
        "webhook-id": sid,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signature(private, sid, timestamp_s, payload) for private in privates),
    }


def payload(origin: str, public_url: str, index: int, record: Record) -> bytes:
    """A thin event: that the record stands in the log, and where it is read with its proof."""
    data: dict[str, Any] = {
        "origin": origin, "index": index, "sid": record.sid, "actor": record.actor,
        "url": f"{public_url}/v1/records/{record.sid}",
    }  # fmt: skip
    return orjson.dumps({"type": record.type, "timestamp": record.time, "data": data})


def reachable(address: Address, *, loopback: bool) -> bool:
    """Whether an event may be sent to this address: only to what is globally reachable, and to this machine where
    development allows it."""
    inner = _inner(address)
    if inner.is_loopback:
        return loopback
    if isinstance(inner, ipaddress.IPv4Address):
        return not any(inner in net for net in _NOT_GLOBAL_V4)
    return inner in _UNICAST_V6 and not any(inner in net for net in _NOT_GLOBAL_V6)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    if address in _6TO4:
        return ipaddress.IPv4Address(address.packed[2:6])
    return address
