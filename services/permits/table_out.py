"""Writes one XLSX workbook, in a process of its own: sheets as JSON on standard input, the workbook on standard output.

Twenty thousand rows take seconds of processor time, which the process that serves others does not have.
"""

import io
import re
import sys

import orjson

from services.permits import apart

MEMORY_BYTES = 512 * 1024 * 1024
CPU_S = 60
WRITE_S = 90
# What XML 1.0 has no way to write.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NO_SHEET_NAME = re.compile(r"[\\/*?:\[\]]")

Value = str | int | float | None


class NotWritten(RuntimeError):  # noqa: N818
    """The workbook could not be written within its time and memory."""


def workbook_of(sheets: list[tuple[str, list[list[Value]]]]) -> bytes:
    """The workbook of these sheets. Slow: use a thread. ``NotWritten`` when it takes more than it may."""
    try:
        written = apart.run("services.permits.table_out", orjson.dumps(sheets), timeout_s=WRITE_S)
    except apart.TooSlow as error:
        raise NotWritten("time") from error
    if written is None:
        raise NotWritten("memory")
    return written


def main() -> None:
    """Read, write, end."""
    from openpyxl import Workbook  # 16 MB, numpy with it, that only this process needs

    apart.bound(MEMORY_BYTES, CPU_S)
    book = Workbook(write_only=True)
    for name, rows in orjson.loads(sys.stdin.buffer.read()):
        sheet = book.create_sheet(_NO_SHEET_NAME.sub("_", name)[:31] or "Hoja")
        for row in rows:
            sheet.append([_writable(value) for value in row])
    out = io.BytesIO()
    book.save(out)
    sys.stdout.buffer.write(out.getvalue())


def _writable(value: Value) -> Value:
    return _UNWRITABLE.sub("\ufffd", value) if isinstance(value, str) else value


if __name__ == "__main__":
    main()
