"""Opens one zipped Shapefile or GeoPackage, in a process of its own: bytes in, rings and reference system as JSON out.

Both formats are small and published: ESRI's Shapefile (1998) is doubles behind a header, a GeoPackage (OGC 12-128) is an
SQLite file with well-known binary in it. Members of the archive are unpacked under our own count; the database is opened
in memory, and only reading is authorised.
"""

import io
import sqlite3
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

import orjson

from services.permits import apart

MAX_UNPACKED_BYTES = 16 * 1024 * 1024
MAX_MEMBERS = 200
MAX_PRJ_BYTES = 16 * 1024
MAX_POINTS = 100_000
MAX_ROWS = 1_000
MEMORY_BYTES = 512 * 1024 * 1024
CPU_S = 10

Point = tuple[float, float]
Ring = list[Point]
_POLYGONS = (5, 15, 25)
_HEADER_BYTES = 100


class Unreadable(Exception):  # noqa: N818
    """Why not, in English and Spanish."""

    def __init__(self, reason: str, reason_es: str) -> None:
        super().__init__(reason)
        self.reason, self.reason_es = reason, reason_es


def main() -> None:
    """Read, answer, end. ``argv[1]`` says which of the two it is."""
    apart.bound(MEMORY_BYTES, CPU_S)
    data = sys.stdin.buffer.read()
    try:
        polygons, reference = read_geopackage(data) if sys.argv[1] == "geopackage" else read_shapefile(data)
        answer: dict[str, Any] = {"polygons": polygons, "reference": reference}
    except Unreadable as refused:
        answer = {"reason": refused.reason, "reason_es": refused.reason_es}
    except MemoryError:
        answer = {"reason": "it is too large", "reason_es": "es demasiado grande"}
    sys.stdout.buffer.write(orjson.dumps(answer))


# ---- Shapefile


def read_shapefile(data: bytes) -> tuple[list[list[Ring]], str | None]:
    """The polygons of the only ``.shp`` in a zip, and the text of its ``.prj`` as an EPSG code, if it has one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source:
            members = _members(source)
            shapes = [name for name in members if name.endswith(".shp")]
            if len(shapes) != 1:
                raise Unreadable(
                    f"the zip has {len(shapes)} .shp files; leave one",
                    f"el zip tiene {len(shapes)} archivos .shp; deje uno",
                )
            content = _unpack(source, members[shapes[0]], MAX_UNPACKED_BYTES)
            beside = members.get(shapes[0].removesuffix(".shp") + ".prj")
            reference = None if beside is None else _unpack(source, beside, MAX_PRJ_BYTES).decode("utf-8", "replace")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Unreadable("it is not a whole zip", "no es un zip completo") from error
    rings = [ring for record in _records(content) for ring in _rings(record)]
    return _nested(rings), None if reference is None else _epsg(reference)


def _members(source: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = source.infolist()
    if len(infos) > MAX_MEMBERS:
        raise Unreadable("the zip has too many members", "el zip tiene demasiados archivos")
    if any(info.flag_bits & 0x1 for info in infos):
        raise Unreadable("it has a password", "tiene contraseña")
    # Macintosh computers put a shadow of every file beside it.
    return {
        info.filename.lower(): info
        for info in infos
        if not info.filename.startswith("__MACOSX/") and not PurePosixPath(info.filename).name.startswith(".")
    }


def _unpack(source: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    with source.open(info) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise Unreadable("unpacked it is larger than a boundary can be", "desempaquetado es más grande que un lindero")
    return content


def _records(content: bytes) -> Iterator[bytes]:
    if len(content) < _HEADER_BYTES or struct.unpack_from(">i", content)[0] != 9994:
        raise _broken_shape()
    at = _HEADER_BYTES
    while at + 8 <= len(content):
        length = struct.unpack_from(">i", content, at + 4)[0] * 2
        if length < 4 or at + 8 + length > len(content):
            raise _broken_shape()
        yield content[at + 8 : at + 8 + length]
        at += 8 + length


def _rings(record: bytes) -> Iterator[Ring]:
    kind = struct.unpack_from("<i", record)[0]
    if kind == 0:
        return
    if kind not in _POLYGONS:
        raise Unreadable("it holds points or lines, not polygons", "contiene puntos o líneas, no polígonos")
    try:
        parts, points = struct.unpack_from("<2i", record, 36)
        if not (0 <= parts <= points <= MAX_POINTS):
            raise _broken_shape()
        starts = [*struct.unpack_from(f"<{parts}i", record, 44), points]
        numbers = struct.unpack_from(f"<{2 * points}d", record, 44 + 4 * parts)
    except struct.error as error:
        raise _broken_shape() from error
    for start, end in pairwise(starts):
        if not 0 <= start <= end <= points:
            raise _broken_shape()
        yield [(numbers[2 * n], numbers[2 * n + 1]) for n in range(start, end)]


def _broken_shape() -> Unreadable:
    return Unreadable("its .shp is not whole", "su .shp no está completo")


def _nested(rings: list[Ring]) -> list[list[Ring]]:
    """Rings that turn clockwise are outsides; each other is the hole of the outside that contains it, or stands alone."""
    outsides = [ring for ring in rings if _signed_area(ring) <= 0]
    polygons = [[ring] for ring in outsides]
    for ring in rings:
        if _signed_area(ring) > 0:
            home = next((polygon for polygon in polygons if _contains(polygon[0], ring[0])), None)
            if home is None:
                polygons.append([ring])
            else:
                home.append(ring)
    return polygons


def _signed_area(ring: Ring) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], *ring[:1]], strict=True))


def _contains(ring: Ring, point: Point) -> bool:
    """Even and odd: how often a ray to the east meets the ring."""
    x, y = point
    odd = False
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            odd = not odd
    return odd


def _epsg(text: str) -> str:
    """A reference system as its EPSG code, or the words it is called by."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        system = CRS.from_wkt(text)
        code = system.to_epsg(min_confidence=70)
    except CRSError:
        return text[:60]
    return f"EPSG:{code}" if code else str(system.name)[:60]


# ---- GeoPackage


def read_geopackage(data: bytes) -> tuple[list[list[Ring]], str | None]:
    """The polygons of the only layer of a GeoPackage, and the EPSG code of its reference system."""
    # A file that was left in write-ahead mode is read as it stood at its last checkpoint.
    data = data[:18] + b"\x01\x01" + data[20:] if data[18:20] == b"\x02\x02" else data
    try:
        with_file = sqlite3.connect(":memory:")
        with_file.deserialize(data)
        with_file.execute("PRAGMA trusted_schema = OFF")
        with_file.execute("PRAGMA cell_size_check = ON")
        with_file.set_authorizer(_only_reading)
        return _layer(with_file)
    except (sqlite3.Error, OverflowError, UnicodeError) as error:
        raise Unreadable("it is not a whole GeoPackage", "no es un GeoPackage completo") from error


def _only_reading(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ) else sqlite3.SQLITE_DENY


def _layer(file: sqlite3.Connection) -> tuple[list[list[Ring]], str | None]:
    layers = file.execute(
        "SELECT g.table_name, g.column_name, g.srs_id FROM gpkg_contents c JOIN gpkg_geometry_columns g"
        " ON g.table_name = c.table_name WHERE c.data_type = 'features' LIMIT 20"
    ).fetchall()
    if len(layers) != 1:
        names = ", ".join(str(layer[0])[:30] for layer in layers) or "–"
        raise Unreadable(
            f"it has {len(layers)} layers ({names}); leave one", f"tiene {len(layers)} capas ({names}); deje una"
        )
    table, column, system = layers[0]
    rows = file.execute(f"SELECT {_quoted(column)} FROM {_quoted(table)} LIMIT {MAX_ROWS + 1}").fetchall()  # noqa: S608  (quoted; only reading is authorised)
    if len(rows) > MAX_ROWS:
        raise Unreadable(f"it has more than {MAX_ROWS} features", f"tiene más de {MAX_ROWS} elementos")
    polygons = [polygon for (blob,) in rows if isinstance(blob, bytes) for polygon in _geometry(blob)]
    known = file.execute(
        "SELECT organization, organization_coordsys_id, srs_name FROM gpkg_spatial_ref_sys WHERE srs_id = ?", (system,)
    ).fetchone()
    if known is None or known[1] in (0, -1):
        return polygons, None
    return polygons, f"EPSG:{known[1]}" if str(known[0]).upper() == "EPSG" else str(known[2])[:60]


def _quoted(name: object) -> str:
    return '"' + str(name).replace('"', '""') + '"'


_ENVELOPES = (0, 32, 48, 48, 64)


def _geometry(blob: bytes) -> list[list[Ring]]:
    if len(blob) < 8 or blob[:2] != b"GP" or (blob[3] >> 1 & 7) >= len(_ENVELOPES):
        raise _broken_geometry()
    if blob[3] & 0x10:
        return []
    try:
        polygons, _ = _well_known(blob, 8 + _ENVELOPES[blob[3] >> 1 & 7], nested=False)
    except (struct.error, IndexError) as error:
        raise _broken_geometry() from error
    return polygons


def _well_known(blob: bytes, at: int, *, nested: bool) -> tuple[list[list[Ring]], int]:
    """One geometry of well-known binary and where the next begins; heights and measures are passed over."""
    order = "<" if blob[at] == 1 else ">"
    (code,) = struct.unpack_from(f"{order}I", blob, at + 1)
    kind, height = code & 0x0FFF_FFFF, bool(code & 0x8000_0000) + bool(code & 0x4000_0000)
    kind, extra = kind % 1000, height or (0, 1, 1, 2)[min(kind // 1000, 3)]
    (count,) = struct.unpack_from(f"{order}I", blob, at + 5)
    at += 9
    if count > MAX_POINTS or (kind == 6 and nested):
        raise _broken_geometry()
    if kind == 6:
        found = []
        for _ in range(count):
            inner, at = _well_known(blob, at, nested=True)
            found += inner
        return found, at
    if kind != 3:
        raise Unreadable("it holds points or lines, not polygons", "contiene puntos o líneas, no polígonos")
    rings = []
    for _ in range(count):
        (points,) = struct.unpack_from(f"{order}I", blob, at)
        if points > MAX_POINTS:
            raise _broken_geometry()
        width = 2 + extra
        numbers = struct.unpack_from(f"{order}{width * points}d", blob, at + 4)
        rings.append([(numbers[n], numbers[n + 1]) for n in range(0, width * points, width)])
        at += 4 + 8 * width * points
    return [rings], at


def _broken_geometry() -> Unreadable:
    return Unreadable("a geometry in it is not whole", "una geometría no está completa")


if __name__ == "__main__":
    main()
