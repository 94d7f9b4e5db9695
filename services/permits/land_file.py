"""Files of boundaries as they arrive: GeoJSON, KML, GPX, zipped Shapefile, GeoPackage; into drawings, or a refusal."""

import math

import orjson

from services.permits import apart
from services.permits.domain.land.drawing import Drawing, check_size, frame_of_epsg, read_geojson
from services.permits.domain.land.faults import FrameContradicts, unreadable
from services.permits.domain.land.markup import read_gpx, read_kml
from shared.refusal import Malformed
from shared.web import strict_json

MAX_FILE_BYTES = 2 * 1024 * 1024
ARCHIVE_S = 15
GEOJSON_TYPES = ("application/geo+json", "application/json")
KML_TYPE = "application/vnd.google-earth.kml+xml"
GPX_TYPE = "application/gpx+xml"
ZIP_TYPE = "application/zip"
GEOPACKAGE_TYPE = "application/geopackage+sqlite3"
TYPES = (*GEOJSON_TYPES, KML_TYPE, GPX_TYPE, ZIP_TYPE, GEOPACKAGE_TYPE)
_SQLITE = b"SQLite format 3\x00"


def read_drawing(data: bytes, media_type: str) -> Drawing:
    """The boundary in a file whose declared type and first bytes agree. Slow: use a thread."""
    if not data.strip():
        raise unreadable("it is empty", "está vacío")
    found = type_of(data)
    if found != media_type and not (found in GEOJSON_TYPES and media_type in GEOJSON_TYPES):
        raise unreadable("its content is not what its type says", "su contenido no es lo que dice su tipo")
    if media_type == KML_TYPE:
        return read_kml(data)
    if media_type == GPX_TYPE:
        return read_gpx(data)
    if media_type in GEOJSON_TYPES:
        return read_geojson(_json(data))
    return _archive(data, "shapefile" if media_type == ZIP_TYPE else "geopackage")


def type_of(data: bytes) -> str:
    """What the first bytes say a file is; empty for none of these."""
    start = data[:2000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if data.startswith(b"PK\x03\x04"):
        return ZIP_TYPE
    if data.startswith(_SQLITE):
        return GEOPACKAGE_TYPE
    if start.startswith(b"{"):
        return GEOJSON_TYPES[0]
    if start.startswith(b"<"):
        return GPX_TYPE if b"<gpx" in start else KML_TYPE
    return ""


def _json(data: bytes) -> object:
    try:
        return strict_json.parse(data.removeprefix(b"\xef\xbb\xbf"))
    except Malformed as error:
        raise unreadable(error.reason, "no es JSON completo y sin repeticiones") from error


def _archive(data: bytes, form: str) -> Drawing:
    try:
        said = apart.run("services.permits.land_archive", data, form, timeout_s=ARCHIVE_S)
    except apart.TooSlow as error:
        raise unreadable("it takes too long to open", "tarda demasiado en abrirse") from error
    if said is None:
        raise unreadable("it could not be opened", "no se pudo abrir")
    answer = orjson.loads(said)
    if "reason" in answer:
        raise unreadable(answer["reason"], answer["reason_es"])
    polygons = [[[_pair(point) for point in ring] for ring in polygon] for polygon in answer["polygons"]]
    reference = answer["reference"]
    frame = None
    if reference is not None:
        code = str(reference).removeprefix("EPSG:")
        frame = frame_of_epsg(int(code)) if code.isdigit() and len(code) < 7 else None
        if frame is None:
            raise FrameContradicts("crs", f"{reference} is not used here", f"{reference} no se usa aquí")
    return check_size(Drawing(polygons, form, frame))


def _pair(point: list[float | None]) -> tuple[float, float]:
    x, y = point
    if x is None or y is None or not (math.isfinite(x) and math.isfinite(y) and abs(x) < 1e9 and abs(y) < 1e9):
        raise unreadable("a coordinate in it is no number", "una coordenada no es un número")
    return x, y
