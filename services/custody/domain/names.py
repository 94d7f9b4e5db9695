"""Under which names a record is found again, and which pieces of wood it uses up."""

from collections.abc import Callable
from typing import Any

from shared.timber.event import Record, tree_item
from shared.timber.facts import Facts, Item

Body = dict[str, Any]

AUTHORITY_SUBJECT = {
    "title.registered": ("title", "number"),
    "plan.approved": ("plan", "id"),
    "permit.issued": ("permit", "number"),
    "permit.amended": ("permit", "number"),
    "permit.suspended": ("permit", "number"),
    "permit.reinstated": ("permit", "number"),
    "permit.revoked": ("permit", "number"),
    "inspection.reported": ("plan", "plan"),
    "organisation.registered": ("org", "id"),
    "key.added": ("key", "kid"),
    "key.revoked": ("key", "kid"),
    "record.corrected": ("sid", "amends"),
}


def names_of(record: Record) -> set[str]:
    """`kind:key` for what the record is about. A permit is named by the acts on it, not by every log cut under it."""
    body = record.body
    if record.type in AUTHORITY_SUBJECT:
        kind, field = AUTHORITY_SUBJECT[record.type]
        return {f"{kind}:{body[field]}"}
    return _NAMES[record.type](body)


def spends(record: Record, facts: Facts) -> list[str]:
    """The items this record used up, after it was admitted to `facts`."""
    body = record.body
    field = {"log.cut": "source", "mill.processed": "inputs", "lot.composed": "items"}.get(record.type)
    if field is None:
        return []
    candidates = [body[field]] if field == "source" else body[field]
    return [id_ for id_ in candidates if (item := facts.find(Item, f"item:{id_}")) and item.spent_by == record.sid]


def _census(body: Body) -> set[str]:
    return {f"tree:{tree_item(body['plan'], body['parcel'], tree['code'])}" for tree in body["trees"]}


def _cut(body: Body) -> set[str]:
    return {f"item:{body['source']}", *(f"item:{section['item']}" for section in body["sections"])}


def _guide(body: Body) -> set[str]:
    return {f"guide:{body['form']}:{body['guide']}", *(f"item:{line['item']}" for line in body.get("items", ()))}


def _guide_issued(body: Body) -> set[str]:
    permit = body.get("permit")
    lines = body["lines"] if permit else ()
    return _guide(body) | {f"line:{permit}|{line['parcel']}|{line['species']}|{line['product']}" for line in lines}


def _milled(body: Body) -> set[str]:
    return {*(f"item:{item}" for item in body["inputs"]), *(f"item:{out['item']}" for out in body["outputs"])}


_NAMES: dict[str, Callable[[Body], set[str]]] = {
    "census.listed": _census,
    "status.listed": lambda _: {"status"},
    "conflict.noted": lambda body: {f"sid:{body['first']}", f"sid:{body['refused']}", f"item:{body['subject']}"},
    "tree.felled": lambda body: {f"item:{body['item']}"},
    "log.cut": _cut,
    "log.moved": lambda body: {f"item:{item}" for item in body["items"]},
    "guide.issued": _guide_issued,
    "guide.departed": _guide,
    "guide.checked": _guide,
    "guide.received": _guide,
    "guide.voided": _guide,
    "mill.processed": _milled,
    "lot.composed": lambda body: {f"lot:{body['lot']}", *(f"item:{item}" for item in body["items"])},
    "lot.sold": lambda body: {f"lot:{body['lot']}"},
}
