"""Starts the portal: settings, clients, application."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.portal.access import ACCESS
from services.portal.backends import Backends
from services.portal.pages import router
from services.portal.rendering import Pages
from services.portal.verdicts import Verdicts
from shared.refusal import Malformed, Missing, Refusal
from shared.tlog.policy import Policy
from shared.web import problems
from shared.web.app import Unhealthy, make_app
from shared.web.client import ServiceClient, service_client
from shared.web.runtime import run
from shared.web.settings import ServiceSettings


class PortalSettings(ServiceSettings):
    """``policy`` names the logs and witnesses whose signatures the pages believe."""

    policy: Path | None = None

    def trusted(self) -> Policy:
        """The policy of this server; a missing or bad file stops the start."""
        return Policy.parse((self.policy or self.data_dir / "policy.txt").read_bytes())


def clients(settings: PortalSettings) -> Backends:
    """Clients of the three services and of the development issuer, over sockets or TCP."""
    return Backends(
        service_client("custody", settings.custody_url, settings.custody_uds),
        service_client("permits", settings.permits_url, settings.permits_uds),
        service_client("contracts", settings.contracts_url, settings.contracts_uds),
        development_issuer(settings),
    )


def development_issuer(settings: ServiceSettings) -> ServiceClient | None:
    """The issuer of the house, whose operations are part of its API. A site's own provider describes itself elsewhere."""
    if settings.env == "production" or settings.issuer != ServiceSettings.model_fields["issuer"].default:
        return None
    parts = urlsplit(settings.jwks_url)
    return service_client("issuer", f"{parts.scheme}://{parts.netloc}", settings.jwks_uds)


def build(settings: PortalSettings, backends: Backends | None = None) -> FastAPI:
    """The application; tests bring their own backends."""
    services = backends or clients(settings)
    pages = Pages()
    policy = settings.trusted()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for client in services.described:
                await stack.enter_async_context(client)
            yield

    async def health() -> dict[str, Any]:
        found = await services.health()
        if found.status == "down":
            raise Unhealthy(found.facts())
        return {"status": found.status, **found.facts()}

    app = make_app(
        "Portal", service="portal", routers=[router], access=ACCESS, verifier=None, lifespan=lifespan, health=health,
        max_body_bytes=1024,
    )  # fmt: skip
    app.state.backends, app.state.pages, app.state.policy = services, pages, policy
    app.state.verdicts = Verdicts(policy)
    app.state.public_url = settings.public_url
    _show_refusals_as_pages(app, pages)
    return app


def _show_refusals_as_pages(app: FastAPI, pages: Pages) -> None:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return pages.refuse(request, error)

    async def nowhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404 and "text/html" in request.headers.get("accept", ""):
            return pages.refuse(request, Missing("page", request.url.path))
        return await problems.on_http(request, error)

    for_programs = app.exception_handlers[RequestValidationError]

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        if "text/html" in request.headers.get("accept", ""):
            return pages.refuse(request, Malformed("address", "not what this page reads"))
        return await cast("Awaitable[Response]", for_programs(request, error))

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, nowhere)


if __name__ == "__main__":
    run("portal", PortalSettings, build)
