"""Calls between services, over a real Unix socket: deadlines hold, problems arrive whole, tokens are kept."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request

from shared.web import deadline
from shared.web.app import Router, make_app
from shared.web.client import (
    AnswerTooLong,
    ServiceClient,
    ServiceTokens,
    UpstreamDown,
    UpstreamRefused,
    http_client,
    service_client,
)
from shared.web.problems import answer
from tests.shared.web.example import an_app
from tests.tokens import Issuer, bearer


@pytest.fixture
async def served(issuer: Issuer, tmp_path: Path) -> AsyncIterator[Path]:
    """The example service on a socket."""
    path = tmp_path / "example.sock"
    server = uvicorn.Server(uvicorn.Config(an_app(issuer), uds=str(path), log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    yield path
    server.should_exit = True
    await running


@asynccontextmanager
async def a_server(
    path: Path, speak: Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]
) -> AsyncIterator[None]:
    """A server that ignores what it is asked."""
    tasks: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        tasks.append(asyncio.create_task(speak(writer)))

    server = await asyncio.start_unix_server(connected, path)
    yield
    server.close()
    await asyncio.sleep(0.01)  # somebody may just have been let in
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for writer in writers:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@pytest.fixture
async def custody(served: Path) -> AsyncIterator[ServiceClient]:
    """A client of it."""
    async with service_client("custody", "http://custody", served) as client:
        yield client


async def test_an_answer_is_decoded(custody: ServiceClient) -> None:
    assert await custody.get("/v1/logs/A", pages=2) == {"code": "A", "diary": None}
    assert await custody.post("/v1/upload", b"1234", media_type="application/x-ndjson") == {"bytes": 4}
    assert (await custody.raw("/v1/logs/A")).startswith(b"{")


@pytest.mark.parametrize(
    ("how", "status", "slug"),
    [
        ("refused", 409, "refused"),
        ("missing", 404, "not-found"),
        ("malformed", 422, "malformed"),
        ("not-allowed", 502, "not-allowed"),
    ],
)
async def test_a_no_of_the_other_service_keeps_its_words(
    custody: ServiceClient, how: str, status: int, slug: str
) -> None:
    with pytest.raises(UpstreamRefused) as no:
        await custody.get(f"/v1/fail/{how}")
    told = answer({"headers": [(b"accept-language", b"en")]}, no.value)

    assert (told.status_code, no.value.slug) == (status, slug)
    assert no.value.text("es") == no.value.problem["detail_es"]
    assert no.value.facts()["service"] == "custody"


@pytest.mark.parametrize("how", ["boom", "unavailable"])
async def test_trouble_of_the_other_service_is_its_silence(custody: ServiceClient, how: str) -> None:
    with pytest.raises(UpstreamDown) as no:
        await custody.get(f"/v1/fail/{how}")

    assert no.value.facts() == {"service": "custody"}


async def test_the_request_id_goes_along(custody: ServiceClient) -> None:
    deadline.request_id.set("the-same-id-1234")

    with pytest.raises(UpstreamRefused) as no:
        await custody.get("/v1/fail/refused")

    assert no.value.problem["request_id"] == "the-same-id-1234"


async def test_nobody_there_is_known_at_once(tmp_path: Path) -> None:
    async with service_client("custody", "http://custody", tmp_path / "none.sock") as client:
        with pytest.raises(UpstreamDown) as no:
            await client.get("/v1/logs/A")

    # Told by the socket, not by a deadline that ran out: httpx.ConnectTimeout and TimeoutError are none of these.
    assert isinstance(no.value.__cause__, httpx.ConnectError)


@pytest.mark.parametrize(("request_has_ms", "known"), [(b"200", False), (b"30000", True)])
async def test_a_service_that_says_nothing_is_waited_for_no_longer_than_the_request_has(
    tmp_path: Path, request_has_ms: bytes, known: bool
) -> None:
    async def answer_late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5 if known else 4)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    deadline.begin(request_has_ms)
    path, found = tmp_path / "silent.sock", None

    async with a_server(path, answer_late), service_client("custody", "http://custody", path) as client:
        with suppress(UpstreamDown):
            found = await client.get("/v1/logs/A", deadline_s=20)  # whoever waited so long would have the answer

    assert found == ({} if known else None)


async def test_a_call_with_a_long_deadline_is_given_all_of_it(tmp_path: Path) -> None:
    async def think(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    path = tmp_path / "thinking.sock"

    async with (
        a_server(path, think),
        ServiceClient("custody", http_client("http://custody", path, read_s=0.1)) as client,
    ):
        assert await client.get("/v1/logs/A", deadline_s=20) == {}


async def test_a_drip_of_bytes_does_not_stretch_the_deadline(tmp_path: Path) -> None:
    whole = b'"' + 98 * b"x" + b'"'

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        for at in range(len(whole)):
            writer.write(whole[at : at + 1])
            await asyncio.sleep(0.05)

    path = tmp_path / "drip.sock"

    async with a_server(path, drip), service_client("custody", "http://custody", path) as client:
        # Each byte comes in time and the answer is whole in the end: who began to wait anew with each would have it.
        with pytest.raises(UpstreamDown):
            await client.get("/v1/logs/A", deadline_s=0.5)


class TokenDesk:
    """An issuer that counts, and may be closed."""

    def __init__(self, issuer: Issuer, lives_s: int = 600) -> None:
        self.issuer, self.asked, self.open = issuer, 0, True
        self.answer: dict[str, Any] = {"access_token": issuer.token("auditor"), "expires_in": lives_s}
        router = Router()

        @router.post("/v1/tokens")
        async def issue_token(request: Request) -> dict[str, Any]:
            self.asked += 1
            await asyncio.sleep(0.01)
            assert self.open
            # RFC 6749, 4.4.2 knows no other kind of body; many providers read no other.
            assert request.headers["content-type"] == "application/x-www-form-urlencoded"
            assert dict(parse_qsl((await request.body()).decode(), strict_parsing=True)) == {
                "grant_type": "client_credentials", "client_id": "permits-service", "client_secret": "s3cret&=+ñ",
            }  # fmt: skip
            return {"token_type": "Bearer"} | self.answer

        self.app: FastAPI = make_app(
            "Desk", service="desk", routers=[router], access={"issue_token": {"public": "any"}}, verifier=None
        )

    def tokens(self) -> ServiceTokens:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url="http://issuer")
        return ServiceTokens(client, "http://issuer/v1/tokens", "permits-service", "s3cret&=+ñ")


async def test_a_service_signs_in_once_and_is_known_to_the_other(issuer: Issuer, served: Path) -> None:
    desk = TokenDesk(issuer)
    async with service_client("custody", "http://custody", served, desk.tokens()) as client:
        answers = await asyncio.gather(*(client.get("/v1/logs/B/diary") for _ in range(20)))

    assert answers == [{"code": "B", "diary": "private"}] * 20
    assert desk.asked == 1


async def test_a_token_is_renewed_before_it_expires(issuer: Issuer) -> None:
    desk = TokenDesk(issuer, lives_s=61)
    tokens = desk.tokens()
    await tokens.token()
    await asyncio.sleep(1.1)
    await tokens.token()

    assert desk.asked == 2


async def test_an_issuer_that_is_down_is_named(issuer: Issuer, served: Path) -> None:
    desk = TokenDesk(issuer)
    desk.open = False
    async with service_client("custody", "http://custody", served, desk.tokens()) as client:
        with pytest.raises(UpstreamDown) as no:
            await client.get("/v1/logs/B/diary")

    assert no.value.facts() == {"service": "issuer"}


@pytest.mark.parametrize("answer", [{"access_token": None}, {"expires_in": "soon"}, {"expires_in": None}])
async def test_an_answer_that_is_no_token_is_the_issuers_trouble(issuer: Issuer, answer: dict[str, Any]) -> None:
    desk = TokenDesk(issuer)
    good = dict(desk.answer)
    desk.answer |= answer
    with pytest.raises(UpstreamDown):
        await desk.tokens().token()

    desk.answer = good

    assert await desk.tokens().token() == good["access_token"]


async def test_a_provider_need_not_say_how_long_a_token_lives(issuer: Issuer) -> None:
    desk = TokenDesk(issuer)
    del desk.answer["expires_in"]

    assert await desk.tokens().token() == desk.answer["access_token"]


async def test_an_answer_is_read_up_to_the_limit_and_no_further(custody: ServiceClient, tmp_path: Path) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
            await writer.drain()

    whole = await custody.raw("/v1/logs/A")
    assert await custody.raw("/v1/logs/A", at_most=len(whole)) == whole
    with pytest.raises(AnswerTooLong) as no:
        await custody.raw("/v1/logs/A", at_most=len(whole) - 1)
    assert no.value.facts() == {"service": "custody", "limit_bytes": len(whole) - 1}

    path = tmp_path / "endless.sock"
    async with a_server(path, endless), service_client("custody", "http://custody", path) as client:
        with pytest.raises(AnswerTooLong):
            await client.raw("/v1/lots/X/bundle", at_most=10_000)


async def test_keys_are_fetched_over_the_socket_as_the_services_do(served: Path, issuer: Issuer) -> None:
    async with http_client("http://example", served) as client:
        reply = await client.get("/v1/logs/A/diary", headers=bearer(issuer.token("member")))

    assert reply.status_code == 200
