"""Subscriptions: an organisation is told of new records by signed posts to an address of its own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID, uuid4

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.custody.api.custody import Custody, CustodyDep
from services.custody.domain.webhook import Filter, signing_key
from services.custody.webhooks import kept as webhook_store
from services.custody.webhooks.kept import Webhook
from shared.refusal import Malformed, Missing, Refusal
from shared.timber.bodies import BODIES
from shared.tlog.canon import MAX_INTEGER
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router
from shared.web.webhooks.destination import Destinations
from shared.web.webhooks.signing import verification_key

router = Router(tags=["webhooks"])

MOST_WEBHOOKS = 20  # of one organisation


@dataclass(eq=False)
class TooManyWebhooks(Refusal):
    """The organisation has as many subscriptions as one may have."""

    slug: ClassVar[str] = "too-many-webhooks"
    es: ClassVar[str] = "Su organización ya tiene {most} suscripciones; retire una antes."
    en: ClassVar[str] = "Your organisation has {most} subscriptions already; remove one first."
    most: int


class WebhookIn(BaseModel):
    """Where to post, and what about. Without `types` every type; an organisation's own records unless it may see all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(max_length=500, description="https; on a laptop also http to this machine")
    types: list[str] = Field(default=[], max_length=len(BODIES), description="Any of these")
    permit: str | None = Field(default=None, max_length=40)
    org: str | None = Field(default=None, max_length=40, description="Only what concerns this organisation")
    since: int | None = Field(
        default=None, ge=0, le=MAX_INTEGER, description="The first entry to look at; the next one when left out"
    )


class WebhookOut(BaseModel):
    """A subscription and how it fares. `verification_key` checks its signatures (docs/feed-and-webhooks.md)."""

    id: UUID
    url: str
    types: list[str]
    permit: str | None
    org: str | None
    verification_key: str
    created_at: datetime
    next_index: int
    delivered: int
    delivered_at: datetime | None
    failures: int
    failing_since: datetime | None
    last_error: str | None
    due_at: datetime
    disabled_at: datetime | None
    disabled_why: str | None


class WebhookList(BaseModel):
    """Every subscription of the caller's organisation."""

    webhooks: list[WebhookOut]


async def _of_request(request: Request) -> Destinations:
    destinations: Destinations = request.app.state.destinations
    return destinations


DestinationsDep = Annotated[Destinations, Depends(_of_request)]


@router.post("/v1/webhooks", status_code=201)
async def add_webhook(
    body: WebhookIn, custody: CustodyDep, grant: GrantDep, destinations: DestinationsDep
) -> WebhookOut:
    """Subscribes the caller's organisation. From then on each record that fits is posted to the address, signed, at least
    once and in the order of the log. May be repeated: the same address with the same filter is one subscription."""
    about = _about(grant, body)
    await destinations.resolve(body.url)
    org = grant.known.org
    async with custody.store.transaction() as tx:
        start = (await tx.head()).size if body.since is None else body.since
        kept = await webhook_store.add(tx, uuid4(), org, body.url, about, start, MOST_WEBHOOKS)
    if kept is None:
        raise TooManyWebhooks(MOST_WEBHOOKS)
    return _shown(custody, kept)


@router.get("/v1/webhooks")
async def list_webhooks(custody: CustodyDep, grant: GrantDep) -> WebhookList:
    """The subscriptions of the caller's organisation, each with its place in the log and its last failure."""
    async with custody.store.snapshot() as tx:
        found = await webhook_store.of_org(tx, grant.known.org)
    return WebhookList(webhooks=[_shown(custody, one) for one in found])


@router.get("/v1/webhooks/{webhook_id}")
async def read_webhook(webhook_id: UUID, custody: CustodyDep, grant: GrantDep) -> WebhookOut:
    """One subscription of the caller's organisation."""
    async with custody.store.snapshot() as tx:
        found = await webhook_store.one(tx, grant.known.org, webhook_id)
    return _shown(custody, _there(found, webhook_id))


@router.delete("/v1/webhooks/{webhook_id}", status_code=204)
async def remove_webhook(webhook_id: UUID, custody: CustodyDep, grant: GrantDep) -> Response:
    """Ends a subscription. An event that is on its way may still arrive."""
    async with custody.store.transaction() as tx:
        if not await webhook_store.remove(tx, grant.known.org, webhook_id):
            raise Missing("webhook", str(webhook_id))
    return Response(status_code=204)


@router.post("/v1/webhooks/{webhook_id}/replay")
async def replay_webhook(
    webhook_id: UUID, custody: CustodyDep, grant: GrantDep,
    start: Annotated[int, Query(alias="from", ge=0, le=MAX_INTEGER, description="The first entry to look at again")],
) -> WebhookOut:  # fmt: skip
    """Posts again from an index on, with the ids the events had; wakes a subscription that was disabled."""
    async with custody.store.transaction() as tx:
        found = await webhook_store.replay(tx, grant.known.org, webhook_id, start)
    return _shown(custody, _there(found, webhook_id))


def _about(grant: Grant, body: WebhookIn) -> Filter:
    """What the subscription is about: without the right to see every organisation, one's own."""
    if unknown := [kind for kind in body.types if kind not in BODIES]:
        raise Malformed("types", f"{unknown[0]} is not a type of record")
    org = body.org
    if grant.scope != "any":
        if org not in (None, grant.known.org):
            raise OtherOrganisation("add_webhook")
        org = grant.known.org
    return Filter(org, body.permit, tuple(sorted(set(body.types))))


def _there(found: Webhook | None, id_: UUID) -> Webhook:
    if found is None:
        raise Missing("webhook", str(id_))
    return found


def _shown(custody: Custody, one: Webhook) -> WebhookOut:
    return WebhookOut(
        id=one.id, url=one.url, types=list(one.filter.types), permit=one.filter.permit, org=one.filter.org,
        verification_key=verification_key(signing_key(custody.host.private, one.id)), created_at=one.created_at,
        next_index=one.next_index, delivered=one.delivered, delivered_at=one.delivered_at, failures=one.failures,
        failing_since=one.failing_since, last_error=one.last_error, due_at=one.due_at, disabled_at=one.disabled_at,
        disabled_why=one.disabled_why,
    )  # fmt: skip
