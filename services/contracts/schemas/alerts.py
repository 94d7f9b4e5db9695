"""Answers about alerts."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import StringConstraints

from services.contracts.domain.alert import About
from services.contracts.domain.border import Form
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


class AlertWebhookIn(Form):
    """Where to post: https; on a laptop also http to this machine."""

    url: Annotated[str, StringConstraints(min_length=8, max_length=500)]


class AlertWebhookOut(Out):
    """An address and how it fares. ``verification_key`` checks its signatures (docs/feed-and-webhooks.md)."""

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


class AlertWebhooksOut(Out):
    items: list[AlertWebhookOut]
