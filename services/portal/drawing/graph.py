"""The custody graph as a drawing: every kind of thing with a shape and a colour of its own, every state with a mark."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from services.portal.drawing.layers import Placed, place
from services.portal.drawing.svg import INK, LINE, SOFT, TONES, number, tag, text, whole
from services.portal.naming import natural

WIDE, HIGH = 158, 38  # a node
ACROSS, DOWN = 224, 54  # from layer to layer, from row to row; five layers fit a wide page
MARGIN, HEAD = 8, 40
WIDEST_LINE = 7.0
MOST_LABELS = 60  # edges; beyond these the volumes are in the titles and in the table only


@dataclass(frozen=True)
class Node:
    """A thing in the graph. ``kind`` is a tone; ``state`` is ``held``, ``used``, ``lot`` or ``alert``; ``title`` is
    what a pointer or a screen reader is told."""

    key: str
    kind: str
    label: str
    detail: str
    state: str
    href: str
    title: str


@dataclass(frozen=True)
class Edge:
    """Wood that went from one thing to another: ``volume_dm3`` says how much, ``label`` the same in words."""

    tail: str
    head: str
    volume_dm3: int
    label: str


def draw(nodes: Sequence[Node], edges: Sequence[Edge], headings: Callable[[int], str], title: str, about: str) -> str:
    """The drawing, layers from left to right; ``headings`` names each layer."""
    # Where the edges leave a choice things stand as their codes are counted, whatever order or ids they come with.
    rank = {node.key: at for at, node in enumerate(sorted(nodes, key=lambda node: (natural(node.label), node.key)))}
    placed = place([node.key for node in nodes], [(edge.tail, edge.head) for edge in edges], rank)
    width = 2 * MARGIN + max(placed.layers - 1, 0) * ACROSS + WIDE
    height = 2 * MARGIN + HEAD + placed.height * DOWN + HIGH
    most = max((edge.volume_dm3 for edge in edges), default=1) or 1
    ordered, into = sorted(edges, key=lambda edge: (edge.tail, edge.head)), Counter(edge.head for edge in edges)
    parts = [
        *(_heading(layer, headings(layer)) for layer in range(placed.layers)),
        *(_edge(edge, placed, most) for edge in ordered),
        *(_label(edge, placed, into[edge.head] > 1) for edge in ordered if len(edges) <= MOST_LABELS),
        *(_node(node, placed) for node in sorted(nodes, key=lambda node: node.key)),
    ]
    return whole(width, height, title, about, parts, "graph", "group")


def _corner(placed: Placed, key: str) -> tuple[float, float]:
    return MARGIN + placed.layer[key] * ACROSS, MARGIN + HEAD + placed.row[key] * DOWN


def _heading(layer: int, words: str) -> str:
    x = MARGIN + layer * ACROSS + WIDE / 2
    return text(
        words, class_="heading", x=x, y=MARGIN + 14, text_anchor="middle", font_size=13, font_weight="600", fill=SOFT
    )


def _edge(edge: Edge, placed: Placed, most: int) -> str:
    stroke = max(1.2, WIDEST_LINE * (edge.volume_dm3 / most) ** 0.5)
    line = tag("title", escape(edge.label))
    return tag("path", line, class_="edge", d=_path(_points(edge, placed)), fill="none", stroke=LINE, stroke_width=stroke,
               stroke_opacity="0.55")  # fmt: skip


def _points(edge: Edge, placed: Placed) -> list[tuple[float, float]]:
    """From the right side of one thing over what lies between to the left side of the other."""
    x, y = _corner(placed, edge.tail)
    points = [(x + WIDE, y + HIGH / 2)]
    for step, row in enumerate(placed.bends.get((edge.tail, edge.head), ()), 1):
        left, middle = x + step * ACROSS, MARGIN + HEAD + row * DOWN + HIGH / 2
        points += [(left, middle), (left + WIDE, middle)]
    x, y = _corner(placed, edge.head)
    return [*points, (x, y + HIGH / 2)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Flat through the layers, curved between them."""
    said = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for step, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        if step % 2:
            said.append(f"H{number(x1)}")
        else:
            half = (x0 + x1) / 2
            said.append(f"C{number(half)} {number(y0)} {number(half)} {number(y1)} {number(x1)} {number(y1)}")
    return "".join(said)


def _label(edge: Edge, placed: Placed, at_tail: bool) -> str:
    """Beside the thing the wood went into; where several went into it, beside the one it came from."""
    points = _points(edge, placed)
    x, y = points[0] if at_tail else points[-1]
    return text(
        edge.label, class_="volume", x=x + 6 if at_tail else x - 6, y=y - 6, text_anchor="start" if at_tail else "end",
        font_size=10.5, fill=INK, stroke="#fff", stroke_width=3, paint_order="stroke",
    )  # fmt: skip


def _node(node: Node, placed: Placed) -> str:
    x, y = _corner(placed, node.key)
    paper, line = TONES[node.kind]
    inside = "".join([
        tag("title", escape(node.title)),
        _shape(node.kind, x, y, fill=paper, stroke=line, dash="5 3" if node.state == "used" else None),
        text(node.label, x=x + WIDE / 2, y=y + 16, text_anchor="middle", font_size=12.5, font_weight="600", fill=INK),
        text(node.detail, x=x + WIDE / 2, y=y + 31, text_anchor="middle", font_size=11, fill=INK),
        _mark(node.state, x + WIDE - 4, y + 3),
    ])  # fmt: skip
    return tag("a", inside, href=node.href, class_=f"node {node.kind} {node.state}")


def _shape(kind: str, x: float, y: float, fill: str, stroke: str, dash: str | None) -> str:
    paint = {"class_": "shape", "fill": fill, "stroke": stroke, "stroke_width": "1.6", "stroke_dasharray": dash}
    if kind == "tree":
        return tag("rect", "", x=x, y=y, width=WIDE, height=HIGH, rx=HIGH / 2, **paint)
    if kind == "log":
        return tag("rect", "", x=x, y=y, width=WIDE, height=HIGH, rx=5, **paint)
    if kind == "product":
        return tag("rect", "", x=x, y=y, width=WIDE, height=HIGH, **paint)
    cut = 12 if kind == "mill" else 8
    corners = (
        [(x + cut, y), (x + WIDE - cut, y), (x + WIDE, y + HIGH / 2), (x + WIDE - cut, y + HIGH), (x + cut, y + HIGH),
         (x, y + HIGH / 2)]
        if kind == "mill"
        else [(x + cut, y), (x + WIDE - cut, y), (x + WIDE, y + cut), (x + WIDE, y + HIGH - cut), (x + WIDE - cut, y + HIGH),
              (x + cut, y + HIGH), (x, y + HIGH - cut), (x, y + cut)]
    )  # fmt: skip
    return tag("polygon", "", points=" ".join(f"{number(a)},{number(b)}" for a, b in corners), **paint)


def _mark(state: str, x: float, y: float) -> str:
    """A finding is a triangle at the corner; nothing is said by colour alone."""
    if state != "alert":
        return ""
    points = f"{number(x - 8)},{number(y - 9)} {number(x)},{number(y + 5)} {number(x - 16)},{number(y + 5)}"
    return tag("polygon", class_="mark", points=points, fill="#8a5a00", stroke="#fff", stroke_width=1.5)
