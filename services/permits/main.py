"""Settings, database, application: ``python -m services.permits.main serve|migrate``."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from services.permits.access import ACCESS
from services.permits.api import (
    assemblies,
    census,
    certificates,
    courses,
    crowns,
    extensions,
    field_supervisions,
    findings,
    grants,
    indicators,
    inspections,
    jobs,
    keys,
    land,
    measures,
    norms,
    papers,
    parties,
    permits,
    plans,
    publications,
    reviews,
    supervised_volumes,
    supervision,
    titles,
    track_records,
    vault,
    verifications,
    verify,
)
from services.permits.api.house import House
from services.permits.census_file import MAX_FILE_BYTES
from services.permits.domain.document import MAX_DOCUMENT_BYTES
from services.permits.importer import Importer
from services.permits.land_file import MAX_FILE_BYTES as MAX_LAND_FILE_BYTES
from services.permits.publisher import Publisher, open_registry
from services.permits.registrar import Registrar
from services.permits.store import outbox
from shared.web.app import make_app
from shared.web.auth import TokenVerifier
from shared.web.client import ServiceClient, service_client
from shared.web.db import Database, is_outage
from shared.web.runtime import at_work, own_tokens, remote_verifier, run
from shared.web.settings import ServiceSettings

# A boundary of 20,000 points; a permit of 2,000 lines; a census with the dressing of a form around it.
_LAND_BYTES, _CENSUS_BYTES = MAX_LAND_FILE_BYTES + 4096, MAX_FILE_BYTES + 4096
BODY_LIMITS = {
    "propose_permit": 1024 * 1024,
    "propose_amendment": 1024 * 1024,
    "store_document": MAX_DOCUMENT_BYTES,
    **dict.fromkeys(("upload_census", "preview_census", "annotate_census", "import_census"), _CENSUS_BYTES),
    **dict.fromkeys(
        ("register_title", "preview_title", "register_zone", "preview_zone", "upload_shape", "preview_shape"),
        _LAND_BYTES,
    ),
}
ROUTERS = [
    parties.router, keys.router, titles.router, land.router, courses.router, plans.router, census.router, jobs.router,
    verify.router, permits.router, inspections.router, verifications.router, field_supervisions.router,
    supervised_volumes.router, crowns.router,
    publications.router, supervision.router, reviews.router, findings.router, track_records.router, vault.router,
    assemblies.router, extensions.router, measures.router, norms.router, certificates.router, grants.router,
    indicators.router, papers.router,
]  # fmt: skip


class PermitsSettings(ServiceSettings):
    """Permits needs its database; the rest are the common settings."""

    database_url: SecretStr


def build(
    settings: PermitsSettings, verifier: TokenVerifier | None = None, custody: ServiceClient | None = None
) -> FastAPI:
    """The application. Tests give their own verifier and their own way to custody."""
    database = Database(settings.database_url.get_secret_value(), settings.database_pool)
    registrar = Registrar.load(settings.keys_dir)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            app.state.guard.verifier = verifier or await stack.enter_async_context(remote_verifier(settings))
            house = app.state.house = House(database, registrar)
            stack.callback(house.reader.shutdown, wait=False, cancel_futures=True)
            await open_registry(house)
            client = custody or await _custody(settings, stack)
            house.custody = client
            publisher = app.state.publisher = Publisher(house, client, app.state.metrics.registry)
            for work in (publisher.run(), Importer(house).run()):
                await stack.enter_async_context(at_work(work))
            yield

    async def health() -> Mapping[str, Any]:
        async with database.transaction() as tx:
            pending, refused = await outbox.waiting(tx)
        return {"database": "ok", "statements_pending": pending, "statements_refused": refused}

    return make_app(
        "Trozalog permits", service="permits", routers=ROUTERS, access=ACCESS, verifier=verifier, lifespan=lifespan,
        health=health, body_limits=BODY_LIMITS, is_outage=is_outage,
    )  # fmt: skip


async def _custody(settings: PermitsSettings, stack: AsyncExitStack) -> ServiceClient:
    tokens = await stack.enter_async_context(own_tokens(settings))
    return await stack.enter_async_context(
        service_client("custody", settings.custody_url, settings.custody_uds, tokens)
    )


if __name__ == "__main__":
    run("permits", PermitsSettings, build)
