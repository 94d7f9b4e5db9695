"""The Merkle side of the store: what a round adds to the tree, and the tiles and proofs a reader asks for.

Full tiles are rows that never change; a partial tile is the prefix of a full one and is cut from what stands under
it: leaf hashes of entries at level 0, roots of full tiles above (C2SP tlog-tiles).
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from services.custody.store import Head, NewTile, Transaction
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.merkle import HASH_BYTES, BadProof, CompactRange, Node, Row
from shared.tlog.tile import WIDTH, node_reader, pieces, tile_path, tiles_for, width_at
from shared.web.problems import HttpRefusal

INLINE = 16  # a thread hop costs more than proving so few


@dataclass(eq=False)
class LogIncomplete(HttpRefusal):
    """Rows of the log are missing, or do not lead to what it signed: the database was set back, or damaged."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "log-incomplete"
    es: ClassVar[str] = (
        "La base de datos de la bitácora fue retrocedida o está dañada ({where}) y no puede probar esto hasta que el "
        "operador la recupere. Lo publicado no se pierde: consulte una copia verificada o vuelva más tarde."
    )
    en: ClassVar[str] = (
        "The log's database was set back or is damaged ({where}) and cannot prove this until the operator recovers it. "
        "Nothing published is lost: ask a verified copy, or come back later."
    )
    where: str


def tree_of(head: Head) -> CompactRange:
    """The tree a head row describes."""
    return CompactRange.stored(head.size, head.edge)


def extended(head: Head, new: Sequence[bytes]) -> tuple[Head, list[Row]]:
    """The head after `new` leaf hashes follow, and the tree nodes that became complete."""
    tree = tree_of(head)
    rows = tree.append(new)
    return Head(tree.size, tree.edge_bytes), rows


async def completed(tx: Transaction, rows: Sequence[Row]) -> list[NewTile]:
    """The tiles that became full, of every level, each with the hash it contributes to the level above."""
    tiles = []
    for row, above in pairwise(rows):
        for n, offset, piece in pieces(row):
            if offset + len(piece) == WIDTH:
                before = await _hashes(tx, row.tile_level, n * WIDTH, n * WIDTH + offset) if offset else []
                hashes = b"".join([*before, *piece])
                tiles.append(NewTile(row.tile_level, n, hashes, above.hashes[n - above.start]))
    return tiles


async def _hashes(tx: Transaction, level: int, start: int, end: int) -> list[bytes]:
    """Nodes [start, end) of a tile level: each covers 256**level entries."""
    return await tx.leaf_hashes(start, end) if level == 0 else await tx.tile_roots(level - 1, start, end)


async def load(tx: Transaction, wanted: Iterable[tuple[int, int]], size: int) -> dict[tuple[int, int], bytes]:
    """The tiles asked for, as wide as a log of `size` entries has them."""
    widths = {tile: width_at(*tile, size) for tile in wanted}
    found = await tx.tiles([tile for tile, width in widths.items() if width == WIDTH])
    for (level, n), width in widths.items():
        if 0 < width < WIDTH:
            found[level, n] = b"".join(await _hashes(tx, level, n * WIDTH, n * WIDTH + width))
    return found


async def inclusion(tx: Transaction, index: int, size: int) -> list[bytes]:
    """RFC 6962 inclusion proof of entry `index` in the tree of `size` entries."""
    spans = merkle.inclusion_spans(index, size)
    return merkle.prove(spans, await _reader(tx, merkle.nodes_of(spans), size))


async def consistency(tx: Transaction, old: int, new: int) -> list[bytes]:
    """RFC 6962 consistency proof between the trees of `old` and `new` entries."""
    spans = merkle.consistency_spans(old, new)
    return merkle.prove(spans, await _reader(tx, merkle.nodes_of(spans), new))


async def root_at(tx: Transaction, size: int) -> bytes:
    """The root of the tree of the first `size` entries."""
    if size == 0:
        return merkle.EMPTY_ROOT
    [root] = merkle.prove([(0, size)], await _reader(tx, merkle.span_nodes(0, size), size))
    return root


async def prefix(tx: Transaction, size: int, signed: Checkpoint) -> tuple[bytes, list[bytes]]:
    """The root of the first `size` entries, and the proof that the tree of `signed`, a checkpoint of ours that is as large or
    larger, begins with them. LogIncomplete when the stored nodes do not lead to the signed root: then they say nothing
    about anybody else's checkpoint."""
    root, proof = await root_at(tx, size), await consistency(tx, size, signed.size)
    try:
        merkle.verify_consistency(size, signed.size, root, signed.root, proof)
    except BadProof as error:
        raise LogIncomplete(f"{size} / {signed.size}") from error
    return root, proof


async def multiproof(tx: Transaction, indices: Sequence[int], size: int) -> list[bytes]:
    """The hashes a verifier of all `indices` cannot compute itself, left to right. Many of them take a while: each tile
    they stand in is hashed again, so others have their turn meanwhile."""
    spans = merkle.multiproof_spans(indices, size)
    reader = await _reader(tx, merkle.nodes_of(spans), size)
    if len(indices) <= INLINE:
        return merkle.prove(spans, reader)
    return await asyncio.to_thread(merkle.prove, spans, reader)


async def _reader(tx: Transaction, nodes: Iterable[Node], size: int) -> merkle.GetNode:
    wanted = tiles_for(nodes)
    tiles = await load(tx, wanted, size)
    for tile in wanted:
        if len(tiles.get(tile, b"")) != width_at(*tile, size) * HASH_BYTES:
            raise LogIncomplete(tile_path(*tile))
    return node_reader(lambda level, n: tiles[level, n])
