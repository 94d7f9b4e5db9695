"""Workbooks without a clock in them: the same rows give the same bytes, and no text can become a formula."""

import io
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | Decimal | None
Sheet = tuple[str, Sequence[str], Sequence[Sequence[Cell]]]
# How a cell begins that a spreadsheet takes for a formula (OWASP, CSV injection).
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_CORE = (
    b'<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>Trozalog</dc:creator></cp:coreProperties>'
)


def workbook_of(sheets: Sequence[Sheet]) -> bytes:
    """A workbook of sheets (name, header, rows); cubic metres are numbers with three decimals."""
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
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_BEGINS_FORMULA) else value
    if isinstance(value, Decimal):
        from openpyxl.cell import WriteOnlyCell

        cell: Any = WriteOnlyCell(sheet, value)  # type: ignore[arg-type]  # its stubs leave Decimal out
        cell.number_format = "0.000"
        return cell
    return value
