"""What a file is, by its bytes. The declared type must agree; what can run or unfold without bound is not taken in.

Nothing is rendered, decoded or unpacked: archives are judged by their directory, pictures by their frame. Slow for a
large file: use a thread.
"""

import io
import json
import zipfile
from xml.parsers import expat

from services.permits.domain.document import DocumentRefused

PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"
CSV, TEXT = "text/csv", "text/plain"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
GEOJSON, KML, GPX = "application/geo+json", "application/vnd.google-earth.kml+xml", "application/gpx+xml"
ACCEPTED = (PDF, PNG, JPEG, CSV, XLSX, ODS, GEOJSON, KML, GPX, TEXT)

MOST_PARTS, MOST_UNPACKED_BYTES, MOST_RATIO = 2_000, 256 * 1024 * 1024, 200
_MARKUP = (b"<!doctype", b"<html", b"<script", b"<svg", b"<?php", b"#!")
_GEOMETRIES = frozenset(
    {"FeatureCollection", "Feature", "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon",
     "GeometryCollection"}
)  # fmt: skip


def check_type(data: bytes, declared: str) -> None:
    """Refuse bytes that are not of the declared type, or of a type that is not kept."""
    if declared not in ACCEPTED:
        raise _refused(f"type {declared or 'none'} is not kept", f"el tipo {declared or 'ninguno'} no se guarda")
    if not data:
        raise _refused("it is empty", "está vacío")
    found = _type_of(data, declared)
    if found != declared:
        raise _refused(f"it says {declared} and is {found}", f"dice {declared} y es {found}")


def _refused(reason: str, reason_es: str) -> DocumentRefused:
    return DocumentRefused("document", reason, reason_es)


def _type_of(data: bytes, declared: str) -> str:
    if data.startswith(b"%PDF-"):
        return _ended(PDF, b"%%EOF" in data[-1024:])
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _ended(PNG, data.endswith(b"IEND\xaeB`\x82") and data[12:16] == b"IHDR")
    if data.startswith(b"\xff\xd8\xff"):
        return _ended(JPEG, data.rstrip(b"\x00").endswith(b"\xff\xd9"))
    if data.startswith(b"PK\x03\x04"):
        return _archive(data)
    return _text(data, declared)


def _ended(media_type: str, whole: bool) -> str:
    """Bytes behind the end of a document are how one file is two."""
    if not whole:
        raise _refused("it is cut short, or more follows its end", "está cortado, o algo sigue a su final")
    return media_type


# ---- archives


def _archive(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            _check_parts(parts, len(data))
            names = {part.filename for part in parts}
            if "mimetype" in names:
                return ODS if archive.read("mimetype") == ODS.encode() else "another archive"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise _refused("the archive cannot be read", "el archivo comprimido no se puede leer") from error
    return XLSX if {"[Content_Types].xml", "xl/workbook.xml"} <= names else "another archive"


def _check_parts(parts: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED_BYTES or unpacked > size * MOST_RATIO:
        raise _refused(
            f"it unfolds to {len(parts)} parts and {unpacked} bytes",
            f"se despliega en {len(parts)} partes y {unpacked} bytes",
        )
    for part in parts:
        name = part.filename
        if part.flag_bits & 1:
            raise _refused("it has a password", "tiene contraseña")
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise _refused("it holds a path that leads out of it", "contiene una ruta que sale de él")
        if name.lower().endswith(("vbaproject.bin", ".exe", ".dll", ".js", ".zip")) or name.startswith("Basic/"):
            raise _refused(f"it holds {name[-60:]}", f"contiene {name[-60:]}")
        if name == "mimetype" and part.file_size > 200:
            raise _refused("its type is too long", "su tipo es demasiado largo")


# ---- text


def _text(data: bytes, declared: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if declared in (CSV, TEXT) and b"\x00" not in data:
            text = data.decode("cp1252", errors="replace")  # what a Spanish Windows writes
        else:
            raise _refused(
                "its bytes are of no type that is kept", "sus bytes no son de un tipo que se guarde"
            ) from error
    if any(c < " " and c not in "\t\r\n\f" for c in set(text)):
        raise _refused("it holds control characters", "contiene caracteres de control")
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if declared in (KML, GPX):
        return _xml(data)
    if head.startswith(_MARKUP) or b"<script" in data.lower():
        raise _refused("it is a page or a program", "es una página o un programa")
    if declared == GEOJSON:
        return _geojson(text)
    return declared if declared in (CSV, TEXT) else TEXT


def _xml(data: bytes) -> str:
    """KML or GPX, well formed to its end and without declarations of its own."""
    roots: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _: None if roots else roots.append(name)
    parser.StartDoctypeDeclHandler = _declares
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise _refused("it is not whole XML", "no es XML completo") from error
    name = roots[0].rpartition(" ")[2]
    return {"kml": KML, "gpx": GPX}.get(name, "another XML")


def _declares(*_: object) -> None:
    raise _refused("it declares entities of its own", "declara entidades propias")


def _geojson(text: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused("it is not JSON", "no es JSON") from error
    return GEOJSON if isinstance(found, dict) and found.get("type") in _GEOMETRIES else "another JSON"
