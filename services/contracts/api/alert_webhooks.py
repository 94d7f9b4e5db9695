"""Where alerts are posted to: an organisation's own addresses, each with a key of its own that signs for it."""

from typing import Annotated
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, Request, Response

from services.contracts.api.house import StoreDep
from services.contracts.refusals import TooManyAlertWebhooks
from services.contracts.schemas.alerts import AlertWebhookIn, AlertWebhookOut, AlertWebhooksOut
from services.contracts.store import alert_webhooks
from services.contracts.store.alert_webhooks import AlertWebhook
from shared.refusal import Missing
from shared.web.access import GrantDep
from shared.web.app import Router
from shared.web.webhooks.destination import Destinations
from shared.web.webhooks.signing import verification_key

router = Router(tags=["alerts"])
MOST_WEBHOOKS = 20


def _of_request(request: Request) -> Destinations:
    destinations: Destinations = request.app.state.destinations
    return destinations


DestinationsDep = Annotated[Destinations, Depends(_of_request)]


@router.post("/v1/alerts/webhooks", status_code=201, responses={200: {"model": AlertWebhookOut}})
async def add_alert_webhook(
    body: AlertWebhookIn, grant: GrantDep, store: StoreDep, destinations: DestinationsDep, response: Response
) -> AlertWebhookOut:
    """Post what the organisation's alerts tell from now on to an address, signed. The same address again answers 200."""
    caller = grant.known
    await destinations.resolve(body.url)
    key = Ed25519PrivateKey.generate()
    async with store.db.transaction(caller) as tx:
        found, new = await alert_webhooks.add(tx, body.url, key.private_bytes_raw(), verification_key(key), caller)
        if new and len(await alert_webhooks.of_org(tx, caller.org)) > MOST_WEBHOOKS:
            raise TooManyAlertWebhooks(MOST_WEBHOOKS)
    response.status_code = 201 if new else 200
    return _shown(found)


@router.get("/v1/alerts/webhooks")
async def list_alert_webhooks(grant: GrantDep, store: StoreDep) -> AlertWebhooksOut:
    """The addresses of the caller's organisation, each with its last failure."""
    async with store.db.transaction(grant.known) as tx:
        found = await alert_webhooks.of_org(tx, grant.known.org)
    return AlertWebhooksOut(items=[_shown(one) for one in found])


@router.delete("/v1/alerts/webhooks/{webhook_id}", status_code=204)
async def remove_alert_webhook(webhook_id: UUID, grant: GrantDep, store: StoreDep) -> Response:
    """Post there no more. What is on its way may still arrive."""
    async with store.db.transaction(grant.known) as tx:
        if not await alert_webhooks.remove(tx, grant.known.org, webhook_id):
            raise Missing("alert_webhook", str(webhook_id))
    return Response(status_code=204)


@router.post("/v1/alerts/webhooks/{webhook_id}/wake")
async def wake_alert_webhook(webhook_id: UUID, grant: GrantDep, store: StoreDep) -> AlertWebhookOut:
    """Try at once what the address has not taken, also where it was disabled. May be repeated."""
    async with store.db.transaction(grant.known) as tx:
        found = await alert_webhooks.wake(tx, grant.known.org, webhook_id)
    if found is None:
        raise Missing("alert_webhook", str(webhook_id))
    return _shown(found)


def _shown(one: AlertWebhook) -> AlertWebhookOut:
    return AlertWebhookOut.model_validate(one, from_attributes=True)
