"""The log as its database holds it, for whoever re-hashes it: the rows answer as files of C2SP tlog-tiles.

Nothing here is verified; `shared.audit.tree` does that, against a signed root.
"""

import asyncio

from services.custody import tiles
from services.custody.store import Transaction
from shared.audit.refusals import NotServed
from shared.tlog.merkle import HASH_BYTES
from shared.tlog.tile import WIDTH, BadTile, Tile, encode_entries


class Rows:
    """A `shared.audit` source over one transaction, whose questions it asks one after the other."""

    name = "the database"

    def __init__(self, tx: Transaction, size: int, note: bytes = b"") -> None:
        """The log of `size` entries, under the checkpoint `note`."""
        self._tx = tx
        self._size = size
        self._note = note
        self._turn = asyncio.Lock()

    async def checkpoint(self) -> bytes:
        return self._note

    async def witnessed(self) -> bytes:
        raise NotServed(self.name, "it is asked for one checkpoint")

    async def tile(self, tile: Tile) -> bytes:
        """A tile as wide as it is asked for. NotServed when rows of it are missing."""
        async with self._turn:
            data = await (self._entries(tile) if tile.kind == "entries" else self._hashes(tile))
        if data is None:
            raise NotServed(tile.path, "rows are missing")
        return data

    async def _entries(self, tile: Tile) -> bytes | None:
        start = tile.n * WIDTH
        bodies = await self._tx.body_range(start, start + tile.width)
        try:
            return encode_entries(bodies) if len(bodies) == tile.width else None
        except BadTile:
            return None

    async def _hashes(self, tile: Tile) -> bytes | None:
        found = await tiles.load(self._tx, [(tile.level, tile.n)], self._size)
        data = found.get((tile.level, tile.n), b"")[: tile.width * HASH_BYTES]
        return data if len(data) == tile.width * HASH_BYTES else None
