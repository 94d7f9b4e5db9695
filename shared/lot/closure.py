"""Which records a lot rests on: what must be in its bundle so that anyone can replay it from the trees.

Two degrees. The *lineage* is every piece the lot's wood came from, up to the trees: all that was ever recorded
about it belongs in. A piece *held* is one whose owner matters at some index, because a record we need acts on it: its
making and the guides and sales before that index belong in, as for another log on the same guide. The other guides that
had drawn on the same balances before the last of the lot's own belong in too, with what they carried: without them nobody
could tell whether a balance was still there. What was drawn later cannot change what the rules said of the lot's guides.

The keeper of the log answers names; nothing here reads anything:

    gathering = Gathering(lot)
    while names := gathering.wanted():
        for index, record in the records found under any of the names (see `names_of`; more do no harm):
            gathering.offer(index, record)
    gathering.records                     # {index: Record}, ready to be proved and packed
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from shared.timber.event import Record, tree_item
from shared.timber.facts import Facts, Guide, Item, Lot, guide_key, line_key
from shared.timber.succession import CLOSED, CONTINUED

FOREVER = 2**63


class Degree(IntEnum):
    """How much of a piece's story is needed."""

    HELD = 1
    LINEAGE = 2


# What each act of authority is about.
_SUBJECTS: dict[str, tuple[str, str]] = {
    "organisation.registered": ("org", "id"),
    "key.added": ("key", "kid"),
    "key.revoked": ("key", "kid"),
    "title.registered": ("title", "number"),
    "plan.approved": ("plan", "id"),
    "permit.issued": ("permit", "number"),
    "permit.amended": ("permit", "number"),
    "permit.suspended": ("permit", "number"),
    "permit.reinstated": ("permit", "number"),
    "permit.revoked": ("permit", "number"),
    "inspection.reported": ("plan", "plan"),
    "certificate.registered": ("certificate", "number"),
    "certificate.amended": ("certificate", "number"),
    "certificate.suspended": ("certificate", "number"),
    "certificate.reinstated": ("certificate", "number"),
    "certificate.ended": ("certificate", "number"),
    "record.corrected": ("record", "amends"),
    "conflict.noted": ("record", "first"),
    "finding.resolved": ("record", "record"),
}
# What must stand in the log before it, beside the keys and organisations that speak.
_BUILDS_ON: dict[str, tuple[tuple[str, str], ...]] = {
    "key.added": (("org", "org"),),
    "title.registered": (("org", "org"),),
    "plan.approved": (("title", "title"),),
    "census.listed": (("plan", "plan"),),
    "finding.raised": (("org", "org"),),
    "permit.issued": (("title", "title"), ("plan", "plan"), ("org", "holder")),
    "inspection.reported": (("org", "inspector"),),
    "tree.felled": (("permit", "permit"),),
    "log.cut": (("permit", "permit"),),
    "guide.issued": (("permit", "permit"), ("org", "addressee")),
    "certificate.registered": (("org", "holder"),),
    "lot.sold": (("org", "buyer"), ("certificate", "certificate")),
}


def names_of(record: Record) -> set[str]:
    """The names under which a record has to be found: what it is about, and every piece of wood in it."""
    body, kind = record.body, record.type
    if kind in _SUBJECTS:
        what, field = _SUBJECTS[kind]
        noted = {body["subject"]} if kind == "conflict.noted" else set()
        replaced = {f"key:{body['replaces']}"} if "replaces" in body else set()
        return {f"{what}:{body[field]}", *noted, *replaced}
    if kind == "finding.raised":
        return {body["subject"]}
    if kind == "census.listed":
        return {f"tree:{tree_item(body['plan'], body['parcel'], tree['code'])}" for tree in body["trees"]}
    names = {f"item:{item}" for item in (*made_by(record), *used_by(record))}
    if kind.startswith("guide."):
        names.add(guide_key(body["form"], body["guide"]))
        names.update(lines_of(record))
    elif kind.startswith("lot."):
        names.add(f"lot:{body['lot']}")
    return names


def made_by(record: Record) -> list[str]:
    """The pieces that begin with this record."""
    find = _MADE.get(record.type)
    return find(record.body) if find is not None else []


def used_by(record: Record) -> list[str]:
    """The pieces this record acts on and that were there before it."""
    find = _USED.get(record.type)
    return find(record.body) if find is not None else []


def lines_of(record: Record) -> list[str]:
    """The balances a guide says it draws on."""
    body = record.body
    if record.type != "guide.issued" or "permit" not in body:
        return []
    return [line_key(body["permit"], line["parcel"], line["species"], line["product"]) for line in body["lines"]]


def _items(values: Iterable[dict[str, Any]]) -> list[str]:
    return [value["item"] for value in values]


_MADE: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "tree.felled": lambda body: [body["item"]],
    "log.cut": lambda body: _items(body["sections"]),
    "mill.processed": lambda body: _items(body["outputs"]),
}
_USED: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "log.cut": lambda body: [body["source"]],
    "mill.processed": lambda body: list(body["inputs"]),
    "log.moved": lambda body: list(body["items"]),
    "lot.composed": lambda body: list(body["items"]),
    "guide.issued": lambda body: _items(body.get("items", ())),
    "guide.received": lambda body: _items(body.get("items", ())),
}


class Gathering:
    """The records of one lot, while they are being found."""

    def __init__(self, lot: str) -> None:
        self.records: dict[int, Record] = {}
        self._lot = f"lot:{lot}"
        self._asked: set[str] = set()
        self._wanted: set[str] = {self._lot}
        self._offered: defaultdict[str, dict[int, Record]] = defaultdict(dict)
        self._needs: dict[str, tuple[Degree, int]] = {}
        self._until: dict[str, int] = {}  # guides and balances, and the index below which their records matter
        self._again: dict[str, None] = {}  # names whose records are to be looked at once more
        self._set_apart = -1  # the last index at which a piece joined the lot
        self._seller = ""

    def wanted(self) -> set[str]:
        """The names to look up next, each once; none when the gathering is complete."""
        while self._again:
            name, _ = self._again.popitem()
            (self._look_at if name in self._needs else self._look_below)(name)
        names = self._wanted - self._asked
        self._asked |= names
        self._wanted = set()
        return names

    def offer(self, index: int, record: Record) -> None:
        """Take a record if the lot needs it. Index 0 and the seams of the log are always needed; offering twice does
        nothing."""
        if index == 0 or record.type in (CLOSED, CONTINUED):
            self._keep(index, record)
        for name in names_of(record):
            if name.startswith(("item:", "guide:", "line:")):
                if index not in self._offered[name]:
                    self._offered[name][index] = record
                    if name in self._needs or name in self._until:
                        self._again[name] = None
            elif name in self._asked:
                self._take(name, index, record)

    def _take(self, name: str, index: int, record: Record) -> None:
        """A record about something asked for by name."""
        if name == self._lot and record.type == "lot.composed":
            self._set_apart = max(self._set_apart, index)
            self._seller = record.actor
            self._again.update(dict.fromkeys(self._needs))  # what counts as before the lot has changed
            for item in record.body["items"]:
                self._need(item, Degree.LINEAGE, FOREVER)
        elif name.startswith("lot:") and name != self._lot and index > self._set_apart:
            return  # what became of another lot after ours was made
        self._keep(index, record)

    def _look_at(self, name: str) -> None:
        """Keep, of the records offered about a piece, those its degree asks for."""
        degree, until = self._needs[name]
        item = name.removeprefix("item:")
        for index, record in list(self._offered[name].items()):
            if item in made_by(record):
                self._keep(index, record)
                source = (Degree.LINEAGE, FOREVER) if degree is Degree.LINEAGE else (Degree.HELD, index)
                for parent in used_by(record):
                    self._need(parent, *source)
            elif self._tells(record, index, item, degree, until):
                self._keep(index, record, until)
                if degree is Degree.LINEAGE:
                    for line in lines_of(record):
                        self._follow(line, index)

    def _look_below(self, name: str) -> None:
        """Keep, of the records offered about a guide or a balance, those below the index that matters."""
        until = self._until[name]
        for index, record in list(self._offered[name].items()):
            if index < until:
                self._keep(index, record, until)

    def _follow(self, name: str, until: int) -> None:
        """Want the records about a guide or a balance below an index."""
        if until > self._until.get(name, -1):
            self._until[name] = until
            self._wanted.add(name)
            self._again[name] = None

    def _tells(self, record: Record, index: int, item: str, degree: Degree, until: int) -> bool:
        """Whether a record that acts on a piece belongs to what is needed of it."""
        kind = record.type
        if degree is Degree.HELD:
            return index < until and kind in ("guide.issued", "lot.composed")
        if kind == "finding.raised":
            return True
        if kind == "log.cut":
            return self._felled(item)  # all cuts of a tree count together; one log is cut once
        if kind == "lot.composed":
            return index <= self._set_apart
        return kind in ("guide.issued", "log.moved") and (index < self._set_apart or record.actor == self._seller)

    def _felled(self, item: str) -> bool:
        """Whether a piece is a tree, going by the records offered so far; a piece is looked at again with each."""
        return any(record.type == "tree.felled" for record in self._offered[f"item:{item}"].values())

    def _need(self, item: str, degree: Degree, until: int) -> None:
        name = f"item:{item}"
        was = self._needs.get(name, (Degree.HELD, -1))
        now = max(was[0], degree), max(was[1], until)
        if name not in self._needs or now != was:
            self._needs[name] = now
            self._wanted.add(name)
            self._again[name] = None
            if now[0] is Degree.LINEAGE:
                self._wanted.add(f"tree:{item}")

    def _keep(self, index: int, record: Record, until: int = FOREVER) -> None:
        """Add a record, and want what it builds on; of a guide also what became of it, below an index."""
        if record.type.startswith("guide."):
            self._follow(guide_key(record.body["form"], record.body["guide"]), until)
        if index in self.records:
            return
        self.records[index] = record
        body, kind = record.body, record.type
        want = self._wanted
        want.add(f"org:{record.actor}")
        want.add(f"record:{record.sid}")
        want.update(f"key:{kid}" for kid, _ in record.signatures)
        want.update(f"{what}:{body[field]}" for what, field in _BUILDS_ON.get(kind, ()) if field in body)
        want.update(
            name for name in names_of(record) if name.startswith(("permit:", "lot:", "key:", "plan:", "certificate:"))
        )
        for item in used_by(record):
            self._need(item, Degree.HELD, index)


# ---- the same question, asked of facts


def lineage_of(lot: Lot, facts: Facts) -> dict[str, Item]:
    """All the pieces a lot's wood came from by their ids, the lot's own included."""
    found: dict[str, Item] = {}
    queue = list(lot.items)
    while queue:
        id_ = queue.pop()
        item = None if id_ in found else facts.find(Item, f"item:{id_}")
        if item is not None:
            found[id_] = item
            queue.extend(item.parents)
    return found


def of_lineage(records: Iterable[tuple[int, Record]], lot: Lot, facts: Facts) -> dict[int, Record]:
    """The records that speak of the lot, of its lineage, or of guides that carried it. Only they decide its verdict:
    the rest of a bundle is there so that these can be judged."""
    lineage = lineage_of(lot, facts)
    names = {f"lot:{lot.id}", *(f"item:{id_}" for id_ in lineage), *(f"tree:{id_}" for id_ in lineage)}
    for key, doc in facts.items():
        if isinstance(doc, Guide) and not lineage.keys().isdisjoint(doc.items):
            names.add(key)
    for permit, plan in {(item.permit, item.plan) for item in lineage.values() if item.permit is not None}:
        names |= {f"permit:{permit}", f"plan:{plan}"}
    return {
        index: record
        for index, record in records
        if not names.isdisjoint(names_of(record)) and _upstream(record, lot.id, lineage, facts)
    }


def _upstream(record: Record, lot: str, lineage: dict[str, Item], facts: Facts) -> bool:
    """Whether a record that touches the lineage led to the lot: not what became of a piece afterwards."""
    if record.type in ("lot.composed", "lot.sold"):
        return bool(record.body["lot"] == lot)
    if record.type == "log.cut":
        source = facts.find(Item, f"item:{record.body['source']}")
        if source is not None and source.kind == "tree":
            return True
    return record.type not in ("log.cut", "mill.processed") or not lineage.keys().isdisjoint(made_by(record))
