"""What a census is recognised by among thousands: a sketch that finds candidates, and the marks that settle it.

A key is an edge from a tree to a near neighbour: both species, both diameters, the height of the first and the length
between them, in steps. Shifting, turning, shuffling and renaming leave it as it is. A plan keeps the keys whose hash is
smallest, so two plans with common edges keep the same ones (Broder 1997); who asks also asks for the steps beside its own,
so that half a step of noise in each measure is still found. Which of the candidates is a clone, ``match_plans`` says.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

from services.permits.domain.census import Tree
from services.permits.domain.forensics.clones import DBH_MM, HEIGHT_MM, marks_of, still_there
from services.permits.domain.forensics.stand import Floats, Ints, Stand, stand_of

# Keys kept of a plan, and asked for at a review: these bound the table and the work, not what is honest.
KEPT, ASKED = 1024, 8192
LENGTH_M = 8.0
_COLUMNS = (("x", "<i4"), ("y", "<i4"), ("dbh", "<i4"), ("height", "<i4"), ("species", "<i2"))
_DATES = (("since", "<i8"), ("east", "<i4"), ("north", "<i4"))


def sketch_of(stand: Stand) -> list[int]:
    """The keys a census is found by, in order, at most ``KEPT``; each fits a signed number of four bytes."""
    return _kept(_edges(stand))


def asked_of(stand: Stand) -> list[int]:
    """The keys that a slightly changed copy of the census would have kept, at most ``ASKED``."""
    return _asked(_edges(stand))


@dataclass(frozen=True, slots=True)
class _Edges:
    """The kind of each edge of a census, and its measures in steps."""

    kind: npt.NDArray[np.uint64]
    measures: tuple[Floats, ...]


def _edges(stand: Stand) -> _Edges:
    marks = marks_of(stand, {})
    i, j, length_m, _ = marks.edges
    words = np.array([zlib.crc32(name.encode()) for name in stand.species_names], np.uint64)[stand.species]
    return _Edges(
        _mixed(words[i] * np.uint64(3) + _mixed(words[j])),
        (
            marks.dbh[i] / DBH_MM / 2, marks.dbh[j] / DBH_MM / 2, marks.height[i] / HEIGHT_MM / 2,
            length_m / LENGTH_M / 2,
        ),
    )  # fmt: skip


def _kept(edges: _Edges) -> list[int]:
    hashed = edges.kind
    for one in edges.measures:
        hashed = _stepped(hashed, np.floor(one))
    return _smallest(hashed, KEPT)


def _asked(edges: _Edges) -> list[int]:
    hashed = [edges.kind]
    for one in edges.measures:
        below = np.floor(one - 0.5)
        hashed = [_stepped(known, step) for known in hashed for step in (below, below + 1)]
    return _smallest(np.concatenate(hashed), ASKED)


def _stepped(hashed: npt.NDArray[np.uint64], step: Floats) -> npt.NDArray[np.uint64]:
    return _mixed(hashed ^ (step.astype(np.int64) + 2).astype(np.uint64))


def _smallest(hashed: npt.NDArray[np.uint64], most: int) -> list[int]:
    ordered = np.sort((hashed >> np.uint64(32)).astype(np.uint32))
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
    found: list[int] = (ordered[first][:most].astype(np.int64) - 2**31).tolist()
    return found


def _mixed(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea and Flood 2014): the same everywhere, and no bit of the words shows in it."""
    mixed = words + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The keys a census is found by, and the keys to find others with."""

    kept: list[int]
    asked: list[int]


def fingerprint(trees: Sequence[Tree]) -> Fingerprint:
    """Of a whole census with places. Slow for a large one: use a thread."""
    edges = _edges(stand_of(trees))
    return Fingerprint(_kept(edges), _asked(edges))


# ---- which trees were there first


@dataclass(frozen=True, slots=True)
class Dated:
    """The trees of a census, with the number of the submission that each came with, and how far each has been moved since
    then (east and north, in dm), a shift of the whole list apart."""

    trees: Sequence[Tree]
    since: Ints
    east_dm: Ints
    north_dm: Ints


def handed_in_now(trees: Sequence[Tree], number: int) -> Dated:
    """All of them came with this submission."""
    n = len(trees)
    return Dated(trees, np.full(n, number, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64))


def dated(trees: Sequence[Tree], number: int, earlier: Sequence[Dated]) -> Dated:
    """A census handed in as ``number`` after earlier ones of its plan: trees that those had keep theirs, all others are new.

    A tree is one of before when it stands within a position's error of where that one stood when it *came*, not of where it was
    moved to since: many small mendings do not carry a census to somewhere else. Slow for a large one: use a thread.
    """
    now = handed_in_now(trees, number)
    stand = stand_of(trees)
    places = _places_in(stand, trees)
    for before in earlier:
        old = stand_of(before.trees)
        at = _places_in(old, before.trees)
        names: dict[str, int] = {}
        here, there = marks_of(stand, names), marks_of(old, names)
        came_x, came_y = old.x_m - before.east_dm[at] / 10, old.y_m - before.north_dm[at] / 10
        first, second, (east, north) = still_there(here, there, came_x, came_y)
        kept = before.since[at[second]] < now.since[places[first]]
        first, second = first[kept], second[kept]
        moved = places[first]
        now.since[moved] = before.since[at[second]]
        now.east_dm[moved] = np.rint((here.x_m[first] + east - came_x[second]) * 10).astype(np.int64)
        now.north_dm[moved] = np.rint((here.y_m[first] + north - came_y[second]) * 10).astype(np.int64)
    return now


def _places_in(stand: Stand, trees: Sequence[Tree]) -> Ints:
    """Where each tree of the stand is in the list it was made of."""
    places = {id(tree): place for place, tree in enumerate(trees)}
    return np.array([places[id(tree)] for tree in stand.rows], np.int64)


# ---- marks


def packed(census: Dated) -> bytes:
    """The marks of a census in the order given: place, diameter, height and species of each tree, some 10 bytes each, and since
    when it is there."""
    trees = census.trees
    zones, zone = np.unique([tree.zone for tree in trees], return_inverse=True)
    names, species = np.unique([tree.species for tree in trees], return_inverse=True)
    columns: dict[str, Ints] = {
        "x": np.array([tree.easting_dm for tree in trees]), "y": np.array([tree.northing_dm for tree in trees]),
        "dbh": np.array([tree.dbh_mm for tree in trees]), "height": np.array([tree.height_mm for tree in trees]),
        "species": species, "since": census.since, "east": census.east_dm, "north": census.north_dm,
    }  # fmt: skip
    of = [] if len(zones) == 1 else zone.tolist()
    head = {"trees": len(trees), "zones": zones.tolist(), "zone": of, "species": names.tolist(), "dated": True}
    body = b"".join(np.ascontiguousarray(columns[name], kind).tobytes() for name, kind in (*_COLUMNS, *_DATES))
    return zlib.compress(orjson.dumps(head) + b"\n" + body, 6)


def unpacked(marks: bytes, handed_in: int) -> Dated:
    """The trees again, as far as they matter; the code of each is its place in the census it was packed from. Marks of before
    trees were dated came with ``handed_in``, all of them."""
    head, _, body = zlib.decompress(marks).partition(b"\n")
    told = orjson.loads(head)
    n, start, columns = told["trees"], 0, {}
    for name, kind in (*_COLUMNS, *(_DATES if told.get("dated") else ())):
        columns[name] = np.frombuffer(body, kind, n, start).astype(np.int64)
        start += n * np.dtype(kind).itemsize
    zones = [told["zones"][k] for k in told["zone"]] or told["zones"] * n
    dbh, height, x, y, species = (columns[name].tolist() for name in ("dbh", "height", "x", "y", "species"))
    trees = [
        Tree(
            "", str(k), told["species"][species[k]], "", "", "", dbh[k], height[k], 0, "harvestable", zones[k], x[k], y[k],
            None, "", k,
        )
        for k in range(n)
    ]  # fmt: skip
    if "since" not in columns:
        return handed_in_now(trees, handed_in)
    return Dated(trees, columns["since"], columns["east"], columns["north"])
