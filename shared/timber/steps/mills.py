"""Logs become products, and products become lots that are sold."""

from collections.abc import Iterable

from shared.timber.facts import Certificate, Item, Lot, Permit
from shared.timber.fields import day_in_peru
from shared.timber.refusals import AlreadyDone, NotYours, TooMany, WrongKind
from shared.timber.rules import balance, claims, custody, mill
from shared.timber.rules.outcome import Outcomes
from shared.timber.species import catalogue
from shared.timber.steps.case import Case, remembered, unspent

MOST_PIECES = 5_000  # of a lot: its document is read and written whole


def saw(case: Case) -> Outcomes:
    """A mill consumes pieces it holds and makes new ones."""
    body, record, rules = case.body, case.record, case.rules
    inputs = case.items(body["inputs"])
    for item in inputs:
        case.held(item)
        if item.kind == "tree":
            raise WrongKind(item.id, item.kind)
        unspent(item)
    for made in body["outputs"]:
        case.free(made["item"])
    undrawn = _out_of_hand(case, inputs)
    outcomes = Outcomes()
    subject, outputs = record.sid, body["outputs"]
    free = mill.free_of_ceiling(inputs, body.get("study"), catalogue(), record.time[:10])
    for outcome in mill.m01(rules["M01"], subject, inputs, outputs, free):
        outcomes.note(outcome)
    round_dm3 = mill.round_left(rules["M01"], inputs, outputs, free)
    outcomes.note(mill.m04(rules["M04"], subject, body.get("stock")))
    outcomes.note(mill.m06(rules["M06"], subject, inputs, outputs))
    made_at = [(item.id, item.made_time) for item in inputs]
    order = custody.c13(rules["C13"], subject, "making", "processing", record.time, made_at)
    outcomes.note(order if order.status == "FAIL" else custody.c13_in_transit(rules["C13"], subject, inputs))
    worst = max(outcomes.worst, *(item.worst for item in inputs))
    products = [_product(case, made, inputs) for made in outputs]
    if not undrawn and products[0].permit is None:  # of several origins: no balance is left to draw it from
        undrawn = [item for item in inputs if item.drawn_by is None]
    if undrawn:
        outcomes.note(balance.b01_never_drawn(rules["B01"], subject, undrawn))
    names = {*case.grave(outcomes).split(), *(name for item in inputs for name in item.grave.split())}
    grave = remembered(" ".join(sorted(names)))
    for product, left in zip(products, round_dm3, strict=True):
        product.worst, product.grave, product.round_dm3 = worst, grave, left
        case.facts.put(f"item:{product.id}", product)
    for item in inputs:
        item.spent_by, item.spent_index, item.spent_how = record.sid, case.index, "mill"
        case.facts.put(f"item:{item.id}", item)
    case.mark(inputs, outcomes)
    return outcomes


def _out_of_hand(case: Case, items: Iterable[Item]) -> list[Item]:
    """The pieces that no guide has drawn and that are not in the hands of the holder of their permit."""
    undrawn = [item for item in items if item.drawn_by is None]
    permits = {item.permit: case.facts.find(Permit, f"permit:{item.permit}") for item in undrawn if item.permit}
    ours = {number for number, permit in permits.items() if permit is not None and permit.holder == case.record.actor}
    return [item for item in undrawn if item.permit not in ours]


def _product(case: Case, made: dict[str, object], inputs: list[Item]) -> Item:
    """A product keeps permit and parcel while all it was made from shares them."""
    permits = {item.permit for item in inputs}
    places = {(item.plan, item.parcel) for item in inputs}
    plan, parcel = next(iter(places)) if len(places) == 1 else (None, "")
    drawn = [item.drawn_by for item in inputs]
    record = case.record
    product = Item(
        str(made["item"]), "product", "", str(made["species"]), str(made["product"]), _whole(made, "volume_dm3"),
        _whole(made, "length_mm"), _whole(made, "width_mm"), _whole(made, "thickness_mm"), False,
        next(iter(permits)) if len(permits) == 1 and parcel else None, plan, parcel, None,
        [item.id for item in inputs], record.sid, case.index, record.time, record.actor,
    )  # fmt: skip
    # Sawn from wood no guide has drawn yet (in the forest), it is itself to be drawn, from a line of its product.
    product.drawn_by = drawn[0] if None not in drawn else None
    return product


def _whole(made: dict[str, object], name: str) -> int:
    value = made.get(name, 0)
    return value if isinstance(value, int) else 0


def compose(case: Case) -> Outcomes:
    """Pieces held by the seller become a lot, or join it while it is unsold. A piece is in one open lot."""
    body, record = case.body, case.record
    key = f"lot:{body['lot']}"
    lot = case.facts.find(Lot, key)
    if lot is not None and lot.holder != record.actor:
        raise NotYours(f"lot {lot.id}", lot.holder, record.actor)
    if lot is not None and lot.sold_by is not None:
        raise AlreadyDone("lot.sold", lot.id, lot.sold_by, lot.sold_index or 0)
    items = case.items(body["items"])
    if len(items) + (0 if lot is None else len(lot.items)) > MOST_PIECES:
        raise TooMany("lot", body["lot"], MOST_PIECES)
    for item in items:
        case.held(item)
        if item.kind == "tree":
            raise WrongKind(item.id, item.kind)
        unspent(item)
    outcomes = _judge_drawn(case, body["lot"], _out_of_hand(case, items))
    if lot is None:
        lot = Lot(body["lot"], [], 0, record.sid, record.actor, case.index)
    for item in items:
        item.spent_by, item.spent_index, item.spent_how, item.lot = record.sid, case.index, "lot", lot.id
        lot.items.append(item.id)
        lot.volume_dm3 += item.volume_dm3
        case.facts.put(f"item:{item.id}", item)
    case.facts.put(key, lot)
    return outcomes


def sell(case: Case) -> Outcomes:
    """The lot changes hands, once. Its pieces are the buyer's, who may go on with them. Wood that is sold before a
    guide has drawn it cannot be set against its balance yet."""
    body, record = case.body, case.record
    lot = case.known(Lot, "lot", body["lot"])
    if lot.sold_by is not None:
        raise AlreadyDone("lot.sold", lot.id, lot.sold_by, lot.sold_index or 0)
    if lot.holder != record.actor:
        raise NotYours(f"lot {lot.id}", lot.holder, record.actor)
    items = case.items(lot.items)
    undrawn = [item for item in items if item.drawn_by is None] if body["buyer"] != record.actor else []
    outcomes = _judge_drawn(case, lot.id, undrawn)
    if "certificate" in body:
        certificate = case.facts.find(Certificate, f"certificate:{body['certificate']}")
        day = day_in_peru(record.time)
        outcomes.note(claims.d06(case.rules["D06"], lot.id, body["certificate"], certificate, record.actor, day))
    lot.sold_by, lot.sold_index = record.sid, case.index
    lot.holder = lot.buyer = body["buyer"]
    lot.claim = body.get("claim")
    for item in items:
        item.holder = body["buyer"]
        item.spent_by = item.spent_index = item.spent_how = None
        case.facts.put(f"item:{item.id}", item)
    case.facts.put(f"lot:{lot.id}", lot)
    return outcomes


def _judge_drawn(case: Case, lot: str, undrawn: list[Item]) -> Outcomes:
    outcomes = Outcomes()
    if undrawn:
        outcomes.note(balance.b01_never_drawn(case.rules["B01"], f"lot:{lot}", undrawn))
    return outcomes
