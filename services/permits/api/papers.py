"""Papers that the rules over plans ask for and authorities hold: licences of regents (P04), CITES papers (P15)."""

from fastapi import Response

from services.permits.api.house import CommandDep, HouseDep, require_organisations
from services.permits.api.plans import visible_plan
from services.permits.api.territory import check_region, check_registrar
from services.permits.domain.paper import CitesPaper, Licence, check_listed
from services.permits.domain.party import NumberTaken
from services.permits.schemas.papers import (
    CitesPaperIn,
    CitesPaperOut,
    CitesPapersOut,
    LicenceIn,
    LicenceOut,
    LicencesOut,
)
from services.permits.store import papers, parties
from shared.refusal import Malformed, Missing
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["papers"])


@router.post("/v1/organisations/{org}/licences", status_code=201, response_model=LicenceOut)
async def register_licence(org: str, body: LicenceIn, grant: GrantDep, command: CommandDep) -> Response:
    """Register a regent's licence with its days. The same again is answered as known (200)."""
    if body.valid_to < body.valid_from:
        raise Malformed("valid_to", "termina antes de empezar / ends before it begins")
    licence = Licence(body.number, body.valid_from, body.valid_to)
    async with command.transaction() as work:
        if work.first:
            return work.first
        known = await parties.organisation(work.tx, org)
        if known is None:
            raise Missing("organisation", org)
        check_registrar(grant, known[0].region, "register_licence")
        await require_organisations(work.tx, [work.caller.org])
        new = await papers.add_licence(work.tx, org, licence, work.caller.sub, work.caller.org, work.now)
        if licence not in await papers.licences(work.tx, org):
            raise NumberTaken("licence", f"{org} {licence.number}")
        return await work.answer(201 if new else 200, _licence(org, licence))


@router.get("/v1/organisations/{org}/licences")
async def list_licences(org: str, house: HouseDep) -> LicencesOut:
    """The licences of an organisation; empty when none was registered here."""
    async with house.database.transaction() as tx:
        if await parties.organisation(tx, org) is None:
            raise Missing("organisation", org)
        return LicencesOut(items=[_licence(org, one) for one in await papers.licences(tx, org)])


@router.post("/v1/plans/{plan_id}/cites-papers", status_code=201, response_model=CitesPaperOut)
async def register_cites_paper(plan_id: str, body: CitesPaperIn, grant: GrantDep, command: CommandDep) -> Response:
    """Register the quota or non-detriment finding that covers a listed species of a plan. The same again is answered as
    known (200)."""
    paper = CitesPaper(body.species, body.kind, body.number)
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await visible_plan(work.tx, plan_id, grant)
        check_region(work.caller.region, plan.region, "register_cites_paper")
        await require_organisations(work.tx, [work.caller.org])
        check_listed(paper.species, work.now.date())
        new = await papers.add_cites(work.tx, plan.id, paper, work.caller.sub, work.caller.org, work.now)
        if paper not in await papers.cites(work.tx, plan.id):
            raise NumberTaken("cites paper", f"{plan.id} {paper.number}")
        return await work.answer(201 if new else 200, _cites(plan.id, paper))


@router.get("/v1/plans/{plan_id}/cites-papers")
async def list_cites_papers(plan_id: str, grant: GrantDep, house: HouseDep) -> CitesPapersOut:
    """The CITES papers of a plan that the caller may see."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        return CitesPapersOut(items=[_cites(plan.id, one) for one in await papers.cites(tx, plan.id)])


def _licence(org: str, one: Licence) -> LicenceOut:
    return LicenceOut(org=org, number=one.number, valid_from=one.valid_from, valid_to=one.valid_to)


def _cites(plan: str, one: CitesPaper) -> CitesPaperOut:
    return CitesPaperOut(plan=plan, species=one.species, kind=one.kind, number=one.number)
