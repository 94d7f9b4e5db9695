"""The identity provider of a laptop: users and machines of the sample data, ES256 access tokens of ten minutes, and the
authorisation code flow with PKCE for the portal.

In production any OIDC provider takes its place (docs/operate.md); this one refuses to start there.
"""

import asyncio
import hashlib
import hmac
import os
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from deploy.codes import Asked as CodeAsked
from deploy.codes import Codes, Given, asked_for
from deploy.secret_files import write_secret
from deploy.sign_in_page import PAGE_POLICY, page
from shared.refusal import Malformed
from shared.web import strict_json
from shared.web.access import Table
from shared.web.app import Router, make_app
from shared.web.language import Language, preferred
from shared.web.problems import TooManyAttempts, Unauthenticated
from shared.web.runtime import command_settings, serve
from shared.web.settings import ServiceSettings
from shared.web.telemetry import start_logging

LIFETIME_S = 600
# A person at the portal fills in forms; the portal's session lives as long as its token.
SESSION_S = 3600
PORTAL = "portal"
WRONG_PER_MINUTE = 10
WATCHED_NAMES = 10_000
# RFC 7914 cost for passwords; secrets of machines are 192 random bits, for which one hash is enough.
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 2**26, "dklen": 32}
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
REGION = "madre-de-dios"
# Where an officer may act; ``*`` is the whole country, and without the claim nowhere.
REGIONS = {"authority": REGION, "supervisor": "*"}
PEOPLE: tuple[tuple[str, str, str], ...] = (
    ("comunidad", "manager", "comunidad-a"),
    ("promotora", "member", "comunidad-a"),
    ("regente", "regent", "regencia-1"),
    ("autoridad", "authority", "gerfor-md"),
    ("autoridad2", "authority", "gerfor-md"),
    ("supervisor", "supervisor", "osinfor-md"),
    ("certificadora", "certifier", "cert-1"),
    ("auditor", "auditor", "auditoria-1"),
    ("comprador", "company", "aserradero-1"),
    ("operador", "operator", "plataforma"),
)
MACHINES: tuple[tuple[str, str, str], ...] = (
    ("permits-service", "service", "plataforma"),
    # Speaks for the operator: what it says of a published book is signed with the key custody holds for that organisation.
    ("contracts-service", "service", "trozalog"),
    ("demo-machine", "machine", "comunidad-a"),
)
ACCESS: Table = {name: {"public": "any"} for name in ("issue_token", "published_keys", "show_sign_in", "take_sign_in")}


class Login(BaseModel):
    """One user or machine as kept on disk. ``secret`` is salt and hash, hex; never the password."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    sub: str
    org: str
    roles: list[str]
    region: str | None = None
    kind: Literal["person", "machine"]
    secret: str


def make_logins(path: Path, chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make the logins that are missing from ``path`` and answer their secrets, which are shown once and not kept.

    ``chosen`` gives the secret of a name that is decided elsewhere. May be repeated: what exists is not touched.
    """
    logins = read_logins(path) if path.exists() else {}
    made: dict[str, str] = {}
    for kind, table in (("person", PEOPLE), ("machine", MACHINES)):
        for name, role, org in table:
            if name not in logins:
                made[name] = (chosen or {}).get(name) or (new_password() if kind == "person" else secrets.token_hex(24))
                logins[name] = _login(kind, name, role, org, made[name])
    if made:
        write_secret(path, orjson.dumps([login.model_dump() for login in logins.values()], option=2).decode())
    return made


def _login(kind: str, name: str, role: str, org: str, secret: str) -> Login:
    # Records name people by this, so it must not be guessable from who they are.
    sub = name if kind == "machine" else f"u-{secrets.token_hex(6)}"
    region = REGIONS.get(role)
    salt = secrets.token_bytes(16)
    kept = f"{salt.hex()}:{_hash(kind, secret, salt).hex()}"
    return Login.model_validate(
        {"name": name, "sub": sub, "org": org, "roles": [role], "region": region, "kind": kind, "secret": kept}
    )


def new_password() -> str:
    """Four groups of four letters without lookalikes: 79 bits that can be read over the telephone."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


def read_logins(path: Path) -> dict[str, Login]:
    """The logins of this file, by name."""
    return {login.name: login for login in TypeAdapter(list[Login]).validate_json(path.read_bytes())}


def _hash(kind: str, secret: str, salt: bytes) -> bytes:
    if kind == "machine":
        return hashlib.sha256(salt + secret.encode()).digest()
    return hashlib.scrypt(secret.encode(), salt=salt, **SCRYPT)


@dataclass(eq=False)
class LoginRefused(Unauthenticated):
    """Unknown name or wrong secret; which of the two is not said."""

    slug: ClassVar[str] = "login-refused"
    es: ClassVar[str] = "El usuario o la contraseña no son correctos."
    en: ClassVar[str] = "The user name or the password is not right."


class Password(BaseModel):
    """A person signs in."""

    grant_type: Literal["password"]
    username: str = Field(max_length=80)
    password: str = Field(max_length=200)


class ClientCredentials(BaseModel):
    """A machine signs in."""

    grant_type: Literal["client_credentials"]
    client_id: str = Field(max_length=80)
    client_secret: str = Field(max_length=200)


class CodeExchange(BaseModel):
    """A person has signed in at the page; whom they sent fetches the tokens."""

    grant_type: Literal["authorization_code"]
    code: str = Field(max_length=200)
    redirect_uri: str = Field(max_length=500)
    client_id: str = Field(max_length=80)
    code_verifier: str = Field(min_length=43, max_length=128)


Asked = Annotated[Password | ClientCredentials | CodeExchange, Field(discriminator="grant_type")]
ASKED: TypeAdapter[Password | ClientCredentials | CodeExchange] = TypeAdapter(Asked)


class Token(BaseModel):
    """RFC 6749, 5.1. After a code also who signed in (OpenID Connect Core, 3.1.3.3)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class TokenOfCode(Token):
    """With the identity token."""

    id_token: str


class Tries:
    """Wrong secrets by name in the last minute. Past the limit even the right one waits, or guessing would go on."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, name: str) -> None:
        """Refuse with the seconds to wait once there were too many."""
        times = self._wrong.get(name, deque())
        while times and times[0] < time.monotonic() - 60:
            times.popleft()
        if len(times) >= WRONG_PER_MINUTE:
            raise TooManyAttempts(int(times[0] + 60 - time.monotonic()) + 1)

    def wrong(self, name: str) -> None:
        """Note one more."""
        self._wrong.setdefault(name, deque(maxlen=WRONG_PER_MINUTE)).append(time.monotonic())
        self._wrong.move_to_end(name)
        if len(self._wrong) > WATCHED_NAMES:
            self._wrong.popitem(last=False)

    def right(self, name: str) -> None:
        """The newest one was none."""
        if times := self._wrong.get(name):
            times.pop()


class Doorkeeper:
    """Checks secrets and signs tokens."""

    def __init__(
        self, key: ECKey, logins: Mapping[str, Login], issuer: str, audience: str, clients: Mapping[str, str]
    ) -> None:
        self._key, self._logins, self.issuer, self._audience = key, logins, issuer, audience
        self.clients, self._codes = clients, Codes()
        self._tries = Tries()
        self._two_at_a_time = asyncio.Semaphore(2)  # scrypt takes 16 MB and 50 ms each
        # Compared with when the name is unknown, so that both refusals take as long.
        self._nobody = {kind: _login(kind, "nobody", "member", "nobody", "x") for kind in ("person", "machine")}

    def published(self) -> dict[str, Any]:
        """The public keys."""
        return {"keys": [self._key.as_dict(private=False)]}

    async def admit(self, kind: Literal["person", "machine"], name: str, secret: str) -> Login:
        """The login of this name and secret; 401 when either is wrong, 429 after ten wrong ones in a minute."""
        self._tries.check(name)
        # Wrong until it is known to be right: the hash is slow, and what is sent meanwhile counts too.
        self._tries.wrong(name)
        found = self._logins.get(name)
        login = found if found is not None and found.kind == kind else self._nobody[kind]
        salt, kept = (bytes.fromhex(part) for part in login.secret.split(":"))
        async with self._two_at_a_time:
            given = await asyncio.to_thread(_hash, kind, secret, salt)
        if not hmac.compare_digest(given, kept) or login is self._nobody[kind]:
            raise LoginRefused()
        self._tries.right(name)
        return login

    def token(self, login: Login, lives_s: int = LIFETIME_S) -> Token:
        """An access token (RFC 9068)."""
        claims = self._about(login, self._audience, lives_s) | {"org": login.org, "roles": login.roles}
        claims |= {"region": login.region} if login.region else {}
        text = self._signed("at+jwt", claims)
        return Token(access_token=text, token_type="Bearer", expires_in=lives_s)  # noqa: S106

    def code(self, login: Login, asked: CodeAsked) -> str:
        """A code for whoever sent this person here."""
        return self._codes.give(login.name, asked)

    def of_code(self, asked: CodeExchange) -> TokenOfCode:
        """The tokens of a code, once."""
        given: Given = self._codes.use(asked.code, asked.client_id, asked.redirect_uri, asked.code_verifier)
        login = self._logins[given.name]
        identity = self._about(login, asked.client_id, SESSION_S) | {"nonce": given.asked.nonce}
        access = self.token(login, SESSION_S)
        return TokenOfCode(**access.model_dump(), id_token=self._signed("JWT", identity))

    def _about(self, login: Login, audience: str, lives_s: int) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.issuer, "aud": audience, "sub": login.sub, "iat": now, "nbf": now, "exp": now + lives_s,
            "jti": secrets.token_urlsafe(12),
        }  # fmt: skip

    def _signed(self, kind: str, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "ES256", "typ": kind, "kid": self._key.kid}, claims, self._key)


router = Router(tags=["identity"])
KINDS = (Password, ClientCredentials, CodeExchange)
SCHEMA = {"schema": {"oneOf": [kind.model_json_schema() for kind in KINDS]}}
CONTENT = {"application/json": SCHEMA, "application/x-www-form-urlencoded": SCHEMA}


@router.post("/v1/tokens", openapi_extra={"requestBody": {"required": True, "content": CONTENT}})
async def issue_token(request: Request) -> Token | TokenOfCode:
    """Exchange a password, a client secret or an authorisation code for an access token; JSON or form."""
    asked = _asked(request.headers.get("content-type", ""), await request.body())
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    match asked:
        case Password():
            login = await doorkeeper.admit("person", asked.username, asked.password)
        case ClientCredentials():
            login = await doorkeeper.admit("machine", asked.client_id, asked.client_secret)
        case CodeExchange():
            return doorkeeper.of_code(asked)
    return doorkeeper.token(login)


@router.get("/v1/authorize", response_class=Response)
async def show_sign_in(request: Request) -> Response:
    """The sign-in page of the authorisation code flow. A request that does not fit is refused here and led nowhere."""
    given = dict(request.query_params)
    asked = asked_for(given, request.app.state.doorkeeper.clients)
    return _sign_in_page(page(asked.model_dump(), _language(request, given)))


@router.post("/v1/authorize", response_class=Response)
async def take_sign_in(request: Request) -> Response:
    """Name and password of a person; with the right ones back to whoever asked, with a code."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    given = _form(await request.body())
    asked = asked_for(given, doorkeeper.clients)
    name = given.get("username", "")[:80]
    try:
        login = await doorkeeper.admit("person", name, given.get("password", "")[:200])
    except (LoginRefused, TooManyAttempts) as refusal:
        language = _language(request, given)
        return _sign_in_page(page(asked.model_dump(), language, name, refusal.text(language)), refusal.status)
    back = {"code": doorkeeper.code(login, asked), "state": asked.state, "iss": doorkeeper.issuer}
    return RedirectResponse(f"{asked.redirect_uri}?{urlencode(back)}", 303)


def _sign_in_page(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, headers={"content-security-policy": PAGE_POLICY, "vary": "accept-language"})


def _language(request: Request, given: Mapping[str, str]) -> Language:
    return preferred(given.get("ui_locales") or request.headers.get("accept-language"))


@router.get("/.well-known/jwks.json")
async def published_keys(request: Request) -> Response:
    """The public keys that tokens are verified with (RFC 7517)."""
    keys = orjson.dumps(request.app.state.doorkeeper.published())
    return Response(keys, media_type="application/jwk-set+json", headers={"cache-control": "public, max-age=30"})


def _asked(content_type: str, body: bytes) -> Password | ClientCredentials | CodeExchange:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        given: Any = _form(body)
    else:
        given = strict_json.parse(body)
    try:
        return ASKED.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise Malformed(".".join(str(part) for part in first["loc"]) or "body", first["msg"]) from None


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form; each at most once (RFC 6749, 3.2)."""
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=20)
    except ValueError:  # too many fields, or bytes that are no UTF-8
        raise Malformed("body", "not a form of at most 20 fields in UTF-8") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("body", "a field is given twice")
    return fields


def build(settings: ServiceSettings) -> FastAPI:
    """The application over the token key and the logins of ``keys_dir``."""
    key = ECKey.import_key((settings.keys_dir / "token.key").read_bytes())
    key = ECKey.import_key(key.as_dict(private=True) | {"kid": key.thumbprint(), "alg": "ES256", "use": "sig"})
    logins = read_logins(settings.keys_dir / "logins.json")
    app = make_app(
        "Identity (development)", service="issuer", routers=[router], access=ACCESS, verifier=None, max_body_bytes=8192
    )
    clients = {PORTAL: f"{settings.public_url.rstrip('/')}/login/done"}
    app.state.doorkeeper = Doorkeeper(key, logins, settings.issuer, settings.audience, clients)
    return app


def main() -> None:
    """``python -m deploy.issuer``: serve on the configured socket or port."""
    if os.environ.get("TROZALOG_ENV") == "production":
        raise SystemExit(
            "issuer: this is the development identity provider; with ENV=production set TROZALOG_ISSUER and"
            " TROZALOG_JWKS_URL to a real OIDC provider and do not start it."
        )
    settings = command_settings("issuer", ServiceSettings)
    missing = [name for name in ("token.key", "logins.json") if not (settings.keys_dir / name).exists()]
    if missing:
        raise SystemExit(f"issuer: {settings.keys_dir} has no {' and no '.join(missing)}; `./timber up` makes them.")
    start_logging("issuer", settings.log_level)
    serve(build(settings), settings)


if __name__ == "__main__":
    main()
