"""Census files as they arrive: CSV and XLSX bytes into sheets of cells, within bounds, or a refusal.

A workbook is opened in a process of its own (``workbook``): a native parser that meets a hostile file may end the
process it runs in, and that must not be this one.
"""

import csv
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import ClassVar

import orjson

from services.permits.census_bounds import MAX_ROWS
from services.permits.domain.columns import Cell
from services.permits.domain.sheet import Sheet
from shared.refusal import Malformed

MAX_FILE_BYTES = 16 * 1024 * 1024
WORKBOOK_S = 40
CSV_NAME = "CSV"

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ZIP_MAGIC, _OLE_MAGIC = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


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
    """The sheets, as the child process found them; it answers within a time, or not at all."""
    command = [sys.executable, "-m", "services.permits.workbook"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TROZALOG_")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        child = subprocess.run(  # noqa: S603  (our own module; the file comes by standard input)
            command, input=data, capture_output=True, env=environment, timeout=WORKBOOK_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _unreadable("it takes too long to open", "tarda demasiado en abrirse") from error
    if child.returncode != 0:
        raise _unreadable(
            "it is not a whole XLSX workbook, or larger than a census can be",
            "no es un libro XLSX completo, o es más grande que un censo",
        )
    answer = orjson.loads(child.stdout)
    if "reason" in answer:
        raise _unreadable(answer["reason"], answer["reason_es"])
    return [Sheet(name, list(enumerate(rows, 1))) for name, rows in answer["sheets"]]
