"""One box takes a code, a number, a hash or the address of a QR code, and sends to the right page."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.search import candidates, painted
from tests.custody.conftest import PERMIT, Custody
from tests.portal.conftest import SILENT, Open, Written
from tests.portal.test_pages import a_lot, a_standing, read

SID, ITEM = "ab" * 32, "0e0d9f6e-1f5e-5c83-9a0e-0f5f3b5a6c11"
NUMBERS = ("lot", "permit", "guide", "plan", "title")


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


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("501/A", ("501/A",)), ("501 / a", ("501/A",)), ("troza 501/A", ("501/A",)), ("Log 501/AB", ("501/AB",)),
        ("501a", ("501/A", "501A")), ("501-A", ("501/A", "501-A")), ("501 A", ("501/A",)), ("501", ("501",)),
        ("árbol 501", ("501",)), ("M-3", ("M-3",)), ("M-3/A", ("M-3/A",)), ("1170/ABCDE", ()), ("", ()), ("/", ()),
        ("ñandú", ()),
    ],
)  # fmt: skip
def test_what_is_painted_is_read_as_people_type_it(typed: str, codes: tuple[str, ...]) -> None:
    assert painted(typed) == codes


@given(st.text() | st.text("/[]:@.%?#a1"))
def test_anything_may_be_typed(typed: str) -> None:
    assert len(candidates(typed)) <= len(NUMBERS)
    assert len(painted(typed)) <= 2


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


ITEMS = [
    {"id": ITEM, "kind": "log", "code": "501/A", "species": "Cedrela odorata", "volume_dm3": 5192, "parcel": "PC 01",
     "plan": "PO-17", "permit": "P-1", "holder": "comunidad-a", "lot": None, "used": "mill", "guide": None},
    {"id": ITEM.replace("0e", "1e"), "kind": "log", "code": "501/A", "species": "Swietenia macrophylla", "volume_dm3": 900,
     "parcel": "PC 02", "plan": "PO-18", "permit": "P-2", "holder": "comunidad-b", "lot": "LOTE-7", "used": "lot",
     "guide": None},
]  # fmt: skip
PLANS = [{"id": "PO-17", "number": "PO 17", "season": "2025"}, {"id": "PO-18", "number": "PO 18", "season": "2026"}]


async def test_a_code_that_several_plans_have_is_a_list_to_choose_from(open_portal: Open) -> None:
    answer = {"items": ITEMS, "census": [], "plans": PLANS, "complete": True, "next": None}
    browser = await open_portal(custody=Written({"/v1/items": answer}))

    page = read(await browser.get("/search", params={"q": "troza 501/a"}))

    for said in ("Cedrela odorata", "PC 01", "PO 17, 2025", "aserrada", "Swietenia macrophylla", "en el lote LOTE-7"):
        assert said in page.said, said


async def test_a_code_that_only_one_piece_has_leads_to_it(open_portal: Open) -> None:
    answer = {"items": ITEMS[:1], "census": [], "plans": PLANS[:1], "complete": True, "next": None}
    browser = await open_portal(custody=Written({"/v1/items": answer}))

    found = await browser.get("/search", params={"q": "501/A"})

    assert (found.status_code, found.headers["location"]) == (303, f"/items/{ITEM}")


async def test_a_tree_that_still_stands_leads_to_its_plan(open_portal: Open) -> None:
    tree = {"plan": "PO-17", "parcel": "PC 01", "code": "501", "item": ITEM, "species": "Cedrela odorata", "volume_dm3": 5881,
            "condition": "harvestable"}  # fmt: skip
    answer = {"items": [], "census": [tree], "plans": PLANS[:1], "complete": True, "next": None}
    browser = await open_portal(custody=Written({"/v1/items": answer}))

    assert (await browser.get("/search", params={"q": "501"})).headers["location"] == "/plans/PO-17"


async def test_a_search_that_has_not_come_to_the_last_plan_says_where_it_goes_on(open_portal: Open) -> None:
    answer = {"items": ITEMS[:1], "census": [], "plans": PLANS[:1], "complete": True, "next": "abc="}
    browser = await open_portal(custody=Written({"/v1/items": answer}))

    page = await browser.get("/search", params={"q": "501/A"})

    assert page.status_code == 200
    assert "cursor=abc%3D" in page.text
