"""Census files as they arrive: CSV, XLSX and ODS bytes into sheets of cells, within bounds, or a refusal.

A workbook is opened in a process of its own (``workbook``).
"""

import csv
import io
from dataclasses import dataclass
from typing import ClassVar

import orjson

from services.permits import apart
from services.permits.census_bounds import MAX_ROWS
from services.permits.domain.columns import Cell
from services.permits.domain.sheet import Sheet
from shared.refusal import Malformed

MAX_FILE_BYTES = 16 * 1024 * 1024
WORKBOOK_S = 40
CSV_NAME = "CSV"

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
TYPES = (CSV_TYPE, XLSX_TYPE, ODS_TYPE)
_BOOKS = {XLSX_TYPE: "xlsx", ODS_TYPE: "ods"}
_ZIP_MAGIC, _OLE_MAGIC = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(eq=False)
class FileUnreadable(Malformed):
    """The bytes are not a CSV, XLSX or ODS file that this service opens."""

    slug: ClassVar[str] = "census-file-unreadable"
    es: ClassVar[str] = "El archivo no se pudo leer: {reason_es}."
    en: ClassVar[str] = "The file could not be read: {reason}."
    reason_es: str


def unreadable(reason: str, reason_es: str) -> FileUnreadable:
    """``FileUnreadable`` for the whole file."""
    return FileUnreadable("file", reason, reason_es)


def read_sheets(data: bytes, media_type: str) -> list[Sheet]:
    """The sheets of a file whose declared type and first bytes agree; ``FileUnreadable`` otherwise. Slow: use a thread."""
    if not data.strip():
        raise unreadable("it is empty", "está vacío")
    if data.startswith(_OLE_MAGIC):
        raise unreadable(
            "it is an old or password-protected workbook; save it as .xlsx without password",
            "es un libro antiguo o con contraseña; guárdelo como .xlsx sin contraseña",
        )
    zipped = data.startswith(_ZIP_MAGIC)
    if zipped != (media_type in _BOOKS):
        raise unreadable(
            "its content is not what its type says (CSV, XLSX or ODS)",
            "su contenido no es lo que dice su tipo (CSV, XLSX u ODS)",
        )
    return _workbook(data, _BOOKS[media_type]) if zipped else [_csv(data)]


def type_of(data: bytes) -> str:
    """What the first bytes say a file is; CSV where they say nothing."""
    if not data.startswith(_ZIP_MAGIC):
        return CSV_TYPE
    # An OpenDocument file begins with a member that says so, by its standard.
    return ODS_TYPE if ODS_TYPE.encode() in data[:200] else XLSX_TYPE


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
                raise unreadable(f"row {number} has more than 256 columns", f"la fila {number} pasa de 256 columnas")
            rows.append((number, list(cells)))
    except csv.Error as error:
        row = len(rows) + 1
        if "field limit" in str(error):
            longest = csv.field_size_limit()
            raise unreadable(
                f"row {row} has a cell of more than {longest} characters",
                f"la fila {row} tiene una celda de más de {longest} caracteres",
            ) from error
        raise unreadable(f"row {row}: {error}", f"fila {row}: comillas o separadores que no cierran") from error
    return Sheet(CSV_NAME, rows)


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data:
        raise unreadable("it is not UTF-8; save it as CSV UTF-8", "no está en UTF-8; guárdelo como CSV UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What a Spanish Windows writes as plain CSV. Five bytes have no meaning there and become U+FFFD.
        return data.decode("cp1252", errors="replace")


def _too_many_rows() -> FileUnreadable:
    return unreadable(f"it has more than {MAX_ROWS} rows", f"pasa de {MAX_ROWS} filas")


# ---- XLSX and ODS


def _workbook(data: bytes, form: str) -> list[Sheet]:
    """The sheets, as the process apart found them; it answers within a time, or not at all."""
    try:
        said = apart.run("services.permits.workbook", data, form, timeout_s=WORKBOOK_S)
    except apart.TooSlow as error:
        raise unreadable("it takes too long to open", "tarda demasiado en abrirse") from error
    if said is None:
        raise unreadable(
            "it is not a whole workbook, or larger than a census can be",
            "no es un libro completo, o es más grande que un censo",
        )
    answer = orjson.loads(said)
    if "reason" in answer:
        raise unreadable(answer["reason"], answer["reason_es"])
    return [Sheet(name, list(enumerate(rows, 1))) for name, rows in answer["sheets"]]
