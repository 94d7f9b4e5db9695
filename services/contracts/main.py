"""Settings, pool, application: `python -m services.contracts.main serve|migrate`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from services.contracts.access import ACCESS
from services.contracts.api import routers
from services.contracts.estimates import Estimates
from services.contracts.publisher import Publisher
from services.contracts.quick_limit import Bucket
from services.contracts.shipped import flag_pack, market_terms, world_bank
from services.contracts.store import Store, outbox
from shared.web.app import make_app
from shared.web.auth import TokenVerifier
from shared.web.client import service_client
from shared.web.db import Database, is_outage
from shared.web.runtime import own_tokens, remote_verifier, run
from shared.web.settings import BadSettings, ServiceSettings


def build(settings: ServiceSettings, verifier: TokenVerifier | None = None) -> FastAPI:
    """The application. Shipped data is read before it serves, so a broken catalogue stops the start."""
    if settings.database_url is None:
        raise BadSettings("TROZALOG_DATABASE_URL is needed")
    flag_pack(), market_terms(), world_bank()
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
            await stack.enter_async_context(_publishing(settings, app.state.store))
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
async def _publishing(settings: ServiceSettings, store: Store) -> AsyncIterator[None]:
    """What is published goes on into the log, by a client of this service's own; without one it waits in the database."""
    if settings.client_id is None:
        yield
        return
    async with (
        own_tokens(settings) as tokens,
        service_client("custody", settings.custody_url, settings.custody_uds, tokens) as custody,
    ):
        task = asyncio.create_task(Publisher(store, custody).run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


if __name__ == "__main__":
    run("contracts", ServiceSettings, build)
