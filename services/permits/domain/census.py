"""The commercial census of a plan: its trees, the rules over them, and what is published of it.

Coordinates stay private: each tree has a salted line, and the plan's statement commits to the RFC 6962 root over
those lines, in the order (parcel, code).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from services.permits.domain.norms import Limits
from shared.timber.bodies import tree_item
from shared.timber.measure import census_dm3
from shared.timber.species import catalogue
from shared.tlog import canon, merkle

MAX_EXAMPLES = 10
PART_TREES = 100
# A statement has 16,384 bytes; what surrounds the trees of a part needs less than 700.
PART_BYTES = 15_600


class Tree(NamedTuple):
    """One standing tree of the census, in the units of records."""

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

    @property
    def public(self) -> dict[str, Any]:
        """What ``census.listed`` says of it: no coordinates."""
        return {
            "code": self.code, "species": self.species, "dbh_mm": self.dbh_mm, "height_mm": self.height_mm,
            "volume_dm3": self.volume_dm3, "condition": self.condition,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One rule over the census: how many trees fail it, of how many, with examples."""

    rule: str
    status: str
    severity: str
    failed: int
    of: int
    examples: list[dict[str, Any]]
    es: str
    en: str

    @property
    def facts(self) -> dict[str, Any]:
        """As stored and answered."""
        return {name: getattr(self, name) for name in self.__slots__}


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


# ---- what the rules say of the trees


def check_census(trees: list[Tree], terms: Terms, limits: Limits) -> list[Check]:
    """P06 (volume recomputed with the plan's form factor), P07 (minimum diameter) and the spelling of species."""
    return [_volumes(trees, terms, limits), _diameters(trees), _names(trees)]


def _check(rule: str, severity: str, failed: list[dict[str, Any]], of: int, es: str, en: str) -> Check:
    status = "NOT_EVALUATED" if of == 0 else "FAIL" if failed else "PASS"
    return Check(rule, status, severity, len(failed), of, failed[:MAX_EXAMPLES], es, en)


def _seat(tree: Tree) -> dict[str, Any]:
    return {"sheet": tree.sheet, "row": tree.row, "parcel": tree.parcel, "code": tree.code}


def _volumes(trees: list[Tree], terms: Terms, limits: Limits) -> Check:
    failed = []
    for tree in trees:
        computed = census_dm3(tree.dbh_mm, tree.height_mm, terms.form_factor_milli)
        allowed = max(limits.p06_volume_tolerance_dm3 * 1000, computed * limits.p06_volume_tolerance_permille)
        if abs(tree.volume_dm3 - computed) * 1000 > allowed:
            failed.append({**_seat(tree), "declared_dm3": tree.volume_dm3, "computed_dm3": computed})
    factor = f"{Decimal(terms.form_factor_milli).scaleb(-3)}"
    return _check(
        "P06", "S2", failed, len(trees),
        f"Volumen declarado contra π/4 × DAP² × altura × {factor}.",
        f"Declared volume against π/4 × DBH² × height × {factor}.",
    )  # fmt: skip


def _diameters(trees: list[Tree]) -> Check:
    norms, failed, of = catalogue(), [], 0
    for tree in trees:
        if tree.condition != "harvestable":
            continue
        of += 1
        minimum = norms.minimum_diameter(tree.species, plan_mm=tree.dmc_mm)
        if minimum is None or tree.dbh_mm < minimum.diameter_mm:
            least, basis = (minimum.diameter_mm, minimum.basis) if minimum else (None, "felling prohibited")
            failed.append(
                {**_seat(tree), "species": tree.species, "dbh_mm": tree.dbh_mm, "minimum_mm": least, "basis": basis}
            )
    return _check(
        "P07", "S4", failed, of,
        "Diámetro de cada árbol aprovechable contra el diámetro mínimo de corta.",
        "Diameter of each harvestable tree against the minimum cutting diameter.",
    )  # fmt: skip


def _names(trees: list[Tree]) -> Check:
    norms = catalogue()
    unknown = Counter(tree.species for tree in trees if tree.species not in norms)
    failed = [{"species": name, "trees": count} for name, count in unknown.most_common()]
    return _check(
        "SPECIES", "S1", failed, len({tree.species for tree in trees}),
        "Especies que no están en la lista de la norma.",
        "Species that are not in the list of the norm.",
    )  # fmt: skip


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
