"""Papers that the rules over plans ask for and authorities hold: licences of regents (P04), CITES papers (P15)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from fastapi import Response

from services.permits.api.house import CommandDep, HouseDep, Work, require_organisations
from services.permits.api.plans import visible_plan
from services.permits.api.territory import check_region, check_registrar
from services.permits.domain.paper import CitesPaper, Licence, Version, check_changeable, check_listed
from services.permits.domain.party import NumberTaken
from services.permits.domain.plan import Plan
from services.permits.schemas.papers import (
    CitesPaperChangeIn,
    CitesPaperIn,
    CitesPaperOut,
    CitesPapersOut,
    LicenceChangeIn,
    LicenceIn,
    LicenceOut,
    LicencesOut,
    PaperVersionOut,
)
from services.permits.store import papers, parties
from services.permits.store.papers import Versions
from shared.refusal import Malformed, Missing
from shared.web.access import Grant, GrantDep
from shared.web.app import Router

router = Router(tags=["papers"])
Paper = TypeVar("Paper", Licence, CitesPaper)
_BACKWARDS = "termina antes de empezar / ends before it begins"


@router.post("/v1/organisations/{org}/licences", status_code=201, response_model=LicenceOut)
async def register_licence(org: str, body: LicenceIn, grant: GrantDep, command: CommandDep) -> Response:
    """Register a regent's licence with its days. The same again is answered as known (200)."""
    if body.valid_to < body.valid_from:
        raise Malformed("valid_to", _BACKWARDS)
    licence = Licence(body.number, body.valid_from, body.valid_to)
    async with command.transaction() as work:
        if work.first:
            return work.first
        await _check_registry(work, org, grant, "register_licence")
        new = await papers.add_licence(
            work.tx, org, licence, papers.first(work.caller.org, work.now), work.caller.sub
        )  # fmt: skip
        known = _find([pair for pair in await papers.licences(work.tx, org) if pair[0].number == body.number])
        if known is None or known[0] != licence:
            raise NumberTaken("licence", f"{org} {licence.number}")
        return await work.answer(201 if new else 200, _licence(org, *known))


@router.post("/v1/organisations/{org}/licences/changes", status_code=201, response_model=LicenceOut)
async def change_licence(org: str, body: LicenceChangeIn, grant: GrantDep, command: CommandDep) -> Response:
    """Correct, end or revoke a licence, with the reason. What it said before stays to be read, and so do the findings that
    rested on it; plans have to be reviewed again before they are approved. The same again is answered as known (200)."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        await _check_registry(work, org, grant, "change_licence")
        known = _find([pair for pair in await papers.licences(work.tx, org) if pair[0].number == body.number])
        if known is None:
            raise Missing("licence", f"{org} {body.number}")
        licence, versions = known
        changed = _changed_licence(licence, body)
        if _same(licence, changed, versions[-1], body):
            return await work.answer(200, _licence(org, *known))
        check_changeable("licence", f"{org} {body.number}", versions[-1], body.act)
        version = papers.next_of(versions, body.act, body.reason, work.caller.org, work.now)
        if not await papers.add_licence(work.tx, org, changed, version, work.caller.sub):
            raise NumberTaken("licence", f"{org} {body.number}")
        return await work.answer(201, _licence(org, changed, [*versions, version]))


def _changed_licence(licence: Licence, body: LicenceChangeIn) -> Licence:
    if body.valid_from is not None and body.valid_to is not None:
        if body.valid_to < body.valid_from:
            raise Malformed("valid_to", _BACKWARDS)
        return Licence(licence.number, body.valid_from, body.valid_to)
    if body.no_more_from is not None and not licence.valid_from <= body.no_more_from <= licence.valid_to:
        raise Malformed("no_more_from", "no es uno de sus días / is none of its days")
    return replace(licence, no_more_from=body.no_more_from)


async def _check_registry(work: Work, org: str, grant: Grant, action: str) -> None:
    known = await parties.organisation(work.tx, org)
    if known is None:
        raise Missing("organisation", org)
    check_registrar(grant, known[0].region, action)
    await require_organisations(work.tx, [work.caller.org])


@router.get("/v1/organisations/{org}/licences")
async def list_licences(org: str, house: HouseDep) -> LicencesOut:
    """The licences of an organisation as they stand, with all that was done to them; empty when none was registered here."""
    async with house.database.transaction() as tx:
        if await parties.organisation(tx, org) is None:
            raise Missing("organisation", org)
        return LicencesOut(items=[_licence(org, *one) for one in await papers.licences(tx, org)])


@router.post("/v1/plans/{plan_id}/cites-papers", status_code=201, response_model=CitesPaperOut)
async def register_cites_paper(plan_id: str, body: CitesPaperIn, grant: GrantDep, command: CommandDep) -> Response:
    """Register the quota or non-detriment finding that covers a listed species of a plan. The same again is answered as
    known (200)."""
    paper = CitesPaper(body.species, body.kind, body.number)
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await _plan_of(work, plan_id, grant, "register_cites_paper")
        check_listed(paper.species, work.today)
        new = await papers.add_cites(
            work.tx, plan.id, paper, papers.first(work.caller.org, work.now), work.caller.sub
        )  # fmt: skip
        known = await _cites_paper(work, plan, body.species, body.number)
        if known is None or known[0] != paper:
            raise NumberTaken("cites paper", f"{plan.id} {paper.number}")
        return await work.answer(201 if new else 200, _cites(plan.id, *known))


@router.post("/v1/plans/{plan_id}/cites-papers/changes", status_code=201, response_model=CitesPaperOut)
async def change_cites_paper(plan_id: str, body: CitesPaperChangeIn, grant: GrantDep, command: CommandDep) -> Response:
    """Correct, end or revoke a CITES paper of a plan, as ``change_licence`` does with a licence."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await _plan_of(work, plan_id, grant, "change_cites_paper")
        known = await _cites_paper(work, plan, body.species, body.number)
        if known is None:
            raise Missing("cites paper", f"{plan.id} {body.number}")
        paper, versions = known
        changed = CitesPaper(paper.species, body.kind or paper.kind, paper.number, body.no_more_from)
        if _same(paper, changed, versions[-1], body):
            return await work.answer(200, _cites(plan.id, *known))
        check_changeable("cites paper", f"{plan.id} {body.number}", versions[-1], body.act)
        version = papers.next_of(versions, body.act, body.reason, work.caller.org, work.now)
        if not await papers.add_cites(work.tx, plan.id, changed, version, work.caller.sub):
            raise NumberTaken("cites paper", f"{plan.id} {body.number}")
        return await work.answer(201, _cites(plan.id, changed, [*versions, version]))


async def _plan_of(work: Work, plan_id: str, grant: Grant, action: str) -> Plan:
    plan = await visible_plan(work.tx, plan_id, grant)
    check_region(work.caller.region, plan.region, action)
    await require_organisations(work.tx, [work.caller.org])
    return plan


async def _cites_paper(work: Work, plan: Plan, species: str, number: str) -> tuple[CitesPaper, Versions] | None:
    found = await papers.cites(work.tx, plan.id)
    return _find([pair for pair in found if (pair[0].species, pair[0].number) == (species, number)])


@router.get("/v1/plans/{plan_id}/cites-papers")
async def list_cites_papers(plan_id: str, grant: GrantDep, house: HouseDep) -> CitesPapersOut:
    """The CITES papers of a plan that the caller may see, as they stand, with all that was done to them."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        return CitesPapersOut(items=[_cites(plan.id, *one) for one in await papers.cites(tx, plan.id)])


def _find(pairs: Sequence[tuple[Paper, Versions]]) -> tuple[Paper, Versions] | None:
    return pairs[0] if pairs else None


def _same(paper: Paper, changed: Paper, last: Version, body: LicenceChangeIn | CitesPaperChangeIn) -> bool:
    """Whether this very change was the last one."""
    return paper == changed and (last.act, last.reason) == (body.act, body.reason)


def _licence(org: str, one: Licence, versions: Versions) -> LicenceOut:
    return LicenceOut(
        org=org, number=one.number, valid_from=one.valid_from, valid_to=one.valid_to, no_more_from=one.no_more_from,
        state=_state(versions), versions=_versions(versions),
    )  # fmt: skip


def _cites(plan: str, one: CitesPaper, versions: Versions) -> CitesPaperOut:
    return CitesPaperOut(
        plan=plan, species=one.species, kind=one.kind, number=one.number, no_more_from=one.no_more_from,
        state=_state(versions), versions=_versions(versions),
    )  # fmt: skip


def _state(versions: Versions) -> str:
    return "registered" if versions[-1].act == "corrected" else versions[-1].act


def _versions(versions: Versions) -> list[PaperVersionOut]:
    return [
        PaperVersionOut(version=one.number, act=one.act, reason=one.reason, by_org=one.by_org, at=one.at)
        for one in versions
    ]
