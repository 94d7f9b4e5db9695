"""The tree of RFC 6962 against its recursive definition, and against another implementation."""

import hashlib
import random
from collections.abc import Callable
from functools import cache
from itertools import combinations

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog import merkle
from shared.tlog.merkle import BadProof, CompactRange

MOST = 300
LEAVES = [merkle.leaf_hash(i.to_bytes(2, "big")) for i in range(MOST)]
REFERENCE = [
    bytes.fromhex(h)
    for h in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
REFERENCE_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


# ---- the definition, word for word, with every subtree hashed once


@cache
def mth(start: int, end: int) -> bytes:
    """MTH(D[start:end])."""
    if end == start:
        return hashlib.sha256().digest()
    if end - start == 1:
        return LEAVES[start]
    k = largest_power_below(end - start)
    return hashlib.sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, start: int, end: int) -> list[bytes]:
    """PATH(m, D[start:end])."""
    n = end - start
    if n == 1:
        return []
    k = largest_power_below(n)
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m: int, start: int, end: int, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[start:end], b)."""
    n = end - start
    if m == n:
        return [] if whole else [mth(start, end)]
    k = largest_power_below(n)
    if m <= k:
        return [*subproof(m, start, start + k, whole), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, False), mth(start, start + k)]


def get_node(level: int, index: int) -> bytes:
    return mth(index << level, (index + 1) << level)


# ---- growing


def test_the_reference_tree_has_its_published_roots() -> None:
    tree = CompactRange()
    assert tree.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for entry, root in zip(REFERENCE, REFERENCE_ROOTS, strict=True):
        tree.append([merkle.leaf_hash(entry)])
        assert tree.root().hex() == root


def test_the_root_is_the_recursive_definition_at_every_size_however_leaves_arrive() -> None:
    for size in range(MOST + 1):
        rng = random.Random(size)
        tree = CompactRange()
        while tree.size < size:
            tree.append(LEAVES[tree.size : min(size, tree.size + rng.randint(1, 90))])
        assert tree.root() == mth(0, size) == merkle.root_of(LEAVES[:size])
        assert [get_node(*node) for node in merkle.span_nodes(0, size)] == tree.edge
        assert CompactRange.stored(size, tree.edge_bytes).root() == tree.root()


@given(st.lists(st.integers(0, 700), max_size=8))
def test_new_nodes_come_once_in_order_and_fill_the_tile_rows(batches: list[int]) -> None:
    tree = CompactRange()
    rows: dict[int, list[bytes]] = {}
    for count in batches:
        leaves = [merkle.leaf_hash(b"%d" % (tree.size + i)) for i in range(count)]
        for row in tree.append(leaves):
            filled = rows.setdefault(row.tile_level, [])
            assert row.start == len(filled)
            assert row.hashes
            filled += row.hashes
    assert len(rows.get(0, [])) == tree.size
    assert len(rows.get(1, [])) == tree.size // 256
    for i, node in enumerate(rows.get(1, [])):
        assert node == merkle.root_of(rows[0][i * 256 : (i + 1) * 256])
    assert tree.root() == merkle.root_of(rows.get(0, []))


def test_nodes_of_the_third_tile_level_come_too() -> None:
    tree = CompactRange(65_535, [bytes([level]) * 32 for level, _ in merkle.span_nodes(0, 65_535)])
    rows = tree.append([LEAVES[0]])
    assert [(r.tile_level, r.start, len(r.hashes)) for r in rows] == [(0, 65_535, 1), (1, 255, 1), (2, 0, 1)]
    assert tree.edge == [rows[2].hashes[0]] == [tree.root()]


def test_an_edge_that_does_not_fit_its_size_is_refused() -> None:
    tree = CompactRange()
    tree.append(LEAVES[:5])
    edge = tree.edge_bytes
    for size, wrong in ((5, b""), (5, edge[:-1]), (5, edge[:-32]), (5, edge + bytes(32)), (0, edge), (-1, b"")):
        with pytest.raises(BadProof):
            CompactRange.stored(size, wrong)
    with pytest.raises(BadProof):
        CompactRange(1, [b"short"])


# ---- inclusion and consistency, for every size up to 300


def test_every_inclusion_proof_is_the_defined_one_and_verifies() -> None:
    for size in range(1, MOST + 1):
        root = mth(0, size)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, get_node)
            assert proof == path(index, 0, size)
            merkle.verify_inclusion(index, size, LEAVES[index], proof, root)


def test_every_consistency_proof_is_the_defined_one_and_verifies() -> None:
    for new in range(1, MOST + 1):
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(old, new, get_node)
            assert proof == subproof(old, 0, new, True)
            merkle.verify_consistency(old, new, mth(0, old), mth(0, new), proof)


def refused(check: Callable[..., object], *arguments: object) -> str:
    """Why `check` raises BadProof."""
    with pytest.raises(BadProof) as refusal:
        check(*arguments)
    return refusal.value.reason


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 100])
def test_a_wrong_inclusion_proof_is_refused(size: int) -> None:
    for index in range(size):
        proof = merkle.inclusion_proof(index, size, get_node)
        root, leaf = mth(0, size), LEAVES[index]
        merkle.verify_inclusion(index, size, leaf, proof, root)

        assert refused(merkle.verify_inclusion, index, size, LEAVES[-1], proof, root) == "root does not match"
        assert refused(merkle.verify_inclusion, index, size, leaf, proof, mth(0, 0)) == "root does not match"
        assert refused(merkle.verify_inclusion, index, size, leaf, [*proof, root], root) == "hash left over"
        if proof:
            assert refused(merkle.verify_inclusion, index, size, leaf, proof[1:], root) == "hash missing"
        for at in range(len(proof)):
            wrong = [*proof[:at], bytes(32), *proof[at + 1 :]]
            assert refused(merkle.verify_inclusion, index, size, leaf, wrong, root) == "root does not match"
        for other in {0, index - 1, index + 1, size - 1} - {index}:
            assert refused(merkle.verify_inclusion, other, size, leaf, proof, root)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 8), (6, 8), (7, 13), (64, 100), (99, 100)])
def test_a_wrong_consistency_proof_is_refused(old: int, new: int) -> None:
    proof = merkle.consistency_proof(old, new, get_node)
    was, now = mth(0, old), mth(0, new)
    merkle.verify_consistency(old, new, was, now, proof)

    assert refused(merkle.verify_consistency, old, new, now, now, proof) == "root does not match"
    assert refused(merkle.verify_consistency, old, new, was, was, proof) == "root does not match"
    assert refused(merkle.verify_consistency, old, new, was, now, proof[1:]) == "hash missing"
    assert refused(merkle.verify_consistency, old, new, was, now, [*proof, now]) == "hash left over"
    for at in range(len(proof)):
        wrong = [*proof[:at], bytes(32), *proof[at + 1 :]]
        assert refused(merkle.verify_consistency, old, new, was, now, wrong) == "root does not match"


def test_sizes_that_no_tree_has_are_refused() -> None:
    assert refused(merkle.inclusion_spans, 0, 0) == "index outside the tree"
    assert refused(merkle.inclusion_spans, 5, 5) == "index outside the tree"
    assert refused(merkle.inclusion_spans, -1, 5) == "index outside the tree"
    assert refused(merkle.consistency_spans, 6, 5) == "size outside the tree"
    root = mth(0, 5)
    merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [])
    merkle.verify_consistency(5, 5, root, root, [])
    assert refused(merkle.verify_consistency, 0, 5, root, root, []) == "root does not match"
    assert refused(merkle.verify_consistency, 5, 5, bytes(32), root, []) == "root does not match"


def test_another_implementation_agrees() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for size in range(1, 130):
        tree.append_entry(size.to_bytes(2, "big"))
        leaves = [merkle.leaf_hash(i.to_bytes(2, "big")) for i in range(1, size + 1)]
        assert tree.get_root() == merkle.root_of(leaves)
    for index in (1, 2, 64, 65, 128, 129):  # it counts from 1
        theirs = tree.prove_inclusion(index, 129)
        pymerkle.verify_inclusion(leaves[index - 1], tree.get_root(), theirs)
        ours = merkle.inclusion_proof(index - 1, 129, lambda lv, i: merkle.root_of(leaves[i << lv : (i + 1) << lv]))
        assert ours == theirs.path[1:]


# ---- multiproofs


def multiproof_of(indices: list[int], size: int) -> list[bytes]:
    """The definition: walk the tree from the left and hash whatever holds no index."""

    def walk(start: int, end: int) -> list[bytes]:
        if not any(start <= i < end for i in indices):
            return [mth(start, end)]
        if end - start == 1:
            return []
        k = largest_power_below(end - start)
        return walk(start, start + k) + walk(start + k, end)

    return walk(0, size)


def test_every_multiproof_of_a_small_tree_leads_to_its_root() -> None:
    for size in range(1, 9):
        for count in range(1, size + 1):
            for chosen in combinations(range(size), count):
                proof = merkle.multiproof(chosen, size, get_node)
                assert proof == multiproof_of(list(chosen), size)
                assert merkle.multiroot(chosen, [LEAVES[i] for i in chosen], size, proof) == mth(0, size)


SUBSETS = st.integers(1, MOST).flatmap(
    lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1, max_size=40).map(sorted))
)


@given(SUBSETS)
def test_a_multiproof_leads_to_the_root_with_its_own_leaves_only(case: tuple[int, list[int]]) -> None:
    size, indices = case
    leaves = [LEAVES[i] for i in indices]
    proof = merkle.multiproof(indices, size, get_node)

    assert proof == multiproof_of(indices, size)
    assert merkle.multiroot(indices, leaves, size, proof) == mth(0, size)
    assert merkle.multiroot(indices, [bytes(32), *leaves[1:]], size, proof) != mth(0, size)
    assert refused(merkle.multiroot, indices, leaves, size, [*proof, bytes(32)]) == "hash left over"
    if proof:
        assert refused(merkle.multiroot, indices, leaves, size, proof[1:]) == "hash missing"


def test_a_multiproof_of_one_leaf_holds_the_hashes_of_its_inclusion_proof() -> None:
    for size in range(1, 70):
        for index in range(size):
            assert sorted(merkle.multiproof([index], size, get_node)) == sorted(path(index, 0, size))


@pytest.mark.parametrize(
    ("indices", "leaves", "why"),
    [
        ([], [], "hashes do not match the leaves"),
        ([0, 1], [LEAVES[0]], "hashes do not match the leaves"),
        ([1, 1], LEAVES[:2], "indices not ascending"),
        ([2, 1], LEAVES[:2], "indices not ascending"),
        ([-1, 1], LEAVES[:2], "index outside the tree"),
        ([1, 5], LEAVES[:2], "index outside the tree"),
    ],
)
def test_a_multiproof_that_names_no_set_of_leaves_is_refused(indices: list[int], leaves: list[bytes], why: str) -> None:
    assert refused(merkle.multiroot, indices, leaves, 5, []) == why


def test_the_plan_names_every_node_that_the_proof_reads() -> None:
    asked: list[tuple[int, int]] = []

    def reading(level: int, index: int) -> bytes:
        asked.append((level, index))
        return get_node(level, index)

    spans = merkle.multiproof_spans([3, 4, 200], 299)
    merkle.prove(spans, reading)
    assert asked == merkle.nodes_of(spans)


@given(st.data())
def test_a_multiproof_holds_the_inclusion_proof_of_each_of_its_leaves(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    indices = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=12)))
    proof = merkle.multiproof(indices, size, get_node)

    nodes = merkle.multinodes(indices, [LEAVES[index] for index in indices], size, proof)

    assert nodes[0, size] == mth(0, size)
    for index in indices:
        hashes = [nodes[span] for span in merkle.inclusion_spans(index, size)]
        assert hashes == path(index, 0, size)
        merkle.verify_inclusion(index, size, LEAVES[index], hashes, mth(0, size))
