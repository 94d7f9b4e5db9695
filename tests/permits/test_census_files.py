"""A census looked at before it is kept, given back with its errors, and exported so that it reads back the same."""

import io
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from services.permits.census_file import read_sheets
from services.permits.domain.census import Terms, Tree
from services.permits.domain.columns import harmless, text_of, words
from services.permits.domain.export import Placed, csv_of, rows_of
from services.permits.domain.norms import limits_on
from services.permits.domain.sheet import Sheet, read_census
from services.permits.table_out import workbook_of
from shared.timber.measure import census_dm3
from tests.permits.conftest import (
    CSV,
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    PLAN,
    REGENT,
    SUPERVISOR,
    TREE_501,
    TREE_1170,
    XLSX,
    Permits,
    a_census,
    a_plan,
    a_title,
)
from tests.permits.workbooks import FORM as FORM_ROW
from tests.permits.workbooks import ODS_TYPE, ods, ods_rows, sheets
from tests.permits.workbooks import TREE_501 as ROW_501

TERMS = Terms(PLAN, ("PC 01", "PC 02"), 650)
LIMITS = limits_on(date(2026, 1, 1))


@pytest.fixture
async def draft(permits: Permits) -> Permits:
    """A draft that waits for its census."""
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    return permits


# ---- round trip

free_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=70) | st.sampled_from(
    [
        "=1+1",
        "+51",
        "-",
        "-2",
        "@x",
        "'=1",
        "''=1",
        "NULL",
        " a  b ",
        "a;b,c",
        'un "dicho"',
        "1.0",
        "00012",
        "é",
        "e\u0301" * 40,
    ]
)
parcels = st.sampled_from(TERMS.parcels)
tree = st.builds(
    Tree, parcels, st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,19}", fullmatch=True).map(str.strip),
    st.sampled_from(["Cedrela odorata", "Brosimum guianense", "Ficus sp.", "Dipteryx micrantha"]),
    free_text.map(lambda text: words(text, 60)), free_text.map(lambda text: words(text, 20)),
    free_text.map(lambda text: words(text, 20)), st.integers(50, 5_000), st.integers(500, 80_000),
    st.integers(1, 200_000), st.sampled_from(["harvestable", "seed", "future", "protected"]),
    st.sampled_from(["18S", "19S"]), st.integers(1_600_000, 8_400_000), st.integers(82_000_000, 100_000_000),
    st.none() | st.integers(50, 5_000), st.just(""), st.just(0),
    st.none() | st.dates(date(1990, 1, 1), date(2099, 12, 31)),
)  # fmt: skip
trees = st.lists(tree, min_size=1, max_size=12, unique_by=lambda one: (one.parcel, one.code)).filter(
    lambda found: all(text_of(one.code) for one in found)
)


def without_place_in_file(found: list[Tree]) -> list[Tree]:
    return [one._replace(sheet="", row=0) for one in found]


@given(trees)
@settings(max_examples=150, deadline=None)
def test_what_is_exported_as_csv_reads_back_to_the_same_trees(found: list[Tree]) -> None:
    table = csv_of(rows_of([Placed(one, True) for one in found], 650))

    again = read_census(read_sheets(table, CSV), TERMS, LIMITS)

    assert without_place_in_file(again.trees) == sorted(found, key=lambda one: (one.parcel, one.code))
    assert again.ignored_columns == ("volumen_calculado_m3",)


@given(trees)
@settings(max_examples=150, deadline=None)
def test_what_is_exported_as_a_sheet_reads_back_to_the_same_trees(found: list[Tree]) -> None:
    """The cells as they stand in the workbook; that openpyxl and calamine carry them is seen once below."""
    rows = rows_of([Placed(one, True) for one in found], 650)

    again = read_census([Sheet("Censo", [(n, list(row)) for n, row in enumerate(rows, 1)])], TERMS, LIMITS)

    assert without_place_in_file(again.trees) == sorted(found, key=lambda one: (one.parcel, one.code))


@given(free_text)
def test_no_cell_begins_a_formula_and_the_mark_is_taken_away_again(text: str) -> None:
    cell = harmless(words(text, 60))

    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert words(cell, 60) == words(text, 60)


async def test_the_census_comes_back_as_csv_and_as_workbook_and_is_the_same_when_it_is_sent_again(
    draft: Permits,
) -> None:
    formula = TREE_501.replace(" , ,501", "=1+1,-7,501").replace("Manchinga", "=cmd|' /C calc'!A0")
    await draft.upload(a_census(formula, TREE_1170))
    before = await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER)

    as_csv = await draft.call("GET", f"/v1/plans/{PLAN}/census.csv", REGENT, 200)
    as_book = await draft.call("GET", f"/v1/plans/{PLAN}/census.xlsx", OFFICER, 200)

    for answer, media_type in ((as_csv, CSV), (as_book, XLSX)):
        assert answer.headers["content-type"].startswith(media_type)
        assert answer.headers["cache-control"] == "no-store"
        told = await draft.upload(answer.content, media_type=media_type)
        assert told["ignored_columns"] == ["volumen_calculado_m3"]
        assert await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER) == before
    rows = list(load_workbook(io.BytesIO(as_book.content)).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    shown = {row[2]: row for row in rows[1:]}
    assert (shown["501"][7], shown["501"][15], shown["501"][13]) == (5.881, 5.881, 41)
    assert (shown["501"][0], shown["501"][1], shown["501"][4]) == ("'=1+1", "'-7", "'=cmd|' /C calc'!A0")
    assert all(cell.data_type != "f" for row in load_workbook(io.BytesIO(as_book.content)).active.rows for cell in row)  # type: ignore[union-attr]


async def test_a_census_is_exported_only_to_those_concerned(draft: Permits) -> None:
    await draft.upload(a_census())
    paths = [f"/v1/plans/{PLAN}/census.csv", f"/v1/plans/{PLAN}/census.xlsx"]
    for path in paths:
        await draft.call("GET", path, NEIGHBOUR, 404)
    await draft.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    await draft.answered()
    await draft.post(f"/v1/plans/{PLAN}/approve", OFFICER, {"resolution": "R-1"})

    await draft.call("GET", paths[0], NEIGHBOUR, 403)
    await draft.call("GET", paths[0], None, 401)
    for person in (MANAGER, MEMBER, REGENT, OFFICER, SUPERVISOR):
        await draft.call("GET", paths[0], person, 200)


# ---- looking before keeping


async def look(permits: Permits, data: bytes, media_type: str = CSV, expect: int = 200, word: str = "preview") -> Any:
    headers = {"content-type": media_type}
    return await permits.call("POST", f"/v1/plans/{PLAN}/census/{word}", MANAGER, expect, content=data, headers=headers)


async def test_a_preview_shows_what_would_be_stored_and_stores_nothing(draft: Permits) -> None:
    inflated = TREE_501.replace("5.881", "6.500")

    good = (await look(draft, a_census(inflated, TREE_1170))).json()
    bad = (await look(draft, a_census(TREE_501, TREE_1170.replace(",95,", ",x,")))).json()

    assert (good["usable"], good["trees"], good["errors"], good["errors_total"]) == (True, 2, [], 0)
    assert good["volumes"] == [{"parcel": "PC 01", "declared_dm3": 15_715, "computed_dm3": 5_881 + 9_215}]
    assert [(t["code"], t["declared_dm3"], t["computed_dm3"]) for t in good["sample"]] == [
        ("1170", 9_215, 9_215), ("501", 6_500, 5_881),
    ]  # fmt: skip
    assert {found["rule"]: found["status"] for found in good["findings"]}["P06"] == "FAIL"
    assert (bad["usable"], bad["trees"], bad["errors_total"], bad["errors"][0]["row"]) == (False, 1, 1, 3)
    assert (await draft.get(f"/v1/plans/{PLAN}", MANAGER))["census"]["trees"] == 0
    unreadable = (await look(draft, b"%PDF", XLSX, 422)).json()
    assert unreadable["slug"] == "census-file-unreadable"


async def test_an_open_document_goes_the_same_way_as_the_others(draft: Permits) -> None:
    data = ods(
        ods_rows(["CENSO COMERCIAL"], [], FORM_ROW, ROW_501), ods_rows(FORM_ROW, [*ROW_501[:2], 502, *ROW_501[3:]])
    )

    answer = await draft.upload(data, media_type=ODS_TYPE)
    files = {"file": ("censo.ods", data, "application/octet-stream")}
    by_form = await draft.call("POST", f"/v1/plans/{PLAN}/census", MANAGER, 200, files=files)
    twice = (await look(draft, ods(ods_rows(FORM_ROW, ROW_501), ods_rows(FORM_ROW, ROW_501)), ODS_TYPE)).json()

    assert (answer["trees"], answer["sheets"], answer["harvestable_dm3"]) == (2, ["Hoja1", "Hoja2"], 11_762)
    assert by_form.json()["trees"] == 2
    assert [(e["rule"], e["sheet"]) for e in twice["errors"]] == [("duplicate", "Hoja2")]


async def test_the_annotated_workbook_has_the_same_rows_with_their_problems_and_a_sheet_of_all(draft: Permits) -> None:
    rows = [TREE_501.replace(",501,", f",{n},").replace(",80,", ",x,") for n in range(150)]
    good = a_census(TREE_501, TREE_1170.replace(",95,", ",=1+1,"), *rows)

    book = load_workbook(io.BytesIO((await look(draft, good, word="annotated")).content))
    clean = load_workbook(io.BytesIO((await look(draft, a_census(), word="annotated")).content))

    first, errors = book["CSV"], book["Errores"]
    assert first["C2"].value == "501"
    assert first["E3"].value == "'=1+1"
    assert [first.cell(row, 15).value for row in (1, 2)] == ["PROBLEMAS", None]
    assert first["O3"].value == "E3: Escriba un número, por ejemplo 63.5."
    assert errors.max_row == 1 + 151
    assert [cell.value for cell in errors[2]][:4] == ["CSV", 3, "E", "dap"]
    assert clean["Errores"].max_row == 1
    again = (await look(draft, (await look(draft, a_census(), word="annotated")).content, XLSX)).json()
    assert (again["usable"], again["trees"], again["ignored_sheets"]) == (True, 2, ["Errores"])


async def test_what_no_workbook_can_hold_is_replaced_in_the_annotated_one(draft: Permits) -> None:
    strange = sheets({"a": [["x"]]})
    data = a_census(TREE_501.replace("Manchinga", "Man\x01chinga"), TREE_1170.replace(",95,", ",\x0b,"))

    book = load_workbook(io.BytesIO((await look(draft, data, word="annotated")).content))
    named = load_workbook(io.BytesIO(workbook_of([("a/b:c", [["=1"]])])))

    assert "\ufffd" in str(book["CSV"]["D2"].value)
    assert named.sheetnames == ["a_b_c"]
    assert load_workbook(io.BytesIO((await look(draft, strange, XLSX, word="annotated")).content)).sheetnames == [
        "a",
        "Errores",
    ]


async def test_a_cell_of_megabytes_is_one_error_with_its_beginning(draft: Permits) -> None:
    long = "9" * 5_000_000

    as_csv = (await look(draft, a_census(TREE_501.replace(",80,", f",{long},")), expect=422)).json()
    as_book = (await look(draft, ods(ods_rows(FORM_ROW, [*ROW_501[:4], long, *ROW_501[5:]])), ODS_TYPE)).json()
    cut = (await look(draft, a_census(TREE_501.replace("Manchinga", "x" * 1000)))).json()

    assert (as_csv["slug"], "131072" in as_csv["detail_es"], "fila 2" in as_csv["detail_es"]) == (
        "census-file-unreadable", True, True,
    )  # fmt: skip
    assert [(error["rule"], error["column"], len(error["value"])) for error in as_book["errors"]] == [
        ("not-a-number", "E", 60)
    ]
    assert cut["usable"]


async def test_zones_may_differ_by_tree_and_merged_titles_are_read(draft: Permits) -> None:
    above = [["CENSO", None, None], [None] * 15]
    rows = [FORM_ROW, ROW_501, [*ROW_501[:2], 502, *ROW_501[3:7], "18S", *ROW_501[8:]], [None] * 15, [None] * 15]

    mixed = (await look(draft, sheets({"Censo": [*above, *rows]}), XLSX)).json()
    foreign = (await look(draft, a_census(TREE_501, TREE_1170.replace("19S", "21S")))).json()

    assert (mixed["usable"], mixed["trees"], mixed["blank_rows"]) == (True, 2, 0)
    assert [(error["rule"], error["row"]) for error in foreign["errors"]] == [("zone", 3)]


def test_the_computed_volume_is_the_official_one() -> None:
    one = Tree("PC 01", "501", "Brosimum guianense", "", "", "", 800, 18_000, 1, "seed", "19S", 1, 1, None, "", 0)

    assert rows_of([Placed(one, True)], 650)[1][-1] == 5.881 == census_dm3(800, 18_000, 650) / 1000
    assert rows_of([Placed(one, False)], 650)[1][8:11] == [None, None, None]
