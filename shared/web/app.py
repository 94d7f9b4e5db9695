"""``make_app``: the same front for every service. Routes are declared on ``Router()`` and named in the access table."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.web import problems, strict_json
from shared.web.access import Guard, Table, check_table
from shared.web.auth import Caller, TokenVerifier
from shared.web.edge import Edge, Fault, Outage
from shared.web.openapi import describe_api
from shared.web.telemetry import Metrics, logger

MAX_BODY_BYTES = 256 * 1024
Health = Callable[[], Awaitable[Mapping[str, Any]]]
# Who is behind a request, known without a header.
Identify = Callable[[Request], Caller | None]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


class Unhealthy(Exception):  # noqa: N818
    """Raised by a health check: 503, with facts that may be shown."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__("unhealthy")
        self.facts = facts


class StrictRequest(Request):
    """A request whose JSON is parsed by ``strict_json``, before the framework asks for it."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = strict_json.parse(await self.body())
        return self._json

    async def prepare(self) -> None:
        """Read the body; parse it when it says it is JSON."""
        body = await self.body()
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and kind.startswith("application/") and kind.endswith(("/json", "+json")):
            await self.json()


class GuardedRoute(APIRoute):
    """Admits by the access table first, then reads the body strictly, then calls the handler."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        operation, reads_body = self.name, self.body_field is not None

        async def guarded(request: Request) -> Response:
            scope = request.scope
            state = request.app.state
            if state.identify is None:
                scope["trozalog.grant"] = await state.guard.admit(operation, request.headers.get("authorization"))
            else:
                scope["trozalog.grant"] = state.guard.grant(operation, state.identify(request))
            if operation in state.body_limits:
                scope["trozalog.body"].limit_bytes = state.body_limits[operation]
            strict = StrictRequest(scope, request.receive, request._send)
            if reads_body:
                await strict.prepare()
            return await handle(strict)

        return guarded


class Router(APIRouter):
    """An ``APIRouter`` whose routes are guarded; operation ids are function names."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=GuardedRoute, generate_unique_id_function=lambda route: route.name, **options)


def make_app(
    title: str,
    *,
    service: str,
    routers: Sequence[APIRouter],
    access: Table,
    verifier: TokenVerifier | None,
    lifespan: Lifespan | None = None,
    health: Health | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    body_limits: Mapping[str, int] | None = None,
    is_outage: Outage = lambda _: False,
    identify: Identify | None = None,
    fault: Fault = problems.internal,
    version: str = "1",
) -> FastAPI:
    """The application of one service. Raises ``TableRefused`` when routes and access table disagree.

    ``body_limits`` names the operations that read more than ``max_body_bytes``. ``health`` answers facts for
    ``/healthz`` or raises (503). The verifier may be left out only where every operation is public, or where ``identify``
    says who is calling: then no bearer token is read. An error that ``is_outage`` knows is answered 503, any other
    unexpected one by ``fault``, 500.
    """
    metrics = Metrics()
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        middleware=[Middleware(Edge, metrics=metrics, max_body_bytes=max_body_bytes, is_outage=is_outage, fault=fault)],
    )
    problems.install(app)
    # Flat, not included: an included router is searched twice for every request.
    app.router.routes += [route for router in routers for route in router.routes]
    check_table(access, _guarded_operations(app))
    app.state.guard = Guard(access, verifier)
    app.state.identify = identify
    app.state.body_limits = dict(body_limits or {})
    app.state.metrics = metrics
    _add_own_pages(app, service, metrics, health)
    app.openapi = lambda: describe_api(app, access)  # type: ignore[method-assign]
    return app


def _guarded_operations(app: FastAPI) -> list[str]:
    for route in app.router.routes:
        if not isinstance(route, GuardedRoute):
            raise TypeError(f"{route}: declare routes on shared.web.app.Router, which guards them")
    return [route.name for route in app.router.routes if isinstance(route, GuardedRoute)]


def _add_own_pages(app: FastAPI, service: str, metrics: Metrics, health: Health | None) -> None:
    """``/healthz``, ``/openapi.json`` and ``/metrics``; the gateway has no route to the last."""

    async def healthz(_: Request) -> Response:
        try:
            facts = {} if health is None else await health()
        except Unhealthy as error:
            return _json({"status": "down", "service": service, **error.facts}, 503)
        except Exception as error:
            logger.warning("unhealthy", error=type(error).__name__)
            return _json({"status": "down", "service": service, "reason": type(error).__name__}, 503)
        return _json({"status": "ok", "service": service, **facts})

    async def openapi_json(_: Request) -> Response:
        return _json(app.openapi())

    async def metrics_text(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    app.router.routes += [
        Route("/healthz", healthz),
        Route("/openapi.json", openapi_json),
        Route("/metrics", metrics_text),
    ]


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
