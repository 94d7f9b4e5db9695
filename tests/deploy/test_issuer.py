"""The development identity provider: tokens that the services accept, secrets that stay secret, and no production."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from joserfc import jws

from deploy import issuer, logins
from deploy.instance import Instance
from shared.web.access import ROLES
from shared.web.auth import StaticJwks, TokenVerifier
from shared.web.client import ServiceTokens
from shared.web.settings import ServiceSettings

PATIENCE_S = 120  # a machine that is busy with other things starts a process in half a minute
PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys as the key generator leaves it."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "token.key").write_bytes(generate_private_key(SECP256R1()).private_bytes(*PEM))
    return folder


@pytest.fixture(scope="module")
def passwords(keys: Path) -> dict[str, str]:
    """What make_logins showed once."""
    return issuer.make_logins(keys / "logins.json", {"permits-service": "chosen-by-compose"})


@pytest.fixture
async def api(keys: Path, passwords: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The issuer."""
    assert passwords
    app = issuer.build(ServiceSettings(keys_dir=keys, issuer="https://issuer.test"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://issuer") as client:
        yield client


def a_person(name: str, password: str) -> dict[str, str]:
    """A password login."""
    return {"grant_type": "password", "username": name, "password": password}


def a_machine(name: str, secret: str) -> dict[str, str]:
    """A client-credentials login."""
    return {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}


async def a_verifier(api: httpx.AsyncClient) -> TokenVerifier:
    """A service's verifier over the published keys."""
    jwks = (await api.get("/.well-known/jwks.json")).json()
    return TokenVerifier(StaticJwks(jwks), "https://issuer.test", "trozalog")


async def test_everybody_of_the_sample_data_gets_a_token_the_services_accept(
    api: httpx.AsyncClient, passwords: dict[str, str]
) -> None:
    verifier = await a_verifier(api)
    people = {name: (role, org) for name, role, org in issuer.PEOPLE}
    callers = {}
    for name in people:
        answer = await api.post("/v1/tokens", json=a_person(name, passwords[name]))
        callers[name] = await verifier.verify(answer.json()["access_token"])

    assert {name: (next(iter(c.roles)), c.org) for name, c in callers.items()} == people
    assert len({c.sub for c in callers.values()}) == len(people)
    assert not any(name in c.sub for name, c in callers.items())
    assert callers["autoridad"].region == callers["autoridad2"].region == issuer.REGION
    assert callers["supervisor"].region == "*"
    assert callers["comunidad"].region is None
    assert {role for _, role, _ in (*issuer.PEOPLE, *issuer.MACHINES)} == set(ROLES)


async def test_a_machine_gets_its_own_token(api: httpx.AsyncClient, passwords: dict[str, str]) -> None:
    verifier = await a_verifier(api)
    tokens = ServiceTokens(api, "http://issuer/v1/tokens", "permits-service", "chosen-by-compose")

    caller = await verifier.verify(await tokens.token())

    assert (caller.sub, caller.roles) == ("permits-service", {"service"})
    assert (await api.post("/v1/tokens", json=a_machine("demo-machine", passwords["demo-machine"]))).status_code == 200


async def test_a_form_is_as_good_as_json(api: httpx.AsyncClient, passwords: dict[str, str]) -> None:
    answer = await api.post("/v1/tokens", data=a_person("auditor", passwords["auditor"]))

    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 600)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_token_is_an_access_token_of_ten_minutes(api: httpx.AsyncClient, passwords: dict[str, str]) -> None:
    texts = [
        (await api.post("/v1/tokens", json=a_person("regente", passwords["regente"]))).json()["access_token"]
        for _ in (1, 2)
    ]
    token, again = (jws.extract_compact(text.encode()) for text in texts)
    claims = json.loads(token.payload)

    assert token.protected.keys() == {"alg", "typ", "kid"}
    assert (token.protected["alg"], token.protected["typ"]) == ("ES256", "at+jwt")
    assert claims["exp"] - claims["iat"] == 600
    assert claims["nbf"] == claims["iat"]
    assert claims["jti"] != json.loads(again.payload)["jti"]


async def test_the_published_keys_hold_nothing_private(api: httpx.AsyncClient) -> None:
    answer = await api.get("/.well-known/jwks.json")

    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert answer.headers["cache-control"] == "public, max-age=30"


@pytest.mark.parametrize(
    "given",
    [
        a_person("comunidad", "wrong"),
        a_person("nobody", "wrong"),
        a_person("demo-machine", "wrong"),
        a_machine("permits-service", "wrong"),
        a_machine("comunidad", "wrong"),
    ],
)
async def test_a_wrong_secret_is_refused_in_the_same_words_for_everybody(
    api: httpx.AsyncClient, given: dict[str, str]
) -> None:
    answer = await api.post("/v1/tokens", json=given)

    assert (answer.status_code, answer.json()["slug"], answer.json()["facts"]) == (401, "login-refused", {})


async def test_a_machine_secret_is_no_password(api: httpx.AsyncClient, passwords: dict[str, str]) -> None:
    as_person = await api.post("/v1/tokens", json=a_person("demo-machine", passwords["demo-machine"]))
    as_machine = await api.post("/v1/tokens", json=a_machine("auditor", passwords["auditor"]))

    assert (as_person.status_code, as_machine.status_code) == (401, 401)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"grant_type": "password", "username": "auditor"}',
        b'{"grant_type": "password", "username": "auditor", "password": 1}',
        b'{"grant_type": "implicit"}',
        b'{"grant_type": "password", "username": "a", "username": "b", "password": "x"}',
        b'{"grant_type": "password", "username": "a", "password": "' + b"x" * 201 + b'"}',
    ],
)
async def test_a_request_that_does_not_fit_is_malformed_and_not_repeated(api: httpx.AsyncClient, body: bytes) -> None:
    answer = await api.post("/v1/tokens", content=body, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["slug"]) == (422, "malformed")
    assert "xxxx" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        "&".join(f"field{n}=x" for n in range(30)).encode(),
        b"grant_type=password&username=a&username=b&password=x",
        b"grant_type=password&username=\xff&password=x",
        b"",
        b"&&&=",
    ],
)
async def test_a_form_that_does_not_fit_is_malformed(
    api: httpx.AsyncClient, passwords: dict[str, str], body: bytes
) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    good = f"grant_type=password&username=auditor&password={passwords['auditor']}&scope=x".encode()

    answer = await api.post("/v1/tokens", content=body, headers=kind)

    assert (answer.status_code, answer.json()["slug"]) == (422, "malformed")
    assert (await api.post("/v1/tokens", content=good, headers=kind)).status_code == 200


async def test_guesses_that_are_sent_all_at_once_count_one_by_one(
    api: httpx.AsyncClient, passwords: dict[str, str]
) -> None:
    right = [a_person("auditor", passwords["auditor"])] * 3
    guesses = [a_person("supervisor", f"guess-{n}") for n in range(15)]

    answers = await asyncio.gather(*(api.post("/v1/tokens", json=one) for one in [*guesses, *right]))
    often = [await api.post("/v1/tokens", json=right[0]) for _ in range(12)]

    assert [one.status_code for one in answers] == [401] * 10 + [429] * 5 + [200] * 3
    assert {one.status_code for one in often} == {200}, "what was right is not held against anybody"


async def test_after_ten_wrong_passwords_even_the_right_one_waits(
    api: httpx.AsyncClient, passwords: dict[str, str]
) -> None:
    for _ in range(10):
        assert (await api.post("/v1/tokens", json=a_person("promotora", "guess"))).status_code == 401

    blocked = await api.post("/v1/tokens", json=a_person("promotora", passwords["promotora"]))
    another = await api.post("/v1/tokens", json=a_person("comprador", passwords["comprador"]))

    assert (blocked.status_code, blocked.json()["slug"]) == (429, "too-many-attempts")
    assert 1 <= int(blocked.headers["retry-after"]) <= 60
    assert another.status_code == 200


async def test_many_invented_names_take_no_memory() -> None:
    tries = issuer.Tries()
    for i in range(issuer.WATCHED_NAMES + 500):
        tries.wrong(f"name-{i}")

    assert len(tries._wrong) == issuer.WATCHED_NAMES


def test_logins_are_made_once_and_only_hashes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "logins.json"

    made = issuer.make_logins(path, {"permits-service": "chosen"})
    text = path.read_text()

    assert made["permits-service"] == "chosen"
    assert made.keys() == {name for name, _, _ in (*issuer.PEOPLE, *issuer.MACHINES)}
    assert not any(secret in text for secret in made.values())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert issuer.make_logins(path) == {}
    assert path.read_text() == text


def test_an_instance_begun_before_a_client_gets_it_and_everybody_stays_who_they_are(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.keys.mkdir(parents=True)
    logins.make(instance)
    hashes, before = instance.keys / "logins.json", instance.logins()
    kept = [login for login in json.loads(hashes.read_bytes()) if login["name"] != "contracts-service"]
    hashes.write_text(json.dumps(kept))
    instance.logins_file.write_text(
        "".join(line for line in instance.logins_file.read_text().splitlines(True) if "contracts-service" not in line)
    )

    logins.make(instance)

    after = {login["name"]: login for login in json.loads(hashes.read_bytes())}
    assert "contracts-service" in instance.logins()
    assert all(after[login["name"]] == login for login in kept)
    assert {name: secret for name, secret in instance.logins().items() if name != "contracts-service"} == {
        name: secret for name, secret in before.items() if name != "contracts-service"
    }


def test_a_login_that_is_missing_is_added_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "logins.json"
    issuer.make_logins(path)
    kept = [login for login in json.loads(path.read_bytes()) if login["name"] != "auditor"]
    path.write_text(json.dumps(kept))

    assert issuer.make_logins(path).keys() == {"auditor"}
    assert [login for login in json.loads(path.read_bytes()) if login["name"] != "auditor"] == kept


def _start(keys: Path, **variables: str) -> "subprocess.Popen[str]":
    given = {f"TROZALOG_{name}": value for name, value in variables.items()} | {"TROZALOG_KEYS_DIR": str(keys)}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TROZALOG_")}
    words = [sys.executable, "-m", "deploy.issuer"]
    return subprocess.Popen(words, env=clean | given, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_production_refuses_it_in_plain_words(keys: Path) -> None:
    process = _start(keys, ENV="production")
    _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 1
    assert "development identity provider" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("variables", "reason"),
    [({}, "no token.key and no logins.json"), ({"COLOUR": "red"}, "TROZALOG_COLOUR"), ({"PORT": "x"}, "port")],
)
def test_a_start_that_cannot_work_says_why(tmp_path: Path, variables: dict[str, str], reason: str) -> None:
    process = _start(tmp_path, **variables)
    _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 1
    assert reason in said
    assert "Traceback" not in said


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def test_it_serves_on_its_socket_and_ends_when_asked(keys: Path, passwords: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "issuer.sock"
    process = _start(keys, UDS=str(path), ISSUER="https://issuer.test")
    try:
        until = time.monotonic() + PATIENCE_S
        while not listens(path) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        transport = httpx.HTTPTransport(uds=str(path))
        with httpx.Client(transport=transport, base_url="http://issuer", timeout=PATIENCE_S) as client:
            answer = client.post("/v1/tokens", json=a_person("auditor", passwords["auditor"]))
        assert answer.status_code == 200
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode in (0, -signal.SIGTERM)
    assert json.loads(out.splitlines()[-1])["operation"] == "issue_token"
    assert err == ""
