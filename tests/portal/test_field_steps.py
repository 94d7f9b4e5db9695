"""Supervisions, crowns and papers by forms, over the real permits: from what a supervisor finds to the end of an appeal, from an image to
what the next review says of it."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from services.permits.domain.field_norms import checklist, kinds_by_numeral
from services.permits.domain.finding_life import STEPS as LIFE
from services.permits.schemas import supervisions as bodies
from services.portal import field_steps
from services.portal.acts import Filled
from tests.permits.conftest import (
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    PLAN,
    SUPERVISOR,
    Permits,
    Person,
    database,
    introduced,
    migrated,
    open_permits,
    permits,
)
from tests.permits.test_crowns import PNG
from tests.permits.test_field_supervision import LINES
from tests.portal.conftest import Open
from tests.portal.test_steps import Desk

__all__ = ["database", "introduced", "migrated", "open_permits", "permits"]

AT, CROWNS = f"/plans/{PLAN}/supervisions", f"/plans/{PLAN}/crowns"
OTHER = Person("supervisor", "osinfor-md", "u-another", "*")
VOLUME = "SUP-01|PC 01|Myroxylon balsamum|21"
FOUND = {
    "found0_parcel": "PC 01", "found0_species": "Myroxylon balsamum", "found0_numeral": "21", "found0_volume": "4.000",
    "found0_reason": "El árbol no existe",
}  # fmt: skip
PDF = b"%PDF-1.7\n1 0 obj\n%%EOF\n"


@pytest.fixture
async def desk(open_portal: Open, permits: Permits) -> Desk:
    """A portal before a permits with a permit in force."""
    await permits.issued_permit(lines=LINES)
    return Desk(permits, await open_portal(permits=permits.app))


def offers(page: str) -> set[str]:
    return set(re.findall(r'action="/plans/[^"]+/supervisions/(\w+)', page))


async def volume_of(desk: Desk) -> Any:
    [one] = (await desk.permits.get(f"/v1/plans/{PLAN}/supervisions/SUP-01", MANAGER))["volumes"]
    return one


async def test_a_volume_is_found_answered_upheld_appealed_and_lifted_by_forms(desk: Desk) -> None:
    assert offers(await desk.page(SUPERVISOR, AT)) == {"open"}
    days = {"visited_from": "2026-11-20", "visited_to": "2026-11-24"}
    await desk.take(SUPERVISOR, "open", at=AT, number="SUP-01", permit="", **days)
    assert offers(await desk.page(SUPERVISOR, AT)) == {"open", "volumes", "documents", "notify"}
    await desk.take(SUPERVISOR, "volumes", at=AT, of="SUP-01", **FOUND)
    early = await desk.take(SUPERVISOR, "notify", 422, at=AT, of="SUP-01", sure="yes")
    assert "Falta decir de estos documentos" in early
    checked = {f"document_{name}": "present" for name in checklist()}
    await desk.take(SUPERVISOR, "documents", at=AT, of="SUP-01", **checked)
    await desk.take(SUPERVISOR, "notify", 422, at=AT, of="SUP-01")
    await desk.take(SUPERVISOR, "notify", at=AT, of="SUP-01", sure="yes")

    paper = (await desk.permits.paper("other", PDF, MANAGER, media_type="application/pdf"))["sha256"]
    assert offers(await desk.page(MANAGER, AT)) == {"answer"}
    await desk.take(MANAGER, "answer", at=AT, of="SUP-01", answer="Está 40 m al norte", attachments=paper)
    assert offers(await desk.page(SUPERVISOR, AT)) == {"open", "conclude", "decide_volume"}
    await desk.take(SUPERVISOR, "decide_volume", at=AT, of=VOLUME, decision="upheld", text="No se halló")
    await desk.take(SUPERVISOR, "conclude", at=AT, of="SUP-01", conclusion="Falta un árbol", sure="yes")
    assert (await volume_of(desk))["state"] == "upheld"
    assert "Cuenta en V2, V3 y en el historial." in await desk.page(MANAGER, AT)

    assert offers(await desk.page(MANAGER, AT)) == {"appeal_volume"}
    await desk.take(MANAGER, "appeal_volume", at=AT, of=VOLUME, text="Hay foto y punto", documents=paper)
    told = await desk.page(MANAGER, AT)
    assert "No cuenta contra nadie." in told
    assert "Hay foto y punto" in told
    same = await desk.take(SUPERVISOR, "close_volume", 422, at=AT, of=VOLUME, outcome="lifted", text="x")
    assert "hace falta otra persona" in same
    await desk.take(OTHER, "close_volume", at=AT, of=VOLUME, outcome="lifted", text="La foto lo muestra")

    one = await volume_of(desk)
    assert (one["state"], one["outcome"], one["counts"]) == ("closed", "lifted", False)
    assert [act["documents"] for act in one["acts"] if act["act"] == "appeal"] == [[paper]]


async def test_acts_are_offered_to_whom_they_belong_and_closed_supervisions_are_everybodys(desk: Desk) -> None:
    days = {"visited_from": "2026-11-20", "visited_to": "2026-11-24"}
    await desk.take(SUPERVISOR, "open", at=AT, number="SUP-01", permit="", **days)

    assert offers(await desk.page(MEMBER, AT)) == set()
    assert "SUP-01" in await desk.page(MEMBER, AT)
    stranger = httpx.AsyncClient(transport=desk.browser._transport, base_url=str(desk.browser.base_url))
    page = await stranger.get(AT, headers={"accept": "text/html"})
    assert (page.status_code, "SUP-01" in page.text) == (200, False), "it is not closed"
    await desk.take(MEMBER, "answer", 403, at=AT, of="SUP-01", answer="x")
    hidden = await desk.take(NEIGHBOUR, "answer", 422, at=AT, of="SUP-01", answer="x")
    assert "No existe supervisión" in hidden
    unknown = await desk.take(SUPERVISOR, "burn", 404, at=AT)
    assert "acto" in unknown


@pytest.mark.parametrize(
    ("role", "org", "offered"),
    [
        ("manager", "comunidad-a", True), ("regent", "regencia-a", True), ("company", "maderera-a", True),
        ("member", "comunidad-a", False), ("manager", "comunidad-b", False), ("regent", "regencia-b", False), ("company", "maderera-b", False),
    ],
)  # fmt: skip
def test_a_volume_is_appealed_by_whom_it_is_held_against(role: str, org: str, offered: bool) -> None:
    plan = {"org": "comunidad-a", "regent": "regencia-a"}
    permits = [{"number": "P-1", "holder": "maderera-a"}, {"number": "P-2", "holder": "maderera-b"}]
    one = {"number": "SUP-01", "permit": "P-1", "state": "closed", "supervisor": "osinfor"}
    against = field_steps.held_against(one, plan, permits)

    for state in ("upheld", "appealed"):
        volume = {"parcel": "PC 01", "species": "Myroxylon balsamum", "numeral": 21, "state": state}
        found = [each.step for each in field_steps.of_volume(one, volume, against, {role}, org)]
        assert found == ([field_steps.APPEAL] if offered else [])
    accepted = {"parcel": "PC 01", "species": "Myroxylon balsamum", "numeral": 21, "state": "accepted"}
    assert field_steps.of_volume(one, accepted, against, {role}, org) == []


def test_a_form_says_what_it_lacks() -> None:
    wrong = Filled(FOUND | {"of": "SUP-01", "found0_volume": "mucho", "found1_reason": "sin especie"})

    number, body = field_steps.body_of(field_steps.VOLUMES, wrong, [])

    assert number == "SUP-01"
    assert set(wrong.faults) == {"found0_volume", "found1_species", "found1_parcel", "found1_numeral", "found1_volume"}
    right = Filled(FOUND | {"of": "SUP-01"})
    body = field_steps.body_of(field_steps.VOLUMES, right, [])[1]
    assert right.faults == {}
    assert bodies.VolumesIn.model_validate(body).volumes[0].volume_dm3 == 4_000


@pytest.mark.parametrize(("numeral", "sent"), [("21", 21), ("²", 0), ("-1", 0), ("", 0), ("9" * 5000, 0)])
def test_a_volume_is_named_by_a_numeral_of_few_digits(numeral: str, sent: int) -> None:
    form = Filled({"of": f"SUP-01|PC 01|Myroxylon balsamum|{numeral}", "text": "x"})

    number, body = field_steps.body_of(field_steps.APPEAL, form, [])

    assert (number, body["parcel"], body["numeral"]) == ("SUP-01", "PC 01", sent)


def test_every_step_of_a_volume_has_a_form_with_its_ends() -> None:
    """The table of findings is that of volumes: an act of it that gains an end must be offered here."""
    ends: dict[str, set[str]] = {}
    for step in LIFE:
        if step.act == "close":
            ends.setdefault(step.before, set()).add(step.outcome)

    assert {state: set(options) for state, options in field_steps.ENDS.items()} == ends
    assert set(field_steps.NUMERALS) == {str(one) for one in kinds_by_numeral()}
    for step, body in ((field_steps.DECIDE, bodies.VolumeDecisionIn), (field_steps.CLOSE, bodies.VolumeClosingIn),
                       (field_steps.APPEAL, bodies.VolumeWordIn)):  # fmt: skip
        assert {one.name for one in step.asks} == set(body.model_fields) - {"parcel", "species", "numeral"}


# ---- crowns


async def send(
    desk: Desk, who: Person, path: str, file: bytes | None = None, name: str = "dron.png", **fields: str
) -> httpx.Response:
    form = {"form_token": desk.as_(who)} | fields
    return await desk.browser.post(
        path, data=form, files={"file": (name if file else "", file or b"", "application/octet-stream")}
    )


async def test_an_image_is_attached_with_what_was_seen_in_it(desk: Desk) -> None:
    look = {"plan": PLAN, "taken_on": "2026-01-10", "device": "drone", "there|PC 01": "501", "missing|PC 01": "1170"}

    lacking = await send(desk, SUPERVISOR, "/uploads/crowns", **look)
    nothing = await send(desk, SUPERVISOR, "/uploads/crowns", PNG, **(look | {"there|PC 01": "", "missing|PC 01": ""}))
    unknown = await send(desk, SUPERVISOR, "/uploads/crowns", PNG, **(look | {"missing|PC 01": "9999"}))
    sheet = await send(desk, SUPERVISOR, "/uploads/crowns", b"a;b\n", "lista.png", **look)
    done = await send(desk, SUPERVISOR, "/uploads/crowns", PNG, **look)

    assert [one.status_code for one in (lacking, nothing, unknown, sheet)] == [422] * 4
    assert "Falta la imagen." in lacking.text
    assert "Falta este dato." in nothing.text
    assert "9999" in unescape(unknown.text)
    assert done.headers["location"] == f"{CROWNS}?done=crowns_attached"
    [kept] = (await desk.permits.get(f"/v1/plans/{PLAN}/crowns", SUPERVISOR))["items"]
    assert {one["code"]: one["crown"] for one in kept["trees"]} == {"501": True, "1170": False}
    page = await desk.page(MANAGER, CROWNS)
    assert "no hizo el plan" in page
    again = await send(desk, SUPERVISOR, "/uploads/crowns", **(look | {"image": kept["image"]}))
    assert again.status_code == 303, "the same look again is the one that is there"


async def test_crowns_are_for_those_concerned(desk: Desk) -> None:
    desk.as_(NEIGHBOUR)
    assert (await desk.browser.get(CROWNS)).status_code == 404
    look = {"plan": PLAN, "taken_on": "2026-01-10", "device": "drone", "there|PC 01": "501"}
    assert (await send(desk, MEMBER, "/uploads/crowns", PNG, **look)).status_code == 403
    assert "Nadie ha mirado este plan" in await desk.page(MANAGER, CROWNS)
    assert (await send(desk, MANAGER, "/uploads/crowns", PNG, **look)).status_code == 303


# ---- papers


async def test_a_paper_is_kept_found_handed_out_and_let_be_read(desk: Desk) -> None:
    kept = await send(desk, MANAGER, "/uploads/papers", PDF, "contrato.pdf", kind="third_party_contract")
    again = await send(desk, MANAGER, "/uploads/papers", PDF, "copia.pdf", kind="third_party_contract")
    wrong = await send(desk, MANAGER, "/uploads/papers", b"MZ\x90", "programa.pdf", kind="other")
    none = await send(desk, MANAGER, "/uploads/papers", kind="other")
    at = kept.headers["location"].partition("?")[0]

    assert (kept.status_code, again.headers["location"]) == (303, kept.headers["location"])
    assert (wrong.status_code, none.status_code) == (422, 422)
    assert "Contrato con tercero" in await desk.page(MANAGER, "/community/papers")
    file = await desk.browser.get(f"{at}/file")
    assert (file.content, file.headers["content-type"]) == (PDF, "application/pdf")
    assert file.headers["content-disposition"].startswith("attachment")
    desk.as_(NEIGHBOUR)
    assert [(await desk.browser.get(one)).status_code for one in (at, f"{at}/file")] == [404, 404]
    form = {"form_token": desk.as_(MANAGER), "reader": "comunidad-b", "until": "2030-01-01"}
    unknown = await desk.browser.post(f"{at}/readers", data=form | {"reader": "nadie"})
    shared = await desk.browser.post(f"{at}/readers", data=form)
    assert (unknown.status_code, shared.status_code) == (422, 303)
    assert "hasta el 1 ene. 2030" in await desk.page(MANAGER, at)
    desk.as_(NEIGHBOUR)
    assert (await desk.browser.get(f"{at}/file")).content == PDF


async def test_a_paper_kept_for_a_contract_leads_back_to_it_and_nowhere_else(desk: Desk) -> None:
    back = "/community/contracts/c-1/text"

    home = await send(desk, MANAGER, "/uploads/papers", PDF, "a.pdf", kind="other", back=back)
    away = await send(
        desk, MANAGER, "/uploads/papers", PDF, "a.pdf", kind="other", back="https://example.org/community/contracts/"
    )

    assert home.headers["location"].startswith(f"{back}?annex=")
    assert away.headers["location"].startswith("/community/papers/")
