"""Where an auditor begins: what needs attention first, and the lists, over answers that are written down."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from services.portal.attention import counted
from tests.portal.conftest import Open, Written
from tests.portal.signed import sign_in
from tests.portal.test_operator import let_answer
from tests.portal.test_pages import read
from tests.portal.test_session import House, signed_in
from tests.shared.lot.test_doubt import first, revoke
from tests.shared.lot.wood import Wood
from tests.tokens import Issuer

UNDER = {"as_of": 40, "origin": "o", "checkpoint": "c", "next": None}
COUNTS = {
    "counts": [
        {"severity": "S4", "rule": "C01", "open": 2, "resolved": 1}, {"severity": "S3", "rule": "B01", "open": 1, "resolved": 0},
        {"severity": "S3", "rule": "T02", "open": 5, "resolved": 0},
    ]
}  # fmt: skip
LOT = {
    "id": "LOTE-9", "holder": "aserradero-1", "buyer": None, "claim": None, "volume_dm3": 12_345, "pieces": 3,
    "species": ["Cedrela odorata"], "permits": ["P-1"], "index": 30, "sold_index": None, "worst": "S4",
}  # fmt: skip
LINE = {
    "permit": "P-1", "parcel": "PC 01", "species": "Cedrela odorata", "product": "roundwood", "authorised_dm3": 1000,
    "drawn_dm3": 1500, "balance_dm3": -500, "felled_dm3": 0, "cut_dm3": 0, "guides": 1,
}  # fmt: skip
PLAN = {
    "id": "PO-17", "org": "comunidad-a", "number": "PO 17", "season": "2026", "state": "submitted",
    "census": {"trees": 120, "harvestable_dm3": 600_000},
}  # fmt: skip
ITEM = "0e0d9f6e-1f5e-5c83-9a0e-0f5f3b5a6c11"
FOUND = {
    "index": 31,
    "finding": {"rule": "C01", "status": "FAIL", "severity": "S4", "subject": ITEM, "text_es": "No está en el censo.",
                "text_en": "Not in the census.", "norm": "", "source": "", "computed": {"census_dm3": 5881}, "threshold": {}},
    "about": {"kind": "log", "code": "501/A", "species": "Cedrela odorata", "parcel": "PC 01", "permit": "P-1"},
}  # fmt: skip
PERMIT = {
    "number": "P-1", "title": "T-1", "plan": "PO-17", "holder": "comunidad-a", "status": "suspended",
    "since": "2026-01-01T00:00:00Z", "harvest_from": "2025-01-01", "harvest_to": "2026-12-31", "move_to": "2027-12-31",
    "authorised_dm3": 1_000_000, "index": 5,
}  # fmt: skip
COMMUNITY = {"id": "comunidad-a", "name": "Comunidad A", "kind": "community", "region": "madre-de-dios", "log": None}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        found = House(tmp_path, stack)
        await found.open()
        yield found


def let_all_answer(house: House, **lots: Any) -> None:
    let_answer(house, "custody", {
        "GET /v1/findings/summary": UNDER | COUNTS, "GET /v1/findings": UNDER | {"findings": [FOUND]},
        "GET /v1/lots": UNDER | {"lots": [LOT]} | lots, "GET /v1/balances": UNDER | {"balances": [LINE]},
        "GET /v1/authorisations": UNDER | {"authorisations": [PERMIT]},
    })  # fmt: skip
    let_answer(house, "permits", {
        "GET /v1/plans": {"items": [PLAN], "next": None}, "GET /v1/organisations": {"items": [COMMUNITY], "next": None},
    })  # fmt: skip


async def test_an_auditor_is_shown_what_needs_attention_first_without_typing_a_code(house: House) -> None:
    let_all_answer(house)
    auditor = await signed_in(house, "auditor")

    page = read(await auditor.get("/auditor"))

    assert page.said.index("muy graves, abiertas") < page.said.index("C01: 2") < page.said.index("T02: 5, B01: 1")
    for said in ("LOTE-9", "0.500 m³ de más", "PO-17", "Troza 501/A", "Lotes más recientes"):
        assert said in page.said, said


async def test_what_one_service_does_not_say_does_not_hide_the_rest(house: House) -> None:
    let_all_answer(house)
    auditor = await signed_in(house, "auditor")
    let_answer(house, "permits", {})

    page = read(await auditor.get("/auditor"))

    assert "LOTE-9" in page.said
    assert "no responde por ahora" in page.said


async def test_with_nothing_to_look_at_the_page_says_so(house: House) -> None:
    let_answer(house, "custody", {
        "GET /v1/findings/summary": UNDER | {"counts": []}, "GET /v1/findings": UNDER | {"findings": []},
        "GET /v1/lots": UNDER | {"lots": []}, "GET /v1/balances": UNDER | {"balances": []},
    })  # fmt: skip
    let_answer(house, "permits", {"GET /v1/plans": {"items": [], "next": None}})
    auditor = await signed_in(house, "auditor")

    page = read(await auditor.get("/auditor"))

    for said in ("Ninguno de los lotes mirados está por revisar", "Ningún permiso movió más", "Todavía no hay lotes"):
        assert said in page.said


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("lots", ("LOTE-9", "muy grave", "12.345 m³", "sin vender")),
        ("permits", ("P-1", "suspendido", "1,000.000 m³", "PO-17")),
        ("plans", ("PO-17", "120 árboles", "Pericia del censo")),
        ("communities", ("Comunidad A", "Madre de Dios")),
    ],
)
async def test_lists_are_there_for_who_watches_and_for_nobody_else(
    house: House, path: str, said: tuple[str, ...]
) -> None:
    let_all_answer(house)
    auditor, community = await signed_in(house, "auditor"), await signed_in(house, "comunidad")

    page = read(await auditor.get(f"/auditor/{path}"))

    assert [one for one in said if one not in page.said] == []
    assert (await community.get(f"/auditor/{path}")).status_code == 403


async def test_a_filter_goes_to_the_service_and_along_to_the_next_page(house: House) -> None:
    custody = let_answer(house, "custody", {"GET /v1/lots": UNDER | {"lots": [LOT], "next": "abc="}})
    auditor = await signed_in(house, "auditor")

    page = await auditor.get("/auditor/lots", params={"code": " lote-9 ", "severity": "S3"})

    asked = parse_qs(custody.asked[-1][1])
    assert (asked["code"], asked["severity"], asked["limit"]) == (["LOTE-9"], ["S3"], ["25"])
    assert "code=LOTE-9&amp;severity=S3&amp;cursor=abc%3D" in page.text
    assert (await auditor.get("/auditor/lots?severity=S9")).status_code == 422


async def test_findings_are_told_in_words(house: House) -> None:
    let_all_answer(house)
    auditor = await signed_in(house, "auditor")

    page = read(await auditor.get("/auditor/findings"))

    for said in ("Troza 501/A", "Cedrela odorata", "censo", "5.881 m³"):
        assert said in page.said
    assert "census_dm3" not in page.said


def test_the_gravest_come_first_and_none_is_told_as_none() -> None:
    found = counted(COUNTS["counts"])

    assert [(one.severity, one.open, one.resolved, one.mark) for one in found] == [
        ("S4", 2, 1, "no"), ("S3", 6, 0, "no"), ("S2", 0, 0, "yes"), ("S1", 0, 0, "yes"),
    ]  # fmt: skip
    assert found[1].rules == (("T02", 5), ("B01", 1))


def sold(*, length_mm: int = 13_000, doubted: bool = False) -> bytes:
    """The proof file of LOTE-01: a stem longer than the census has it is an S2 of the census family, a key in doubt one of the
    documents."""
    wood = Wood()
    stem = wood.fell("501", length_mm=length_mm)
    logs = wood.cut(stem, "501")
    wood.guide("001-0000017", logs)
    wood.sell("LOTE-01", logs, seller="aserradero-1", buyer="otra-1")
    if doubted:
        revoke(wood, "comunidad-a", first(wood, "log.cut"))
    return wood.bundle("LOTE-01")


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        ({"length_mm": 15_500, "doubted": True}, True),  # two of S2 of different families: neither is grave by itself
        ({"length_mm": 15_500}, False),
        ({"doubted": True}, False),
        ({}, False),
    ],
)
async def test_lots_to_review_are_those_whose_verdict_says_so(
    open_portal: Open, bundle: dict[str, Any], said: bool
) -> None:
    """Whatever the gravest finding is that custody ever had of it: here S4, as of one that was resolved."""
    custody = Written(
        {"/v1/lots/LOTE-01/bundle": sold(**bundle), "/v1/lots": UNDER | {"lots": [LOT | {"id": "LOTE-01"}]}}
    )
    browser = await open_portal(custody=custody)
    sign_in(browser, Issuer(), "auditor", org="auditoria-1")

    verdict = read(await browser.get("/v/LOTE-01")).said
    start = read(await browser.get("/auditor")).said
    listed = read(await browser.get("/auditor/lots?review=yes")).said

    assert ("POR REVISAR" in verdict) is said
    assert ("POR REVISAR" in start) is said
    assert ("LOTE-01" in listed) is said
    if not said:
        assert "Ninguno de los lotes mirados está por revisar" in start


async def test_a_lot_that_could_not_be_judged_is_not_left_out(open_portal: Open) -> None:
    browser = await open_portal(custody=Written({"/v1/lots": UNDER | {"lots": [LOT]}}))
    sign_in(browser, Issuer(), "auditor", org="auditoria-1")

    listed = read(await browser.get("/auditor/lots?review=yes")).said

    assert "LOTE-9" in listed
    assert "sin calcular todavía" in listed
