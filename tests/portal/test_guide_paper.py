"""The transport guide as a PDF, read back as a telephone and a person read it."""

from typing import Any

import httpx
import numpy as np
import pypdfium2
import pytest
import zxingcpp

from services.portal.documents.guide import END, PARTS
from tests.custody.conftest import PARCEL, PERMIT, PLAN, SPECIES, Custody, cut, felling, log_id, status_list
from tests.custody.test_guides import now
from tests.portal.conftest import HEALTHY, Open, Written
from tests.portal.signed import sign_in

LETTERS = "ABCDEFGH"
CODES = [f"{tree}/{letter}" for tree in range(501, 510) for letter in LETTERS]
SECTION_DM3 = 600
BOXES = (
    {name for _, boxes in PARTS for name, _ in boxes}
    | {name for name, _ in END}
    | {f"37{letter}" for letter in "abcdefg"}
)
PERMITS = {
    f"/v1/permits/{PERMIT}/verify": {
        "number": PERMIT, "holder": {"id": "comunidad-a", "name": "Comunidad Nativa Ñuñuwa"},
        "title": {"number": "CN-A-P-MAD-000", "official_number": None, "region": "madre-de-dios"},
        "plan": {"id": PLAN, "number": "PO-19", "season": "2025", "resolution": "RGR-0000-2025"},
    },
    "/v1/organisations/comunidad-a": {"id": "comunidad-a", "name": "Comunidad Nativa Ñuñuwa"},
    "/v1/organisations/aserradero-1": {"id": "aserradero-1", "name": "Aserradero El Águila"},
}  # fmt: skip


def sections(tree: int) -> list[dict[str, Any]]:
    return [
        {"item": log_id(f"{tree}/{letter}"), "code": f"{tree}/{letter}", "species": SPECIES, "diameter_large_mm": 700,
         "diameter_small_mm": 710, "length_mm": 1535, "volume_dm3": SECTION_DM3, "branch": False}
        for letter in LETTERS
    ]  # fmt: skip


@pytest.fixture
async def loaded(ready: Custody) -> Custody:
    """A guide over 72 logs of nine trees."""
    for tree in range(501, 510):
        await ready.log(felling(ready, str(tree)), cut(ready, str(tree), sections=sections(tree)))
    body = {
        "guide": "G-72", "form": "own", "permit": PERMIT, "addressee": "aserradero-1", "issued_on": "2026-11-03",
        "expires_on": "2026-11-20",
        "lines": [{"parcel": PARCEL, "species": SPECIES, "product": "roundwood", "volume_dm3": SECTION_DM3 * len(CODES)}],
        "items": [{"item": log_id(code), "volume_dm3": SECTION_DM3} for code in CODES],
    }  # fmt: skip
    private = {"driver": "Íñigo Núñez", "plate": "ABC-123"}
    statement = {"type": "guide.issued", "time": "2026-11-03T12:00:00Z", "body": body, "private": private}
    await ready.log(status_list(ready, now()))
    answer = await ready.http.post(
        "/v1/statements", json={"statements": [statement]}, headers=ready.issuer.headers("manager", org="comunidad-a")
    )
    assert answer.json()["results"][0]["status"] == "logged", answer.text
    return ready


@pytest.fixture
async def printer(open_portal: Open, loaded: Custody) -> httpx.AsyncClient:
    policy = f"log {loaded.keys.log.verifier.vkey}\nquorum none\n"
    client: httpx.AsyncClient = await open_portal(policy, custody=loaded.app, permits=Written(HEALTHY | PERMITS))
    return client


async def paper(printer: httpx.AsyncClient, query: str = "?form=own") -> pypdfium2.PdfDocument:
    answer = await printer.get(f"/guides/G-72.pdf{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return pypdfium2.PdfDocument(answer.content)


def said(document: pypdfium2.PdfDocument) -> list[str]:
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


async def test_a_load_of_72_logs_is_printed_whole(printer: httpx.AsyncClient) -> None:
    pages = said(await paper(printer))

    first, lists = pages[0], " ".join(pages[1:])
    assert len(pages) == 3
    assert "No reemplaza el formato oficial de la GTF" in first
    for words in (
        "G-72",
        "EMITIDA",
        "Ñuñuwa",
        "Águila",
        "Madre de Dios",
        "RGR-0000-2025",
        PERMIT,
        "43.200",
        "03/11/2026",
    ):
        assert words in first, words
    assert [code for code in CODES if f" {code} " not in lists] == []
    assert all("Código Especie Parcela" in page for page in pages[1:]), "the head of the list is on each of its pages"
    assert "Van 72 piezas, 43.200 m³" in pages[-1]
    # What has been listed up to the foot of a page is what its last row says.
    so_far = int(pages[1].rpartition("Van ")[2].split()[0])
    assert f"{so_far} {CODES[so_far - 1]} " in pages[1]
    assert f"Van {so_far} piezas, {so_far * SECTION_DM3 / 1000:.3f} m³" in pages[1]


async def test_every_box_of_the_form_stands_on_it_with_its_number(printer: httpx.AsyncClient) -> None:
    from services.portal.rendering import messages

    for language in ("es", "en"):
        texts = messages(language)
        first = said(await paper(printer, f"?form=own&lang={language}"))[0]
        for name in BOXES:
            assert f"{name} {texts[f'documents.box_{name}']}" in first, (language, name)


async def test_a_guide_that_was_checked_five_hundred_times_is_printed_as_before(
    printer: httpx.AsyncClient, loaded: Custody
) -> None:
    before = said(await paper(printer))[0]
    for start in (0, 251):
        seen = [{"guide": "G-72", "form": "own", "at": f"2026-11-04T{n // 60:02}:{n % 60:02}:00Z", "control_post": "Puesto"}
                for n in range(start, start + 251)]  # fmt: skip
        await loaded.log(*(loaded.entry("guide.checked", body, time=body["at"]) for body in seen))

    after = said(await paper(printer))[0]
    page = (await printer.get("/guides/G-72?form=own&lang=en")).text

    assert (await loaded.get("/v1/guides/G-72"))["complete"] is False
    signed = [words.partition(" 39 ")[2].partition(" 40 ")[0] for words in (before, after)]
    assert signed[0] == signed[1] != ""
    assert "before=" in page


async def test_its_code_leads_a_telephone_to_the_page_of_the_guide(printer: httpx.AsyncClient) -> None:
    page = (await paper(printer))[0]

    [code] = zxingcpp.read_barcodes(np.ascontiguousarray(page.render(scale=2).to_numpy()))

    assert code.text == "https://madera.test/guides/G-72?form=own"
    assert (await printer.get(code.text.removeprefix("https://madera.test"))).status_code == 200


async def test_the_same_log_gives_the_same_bytes(printer: httpx.AsyncClient) -> None:
    first, again = await printer.get("/guides/G-72.pdf"), await printer.get("/guides/G-72.pdf?form=own")

    assert first.content == again.content


async def test_driver_and_vehicle_are_printed_for_whoever_may_read_them(
    printer: httpx.AsyncClient, loaded: Custody
) -> None:
    public = said(await paper(printer))[0]
    sign_in(printer, loaded.issuer, "manager", org="comunidad-b")
    neighbour = said(await paper(printer))[0]
    sign_in(printer, loaded.issuer, "manager", org="comunidad-a")
    own = said(await paper(printer))[0]

    for page in (public, neighbour):
        assert "Íñigo" not in page
        assert "ABC-123" not in page
        assert page.count("reservado o no registrado") == 4
    assert "Íñigo Núñez" in own
    assert "ABC-123" in own


async def test_a_voided_guide_says_so_across_the_paper(printer: httpx.AsyncClient, loaded: Custody) -> None:
    assert "ANULADA" not in said(await paper(printer))[0]

    await loaded.log(loaded.entry("guide.voided", {"guide": "G-72", "form": "own", "reason": "error"}))

    assert said(await paper(printer))[0].count("ANULADA") == 2


async def test_a_guide_that_nobody_recorded_has_no_paper(printer: httpx.AsyncClient) -> None:
    assert (await printer.get("/guides/G-73.pdf")).status_code == 404


async def test_a_guide_is_printed_while_permits_is_silent(open_portal: Open, loaded: Custody) -> None:
    policy = f"log {loaded.keys.log.verifier.vkey}\nquorum none\n"
    printer = await open_portal(policy, custody=loaded.app)

    first = said(await paper(printer))[0]

    assert "43.200" in first
    assert "7 Titular no registrado" in first
