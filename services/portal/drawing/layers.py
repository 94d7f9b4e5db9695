"""Where the nodes of a layered graph go: layers from left to right, few crossings, edges as straight as the order allows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx

SWEEPS = 8


@dataclass(frozen=True)
class Placed:
    """The layer of each node (0 is leftmost) and its height as a multiple of the row, and for each edge the heights
    at which it passes the layers between its ends."""

    layer: dict[str, int]
    row: dict[str, float]
    bends: dict[tuple[str, str], tuple[float, ...]]

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return max(self.layer.values(), default=-1) + 1

    @property
    def height(self) -> float:
        """The largest height of a node."""
        return max(self.row.values(), default=0.0)


Key = tuple[str, ...]


def place(nodes: Iterable[str], edges: Iterable[tuple[str, str]], rank: Mapping[str, int] | None = None) -> Placed:
    """The places of a graph without cycles; the order in which nodes and edges come does not matter. Where the edges leave
    a choice, nodes stand by their ``rank``, else by name. ``ValueError`` for a cycle."""
    ranks = rank or {}

    def before(node: Key) -> tuple[int, Key]:
        return ranks.get(node[0], 0), node

    import networkx as nx  # 10 MB that only a graph needs

    graph: nx.DiGraph[Key] = nx.DiGraph()
    graph.add_nodes_from((node,) for node in sorted(set(nodes)))
    graph.add_edges_from(((tail,), (head,)) for tail, head in sorted(set(edges)))
    if not nx.is_directed_acyclic_graph(graph):
        raise ValueError("a piece of wood that was made of itself")
    layers = [sorted(layer, key=before) for layer in nx.topological_generations(graph)]
    layer = {node: depth for depth, nodes in enumerate(layers) for node in nodes}
    _bend(graph, layers, layer)
    _order(graph, layers, before)
    row = _rows(graph, layers)
    lowest = min(row.values(), default=0.0)
    row = {node: at - lowest for node, at in row.items()}
    real = {node[0]: at for node, at in row.items() if len(node) == 1}
    return Placed({name: layer[(name,)] for name in real}, real, _bends(row))


def _bend(graph: "nx.DiGraph[Key]", layers: list[list[Key]], layer: dict[Key, int]) -> None:
    """An edge over several layers goes through a point in each of them, which takes its place among the nodes."""
    for tail, head in list(graph.edges):
        if layer[head] - layer[tail] < 2:
            continue
        graph.remove_edge(tail, head)
        before = tail
        for depth in range(layer[tail] + 1, layer[head]):
            point = (*tail, *head, f"{depth:03}")
            layers[depth].append(point)
            layer[point] = depth
            graph.add_edge(before, point)
            before = point
        graph.add_edge(before, head)


def _order(graph: "nx.DiGraph[Key]", layers: list[list[Key]], before: Callable[[Key], tuple[int, Key]]) -> None:
    """Each layer by the mean place of its neighbours, from the left and from the right in turn (Sugiyama's barycentres)."""
    at = {node: float(place) for nodes in layers for place, node in enumerate(nodes)}
    for sweep in range(SWEEPS):
        rightwards = sweep % 2 == 0
        for nodes in layers[1:] if rightwards else layers[-2::-1]:
            nodes.sort(key=lambda node: (_mean(graph, node, at, rightwards), before(node)))
            at.update((node, float(place)) for place, node in enumerate(nodes))


def _mean(graph: "nx.DiGraph[Key]", node: Key, at: dict[Key, float], of_parents: bool) -> float:
    beside = list(graph.pred[node] if of_parents else graph.succ[node])
    return sum(at[other] for other in beside) / len(beside) if beside else at[node]


def _rows(graph: "nx.DiGraph[Key]", layers: list[list[Key]]) -> dict[Key, float]:
    """Heights that keep the order and one row between neighbours of a layer, each as near to its neighbours' as that lets."""
    at = {node: float(place) for nodes in layers for place, node in enumerate(nodes)}
    for sweep in range(SWEEPS + 1):
        rightwards = sweep % 2 == 0
        for nodes in layers[1:] if rightwards else layers[-2::-1]:
            at.update(zip(nodes, _apart([_mean(graph, node, at, rightwards) for node in nodes]), strict=True))
    return at


def _apart(wanted: Sequence[float]) -> list[float]:
    """The heights nearest to those wanted (least squares) with at least one row between them: pooled neighbours."""
    pools: list[tuple[float, int]] = []
    for place, height in enumerate(wanted):
        mean, size = height - place, 1
        while pools and pools[-1][0] >= mean:
            before, many = pools.pop()
            mean, size = (before * many + mean * size) / (many + size), many + size
        pools.append((mean, size))
    free = [mean for mean, size in pools for _ in range(size)]
    return [height + place for place, height in enumerate(free)]


def _bends(row: dict[Key, float]) -> dict[tuple[str, str], tuple[float, ...]]:
    found: dict[tuple[str, str], list[float]] = {}
    for node in sorted(node for node in row if len(node) == 3):
        found.setdefault((node[0], node[1]), []).append(row[node])
    return {edge: tuple(heights) for edge, heights in found.items()}
