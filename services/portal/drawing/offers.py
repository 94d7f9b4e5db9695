"""Charts of offers: where each stands beside the fair range, and what leads from fair value down to what is left."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.portal.drawing.charts import GRID, MARK, NAMES, WARN

FAIR = "var(--yes, #17613a)"


def fair_bands(offers: Sequence[tuple[str, Mapping[str, Decimal]]], x_title: str) -> dict[str, Any]:
    """For each offer (name, and its ``low``, ``mid``, ``high`` and ``net`` in soles a cubic metre) the fair range as a
    band with its middle, and a diamond for what the offer leaves."""
    values = [
        {"name": name, **{key: float(value) for key, value in band.items()}, "label": f"S/ {band['net']:,.2f}"}
        for name, band in offers
    ]
    y: dict[str, Any] = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": None if len(offers) == 1 else NAMES,
    }
    x = {"type": "quantitative", "title": x_title, "scale": {"zero": True}, "axis": {"tickCount": 5}}
    band = {"type": "bar", "height": {"band": 0.45}, "color": FAIR, "opacity": 0.3, "stroke": FAIR}
    return {
        "data": {"values": values},
        "height": {"step": 56},
        "layer": [
            {"mark": band, "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}}},
            {
                "mark": {"type": "tick", "color": FAIR, "thickness": 3, "size": 28},
                "encoding": {"y": y, "x": {"field": "mid", **x}},
            },
            {
                "mark": {"type": "point", "shape": "diamond", "filled": True, "size": 170, "color": MARK, "opacity": 1},
                "encoding": {"y": y, "x": {"field": "net", **x}},
            },
            {
                "mark": {"type": "text", "dy": -17, "fontSize": 12, "fontWeight": 700, "color": "currentColor"},
                "encoding": {"y": y, "x": {"field": "net", **x}, "text": {"field": "label"}},
            },
        ],
    }


def way_down(steps: Sequence[tuple[str, Decimal]], x_title: str) -> dict[str, Any]:
    """The first bar is fair value, the last what is left; between them each cause from where the one before ended."""
    values, at = [], Decimal(0)
    for place, (name, amount) in enumerate(steps):
        ends = place in (0, len(steps) - 1)
        start, end = (Decimal(0), amount) if ends else (at, at + amount)
        kind = "end" if ends else "less" if amount < 0 else "more"
        sign = "" if ends else "−" if amount < 0 else "+"
        values.append(
            {
                "name": name, "low": float(min(start, end)), "high": float(max(start, end)), "kind": kind,
                "label": f"{sign}{abs(amount):,.2f}",
            }
        )  # fmt: skip
        at = end
    y = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": NAMES}
    x = {"type": "quantitative", "title": x_title, "axis": {"tickCount": 4}}
    colour = {
        "field": "kind", "type": "nominal", "legend": None,
        "scale": {"domain": ["end", "less", "more"], "range": [MARK, WARN, FAIR]},
    }  # fmt: skip
    return {
        "data": {"values": values},
        "height": {"step": 36},
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.62}, "stroke": GRID, "strokeWidth": 0.5},
                "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}, "color": colour},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "color": "currentColor"},
                "encoding": {"y": y, "x": {"field": "high", **x}, "text": {"field": "label"}},
            },
        ],
    }
