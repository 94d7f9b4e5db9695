"""The desks of officers and regents, the forms of a certification body, and forms that are sent twice."""

from typing import Any

import orjson
import pytest

from services.portal.desk import Waiting, uninspected, weighed
from tests.portal.test_certifier import KNOWN
from tests.portal.test_operator import Api, let_answer
from tests.portal.test_operator import house as house
from tests.portal.test_session import House, form_token, signed_in

PARTIES: dict[str, Any] = {"items": [{"id": "comunidad-a", "name": "Comunidad A", "kind": "community", "region": None, "log": None},
                     {"id": "cert-1", "name": "Certificadora 1", "kind": "certifier", "region": None, "log": None}], "next": None}  # fmt: skip


def a_plan(id_: str = "PO-1", state: str = "approved", volume_dm3: int = 1000, **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "org": "comunidad-a", "number": "01", "season": "2025-2026", "kind": "PO", "state": state, "regent": None,
        "delegate": None, "parcels": [{"code": "PC 01", "area_m2": 10_000}],
        "census": {"trees": 10, "harvestable": 8, "harvestable_dm3": volume_dm3},
    } | more  # fmt: skip


def inspection(plan: str) -> dict[str, Any]:
    return {
        "number": "INF-1", "plan": plan, "parcel": "PC 01", "inspector": "osinfor-md", "trees_sampled": 5, "trees_absent": 0,
        "trees_mismatched": None, "volume_dm3": 900, "trees": None, "log": None,
    }  # fmt: skip


def test_what_nobody_saw_in_the_field_comes_with_the_largest_volume_first() -> None:
    plans = [a_plan("A", volume_dm3=5), a_plan("B", volume_dm3=9), a_plan("C", volume_dm3=7), a_plan("D", "submitted")]

    assert [plan["id"] for plan in uninspected(plans, [inspection("C")])] == ["B", "A"]


def test_only_what_fails_is_open_and_only_what_blocks_keeps_a_plan_back() -> None:
    found = [
        {"status": "FAIL", "blocks": "P05"},
        {"status": "FAIL", "blocks": None},
        {"status": "PASS", "blocks": None},
    ]

    assert weighed(a_plan(), {"findings": found}) == Waiting(a_plan(), open_findings=2, blocking=1)
    assert weighed(a_plan(), None).open_findings is None


def serve(house: House, *plans: dict[str, Any], **more: Any) -> Api:
    answers = {
        "GET /v1/plans": {"items": list(plans), "next": None}, "GET /v1/permits": {"items": [], "next": None},
        "GET /v1/inspections": {"items": [inspection("PO-9")], "next": None}, "GET /v1/organisations": PARTIES,
    }  # fmt: skip
    return let_answer(house, "permits", answers | {name.replace("_", " ", 1): one for name, one in more.items()})


@pytest.mark.parametrize(
    ("who", "sees", "not_seen"),
    [
        ("autoridad", ["PO-2", "PO-3", "/desk/inspections", "/operator/keys"], []),
        ("supervisor", ["PO-2", "PO-3", "/desk/inspections?plan=PO-3"], ["/operator/keys"]),
        ("regente", ["PO-3", "/community/census"], ["PO-2", "/desk/inspections?plan"]),
    ],
)
async def test_each_desk_leads_to_the_work_of_its_role(
    house: House, who: str, sees: list[str], not_seen: list[str]
) -> None:
    serve(house, a_plan("PO-2", "submitted"), a_plan("PO-3", regent="regencia-1"))
    browser = await signed_in(house, who)

    page = (await browser.get("/desk")).text
    landed = (await browser.get("/")).text

    assert all(one in page for one in sees)
    assert not any(one in page for one in not_seen)
    assert 'href="/desk"' in landed


async def test_an_inspection_is_sent_as_it_was_filled_in_and_what_is_wrong_stands_beside_its_field(
    house: House,
) -> None:
    no = {
        "status": 409,
        "slug": "tree-unknown",
        "detail_es": "La parcela no tiene el árbol 999.",
        "detail_en": "No tree 999.",
    }
    api = serve(house, a_plan("PO-3"), **{"POST_/v1/inspections": no})
    browser = await signed_in(house, "supervisor")
    fields = {
        "form_token": await form_token(browser), "place": "PO-3|PC 01", "number": "inf-7", "trees_sampled": "12",
        "trees_absent": "2", "trees_mismatched": "x", "volume": "6.5", "codes": "501, 999",
    }  # fmt: skip

    wrong = await browser.post("/desk/inspections", data=fields)
    refused = await browser.post("/desk/inspections", data=fields | {"trees_mismatched": "1"})
    api.answers["POST /v1/inspections"] = inspection("PO-3")
    done = await browser.post("/desk/inspections", data=fields | {"trees_mismatched": "1", "codes": "501"})

    assert wrong.status_code == refused.status_code == 422
    assert "Escriba un número entero." in wrong.text
    assert "La parcela no tiene el árbol 999." in refused.text
    assert 'value="inf-7"' in refused.text
    assert done.headers["location"] == "/desk/inspections?done=inspection_recorded"
    sent = [orjson.loads(body) for call, _, _, body in api.asked if call == "POST /v1/inspections"]
    assert sent[-1] == {
        "number": "INF-7", "plan": "PO-3", "parcel": "PC 01", "trees_sampled": 12, "trees_absent": 2, "trees_mismatched": 1,
        "volume_dm3": 6500, "trees": ["501"],
    }  # fmt: skip


async def test_a_certificate_is_registered_changed_and_ended_by_form(house: House) -> None:
    number = KNOWN["number"]
    api = serve(house, **{
        "POST_/v1/certificates": KNOWN, f"GET_/v1/certificates/{number}": KNOWN,
        f"POST_/v1/certificates/{number}/members": KNOWN, f"POST_/v1/certificates/{number}/end": KNOWN,
    })  # fmt: skip
    browser = await signed_in(house, "certificadora")
    token = {"form_token": await form_token(browser)}
    new = {"code": "CB-FM/COC-000001", "scheme": "fsc", "holder": "comunidad-a", "valid_from": "2026-01-01",
           "valid_to": "2030-12-31", "hectares": "12.5", "org0": "comunidad-a", "last_day0": "2027-01-01"}  # fmt: skip

    form = await browser.get("/certifier/new")
    lacking = await browser.post("/certifier/new", data=token | new | {"code": ""})
    made = await browser.post("/certifier/new", data=token | new)
    joined = await browser.post(
        f"/certifier/{number}/members",
        data=token | {"org": "comunidad-a", "first_day": "2026-05-01", "reason": "entra"},
    )
    unsure = await browser.post(f"/certifier/{number}/end", data=token | {"reason_end": "venció"})
    ended = await browser.post(f"/certifier/{number}/end", data=token | {"reason_end": "venció", "sure": "yes"})

    assert '<option value="cert-1"' not in form.text, "a certification body does not certify itself"
    assert lacking.status_code == unsure.status_code == 422
    assert 'value="12.5"' in lacking.text
    done = [answer.headers["location"].partition("?")[2] for answer in (made, joined, ended)]
    assert done == ["done=certificate_registered", "done=members_changed", "done=certificate_ended"]
    sent = {call: orjson.loads(body) for call, _, _, body in api.asked if call.startswith("POST")}
    assert sent["POST /v1/certificates"] == {
        "code": "CB-FM/COC-000001", "scheme": "fsc", "holder": "comunidad-a", "valid_from": "2026-01-01",
        "valid_to": "2030-12-31", "area_m2": 125_000,
        "members": [{"org": "comunidad-a", "first_day": "2026-01-01", "last_day": "2027-01-01"}],
    }  # fmt: skip
    assert sent[f"POST /v1/certificates/{number}/end"] == {"reason": "venció"}


async def test_a_form_that_is_clicked_twice_is_one_command_and_a_changed_one_another(house: House) -> None:
    keys: list[bytes] = []
    api = serve(house, **{"POST_/v1/organisations": PARTIES["items"][0]})

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            keys.append(dict(scope["headers"]).get(b"idempotency-key", b""))
        await api(scope, receive, send)

    house.app.state.backends.permits.http._transport.app = listening
    browser = await signed_in(house, "operador")
    form = {"form_token": await form_token(browser), "id": "cn-b", "name": "CN B", "kind": "community"}

    for sent in (form, form, form | {"name": "CN C"}, form | {"form_token": await form_token(browser)}):
        await browser.post("/operator/organisations", data=sent)

    assert all(keys)
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
