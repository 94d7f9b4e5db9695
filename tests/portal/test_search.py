"""One box takes a code, a number, a hash or the address of a QR code, and sends to the right page."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.search import candidates
from tests.custody.conftest import PERMIT, Custody
from tests.portal.conftest import SILENT, Open, Written
from tests.portal.test_pages import a_lot, a_standing

SID, ITEM = "ab" * 32, "0e0d9f6e-1f5e-5c83-9a0e-0f5f3b5a6c11"
NUMBERS = ("lot", "permit", "guide")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("LOTE-01", tuple((kind, "LOTE-01") for kind in NUMBERS)),
        ("  lote 01 ", tuple((kind, "LOTE-01") for kind in NUMBERS)),
        (ITEM, (("item", ITEM),)),
        (ITEM.upper(), (("item", ITEM),)),
        (SID.upper(), (("record", SID),)),
        ("https://madera.test/v/LOTE-01", (("lot", "LOTE-01"),)),
        ("https://madera.test/v/LOTE-01?lang=en#x", (("lot", "LOTE-01"),)),
        ("/permits/RGR-1", (("permit", "RGR-1"),)),
        ("madera.test/guides/017-0001426", (("guide", "017-0001426"),)),
        (f"http://x/items/{ITEM}", (("item", ITEM),)),
        (f"http://x/v/{ITEM}", ()),
        ("", ()),
        ("   ", ()),
        ("/", ()),
        ("<script>", ()),
        ("ñandú", ()),
        ("//[", ()),
        ("//%5B", ()),
        ("http://[/v/LOTE-01", ()),
        ("http://[::1]/v/LOTE-01", (("lot", "LOTE-01"),)),
    ],
)
def test_what_was_typed_is_recognised(typed: str, found: tuple[tuple[str, str], ...]) -> None:
    assert candidates(typed) == found


@given(st.text() | st.text("/[]:@.%?#a1"))
def test_anything_may_be_typed(typed: str) -> None:
    assert len(candidates(typed)) <= 3


async def test_the_box_leads_to_the_page_of_what_exists(browser: httpx.AsyncClient, ready: Custody) -> None:
    log = await a_lot(ready)
    sid = (await ready.get(f"/v1/items/{log}"))["history"][0]["sid"]

    for typed, page in (("lote 01", "/v/LOTE-01"), (log, f"/items/{log}"), (sid, f"/records/{sid}")):
        answer = await browser.get("/search", params={"q": typed})
        assert (answer.status_code, answer.headers["location"]) == (303, page)


async def test_the_chosen_language_goes_along(open_portal: Open) -> None:
    browser = await open_portal(permits=Written({f"/v1/permits/{PERMIT}/verify": a_standing()}))

    answer = await browser.get("/search", params={"q": PERMIT.lower(), "lang": "en"})

    assert answer.headers["location"] == f"/permits/{PERMIT}?lang=en"


async def test_nothing_typed_leads_to_the_box(open_portal: Open) -> None:
    browser = await open_portal()

    for typed in ("", "   "):
        answer = await browser.get("/search", params={"q": typed, "lang": "en"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=en")


@pytest.mark.parametrize("typed", ["NO-HAY", "????", "//[", "http://[/v/LOTE-01", SID, "x" * 300, "x" * 3000])
async def test_what_is_not_found_is_said(open_portal: Open, typed: str) -> None:
    browser = await open_portal()

    answer = await browser.get("/search", params={"q": typed})

    assert answer.status_code == 404
    assert "No se puede mostrar" in answer.text


async def test_nothing_is_said_to_be_missing_while_a_service_is_silent(open_portal: Open) -> None:
    browser = await open_portal(permits=Written({"/v1/permits/RGR-1/verify": SILENT}))

    assert (await browser.get("/search", params={"q": "RGR-1"})).status_code == 503
