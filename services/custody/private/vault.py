"""The keys under which private values lie in the database, and what is done with them.

Each subject (an organisation, or a person it names by a pseudonym) has a data key of 256 bits. It is stored wrapped
(AES-256-GCM) by a wrapping key, which is a file outside the database: a copy of the database reads nothing. Two keys are
derived from a data key (HKDF-SHA256, RFC 5869): one seals disclosures, the other makes salts and decoys, so the same
statement sent twice is the same record, and once the data key is destroyed nobody can compute a salt again.
"""

import hashlib
import hmac
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.timber.disclosure import SALT_BYTES
from shared.tlog.encoding import from_base64url, to_base64url
from shared.web.problems import HttpRefusal

KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(eq=False)
class WrappingKeyMissing(HttpRefusal):
    """The file of wrapping keys no longer holds the one that a data key was wrapped by."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "wrapping-key-missing"
    es: ClassVar[str] = "Los campos privados no se pueden abrir ahora: falta una clave que el operador debe reponer."
    en: ClassVar[str] = "Private fields cannot be opened now: a key is missing that the operator has to bring back."


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one subject, open. Never kept: an erasure counts from the next request on."""

    id: UUID
    owner: str
    person: str
    secret: bytes

    def seal(self, origin: str, sid: str, digest: str, text: str) -> bytes:
        """A disclosure as it may lie in the database, bound to its log, record and digest."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead().encrypt(nonce, text.encode("ascii"), _bound(origin, sid, digest))

    def open(self, origin: str, sid: str, digest: str, ciphertext: bytes) -> str:
        """The disclosure again; RuntimeError when it was sealed for another place or by another key."""
        nonce, sealed = ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:]
        try:
            return self._aead().decrypt(nonce, sealed, _bound(origin, sid, digest)).decode("ascii")
        except InvalidTag:
            raise RuntimeError(f"the disclosure {digest} of {sid} does not open under its key") from None

    def salt(self, name: str, statement: bytes) -> bytes:
        """128 bits for a field of this statement that nobody without the key can guess; the same for the same."""
        return self._derived(b"salt", name.encode(), statement)[:SALT_BYTES]

    def decoys(self, statement: bytes) -> Iterator[str]:
        """Digests of nothing, which look like any other."""
        return (to_base64url(self._derived(b"decoy", str(n).encode(), statement)) for n in itertools.count())

    def _derived(self, *parts: bytes) -> bytes:
        return hmac.digest(self._subkey(b"salts"), b"\n".join(parts), hashlib.sha256)

    def _aead(self) -> AESGCM:
        return AESGCM(self._subkey(b"values"))

    def _subkey(self, use: bytes) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"trozalog/v1/disclosure-" + use).derive(self.secret)


def _bound(origin: str, sid: str, digest: str) -> bytes:
    return f"trozalog/v1/disclosure\n{origin}\n{sid}\n{digest}".encode()


class WrappingKeys:
    """The file of wrapping keys: one a line, base64url of 32 bytes, the newest first. The first wraps; every one of them
    opens. Read again at each use, so a key that was added counts at once in every process."""

    def __init__(self, path: Path) -> None:
        """OSError or Malformed when the file is missing or holds anything else: without it custody does not start."""
        self._path = path
        self._read()

    def wrap(self, key: DataKey) -> tuple[str, bytes]:
        """Which wrapping key, and the data key as it may lie in the database."""
        [(name, wrapping), *_] = self._read().items()
        nonce = os.urandom(NONCE_BYTES)
        return name, nonce + wrapping.encrypt(nonce, key.secret, _owned(key.id, key.owner, key.person))

    def unwrap(self, key_id: UUID, owner: str, person: str, wrapped_by: str, wrapped: bytes) -> DataKey:
        """The data key again. WrappingKeyMissing when its wrapping key is not in the file; RuntimeError when the row was
        made for another subject."""
        wrapping = self._read().get(wrapped_by)
        if wrapping is None:
            raise WrappingKeyMissing
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return DataKey(key_id, owner, person, wrapping.decrypt(nonce, sealed, _owned(key_id, owner, person)))
        except InvalidTag:
            raise RuntimeError(f"the data key {key_id} does not open under its wrapping key") from None

    @property
    def newest(self) -> str:
        """The name of the key that wraps."""
        return next(iter(self._read()))

    def _read(self) -> dict[str, AESGCM]:
        keys: dict[str, AESGCM] = {}
        for line in self._path.read_text().split():
            secret = from_base64url(line, self._path.name, KEY_BYTES)
            keys[name_of(secret)] = AESGCM(secret)
        if not keys:
            raise RuntimeError(f"{self._path} holds no wrapping key")
        return keys


def name_of(wrapping: bytes) -> str:
    """How the rows name a wrapping key, which tells nothing of it."""
    return hashlib.sha256(b"trozalog/v1/wrapping-key\n" + wrapping).hexdigest()[:16]


def _owned(key_id: UUID, owner: str, person: str) -> bytes:
    return f"trozalog/v1/data-key\n{key_id}\n{owner}\n{person}".encode()


def new_key(key_id: UUID, owner: str, person: str) -> DataKey:
    """A data key that nobody has seen."""
    return DataKey(key_id, owner, person, os.urandom(KEY_BYTES))
