"""Opens one XLSX or ODS workbook, in a process of its own: bytes on standard input, cells as JSON on standard output.

It is unpacked here first, member by member and counted, and only what was counted goes to the parser: what a member
claims about its own size is never believed. Memory and time are bounded by the operating system; whatever the parser
does to this process, the service that asked goes on.
"""

import io
import re
import sys
import zipfile
import zlib

import orjson
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from services.permits import apart
from services.permits.census_bounds import MAX_ROWS

MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_MEMBERS = 1_000
# Rows times columns of all sheets, blanks included: the parser holds each rectangle, and the answer all of them.
MAX_CELLS = 2_000_000
MAX_SHARED_TEXT = 256 * 1024 * 1024
# A census of 60,000 trees and 20 columns takes 280 MiB; the service beside it has the rest of its container.
MEMORY_BYTES = 300 * 1024 * 1024
CPU_S = 30

Cell = str | int | float

_PARTS_OF_ODS = re.compile(r"mimetype|content\.xml|META-INF/manifest\.xml")
_PARTS_OF_XLSX = re.compile(
    r"(\[Content_Types\]\.xml|_rels/\.rels|xl/(?!media/|embeddings/)[A-Za-z0-9_./-]+\.(xml|rels))"
)
_ATTRIBUTES = rb"""((?:[^>"']|"[^"]*"|'[^']*')*)"""
_ROW_OR_CELL = re.compile(rb"<(?:\w+:)?(row|c)\b" + _ATTRIBUTES + rb">")
_PLACE = re.compile(rb"""\br\s*=\s*["'](?:([A-Za-z]{1,7}))?([0-9]{1,9})["']""")
_SHARED = re.compile(rb"""\bt\s*=\s*["']s["']""")
_ODS_TAG = re.compile(rb"<(/?)table:(table-row|table-cell|covered-table-cell|table)(?![\w-])" + _ATTRIBUTES + rb">")
_REPEATED = re.compile(rb"""\btable:number-(?:rows|columns)-repeated\s*=\s*["']([0-9]{1,12})["']""")
_SHARED_ITEM = re.compile(rb"<(?:\w+:)?si\b")


class Unreadable(Exception):  # noqa: N818
    """Why not, in English and Spanish."""

    def __init__(self, reason: str, reason_es: str) -> None:
        super().__init__(reason)
        self.reason, self.reason_es = reason, reason_es


def main() -> None:
    """Read, answer, end. An answer is always written unless the process is ended from outside or by the parser.

    ``argv[1]`` is the form that was declared, ``xlsx`` or ``ods``.
    """
    apart.bound(MEMORY_BYTES, CPU_S)
    try:
        answer = orjson.dumps({"sheets": read(sys.stdin.buffer.read(), sys.argv[1])})
        if len(answer) > MAX_UNPACKED_BYTES:
            raise _too_much()
    except Unreadable as refused:
        answer = _no(refused)
    except MemoryError:
        answer = _no(_too_much())
    sys.stdout.buffer.write(answer)


def _no(refused: Unreadable) -> bytes:
    return orjson.dumps({"reason": refused.reason, "reason_es": refused.reason_es})


def read(data: bytes, form: str) -> list[tuple[str, list[list[Cell]]]]:
    """Name and cells of each sheet, rows from the first and columns from A; ``Unreadable`` otherwise."""
    counted = _repack_ods(data) if form == "ods" else _repack(data)
    try:
        with CalamineWorkbook.from_filelike(counted) as workbook:
            names = [one.name for one in workbook.sheets_metadata if one.typ is SheetTypeEnum.WorkSheet]
            return [(name[:31], _sheet(workbook, name)) for name in names]
    except (CalamineError, ValueError, OSError) as error:
        raise _broken() from error


def _sheet(workbook: CalamineWorkbook, name: str) -> list[list[Cell]]:
    rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    return [[_cell(value) for value in row] for row in rows]


def _cell(value: object) -> Cell:
    """Numbers and text stay; a date or a yes/no becomes its words, which no numeric column accepts. XLSX can write NUL as
    ``_x0000_``, and no database keeps it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return value.encode(errors="replace").decode().replace("\x00", "\ufffd")
    if isinstance(value, int | float) and abs(value) < 2**53:
        return value
    return str(value)


def _repack(data: bytes) -> io.BytesIO:
    """The same workbook with every member unpacked under our own count, and nothing else in it."""
    out = io.BytesIO()
    left, cells, longest, references = MAX_UNPACKED_BYTES, 0, 0, 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as copy:
            for info in _members(source, _PARTS_OF_XLSX):
                content = _unpack(source, info, left)
                left -= len(content)
                if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
                    raise _broken()
                if info.filename.startswith("xl/worksheets/"):
                    held, shared = _measure(content)
                    cells, references = cells + held, references + shared
                elif info.filename.lower().endswith("sharedstrings.xml"):
                    longest = max(longest, _longest_text(content))
                copy.writestr(zipfile.ZipInfo(info.filename), content)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _broken() from error
    if cells > MAX_CELLS or longest * references > MAX_SHARED_TEXT:
        raise _too_much()
    out.seek(0)
    return out


def _repack_ods(data: bytes) -> io.BytesIO:
    """As ``_repack``, of an OpenDocument spreadsheet: everything that counts stands in one member."""
    out = io.BytesIO()
    left = MAX_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as copy:
            for info in _members(source, _PARTS_OF_ODS):
                content = _unpack(source, info, left)
                left -= len(content)
                if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
                    raise _broken()
                if b"encryption-data" in content and info.filename.startswith("META-INF"):
                    raise Unreadable("it has a password", "tiene contraseña")
                if info.filename == "content.xml":
                    # Nothing may hide tags from the count below; no program writes comments or sections there.
                    if b"<!" in content or content.count(b"<?") > 1:
                        raise _broken()
                    _measure_ods(content)
                copy.writestr(zipfile.ZipInfo(info.filename), content)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _broken() from error
    out.seek(0)
    return out


def _measure_ods(content: bytes) -> None:
    """Refuse what repetitions would unfold to: rows, the rectangles of all sheets, the text in repeated cells."""
    cells = text = row = rows = column = last_row = last_column = inside = 0
    filled_from: tuple[int, int] | None = None  # where a cell with content began, and how often it repeats
    row_text, row_filled = 0, False
    for tag in _ODS_TAG.finditer(content):
        if filled_from is not None:
            row_text += (tag.start() - filled_from[0]) * filled_from[1]
            filled_from = None
        closing, name, attributes = tag[1], tag[2], tag[3]
        times = _times(attributes)
        inside += (1 - 2 * bool(closing)) if name == b"table" else 0
        if inside > 1:
            raise Unreadable("it has a table within a table", "tiene una tabla dentro de otra")
        if name == b"table" and not closing:
            cells += last_row * last_column
            row = last_row = last_column = 0
        elif name == b"table-row" and not closing and not attributes.endswith(b"/"):
            rows, column, row_text, row_filled = times, 0, 0, False
        elif name == b"table-row":
            row += rows if closing else times
            text += row_text * rows if closing else 0
            last_row = row if closing and row_filled else last_row
            if last_row > MAX_ROWS:
                raise Unreadable(f"it has more than {MAX_ROWS} rows", f"pasa de {MAX_ROWS} filas")
            if text > MAX_UNPACKED_BYTES:
                raise _too_much()
        elif name.endswith(b"cell") and not closing:
            column += times
            if b"office:" in attributes or not attributes.endswith(b"/"):
                last_column, row_filled, filled_from = max(last_column, column), True, (tag.start(), times)
    if cells + last_row * last_column > MAX_CELLS:
        raise _too_much()


def _times(attributes: bytes) -> int:
    """How often a row or cell repeats; a number that is written so that it cannot be read here is refused."""
    repeated = _REPEATED.search(attributes)
    if repeated is None and b"-repeated" in attributes:
        raise _broken()
    return int(repeated[1]) if repeated else 1


def _members(source: zipfile.ZipFile, parts: re.Pattern[str]) -> list[zipfile.ZipInfo]:
    infos = source.infolist()
    names = [info.filename.lower() for info in infos]
    if len(infos) > MAX_MEMBERS or len(set(names)) != len(names):
        raise _broken()
    if any(info.flag_bits & 0x1 for info in infos):
        raise Unreadable("it has a password", "tiene contraseña")
    return [info for info in infos if parts.fullmatch(info.filename)]


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
        raise Unreadable(f"it has more than {MAX_ROWS} rows", f"pasa de {MAX_ROWS} filas")
    return last_row * last_column, shared


def _column(letters: bytes) -> int:
    number = 0
    for byte in letters.upper():
        number = number * 26 + byte - 64
    return number


def _longest_text(shared_strings: bytes) -> int:
    starts = [found.start() for found in _SHARED_ITEM.finditer(shared_strings)]
    return max((b - a for a, b in zip(starts, [*starts[1:], len(shared_strings)], strict=True)), default=0)


def _broken() -> Unreadable:
    return Unreadable("it is not a whole workbook", "no es un libro completo")


def _too_much() -> Unreadable:
    return Unreadable(
        "unpacked it is larger than a census can be; leave only the census sheet",
        "desempaquetado es más grande que un censo; deje solo la hoja del censo",
    )


if __name__ == "__main__":
    main()
