"""The registrar's pen: turns an act into a signed statement whose bytes are fixed from then on.

Persons appear in statements as pseudonyms: the first 16 hex digits of HMAC-SHA256 over the token's ``sub``, under a
secret derived from the registrar's key. The same person is the same pseudonym in one deployment, nobody without the
key can go from one to the other, and a new registrar's key begins new pseudonyms.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.permits.domain.announced import Letter
from services.permits.domain.party import HOST, REGISTRY, Key
from shared.refusal import Malformed
from shared.timber.event import key_id, make_statement, sid_of, sign
from shared.tlog.encoding import from_base64url, to_base64url

_PSEUDONYMS = b"trozalog/v1/pseudonym\n"


class BadKeyFile(Exception):  # noqa: N818
    """A key file of this service is missing or is not 32 bytes in base64url; the service does not start."""


@dataclass(frozen=True)
class Registrar:
    """The registrar's key and what it introduces: itself, and custody's host key."""

    private: Ed25519PrivateKey
    host_public: bytes

    @classmethod
    def load(cls, keys_dir: Path) -> "Registrar":
        """Read ``registrar.key`` and ``host.pub``."""
        return cls(Ed25519PrivateKey.from_private_bytes(_key(keys_dir / "registrar.key")), _key(keys_dir / "host.pub"))

    @property
    def key(self) -> Key:
        """The registrar's own key, the anchor of the log."""
        return _introduced(self.private.public_key().public_bytes_raw(), REGISTRY, "registrar")

    @property
    def host_key(self) -> Key:
        """The key with which custody introduces hosted keys."""
        return _introduced(self.host_public, HOST, "host")

    def write(
        self,
        kind: str,
        actor: str,
        body: dict[str, Any],
        at: datetime,
        *,
        subject: str,
        prev: Iterable[str | None] = (),
    ) -> Letter:
        """The signed statement of an act, ready to be queued. Refuses a body that the format refuses."""
        statement = make_statement(
            kind, actor, at.strftime("%Y-%m-%dT%H:%M:%SZ"), body, [sid for sid in prev if sid], new_salt()
        )
        return Letter(sid_of(statement), kind, subject, sign(statement, self.private))

    def pseudonym(self, sub: str) -> str:
        """How a person is named in statements."""
        secret = hashlib.sha256(_PSEUDONYMS + self.private.private_bytes_raw()).digest()
        return hmac.new(secret, sub.encode(), hashlib.sha256).hexdigest()[:16]


def new_salt() -> str:
    """128 fresh random bits in base64url: a nonce, or the salt of a census line."""
    return to_base64url(secrets.token_bytes(16))


def _introduced(public: bytes, org: str, role: str) -> Key:
    return Key(key_id(public), org, to_base64url(public), role)


def _key(path: Path) -> bytes:
    try:
        return from_base64url(path.read_text().strip(), path.name, 32)
    except (OSError, Malformed) as error:
        raise BadKeyFile(f"{path.name}: {error}") from error
