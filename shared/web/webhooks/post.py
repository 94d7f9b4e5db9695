"""One signed post: to the address that was judged, once, and what the receiver made of it."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.web.webhooks.destination import Address
from shared.web.webhooks.signing import headers

LONGEST_ANSWER = 65_536  # bytes of an answer that are read, to keep the connection; what it says is not looked at
LONGEST_RETRY_AFTER_S = 86_400.0


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


class Undelivered(Exception):  # noqa: N818 - what a receiver did, kept for its owner to read
    """The receiver did not take the event."""

    def __init__(self, reason: str, *, gone: bool = False, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.gone, self.retry_after_s = reason, gone, retry_after_s


def client_of(tls: ssl.SSLContext, pace: Pace) -> httpx.AsyncClient:
    """A client of one burst alone: a connection made for one name is never used for another."""
    transport = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, retries=0)
    timeout = httpx.Timeout(pace.answer_s, connect=pace.connect_s)
    return httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)


async def post(
    client: httpx.AsyncClient, to: str, address: Address, keys: Sequence[Ed25519PrivateKey], id_: str, content: bytes,
    pace: Pace,
) -> None:  # fmt: skip
    """One event, signed with every key; Undelivered unless the answer is 2xx."""
    url = httpx.URL(to)
    signed = headers(keys, id_, int(time.time()), content) | {"host": url.netloc.decode()}
    # Connected to the address that was judged; the certificate must still be that of the name.
    extensions = {"sni_hostname": url.raw_host.decode()} if url.scheme == "https" else {}
    request = client.build_request(
        "POST", url.copy_with(host=str(address)), content=content, headers=signed, extensions=extensions
    )
    try:
        async with asyncio.timeout(pace.answer_s):
            response = await client.send(request, stream=True)
            try:
                await _drained(response)
            finally:
                await response.aclose()
    except TimeoutError:
        raise Undelivered(f"no answer within {pace.answer_s:g} s") from None
    except httpx.HTTPError as error:
        raise Undelivered(f"{type(error).__name__}: {error}"[:200]) from None
    _judge(response)


async def _drained(response: httpx.Response) -> None:
    """Reads a short answer to its end, so that the connection may be kept, and of a long one no more than it takes."""
    read = 0
    async for part in response.aiter_raw():
        read += len(part)
        if read > LONGEST_ANSWER:
            return


def _judge(response: httpx.Response) -> None:
    """Standard Webhooks 1.0.0, *Delivery success and failure*."""
    status = response.status_code
    if response.is_success:
        return
    if response.has_redirect_location or 300 <= status < 400:
        raise Undelivered(f"answered {status}; redirects are not followed")
    after = response.headers.get("retry-after", "")
    pause_s = min(float(after), LONGEST_RETRY_AFTER_S) if after.isdigit() and len(after) < 9 else 0.0
    raise Undelivered(f"answered {status}", gone=status == 410, retry_after_s=pause_s)
