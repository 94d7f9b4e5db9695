"""The bundle: everything a verdict about one lot rests on, in one canonical document.

    {"format":"trozalog-bundle/1","log":{"checkpoint","entries","indices","proof"},"lot","private":{"disclosures","indices"}}

Every byte string in it (the signed note, each entry, each hash of the multiproof) is strict base64, so the document
stays inside the canonical profile and has exactly one spelling. It carries no key to be trusted: those come from the
verifier's policy. `private` shows the private fields that its maker chose, each beside the index of the record that
commits to it. `pack` writes and `read` reads; neither believes anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from shared.refusal import Malformed
from shared.tlog import canon
from shared.tlog.encoding import from_base64, to_base64
from shared.tlog.refusals import BadBytes

MEDIA_TYPE = "application/vnd.trozalog.bundle.v1+json"
FORMAT = "trozalog-bundle/1"
MAX_BYTES = 64_000_000
MAX_ENTRIES = 100_000
_DEPTH = 3
# Canonical order puts the version first, so a reader knows what it holds before it reads the rest.
_START = b'{"format":"' + FORMAT.encode() + b'","log":{'
_FIELDS = {"format", "log", "lot", "private"}
_LOG_FIELDS = {"checkpoint", "entries", "indices", "proof"}
_PRIVATE_FIELDS = {"disclosures", "indices"}


@dataclass(eq=False)
class BundleUnreadable(Malformed):
    """These are not the bytes of a bundle that this version can read. That says nothing about the lot."""

    slug: ClassVar[str] = "bundle-unreadable"
    es: ClassVar[str] = "Esta versión solo lee archivos de prueba {reason}; este es otro archivo u otra versión."
    en: ClassVar[str] = "This version only reads proof files {reason}; this is another file or another version."


@dataclass(eq=False)
class BundleNotWhole(BundleUnreadable):
    """It begins as a bundle of this version, and its bytes are no JSON: cut short, or damaged on their way."""

    slug: ClassVar[str] = "bundle-not-whole"
    es: ClassVar[str] = "El archivo de prueba está cortado o se dañó en el camino; cópielo o bájelo otra vez."
    en: ClassVar[str] = "The proof file is cut short or was damaged on its way; copy or fetch it again."


@dataclass(eq=False)
class BadBundle(BadBytes):
    """It says it is a bundle of this version, and is not put together as one."""

    slug: ClassVar[str] = "bad-bundle"
    es: ClassVar[str] = "El archivo de prueba está mal formado: {where}: {reason}."
    en: ClassVar[str] = "The proof file is malformed: {where}: {reason}."


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as read: `entries[i]` stands at `indices[i]` of the log whose signed note is `checkpoint`; `disclosed`
    are private fields with the index of their record."""

    lot: str
    checkpoint: bytes
    indices: tuple[int, ...]
    entries: tuple[bytes, ...]
    proof: tuple[bytes, ...]
    disclosed: tuple[tuple[int, str], ...] = ()


def pack(
    lot: str, checkpoint: bytes, entries: Iterable[tuple[int, bytes]], proof: Sequence[bytes],
    disclosed: Iterable[tuple[int, str]] = (),
) -> bytes:  # fmt: skip
    """The bundle of a lot. Same arguments, in any order of entries and disclosures, same bytes. BadBundle when it cannot
    be one."""
    ordered, shown = sorted(entries), sorted(set(disclosed))
    indices = [index for index, _ in ordered]
    _check(lot, indices, len(ordered))
    _check_private(shown, indices)
    document = {
        "format": FORMAT,
        "lot": lot,
        "log": {
            "checkpoint": to_base64(checkpoint),
            "indices": indices,
            "entries": [to_base64(entry) for _, entry in ordered],
            "proof": [to_base64(node) for node in proof],
        },
        "private": {"disclosures": [text for _, text in shown], "indices": [index for index, _ in shown]},
    }
    return canon.encode(document, max_bytes=MAX_BYTES, max_depth=_DEPTH)


def read(data: bytes) -> Bundle:
    """The bundle in these bytes. BundleUnreadable for anything but this version, or when it is not whole; BadBundle,
    BadText or NotCanonical when it is this version and not well formed."""
    if not data.startswith(_START):
        raise BundleUnreadable("bundle", FORMAT)
    try:
        document = canon.decode(data, max_bytes=MAX_BYTES, max_depth=_DEPTH)
    except canon.NotCanonical as refusal:
        if refusal.reason == "not JSON":
            raise BundleNotWhole("bundle", refusal.reason) from refusal
        raise
    if document.keys() != _FIELDS:
        raise BadBundle("bundle", "fields")
    log, private = document["log"], document["private"]
    if type(log) is not dict or log.keys() != _LOG_FIELDS:
        raise BadBundle("log", "fields")
    if type(private) is not dict or private.keys() != _PRIVATE_FIELDS:
        raise BadBundle("private", "fields")
    lot = document["lot"]
    indices = _list_of(int, log, "log.indices")
    entries = _list_of(str, log, "log.entries")
    if type(lot) is not str or type(log["checkpoint"]) is not str:
        raise BadBundle("bundle", "type of value")
    _check(lot, indices, len(entries))
    whose, shown = _list_of(int, private, "private.indices"), _list_of(str, private, "private.disclosures")
    if len(whose) != len(shown):
        raise BadBundle("private.indices", "hashes do not match the leaves")
    disclosed = tuple(zip(whose, shown, strict=True))
    _check_private(disclosed, indices)
    return Bundle(
        lot,
        from_base64(log["checkpoint"], "log.checkpoint"),
        tuple(indices),
        tuple(from_base64(entry, f"log.entries[{at}]") for at, entry in enumerate(entries)),
        tuple(from_base64(node, f"log.proof[{at}]", 32) for at, node in enumerate(_list_of(str, log, "log.proof"))),
        disclosed,
    )


def _list_of(kind: type, part: dict[str, Any], path: str) -> list[Any]:
    values = part[path.rpartition(".")[2]]
    if type(values) is not list or not all(type(value) is kind for value in values):
        raise BadBundle(path, "type of value")
    return values


def _check(lot: str, indices: list[int], entries: int) -> None:
    if not lot:
        raise BadBundle("lot", "empty")
    if not indices:
        raise BadBundle("log.entries", "empty")
    if len(indices) != entries:
        raise BadBundle("log.indices", "hashes do not match the leaves")
    if len(indices) > MAX_ENTRIES:
        raise BadBundle("log.entries", "too long")
    if indices[0] < 0 or any(a >= b for a, b in pairwise(indices)):
        raise BadBundle("log.indices", "indices not ascending")


def _check_private(disclosed: Sequence[tuple[int, str]], indices: Sequence[int]) -> None:
    """Ascending by index and then by text, none twice, each beside an entry that is there."""
    if any(a >= b for a, b in pairwise(disclosed)):
        raise BadBundle("private.indices", "indices not ascending")
    if not {index for index, _ in disclosed} <= set(indices):
        raise BadBundle("private.indices", "no such entry")
