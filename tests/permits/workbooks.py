"""Workbooks as people and programs make them, and as nobody should."""

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook

FORM = ("bloque", "faja", "codigo", "especies", "dap", "ac", "volumen", "zona", "coordenada_este", "coordenada_norte",
        "condicion", "estado", "pca", "dmc", "observacion")  # fmt: skip
TREE_501: tuple[Any, ...] = (" ", " ", 501, "Brosimum guianense | Manchinga", 80, 18, 5.881, "19S", 506299, 8805463,
                             "Aprovechable", "En Pie", "PC 01", 41, "[NULL]")  # fmt: skip
TREE_1170: tuple[Any, ...] = (" ", " ", 1170, "Myroxylon balsamum | Estoraque", 95, 20, 9.215, "19S", 505629, 8806566,
                              "Aprovechable", "En Pie", "PC 01", 41, "[NULL]")  # fmt: skip


def workbook(*rows: Iterable[Any], header: Iterable[Any] = FORM, above: Iterable[Iterable[Any]] = ()) -> bytes:
    """One sheet: rows above, the header, the trees."""
    return sheets({"Censo": [*above, header, *(rows or (TREE_501, TREE_1170))]})


def sheets(named: Mapping[str, Iterable[Iterable[Any]]]) -> bytes:
    """Several sheets, each as its rows."""
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for name, rows in named.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rebuilt(data: bytes, change: Callable[[str, bytes], bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same workbook with the content of its members changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", compression) as copy:
        for info in source.infolist():
            copy.writestr(info.filename, change(info.filename, source.read(info)))
    return out.getvalue()


def in_first_sheet(data: bytes, old: bytes, new: bytes) -> bytes:
    """The workbook with bytes of its first sheet replaced."""

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith("worksheets/sheet1.xml"):
            return content
        assert old in content, (old, content[:3000])
        return content.replace(old, new, 1)

    return rebuilt(data, change)


def with_member(data: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one more member, or with another content of one it has."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        for info in source.infolist():
            if info.filename != name:
                copy.writestr(info.filename, source.read(info))
        copy.writestr(name, content)
    return out.getvalue()


def with_declared_size(data: bytes, name: str, size: int) -> bytes:
    """The workbook whose directory lies about the unpacked size of one member."""
    raw = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        info = source.getinfo(name)
        true = info.file_size.to_bytes(4, "little")
        start = source.start_dir
    assert raw[info.header_offset + 22 : info.header_offset + 26] == true
    raw[info.header_offset + 22 : info.header_offset + 26] = size.to_bytes(4, "little")
    place = raw.index(name.encode(), start) - 46 + 24
    assert raw[place : place + 4] == true
    raw[place : place + 4] = size.to_bytes(4, "little")
    return bytes(raw)


_ODS_NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for short, long in (("office", "office"), ("table", "table"), ("text", "text"))
)
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def ods_cell(value: Any) -> str:
    """A cell as LibreOffice writes it."""
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'


def ods_rows(*rows: Iterable[Any]) -> str:
    """Rows, and below them the empty ones that LibreOffice fills every sheet with."""
    body = "".join(f"<table:table-row>{''.join(ods_cell(v) for v in row)}</table:table-row>" for row in rows)
    blank = '<table:table-cell table:number-columns-repeated="16384"/>'
    return body + f'<table:table-row table:number-rows-repeated="1048000">{blank}</table:table-row>'


def ods(*tables: str, mimetype: str = ODS_TYPE, manifest: str = "", head: str = "") -> bytes:
    """An OpenDocument spreadsheet with a sheet for each lot of rows."""
    body = "".join(f'<table:table table:name="Hoja{n}">{rows}</table:table>' for n, rows in enumerate(tables, 1))
    start = f'<?xml version="1.0" encoding="UTF-8"?>{head}<office:document-content {_ODS_NAMES}>'
    content = (
        f"{start}<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(zipfile.ZipInfo("mimetype"), mimetype)  # first and stored, as the standard asks
        book.writestr("content.xml", content)
        book.writestr("META-INF/manifest.xml", f"<manifest>{manifest}</manifest>")
        book.writestr("Pictures/large.png", bytes(1000))
    return out.getvalue()
