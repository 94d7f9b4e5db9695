"""What a community records by form: over a real custody, with a session, each form once."""

import re
from base64 import b64decode
from html import unescape

import httpx
import pytest

from services.portal.naming import section_letters
from services.portal.session import Session
from shared.timber.event import parse_entry
from shared.timber.measure import mean_of_ends_dm3
from tests.custody.conftest import PARCEL, PERMIT, PLAN, SPECIES, Custody, cut, felling, log_id, status_list
from tests.custody.test_guides import now
from tests.custody.test_lots import sold
from tests.portal.conftest import HEALTHY, Open, Written
from tests.portal.signed import sign_in

WINDOW = {"harvest_from": "2025-07-22", "harvest_to": "2027-07-21", "move_to": "2099-12-31"}
PERMITS = {
    "/v1/titles": {"items": [], "next": None},
    "/v1/plans": {"items": [], "next": None},
    "/v1/permits": {"items": [{"number": PERMIT, "plan": PLAN, "state": "in_force", "holder": "comunidad-a", **WINDOW}], "next": None},
    "/v1/organisations": {"next": None, "items": [
        {"id": "aserradero-1", "name": "Aserradero El Águila", "kind": "mill"},
        {"id": "comunidad-a", "name": "Comunidad A", "kind": "community"},
        {"id": "nadie", "name": "Nadie", "kind": "company"},
    ]},
}  # fmt: skip
MEASURES = {"large": "75", "small": "72", "length": "13.3", "species": SPECIES, "day": "2026-11-01", "hour": "08:30"}
ADDRESSEE, BUYER = "aserradero-1", "comprador-1"


class Desk:
    """A person of the community before the forms."""

    def __init__(self, browser: httpx.AsyncClient, custody: Custody) -> None:
        self.browser, self.custody = browser, custody
        self.session: Session = sign_in(browser, custody.issuer, "manager", org="comunidad-a")

    def sit(self, *roles: str, org: str) -> None:
        """Somebody else sits down."""
        self.session = sign_in(self.browser, self.custody.issuer, *roles, org=org)

    async def see(self, path: str, status: int = 200) -> str:
        answer = await self.browser.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    async def fill(self, path: str, fields: dict[str, str], look: str = "") -> httpx.Response:
        """Send a form as a browser does: what the page holds, then what was written over it."""
        page = await self.see(look or path)
        held = {
            name: unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
        }
        return await self.browser.post(path, data=held | {"form_token": self.session.form_token()} | fields)

    async def leave(self, guide: str, hour: str) -> httpx.Response:
        fields = {"form_token": self.session.form_token(), "day": "2026-11-04", "hour": hour}
        return await self.browser.post(f"/community/guides/{guide}/departure", data=fields)

    async def fell(self, code: str = "501", **fields: str) -> httpx.Response:
        look = f"/community/felling?permit={PERMIT}&code={code}"
        return await self.fill("/community/felling", MEASURES | {"parcel": PARCEL} | fields, look)


@pytest.fixture
async def desk(open_portal: Open, ready: Custody) -> Desk:
    policy = f"log {ready.keys.log.verifier.vkey}\nquorum none\n"
    return Desk(await open_portal(policy, custody=ready.app, permits=Written(HEALTHY | PERMITS)), ready)


def field(page: str, name: str) -> str:
    """The field of this name, from its label to its error."""
    for part in page.split('<div class="field">')[1:]:
        if f'name="{name}"' in part:
            return part.partition("</div>")[0]
    raise AssertionError(f"no field {name}")


async def size(custody: Custody) -> int:
    return int((await custody.get("/v1/balances", "manager"))["as_of"])


async def pieces(custody: Custody, code: str) -> list[str]:
    return [one["id"] for one in (await custody.get("/v1/items", code=code, permit=PERMIT))["items"]]


async def test_a_felling_is_recorded_with_the_official_volume_and_shown_with_its_entry(desk: Desk) -> None:
    looked = await desk.see(f"/community/felling?permit={PERMIT}&code=501")
    answer = await desk.fell(feller="Íñigo Ñahui")

    shown = await desk.see(answer.headers["location"])

    assert "5.881 m³" in looked, "what the census says of the tree stands beside the form"
    item = await desk.custody.get("/v1/items", code="501", permit=PERMIT)
    assert item["items"][0]["volume_dm3"] == mean_of_ends_dm3(750, 720, 13300) == 5643
    index = item["items"][0]["index"]
    assert f"entrada {index} del registro" in shown
    assert "Íñigo" not in shown
    whole = await desk.custody.get(f"/v1/items/{item['items'][0]['id']}")
    assert whole["history"][0]["time"] == "2026-11-01T13:30:00Z", "the hour of Peru is five behind"
    assert "feller" not in str(whole["history"][0]["body"])


async def test_what_no_form_of_the_community_made_leads_to_the_page_of_its_record(desk: Desk) -> None:
    await sold(desk.custody)
    feed = await desk.custody.get("/v1/records", "manager")
    sids = {record.type: record.sid for record in map(parse_entry, map(b64decode, feed["entries"]))}

    answers = {kind: await desk.browser.get(f"/community/recorded/{sid}") for kind, sid in sids.items()}

    led = {kind for kind, answer in answers.items() if answer.headers.get("location") == f"/records/{sids[kind]}"}
    assert {kind for kind, answer in answers.items() if answer.status_code == 200} == sids.keys() - led
    assert {"mill.processed", "permit.issued", "key.added"} <= led
    assert sids.keys() - led == {
        "tree.felled", "log.cut", "guide.issued", "guide.departed", "guide.received", "lot.composed", "lot.sold",
    }  # fmt: skip
    await desk.see(f"/records/{sids['mill.processed']}")


async def test_a_form_that_is_sent_twice_is_recorded_once(desk: Desk) -> None:
    fields = MEASURES | {"parcel": PARCEL, "permit": PERMIT, "code": "501", "form_id": "a" * 32}
    sent = [
        await desk.browser.post("/community/felling", data=fields | {"form_token": desk.session.form_token()})
        for _ in range(2)
    ]
    after = await size(desk.custody)
    cuts = {"permit": PERMIT, "code": "501", "form_id": "b" * 32, "day": "2026-11-02", "hour": "08:30",
            "code0": "501/A", "large0": "70", "small0": "70", "length0": "6"}  # fmt: skip
    cut_twice = [
        await desk.browser.post("/community/cut", data=cuts | {"form_token": desk.session.form_token()})
        for _ in range(2)
    ]

    assert sent[0].status_code == sent[1].status_code == 303
    assert sent[0].headers["location"] == sent[1].headers["location"]
    assert cut_twice[0].headers["location"] == cut_twice[1].headers["location"]
    assert await size(desk.custody) == after + 1


WRONG = [
    ({"large": ""}, "large", "Falta este dato."),
    ({"small": "setenta"}, "small", "Escriba un número mayor que cero"),
    ({"length": "-3"}, "length", "Escriba un número mayor que cero"),
    ({"length": "13.33333"}, "length", "Escriba un número mayor que cero, hasta el milímetro."),
    ({"day": "2026-02-30"}, "day", "Escriba un día y una hora que existan."),
    ({"large": "75000"}, "large", "debe ser un número entero"),  # so the log says, not the form
]


async def test_what_is_wrong_stands_beside_its_field_and_the_rest_stays(desk: Desk) -> None:
    for fields, name, text in WRONG:
        answer = await desk.fell(**fields)

        assert answer.status_code == 422
        assert text in field(answer.text, name)
        assert 'aria-invalid="true"' in field(answer.text, name)
        kept = next(other for other in ("large", "small") if other != name)
        assert f'value="{MEASURES[kept]}"' in field(answer.text, kept)
        assert await pieces(desk.custody, "501") == []


async def test_a_tree_that_the_census_does_not_have_is_not_felled(desk: Desk) -> None:
    page = await desk.see(f"/community/felling?permit={PERMIT}&code=999")

    assert "no tiene un árbol con ese código" in field(page, "code")
    assert "data-measures" not in page


async def test_sections_are_cut_and_go_on_with_the_next_letter(desk: Desk) -> None:
    await desk.fell()
    fields = {"day": "2026-11-02", "hour": "08:30", "code0": "501/A", "large0": "70", "small0": "70", "length0": "6",
              "code2": "501/C", "large2": "40", "small2": "40", "length2": "2", "branch2": "yes"}  # fmt: skip
    look = f"/community/cut?permit={PERMIT}&code=501"

    shown = await desk.see((await desk.fill("/community/cut", fields, look)).headers["location"])

    assert [len(await pieces(desk.custody, f"501/{letter}")) for letter in "ABC"] == [1, 0, 1]
    assert "Trozado" in shown
    assert 'value="501/C"' in (await desk.see(look)), "two sections were cut: the third letter comes next"


async def test_a_fault_in_a_section_stands_beside_that_section(desk: Desk) -> None:
    await desk.fell()
    fields = {"day": "2026-11-02", "hour": "08:30", "code0": "501/A", "large0": "70", "small0": "70", "length0": "6",
              "code2": "501/C", "large2": "99999", "small2": "40", "length2": "2"}  # fmt: skip

    answer = await desk.fill("/community/cut", fields, f"/community/cut?permit={PERMIT}&code=501")

    assert answer.status_code == 422
    assert "error" in field(answer.text, "large2")
    assert "error" not in field(answer.text, "large0")


async def two_logs(desk: Desk) -> None:
    for code in ("501", "502"):
        await desk.custody.log(felling(desk.custody, code), cut(desk.custody, code))
    await desk.custody.log(status_list(desk.custody, now()))


def dispatch(**fields: str) -> dict[str, str]:
    return {"number": "g-1", "addressee": ADDRESSEE, "issued_on": "2026-11-03", "expires_on": "2026-11-10"} | fields


async def test_the_balance_is_seen_before_a_guide_is_issued_and_drawn_after(desk: Desk) -> None:
    await two_logs(desk)
    look = f"/community/guide?permit={PERMIT}&codes=501/a,%20502/A"

    page = await desk.see(look)
    answer = await desk.fill("/community/guide", dispatch(driver="Íñigo Núñez"), look)
    shown = await desk.see(answer.headers["location"])

    assert "1,000.000 m³" in page
    assert "10.384 m³" in page
    assert "989.616 m³" in page
    assert (await desk.custody.get("/v1/guides/G-1"))["guide"]["volume_dm3"] == 10384
    assert "/guides/G-1.pdf?form=own" in shown
    assert "/community/guides/G-1/departure" in shown
    assert "989.616 m³" in await desk.see("/community")


async def test_the_log_says_why_a_guide_is_refused_beside_the_field_it_is_about(desk: Desk) -> None:
    await two_logs(desk)
    look = f"/community/guide?permit={PERMIT}&codes=501/A"
    assert (await desk.fill("/community/guide", dispatch(), look)).status_code == 303

    again = await desk.fill("/community/guide", dispatch(number="G-2"), look)
    dates = await desk.fill(
        "/community/guide",
        dispatch(number="G-3", expires_on="2026-11-01"),
        f"/community/guide?permit={PERMIT}&codes=502/A",
    )
    nobody = await desk.fill(
        "/community/guide", dispatch(number="G-4", addressee="nadie"), f"/community/guide?permit={PERMIT}&codes=502/A"
    )

    assert "ya va en la guía" in field(again.text, "codes")
    assert "antes de emitirse" in field(dates.text, "expires_on")
    assert "no está registrada" in field(nobody.text, "addressee")
    assert again.status_code == dates.status_code == nobody.status_code == 422
    english = await desk.browser.get(f"{look}&lang=en")
    assert "No whole pieces" not in english.text


async def test_codes_that_no_piece_carries_are_named(desk: Desk) -> None:
    await two_logs(desk)

    page = await desk.see(f"/community/guide?permit={PERMIT}&codes=501/A+777/Z+503/B")

    assert "777/Z, 503/B" in field(page, "codes")


async def test_a_load_leaves_and_arrives_with_what_was_measured(desk: Desk) -> None:
    await two_logs(desk)
    await desk.fill("/community/guide", dispatch(), f"/community/guide?permit={PERMIT}&codes=501/A")
    left = await desk.leave("G-1", "06:00")
    desk.sit("company", org=ADDRESSEE)
    arrived = {f"volume_{log_id('501/A')}": "5.100", "day": "2026-11-04", "hour": "17:00"}

    answer = await desk.fill("/community/reception", arrived, "/community/reception?number=g-1")

    assert left.status_code == answer.status_code == 303
    guide = (await desk.custody.get("/v1/guides/G-1"))["guide"]
    assert (guide["state"], guide["received_dm3"], guide["received_at"]) == ("received", 5100, "2026-11-04T22:00:00Z")


async def test_a_departure_that_is_said_again_leads_to_the_record_that_says_it(desk: Desk) -> None:
    await two_logs(desk)
    await desk.fill("/community/guide", dispatch(), f"/community/guide?permit={PERMIT}&codes=501/A")
    first = await desk.leave("G-1", "06:00")
    before = await size(desk.custody)

    clicked_twice, an_hour_later = await desk.leave("G-1", "06:00"), await desk.leave("G-1", "07:00")

    record = first.headers["location"]
    assert clicked_twice.headers["location"] == record
    assert an_hour_later.headers["location"] == f"{record}?done=recorded_before"
    assert "No se registró dos veces" in await desk.see(an_hour_later.headers["location"])
    assert await size(desk.custody) == before


async def test_each_form_says_first_how_its_wood_stands(desk: Desk) -> None:
    free = await desk.see(f"/community/felling?permit={PERMIT}&code=501")
    await two_logs(desk)
    felled = await desk.see(f"/community/felling?permit={PERMIT}&code=501")
    in_part = await desk.see(f"/community/cut?permit={PERMIT}&code=501")
    ready_to_go = await desk.see(f"/community/guide?permit={PERMIT}&codes=501/A")
    await desk.fill("/community/guide", dispatch(), f"/community/guide?permit={PERMIT}&codes=501/A")
    on_the_road = await desk.see(f"/community/guide?permit={PERMIT}&codes=501/A+502/A")
    desk.sit("company", org=ADDRESSEE)
    to_receive = await desk.see("/community/reception?number=G-1")

    assert "no tiene ninguna tala registrada" in free
    assert "Quedan 1,000.000 m³" in free
    assert "ya tiene una tala registrada" in felled
    assert "989.616 m³" not in felled, "nothing has been moved; what was felled counts against what may be felled"
    assert "ya tiene 1 troza registrada" in in_part
    assert "Nada impide registrar" in ready_to_go
    assert "no se pueden registrar así: 1 de 2" in on_the_road
    assert "ya va en la guía G-1" in on_the_road
    assert "no tiene su salida registrada" in to_receive


async def test_a_refused_guide_keeps_what_was_typed_and_says_what_to_do(desk: Desk) -> None:
    await two_logs(desk)
    look = f"/community/guide?permit={PERMIT}&codes=501/A"
    await desk.fill("/community/guide", dispatch(), look)

    again = (await desk.fill("/community/guide", dispatch(number="G-2", driver="Íñigo"), look)).text

    assert "501/A ya va en la guía" in field(again, "codes"), "the code on the wood, not the id of the log"
    assert "registre la recepción de esa guía o anúlela" in field(again, "codes")
    assert 'value="G-2"' in field(again, "number")
    assert 'value="Íñigo"' in field(again, "driver")


async def test_pieces_are_sold_as_a_lot_and_the_price_stays_private(desk: Desk) -> None:
    await two_logs(desk)
    look = f"/community/sale?permit={PERMIT}&codes=501/A"
    fields = {"number": "lote-1", "buyer": BUYER, "price": "1,500.50", "currency": "PEN", "price_unit": "lot"}

    answer = await desk.fill("/community/sale", fields, look)
    shown = await desk.see(answer.headers["location"])

    lot = await desk.custody.get("/v1/lots/LOTE-1")
    assert (lot["lot"]["buyer"], lot["lot"]["volume_dm3"]) == (BUYER, 5192)
    assert "150050" not in str(lot)
    assert "/v/LOTE-1" in shown
    sid = answer.headers["location"].rpartition("/")[2]
    private = await desk.custody.get(f"/v1/records/{sid}/disclosures", "manager")
    assert {one["name"]: one["value"] for one in private["fields"]} == {
        "price_cents": 150050,
        "currency": "PEN",
        "price_unit": "lot",
    }


async def test_the_first_page_shows_what_is_left_what_was_found_and_what_to_do(desk: Desk) -> None:
    await desk.custody.log(felling(desk.custody, "501", species="Cedrelinga cateniformis"))

    page = await desk.see("/community")

    assert PERMIT in page
    assert "1,000.000 m³" in page
    assert "Observaciones abiertas" in page
    assert re.search(r"Revise \d+ observaci", page)


async def test_a_mill_that_records_receptions_has_a_first_page_without_the_communitys_figures(desk: Desk) -> None:
    desk.sit("company", org=ADDRESSEE)

    page = await desk.see("/community")

    assert "/community/reception" in page
    assert "1,000.000 m³" not in page
    assert 'id="findings"' not in page


async def test_a_form_without_the_token_of_its_session_records_nothing(desk: Desk) -> None:
    before = await size(desk.custody)
    fields = MEASURES | {"parcel": PARCEL, "permit": PERMIT, "code": "501", "form_id": "a" * 32}

    refused = await desk.browser.post("/community/felling", data=fields)

    assert refused.status_code == 403
    assert await size(desk.custody) == before


@pytest.mark.parametrize(("place", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA")])
def test_sections_are_lettered_as_on_the_wood(place: int, letters: str) -> None:
    assert section_letters(place) == letters
