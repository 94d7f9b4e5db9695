"""The log through its public door, checked with nothing but the tiles."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.custody.outside.anchor import Anchor
from shared.tlog import checkpoint, merkle
from shared.tlog.merkle import HASH_BYTES
from shared.tlog.note import open_note
from shared.tlog.tile import decode_entries, entries_path, node_reader, tile_path, width_at
from tests.custody.conftest import NDJSON, Custody, felling, genesis, permit_acts
from tests.custody.set_back import until


class Reader:
    """Reads a log as a stranger does: checkpoint and tiles only."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    async def head(self) -> checkpoint.Checkpoint:
        note = await self._custody.get("/log/checkpoint")
        text = note.decode() if isinstance(note, bytes) else note
        return checkpoint.parse(open_note(text.encode(), [self._custody.keys.log.verifier]).text)

    async def leaf_hashes(self, size: int) -> list[bytes]:
        hashes: list[bytes] = []
        for n in range((size + 255) // 256):
            data = await self._custody.get("/log/" + tile_path(0, n, width_at(0, n, size)))
            hashes += [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]
        return hashes

    async def entries(self, size: int) -> list[bytes]:
        found: list[bytes] = []
        for n in range((size + 255) // 256):
            found += decode_entries(await self._custody.get("/log/" + entries_path(n, width_at(0, n, size))))
        return found


async def grown(custody: Custody, trees: int) -> Custody:
    """A log with this many fellings."""
    codes = [f"{n:04}" for n in range(trees)]
    await custody.log(*genesis(custody), *permit_acts(custody, codes))
    for n in range(0, trees, 400):
        await custody.log(*(felling(custody, code) for code in codes[n : n + 400]))
    await custody.send(felling(custody, codes[-1]), wait="inclusion")
    return custody


async def test_entries_tiles_and_checkpoint_agree(custody: Custody) -> None:
    await grown(custody, 900)
    reader = Reader(custody)

    head = await reader.head()
    entries, leaves = await reader.entries(head.size), await reader.leaf_hashes(head.size)

    assert head.size > 900
    assert [merkle.leaf_hash(entry) for entry in entries] == leaves
    assert merkle.root_of(leaves) == head.root


async def test_the_upper_tiles_hold_the_roots_of_the_lower_ones(custody: Custody) -> None:
    await grown(custody, 600)
    reader = Reader(custody)
    head = await reader.head()
    leaves = await reader.leaf_hashes(head.size)

    upper = await custody.get("/log/" + tile_path(1, 0, width_at(1, 0, head.size)))

    assert [upper[i : i + 32] for i in range(0, len(upper), 32)] == [
        merkle.root_of(leaves[n : n + 256]) for n in range(0, head.size - 255, 256)
    ]


async def test_every_size_ever_signed_is_consistent_with_the_next(ready: Custody) -> None:
    reader, heads = Reader(ready), []
    for code in range(501, 507):
        await ready.send(felling(ready, str(code)), wait="inclusion")
        heads.append(await reader.head())

    leaves = await reader.leaf_hashes(heads[-1].size)
    for head in heads:
        assert merkle.root_of(leaves[: head.size]) == head.root


async def test_a_proof_given_by_custody_holds_against_the_tiles(ready: Custody) -> None:
    [result] = await ready.send(felling(ready, "501"), wait="inclusion")

    record = await ready.get(f"/v1/records/{result['sid']}")

    head = checkpoint.parse(open_note(record["checkpoint"].encode(), [ready.keys.log.verifier]).text)
    entry = felling(ready, "501")
    proof = [base64.b64decode(part) for part in record["proof"]]
    merkle.verify_inclusion(record["index"], head.size, merkle.leaf_hash(entry), proof, head.root)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0", "tile/00/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/64/000", "tile/0/x000/000",
        "tile/8/0/000", "tile/data/000", "tile/entries/0", "tile/-1/000", "tile/0/1000", "tile/0/000.p/", "tile/0/000/",
        "tile/%30/000", "tile/0/000.p/99999", "tile/0/000.p/200", "tile/0/001", "tile/1/000", "tile/entries/001",
    ],
)  # fmt: skip
async def test_a_path_that_names_no_published_tile_is_not_found(ready: Custody, path: str) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    await ready.get(f"/log/{path}", expect=404)


async def test_tiles_may_be_kept_for_ever_and_the_checkpoint_may_not(ready: Custody) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    tile = await ready.http.get("/log/tile/0/000.p/5")
    head = await ready.http.get("/log/checkpoint")

    assert "immutable" in tile.headers["cache-control"]
    assert tile.headers["content-type"] == "application/octet-stream"
    assert len(tile.content) == 5 * 32
    assert "no-cache" in head.headers["cache-control"]
    assert head.headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_list_of_logs_gives_a_stranger_all_there_is_to_check(ready: Custody) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")

    [log] = (await ready.get("/v1/logs"))["logs"]

    assert set(log) == {"origin", "vkey", "base_url", "size", "policy", "frozen", "before"}
    assert log["vkey"] == ready.keys.log.verifier.vkey
    assert log["size"] == (await Reader(ready).head()).size
    assert log["policy"].startswith(f"log {log['vkey']} http://custody.test/log\n")


@pytest.mark.parametrize("url", ["app_dsn", "owner_dsn", "admin_dsn"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET body = '\\x7b7d' WHERE idx = 0",
        "DELETE FROM entry WHERE idx = 0",
        "TRUNCATE entry CASCADE",
        "UPDATE checkpoint SET size = size + 1",
        "DELETE FROM spent",
        "TRUNCATE tile",
    ],
)
async def test_the_database_itself_refuses_to_change_what_was_appended(
    ready: Custody, url: str, statement: str
) -> None:
    connection = await asyncpg.connect(getattr(ready.database, url))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


# What the signer says of damage that was found elsewhere before it came to it itself.
FOUND_BY_SCRUBBING = "Damage at"


async def frozen(custody: Custody) -> dict[str, Any]:
    """The health of a custody that will sign no more, as soon as it says so."""

    async def look() -> dict[str, Any] | None:
        health: dict[str, Any] = await custody.get("/healthz")
        return health if health["frozen"] else None

    found: dict[str, Any] = await until(look, "not frozen")
    return found


@asynccontextmanager
async def nobody_scrubs(custody: Custody) -> AsyncIterator[None]:
    """Inside, it is somebody else's turn to read the log again."""
    connection = await asyncpg.connect(custody.database.admin_dsn)
    try:
        await connection.execute("INSERT INTO scrub (log_id) VALUES (1) ON CONFLICT DO NOTHING")
        async with connection.transaction():
            await connection.execute("SELECT FROM scrub FOR UPDATE")
            yield
    finally:
        await connection.close()


async def flip(custody: Custody, statement: str) -> None:
    """What only somebody with the whole machine can do: change rows behind the triggers."""
    connection = await asyncpg.connect(custody.database.admin_dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_bit_that_flipped_in_storage_is_found_before_it_is_signed(ready: Custody, open_custody: Any) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    (Path(ready.settings.data_dir) / "anchor" / "checkpoint").unlink()
    last = "(SELECT max(idx) FROM entry)"
    await flip(ready, f"DELETE FROM checkpoint WHERE size > {last};"
                      f"UPDATE entry SET body = set_byte(body, 100, get_byte(body, 100) # 1) WHERE idx = {last}")  # fmt: skip

    health = await frozen(await open_custody(ready, data="elsewhere"))

    assert "do not hash to the head" in health["frozen"] or FOUND_BY_SCRUBBING in health["frozen"]
    assert health["signed_size"] < health["size"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tile SET root = set_byte(root, 10, get_byte(root, 10) # 1) WHERE level = 0 AND n = 0",
        "UPDATE entry SET leaf_hash = set_byte(leaf_hash, 10, get_byte(leaf_hash, 10) # 1) WHERE idx = 256",
    ],
    ids=["root of a tile", "leaf hash"],
)
async def test_a_bit_that_flipped_in_a_node_freezes_signing_with_its_reason(ready: Custody, statement: str) -> None:
    people = [{"id": f"org-{n}", "name": "Una", "kind": "community"} for n in range(256)]
    acts = [ready.act("organisation.registered", one) for one in people]
    await ready.log(*acts, role="service", org="trozalog", wait="inclusion")

    async with nobody_scrubs(ready):  # who would find it before there is anything to sign
        await flip(ready, statement)
        await ready.log(felling(ready, "501"))
        health = await frozen(ready)

    assert "stored nodes of the tree" in health["frozen"]
    assert health["signed_size"] < health["size"]


async def test_a_restored_database_freezes_signing_and_keeps_serving(ready: Custody, open_custody: Any) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    size = (await Reader(ready).head()).size
    await flip(ready, f"DELETE FROM entry WHERE idx >= {size - 1}; DELETE FROM checkpoint WHERE size >= {size};"
                      f" UPDATE tlog SET size = 0, edge = ''")  # fmt: skip

    health = await frozen(await open_custody(ready))

    assert str(size) in health["frozen"]


async def test_a_database_of_another_log_is_refused(ready: Custody, open_custody: Any) -> None:
    await flip(ready, "UPDATE tlog SET origin = 'another.test/log'")

    with pytest.raises(RuntimeError, match=r"another\.test/log"):
        await open_custody(ready)


async def test_reading_nodes_from_tiles_gives_consistency_proofs(ready: Custody) -> None:
    reader = Reader(ready)
    await ready.send(felling(ready, "501"), wait="inclusion")
    old = await reader.head()
    await ready.send(felling(ready, "502"), felling(ready, "503"), wait="inclusion")
    new = await reader.head()
    tiles = {(0, 0): await ready.get("/log/" + tile_path(0, 0, new.size))}

    proof = merkle.consistency_proof(old.size, new.size, node_reader(lambda level, n: tiles[level, n]))

    merkle.verify_consistency(old.size, new.size, old.root, new.root, proof)


async def test_the_anchor_holds_what_is_served(ready: Custody) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")

    anchored = (Path(ready.settings.data_dir) / "anchor" / "checkpoint").read_bytes()

    assert anchored == await ready.get("/log/checkpoint")


async def test_the_anchor_never_goes_back(ready: Custody) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    old = (await ready.http.get("/log/checkpoint")).content
    await ready.send(felling(ready, "502"), wait="inclusion")
    anchor = Anchor(Path(ready.settings.data_dir) / "anchor" / "checkpoint", [ready.keys.log.verifier])
    newer = anchor.read()
    assert newer is not None

    anchor.write(old, newer.size - 1)

    assert anchor.read() == newer


async def test_a_restored_database_does_not_grow_its_way_out_of_the_freeze(ready: Custody, open_custody: Any) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    backup = (await Reader(ready).head()).size
    await ready.send(felling(ready, "502"), wait="inclusion")
    await ready.stop()
    await flip(ready, f"DELETE FROM entry WHERE idx >= {backup}; DELETE FROM mention WHERE idx >= {backup};"
                      f" DELETE FROM checkpoint WHERE size > {backup};"
                      f" UPDATE tlog SET size = {backup}, edge = (SELECT edge FROM checkpoint WHERE size = {backup})")  # fmt: skip

    again = await open_custody(ready)
    answer = await again.http.post(
        "/v1/records", content=felling(again, "503"), headers=NDJSON | again.issuer.headers("manager")
    )
    await frozen(again)

    assert answer.status_code == 503
    assert answer.json()["slug"] == "log-frozen"
    assert (await Reader(again).head()).size == backup


async def test_what_one_process_signed_every_process_serves(ready: Custody, open_custody: Any) -> None:
    other = await open_custody(ready)
    here, there = Reader(ready), Reader(other)
    await there.head()

    for code in ("501", "502", "503"):
        await ready.log(felling(ready, code))
        shown = await here.head()

        assert len(await there.entries(shown.size)) == shown.size  # before that one looked at the checkpoint itself
        assert (await there.head()).size >= shown.size


async def test_a_proof_asked_at_the_process_that_did_not_record_is_answered(ready: Custody, open_custody: Any) -> None:
    other = await open_custody(ready)
    [result] = await ready.send(felling(ready, "501"))

    record = await other.get(f"/v1/records/{result['sid']}")

    head = checkpoint.parse(open_note(record["checkpoint"].encode(), [ready.keys.log.verifier]).text)
    assert record["index"] == result["index"] < head.size
