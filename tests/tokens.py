"""A real ES256 issuer for tests: good tokens for any role and organisation, and the bad ones that must not pass."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

from shared.web.auth import StaticJwks, TokenVerifier

URL = "https://issuer.test"
AUDIENCE = "trozalog"
ORG = "comunidad-a"
OTHER_ORG = "comunidad-b"


def new_key(kid: str) -> ECKey:
    """A fresh signing key."""
    return ECKey.generate_key("P-256", {"kid": kid, "alg": "ES256", "use": "sig"})


def bearer(token: str) -> dict[str, str]:
    """The request header of a token."""
    return {"authorization": f"Bearer {token}"}


@dataclass
class Issuer:
    """Signs what it is asked to. ``token("manager", org="comunidad-a")`` is a good token of ten minutes."""

    url: str = URL
    audience: str = AUDIENCE
    key: ECKey = field(default_factory=lambda: new_key("test-1"))

    def jwks(self) -> dict[str, Any]:
        """What the issuer publishes."""
        return {"keys": [self.key.as_dict(private=False)]}

    def verifier(self) -> TokenVerifier:
        """What a service checks this issuer's tokens with."""
        return TokenVerifier(StaticJwks(self.jwks()), self.url, self.audience)

    def claims(self, *roles: str, org: str = ORG, sub: str = "u-1", **more: Any) -> dict[str, Any]:
        """Claims of a good token; ``more`` replaces or, with None, removes."""
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": self.audience, "sub": sub, "org": org, "roles": list(roles),
            "iat": now, "nbf": now, "exp": now + 600, "jti": hashlib.sha256(f"{sub}{now}".encode()).hexdigest()[:16],
        }  # fmt: skip
        return {name: value for name, value in (claims | more).items() if value is not None}

    def sign(self, claims: dict[str, Any], key: ECKey | None = None, **header: Any) -> str:
        """A token of these claims; a header member given as None is left out."""
        members = {"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid} | header
        return jwt.encode(
            {n: v for n, v in members.items() if v is not None}, claims, key or self.key, default_type=None
        )

    def token(self, *roles: str, org: str = ORG, sub: str = "u-1", **more: Any) -> str:
        """A good token, unless ``more`` spoils it."""
        return self.sign(self.claims(*roles, org=org, sub=sub, **more))

    def headers(self, *roles: str, org: str = ORG, **more: Any) -> dict[str, str]:
        """The request header of a good token."""
        return bearer(self.token(*roles, org=org, **more))

    def expired(self, *roles: str, org: str = ORG) -> str:
        """Good until two minutes ago."""
        now = int(time.time())
        return self.token(*roles, org=org, iat=now - 720, nbf=now - 720, exp=now - 120)

    def wrong_audience(self, *roles: str, org: str = ORG) -> str:
        """Good for somebody else."""
        return self.token(*roles, org=org, aud="another-service")

    def alg_none(self, *roles: str) -> str:
        """Not signed at all."""
        return f"{_part({'alg': 'none', 'typ': 'at+jwt', 'kid': self.key.kid})}.{_part(self.claims(*roles))}."

    def hs256_with_public_key(self, *roles: str) -> str:
        """The classic confusion: the published key used as a shared secret."""
        text = f"{_part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': self.key.kid})}.{_part(self.claims(*roles))}"
        secret = self.key.as_pem(private=False)
        return f"{text}.{_base64url(hmac.digest(secret, text.encode(), 'sha256'))}"

    def without_kid(self, *roles: str) -> str:
        """Signed well, but by which key is not said."""
        return self.sign(self.claims(*roles), kid=None)

    def wrong_typ(self, *roles: str) -> str:
        """An identity token in the place of an access token."""
        return self.sign(self.claims(*roles), typ="JWT")

    def by_another_key(self, *roles: str) -> str:
        """Somebody else's signature under our key id."""
        return self.sign(self.claims(*roles), new_key("test-1"))

    def altered(self, *roles: str) -> str:
        """A good token of these roles whose claims were exchanged afterwards."""
        head, _, signature = self.token(*roles).split(".")
        return f"{head}.{_part(self.claims('operator', org='another'))}.{signature}"


def _part(value: dict[str, Any]) -> str:
    return _base64url(orjson.dumps(value))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
