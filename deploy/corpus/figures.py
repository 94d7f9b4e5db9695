"""Small SVG figures, written out by hand: bars with intervals, a calibration line, a cloud of points."""

from html import escape
from math import log10
from typing import NamedTuple

COLOURS = {"honest": "#2f7d4f", "uniform random": "#b3403a", "phantoms 30 %, in strips": "#b08a2e"}
INK, FAINT = "#333333", "#cccccc"


class Bar(NamedTuple):
    """A share with its interval; ``good`` draws it in green."""

    name: str
    share: float
    low: float
    high: float
    good: bool = False


class Point(NamedTuple):
    """A plan in the cloud."""

    trees: int
    value: float
    kind: str


def _page(width: int, height: int, title: str, body: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n'
        + _text(12, 20, title, "start", 14) + "\n" + "\n".join(body) + "\n</svg>\n"
    )  # fmt: skip


def _text(x: float, y: float, words: str, anchor: str = "middle", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{INK}">{escape(words)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = INK, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'


def bars(title: str, rows: list[Bar], most: int = 100) -> str:
    """Horizontal bars from 0 to ``most`` per cent."""
    left, wide, step = 220, 420, 20
    scale = wide * 100 / most
    height = 60 + step * len(rows)
    body = []
    for tick in range(0, most + 1, most // 5):
        x = left + wide * tick / most
        body += [_line(x, 34, x, height - 24, FAINT), _text(x, height - 8, f"{tick} %")]
    for number, row in enumerate(rows):
        y = 38 + step * number
        colour = COLOURS["honest"] if row.good or row.name == "honest" else COLOURS["uniform random"]
        body.append(_text(left - 8, y + 11, row.name, "end"))
        body.append(f'<rect x="{left}" y="{y}" width="{scale * row.share:.1f}" height="13" fill="{colour}"/>')
        body.append(_line(left + scale * row.low, y + 6.5, left + scale * row.high, y + 6.5))
    return _page(left + wide + 40, height, title, body)


def calibration(
    title: str,
    rows: list[tuple[float, float, float, float, int]],
    across: str = "score",
    up: str = "share forged",
    of: str = "plans",
) -> str:
    """Mean score of each class against the share forged in it, or any chance against its share; the diagonal is perfect."""
    left, top, side = 60, 36, 360

    def at(x: float, y: float) -> tuple[float, float]:
        return left + side * x, top + side * (1 - y)

    body = [_line(*at(0, 0), *at(1, 1), FAINT, "4 4")]
    for tick in range(0, 11, 2):
        x, y = at(tick / 10, 0)
        body += [_line(x, y, x, y + 4), _text(x, y + 18, f"{tick / 10:.1f}")]
        x, y = at(0, tick / 10)
        body += [_line(x - 4, y, x, y), _text(x - 8, y + 4, f"{tick / 10:.1f}", "end")]
    for chance, share, low, high, n in rows:
        x, y = at(chance, share)
        body.append(_line(x, at(0, low)[1], x, at(0, high)[1]))
        body.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS["honest"]}"><title>{n} {of}</title></circle>'
        )
    body += [_text(left + side / 2, top + side + 36, across), _text(left, top - 4, up, "start")]
    return _page(left + side + 30, top + side + 50, title, body)


def cloud(title: str, points: list[Point], threshold: float) -> str:
    """Points over the logarithm of the number of trees, with the threshold as a line."""
    left, top, wide, high = 60, 50, 520, 300
    low_log, high_log = 2.0, 4.4

    def at(point: Point) -> tuple[float, float]:
        return (
            left + wide * (log10(max(point.trees, 100)) - low_log) / (high_log - low_log),
            top + high * (15 - point.value) / 30,
        )

    body = [_line(left, at(Point(100, threshold, ""))[1], left + wide, at(Point(100, threshold, ""))[1], INK, "4 4")]
    for value in (-15, -10, -5, 0, 5, 10, 15):
        y = at(Point(100, value, ""))[1]
        body += [_line(left - 4, y, left, y), _text(left - 8, y + 4, str(value), "end")]
    for trees in (100, 300, 1000, 3000, 10_000):
        x = at(Point(trees, 0, ""))[0]
        body += [_line(x, top + high, x, top + high + 4), _text(x, top + high + 18, f"{trees:,}")]
    body += [
        f'<circle cx="{at(p)[0]:.1f}" cy="{at(p)[1]:.1f}" r="2" fill="{COLOURS[p.kind]}" fill-opacity="0.6"/>'
        for p in points
    ]
    for number, (kind, colour) in enumerate(COLOURS.items()):
        body.append(f'<circle cx="{left + 10 + 170 * number}" cy="36" r="4" fill="{colour}"/>')
        body.append(_text(left + 18 + 170 * number, 40, kind, "start"))
    return _page(left + wide + 30, top + high + 30, title, body)
