"""Contracts of the caller's organisation: what was agreed and signed, delivered, paid and is owed; how it is shared out."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from starlette.responses import Response

from services.portal import deals, figures, offer_answer
from services.portal.backends import or_none, part
from services.portal.deals import Delivery
from services.portal.drawing.charts import chart
from services.portal.drawing.deals import due_and_paid
from services.portal.naming import region_name
from services.portal.offer_answer import money
from services.portal.pages.filling import say_of, today
from services.portal.pages.house import House, HouseDep
from shared.web.app import Router
from shared.web.client import UpstreamDown, UpstreamRefused

router = Router(tags=["contracts"])
Json = dict[str, Any]
Cursor = Annotated[str, Query(max_length=200)]
PAGE_LENGTH = 20
MOST_SETTLEMENTS = 200
AT_ONCE = 8
# What an offer is worth is for the community to know, not for its buyer.
COMMUNITY = {"manager"}


@router.get("/community/contracts", response_class=Response)
async def contracts_page(house: HouseDep, cursor: Cursor = "") -> Response:
    """The contracts of the organisation, newest first, and how far each has come."""
    more = {"cursor": cursor} if cursor else {}
    listed = await house.contracts.get(f"/v1/contracts?{urlencode({'limit': PAGE_LENGTH, **more})}")
    turns = asyncio.Semaphore(AT_ONCE)

    async def shown(one: Json) -> Json:
        async with turns:
            versions, judged = await asyncio.gather(versions_of(house, one["id"]), _appraisals(house, one["id"], 1))
        verdict = judged[0]["verdict"] if judged else None
        return {**one, "state": deals.state_of(versions), "verdict": verdict}

    rows = await asyncio.gather(*(shown(one) for one in listed["items"]))
    return await house.page(
        "community/contracts.html", rows=rows, next=listed["next"], marks=deals.MARKS, lights=offer_answer.LIGHTS,
        judges=_judges(house), region_name=region_name,
    )  # fmt: skip


@router.get("/community/contracts/{contract}", response_class=Response)
async def contract_page(contract: str, house: HouseDep) -> Response:
    """One contract, to read on a screen or to print for the assembly."""
    stored, versions, judged, deliveries = await asyncio.gather(
        house.contracts.get(f"/v1/contracts/{part(contract)}"), versions_of(house, contract),
        _appraisals(house, contract, 20), _deliveries(house, contract),
    )  # fmt: skip
    appraisal = await house.contracts.get(f"/v1/appraisals/{judged[0]['id']}") if judged else None
    version, say = deals.in_force(versions), say_of(house)
    return await house.page(
        "community/contract.html", stored=stored, offer=stored["offer"], versions=versions, version=version,
        state=deals.state_of(versions), signs=deals.to_sign(versions, house.need().org) if stored["offer"]["buyer"] else None,
        marks=deals.MARKS, deliveries=deliveries, sums=deals.sums_of(deliveries),
        courses=await asyncio.to_thread(_courses, house, deliveries), judged=judged, judges=_judges(house),
        flags=[] if appraisal is None else offer_answer.raised(appraisal, house.language),
        figures=[] if appraisal is None else offer_answer.figures_of(appraisal, say),
        sentences=[] if appraisal is None else offer_answer.sentences(appraisal, house.language),
        lights=offer_answer.LIGHTS, settlement_marks=deals.SETTLEMENT_MARKS, money=money, region_name=region_name,
        lines=deals.lines_in_words((version or {"text": stored["offer"]})["text"]["lines"], say), on=today().isoformat(),
    )  # fmt: skip


@router.get("/community/contracts/{contract}/settlements/{settlement}", response_class=Response)
async def settlement_page(contract: str, settlement: str, house: HouseDep) -> Response:
    """One delivery: log by log as custody has it and as it was measured, its payments, what is late and what differs."""
    stated, found = await asyncio.gather(
        house.contracts.get(f"/v1/settlements/{part(settlement)}"), _reconciled(house, settlement)
    )
    said = [] if found is None else [one[house.language] for one in found["differences"]]
    flags = [] if found is None else deals.raised_flags(found, house.language)
    in_words = await _in_words(house, [*said, *(one[f"text_{house.language}"] for one in flags)])
    return await house.page(
        "community/settlement.html", contract=contract, delivery=Delivery(stated, found), stated=stated, found=found,
        differences=[in_words(one) for one in said], flags=flags, in_words=in_words, money=money, marks=deals.SETTLEMENT_MARKS,
    )  # fmt: skip


async def _in_words(house: House, texts: list[str]) -> Callable[[str], str]:
    """How a page says sentences of the service: days as it tells days, parties by their names, other settlements by lot and day."""
    orgs, ids = deals.named_in(texts)
    called, others = await asyncio.gather(
        house.called(*orgs),
        asyncio.gather(*(or_none(house.contracts.get(f"/v1/settlements/{part(one)}")) for one in ids)),
    )
    told = {
        one: say_of(house)("deal.other", lot=other["stated"]["lot"], day=figures.day(other["stated"]["delivered_on"], house.language))
        for one, other in zip(ids, others, strict=True)
        if other is not None
    }  # fmt: skip
    return partial(deals.in_words, language=house.language, called=called, others=told)


@router.get("/community/ledger", response_class=Response)
async def ledger_page(house: HouseDep, enterprise: Annotated[str, Query(max_length=60)] = "") -> Response:
    """The book of benefits of an enterprise: who shares by which act of the assembly, what was shared out, what arrived."""
    named = enterprise.strip() or house.need().org
    try:
        book = await house.contracts.get(f"/v1/benefit-ledgers/{part(named)}")
    except UpstreamRefused as refusal:
        if refusal.status not in (403, 404):
            raise
        book = None
    return await house.page("community/ledger.html", book=book, enterprise=named, money=money, share=_share)


def _share(written: str) -> str:
    """A share as it was agreed: ``1/3``, or ``0.25`` as a percentage."""
    return written if "/" in written else f"{float(written) * 100:g} %"


def _judges(house: House) -> bool:
    return bool(house.need().roles & COMMUNITY)


async def versions_of(house: House, contract: str) -> list[Json]:
    """Every version of a contract, the first one first."""
    found: list[Json] = (await house.contracts.get(f"/v1/contracts/{part(contract)}/versions"))["items"]
    return found


async def _appraisals(house: House, contract: str, most: int) -> list[Json]:
    """What the offer was said to be worth, newest first; nothing for a buyer."""
    if not _judges(house):
        return []
    found: list[Json] = (await house.contracts.get(f"/v1/contracts/{part(contract)}/appraisals", limit=most))["items"]
    return found


async def _deliveries(house: House, contract: str) -> list[Delivery]:
    """The settlements of a contract, each as it stands today, the first one first."""
    found = await house.contracts.get("/v1/settlements", contract=contract, limit=MOST_SETTLEMENTS)
    turns = asyncio.Semaphore(AT_ONCE)

    async def beside_today(one: Json) -> Delivery:
        async with turns:
            return Delivery(
                one, None if one["state"] in ("replaced", "set_aside") else await _reconciled(house, one["id"])
            )

    rows = await asyncio.gather(*(beside_today(one) for one in found["items"]))
    return sorted(rows, key=lambda one: (one.settlement["stated"]["delivered_on"], one.settlement["id"]))


async def _reconciled(house: House, settlement: str) -> Json | None:
    """How a settlement stands today; None while the service is silent."""
    try:
        found: Json = await house.contracts.get(f"/v1/settlements/{part(settlement)}/reconciliation", deadline_s=8.0)
    except UpstreamDown:
        return None
    return found


def _courses(house: House, deliveries: list[Delivery]) -> list[Json]:
    """Due and paid over time, a drawing and its table for each currency."""
    say, found = say_of(house), []
    for course in deals.course_of(deliveries):
        sign = offer_answer.SIGNS[course.currency]
        spec = due_and_paid(
            course.days,
            (say("deal.due"), say("deal.paid")),
            f"{say('deal.amount')}, {sign}",
            say("act.day"),
            figures.months(house.language),
        )
        found.append({"svg": chart(spec, say("deal.course"), say("deal.course_about")), "rows": course.rows()})
    return found
