"""A door for others: `POST /v1/checkpoints` with a checkpoint that somebody saw, `GET /checkpoint` for the one known here.

The only file of this room that knows a web framework; it is loaded when a monitor is told to listen.
"""

from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.audit.monitor import Monitor
from shared.audit.refusals import CannotRead, CannotWrite
from shared.refusal import Malformed, Missing, Refusal
from shared.tlog.encoding import to_base64

MOST_BYTES = 65_536


def application(monitor: Monitor) -> Starlette:
    """The door of a monitor. It takes no lock of its own: the monitor does one thing at a time."""

    async def report_checkpoint(request: Request) -> Response:
        try:
            answer = await monitor.compare(await _body(request))
        except Refusal as refusal:
            return _problem(refusal)
        return JSONResponse(
            {
                "outcome": answer.outcome,
                "origin": answer.ours.origin,
                "from": answer.theirs.size,
                "to": answer.ours.size,
                "proof": [to_base64(part) for part in answer.proof],
                "checkpoint": answer.note.decode(),
            }
        )

    async def read_checkpoint(_: Request) -> Response:
        note = None if monitor.ledger.origin is None else monitor.kept.last(monitor.ledger.origin)
        if note is None:
            return _problem(Missing("checkpoint", monitor.ledger.origin or "-"))
        return Response(note, media_type="text/plain; charset=utf-8", headers={"cache-control": "no-cache"})

    return Starlette(
        routes=[
            Route("/v1/checkpoints", report_checkpoint, methods=["POST"]),
            Route("/checkpoint", read_checkpoint, methods=["GET"]),
        ]
    )


def server(monitor: Monitor, host: str, port: int) -> uvicorn.Server:
    """Ready to `serve()`. Bounded: 64 connections, bodies of 64 KiB."""
    return uvicorn.Server(
        uvicorn.Config(
            application(monitor), host=host, port=port, log_level="warning", access_log=False, lifespan="off",
            limit_concurrency=64, timeout_keep_alive=5,
        )
    )  # fmt: skip


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise Malformed("body", f"longer than {MOST_BYTES} bytes")
    return body


def _problem(refusal: Refusal) -> Response:
    """As RFC 9457 has it, with the members of the services' problems that mean something here."""
    match refusal:
        case CannotRead() | CannotWrite():
            status = 503
        case Missing():
            status = 404
        case Malformed():
            status = 422
        case _:
            status = 409
    members: dict[str, Any] = {
        "type": f"urn:trozalog:problem:{refusal.slug}", "slug": refusal.slug, "status": status,
        "detail": refusal.text("es"), "detail_es": refusal.text("es"), "detail_en": refusal.text("en"),
    }  # fmt: skip
    return JSONResponse(members, status, media_type="application/problem+json")
