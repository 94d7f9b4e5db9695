"""The text of a contract, written by form: a first version, a draft anew, or an amendment of what both have signed."""

import asyncio
from typing import Annotated, Any

from fastapi import Query
from starlette.datastructures import FormData
from starlette.responses import Response

from services.portal import clauses, contract_form, offer_form
from services.portal.acts import Filled
from services.portal.backends import all_of, or_none, part
from services.portal.contract_form import Base
from services.portal.naming import region_name
from services.portal.pages.deals import versions_of
from services.portal.pages.filling import fields_of, say_of, today
from services.portal.pages.house import House, HouseDep
from services.portal.pages.stepping import papers_of
from services.portal.pages.vault import ACCEPTED, kinds_of
from shared.timber.species import catalogue
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["contracts"])
Json = dict[str, Any]


@router.get("/community/contracts/{contract}/text", response_class=Response)
async def text_page(contract: str, house: HouseDep, annex: Annotated[str, Query(max_length=64)] = "") -> Response:
    """The form, with what the offer or the last version says. ``annex`` is a paper that was kept for it a moment ago."""
    return await _page(house, contract, annex=annex)


@router.post("/community/contracts/{contract}/text", response_class=Response)
async def write_text(contract: str, house: HouseDep) -> Response:
    """Write the version. The text of the last version again is that version, so the form may be sent twice."""
    form, org = _filled(await house.form()), house.need().org
    stored, versions, papers = await asyncio.gather(
        house.contracts.get(f"/v1/contracts/{part(contract)}"), versions_of(house, contract), papers_of(house, org)
    )
    base = contract_form.base_of(stored["offer"], versions)
    body = contract_form.text_of(form, base, papers)
    if form.faults:
        return await _page(house, contract, form)
    if told := await _not_read(house, form, base, versions, body):
        form.faults[""] = told
        seen = {"seen": str(base.seen), "signed_by": contract_form.signed_by_one(versions, org)}
        return await _page(house, contract, Filled({**form.fields, **seen}, form.faults))
    try:
        kept = await house.contracts.post(f"/v1/contracts/{part(contract)}/versions", body)
    except UpstreamRefused as refused:
        text = refused.text(house.language)
        form.faults |= contract_form.beside(refused.problem, text, house.language, form.fields)
        return await _page(house, contract, form)
    return house.go(f"/community/contracts/{part(contract)}/versions/{kept['number']}", done="version_written")


async def _not_read(house: House, form: Filled, base: Base, versions: list[Json], body: Json) -> str:
    """What the other party has done since the form was opened, and whoever sends it has not read; empty when nothing."""
    say = say_of(house)
    if number := contract_form.overtaken(form, base, versions, body):
        return say("text.overtaken", number=number)
    if signer := contract_form.signed_meanwhile(form, versions, house.need().org, body):
        called = await house.called(signer)
        return say("text.signed_meanwhile", org=called(signer), number=base.seen)
    return ""


def _filled(form: FormData) -> Filled:
    ticked = {
        name: " ".join(one for one in form.getlist(name) if isinstance(one, str))
        for name in ("annexes", *clauses.SEVERAL)
    }
    return Filled(fields_of(form) | ticked)


async def _page(house: House, contract: str, form: Filled | None = None, annex: str = "") -> Response:
    say, org = say_of(house), house.need().org
    stored, versions, papers, kinds, permits = await asyncio.gather(
        house.contracts.get(f"/v1/contracts/{part(contract)}"), versions_of(house, contract), papers_of(house, org),
        kinds_of(house), or_none(all_of(house.permits, "/v1/permits")),
    )  # fmt: skip
    base = contract_form.base_of(stored["offer"], versions)
    signer = contract_form.signed_by_one(versions, org)
    fields = contract_form.begun(base, today()) | {"signed_by": signer} if form is None else dict(form.fields)
    if annex:
        fields["annexes"] = f"{fields['annexes']} {annex}".strip()
    faults = {
        name: say(text) if text.startswith("act.") else text for name, text in (form.faults if form else {}).items()
    }
    place = f"/community/contracts/{contract}/text"
    return await house.page(
        "community/contract_text.html", 422 if faults else 200, place=place, stored=stored, base=base, fields=fields, faults=faults,
        clauses=clauses, signed_by=signer, annexes=_annexes(base, papers), kinds=kinds, accepted=ACCEPTED, lists=offer_form, asked=contract_form,
        permits=[one["number"] for one in permits or () if one["state"] != "proposed"],
        species=sorted(catalogue(), key=lambda one: one.trade_name), region_name=region_name,
    )  # fmt: skip


def _annexes(base: Base, papers: list[Json]) -> list[Json]:
    """The papers that may go with it: those an earlier version has, then those of the vault."""
    known = [dict(one) for one in base.begins.get("annexes") or ()]
    there = {one["sha256"] for one in known}
    return [*known, *(one for one in papers if one["sha256"] not in there)]
