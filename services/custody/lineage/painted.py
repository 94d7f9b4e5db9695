"""Pieces by the code painted on them, over every plan of the log: codes repeat from plan to plan, so there are many answers.

The id of a tree follows from its plan, parcel and code (docs/format.md, section 4), so it is looked up under every parcel;
a log is found among what was cut from that tree. Nothing has to be written for it when a piece is recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.custody.lineage.tracing import descendants
from services.custody.store import Transaction
from shared.timber import facts as facts_of
from shared.timber.event import tree_item
from shared.timber.facts import CensusTree, Facts, Item, Plan

PLANS_AT_ONCE = 200
MOST_PLANS = 2_000  # that one answer looks through
MOST_DEPTH = 64
MOST_PIECES = 5_000  # that one look into a parcel's trees follows
FIRST = "plan:"


@dataclass(slots=True)
class Sightings:
    """Felled trees and logs of a code, trees of a census with it, and the plans they are of. `after` is the key of the last
    plan that was looked into when there are more; `whole` is false when some tree has too many pieces to follow."""

    items: list[Item] = field(default_factory=list)
    census: list[CensusTree] = field(default_factory=list)
    plans: dict[str, Plan] = field(default_factory=dict)
    after: str | None = None
    whole: bool = True

    @property
    def count(self) -> int:
        """How many answers there are: a tree that was felled is one."""
        felled = {item.id for item in self.items}
        return len(felled) + sum(tree.item not in felled for tree in self.census)


async def in_plans(tx: Transaction, plans: Sequence[Plan], parcel: str | None, code: str, found: Sightings) -> None:
    """Adds the pieces of a code in these plans, perhaps of one parcel."""
    facts, of_tree = Facts(), code.partition("/")[0]
    trees = {
        tree_item(plan.id, one, of_tree): plan for plan in plans for one in plan.parcels if parcel in (None, one)
    }  # fmt: skip
    await tx.load_facts([f"tree:{tree}" for tree in trees], facts)
    walk = await descendants(tx, trees, MOST_DEPTH if "/" in code else 0, MOST_PIECES)
    items = [item for item in walk.items.values() if item.code == code]
    listed = [tree for id_ in trees if (tree := facts.find(CensusTree, f"tree:{id_}")) is not None]
    census = [tree for tree in listed if tree.code == code]
    found.items += items
    found.census += census
    named = {item.plan for item in items} | {tree.plan for tree in census}
    found.plans |= {plan.id: plan for plan in plans if plan.id in named}
    found.whole = found.whole and ("/" not in code or not walk.open)


async def everywhere(tx: Transaction, code: str, parcel: str | None, after: str, limit: int) -> Sightings:
    """The pieces of a code in the plans after a key, plan by plan until there are `limit` answers."""
    found, looked = Sightings(), 0
    while looked < MOST_PLANS:
        rows = await tx.facts_under(FIRST, after, PLANS_AT_ONCE)
        plans = [plan for key, doc in rows if isinstance(plan := facts_of.load(key, doc), Plan)]
        await in_plans(tx, plans, parcel, code, found)
        if len(rows) < PLANS_AT_ONCE:
            return found
        looked, after = looked + len(rows), rows[-1][0]
        if found.count >= limit:
            break
    found.after = after
    return found
