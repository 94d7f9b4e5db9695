"""The extraction balance report: the official one reproduced line by line, and what it gets wrong marked."""

import base64
import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from deploy.seed import sample
from deploy.seed.sample import BalanceLine
from services.custody.domain.extraction import by_product, m3, official
from shared.timber.facts import Line, Permit, Plan
from shared.web.workbook import csv_of, workbook_of
from tests.custody.conftest import Custody, genesis
from tests.permits.conftest import research_data

TITLE, PLAN, PERMIT = "CN-A-P-MAD-000", "CN-A-PO-18-20", "CN-A-2025-A"
REPORT = "/v1/balances/report"
WINDOW = {"harvest_from": "2025-07-22", "harvest_to": "2027-07-21"}


def permit(custody: Custody, number: str, lines: list[dict[str, Any]], season: str = "2025") -> list[bytes]:
    """Title, plan without census and permit over these lines."""
    parcels = [{"code": parcel, "area_m2": 14_000_000} for parcel in sorted({line["parcel"] for line in lines})]
    return [
        custody.act("title.registered", {"number": TITLE, "org": "comunidad-a", "region": "madre-de-dios",
                                         "area_m2": 67_906_000, "polygon_sha256": "0" * 64}),
        custody.act("plan.approved", {"id": PLAN, "title": TITLE, "number": "PO 18-20", "season": season,
                                      "resolution": "RGR-0", "parcels": parcels, "form_factor_milli": 650, **WINDOW,
                                      "census": {"trees": 0, "parts": 0, "root": "0" * 64}, "submitted_by": "a1",
                                      "approved_by": "b2"}),
        custody.act("permit.issued", {"number": number, "title": TITLE, "plan": PLAN, "holder": "comunidad-a", **WINDOW,
                                      "move_to": "2028-12-31", "lines": lines, "proposed_by": "a1", "approved_by": "b2"}),
    ]  # fmt: skip


def authorised(line: BalanceLine) -> dict[str, Any]:
    return moved(line) | {"volume_dm3": line.authorised_dm3}


def moved(line: BalanceLine) -> dict[str, Any]:
    return {
        "parcel": line.parcel, "species": line.species, "product": line.product, "volume_dm3": line.extracted_dm3
    }  # fmt: skip


def guide(custody: Custody, number: str, lines: list[dict[str, Any]]) -> bytes:
    body = {
        "guide": number, "form": "official", "permit": PERMIT, "addressee": "aserradero-1", "issued_on": "2026-06-10",
        "expires_on": "2026-06-10", "lines": lines,
    }  # fmt: skip
    return custody.entry("guide.issued", body, time="2026-06-10T17:00:00Z")


@pytest.fixture
async def season(custody: Custody) -> Custody:
    """The real season: 96 authorised lines, and the round wood of 78 of them moved."""
    lines = sample.balance()
    drawn = [moved(line) for line in lines if line.product == "roundwood" and line.extracted_dm3]
    await custody.log(*genesis(custody), *permit(custody, PERMIT, [authorised(line) for line in lines]))
    await custody.log(guide(custody, "BALANCE-1", drawn[:40]), guide(custody, "BALANCE-2", drawn[40:]))
    return custody


Key = tuple[str, str, str]


def figures(rows: list[dict[str, Any]]) -> dict[Key, tuple[int, int, int]]:
    return {
        (row["parcel"], row["species"], row["product"]): tuple(
            row[f"{name}_dm3"] for name in ("authorised", "extracted", "balance")
        )
        for row in rows
    }  # type: ignore[misc]


def litres(text: str) -> int:
    return int(Decimal(text) * 1000)


def of_file(rows: list[dict[str, str]], species: str) -> dict[Key, tuple[int, int, int]]:
    return {
        (row["parcel"], row[species], row["product"]): (
            litres(row["authorised_m3"]), litres(row["extracted_m3"]), litres(row["balance_m3"]),
        )
        for row in rows
    }  # fmt: skip


def shipped() -> dict[Key, tuple[int, int, int]]:
    with (sample.HERE / "balance_2025.csv").open(newline="") as file:
        return of_file(list(csv.DictReader(file)), "species")


def reference() -> dict[Key, tuple[int, int, int]]:
    text = research_data("osinfor_extraction_balance_mdd_2025.csv").decode()
    return of_file(list(csv.DictReader(io.StringIO(text))), "scientific_name")


@pytest.mark.parametrize("source", [shipped, reference])
async def test_by_product_the_81_round_wood_lines_are_those_of_the_official_report(
    season: Custody, source: Any
) -> None:
    told = figures((await season.get(REPORT, "manager"))["rows"])

    round_wood = {key: line for key, line in source().items() if key[2] == "roundwood"}
    assert len(round_wood) == 81
    assert {key: told[key] for key in round_wood} == round_wood
    firewood = {key: line for key, line in told.items() if key[2] != "roundwood"}
    assert len(firewood) == 15
    assert all(extracted == 0 and balance == left for left, extracted, balance in firewood.values())


@pytest.mark.parametrize("source", [shipped, reference])
async def test_the_official_view_gives_all_96_lines_and_marks_the_15_that_repeat(season: Custody, source: Any) -> None:
    rows = (await season.get(REPORT, "manager", view="official"))["rows"]

    assert figures(rows) == source()
    marked = [row for row in rows if row["artefact"]]
    assert len(marked) == 15
    assert {row["product"] for row in marked} == {"branch_firewood"}
    assert all(row["moved_under_product_dm3"] == 0 and row["note_es"] and row["note_en"] for row in marked)
    below_zero = [row for row in rows if row["balance_dm3"] < 0]
    assert len(below_zero) == 6
    assert [row["species"] for row in below_zero if not row["artefact"]] == ["Dipteryx ferrea"]


async def test_every_form_says_the_same_and_what_it_rests_on(season: Custody) -> None:
    told = await season.get(REPORT, "manager", view="official")
    headers = season.issuer.headers("manager", org="comunidad-a")

    written = await season.http.get(REPORT, params={"view": "official", "format": "csv"}, headers=headers)
    book = await season.http.get(REPORT, params={"view": "official", "format": "xlsx"}, headers=headers)

    rows = list(csv.DictReader(io.StringIO(written.content.decode("utf-8-sig"))))
    assert of_file(rows, "species") == figures(told["rows"])
    assert [row["artefact"] for row in rows] == [str(row["artefact"]).lower() for row in told["rows"]]
    sheets = load_workbook(io.BytesIO(book.content), read_only=True)
    header, *cells = list(sheets["Balance"].values)
    by_name = [dict(zip(header, row, strict=True)) for row in cells]
    assert of_file([{k: str(v) for k, v in row.items()} for row in by_name], "species") == figures(told["rows"])
    for answer in (written, book):
        assert int(answer.headers["x-as-of"]) == told["as_of"]
        assert base64.b64decode(answer.headers["x-checkpoint"]).decode() == told["checkpoint"]
    assert dict(sheets["Constancia"].values)["checkpoint"] == told["checkpoint"]


async def test_text_that_a_spreadsheet_would_run_stays_text(custody: Custody) -> None:
    lines = [{"parcel": "PC 01", "species": "Brosimum guianense", "product": "roundwood", "volume_dm3": 1_000}]
    await custody.log(*genesis(custody), *permit(custody, PERMIT, lines, season="=1+1"))

    data = await custody.get(REPORT, "manager", format="csv")
    book = await custody.get(REPORT, "manager", format="xlsx")

    [row] = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    assert row["season"] == "'=1+1"
    [_, cells] = load_workbook(io.BytesIO(book))["Balance"].iter_rows()
    assert (cells[3].value, cells[3].data_type) == ("'=1+1", "s")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1"])
def test_no_text_begins_as_a_formula_in_either_form(text: str) -> None:
    assert csv_of(["a"], [[text]])[3:].partition(b"\r\n")[2].strip(b'"').startswith(b"'")
    assert load_workbook(io.BytesIO(workbook_of([("a", ["a"], [[text]])])))["a"]["A2"].value.startswith("'")
    assert csv_of(["a"], [["Dipteryx"], [Decimal("-1.000")]])[3:] == b"a\r\nDipteryx\r\n-1.000\r\n"


async def test_a_neighbour_sees_no_balance_and_an_unknown_form_is_refused(season: Custody) -> None:
    assert (await season.get(REPORT, "manager", org="comunidad-b"))["rows"] == []
    assert len((await season.get(REPORT, "supervisor", org="osinfor-md", permit=PERMIT))["rows"]) == 96
    assert (await season.get(REPORT, "manager", plan="PO-OTRO"))["rows"] == []
    await season.get(REPORT, "manager", expect=422, format="pdf")
    await season.get(REPORT, "company", expect=403)


# ---- the arithmetic


def a_permit(number: str, plan: str = "P-1") -> Permit:
    return Permit(number, "T-1", plan, "c", "in_force", 1, "t", "a", "b", "c", 1)


def a_plan(id_: str = "P-1") -> Plan:
    return Plan(id_, "T-1", "PO 1", "2025", ["PC 01"], "a", "b", "r", 0, 650, 1)


def test_permits_of_one_plan_add_up_and_plans_of_one_title_do_not() -> None:
    lines = [Line(p, "PC 01", "Cedrela odorata", "roundwood", 1_000, None, True, 100) for p in ("A", "B", "C")]
    permits = {"A": a_permit("A"), "B": a_permit("B"), "C": a_permit("C", "P-2")}

    rows = by_product(lines, permits, {"P-1": a_plan(), "P-2": a_plan("P-2")})

    assert [(row.plan, row.permits, row.authorised_dm3, row.balance_dm3) for row in rows] == [
        ("P-1", ("A", "B"), 2_000, 1_800), ("P-2", ("C",), 1_000, 900)
    ]  # fmt: skip


def test_the_official_view_subtracts_from_each_product_what_moved_of_the_species() -> None:
    kinds = [("roundwood", 700), ("branch_firewood", 200)]
    lines = [Line("A", "PC 01", "Cedrela odorata", kind, 1_000, None, True, drawn) for kind, drawn in kinds]
    lines.append(Line("A", "PC 02", "Cedrela odorata", "roundwood", 1_000, None, True, 5))

    rows = official(by_product(lines, {"A": a_permit("A")}, {"P-1": a_plan()}))

    assert [(row.parcel, row.product, row.extracted_dm3, row.artefact) for row in rows] == [
        ("PC 01", "branch_firewood", 900, True), ("PC 01", "roundwood", 900, True), ("PC 02", "roundwood", 5, False),
    ]  # fmt: skip
    assert (m3(-1), m3(0), m3(3_400_174)) == ("-0.001", "0.000", "3400.174")
