"""Charts of money: what had fallen due beside what had been paid, and what prices are reported at."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from services.portal.drawing.charts import MARK, NAMES, SECOND, days_axis
from services.portal.drawing.offers import FAIR


def due_and_paid(
    days: Sequence[tuple[str, Decimal, Decimal]],
    names: tuple[str, str],
    y_title: str,
    x_title: str,
    months: Sequence[str],
) -> dict[str, Any]:
    """Two stairs over the days: due (broken) and paid (whole), named as in ``names``; amounts are sums up to the day."""
    values = [
        {"at": day, "name": name, "amount": float(amount)}
        for day, *amounts in days
        for name, amount in zip(names, amounts, strict=True)
    ]
    legend = {"columns": 1, "symbolType": "stroke", "symbolSize": 300, "symbolStrokeWidth": 2.5, "labelLimit": 400}
    by_name = {"field": "name", "type": "nominal", "title": None, "sort": None}
    return {
        "data": {"values": values},
        "height": 220,
        "layer": [
            {"mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5}},
            {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 1}},
        ],
        "encoding": {
            "x": days_axis(x_title, months),
            "y": {"field": "amount", "type": "quantitative", "title": y_title, "axis": {"tickCount": 5}},
            "color": {**by_name, "scale": {"domain": list(names), "range": [SECOND, MARK]}, "legend": legend},
            "strokeDash": {**by_name, "scale": {"domain": list(names), "range": [[6, 4], [1, 0]]}},
        },
    }


def price_bands(prices: Sequence[tuple[str, Decimal, Decimal, Decimal]], x_title: str) -> dict[str, Any]:
    """For each name its price as a band from low to high with a stroke at the middle, and the middle as a figure."""
    values = [
        {"name": name, "low": float(low), "mid": float(mid), "high": float(high), "label": f"S/ {mid:,.0f}"}
        for name, low, mid, high in prices
    ]
    y = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": NAMES}
    x = {"type": "quantitative", "title": x_title, "scale": {"zero": True}, "axis": {"tickCount": 5}}
    return {
        "data": {"values": values},
        "height": {"step": 40},
        "layer": [
            {"mark": {"type": "bar", "height": {"band": 0.5}, "color": FAIR, "opacity": 0.3, "stroke": FAIR},
             "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}}},
            {"mark": {"type": "tick", "color": FAIR, "thickness": 3, "size": 26},
             "encoding": {"y": y, "x": {"field": "mid", **x}}},
            {"mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "color": "currentColor"},
             "encoding": {"y": y, "x": {"field": "high", **x}, "text": {"field": "label"}}},
        ],
    }  # fmt: skip
