"""Calls to another service of the house: short deadlines, no retries (those are the gateway's and the workers')."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx
import orjson

from shared.web import deadline
from shared.web.problems import HttpRefusal, Unavailable

CONNECT_S = 0.3
POOL_S = 0.2
DEADLINE_S = 3.0
LIMITS = httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=30.0)
# Statuses of another service that are true for our caller too; and those about a token, when it was the caller's own.
PASSED_ON = frozenset({404, 409, 413, 422})
PASSED_ON_TO_BEARER = PASSED_ON | {400, 401, 403, 415, 429}


@dataclass(eq=False)
class UpstreamDown(Unavailable):
    """The other service did not answer in time, or answered 5xx."""

    slug: ClassVar[str] = "upstream-down"


@dataclass(eq=False)
class AnswerTooLong(HttpRefusal):
    """The other service answers with more bytes than this call reads."""

    status: ClassVar[int] = 502
    slug: ClassVar[str] = "answer-too-long"
    es: ClassVar[str] = "La respuesta de {service} pasa de {limit_bytes} bytes."
    en: ClassVar[str] = "The answer of {service} is longer than {limit_bytes} bytes."
    service: str
    limit_bytes: int


@dataclass(eq=False)
class UpstreamRefused(HttpRefusal):
    """The other service said no; ``problem`` is what it said. Uncaught, the caller hears the same words."""

    es: ClassVar[str] = "{detail_es}"
    en: ClassVar[str] = "{detail_en}"
    service: str
    problem: dict[str, Any]
    passed_on: frozenset[int] = PASSED_ON

    @property
    def status(self) -> int:  # type: ignore[override]
        """The other's status when it concerns our caller, else 502."""
        given = self.problem.get("status", 502)
        return int(given) if given in self.passed_on else 502

    @property
    def slug(self) -> str:  # type: ignore[override]
        """The other's slug."""
        return str(self.problem.get("slug", "upstream-refused"))

    def facts(self) -> dict[str, Any]:
        return dict(self.problem.get("facts", {})) | {"service": self.service}

    def text(self, language: str) -> str:
        return str(self.problem.get(f"detail_{language}", self.slug))


class ServiceTokens:
    """An access token of this service itself, kept until a minute before it expires.

    Client credentials as a form, the one way every provider reads (RFC 6749, 4.4.2).
    """

    def __init__(self, client: httpx.AsyncClient, url: str, client_id: str, client_secret: str) -> None:
        self._client, self._url = client, url
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        self._token, self._until = "", 0.0
        self._one_at_a_time = asyncio.Lock()

    async def token(self) -> str:
        """The token; one request to the issuer however many ask. ``UpstreamDown`` when it does not answer."""
        async with self._one_at_a_time:
            if time.monotonic() >= self._until:
                await self._renew()
        return self._token

    async def _renew(self) -> None:
        try:
            response = await self._client.post(self._url, data=self._form)
        except httpx.HTTPError as error:
            raise UpstreamDown("issuer") from error
        if response.status_code != 200:
            raise UpstreamDown("issuer")
        try:
            answer = orjson.loads(response.content)
            token, lives_s = answer["access_token"], float(answer.get("expires_in", 60))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UpstreamDown("issuer") from error
        if not isinstance(token, str):
            raise UpstreamDown("issuer")
        self._token, self._until = token, time.monotonic() + max(lives_s - 60, 1)


@dataclass(frozen=True)
class GivenToken:
    """The token of the person a call is made for."""

    given: str

    async def token(self) -> str:
        """That token."""
        return self.given


class ServiceClient:
    """JSON over HTTP to one service. Every call has one total deadline, never above what the request has left."""

    def __init__(
        self,
        service: str,
        http: httpx.AsyncClient,
        tokens: ServiceTokens | GivenToken | None = None,
        command_key: str = "",
    ) -> None:
        self.service, self.http, self._tokens, self._command_key = service, http, tokens, command_key
        self._passed_on = PASSED_ON_TO_BEARER if isinstance(tokens, GivenToken) else PASSED_ON

    def bearing(self, token: str, command_key: str = "") -> "ServiceClient":
        """The same way to the service for somebody else: calls carry their token, and what is said of it is theirs. With
        ``command_key`` every POST is that one command: sent again, a service that reads the key answers as it did first."""
        return ServiceClient(self.service, self.http, GivenToken(token), command_key)

    async def get(self, path: str, *, deadline_s: float = DEADLINE_S, **query: str | int) -> Any:
        """The decoded answer, ``UpstreamRefused`` for its problems, ``UpstreamDown`` for silence and 5xx."""
        return await self._call("GET", path, deadline_s, params=query or None)

    async def post(self, path: str, body: Any, *, deadline_s: float = 5.0, media_type: str = "application/json") -> Any:
        """As ``get``. Bytes are sent as they are; anything else as JSON."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"content-type": media_type} | ({"idempotency-key": self._command_key} if self._command_key else {})
        return await self._call("POST", path, deadline_s, content=content, headers=headers)

    async def delete(self, path: str, *, deadline_s: float = 5.0) -> None:
        """As ``get``, without an answer."""
        await self._send("DELETE", path, deadline_s)

    async def raw(self, path: str, *, deadline_s: float = DEADLINE_S, at_most: int | None = None) -> bytes:
        """The bytes of an answer, unread: what is verified or downloaded. ``AnswerTooLong`` past ``at_most`` bytes."""
        return await self._send("GET", path, deadline_s, at_most=at_most)

    async def raw_of(self, path: str, content: bytes, media_type: str, *, deadline_s: float) -> bytes:
        """The bytes of the answer to a file that is sent, unread."""
        return await self._send("POST", path, deadline_s, content=content, headers={"content-type": media_type})

    async def _call(self, method: str, path: str, deadline_s: float, **more: Any) -> Any:
        content = await self._send(method, path, deadline_s, **more)
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise UpstreamDown(self.service) from error

    async def _send(
        self,
        method: str,
        path: str,
        deadline_s: float,
        *,
        headers: Mapping[str, str] | None = None,
        at_most: int | None = None,
        **more: Any,
    ) -> bytes:
        own, left_s = {"x-request-id": deadline.request_id.get(), **(headers or {})}, deadline.left_s(deadline_s)
        # The deadline alone bounds the waiting: a bundle may take custody longer than a client waits for an answer's start.
        known = self.http.timeout
        bounds = httpx.Timeout(connect=known.connect, read=left_s, write=left_s, pool=known.pool)
        try:
            async with asyncio.timeout(left_s):
                if self._tokens is not None:
                    own["authorization"] = f"Bearer {await self._tokens.token()}"
                async with self.http.stream(method, path, headers=own, timeout=bounds, **more) as response:
                    content = await self._read(response, at_most)
        except (httpx.HTTPError, TimeoutError) as error:
            raise UpstreamDown(self.service) from error
        if response.status_code >= 500:
            raise UpstreamDown(self.service)
        if response.status_code >= 400:
            raise UpstreamRefused(self.service, _problem(response.status_code, content), self._passed_on)
        return content

    async def _read(self, response: httpx.Response, at_most: int | None) -> bytes:
        """The whole body; of one that is too long no more than it takes to know."""
        if at_most is None:
            return await response.aread()
        parts, read = [], 0
        async for part in response.aiter_bytes():
            parts.append(part)
            read += len(part)
            if read > at_most:
                raise AnswerTooLong(self.service, at_most)
        return b"".join(parts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()


def _problem(status: int, content: bytes) -> dict[str, Any]:
    try:
        problem = orjson.loads(content)
    except orjson.JSONDecodeError:
        problem = None
    return problem if isinstance(problem, dict) else {"status": status, "slug": "upstream-refused"}


def http_client(
    base_url: str, uds: Path | None = None, read_s: float = 10.0, connect_s: float = CONNECT_S
) -> httpx.AsyncClient:
    """An httpx client over a Unix socket or TCP, with bounds on connecting, waiting and pooling; no proxy, no retries."""
    transport = httpx.AsyncHTTPTransport(uds=None if uds is None else str(uds), limits=LIMITS, trust_env=False)
    timeout = httpx.Timeout(connect=connect_s, read=read_s, write=read_s, pool=POOL_S)
    return httpx.AsyncClient(base_url=base_url, transport=transport, timeout=timeout, trust_env=False)


def service_client(
    service: str, base_url: str, uds: Path | None = None, tokens: ServiceTokens | None = None
) -> ServiceClient:
    """A client of one of our services; close it with ``async with`` or ``client.http.aclose()``."""
    return ServiceClient(service, http_client(base_url, uds), tokens)
