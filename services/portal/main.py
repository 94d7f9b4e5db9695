"""Starts the portal: settings, clients, application."""

import secrets
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from httpx import AsyncClient
from pydantic import model_validator
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.portal.access import ACCESS, UPLOADS
from services.portal.backends import Backends
from services.portal.casefile import Cases
from services.portal.faults import WrongWay
from services.portal.names import Names
from services.portal.packages import Packages
from services.portal.pages import routers
from services.portal.pages.saying import words_in
from services.portal.rendering import Pages
from services.portal.sealing import Seal
from services.portal.session import Session, Sessions
from services.portal.sign_in import Provider, SignIn
from services.portal.verdicts import Verdicts
from shared.refusal import Malformed, Missing, Refusal
from shared.tlog.policy import Policy
from shared.web import problems
from shared.web.app import Unhealthy, make_app
from shared.web.auth import Caller, TokenVerifier
from shared.web.client import ServiceClient, http_client, service_client
from shared.web.runtime import remote_verifier, run
from shared.web.settings import ServiceSettings

# A form of words; an upload of a census or a paper (as much as permits reads of it, and its form around it).
FORM_BYTES = 192 * 1024
UPLOAD_BYTES = 17 * 1024 * 1024


class PortalSettings(ServiceSettings):
    """``policy`` names the logs and witnesses whose signatures the pages believe. Where people sign in is said by
    ``authorize_url`` (the provider's authorisation endpoint), ``token_url`` and ``client_id``; without them nobody can."""

    policy: Path | None = None
    authorize_url: str = ""
    logout_url: str = ""

    @model_validator(mode="after")
    def _production_signs_in_over_tls(self) -> Self:
        given = {"authorize_url": self.authorize_url, "logout_url": self.logout_url}
        wrong = [name for name, url in given.items() if url and not url.startswith("https://")]
        if self.env == "production" and wrong:
            raise ValueError(f"ENV=production refuses development values of: {', '.join(wrong)}")
        return self

    def provider(self) -> Provider | None:
        """The identity provider for browsers; ``None`` where none is set up."""
        if not (self.authorize_url and self.client_id):
            return None
        secret = self.client_secret.get_secret_value() if self.client_secret is not None else None
        return Provider(
            self.issuer, self.authorize_url, self.token_url, self.client_id, secret, self.public_url.rstrip("/"),
            self.logout_url,
        )  # fmt: skip

    def policy_bytes(self) -> bytes:
        """The policy of this server, as it is written; a missing file stops the start."""
        return (self.policy or self.data_dir / "policy.txt").read_bytes()


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


def build(
    settings: PortalSettings, backends: Backends | None = None, issuer: tuple[AsyncClient, TokenVerifier] | None = None
) -> FastAPI:
    """The application; tests bring their own backends, and their own way to the issuer."""
    services = backends or clients(settings)
    provider = settings.provider()
    # Without a provider nobody has a session: the key only has to be one that nobody knows.
    seal = Seal([secrets.token_bytes(32)]) if provider is None else Seal.read(settings.keys_dir / "portal.key")
    secure = settings.public_url.startswith("https://")
    sessions = Sessions(seal, secure=secure)
    pages = Pages(provider is not None, settings.logout_url, secure=secure)
    written = settings.policy_bytes()
    policy = Policy.parse(written)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for client in services.described:
                await stack.enter_async_context(client)
            if provider is not None:
                http, verifier = issuer or (
                    await stack.enter_async_context(http_client("http://issuer", settings.jwks_uds, connect_s=3.0)),
                    await stack.enter_async_context(remote_verifier(settings)),
                )
                app.state.sign_in = SignIn(provider, http, verifier, seal)
            stack.push_async_callback(app.state.packages.stop)
            yield

    async def health() -> dict[str, Any]:
        found = await services.health()
        if found.status == "down":
            raise Unhealthy(found.facts())
        return {"status": found.status, **found.facts()}

    def signed_in(request: Request) -> Caller | None:
        session: Session | None = sessions.of(request)
        return None if session is None else session.caller

    app = make_app(
        "Portal", service="portal", routers=routers, access=ACCESS, verifier=None, lifespan=lifespan, health=health,
        max_body_bytes=FORM_BYTES, body_limits=dict.fromkeys(UPLOADS, UPLOAD_BYTES), identify=signed_in,
        fault=pages.fault,
    )  # fmt: skip
    app.state.backends, app.state.pages, app.state.policy = services, pages, policy
    app.state.verdicts, app.state.cases = Verdicts(policy), Cases(policy)
    app.state.names = Names(services.permits)
    speeches = words_in(pages, "es"), words_in(pages, "en")
    app.state.packages = Packages(settings.data_dir / "packages", speeches)
    app.state.policy_text = written.decode()
    app.state.public_url = settings.public_url
    app.state.sessions, app.state.sign_in = sessions, None
    _show_refusals_as_pages(app, pages)
    return app


def _show_refusals_as_pages(app: FastAPI, pages: Pages) -> None:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return pages.refuse(request, error)

    async def nowhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        asked_as_page = "text/html" in request.headers.get("accept", "")
        if asked_as_page and error.status_code in (404, 405):
            missing = error.status_code == 404
            answer = pages.refuse(request, Missing("page", request.url.path) if missing else WrongWay())
            answer.headers.update(error.headers or {})
            return answer
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
