"""The outbox: statements in the order of their acts, and what the log answered to each."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
from sqlalchemy import func, text, update
from sqlalchemy.orm import defer
from sqlmodel import col, select

from services.permits.domain.announced import Backlog, Letter, Publication
from services.permits.store.rows import OutboxRow
from services.permits.store.session import Tx
from shared.timber.outgoing import Announced, State

_ANNOUNCE = text(
    "INSERT INTO outbox (sid, type, subject, entry, created_at)"
    " SELECT sid, type, subject, entry, :at FROM unnest(CAST(:sids AS text[]), CAST(:types AS text[]),"
    " CAST(:subjects AS text[]), CAST(:entries AS bytea[])) WITH ORDINALITY AS u (sid, type, subject, entry, n)"
    " ORDER BY n"
)
_ONCE = text(
    "INSERT INTO outbox (sid, type, subject, entry, created_at) VALUES (:sid, :type, :subject, :entry, :at)"
    " ON CONFLICT (subject) WHERE subject LIKE 'once:%' DO NOTHING RETURNING 1"
)
_LEASE = text(
    "UPDATE publisher_lease SET holder = :holder, until = CAST(:at AS timestamptz) + make_interval(secs => :seconds)"
    " WHERE id = 1 AND (holder = :holder OR until < :at) RETURNING 1"
)
_LOCK_LEASE = text("SELECT 1 FROM publisher_lease WHERE id = 1 FOR UPDATE")
_RELEASE = text("UPDATE publisher_lease SET until = '-infinity' WHERE id = 1 AND holder = :holder")
_ANSWER = text(
    "UPDATE outbox o SET state = u.state, origin = u.origin, log_index = u.log_index, attempts = o.attempts + 1,"
    " problem = CAST(u.problem AS jsonb), next_attempt_at = CASE WHEN u.state = 'refused'"
    " THEN CAST(:at AS timestamptz) + make_interval(secs => least(:longest, power(2, least(o.attempts, 20)) * :first)) END"
    " FROM unnest(CAST(:sids AS text[]), CAST(:states AS text[]), CAST(:origins AS text[]), CAST(:indexes AS bigint[]),"
    " CAST(:problems AS text[])) AS u (sid, state, origin, log_index, problem)"
    " WHERE o.sid = u.sid AND o.state <> 'published'"
)
_WAITING = text(
    "SELECT (SELECT count(*) FROM outbox WHERE state = 'pending') AS pending,"
    " (SELECT count(*) FROM outbox WHERE state = 'refused') AS refused"
)
FIRST_RETRY_S, LONGEST_RETRY_S = 2.0, 300.0


async def announce(tx: Tx, letters: Sequence[Letter], at: datetime) -> None:
    """Queue statements in this order, in the transaction of their act."""
    await tx.execute(
        _ANNOUNCE,
        {
            "sids": [letter.sid for letter in letters],
            "types": [letter.type for letter in letters],
            "subjects": [letter.subject for letter in letters],
            "entries": [letter.entry for letter in letters],
            "at": at,
        },
    )


async def announce_once(tx: Tx, letter: Letter, at: datetime) -> bool:
    """Queue a statement whose subject begins with ``once:`` unless it was queued before; whether it was new."""
    values = {"sid": letter.sid, "type": letter.type, "subject": letter.subject, "entry": letter.entry, "at": at}
    return (await tx.execute(_ONCE, values)).first() is not None


async def letter_about(tx: Tx, subject: str) -> Letter:
    """The statement that was queued once about this subject."""
    row = (await tx.exec(select(OutboxRow).where(OutboxRow.subject == subject))).one()
    return Letter(row.sid, row.type, row.subject, row.entry)


async def announced(tx: Tx, sids: Iterable[str | None]) -> dict[str, Announced]:
    """What became of each of these statements."""
    wanted = {sid for sid in sids if sid is not None}
    if not wanted:
        return {}
    asked = select(OutboxRow).where(col(OutboxRow.sid).in_(wanted)).options(defer(OutboxRow.entry))  # type: ignore[arg-type]
    return {
        row.sid: Announced(row.sid, _state(row), row.origin, row.log_index, row.problem) for row in await tx.exec(asked)
    }


def _state(row: OutboxRow) -> State:
    return "in_log" if row.state == "published" else "refused" if row.state == "refused" else "pending"


async def lease(tx: Tx, holder: str, seconds: float, at: datetime) -> bool:
    """Take or keep the right to publish; one holder at a time keeps the order."""
    return (await tx.execute(_LEASE, {"holder": holder, "seconds": seconds, "at": at})).first() is not None


async def lock_lease(tx: Tx) -> None:
    """Let the processes that start at once pass one by one."""
    await tx.execute(_LOCK_LEASE)


async def release(tx: Tx, holder: str) -> None:
    """Give the right back at the end."""
    await tx.execute(_RELEASE, {"holder": holder})


async def pending(tx: Tx, limit: int) -> list[Letter]:
    """The oldest statements that were not answered yet, in order."""
    rows = await tx.exec(
        select(OutboxRow).where(OutboxRow.state == "pending").order_by(col(OutboxRow.seq)).limit(limit)
    )
    return [Letter(row.sid, row.type, row.subject, row.entry) for row in rows]


async def due_again(tx: Tx, limit: int, at: datetime) -> list[Letter]:
    """Refused statements whose next attempt has come, in their old order."""
    due = select(OutboxRow).where(OutboxRow.state == "refused", col(OutboxRow.next_attempt_at) <= at)
    rows = await tx.exec(due.order_by(col(OutboxRow.seq)).limit(limit))
    return [Letter(row.sid, row.type, row.subject, row.entry) for row in rows]


async def note_answers(tx: Tx, answers: Sequence[Announced], at: datetime) -> None:
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


async def count_attempt(tx: Tx, sids: Sequence[str]) -> None:
    """Count an attempt that got no answer."""
    await tx.execute(update(OutboxRow).where(col(OutboxRow.sid).in_(sids)).values(attempts=OutboxRow.attempts + 1))


async def backlog(tx: Tx) -> Backlog:
    """Counts by state."""
    rows = await tx.execute(select(OutboxRow.state, func.count()).group_by(OutboxRow.state))
    counts = {state: int(count) for state, count in rows}
    return Backlog(counts.get("pending", 0), counts.get("refused", 0), counts.get("published", 0))


async def waiting(tx: Tx) -> tuple[int, int]:
    """How many statements are pending and how many are refused: cheap however long the outbox is."""
    counts = (await tx.execute(_WAITING)).one()
    return counts.pending, counts.refused


async def publications(tx: Tx, state: str | None, after: int, limit: int) -> list[Publication]:
    """Rows of the outbox in order, perhaps only those in one state."""
    asked = select(OutboxRow).where(col(OutboxRow.seq) > after)
    if state is not None:
        asked = asked.where(OutboxRow.state == state)
    rows = await tx.exec(asked.order_by(col(OutboxRow.seq)).limit(limit))
    return [
        Publication(
            row.seq or 0, row.sid, row.type, row.subject, row.state, row.attempts, row.created_at, row.log_index,
            row.problem,
        )
        for row in rows
    ]  # fmt: skip
