"""c2sp.org/signed-note: a text and the signatures under it, with keys of type 0x01 and cosigners of types 0x04 and 0x06.

The text of a note means nothing until `open_note` has returned it.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from shared.refusal import Refusal
from shared.tlog import mldsa
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.ed25519 import checked_key, verify_ed25519
from shared.tlog.encoding import BadText, from_base64, to_base64
from shared.tlog.refusals import BadBytes

ED25519 = 0x01
COSIGNATURE = 0x04
MLDSA44 = 0x06
KINDS = (ED25519, COSIGNATURE, MLDSA44)
MAX_BYTES = 1_000_000
MAX_SIGNATURES = 100
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "\u2014 "
_SKEY = "PRIVATE+KEY+"


@dataclass(eq=False)
class BadNote(BadBytes):
    """The bytes are not a signed note, or not a key of one."""

    slug: ClassVar[str] = "bad-note"


@dataclass(eq=False)
class BadSignature(Refusal):
    """A key we know is named, and the signature beside its name is not its signature."""

    slug: ClassVar[str] = "bad-signature"
    es: ClassVar[str] = "La firma de {name} no corresponde al texto."
    en: ClassVar[str] = "The signature of {name} does not fit the text."
    name: str


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key that signs notes: a log's (type 0x01, or 0x06 beside it) or a cosigner's (types 0x04 and 0x06). Its
    text form is the vkey."""

    name: str
    public_key: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        """Refuse a name or a key that no note may carry."""
        _check_name(self.name)
        if self.kind not in KINDS:
            raise BadNote(self.name, "unsupported key type")
        (mldsa.checked_key if self.kind == MLDSA44 else checked_key)(self.public_key)

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, type and key."""
        return _key_id(self.name, bytes([self.kind]) + self.public_key)

    @property
    def vkey(self) -> str:
        """The verifier key as text."""
        material = to_base64(bytes([self.kind]) + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{material}"

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read a vkey; BadNote when it is not one, BadKey when its point is unfit."""
        name, key_id, material = _split_key(vkey, "not a verifier key")
        if not material or material[0] not in KINDS:
            raise BadNote("verifier key", "unsupported key type")
        if _key_id(name, material) != key_id:
            raise BadNote("verifier key", "key ID does not match")
        return cls(name, material[1:], material[0])

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether `signature` (without the key ID) is this key's over the text of a note."""
        if self.kind == ED25519:
            return verify_ed25519(self.public_key, signature, text.encode())
        timestamp = int.from_bytes(signature[:8], "big")
        if timestamp >= 2**63:
            return False
        if self.kind == MLDSA44:
            return self._verify_mldsa44(text, timestamp, signature[8:])
        return verify_ed25519(self.public_key, signature[8:], _cosigned(text, timestamp))

    def _verify_mldsa44(self, text: str, timestamp: int, signature: bytes) -> bool:
        """Over the checkpoint in the text; nothing else is signed so."""
        try:
            message = mldsa.cosigned_message(self.name, timestamp, parse_checkpoint(text))
        except BadBytes:
            return False
        return mldsa.verify_mldsa44(self.public_key, signature, message)


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key that signs notes under a name. `kind` tells a log's key from a cosigner's."""

    name: str
    private_key: Ed25519PrivateKey | MLDSA44PrivateKey
    kind: int = ED25519

    @classmethod
    def generate(cls, name: str, kind: int = ED25519) -> "Signer":
        """A new key."""
        return cls(name, (MLDSA44PrivateKey if kind == MLDSA44 else Ed25519PrivateKey).generate(), kind)

    @classmethod
    def parse(cls, skey: str) -> "Signer":
        """Read the text form that `skey` writes; BadNote when it is not one."""
        if not skey.startswith(_SKEY):
            raise BadNote("signer key", "not a signer key")
        name, key_id, material = _split_key(skey.removeprefix(_SKEY), "not a signer key")
        if len(material) != 33 or material[0] not in KINDS:
            raise BadNote("signer key", "unsupported key type")
        seed, kind = material[1:], material[0]
        key = mldsa.private_key(seed) if kind == MLDSA44 else Ed25519PrivateKey.from_private_bytes(seed)
        signer = cls(name, key, kind)
        if signer.verifier.key_id != key_id:
            raise BadNote("signer key", "key ID does not match")
        return signer

    @property
    def verifier(self) -> Verifier:
        """The public side."""
        return Verifier(self.name, self.private_key.public_key().public_bytes_raw(), self.kind)

    @property
    def skey(self) -> str:
        """The private key as text. Whoever reads it can sign as this name."""
        material = to_base64(bytes([self.kind]) + self.private_key.private_bytes_raw())
        return f"{_SKEY}{self.name}+{self.verifier.key_id.hex()}+{material}"

    def line(self, text: str, timestamp: int = 0) -> str:
        """The signature line over `text`. A cosigner states the POSIX `timestamp`, 0 where it says nothing of time; a
        log's key of type 0x01 ignores it. Type 0x06 signs checkpoints only: BadBytes otherwise."""
        if self.kind == ED25519:
            signature = self.private_key.sign(text.encode())
        else:
            signature = timestamp.to_bytes(8, "big") + self.private_key.sign(self._message(text, timestamp))
        return f"{_DASH}{self.name} {to_base64(self.verifier.key_id + signature)}\n"

    def _message(self, text: str, timestamp: int) -> bytes:
        if self.kind == MLDSA44:
            return mldsa.cosigned_message(self.name, timestamp, parse_checkpoint(text))
        return _cosigned(text, timestamp)


@dataclass(frozen=True, slots=True)
class Signature:
    """One line under a note. `value` is what follows the key ID; for a cosigner it begins with the timestamp."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line as it stands under the note."""
        return f"{_DASH}{self.name} {to_base64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A verified signature: by whom, and for a cosigner at what POSIX time it says it looked."""

    verifier: Verifier
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class Note:
    """A note that at least one known key signed."""

    text: str
    known: tuple[Cosigned, ...]
    unknown: tuple[Signature, ...]


def sign(text: str, signers: Iterable[Signer], timestamp: int = 0) -> bytes:
    """The signed note. BadNote when the text cannot be one."""
    _check_text(text)
    lines = [signer.line(text, timestamp) for signer in signers]
    if not lines:
        raise BadNote("note", "no signature")
    return (text + "\n" + "".join(lines)).encode()


def split_note(note: bytes) -> tuple[str, list[Signature]]:
    """The text and the signature lines of a well-formed note, NOT verified. BadNote when malformed."""
    if len(note) > MAX_BYTES:
        raise BadNote("note", "too long")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError:
        raise BadNote("note", "not UTF-8") from None
    head, blank, tail = whole.rpartition("\n\n")
    text = head + "\n"
    if not blank or not tail:
        raise BadNote("note", "no signature")
    _check_text(whole)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote("note", "too many signatures")
    return text, [_signature(line) for line in lines]


def open_note(note: bytes, verifiers: Sequence[Verifier]) -> Note:
    """The note, verified: every signature by a known key is right, and there is at least one.

    BadSignature when a known key's signature is wrong; BadNote with "unsigned by a known key" when there is none.
    """
    text, signatures = split_note(note)
    known_keys = {(v.name, v.key_id): v for v in verifiers}
    if len(known_keys) != len(set(verifiers)):
        raise BadNote("verifiers", "two known keys share a name and ID")
    known: dict[Verifier, Cosigned] = {}
    unknown: list[Signature] = []
    for signature in signatures:
        verifier = known_keys.get((signature.name, signature.key_id))
        if verifier is None:
            unknown.append(signature)
        elif not verifier.verify(text, signature.value):
            raise BadSignature(signature.name)
        elif verifier not in known:
            stamp = int.from_bytes(signature.value[:8], "big") if verifier.kind != ED25519 else None
            known[verifier] = Cosigned(verifier, stamp)
    if not known:
        raise BadNote("note", "unsigned by a known key")
    return Note(text, tuple(known.values()), tuple(unknown))


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise BadNote("note", "signature line")
    _check_name(name)
    blob = from_base64(encoded, "signature line")
    if len(blob) < 5:
        raise BadNote("note", "signature line")
    return Signature(name, blob[:4], blob[4:])


def _split_key(text: str, reason: str) -> tuple[str, bytes, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3 or len(parts[1]) != 8 or not set(parts[1]) <= set("0123456789abcdef"):
        raise BadNote("key", reason)
    _check_name(parts[0])
    try:
        return parts[0], bytes.fromhex(parts[1]), from_base64(parts[2], "key")
    except BadText:
        raise BadNote("key", reason) from None


def _check_name(name: str) -> None:
    if not name or any(c.isspace() or c < " " or c == "+" or "\ud800" <= c <= "\udfff" for c in name):
        raise BadNote("note", "key name of a note")


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise BadNote("note", "text does not end in a newline")
    if _CONTROL.search(text):
        raise BadNote("note", "control character")


def _key_id(name: str, material: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]


def _cosigned(text: str, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
