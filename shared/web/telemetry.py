"""Log lines and counters. No bodies, no query strings, no names: an operation, a status and how long it took."""

import logging
import sys
import time
from typing import Any

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0)
# Until a process starts its log (a test, a one-time command) only warnings are worth a line, beside what it answers.
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
)
logger: structlog.stdlib.BoundLogger = structlog.get_logger()


def start_logging(service: str, level: str = "info") -> None:
    """JSON lines on stdout for everything that runs in this process, library loggers included."""
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(serializer=_text),
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


def _text(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode()


class Metrics:
    """Counters of one application. A service adds its own to ``registry``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("trozalog_requests", "Requests", ["operation", "status"], registry=self.registry)
        self._seconds = Histogram(
            "trozalog_request_seconds", "Latency", ["operation"], buckets=BUCKETS_S, registry=self.registry
        )
        self._children: dict[tuple[str, int], tuple[Any, Any]] = {}

    def count(self, operation: str, status: int, started: float) -> float:
        """One finished request; answers its seconds."""
        took = time.perf_counter() - started
        children = self._children.get((operation, status))
        if children is None:
            children = self._requests.labels(operation, str(status)), self._seconds.labels(operation)
            self._children[operation, status] = children
        children[0].inc()
        children[1].observe(took)
        return took

    def text(self) -> bytes:
        """The Prometheus exposition."""
        return generate_latest(self.registry)
