"""RFC 6962 section 2.1: the tree over a log's entries, its proofs, and a multiproof for many entries at once.

A node is named (level, index): the hash over the complete subtree of 2**level entries that begins at entry
index * 2**level. `get_node(level, index)` returns such a hash. Anything wider than one complete subtree is a *span*
(start, end) of entries, and is the fold of the nodes that `span_nodes` names; each proof is a list of spans. A
reader that must fetch tiles first asks `inclusion_spans` and its sisters what it will need, without any I/O.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from shared.tlog.refusals import BadBytes

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = tuple[int, int]
Span = tuple[int, int]
GetNode = Callable[[int, int], bytes]


@dataclass(eq=False)
class BadProof(BadBytes):
    """A proof, or what it is asked to prove, does not hold together."""

    slug: ClassVar[str] = "bad-proof"
    es: ClassVar[str] = "La prueba no se sostiene: {where}: {reason}."
    en: ClassVar[str] = "The proof does not hold: {where}: {reason}."


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes."""
    tree = CompactRange()
    tree.append(list(leaf_hashes))
    return tree.root()


# ---- growing


@dataclass(frozen=True, slots=True)
class Row:
    """Nodes that became complete: `hashes` continue the tile row `tile_level` (nodes of level 8 * tile_level) at `start`."""

    tile_level: int
    start: int
    hashes: list[bytes]


class CompactRange:
    """All that a log must remember to grow: its size and its edge, one hash for each bit set in the size."""

    __slots__ = ("edge", "size")

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        """`edge` goes from the largest complete subtree to the smallest. BadProof when it does not fit the size."""
        if size < 0 or len(edge) != size.bit_count() or any(len(h) != HASH_BYTES for h in edge):
            raise BadProof("compact range", "edge does not match the size")
        self.size = size
        self.edge = list(edge)

    @classmethod
    def stored(cls, size: int, edge: bytes) -> "CompactRange":
        """The tree whose `edge_bytes` were kept beside its size; BadProof when they do not fit each other."""
        if len(edge) % HASH_BYTES:
            raise BadProof("compact range", "edge does not match the size")
        return cls(size, [edge[at : at + HASH_BYTES] for at in range(0, len(edge), HASH_BYTES)])

    @property
    def edge_bytes(self) -> bytes:
        """The edge as it is kept beside the size."""
        return b"".join(self.edge)

    def append(self, leaf_hashes: Sequence[bytes]) -> list[Row]:
        """Add the leaves; return, for each tile level they touch, the nodes that became complete, in order.

        The first row holds the leaf hashes themselves. Each new inner node is hashed once, level by level.
        """
        if not leaf_hashes:
            return []
        sha256 = hashlib.sha256
        edge = self.edge[::-1]  # smallest subtree first: an odd start at a level takes the next one
        rest: list[bytes] = []
        start, row, level, used = self.size, list(leaf_hashes), 0, 0
        rows = [Row(0, start, row)]
        while row or used < len(edge):
            if start & 1:
                row = [edge[used], *row]
                used += 1
                start -= 1
            if len(row) & 1:
                rest.append(row[-1])
            start >>= 1
            row = [sha256(b"\x01" + a + b).digest() for a, b in zip(row[::2], row[1::2], strict=False)]
            level += 1
            if row and level % 8 == 0:
                rows.append(Row(level // 8, start, row))
        self.size += len(leaf_hashes)
        self.edge = rest[::-1]
        return rows

    def root(self) -> bytes:
        """The root of the tree so far."""
        return _fold(self.edge) if self.edge else EMPTY_ROOT


# ---- which nodes


def span_nodes(start: int, end: int) -> list[Node]:
    """The complete subtrees, largest first, that make up entries [start, end) when `start` begins a subtree."""
    nodes: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def nodes_of(spans: Iterable[Span]) -> list[Node]:
    """Every node that a proof made of these spans needs, in order."""
    return [node for start, end in spans for node in span_nodes(start, end)]


def prove(spans: Iterable[Span], get_node: GetNode) -> list[bytes]:
    """The hashes of the spans: the proof that they plan."""
    return [_fold([get_node(*node) for node in span_nodes(start, end)]) for start, end in spans]


def _fold(nodes: Sequence[bytes]) -> bytes:
    """One hash from complete subtrees given largest first."""
    folded = nodes[-1]
    for node in nodes[-2::-1]:
        folded = node_hash(node, folded)
    return folded


def _split(start: int, end: int) -> int:
    """Where RFC 6962 divides a span of at least two: after the largest power of two smaller than its width."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


# ---- inclusion


def inclusion_spans(index: int, size: int) -> list[Span]:
    """What an inclusion proof consists of, from the leaf's sibling to the root's child."""
    if not 0 <= index < size:
        raise BadProof("inclusion", "index outside the tree")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def inclusion_proof(index: int, size: int, get_node: GetNode) -> list[bytes]:
    """The RFC 6962 audit path of entry `index` in the tree of `size` entries."""
    return prove(inclusion_spans(index, size), get_node)


def inclusion_root(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that an audit path leads to; BadProof when it has not the right number of hashes."""
    spans = inclusion_spans(index, size)
    _check_count(len(proof), len(spans), "inclusion")
    root = leaf
    for (start, _), sibling in zip(spans, proof, strict=True):
        root = node_hash(root, sibling) if start > index else node_hash(sibling, root)
    return root


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """BadProof unless the proof shows that `leaf` is entry `index` of the tree with this size and root."""
    if inclusion_root(index, size, leaf, proof) != root:
        raise BadProof("inclusion", "root does not match")


# ---- consistency


def consistency_spans(old: int, new: int) -> list[Span]:
    """What a consistency proof from `old` to `new` entries consists of. Empty when old is 0 or equals new."""
    if not 0 <= old <= new:
        raise BadProof("consistency", "size outside the tree")
    spans: list[Span] = []
    if old in (0, new):
        return spans
    start, end = 0, new
    while old != end:
        middle = _split(start, end)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start != 0:  # RFC 6962: the old root itself is left out when it is a node of the new tree
        spans.append((start, end))
    return spans[::-1]


def consistency_proof(old: int, new: int, get_node: GetNode) -> list[bytes]:
    """The RFC 6962 consistency proof between the trees of `old` and `new` entries."""
    return prove(consistency_spans(old, new), get_node)


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """BadProof unless the proof shows that the old tree is a prefix of the new one."""
    spans = consistency_spans(old, new)
    _check_count(len(proof), len(spans), "consistency")
    if old in (0, new):
        if old_root != (EMPTY_ROOT if old == 0 else new_root):
            raise BadProof("consistency", "root does not match")
        return
    steps = list(zip(spans, proof, strict=True))
    # The walk starts at the last subtree of the old tree: the old root itself when that is a node of the new tree.
    was = now = old_root
    if spans[0][1] == old:
        _, was = steps.pop(0)
        now = was
    for (start, _), sibling in steps:
        if start >= old:
            now = node_hash(now, sibling)
        else:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
    if was != old_root or now != new_root:
        raise BadProof("consistency", "root does not match")


# ---- many entries under one root


def multiproof_spans(indices: Sequence[int], size: int) -> list[Span]:
    """What a multiproof consists of: the largest spans of the tree that hold none of the indices, left to right."""
    _check_indices(indices, size)
    spans: list[Span] = []
    stack: list[Span] = [(0, size)]
    while stack:
        start, end = stack.pop()
        at = bisect_left(indices, start)
        if at == len(indices) or indices[at] >= end:
            spans.append((start, end))
        elif end - start > 1:
            middle = _split(start, end)
            stack += ((middle, end), (start, middle))
    return spans


def multiproof(indices: Sequence[int], size: int, get_node: GetNode) -> list[bytes]:
    """The hashes that, with the leaves at `indices` (ascending), give the root of the tree of `size` entries."""
    return prove(multiproof_spans(indices, size), get_node)


def multiroot(indices: Sequence[int], leaf_hashes: Sequence[bytes], size: int, proof: Sequence[bytes]) -> bytes:
    """The root that leaves and multiproof lead to. BadProof when a hash is missing or left over."""
    return multinodes(indices, leaf_hashes, size, proof)[0, size]


def multinodes(
    indices: Sequence[int], leaf_hashes: Sequence[bytes], size: int, proof: Sequence[bytes]
) -> dict[Span, bytes]:
    """Every hash that leaves and multiproof lead to, by the span it covers; (0, size) is the root. Each of the leaves'
    `inclusion_spans` is among them. BadProof when a hash is missing or left over."""
    _check_indices(indices, size)
    if len(indices) != len(leaf_hashes):
        raise BadProof("multiproof", "hashes do not match the leaves")
    leaves = iter(leaf_hashes)
    hashes = iter(proof)
    nodes: dict[Span, bytes] = {}

    def root(start: int, end: int, low: int, high: int) -> bytes:
        # indices[low:high] are those inside [start, end)
        if low == high:
            given = next(hashes, None)
            if given is None:
                raise BadProof("multiproof", "hash missing")
            found = given
        elif end - start == 1:
            found = next(leaves)
        else:
            middle = _split(start, end)
            cut = bisect_left(indices, middle, low, high)
            left = root(start, middle, low, cut)
            found = node_hash(left, root(middle, end, cut, high))
        nodes[start, end] = found
        return found

    root(0, size, 0, len(indices))
    if next(hashes, None) is not None:
        raise BadProof("multiproof", "hash left over")
    return nodes


def _check_indices(indices: Sequence[int], size: int) -> None:
    if not indices:
        raise BadProof("multiproof", "hashes do not match the leaves")
    if indices[0] < 0 or indices[-1] >= size:
        raise BadProof("multiproof", "index outside the tree")
    if any(a >= b for a, b in pairwise(indices)):
        raise BadProof("multiproof", "indices not ascending")


def _check_count(given: int, needed: int, where: str) -> None:
    if given < needed:
        raise BadProof(where, "hash missing")
    if given > needed:
        raise BadProof(where, "hash left over")
