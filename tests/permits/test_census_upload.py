"""A census through the HTTP door: accepted whole, or refused with every breach named where a person can find it."""

import asyncio
import base64
import functools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.permits.domain.census import root_of_lines
from shared.timber.species import catalogue
from shared.tlog import canon
from tests.permits.conftest import (
    CSV,
    FORM,
    MANAGER,
    OFFICER,
    PLAN,
    REGENT,
    TREE_501,
    TREE_1170,
    XLSX,
    Permits,
    a_census,
    a_plan,
    a_title,
    research_data,
)
from tests.permits.workbooks import TREE_501 as ROW_501
from tests.permits.workbooks import sheets, workbook


@pytest.fixture
async def draft(permits: Permits) -> Permits:
    """A draft that waits for its census."""
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    return permits


async def only_error(permits: Permits, data: bytes, media_type: str = CSV) -> dict[str, Any]:
    problem = await permits.upload(data, media_type=media_type, expect=422)
    assert problem["slug"] == "census-invalid", problem
    assert problem["facts"]["total"] == 1, problem["facts"]["errors"]
    error: dict[str, Any] = problem["facts"]["errors"][0]
    assert error["es"]
    assert error["en"]
    return error


async def test_the_official_form_is_read_as_csv_and_as_workbook(draft: Permits) -> None:
    as_csv = await draft.upload(a_census())
    as_workbook = await draft.upload(workbook(above=[["CENSO COMERCIAL"], []]), media_type=XLSX)

    for answer in (as_csv, as_workbook):
        assert (answer["trees"], answer["harvestable"], answer["harvestable_dm3"]) == (2, 2, 15_096)
        assert answer["by_parcel"] == [{"parcel": "PC 01", "trees": 2, "harvestable": 2, "harvestable_dm3": 15_096}]
        assert {found["rule"]: found["status"] for found in answer["findings"]} == {
            "P06": "PASS", "P07": "PASS", "SPECIES": "PASS",
        }  # fmt: skip
        assert answer["columns"]["dbh_cm"] == "dap"
    assert (as_workbook["sheets"], as_workbook["ignored_columns"]) == (["Censo"], ["observacion"])


async def test_a_browser_form_carries_the_same_file(draft: Permits) -> None:
    for name, data, said in (("censo.csv", a_census(), "application/vnd.ms-excel"), ("c.xlsx", workbook(), XLSX)):
        files = {"file": (name, data, said)}
        answer = await draft.call("POST", f"/v1/plans/{PLAN}/census", REGENT, 200, files=files)
        assert answer.json()["trees"] == 2


async def test_another_upload_takes_the_place_of_the_first(draft: Permits) -> None:
    await draft.upload(a_census())
    first = await draft.get(f"/v1/plans/{PLAN}", MANAGER)

    await draft.upload(a_census(TREE_501))

    second = await draft.get(f"/v1/plans/{PLAN}", MANAGER)
    assert (first["census"]["trees"], second["census"]["trees"]) == (2, 1)
    assert len((await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER))["items"]) == 1


async def test_the_root_is_over_the_private_lines(draft: Permits) -> None:
    import asyncpg

    answer = await draft.upload(a_census())

    admin = await asyncpg.connect(draft.database.admin_dsn)
    lines = [row["document"] for row in await admin.fetch("SELECT document FROM census_lines ORDER BY position")]
    await admin.close()
    first = canon.decode(lines[0])
    assert root_of_lines(lines) == answer["root"]
    assert (first["code"], first["utm"]["easting_dm"], len(first["salt"])) == ("1170", 5056290, 22)


async def test_a_wrong_volume_is_counted_and_not_refused(draft: Permits) -> None:
    inflated = TREE_501.replace("5.881", "5.911")

    answer = await draft.upload(a_census(inflated, TREE_1170))

    found = answer["findings"][0]
    assert (found["rule"], found["severity"], found["status"]) == ("P06", "S2", "FAIL")
    assert (found["computed"]["failed"], found["computed"]["trees"]) == (1, 2)
    assert found["evidence"] == [
        {"sheet": "CSV", "row": 2, "parcel": "PC 01", "code": "501", "declared_dm3": 5911, "computed_dm3": 5881}
    ]


async def test_half_a_percent_of_volume_is_within_tolerance(draft: Permits) -> None:
    answer = await draft.upload(a_census(TREE_501.replace("5.881", "5.910")))

    assert answer["findings"][0]["status"] == "PASS"


async def test_blank_rows_are_skipped_and_rows_keep_the_numbers_that_excel_shows(draft: Permits) -> None:
    blank = ",,,,,,,,,,,,,"
    data = a_census(TREE_501, blank, "", blank, TREE_1170.replace(",95,", ",x,"))

    error = await only_error(draft, data)
    answer = await draft.upload(a_census(TREE_501, blank, "", blank, TREE_1170))

    assert (error["row"], error["column"], error["header"], error["value"], error["rule"]) == (
        6, "E", "dap", "x", "not-a-number",
    )  # fmt: skip
    assert answer["blank_rows"] == 3


@pytest.mark.parametrize(
    ("old", "new", "rule", "column"),
    [
        (",501,", ",,", "required", "C"),
        (",501,", ",501/A,", "code", "C"),
        (",501,", ",=1+1,", "code", "C"),
        ("Brosimum guianense", "Manchinga", "species", "D"),
        (",80,", ",8000,", "out-of-range", "E"),
        (",80,", ",-80,", "out-of-range", "E"),
        (",80,", ",1e999,", "not-a-number", "E"),
        (",80,", ",NaN,", "not-a-number", "E"),
        (",80,", ',"1,234",', "ambiguous-comma", "E"),
        (",80,", ",,", "required", "E"),
        (",18,", ",1800,", "out-of-range", "F"),
        (",5.881,", ",0,", "out-of-range", "G"),
        (",5.881,", ",[NULL],", "required", "G"),
        (",19S,", ",,", "required", "H"),
        (",19S,", ",19N,", "zone", "H"),
        (",506299,8805463,", ",8805463,506299,", "swapped", "I"),
        (",506299,", ",50629,", "easting", "I"),
        (",8805463,", ",880546,", "northing", "J"),
        ("Aprovechable", "Vendido", "condition", "K"),
        ("En Pie", "Tocón", "state", "L"),
        ("PC 01", "PC 09", "parcel", "M"),
        ("PC 01", "parcela", "parcel", "M"),
        (",41", ",4100", "out-of-range", "N"),
    ],
)
async def test_each_breach_names_its_cell_its_rule_and_its_remedy(
    draft: Permits, old: str, new: str, rule: str, column: str
) -> None:
    error = await only_error(draft, a_census(TREE_501.replace(old, new, 1), TREE_1170))

    assert (error["rule"], error["row"], error["column"], error["sheet"]) == (rule, 2, column, "CSV")
    assert (await draft.upload(a_census()))["trees"] == 2


async def test_nothing_is_stored_of_a_census_with_one_error(draft: Permits) -> None:
    await draft.upload(a_census(TREE_501, TREE_1170.replace(",95,", ",0,")), expect=422)

    assert (await draft.get(f"/v1/plans/{PLAN}", MANAGER))["census"]["trees"] == 0
    assert (await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER))["items"] == []


async def test_a_code_is_used_once_in_a_parcel(draft: Permits) -> None:
    error = await only_error(draft, a_census(TREE_501, TREE_1170, TREE_501))

    assert (error["rule"], error["row"], error["value"]) == ("duplicate", 4, "501")
    assert "CSV!2" in error["es"]


async def test_a_missing_or_repeated_column_is_named(draft: Permits) -> None:
    missing = await only_error(draft, a_census(header=FORM.replace(",zona", ",zonificación")))
    repeated = await only_error(draft, a_census(header=FORM.replace(",bloque", "").replace("dmc", "dap")))
    nothing = await only_error(draft, b"hola,que,tal\n1,2,3\n")
    empty = await only_error(draft, f"{FORM}\n".encode())

    assert (missing["rule"], missing["header"]) == ("missing-column", "zone")
    assert (repeated["rule"], repeated["header"]) == ("repeated-column", "dap")
    assert (nothing["rule"], nothing["row"]) == ("no-header", None)
    assert empty["rule"] == "no-trees"


async def test_a_thousand_errors_are_counted_and_the_first_hundred_shown(draft: Permits) -> None:
    rows = [TREE_501.replace(",501,", f",{n},").replace(",80,", ",x,") for n in range(1000)]

    problem = await draft.upload(a_census(*rows), expect=422)

    assert (problem["facts"]["total"], len(problem["facts"]["errors"])) == (1000, 100)


async def test_decimal_commas_are_read_where_they_are_unambiguous(draft: Permits) -> None:
    spanish = [row.replace(",", ";").replace(".", ",") for row in (FORM, TREE_501, TREE_1170)]
    thinner = spanish[1].replace(";80;", ";80,0;")

    unclear = await draft.upload("\n".join(spanish).encode(), expect=422)
    answer = await draft.upload("\n".join([spanish[0], thinner, spanish[2]]).encode())

    assert {error["rule"] for error in unclear["facts"]["errors"]} == {"ambiguous-comma"}
    assert answer["harvestable_dm3"] == 15_096


@pytest.mark.parametrize(
    "encode",
    [lambda t: t.encode("utf-8-sig"), lambda t: t.encode("cp1252"), lambda t: t.replace("\n", "\r\n").encode()],
)
async def test_files_of_windows_are_read(draft: Permits, encode: Callable[[str], bytes]) -> None:
    text = a_census(TREE_501.replace("Manchinga", "Azúcar Huayo")).decode()

    await draft.upload(encode(text))

    assert (await draft.get(f"/v1/plans/{PLAN}/trees/501", MANAGER))["trade_name"] == "Azúcar Huayo"


async def test_every_sheet_with_a_census_counts_and_the_others_are_named(draft: Permits) -> None:
    form = ["codigo", "especie", "dap", "ac", "volumen", "zona", "este", "norte"]
    tree = ["1", "Cedrela odorata", 80, 18, 5.881, "19S", 506299, 8805463]
    data = sheets({"Notas": [["hola"]], "Bloque 1": [form, tree], "Bloque 2": [form, ["2", *tree[1:]]]})

    answer = await draft.upload(data, media_type=XLSX)
    error = await only_error(draft, sheets({"Bloque 1": [form, tree], "Bloque 2": [form, tree]}), XLSX)

    assert (answer["trees"], answer["sheets"], answer["ignored_sheets"]) == (2, ["Bloque 1", "Bloque 2"], ["Notas"])
    assert (error["rule"], error["sheet"], error["row"], error["column"]) == ("duplicate", "Bloque 2", 2, "A")


async def test_numbers_written_as_text_in_a_workbook_are_read(draft: Permits) -> None:
    row = [str(cell) for cell in ROW_501]

    assert (await draft.upload(workbook(row), media_type=XLSX))["harvestable_dm3"] == 5881


async def test_what_a_workbook_calls_nul_is_kept_as_a_mark(draft: Permits) -> None:
    row = [*ROW_501[:3], "Brosimum guianense | Manchi_x0000_nga", *ROW_501[4:]]

    await draft.upload(workbook(row), media_type=XLSX)

    assert (await draft.get(f"/v1/plans/{PLAN}/trees/501", MANAGER))["trade_name"] == "Manchi\ufffdnga"


async def test_a_date_where_a_number_belongs_is_refused(draft: Permits) -> None:
    from datetime import date

    error = await only_error(draft, workbook([*ROW_501[:4], date(2026, 3, 5), *ROW_501[5:]]), XLSX)

    assert (error["rule"], error["column"]) == ("not-a-number", "E")


async def test_trees_are_paged_and_filtered(draft: Permits) -> None:
    rows = [TREE_501.replace(",501,", f",{n:04},") for n in range(25)]
    await draft.upload(a_census(*rows, TREE_1170))

    seen, cursor = [], ""
    while True:
        page = await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER, limit=10, cursor=cursor)
        seen += [tree["code"] for tree in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]

    assert seen == sorted([*(f"{n:04}" for n in range(25)), "1170"])
    for beyond in ("9999999999", "999999999999999"):
        far = base64.urlsafe_b64encode(beyond.encode()).decode().rstrip("=")
        assert (await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER, cursor=far)) == {"items": [], "next": None}
    for nonsense in ("OTk5OTk5OTk5OTk5OTk5OTk5OTk", "LTE"):
        await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER, expect=422, cursor=nonsense)
    only = await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER, species="Myroxylon balsamum", parcel="PC 01")
    assert [tree["code"] for tree in only["items"]] == ["1170"]


async def test_the_real_sample_is_imported(draft: Permits) -> None:
    data = research_data("census_upa04_sample400.csv")

    answer = await draft.upload(data)

    assert answer["trees"] == 400
    assert set(answer["ignored_columns"]) == {"stem_quality"}
    tree = (await draft.get(f"/v1/plans/{PLAN}/trees", MANAGER, limit=1))["items"][0]
    assert (tree["code"], tree["utm"]["zone"], tree["dbh_mm"]) == ("40500001", "20S", 635)


def _left_standing_if_thin(line: str) -> str:
    cells = line.split(",")
    minimum = catalogue().minimum_diameter(cells[7])
    if cells[-1] != "PAB" or (minimum is not None and float(cells[8]) * 10 >= minimum.diameter_mm):
        return line
    return ",".join([*cells[:-1], "CF"])


async def test_a_real_census_of_twenty_thousand_trees_goes_into_the_log(draft: Permits) -> None:
    data = research_data("census_upa04_rondonia_2010.csv.gz")
    await draft.agreed("PO-20")
    await draft.post("/v1/plans", MANAGER, a_plan(id="PO-20", form_factor_milli=700))
    path = "/v1/plans/PO-20"
    answer = await draft.upload(data, plan="PO-20")
    found = {one["rule"]: one["computed"].get("failed") for one in answer["findings"]}
    assert (answer["trees"], answer["harvestable"]) == (20_108, 5_536)
    assert (found["P06"], found["P07"]) == (82, 17)

    # Seventeen trees are thinner than the Peruvian minimum: a plan that leaves them standing is approved.
    lines = [_left_standing_if_thin(line) for line in data.decode().splitlines()]
    await draft.upload("\n".join(lines).encode(), plan="PO-20")
    await draft.post(f"{path}/submit", MANAGER)
    await draft.answered("PO-20")
    approved = await draft.post(f"{path}/approve", OFFICER, {"resolution": "R-1"})
    await draft.published()

    parts = draft.custody.bodies("census.listed")
    assert (approved["census"]["parts"], len(parts)) == (202, 202)
    assert sum(len(part["trees"]) for part in parts) == 20_108
    assert max(len(record.statement) for record in draft.custody.log) <= 16_384


@functools.cache
def twenty_thousand() -> bytes:
    """A workbook of that many trees; to write it takes longer than to read it."""
    return workbook(*([*ROW_501[:2], n, *ROW_501[3:]] for n in range(20_108)))


async def test_a_workbook_of_twenty_thousand_trees_is_read_within_its_memory(draft: Permits) -> None:
    answer = await draft.upload(twenty_thousand(), media_type=XLSX)

    assert answer["trees"] == 20_108


def _workbooks_open() -> list[int]:
    """Processes of ours that open a workbook now."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"services.permits.workbook" in (stat.parent / "cmdline").read_bytes():
                found.append(int(stat.parent.name))
        except (OSError, ValueError):
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted in /proc")
async def test_however_many_arrive_one_workbook_is_open_at_a_time(draft: Permits) -> None:
    uploads = [asyncio.create_task(draft.upload(workbook(), media_type=XLSX)) for _ in range(4)]
    most = 0
    while not all(upload.done() for upload in uploads):
        most = max(most, len(_workbooks_open()))
        await asyncio.sleep(0.01)

    assert [(await upload)["trees"] for upload in uploads] == [2] * 4
    assert most == 1


async def test_no_lock_is_held_while_a_workbook_is_read(draft: Permits) -> None:
    data = twenty_thousand()
    await draft.upload(a_census())
    upload = asyncio.create_task(draft.upload(data, media_type=XLSX, expect=409))
    while not (reading := _workbooks_open()) and not upload.done():  # noqa: ASYNC110  (a process is waited for)
        await asyncio.sleep(0.01)
    [process] = reading
    os.kill(process, signal.SIGSTOP)

    # Meanwhile the plan is handed in with the census it had; the new one comes too late.
    await draft.post(f"/v1/plans/{PLAN}/submit", MANAGER)

    assert not upload.done()
    os.kill(process, signal.SIGCONT)
    assert (await upload)["slug"] == "wrong-state"
    assert (await draft.get(f"/v1/plans/{PLAN}", MANAGER))["census"]["trees"] == 2
