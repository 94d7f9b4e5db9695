"""Keys custody holds for members who upload without a device of their own.

The private half is sealed (AES-256-GCM) under a key derived from the host key, which lives outside the database: a
copy of the database signs nothing. Such records are marked by the role `hosted` of their key.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.timber import refusals
from shared.timber.bodies import possession
from shared.timber.event import Record, key_id, make_statement, parse_entry, sign
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import from_base64url, to_base64url

OPERATOR = "trozalog"


@dataclass(frozen=True)
class HostKey:
    """Custody's own signing key: enrols hosted keys, notes conflicts, seals what it holds for others."""

    private: Ed25519PrivateKey
    kid: str
    before: "HostKey | None" = None

    @classmethod
    def read(cls, path: Path) -> "HostKey":
        """One key a line, the newest first: that one signs and seals, the others only open what they once sealed."""
        read: HostKey | None = None
        for line in reversed(path.read_text().split()):
            private = Ed25519PrivateKey.from_private_bytes(from_base64url(line, str(path), 32))
            read = cls(private, key_id(private.public_key().public_bytes_raw()), read)
        if read is None:
            raise RuntimeError(f"{path} holds no key")
        return read

    def _sealer(self) -> AESGCM:
        derive = HKDF(SHA256(), length=32, salt=None, info=b"trozalog/v1/hosted-keys")
        return AESGCM(derive.derive(self.private.private_bytes_raw()))

    def sealed_anew(self, org: str, sealed: bytes, nonce: bytes) -> bytes | None:
        """What an older host key had sealed, sealed by the newest; None for what the newest has sealed. `nonce`: 12 fresh
        bytes. RuntimeError when no key of the file opens it."""
        older = self.before
        try:
            self.unseal(org, sealed)
        except RuntimeError:
            while older is not None:
                with suppress(RuntimeError):
                    return self.seal(org, older.unseal(org, sealed), nonce)
                older = older.before
            raise
        return None

    def seal(self, org: str, private: Ed25519PrivateKey, nonce: bytes) -> bytes:
        """The private key as it may lie in the database; bound to its organisation. `nonce`: 12 fresh bytes."""
        return nonce + self._sealer().encrypt(nonce, private.private_bytes_raw(), org.encode())

    def unseal(self, org: str, sealed: bytes) -> Ed25519PrivateKey:
        """The private key again; RuntimeError when the row was made under another host key or for another
        organisation."""
        try:
            return Ed25519PrivateKey.from_private_bytes(self._sealer().decrypt(sealed[:12], sealed[12:], org.encode()))
        except InvalidTag:
            raise RuntimeError(f"the hosted key of {org} does not open under this host key") from None

    def enrolment(self, org: str, private: Ed25519PrivateKey, time: str) -> Record:
        """The record that makes a hosted key known to the log."""
        public = private.public_key().public_bytes_raw()
        body = {
            "kid": key_id(public),
            "org": org,
            "public_key": to_base64url(public),
            "alg": "ed25519",
            "role": "hosted",
        }
        body["proof"] = to_base64url(private.sign(possession(body)))
        return self._signed("key.added", time, body)

    def conflict(self, record: Record, refusal: refusals.AlreadySpent) -> Record:
        """The note that `record` tried to use up what was used up already. The same conflict gives the same note."""
        body = {"refused": record.sid, "first": refusal.first_sid, "subject": f"item:{refusal.item}"}
        return self._signed("conflict.noted", record.time, body)

    def recovery(self, start: int, end: int, root: bytes, reason: str, time: str) -> Record:
        """The record that entries `start` to `end` were lost from the database and brought back under this root."""
        body = {"from_size": start, "to_size": end, "root": root.hex(), "reason": reason}
        return self._signed("log.recovered", time, body)

    def closing(self, next_origin: str, vkey: str, time: str) -> Record:
        """The last record of a log: it goes on as another."""
        return self._signed("log.closed", time, {"next": next_origin, "vkey": vkey})

    def continuing(self, closed: Checkpoint, note: bytes, closing: Record) -> Record:
        """The first record of the log that follows: behind which checkpoint, and its note."""
        body = {
            "before": closed.origin, "size": closed.size, "root": closed.root.hex(),
            "checkpoint_sha256": hashlib.sha256(note).hexdigest(),
        }  # fmt: skip
        return self._signed("log.continued", closing.time, body, [closing.sid])

    def _signed(self, type_: str, time: str, body: dict[str, Any], prev: Sequence[str] = ()) -> Record:
        statement = make_statement(type_, OPERATOR, time, body, prev)
        return parse_entry(sign(statement, self.private))
