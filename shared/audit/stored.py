"""What the core of this room asks of whoever keeps a log: the bytes of a tile. It does no I/O itself."""

from typing import Protocol

from shared.audit.refusals import NotServed, damaged
from shared.tlog.merkle import HASH_BYTES
from shared.tlog.tile import MAX_ENTRY_BYTES, BadTile, Tile, decode_entries, encode_entries


class Stored(Protocol):
    """Whoever can hand out the tiles of a log: a source, or the rows of a database."""

    async def tile(self, tile: Tile) -> bytes:
        """The bytes of a tile or entry bundle, not verified. NotServed, or CannotRead."""
        ...


async def fetched(stored: Stored, tile: Tile) -> bytes:
    """The bytes of a file that the log must have, not verified. Damaged when it is missing or a tile has not its length.

    A partial tile may be gone once the full one is there (tlog-tiles): then it is cut from that.
    """
    try:
        data = await stored.tile(tile)
    except NotServed:
        data = await _cut(stored, tile)
    if tile.kind == "tile" and len(data) != tile.width * HASH_BYTES:
        raise damaged(tile.path, "wrong length")
    return data


async def _cut(stored: Stored, tile: Tile) -> bytes:
    if tile.full:
        raise damaged(tile.path, "missing")
    try:
        whole = await stored.tile(Tile(tile.kind, tile.level, tile.n))
        if tile.kind == "tile":
            return whole[: tile.width * HASH_BYTES]
        return encode_entries(decode_entries(whole)[: tile.width])
    except (NotServed, BadTile):
        raise damaged(tile.path, "missing") from None


def longest(tile: Tile) -> int:
    """How long the file can be at most."""
    return tile.width * (HASH_BYTES if tile.kind == "tile" else 2 + MAX_ENTRY_BYTES)
