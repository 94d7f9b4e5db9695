"""Transport guides: issue, departure, control, reception, voiding."""

from dataclasses import dataclass, field

from shared.timber.facts import Guide, Item, Line, Organisation, guide_key, line_key
from shared.timber.fields import FOREST_PRODUCTS, day_in_peru
from shared.timber.party import SUPERVISING
from shared.timber.refusals import AlreadyDone, NotYours, UnknownParent
from shared.timber.rules import balance, custody, transport
from shared.timber.rules.outcome import Outcomes
from shared.timber.steps.case import Case, unspent
from shared.timber.steps.gate import check_own_guide


@dataclass(slots=True)
class Load:
    """What a guide carries, by line: its list, what it draws from each balance, what it moves for the first time."""

    items: list[Item] | None
    amounts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    draws: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)


def issue(case: Case) -> Outcomes:
    """A guide is written. Ours passes the gate first; one of the official book is a fact, with its findings."""
    body, record = case.body, case.record
    key = guide_key(body["form"], body["guide"])
    taken = case.facts.find(Guide, key)
    if taken is not None:
        raise AlreadyDone("guide.issued", key, taken.sid, taken.index)
    permit = case.permit_of_actor(body["permit"]) if "permit" in body else None
    guide = Guide(
        key, body["guide"], body["form"], record.actor, body["addressee"], body.get("permit"), "issued",
        body["issued_on"], body["expires_on"], body["lines"], sum([line["volume_dm3"] for line in body["lines"]]),
        {loaded["item"]: loaded["volume_dm3"] for loaded in body.get("items", ())}, body.get("origin_guides", []),
        {}, {}, case.index, record.sid, record.time,
    )  # fmt: skip
    load = _load(case, guide)
    if guide.form == "own" and case.today is not None:
        check_own_guide(case, guide, permit, load.items, load.amounts, load.draws)
    guide.drawn, guide.listed = load.draws, load.first
    for key_, volume in load.draws.items():
        load.lines[key_].drawn_dm3 += volume
        load.lines[key_].guides += 1
    for key_, volume in load.first.items():
        load.lines[key_].dispatched_listed_dm3 += volume
    outcomes = _judge_issue(case, guide, load)
    for item in load.items or ():
        if item.drawn_by is None and item.permit is not None:  # of no permit: there is no balance to draw from
            item.drawn_by = key
        if item.guide is None:
            item.guide = key
        case.facts.put(f"item:{item.id}", item)
    for key_, line in load.lines.items():
        case.facts.put(key_, line)
    case.facts.put(key, guide)
    case.mark(load.items or (), outcomes)
    return outcomes


def _load(case: Case, guide: Guide) -> Load:
    """What the guide moves and draws.

    A piece draws once: when it goes on again after having been received, its line was paid by the first guide, as far
    as the wood it is recorded with. Of what the lines say and what the list adds up to, the larger counts, so that
    neither can hide wood. From another permit's balance only the holder of the piece draws, and never more than it.
    """
    load = Load(case.items(guide.items) if guide.items else None)
    paid: dict[str, int] = {}
    owed: dict[str, int] = {}
    for item in load.items or ():
        ours = guide.permit is not None and item.permit == guide.permit
        if not ours:
            case.held(item)
        unspent(item, "lot")
        volume = guide.items[item.id]
        group = (item.parcel if guide.permit is not None else "", item.species, item.product)
        load.amounts[group] = load.amounts.get(group, 0) + volume
        if item.permit is None:
            continue
        key = line_key(item.permit, item.parcel, item.species, item.product)
        recorded = min(volume, item.volume_dm3)
        counted = volume if ours else recorded
        onward = item.drawn_by is not None and item.guide is None and item.holder == guide.issuer
        if onward:
            paid[key] = paid.get(key, 0) + recorded
        owed[key] = owed.get(key, 0) + counted - (recorded if onward else 0)
        if item.drawn_by is None:
            load.first[key] = load.first.get(key, 0) + counted
    stated = {}
    if guide.permit is not None:
        stated = {
            line_key(guide.permit, line["parcel"], line["species"], line["product"]): line["volume_dm3"]
            for line in guide.lines
        }
    for key in sorted(stated.keys() | owed.keys()):
        volume = max(stated.get(key, 0) - paid.get(key, 0), owed.get(key, 0))
        if volume > 0:
            load.draws[key] = volume
    load.lines = {key: case.line_at(key) for key in sorted(load.draws.keys() | load.first.keys())}
    return load


def _judge_issue(case: Case, guide: Guide, load: Load) -> Outcomes:
    rules, outcomes = case.rules, Outcomes()
    items = load.items
    outcomes.note(transport.t01(rules["T01"], guide, items or ()))
    outcomes.note(transport.t02_issue(rules["T02"], guide))
    outcomes.note(transport.t04_issue(rules["T04"], guide, items or ()))
    outcomes.note(custody.c11(rules["C11"], guide.key, items))
    for key, volume in load.draws.items():
        if volume:
            outcomes.note(balance.b01(rules["B01"], key, load.lines[key]))
    unpermitted = [item for item in items or () if item.permit is None and item.drawn_by is None]
    if unpermitted:
        outcomes.note(balance.b01_never_drawn(rules["B01"], guide.key, unpermitted))
    if items is None:
        without = {"guide": guide.key}
        outcomes.note(rules["T03"].not_evaluated(guide.key, "no_list", without))
        if guide.permit is not None:
            outcomes.note(rules["C17"].not_evaluated(guide.key, "no_list", without))
            outcomes.note(rules["B02"].not_evaluated(guide.key, "no_list", without))
        return outcomes
    made = [(item.id, day_in_peru(item.made_time)) for item in items]
    outcomes.note(custody.c13(rules["C13"], guide.key, "making", "issue of the guide", guide.issued_on, made))
    agreed = transport.t03_lines(rules["T03"], guide, load.amounts)
    outcomes.note(agreed if agreed.status == "FAIL" else transport.t03_items(rules["T03"], guide, items))
    for key in load.first:
        line = load.lines[key]
        if line.product in FOREST_PRODUCTS:
            outcomes.note(custody.c17(rules["C17"], key, line))
        if line.product == "roundwood":
            outcomes.note(balance.b02(rules["B02"], key, line))
    return outcomes


def _used(case: Case) -> Guide:
    body = case.body
    guide = case.facts.find(Guide, guide_key(body["form"], body["guide"]))
    if guide is None:
        raise UnknownParent("guide", f"{body['form']}:{body['guide']}")
    return guide


def _only(case: Case, guide: Guide, *organisations: str) -> None:
    if case.record.actor not in organisations:
        raise NotYours(f"guide {guide.key}", organisations[0], case.record.actor)


def _once(case: Case, guide: Guide, first_sid: str | None, first_index: int | None) -> None:
    if first_sid is not None:
        raise AlreadyDone(case.record.type, guide.key, first_sid, first_index or 0)


def _finish(case: Case, guide: Guide, items: list[Item], outcomes: Outcomes) -> Outcomes:
    case.facts.put(guide.key, guide)
    case.mark(items, outcomes)
    return outcomes


def depart(case: Case) -> Outcomes:
    """The load leaves, once."""
    guide, at = _used(case), case.body["at"]
    _only(case, guide, guide.issuer)
    _once(case, guide, guide.departed_by, guide.departed_index)
    items = case.items(guide.items)
    outcomes = Outcomes()
    outcomes.note(transport.t01_use(case.rules["T01"], guide))
    outcomes.note(transport.t02_on_the_way(case.rules["T02"], guide, at))
    outcomes.note(transport.t04_use(case.rules["T04"], guide, at))
    guide.departed_at, guide.departed_by, guide.departed_index = at, case.record.sid, case.index
    if guide.state == "issued":
        guide.state = "departed"
    return _finish(case, guide, items, outcomes)


def check(case: Case) -> Outcomes:
    """A control post sees the load; so may whoever sends or receives it say."""
    guide, at = _used(case), case.body["at"]
    organisation = case.facts.find(Organisation, f"org:{case.record.actor}")
    if organisation is None or organisation.kind not in SUPERVISING:
        _only(case, guide, guide.issuer, guide.addressee)
    items = case.items(guide.items)
    outcomes = Outcomes()
    outcomes.note(transport.t01_use(case.rules["T01"], guide))
    outcomes.note(transport.t02_on_the_way(case.rules["T02"], guide, at))
    outcomes.note(transport.t04_use(case.rules["T04"], guide, at))
    guide.checks += 1
    guide.checked_at = at
    return _finish(case, guide, items, outcomes)


def receive(case: Case) -> Outcomes:
    """The addressee has the load, once. Pieces of the list that did not arrive stay on the guide."""
    body, guide = case.body, _used(case)
    _only(case, guide, guide.addressee)
    _once(case, guide, guide.received_by, guide.received_index)
    items = case.items(guide.items)
    arrived = {loaded["item"] for loaded in body["items"]} if "items" in body else set(guide.items)
    outcomes = Outcomes()
    outcomes.note(transport.t01_use(case.rules["T01"], guide))
    outcomes.note(transport.t02_arrival(case.rules["T02"], guide, body["at"]))
    outcomes.note(transport.t03_received(case.rules["T03"], guide, body["volume_dm3"], sorted(arrived)))
    for item in items:
        if item.id in arrived and item.guide == guide.key:
            item.guide = None
            if item.holder == guide.issuer:  # wood sold on the way already has its owner
                item.holder = guide.addressee
            case.facts.put(f"item:{item.id}", item)
    guide.received_at, guide.received_by, guide.received_index = body["at"], case.record.sid, case.index
    guide.received_dm3 = body["volume_dm3"]
    if guide.state != "voided":
        guide.state = "received"
    return _finish(case, guide, items, outcomes)


def void(case: Case) -> Outcomes:
    """The guide is undone. What it drew returns to the balance only if nobody ever saw the load go, pass or arrive."""
    guide = _used(case)
    _only(case, guide, guide.issuer)
    _once(case, guide, guide.voided_by, guide.voided_index)
    items = case.items(guide.items)
    used = guide.used
    lines = {} if used else {key: case.line_at(key) for key in sorted(guide.drawn.keys() | guide.listed.keys())}
    outcomes = Outcomes()
    outcomes.note(transport.t01_void(case.rules["T01"], guide))
    guide.voided_by, guide.voided_index = case.record.sid, case.index
    if not used:
        guide.state = "voided"
        _give_back(case, guide, items, lines)
    return _finish(case, guide, items, outcomes)


def _give_back(case: Case, guide: Guide, items: list[Item], lines: dict[str, Line]) -> None:
    for key, volume in guide.drawn.items():
        lines[key].drawn_dm3 -= volume
    for key, volume in guide.listed.items():
        lines[key].dispatched_listed_dm3 -= volume
    for key, line in lines.items():
        case.facts.put(key, line)
    for item in items:
        if item.guide == guide.key:
            item.guide = None
        if item.drawn_by == guide.key:
            item.drawn_by = None
        case.facts.put(f"item:{item.id}", item)
