"""Organisations."""

from typing import Annotated

from fastapi import Query, Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, log_state
from services.permits.api.territory import check_registrar
from services.permits.domain.party import REGISTRY, NumberTaken, Organisation
from services.permits.schemas.parties import OrganisationIn, OrganisationOut
from services.permits.schemas.words import Kind, OrgId, Page
from services.permits.store import outbox, parties
from services.permits.store.parties import KnownOrganisation
from shared.refusal import Missing
from shared.timber.outgoing import Announced
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["parties"])


@router.post("/v1/organisations", status_code=201, response_model=OrganisationOut)
async def register_organisation(
    body: OrganisationIn, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """Register a party. The same id with the same content is answered as known (200)."""
    check_registrar(grant, body.region, "register_organisation")
    org = Organisation(body.id, body.name, body.kind, body.region)
    async with command.transaction() as work:
        if work.first:
            return work.first
        letter = house.registrar.write(
            "organisation.registered", REGISTRY, org.statement(), work.now, subject=f"org:{org.id}"
        )
        added = await parties.add_organisation(work.tx, org, letter.sid)
        stored = await parties.organisation(work.tx, org.id)
        taken = NumberTaken("organisation", org.id)
        known, announced = await work.announce_new(letter, org, added, stored, taken)
        return await work.answer(201 if added else 200, _organisation(known, announced))


@router.get("/v1/organisations")
async def list_organisations(
    house: HouseDep, paging: PagingDep, kind: Annotated[Kind | None, Query()] = None,
    named: Annotated[str, Query(max_length=80, description="Letters of its id or name")] = "",
    ids: Annotated[list[OrgId] | None, Query(alias="id", max_length=500, description="Only these")] = None,
) -> Page[OrganisationOut]:  # fmt: skip
    """All parties by id."""
    async with house.database.transaction() as tx:
        found, following = paging.page(
            await parties.organisations(tx, kind, paging.after, paging.limit + 1, named, ids), lambda known: known[0].id
        )
        announced = await outbox.announced(tx, [sid for _, sid in found])
    return Page(items=[_organisation(known, announced) for known in found], next=following)


@router.get("/v1/organisations/{org}")
async def read_organisation(org: str, house: HouseDep) -> OrganisationOut:
    """One party."""
    async with house.database.transaction() as tx:
        known = await parties.organisation(tx, org)
        if known is None:
            raise Missing("organisation", org)
        announced = await outbox.announced(tx, [known[1]])
    return _organisation(known, announced)


def _organisation(known: KnownOrganisation, announced: dict[str, Announced]) -> OrganisationOut:
    org, sid = known
    return OrganisationOut(id=org.id, name=org.name, kind=org.kind, region=org.region, log=log_state(announced, sid))
