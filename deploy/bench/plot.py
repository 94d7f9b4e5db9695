"""A plot as SVG, written by hand: one panel a line, one below the other, over a logarithmic axis of sizes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from deploy.bench.figures import shown

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 720, 150, 70, 30, 40, 44
INK, FAINT = "#222222", "#d8d8d8"


@dataclass(frozen=True)
class Line:
    """What is drawn: the reading's name, its words, its colour."""

    name: str
    words: str
    colour: str


def plotted(title: str, axis: str, rows: Mapping[int, Mapping[str, float]], lines: Sequence[Line]) -> str:
    """The picture of these readings by size. Each panel begins at zero; where there is `NAME_min` and `NAME_max`, a bar
    shows them."""
    height = TOP + len(lines) * (PANEL + GAP) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 22, title, size=15),
    ]
    for number, line in enumerate(lines):
        parts += _panel(line, rows, TOP + number * (PANEL + GAP), axis)
    return "\n".join([*parts, "</svg>", ""])


def _panel(line: Line, rows: Mapping[int, Mapping[str, float]], top: int, axis: str) -> list[str]:
    sizes = sorted(rows)
    best = max(rows[size].get(f"{line.name}_max", rows[size][line.name]) for size in sizes)
    ceiling = _round_up(best)

    def y(value: float) -> float:
        return round(top + 22 + (PANEL - 22) * (1 - value / ceiling), 1)

    parts = [_text(LEFT, top + 12, line.words, colour=line.colour)]
    for share in (0, 0.5, 1):
        at = y(ceiling * share)
        parts.append(f'<line x1="{LEFT}" y1="{at}" x2="{WIDTH - RIGHT}" y2="{at}" stroke="{FAINT}"/>')
        parts.append(_text(LEFT - 8, at + 4, shown(ceiling * share) if share else "0", anchor="end"))
    xs = {size: _x(size, sizes) for size in sizes}
    path = " ".join(f"{xs[size]},{y(rows[size][line.name])}" for size in sizes)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2"/>')
    for size in sizes:
        reading = rows[size]
        low, high = reading.get(f"{line.name}_min"), reading.get(f"{line.name}_max")
        if low is not None and high is not None:
            parts.append(
                f'<line x1="{xs[size]}" y1="{y(low)}" x2="{xs[size]}" y2="{y(high)}" stroke="{line.colour}" stroke-opacity="0.5"/>'
            )
        parts.append(f'<circle cx="{xs[size]}" cy="{y(reading[line.name])}" r="3.5" fill="{line.colour}"/>')
        parts.append(_text(xs[size], y(reading[line.name]) - 8, shown(reading[line.name]), anchor="middle"))
        parts.append(_text(xs[size], top + PANEL + 16, f"{size:,}", anchor="middle"))
    parts.append(_text(WIDTH - RIGHT, top + PANEL + 30, axis, anchor="end"))
    return parts


def _x(size: int, sizes: Sequence[int]) -> float:
    low, high = math.log10(sizes[0]), math.log10(sizes[-1])
    share = 0.5 if high == low else (math.log10(size) - low) / (high - low)
    inner = WIDTH - LEFT - RIGHT - 60
    return round(LEFT + 30 + inner * share, 1)


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten, with room for the number above the dot."""
    power = 10.0 ** math.floor(math.log10(value * 1.15))
    return next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= value * 1.15)


def _text(x: float, y: float, words: str, size: int = 12, anchor: str = "start", colour: str = INK) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
