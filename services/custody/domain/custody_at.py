"""In whose hands a piece was at an instant, as far as a part of the log knows: two clocks.

The first clock is when something happened, as its record claims; the second is when it became known, the index of that
record. Records may be uploaded late and out of order, so the story of a piece is put together anew for each question.
Nothing takes effect before what it builds on: a reception claimed earlier than its guide counts from the guide on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from shared.lot.closure import made_by
from shared.timber.event import Record
from shared.timber.facts import guide_key


@dataclass(slots=True, frozen=True)
class Event:
    """One record of a piece's story. ``time`` is when it happened, as claimed; ``since`` is when it takes effect."""

    time: str
    since: str
    index: int
    record: Record


@dataclass(slots=True, frozen=True)
class Custody:
    """What the records say. ``because`` names, for each thing said, the entry that says it; ``guide_state`` is
    ``issued`` or ``departed`` while the piece is on the guide. A piece that no record had made by then has no holder."""

    holder: str | None = None
    place: str | None = None
    guide: str | None = None
    guide_state: str | None = None
    lot: str | None = None
    used: str | None = None
    because: dict[str, int] = field(default_factory=dict)

    def said(self, event: Event, **what: str | None) -> "Custody":
        """The same with these things changed by an event."""
        because = {name: index for name, index in self.because.items() if name not in what}
        because |= {name: event.index for name, value in what.items() if value is not None}
        return replace(self, **what, because=because)


def story(item: str, records: Iterable[tuple[int, Record]]) -> list[Event]:
    """All records about the piece, the guides that list it and the lots it was in, in the order they became known."""
    events: list[Event] = []
    begun: dict[str, str] = {}
    for index, record in sorted(records, key=lambda one: one[0]):
        time = _when(record)
        since = max([time, *(begun[name] for name in _builds_on(record) if name in begun)])
        events.append(Event(time, since, index, record))
        for name in _begins(item, record):
            begun[name] = since
    return events


def _when(record: Record) -> str:
    """When it happened: of a load on its way the instant it was seen, of everything else that of the record."""
    at = record.body.get("at")
    return at if isinstance(at, str) else record.time


def _begins(item: str, record: Record) -> tuple[str, ...]:
    """What later records of the story may build on."""
    if item in made_by(record):
        return ("made",)
    if record.type == "guide.issued":
        return (guide_key(record.body["form"], record.body["guide"]),)
    if record.type == "lot.composed" and item in record.body["items"]:
        return (f"lot:{record.body['lot']}",)
    return ()


def _builds_on(record: Record) -> tuple[str, ...]:
    if record.type.startswith("guide.") and record.type != "guide.issued":
        return "made", guide_key(record.body["form"], record.body["guide"])
    return ("made", f"lot:{record.body['lot']}") if record.type == "lot.sold" else ("made",)


def at_instant(events: Iterable[Event], at: str) -> list[Event]:
    """What had happened by then, in the order it happened; of equal instants, in the order of the log."""
    return sorted((one for one in events if one.since <= at), key=lambda one: (one.since, one.index))


def in_order(events: Iterable[Event]) -> bool:
    """Whether what is said to have happened first also became known first."""
    times = [event.time for event in events]
    return times == sorted(times)


def custody_of(item: str, events: Iterable[Event]) -> Custody:
    """The piece after these events, in their order. After all of a story it is what the present facts say."""
    found, telling = Custody(), _Telling(item)
    for event in events:
        tell = _TELL.get(event.record.type)
        if tell is not None:
            found = tell(telling, found, event)
    return found


class _Telling:
    """What has to be remembered beside the piece itself: who sends and receives each guide, and whether it was used."""

    def __init__(self, item: str) -> None:
        self.item = item
        self.sides: dict[str, tuple[str, str]] = {}
        self.used: set[str] = set()

    def felled(self, now: Custody, event: Event) -> Custody:
        return now if now.holder is not None else now.said(event, holder=event.record.actor)

    def cut(self, now: Custody, event: Event) -> Custody:
        body = event.record.body
        if any(section["item"] == self.item for section in body["sections"]):
            return now.said(event, holder=event.record.actor)
        return now.said(event, used="cut") if body["source"] == self.item else now

    def sawn(self, now: Custody, event: Event) -> Custody:
        body = event.record.body
        if any(made["item"] == self.item for made in body["outputs"]):
            return now.said(event, holder=event.record.actor)
        return now.said(event, used="mill") if self.item in body["inputs"] else now

    def moved(self, now: Custody, event: Event) -> Custody:
        body = event.record.body
        return now.said(event, place=body["place"]) if self.item in body["items"] else now

    def issued(self, now: Custody, event: Event) -> Custody:
        body, guide = event.record.body, _guide_of(event)
        if not any(loaded["item"] == self.item for loaded in body.get("items", ())):
            return now
        self.sides[guide] = event.record.actor, body["addressee"]
        return now.said(event, guide=guide, guide_state="issued") if now.guide is None else now

    def departed(self, now: Custody, event: Event) -> Custody:
        guide = _guide_of(event)
        self.used.add(guide)
        if now.guide != guide:
            return now
        return now.said(event, guide_state="departed", place=None)

    def checked(self, now: Custody, event: Event) -> Custody:
        guide = _guide_of(event)
        self.used.add(guide)
        return now.said(event, place=event.record.body["control_post"]) if now.guide == guide else now

    def received(self, now: Custody, event: Event) -> Custody:
        guide, body = _guide_of(event), event.record.body
        self.used.add(guide)
        if now.guide != guide or ("items" in body and self.item not in [one["item"] for one in body["items"]]):
            return now
        now = now.said(event, guide=None, guide_state=None, place=None)
        sender, addressee = self.sides[guide]
        return now.said(event, holder=addressee) if now.holder == sender else now

    def voided(self, now: Custody, event: Event) -> Custody:
        guide = _guide_of(event)
        if now.guide != guide or guide in self.used:
            return now
        return now.said(event, guide=None, guide_state=None)

    def composed(self, now: Custody, event: Event) -> Custody:
        body = event.record.body
        return now.said(event, lot=body["lot"]) if self.item in body["items"] else now

    def sold(self, now: Custody, event: Event) -> Custody:
        body = event.record.body
        return now.said(event, holder=body["buyer"]) if now.lot == body["lot"] else now


def _guide_of(event: Event) -> str:
    body: dict[str, Any] = event.record.body
    return guide_key(body["form"], body["guide"])


_TELL: dict[str, Callable[[_Telling, Custody, Event], Custody]] = {
    "tree.felled": _Telling.felled,
    "log.cut": _Telling.cut,
    "mill.processed": _Telling.sawn,
    "log.moved": _Telling.moved,
    "guide.issued": _Telling.issued,
    "guide.departed": _Telling.departed,
    "guide.checked": _Telling.checked,
    "guide.received": _Telling.received,
    "guide.voided": _Telling.voided,
    "lot.composed": _Telling.composed,
    "lot.sold": _Telling.sold,
}
