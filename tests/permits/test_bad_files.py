"""Files nobody should send: each is refused as what it is, quickly, and the service goes on."""

import io
import os
import zipfile
from collections.abc import Callable

import pytest
from openpyxl import Workbook

from services.permits import census_file
from services.permits.census_file import FileUnreadable, read_sheets
from tests.permits.conftest import CSV, MANAGER, OFFICER, PLAN, XLSX, Permits, a_census, a_plan, a_title
from tests.permits.workbooks import (
    FORM,
    ODS_TYPE,
    TREE_501,
    TREE_1170,
    in_first_sheet,
    ods,
    ods_cell,
    ods_rows,
    rebuilt,
    sheets,
    with_declared_size,
    with_member,
    workbook,
)

GOOD = workbook()
SHEET = "xl/worksheets/sheet1.xml"


def bomb() -> bytes:
    """A sheet of 200 MB of blanks in 200 kB."""
    return in_first_sheet(GOOD, b"<sheetData>", b"<sheetData>" + b" " * 200_000_000)


def lying_bomb() -> bytes:
    """The same, declared as a kilobyte."""
    return with_declared_size(bomb(), SHEET, 1024)


def many_members() -> bytes:
    out = io.BytesIO(GOOD)
    with zipfile.ZipFile(out, "a") as book:
        for n in range(1100):
            book.writestr(f"xl/worksheets/x{n}.xml", b"")
    return out.getvalue()


def wide(reference: bytes) -> bytes:
    """A cell at the far end of the sheet: the parser would hold the whole rectangle."""
    return in_first_sheet(GOOD, b"</sheetData>", b'<row r="500"><c ' + reference + b"><v>1</v></c></row></sheetData>")


def in_every_sheet(new: bytes, count: int) -> bytes:
    """Several sheets, each with the same rows at its end."""
    data = sheets({f"Hoja {n}": [["codigo"]] for n in range(count)})
    return rebuilt(data, lambda _, content: content.replace(b"</sheetData>", new + b"</sheetData>"))


def many_wide_sheets() -> bytes:
    """Each sheet is within bounds, all of them together are not."""
    return in_every_sheet(b'<row r="60000"><c r="AD60000"><v>1</v></c></row>', 20)


def hungry() -> bytes:
    """As many cells as may be, each with a text of its own: more than the memory of the process."""
    row = b"<row>" + b'<c t="str"><v>textos</v></c>' * 33 + b"</row>"
    return in_every_sheet(row * 60_000, 1)


def shared_text() -> bytes:
    """One long text that three hundred thousand cells point to."""
    text = b"<sst><si><t>" + b"x" * 100_000 + b"</t></si></sst>"
    cells = b"".join(b'<row r="%d">' % n + b'<c t="s"><v>0</v></c>' * 20 + b"</row>" for n in range(10, 15_000))
    return with_member(in_first_sheet(GOOD, b"</sheetData>", cells + b"</sheetData>"), "xl/sharedStrings.xml", text)


def encrypted() -> bytes:
    raw = bytearray(GOOD)
    with zipfile.ZipFile(io.BytesIO(GOOD)) as book:
        start = book.start_dir
    raw[start + 8] |= 1
    return bytes(raw)


def twins() -> bytes:
    out = io.BytesIO(GOOD)
    with zipfile.ZipFile(out, "a") as book, pytest.warns(UserWarning, match="Duplicate"):
        book.writestr(SHEET, b"<worksheet/>")
    return out.getvalue()


def a_word_document() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("word/document.xml", b"<w/>")
    return out.getvalue()


def entities() -> bytes:
    """A billion laughs."""
    lines = [b'<!ENTITY a0 "ha">'] + [b'<!ENTITY a%d "&a%d;&a%d;">' % (n, n - 1, n - 1) for n in range(1, 30)]
    head = b'<?xml version="1.0"?><!DOCTYPE x [' + b"".join(lines) + b"]>"
    return rebuilt(
        GOOD,
        lambda name, content: head + content.replace(b"Brosimum", b"&a29;Brosimum", 1) if name == SHEET else content,
    )


WORKBOOKS: dict[str, Callable[[], bytes]] = {
    "bomb": bomb,
    "lying bomb": lying_bomb,
    "many members": many_members,
    "many wide sheets": many_wide_sheets,
    "hungry": hungry,
    "wide": lambda: wide(b'r="XFD500"'),
    "deep": lambda: in_first_sheet(
        GOOD, b"</sheetData>", b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>'
    ),
    "wide behind a quoted bracket": lambda: wide(b'x="a>b" r="XFD500"'),
    "deep without references": lambda: in_first_sheet(
        GOOD, b"</sheetData>", b"<row r='900000'><c><v>1</v></c></row></sheetData>"
    ),
    "shared text": shared_text,
    "encrypted": encrypted,
    "twins": twins,
    "word": a_word_document,
    "entities": entities,
    "cut in half": lambda: GOOD[: len(GOOD) // 2],
    "cut at the end": lambda: GOOD[:-10],
    "zip header only": lambda: b"PK\x03\x04",
    "empty zip": lambda: b"PK\x05\x06" + bytes(18),
    "old excel": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
    "csv inside": lambda: a_census(),
    "pdf": lambda: b"%PDF-1.7\n",
    "nothing": lambda: b"",
    "blanks": lambda: b" \n \n",
    "row zero": lambda: in_first_sheet(GOOD, b"</sheetData>", b'<row r="0"><c r="A0"><v>1</v></c></row></sheetData>'),
    "no quotes": lambda: in_first_sheet(
        GOOD, b"</sheetData>", b'<row r="9"><c r=A9999999><v>1</v></c></row></sheetData>'
    ),
    "half a sheet": lambda: rebuilt(GOOD, lambda name, data: data[: len(data) // 2] if name == SHEET else data),
}
ODS_GOOD = ods(ods_rows(FORM, TREE_501, TREE_1170))


def repeated(rows: int, columns: int, text: str = "x") -> bytes:
    """One cell with content, repeated as an attribute says."""
    cell = f'<table:table-cell table:number-columns-repeated="{columns}" office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    return ods(f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row>')


def behind(attribute: str, kind: str) -> bytes:
    """A cell with content far behind repeated empty ones."""
    filled = ods_cell("x")
    if kind == "columns":
        return ods(
            f'<table:table-row><table:table-cell table:number-columns-repeated="{attribute}"/>{filled}</table:table-row>'
            * 2000
        )
    return ods(
        f'<table:table-row table:number-rows-repeated="{attribute}"/><table:table-row>{filled}</table:table-row>'
    )


def behind_rows() -> str:
    """Sixty thousand rows of one cell."""
    return f'<table:table-row table:number-rows-repeated="60000">{ods_cell("x")}</table:table-row>'


OPEN_DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "repeated rows": lambda: repeated(1_000_000, 1),
    "repeated columns": lambda: repeated(50_000, 16_000),
    "repeated long text": lambda: repeated(1000, 100, "x" * 100_000),
    "far below": lambda: behind("999999999", "rows"),
    "far to the right": lambda: behind("999999999", "columns"),
    "many sheets": lambda: ods(
        *["<table:table-row table:number-rows-repeated='60000'>" + ods_cell("x") * 10 + "</table:table-row>"] * 20
    ),
    "bomb": lambda: ods(" " * 200_000_000),
    "entities": lambda: ods(ods_rows(FORM), head='<!DOCTYPE x [<!ENTITY a "ha">]>'),
    "a count too long to read": lambda: repeated(1, 10**13),
    "a count in disguise": lambda: rebuilt(repeated(1, 777777), lambda _, data: data.replace(b"777777", b"&#55;77777")),
    "hidden in a comment": lambda: ods("<!-- <table:table> -->" + ods_rows(FORM)),
    "a table within a table": lambda: ods(
        '<table:table-row><table:table-cell table:number-columns-repeated="16000" office:value="1"/>'
        "<table:table></table:table></table:table-row>" + behind_rows()
    ),
    "columns named between rows": lambda: ods(
        '<table:table-row><table:table-cell table:number-columns-repeated="16000" office:value="1"/></table:table-row>'
        "<table:table-column/>" + behind_rows()
    ),
    "password": lambda: ods(ods_rows(FORM), manifest="<manifest:encryption-data/>"),
    "a text document": lambda: ods(ods_rows(FORM), mimetype="application/vnd.oasis.opendocument.text"),
    "xlsx inside": lambda: GOOD,
    "csv inside": lambda: a_census(),
    "cut in half": lambda: ODS_GOOD[: len(ODS_GOOD) // 2],
    "half a table": lambda: rebuilt(
        ODS_GOOD, lambda name, data: data[: len(data) // 2] if name == "content.xml" else data
    ),
}
TEXTS: dict[str, bytes] = {
    "workbook inside": GOOD,
    "utf-16": a_census().decode().encode("utf-16"),
    "nul": a_census().replace(b"501", b"5\x0001"),
    "open quote": a_census().replace(b",501,", b',"501,'),
    "quote in the middle": a_census().replace(b",501,", b',"5"01,'),
    "three hundred columns": b"," * 300,
    "nothing": b"",
    "sixty thousand and more rows": b"a,b\n" * 60_200,
}


def worked_s() -> float:
    """What this process and those it has waited for have worked: a busy machine does not make it more."""
    return sum(os.times()[:4])


@pytest.mark.parametrize("kind", WORKBOOKS)
def test_a_workbook_that_is_none_is_refused_quickly(kind: str) -> None:
    data = WORKBOOKS[kind]()
    assert len(data) <= census_file.MAX_FILE_BYTES
    started = worked_s()

    with pytest.raises(FileUnreadable) as refused:
        read_sheets(data, XLSX)

    assert refused.value.reason_es
    assert worked_s() - started < 10


@pytest.mark.parametrize("kind", OPEN_DOCUMENTS)
def test_an_open_document_that_is_no_census_is_refused_quickly(kind: str) -> None:
    data = OPEN_DOCUMENTS[kind]()
    assert len(data) <= census_file.MAX_FILE_BYTES
    started = worked_s()

    with pytest.raises(FileUnreadable) as refused:
        read_sheets(data, ODS_TYPE)

    assert refused.value.reason_es
    assert worked_s() - started < 10


def test_the_open_document_as_libreoffice_leaves_it_is_read() -> None:
    """With a million empty rows below and sixteen thousand empty cells beside."""
    wide = ods_rows(FORM, TREE_501).replace(
        "</table:table-row>", '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
    )

    for data in (ODS_GOOD, ods(wide)):
        rows = read_sheets(data, ODS_TYPE)[0].rows
        assert (rows[1][1][2], rows[1][1][6]) == (501, 5.881)
    assert census_file.type_of(ODS_GOOD) == ODS_TYPE
    assert len(rows) == 2


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_that_is_no_csv_is_refused(kind: str) -> None:
    with pytest.raises(FileUnreadable):
        read_sheets(TEXTS[kind], CSV)


def test_the_good_twins_are_read() -> None:
    assert read_sheets(GOOD, XLSX)[0].rows[1][1][2] == 501
    assert read_sheets(a_census(), CSV)[0].rows[1][1][2] == "501"
    assert len(read_sheets(in_every_sheet(b'<row r="6000"><c r="AD6000"><v>1</v></c></row>', 5), XLSX)) == 5


def test_formatted_but_empty_cells_at_the_end_of_a_sheet_do_no_harm() -> None:
    """What LibreOffice leaves behind: rows up to the last one, with a style and nothing in them."""
    blank = b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'

    found = read_sheets(in_first_sheet(GOOD, b"</sheetData>", blank), XLSX)

    assert len(found[0].rows) == 3


def test_a_formula_counts_by_the_value_it_last_had_and_without_one_as_blank() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["volumen"])
    sheet["A2"] = "=1+4.881"
    out = io.BytesIO()
    book.save(out)

    never = read_sheets(out.getvalue(), XLSX)[0]
    computed = read_sheets(in_first_sheet(out.getvalue(), b"<v />", b"<v>5.881</v>"), XLSX)[0]

    assert [row for _, row in computed.rows][1] == [5.881]
    assert all(cell in ("", None) for _, row in never.rows[1:] for cell in row)


def test_pictures_and_macros_are_not_even_unpacked() -> None:
    data = with_member(GOOD, "xl/media/image1.png", bytes(100_000_000))
    data = with_member(data, "../../etc/passwd", b"root")

    assert read_sheets(data, XLSX)[0].rows[1][1][2] == 501


def test_errors_dates_and_flags_are_words_not_numbers() -> None:
    from datetime import date

    row = [True, date(2026, 1, 2), "#DIV/0!", *TREE_501[3:]]

    cells = read_sheets(workbook(row), XLSX)[0].rows[1][1]

    assert all(isinstance(cell, str) for cell in cells[:3])


async def test_the_service_says_no_and_goes_on(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    path = f"/v1/plans/{PLAN}/census"

    for data, media_type, slug in (
        (lying_bomb(), XLSX, "census-file-unreadable"),
        (a_census(), XLSX, "census-file-unreadable"),
        (GOOD, CSV, "census-file-unreadable"),
        (a_census(), "application/json", "census-file-unreadable"),
        (b"no form", "multipart/form-data; boundary=x", "census-file-unreadable"),
        (b"no form", "multipart/form-data", "census-file-unreadable"),
    ):
        problem = await permits.upload(data, media_type=media_type, expect=422)
        assert problem["slug"] == slug, problem
    two = await permits.call("POST", path, MANAGER, 422, files={"a": ("a", a_census()), "b": ("b", a_census())})
    none = await permits.call("POST", path, MANAGER, 422, data={"file": "text"}, files={})
    assert {two.json()["slug"], none.json()["slug"]} == {"census-file-unreadable"}
    packed = {"content-type": CSV, "content-encoding": "gzip"}
    await permits.call("POST", path, MANAGER, 415, content=a_census(), headers=packed)
    large = bytes(census_file.MAX_FILE_BYTES + 5000)
    await permits.call("POST", path, MANAGER, 413, content=large, headers={"content-type": CSV})

    assert (await permits.upload(GOOD, media_type=XLSX))["trees"] == 2
