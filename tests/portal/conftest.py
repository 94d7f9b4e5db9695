"""The portal over a real custody, over answers that a test writes down, or over nobody at all."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from services.portal.backends import Backends
from services.portal.main import PortalSettings, build
from shared.tlog.policy import Policy
from shared.web import deadline
from shared.web.client import ServiceClient
from tests.custody.conftest import Custody, custody, open_custody, ready
from tests.shared.lot.wood import log_signer, witness

__all__ = ["custody", "open_custody", "ready"]

BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "accept-language": "es-PE,es;q=0.9"}
POLICY = f"log {log_signer().verifier.vkey}\nwitness w1 {witness().verifier.vkey}\nquorum none\n"
HEALTHY = {"/healthz": {"status": "ok"}}
# Given as an answer: nobody is there.
SILENT = httpx.ConnectError("nobody there")


@dataclass
class Listed:
    """An answer that is a list, given page by page; ``asked`` are the questions."""

    items: list[Any]
    name: str = "items"
    asked: list[dict[str, str]] = field(default_factory=list)

    def page(self, query: str) -> dict[str, Any]:
        """What a service says: as many as were asked for, and where the list goes on."""
        asked = dict(parse_qsl(query))
        self.asked.append(asked)
        first, limit = int(asked.get("cursor", 0)), int(asked.get("limit", 100))
        following = str(first + limit) if len(self.items) > first + limit else None
        return {self.name: self.items[first : first + limit], "next": following}


@dataclass
class Written:
    """A service whose answers are written down by path; asked for anything else it says there is no such thing."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        path = scope["raw_path"].decode()
        self.asked.append(path)
        found = self.answers.get(path)
        if found is None:
            status, found = 404, {"status": 404, "slug": "not-found", "detail_es": f"No hay {path}", "detail_en": "No"}
        elif isinstance(found, Exception):
            raise found
        else:
            status = 200
        if isinstance(found, Listed):
            found = found.page(scope["query_string"].decode())
        body = found if isinstance(found, bytes) else orjson.dumps(found)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


def a_client_of(service: str, app: ASGIApp) -> ServiceClient:
    """A client whose other end is this application."""
    transport = httpx.ASGITransport(app=app)
    return ServiceClient(service, httpx.AsyncClient(transport=transport, base_url=f"http://{service}"))


Open = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fresh_deadline() -> None:
    deadline.begin(None)


@pytest.fixture
async def open_portal(tmp_path: Path) -> AsyncIterator[Open]:
    """``await open_portal(custody=app, permits=app, contracts=app, policy=text)``: a browser in front of the portal."""
    async with AsyncExitStack() as stack:

        async def make(policy: str = POLICY, **apps: ASGIApp) -> httpx.AsyncClient:
            Policy.parse(policy.encode())
            (tmp_path / "policy.txt").write_text(policy)
            settings = PortalSettings(env="test", data_dir=tmp_path, public_url="https://madera.test")
            names = ("custody", "permits", "contracts")
            issuer = a_client_of("issuer", apps["issuer"]) if "issuer" in apps else None
            backends = Backends(
                *(a_client_of(name, apps.get(name) or Written(dict(HEALTHY))) for name in names), issuer
            )
            app = build(settings, backends)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app=app)
            client = httpx.AsyncClient(transport=transport, base_url="http://portal", headers=BROWSER)
            return await stack.enter_async_context(client)

        yield make


@pytest.fixture
async def browser(open_portal: Open, ready: Custody) -> httpx.AsyncClient:
    """A browser before a portal that believes the custody behind it."""
    policy = f"log {ready.keys.log.verifier.vkey}\nquorum none\n"
    client: httpx.AsyncClient = await open_portal(policy, custody=ready.app)
    return client
