"""The day in Peru: by it permits, delegations and terms begin and end, and norms are in force. The log keeps its own, UTC."""

from datetime import date, datetime, timedelta, timezone

PERU = timezone(timedelta(hours=-5))  # no daylight saving


def peru_day(at: datetime) -> date:
    """The day that it was in Peru at a moment."""
    return at.astimezone(PERU).date()


def peru_day_of(instant: str) -> str:
    """The same of an instant as records write it, ``2026-11-28T22:40:00Z``."""
    return peru_day(datetime.fromisoformat(instant)).isoformat()
