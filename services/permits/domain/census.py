"""The commercial census of a plan: its trees, and what is published of it. The rules over them are in ``rules``.

Coordinates stay private: each tree has a salted line, and the plan's statement commits to the RFC 6962 root over
those lines, in the order (parcel, code).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from shared.timber.bodies import tree_item
from shared.tlog import canon, merkle

PART_TREES = 100
# A statement has 16,384 bytes; what surrounds the trees of a part needs less than 700.
PART_BYTES = 15_600


class Tree(NamedTuple):
    """One standing tree of the census, in the units of records. Read back from the store it has no ``sheet`` and row 0,
    and no ``zone`` where its place was erased. ``surveyed_on``: the day it was measured, where the census says so."""

    parcel: str
    code: str
    species: str
    trade_name: str
    block: str
    line: str
    dbh_mm: int
    height_mm: int
    volume_dm3: int
    condition: str
    zone: str
    easting_dm: int
    northing_dm: int
    dmc_mm: int | None
    sheet: str
    row: int
    surveyed_on: date | None = None

    @property
    def public(self) -> dict[str, Any]:
        """What ``census.listed`` says of it: no coordinates."""
        return {
            "code": self.code, "species": self.species, "dbh_mm": self.dbh_mm, "height_mm": self.height_mm,
            "volume_dm3": self.volume_dm3, "condition": self.condition,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """What the plan says that its census must fit."""

    plan: str
    parcels: tuple[str, ...]
    form_factor_milli: int


@dataclass(frozen=True, slots=True)
class Census:
    """The trees in the order of the root, and what was seen on the way."""

    trees: list[Tree]
    sheets: tuple[str, ...]
    ignored_sheets: tuple[str, ...]
    columns: dict[str, str]
    ignored_columns: tuple[str, ...]
    blank_rows: int

    def totals(self) -> list[dict[str, Any]]:
        """Trees and harvestable volume by parcel."""
        return [
            {
                "parcel": parcel,
                "trees": len(trees),
                "harvestable": sum(t.condition == "harvestable" for t in trees),
                "harvestable_dm3": sum(t.volume_dm3 for t in trees if t.condition == "harvestable"),
            }
            for parcel, trees in _by_parcel(self.trees)
        ]


def seat(tree: Tree) -> dict[str, Any]:
    """Where a forester finds the tree: in the uploaded sheet while it is known, by parcel and code always."""
    where = {"parcel": tree.parcel, "code": tree.code}
    return {"sheet": tree.sheet, "row": tree.row, **where} if tree.row else where


# ---- what is published, and what is only committed to


def private_line(tree: Tree, salt: str) -> bytes:
    """The canonical, salted line of a tree with its coordinates: what the root commits to and permits alone holds."""
    utm = {"zone": tree.zone, "easting_dm": tree.easting_dm, "northing_dm": tree.northing_dm}
    # Copied: the encoder leaves a kilobyte behind each short answer, and a census keeps tens of thousands of them.
    return bytes(memoryview(canon.encode({**tree.public, "parcel": tree.parcel, "utm": utm, "salt": salt})))


def utm_of(line: bytes) -> tuple[str, int, int]:
    """Zone, easting and northing (decimetres) of a private line."""
    utm = canon.decode(line)["utm"]
    return utm["zone"], utm["easting_dm"], utm["northing_dm"]


def root_of_lines(lines: Iterable[bytes]) -> str:
    """The RFC 6962 root over the lines; the hash of an empty tree when there is no census."""
    return merkle.root_of([merkle.leaf_hash(line) for line in lines]).hex()


def item_of(plan: str, tree: Tree) -> str:
    """The item id under which custody will know the tree."""
    return tree_item(plan, tree.parcel, tree.code)


def listed_parts(plan: str, parcel_trees: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The bodies of ``census.listed``: one parcel each, at most 100 trees and 16 KiB, numbered from 1."""
    parts: list[dict[str, Any]] = []
    for parcel, trees in groupby(parcel_trees, key=lambda pair: pair[0]):
        for chunk in _chunks(tree for _, tree in trees):
            parts.append({"plan": plan, "part": len(parts) + 1, "parcel": parcel, "trees": chunk})
    return parts


def _chunks(trees: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    size = 0
    for tree in trees:
        needed = len(canon.encode(tree)) + 1
        if chunk and (len(chunk) == PART_TREES or size + needed > PART_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(tree)
        size += needed
    if chunk:
        yield chunk


def _by_parcel(trees: list[Tree]) -> Iterator[tuple[str, list[Tree]]]:
    for parcel, group in groupby(trees, key=lambda tree: tree.parcel):
        yield parcel, list(group)
