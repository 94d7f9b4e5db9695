"""The registrar's pen: turns an act into a signed statement whose bytes are fixed from then on.

Persons appear in statements as pseudonyms: the first 16 hex digits of HMAC-SHA256 over the token's ``sub``, under a
secret derived from the registrar's key. The same person is the same pseudonym in one deployment, nobody without the
key can go from one to the other, and a new registrar's key begins new pseudonyms.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.permits.domain.announced import Letter
from services.permits.domain.key import Key
from services.permits.domain.party import HOST, REGISTRY
from shared.refusal import Malformed, Refusal
from shared.timber.bodies import possession
from shared.timber.event import key_id, make_statement, parse_entry, sid_of, sign
from shared.tlog.encoding import from_base64url, to_base64url
from shared.web.settings import BadSettings

_PSEUDONYMS = b"trozalog/v1/pseudonym\n"


class BadKeyFile(BadSettings):
    """A key file of this service is missing or is not 32 bytes in base64url; the service does not start."""


@dataclass(frozen=True)
class Registrar:
    """The registrar's key, the one it follows where there is one, and custody's host key, which it introduces."""

    private: Ed25519PrivateKey
    host_key: Key
    old: Ed25519PrivateKey | None = None

    @classmethod
    def load(cls, keys_dir: Path) -> "Registrar":
        """Read ``registrar.key`` (one key a line, the newest first; the second is the one it follows) and ``host.pub`` (the
        key, and its proof on a second line)."""
        private, *old = [_private(line, "registrar.key") for line in _lines(keys_dir / "registrar.key")]
        public, proof, *_ = [*_lines(keys_dir / "host.pub"), ""]
        try:
            return cls(private, Key.shown(HOST, public, "host", proof), old[0] if old else None)
        except Refusal as error:
            raise BadKeyFile(f"host.pub: {error}") from error

    @property
    def key(self) -> Key:
        """The registrar's own key: the anchor of the log, or what came after it."""
        return self._shown(None)

    def _shown(self, replaces: str | None) -> Key:
        public = self.private.public_key().public_bytes_raw()
        said = {"org": REGISTRY, "public_key": to_base64url(public), "role": "registrar"}
        proof = self.private.sign(possession(said if replaces is None else said | {"replaces": replaces}))
        return Key(key_id(public), REGISTRY, said["public_key"], "registrar", to_base64url(proof))

    @property
    def old_kid(self) -> str | None:
        """The key that this one follows."""
        return None if self.old is None else key_id(self.old.public_key().public_bytes_raw())

    def succession(self, at: datetime) -> tuple[Key, Letter]:
        """This key in place of the old one, signed by the old one."""
        assert self.old is not None
        key = self._shown(self.old_kid)
        body = key.statement() | {"replaces": self.old_kid}
        statement = make_statement("key.added", REGISTRY, _instant(at), body, (), new_salt())
        return key, Letter(sid_of(statement), "key.added", f"key:{key.kid}", sign(statement, self.old))

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
        statement = make_statement(kind, actor, _instant(at), body, [sid for sid in prev if sid], new_salt())
        return Letter(sid_of(statement), kind, subject, sign(statement, self.private))

    def signed_anew(self, letter: Letter) -> Letter:
        """The same statement under the key in force: the same bytes as before unless the key has been replaced. A
        succession stays as it is, since the old key says it."""
        record = parse_entry(letter.entry)
        return letter if "replaces" in record.body else replace(letter, entry=sign(record.statement, self.private))

    def pseudonym(self, sub: str) -> str:
        """How a person is named in statements."""
        secret = hashlib.sha256(_PSEUDONYMS + self.private.private_bytes_raw()).digest()
        return hmac.new(secret, sub.encode(), hashlib.sha256).hexdigest()[:16]


def new_salt() -> str:
    """128 fresh random bits in base64url: a nonce, or the salt of a census line."""
    return to_base64url(secrets.token_bytes(16))


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _private(line: str, name: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(from_base64url(line, name, 32))
    except Malformed as error:
        raise BadKeyFile(f"{name}: {error}") from error


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text().split()
    except OSError as error:
        raise BadKeyFile(f"{path.name}: {error}") from error
    if not lines:
        raise BadKeyFile(f"{path.name} is empty")
    return lines
