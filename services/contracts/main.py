"""Settings, pool, application: `python -m services.contracts.main serve|migrate`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from services.contracts.access import ACCESS
from services.contracts.api import routers
from services.contracts.estimates import Estimates
from services.contracts.messenger import Messenger
from services.contracts.publisher import Publisher
from services.contracts.quick_limit import Bucket
from services.contracts.shipped import (
    alert_limits,
    flag_pack,
    legal_rates,
    market_terms,
    settling_limits,
    world_bank_indices,
)
from services.contracts.store import Store, outbox
from services.contracts.watcher import Watcher
from shared.web.app import make_app
from shared.web.auth import TokenVerifier
from shared.web.client import ServiceClient, service_client
from shared.web.db import Database, is_outage
from shared.web.runtime import at_work, own_tokens, remote_verifier, run
from shared.web.settings import BadSettings, ServiceSettings
from shared.web.webhooks.destination import Destinations


def build(
    settings: ServiceSettings, verifier: TokenVerifier | None = None, log: ServiceClient | None = None
) -> FastAPI:
    """The application. Shipped data is read before it serves, so a broken catalogue stops the start. ``log`` is the way
    of its statements to custody; tests give their own, and their own verifier."""
    if settings.database_url is None:
        raise BadSettings("TROZALOG_DATABASE_URL is needed")
    (
        flag_pack(),
        market_terms(),
        world_bank_indices(),
        legal_rates("PEN"),
        legal_rates("USD"),
        alert_limits(),
        settling_limits(),
    )
    db = Database(settings.database_url.get_secret_value(), settings.database_pool)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(db.close)
            app.state.guard.verifier = verifier or await stack.enter_async_context(remote_verifier(settings))
            custody = service_client("custody", settings.custody_url, settings.custody_uds)
            app.state.custody = await stack.enter_async_context(custody)
            permits = service_client("permits", settings.permits_url, settings.permits_uds)
            app.state.permits = await stack.enter_async_context(permits)
            app.state.store = Store(db)
            app.state.quick_limit = Bucket()
            app.state.estimates = Estimates(app.state.store)
            stack.callback(app.state.estimates.close)
            watcher = Watcher(app.state.store, app.state.permits)
            app.state.watching = await stack.enter_async_context(at_work(watcher.run()))
            app.state.destinations = Destinations(loopback=settings.env != "production")
            messenger = Messenger(app.state.store, app.state.destinations, settings.public_url)
            app.state.posting = await stack.enter_async_context(at_work(messenger.run()))
            await stack.enter_async_context(_publishing(app, settings, db, log))
            yield

    async def health() -> Mapping[str, Any]:
        async with db.transaction() as tx:
            pending, refused = await outbox.waiting(tx)
        return {"database": "ok", "statements_pending": pending, "statements_refused": refused}

    return make_app(
        "Trozalog contracts", service="contracts", routers=routers, access=ACCESS, verifier=verifier,
        lifespan=lifespan, health=health, is_outage=is_outage,
    )  # fmt: skip


@asynccontextmanager
async def _publishing(
    app: FastAPI, settings: ServiceSettings, db: Database, log: ServiceClient | None
) -> AsyncIterator[None]:
    """What is said goes on into the log, with a token of this service's own, which belongs to the house's organisation;
    without a client of its own it waits in the database."""
    async with AsyncExitStack() as stack:
        if log is None and settings.client_id is not None:
            tokens = await stack.enter_async_context(own_tokens(settings))
            log = await stack.enter_async_context(
                service_client("custody", settings.custody_url, settings.custody_uds, tokens)
            )
        publisher = app.state.publisher = Publisher(db, log, app.state.metrics.registry)
        await stack.enter_async_context(at_work(publisher.run()))
        yield


if __name__ == "__main__":
    run("contracts", ServiceSettings, build)
