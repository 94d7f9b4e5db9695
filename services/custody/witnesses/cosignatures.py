"""Rows of what witnesses answered. A line is verified before it gets here, and stays."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.custody.store import SignedHead, Transaction
from shared.tlog.note import Verifier
from shared.web.turn import TAKE_TURN

IN_TURN = TAKE_TURN.format("'cosignature:' || $1::smallint::text")
ADD = """
INSERT INTO cosignature (log_id, key, size, at, line, kept_at)
SELECT $1::smallint, $2::bytea, $3::bigint, $4::bigint, $5::text, greatest(clock_timestamp(), last + interval '1 microsecond')
FROM (SELECT max(kept_at) FROM cosignature WHERE log_id = $1 AND size = $3) AS same (last)
WHERE $3 <= $6::bigint OR last IS NOT NULL OR NOT EXISTS (SELECT FROM cosignature WHERE log_id = $1 AND size > $3)
ON CONFLICT DO NOTHING"""
LAST = """
SELECT c.key, c.size, extract(epoch FROM now() - c.kept_at)::float8 FROM unnest($2::bytea[]) AS asked (key)
CROSS JOIN LATERAL (SELECT key, size, kept_at FROM cosignature WHERE log_id = $1 AND key = asked.key AND size > $3
                    ORDER BY size DESC, at DESC LIMIT 1) AS c"""
UNDER = "SELECT DISTINCT ON (key) key, line FROM cosignature WHERE log_id = $1 AND size = $2 ORDER BY key, at DESC"
SIZES = """
SELECT size, array_agg(DISTINCT key) FROM cosignature
WHERE log_id = $1 AND key = ANY($2) AND size >= $3 AND size < $4 GROUP BY size ORDER BY size DESC LIMIT $5"""
CHECKPOINT = "SELECT size, edge, note FROM checkpoint WHERE log_id = $1 AND size = $2"
FIRST_COSIGNED = """
SELECT size, line FROM cosignature WHERE log_id = $1 AND key = ANY($2) AND size > $3 AND size <= $4
ORDER BY size, kept_at LIMIT 1"""
FIRST = "SELECT min(size) FROM checkpoint WHERE log_id = $1 AND size > $2 AND size <= $3"


@dataclass(slots=True, frozen=True)
class Last:
    """The largest checkpoint that one witness cosigned, and how long ago its answer was kept."""

    size: int
    age_s: float


def key_of(witness: Verifier) -> bytes:
    """What a witness's lines are kept under: the name and the key, of whatever type, in one hash."""
    return hashlib.sha256(witness.vkey.encode()).digest()


async def add(tx: Transaction, key: bytes, size: int, at: int, line: str, begins: int = -1) -> None:
    """Keeps an answer; the same one twice adds nothing. So does the first one under a checkpoint when a larger one is
    cosigned already, by whomever: one answer after the other, so that the first cosigned after a size stays the first. Of
    the logs before the one that ``begins`` at this size every answer is kept."""
    await tx.execute(IN_TURN, tx.log_id)
    await tx.execute(ADD, tx.log_id, key, size, at, line, begins)


async def last_of(tx: Transaction, keys: Iterable[bytes]) -> dict[bytes, Last]:
    """How far each of these witnesses came, of those that ever answered."""
    return {key: Last(size, age_s) for key, size, age_s in await tx.fetch(LAST, tx.log_id, list(keys), tx.begins)}


async def under(tx: Transaction, size: int) -> dict[bytes, str]:
    """The newest line of each key under the checkpoint of this size."""
    return dict(await tx.fetch(UNDER, tx.log_id, size))


async def sizes(
    tx: Transaction, keys: Iterable[bytes], start: int, below: int, limit: int
) -> list[tuple[int, list[bytes]]]:
    """Sizes in [start, below) that some of these keys cosigned, the largest first, with who did."""
    rows = await tx.fetch(SIZES, tx.log_id, list(keys), start, below, limit)
    return [(size, keys) for size, keys in rows]


async def checkpoint_at(tx: Transaction, size: int) -> SignedHead | None:
    """The checkpoint that was signed at exactly this size."""
    rows = await tx.fetch(CHECKPOINT, tx.log_id, size)
    return SignedHead(*rows[0]) if rows else None


async def first_after(
    tx: Transaction, keys: Sequence[bytes], after: int, upto: int
) -> tuple[SignedHead, str | None] | None:
    """The first checkpoint of the log of today of more than `after` and at most `upto` entries. With `keys`, the first that
    one of them cosigned, with the line under it that was kept first. None while there is none."""
    after = max(after, tx.begins)
    if keys:
        rows = await tx.fetch(FIRST_COSIGNED, tx.log_id, list(keys), after, upto)
        size, line = rows[0] if rows else (None, None)
    else:
        size, line = (await tx.fetch(FIRST, tx.log_id, after, upto))[0][0], None
    head = None if size is None else await checkpoint_at(tx, size)
    return None if head is None else (head, line)
