"""Erasure: what is kept of a person, or of an organisation itself, is made unreadable for good, in two steps.

It cannot be undone and destroys evidence, so a stolen token or a hasty hand must not suffice: a second person of the
organisation confirms. Small communities have one manager, so after three days whoever asked may confirm too; until then
anybody who may ask can withdraw it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID, uuid4

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from services.custody.api.custody import CustodyDep
from services.custody.api.pages import cursor_of, place_of
from services.custody.private import disclosures, grants
from services.custody.private.grants import Erasure
from shared.refusal import Missing, NotAllowed, Refusal
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["private fields"])

WAIT_DAYS = 3
PERSON = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


@dataclass(eq=False)
class SecondPersonNeeded(NotAllowed):
    """Whoever asked for the erasure confirms it only after a time in which others can withdraw it."""

    slug: ClassVar[str] = "second-person-needed"
    es: ClassVar[str] = "Debe confirmar otra persona de su organización; usted, desde {free_at}."
    en: ClassVar[str] = "Another person of your organisation has to confirm; you may from {free_at} on."
    free_at: str


@dataclass(eq=False)
class ErasureEnded(Refusal):
    """The erasure was withdrawn, or is done."""

    slug: ClassVar[str] = "erasure-ended"
    es: ClassVar[str] = "Este borrado ya terminó ({state})."
    en: ClassVar[str] = "This erasure has ended ({state})."
    state: str


class ErasureIn(BaseModel):
    """Whom to forget: a person by its pseudonym, or the organisation's own fields when none is named; and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str | None = Field(default=None, pattern=PERSON)
    reason: str = Field(min_length=3, max_length=200)


class ErasureOut(BaseModel):
    """An erasure: asked for, withdrawn or done. `fields`: how many can be read no more."""

    id: UUID
    person: str | None
    reason: str
    asked_by: str
    asked_at: datetime
    state: Literal["asked", "withdrawn", "done"]
    ended_by: str | None
    ended_at: datetime | None
    fields: int | None


class ErasuresOut(BaseModel):
    """Erasures in the order they were asked for; `next` is the cursor of what follows."""

    erasures: list[ErasureOut]
    next: str | None


@router.post("/v1/erasures", status_code=201)
async def ask_erasure(body: ErasureIn, custody: CustodyDep, grant: GrantDep) -> ErasureOut:
    """Asks for an erasure. Nothing happens until it is confirmed. One that is asked for already is answered again."""
    caller = grant.known
    async with custody.store.transaction() as tx:
        await grants.act_for(tx, caller.org)
        if not await disclosures.has_key(tx, caller.org, body.person or ""):
            raise Missing("person" if body.person else "private fields", body.person or caller.org)
        asked = await grants.ask_erasure(tx, uuid4(), caller.org, body.person or "", body.reason, caller.sub)
    return _told(asked)


@router.get("/v1/erasures")
async def list_erasures(
    custody: CustodyDep, grant: GrantDep, cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ErasuresOut:  # fmt: skip
    """What the caller's organisation has asked to be erased."""
    org = grant.known.org
    async with custody.store.transaction() as tx:
        await grants.act_for(tx, org)
        rows = await grants.erasures_of(tx, org, place_of(cursor), limit + 1)
    following = cursor_of(rows[limit - 1].asked_at, rows[limit - 1].id) if len(rows) > limit else None
    return ErasuresOut(erasures=[_told(row) for row in rows[:limit]], next=following)


@router.post("/v1/erasures/{erasure_id}/confirm")
async def confirm_erasure(erasure_id: UUID, custody: CustodyDep, grant: GrantDep) -> ErasureOut:
    """Destroys the key of a subject: from the commit on nobody can read what lay under it, here or in a copy of the
    database that does not come with a wrapping key of that time. The digests in the log stay. May be repeated."""
    caller = grant.known
    async with custody.store.transaction() as tx:
        await grants.act_for(tx, caller.org)
        pending = await grants.pending(tx, caller.org, erasure_id, WAIT_DAYS)
        if pending is None:
            raise Missing("erasure", str(erasure_id))
        erasure = pending.erasure
        if erasure.state == "withdrawn":
            raise ErasureEnded(erasure.state)
        if erasure.state == "asked":
            if caller.sub == erasure.asked_by and not pending.waited:
                raise SecondPersonNeeded("confirm_erasure", "person", pending.free_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
            fields = await disclosures.destroy(tx, caller.org, erasure.person)
            erasure = await grants.end_erasure(tx, caller.org, erasure_id, "done", caller.sub, fields or 0)
    return _told(erasure)


@router.delete("/v1/erasures/{erasure_id}")
async def withdraw_erasure(erasure_id: UUID, custody: CustodyDep, grant: GrantDep) -> ErasureOut:
    """Withdraws an erasure that is not done. May be repeated."""
    caller = grant.known
    async with custody.store.transaction() as tx:
        await grants.act_for(tx, caller.org)
        pending = await grants.pending(tx, caller.org, erasure_id, WAIT_DAYS)
        if pending is None:
            raise Missing("erasure", str(erasure_id))
        erasure = pending.erasure
        if erasure.state == "done":
            raise ErasureEnded(erasure.state)
        if erasure.state == "asked":
            erasure = await grants.end_erasure(tx, caller.org, erasure_id, "withdrawn", caller.sub, None)
    return _told(erasure)


def _told(one: Erasure) -> ErasureOut:
    return ErasureOut(
        id=one.id, person=one.person or None, reason=one.reason, asked_by=one.asked_by, asked_at=one.asked_at,
        state=one.state, ended_by=one.ended_by, ended_at=one.ended_at, fields=one.fields,
    )  # fmt: skip
