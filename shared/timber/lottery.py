"""The public lottery of trees: which trees of a census are verified in the field, so that nobody can have chosen them.

Anybody recomputes a draw from public bytes (docs/format.md, annex D): the census as listed, a checkpoint of the log that
came after it, and the design in force. Nothing here is random: the ticket of a tree is an HMAC under the seed, and the
first ``n`` tickets of each stratum are drawn.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any, NamedTuple

from shared.timber.cites import standing
from shared.timber.norms.lottery import Design
from shared.timber.species import Catalogue
from shared.tlog import canon, merkle

_SEED = b"trozalog/v1/draw\n"
FRAME = "harvestable"
"""The condition of the trees that may be drawn: only they carry the volume of a permit."""
CITES, HIGH, REST = "cites", "high_value", "other"
STRATA = (CITES, HIGH, REST)


class Tree(NamedTuple):
    """A tree as ``census.listed`` has it, with its parcel."""

    parcel: str
    code: str
    species: str
    dbh_mm: int
    height_mm: int
    volume_dm3: int
    condition: str


@dataclass(frozen=True, slots=True)
class Source:
    """What the seed is made from: a checkpoint of the log, and the line of the witness that cosigned it, if one did."""

    origin: str
    size: int
    root: str
    cosignature: str | None


@dataclass(frozen=True, slots=True)
class Stratum:
    """One layer of the sample: ``of`` trees of ``volume_dm3`` in all, of which the first ``sample`` tickets are drawn."""

    name: str
    of: int
    volume_dm3: int
    sample: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A tree of the sample; ``ticket`` in hexadecimal, ``rank`` counts from 1 in its stratum."""

    tree: Tree
    stratum: str
    rank: int
    ticket: str


@dataclass(frozen=True, slots=True)
class Draw:
    """A whole draw."""

    seed: str
    strata: tuple[Stratum, ...]
    sample: tuple[Drawn, ...]


# ---- how many


def sample_size(share_permille: int, confidence_permille: int) -> int:
    """The least n with (1 - p)^n <= 1 - confidence: ceil(ln 0.05 / ln(1 - p)) for 95 %, in whole numbers."""
    _check_shares(share_permille, confidence_permille)
    missed, whole, n = 1, 1, 0
    while missed * 1000 > (1000 - confidence_permille) * whole:
        missed, whole, n = missed * (1000 - share_permille), whole * 1000, n + 1
    return n


def sample_of(trees: int, share_permille: int, confidence_permille: int) -> int:
    """As ``sample_size``, exactly, for a stratum of so many trees drawn without replacement; never more than there are.

    Of N trees D = max(1, ceil(p N)) are taken to be phantoms; n is the least with C(N - D, n) / C(N, n) <= 1 - confidence.
    """
    _check_shares(share_permille, confidence_permille)
    if trees == 0:
        return 0
    phantoms = max(1, -(-trees * share_permille // 1000))
    missed, whole, n = 1, 1, 0
    while missed * 1000 > (1000 - confidence_permille) * whole:
        missed, whole, n = missed * (trees - phantoms - n), whole * (trees - n), n + 1
    return n


def _check_shares(*shares_permille: int) -> None:
    if not all(0 < share < 1000 for share in shares_permille):
        raise ValueError("shares lie between 0 and 1000 permille")


# ---- which layer


def cites_names(species: Iterable[str], catalogue: Catalogue, day: date) -> frozenset[str]:
    """Which of these names CITES binds, or may bind, on a day: calling a shihuahuaco ``Dipteryx sp.`` does not take it out of
    the whole count."""
    return frozenset(name for name in species if standing(name, day, catalogue) != "none")


def strata_of(trees: Iterable[Tree], cites: frozenset[str], design: Design) -> dict[str, list[Tree]]:
    """The harvestable trees in their strata: CITES whole; of the others those that make up the first part of the value
    (litres times the weight of the genus), the most valuable first; and the rest."""
    frame = [tree for tree in trees if tree.condition == FRAME]
    others = [(tree.volume_dm3 * design.weight_of(tree.species), tree) for tree in frame if tree.species not in cites]
    others.sort(key=lambda pair: (-pair[0], pair[1].parcel, pair[1].code))
    total = sum(value for value, _ in others)
    before = list(accumulate((value for value, _ in others), initial=0))
    cut = sum(so_far * 1000 < design.high_value_permille * total for so_far in before[:-1])
    return {
        CITES: [tree for tree in frame if tree.species in cites],
        HIGH: [tree for _, tree in others[:cut]],
        REST: [tree for _, tree in others[cut:]],
    }


# ---- which trees


def listing_root(trees: Iterable[Tree]) -> str:
    """The RFC 6962 root over the public lines of the census, in the order of the census root."""
    return merkle.root_of([listing_leaf(tree) for tree in trees]).hex()


def listing_leaf(tree: Tree) -> bytes:
    """A tree's leaf hash in that root."""
    return merkle.leaf_hash(canon.encode(tree._asdict()))


def census_commitment(plan: str, census_root: str, trees: Sequence[Tree]) -> dict[str, Any]:
    """The body of ``census.committed``: what a plan is handed in with, before any seed is known. Slow for a large census."""
    return {
        "plan": plan, "root": census_root, "listing_root": listing_root(trees), "trees": len(trees),
        "harvestable_dm3": sum(tree.volume_dm3 for tree in trees if tree.condition == FRAME),
    }  # fmt: skip


def seed_document(plan: str, census_root: str, listing: str, source: Source) -> bytes:
    """What was fixed before, and what nobody knew then."""
    said: dict[str, Any] = {
        "plan": plan, "census_root": census_root, "listing_root": listing,
        "checkpoint": {"origin": source.origin, "size": source.size, "root": source.root},
    }  # fmt: skip
    if source.cosignature is not None:
        said["cosignature"] = source.cosignature
    return canon.encode(said)


def seed_of(plan: str, census_root: str, listing: str, source: Source) -> str:
    """The seed in hexadecimal: SHA-256 over that document under its domain tag."""
    return hashlib.sha256(_SEED + seed_document(plan, census_root, listing, source)).hexdigest()


def ticket_of(seed: str, parcel: str, code: str) -> str:
    """A tree's number in the lottery: HMAC-SHA256 under the seed over parcel, newline, code."""
    return hmac.new(bytes.fromhex(seed), f"{parcel}\n{code}".encode(), hashlib.sha256).hexdigest()


def first_tickets(seed: str, trees: Iterable[Tree], count: int) -> list[tuple[str, Tree]]:
    """The trees with the smallest tickets, in order; the order of ``trees`` does not matter."""
    return sorted((ticket_of(seed, tree.parcel, tree.code), tree) for tree in trees)[:count]


def draw(seed: str, strata: Mapping[str, Sequence[Tree]], design: Design) -> Draw:
    """The sample: CITES whole, and of each other stratum as many as the design asks for."""
    layers, sample = [], []
    for name in STRATA:
        trees = strata[name]
        wanted = sample_of(len(trees), design.share_permille, design.confidence_permille)
        layer = Stratum(name, len(trees), sum(t.volume_dm3 for t in trees), len(trees) if name == CITES else wanted)
        layers.append(layer)
        sample += [
            Drawn(tree, name, rank, ticket)
            for rank, (ticket, tree) in enumerate(first_tickets(seed, trees, layer.sample), 1)
        ]
    return Draw(seed, tuple(layers), tuple(sample))
