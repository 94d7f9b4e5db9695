"""What the gateway refuses, lets through and says: the shipped configuration in a real Envoy with the real issuer."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.system.conftest import PATIENCE_S, Gateway

pytestmark = pytest.mark.system


@pytest.fixture
def client(gateway_before_echoes: Gateway) -> Iterator[httpx.Client]:
    with gateway_before_echoes.client() as found:
        yield found


@pytest.fixture(scope="module")
def manager(gateway_before_echoes: Gateway) -> dict[str, str]:
    return {"authorization": f"Bearer {gateway_before_echoes.token('comunidad')}"}


def problem(answer: httpx.Response, status: int, slug: str) -> None:
    """The answer is the gateway's own problem, whole, in both languages."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["slug"] == slug
    assert body["status"] == status
    assert body["type"] == f"urn:trozalog:problem:{slug}"
    assert all(body[name] for name in ("title", "detail", "detail_es", "detail_en"))
    assert body["facts"] == {}


def raw(gateway: Gateway, request: bytes, wait_s: float = PATIENCE_S) -> bytes:
    """What the gateway answers to bytes that no HTTP library would send."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=wait_s) as wire:
        wire.sendall(request)
        answer = b""
        try:
            while block := wire.recv(65536):
                answer += block
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


# --- who gets where


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/permits", "permits"), ("/v1/permits/P-1", "permits"), ("/v1/publications", "permits"), ("/v1/documents", "permits"),
        ("/v1/documents/ab/content", "permits"), ("/v1/norms", "permits"), ("/v1/species", "permits"), ("/v1/supervision/findings", "permits"),
        ("/v1/certificates/CB-COC-000001", "permits"), ("/v1/indicators", "permits"),
        ("/v1/items/x", "custody"), ("/v1/lots/x/bundle", "custody"), ("/log/checkpoint", "custody"),
        ("/log/tile/0/x001/234", "custody"), ("/v1/grants/x", "custody"), ("/v1/erasures", "custody"),
        ("/v1/disclosures", "custody"), ("/v1/disclosure-reads", "custody"), ("/v1/records/x/disclosures", "custody"),
        ("/v1/mass-balances", "custody"), ("/v1/authorisations", "custody"), ("/v1/webhooks/x/replay", "custody"),
        ("/v1/items/x/ancestors", "custody"), ("/v1/guides/x/content", "custody"), ("/v1/logs/host/region/2026/consistency", "custody"), ("/v1/contracts", "contracts"), ("/v1/red-flags", "contracts"), ("/v1/comparisons", "contracts"), ("/v1/counter-offers", "contracts"), ("/v1/scenarios", "contracts"), ("/v1/price-reports", "contracts"), ("/v1/price-estimates", "contracts"), ("/v1/related-parties", "contracts"), ("/v1/price-reviews/x", "contracts"), ("/v1/indexed-prices", "contracts"), ("/v1/indices", "contracts"), ("/v1/fx-rates/x", "contracts"), ("/v1/sanction-lists", "contracts"), ("/v1/parties/x/standing", "contracts"), ("/v1/alerts/x/events", "contracts"), ("/v1/cost-books/x/signatures", "contracts"), ("/v1/contracts/x/versions/1/signatures", "contracts"), ("/v1/settlements/x/payments", "contracts"), ("/v1/benefit-ledgers/x", "contracts"),
        ("/", "portal"), ("/v/abc", "portal"), ("/verify.html", "portal"), ("/healthz", "portal"), ("/docs", "portal"),
        ("/login/done", "portal"), ("/community/felling", "portal"), ("/certifier/x", "portal"), ("/desk/inspections", "portal"), ("/operator/keys/x", "portal"),
        ("/uploads/census", "portal"),
    ],
)  # fmt: skip
def test_the_first_noun_decides_the_service(client: httpx.Client, path: str, service: str) -> None:
    assert client.get(path).json()["service"] == service


@pytest.mark.parametrize("path", ["/metrics", "/v1/permitsx", "/v1", "/v1/", "/admin", "/log", "/V1/permits", "/stats"])
def test_an_address_that_is_not_named_leads_nowhere(client: httpx.Client, path: str) -> None:
    problem(client.get(path), 404, "no-route")


@pytest.mark.parametrize(
    ("method", "path", "status", "es", "en"),
    [
        ("GET", "/nada", 404, "No hay nada en esta dirección", "There is nothing at this address"),
        ("POST", "/v1/permits", 401, "Primero hay que ingresar", "Please sign in first"),
        ("GET", "/v1/items/x%2Fy", 400, "no aceptó la petición", "did not accept the request"),
    ],
)
def test_a_browser_is_told_by_a_page_what_to_do_and_a_program_by_a_problem(
    client: httpx.Client, method: str, path: str, status: int, es: str, en: str
) -> None:
    page = client.request(method, path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    told = client.request(method, path, headers={"accept": "application/json"})

    assert page.status_code == told.status_code == status
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert es in page.text
    assert en in page.text
    assert told.headers["content-type"] == "application/problem+json"
    assert "content-security-policy" not in told.headers


def test_reading_needs_no_token_at_the_gateway_and_writing_does(client: httpx.Client, manager: dict[str, str]) -> None:
    assert client.get("/v1/items/x").status_code == 200
    problem(client.post("/v1/records", content=b"{}"), 401, "token-missing")
    assert client.post("/v1/records", content=b"{}", headers=manager).status_code == 200


def test_a_public_question_may_be_posted_without_a_token(client: httpx.Client) -> None:
    assert client.post("/v1/appraisals/quick", content=b"{}").status_code == 200
    for noun in ("comparisons", "counter-offers", "scenarios"):
        assert client.post(f"/v1/{noun}", content=b"{}").json()["service"] == "contracts"
    assert client.post("/v1/checkpoints", content=b"a signed note").json()["service"] == "custody"


def test_a_token_that_is_sent_must_be_good_even_where_none_is_needed(
    client: httpx.Client, manager: dict[str, str]
) -> None:
    head, payload, signature = manager["authorization"].split(".")
    bent = {"authorization": f"{head}.{payload}.{signature[::-1]}"}

    problem(client.get("/v1/items/x", headers=bent), 401, "token-invalid")
    problem(client.get("/v1/items/x", headers={"authorization": "Bearer no"}), 401, "token-invalid")
    assert client.get("/v1/items/x", headers=manager).status_code == 200


def test_a_token_in_the_address_does_not_count(client: httpx.Client, manager: dict[str, str]) -> None:
    token = manager["authorization"].removeprefix("Bearer ")

    problem(client.post("/v1/records", params={"access_token": token}), 401, "token-missing")


def test_nobody_can_say_who_they_are_by_a_header(client: httpx.Client, manager: dict[str, str]) -> None:
    forged = {"x-auth-sub": "u-1", "x-auth-org": "gerfor-md", "x-auth-roles": "authority"}

    seen = client.get("/v1/items/x", headers=manager | forged).json()["headers"]

    assert not set(seen) & set(forged)
    assert seen["authorization"] == manager["authorization"]  # the service verifies it again


def test_a_client_cannot_steer_the_gateway(client: httpx.Client) -> None:
    wishes = {"x-envoy-upstream-rq-timeout-ms": "600000", "x-envoy-retry-on": "5xx", "x-envoy-max-retries": "50"}

    seen = client.get("/v1/items/x", headers=wishes).json()["headers"]

    assert seen["x-envoy-expected-rq-timeout-ms"] == "30000"
    assert not set(seen) & set(wishes)


# --- tricks


@pytest.mark.parametrize(
    "path", ["/v1/items/..%2fpermits", "/v1/items/..%5cpermits", "/v1/items%2fx", "/log/%2e%2e%2fv1"]
)
def test_escaped_slashes_are_refused(gateway_before_echoes: Gateway, path: str) -> None:
    answer = raw(gateway_before_echoes, f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"slug":"bad-request"' in answer


@pytest.mark.parametrize(
    ("path", "status"),
    [("/log/../v1/records", 401), ("/log/%2e%2e/v1/records", 401), ("//v1//records", 401), ("/static/../metrics", 404)],
)
def test_a_detour_is_judged_by_where_it_ends(gateway_before_echoes: Gateway, path: str, status: int) -> None:
    request = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

    assert raw(gateway_before_echoes, request.encode()).startswith(f"HTTP/1.1 {status}".encode())


def test_a_body_of_two_lengths_is_refused(gateway_before_echoes: Gateway) -> None:
    smuggled = b"GET /v1/logs HTTP/1.1\r\nhost: x\r\n\r\n"
    both = (
        b"POST /v1/tokens HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        + smuggled
    )

    assert raw(gateway_before_echoes, both).startswith(b"HTTP/1.1 400")


def test_headers_may_not_flood(client: httpx.Client) -> None:
    problem(client.get("/v1/logs", headers={"x-long": "x" * 20_000}), 431, "headers-too-large")
    problem(client.get("/v1/logs", headers={f"x-{i}": "1" for i in range(100)}), 431, "headers-too-large")
    assert client.get("/v1/logs", headers={f"x-{i}": "1" for i in range(30)}).status_code == 200


def test_a_header_with_an_underscore_is_refused(client: httpx.Client) -> None:
    assert client.get("/v1/logs", headers={"x_auth": "1"}).status_code == 400


# --- sizes and times


def test_an_ordinary_body_has_a_limit(client: httpx.Client, manager: dict[str, str]) -> None:
    limit = 256 * 1024

    assert client.post("/v1/contracts", content=b"x" * limit, headers=manager).json()["size"] == limit
    problem(client.post("/v1/contracts", content=b"x" * (limit + 1), headers=manager), 413, "body-too-large")
    chunked = client.post("/v1/contracts", content=(b"x" * 65536 for _ in range(6)), headers=manager)
    problem(chunked, 413, "body-too-large")


def test_uploads_have_room_and_a_limit_of_their_own(client: httpx.Client, manager: dict[str, str]) -> None:
    whole_batch = 500 * 17 * 1024

    assert client.post("/v1/records", content=b"x" * whole_batch, headers=manager).json()["size"] == whole_batch
    problem(client.post("/v1/records", content=b"x" * (9 * 2**20 + 1), headers=manager), 413, "body-too-large")
    census = client.post("/v1/plans/PO-1/census", content=b"x" * (12 * 2**20), headers=manager)
    assert census.json()["size"] == 12 * 2**20
    assert client.post("/uploads/census", content=b"x" * (17 * 2**20)).json()["size"] == 17 * 2**20
    problem(client.post("/uploads/census", content=b"x" * (17 * 2**20 + 1)), 413, "body-too-large")
    too_much = client.post("/v1/plans/PO-1/census", content=b"x" * (20 * 2**20 + 1), headers=manager)
    problem(too_much, 413, "body-too-large")
    for word in ("preview", "annotated", "jobs"):
        census = client.post(f"/v1/plans/PO-1/census/{word}", content=b"x" * (12 * 2**20), headers=manager)
        assert census.json()["size"] == 12 * 2**20
    for path in (
        "/v1/plans/PO-1/parcels/PC%2001/shape",
        "/v1/plans/PO-1/parcels/PC%2001/shape/preview",
        "/v1/titles/T-1/zones",
    ):
        assert client.post(path, content=b"x" * (2 * 2**20), headers=manager).json()["size"] == 2 * 2**20
        problem(client.post(path, content=b"x" * (3 * 2**20), headers=manager), 413, "body-too-large")


@pytest.mark.full
def test_headers_that_do_not_come_are_not_waited_for_and_those_that_come_slowly_are(
    gateway_before_echoes: Gateway,
) -> None:
    begun = b"GET /v1/logs HTTP/1.1\r\nhost: x\r\n"

    assert raw(gateway_before_echoes, begun, wait_s=15).startswith(b"HTTP/1.1 408")
    with socket.create_connection(("127.0.0.1", gateway_before_echoes.port), timeout=10) as slow:
        slow.sendall(begun)
        time.sleep(1)
        slow.sendall(b"\r\n")
        assert slow.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.full
def test_a_service_that_does_not_answer_is_given_up(client: httpx.Client) -> None:
    problem(httpx.get(str(client.base_url) + "/v1/items/x?wait=40", timeout=45), 504, "upstream-timeout")


# --- rates


def test_signing_in_is_rationed_and_says_when_to_come_back(gateway_before_echoes: Gateway) -> None:
    asked = {"grant_type": "password", "username": "nobody", "password": "guess"}
    with (
        gateway_before_echoes.client() as client,
        ThreadPoolExecutor(60) as pool,
    ):  # at once: the ration grows with time
        answers = list(pool.map(lambda _: client.post("/v1/tokens", json=asked), range(60)))

    refused = [answer for answer in answers if answer.json()["slug"] == "too-many-requests"]
    assert 15 <= len(refused) <= 40
    problem(refused[0], 429, "too-many-requests")
    assert int(refused[0].headers["retry-after"]) > 0
    assert refused[0].headers["x-ratelimit-remaining"] == "0"


def test_ordinary_answers_say_what_is_left(client: httpx.Client) -> None:
    answer = client.get("/v1/logs")

    assert answer.headers["x-ratelimit-limit"].startswith("2000")
    assert int(answer.headers["x-ratelimit-remaining"]) > 0


# --- answers


def test_json_is_compressed_for_those_who_ask(client: httpx.Client) -> None:
    plain = client.get("/v1/logs", headers={"accept-encoding": "identity"})
    small = client.get("/v1/logs", headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert small.json()["padding"] == plain.json()["padding"]


def test_every_request_has_a_number_that_the_client_did_not_choose(client: httpx.Client) -> None:
    seen = client.get("/v1/logs", headers={"x-request-id": "mine"}).json()["headers"]["x-request-id"]

    assert len(seen) == 36
    assert seen != "mine"
