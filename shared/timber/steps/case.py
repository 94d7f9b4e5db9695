"""One record being judged, and what every step asks of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from shared.timber.event import Record
from shared.timber.facts import CensusTree, Facts, Item, Key, Line, Permit, line_key
from shared.timber.norms import Norms, Rules
from shared.timber.refusals import AlreadySpent, IdTaken, NotYours, UnknownParent
from shared.timber.rules.outcome import Outcomes

T = TypeVar("T")
GRAVEST = "S4"
MOST_GRAVE = 100  # names that a piece remembers: its document is read and written whole
BEYOND = "-:-"


@dataclass(slots=True)
class Case:
    """A record at its place in the log, with the rules of its day. ``today`` is ``None`` in a replay."""

    record: Record
    index: int
    facts: Facts
    norms: Norms
    rules: Rules
    today: str | None
    signer: Key

    @property
    def body(self) -> dict[str, Any]:
        """The body of the record."""
        return self.record.body

    def known(self, kind: type[T], name: str, id_: str) -> T:
        """The document the record builds on, or a refusal that names it."""
        doc = self.facts.find(kind, f"{name}:{id_}")
        if doc is None:
            raise UnknownParent(name, id_)
        return doc

    def permit_of_actor(self, number: str) -> Permit:
        """The permit, held by the organisation that speaks."""
        permit = self.known(Permit, "permit", number)
        if permit.holder != self.record.actor:
            raise NotYours(f"permit {number}", permit.holder, self.record.actor)
        return permit

    def items(self, ids: Iterable[str]) -> list[Item]:
        """Known pieces, in the order asked for."""
        return [self.known(Item, "item", id_) for id_ in ids]

    def free(self, id_: str) -> None:
        """Refuse an id for a new piece that another piece has, or a tree of a census."""
        taken = self.facts.find(Item, f"item:{id_}")
        if taken is not None:
            raise IdTaken("item", id_, taken.made_index)
        tree = self.facts.find(CensusTree, f"tree:{id_}") if may_name_a_tree(id_) else None
        if tree is not None:
            raise IdTaken("tree", id_, tree.index)

    def held(self, item: Item) -> None:
        """Refuse a piece in the hands of another organisation."""
        if item.holder != self.record.actor:
            raise NotYours(f"item {item.id}", item.holder, self.record.actor)

    def line(self, permit: str, parcel: str, species: str, product: str) -> tuple[str, Line]:
        """The balance and its key; a new, unauthorised one where the permit lists none."""
        key = line_key(permit, parcel, species, product)
        return key, self.line_at(key)

    def line_at(self, key: str) -> Line:
        """The balance under a key, new and unauthorised where there is none."""
        line = self.facts.find(Line, key)
        if line is not None:
            return line
        permit, parcel, species, product = key[5:].split("|")
        return Line(permit, parcel, species, product)

    def mark(self, items: Iterable[Item], outcomes: Outcomes) -> None:
        """Let pieces remember the gravest finding on a record that touches them, and each that is as grave as can be."""
        worst = outcomes.worst
        grave = self.grave(outcomes)
        for item in items:
            if grave or worst > item.worst:
                item.worst = max(worst, item.worst)
                item.grave = remembered(f"{item.grave} {grave}")
                self.facts.put(f"item:{item.id}", item)

    def grave(self, outcomes: Outcomes) -> str:
        """The names under which pieces remember the S4 findings on this record; nothing when there are none."""
        if not outcomes or outcomes.worst != GRAVEST:
            return ""
        return " ".join(
            [f"{self.index}:{rule}" for rule in sorted({o.rule for o in outcomes if o.severity == GRAVEST})]
        )


def remembered(names: str) -> str:
    """What a piece keeps of these names of grave findings. Of one with too many more are told by a name that nobody can
    resolve: it goes out under no guide of ours again."""
    found = names.split()
    return " ".join(found if len(found) <= MOST_GRAVE else [*found[:MOST_GRAVE], BEYOND])


def instant(text: str) -> datetime:
    """An instant of the format, to reckon with."""
    return datetime.fromisoformat(text)


def may_name_a_tree(id_: str) -> bool:
    """Ids of trees are UUIDs of version 5, which anyone can compute: a new piece may not take one before its felling."""
    return id_[14] == "5"


def unspent(item: Item, *still_free: str) -> None:
    """Refuse a piece that has left by an exit other than those named."""
    if item.spent_by is not None and item.spent_how not in still_free:
        raise AlreadySpent(item.id, item.spent_how or "", item.spent_by, item.spent_index or 0)
