"""Grants to read, and the trail of readings and changes."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.permits.domain.reach import Scope
from services.permits.schemas.words import In, OrgId, Out, Reason

# As days are bounded in bodies (``words.Day``); beyond the calendar no database follows.
Moment = Annotated[AwareDatetime, Field(ge=datetime(1990, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))]


class ReadGrantIn(In):
    """To whom, what, from when until when, and what for. ``plans``: plans before their approval; ``census``: where trees
    stand; ``permits``: permits in full and proposals; ``territory``: the boundary of titles; ``audit``: this trail;
    ``inspections``: supervisions before they are closed, and of every field visit places, observations, answers and words."""

    to_org: OrgId
    scope: Annotated[list[Scope], Field(min_length=1, max_length=6)]
    purpose: Reason
    valid_from: Annotated[Moment | None, Field(description="At once when left out")] = None
    valid_until: Moment


class ReadGrantOut(Out):
    """A grant. One that was revoked opens nothing from that moment on."""

    id: UUID
    owner: str
    to_org: str
    scope: list[str]
    purpose: str
    valid_from: datetime
    valid_until: datetime
    made_by: str
    made_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


class AuditLineOut(Out):
    """That somebody read or changed something of the organisation that is not public, and on what ground."""

    n: int
    at: datetime
    actor: str
    actor_org: str
    act: str
    what: str
    thing: str | None
    ground: str
    grant_id: UUID | None
    detail: str | None
