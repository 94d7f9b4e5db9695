"""Rows of who may read private fields, who read them, and what is to be erased. Each transaction says whose it is: behind
the routes, row-level security shows nothing of others. Every instant is the database's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.custody.domain.reach import Given, Scope
from services.custody.store import Transaction
from shared.web.turn import TAKE_TURN

WHOSE = "SELECT set_config('app.org', $1, true)"
_GRANT = (
    "id, owner, to_org, to_person, everything, items, lots, permits, types, fields, purpose, valid_from, valid_until,"
    " made_by, made_at, revoked_by, revoked_at"
)
ADD_GRANT = f"""
INSERT INTO access_grant (log_id, id, owner, to_org, to_person, everything, items, lots, permits, types, fields, purpose,
                          valid_from, valid_until, made_by)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, coalesce($13::timestamptz, now()), $14::timestamptz, $15
WHERE $14 > coalesce($13, now()) RETURNING {_GRANT}"""
GRANTS = f"""
SELECT {_GRANT} FROM access_grant
WHERE log_id = $1 AND (owner = $2 OR to_org = $2) AND (made_at, id) > ($3, $4) ORDER BY made_at, id LIMIT $5"""  # noqa: S608
REVOKE = f"""
UPDATE access_grant SET revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, $4)
WHERE log_id = $1 AND owner = $2 AND id = $3 RETURNING {_GRANT}"""  # noqa: S608
ONE_AT_A_TIME = TAKE_TURN.format("'access_grant:' || $1::text || ':' || $2::text")
LOTS_NAMED = """
SELECT coalesce(sum(cardinality(lots)), 0) FROM access_grant
WHERE log_id = $1 AND owner = $2 AND to_org = $3 AND revoked_at IS NULL AND now() < valid_until"""
IN_FORCE = """
SELECT id, owner, to_org, to_person, everything, items, lots, permits, types, fields FROM access_grant
WHERE log_id = $1 AND to_org = $2 AND owner = ANY($3) AND revoked_at IS NULL AND valid_from <= now() AND now() < valid_until
ORDER BY made_at, id"""
ADD_READS = """
INSERT INTO disclosure_read (log_id, owner, sid, names, reader, reader_org, ground, grant_id, purpose, way)
SELECT $1, o, s, string_to_array(f, ','), $2, $3, g, i, $4, $5
FROM unnest($6::text[], $7::bytea[], $8::text[], $9::text[], $10::uuid[]) AS t (o, s, f, g, i)"""
READS = """
SELECT n, at, sid, names, reader, reader_org, ground, grant_id, purpose, way FROM disclosure_read
WHERE log_id = $1 AND owner = $2 AND n > $3 AND ($4::bytea IS NULL OR sid = $4) ORDER BY n LIMIT $5"""

_ERASURE = "id, person, reason, asked_by, asked_at, state, ended_by, ended_at, fields"
ASK = f"""
INSERT INTO erasure (log_id, id, owner, person, reason, asked_by) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (log_id, owner, person) WHERE state = 'asked' DO NOTHING RETURNING {_ERASURE}"""  # noqa: S608
ASKED = f"SELECT {_ERASURE} FROM erasure WHERE log_id = $1 AND owner = $2 AND person = $3 AND state = 'asked'"  # noqa: S608
ERASURES = f"""
SELECT {_ERASURE} FROM erasure
WHERE log_id = $1 AND owner = $2 AND (asked_at, id) > ($3, $4) ORDER BY asked_at, id LIMIT $5"""  # noqa: S608
ONE = f"""
SELECT {_ERASURE}, now() >= asked_at + make_interval(days => $4) AS waited, asked_at + make_interval(days => $4) AS free_at
FROM erasure WHERE log_id = $1 AND owner = $2 AND id = $3 FOR UPDATE"""  # noqa: S608
END = f"""
UPDATE erasure SET state = $4, ended_by = $5, ended_at = now(), fields = $6
WHERE log_id = $1 AND owner = $2 AND id = $3 RETURNING {_ERASURE}"""  # noqa: S608


@dataclass(slots=True, frozen=True)
class Grant:
    """Whom an owner lets read what, from when until when, and why."""

    id: UUID
    owner: str
    to_org: str
    to_person: str | None
    everything: bool
    items: list[str]
    lots: list[str]
    permits: list[str]
    types: list[str]
    fields: list[str]
    purpose: str
    valid_from: datetime
    valid_until: datetime
    made_by: str
    made_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


@dataclass(slots=True, frozen=True)
class Read:
    """That somebody read private fields of a record, and on what ground."""

    n: int
    at: datetime
    sid: bytes
    names: list[str]
    reader: str
    reader_org: str
    ground: str
    grant_id: UUID | None
    purpose: str | None
    way: str


@dataclass(slots=True, frozen=True)
class NewRead:
    """One line of the audit that is about to be written."""

    owner: str
    sid: str
    names: tuple[str, ...]
    ground: str
    grant: UUID | None


@dataclass(slots=True, frozen=True)
class Erasure:
    """That what is kept of a person, or of the organisation itself when empty, is to be erased; and how it ended."""

    id: UUID
    person: str
    reason: str
    asked_by: str
    asked_at: datetime
    state: str
    ended_by: str | None
    ended_at: datetime | None
    fields: int | None


@dataclass(slots=True, frozen=True)
class Pending:
    """An erasure, locked; `waited`: whoever asked for it may confirm it too, from `free_at` on."""

    erasure: Erasure
    waited: bool
    free_at: datetime


async def act_for(tx: Transaction, org: str) -> None:
    """Says whose transaction this is; ends with it."""
    await tx.execute(WHOSE, org)


async def add_grant(
    tx: Transaction, id_: UUID, owner: str, to_org: str, to_person: str | None, scope: Scope, purpose: str,
    valid_from: datetime | None, valid_until: datetime, by: str,
) -> Grant | None:  # fmt: skip
    """Keeps a grant, in force from now on where no other day is named. None when it would end before it begins."""
    lists = [sorted(part) for part in (scope.items, scope.lots, scope.permits, scope.types, scope.fields)]
    rows = await tx.fetch(
        ADD_GRANT, tx.log_id, id_, owner, to_org, to_person, scope.everything, *lists, purpose, valid_from, valid_until, by
    )  # fmt: skip
    return Grant(*rows[0]) if rows else None


async def lots_named(tx: Transaction, owner: str, to_org: str) -> int:
    """How many lots the grants of an owner to an organisation name that count now or later. Nobody else grants between the two
    until the transaction ends."""
    await tx.execute(ONE_AT_A_TIME, owner, to_org)
    return int((await tx.fetch(LOTS_NAMED, tx.log_id, owner, to_org))[0][0])


async def grants_of(tx: Transaction, org: str, after: tuple[datetime, UUID], limit: int) -> list[Grant]:
    """The grants an organisation has made and received, revoked ones too, in the order they were made."""
    return [Grant(*row) for row in await tx.fetch(GRANTS, tx.log_id, org, *after, limit)]


async def revoke(tx: Transaction, owner: str, id_: UUID, by: str) -> Grant | None:
    """Ends a grant at once; the first time counts. None when the owner has no such grant."""
    rows = await tx.fetch(REVOKE, tx.log_id, owner, id_, by)
    return Grant(*rows[0]) if rows else None


async def in_force(tx: Transaction, to_org: str, owners: Iterable[str]) -> list[Given]:
    """The grants of these owners to an organisation that count at this moment."""
    return [
        Given(
            row["id"], row["owner"], row["to_org"], row["to_person"], Scope(row["everything"], *map(frozenset, row[5:]))
        )
        for row in await tx.fetch(IN_FORCE, tx.log_id, to_org, sorted(set(owners)))
    ]


async def add_reads(
    tx: Transaction, reader: str, reader_org: str, purpose: str | None, way: str, reads: Sequence[NewRead]
) -> None:
    """Writes the audit. To be committed before the answer leaves."""
    if reads:
        await tx.execute(
            ADD_READS, tx.log_id, reader, reader_org, purpose, way, [one.owner for one in reads],
            [bytes.fromhex(one.sid) for one in reads], [",".join(one.names) for one in reads],
            [one.ground for one in reads], [one.grant for one in reads],
        )  # fmt: skip


async def reads_of(tx: Transaction, owner: str, sid: bytes | None, after: int, limit: int) -> list[Read]:
    """Who read private fields of an organisation's records, the oldest first."""
    return [Read(*row) for row in await tx.fetch(READS, tx.log_id, owner, after, sid, limit)]


async def ask_erasure(tx: Transaction, id_: UUID, owner: str, person: str, reason: str, by: str) -> Erasure:
    """Asks for an erasure; one that is asked for already stands."""
    rows = await tx.fetch(ASK, tx.log_id, id_, owner, person, reason, by)
    if not rows:
        rows = await tx.fetch(ASKED, tx.log_id, owner, person)
    return Erasure(*rows[0])


async def erasures_of(tx: Transaction, owner: str, after: tuple[datetime, UUID], limit: int) -> list[Erasure]:
    """What an organisation has asked to be erased, in that order."""
    return [Erasure(*row) for row in await tx.fetch(ERASURES, tx.log_id, owner, *after, limit)]


async def pending(tx: Transaction, owner: str, id_: UUID, wait_days: int) -> Pending | None:
    """An erasure, locked until the transaction ends."""
    rows = await tx.fetch(ONE, tx.log_id, owner, id_, wait_days)
    return Pending(Erasure(*rows[0][:9]), rows[0]["waited"], rows[0]["free_at"]) if rows else None


async def end_erasure(tx: Transaction, owner: str, id_: UUID, state: str, by: str, fields: int | None) -> Erasure:
    """Notes how an erasure ended."""
    [row] = await tx.fetch(END, tx.log_id, owner, id_, state, by, fields)
    return Erasure(*row)
