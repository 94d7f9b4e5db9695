"""A running contracts service on real PostgreSQL, and a custody that complains about what it is not asked well."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from deploy.databases import Database
from services.contracts.main import build
from shared.web.client import ServiceClient
from shared.web.settings import ServiceSettings
from tests.contracts.strict_log import StrictLog
from tests.databases import Keeper
from tests.tokens import Issuer

BUYER = "aserradero-1"
PATIENCE_S = 120.0  # for what comes sooner or later, on a machine that is busy with other things


NO_BALANCES = {"balances": [], "next": None}


@dataclass
class Custody:
    """Custody's lots, and the balances of permits for who shows a token, as its document states them. Any other request is
    answered 500 and remembered."""

    lots: dict[str, Any] = field(default_factory=dict)
    balances: dict[bytes, Any] = field(default_factory=dict)
    down: bool = False
    wrong: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002
        path, method = scope["path"], scope["method"]
        name = path.removeprefix("/v1/lots/")
        if (method, path) == ("GET", "/v1/balances") and b"authorization" in dict(scope["headers"]):
            await _answer(send, 500 if self.down else 200, self.balances.get(scope["query_string"], NO_BALANCES))
            return
        if method != "GET" or name == path or "/" in name:
            self.wrong.append(f"{method} {path}")
        status, body = 200, self.lots.get(name)
        if self.down or self.wrong:
            status, body = 500, {"status": 500, "slug": "internal"}
        elif body is None:
            status, body = 404, {"status": 404, "slug": "not-found"}
        await _answer(send, status, body)


async def _answer(send: Any, status: int, body: Any) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})


@dataclass
class Permits:
    """The two public addresses of permits that contracts asks; any other request is answered 500 and remembered."""

    answers: dict[str, Any] = field(default_factory=dict)
    down: bool = False
    wrong: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002
        path = scope["path"]
        if scope["method"] != "GET" or not (path.endswith("/verify") or path.startswith("/v1/organisations/")):
            self.wrong.append(f"{scope['method']} {path}")
        status, body = 200, self.answers.get(path)
        if self.down or self.wrong:
            status, body = 500, {"status": 500, "slug": "internal"}
        elif body is None:
            status, body = 404, {"status": 404, "slug": "not-found"}
        await _answer(send, status, body)


@dataclass
class Contracts:
    """The service as its users see it."""

    app: FastAPI
    http: httpx.AsyncClient
    issuer: Issuer
    custody: Custody
    permits: Permits
    database: Database
    log: StrictLog

    async def published(self) -> None:
        """Until every statement that waits has been answered."""
        async with asyncio.timeout(PATIENCE_S):
            while (await self.get("/healthz", role=None))["statements_pending"]:
                self.app.state.publisher.wake.set()
                await asyncio.sleep(0.02)

    async def call(
        self, method: str, path: str, body: Any = None, role: str | None = "manager", org: str = "comunidad-a",
        expect: int | None = None, **more: Any,
    ) -> Any:  # fmt: skip
        headers = self.issuer.headers(role, org=org, **more) if role else {}
        answer = await self.http.request(method, path, json=body, headers=headers)
        if expect is not None:
            assert answer.status_code == expect, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, expect: int | None = 201, **who: Any) -> Any:
        return await self.call("POST", path, body, expect=expect, **who)

    async def decide(
        self, report_id: str, decision: str, reason: str = "x", expect: int | None = 200, seen: str | None = None, **who: Any
    ) -> Any:  # fmt: skip
        """A steward's decision on what is read just now, unless it names what was ``seen`` before."""
        path = f"/v1/price-reviews/{report_id}"
        named = seen or (await self.get(path, **who))["seen_sha256"]
        return await self.post(
            f"{path}/decisions", {"decision": decision, "reason": reason, "seen_sha256": named}, expect, **who
        )  # fmt: skip

    async def as_admin(self, statement: str) -> None:
        """What no user of the service can do: move the clock of a row."""
        admin = await asyncpg.connect(self.database.admin_dsn)
        await admin.execute(statement)
        await admin.close()

    async def as_admin_read(self, statement: str) -> list[tuple[Any, ...]]:
        """What stands in the database, past every policy."""
        admin = await asyncpg.connect(self.database.admin_dsn)
        rows = [tuple(row) for row in await admin.fetch(statement)]
        await admin.close()
        return rows

    async def get(self, path: str, expect: int | None = 200, **who: Any) -> Any:
        return await self.call("GET", path, expect=expect, **who)


@pytest.fixture(scope="session")
def migrated(keeper: Keeper) -> Iterator[Database]:
    """One migrated database for all tests here; each test finds it empty."""
    database = keeper.migrated("contracts")
    yield database
    keeper.drop(database)


@pytest.fixture
async def contracts(migrated: Database, keeper: Keeper) -> AsyncIterator[Contracts]:
    """A fresh service."""
    keeper.empty(
        migrated, but=("publisher_lease", "reporter_salt"),
        then="UPDATE publisher_lease SET holder = '', until = '-infinity'",
    )  # fmt: skip
    issuer, custody, permits, log = Issuer(), Custody(), Permits(), StrictLog()
    configured = ServiceSettings(env="test", database_url=SecretStr(migrated.app_url), database_pool=4)
    spoken = httpx.AsyncClient(transport=log, base_url="http://custody")
    app = build(configured, issuer.verifier(), ServiceClient("custody", spoken))
    fake = httpx.AsyncClient(transport=httpx.ASGITransport(app=custody), base_url="http://custody")
    registry = httpx.AsyncClient(transport=httpx.ASGITransport(app=permits), base_url="http://permits")
    async with app.router.lifespan_context(app), fake, registry, spoken:
        app.state.custody = ServiceClient("custody", fake, None)
        app.state.permits = ServiceClient("permits", registry, None)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://contracts") as http:
            yield Contracts(app, http, issuer, custody, permits, migrated, log)
    assert custody.wrong == permits.wrong == log.complaints == []
