"""Which pieces of wood a record used up, and the logs a lot's wood came from."""

from shared.timber.event import Record
from shared.timber.facts import Facts, Item, Lot

# For good: a lot can be sold and its pieces used by the buyer, so a lot uses up nothing.
USES_UP = {"log.cut": "source", "mill.processed": "inputs"}


def spends(record: Record, facts: Facts) -> list[str]:
    """The items this record used up, after it was admitted to `facts`."""
    field = USES_UP.get(record.type)
    if field is None:
        return []
    named = record.body[field]
    items = (facts.find(Item, f"item:{id_}") for id_ in ([named] if field == "source" else named))
    return [item.id for item in items if item is not None and item.spent_by == record.sid]


def logs_behind(lot: Lot, facts: Facts) -> list[Item]:
    """The logs the lot's wood was last, in id order: its own logs, and those its products were sawn from."""
    found: dict[str, Item] = {}
    queue = list(lot.items)
    while queue:
        item = facts.find(Item, f"item:{queue.pop()}")
        if item is None or item.id in found:
            continue
        if item.kind == "log":
            found[item.id] = item
        else:
            queue.extend(item.parents)
    return [found[key] for key in sorted(found)]
