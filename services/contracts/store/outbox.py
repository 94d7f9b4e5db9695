"""What is still to be said to the log of published books. A statement is queued in the transaction of its publication."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

State = Literal["pending", "published", "refused"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A statement whose turn has come; its bytes never change."""

    seq: int
    statement: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """What the log said to it."""

    seq: int
    state: State
    sid: str | None
    origin: str | None
    index: int | None
    problem: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class InLog:
    """Where the statement about a version of a book stands."""

    state: State
    sid: str | None
    origin: str | None
    index: int | None


LEASE_S, FIRST_RETRY_S, LONGEST_RETRY_S = 60, 2, 300
_QUEUE = text(
    "INSERT INTO outbox (kind, book_id, version, statement) VALUES (:kind, :book_id, :version, :statement)"
    " ON CONFLICT DO NOTHING"
)
# Whoever takes a statement has it to itself for a minute; sent twice it is one record, so a crash costs nothing else.
_TAKE = text(
    "UPDATE outbox SET next_attempt_at = now() + make_interval(secs => :lease) WHERE seq IN"
    " (SELECT seq FROM outbox WHERE state <> 'published' AND next_attempt_at <= now() ORDER BY seq LIMIT :limit"
    " FOR UPDATE SKIP LOCKED) RETURNING seq, statement"
)
_NOTE = text(
    "UPDATE outbox SET state = :state, sid = :sid, origin = :origin, log_index = :index, problem = CAST(:problem AS jsonb),"
    " attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => least(:longest, :first * power(2,"
    " least(attempts, 20)))) WHERE seq = :seq AND state <> 'published'"
)
_RETRY = text(
    "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => least(:longest,"
    " :first * power(2, least(attempts, 20)))) WHERE seq = ANY(:seqs) AND state <> 'published'"
)
_STANDING = text(
    "SELECT state, sid, origin, log_index FROM outbox WHERE kind = :kind AND book_id = :book_id AND version = :version"
)
_WAITING = text(
    "SELECT count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'refused') AS refused"
    " FROM outbox WHERE state <> 'published'"
)


async def queue(tx: AsyncSession, kind: str, book_id: str, version: int, statement: bytes) -> None:
    """Say this of a version of a book, once."""
    await tx.execute(_QUEUE, {"kind": kind, "book_id": book_id, "version": version, "statement": statement})


async def take(tx: AsyncSession, limit: int) -> list[Waiting]:
    """The oldest statements whose turn has come, for the caller alone."""
    rows = await tx.execute(_TAKE, {"lease": LEASE_S, "limit": limit})
    return sorted((Waiting(row.seq, row.statement) for row in rows), key=lambda one: one.seq)


async def note(tx: AsyncSession, answers: Sequence[Answered]) -> None:
    """Write down what the log said; what it refused is tried again, less and less often."""
    for one in answers:
        problem = None if one.problem is None else orjson.dumps(one.problem).decode()
        row = {"seq": one.seq, "state": one.state, "sid": one.sid, "origin": one.origin, "index": one.index}
        await tx.execute(_NOTE, row | {"problem": problem, "first": FIRST_RETRY_S, "longest": LONGEST_RETRY_S})


async def try_again(tx: AsyncSession, waiting: Sequence[Waiting]) -> None:
    """Nobody answered: the statements wait, each time a little longer."""
    seqs = [one.seq for one in waiting]
    await tx.execute(_RETRY, {"seqs": seqs, "first": FIRST_RETRY_S, "longest": LONGEST_RETRY_S})


async def standing(tx: AsyncSession, kind: str, book_id: str, version: int) -> InLog | None:
    """Where the statement about a version stands; none for a book that the log was not told of."""
    row = (await tx.execute(_STANDING, {"kind": kind, "book_id": book_id, "version": version})).one_or_none()
    return None if row is None else InLog(row.state, row.sid, row.origin, row.log_index)


async def waiting(tx: AsyncSession) -> tuple[int, int]:
    """How many statements are pending and how many the log refused."""
    counts = (await tx.execute(_WAITING)).one()
    return counts.pending, counts.refused
