"""Settings, pool, application: `python -m services.contracts.main serve|migrate`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from services.contracts.access import ACCESS
from services.contracts.api import routers
from services.contracts.quick_limit import Bucket
from services.contracts.shipped import flag_pack, market_terms, world_bank
from services.contracts.store import Store
from shared.web.app import make_app
from shared.web.auth import TokenVerifier
from shared.web.client import service_client
from shared.web.db import Database, is_outage
from shared.web.runtime import remote_verifier, run
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
            yield

    return make_app(
        "Trozalog contracts", service="contracts", routers=routers, access=ACCESS, verifier=verifier,
        lifespan=lifespan, health=db.ping, is_outage=is_outage,
    )  # fmt: skip


if __name__ == "__main__":
    run("contracts", ServiceSettings, build)
