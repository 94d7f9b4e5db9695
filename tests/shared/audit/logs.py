"""Logs in folders, as any static server would hand them out, made without the code under test."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.audit.refusals import NotServed
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Signer, sign
from shared.tlog.policy import Policy
from shared.tlog.tile import Tile, parse_tile_path

ORIGIN = "trozalog.test/madre-de-dios/2026"
LOG = Signer.generate(ORIGIN)


def a_policy(log: Signer = LOG) -> Policy:
    return Policy.parse(f"log {log.verifier.vkey}\nquorum none\n".encode())


def some_entries(count: int, start: int = 0) -> list[bytes]:
    return [b"entry %d " % n * (1 + n % 5) for n in range(start, start + count)]


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is defined there."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return hashlib.sha256(b"\x01" + root(hashes[:half]) + root(hashes[half:])).digest()


@dataclass
class PlainLog:
    """A log of any bytes."""

    entries: list[bytes] = field(default_factory=list)
    signer: Signer = LOG

    @property
    def root(self) -> bytes:
        return root([leaf(entry) for entry in self.entries])

    def note(self, size: int | None = None) -> bytes:
        entries = self.entries if size is None else self.entries[:size]
        text = Checkpoint(self.signer.name, len(entries), root([leaf(entry) for entry in entries])).text()
        return sign(text, [self.signer])

    def files(self) -> dict[str, bytes]:
        """Every file that a server of this log hands out at its size."""
        files = {"checkpoint": self.note()}
        packed = [len(entry).to_bytes(2, "big") + entry for entry in self.entries]
        files |= _cut("tile/entries", packed)
        level, row = 0, [leaf(entry) for entry in self.entries]
        while row:
            files |= _cut(f"tile/{level}", row)
            row = [root(row[at : at + 256]) for at in range(0, len(row) - 255, 256)]
            level += 1
        return files

    def write(self, folder: Path) -> Path:
        """The log in a folder; what was there of a smaller size stays."""
        for name, data in self.files().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder


def _cut(prefix: str, pieces: Sequence[bytes]) -> dict[str, bytes]:
    files = {}
    for n in range(-(-len(pieces) // 256)):
        part = pieces[n * 256 : n * 256 + 256]
        number = f"{n % 1000:03}" if n < 1000 else f"x{n // 1000:03}/{n % 1000:03}"
        files[f"{prefix}/{number}" + ("" if len(part) == 256 else f".p/{len(part)}")] = b"".join(part)
    return files


class Shelf:
    """A source over files in memory. Complains about a path that no log has."""

    name = "shelf"

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    async def checkpoint(self) -> bytes:
        return self._file("checkpoint")

    async def witnessed(self) -> bytes:
        return self._file("witnessed")

    async def tile(self, tile: Tile) -> bytes:
        assert parse_tile_path(tile.path) == tile
        return self._file(tile.path)

    def _file(self, path: str) -> bytes:
        self.asked.append(path)
        if path not in self.files:
            raise NotServed(path, "not on the shelf")
        return self.files[path]


def checkpoint_of(log: PlainLog) -> Checkpoint:
    return Checkpoint(log.signer.name, len(log.entries), log.root)
