"""Where events may be sent: the address is resolved, judged, and only then connected to, so that no name leads inside."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from services.custody.domain.webhook import Address, reachable
from shared.refusal import Refusal

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
