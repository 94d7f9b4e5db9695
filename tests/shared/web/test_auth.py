"""Only an ES256 access token of our issuer, for us, in its time, under a published key, makes a caller."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from shared.refusal import Refusal
from shared.web import auth
from shared.web.auth import HttpJwks, StaticJwks, TokenVerifier
from shared.web.problems import TokenExpired, TokenInvalid, Unavailable
from tests.clock import Clock
from tests.tokens import AUDIENCE, ORG, URL, Issuer, new_key

Make = Callable[[Issuer], str]


async def test_a_good_token_names_its_caller(issuer: Issuer) -> None:
    caller = await issuer.verifier().verify(issuer.token("regent", "member", region="ucayali"))

    assert (caller.sub, caller.org, caller.roles, caller.region) == ("u-1", ORG, {"regent", "member"}, "ucayali")


BAD: dict[str, Make] = {
    "not a token": lambda _: "x",
    "two parts": lambda i: i.token("member").rsplit(".", 1)[0],
    "longer than any of ours": lambda i: i.token("member", note="x" * 5000),
    "alg none": lambda i: i.alg_none("member"),
    "HS256 with the public key": lambda i: i.hs256_with_public_key("member"),
    "no key id": lambda i: i.without_kid("member"),
    "typ JWT": lambda i: i.wrong_typ("member"),
    "no typ": lambda i: i.sign(i.claims("member"), typ=None),
    "unknown key": lambda i: i.sign(i.claims("member"), new_key("other"), kid="other"),
    "another key under our id": lambda i: i.by_another_key("member"),
    "altered claims": lambda i: i.altered("member"),
    "its own key in the header": lambda i: _with_its_own_key(i),
    "critical extension": lambda i: i.sign(i.claims("member"), crit=["b64"], b64=True),
    "another audience": lambda i: i.wrong_audience("member"),
    "no audience": lambda i: i.token("member", aud=None),
    "another issuer": lambda i: i.token("member", iss="https://elsewhere.test"),
    "no expiry": lambda i: i.token("member", exp=None),
    "expiry as text": lambda i: i.token("member", exp="2999999999"),
    "expiry that never comes": lambda i: i.token("member", exp=float("nan")),
    "beginning as text": lambda i: i.token("member", nbf="0"),
    "typ of another kind of token": lambda i: i.sign(i.claims("member"), typ="application/jwt"),
    "not valid yet": lambda i: i.token("member", nbf=2**33),
    "no subject": lambda i: i.token("member", sub=None),
    "no organisation": lambda i: i.token("member", org=None),
    "roles as text": lambda i: i.token("member", roles="member"),
}


def _with_its_own_key(issuer: Issuer) -> str:
    key = new_key("test-1")
    return issuer.sign(issuer.claims("member"), key, jwk=key.as_dict(private=False))


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_is_refused(issuer: Issuer, name: str) -> None:
    verifier = issuer.verifier()

    with pytest.raises(TokenInvalid):
        await verifier.verify(BAD[name](issuer))
    assert await verifier.verify(issuer.token("member"))


async def test_a_beginning_is_not_asked_for(issuer: Issuer) -> None:
    assert "nbf" not in issuer.claims("member", nbf=None)

    assert await issuer.verifier().verify(issuer.token("member", nbf=None))


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "at+JWT"])
async def test_an_access_token_may_say_its_type_in_full(issuer: Issuer, typ: str) -> None:
    assert await issuer.verifier().verify(issuer.sign(issuer.claims("member"), typ=typ))


async def test_an_expired_token_is_refused_after_the_allowed_skew(issuer: Issuer) -> None:
    now = issuer.claims("member")["iat"]

    assert await issuer.verifier().verify(issuer.token("member", exp=now - 20))
    with pytest.raises(TokenExpired):
        await issuer.verifier().verify(issuer.token("member", exp=now - 40))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of those who verify."""
    found = Clock()
    monkeypatch.setattr(auth, "time", found)
    return found


async def test_a_token_seen_before_still_expires(issuer: Issuer, clock: Clock) -> None:
    verifier = issuer.verifier()
    token = issuer.token("member", exp=clock.now_s - 29.7)

    assert await verifier.verify(token)
    clock.now_s += 0.5

    with pytest.raises(TokenExpired):
        await verifier.verify(token)


async def test_several_audiences_are_fine_when_we_are_among_them(issuer: Issuer) -> None:
    assert await issuer.verifier().verify(issuer.token("member", aud=["another", AUDIENCE]))


@pytest.mark.parametrize("header", ["Basic dTpw", "Bearer", "Bearer ", "token x"])
async def test_another_kind_of_authorization_is_refused_even_where_none_is_needed(
    api: httpx.AsyncClient, header: str
) -> None:
    answer = await api.get("/v1/logs/A", headers={"authorization": header})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="trozalog", error="invalid_token"')


async def test_a_token_in_the_address_is_not_read(api: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await api.get(f"/v1/logs/A/diary?access_token={issuer.token('member')}")

    assert answer.json()["slug"] == "token-missing"
    assert answer.headers["www-authenticate"] == 'Bearer realm="trozalog"'


class Published:
    """An issuer's page of keys: counts questions and answers, may be slow, silent or wrong."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys, self.asked, self.answered = list(keys), 0, 0
        self.silent, self.text, self.slow_s = False, "", 0.01

    async def answer(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        await asyncio.sleep(self.slow_s)
        self.answered += 1
        if self.silent:
            raise httpx.ConnectError("nobody there")
        if self.text:
            return httpx.Response(200, text=self.text)
        return httpx.Response(200, json={"keys": [k.as_dict(private=False) for k in self.keys]})

    def source(self, **times: float) -> HttpJwks:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return HttpJwks(client, "http://issuer/jwks", **times)


async def test_many_at_once_ask_the_issuer_once() -> None:
    page = Published(new_key("k1"))
    source = page.source()

    keys = await asyncio.gather(*(source.key("k1") for _ in range(50)))

    assert all(keys)
    assert page.asked == 1


async def test_a_new_key_works_at_once_and_invented_ids_cost_nothing(clock: Clock) -> None:
    page = Published(new_key("k1"))
    source = page.source(again_s=0.2)
    assert await source.key("k1")
    page.keys.append(new_key("k2"))

    assert [await source.key(f"invented-{i}") for i in range(20)] == [None] * 20
    assert page.asked == 1
    clock.now_s += 0.25

    assert await source.key("k2")
    assert page.asked == 2


async def test_a_withdrawn_key_stops_counting_for_tokens_already_seen() -> None:
    first, second = Issuer(key=new_key("k1")), Issuer(key=new_key("k2"))
    page = Published(first.key, second.key)
    verifier = TokenVerifier(page.source(fresh_s=0.1, again_s=0.05), URL, AUDIENCE)
    withdrawn, kept = first.token("member"), second.token("member")
    assert await verifier.verify(withdrawn)

    page.keys = [second.key]
    await asyncio.sleep(0.15)

    with pytest.raises(TokenInvalid):
        await verifier.verify(withdrawn)
    assert await verifier.verify(kept)


@pytest.mark.parametrize("trouble", [{"silent": True}, {"text": "<html>"}, {"text": '{"keys": 1}'}, {"text": "[]"}])
async def test_a_silent_issuer_is_forgiven_for_a_while_then_503(trouble: dict[str, Any], clock: Clock) -> None:
    page = Published(new_key("k1"))
    source = page.source(fresh_s=0.0, again_s=0.0, stale_s=0.2)
    assert await source.key("k1")
    vars(page).update(trouble)
    clock.now_s += 0.1

    assert await source.key("k1")
    assert page.asked == 2
    clock.now_s += 0.15

    with pytest.raises(Unavailable):
        await source.key("k1")


async def test_an_issuer_that_hangs_does_not_slow_those_whose_key_is_known() -> None:
    page = Published(new_key("k1"))
    source = page.source(fresh_s=0.0, again_s=0.0)
    assert await source.key("k1")
    page.slow_s = 30.0

    assert all(await asyncio.gather(*(source.key("k1") for _ in range(20))))

    assert (page.asked, page.answered) == (2, 1)  # all were served while the second question still hung


async def test_without_any_key_set_nobody_is_refused_for_good() -> None:
    page = Published()
    page.silent = True

    with pytest.raises(Refusal) as no:
        await page.source().key("k1")

    assert no.value.slug == "unavailable"


async def test_keys_that_cannot_sign_for_us_are_left_out() -> None:
    good, wrong_curve = new_key("k1"), ECKey.generate_key("P-384", {"kid": "k3"})
    source = StaticJwks({"keys": [k.as_dict(private=False) for k in (good, wrong_curve)]})

    assert await source.key("k1")
    assert await source.key("k3") is None
