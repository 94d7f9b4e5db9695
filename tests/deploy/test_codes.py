"""Authorisation codes of the development issuer: given to a request that fits, counted once, by whoever asked, for a minute."""

import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jws

from deploy import codes, issuer
from deploy.keygen import make_keys
from shared.tlog.encoding import to_base64url
from shared.web.auth import StaticJwks, TokenVerifier
from shared.web.settings import ServiceSettings

BACK = "https://madera.test/login/done"
VERIFIER = "v" * 43
ASKED = {
    "response_type": "code", "client_id": "portal", "redirect_uri": BACK, "scope": "openid", "state": "s" * 43,
    "nonce": "n" * 43, "code_challenge": to_base64url(hashlib.sha256(VERIFIER.encode()).digest()),
    "code_challenge_method": "S256",
}  # fmt: skip


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, folder / "policy.txt")
    return folder


@pytest.fixture(scope="module")
def password(keys: Path) -> str:
    return issuer.make_logins(keys / "logins.json")["comunidad"]


@pytest.fixture
async def api(keys: Path, password: str) -> AsyncIterator[httpx.AsyncClient]:
    assert password
    app = issuer.build(ServiceSettings(keys_dir=keys, issuer="https://issuer.test", public_url="https://madera.test"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://issuer") as client:
        yield client


async def a_code(api: httpx.AsyncClient, password: str) -> str:
    """A code, after signing in at the page."""
    answer = await api.post("/v1/authorize", data=ASKED | {"username": "comunidad", "password": password})
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert address.startswith(f"{BACK}?")
    back = parse_qs(urlsplit(address).query)
    assert (back["state"], back["iss"]) == ([ASKED["state"]], ["https://issuer.test"])
    return back["code"][0]


def exchange(code: str, **changed: str) -> dict[str, str]:
    """The request for the tokens of a code."""
    return {
        "grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": "portal",
        "code_verifier": VERIFIER,
    } | changed  # fmt: skip


async def test_a_code_becomes_an_access_token_and_an_identity_token(api: httpx.AsyncClient, password: str) -> None:
    answer = await api.post("/v1/tokens", data=exchange(await a_code(api, password)))
    found = answer.json()
    jwks = (await api.get("/.well-known/jwks.json")).json()
    verifier = TokenVerifier(StaticJwks(jwks), "https://issuer.test", "trozalog")
    caller = await verifier.verify(found["access_token"])
    identity = jws.extract_compact(found["id_token"].encode())

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert (caller.org, caller.roles, found["expires_in"]) == ("comunidad-a", {"manager"}, 3600)
    assert identity.protected["typ"] == "JWT"  # never good as an access token
    assert b'"nonce":"' + ASKED["nonce"].encode() in identity.payload.replace(b'": "', b'":"')
    assert b'"aud":"portal"' in identity.payload.replace(b'": "', b'":"')


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "w" * 43}, {"redirect_uri": BACK + "/"}, {"client_id": "another"}, {"code": "c" * 43},
    ],
    ids=str,
)  # fmt: skip
async def test_a_code_counts_for_whoever_asked_and_a_wrong_question_uses_it_up(
    api: httpx.AsyncClient, password: str, changed: dict[str, str]
) -> None:
    code = await a_code(api, password)

    wrong = await api.post("/v1/tokens", data=exchange(code) | changed)
    right = await api.post("/v1/tokens", data=exchange(code))

    assert (wrong.status_code, wrong.json()["slug"]) == (400, "code-refused")
    assert right.status_code == (200 if "code" in changed else 400)
    assert (await api.post("/v1/tokens", data=exchange(code))).status_code == 400


def test_a_code_counts_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    asked = codes.asked_for(ASKED, {"portal": BACK})
    kept = codes.Codes()
    early, late = kept.give("comunidad", asked), kept.give("comunidad", asked)

    monkeypatch.setattr(time, "monotonic", lambda: begun + 59)
    assert kept.use(early, "portal", BACK, VERIFIER).name == "comunidad"
    monkeypatch.setattr(time, "monotonic", lambda: begun + 62)
    with pytest.raises(codes.CodeRefused):
        kept.use(late, "portal", BACK, VERIFIER)


def test_open_codes_do_not_pile_up() -> None:
    asked = codes.asked_for(ASKED, {"portal": BACK})
    kept = codes.Codes()
    given = [kept.give("comunidad", asked) for _ in range(codes.MOST_CODES + 1)]

    with pytest.raises(codes.CodeRefused):
        kept.use(given[0], "portal", BACK, VERIFIER)
    assert kept.use(given[-1], "portal", BACK, VERIFIER)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"response_type": "token"}, "response_type"), ({"code_challenge_method": "plain"}, "code_challenge_method"),
        ({"code_challenge_method": None}, "code_challenge_method"), ({"code_challenge": None}, "code_challenge"),
        ({"code_challenge": "!" * 43}, "code_challenge"), ({"state": None}, "state"), ({"state": "short"}, "state"),
        ({"nonce": None}, "nonce"), ({"scope": "profile"}, "scope"), ({"client_id": "another"}, "redirect_uri"),
        ({"redirect_uri": "https://evil.test/login/done"}, "redirect_uri"), ({"redirect_uri": BACK + "?x=1"}, "redirect_uri"),
        ({"redirect_uri": BACK + "/../x"}, "redirect_uri"), ({"redirect_uri": "http://madera.test/login/done"}, "redirect_uri"),
    ],
    ids=str,
)  # fmt: skip
async def test_a_request_that_does_not_fit_leads_nowhere(
    api: httpx.AsyncClient, password: str, change: dict[str, Any], where: str
) -> None:
    asked = {name: value for name, value in (ASKED | change).items() if value is not None}

    shown = await api.get("/v1/authorize", params=asked)
    taken = await api.post("/v1/authorize", data=asked | {"username": "comunidad", "password": password})

    for answer in (shown, taken):
        assert (answer.status_code, answer.json()["slug"]) == (400, "authorization-request-refused")
        assert answer.json()["facts"]["where"] == where
        assert "location" not in answer.headers


async def test_the_page_says_no_in_the_persons_words_and_keeps_what_was_asked(api: httpx.AsyncClient) -> None:
    name = '"><script>alert(1)</script>'
    spanish = await api.post("/v1/authorize", data=ASKED | {"username": name, "password": "wrong", "ui_locales": "es"})
    english = await api.get("/v1/authorize", params=ASKED | {"ui_locales": "en"})

    assert spanish.status_code == 401
    assert "no son correctos" in spanish.text
    assert "<script" not in spanish.text
    assert f'name="state" value="{ASKED["state"]}"' in spanish.text
    assert "wrong" not in spanish.text
    assert '<html lang="en">' in english.text
    assert 'name="ui_locales" value="en"' in english.text, "a wrong password is refused in the same language"
    policy = spanish.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_guessing_at_the_page_is_stopped(api: httpx.AsyncClient) -> None:
    answers = [
        await api.post("/v1/authorize", data=ASKED | {"username": "nobody", "password": str(n)}) for n in range(11)
    ]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]


async def test_a_machine_does_not_sign_in_at_the_page(tmp_path: Path) -> None:
    make_keys(tmp_path, tmp_path / "policy.txt")
    secrets = issuer.make_logins(tmp_path / "logins.json")
    app = issuer.build(ServiceSettings(keys_dir=tmp_path, public_url="https://madera.test"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://issuer") as client:
        machine = ASKED | {"username": "demo-machine", "password": secrets["demo-machine"]}
        person = ASKED | {"username": "comunidad", "password": secrets["comunidad"]}

        assert (await client.post("/v1/authorize", data=machine)).status_code == 401
        assert (await client.post("/v1/authorize", data=person)).status_code == 303
