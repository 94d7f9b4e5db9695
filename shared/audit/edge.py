"""The right edge of a log: the partial tiles, one a level, that its signed root is worked out from.

They are checked together, by the root. When they do not lead to it, the hashes of each are worked out again from what
lies below it, and the tile is named without which the root comes right.
"""

from itertools import product

from shared.audit.refusals import Damaged, damaged
from shared.audit.stored import Stored, fetched
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.merkle import HASH_BYTES
from shared.tlog.tile import WIDTH, BadTile, Tile, decode_entries, node_reader

Edge = dict[int, bytes]


def edge_tiles(size: int) -> list[Tile]:
    """The partial hash tiles of a log of this size, the highest level first."""
    tiles = []
    for level in range(size.bit_length() // 8, -1, -1):
        n, width = divmod(size >> (8 * level), WIDTH)
        if width:
            tiles.append(Tile("tile", level, n, width))
    return tiles


def partial_bundle(size: int) -> Tile | None:
    """The entry bundle that is not full yet, if there is one."""
    return Tile("entries", 0, size // WIDTH, size % WIDTH) if size % WIDTH else None


async def verified_edge(stored: Stored, checkpoint: Checkpoint) -> Edge:
    """The hashes of the partial tiles by level, verified against the root. Damaged names the first that is not right."""
    tiles = edge_tiles(checkpoint.size)
    edge = {tile.level: await fetched(stored, tile) for tile in tiles}
    if _root(checkpoint.size, edge) != checkpoint.root:
        raise await _diagnosed(stored, checkpoint, tiles, edge)
    return edge


def _root(size: int, edge: Edge) -> bytes:
    if size == 0:
        return merkle.EMPTY_ROOT
    return merkle.prove([(0, size)], node_reader(lambda level, _: edge[level]))[0]


async def _diagnosed(stored: Stored, checkpoint: Checkpoint, tiles: list[Tile], edge: Edge) -> Damaged:
    """Which tile to blame: the fewest that, made anew from what lies below, give the signed root; the highest of them."""
    below = {tile.level: await _from_below(stored, tile) for tile in tiles}
    suspects = [tile for tile in tiles if below[tile.level] != edge[tile.level]]
    mendable = [tile for tile in suspects if below[tile.level] is not None]
    for choice in sorted(product((False, True), repeat=len(mendable)), key=sum):
        blamed = [tile for tile, made_anew in zip(mendable, choice, strict=True) if made_anew]
        mended = edge | {tile.level: below[tile.level] or b"" for tile in blamed}
        if blamed and _root(checkpoint.size, mended) == checkpoint.root:
            return damaged(blamed[0].path, "hashes")
    return damaged(suspects[0].path, "hashes") if suspects else damaged("checkpoint", "tree")


async def _from_below(stored: Stored, tile: Tile) -> bytes | None:
    """The hashes of a partial tile as they follow from the entries or full tiles below it; None when those are bad."""
    try:
        if tile.level == 0:
            entries = decode_entries(await fetched(stored, Tile("entries", 0, tile.n, tile.width)))
            hashes = [merkle.leaf_hash(entry) for entry in entries]
        else:
            first = tile.n * WIDTH
            children = [Tile("tile", tile.level - 1, first + place) for place in range(tile.width)]
            hashes = [tile_root(await fetched(stored, child)) for child in children]
    except (Damaged, BadTile):
        return None
    return b"".join(hashes) if len(hashes) == tile.width else None


def tile_root(data: bytes) -> bytes:
    """What a full tile contributes to the level above."""
    return merkle.root_of(hashes_of(data))


def hashes_of(data: bytes) -> list[bytes]:
    """The hashes of a tile, in order."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
