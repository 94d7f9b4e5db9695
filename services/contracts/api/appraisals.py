"""Appraisals: what an offer is worth. Stored ones never change; the quick one is not stored."""

import asyncio
from typing import Any, Literal

import orjson
from fastapi import Response

from services.contracts.api.basis import ask
from services.contracts.api.house import BucketDep, Cursor, HouseDep, Limit, StoreDep, workbook
from services.contracts.domain.appraisal import told
from services.contracts.domain.pinned import canonical
from services.contracts.domain.report import aloud, message, page
from services.contracts.questions import QuickIn
from services.contracts.refusals import BuyerMayNotAppraise
from services.contracts.report_book import appraisal_book
from services.contracts.schemas.appraisals import AppraisalOut, AppraisalsOut, ListedAppraisalOut, ToldOut
from services.contracts.schemas.basis import BasisIn
from services.contracts.schemas.cursor import read_cursor, write_cursor
from services.contracts.store import appraisals as appraisals_store
from services.contracts.store import contracts as contracts_store
from services.contracts.store.contracts import Contract
from shared.refusal import Missing
from shared.web.access import Grant, GrantDep
from shared.web.app import Router
from shared.web.workbook import XLSX_TYPE

router = Router(tags=["appraisals"])
JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
REPORTS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/html": {},
            "text/plain": {},
            XLSX_TYPE: {},
            JSON: {"schema": {"$ref": "#/components/schemas/ToldOut"}},
        }
    }
}
Form = Literal["html", "sms", "speech", "xlsx", "json"]


@router.post(
    "/v1/contracts/{contract_id}/appraisals",
    status_code=201,
    response_model=AppraisalOut,
    responses={200: {"model": AppraisalOut}},
)
async def appraise_contract(
    contract_id: str, basis: BasisIn, grant: GrantDep, store: StoreDep, house: HouseDep
) -> Response:
    """Appraise a stored offer. The same question again answers 200 with the same bytes."""
    caller = grant.known
    async with store.db.transaction(caller) as tx:
        contract = _of_the_community(await contracts_store.contract(tx, contract_id), contract_id, grant)
    question = await ask(store, house, contract.offer, basis, caller)
    appraisal = await asyncio.to_thread(question.appraisal, contract_id)
    body = canonical(appraisal)
    async with store.db.transaction(caller) as tx:
        new = await appraisals_store.add_appraisal(tx, appraisal, body, contract.offer.community, caller)
        kept = await appraisals_store.appraisal(tx, appraisal["id"])
    return Response(kept or body, 201 if new else 200, media_type=JSON)


@router.get("/v1/contracts/{contract_id}/appraisals")
async def list_appraisals(
    contract_id: str, grant: GrantDep, store: StoreDep, cursor: Cursor = None, limit: Limit = 50
) -> AppraisalsOut:
    """Appraisals of one offer, newest first."""
    after = read_cursor(cursor)
    async with store.db.transaction(grant.known) as tx:
        _of_the_community(await contracts_store.contract(tx, contract_id), contract_id, grant)
        found = await appraisals_store.appraisals_of(tx, contract_id, after, limit + 1)
    more = write_cursor((found[limit - 1].created_at, found[limit - 1].id)) if len(found) > limit else None
    items = [
        ListedAppraisalOut.model_validate(
            {"id": one.id, "on": one.on, "verdict": one.verdict, "created_at": one.created_at}
        )
        for one in found[:limit]
    ]
    return AppraisalsOut(items=items, next=more)


@router.get("/v1/appraisals/{appraisal_id}", response_model=AppraisalOut | ToldOut)
async def read_appraisal(
    appraisal_id: str, grant: GrantDep, store: StoreDep, lang: Literal["es", "en"] | None = None
) -> Response:
    """The stored bytes; with ``lang`` the text in that language."""
    async with store.db.transaction(grant.known) as tx:
        body = await appraisals_store.appraisal(tx, appraisal_id)
    if body is None:
        raise Missing("appraisal", appraisal_id)
    return Response(body if lang is None else orjson.dumps(told(orjson.loads(body), lang)), media_type=JSON)


@router.get("/v1/appraisals/{appraisal_id}/report", responses=REPORTS, response_class=Response)
async def read_appraisal_report(
    appraisal_id: str, grant: GrantDep, store: StoreDep, lang: Literal["es", "en"] = "es", form: Form = "html"
) -> Response:
    """The same text in another form: a page for print, a short message, text for reading aloud, a workbook, or JSON."""
    async with store.db.transaction(grant.known) as tx:
        body = await appraisals_store.appraisal(tx, appraisal_id)
    if body is None:
        raise Missing("appraisal", appraisal_id)
    appraisal = orjson.loads(body)
    match form:
        case "html":
            headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
            return Response(page(appraisal, lang), headers=headers, media_type="text/html; charset=utf-8")
        case "sms":
            return Response(message(appraisal, lang), media_type=PLAIN)
        case "speech":
            return Response(aloud(appraisal, lang), media_type=PLAIN)
        case "xlsx":
            book = await asyncio.to_thread(appraisal_book, appraisal, lang)
            return workbook(book, f"appraisal-{appraisal_id}-{lang}.xlsx")
        case _:
            return Response(orjson.dumps(told(appraisal, lang)), media_type=JSON)


@router.post("/v1/appraisals/quick", response_model=AppraisalOut)
async def appraise_quick(
    body: QuickIn, grant: GrantDep, store: StoreDep, house: HouseDep, bucket: BucketDep
) -> Response:
    """Appraise an offer without storing anything: a community can try it in private, with or without a login."""
    if grant.caller is None:
        bucket.take()
    question = await ask(store, house, body.offer, body.basis, grant.caller)
    return Response(canonical(await asyncio.to_thread(question.appraisal)), media_type=JSON)


def _of_the_community(contract: Contract | None, contract_id: str, grant: Grant) -> Contract:
    """The contract, for the community alone: to its buyer it is visible, but not for this."""
    if contract is None:
        raise Missing("contract", contract_id)
    grant.require(*contract.parties, kind="contract", key=contract_id)
    if not grant.in_full(contract.offer.community):
        raise BuyerMayNotAppraise("appraise_contract")
    return contract
