"""The rows of the log hashed again, a bundle of 256 entries at a time: each column against what it must be.

What is signed is the root. Where two columns disagree, the hashes that the signed root leads to say which of them is
damaged. Used by the slow scrub of a running custody and by `fsck`.
"""

from collections.abc import Iterator

from services.custody.soundness.damage import Damage, damage
from services.custody.soundness.rows import Rows
from services.custody.store import Transaction
from shared.audit.edge import hashes_of, tile_root
from shared.audit.refusals import CannotRead, Damaged
from shared.audit.tree import Tree
from shared.timber.event import sid_of
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.merkle import Row
from shared.tlog.tile import WIDTH, pieces

ENTRIES = "SELECT idx, sid, leaf_hash, body FROM entry WHERE log_id = $1 AND idx >= $2 AND idx < $3 ORDER BY idx"
TILE = "SELECT hashes, root FROM tile WHERE log_id = $1 AND level = $2 AND n = $3"


class Arbiter:
    """The leaf hashes that the newest signed checkpoint leads to."""

    def __init__(self, tx: Transaction, signed: Checkpoint | None) -> None:
        self._tree = None if signed is None else Tree(Rows(tx, signed.size), signed)

    async def hashes(self, n: int) -> list[bytes]:
        """Those of bundle `n`; empty where nothing signed reaches them, or the way to them is damaged too."""
        if self._tree is None or n * WIDTH >= self._tree.checkpoint.size:
            return []
        try:
            return hashes_of(await self._tree.tile(0, n))
        except (Damaged, CannotRead):
            return []


async def entries(tx: Transaction, n: int, size: int, arbiter: Arbiter) -> list[bytes]:
    """The leaf hashes of bundle `n` of a log of `size` entries, hashed from the entries. Damage names the first row that
    is not right; it does not tell of entries whose every row was changed alike, which the tiles and the root do."""
    start, end = n * WIDTH, min(size, (n + 1) * WIDTH)
    leaves: list[bytes] = []
    for index, sid, leaf_hash, body in await tx.fetch(ENTRIES, tx.log_id, start, end):
        expected = start + len(leaves)
        if index != expected:
            raise damage(f"entry {expected}", "missing")
        leaf = merkle.leaf_hash(body)
        if leaf != leaf_hash:
            signed = await arbiter.hashes(n)
            column = "leaf_hash" if leaf in signed[index - start : index - start + 1] else "entry"
            raise damage(f"entry {index}", column)
        if sid != bytes.fromhex(sid_of(statement_of(body))):
            raise damage(f"entry {index}", "sid")
        leaves.append(leaf)
    if start + len(leaves) != end:
        raise damage(f"entry {start + len(leaves)}", "missing")
    return leaves


def statement_of(body: bytes) -> bytes:
    """The statement's bytes in an entry (docs/format.md, section 3)."""
    return body.partition(b'],"stmt":')[2][:-1]


async def tile(tx: Transaction, level: int, n: int, hashes: bytes, arbiter: Arbiter) -> None:
    """Damage unless the row of a full tile holds these hashes, which follow from the entries, and their root."""
    place = f"tile {level}/{n}"
    found = await tx.fetch(TILE, tx.log_id, level, n)
    if not found:
        raise damage(place, "missing")
    stored, root = found[0]
    if stored != hashes:
        raise await _differs(place, level, n, hashes, arbiter)
    if root != tile_root(hashes):
        raise damage(place, "root")


async def _differs(place: str, level: int, n: int, hashes: bytes, arbiter: Arbiter) -> Damage:
    """The tile, unless the signed root leads to what it holds: then an entry was changed together with its columns."""
    if level == 0:
        for index, (signed, made) in enumerate(
            zip(await arbiter.hashes(n), hashes_of(hashes), strict=False), n * WIDTH
        ):
            if signed != made:
                return damage(f"entry {index}", "entry")
    return damage(place, "hashes")


class Growing:
    """The tiles of a log while its leaf hashes come in, each given once, when it is full."""

    def __init__(self) -> None:
        self.tree = merkle.CompactRange()
        self._open: dict[int, list[bytes]] = {}

    def append(self, leaves: list[bytes]) -> Iterator[tuple[int, int, bytes]]:
        """(level, number, hashes) of the tiles that these leaves complete."""
        for row in self.tree.append(leaves):
            yield from self._grown(row)

    def _grown(self, row: Row) -> Iterator[tuple[int, int, bytes]]:
        for n, offset, piece in pieces(row):
            hashes = self._open.setdefault(row.tile_level, [])
            hashes += piece
            if offset + len(piece) == WIDTH:
                yield row.tile_level, n, b"".join(hashes)
                hashes.clear()
