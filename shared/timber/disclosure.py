"""Private fields of a record: salted disclosures of RFC 9901 (SD-JWT), held by their owner and shown to whom it chooses.

The signed statement holds digests only, in `sd`, among decoys, so neither a value nor how many there are can be read
from the log. A disclosure is base64url(`[salt, name, value]`) as in RFC 9901 section 4.2.1, its digest SHA-256 over those
characters (4.2.3). Ours has one spelling: the array is canonical as of docs/format.md section 1, the salt has 128 bits,
the value is a string, an integer or a boolean. Nothing here draws random numbers: salts and decoys come in as arguments.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from shared.refusal import Malformed, Refusal
from shared.timber import fields as f
from shared.timber.event import SD_SIZES, Record
from shared.tlog import canon
from shared.tlog.encoding import from_base64url, to_base64url

SALT_BYTES = 16
MAX_CHARACTERS = 4_096
Value = str | int | bool
_WRAP = b'{"d":', b"}"  # a canonical document is an object; the array inside it has the same one spelling
_name = f.matching(r"[a-z][a-z0-9_]{0,39}", "the name of a field", "el nombre de un campo")


@dataclass(eq=False)
class BadDisclosure(Malformed):
    """The text is not a disclosure of this format. What it says is not repeated: it may be somebody's name."""

    slug: ClassVar[str] = "bad-disclosure"
    es: ClassVar[str] = "La divulgación está mal formada: {where}: {reason_es}."
    en: ClassVar[str] = "The disclosure is malformed: {where}: {reason}."
    reason_es: str


@dataclass(eq=False)
class DoesNotFit(Refusal):
    """The disclosure is none of those that the record commits to: another salt, name or value, or another record."""

    slug: ClassVar[str] = "disclosure-does-not-fit"
    es: ClassVar[str] = "El registro {sid} no contiene esta divulgación (huella {digest})."
    en: ClassVar[str] = "Record {sid} does not commit to this disclosure (digest {digest})."
    sid: str
    digest: str


@dataclass(eq=False)
class SaidTwice(Refusal):
    """RFC 9901 section 7.1: a disclosed name may not stand beside an equal one, be it public or disclosed."""

    slug: ClassVar[str] = "disclosure-said-twice"
    es: ClassVar[str] = "El registro {sid} ya dice {name} de otro modo; no puede decirlo dos veces."
    en: ClassVar[str] = "Record {sid} already says {name} in another way; it may not say it twice."
    sid: str
    name: str


@dataclass(eq=False)
class TooManyPrivate(Refusal):
    """A record commits to at most 16 private fields, the largest size that decoys fill up."""

    slug: ClassVar[str] = "too-many-private-fields"
    es: ClassVar[str] = "Un registro lleva como máximo {most} campos privados; se pidieron {asked}."
    en: ClassVar[str] = "A record carries at most {most} private fields; {asked} were asked for."
    asked: int
    most: int


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One private field as it is shown: `text` is what is hashed and handed on."""

    text: str
    salt: str
    name: str
    value: Value

    @property
    def digest(self) -> str:
        """What the record holds of it."""
        return digest_of(self.text)


def digest_of(text: str) -> str:
    """RFC 9901 section 4.2.3: SHA-256 over the characters of the disclosure, base64url."""
    return to_base64url(hashlib.sha256(text.encode("ascii")).digest())


def make(salt: bytes, name: str, value: Value) -> Disclosure:
    """The disclosure of a field under 16 bytes of salt that nobody can guess. BadDisclosure or NotCanonical for a name or
    value that has none."""
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 128 bits")
    array = [to_base64url(salt), name, value]
    _check(array)
    start, end = _WRAP
    data = canon.encode({"d": array}, max_depth=2)
    return read(to_base64url(data[len(start) : -len(end)]))


def read(text: str) -> Disclosure:
    """The field that a disclosure shows. BadDisclosure, BadText or NotCanonical unless it is spelled as this format does."""
    if len(text) > MAX_CHARACTERS or not text.isascii():
        raise BadDisclosure("disclosure", "too long", "es demasiado larga")
    start, end = _WRAP
    document = canon.decode(start + from_base64url(text, "disclosure") + end, max_depth=2)
    if document.keys() != {"d"} or type(document["d"]) is not list:
        raise BadDisclosure("disclosure", "not an array", "no es una lista")
    _check(document["d"])
    return Disclosure(text, *document["d"])


def _check(array: list[Any]) -> None:
    if len(array) != 3:
        raise BadDisclosure("disclosure", "must be salt, name and value", "debe ser sal, nombre y valor")
    for where, check in (("salt", f.nonce), ("name", _name)):
        fault = check(array[0 if where == "salt" else 1])
        if fault is not None:
            raise BadDisclosure(where, fault.reason, fault.reason_es)
    if type(array[2]) not in (str, int, bool):
        raise BadDisclosure("value", "must be a string, an integer or a boolean", "debe ser texto, entero o booleano")


def padded(digests: Sequence[str], decoys: Iterator[str]) -> list[str]:
    """The `sd` of a statement: these digests among as many decoys as make 4, 8 or 16, sorted. RFC 9901 section 4.2.5.
    TooManyPrivate beyond 16."""
    size = next((size for size in SD_SIZES if size >= len(digests)), None)
    if size is None:
        raise TooManyPrivate(len(digests), SD_SIZES[-1])
    return sorted([*digests, *(next(decoys) for _ in range(size - len(digests)))])


def committed(record: Record) -> list[str]:
    """The digests a record commits to; empty when it has no private fields."""
    if b'"sd":["' not in record.statement:
        return []
    sd: list[str] = orjson.loads(record.statement).get("sd", [])
    return sd


def check_fits(record: Record, shown: Iterable[Disclosure]) -> None:
    """Refuses disclosures that are not the record's (DoesNotFit), or that say a thing twice (SaidTwice)."""
    digests, names = frozenset(committed(record)), set(record.body)
    for one in shown:
        if one.digest not in digests:
            raise DoesNotFit(record.sid, one.digest)
        if one.name in names:
            raise SaidTwice(record.sid, one.name)
        names.add(one.name)
