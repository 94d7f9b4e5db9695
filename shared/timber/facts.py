"""What the rules look at: small documents, each under a key text, built by replaying records.

Custody keeps each as JSON under its key; the auditor builds the same in memory. ``chain.admit`` is the only writer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, cast

import orjson

from shared.timber.event import Record


@dataclass(slots=True)
class Organisation:
    id: str
    name: str
    kind: str
    region: str | None
    index: int


@dataclass(slots=True)
class Key:
    """Counts from the entry after ``added_index`` to that before ``revoked_index``, where it was revoked, or replaced by
    another. What it signed from ``distrust_from`` on is in doubt."""

    kid: str
    org: str
    role: str
    public_key: str
    added_index: int
    revoked_index: int | None = None
    replaced_by: str | None = None
    distrust_from: int | None = None


@dataclass(slots=True)
class Title:
    number: str
    org: str
    region: str
    area_m2: int
    index: int


@dataclass(slots=True)
class Plan:
    id: str
    title: str
    number: str
    season: str
    parcels: list[str]
    harvest_from: str
    harvest_to: str
    census_root: str
    census_trees: int
    form_factor_milli: int
    index: int
    census_parts: int = 0
    listed_trees: int = 0


@dataclass(slots=True)
class CensusPart:
    """That a part of a plan's census is in the log."""

    plan: str
    part: int
    index: int


@dataclass(slots=True)
class CensusTree:
    plan: str
    parcel: str
    code: str
    item: str
    species: str
    dbh_mm: int
    height_mm: int
    volume_dm3: int
    condition: str
    index: int


@dataclass(slots=True)
class Permit:
    """``status`` is ``in_force``, ``suspended`` or ``revoked``, since the entry at ``status_index``. ``reentries`` are the
    harvest windows that resolutions opened after the first, each as first and last day."""

    number: str
    title: str
    plan: str
    holder: str
    status: str
    status_index: int
    status_time: str
    harvest_from: str
    harvest_to: str
    move_to: str
    index: int
    authorised_dm3: int = 0
    reentries: list[list[str]] = field(default_factory=list)

    def window_of(self, day: str) -> tuple[str, str]:
        """The harvest window that had begun last on a day; before the first, the first."""
        begun = [(first, last) for first, last in self.reentries if first <= day]
        return begun[-1] if begun else (self.harvest_from, self.harvest_to)

    @property
    def felling_ended(self) -> str:
        """The last day of the last harvest window."""
        return self.reentries[-1][1] if self.reentries else self.harvest_to


@dataclass(slots=True)
class Line:
    """One balance: permit, parcel, species, product. ``authorised_dm3`` 0 with ``listed`` false: never authorised."""

    permit: str
    parcel: str
    species: str
    product: str
    authorised_dm3: int = 0
    trees: int | None = None
    listed: bool = False
    drawn_dm3: int = 0
    felled_dm3: int = 0
    cut_dm3: int = 0
    dispatched_listed_dm3: int = 0
    guides: int = 0


@dataclass(slots=True)
class Item:
    """A felled tree, a log or a product. ``cut_dm3`` and ``sections`` speak of what was cut from it, of a tree's wood
    that of the stem, while ``branch_dm3`` is that of its branches; ``round_dm3`` is the round wood that a product which
    is not sawn yet stands for. ``worst`` is the gravest finding ever made on it, ``grave`` names those of S4, each as
    the index of its record, a colon and its rule, with spaces between them."""

    id: str
    kind: str
    code: str
    species: str
    product: str
    volume_dm3: int
    length_mm: int
    diameter_large_mm: int
    diameter_small_mm: int
    branch: bool
    permit: str | None
    plan: str | None
    parcel: str
    tree: str | None
    parents: list[str]
    made_by: str
    made_index: int
    made_time: str
    holder: str
    cut_dm3: int = 0
    sections: list[str] = field(default_factory=list)
    fellings: int = 0
    spent_by: str | None = None
    spent_index: int | None = None
    spent_how: str | None = None
    drawn_by: str | None = None
    guide: str | None = None
    lot: str | None = None
    worst: str = ""
    round_dm3: int | None = None
    branch_dm3: int = 0
    grave: str = ""


@dataclass(slots=True)
class Guide:
    """``state`` is ``issued``, ``departed``, ``received`` or ``voided``; ``drawn`` and ``listed`` say, by line key,
    what it drew from the balance and what its list of items moved for the first time."""

    key: str
    number: str
    form: str
    issuer: str
    addressee: str
    permit: str | None
    state: str
    issued_on: str
    expires_on: str
    lines: list[dict[str, Any]]
    volume_dm3: int
    items: dict[str, int]
    origin_guides: list[str]
    drawn: dict[str, int]
    listed: dict[str, int]
    index: int
    sid: str
    time: str
    departed_at: str | None = None
    departed_by: str | None = None
    departed_index: int | None = None
    checked_at: str | None = None
    checks: int = 0
    received_at: str | None = None
    received_by: str | None = None
    received_index: int | None = None
    received_dm3: int | None = None
    voided_by: str | None = None
    voided_index: int | None = None

    @property
    def used(self) -> bool:
        """Whether somebody has said that the load left, was on the road or arrived."""
        return self.state not in ("issued", "voided") or self.checks > 0


@dataclass(slots=True)
class Lot:
    """``composed_by`` is the sid of the first composition; ``sold_by`` of the sale, ``None`` while unsold."""

    id: str
    items: list[str]
    volume_dm3: int
    composed_by: str
    holder: str
    index: int
    sold_by: str | None = None
    sold_index: int | None = None
    buyer: str | None = None
    claim: str | None = None


@dataclass(slots=True)
class StatusList:
    """The registrar's latest word on which permits do not stand. ``listed_at`` is what its age is counted from."""

    as_of: str
    listed_at: str
    suspended: list[str]
    revoked: list[str]
    index: int


@dataclass(slots=True)
class Inspection:
    """All field inspections reported on a plan, added up; ``reports`` maps their numbers to their entries."""

    plan: str
    sampled: int = 0
    absent: int = 0
    mismatched: int = 0
    volume_dm3: int = 0
    reports: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Member:
    """A member of a group certificate, from a day on, perhaps up to one."""

    org: str
    first_day: str
    last_day: str
    status: str
    status_index: int


@dataclass(slots=True)
class Certificate:
    """``status`` is ``in_force``, ``suspended`` or ``ended``, since the entry at ``status_index``. ``members`` gives, by
    organisation, first and last day (empty: none), its own status and since which entry."""

    number: str
    certifier: str
    holder: str
    scope: str
    status: str
    status_index: int
    valid_from: str
    valid_to: str
    index: int
    members: dict[str, list[Any]] = field(default_factory=dict)

    def member(self, org: str) -> Member | None:
        """The member of this name."""
        found = self.members.get(org)
        return None if found is None else Member(org, *found)


@dataclass(slots=True)
class Finding:
    """What supervisors said of the findings on the record at ``index``: by rule, who resolved it and why. ``concerned``
    is the organisation that may not."""

    index: int
    concerned: str
    resolved: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Past:
    """That a record is in the log, and whose it is. Read only: the keeper of the log answers it, ``admit`` never writes it."""

    sid: str
    type: str
    actor: str
    index: int


Fact = (
    Organisation
    | Key
    | Title
    | Plan
    | CensusPart
    | CensusTree
    | Permit
    | Line
    | Item
    | Guide
    | Lot
    | StatusList
    | Inspection
    | Certificate
    | Finding
    | Past
)
T = TypeVar("T")

CLASSES: dict[str, type[Any]] = {
    "org": Organisation, "key": Key, "title": Title, "plan": Plan, "census": CensusPart, "tree": CensusTree,
    "permit": Permit, "line": Line, "item": Item, "guide": Guide, "lot": Lot, "status": StatusList, "inspection": Inspection,
    "certificate": Certificate, "finding": Finding, "record": Past,
}  # fmt: skip

STATUS = "status"


def line_key(permit: str, parcel: str, species: str, product: str) -> str:
    """The key of one balance."""
    return f"line:{permit}|{parcel}|{species}|{product}"


def census_key(plan: str, part: int) -> str:
    """The key of one part of a plan's census."""
    return f"census:{plan}|{part}"


def guide_key(form: str, number: str) -> str:
    """The key of a guide: the paper book and our own numbers are two series."""
    return f"guide:{form}:{number}"


def class_of(key: str) -> type[Any]:
    """Which document lives under a key."""
    return CLASSES[key.partition(":")[0]]


_VALUES = {kind: attrgetter(*(one.name for one in fields(kind))) for kind in set(CLASSES.values())}


def dump(doc: Fact) -> bytes:
    """The document for storing under its key: its values as a JSON list, in the order of its fields. New fields go to
    the end of a class and have defaults, so that what was stored before can be read."""
    return orjson.dumps(_VALUES[type(doc)](doc))


def load(key: str, data: bytes) -> Fact:
    """The document that ``dump`` wrote under this key. Fields added since take their defaults."""
    return cast(Fact, class_of(key)(*orjson.loads(data)))


class NotLoaded(LookupError):  # noqa: N818  not an error: the caller loads the key and asks again
    """A part of the facts was asked for a key nobody loaded. Load ``key`` and judge the record again."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Facts:
    """Documents by key; ``dirty`` are the keys changed since it was last emptied, ``new`` those of them that were known
    to have no document before.

    Complete facts (a replay) answer ``None`` for a key they do not have. Facts of which only a part is at hand
    (``complete=False``, custody) know an absent document from one that was not loaded, and raise ``NotLoaded``.
    """

    __slots__ = ("_docs", "complete", "dirty", "new")

    def __init__(self, docs: Iterable[tuple[str, Fact | None]] = (), *, complete: bool = True) -> None:
        self._docs: dict[str, Fact | None] = dict(docs)
        self.complete = complete
        self.dirty: set[str] = set()
        self.new: set[str] = set()

    def __contains__(self, key: str) -> bool:
        """Whether the key was loaded or put, even if there is no document under it."""
        return key in self._docs

    def get(self, key: str) -> Any:
        """The document under the key, or ``None``. ``find`` is the typed form."""
        try:
            return self._docs[key]
        except KeyError:
            if self.complete:
                return None
            raise NotLoaded(key) from None

    def find(self, kind: type[T], key: str) -> T | None:
        """The document of this class under the key, or ``None``."""
        doc = self.get(key)
        if doc is not None and type(doc) is not kind:
            raise TypeError(f"{key} is a {type(doc).__name__}, not a {kind.__name__}")
        return doc

    def put(self, key: str, doc: Fact) -> None:
        """Keep a new or changed document and remember that it changed."""
        if self._docs.get(key, doc) is None:
            self.new.add(key)
        self._docs[key] = doc
        self.dirty.add(key)

    def settle(self) -> None:
        """All changes are stored: nothing is dirty, nothing is new."""
        self.dirty.clear()
        self.new.clear()

    def preload(self, docs: Iterable[tuple[str, Fact | None]]) -> None:
        """Documents as they are stored, ``None`` where there is none: known, not changed."""
        self._docs.update(docs)

    def items(self) -> Iterable[tuple[str, Fact]]:
        """Every document with its key."""
        return ((key, doc) for key, doc in self._docs.items() if doc is not None)


def past_of(record: Record, index: int) -> tuple[str, Past]:
    """The key and the ``Past`` of a record in the log, for whoever answers ``record:<sid>``."""
    return f"record:{record.sid}", Past(record.sid, record.type, record.actor, index)
