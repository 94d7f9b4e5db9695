"""Census files as they arrive: CSV and XLSX bytes into sheets of cells, within bounds, or a refusal.

A workbook is a ZIP somebody else made. It is unpacked here first, member by member and counted, and only what was
counted goes to the parser: what a member claims about its own size is never believed.
"""

import csv
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import ClassVar

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from services.permits.domain.columns import Cell
from services.permits.domain.sheet import Sheet
from shared.refusal import Malformed

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_MEMBERS = 1_000
MAX_ROWS = 60_100
# Rows times columns of one sheet, blanks included: the parser holds the whole rectangle.
MAX_CELLS = 2_000_000
MAX_SHARED_TEXT = 256 * 1024 * 1024
CSV_NAME = "CSV"

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ZIP_MAGIC, _OLE_MAGIC = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_PARTS = re.compile(r"(\[Content_Types\]\.xml|_rels/\.rels|xl/(?!media/|embeddings/)[A-Za-z0-9_./-]+\.(xml|rels))")
_ATTRIBUTES = rb"""((?:[^>"']|"[^"]*"|'[^']*')*)"""
_ROW_OR_CELL = re.compile(rb"<(?:\w+:)?(row|c)\b" + _ATTRIBUTES + rb">")
_PLACE = re.compile(rb"""\br\s*=\s*["'](?:([A-Za-z]{1,7}))?([0-9]{1,9})["']""")
_SHARED = re.compile(rb"""\bt\s*=\s*["']s["']""")
_SHARED_ITEM = re.compile(rb"<(?:\w+:)?si\b")


@dataclass(eq=False)
class FileUnreadable(Malformed):
    """The bytes are not a CSV or XLSX file that this service opens."""

    slug: ClassVar[str] = "census-file-unreadable"
    es: ClassVar[str] = "El archivo no se pudo leer: {reason_es}."
    en: ClassVar[str] = "The file could not be read: {reason}."
    reason_es: str


def _unreadable(reason: str, reason_es: str) -> FileUnreadable:
    return FileUnreadable("file", reason, reason_es)


def read_sheets(data: bytes, media_type: str) -> list[Sheet]:
    """The sheets of a file whose declared type and first bytes agree; ``FileUnreadable`` otherwise. Slow: use a thread."""
    if not data.strip():
        raise _unreadable("it is empty", "está vacío")
    if data.startswith(_OLE_MAGIC):
        raise _unreadable(
            "it is an old or password-protected workbook; save it as .xlsx without password",
            "es un libro antiguo o con contraseña; guárdelo como .xlsx sin contraseña",
        )
    zipped = data.startswith(_ZIP_MAGIC)
    if zipped != (media_type == XLSX_TYPE):
        raise _unreadable(
            "its content is not what its type says (CSV or XLSX)", "su contenido no es lo que dice su tipo (CSV o XLSX)"
        )
    return _workbook(data) if zipped else [_csv(data)]


# ---- CSV


def _csv(data: bytes) -> Sheet:
    text = _decode(data)
    delimiter = max(",;\t", key=text[: text.find("\n")].count)
    rows: list[tuple[int, list[Cell]]] = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            if number > MAX_ROWS:
                raise _too_many_rows()
            if len(cells) > 256:
                raise _unreadable(f"row {number} has more than 256 columns", f"la fila {number} pasa de 256 columnas")
            rows.append((number, list(cells)))
    except csv.Error as error:
        row = len(rows) + 1
        raise _unreadable(f"row {row}: {error}", f"fila {row}: comillas o separadores que no cierran") from error
    return Sheet(CSV_NAME, rows)


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data:
        raise _unreadable("it is not UTF-8; save it as CSV UTF-8", "no está en UTF-8; guárdelo como CSV UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What a Spanish Windows writes as plain CSV. Five bytes have no meaning there and become U+FFFD.
        return data.decode("cp1252", errors="replace")


def _too_many_rows() -> FileUnreadable:
    return _unreadable(f"it has more than {MAX_ROWS} rows", f"pasa de {MAX_ROWS} filas")


# ---- XLSX


def _workbook(data: bytes) -> list[Sheet]:
    counted = _repack(data)
    try:
        with CalamineWorkbook.from_filelike(counted) as workbook:
            names = [one.name for one in workbook.sheets_metadata if one.typ is SheetTypeEnum.WorkSheet]
            return [_sheet(workbook, name) for name in names]
    except (CalamineError, ValueError, OSError) as error:
        raise _broken() from error


def _sheet(workbook: CalamineWorkbook, name: str) -> Sheet:
    rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    return Sheet(name[:31], [(number, [_cell(value) for value in row]) for number, row in enumerate(rows, 1)])


def _cell(value: object) -> Cell:
    """Numbers and text stay; a date or a yes/no becomes its words, which no numeric column accepts."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str | int | float) else str(value)


def _repack(data: bytes) -> io.BytesIO:
    """The same workbook with every member unpacked under our own count, and nothing else in it."""
    out = io.BytesIO()
    left, cells, longest, references = MAX_UNPACKED_BYTES, 0, 0, 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as copy:
            for info in _members(source):
                content = _unpack(source, info, left)
                left -= len(content)
                if info.filename.startswith("xl/worksheets/"):
                    held, shared = _measure(content)
                    cells, references = max(cells, held), references + shared
                elif info.filename.lower().endswith("sharedstrings.xml"):
                    longest = max(longest, _longest_text(content))
                copy.writestr(zipfile.ZipInfo(info.filename), content)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _broken() from error
    if cells > MAX_CELLS or longest * references > MAX_SHARED_TEXT:
        raise _too_much()
    out.seek(0)
    return out


def _members(source: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    infos = source.infolist()
    names = [info.filename.lower() for info in infos]
    if len(infos) > MAX_MEMBERS or len(set(names)) != len(names):
        raise _broken()
    if any(info.flag_bits & 0x1 for info in infos):
        raise _unreadable("it has a password", "tiene contraseña")
    return [info for info in infos if _PARTS.fullmatch(info.filename)]


def _unpack(source: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    with source.open(info) as member:
        content = member.read(left + 1)
    if len(content) > left:
        raise _too_much()
    return content


def _measure(sheet: bytes) -> tuple[int, int]:
    """Cells of the rectangle around every cell with content, and how many of them point to shared text."""
    row = column = last_row = last_column = shared = 0
    for tag, attributes in _ROW_OR_CELL.findall(sheet):
        place = _PLACE.search(attributes)
        if tag == b"row":
            row, column = int(place[2]) if place else row + 1, 0
            continue
        if place and place[1]:
            row, column = int(place[2]), _column(place[1])
        else:
            column += 1
        if not attributes.endswith(b"/"):
            last_row, last_column = max(last_row, row), max(last_column, column)
            shared += _SHARED.search(attributes) is not None
    if last_row > MAX_ROWS:
        raise _too_many_rows()
    return last_row * last_column, shared


def _column(letters: bytes) -> int:
    number = 0
    for byte in letters.upper():
        number = number * 26 + byte - 64
    return number


def _longest_text(shared_strings: bytes) -> int:
    starts = [found.start() for found in _SHARED_ITEM.finditer(shared_strings)]
    return max((b - a for a, b in zip(starts, [*starts[1:], len(shared_strings)], strict=True)), default=0)


def _broken() -> FileUnreadable:
    return _unreadable("it is not a whole XLSX workbook", "no es un libro XLSX completo")


def _too_much() -> FileUnreadable:
    return _unreadable(
        "unpacked it is larger than a census can be; leave only the census sheet",
        "desempaquetado es más grande que un censo; deje solo la hoja del censo",
    )
