"""The custody graph: where things are placed, how a large lot is folded, and what the drawing says."""

import random
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.custody_graph import Thing, Words, collapsed, things_of, told
from services.portal.drawing.graph import draw
from services.portal.drawing.layers import place
from shared.timber.facts import Facts, Item
from tests.shared.lot.wood import Wood

SVG = "{http://www.w3.org/2000/svg}"


def say(key: str, **facts: object) -> str:
    return " ".join([key, *(str(value) for value in facts.values())])


WORDS = Words("es", say, lambda dm3: f"{dm3 / 1000:.3f} m³", str)


def drawn(things: list[Thing]) -> str:
    nodes, edges = told(things, WORDS)
    return draw(nodes, edges, lambda layer: f"paso {layer}", "Lote", "Grafo")


def told_item(item: Item) -> dict[str, Any]:
    """As custody's traces tell of a piece."""
    return {
        "id": item.id, "kind": item.kind, "code": item.code, "species": item.species, "product": item.product,
        "volume_dm3": item.volume_dm3, "parents": item.parents, "index": item.made_index, "used": item.spent_how,
        "worst": item.worst,
    }  # fmt: skip


def pieces_of(facts: Facts) -> list[dict[str, Any]]:
    return [told_item(item) for _, item in facts.items() if isinstance(item, Item)]


def a_sawn_lot() -> tuple[Wood, list[Thing]]:
    """Two trees, four logs, of which three become boards; boards and the last log are sold."""
    wood = Wood()
    logs = [log for tree in ("501", "502") for log in wood.cut(wood.fell(tree), tree)]
    wood.guide("001-0000017", logs)
    boards = wood.saw(logs[:3])
    wood.sell("LOTE-01", [boards, logs[3]], seller="aserradero-1", buyer="otra-1")
    lot = {"id": "LOTE-01", "items": [boards, logs[3]], "volume_dm3": wood.volume(boards) + wood.volume(logs[3])}
    return wood, things_of(lot, pieces_of(wood.facts))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    """Edges go from earlier to later names only, so there is no cycle."""
    count = draw(st.integers(1, 25))
    names = [f"n{at:02}" for at in range(count)]
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] < pair[1])
    return names, [(names[a], names[b]) for a, b in draw(st.lists(pairs, max_size=40))] if count > 1 else []


@given(graphs(), st.randoms(use_true_random=False))
def test_things_of_a_layer_never_touch_and_wood_goes_from_left_to_right(
    graph: tuple[list[str], list[tuple[str, str]]], dice: random.Random
) -> None:
    names, edges = graph

    placed = place(names, edges)

    assert set(placed.row) == set(names)
    assert all(placed.layer[tail] < placed.layer[head] for tail, head in edges)
    assert all(len(placed.bends.get(edge, ())) == placed.layer[edge[1]] - placed.layer[edge[0]] - 1 for edge in edges)
    for layer in range(placed.layers):
        heights = sorted(placed.row[name] for name in names if placed.layer[name] == layer)
        assert all(below - above > 0.999 for above, below in pairwise(heights))
    mixed_names, mixed_edges = dice.sample(names, len(names)), dice.sample(edges, len(edges))
    assert place(mixed_names, mixed_edges) == placed


def test_a_graph_that_can_be_drawn_without_crossings_has_none() -> None:
    trees = [f"t{at}" for at in range(6)]
    edges = [(tree, f"l{9 - at}{letter}") for at, tree in enumerate(trees) for letter in "ab"]
    names = [*trees, *(head for _, head in edges)]

    placed = place(names, edges)

    places = [(placed.row[tail], placed.row[head]) for tail, head in edges]
    assert not [1 for a in places for b in places if a[0] < b[0] and a[1] > b[1]]


def test_wood_that_was_made_of_itself_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="made of itself"):
        place(["a", "b"], [("a", "b"), ("b", "a")])


def test_a_log_comes_from_its_tree_and_boards_from_the_sawing_of_their_logs() -> None:
    wood, things = a_sawn_lot()
    by_kind = {
        kind: [thing for thing in things if thing.kind == kind] for kind in ("tree", "log", "mill", "product", "lot")
    }

    assert [len(found) for found in by_kind.values()] == [2, 4, 1, 1, 1]
    [sawing], [boards], [lot] = by_kind["mill"], by_kind["product"], by_kind["lot"]
    used = [log for log in by_kind["log"] if log.used]
    assert sawing.parents == {log.key: wood.volume(log.key) for log in used}
    assert len(used) == 3
    assert boards.parents == {sawing.key: wood.volume(boards.key)}
    assert sum(lot.parents.values()) == lot.volume_dm3
    assert {log.state for log in by_kind["log"]} == {"used", "lot"}


def test_the_drawing_has_every_thing_with_its_link_and_every_edge_with_its_volume() -> None:
    _, things = a_sawn_lot()

    root = ElementTree.fromstring(drawn(things))  # noqa: S314  our own

    assert root.get("role") == "img"
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    links = [node.get("href") or "" for node in root.iter(f"{SVG}a")]
    assert sum(link.startswith("/items/") for link in links) == 7
    assert "/v/LOTE-01" in links
    edges = [path for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]
    assert len(edges) == sum(len(thing.parents) for thing in things)
    assert all((edge.findtext(f"{SVG}title") or "").endswith("m³") for edge in edges)
    assert not list(root.iter(f"{SVG}script"))
    assert "style=" not in drawn(things)


def test_the_same_lot_is_drawn_with_the_same_bytes_however_its_pieces_come() -> None:
    _, things = a_sawn_lot()
    assert drawn(things) == drawn(things[::-1])


def test_each_kind_of_thing_has_a_shape_of_its_own() -> None:
    _, things = a_sawn_lot()
    root = ElementTree.fromstring(drawn(things))  # noqa: S314  our own
    shapes: dict[str, set[tuple[str, int, str]]] = {}
    for node in root.iter(f"{SVG}a"):
        [shape] = [part for part in node if part.get("class") == "shape"]
        corners = len((shape.get("points") or "").split())
        shapes.setdefault((node.get("class") or "").split()[1], set()).add((shape.tag, corners, shape.get("rx") or ""))
    assert len({frozenset(found) for found in shapes.values()}) == len(shapes) == 5


def many(trees: int) -> list[Thing]:
    found = [Thing(f"t{at}", "tree", str(at), "Cedrela odorata", "", 5000, None, False, "", 0) for at in range(trees)]
    found += [
        Thing(f"l{at}{end}", "log", f"{at}/{end}", "Cedrela odorata", "", 2000, None, True, "S2" if at == 3 else "", 1,
              {f"t{at}": 2000})
        for at in range(trees) for end in "AB"
    ]  # fmt: skip
    inside = {thing.key: 2000 for thing in found if thing.kind == "log"}
    return [*found, Thing("lot-L", "lot", "L", "", "", 4000 * trees, None, False, "", 2, inside)]


def test_up_to_200_things_are_drawn_one_by_one_and_more_are_folded_by_stage_and_species() -> None:
    assert collapsed(many(66)) == many(66)  # 199

    folded = collapsed(many(67))

    assert [(thing.kind, thing.count, thing.volume_dm3) for thing in folded] == [
        ("tree", 67, 335_000), ("log", 134, 268_000), ("lot", 1, 268_000)
    ]  # fmt: skip
    assert [sum(thing.parents.values()) for thing in folded] == [0, 268_000, 268_000]
    assert folded[1].state == "alert", "a finding on one of them shows on all of them"
    assert "134" in drawn(folded)
