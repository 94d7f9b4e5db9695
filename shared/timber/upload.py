"""An upload signed once: one Ed25519 signature over the Merkle root of many statements (docs/format.md section 3.1).

A phone signs the day's statements together and sends one signature with them; each statement still becomes an entry of
its own, which carries the signature and the path from its statement to the signed root, and so proves itself alone.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.refusal import Malformed
from shared.timber import fields as f
from shared.timber.bodies import key_id
from shared.timber.fields import Fault, fields, listing
from shared.tlog import canon, merkle

DOMAIN = b"trozalog/v1/statements\n"
MOST_TOGETHER = 4096
LONGEST_PATH = MOST_TOGETHER.bit_length() - 1

_OUTSIDE = Fault(".at", "must be below size", "debe ser menor que size")
_OTHER_LENGTH = Fault(
    ".path", "must hold the hashes from at to the root, no more and no fewer",
    "debe tener los hashes que llevan de at a la raíz, ni más ni menos",
)  # fmt: skip


def _reaches_the_root(place: dict[str, Any]) -> Fault | None:
    if place["at"] >= place["size"]:
        return _OUTSIDE
    return None if len(place["path"]) == len(merkle.inclusion_spans(place["at"], place["size"])) else _OTHER_LENGTH


check_place = fields(
    {
        "at": f.whole(0, MOST_TOGETHER - 1),
        "path": listing(f.bytes32, 1, LONGEST_PATH),
        "size": f.whole(2, MOST_TOGETHER),
    },
    whole_body=_reaches_the_root,
)
"""The member ``of`` of a signature: where in the signed tree the statement stands, and the hashes up to its root."""
_PLACE_LENGTH = len('"of":{"at":,"path":[],"size":},')
_HASH_LENGTH = len('"",') + 43


def place_length(place: dict[str, Any]) -> int:
    """How many bytes the member ``of`` adds to a signature in canonical form."""
    hashes = _HASH_LENGTH * len(place["path"]) - 1
    return _PLACE_LENGTH + len(str(place["at"])) + len(str(place["size"])) + hashes


def signed_through(sid: str, place: dict[str, Any]) -> bytes:
    """What was signed, from one statement's sid and its checked place."""
    path = [urlsafe_b64decode(one + "=") for one in place["path"]]
    return _message(place["size"], merkle.inclusion_root(place["at"], place["size"], _leaf(sid), path))


def _leaf(sid: str) -> bytes:
    return merkle.leaf_hash(bytes.fromhex(sid))


def _message(size: int, root: bytes) -> bytes:
    return DOMAIN + size.to_bytes(8, "big") + root


class Together:
    """Statements, by their sids in order, under one root. ``Malformed`` unless they are 2 to 4,096, each once."""

    def __init__(self, sids: Sequence[str]) -> None:
        if not 2 <= len(sids) <= MOST_TOGETHER:
            raise Malformed("size", f"{len(sids)} statements; 2 to {MOST_TOGETHER} are signed together")
        if len(set(sids)) != len(sids):
            raise Malformed("statements", "must not repeat a statement")
        self.sids = sids
        self._size = len(sids)
        levels = [[_leaf(sid) for sid in sids]]
        while len(levels[-1]) > 1:
            row = levels[-1]
            above = [merkle.node_hash(a, b) for a, b in zip(row[::2], row[1::2], strict=False)]
            levels.append(above + row[len(row) - len(row) % 2 :])  # an odd one out goes up as it is
        self._levels = levels

    @property
    def message(self) -> bytes:
        """What is signed: domain tag, number of statements (8 bytes, big-endian) and root (32 bytes)."""
        return _message(self._size, self._levels[-1][0])

    @cached_property
    def _paths(self) -> list[str]:
        """The hashes from each statement to the root, as a JSON array's inside. Built from the root down, so that
        what neighbours share is written once."""
        shared = [""]
        for row in self._levels[-2::-1]:
            text = [f'"{urlsafe_b64encode(one).decode()[:43]}"' for one in row]
            shared = [
                rest if (at ^ 1) >= len(row) else f"{text[at ^ 1]},{rest}" if rest else text[at ^ 1]
                for at, rest in ((at, shared[at >> 1]) for at in range(len(row)))
            ]
        return shared

    def entry_head(self, at: int, kid: str, signature: str) -> bytes:
        """The entry of statement ``at`` up to where the statement begins; a closing brace ends it."""
        place = f'{{"at":{at},"path":[{self._paths[at]}],"size":{self._size}}}'
        return f'{{"sig":[{{"kid":"{kid}","of":{place},"sig":"{signature}"}}],"stmt":'.encode()


_check_header = fields({"kid": f.kid, "sig": f.bytes64, "size": f.whole(2, MOST_TOGETHER)})
HEADER_START = b'{"kid":'


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of an upload signed once."""

    kid: str
    signature: str

    @property
    def raw(self) -> bytes:
        """The signature's 64 bytes."""
        return urlsafe_b64decode(self.signature + "==")


def read_header(lines: Sequence[bytes]) -> Header:
    """The header of these lines, whose rest are its statements; ``Malformed`` when it is none or counts others."""
    header = canon.decode(lines[0], max_bytes=400, max_depth=1)
    fault = _check_header(header)
    if fault is not None:
        raise Malformed("header" + fault.path, fault.reason)
    if header["size"] != len(lines) - 1:
        raise Malformed("header.size", f"says {header['size']} statements, and {len(lines) - 1} follow")
    return Header(header["kid"], header["sig"])


def sign_together(statements: Sequence[bytes], sids: Sequence[str], key: Ed25519PrivateKey) -> bytes:
    """The upload: header and statements, a line each. ``Malformed`` unless they are 2 to 4,096."""
    public = key.public_key().public_bytes_raw()
    signature = urlsafe_b64encode(key.sign(Together(sids).message)).decode()[:86]
    header = f'{{"kid":"{key_id(public)}","sig":"{signature}","size":{len(statements)}}}'.encode()
    return b"\n".join([header, *statements])
