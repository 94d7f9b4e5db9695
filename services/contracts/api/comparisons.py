"""Offers side by side, counter-offers and what-ifs. None of them stores anything: a community asks in private."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import Response

from services.contracts.api.basis import Question, ask
from services.contracts.api.house import BucketDep, HouseDep, StoreDep
from services.contracts.domain.answers import compared, countered, what_if
from services.contracts.domain.floor import Wishes
from services.contracts.domain.pinned import canonical
from services.contracts.questions import (
    ComparisonIn,
    ComparisonOut,
    CounterOfferIn,
    CounterOfferOut,
    ScenariosIn,
    ScenariosOut,
)
from services.contracts.shipped import flag_pack
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["appraisals"])


async def _answer(decide: Callable[[], dict[str, Any]]) -> Response:
    """Several appraisals take their time: in a thread, so that others are answered meanwhile."""
    return Response(canonical(await asyncio.to_thread(decide)), media_type="application/json")


@router.post("/v1/comparisons", response_model=ComparisonOut)
async def compare_offers(
    body: ComparisonIn, grant: GrantDep, store: StoreDep, house: HouseDep, bucket: BucketDep
) -> Response:
    """Two to five offers on one basis: what each leaves, what sets them apart, which one another beats."""
    if grant.caller is None:
        bucket.take(len(body.offers))
    asked: list[Question] = [await ask(store, house, offer, body.basis, grant.caller) for offer in body.offers]
    return await _answer(lambda: compared([(one.case(), one.appraisal()) for one in asked], flag_pack()))


@router.post("/v1/counter-offers", response_model=CounterOfferOut)
async def counter_an_offer(
    body: CounterOfferIn, grant: GrantDep, store: StoreDep, house: HouseDep, bucket: BucketDep
) -> Response:
    """The least price in the offer's own unit and rule, and what the clauses that raise flags should say."""
    if grant.caller is None:
        bucket.take()
    question = await ask(store, house, body.offer, body.basis, grant.caller)
    wishes = Wishes(body.alternative_m3, body.reservation_m3)
    return await _answer(lambda: countered(question.case(), flag_pack(), wishes))


@router.post("/v1/scenarios", response_model=ScenariosOut)
async def ask_what_if(
    body: ScenariosIn, grant: GrantDep, store: StoreDep, house: HouseDep, bucket: BucketDep
) -> Response:
    """The offer as it is and under each change, drawn with one seed."""
    if grant.caller is None:
        bucket.take(len(body.scenarios) + 1)
    question = await ask(store, house, body.offer, body.basis, grant.caller)
    return await _answer(lambda: what_if(question.case(), flag_pack(), body.scenarios))
