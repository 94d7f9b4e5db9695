"""Rows of custody: the log, and what is derived from it. Raw asyncpg: this is the hot path.

Nothing here decides. The functions are questions and two writes, each a bounded number of statements whatever the
size of the batch.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.custody.closed import LogClosed
from shared.timber import facts as facts_of
from shared.timber.event import parse_entry
from shared.timber.facts import Facts
from shared.web.turn import TAKE_TURN

HEAD = "SELECT size, edge, origin FROM tlog WHERE log_id = $1"
HEAD_LOCKED = HEAD + " FOR UPDATE"
# To append: the commit that follows gives the row back without waiting for the disk. Nobody is answered before `Store.flush`.
HEAD_TO_APPEND = (
    "SELECT size, edge, origin, set_config('synchronous_commit', 'off', true) FROM tlog WHERE log_id = $1 FOR UPDATE"
)
# `log_id` is the same in every row. A planner that has not analysed the table yet takes it for rare, and rather reads all
# that is under it than some hundred keys one by one, wherever a second index begins with it or a join lets it. A subquery
# with OFFSET leaves it no choice: one look-up a key, whatever it believes (tests/custody/test_plans.py).
# A commit that has something to write waits until all that was written before it is on disk, and at the standby where there
# is one.
FLUSH = """
SELECT pg_logical_emit_message(true, 'timber', '') IS NOT NULL, ARRAY(
    SELECT asked.idx FROM unnest($2::text::bigint[], $3::bytea[]) AS asked (idx, sid)
    LEFT JOIN LATERAL (SELECT sid FROM entry WHERE log_id = $1 AND idx = asked.idx OFFSET 0) AS e ON true
    WHERE e.sid IS DISTINCT FROM asked.sid)"""
INDICES = """
SELECT e.sid, e.idx FROM unnest($2::bytea[]) AS asked (sid)
CROSS JOIN LATERAL (SELECT sid, idx FROM entry WHERE log_id = $1 AND sid = asked.sid OFFSET 0) AS e"""
FACTS = "SELECT key, doc FROM fact WHERE log_id = $1 AND key = ANY($2)"
LEAVES = "SELECT leaf_hash FROM entry WHERE log_id = $1 AND idx >= $2 AND idx < $3 ORDER BY idx"
BODIES = """
SELECT e.idx, e.body FROM unnest($2::bigint[]) AS asked (idx)
CROSS JOIN LATERAL (SELECT idx, body FROM entry WHERE log_id = $1 AND idx = asked.idx OFFSET 0) AS e ORDER BY e.idx"""
BODIES_BY_SID = """
SELECT e.idx, e.body FROM unnest($2::bytea[]) AS asked (sid)
CROSS JOIN LATERAL (SELECT idx, body FROM entry WHERE log_id = $1 AND sid = asked.sid OFFSET 0) AS e"""
FINDINGS_AT = """
SELECT f.idx, f.doc FROM unnest($2::bigint[]) AS asked (idx)
CROSS JOIN LATERAL (SELECT idx, n, doc FROM finding WHERE log_id = $1 AND idx = asked.idx OFFSET 0) AS f
ORDER BY f.idx, f.n"""
BODY_RANGE = "SELECT body FROM entry WHERE log_id = $1 AND idx >= $2 AND idx < $3 ORDER BY idx"
TILES = """
SELECT t.level, t.n, t.hashes FROM unnest($2::smallint[], $3::bigint[]) AS asked (level, n)
CROSS JOIN LATERAL (
    SELECT level, n, hashes FROM tile WHERE log_id = $1 AND level = asked.level AND n = asked.n OFFSET 0) AS t"""
TILE_ROOTS = "SELECT root FROM tile WHERE log_id = $1 AND level = $2 AND n >= $3 AND n < $4 ORDER BY n"
# What a name is found under stands in two places: with the fact of that name what its first round said of it, the rest in mention.
MENTIONS = """
SELECT DISTINCT idx FROM (
    (SELECT DISTINCT idx FROM mention WHERE log_id = $1 AND ref = ANY($2) AND idx < $4 ORDER BY idx DESC LIMIT $5)
    UNION ALL SELECT unnest(entries) FROM fact WHERE log_id = $1 AND key = ANY($3)
) AS found WHERE idx < $4 ORDER BY idx DESC LIMIT $5"""
CHECKPOINT_AT = "SELECT size, edge, note FROM checkpoint WHERE log_id = $1 AND size = $2"
LAST_CHECKPOINT = """
SELECT size, edge, note FROM checkpoint WHERE log_id = $1 AND size < $2 AND size > $3 ORDER BY size DESC LIMIT 1"""
CHECKPOINTS_IN_TURN = TAKE_TURN.format("'checkpoint:' || $1::smallint::text")
# The hour is that of its turn, not of the transaction's beginning: a larger checkpoint is never of an earlier hour.
ADD_CHECKPOINT = """
INSERT INTO checkpoint (log_id, size, edge, note, signed_at)
SELECT $1::smallint, $2::bigint, $3::bytea, $4::bytea, clock_timestamp()
WHERE NOT EXISTS (SELECT FROM checkpoint WHERE log_id = $1 AND size >= $2)"""
SIGNED_BY = """
SELECT size FROM checkpoint WHERE log_id = $1 AND signed_at <= $2 ORDER BY signed_at DESC, size DESC LIMIT 1"""
LAST_CHECKPOINT_AGE = """
SELECT extract(epoch FROM clock_timestamp() - signed_at)::float8 FROM checkpoint
WHERE log_id = $1 AND size > $2 ORDER BY size DESC LIMIT 1"""

ADD_ENTRIES = """
WITH added AS (
    INSERT INTO entry (log_id, idx, sid, leaf_hash, body)
    SELECT $1, $2 + i - 1, s, l, b FROM unnest($3::bytea[], $4::bytea[], $5::bytea[]) WITH ORDINALITY AS t (s, l, b, i))
UPDATE tlog SET size = $6, edge = $7 WHERE log_id = $1"""
# That there is no fact under a new key is known under the lock, and a plain insert costs half of one that looks first.
DERIVE = """
WITH new AS (
    INSERT INTO fact (log_id, key, doc, entries)
    SELECT $1, key, doc, entries::bigint[] FROM unnest($2::text[], $3::bytea[], $4::text[]) AS t (key, doc, entries)),
changed AS (
    INSERT INTO fact (log_id, key, doc) SELECT $1, * FROM unnest($5::text[], $6::bytea[])
    ON CONFLICT (log_id, key) DO UPDATE SET doc = excluded.doc),
used_up AS (
    INSERT INTO spent (log_id, item, idx) SELECT $1, * FROM unnest($7::text::uuid[], $8::text::bigint[]))
INSERT INTO mention (log_id, ref, idx) SELECT $1, * FROM unnest($9::text::bigint[], $10::text::bigint[])"""
ADD_TILES = "INSERT INTO tile (log_id, level, n, hashes, root) SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[], $5::bytea[])"
ADD_FINDINGS = """
INSERT INTO finding (log_id, idx, n, rule, status, severity, subject, org, permit, doc)
SELECT $1, * FROM unnest($2::bigint[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::bytea[])"""


@dataclass(slots=True, frozen=True)
class Head:
    size: int
    edge: bytes


@dataclass(slots=True, frozen=True)
class SignedHead:
    """The newest signed checkpoint: its size, the edge at that size and the note as published."""

    size: int
    edge: bytes
    note: bytes


@dataclass(slots=True, frozen=True)
class NewTile:
    level: int
    n: int
    hashes: bytes
    root: bytes


@dataclass(slots=True, frozen=True)
class Derived:
    """The rows that follow from the entries of one round, beside postings and movements. ``new`` and ``changed`` are facts
    as they are stored, by key, in the order every writer takes, new ones with the indices of the entries of this round
    that go by their name; ``mentions`` are references, ``spent`` pieces, each with the index of its entry."""

    new: Sequence[tuple[str, bytes, Sequence[int]]]
    changed: Sequence[tuple[str, bytes]]
    mentions: Sequence[tuple[int, int]]
    spent: Sequence[tuple[str, int]]
    findings: Sequence["NewFinding"]


@dataclass(slots=True, frozen=True)
class NewFinding:
    idx: int
    n: int
    rule: str
    status: str
    severity: str
    subject: str
    org: str
    permit: str
    doc: bytes


def array_text(values: Iterable[object]) -> str:
    """The text of an array of numbers or ids: the server reads it in a tenth of the time that the driver takes to look at
    each of its elements."""
    return f"{{{','.join(map(str, values))}}}"


def ref_of(name: str) -> int:
    """The 64-bit reference an entry is found under. Two names may share one: whoever
    tells a history checks the name itself (`history_of`)."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


class Store:
    """Questions about one log. `log_id` leads every key, so that logs may one day live on several servers."""

    def __init__(self, pool: asyncpg.Pool, log_id: int) -> None:
        self.pool = pool
        self.log_id = log_id
        self.origin: str | None = None
        # The log of today begins behind those before it (`services.custody.succession`): what they signed is not its own.
        self.begins = -1
        self.base: Head | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """A transaction that commits when the block ends; READ COMMITTED, as the head row lock needs."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield Transaction(connection, self.log_id, self)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Transaction"]:
        """One consistent view for an answer whose entry, proof and checkpoint must agree."""
        async with (
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield Transaction(connection, self.log_id, self)

    async def flush(self, promised: Mapping[int, bytes]) -> set[int]:
        """When it returns, all that this server had committed before is on disk. Answers at which of these indices another
        statement stands than the promised one (its sid), or none: a server that went down meanwhile, or another in its place,
        may have lost the newest rounds, and others may have put other records there since, the same ones among them."""
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(FLUSH, self.log_id, array_text(promised), list(promised.values()))
        assert row is not None, "it selects no rows of a table"
        return set(row[1])

    async def open_log(self, origin: str) -> None:
        """Makes the head row on first start; refuses a database that belongs to another origin."""
        async with self.pool.acquire() as connection:
            await connection.execute(
                "INSERT INTO tlog (log_id, origin) VALUES ($1, $2) ON CONFLICT DO NOTHING", self.log_id, origin
            )
            stands = await connection.fetchval("SELECT origin FROM tlog WHERE log_id = $1", self.log_id)
            if stands != origin:
                raise RuntimeError(f"this database holds the log {stands!r}, not {origin!r}")
        self.origin = origin


class Transaction:
    """The questions of one transaction."""

    def __init__(self, connection: Any, log_id: int, of: Store | None = None) -> None:
        self._c = connection
        self._log = log_id
        self._origin = None if of is None else of.origin
        self.begins = -1 if of is None else of.begins
        self.base = None if of is None else of.base

    @property
    def log_id(self) -> int:
        return self._log

    async def fetch(self, question: str, *values: Any) -> list[Any]:
        """The rows that answer a question of another store module."""
        rows: list[Any] = await self._c.fetch(question, *values)
        return rows

    async def execute(self, statement: str, *values: Any) -> None:
        """A write of another store module."""
        await self._c.execute(statement, *values)

    async def head(self, *, lock: bool = False) -> Head:
        """LogClosed when it is asked for to append to, and goes on under another origin since this process was started."""
        if lock:
            return await self._locked(HEAD_LOCKED)
        row = await self._c.fetchrow(HEAD, self._log)
        return Head(row[0], row[1])

    async def head_to_append(self) -> Head:
        """The head, locked; LogClosed as `head`. What this transaction commits is durable after `Store.flush`."""
        return await self._locked(HEAD_TO_APPEND)

    async def _locked(self, question: str) -> Head:
        size, edge, origin, *_ = await self._c.fetchrow(question, self._log)
        if self._origin not in (None, origin):
            raise LogClosed(self._origin or "", origin)
        return Head(size, edge)

    async def origin(self) -> str:
        """Under which origin the log stands now."""
        origin: str = (await self._c.fetchrow(HEAD, self._log))[2]
        return origin

    async def indices_of(self, sids: Iterable[bytes]) -> dict[bytes, int]:
        """Where the statements stand in the log, of those that do."""
        return dict(await self._c.fetch(INDICES, self._log, list(sids)))

    async def load_facts(self, keys: Iterable[str], into: Facts) -> None:
        """Puts the documents under the keys into `into`, and None where there is none; what it holds already stays.
        `record:<sid>` is answered from the entries."""
        asked = {key for key in keys if key not in into}
        past = [key for key in asked if key.startswith("record:")]
        found: dict[str, facts_of.Fact | None] = dict.fromkeys(asked)
        for key, doc in await self._c.fetch(FACTS, self._log, list(asked.difference(past))):
            found[key] = facts_of.load(key, doc)
        if past:
            sids = [bytes.fromhex(key.removeprefix("record:")) for key in past]
            rows = await self._c.fetch(BODIES_BY_SID, self._log, sids)
            found |= dict(facts_of.past_of(parse_entry(body), idx) for idx, body in rows)
        into.preload(found.items())

    async def findings_at(self, indices: Sequence[int]) -> dict[int, list[bytes]]:
        """The findings of these entries, of each in the order they were made."""
        found: dict[int, list[bytes]] = {}
        for idx, doc in await self._c.fetch(FINDINGS_AT, self._log, [*{*indices}]):
            found.setdefault(idx, []).append(doc)
        return found

    async def facts_under(self, prefix: str, after: str, limit: int) -> list[tuple[str, bytes]]:
        """Facts whose key begins with `prefix`, in key order after `after`."""
        rows = await self._c.fetch(
            "SELECT key, doc FROM fact WHERE log_id = $1 AND key > $2 AND key >= $3 AND key < $4 ORDER BY key LIMIT $5",
            self._log, after, prefix, prefix + "\U0010ffff", limit,
        )  # fmt: skip
        return [(key, doc) for key, doc in rows]

    async def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        return [row[0] for row in await self._c.fetch(LEAVES, self._log, start, end)]

    async def bodies(self, indices: Sequence[int]) -> list[tuple[int, bytes]]:
        """These entries in the order of the log, each once."""
        return [(idx, body) for idx, body in await self._c.fetch(BODIES, self._log, [*{*indices}])]

    async def body_range(self, start: int, end: int) -> list[bytes]:
        return [row[0] for row in await self._c.fetch(BODY_RANGE, self._log, start, end)]

    async def tiles(self, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        rows = await self._c.fetch(TILES, self._log, [level for level, _ in wanted], [n for _, n in wanted])
        return {(level, n): hashes for level, n, hashes in rows}

    async def tile_roots(self, level: int, start: int, end: int) -> list[bytes]:
        """What the full tiles [start, end) of `level` contribute to the level above."""
        return [row[0] for row in await self._c.fetch(TILE_ROOTS, self._log, level, start, end)]

    async def mentions_of(self, names: Iterable[str], below: int, limit: int) -> list[int]:
        """Indices below `below` of the entries that mention one of the names (or, rarely, share its 64 bits): the
        newest `limit` of them, oldest first. As many as the limit means that there may be more."""
        asked = list(names)
        rows = await self._c.fetch(MENTIONS, self._log, [ref_of(name) for name in asked], asked, below, limit)
        return [row[0] for row in rows][::-1]

    async def last_checkpoint(self, below: int = 2**63 - 1) -> SignedHead | None:
        """The newest of fewer entries than `below` that the log signed under its present origin."""
        row = await self._c.fetchrow(LAST_CHECKPOINT, self._log, below, self.begins)
        return SignedHead(row[0], row[1], row[2]) if row else None

    async def size_signed_by(self, at: datetime) -> int | None:
        """How many entries the newest checkpoint had that was signed at an instant or before it, by the clock of the database
        and under any of the log's origins; None before the first."""
        row = await self._c.fetchrow(SIGNED_BY, self._log, at)
        return row[0] if row else None

    async def last_checkpoint_age_s(self) -> float | None:
        """How long ago the newest checkpoint was stored, by the clock of the database; None while there is none."""
        row = await self._c.fetchrow(LAST_CHECKPOINT_AGE, self._log, self.begins)
        return row[0] if row else None

    async def add_checkpoint(self, size: int, edge: bytes, note: bytes) -> SignedHead | None:
        """Keeps a signed checkpoint; of several signers of one size the first. Answers what is kept: signatures of some kinds
        differ each time. None behind a larger one: checkpoints are stored in the order of their sizes, so which was the first
        of more than so many entries does not change afterwards."""
        await self._c.execute(CHECKPOINTS_IN_TURN, self._log)
        await self._c.execute(ADD_CHECKPOINT, self._log, size, edge, note)
        row = await self._c.fetchrow(CHECKPOINT_AT, self._log, size)
        return SignedHead(row[0], row[1], row[2]) if row else None

    async def hosted_key(self, org: str) -> tuple[str, bytes] | None:
        row = await self._c.fetchrow(
            "SELECT kid, sealed FROM hosted_key WHERE log_id = $1 AND org = $2", self._log, org
        )
        return (row[0], row[1]) if row else None

    async def hosted_keys(self) -> list[tuple[str, bytes]]:
        """Every hosted key as it is sealed, locked until the transaction ends."""
        rows = await self._c.fetch(
            "SELECT org, sealed FROM hosted_key WHERE log_id = $1 ORDER BY org FOR UPDATE", self._log
        )
        return [(org, sealed) for org, sealed in rows]

    async def seal_anew(self, sealed: Sequence[tuple[str, bytes]]) -> None:
        """Replace what was sealed."""
        await self._c.execute(
            "UPDATE hosted_key h SET sealed = u.sealed FROM unnest($2::text[], $3::bytea[]) AS u (org, sealed)"
            " WHERE h.log_id = $1 AND h.org = u.org",
            self._log, [org for org, _ in sealed], [blob for _, blob in sealed],
        )  # fmt: skip

    async def add_hosted_key(self, org: str, kid: str, sealed: bytes) -> None:
        """Keeps the first hosted key of an organisation; a second one offered at the same moment is dropped."""
        await self._c.execute(
            "INSERT INTO hosted_key (log_id, org, kid, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            self._log, org, kid, sealed,
        )  # fmt: skip

    async def append(self, first: int, entries: Sequence[tuple[bytes, bytes, bytes]], head: Head) -> None:
        """Writes entries (sid, leaf hash, body) from index `first` on, and the new head, under the head row lock."""
        sids, leaves, bodies = zip(*entries, strict=True)
        await self._c.execute(ADD_ENTRIES, self._log, first, sids, leaves, bodies, head.size, head.edge)

    async def derive(self, tiles: Sequence[NewTile], derived: Derived) -> None:
        """Writes what follows from the entries of one round, in the same transaction."""
        new = [
            [key for key, _, _ in derived.new],
            [doc for _, doc, _ in derived.new],
            [array_text(at) for _, _, at in derived.new],
        ]
        changed = [[fact[part] for fact in derived.changed] for part in (0, 1)]
        pairs = [
            array_text(pair[part] for pair in those) for those in (derived.spent, derived.mentions) for part in (0, 1)
        ]
        await self._c.execute(DERIVE, self._log, *new, *changed, *pairs)
        findings = derived.findings
        if tiles:
            await self._c.execute(
                ADD_TILES, self._log, [t.level for t in tiles], [t.n for t in tiles], [t.hashes for t in tiles],
                [t.root for t in tiles],
            )  # fmt: skip
        if findings:
            await self._c.execute(
                ADD_FINDINGS, self._log, [f.idx for f in findings], [f.n for f in findings],
                [f.rule for f in findings], [f.status for f in findings], [f.severity for f in findings],
                [f.subject for f in findings], [f.org for f in findings], [f.permit for f in findings],
                [f.doc for f in findings],
            )  # fmt: skip
