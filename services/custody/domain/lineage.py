"""What a lot rests on: the names whose records an offline verifier needs to judge it."""

from collections.abc import Iterable

from shared.timber.event import Record
from shared.timber.facts import Facts, Guide, Item, Lot, guide_key


def item_keys(items: Iterable[Item]) -> set[str]:
    """The facts one step up from these items: parents, the tree they come from, their guides."""
    keys: set[str] = set()
    for item in items:
        keys.update(f"item:{parent}" for parent in item.parents)
        keys.update(guide for guide in (item.drawn_by, item.guide) if guide)
    return keys


def guide_keys(guides: Iterable[Guide]) -> set[str]:
    """A mill's guides name the guides their wood came in with."""
    return {
        guide_key(form, origin) for guide in guides for origin in guide.origin_guides for form in ("own", "official")
    }


def names_for(lot: str, facts: Facts) -> set[str]:
    """Names of every record the lot's verdict needs, from the facts of its closure."""
    names = {f"lot:{lot}", "status"}
    docs = [doc for _, doc in facts.items()]
    for item in (doc for doc in docs if isinstance(doc, Item)):
        names.add(f"item:{item.id}")
        if item.kind == "tree":
            names.add(f"tree:{item.id}")
        if item.permit:
            names |= {f"permit:{item.permit}", f"plan:{item.plan}"}
    for guide in (doc for doc in docs if isinstance(doc, Guide)):
        names.add(f"guide:{guide.form}:{guide.number}")
        if guide.permit:
            names.add(f"permit:{guide.permit}")
            names.update(
                f"line:{guide.permit}|{line['parcel']}|{line['species']}|{line['product']}" for line in guide.lines
            )
    return names


def names_behind(records: Iterable[Record]) -> set[str]:
    """Keys and organisations that speak in the records, titles their permits stand on, and corrections of them."""
    names: set[str] = set()
    for record in records:
        names.add(f"org:{record.actor}")
        names.add(f"sid:{record.sid}")
        names.update(f"key:{kid}" for kid, _ in record.signatures)
        body = record.body
        names.update(f"org:{body[field]}" for field in ("holder", "addressee", "buyer", "org") if field in body)
        if record.type == "permit.issued":
            names |= {f"title:{body['title']}", f"plan:{body['plan']}"}
        if record.type == "plan.approved":
            names.add(f"title:{body['title']}")
        if record.type == "key.added":
            names.add(f"org:{body['org']}")
    return names


def logs_behind(lot: Lot, facts: Facts) -> list[Item]:
    """The logs the lot's wood came from: those nothing else of the lot was cut or sawn from counts once, in id
    order."""
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
