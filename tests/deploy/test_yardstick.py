"""The yardstick of the bench does what the prototype did: it checks what it takes, and keeps all of it in one order."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from cryptography.exceptions import InvalidSignature

from deploy.bench import yardstick
from deploy.bench.forest import Forest
from deploy.bench.load import Job, Outcome, run
from deploy.databases import Database
from shared.timber.event import key_id, parse_entry
from shared.tlog import merkle

FOREST = Forest("y", 60)
KEYS = {key_id(key.public_key().public_bytes_raw()): key.public_key() for key in FOREST.keys}
ENTRY = FOREST.one_down()[1]
BODIES = [FOREST.upload(20) for _ in range(3)]


def test_what_is_canonical_and_signed_is_taken() -> None:
    [(sid, leaf, entry)] = yardstick.Prototype(None, KEYS).admit(ENTRY)

    assert (sid.hex(), leaf, entry) == (parse_entry(ENTRY).sid, merkle.leaf_hash(ENTRY), ENTRY)


@pytest.mark.parametrize(
    ("spoiled", "why"),
    [
        (ENTRY.replace(b'"parcel":"PC 01"', b'"parcel":"PC 02"'), InvalidSignature),
        (ENTRY.replace(b'{"sig"', b'{ "sig"'), ValueError),
        (ENTRY.replace(b'"kid":"', b'"kid":"x'), KeyError),
    ],
)
def test_what_is_not_is_refused(spoiled: bytes, why: type[Exception]) -> None:
    assert spoiled != ENTRY
    with pytest.raises(why):
        yardstick.Prototype(None, KEYS).admit(spoiled)


async def kept(dsn: str) -> list[tuple[int, bytes]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch("SELECT index, entry FROM entry ORDER BY index")]
    finally:
        await connection.close()


def test_uploads_go_through_envoy_into_one_order_without_a_gap(database_for: Callable[[str], Database]) -> None:
    dsn = database_for("custody").owner_dsn

    with yardstick.running(dsn, FOREST.keys) as port:
        outcome: Outcome = asyncio.run(run(Job(port, "/", "application/x-ndjson", BODIES, 3, ["t"])))
        bad = asyncio.run(run(Job(port, "/", "application/x-ndjson", [ENTRY[:-5]], 1, ["t"])))

    rows = asyncio.run(kept(dsn))
    assert (outcome.statuses, outcome.logged) == ({"200": 3}, 60)
    assert (bad.statuses, bad.logged) == ({"500": 1}, 0)
    assert [index for index, _ in rows] == list(range(60))
    assert sorted(entry for _, entry in rows) == sorted(line for body in BODIES for line in body.splitlines())
