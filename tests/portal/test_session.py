"""Signing in and out at the portal, with the development issuer: what a session is, and everything that must not become one."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from deploy import issuer
from deploy.issuer import make_logins
from deploy.keygen import make_keys
from deploy.rotate import NothingToDo, add_portal_key, drop_old_portal_keys
from services.portal.access import ACCESS
from services.portal.backends import Backends
from services.portal.main import PortalSettings, build
from services.portal.sealing import Seal
from services.portal.session import PURPOSE, SEED_BYTES, Session, TokenTooLong
from services.portal.sign_in import own_path
from shared.web.access import ROLES
from shared.web.auth import Caller, StaticJwks, TokenVerifier
from shared.web.settings import BadSettings, ServiceSettings
from tests.portal.conftest import BROWSER, HEALTHY, Written, a_client_of
from tests.tokens import Issuer

PUBLIC = "http://madera.test"


class House:
    """A portal and an issuer that know each other; ``browser()`` is a window before both."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.keys, self._stack = folder / "keys", stack
        make_keys(self.keys, folder / "policy.txt")
        self.passwords = make_logins(self.keys / "logins.json")
        self.folder = folder

    async def open(self, public_url: str = PUBLIC) -> None:
        """Start both."""
        name = ServiceSettings.model_fields["issuer"].default
        there = issuer.build(ServiceSettings(keys_dir=self.keys, public_url=public_url))
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=there), base_url="http://issuer")
        await self._stack.enter_async_context(http)
        jwks = (await http.get("/.well-known/jwks.json")).json()
        settings = PortalSettings(
            env="test", data_dir=self.folder, keys_dir=self.keys, public_url=public_url, client_id="portal",
            authorize_url=f"{public_url}/v1/authorize",
        )  # fmt: skip
        self.answers = {name: Written(dict(HEALTHY)) for name in ("custody", "permits", "contracts")}
        backends = Backends(*(a_client_of(name, app) for name, app in self.answers.items()))
        app = build(settings, backends, (http, TokenVerifier(StaticJwks(jwks), name, "trozalog")))
        await self._stack.enter_async_context(app.router.lifespan_context(app))
        self.app, self.issuer = app, there

    async def browser(self) -> httpx.AsyncClient:
        """A window: what begins with /v1/ goes to the issuer, as at the gateway."""
        to = {True: httpx.ASGITransport(app=self.issuer), False: httpx.ASGITransport(app=self.app)}

        class Gateway(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                return await to[request.url.path.startswith("/v1/")].handle_async_request(request)

        url = str(self.app.state.public_url)
        return await self._stack.enter_async_context(
            httpx.AsyncClient(transport=Gateway(), base_url=url, headers=BROWSER)
        )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        found = House(tmp_path, stack)
        await found.open()
        yield found


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of the page's form."""
    return {n: unescape(v) for n, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)}


async def to_the_code(browser: httpx.AsyncClient, house: House, name: str, to: str = "/") -> str:
    """Sign in at the provider's page; the address that leads back."""
    asked = await browser.get("/login", params={"to": to})
    page = await browser.get(asked.headers["location"])
    answer = await browser.post(
        "/v1/authorize", data=hidden(page) | {"username": name, "password": house.passwords[name]}
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def signed_in(house: House, name: str = "comunidad", to: str = "/") -> httpx.AsyncClient:
    """A window of somebody who has signed in."""
    browser = await house.browser()
    done = await browser.get(await to_the_code(browser, house, name, to))
    assert done.status_code == 303, done.text
    return browser


async def form_token(browser: httpx.AsyncClient) -> str:
    return hidden(await browser.get("/docs"))["form_token"]


async def test_somebody_signs_in_and_out(house: House) -> None:
    browser = await house.browser()
    assert 'class="who"' not in (await browser.get("/docs")).text
    back = await to_the_code(browser, house, "comunidad", "/docs?lang=en")

    done = await browser.get(back)
    page = await browser.get("/docs")
    out = await browser.post("/logout", data={"form_token": hidden(page)["form_token"]})

    assert done.headers["location"] == "/docs?lang=en"
    assert 'class="who">comunidad-a <small>dirigencia<' in page.text
    assert (out.status_code, out.headers["location"]) == (303, "/")
    assert 'class="who"' not in (await browser.get("/docs")).text


async def test_the_cookie_is_out_of_reach_and_lives_as_long_as_the_token(house: House) -> None:
    browser = await house.browser()
    done = await browser.get(await to_the_code(browser, house, "comunidad"))
    [cookie] = [one for one in done.headers.get_list("set-cookie") if one.startswith("trozalog=")]

    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert 3590 <= int(re.search(r"Max-Age=(\d+)", cookie)[1]) <= 3600  # type: ignore[index]
    assert "Secure" not in cookie
    assert "eyJ" not in cookie  # no token can be read in it
    assert done.headers["cache-control"] == "no-store"


async def test_without_tls_the_language_is_remembered_all_the_same(house: House) -> None:
    browser = await house.browser()

    assert "Secure" not in (await browser.get("/?lang=en")).headers["set-cookie"]


async def test_over_tls_the_cookie_goes_nowhere_else(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        house = House(tmp_path, stack)
        await house.open("https://madera.test")
        browser = await house.browser()
        done = await browser.get(await to_the_code(browser, house, "comunidad"))

        cookies = done.headers.get_list("set-cookie")
        assert all(one.startswith("__Host-trozalog") and "Secure" in one for one in cookies)
        assert "Secure" in (await browser.get("/?lang=en")).headers["set-cookie"].split("; ")


async def test_the_tokens_are_never_in_an_address(house: House) -> None:
    browser = await house.browser()
    asked = await browser.get("/login")
    back = await to_the_code(browser, house, "comunidad")

    for address in (asked.headers["location"], back, (await browser.get(back)).headers["location"]):
        assert "eyJ" not in address
        assert house.passwords["comunidad"] not in address
    sent = parse_qs(urlsplit(asked.headers["location"]).query)
    assert sent["code_challenge_method"] == ["S256"]
    assert "code_verifier" not in sent


async def test_a_code_counts_once(house: House) -> None:
    browser = await house.browser()
    back = await to_the_code(browser, house, "comunidad")
    memory = dict(browser.cookies)

    first = await browser.get(back)
    browser.cookies.update(memory)
    again = await browser.get(back)

    assert first.status_code == 303
    assert again.status_code == 400
    assert "sign-in-failed" in again.text


async def test_the_way_back_counts_only_in_the_window_that_went(house: House) -> None:
    mine, theirs = await house.browser(), await house.browser()
    back = await to_the_code(theirs, house, "autoridad")

    stolen = await mine.get(back)  # without having asked
    await mine.get("/login")
    forced = await mine.get(back)  # after having asked for something else: sign-in of another forced on me

    assert (stolen.status_code, forced.status_code) == (400, 400)
    assert 'class="who"' not in (await mine.get("/docs")).text
    assert (await theirs.get(back)).status_code == 303


@pytest.mark.parametrize(
    "change", [{"state": "x" * 43}, {"state": "é"}, {"code": "y" * 43}, {"iss": "https://another.example.org"}], ids=str
)
async def test_a_way_back_that_was_altered_is_refused(house: House, change: dict[str, str]) -> None:
    browser = await house.browser()
    parts = urlsplit(await to_the_code(browser, house, "comunidad"))
    given = {name: values[0] for name, values in parse_qs(parts.query).items()} | change

    answer = await browser.get("/login/done", params=given)

    assert answer.status_code == 400
    assert not any(name == "trozalog" for name in browser.cookies)


async def test_who_gives_up_is_back_on_the_first_page(house: House) -> None:
    answer = await (await house.browser()).get("/login/done", params={"error": "access_denied", "state": "s"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ("/docs", "/docs"), ("/v/LOTE-1?lang=en", "/v/LOTE-1?lang=en"), ("https://evil.example.org/", "/"),
        ("//evil.example.org", "/"), ("/\\evil.example.org", "/"), ("/%0d%0aset-cookie:x", "/%0d%0aset-cookie:x"),
        ("javascript:alert(1)", "/"), ("/a\nb", "/"), ("", "/"), ("/" + "x" * 600, "/"), ("docs", "/"), ("/a\\b", "/"),
    ],
)  # fmt: skip
def test_afterwards_only_to_a_path_of_ours(asked: str, to: str) -> None:
    assert own_path(asked) == to


@given(st.text())
def test_no_path_of_ours_leads_to_another_site(asked: str) -> None:
    """As browsers read it: a backslash is a slash, tabs and line ends are dropped (URL Standard, 4.4)."""
    read = re.sub(r"[\t\r\n]", "", own_path(asked)).replace("\\", "/")

    assert read.startswith("/")
    assert not read.startswith("//")


# --- forms


async def test_a_form_of_nobody_and_a_form_of_another_session_are_refused(house: House) -> None:
    mine, theirs = await signed_in(house), await signed_in(house, "auditor")
    foreign = await form_token(theirs)

    for sent in ({}, {"form_token": ""}, {"form_token": "x" * 43}, {"form_token": foreign}):
        answer = await mine.post("/logout", data=sent)
        assert answer.status_code == 403
        assert "form-not-ours" in answer.text
    stranger = await (await house.browser()).post("/logout", data={"form_token": foreign})
    assert stranger.status_code == 401
    assert "no se guardó nada" in stranger.text
    assert (await mine.post("/logout", data={"form_token": await form_token(mine)})).status_code == 303


async def test_nothing_is_done_without_the_token_of_the_session(house: House) -> None:
    """Every form of the portal but those that keep nothing: what an offer is worth, the package of a lot."""
    browser = await house.browser()
    forms = [one for one in pages_of(house, "post") if "public" not in ACCESS[one[0]]]
    for operation, path in forms:
        token = Issuer().token(*ACCESS[operation])
        sealed = Seal.read(house.keys / "portal.key").close(b"s" * SEED_BYTES + token.encode(), PURPOSE)
        answer = await browser.post(path, data={"reason": "x"}, headers={"cookie": f"trozalog={sealed}"})
        assert (answer.status_code, "form-not-ours" in answer.text) == (403, True), operation
    assert len(forms) > 20


async def test_each_page_has_another_form_token_and_all_of_them_count(house: House) -> None:
    browser = await signed_in(house)
    tokens = [await form_token(browser) for _ in range(3)]

    assert len(set(tokens)) == 3
    assert (await browser.post("/logout", data={"form_token": tokens[0]})).status_code == 303


@given(st.binary(min_size=SEED_BYTES, max_size=SEED_BYTES), st.binary(min_size=SEED_BYTES, max_size=SEED_BYTES))
def test_a_form_token_counts_for_its_seed_alone(seed: bytes, other: bytes) -> None:
    caller = Caller("u", "o", frozenset())
    token = Session("t", caller, 0, seed).form_token()

    assert Session("t", caller, 0, seed).wrote(token)
    assert Session("t", caller, 0, other).wrote(token) is (seed == other)


# --- cookies


async def test_an_altered_a_foreign_and_an_old_cookie_are_nobody(house: House) -> None:
    browser = await signed_in(house)
    cookie = str(browser.cookies["trozalog"])
    sessions = house.app.state.sessions
    old = Issuer().expired("manager")
    expired = Seal.read(house.keys / "portal.key").close(b"s" * SEED_BYTES + old.encode(), PURPOSE)
    other = Seal([AESGCM.generate_key(256)]).close(b"s" * SEED_BYTES + Issuer().token("manager").encode(), PURPOSE)

    assert sessions._read(cookie) is not None
    for bad in (cookie[:-4] + "AAAA", cookie[4:], "", "x", expired, other):
        assert sessions._read(bad) is None
        answer = await (await house.browser()).get("/docs", headers={"cookie": f"trozalog={bad}"})
        assert answer.status_code == 200
        assert 'class="who"' not in answer.text


def test_what_was_sealed_for_one_purpose_opens_for_no_other() -> None:
    seal = Seal([AESGCM.generate_key(256)])

    assert seal.open(seal.close(b"x", "session 1"), "session 1") == b"x"
    assert seal.open(seal.close(b"x", "sign-in 1"), "session 1") is None


def test_an_old_key_still_opens_and_a_new_one_seals(tmp_path: Path) -> None:
    make_keys(tmp_path, tmp_path / "policy.txt")
    old = Seal.read(tmp_path / "portal.key")
    add_portal_key(tmp_path)
    new = Seal.read(tmp_path / "portal.key")
    drop_old_portal_keys(tmp_path)
    later = Seal.read(tmp_path / "portal.key")

    assert new.open(old.close(b"x", "p"), "p") == b"x"
    assert old.open(new.close(b"x", "p"), "p") is None
    assert later.open(new.close(b"x", "p"), "p") == b"x"
    assert later.open(old.close(b"x", "p"), "p") is None
    with pytest.raises(NothingToDo):
        drop_old_portal_keys(tmp_path)


@pytest.mark.parametrize("text", ["", "short\n", "!" * 43])
def test_a_key_file_that_holds_no_key_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "portal.key").write_text(text)

    with pytest.raises(BadSettings, match="256 bits"):
        Seal.read(tmp_path / "portal.key")


async def test_a_token_that_no_cookie_holds_is_said(house: House) -> None:
    from starlette.responses import Response

    with pytest.raises(TokenTooLong):
        house.app.state.sessions.begin(Response(), Issuer().token("manager", padding="x" * 3000))


# --- who may open what


async def test_nobody_is_led_to_the_sign_in_page_and_back(house: House) -> None:
    browser = await house.browser()
    for operation, path in reading_pages(house):
        if "public" not in ACCESS[operation]:
            answer = await browser.get(f"{path}?lang=en")
            assert answer.status_code == 303, operation
            assert answer.headers["location"] == f"/login?to={path.replace('/', '%2F')}%3Flang%3Den&lang=en"
            program = await browser.get(path, headers={"accept": "application/json"})
            assert (program.status_code, program.json()["slug"]) == (401, "token-missing")


@pytest.mark.parametrize("role", ROLES)
async def test_the_access_table_decides_which_pages_open(house: House, role: str) -> None:
    browser = await house.browser()
    token = Issuer().token(role)
    sealed = Seal.read(house.keys / "portal.key").close(b"s" * SEED_BYTES + token.encode(), PURPOSE)
    for operation, path in reading_pages(house):
        answer = await browser.get(path, headers={"cookie": f"trozalog={sealed}"})
        refused = "role-not-allowed" in answer.text
        row = ACCESS[operation]
        assert refused is not ("public" in row or role in row), operation
        assert answer.status_code == 403 or not refused


def reading_pages(house: House) -> list[tuple[str, str]]:
    """Operation and path of every page that is read."""
    found = [(operation, path) for operation, path in pages_of(house, "get") if not path.startswith("/login")]
    assert len(found) > 50
    return found


def pages_of(house: House, method: str) -> list[tuple[str, str]]:
    """Operation and path of every page of this method."""
    return [
        (methods[method]["operationId"], re.sub(r"\{[^}]+\}", "x1", path))
        for path, methods in house.app.openapi()["paths"].items()
        if method in methods
    ]
