"""Lists of sanctions as snapshots of a day, kept by stewards; and what they say of one party, for anyone."""

from typing import Annotated

from fastapi import Query, Response

from services.contracts.api.books import check_come, check_region
from services.contracts.api.house import Cursor, Limit, StoreDep, today
from services.contracts.domain.border import Day
from services.contracts.domain.pinned import sha256_of
from services.contracts.domain.standing import Ruc, SanctionList, Standing, standing_on
from services.contracts.domain.words import Both
from services.contracts.refusals import BookContested, BookOfAnother
from services.contracts.schemas.stewards import SanctionListOut, SanctionListsOut, StandingOut
from services.contracts.store.standing import (
    StoredList,
    add_sanction_list,
    owner_of_list,
    sanction_list_with,
    sanction_lists,
    snapshots_for,
)
from shared.web.access import NATIONAL, GrantDep
from shared.web.app import Router

router = Router(tags=["parties"])


@router.post("/v1/sanction-lists", status_code=201, responses={200: {"model": SanctionListOut}})
async def publish_sanction_list(
    body: SanctionList, grant: GrantDep, store: StoreDep, response: Response
) -> SanctionListOut:
    """Keep a list of sanctions as it stood on its day. The same content again answers 200; an older day may follow."""
    caller = grant.known
    check_region(caller, NATIONAL)
    check_come(body.as_of, today())
    async with store.db.transaction(caller) as tx:
        owner = await owner_of_list(tx, body.id)
        if owner is not None and owner != caller.org:
            raise BookOfAnother("publish_sanction_list", "organisation", body.id, owner)
        new = await sanction_list_with(tx, body.id, sha256_of(body)) is None and await add_sanction_list(
            tx, body, caller
        )
        stored = await sanction_list_with(tx, body.id, sha256_of(body))
    if stored is None:
        raise BookContested(body.id)
    response.status_code = 201 if new else 200
    return _shown(stored)


@router.get("/v1/sanction-lists")
async def list_sanction_lists(store: StoreDep, cursor: Cursor = None, limit: Limit = 50) -> SanctionListsOut:
    """The newest snapshot of each list, with the hash of the file it was read from."""
    async with store.db.transaction() as tx:
        found = await sanction_lists(tx, cursor, limit + 1)
    more = found[limit - 1].id if len(found) > limit else None
    return SanctionListsOut(items=[_shown(one) for one in found[:limit]], next=more)


@router.get("/v1/parties/{ruc}/standing")
async def read_standing(ruc: Ruc, store: StoreDep, on: Annotated[Day | None, Query()] = None) -> StandingOut:
    """Whether a party is under sanction on a day (today in Peru), by which lists; unknown where none covers the day."""
    day = on or today()
    async with store.db.transaction() as tx:
        standing = standing_on(ruc, day, await snapshots_for(tx, ruc, day))
    said = _said(standing)
    return StandingOut.model_validate({**standing.as_json(), "on": day, "es": said.es, "en": said.en})


def _said(standing: Standing) -> Both:
    names = ", ".join(dict.fromkeys(name for name, _ in standing.sanctions))
    stale = ", ".join(one.list for one in standing.snapshots if not one.covers(standing.on))
    match standing.state:
        case "listed":
            return Both(f"Aparece en: {names}.", f"It is listed in: {names}.")
        case "not_listed":
            return Both("No aparece en ninguna lista de ese día.", "It is in no list of that day.")
        case _ if stale:
            return Both(
                f"No se sabe: falta la lista de ese día de {stale}.", f"Unknown: no list of that day of {stale}."
            )
        case _:
            return Both("No se sabe: nadie ha cargado una lista.", "Unknown: nobody has loaded a list.")


def _shown(one: StoredList) -> SanctionListOut:
    return SanctionListOut(
        id=one.id, version=one.version, title=one.title, as_of=one.as_of, valid_days=one.valid_days, source=one.source,
        document_sha256=one.document_sha256, entries=one.entries, sha256=one.sha256,
        published_by_org=one.published_by_org, published_at=one.published_at,
    )  # fmt: skip
