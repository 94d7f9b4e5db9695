"""Rows of subscriptions. What is still to be sent is not stored: it is the log from `next_index` on.

A sender holds a subscription by a lease, so that no transaction stays open while a receiver thinks; whoever finds an
ended lease goes on from the last index that was noted. Every instant is the database's.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from services.custody.domain.webhook import Filter
from services.custody.store import Transaction
from shared.web.webhooks.post import Pace

_SHOWN = (
    "id, org, url, filter_org, filter_permit, types, created_at, coalesce(asked_from, next_index) AS next_index,"
    " delivered, delivered_at, failures, failing_since, last_error, due_at, disabled_at, disabled_why"
)
ADD = f"""
INSERT INTO webhook (log_id, id, org, url, filter_org, filter_permit, types, spec, next_index)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE (SELECT count(*) FROM webhook WHERE log_id = $1 AND org = $3) < $10
ON CONFLICT (log_id, org, spec) DO NOTHING RETURNING {_SHOWN}"""  # noqa: S608  (our own columns)
SAME = f"SELECT {_SHOWN} FROM webhook WHERE log_id = $1 AND org = $2 AND spec = $3"  # noqa: S608
OF_ORG = f"SELECT {_SHOWN} FROM webhook WHERE log_id = $1 AND org = $2 ORDER BY created_at, id"  # noqa: S608
ONE = f"SELECT {_SHOWN} FROM webhook WHERE log_id = $1 AND org = $2 AND id = $3"  # noqa: S608
REMOVE = "DELETE FROM webhook WHERE log_id = $1 AND org = $2 AND id = $3 RETURNING id"
REPLAY = f"""
UPDATE webhook SET asked_from = $4, failures = 0, failing_since = NULL, last_error = NULL, due_at = now(),
    disabled_at = NULL, disabled_why = NULL
WHERE log_id = $1 AND org = $2 AND id = $3 RETURNING {_SHOWN}"""  # noqa: S608
CLAIM = """
UPDATE webhook w SET lease = $2, lease_until = now() + make_interval(secs => $3),
    next_index = coalesce(w.asked_from, w.next_index), asked_from = NULL
FROM (
    SELECT log_id, id FROM webhook
    WHERE log_id = $1 AND disabled_at IS NULL AND due_at <= now() AND coalesce(asked_from, next_index) < $4
      AND (lease_until IS NULL OR lease_until < now())
    ORDER BY due_at LIMIT $5 FOR UPDATE SKIP LOCKED) AS free
WHERE w.log_id = free.log_id AND w.id = free.id
RETURNING w.id, w.url, w.filter_org, w.filter_permit, w.types, w.next_index"""
# Each ends the lease, unless somebody else holds it by now.
SENT = """
UPDATE webhook SET next_index = $4, delivered = delivered + $5,
    delivered_at = CASE WHEN $5 > 0 THEN now() ELSE delivered_at END, failures = 0, failing_since = NULL,
    last_error = NULL, due_at = now() + make_interval(secs => $6), lease = NULL, lease_until = NULL
WHERE log_id = $1 AND id = $2 AND lease = $3"""
FAILED = """
UPDATE webhook SET next_index = $4, delivered = delivered + $5,
    delivered_at = CASE WHEN $5 > 0 THEN now() ELSE delivered_at END,
    failures = CASE WHEN $5 > 0 THEN 1 ELSE failures + 1 END,
    failing_since = CASE WHEN $5 > 0 THEN now() ELSE coalesce(failing_since, now()) END,
    last_error = $6,
    due_at = now() + make_interval(secs => greatest($7, (0.5 + random() / 2)
        * least($8, $9 * power(2, CASE WHEN $5 > 0 THEN 0 ELSE least(failures, 20) END)))),
    disabled_at = CASE WHEN $10 OR ($5 = 0 AND failing_since < now() - make_interval(secs => $11)) THEN now() END,
    disabled_why = CASE WHEN $10 OR ($5 = 0 AND failing_since < now() - make_interval(secs => $11)) THEN $6 END,
    lease = NULL, lease_until = NULL
WHERE log_id = $1 AND id = $2 AND lease = $3"""
HOLDS = "SELECT 1 FROM webhook WHERE log_id = $1 AND id = $2 AND lease = $3 AND asked_from IS NULL"


@dataclass(slots=True, frozen=True)
class Webhook:
    """A subscription as its organisation sees it. `next_index` is the first entry that it was not sent or spared yet."""

    id: UUID
    org: str
    url: str
    filter: Filter
    created_at: datetime
    next_index: int
    delivered: int
    delivered_at: datetime | None
    failures: int
    failing_since: datetime | None
    last_error: str | None
    due_at: datetime
    disabled_at: datetime | None
    disabled_why: str | None


@dataclass(slots=True, frozen=True)
class Claim:
    """A subscription that this sender holds until the lease ends."""

    id: UUID
    url: str
    filter: Filter
    next_index: int
    lease: UUID


def _shown(row: Sequence[object]) -> Webhook:
    id_, org, url, filter_org, filter_permit, types, *rest = row
    return Webhook(id_, org, url, Filter(filter_org, filter_permit, tuple(types)), *rest)  # type: ignore[arg-type]  # as _SHOWN lists them


async def add(
    tx: Transaction, id_: UUID, org: str, url: str, about: Filter, next_index: int, most: int
) -> Webhook | None:
    """Keeps a subscription; the same address with the same filter is kept once. None when the organisation has `most` of
    them already."""
    spec = hashlib.sha256(orjson.dumps([url, about.org, about.permit, sorted(about.types)])).digest()
    row = (org, url, about.org, about.permit, sorted(about.types), spec, next_index, most)
    found = await tx.fetch(ADD, tx.log_id, id_, *row) or await tx.fetch(SAME, tx.log_id, org, spec)
    return _shown(found[0]) if found else None


async def of_org(tx: Transaction, org: str) -> list[Webhook]:
    """The subscriptions of an organisation, oldest first."""
    return [_shown(row) for row in await tx.fetch(OF_ORG, tx.log_id, org)]


async def one(tx: Transaction, org: str, id_: UUID) -> Webhook | None:
    """The organisation's subscription of this id."""
    rows = await tx.fetch(ONE, tx.log_id, org, id_)
    return _shown(rows[0]) if rows else None


async def remove(tx: Transaction, org: str, id_: UUID) -> bool:
    """Forgets a subscription; False when the organisation has none of this id."""
    return bool(await tx.fetch(REMOVE, tx.log_id, org, id_))


async def replay(tx: Transaction, org: str, id_: UUID, start: int) -> Webhook | None:
    """Sends again from an index on, and wakes what was disabled. A sender at work finishes its event first."""
    rows = await tx.fetch(REPLAY, tx.log_id, org, id_, start)
    return _shown(rows[0]) if rows else None


async def claim(tx: Transaction, lease: UUID, lease_s: float, size: int, most: int) -> list[Claim]:
    """Takes hold of subscriptions that have something to look at below `size` and that nobody holds."""
    rows = await tx.fetch(CLAIM, tx.log_id, lease, lease_s, size, most)
    return [
        Claim(id_, url, Filter(org, permit, tuple(types)), next_index, lease)
        for id_, url, org, permit, types, next_index in rows
    ]


async def holds(tx: Transaction, held: Claim) -> bool:
    """Whether the subscription is still there, still this sender's, and was not asked to begin elsewhere."""
    return bool(await tx.fetch(HOLDS, tx.log_id, held.id, held.lease))


async def note_sent(tx: Transaction, held: Claim, next_index: int, delivered: int, due_in_s: float) -> None:
    """All up to `next_index` is sent or was none of its business; lets go until it is due again."""
    await tx.execute(SENT, tx.log_id, held.id, held.lease, next_index, delivered, due_in_s)


async def note_failed(
    tx: Transaction, held: Claim, next_index: int, delivered: int, error: str, pace: Pace, *, gone: bool,
    retry_after_s: float,
) -> None:  # fmt: skip
    """The entry at `next_index` could not be delivered: try again after a pause that doubles, with jitter, and not before
    the receiver wants; give up when it is `gone` or has failed for too long. Lets go."""
    await tx.execute(
        FAILED, tx.log_id, held.id, held.lease, next_index, delivered, error, retry_after_s, pace.longest_pause_s,
        pace.first_pause_s, gone, pace.give_up_s,
    )  # fmt: skip
