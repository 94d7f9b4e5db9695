"""Maps: title, parcels, zones without harvest and trees, in plain SVG over a UTM plane, with grid, scale bar and north."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from services.portal.drawing.svg import INK, SOFT, number, tag, text, whole

WIDE, NARROW = 640, 328
PAD, LEAST_M = 34, 200.0
TITLED = 300  # points with a title each; beyond these they are one path by kind
LOWEST, HIGHEST = 260, 760  # of the map itself
# Kind: paper, its opacity, line, its width, its dashes, hatched.
AREAS: dict[str, tuple[str, str, str, float, str | None, bool]] = {
    "title": ("#dcead9", "0.6", "#2c6e3f", 2.2, None, False),
    "zone": ("#dbe6f3", "0.8", "#44598f", 1.2, "2 3", False),
    "no_harvest": ("#ffffff", "0", "#a32018", 1.6, "6 3", True),
    "parcel": ("#f4e6d6", "0.75", "#8a5a2b", 1.6, "9 3", False),
}
# Kind: colour. Each has a shape of its own besides.
POINTS = {"harvestable": "#2c6e3f", "felled": "#8a5a2b", "seed": "#76407f", "other": "#44598f"}
CAPS = {"harvestable": "round", "felled": "square"}
Place = tuple[float, float]


@dataclass(frozen=True)
class Area:
    """Land: its rings as lists of (longitude, latitude) in degrees, WGS 84, holes among them."""

    kind: str
    label: str
    rings: tuple[tuple[Place, ...], ...]


@dataclass(frozen=True)
class Spot:
    """A tree or stump: zone, easting and northing in metres, UTM on WGS 84."""

    kind: str
    label: str
    zone: str
    east_m: float
    north_m: float


def area_of(kind: str, label: str, geometry: Mapping[str, Any]) -> Area:
    """Land as GeoJSON has it, Polygon or MultiPolygon."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return Area(kind, label, tuple(tuple((x, y) for x, y, *_ in ring) for polygon in polygons for ring in polygon))


def both_maps(
    areas: Sequence[Area], spots: Sequence[Spot], t: Callable[..., str], title: str, about: str
) -> str | None:
    """The map for a wide page and for a telephone; None when there is nothing to show."""
    if not areas and not spots:
        return None
    plane = plane_of(areas, spots)
    wide, narrow = (_map(plane, width, t, title, about) for width in (WIDE, NARROW))
    return f'<div class="chart wide-only">{wide}</div><div class="chart narrow-only">{narrow}</div>'


@dataclass(frozen=True)
class Plane:
    """Everything in metres of one UTM zone."""

    zone: str
    areas: tuple[tuple[Area, tuple[tuple[Place, ...], ...]], ...]
    spots: tuple[tuple[Spot, Place], ...]

    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north, with a margin; never smaller than 200 m."""
        places = [place for _, rings in self.areas for ring in rings for place in ring] + [at for _, at in self.spots]
        west, east = min(x for x, _ in places), max(x for x, _ in places)
        south, north = min(y for _, y in places), max(y for _, y in places)
        across = max(0.0, LEAST_M - (east - west)) / 2 + 0.03 * (east - west)
        up = max(0.0, LEAST_M - (north - south)) / 2 + 0.03 * (north - south)
        return west - across, south - up, east + across, north + up


def plane_of(areas: Sequence[Area], spots: Sequence[Spot]) -> Plane:
    """The plane of the zone in which most trees are, or else of the land's middle."""
    from pyproj import Transformer

    zones = [spot.zone for spot in spots]
    zone = (
        max(sorted(set(zones)), key=zones.count) if zones else zone_of([p for a in areas for r in a.rings for p in r])
    )
    into = Transformer.from_crs(4326, _epsg(zone), always_xy=True)
    others = {one: Transformer.from_crs(_epsg(one), _epsg(zone), always_xy=True) for one in set(zones) - {zone}}
    laid = tuple((area, tuple(tuple(into.transform(x, y) for x, y in ring) for ring in area.rings)) for area in areas)
    placed = tuple(
        (s, others[s.zone].transform(s.east_m, s.north_m) if s.zone in others else (s.east_m, s.north_m)) for s in spots
    )
    return Plane(zone, laid, placed)


def zone_of(places: Sequence[Place]) -> str:
    """The UTM zone of the middle of these places, as ``18S``."""
    lon = sum(x for x, _ in places) / len(places)
    lat = sum(y for _, y in places) / len(places)
    return f"{int((lon + 180) // 6) + 1}{'S' if lat < 0 else 'N'}"


def _epsg(zone: str) -> int:
    return (32700 if zone.endswith("S") else 32600) + int(zone[:-1])


@dataclass(frozen=True)
class _View:
    """From metres to the drawing, north up."""

    west: float
    north: float
    scale: float
    width: float
    height: float

    def at(self, place: Place) -> Place:
        return PAD + (place[0] - self.west) * self.scale, PAD / 2 + (self.north - place[1]) * self.scale


def _view(plane: Plane, width: int) -> _View:
    west, south, east, north = plane.box()
    room = width - PAD - PAD / 2
    scale = min(room / (east - west), HIGHEST / (north - south))
    spare = room / scale - (east - west)
    height = max((north - south) * scale, LOWEST)
    more = height / scale - (north - south)
    return _View(west - spare / 2, north + more / 2, scale, room, height)


def _map(plane: Plane, width: int, t: Callable[..., str], title: str, about: str) -> str:
    view = _view(plane, width)
    legend, tall = _legend(plane, width, view.height + PAD / 2 + 60, t)
    parts = [
        _hatching(width),
        tag("rect", class_="paper", x=PAD, y=PAD / 2, width=view.width, height=view.height, fill="#ffffff", stroke=SOFT),
        *_grid(view),
        *(part for area, rings in plane.areas for part in _area(area, rings, view, width)),
        *_spots(plane.spots, view),
        *_names(plane, view),
        *_scale_bar(view), _north(view),
        text(f"UTM {plane.zone}, WGS 84", x=PAD, y=view.height + PAD / 2 + 30, font_size=11, fill=SOFT),
        *legend,
    ]  # fmt: skip
    return whole(width, tall, title, about, parts, f"map-{width}")


def _hatching(width: int) -> str:
    line = tag("path", class_="hatch", d="M0 8L8 0M-2 2L2 -2M6 10L10 6", stroke="#a32018", stroke_width=1.2)
    pattern = tag("pattern", line, id=f"hatch-{width}", width=8, height=8, patternUnits="userSpaceOnUse")
    return tag("defs", pattern)


def _area(area: Area, rings: Iterable[Iterable[Place]], view: _View, width: int) -> Iterable[str]:
    paper, opacity, line, stroke, dashes, hatched = AREAS[area.kind]
    told = "".join("M" + "L".join(f"{number(x)} {number(y)}" for x, y in map(view.at, ring)) + "Z" for ring in rings)
    yield tag(
        "path", tag("title", escape(area.label)), class_=f"area {area.kind}", d=told, fill_rule="evenodd",
        fill=f"url(#hatch-{width})" if hatched else paper, fill_opacity=None if hatched else opacity, stroke=line,
        stroke_width=stroke, stroke_dasharray=dashes, stroke_linejoin="round",
    )  # fmt: skip


def _names(plane: Plane, view: _View) -> Iterable[str]:
    """Names of parcels in their middle, over everything."""
    for area, rings in plane.areas:
        ring = max(rings, key=lambda ring: abs(_twice_area(ring)))
        x, y = view.at((sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring)))
        if area.kind == "parcel":
            yield text(area.label, x=x, y=y + 4, text_anchor="middle", font_size=13, font_weight="600", fill=INK,
                       stroke="#fff", stroke_width=3.5, paint_order="stroke")  # fmt: skip


def _twice_area(ring: Sequence[Place]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))


def _spots(spots: Sequence[tuple[Spot, Place]], view: _View) -> Iterable[str]:
    size = 3.4 if len(spots) <= TITLED else 1.8
    for kind, colour in POINTS.items():
        own = sorted({(spot.label, view.at(at)) for spot, at in spots if spot.kind == kind})
        shapes = [(label, shape(kind, x, y, size)) for label, (x, y) in own]
        if len(spots) <= TITLED:
            for label, path in shapes:
                yield tag("path", tag("title", escape(label)), class_=f"spot {kind}", d=path, fill=colour, stroke="#fff",
                          stroke_width=0.7)  # fmt: skip
        elif shapes and kind in CAPS:  # a stroke of no length is the end of a pen, in a dozen bytes
            told = "".join(sorted({f"M{number(x)} {number(y)}h0" for _, (x, y) in own}))
            yield tag("path", class_=f"spot {kind}", d=told, stroke=colour, stroke_width=2 * size, stroke_linecap=CAPS[kind],
                      stroke_opacity="0.75")  # fmt: skip
        elif shapes:
            told = "".join(sorted({path for _, path in shapes}))
            yield tag("path", class_=f"spot {kind}", d=told, fill=colour, fill_opacity="0.75")


def shape(kind: str, x: float, y: float, size: float) -> str:
    """A path of the kind's own shape around a point: circle, square, triangle or diamond."""
    a, b = number(x), number(y)
    s, d = number(size), number(2 * size)
    if kind == "harvestable":
        return f"M{number(x - size)} {b}a{s} {s} 0 1 0 {d} 0a{s} {s} 0 1 0 -{d} 0z"
    if kind == "felled":
        return f"M{number(x - size)} {number(y - size)}h{d}v{d}h-{d}z"
    if kind == "seed":
        return f"M{a} {number(y - size)}l{s} {d}h-{d}z"
    return f"M{a} {number(y - size)}l{s} {s}l-{s} {s}l-{s} -{s}z"


def step_of(span: float, parts: int) -> float:
    """1, 2 or 5 times a power of ten, so that a span has about so many parts."""
    rough = span / parts
    whole_part = 10.0 ** math.floor(math.log10(rough))
    return next(whole_part * one for one in (1, 2, 5, 10) if whole_part * one >= rough)


def _grid(view: _View) -> Iterable[str]:
    step = step_of(view.width / view.scale, 4 if view.width > NARROW else 2)
    right, bottom = PAD + view.width, PAD / 2 + view.height
    east = math.ceil(view.west / step) * step
    while (x := view.at((east, 0))[0]) < right:
        yield tag("path", class_="grid", d=f"M{number(x)} {number(PAD / 2)}V{number(bottom)}", stroke=SOFT, stroke_width=0.5,
                  stroke_opacity="0.5")  # fmt: skip
        if x < right - 24:
            yield text(f"{east:,.0f} E", x=x, y=bottom + 13, text_anchor="middle", font_size=10.5, fill=SOFT)
        east += step
    north = math.floor(view.north / step) * step
    while (y := view.at((0, north))[1]) < bottom:
        yield tag("path", class_="grid", d=f"M{PAD} {number(y)}H{number(right)}", stroke=SOFT, stroke_width=0.5,
                  stroke_opacity="0.5")  # fmt: skip
        if PAD / 2 + 34 < y < bottom - 30:
            yield text(f"{north:,.0f} N", x=12, y=y, text_anchor="middle", font_size=10.5, fill=SOFT,
                       transform=f"rotate(-90 12 {number(y)})")  # fmt: skip
        north -= step


def _scale_bar(view: _View) -> Iterable[str]:
    length = step_of(view.width / view.scale, 5)
    x1, y = PAD + view.width, view.height + PAD / 2 + 22
    x0 = x1 - length * view.scale
    said = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    yield tag("path", class_="scale", d=f"M{number(x0)} {number(y - 4)}V{number(y)}H{number(x1)}V{number(y - 4)}", fill="none", stroke=SOFT,
              stroke_width=1.8)  # fmt: skip
    yield text(said, x=(x0 + x1) / 2, y=y + 13, text_anchor="middle", font_size=11, fill=SOFT)


def _north(view: _View) -> str:
    x, y = PAD + view.width - 18, PAD / 2 + 12
    arrow = tag(
        "path", class_="north", d=f"M{number(x)} {number(y)}l7 20l-7 -5l-7 5z", fill=INK, stroke="#fff", stroke_width=1
    )
    return arrow + text("N", x=x, y=y + 33, text_anchor="middle", font_size=12, font_weight="600", fill=INK,
                        stroke="#fff", stroke_width=3, paint_order="stroke")  # fmt: skip


def _legend(plane: Plane, width: int, top: float, t: Callable[..., str]) -> tuple[list[str], float]:
    """What is on the map, in as many columns as fit; and where the drawing ends."""
    kinds = [kind for kind in AREAS if any(area.kind == kind for area, _ in plane.areas)]
    kinds += [kind for kind in POINTS if any(spot.kind == kind for spot, _ in plane.spots)]
    columns = 3 if width == WIDE else 1
    parts, each = list[str](), (width - PAD) / columns
    for place, kind in enumerate(kinds):
        x, y = PAD + (place % columns) * each, top + place // columns * 22
        if kind in AREAS:
            paper, _opacity, line, stroke, dashes, hatched = AREAS[kind]
            parts.append(tag("rect", class_=f"area {kind}", x=x, y=y - 11, width=22, height=13, fill=f"url(#hatch-{width})" if hatched else paper,
                             stroke=line, stroke_width=stroke, stroke_dasharray=dashes))  # fmt: skip
        else:
            parts.append(tag("path", class_=f"spot {kind}", d=shape(kind, x + 11, y - 4, 5), fill=POINTS[kind]))
        many = sum(spot.kind == kind for spot, _ in plane.spots)
        parts.append(text(t(f"map.{kind}", count=many), x=x + 30, y=y, font_size=12, fill=SOFT))
    return parts, top + max(0, math.ceil(len(kinds) / columns) - 1) * 22 + 14
