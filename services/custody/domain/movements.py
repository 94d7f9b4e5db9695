"""Wood that comes into somebody's hands, changes there, or leaves them: what one record moved, to the litre.

Volumes are those the pieces are recorded with, so that for every organisation and each kind of wood
``opening + in + made - processed - out = closing``, and closing is what the pieces in its hands add up to. Trees are not
stock: wood counts from its first cross-cut on (what was felled stands in the balance of its permit). What a paper guide lists without naming pieces is told apart and never
becomes stock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from shared.timber.event import Record
from shared.timber.facts import Facts, Guide, Item, Lot, guide_key

# What each kind of movement does to the stock of its organisation.
SIGN = {
    "cut": 1, "recut": 1, "cut_up": -1, "sawn": 1, "milled": -1, "received": 1, "sent": -1, "bought": 1,
    "sold": -1, "listed_in": 0, "listed_out": 0,
}  # fmt: skip


@dataclass(slots=True, frozen=True)
class Movement:
    """A sum over the pieces of one record: who, what became of it, which wood, under which claim.
    ``permit`` is empty for wood of several permits or of none; ``measured_dm3`` is what the receiver measured."""

    org: str
    kind: str
    species: str
    product: str
    permit: str
    claim: str
    volume_dm3: int
    measured_dm3: int


@dataclass(slots=True, frozen=True)
class Transfer:
    """A piece that a record is about to put into other hands."""

    item: Item
    giver: str
    taker: str
    measured_dm3: int


def transfers_of(record: Record, facts: Facts) -> list[Transfer]:
    """The pieces that change hands with this record: to be asked before it is admitted. May raise ``NotLoaded``."""
    find = _CHANGES_HANDS.get(record.type)
    return [] if find is None else find(record, facts)


def _arriving(record: Record, facts: Facts) -> list[Transfer]:
    """As ``steps.guides.receive``: what arrived, is still on this guide and still the sender's. A piece that was cut or
    sawn before its guide was received is nobody's stock any more, whatever the paper says."""
    body = record.body
    guide = facts.find(Guide, guide_key(body["form"], body["guide"]))
    if guide is None or guide.issuer == guide.addressee:
        return []
    measured = {loaded["item"]: loaded["volume_dm3"] for loaded in body["items"]} if "items" in body else guide.items
    return [
        Transfer(item, guide.issuer, guide.addressee, measured[item.id])
        for item in _items(facts, guide.items)
        if item.id in measured and item.guide == guide.key and item.holder == guide.issuer and not _used_up(item)
    ]


def _used_up(item: Item) -> bool:
    return item.spent_how in ("cut", "mill")


def _handed_over(record: Record, facts: Facts) -> list[Transfer]:
    """As ``steps.mills.sell``: all of the lot, except what the buyer holds already."""
    lot, buyer = facts.find(Lot, f"lot:{record.body['lot']}"), record.body["buyer"]
    if lot is None:
        return []
    return [Transfer(item, item.holder, buyer, 0) for item in _items(facts, lot.items) if item.holder != buyer]


_CHANGES_HANDS: dict[str, Callable[[Record, Facts], list[Transfer]]] = {
    "guide.received": _arriving,
    "lot.sold": _handed_over,
}


def movements_of(record: Record, facts: Facts, transfers: Iterable[Transfer]) -> list[Movement]:
    """What the record, which was just admitted to ``facts``, moved; ``transfers`` are those asked before."""
    sums: dict[tuple[str, ...], list[int]] = {}
    tell = _TELL.get(record.type)
    if tell is not None:
        tell(record, facts, sums)
    kinds = ("sent", "received") if record.type == "guide.received" else ("sold", "bought")
    claim = record.body.get("claim", "") if record.type == "lot.sold" else ""
    for one in transfers:
        for kind, org in zip(kinds, (one.giver, one.taker), strict=True):
            _add(sums, one.item, org, kind, claim, one.measured_dm3)
    return [Movement(*key, *values) for key, values in sums.items()]  # type: ignore[arg-type]  # in the order of its fields


def _add(
    sums: dict[tuple[str, ...], list[int]], item: Item, org: str, kind: str, claim: str = "", measured_dm3: int = 0
) -> None:
    if item.kind == "tree":
        return
    held = sums.setdefault((org, kind, item.species, item.product, item.permit or "", claim), [0, 0])
    held[0] += item.volume_dm3
    held[1] += measured_dm3


def _cut(record: Record, facts: Facts, sums: dict[tuple[str, ...], list[int]]) -> None:
    [source] = _items(facts, [record.body["source"]])
    if source.kind != "tree":
        _add(sums, source, record.actor, "cut_up")
    for log in _items(facts, [section["item"] for section in record.body["sections"]]):
        _add(sums, log, record.actor, "cut" if source.kind == "tree" else "recut")


def _sawing(record: Record, facts: Facts, sums: dict[tuple[str, ...], list[int]]) -> None:
    for item in _items(facts, record.body["inputs"]):
        _add(sums, item, record.actor, "milled")
    for item in _items(facts, [made["item"] for made in record.body["outputs"]]):
        _add(sums, item, record.actor, "sawn")


def _reception(record: Record, facts: Facts, sums: dict[tuple[str, ...], list[int]]) -> None:
    """A guide without a list of pieces: what its lines say."""
    body = record.body
    guide = facts.find(Guide, guide_key(body["form"], body["guide"]))
    if guide is None or guide.items or guide.issuer == guide.addressee:
        return
    for line in guide.lines:
        wood = (line["species"], line["product"], guide.permit or "")
        for org, kind in ((guide.issuer, "listed_out"), (guide.addressee, "listed_in")):
            sums.setdefault((org, kind, *wood, ""), [0, 0])[0] += line["volume_dm3"]


_TELL: dict[str, Callable[[Record, Facts, dict[tuple[str, ...], list[int]]], None]] = {
    "log.cut": _cut,
    "mill.processed": _sawing,
    "guide.received": _reception,
}


def _items(facts: Facts, ids: Iterable[Any]) -> list[Item]:
    found = (facts.find(Item, f"item:{id_}") for id_ in ids)
    return [item for item in found if item is not None]
