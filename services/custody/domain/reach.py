"""Who may read which private fields of a record: its owner, whom the owner lets, and officers of its region.

Pure: the record, the facts about the wood in it, the caller and the grants come in as arguments.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.custody.domain.concerned import names_of
from shared.lot.closure import lineage_of, made_by, used_by
from shared.timber.event import Record
from shared.timber.facts import Facts, Guide, Lot, Organisation, Permit, Title, guide_key
from shared.timber.norms.private import PrivateFields

Ground = Literal["own", "grant", "office"]
OFFICERS = frozenset({"authority", "supervisor"})
PLAIN = frozenset({"member"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: the person, its organisation and roles, and where an officer acts; `national` is everywhere."""

    sub: str
    org: str
    roles: frozenset[str]
    region: str | None
    national: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """Which records and fields a grant opens. The record is about one of the items, lots or permits, or `everything` is
    set; where types or fields are named, only those."""

    everything: bool
    items: frozenset[str]
    lots: frozenset[str]
    permits: frozenset[str]
    types: frozenset[str]
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Given:
    """A grant that is in force."""

    id: UUID
    owner: str
    to_org: str
    to_person: str | None
    scope: Scope


@dataclass(frozen=True, slots=True)
class Reach:
    """One ground on which a caller may read, and the fields it opens: all when None, by what they are about otherwise."""

    ground: Ground
    grant: UUID | None
    names: frozenset[str] | None
    kinds: frozenset[str] | None
    table: PrivateFields

    def opens(self, name: str) -> bool:
        """Whether a field may be read on this ground. One that the table does not know only by its owner, or by name."""
        if self.names is not None and name not in self.names:
            return False
        if self.kinds is None:
            return True
        kind = self.table.kind_of(name)
        return kind is not None and kind.kind in self.kinds


def reaches(record: Record, facts: Facts, reader: Reader, grants: Iterable[Given], table: PrivateFields) -> list[Reach]:
    """Every ground on which the reader may read private fields of the record, the nearest first; none is no."""
    found: list[Reach] = []
    if reader.org == record.actor:
        open_to_all = frozenset(kind.kind for kind in table.kinds.values() if kind.members)
        found.append(Reach("own", None, None, open_to_all if reader.roles <= PLAIN else None, table))
    for given in grants:
        if _is_for(given, record, reader) and covers(given.scope, record, facts):
            found.append(Reach("grant", given.id, given.scope.fields or None, None, table))
    if not OFFICERS.isdisjoint(reader.roles) and (reader.national or reader.region in regions_of(record, facts)):
        by_office = frozenset(kind.kind for kind in table.kinds.values() if kind.by_office)
        found.append(Reach("office", None, None, by_office, table))
    return found


def _is_for(given: Given, record: Record, reader: Reader) -> bool:
    return (given.owner, given.to_org) == (record.actor, reader.org) and given.to_person in (None, reader.sub)


def covers(scope: Scope, record: Record, facts: Facts) -> bool:
    """Whether a record is one of those a grant opens."""
    if scope.types and record.type not in scope.types:
        return False
    if scope.everything:
        return True
    items = items_of(record, facts)
    if not items.isdisjoint(scope.items) or not permits_of(record, facts).isdisjoint(scope.permits):
        return True
    return any(_of_lot(record, items, name, facts) for name in scope.lots)


def _of_lot(record: Record, items: frozenset[str], name: str, facts: Facts) -> bool:
    """Whether a record is about a lot or about wood that went into it."""
    if record.body.get("lot") == name:
        return True
    lot = facts.find(Lot, f"lot:{name}")
    return lot is not None and not items.isdisjoint(lineage_of(lot, facts))


def items_of(record: Record, facts: Facts) -> frozenset[str]:
    """The pieces a record is about, those on its guide and those of its lot included."""
    items = {*made_by(record), *used_by(record)}
    if record.type.startswith("guide."):
        guide = facts.find(Guide, guide_key(record.body["form"], record.body["guide"]))
        items.update(() if guide is None else guide.items)
    elif record.type == "lot.sold":
        lot = facts.find(Lot, f"lot:{record.body['lot']}")
        items.update(() if lot is None else lot.items)
    return frozenset(items)


def permits_of(record: Record, facts: Facts) -> frozenset[str]:
    """The permits that the wood in a record came under."""
    names = names_of(record, facts)
    return frozenset(name.removeprefix("permit:") for name in names if name.startswith("permit:"))


def regions_of(record: Record, facts: Facts) -> frozenset[str]:
    """Where a record is at home: the regions of the titles its wood came from; of a record without wood, that of who
    speaks."""
    permits = [facts.find(Permit, f"permit:{number}") for number in permits_of(record, facts)]
    titles = [facts.find(Title, f"title:{permit.title}") for permit in permits if permit is not None]
    regions = frozenset(title.region for title in titles if title is not None)
    if regions:
        return regions
    org = facts.find(Organisation, f"org:{record.actor}")
    return frozenset() if org is None or org.region is None else frozenset({org.region})


def first_keys(record: Record) -> set[str]:
    """The facts to load first: who speaks, the guide or lot, and the pieces named."""
    keys = {f"org:{record.actor}", *(f"item:{item}" for item in (*made_by(record), *used_by(record)))}
    if "permit" in record.body:
        keys.add(f"permit:{record.body['permit']}")
    if record.type.startswith("guide."):
        keys.add(guide_key(record.body["form"], record.body["guide"]))
    elif record.type == "lot.sold":
        keys.add(f"lot:{record.body['lot']}")
    return keys


def next_keys(records: Sequence[Record], facts: Facts) -> set[str]:
    """The facts to load once the others are there: pieces on guides and in lots, their permits, the permits' titles. To be
    asked until it names nothing new."""
    keys: set[str] = set()
    for record in records:
        keys.update(f"item:{item}" for item in items_of(record, facts))
        numbers = permits_of(record, facts)
        keys.update(f"permit:{number}" for number in numbers)
        permits = [facts.find(Permit, f"permit:{number}") for number in numbers]
        keys.update(f"title:{permit.title}" for permit in permits if permit is not None)
    return {key for key in keys if key not in facts}
