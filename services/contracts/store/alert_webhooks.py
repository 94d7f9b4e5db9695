"""Addresses that alerts are posted to, and what each still has to be told. Rows are claimed by a lease, so that no
transaction stays open while a receiver thinks; every instant is the database's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.web.auth import Caller
from shared.web.webhooks.post import Pace

_COLUMNS = (
    "id, url, verification_key, created_at, delivered, delivered_at, failures, failing_since, last_error, due_at,"
    " disabled_at, disabled_why"
)
_ADD = text(
    "INSERT INTO alert_webhook (id, org, url, verification_key, created_by) VALUES (:id, :org, :url, :key, :sub)"
    " ON CONFLICT (org, url) DO NOTHING RETURNING 1"
)
_SEED = text("INSERT INTO alert_webhook_seed (webhook_id, org, seed) VALUES (:id, :org, :seed)")
_SAME = text(f"SELECT {_COLUMNS} FROM alert_webhook WHERE org = :org AND url = :url")  # noqa: S608 - of this file
_OF_ORG = text(f"SELECT {_COLUMNS} FROM alert_webhook WHERE org = :org ORDER BY created_at, id")  # noqa: S608
_REMOVE = text("DELETE FROM alert_webhook WHERE org = :org AND id = :id RETURNING 1")
_WAKE = text(
    "UPDATE alert_webhook SET failures = 0, failing_since = NULL, last_error = NULL, due_at = now(),"  # noqa: S608
    f" disabled_at = NULL, disabled_why = NULL WHERE org = :org AND id = :id RETURNING {_COLUMNS}"
)
_QUEUE = text(
    "INSERT INTO alert_delivery (webhook_id, alert_id, place)"
    " SELECT id, :alert, :place FROM alert_webhook WHERE org = :org"
)
_CLAIM = text(
    "UPDATE alert_webhook w SET lease = :lease, lease_until = now() + make_interval(secs => :lease_s)"
    " FROM (SELECT id FROM alert_webhook f WHERE disabled_at IS NULL AND due_at <= now()"
    " AND (lease_until IS NULL OR lease_until < now())"
    " AND EXISTS (SELECT 1 FROM alert_delivery d WHERE d.webhook_id = f.id)"
    " ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED) AS free, alert_webhook_seed s"
    " WHERE w.id = free.id AND s.webhook_id = w.id RETURNING w.id, w.url, s.seed"
)
_WAITING = text(
    "SELECT d.alert_id, d.place, e.key, e.at, a.kind, a.ended_at IS NOT NULL AS ended FROM alert_delivery d"
    " JOIN alert_event e ON (e.alert_id, e.place) = (d.alert_id, d.place) JOIN alert a ON a.id = d.alert_id"
    " WHERE d.webhook_id = :id ORDER BY d.seq LIMIT :most"
)
_HOLDS = text("SELECT 1 FROM alert_webhook WHERE id = :id AND lease = :lease")
_DONE = text("DELETE FROM alert_delivery WHERE webhook_id = :id AND alert_id = :alert AND place = :place RETURNING 1")
_TOLD = text(
    "UPDATE alert_webhook SET delivered = delivered + 1, delivered_at = now(), failures = 0, failing_since = NULL,"
    " last_error = NULL WHERE id = :id AND lease = :lease"
)
_LET_GO = text("UPDATE alert_webhook SET lease = NULL, lease_until = NULL WHERE id = :id AND lease = :lease")
_FAILED = text(
    "UPDATE alert_webhook SET failures = failures + 1, failing_since = coalesce(failing_since, now()), last_error = :error,"
    " due_at = now() + make_interval(secs => greatest(CAST(:after AS float8), (0.5 + random() / 2)"
    " * least(CAST(:longest AS float8), :first * power(2, least(failures, 20))))),"
    " disabled_at = CASE WHEN :gone OR failing_since < now() - make_interval(secs => :give_up) THEN now() END,"
    " disabled_why = CASE WHEN :gone OR failing_since < now() - make_interval(secs => :give_up) THEN :error END,"
    " lease = NULL, lease_until = NULL WHERE id = :id AND lease = :lease"
)


@dataclass(frozen=True, slots=True)
class AlertWebhook:
    """An address as its organisation sees it. A lasting failure disables it; what was not told is kept."""

    id: UUID
    url: str
    verification_key: str
    created_at: datetime
    delivered: int
    delivered_at: datetime | None
    failures: int
    failing_since: datetime | None
    last_error: str | None
    due_at: datetime
    disabled_at: datetime | None
    disabled_why: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """An address that this sender holds until the lease ends, with the seed of its key."""

    id: UUID
    url: str
    seed: bytes
    lease: UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that an address has not been told. Of an alert that was ended nothing is told any more."""

    alert: str
    place: int
    key: str
    at: datetime
    kind: str
    ended: bool


async def add(
    tx: AsyncSession, url: str, seed: bytes, verification_key: str, caller: Caller
) -> tuple[AlertWebhook, bool]:
    """Keep an address of the caller's organisation once, with the seed of its key. Whether it is new."""
    row = {"id": uuid4(), "org": caller.org, "url": url, "key": verification_key, "sub": caller.sub}
    new = (await tx.execute(_ADD, row)).first() is not None
    if new:
        await tx.execute(_SEED, {"id": row["id"], "org": caller.org, "seed": seed})
    return AlertWebhook(*(await tx.execute(_SAME, {"org": caller.org, "url": url})).one()), new


async def of_org(tx: AsyncSession, org: str) -> list[AlertWebhook]:
    """The addresses of an organisation, the oldest first."""
    return [AlertWebhook(*row) for row in await tx.execute(_OF_ORG, {"org": org})]


async def remove(tx: AsyncSession, org: str, id_: UUID) -> bool:
    """Forget an address and what it was not told; False when the organisation has none of this id."""
    return (await tx.execute(_REMOVE, {"org": org, "id": id_})).first() is not None


async def wake(tx: AsyncSession, org: str, id_: UUID) -> AlertWebhook | None:
    """Try again at once, also where it was disabled."""
    found = (await tx.execute(_WAKE, {"org": org, "id": id_})).one_or_none()
    return None if found is None else AlertWebhook(*found)


async def queue(tx: AsyncSession, org: str, alert: str, place: int) -> None:
    """Let every address of an organisation be told of an event, in the transaction that writes the event."""
    await tx.execute(_QUEUE, {"org": org, "alert": alert, "place": place})


async def claim(tx: AsyncSession, lease_s: float, most: int) -> list[Held]:
    """Take hold of addresses that have something to be told and that nobody holds."""
    lease = uuid4()
    asked = {"lease": lease, "lease_s": lease_s, "most": most}
    return [Held(row.id, row.url, row.seed, lease) for row in await tx.execute(_CLAIM, asked)]


async def waiting(tx: AsyncSession, held: Held, most: int) -> Sequence[Waiting]:
    """What an address has not been told, the oldest first; nothing of one that somebody else holds by now."""
    if (await tx.execute(_HOLDS, {"id": held.id, "lease": held.lease})).first() is None:
        return []
    return [Waiting(*row) for row in await tx.execute(_WAITING, {"id": held.id, "most": most})]


async def note_told(tx: AsyncSession, held: Held, event: Waiting) -> None:
    """An event was taken, or is not to be told any more."""
    gone = await tx.execute(_DONE, {"id": held.id, "alert": event.alert, "place": event.place})
    if gone.first() is not None and not event.ended:
        await tx.execute(_TOLD, {"id": held.id, "lease": held.lease})


async def let_go(tx: AsyncSession, held: Held) -> None:
    """End the lease, unless somebody else holds it by now."""
    await tx.execute(_LET_GO, {"id": held.id, "lease": held.lease})


async def note_failed(tx: AsyncSession, held: Held, why: str, pace: Pace, *, gone: bool, retry_after_s: float) -> None:
    """Try again after a pause that doubles, with jitter, and not before the receiver wants; give up when it is ``gone`` or
    has failed for too long. Lets go."""
    await tx.execute(
        _FAILED,
        {
            "id": held.id, "lease": held.lease, "error": why, "after": retry_after_s, "longest": pace.longest_pause_s,
            "first": pace.first_pause_s, "gone": gone, "give_up": pace.give_up_s,
        },
    )  # fmt: skip
