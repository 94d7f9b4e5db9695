"""The outbox: statements in the order of their acts, and what the log answered to each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.announced import Letter
from shared.timber.outgoing import Announced, State

_ANNOUNCE = text(
    "INSERT INTO outbox (sid, type, subject, statement, created_at) VALUES (:sid, :type, :subject, :statement, :at)"
)
_LEASE = text(
    "UPDATE publisher_lease SET holder = :holder, until = CAST(:at AS timestamptz) + make_interval(secs => :seconds)"
    " WHERE id = 1 AND (holder = :holder OR until < :at) RETURNING 1"
)
_RELEASE = text("UPDATE publisher_lease SET until = '-infinity' WHERE id = 1 AND holder = :holder")
_PENDING = text("SELECT sid, type, subject, statement FROM outbox WHERE state = 'pending' ORDER BY seq LIMIT :limit")
_DUE_AGAIN = text(
    "SELECT sid, type, subject, statement FROM outbox WHERE state = 'refused' AND next_attempt_at <= :at"
    " ORDER BY seq LIMIT :limit"
)
_ANSWER = text(
    "UPDATE outbox o SET state = u.state, origin = u.origin, log_index = u.log_index, attempts = o.attempts + 1,"
    " problem = CAST(u.problem AS jsonb), next_attempt_at = CASE WHEN u.state = 'refused'"
    " THEN CAST(:at AS timestamptz) + make_interval(secs => least(:longest, power(2, least(o.attempts, 20)) * :first)) END"
    " FROM unnest(CAST(:sids AS text[]), CAST(:states AS text[]), CAST(:origins AS text[]), CAST(:indexes AS bigint[]),"
    " CAST(:problems AS text[])) AS u (sid, state, origin, log_index, problem)"
    " WHERE o.sid = u.sid AND o.state <> 'published'"
)
_UNANSWERED = text("UPDATE outbox SET attempts = attempts + 1 WHERE sid = ANY (CAST(:sids AS text[]))")
_STANDING = text("SELECT sid, state, origin, log_index, problem FROM outbox WHERE sid = ANY (CAST(:sids AS text[]))")
_ABOUT = text("SELECT sid, state, origin, log_index, problem FROM outbox WHERE subject = :subject")
_WAITING = text(
    "SELECT (SELECT count(*) FROM outbox WHERE state = 'pending') AS pending,"
    " (SELECT count(*) FROM outbox WHERE state = 'refused') AS refused"
)
FIRST_RETRY_S, LONGEST_RETRY_S = 2.0, 300.0


async def announce(tx: AsyncSession, letter: Letter, at: datetime) -> None:
    """Queue a statement in the transaction of its act."""
    values = {"sid": letter.sid, "type": letter.type, "subject": letter.subject, "statement": letter.statement}
    await tx.execute(_ANNOUNCE, values | {"at": at})


async def lease(tx: AsyncSession, holder: str, seconds: float, at: datetime) -> bool:
    """Take or keep the right to publish; one holder at a time keeps the order."""
    return (await tx.execute(_LEASE, {"holder": holder, "seconds": seconds, "at": at})).first() is not None


async def release(tx: AsyncSession, holder: str) -> None:
    """Give the right back at the end."""
    await tx.execute(_RELEASE, {"holder": holder})


async def pending(tx: AsyncSession, limit: int) -> list[Letter]:
    """The oldest statements that were not answered yet, in order."""
    return [Letter(*row) for row in await tx.execute(_PENDING, {"limit": limit})]


async def due_again(tx: AsyncSession, limit: int, at: datetime) -> list[Letter]:
    """Refused statements whose next attempt has come, in their old order."""
    return [Letter(*row) for row in await tx.execute(_DUE_AGAIN, {"limit": limit, "at": at})]


async def note_answers(tx: AsyncSession, answers: Sequence[Announced], at: datetime) -> None:
    """Write down what the log answered; a refused statement is tried again later, less and less often."""
    await tx.execute(
        _ANSWER,
        {
            "sids": [answer.sid for answer in answers],
            "states": ["published" if answer.state == "in_log" else "refused" for answer in answers],
            "origins": [answer.origin for answer in answers],
            "indexes": [answer.index for answer in answers],
            "problems": [None if a.problem is None else orjson.dumps(a.problem).decode() for a in answers],
            "at": at,
            "first": FIRST_RETRY_S,
            "longest": LONGEST_RETRY_S,
        },
    )


async def count_attempt(tx: AsyncSession, sids: Sequence[str]) -> None:
    """Count an attempt that got no answer."""
    await tx.execute(_UNANSWERED, {"sids": list(sids)})


async def standing(tx: AsyncSession, sids: Sequence[str]) -> dict[str, Announced]:
    """What became of each of these statements."""
    return {row.sid: _announced(row) for row in await tx.execute(_STANDING, {"sids": list(sids)})}


async def standing_about(tx: AsyncSession, subject: str) -> Announced | None:
    """What became of the statement about a subject; none for what the log was not told of."""
    row = (await tx.execute(_ABOUT, {"subject": subject})).one_or_none()
    return None if row is None else _announced(row)


def _announced(row: Any) -> Announced:
    state: State = "in_log" if row.state == "published" else row.state
    return Announced(row.sid, state, row.origin, row.log_index, row.problem)


async def waiting(tx: AsyncSession) -> tuple[int, int]:
    """How many statements are pending and how many are refused."""
    counts = (await tx.execute(_WAITING)).one()
    return counts.pending, counts.refused
