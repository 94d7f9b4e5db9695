"""Authorisation codes of the development issuer: what a browser asks for, and codes that count once and for a minute
(RFC 6749, 4.1; RFC 7636 with S256 and nothing else).
"""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.refusal import Refusal
from shared.tlog.encoding import from_base64url, to_base64url
from shared.web.problems import HttpRefusal

CODE_LIVES_S = 60
MOST_CODES = 1000


class Asked(BaseModel):
    """An authorisation request."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    response_type: Literal["code"]
    client_id: str = Field(max_length=80)
    redirect_uri: str = Field(max_length=500)
    scope: str = Field(max_length=200)
    state: str = Field(min_length=16, max_length=500)
    nonce: str = Field(min_length=16, max_length=500)
    code_challenge: str = Field(min_length=43, max_length=43)
    code_challenge_method: Literal["S256"]
    ui_locales: str = Field(default="", max_length=80)


@dataclass(eq=False)
class RequestRefused(HttpRefusal):
    """Somebody was sent here with a request that must not be followed; nobody is sent on (RFC 6749, 4.1.2.1)."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "authorization-request-refused"
    es: ClassVar[str] = "La petición de ingreso no se acepta: {where}."
    en: ClassVar[str] = "The sign-in request is not accepted: {where}."
    where: str


@dataclass(eq=False)
class CodeRefused(HttpRefusal):
    """The code is unknown, used, too old, or was given to somebody else; which of these is not said."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "code-refused"
    es: ClassVar[str] = "El código no vale."
    en: ClassVar[str] = "The code does not count."


def asked_for(given: Mapping[str, str], clients: Mapping[str, str]) -> Asked:
    """The request, when it is whole and its client may be answered at exactly this address."""
    try:
        asked = Asked.model_validate(dict(given))
    except ValidationError as error:
        raise RequestRefused(".".join(str(part) for part in error.errors()[0]["loc"])) from None
    if clients.get(asked.client_id) != asked.redirect_uri:
        raise RequestRefused("redirect_uri")
    if "openid" not in asked.scope.split():
        raise RequestRefused("scope")
    try:
        from_base64url(asked.code_challenge, "code_challenge", 32)
    except Refusal:
        raise RequestRefused("code_challenge") from None
    return asked


@dataclass(frozen=True)
class Given:
    """Whom a code was given for, on which request, until when."""

    name: str
    asked: Asked
    until: float


class Codes:
    """Codes that were given and not yet used. In memory: after a restart people sign in again."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, Given] = OrderedDict()

    def give(self, name: str, asked: Asked) -> str:
        """A code for this person; past a thousand open ones the oldest no longer counts."""
        code = secrets.token_urlsafe(32)
        self._given[code] = Given(name, asked, time.monotonic() + CODE_LIVES_S)
        if len(self._given) > MOST_CODES:
            self._given.popitem(last=False)
        return code

    def use(self, code: str, client_id: str, redirect_uri: str, code_verifier: str) -> Given:
        """Whom it was given for. Any question uses the code up, also a wrong one."""
        given = self._given.pop(code, None)
        challenge = to_base64url(hashlib.sha256(code_verifier.encode()).digest())
        if (
            given is None
            or given.until < time.monotonic()
            or given.asked.client_id != client_id
            or given.asked.redirect_uri != redirect_uri
            or not hmac.compare_digest(challenge, given.asked.code_challenge)
        ):
            raise CodeRefused()
        return given
