"""KML and GPX, by the parser of the standard library with document types and entities refused."""

from collections.abc import Callable
from xml.parsers import expat  # documents with a DOCTYPE are refused before an entity can be declared

from services.permits.domain.land.drawing import DEGREES, Drawing, Point, Rings, check_size, number, place
from services.permits.domain.land.faults import unreadable

MAX_DEPTH = 64


class _Refused(Exception):  # noqa: N818
    """The document has what no file of boundaries needs."""


def read_kml(data: bytes) -> Drawing:
    """The polygons of a KML document, holes included; when it has none, its lines as rings."""
    reader = _Kml()
    _parse(data, reader.start, reader.end, reader.text)
    return check_size(Drawing(reader.polygons or reader.lines, "kml", DEGREES))


def read_gpx(data: bytes) -> Drawing:
    """Each track segment or route of a GPX document as a ring; waypoints are not boundaries."""
    reader = _Gpx()
    _parse(data, reader.start, reader.end, lambda _: None)
    return check_size(Drawing(reader.rings, "gpx", DEGREES))


def _parse(
    data: bytes, start: Callable[[str, dict[str, str]], None], end: Callable[[str], None], text: Callable[[str], None]
) -> None:
    depth = 0

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise _Refused
        start(name.rpartition(":")[2], attributes)

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name.rpartition(":")[2])

    def refuse(*_: object) -> None:
        raise _Refused

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise unreadable(
            f"line {error.lineno}: it is not whole XML", f"línea {error.lineno}: no es XML completo"
        ) from error
    except _Refused as error:
        raise unreadable(
            "it declares a document type, entities, or is too deep",
            "declara tipos de documento o entidades, o es muy profundo",
        ) from error


class _Kml:
    """Collects rings on the way through the document."""

    def __init__(self) -> None:
        self.polygons: Rings = []
        self.lines: Rings = []
        self._in_polygon = self._in_hole = False
        self._text: list[str] | None = None

    def start(self, name: str, _: dict[str, str]) -> None:
        if name == "Polygon":
            self._in_polygon = True
            self.polygons.append([])
        elif name == "innerBoundaryIs":
            self._in_hole = True
        elif name == "coordinates":
            self._text = []

    def text(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def end(self, name: str) -> None:
        if name == "Polygon":
            self._in_polygon = False
        elif name == "innerBoundaryIs":
            self._in_hole = False
        elif name == "coordinates" and self._text is not None:
            self._ring("".join(self._text).split())
            self._text = None

    def _ring(self, tuples: list[str]) -> None:
        polygon, ring = len(self.polygons) - 1, len(self.polygons[-1]) if self.polygons else 0
        points = [_pair(one.split(","), place(max(polygon, 0), ring, n)) for n, one in enumerate(tuples)]
        if not self._in_polygon:
            if len(points) > 1:
                self.lines.append([points])
        elif self._in_hole:
            self.polygons[-1].append(points)
        else:
            self.polygons[-1].insert(0, points)


class _Gpx:
    """Collects tracks and routes."""

    def __init__(self) -> None:
        self.rings: Rings = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("trkseg", "rte"):
            self.rings.append([[]])
        elif name in ("trkpt", "rtept") and self.rings:
            ring = self.rings[-1][0]
            pair = [attributes.get("lon", ""), attributes.get("lat", "")]
            ring.append(_pair(pair, place(len(self.rings) - 1, 0, len(ring))))

    def end(self, name: str) -> None:
        if name in ("trkseg", "rte") and self.rings and not self.rings[-1][0]:
            self.rings.pop()


def _pair(numbers: list[str], where: str) -> Point:
    if len(numbers) < 2:
        return number("", where), 0.0
    return number(numbers[0], where), number(numbers[1], where)
