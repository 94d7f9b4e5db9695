"""Tables for people who work in spreadsheets: CSV, and workbooks without a clock in them. The same rows give the same bytes,
and no text can become a formula."""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# How a cell begins that a spreadsheet takes for a formula (OWASP, CSV injection).
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_CORE = (
    b'<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>Trozalog</dc:creator></cp:coreProperties>'
)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A number that is shown with so many decimals: money with two."""

    amount: Decimal
    places: int = 2


Cell = str | int | Decimal | Fixed | None
Sheet = tuple[str, Sequence[str], Sequence[Sequence[Cell]]]


def inert(text: str) -> str:
    """The text behind an apostrophe where a spreadsheet would take it for a formula; otherwise as it is."""
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text


def csv_of(header: Sequence[str], rows: Sequence[Sequence[str | int | Decimal]]) -> bytes:
    """RFC 4180, UTF-8 with the mark that spreadsheets need to see that it is. Numbers are written plainly."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([[inert(cell) if isinstance(cell, str) else str(cell) for cell in row] for row in rows])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def workbook_of(sheets: Sequence[Sheet]) -> bytes:
    """A workbook of sheets (name, header, rows); a decimal is cubic metres, shown with three places. Slow for thousands of
    rows: use a thread."""
    from openpyxl import Workbook  # 16 MB, numpy with it: only who asks for a workbook loads it

    book = Workbook(write_only=True)
    for name, header, rows in sheets:
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append([_bold(sheet, title) for title in header])
        for row in rows:
            sheet.append([_cell(sheet, cell) for cell in row])
    data = io.BytesIO()
    book.save(data)
    return timeless(data.getvalue())


def timeless(book: bytes) -> bytes:
    """The workbook without the moments at which it was made."""
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            content = _CORE if name == "docProps/core.xml" else old.read(name)
            new.writestr(zipfile.ZipInfo(name, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _bold(sheet: Any, title: str) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, title)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: Any, value: Cell) -> Any:
    match value:
        case str():
            return inert(value)
        case Decimal():
            return _number(sheet, value, 3)
        case Fixed():
            return _number(sheet, value.amount, value.places)
    return value


def _number(sheet: Any, value: Decimal, places: int) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell: Any = WriteOnlyCell(sheet, value)  # type: ignore[arg-type]  # its stubs leave Decimal out
    cell.number_format = f"0.{'0' * places}"
    return cell
