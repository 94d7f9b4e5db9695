"""What stands before every route: sizes, encodings, names of requests, headers, counters."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web import deadline
from shared.web.edge import Edge
from shared.web.telemetry import Metrics
from tests.clock import Clock
from tests.shared.web.example import a_client, an_app
from tests.tokens import Issuer


async def pieces(size: int, of: int = 100) -> AsyncIterator[bytes]:
    """A body without a declared length."""
    for _ in range(size // of):
        yield b"x" * of


@pytest.mark.parametrize(("path", "limit"), [("/v1/upload", 1000), ("/v1/upload-large", 5000)])
async def test_a_body_may_be_as_long_as_the_limit_and_no_longer(api: httpx.AsyncClient, path: str, limit: int) -> None:
    declared = await api.post(path, content=b"x" * limit)
    chunked = await api.post(path, content=pieces(limit))
    too_long = await api.post(path, content=b"x" * (limit + 1))
    chunked_too_long = await api.post(path, content=pieces(limit + 100))

    assert (declared.json(), chunked.json()) == ({"bytes": limit}, {"bytes": limit})
    for answer in (too_long, chunked_too_long):
        assert (answer.status_code, answer.json()["slug"]) == (413, "body-too-large")
        assert answer.json()["facts"]["limit_bytes"] == limit


async def test_a_parsed_body_is_limited_as_well(api: httpx.AsyncClient, issuer: Issuer) -> None:
    async def long() -> AsyncIterator[bytes]:
        yield b'{"code": "'
        for _ in range(20):
            yield b"A" * 100
        yield b'"}'

    headers = issuer.headers("member") | {"content-type": "application/json"}

    assert (await api.post("/v1/logs", content=long(), headers=headers)).status_code == 413


async def test_reading_stops_at_the_limit(api: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 500

    assert (await api.post("/v1/upload", content=endless())).status_code == 413
    assert sent == 3


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "GZIP"])
async def test_a_compressed_body_is_refused(api: httpx.AsyncClient, encoding: str) -> None:
    answer = await api.post("/v1/upload", content=b"\x1f\x8b", headers={"content-encoding": encoding})
    plain = await api.post("/v1/upload", content=b"12", headers={"content-encoding": "identity"})

    assert (answer.status_code, answer.json()["slug"]) == (415, "body-encoded")
    assert plain.json() == {"bytes": 2}


@pytest.mark.parametrize("path", ["/v1/logs/A%00", "/v1/logs/A?pages=%00"])
async def test_nul_reaches_no_handler(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).json()["slug"] == "malformed"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abcdef-1234.5_6", True),
        ("x" * 64, True),
        ("short", False),
        ("x" * 65, False),
        ("a b c d e f g", False),
        ("", False),
    ],
)
async def test_a_request_id_is_kept_when_it_is_one_and_made_when_not(
    api: httpx.AsyncClient, given: str, kept: bool
) -> None:
    answer = await api.get("/v1/logs/A", headers={"x-request-id": given})

    assert (answer.headers["x-request-id"] == given) is kept
    assert len(answer.headers["x-request-id"]) >= 8


@pytest.mark.parametrize("path", ["/v1/logs/A", "/v1/nothing", "/v1/fail/boom", "/healthz"])
async def test_every_answer_carries_the_security_headers(api: httpx.AsyncClient, path: str) -> None:
    headers = (await api.get(path)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/v1/logs/A", "/v1/logs/Z", "/healthz", "/openapi.json", "/nothing"])
async def test_head_is_answered_as_get_without_the_body(api: httpx.AsyncClient, path: str) -> None:
    get, head = await api.get(path), await api.head(path)

    assert head.status_code == get.status_code
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_requests_are_counted_by_operation_and_status_and_nothing_finer(api: httpx.AsyncClient) -> None:
    await api.get("/v1/logs/A")
    await api.get("/v1/logs/B")
    await api.get("/v1/logs/Z?secret=1")
    await api.get("/no/such/place")

    text = (await api.get("/metrics")).text

    assert 'trozalog_requests_total{operation="read_log",status="200"} 2.0' in text
    assert 'trozalog_requests_total{operation="read_log",status="404"} 1.0' in text
    assert 'trozalog_requests_total{operation="none",status="404"} 1.0' in text
    assert 'trozalog_request_seconds_count{operation="read_log"} 3.0' in text
    assert "secret" not in text


async def test_health_is_what_the_service_says(issuer: Issuer) -> None:
    async def well() -> dict[str, str]:
        return {"database": "ok"}

    async def ill() -> dict[str, str]:
        raise ConnectionError("postgres at 10.0.0.7 is gone")

    async with a_client(an_app(issuer, health=well)) as api:
        good = await api.get("/healthz")
    async with a_client(an_app(issuer, health=ill)) as api:
        bad = await api.get("/healthz")

    assert (good.status_code, good.json()) == (200, {"status": "ok", "service": "example", "database": "ok"})
    assert (bad.status_code, bad.json()["status"]) == (503, "down")
    assert "10.0.0.7" not in bad.text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of deadlines."""
    found = Clock(1000.0)
    monkeypatch.setattr(deadline, "time", found)
    return found


@pytest.mark.parametrize(
    ("header", "left_ms"), [(b"2000", 2000), (None, 30_000), (b"-5", 30_000), (b"9" * 40, 30_000), (b"0", 1)]
)
async def test_the_gateway_says_how_long_an_answer_is_waited_for(
    header: bytes | None, left_ms: int, clock: Clock
) -> None:
    deadline.begin(header)

    assert deadline.left_ms() == left_ms
    assert deadline.left_s(1.0) == min(left_ms / 1000, 1.0)
    clock.now_s += 0.5
    assert deadline.left_ms() == max(left_ms - 500, 1)


def test_a_deadline_that_is_forgotten_binds_nothing_that_follows() -> None:
    deadline.begin(b"1")

    deadline.forget()

    assert (deadline.left_ms(), deadline.left_s(5.0)) == (None, 5.0)


def an_edge(app: ASGIApp) -> httpx.AsyncClient:
    """The edge alone before a plain application."""
    edge = Edge(app, Metrics(), 10_000, lambda _: False)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=edge), base_url="http://service")


async def slowly(parts: int, each_s: float, clock: Clock) -> AsyncIterator[bytes]:
    """A body over a slow line."""
    for _ in range(parts):
        clock.now_s += each_s
        yield b"x"


async def test_a_slow_upload_takes_nothing_from_the_time_of_the_answer(clock: Clock) -> None:
    left: list[int | None] = []

    async def read_then_look(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        left.append(deadline.left_ms())
        await request.body()
        left.append(deadline.left_ms())
        await Response()(scope, receive, send)

    async with an_edge(read_then_look) as api:
        await api.post("/", content=slowly(4, 0.125, clock), headers={deadline.HEADER: "250"})

    assert left == [250, 250]


async def test_the_clock_runs_on_once_the_body_is_there(clock: Clock) -> None:
    left: list[int | None] = []

    async def read_then_work(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await request.body()
        clock.now_s += 0.125
        await request.is_disconnected()
        left.append(deadline.left_ms())
        await Response()(scope, receive, send)

    async with an_edge(read_then_work) as api:
        await api.post("/", content=b"x", headers={deadline.HEADER: "250"})
        await api.get("/", headers={deadline.HEADER: "250"})

    assert left == [125, 125]
