"""The custody graph of a lot, from what custody answers of its pieces: trees, logs, sawings, products, the lot itself."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.portal.casefile import CaseFile
from services.portal.drawing.graph import Edge, Node, draw
from services.portal.naming import natural

MOST_NODES = 200
KINDS = ("tree", "log", "mill", "product", "lot")


@dataclass(frozen=True)
class Thing:
    """A piece, a sawing or the lot; many of one stage and species when the graph is collapsed. ``key`` is the id of a
    single piece; ``grave`` is the gravest finding ever made on any of them; ``layer`` is how many steps it lies from the
    first of its trees."""

    key: str
    kind: str
    code: str
    species: str
    product: str
    volume_dm3: int
    used: str | None
    in_lot: bool
    grave: str
    layer: int
    parents: Mapping[str, int] = field(default_factory=dict)
    count: int = 1

    @property
    def state(self) -> str:
        """How it is marked: a finding before anything else."""
        if self.grave:
            return "alert"
        return "lot" if self.in_lot else "used" if self.used else "held"


def things_of(lot: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> list[Thing]:
    """Every thing of a lot with what it was made of: a log from a tree or a log, a product through its sawing. The wood
    of an edge is the part that went that way."""
    pieces = {item["id"]: item for item in items}
    sawings: dict[str, dict[str, int]] = {}
    made: dict[str, tuple[Mapping[str, Any], dict[str, int]]] = {}
    for item in pieces.values():
        parents = {parent: pieces[parent]["volume_dm3"] for parent in item["parents"] if parent in pieces}
        if item["kind"] == "product" and parents:
            sawing = f"mill-{item['index']}"
            sawings[sawing] = parents
            made[item["id"]] = item, {sawing: item["volume_dm3"]}
        else:
            made[item["id"]] = item, dict.fromkeys(parents, item["volume_dm3"])
    inside = set(lot["items"])
    into_lot = {item: pieces[item]["volume_dm3"] for item in lot["items"] if item in pieces}
    layers = _layers({key: parents for key, (_, parents) in made.items()} | sawings | {f"lot-{lot['id']}": into_lot})
    found = [_piece(item, parents, inside, layers[key]) for key, (item, parents) in made.items()]
    found += [_sawing(key, parents, pieces, layers[key]) for key, parents in sawings.items()]
    found.append(
        Thing(
            f"lot-{lot['id']}",
            "lot",
            lot["id"],
            "",
            "",
            lot["volume_dm3"],
            None,
            False,
            "",
            max(layers.values()),
            into_lot,
        )
    )
    return sorted(
        found, key=lambda thing: (thing.layer, KINDS.index(thing.kind), thing.species, natural(thing.code), thing.key)
    )


def _layers(parents: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    import networkx as nx  # 10 MB that only a graph needs

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(parents)
    graph.add_edges_from((tail, head) for head, tails in parents.items() for tail in tails)
    return {node: depth for depth, nodes in enumerate(nx.topological_generations(graph)) for node in nodes}


def _piece(item: Mapping[str, Any], parents: dict[str, int], inside: set[str], layer: int) -> Thing:
    return Thing(
        item["id"], item["kind"], item["code"], item["species"], item["product"], item["volume_dm3"], item["used"],
        item["id"] in inside, item["worst"], layer, parents,
    )  # fmt: skip


def _sawing(key: str, parents: dict[str, int], pieces: Mapping[str, Mapping[str, Any]], layer: int) -> Thing:
    species = " + ".join(sorted({pieces[parent]["species"] for parent in parents}))
    return Thing(
        key, "mill", key.removeprefix("mill-"), species, "", sum(parents.values()), None, False, "", layer, parents
    )


def collapsed(things: Sequence[Thing], most: int = MOST_NODES) -> list[Thing]:
    """The same graph with one thing for all of a stage, species and product, when there are more than ``most``: counts,
    volumes and the wood between them are the sums."""
    if len(things) <= most:
        return list(things)
    of = {thing.key: f"{thing.layer}-{thing.kind}-{thing.species}-{thing.product}" for thing in things}
    groups: dict[str, list[Thing]] = {}
    for thing in things:
        groups.setdefault(of[thing.key], []).append(thing)
    return [_group(key, members, of) for key, members in groups.items()]


def _group(key: str, members: Sequence[Thing], of: Mapping[str, str]) -> Thing:
    first, parents = members[0], dict[str, int]()
    for member in members:
        for parent, volume_dm3 in member.parents.items():
            parents[of[parent]] = parents.get(of[parent], 0) + volume_dm3
    return Thing(
        key, first.kind, first.code if first.kind == "lot" else "", first.species, first.product, sum(member.volume_dm3 for member in members),
        "all" if all(member.used for member in members) else None, all(member.in_lot for member in members),
        max(member.grave for member in members), first.layer, parents, len(members),
    )  # fmt: skip


@dataclass(frozen=True)
class Words:
    """How a page says things: its texts, its volumes, its links. ``t(key, **facts)`` as in a template."""

    language: str
    t: Callable[..., str]
    m3: Callable[[int], str]
    link: Callable[[str], str]


def told(things: Sequence[Thing], words: Words) -> tuple[list[Node], list[Edge]]:
    """Nodes and edges with their words, ready to be drawn."""
    names = {thing.key: name_of(thing, words) for thing in things}
    nodes = [
        Node(
            thing.key, thing.kind, names[thing.key], _detail(thing, words), thing.state, href_of(thing, words),
            f"{names[thing.key]}: {thing.species or '–'}, {words.m3(thing.volume_dm3)}. {state_of(thing, words)}",
        )
        for thing in things
    ]  # fmt: skip
    edges = [
        Edge(parent, thing.key, volume_dm3, words.m3(volume_dm3))
        for thing in things
        for parent, volume_dm3 in thing.parents.items()
    ]
    return nodes, edges


def name_of(thing: Thing, words: Words) -> str:
    """ "Árbol 501", or "123 trozas"; what came out of a mill with no code painted on it, by what it is."""
    if thing.count > 1:
        return words.t(f"graph.many.{thing.kind}", count=thing.count)
    if thing.product and not thing.code:
        return words.t(f"product.{thing.product}").capitalize()
    return words.t(f"graph.one.{thing.kind}", code=thing.code or thing.key[:8])


def state_of(thing: Thing, words: Words) -> str:
    """What became of it, in words."""
    said = words.t(f"graph.state.{'lot' if thing.in_lot else 'used' if thing.used else 'held'}")
    return (
        f"{said}; {words.t('graph.state.alert', severity=words.t(f'severity.{thing.grave}'))}" if thing.grave else said
    )


def href_of(thing: Thing, words: Words) -> str:
    """The page of a piece; of a sawing or a group its row in the table."""
    if thing.kind == "lot":
        return words.link(f"/v/{thing.code}")
    return words.link(f"/items/{thing.key}") if thing.count == 1 and thing.kind != "mill" else f"#{row_id(thing)}"


def row_id(thing: Thing) -> str:
    """The id of its row in the table."""
    return "row-" + "".join(letter if letter.isalnum() else "-" for letter in thing.key)


def _detail(thing: Thing, words: Words) -> str:
    volume = words.m3(thing.volume_dm3)
    genus, _, rest = thing.species.partition(" ")
    return f"{genus[:1]}. {rest} · {volume}" if thing.count > 1 and rest and "+" not in rest else volume


def things_of_case(case: CaseFile) -> list[Thing]:
    """The same from the proof file of the lot, without asking anybody."""
    items = [
        {"id": item.id, "kind": item.kind, "code": item.code, "species": item.species, "product": item.product,
         "volume_dm3": item.volume_dm3, "parents": item.parents, "index": item.made_index, "used": item.spent_how,
         "worst": item.worst}
        for item in case.pieces
    ]  # fmt: skip
    return things_of({"id": case.lot.id, "items": case.lot.items, "volume_dm3": case.lot.volume_dm3}, items)


def graph_of(things: Sequence[Thing], code: str, words: Words) -> str:
    """The drawing of these things, each layer under the name of what most of it is."""
    kinds: dict[int, Counter[str]] = {}
    for thing in things:
        kinds.setdefault(thing.layer, Counter())[thing.kind] += thing.count
    nodes, edges = told(things, words)
    heads = {layer: words.t(f"graph.layer.{counted.most_common(1)[0][0]}") for layer, counted in kinds.items()}
    title, about = words.t("graph.title", code=code), words.t("graph.about")
    return draw(nodes, edges, lambda layer: heads.get(layer, ""), title, about)
