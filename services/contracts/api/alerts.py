"""Alerts: what an organisation asks to be told of, and the list of what it was told, read from a place on.

Nothing is sent: whoever misses an answer loses nothing and asks again from the last place.
"""

import uuid
from typing import Annotated

import orjson
from fastapi import Query, Response

from services.contracts.api.house import Cursor, Limit, StoreDep
from services.contracts.domain.alert import About, PaymentOverdue
from services.contracts.domain.pinned import canonical
from services.contracts.refusals import TooManyAlerts
from services.contracts.schemas.alerts import AlertEventOut, AlertEventsOut, AlertOut, AlertsOut
from services.contracts.schemas.cursor import read_cursor, write_cursor
from services.contracts.store import alerts
from services.contracts.store import contracts as contracts_store
from shared.refusal import Missing
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["alerts"])
MOST_ALERTS = 200
Place = Annotated[str | None, Query(pattern=r"^[0-9]{1,9}$")]


@router.post("/v1/alerts", status_code=201, responses={200: {"model": AlertOut}})
async def set_alert(about: About, grant: GrantDep, store: StoreDep, response: Response) -> AlertOut:
    """Ask to be told. The same alert again answers 200 with the one that stands."""
    caller = grant.known
    async with store.db.transaction(caller) as tx:
        if isinstance(about, PaymentOverdue) and await contracts_store.contract(tx, about.contract) is None:
            raise Missing("contract", about.contract)
        found, new = await alerts.add_alert(tx, uuid.uuid4().hex, about.kind, canonical(about), caller)
        if new and await alerts.count_alerts(tx, caller.org) > MOST_ALERTS:
            raise TooManyAlerts(MOST_ALERTS)
    response.status_code = 201 if new else 200
    return _shown(found)


@router.get("/v1/alerts")
async def list_alerts(grant: GrantDep, store: StoreDep, cursor: Cursor = None, limit: Limit = 50) -> AlertsOut:
    """The alerts of the caller's organisation, newest first, each with what the last look found."""
    caller, after = grant.known, read_cursor(cursor)
    async with store.db.transaction(caller) as tx:
        found = await alerts.alerts_of(tx, caller.org, after, limit + 1)
    more = write_cursor((found[limit - 1].created_at, found[limit - 1].id)) if len(found) > limit else None
    return AlertsOut(items=[_shown(one) for one in found[:limit]], next=more)


@router.delete("/v1/alerts/{alert_id}", status_code=204)
async def end_alert(alert_id: str, grant: GrantDep, store: StoreDep) -> Response:
    """End an alert. What it told stays kept, and is no longer answered."""
    caller = grant.known
    async with store.db.transaction(caller) as tx:
        found = await alerts.alert(tx, alert_id)
        if found is None or found.org != caller.org or not await alerts.end_alert(tx, alert_id):
            raise Missing("alert", alert_id)
    return Response(status_code=204)


@router.get("/v1/alerts/{alert_id}/events")
async def read_alert_events(
    alert_id: str, grant: GrantDep, store: StoreDep, cursor: Place = None, limit: Limit = 50
) -> AlertEventsOut:
    """What was told since a place, the oldest first; ``next`` is the place to ask from the next time."""
    caller, after = grant.known, int(cursor or 0)
    async with store.db.transaction(caller) as tx:
        found = await alerts.alert(tx, alert_id)
        if found is None or found.org != caller.org:
            raise Missing("alert", alert_id)
        told = await alerts.events_of(tx, alert_id, after, limit)
    items = [
        AlertEventOut(place=one.place, key=one.key, facts=orjson.loads(one.facts), es=one.es, en=one.en, at=one.at)
        for one in told
    ]
    return AlertEventsOut(items=items, next=str(told[-1].place if told else after))


def _shown(one: alerts.Alert) -> AlertOut:
    return AlertOut.model_validate(
        {"id": one.id, "about": orjson.loads(one.about), "state": one.state, "created_at": one.created_at,
         "looked_at": one.looked_at}
    )  # fmt: skip
