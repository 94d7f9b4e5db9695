"""What the portal gives a browser to keep: sealed (AES-256-GCM), so that nobody reads it and nobody alters it."""

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.refusal import Refusal
from shared.tlog.encoding import from_base64url, to_base64url
from shared.web.settings import BadSettings

NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96 bits; drawn at random, good for 2^32 sealings under one key


class Seal:
    """Seals with the newest key of its file, opens what any of its keys has sealed."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys = [AESGCM(key) for key in keys]

    @classmethod
    def read(cls, path: Path) -> "Seal":
        """The keys of this file: one of 256 bits a line (base64url), the newest first. ``BadSettings`` for any other."""
        try:
            keys = [from_base64url(line, "key", 32) for line in path.read_text().split()]
        except Refusal:
            keys = []
        if not keys:
            raise BadSettings(f"{path}: a key of 256 bits on each line is needed")
        return cls(keys)

    def close(self, content: bytes, purpose: str) -> str:
        """The content, sealed for this purpose and no other."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return to_base64url(nonce + self._keys[0].encrypt(nonce, content, purpose.encode()))

    def open(self, sealed: str, purpose: str) -> bytes | None:
        """The content; ``None`` for anything that was not sealed here for this purpose."""
        try:
            data = from_base64url(sealed, "sealed")
        except Refusal:
            return None
        for key in self._keys:
            try:
                return key.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], purpose.encode())
            except (InvalidTag, ValueError):
                continue
        return None
