"""Tables for people who work in spreadsheets: CSV and XLSX, in which no text can become a formula."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# How a cell begins that a spreadsheet takes for a formula (OWASP, CSV injection).
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
Cell = str | int | Decimal


def inert(text: str) -> str:
    """The text behind an apostrophe where a spreadsheet would take it for a formula; otherwise as it is."""
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text


def csv_of(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """RFC 4180, UTF-8 with the mark that spreadsheets need to see that it is. Numbers are written plainly."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([[inert(cell) if isinstance(cell, str) else str(cell) for cell in row] for row in rows])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def xlsx_of(sheets: Sequence[tuple[str, Sequence[str], Sequence[Sequence[Cell]]]]) -> bytes:
    """A workbook of sheets, each with its name, header and rows; cubic metres as numbers with three decimals."""
    from openpyxl import Workbook  # 16 MB, numpy with it: only who asks for a workbook loads it

    book = Workbook(write_only=True)
    for name, header, rows in sheets:
        sheet = book.create_sheet(name)
        sheet.append(list(header))
        for row in rows:
            sheet.append([_cell(sheet, cell) for cell in row])
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _cell(sheet: Any, value: Cell) -> Any:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, Decimal):
        from openpyxl.cell import WriteOnlyCell

        cell: Any = WriteOnlyCell(sheet, value)  # type: ignore[arg-type]  # its stubs leave Decimal out
        cell.number_format = "0.000"
        return cell
    return value
