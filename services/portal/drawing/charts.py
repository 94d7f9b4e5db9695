"""Charts: Vega-Lite specifications drawn as SVG, for a wide page and for a telephone.

The library brings an engine of its own, so it is loaded with the first chart that is asked for (decision 0031). Colours are
those of the page: ``currentColor`` and its variables.
"""

import re
import textwrap
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Any

import orjson

WIDE, NARROW = 620, 318  # of the whole drawing; the narrow one fits a page of 360 px
LABEL = {WIDE: 200, NARROW: 104}  # of the names beside bars
# The page may have wider letters than those the drawing was measured with.
LEFT, RIGHT = {WIDE: 26, NARROW: 12}, 36
KEPT = 64
BROKEN_AT = 26  # letters of an axis title on a telephone
MARK, SECOND, GRID = "var(--accent, #7a4f2a)", "var(--part, #4a5568)", "var(--line, #d9cfc1)"
WARN = "var(--no, #a32018)"
_SIZE = re.compile(r'<svg[^>]*?width="(\d+)" height="(\d+)"[^>]*>')
_TAG, _FOR_READERS = re.compile(r"<[^>]*>"), re.compile(r' (aria-[a-z]+|role)="[^"]*"')
CONFIG: dict[str, Any] = {
    "font": "system-ui, sans-serif",
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor", "titleColor": "currentColor", "domainColor": "currentColor",
        "tickColor": "currentColor", "gridColor": GRID, "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": 600, "titlePadding": 8, "labelOverlap": "greedy", "labelSeparation": 14,
    },
    "header": {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12},
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12, "orient": "bottom"},
}  # fmt: skip
# A long name beside its bar or line stands in two lines; none is left out.
NAMES: dict[str, Any] = {
    "labelExpr": r"length(datum.label) > 16 ? split(replace(datum.label, regexp('^(.{5,15}) (.+)$'), '$1|$2'), '|') : datum.label",
    "labelLineHeight": 13,
    "labelOverlap": False,
}
# Numbers as Peru writes them: a point before decimals, commas between thousands.
LOCALE = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["S/ ", ""]}


def days_axis(title: str, months: Sequence[str]) -> dict[str, Any]:
    """A field of days, told as the page tells days: 20 jul. 2026."""
    said = (
        f"date(datum.value) + ' ' + {orjson.dumps(list(months)).decode()}[month(datum.value)] + ' ' + year(datum.value)"
    )
    return {"field": "at", "type": "temporal", "title": title, "axis": {"labelExpr": said, "tickCount": 4}}


def chart(spec: dict[str, Any], title: str, about: str) -> str:
    """The chart twice, of which the page shows the one that fits; each is one picture with its title and description."""
    told = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
    drawn = [_told(_drawn(told, width), title, about) for width in (WIDE, NARROW)]
    return f'<div class="chart wide-only">{drawn[0]}</div><div class="chart narrow-only">{drawn[1]}</div>'


@lru_cache(KEPT)
def _drawn(spec: bytes, width: int) -> str:
    import vl_convert

    axis = {**CONFIG["axis"], "labelLimit": LABEL[width]}
    fit = {"type": "fit", "contains": "padding"}
    padding = {"left": LEFT[width], "right": RIGHT, "top": 4, "bottom": 4}
    whole = {
        "config": {**CONFIG, "axis": axis, "padding": padding},
        **orjson.loads(spec),
        "width": width,
        "autosize": fit,
    }
    if width == NARROW:
        _break_titles(whole)
    drawn: str = vl_convert.vegalite_to_svg(whole, format_locale=LOCALE)
    return drawn


def _break_titles(part: Any) -> None:
    """The titles of axes in lines that fit a telephone."""
    for name, value in list(part.items()) if isinstance(part, dict) else ():
        if name == "title" and isinstance(value, str) and len(value) > BROKEN_AT:
            part[name] = textwrap.wrap(value, BROKEN_AT)
        else:
            _break_titles(value)
    for one in part if isinstance(part, list) else ():
        _break_titles(one)


def width_of(svg: str) -> int:
    """How wide a drawing is, in pixels of the page."""
    found = re.search(r'width="(\d+)', svg)
    return int(found[1]) if found else 0


def _told(drawn: str, title: str, about: str) -> str:
    """Without what the library says of its own parts to a screen reader: the table beside it says it better."""
    start = _SIZE.match(drawn)
    assert start is not None, "the library begins with the size"
    width, height = start.groups()
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(about)}</desc>"
    )
    # Only inside a tag: a name somebody typed may look like an attribute, and would take the markup after it along.
    inside = _TAG.sub(lambda found: _FOR_READERS.sub("", found[0]), drawn[start.end() :])
    return head + inside


def waterfall(steps: Sequence[tuple[str, float, float, str]], x_title: str) -> dict[str, Any]:
    """A bar for each stage (name, cubic metres, difference from the stage before, label), and beside it what went less
    (hollow) or came more (hatched in the second colour) than the stage before had."""
    values = [{"name": name, "value": value, "label": label, "low": min(value, value - change),
               "high": max(value, value - change), "kind": "more" if change > 0 else "less"}
              for name, value, change, label in steps]  # fmt: skip
    y = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": NAMES}
    x = {"type": "quantitative", "title": x_title, "axis": {"tickCount": 4}}
    bar = {"type": "bar", "height": {"band": 0.66}}
    return {
        "data": {"values": values},
        "height": {"step": 34},
        "layer": [
            {"mark": {**bar, "color": MARK}, "encoding": {"y": y, "x": {"field": "low", **x}}},
            {"mark": {**bar, "filled": False, "stroke": MARK, "strokeDash": [4, 3]}, "transform": [
                {"filter": "datum.kind == 'less' && datum.high > datum.low"}
            ], "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}}},
            {"mark": {**bar, "color": WARN}, "transform": [{"filter": "datum.kind == 'more'"}],
             "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}}},
            {"mark": {"type": "text", "align": "left", "dx": 5, "color": "currentColor", "fontSize": 12},
             "encoding": {"y": y, "x": {"field": "high", **x}, "text": {"field": "label"}}},
        ],
    }  # fmt: skip


def shares(values: Sequence[tuple[str, float, float | None, str]], x_title: str) -> dict[str, Any]:
    """A bar for each share in percent (name, share, limit, label), with a stroke where its limit is."""
    rows = [{"name": name, "value": value, "limit": limit, "label": label} for name, value, limit, label in values]
    y = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": NAMES}
    x = {"type": "quantitative", "title": x_title, "axis": {"tickCount": 5}}
    return {
        "data": {"values": rows},
        "height": {"step": 34},
        "encoding": {"y": y},
        "layer": [
            {"mark": {"type": "bar", "height": {"band": 0.6}, "color": MARK}, "encoding": {"x": {"field": "value", **x}}},
            {"mark": {"type": "tick", "thickness": 3, "size": 30, "color": WARN}, "transform": [
                {"filter": "isValid(datum.limit)"}], "encoding": {"x": {"field": "limit", **x}}},
            {"mark": {"type": "text", "align": "left", "dx": 5, "color": "currentColor", "fontSize": 12},
             "transform": [{"calculate": "isValid(datum.limit) ? max(datum.value, datum.limit) : datum.value", "as": "end"}],
             "encoding": {"x": {"field": "end", **x}, "text": {"field": "label"}}},
        ],
    }  # fmt: skip


def moments(values: Sequence[tuple[str, str]], x_title: str, months: Sequence[str]) -> dict[str, Any]:
    """A point for each (instant as ISO 8601 of the day's own hour, name), one line for each name in the order of first use."""
    return {
        "data": {"values": [{"at": at, "name": name} for at, name in values]},
        "height": {"step": 34},
        "mark": {"type": "point", "filled": True, "size": 55, "color": MARK, "opacity": 0.65},
        "encoding": {
            "x": {**days_axis(x_title, months), "scale": {"padding": 14}},
            "y": {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": {"grid": True, **NAMES}},
        },
    }  # fmt: skip


def histogram(
    values: Sequence[tuple[float, float, int]], reference: Sequence[tuple[float, float]], x_title: str, y_title: str
) -> dict[str, Any]:
    """Columns (from, to, count), and a stepless line of what is expected where a reference is known."""
    x, y = {"type": "quantitative", "title": x_title}, {"type": "quantitative", "title": y_title}
    columns = [{"from": low, "to": high, "count": count} for low, high, count in values]
    layers: list[dict[str, Any]] = [{
        "data": {"values": columns}, "mark": {"type": "bar", "color": MARK, "opacity": 0.85},
        "encoding": {"x": {"field": "from", **x, "scale": {"zero": False, "nice": False}}, "x2": {"field": "to"},
                     "y": {"field": "count", **y}, "y2": {"datum": 0}},
    }]  # fmt: skip
    if reference:
        layers.append(_line(reference, x, y))
    return {"height": 190, "layer": layers}


def scatter(
    points: Sequence[tuple[float, float]], x_title: str, y_title: str, line: Sequence[tuple[float, float]] = ()
) -> dict[str, Any]:
    """A cloud of points, and a line through it where one is known."""
    x = {"type": "quantitative", "title": x_title, "scale": {"zero": False}}
    y = {"type": "quantitative", "title": y_title, "scale": {"zero": False}}
    layers = [{
        "data": {"values": [{"x": a, "y": b} for a, b in points]},
        "mark": {"type": "point", "filled": True, "size": 14, "color": MARK, "opacity": 0.5},
        "encoding": {"x": {"field": "x", **x}, "y": {"field": "y", **y}},
    }]  # fmt: skip
    return {"height": 240, "layer": [*layers, *([_line(line, x, y)] if line else [])]}


def curves(
    own: Sequence[tuple[float, float]], reference: Sequence[tuple[float, float]], x_title: str, y_title: str
) -> dict[str, Any]:
    """What was found (whole line) beside what chance would give (broken line)."""
    x, y = {"type": "quantitative", "title": x_title}, {"type": "quantitative", "title": y_title}
    found = {"data": {"values": [{"x": a, "y": b} for a, b in own]}, "mark": {"type": "line", "color": MARK, "strokeWidth": 2.5},
             "encoding": {"x": {"field": "x", **x}, "y": {"field": "y", **y}}}  # fmt: skip
    return {"height": 220, "layer": [found, _line(reference, x, y)]}


def _line(points: Sequence[tuple[float, float]], x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": {"values": [{"x": a, "y": b} for a, b in points]},
        "mark": {"type": "line", "color": SECOND, "strokeDash": [6, 4], "strokeWidth": 2},
        "encoding": {"x": {"field": "x", **x}, "y": {"field": "y", **y}},
    }
