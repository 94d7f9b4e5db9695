"""Programme indicators, public but for what would show one community to the others."""

import asyncio
from typing import Annotated

from fastapi import Query

from services.permits.api.house import House, HouseDep
from services.permits.api.territory import acts_in
from services.permits.domain.party import REGISTRY
from services.permits.domain.programme import (
    MOST_SOURCES,
    Indicator,
    communities_in,
    indicators,
    least_communities,
    withheld,
)
from services.permits.schemas.indicators import IndicatorOut, IndicatorsOut, SourcesOut
from services.permits.schemas.words import Day, Region
from services.permits.store import programme
from shared.web.access import NATIONAL, Grant, GrantDep
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["indicators"])
_MOST_KEPT = 64
_Figures = tuple[int, list[Indicator]]
# Boundaries are not public, and their area is: row-level security is asked as by the registry itself.
_ITSELF = Caller("permits", REGISTRY, frozenset({"supervisor"}), NATIONAL)


@router.get("/v1/indicators")
async def read_indicators(
    grant: GrantDep, house: HouseDep, region: Annotated[Region | None, Query()] = None,
    on: Annotated[Day | None, Query(description="Today in Peru when it is left out")] = None,
) -> IndicatorsOut:  # fmt: skip
    """Hectares, communities, certified groups, verification, findings: of a region or of all, on a day. A region of few
    communities is shown to officers only."""
    day = on or house.today
    async with house.database.transaction(_ITSELF) as tx:
        newest, index, origin = await programme.as_of(tx)
        key = (region, day, newest)
        known: _Figures | None = house.figures.get(key)
        facts = await programme.facts_of(tx, region, day) if known is None else None
    if facts is not None:
        known = communities_in(facts), await asyncio.to_thread(indicators, facts, day)
        _keep(house, key, known)
    assert known is not None, "found or computed"
    communities, found = known
    least = least_communities(day)
    shown = found if communities >= least or _officer(grant, region) else withheld(found, least)
    return IndicatorsOut(
        on=day, region=region, as_of=index, origin=origin, indicators=[_told(one) for one in shown]
    )  # fmt: skip


def _keep(house: House, key: tuple[object, ...], value: _Figures) -> None:
    """Figures are computed once for all who ask before something else is announced."""
    while len(house.figures) >= _MOST_KEPT:
        house.figures.pop(next(iter(house.figures)))
    house.figures[key] = value


def _officer(grant: Grant, region: str | None) -> bool:
    caller = grant.caller
    return caller is not None and grant.scope == "any" and acts_in(caller.region, region or NATIONAL)


def _told(one: Indicator) -> IndicatorOut:
    words = {name: getattr(one, name) for name in one.__slots__ if name not in ("sources", "detail")}
    sources = SourcesOut(count=len(one.sources), first=list(one.sources[:MOST_SOURCES]))
    return IndicatorOut(**words, detail=dict(one.detail), sources=sources)
