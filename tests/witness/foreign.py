"""A log and a reader of cosignatures written by hand from RFC 6962, signed-note, tlog-witness and tlog-cosignature, with
nothing of ours in them: what a stranger would send, and how a stranger would check the answer."""

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def head(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1: MTH."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + head(leaves[:k]) + head(leaves[k:])).digest()


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def consistency(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.2: PROOF(m, D[n])."""
    return subproof(m, leaves, whole=True) if 0 < m < len(leaves) else []


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [head(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), head(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), head(leaves[:k])]


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


@dataclass
class ForeignLog:
    """A log whose entries are numbers; `branch` makes another history from an index on."""

    name: str = "foreign.example/log"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    forked_at: int | None = None

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        return f"{self.name}+{key_id(self.name, 1, self.public).hex()}+{b64(bytes([1]) + self.public)}"

    def forked(self, at: int) -> "ForeignLog":
        """The same log, telling somebody else another story."""
        return ForeignLog(self.name, self.key, at)

    def leaves(self, size: int) -> list[bytes]:
        told = [b"%d" % n for n in range(size)]
        if self.forked_at is not None:
            told[self.forked_at :] = [b"not " + leaf for leaf in told[self.forked_at :]]
        return told

    def root(self, size: int) -> bytes:
        return head(self.leaves(size))

    def text(self, size: int, *extensions: str) -> str:
        return "".join(f"{line}\n" for line in (self.name, size, b64(self.root(size)), *extensions))

    def signed(self, text: str) -> bytes:
        signature = key_id(self.name, 1, self.public) + self.key.sign(text.encode())
        return f"{text}\n— {self.name} {b64(signature)}\n".encode()

    def checkpoint(self, size: int) -> bytes:
        return self.signed(self.text(size))

    def request(self, old: int, size: int, *, proof: list[bytes] | None = None, note: bytes | None = None) -> bytes:
        """The body of add-checkpoint, true in every part that is not given."""
        hashes = consistency(old, self.leaves(size)) if proof is None else proof
        lines = [f"old {old}", *map(b64, hashes)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + (note or self.checkpoint(size))


def cosigned_at(line: str, text: str, vkey: str) -> int:
    """The time in a cosignature of type 0x04, after its key name, key id and signature were found right over the text."""
    name, _, material = vkey.split("+", 2)
    raw = base64.b64decode(material)
    assert raw[0] == 0x04
    dash, told, encoded = line.rstrip("\n").split(" ")
    assert (dash, told, line[-1]) == ("—", name, "\n")
    blob = base64.b64decode(encoded, validate=True)
    assert blob[:4] == key_id(name, 4, raw[1:])
    assert len(blob) == 4 + 8 + 64
    at = int.from_bytes(blob[4:12], "big")
    message = f"cosignature/v1\ntime {at}\n{text}".encode()
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(blob[12:], message)
    return at
