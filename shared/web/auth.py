"""Who is calling: ES256 access tokens (RFC 9068) of one issuer, verified again in every service."""

import asyncio
import math
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from joserfc.jws import JWSRegistry

from shared.web.problems import TokenExpired, TokenInvalid, Unavailable

SKEW_S = 30
CACHED_TOKENS = 2048
# A published key set is asked for again after this long; a key the issuer withdrew stops counting then.
FRESH_S = 30.0
# An unknown key id, or a silent issuer, is worth another question only this often.
AGAIN_S = 1.0
# How long somebody with a known key waits for a slow issuer before the last key set has to do.
PATIENCE_S = 0.3
# While the issuer is silent the last key set counts this long, as long as a token lives and a little more.
STALE_S = 900.0
# RFC 9068, 2.1: the media type, with or without its first half; types are compared without case (RFC 6838, 4.2).
TYPES = frozenset({"at+jwt", "application/at+jwt"})
_REGISTRY = JWSRegistry(algorithms=["ES256"])


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or machine behind a request, as the issuer vouches for it."""

    sub: str
    org: str
    roles: frozenset[str]
    region: str | None = None


class KeySource(Protocol):
    """Where the issuer's public keys come from."""

    async def key(self, kid: str) -> ECKey | None:
        """The key of this id, or ``None`` when the issuer does not publish it."""
        ...


class StaticJwks:
    """A key set given once: tests, and a process that holds the issuer itself."""

    def __init__(self, jwks: dict[str, Any]) -> None:
        self._keys = _by_kid(jwks)

    async def key(self, kid: str) -> ECKey | None:
        return self._keys.get(kid)


class HttpJwks:
    """The issuer's published key set, kept 30 s, fetched by one task at a time.

    An unknown key id asks again at most once a second, so a rotated key works at once and a flood of invented ids
    costs nothing. A slow or silent issuer does not slow those whose key is known: the last set counts for 15 minutes.
    After that, or without any set, 503.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        *,
        fresh_s: float = FRESH_S,
        again_s: float = AGAIN_S,
        stale_s: float = STALE_S,
    ) -> None:
        self._client, self._url = client, url
        self._fresh_s, self._again_s, self._stale_s = fresh_s, again_s, stale_s
        self._keys: dict[str, ECKey] = {}
        self._fetched_at = self._next_try_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> ECKey | None:
        known, age = kid in self._keys, time.monotonic() - self._fetched_at
        if not known or age > self._fresh_s:
            fetching = self._refresh()
            if fetching is not None:
                await asyncio.wait({fetching}, timeout=PATIENCE_S if known and age <= self._stale_s else None)
        if time.monotonic() - self._fetched_at > self._stale_s:
            raise Unavailable("issuer")
        return self._keys.get(kid)

    def _refresh(self) -> asyncio.Task[None] | None:
        """The fetch that runs, or a new one unless the last was a moment ago."""
        if self._fetching is None and time.monotonic() >= self._next_try_at:
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        pause_s = self._again_s
        try:
            response = await self._client.get(self._url)
            response.raise_for_status()
            self._keys = _by_kid(orjson.loads(response.content))
            self._fetched_at = time.monotonic()
        except (httpx.HTTPError, JoseError, AttributeError, KeyError, TypeError, ValueError):
            pause_s *= 5
        finally:
            self._next_try_at = time.monotonic() + pause_s
            self._fetching = None


def _by_kid(jwks: dict[str, Any]) -> dict[str, ECKey]:
    keys = KeySet.import_key_set({"keys": [k for k in jwks["keys"] if k.get("kty") == "EC" and "kid" in k]})
    return {key.kid: key for key in keys.keys if isinstance(key, ECKey) and key.curve_name == "P-256" and key.kid}


class TokenVerifier:
    """Turns a bearer token into a ``Caller`` or refuses with 401."""

    def __init__(self, keys: KeySource, issuer: str, audience: str) -> None:
        self._keys, self._issuer, self._audience = keys, issuer, audience
        self._seen: OrderedDict[str, tuple[str, ECKey, float, Caller]] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller of this token. Under the same fetched key set a token's signature is checked once."""
        seen = self._seen.get(token)
        kid = seen[0] if seen is not None else _kid(token)
        key = await self._keys.key(kid)
        if key is None:
            raise TokenInvalid("unknown key")
        if seen is not None and seen[1] is key:
            if time.time() > seen[2] + SKEW_S:
                raise TokenExpired()
            return seen[3]
        claims = _claims(token, key)
        caller, expires = self._check(claims)
        self._remember(token, (kid, key, expires, caller))
        return caller

    def _remember(self, token: str, entry: tuple[str, ECKey, float, Caller]) -> None:
        self._seen[token] = entry
        if len(self._seen) > CACHED_TOKENS:
            self._seen.popitem(last=False)

    def _check(self, claims: dict[str, Any]) -> tuple[Caller, float]:
        now = time.time()
        expires = _seconds(claims, "exp")
        # RFC 9068 asks for no ``nbf``; one that is there counts.
        not_before = _seconds(claims, "nbf") if "nbf" in claims else 0.0
        if claims.get("iss") != self._issuer:
            raise TokenInvalid("another issuer")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenInvalid("another audience")
        if now > expires + SKEW_S:
            raise TokenExpired()
        if now < not_before - SKEW_S:
            raise TokenInvalid("not valid yet")
        return _caller(claims), expires


def _caller(claims: dict[str, Any]) -> Caller:
    sub, org, roles, region = claims.get("sub"), claims.get("org"), claims.get("roles"), claims.get("region")
    if not (isinstance(sub, str) and sub and isinstance(org, str) and org):
        raise TokenInvalid("no subject or organisation")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise TokenInvalid("no roles")
    return Caller(sub, org, frozenset(roles), region if isinstance(region, str) else None)


def _claims(token: str, key: ECKey) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, key, registry=_REGISTRY).claims)
    except (JoseError, ValueError) as error:
        raise TokenInvalid("signature or form") from error


def _kid(token: str) -> str:
    """The key id of an untrusted header, after refusing what no token of ours can be."""
    if len(token) > 4096 or token.count(".") != 2:
        raise TokenInvalid("form")
    try:
        header = orjson.loads(urlsafe_b64decode(token.split(".", 1)[0] + "=="))
    except ValueError as error:
        raise TokenInvalid("form") from error
    if not isinstance(header, dict) or header.get("alg") != "ES256":
        raise TokenInvalid("algorithm")
    if str(header.get("typ")).lower() not in TYPES:
        raise TokenInvalid("type")
    if "crit" in header:
        raise TokenInvalid("critical extension")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenInvalid("no key id")
    return kid


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TokenInvalid(f"no {name}")
    return float(value)
