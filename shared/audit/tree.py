"""A log under one checkpoint: whatever is read here has been verified against the signed root.

Downwards: the right edge against the root, each full tile against its hash in the tile above, entries against their
hashes in the tile of level 0. Damage is therefore found at its place, a tile before what lies under it. What is held in
memory does not grow with the log.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from shared.audit.edge import Edge, hashes_of, tile_root, verified_edge
from shared.audit.refusals import Damaged, damaged
from shared.audit.stored import Stored, fetched
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.merkle import HASH_BYTES, Node
from shared.tlog.tile import WIDTH, BadTile, Tile, decode_entries, node_reader, tiles_for, width_at

TILES_KEPT = 64
AHEAD = 8


@dataclass(frozen=True, slots=True)
class Bundle:
    """Verified entries: those of bundle `n`, their file as it is stored, and their hashes, which are tile (0, `n`)."""

    n: int
    entries: list[bytes]
    data: bytes
    hashes: bytes

    @property
    def first(self) -> int:
        """The index of the first of its entries."""
        return self.n * WIDTH


class Tree:
    """Reads one log at one checkpoint that has been accepted. The right edge is verified before anything else is read."""

    def __init__(self, stored: Stored, checkpoint: Checkpoint, ahead: int = AHEAD) -> None:
        self.checkpoint = checkpoint
        self._stored = stored
        self._ahead = ahead
        self._edge: Edge | None = None
        self._opening = asyncio.Lock()
        self._full: OrderedDict[tuple[int, int], asyncio.Task[bytes]] = OrderedDict()

    async def edge(self) -> Edge:
        """The partial tiles, by level. Damaged when they do not lead to the signed root."""
        async with self._opening:
            if self._edge is None:
                self._edge = await verified_edge(self._stored, self.checkpoint)
        return self._edge

    async def tile(self, level: int, n: int) -> bytes:
        """The hashes of a tile, full or at the edge, as wide as the checkpoint has it. Damaged names it or one above."""
        edge = await self.edge()
        if width_at(level, n, self.checkpoint.size) < WIDTH:
            return edge[level]
        task = self._full.get((level, n))
        if task is None or task.cancelled():
            task = asyncio.create_task(self._verified(level, n))
            task.add_done_callback(_looked_at)
            self._full[level, n] = task
            if len(self._full) > TILES_KEPT:
                self._full.popitem(last=False)
        self._full.move_to_end((level, n))
        return await task

    async def _verified(self, level: int, n: int) -> bytes:
        above = await self.tile(level + 1, n // WIDTH)
        tile = Tile("tile", level, n)
        data = await fetched(self._stored, tile)
        place = n % WIDTH * HASH_BYTES
        if tile_root(data) != above[place : place + HASH_BYTES]:
            raise damaged(tile.path, "hashes")
        return data

    async def bundle(self, n: int) -> Bundle:
        """The entries of one bundle. Damaged names the first entry that is not right, or a tile above it."""
        hashes = await self.tile(0, n)
        tile = Tile("entries", 0, n, len(hashes) // HASH_BYTES)
        data = await fetched(self._stored, tile)
        try:
            entries = decode_entries(data)
        except BadTile:
            raise _first_damage(tile, data, hashes) from None
        if [merkle.leaf_hash(entry) for entry in entries] != hashes_of(hashes):
            raise _first_damage(tile, data, hashes)
        return Bundle(n, entries, data, hashes)

    async def bundles(self, first: int = 0) -> AsyncIterator[Bundle]:
        """Every bundle from `first` on, in order, some read ahead. Raises at the first that is not right."""
        window: deque[asyncio.Task[Bundle]] = deque()
        try:
            for n in range(first, -(-self.checkpoint.size // WIDTH)):
                window.append(asyncio.create_task(self.bundle(n)))
                if len(window) > self._ahead:
                    yield await window.popleft()
            while window:
                yield await window.popleft()
        finally:
            for task in window:
                task.cancel()
            await asyncio.gather(*window, return_exceptions=True)

    async def root_at(self, size: int) -> bytes:
        """The root this tree had at an earlier size."""
        [root] = await self.prove([(0, size)]) if size else [merkle.EMPTY_ROOT]
        return root

    async def consistency(self, old: int) -> list[bytes]:
        """The RFC 6962 proof that the tree of `old` entries is a prefix of this one."""
        return await self.prove(merkle.consistency_spans(old, self.checkpoint.size))

    async def prove(self, spans: Iterable[merkle.Span]) -> list[bytes]:
        """The hashes of these spans (`shared.tlog.merkle`)."""
        spans = list(spans)
        tiles = await self._tiles(merkle.nodes_of(spans))
        return merkle.prove(spans, node_reader(lambda level, n: tiles[level, n]))

    async def _tiles(self, nodes: Iterable[Node]) -> dict[tuple[int, int], bytes]:
        return {(level, n): await self.tile(level, n) for level, n in tiles_for(nodes)}


def _looked_at(task: "asyncio.Task[bytes]") -> None:
    """A tile that was read ahead and never asked for again may have failed: that is nobody's surprise."""
    if not task.cancelled():
        task.exception()


def _first_damage(tile: Tile, data: bytes, hashes: bytes) -> Damaged:
    """Which entry of a bundle is not the one its verified hash names."""
    index, at = tile.n * WIDTH, 0
    for place, leaf in enumerate(hashes_of(hashes)):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            return damaged(tile.path, "truncated", index + place)
        if merkle.leaf_hash(data[at + 2 : end]) != leaf:
            return damaged(tile.path, "entry", index + place)
        at = end
    return damaged(tile.path, "left over")
