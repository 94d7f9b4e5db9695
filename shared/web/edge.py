"""The one ASGI layer before every service: request id, body limit, headers, counters, and the last catch."""

import re
import time
import traceback
from collections.abc import Awaitable, Callable
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.refusal import Malformed, Refusal
from shared.web import deadline, problems
from shared.web.problems import BodyEncoded, BodyTooLarge
from shared.web.telemetry import Metrics, logger

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
# Every answer: no guessing of types, no framing, no referrer. What a page may load is the portal's own header.
SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
NO_STORE = (b"cache-control", b"no-store")


class Body:
    """The request body as it arrives, counted; ``limit_bytes`` may be raised by the route before it reads.

    The clock of the answer starts again with the last byte, as the gateway's does: a slow line takes nothing from it.
    """

    def __init__(self, receive: Receive, limit_bytes: int, declared: bytes | None, allowed: bytes | None) -> None:
        self._receive, self.limit_bytes, self._read, self._allowed = receive, limit_bytes, 0, allowed
        self._declared = int(declared) if declared is not None and declared.isdigit() and len(declared) < 19 else 0

    async def __call__(self) -> Message:
        if self._declared > self.limit_bytes:
            raise BodyTooLarge(self.limit_bytes)
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self.limit_bytes:
            raise BodyTooLarge(self.limit_bytes)
        if message["type"] == "http.request" and not message.get("more_body", False):
            deadline.begin(self._allowed)
        return message


Outage = Callable[[BaseException], bool]
# What answers an unexpected error.
Fault = Callable[[Scope], ASGIApp]


class Edge:
    """Wraps the application. Adds no task and no copy to a request."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, max_body_bytes: int, is_outage: Outage, fault: Fault = problems.internal
    ) -> None:
        self._app, self._metrics, self._max_body_bytes, self._is_outage = app, metrics, max_body_bytes, is_outage
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        head_only = scope["method"] == "HEAD"
        if head_only:  # routes know only GET; RFC 9110 asks both of everybody
            scope = {**scope, "method": "GET"}
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if REQUEST_ID.fullmatch(given) else uuid4().hex
        scope["trozalog.request_id"] = request_id
        deadline.request_id.set(request_id)
        allowed = headers.get(deadline.HEADER.encode())
        deadline.begin(allowed)
        scope["trozalog.body"] = body = Body(receive, self._max_body_bytes, headers.get(b"content-length"), allowed)
        answer = Answer(send, request_id.encode(), head_only=head_only)
        try:
            await self._pass(scope, headers, body, answer)
        except Exception as error:
            if self._is_outage(error) and not answer.status:
                logger.warning("outage", request_id=request_id, operation=_operation(scope), error=type(error).__name__)
                await problems.answer(scope, problems.Unavailable("PostgreSQL"))(scope, receive, answer)
                return
            # The traceback as text: a renderer that shows local variables would log tokens and bodies.
            trace = "".join(traceback.format_exception(error))
            logger.error("unexpected", request_id=request_id, operation=_operation(scope), exception=trace)
            if answer.status:
                raise
            await self._fault(scope)(scope, receive, answer)
        finally:
            self._note(scope, answer.status, started)

    async def _pass(self, scope: Scope, headers: dict[bytes, bytes], body: Body, answer: "Answer") -> None:
        refusal = _refused_at_once(scope, headers)
        app: Callable[[Scope, Receive, Send], Awaitable[None]] = self._app
        if refusal is not None:
            app = problems.answer(scope, refusal)
        await app(scope, body, answer)

    def _note(self, scope: Scope, status: int, started: float) -> None:
        operation = _operation(scope)
        took = self._metrics.count(operation, status, started)
        # Somebody asks for the health every few seconds; that all is well is no news.
        note = logger.debug if operation == "healthz" and status == 200 else logger.info
        note(
            "request",
            request_id=scope["trozalog.request_id"],
            operation=operation,
            method=scope["method"],
            status=status,
            ms=round(took * 1000, 1),
        )


class Answer:
    """The way out: adds the headers every answer carries and remembers the status."""

    def __init__(self, send: Send, request_id: bytes, *, head_only: bool) -> None:
        self._send, self._request_id, self._head_only, self.status = send, request_id, head_only, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), *SECURITY, (b"x-request-id", self._request_id)]
            # A route that says nothing about caching is not cached.
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append(NO_STORE)
            message = {**message, "headers": headers}
        elif self._head_only and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _refused_at_once(scope: Scope, headers: dict[bytes, bytes]) -> Refusal | None:
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    if encoding != "identity":
        return BodyEncoded(encoding[:40])
    if "\x00" in scope["path"] or b"%00" in scope["query_string"] or b"\x00" in scope["query_string"]:
        return Malformed("path", "U+0000")
    return None


def _operation(scope: Scope) -> str:
    return getattr(scope.get("endpoint"), "__name__", "none")
