"""The outbox, for those who watch over it."""

from typing import Annotated, Literal

from fastapi import Query

from services.permits.api.house import HouseDep, PagingDep, place_number, to_cursor
from services.permits.schemas.inspections import PublicationOut, PublicationsOut
from services.permits.store import outbox
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["publications"])


@router.get("/v1/publications")
async def list_publications(
    grant: GrantDep,
    house: HouseDep,
    paging: PagingDep,
    state: Annotated[Literal["pending", "refused", "published"] | None, Query()] = None,
) -> PublicationsOut:
    """How many statements wait or were refused by the log, and which."""
    after = place_number(paging, 0)
    async with house.database.transaction(grant.caller) as tx:
        counts = await outbox.backlog(tx)
        found = await outbox.publications(tx, state, after, paging.limit + 1)
    items = found[: paging.limit]
    return PublicationsOut(
        pending=counts.pending, refused=counts.refused, published=counts.published,
        items=[
            PublicationOut(
                seq=one.seq, sid=one.sid, type=one.type, subject=one.subject, state=one.state, attempts=one.attempts,
                index=one.index, problem=one.problem,
            )
            for one in items
        ],
        next=to_cursor(str(items[-1].seq)) if len(found) > paging.limit else None,
    )  # fmt: skip
