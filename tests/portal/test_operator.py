"""The pages of the house itself, over answers that are written down: what is offered to whom, what is sent for whom."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.portal.conftest import Listed
from tests.portal.test_session import House, form_token, signed_in

KEY = {
    "kid": "k1", "org": "comunidad-a", "public_key": "p" * 43, "alg": "ed25519", "role": "device", "proof": "q" * 86,
    "state": "asked", "log": None, "revocation": None,
}  # fmt: skip
HOOK = {
    "id": "6f1e0b1e-0000-4000-8000-000000000000", "url": "https://programa.example.org/avisos", "types": ["lot.sold"],
    "permit": None, "org": None, "verification_key": "v" * 43, "created_at": "2026-11-28T10:00:00Z", "next_index": 41,
    "delivered": 12, "delivered_at": "2026-11-28T12:00:00Z", "failures": 2, "failing_since": None,
    "last_error": "timeout", "due_at": "2026-11-28T12:00:00Z", "disabled_at": None, "disabled_why": None,
}  # fmt: skip
NO = {
    "status": 409, "slug": "wrong-state", "detail_es": "La aprueba otra persona.", "detail_en": "Somebody else approves it.",
    "errors": [{"where": "body.proof", "reason": "muy corto", "reason_en": "too short"}],
}  # fmt: skip


class Api:
    """A service that keeps what it is asked, with whose token, and answers what is written down."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, bytes, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        call = f"{scope['method']} {scope['raw_path'].decode()}"
        headers = dict(scope["headers"])
        self.asked.append((call, scope["query_string"].decode(), headers.get(b"authorization", b""), body))
        found = self.answers.get(call, {"status": 404, "slug": "not-found", "detail_es": call, "detail_en": call})
        found = found(scope["query_string"].decode()) if callable(found) else found
        status = found["status"] if isinstance(found, dict) and "slug" in found else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": orjson.dumps(found)})


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        found = House(tmp_path, stack)
        await found.open()
        yield found


def let_answer(house: House, service: str, answers: dict[str, Any]) -> Api:
    """From now on this service answers so."""
    api = Api({"GET /healthz": {"status": "ok"}} | answers)
    getattr(house.app.state.backends, service).http._transport = httpx.ASGITransport(app=api)
    return api


async def test_a_key_is_offered_to_whoever_may_do_the_next_step(house: House) -> None:
    """Asked for by its organisation, proposed by one officer, approved by another, ended by one person."""
    community, authority, operator = [await signed_in(house, name) for name in ("comunidad", "autoridad", "operador")]
    offered = {}
    for state in ("asked", "proposed", "registered"):
        let_answer(house, "permits", {"GET /v1/keys/k1": KEY | {"state": state}})
        for name, browser in (("comunidad", community), ("autoridad", authority), ("operador", operator)):
            page = (await browser.get("/operator/keys/k1")).text
            offered[state, name] = {verb for verb in ("propose", "approve", "revoke") if f"/k1/{verb}" in page}

    assert offered == {
        ("asked", "comunidad"): set(), ("asked", "autoridad"): {"propose"}, ("asked", "operador"): set(),
        ("proposed", "comunidad"): set(), ("proposed", "autoridad"): {"approve"}, ("proposed", "operador"): set(),
        ("registered", "comunidad"): {"revoke"}, ("registered", "autoridad"): {"revoke"},
        ("registered", "operador"): {"revoke"},
    }  # fmt: skip


ENDED = {
    "kid": "k1", "org": "comunidad-a", "reason": "equipo perdido", "distrust_from": None, "log": None,
    "revoked_by": "a1b2", "second": None, "awaits_second": True,
}  # fmt: skip


async def test_the_second_word_on_a_revocation_is_offered_until_it_is_said(house: House) -> None:
    ended = KEY | {"state": "registered", "revocation": ENDED}
    said = {"word": "contested", "reason": "estaba en la oficina", "by": "c3d4", "at": "2026-11-28T10:00:00Z"}
    browser = await signed_in(house, "operador")

    let_answer(house, "permits", {"GET /v1/keys/k1": ended})
    before = (await browser.get("/operator/keys/k1")).text
    answered = ENDED | {"second": said, "awaits_second": False}
    let_answer(house, "permits", {"GET /v1/keys/k1": ended | {"revocation": answered}})
    after = (await browser.get("/operator/keys/k1")).text

    assert all(f'action="/operator/keys/k1/revoke/{verb}"' in before for verb in ("confirm", "contest"))
    assert "espera a otra persona" in before
    assert "/revoke/" not in after
    assert all(words in after for words in ("objetada por otra persona", "estaba en la oficina", "c3d4"))


async def test_what_awaits_a_second_person_is_listed_to_the_end(house: House) -> None:
    ended = Listed([ENDED | {"kid": f"k{n}"} for n in range(501)])
    let_answer(
        house, "permits",
        {"GET /v1/keys": {"items": [], "next": None}, "GET /v1/keys/revocations": ended.page},
    )  # fmt: skip
    operator = await signed_in(house, "operador")

    page = (await operator.get("/operator/keys")).text

    assert len(re.findall(r'action="/operator/keys/k\d+/revoke/confirm"', page)) == 501
    assert [one.get("cursor") for one in ended.asked] == [None, "500"]


async def test_what_awaits_a_second_person_is_found_and_done_by_form(house: House) -> None:
    """Also of a key that the registry does not know, whose organisation is then named."""
    listed = {"items": [ENDED | {"kid": "k2"}], "next": None}
    api = let_answer(
        house, "permits",
        {
            "GET /v1/keys": {"items": [], "next": None}, "GET /v1/keys/revocations": listed,
            "POST /v1/keys/k2/revoke/confirm": {}, "POST /v1/keys/k2/revoke/contest": NO, "POST /v1/keys/k3/revoke": {},
        },
    )  # fmt: skip
    community, operator = await signed_in(house), await signed_in(house, "operador")

    page = (await operator.get("/operator/keys")).text
    await community.get("/operator/keys")
    asked = [query for call, query, *_ in api.asked if call == "GET /v1/keys/revocations"]
    token = {"form_token": await form_token(operator)}
    done = await operator.post("/operator/keys/k2/revoke/confirm", data=token | {"org": "comunidad-a"})
    refused = await operator.post(
        "/operator/keys/k2/revoke/contest", data=token | {"org": "comunidad-a", "reason": "x"}
    )
    unknown = await operator.post(
        "/operator/revocations", data=token | {"kid": "k3", "org": "comunidad-a", "reason": "x"}
    )

    assert 'action="/operator/keys/k2/revoke/confirm"' in page
    assert asked == ["awaiting=true&limit=500", "awaiting=true&org=comunidad-a&limit=500"]
    assert done.headers["location"] == "/operator/keys?done=end_confirmed"
    assert (refused.status_code, NO["detail_es"] in refused.text) == (409, True)
    assert unknown.headers["location"] == "/operator/keys?done=key_revoked"
    sent = [orjson.loads(body) for call, _, _, body in api.asked if call.startswith("POST")]
    assert sent == [
        {"org": "comunidad-a"}, {"org": "comunidad-a", "reason": "x"}, {"org": "comunidad-a", "reason": "x"},
    ]  # fmt: skip


async def test_what_is_sent_is_sent_for_the_person_and_said_afterwards(house: House) -> None:
    api = let_answer(
        house, "permits", {"POST /v1/keys/k1/revoke": {}, "GET /v1/keys/k1": KEY | {"state": "registered"}}
    )
    browser = await signed_in(house, "operador")
    form = {"form_token": await form_token(browser), "reason": "equipo perdido", "distrust_from": "41"}

    done = await browser.post("/operator/keys/k1/revoke?lang=en", data=form)
    page = await browser.get(done.headers["location"])

    [(_, _, bearer, body)] = [one for one in api.asked if one[0] == "POST /v1/keys/k1/revoke"]
    session = house.app.state.sessions._read(str(browser.cookies["trozalog"]))
    assert bearer.decode() == f"Bearer {session.token}"
    assert orjson.loads(body) == {"reason": "equipo perdido", "distrust_from": 41}
    assert done.headers["location"] == "/operator/keys/k1?done=key_revoked&lang=en"
    assert "Key revoked" in page.text


async def test_what_the_service_refuses_is_said_in_its_words_and_nothing_typed_is_lost(house: House) -> None:
    let_answer(house, "permits", {"POST /v1/keys": NO, "GET /v1/keys": {"items": [], "next": None}})
    browser = await signed_in(house)
    form = {"form_token": await form_token(browser), "org": "comunidad-a", "public_key": "mi-clave", "role": "root",
            "proof": "corta"}  # fmt: skip

    answer = await browser.post("/operator/keys", data=form)

    assert answer.status_code == 409
    for said in ("La aprueba otra persona.", "muy corto", 'value="mi-clave"', 'value="corta"'):
        assert said in answer.text
    assert '<option value="root" selected>' in answer.text


async def test_organisations_are_registered_by_whoever_may(house: House) -> None:
    org = {"id": "cn-b", "name": "CN <B>", "kind": "community", "region": None, "log": None}
    api = let_answer(
        house, "permits", {"GET /v1/organisations": {"items": [org], "next": "bmV4dA"}, "POST /v1/organisations": org}
    )
    operator, supervisor = await signed_in(house, "operador"), await signed_in(house, "supervisor")

    shown = await operator.get("/operator/organisations?kind=community")
    read_only = await supervisor.get("/operator/organisations")
    sent = {"form_token": await form_token(operator), "id": "cn-b", "name": "CN B", "kind": "community", "region": ""}
    done = await operator.post("/operator/organisations", data=sent)

    assert "CN &lt;B&gt;" in shown.text
    assert "/operator/organisations?kind=community&amp;cursor=bmV4dA" in shown.text
    assert 'method="post" action="/operator/organisations"' in shown.text
    assert 'method="post" action="/operator/organisations"' not in read_only.text
    assert '<option value="junin">Junín</option>' in shown.text, "a region is chosen, not spelt"
    assert done.headers["location"] == "/operator/organisations?done=registered"
    assert orjson.loads(api.asked[-1][3]) == {"id": "cn-b", "name": "CN B", "kind": "community"}


async def test_a_subscription_is_made_told_again_and_removed(house: House) -> None:
    base = f"/v1/webhooks/{HOOK['id']}"
    api = let_answer(
        house, "custody",
        {"GET /v1/webhooks": {"webhooks": [HOOK]}, "POST /v1/webhooks": HOOK, f"POST {base}/replay": HOOK, f"DELETE {base}": {}},
    )  # fmt: skip
    browser = await signed_in(house)
    page = await browser.get("/operator/webhooks")
    token = await form_token(browser)

    added = {"form_token": token, "url": "https://programa.example.org/avisos", "types": ["lot.sold", "tree.felled"]}
    answers = [
        await browser.post("/operator/webhooks", data=added),
        await browser.post(f"/operator/webhooks/{HOOK['id']}/replay", data={"form_token": token, "from": "7"}),
        await browser.post(f"/operator/webhooks/{HOOK['id']}/remove", data={"form_token": token}),
    ]

    assert "falla (2 veces)" in page.text
    assert [answer.status_code for answer in answers] == [303] * 3
    calls = [(call, query) for call, query, _, _ in api.asked if not call.startswith("GET")]
    assert calls == [("POST /v1/webhooks", ""), (f"POST {base}/replay", "from=7"), (f"DELETE {base}", "")]
    assert orjson.loads(next(one[3] for one in api.asked if one[0] == "POST /v1/webhooks"))["types"] == [
        "lot.sold",
        "tree.felled",
    ]


async def test_the_state_of_the_house_says_what_is_behind_and_what_was_refused(house: House) -> None:
    log = {"size": 1116, "signed_size": 1116, "witnessed_size": 1100, "frozen": None,
           "witnesses": [{"name": "w1", "size": 1100, "problem": None}, {"name": "w2", "size": None, "problem": "silent"}]}  # fmt: skip
    outbox = {"pending": 3, "refused": 1, "published": 20, "next": None, "items": [
        {"seq": 7, "sid": "a" * 64, "type": "permit.issued", "subject": "permit:P", "state": "refused", "attempts": 4,
         "index": None, "problem": {"detail_es": "ya existe", "detail_en": "exists"}}]}  # fmt: skip
    let_answer(house, "custody", {"GET /healthz": {"status": "ok"} | log})
    let_answer(house, "permits", {"GET /v1/publications": outbox})
    operator, auditor = await signed_in(house, "operador"), await signed_in(house, "auditor")

    page, theirs, listed = (
        (await operator.get("/operator")).text, (await auditor.get("/operator")).text, (await operator.get("/operator/outbox")).text,
    )  # fmt: skip

    for said in ("1,116", "1,100", "con retraso", "silent"):
        assert said in page
    assert "por publicar" in page
    assert "por publicar" not in theirs  # the backlog is not theirs to see
    assert "ya existe" in listed


async def test_an_entry_of_too_many_digits_is_left_to_the_service_to_refuse(house: House) -> None:
    api = let_answer(
        house, "permits", {"POST /v1/keys/k1/revoke": NO, "GET /v1/keys/k1": KEY | {"state": "registered"}}
    )
    browser = await signed_in(house, "operador")
    form = {"form_token": await form_token(browser), "reason": "equipo perdido", "distrust_from": "9" * 5000}

    answer = await browser.post("/operator/keys/k1/revoke", data=form)

    assert answer.status_code == 409
    assert any(one[0] == "POST /v1/keys/k1/revoke" for one in api.asked)


async def test_the_page_of_the_house_leads_to_where_checkpoints_are_compared(house: House) -> None:
    log: dict[str, Any] = {"size": 9, "signed_size": 9, "witnessed_size": 9, "frozen": None, "witnesses": []}
    let_answer(house, "custody", {"GET /healthz": {"status": "ok"} | log})
    browser = await signed_in(house, "auditor")

    page = await browser.get("/operator")
    compare = next(one for one in re.findall(r'href="([^"]+)"', page.text) if one.endswith("/checkpoints"))

    assert (await browser.get(compare)).status_code == 200
