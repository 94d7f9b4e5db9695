"""Answers about alerts."""

from datetime import datetime
from typing import Any

from services.contracts.domain.alert import About
from services.contracts.domain.flags.answer import State
from services.contracts.schemas.answer import Out


class AlertOut(Out):
    """An alert and what the last look found: ``unknown`` before the first, and while somebody who knows is silent."""

    id: str
    about: About
    state: State
    created_at: datetime
    looked_at: datetime | None


class AlertsOut(Out):
    items: list[AlertOut]
    next: str | None


class AlertEventOut(Out):
    """One thing that was told, once. ``key`` names what happened and stays the same however often this is read."""

    place: int
    key: str
    facts: dict[str, Any]
    es: str
    en: str
    at: datetime


class AlertEventsOut(Out):
    """``next`` is always there: ask from it the next time."""

    items: list[AlertEventOut]
    next: str
