"""Signing in at any OpenID Connect provider: the authorisation code flow with PKCE (RFC 6749, 7636; OpenID Connect Core 3.1)."""

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

import httpx
import orjson

from services.portal.sealing import Seal
from shared.refusal import Refusal
from shared.tlog.encoding import from_base64url, to_base64url
from shared.web.auth import TokenVerifier
from shared.web.client import UpstreamDown
from shared.web.problems import HttpRefusal, Unauthenticated

PURPOSE = "sign-in 1"
PATIENCE_S = 600  # how long somebody may look for their password
SKEW_S = 60
OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}")


@dataclass(eq=False)
class SignInFailed(HttpRefusal):
    """The way back from the provider does not fit the way there."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "sign-in-failed"
    es: ClassVar[str] = "No se pudo ingresar: {reason_es}. Empiece de nuevo en {address}."
    en: ClassVar[str] = "Signing in failed: {reason}. Begin again at {address}."
    reason: str
    reason_es: str
    address: str


@dataclass(eq=False)
class NoSignIn(HttpRefusal):
    """This server has no identity provider for browsers."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "no-sign-in"
    es: ClassVar[str] = "Este servidor no tiene configurado el ingreso por navegador."
    en: ClassVar[str] = "This server is not set up for signing in with a browser."


def own_path(asked: str) -> str:
    """Where to go afterwards: a path of ours as it stands, the first page for anything else."""
    return asked if OWN_PATH.fullmatch(asked) else "/"


@dataclass(frozen=True)
class Provider:
    """Where people sign in, and as whom we ask. Without a secret we are a public client, which PKCE allows."""

    issuer: str
    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str | None
    public_url: str
    logout_url: str = ""

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to; it must know exactly this address."""
        return f"{self.public_url}/login/done"

    def after_logout(self) -> str:
        """Where signing out leads: to the provider's own page, which comes back, or straight to ours."""
        back = {"client_id": self.client_id, "post_logout_redirect_uri": f"{self.public_url}/"}
        return f"{self.logout_url}?{urlencode(back)}" if self.logout_url else "/"


class SignIn:
    """Begins and ends one sign-in; what has to be remembered in between travels sealed in a short-lived cookie."""

    def __init__(self, provider: Provider, http: httpx.AsyncClient, verifier: TokenVerifier, seal: Seal) -> None:
        self.provider, self._http, self._verifier, self._seal = provider, http, verifier, seal

    def begin(self, to: str, language: str) -> tuple[str, str]:
        """The address of the provider's page, and the sealed memory of having asked."""
        state, nonce, code_verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = to_base64url(hashlib.sha256(code_verifier.encode()).digest())
        asked = {
            "response_type": "code", "client_id": self.provider.client_id, "redirect_uri": self.provider.redirect_uri,
            "scope": "openid", "state": state, "nonce": nonce, "code_challenge": challenge,
            "code_challenge_method": "S256", "ui_locales": language,
        }  # fmt: skip
        memory = {"state": state, "nonce": nonce, "verifier": code_verifier, "to": to, "at": int(time.time())}
        joint = "&" if "?" in self.provider.authorize_url else "?"
        return (
            f"{self.provider.authorize_url}{joint}{urlencode(asked)}",
            self._seal.close(orjson.dumps(memory), PURPOSE),
        )

    async def finish(self, memory: str | None, state: str, code: str, issuer: str | None) -> tuple[str, str]:
        """The verified access token, and where the person wanted to go. ``SignInFailed`` for anything that does not fit."""
        kept = self._remembered(memory)
        if not hmac.compare_digest(kept["state"].encode(), state.encode()):
            raise self._failed("it was begun in another window", "se empezó en otra ventana")
        if issuer is not None and issuer != self.provider.issuer:  # RFC 9207
            raise self._failed("another issuer answered", "respondió otro emisor")
        answer = await self._exchange(code, kept["verifier"])
        self._check_identity(answer.get("id_token"), kept["nonce"])
        token = answer.get("access_token")
        if not isinstance(token, str):
            raise self._failed("no access token came", "no llegó ningún token de acceso")
        try:
            await self._verifier.verify(token)
        except Unauthenticated as error:
            raise self._failed(error.text("en"), error.text("es")) from error
        return token, own_path(kept["to"])

    def _remembered(self, memory: str | None) -> dict[str, Any]:
        content = None if memory is None else self._seal.open(memory, PURPOSE)
        kept = None if content is None else orjson.loads(content)
        if kept is None or kept["at"] < time.time() - PATIENCE_S:
            raise self._failed(
                "it was begun in another browser, at another address, or too long ago",
                "se empezó en otro navegador, en otra dirección o hace demasiado tiempo",
            )
        return dict(kept)

    async def _exchange(self, code: str, code_verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.provider.redirect_uri,
            "client_id": self.provider.client_id, "code_verifier": code_verifier,
        }  # fmt: skip
        if self.provider.client_secret:
            form["client_secret"] = self.provider.client_secret
        try:
            response = await self._http.post(self.provider.token_url, data=form)
        except httpx.HTTPError as error:
            raise UpstreamDown("issuer") from error
        if response.status_code >= 500:
            raise UpstreamDown("issuer")
        if response.status_code != 200:
            raise self._failed("the code did not count", "el código no valió")
        try:
            answer = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise UpstreamDown("issuer") from error
        return answer if isinstance(answer, dict) else {}

    def _check_identity(self, id_token: object, nonce: str) -> None:
        """Issuer, audience, end and nonce. It came straight from the provider over a channel that names it, which stands
        for its signature (OpenID Connect Core, 3.1.3.7, item 6); what counts later is the access token's."""
        try:
            claims = orjson.loads(from_base64url(str(id_token).split(".")[1], "id_token"))
            audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
            good = (
                claims["iss"] == self.provider.issuer
                and self.provider.client_id in audience
                and claims["exp"] > time.time() - SKEW_S
                and hmac.compare_digest(str(claims["nonce"]), nonce)
            )
        except (Refusal, IndexError, KeyError, TypeError, ValueError):
            good = False
        if not good:
            raise self._failed("the identity token does not fit", "el token de identidad no corresponde")

    def _failed(self, reason: str, reason_es: str) -> SignInFailed:
        return SignInFailed(reason, reason_es, self.provider.public_url)
