"""How long the answer still makes sense, handed down from the gateway to statements and calls."""

import time
from contextvars import ContextVar

HEADER = "x-envoy-expected-rq-timeout-ms"
# What a request may take when the gateway did not say.
DEFAULT_S = 30.0
LONGEST_S = 120.0

_until: ContextVar[float | None] = ContextVar("trozalog_deadline", default=None)
request_id: ContextVar[str] = ContextVar("trozalog_request_id", default="")


def begin(header: bytes | None) -> None:
    """Start the clock of this request from Envoy's header, in milliseconds; again when the body is complete."""
    seconds = int(header) / 1000 if header is not None and header.isdigit() and len(header) < 9 else DEFAULT_S
    _until.set(time.monotonic() + min(seconds, LONGEST_S))


def forget() -> None:
    """No request runs here any more; for a process that made requests to itself."""
    _until.set(None)


def left_s(at_most: float) -> float:
    """Seconds left, never above ``at_most`` and never below a millisecond."""
    until = _until.get()
    return at_most if until is None else min(at_most, max(until - time.monotonic(), 0.001))


def left_ms() -> int | None:
    """Milliseconds left of the request that runs, or ``None`` outside a request."""
    until = _until.get()
    return None if until is None else max(int((until - time.monotonic()) * 1000), 1)
