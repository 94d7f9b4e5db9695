"""Where events may be sent: the address is resolved, judged, and only then connected to, so that no name leads inside."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from shared.refusal import Refusal

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
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

RESOLVE_S = 5.0


@dataclass(eq=False)
class BadDestination(Refusal):
    """Events are sent to https addresses that the whole world can reach, and to nothing else."""

    slug: ClassVar[str] = "bad-destination"
    es: ClassVar[str] = "A esa dirección no se envían avisos: {reason_es}."
    en: ClassVar[str] = "No events are sent to that address: {reason}."
    reason: str
    reason_es: str


NOT_HTTPS = BadDestination("it must begin with https://", "debe empezar con https://")
NOT_PLAIN = BadDestination(
    "it must be a host, a port and a path, without a user, a password or a fragment",
    "debe ser un servidor, un puerto y una ruta, sin usuario, contraseña ni fragmento",
)
INSIDE = BadDestination("it leads into a private network", "lleva a una red privada")
UNKNOWN = BadDestination("its name is not known", "su nombre no se conoce")


async def looked_up(host: str, port: int) -> list[Address]:
    """Every address the system knows for a name; none when it knows none."""
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]


@dataclass(slots=True, frozen=True)
class Destinations:
    """Which addresses count. On a laptop (`loopback`) a receiver on this machine does too, and may speak plain http."""

    loopback: bool
    look_up: Callable[[str, int], Awaitable[list[Address]]] = looked_up

    def check(self, url: str) -> SplitResult:
        """The parts of an address that can be one; BadDestination otherwise. Nothing is resolved."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise NOT_PLAIN from None
        if parts.scheme != "https" and not (self.loopback and parts.scheme == "http"):
            raise NOT_HTTPS
        if not host or parts.username is not None or parts.password is not None or "#" in url or "\\" in url:
            raise NOT_PLAIN
        if not url.isascii() or not url.isprintable() or " " in url:
            raise NOT_PLAIN
        return parts

    async def resolve(self, url: str) -> Address:
        """The address to connect to. Of a name with several, all must be allowed: one is as good as another to whoever
        set them. BadDestination when it has none or one that is not."""
        parts = self.check(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        addresses = await self.look_up(parts.hostname or "", port)
        if not addresses:
            raise UNKNOWN
        for address in addresses:
            if not reachable(address, loopback=self.loopback):
                raise INSIDE
            if parts.scheme == "http" and not address.is_loopback:
                raise NOT_HTTPS
        return addresses[0]


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
