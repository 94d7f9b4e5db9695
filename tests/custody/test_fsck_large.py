"""Damage in a log of more than 65,536 entries, where there are full tiles of level 1: found in the database, at its place."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from deploy.databases import Database
from services.custody import tiles
from services.custody.operating.fsck import Fsck
from services.custody.soundness.damage import Damage
from services.custody.store import Head, NewTile, Transaction
from shared.timber.event import sid_of
from shared.tlog import merkle

SIZE = 256 * 256 + 300


def rows_of(size: int) -> tuple[list[tuple[Any, ...]], list[bytes]]:
    """Entries of a log of any bytes that have a statement, and their leaf hashes."""
    entries, leaves = [], []
    for n in range(size):
        statement = f'{{"n":{n}}}'.encode()
        body = b'{"sig":[],"stmt":' + statement + b"}"
        leaves.append(merkle.leaf_hash(body))
        entries.append((1, n, bytes.fromhex(sid_of(statement)), leaves[-1], body))
    return entries, leaves


def full_tiles(leaves: list[bytes]) -> list[NewTile]:
    """As the definition has them: 256 hashes a tile, and the root of each stands in the tile above."""
    found, level, row = [], 0, leaves
    while len(row) >= 256:
        parts = [row[at : at + 256] for at in range(0, len(row) - 255, 256)]
        roots = [_root(part) for part in parts]
        found += [
            NewTile(level, n, b"".join(part), root) for n, (part, root) in enumerate(zip(parts, roots, strict=True))
        ]
        level, row = level + 1, roots
    return found


def _root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [merkle.node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


@pytest.fixture
async def large(migrated_for: Callable[[str], Database]) -> AsyncIterator[asyncpg.Connection]:
    """The database of such a log; no trigger stands in the way of damage."""
    database = migrated_for("custody")
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        entries, leaves = rows_of(SIZE)
        head, _ = tiles.extended(Head(0, b""), leaves)
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("INSERT INTO tlog VALUES (1, 'large.test/log', $1, $2)", head.size, head.edge)
        await connection.copy_records_to_table("entry", records=entries)
        made = [(1, t.level, t.n, t.hashes, t.root) for t in full_tiles(leaves)]
        await connection.copy_records_to_table("tile", records=made)
        yield connection
    finally:
        await connection.close()


async def damage_after(connection: asyncpg.Connection, statement: str) -> str:
    change = connection.transaction()
    await change.start()
    try:
        assert await connection.execute(statement) in ("UPDATE 1", "DELETE 1", "INSERT 0 1")
        with pytest.raises(Damage) as found:
            await Fsck(Transaction(connection, 1), "large.test/log", ()).rows()
        return f"{found.value.place}: {found.value.reason}"
    finally:
        await change.rollback()


async def test_damage_at_and_under_a_full_tile_of_level_1_has_its_place(large: asyncpg.Connection) -> None:
    sound = await Fsck(Transaction(large, 1), "large.test/log", ()).rows()
    assert sound.size == SIZE
    flip = "UPDATE tile SET {column} = set_byte({column}, {at}, get_byte({column}, {at}) # 1) WHERE level = {level} AND n = {n}"

    assert await damage_after(large, flip.format(column="hashes", at=8191, level=1, n=0)) == "tile 1/0: hashes"
    assert await damage_after(large, flip.format(column="root", at=5, level=1, n=0)) == "tile 1/0: root"
    assert await damage_after(large, "DELETE FROM tile WHERE level = 1") == "tile 1/0: missing"
    assert await damage_after(large, flip.format(column="hashes", at=0, level=0, n=255)) == "tile 0/255: hashes"
    beyond = "INSERT INTO tile SELECT 1, 1, 1, hashes, root FROM tile WHERE level = 1 AND n = 0"
    assert await damage_after(large, beyond) == "tile 1/1: beyond"
