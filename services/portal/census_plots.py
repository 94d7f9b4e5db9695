"""What lies behind the forensics of a census, as figures to be drawn: diameters, heights, digits, neighbours.

These are pictures for people, over the trees that the API shows the reader. What a rule says is said by the rule
(docs/forensics.md): here is only what it looked at.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

CLASS_CM = 5
# Fewer trees are told one by one: spread over ten digits and as many classes they have no shape to look at.
FEWEST_DRAWN = 20
MOST_POINTS = 800
CURVE_STEPS = 40
Point = tuple[float, float]


@dataclass(frozen=True)
class Plots:
    """Each figure with what it would be without a reason to ask: ``diameters`` as (from, to, trees) in cm beside a forest
    in which ever fewer trees are larger; ``digits`` as trees by last figure of the diameter in cm, 0 to 9, beside
    ``per_digit``; ``heights`` as (cm, m) with the median of each class; ``near`` as the share of trees, in percent, whose
    nearest neighbour stands within so many metres, beside trees thrown at random over the same area; empty without places."""

    trees: int
    diameters: list[tuple[float, float, int]]
    forest: list[Point]
    digits: list[int]
    per_digit: float
    heights: list[Point]
    medians: list[Point]
    near: list[Point]
    random: list[Point]


def plots_of(trees: Sequence[Mapping[str, Any]], area_m2: float) -> Plots:
    """The figures of these trees on so much ground."""
    dbh = [tree["dbh_mm"] / 10 for tree in trees]
    low = min((int(cm // CLASS_CM) * CLASS_CM for cm in dbh), default=0)
    counted = Counter(int(cm // CLASS_CM) * CLASS_CM for cm in dbh)
    classes = [
        (float(at), float(at + CLASS_CM), counted[at]) for at in range(low, max(counted, default=low) + 1, CLASS_CM)
    ]
    heights = [(tree["dbh_mm"] / 10, tree["height_mm"] / 1000) for tree in trees]
    digits = Counter(tree["dbh_mm"] // 10 % 10 for tree in trees)
    distances = nearest_m(places_of(trees))
    return Plots(
        len(trees), classes, forest_of(classes, dbh, low), [digits[digit] for digit in range(10)], len(trees) / 10,
        thinned(heights), medians_of(heights), *curves_of(distances, len(distances) / area_m2 if area_m2 else 0.0),
    )  # fmt: skip


def forest_of(classes: Iterable[tuple[float, float, int]], dbh: Sequence[float], low: float) -> list[Point]:
    """Trees expected in the middle of each class, if their number falls by the same share from class to class (de
    Liocourt 1898): an exponential over the smallest class, with the mean of these trees."""
    mean = sum(dbh) / len(dbh) - low if dbh else 0.0
    if mean <= 0:
        return []
    return [
        ((start + end) / 2, len(dbh) * (math.exp(-(start - low) / mean) - math.exp(-(end - low) / mean)))
        for start, end, _ in classes
    ]


def medians_of(heights: Sequence[Point]) -> list[Point]:
    """The median height of each class of diameters with at least three trees, in the middle of the class."""
    by_class: dict[int, list[float]] = {}
    for cm, m in heights:
        by_class.setdefault(int(cm // CLASS_CM), []).append(m)
    return [((at + 0.5) * CLASS_CM, median(found)) for at, found in sorted(by_class.items()) if len(found) >= 3]


def thinned(points: Sequence[Point]) -> list[Point]:
    """Every so many-th point, so that a page can hold them; always the same ones."""
    return list(points[:: max(1, math.ceil(len(points) / MOST_POINTS))])


def places_of(trees: Iterable[Mapping[str, Any]]) -> list[Point]:
    """Where they stand, in metres of the zone in which most of them are."""
    known = [tree["utm"] for tree in trees if tree["utm"]]
    zones = Counter(utm["zone"] for utm in known)
    most = max(sorted(zones), key=lambda zone: zones[zone], default="")
    return [(utm["easting_dm"] / 10, utm["northing_dm"] / 10) for utm in known if utm["zone"] == most]


def nearest_m(places: Sequence[Point]) -> list[float]:
    """The distance from each place to the nearest other, by squares that hold one place on average."""
    if len(places) < 2:
        return []
    west, south = min(x for x, _ in places), min(y for _, y in places)
    across, up = max(x for x, _ in places) - west, max(y for _, y in places) - south
    side = max(1.0, math.sqrt(max(across, 1.0) * max(up, 1.0) / len(places)))
    squares: dict[tuple[int, int], list[int]] = {}
    cells = [(int((x - west) // side), int((y - south) // side)) for x, y in places]
    for number, cell in enumerate(cells):
        squares.setdefault(cell, []).append(number)
    rings = int(max(across, up) // side) + 2
    return [_nearest(number, cells[number], places, squares, side, rings) for number in range(len(places))]


def _nearest(
    own: int, cell: tuple[int, int], places: Sequence[Point], squares: Mapping[tuple[int, int], list[int]], side: float,
    rings: int,
) -> float:  # fmt: skip
    """Ring by ring of squares: what lies beyond a ring is further away than its width."""
    best, (x, y) = math.inf, places[own]
    for ring in range(rings + 1):
        if best <= (ring - 1) * side:
            break
        for square in _ring(cell, ring):
            for other in squares.get(square, ()):
                if other != own:
                    best = min(best, math.dist((x, y), places[other]))
    return best


def _ring(cell: tuple[int, int], ring: int) -> Iterable[tuple[int, int]]:
    if ring == 0:
        return [cell]
    a, b = cell
    span = range(-ring, ring + 1)
    sides = [(a + step, b + edge) for step in span for edge in (-ring, ring)]
    return sides + [(a + edge, b + step) for step in span[1:-1] for edge in (-ring, ring)]


def curves_of(distances: Sequence[float], per_m2: float) -> tuple[list[Point], list[Point]]:
    """Share of trees, in percent, whose nearest neighbour is within r metres; and 1 - exp(-density pi r^2), what a Poisson
    process of the same density gives."""
    if not distances or per_m2 <= 0:
        return [], []
    ordered = sorted(distances)
    furthest = max(ordered[int(len(ordered) * 0.98)], 1.5 / math.sqrt(math.pi * per_m2))
    radii = [furthest * step / CURVE_STEPS for step in range(CURVE_STEPS + 1)]
    found = [(r, 100 * sum(distance <= r for distance in ordered) / len(ordered)) for r in radii]
    return found, [(r, 100 * (1 - math.exp(-per_m2 * math.pi * r * r))) for r in radii]
