"""c2sp.org/tlog-tiles: where a hash or an entry lies, under which path, and how entries are packed.

A tile of level L holds up to 256 nodes of Merkle level 8 * L. One tile has one path: whatever is not spelled exactly
so is refused, because a cache may never hold two names for one thing.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from shared.tlog.merkle import HASH_BYTES, Node, Row, node_hash
from shared.tlog.refusals import BadBytes

WIDTH = 256
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 65_535
_MAX_INDEX = 2**63 - 1
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


@dataclass(eq=False)
class BadTile(BadBytes):
    """A path names no tile, or the bytes of a tile or entry bundle are not one."""

    slug: ClassVar[str] = "bad-tile"


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of hashes, or one bundle of entries (which has level 0)."""

    kind: Literal["tile", "entries"]
    level: int
    n: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its path below the log's prefix."""
        return tile_path(self.level, self.n, self.width) if self.kind == "tile" else entries_path(self.n, self.width)

    @property
    def full(self) -> bool:
        """A full tile never changes; a partial one is a prefix of what it will become."""
        return self.width == WIDTH


def tile_path(level: int, n: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]`."""
    return f"tile/{level}/{_number(n)}{_suffix(width)}"


def entries_path(n: int, width: int = WIDTH) -> str:
    """`tile/entries/<N>[.p/<W>]`."""
    return f"tile/entries/{_number(n)}{_suffix(width)}"


def parse_tile_path(path: str) -> Tile:
    """The tile that a path names, spelled exactly as `tile_path` or `entries_path` would; BadTile otherwise."""
    match = _PATH.fullmatch(path)
    if match is None or not path.isascii():
        raise BadTile("path", "tile path")
    kind, number, width = match.groups()
    n = int(re.sub("[x/]", "", number))
    named: Literal["tile", "entries"] = "entries" if kind == "entries" else "tile"
    tile = Tile(named, 0 if kind == "entries" else int(kind), n, WIDTH if width is None else int(width))
    if tile.level > MAX_LEVEL or n > _MAX_INDEX or not 0 < tile.width <= WIDTH or tile.path != path:
        raise BadTile("path", "tile path")
    return tile


def width_at(level: int, n: int, size: int) -> int:
    """How many nodes tile (level, n) holds in a log of `size` entries: 0 to 256."""
    return max(0, min(WIDTH, (size >> (8 * level)) - n * WIDTH))


def home(node: Node) -> tuple[int, int, int, int]:
    """Where a Merkle node lies: tile level, tile number, first hash in the tile and how many make it up."""
    level, index = node
    tile_level, above = divmod(level, 8)
    first = index << above
    return tile_level, first // WIDTH, first % WIDTH, 1 << above


def tiles_for(nodes: Iterable[Node]) -> list[tuple[int, int]]:
    """The tiles (level, number) that must be read to know these nodes, each once, in order."""
    return sorted({home(node)[:2] for node in nodes})


def node_reader(fetch: Callable[[int, int], bytes]) -> Callable[[int, int], bytes]:
    """A `get_node` for `shared.tlog.merkle`, over `fetch(tile_level, n)` which returns a tile's bytes.

    BadTile when the tile is too short to hold the node. `fetch` is called once for each node.
    """

    def get_node(level: int, index: int) -> bytes:
        tile_level, n, first, count = home((level, index))
        data = fetch(tile_level, n)[first * HASH_BYTES : (first + count) * HASH_BYTES]
        if len(data) != count * HASH_BYTES:
            raise BadTile(tile_path(tile_level, n), "wrong length")
        row = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
        while len(row) > 1:
            row = [node_hash(a, b) for a, b in zip(row[::2], row[1::2], strict=True)]
        return row[0]

    return get_node


def pieces(row: Row) -> Iterator[tuple[int, int, list[bytes]]]:
    """Cut a row of new nodes at tile borders: (tile number, offset in the tile, hashes)."""
    done = 0
    while done < len(row.hashes):
        n, offset = divmod(row.start + done, WIDTH)
        piece = row.hashes[done : done + WIDTH - offset]
        yield n, offset, piece
        done += len(piece)


def encode_entries(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry after its length in two bytes. BadTile when an entry is longer than 65,535 bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise BadTile("entries", "entry too long")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode_entries(data: bytes) -> list[bytes]:
    """The entries of a bundle; BadTile when the last one is cut short."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise BadTile("entries", "truncated entry")
        entries.append(data[at + 2 : end])
        at = end
    return entries


def _number(n: int) -> str:
    groups = [f"{n % 1000:03}"]
    while n := n // 1000:
        groups.append(f"x{n % 1000:03}")
    return "/".join(reversed(groups))


def _suffix(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"
