"""Alerts that an organisation has set, and what was told of each: the outbox that its owner reads from a place on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.alert import Finding, News
from services.contracts.store import alert_webhooks
from services.contracts.store.places import Place
from shared.web.auth import Caller

# No token carries this role: it is how the background shows itself to row-level security (migrations/0004).
HOUSE = Caller("watcher", "", frozenset({"watcher"}))
_COLUMNS = "id, org, kind, about, state, seen, created_at, looked_at"
_ADD = text(
    "INSERT INTO alert (id, org, kind, about, created_by) VALUES (:id, :org, :kind, :about, :sub)"
    " ON CONFLICT (org, about) WHERE ended_at IS NULL DO NOTHING RETURNING 1"
)
_SAME = text(f"SELECT {_COLUMNS} FROM alert WHERE org = :org AND about = :about AND ended_at IS NULL")  # noqa: S608
_ONE = text(f"SELECT {_COLUMNS} FROM alert WHERE id = :id AND ended_at IS NULL")  # noqa: S608 - constants of this file
_COUNT = text("SELECT count(*) FROM alert WHERE org = :org AND ended_at IS NULL")
_LIST = text(
    f"SELECT {_COLUMNS} FROM alert WHERE org = :org AND ended_at IS NULL"  # noqa: S608
    " AND (CAST(:at AS timestamptz) IS NULL OR (created_at, id) < (CAST(:at AS timestamptz), CAST(:id AS text)))"
    " ORDER BY created_at DESC, id DESC LIMIT :limit"
)
_END = text("UPDATE alert SET ended_at = now() WHERE id = :id AND ended_at IS NULL RETURNING 1")
_CLAIM = text(
    "UPDATE alert SET looked_at = now() WHERE id IN (SELECT id FROM alert WHERE ended_at IS NULL"  # noqa: S608
    " AND (looked_at IS NULL OR looked_at <= now() - make_interval(secs => :every))"
    f" ORDER BY looked_at NULLS FIRST, id LIMIT :most FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}"
)
_LOCK = text("SELECT 1 FROM alert WHERE id = :id AND ended_at IS NULL FOR UPDATE")
_FOUND = text("UPDATE alert SET state = :state, seen = :seen WHERE id = :id")
_TELL = text(
    "INSERT INTO alert_event (alert_id, place, key, org, facts, es, en)"
    " SELECT :id, 1 + coalesce(max(place), 0), :key, :org, :facts, :es, :en FROM alert_event WHERE alert_id = :id"
    " ON CONFLICT (alert_id, key) DO NOTHING RETURNING place"
)
_EVENTS = text(
    "SELECT place, key, facts, es, en, at FROM alert_event WHERE alert_id = :id AND place > :after"
    " ORDER BY place LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; ``about`` and ``seen`` are JSON as it was stored."""

    id: str
    org: str
    kind: str
    about: bytes
    state: str
    seen: bytes | None
    created_at: datetime
    looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """One event of an alert, at its place in the alert's own list."""

    place: int
    key: str
    facts: bytes
    es: str
    en: str
    at: datetime


async def add_alert(tx: AsyncSession, new_id: str, kind: str, about: bytes, caller: Caller) -> tuple[Alert, bool]:
    """Set an alert once; the same one again is the one that stands. Whether it is new."""
    asked = {"id": new_id, "org": caller.org, "kind": kind, "about": about, "sub": caller.sub}
    new = (await tx.execute(_ADD, asked)).first() is not None
    return Alert(*(await tx.execute(_SAME, {"org": caller.org, "about": about})).one()), new


async def alert(tx: AsyncSession, alert_id: str) -> Alert | None:
    """An alert of the caller's own organisation that has not been ended."""
    found = (await tx.execute(_ONE, {"id": alert_id})).one_or_none()
    return None if found is None else Alert(*found)


async def count_alerts(tx: AsyncSession, org: str) -> int:
    """How many alerts an organisation has set."""
    number: int = (await tx.execute(_COUNT, {"org": org})).scalar_one()
    return number


async def alerts_of(tx: AsyncSession, org: str, after: Place | None, limit: int) -> Sequence[Alert]:
    """The alerts of an organisation, newest first."""
    at, key = after or (None, "")
    return [Alert(*row) for row in await tx.execute(_LIST, {"org": org, "at": at, "id": key, "limit": limit})]


async def end_alert(tx: AsyncSession, alert_id: str) -> bool:
    """End an alert; what it told stays stored. False when there is none to end."""
    return (await tx.execute(_END, {"id": alert_id})).first() is not None


async def claim_alerts(tx: AsyncSession, every_s: float, most: int) -> Sequence[Alert]:
    """Alerts that nobody has looked at for so long, each to one process."""
    return [Alert(*row) for row in await tx.execute(_CLAIM, {"every": every_s, "most": most})]


async def keep_finding(tx: AsyncSession, looked: Alert, finding: Finding) -> int:
    """Save what a look found and tell what is new, each once. How many events were told; none of an ended alert."""
    if (await tx.execute(_LOCK, {"id": looked.id})).first() is None:
        return 0
    seen = looked.seen if finding.seen is None else finding.seen
    await tx.execute(_FOUND, {"id": looked.id, "state": finding.state, "seen": seen})
    told = [await _tell(tx, looked, one) for one in finding.news]
    return sum(told)


async def _tell(tx: AsyncSession, looked: Alert, news: News) -> bool:
    row = {"id": looked.id, "org": looked.org, "key": news.key, "facts": news.as_bytes(), "es": news.es, "en": news.en}
    place: int | None = (await tx.execute(_TELL, row)).scalar_one_or_none()
    if place is None:
        return False
    await alert_webhooks.queue(tx, looked.org, looked.id, place)
    return True


async def events_of(tx: AsyncSession, alert_id: str, after: int, limit: int) -> Sequence[Told]:
    """What was told of an alert after a place, the oldest first."""
    return [Told(*row) for row in await tx.execute(_EVENTS, {"id": alert_id, "after": after, "limit": limit})]
