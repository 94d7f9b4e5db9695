"""The trees of a census, and apart from them the private lines with their coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, text

from services.permits.domain.census import Tree, item_of
from services.permits.domain.plan import Plan
from services.permits.store.session import Tx

_REMOVE_TREES = text("DELETE FROM census_trees WHERE plan = :plan")
_REMOVE_LINES = text("DELETE FROM census_lines WHERE plan = :plan")
_ADD_TREES = text(
    "INSERT INTO census_trees (plan, position, parcel, code, item, species, trade_name, dbh_mm, height_mm, volume_dm3,"
    " condition, dmc_mm) SELECT :plan, u.n - 1, u.parcel, u.code, u.item, u.species, u.trade_name, u.dbh_mm, u.height_mm,"
    " u.volume_dm3, u.condition, u.dmc_mm FROM unnest(CAST(:parcels AS text[]), CAST(:codes AS text[]),"
    " CAST(:items AS uuid[]), CAST(:species AS text[]), CAST(:trade_names AS text[]), CAST(:dbh AS int[]),"
    " CAST(:heights AS int[]), CAST(:volumes AS int[]), CAST(:conditions AS text[]), CAST(:dmcs AS int[]))"
    " WITH ORDINALITY AS u (parcel, code, item, species, trade_name, dbh_mm, height_mm, volume_dm3, condition, dmc_mm, n)"
)
_ADD_LINES = text(
    "INSERT INTO census_lines (plan, position, org, regent, region, block, line, document)"
    " SELECT :plan, u.n - 1, :org, :regent, :region, u.block, u.line, u.document FROM unnest(CAST(:blocks AS text[]),"
    " CAST(:lines AS text[]), CAST(:documents AS bytea[])) WITH ORDINALITY AS u (block, line, document, n)"
)
_LINES = text("SELECT document FROM census_lines WHERE plan = :plan ORDER BY position")
# Whole censuses are read table by table and joined here: the planner knows nothing yet of a plan that was uploaded a minute
# ago, and then joins them by asking row-level security of every line once for every tree.
_SEATED_LINES = text("SELECT position, block, line, document FROM census_lines WHERE plan = :plan")
_TREES = (
    "SELECT t.position, t.parcel, t.code, CAST(t.item AS text) AS item, t.species, t.trade_name, l.block, l.line,"
    " t.dbh_mm, t.height_mm, t.volume_dm3, t.condition, t.dmc_mm, l.document FROM census_trees t"
    " LEFT JOIN census_lines l ON l.plan = t.plan AND l.position = t.position WHERE t.plan = :plan"
)
_PAGE = text(
    _TREES + " AND t.position > CAST(:after AS bigint) AND (CAST(:parcel AS text) IS NULL OR t.parcel = :parcel)"
    " AND (CAST(:species AS text) IS NULL OR t.species = :species) ORDER BY t.position LIMIT :limit"
)
_ALL = text(
    "SELECT position, parcel, code, CAST(item AS text) AS item, species, trade_name, dbh_mm, height_mm, volume_dm3,"
    " condition, dmc_mm FROM census_trees WHERE plan = :plan ORDER BY position"
)
_BY_CODE = text(
    _TREES + " AND t.code = :code AND (CAST(:parcel AS text) IS NULL OR t.parcel = :parcel) ORDER BY t.position LIMIT 2"
)
_PUBLIC = text(
    "SELECT parcel, code, species, dbh_mm, height_mm, volume_dm3, condition FROM census_trees WHERE plan = :plan"
    " ORDER BY position"
)
_NOWHERE: dict[str, Any] = {"zone": "", "easting_dm": 0, "northing_dm": 0}
_PARCELS = text("SELECT DISTINCT parcel FROM census_trees WHERE plan = :plan")
_HARVESTABLE = text(
    "SELECT parcel, species, count(*), sum(volume_dm3) FROM census_trees WHERE plan = :plan AND condition = 'harvestable'"
    " GROUP BY parcel, species"
)
_SEATS = text(
    "SELECT position, parcel, code FROM census_trees WHERE plan = :plan AND position = ANY(CAST(:positions AS int[]))"
)
_KNOWN_CODES = text(
    "SELECT code FROM census_trees WHERE plan = :plan AND parcel = :parcel AND code IN :codes"
).bindparams(bindparam("codes", expanding=True))


@dataclass(frozen=True, slots=True)
class StandingTree:
    """A tree as stored. ``document`` is its private line; that, block and line where the caller may see them."""

    position: int
    parcel: str
    code: str
    item: str
    species: str
    trade_name: str
    block: str | None
    line: str | None
    dbh_mm: int
    height_mm: int
    volume_dm3: int
    condition: str
    dmc_mm: int | None
    document: bytes | None


async def replace_census(tx: Tx, plan: Plan, trees: Sequence[Tree], documents: Sequence[bytes]) -> None:
    """The whole census of a draft anew: trees in the order of the root, and their private lines."""
    await tx.execute(_REMOVE_TREES, {"plan": plan.id})
    await tx.execute(_REMOVE_LINES, {"plan": plan.id})
    await tx.execute(
        _ADD_TREES,
        {
            "plan": plan.id,
            "parcels": [tree.parcel for tree in trees],
            "codes": [tree.code for tree in trees],
            "items": [item_of(plan.id, tree) for tree in trees],
            "species": [tree.species for tree in trees],
            "trade_names": [tree.trade_name for tree in trees],
            "dbh": [tree.dbh_mm for tree in trees],
            "heights": [tree.height_mm for tree in trees],
            "volumes": [tree.volume_dm3 for tree in trees],
            "conditions": [tree.condition for tree in trees],
            "dmcs": [tree.dmc_mm for tree in trees],
        },
    )
    await tx.execute(
        _ADD_LINES,
        {
            "plan": plan.id,
            "org": plan.org,
            "regent": plan.regent,
            "region": plan.region,
            "blocks": [tree.block for tree in trees],
            "lines": [tree.line for tree in trees],
            "documents": list(documents),
        },
    )


async def lines_of(tx: Tx, plan: str) -> list[bytes]:
    """The private lines in the order of the root."""
    return list((await tx.execute(_LINES, {"plan": plan})).scalars())


async def placed_lines(tx: Tx, plan: str) -> list[tuple[str, bytes]]:
    """Parcel and private line of each tree, in the order of the root, as far as the caller may see them."""
    return [(tree.parcel, tree.document) for tree in await all_trees(tx, plan) if tree.document is not None]


async def public_trees(tx: Tx, plan: str) -> list[tuple[str, dict[str, object]]]:
    """Parcel and public fields of every tree, in the order of the root: what ``census.listed`` says."""
    rows = await tx.execute(_PUBLIC, {"plan": plan})
    return [(row.pop("parcel"), row) for row in map(dict, rows.mappings())]


async def standing_trees(tx: Tx, plan: str) -> list[Tree]:
    """The whole census as the rules ask for it, in the order of the root; with places where the caller may see them."""
    return [_standing(tree) for tree in await all_trees(tx, plan)]


def _standing(tree: StandingTree) -> Tree:
    utm = _NOWHERE if tree.document is None else orjson.loads(tree.document)["utm"]
    return Tree(
        tree.parcel, tree.code, tree.species, tree.trade_name, tree.block or "", tree.line or "", tree.dbh_mm,
        tree.height_mm, tree.volume_dm3, tree.condition, utm["zone"], utm["easting_dm"], utm["northing_dm"], tree.dmc_mm,
        "", 0,
    )  # fmt: skip


async def trees(
    tx: Tx, plan: str, parcel: str | None, species: str | None, after: int, limit: int
) -> list[StandingTree]:
    """A page of trees in the order of the root."""
    values = {"plan": plan, "parcel": parcel, "species": species, "after": after, "limit": limit}
    return [StandingTree(*row) for row in await tx.execute(_PAGE, values)]


async def all_trees(tx: Tx, plan: str) -> list[StandingTree]:
    """Every tree in the order of the root."""
    seated = {row[0]: row[1:] for row in await tx.execute(_SEATED_LINES, {"plan": plan})}
    found = []
    for row in await tx.execute(_ALL, {"plan": plan}):
        block, line, document = seated.get(row[0], (None, None, None))
        found.append(StandingTree(*(*row[:6], block, line, *row[6:], document)))
    return found


async def trees_with_code(tx: Tx, plan: str, code: str, parcel: str | None) -> list[StandingTree]:
    """The tree of a code; two when the code repeats in several parcels and none was named."""
    rows = await tx.execute(_BY_CODE, {"plan": plan, "code": code, "parcel": parcel})
    return [StandingTree(*row) for row in rows]


async def seats(tx: Tx, plan: str, positions: Sequence[int]) -> dict[int, dict[str, str]]:
    """Parcel and code of the trees at these places of the list, as far as the caller may see the plan."""
    rows = await tx.execute(_SEATS, {"plan": plan, "positions": list(positions)})
    return {position: {"parcel": parcel, "code": code} for position, parcel, code in rows}


async def parcels_with_trees(tx: Tx, plan: str) -> list[str]:
    """Parcels in which the census has a tree."""
    return list((await tx.execute(_PARCELS, {"plan": plan})).scalars())


async def harvestable(tx: Tx, plan: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Harvestable trees and their volume in dm3 by parcel and species."""
    rows = await tx.execute(_HARVESTABLE, {"plan": plan})
    return {(parcel, species): (count, int(volume)) for parcel, species, count, volume in rows}


async def unknown_codes(tx: Tx, plan: str, parcel: str, codes: Sequence[str]) -> list[str]:
    """Which of these codes the census of the parcel does not list."""
    if not codes:
        return []
    known = set((await tx.execute(_KNOWN_CODES, {"plan": plan, "parcel": parcel, "codes": list(codes)})).scalars())
    return [code for code in codes if code not in known]
