"""Who is signed in: one sealed cookie that holds the access token. Nothing is kept on this side.

The cookie is read by nobody but us, sent by no form of another site (SameSite=Lax), out of reach of scripts (HttpOnly),
and no good after the token's end. Forms carry a token of their own beside it.
"""

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from services.portal.sealing import Seal
from shared.refusal import NotAllowed, Refusal
from shared.tlog.encoding import from_base64url, to_base64url
from shared.web.auth import Caller
from shared.web.problems import HttpRefusal

PURPOSE = "session 1"
SEED_BYTES = 16
# RFC 6265, 6.1: what a browser must keep of one cookie, its name and attributes included.
LARGEST_COOKIE = 3900


@dataclass(eq=False)
class FormNotOurs(NotAllowed):
    """A form without the token of this session: sent by another site, or by a page of an older session."""

    slug: ClassVar[str] = "form-not-ours"
    es: ClassVar[str] = (
        "Este formulario no salió de su sesión actual; no se guardó nada. Ábralo de nuevo y repita el envío."
    )
    en: ClassVar[str] = "This form did not come from your present session; nothing was saved. Open it again and repeat."
    action: str = "form"
    reason: str = "token"


@dataclass(eq=False)
class TokenTooLong(HttpRefusal):
    """The provider's access token does not fit into a cookie."""

    status: ClassVar[int] = 502
    slug: ClassVar[str] = "token-too-long"
    es: ClassVar[str] = "El proveedor de identidad dio un token demasiado largo para una sesión de navegador."
    en: ClassVar[str] = "The identity provider gave a token that is too long for a browser session."


@dataclass(frozen=True)
class Session:
    """One signed-in person until ``expires`` (seconds of the epoch). ``seed`` is what the tokens of forms are made from."""

    token: str
    caller: Caller
    expires: int
    seed: bytes

    @property
    def sub(self) -> str:
        """The person, as the issuer names them."""
        return self.caller.sub

    @property
    def org(self) -> str:
        """The organisation they act for."""
        return self.caller.org

    @property
    def roles(self) -> frozenset[str]:
        """What they may do, as the access table reads it."""
        return self.caller.roles

    def form_token(self) -> str:
        """A token for one form. Drawn anew each time, or the length of compressed pages would tell it (BREACH)."""
        mask = secrets.token_bytes(SEED_BYTES)
        return to_base64url(mask + _xor(mask, self.seed))

    def wrote(self, form_token: object) -> bool:
        """Whether this token was made for this session."""
        try:
            data = from_base64url(str(form_token), "form", 2 * SEED_BYTES)
        except Refusal:
            return False
        return hmac.compare_digest(_xor(data[:SEED_BYTES], data[SEED_BYTES:]), self.seed)


class Sessions:
    """Reads and writes the cookie."""

    def __init__(self, seal: Seal, *, secure: bool) -> None:
        self._seal, self.secure = seal, secure
        # A browser takes the prefix from nobody but this host, over TLS (RFC 6265bis, 4.1.3.2).
        self.name = "__Host-trozalog" if secure else "trozalog"

    def of(self, request: Request) -> Session | None:
        """The session of this request; ``None`` without a cookie, with a broken one, or past its end."""
        known: Session | bool | None = request.scope.get("trozalog.session", False)
        if isinstance(known, bool):
            known = request.scope["trozalog.session"] = self._read(request.cookies.get(self.name))
        return known

    def _read(self, cookie: str | None) -> Session | None:
        content = None if cookie is None else self._seal.open(cookie, PURPOSE)
        if content is None:
            return None
        session = _session(content[SEED_BYTES:].decode(), content[:SEED_BYTES])
        return session if session.expires > time.time() else None

    def begin(self, response: Response, token: str) -> Session:
        """Sign in: ``token`` was verified a moment ago. A new seed, so no form of before counts."""
        seed = secrets.token_bytes(SEED_BYTES)
        session = _session(token, seed)
        lives_s = session.expires - int(time.time())
        sealed = self._seal.close(seed + token.encode(), PURPOSE)
        if len(sealed) > LARGEST_COOKIE:
            raise TokenTooLong()
        self.put(response, self.name, sealed, max(0, lives_s))
        return session

    def end(self, response: Response) -> None:
        """Sign out on this browser."""
        self.put(response, self.name, "", 0)

    def put(self, response: Response, name: str, value: str, lives_s: int) -> None:
        """A cookie of this site; a life of 0 takes it away."""
        response.set_cookie(name, value, max_age=lives_s, path="/", secure=self.secure, httponly=True, samesite="lax")


def _session(token: str, seed: bytes) -> Session:
    """What the token says; its signature was checked before it was sealed."""
    return Session(token, caller_in(token), int(_claims(token)["exp"]), seed)


def caller_in(token: str) -> Caller:
    """Who a token speaks of. Only for tokens whose signature somebody has checked."""
    claims = _claims(token)
    return Caller(claims["sub"], claims["org"], frozenset(claims["roles"]), claims.get("region"))


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = orjson.loads(from_base64url(token.split(".")[1], "token"))
    return claims


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
