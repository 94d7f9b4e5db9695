"""The door: which facts a record needs, whether it may enter, and what it changes.

Every fact of the field is recorded. Refused are records that cannot be attached to the chain (unknown key or
parent, an exit already used, an identifier already taken) and, when they would certify, our own guides. The same
code runs where records are accepted and where an auditor replays them.
"""

from collections.abc import Callable, Iterable

from shared.timber.event import Record, tree_item
from shared.timber.facts import STATUS, Facts, Guide, Item, Lot, Past, Plan, census_key, guide_key, line_key, past_of
from shared.timber.norms import Norms
from shared.timber.party import signer
from shared.timber.rules.outcome import Outcome, Outcomes
from shared.timber.steps import authority, books, certificates, findings, forest, guides, keys, mills
from shared.timber.steps.case import Case, may_name_a_tree
from shared.timber.succession import CONTINUED

_STEPS: dict[str, Callable[[Case], Outcomes]] = {
    "organisation.registered": authority.register_organisation,
    "key.added": keys.add_key,
    "key.revoked": keys.revoke_key,
    "title.registered": authority.register_title,
    "census.committed": authority.commit_census,
    "census.listed": authority.list_census,
    "plan.approved": authority.approve_plan,
    "permit.issued": authority.issue_permit,
    "permit.amended": authority.amend_permit,
    "permit.suspended": authority.change_status,
    "permit.reinstated": authority.change_status,
    "permit.revoked": authority.change_status,
    "status.listed": authority.list_status,
    "inspection.reported": authority.report_inspection,
    "certificate.registered": certificates.register_certificate,
    "certificate.amended": certificates.amend_members,
    "certificate.suspended": certificates.change_standing,
    "certificate.reinstated": certificates.change_standing,
    "certificate.ended": certificates.end_certificate,
    "record.corrected": authority.correct,
    "conflict.noted": authority.note_conflict,
    "log.recovered": authority.note_recovery,
    "log.closed": authority.close_log,
    "log.continued": authority.continue_log,
    "finding.raised": findings.raise_finding,
    "finding.resolved": findings.resolve_finding,
    "contract.committed": authority.note_commitment,
    "settlement.sealed": authority.note_commitment,
    "price_book.published": books.publish_book,
    "tree.felled": forest.fell,
    "log.cut": forest.cut,
    "log.moved": forest.move,
    "guide.issued": guides.issue,
    "guide.departed": guides.depart,
    "guide.checked": guides.check,
    "guide.received": guides.receive,
    "guide.voided": guides.void,
    "mill.processed": mills.saw,
    "lot.composed": mills.compose,
    "lot.sold": mills.sell,
}


def admit(record: Record, index: int, facts: Facts, norms: Norms, today: str | None) -> Outcomes:
    """Judge a record at an index of the log and apply it to the facts.

    Refuses with a ``Refusal`` and then leaves the facts as they were. Answers what fails or could not be evaluated;
    ``.passed`` holds the rest. ``today`` (an instant) opens the gate of our own guides; ``None`` is a replay, where
    that gate was passed long ago. May raise ``NotLoaded`` on partial facts, again without having changed them.
    """
    entitled = signer(record, index, facts)
    case = Case(record, index, facts, norms, norms.on(record.time[:10]), today, entitled)
    return _STEPS[record.type](case)


def replay(records: Iterable[Record], norms: Norms) -> tuple[Facts, list[tuple[int, Outcome]]]:
    """The facts of a whole log from its first entry, and every outcome with its index, passes included."""
    facts = Facts()
    found: list[tuple[int, Outcome]] = []
    for index, record in enumerate(records):
        outcomes = admit(record, index, facts, norms, None)
        found.extend((index, outcome) for outcome in (*outcomes, *outcomes.passed))
        facts.preload([past_of(record, index)])
    return facts, found


def keys_of(record: Record) -> set[str]:
    """The facts needed to judge a record, as far as its own words say."""
    needed = {f"key:{kid}" for kid, _ in record.signatures}
    _NEEDS[record.type](record, needed)
    return needed


def more_keys(record: Record, facts: Facts) -> set[str]:
    """The facts needed beyond ``keys_of``, once those are loaded."""
    kind, body = record.type, record.body
    needed: set[str] = set()
    if kind == "guide.issued":
        for loaded in body.get("items", ()):
            _need_item_balance(facts, loaded["item"], needed)
    elif kind == "log.cut":
        source = facts.find(Item, f"item:{body['source']}")
        if source is not None and source.tree is not None:
            needed.add(f"item:{source.tree}")
    elif kind in _OF_GUIDE:
        guide = facts.find(Guide, guide_key(body["form"], body["guide"]))
        if guide is not None:
            needed.update([f"item:{item}" for item in guide.items])
            if kind == "guide.voided":
                needed.update(guide.drawn, guide.listed)
    elif kind in _ITEMS_OF:
        for id_ in body[_ITEMS_OF[kind]]:
            item = facts.find(Item, f"item:{id_}")
            if item is not None and item.drawn_by is None and item.permit is not None:
                needed.add(f"permit:{item.permit}")
    elif kind == "finding.resolved":
        past = facts.find(Past, f"record:{body['record']}")
        if past is not None:
            needed.add(f"finding:{past.index}")
    elif kind == "inspection.reported":
        plan = facts.find(Plan, f"plan:{body['plan']}")
        if plan is not None:
            needed.add(f"title:{plan.title}")
    elif kind == "lot.sold":
        lot = facts.find(Lot, f"lot:{body['lot']}")
        if lot is not None:
            needed.update([f"item:{item}" for item in lot.items])
    return {key for key in needed if key not in facts}


_ITEMS_OF = {"mill.processed": "inputs", "lot.composed": "items"}
_OF_GUIDE = frozenset({"guide.departed", "guide.checked", "guide.received", "guide.voided"})


def _need_item_balance(facts: Facts, item_id: str, needed: set[str]) -> None:
    item = facts.find(Item, f"item:{item_id}")
    if item is None:
        return
    if item.tree is not None:
        needed.add(f"item:{item.tree}")
    if item.permit is not None:
        needed.add(line_key(item.permit, item.parcel, item.species, item.product))


def _need_new(item_id: str, needed: set[str]) -> None:
    needed.add(f"item:{item_id}")
    if may_name_a_tree(item_id):
        needed.add(f"tree:{item_id}")


def _need_felling(record: Record, needed: set[str]) -> None:
    body = record.body
    needed.add(f"item:{body['item']}")
    needed.add(f"tree:{body['item']}")
    needed.add(f"permit:{body['permit']}")
    needed.add(line_key(body["permit"], body["parcel"], body["species"], "roundwood"))


def _need_cut(record: Record, needed: set[str]) -> None:
    body = record.body
    needed.add(f"item:{body['source']}")
    for section in body["sections"]:
        _need_new(section["item"], needed)
        product = "branch_firewood" if section["branch"] else "roundwood"
        needed.add(line_key(body["permit"], body["parcel"], section["species"], product))


def _need_items(record: Record, needed: set[str]) -> None:
    needed.update([f"item:{item}" for item in record.body["items"]])


def _need_issue(record: Record, needed: set[str]) -> None:
    body = record.body
    needed.add(guide_key(body["form"], body["guide"]))
    needed.update([f"item:{loaded['item']}" for loaded in body.get("items", ())])
    if "permit" in body:
        needed.add(f"permit:{body['permit']}")
        needed.update(
            [line_key(body["permit"], line["parcel"], line["species"], line["product"]) for line in body["lines"]]
        )
    if body["form"] == "own":
        needed.update((STATUS, f"org:{body['addressee']}"))


def _need_guide(record: Record, needed: set[str]) -> None:
    needed.add(guide_key(record.body["form"], record.body["guide"]))
    if record.type == "guide.checked":
        needed.add(f"org:{record.actor}")


def _need_mill(record: Record, needed: set[str]) -> None:
    needed.update([f"item:{item}" for item in record.body["inputs"]])
    for made in record.body["outputs"]:
        _need_new(made["item"], needed)


def _need_lot(record: Record, needed: set[str]) -> None:
    needed.add(f"lot:{record.body['lot']}")
    needed.update([f"item:{item}" for item in record.body.get("items", ())])
    if "certificate" in record.body:
        needed.add(f"certificate:{record.body['certificate']}")


def _need_authority(record: Record, needed: set[str]) -> None:
    body, kind = record.body, record.type
    needed.add(f"org:{record.actor}")
    for name, prefix in _AUTHORITY_NEEDS.get(kind, ()):
        needed.add(f"{prefix}:{body[name]}")
    if kind == "census.listed":
        needed.update((f"plan:{body['plan']}", census_key(body["plan"], body["part"])))
        needed.update([f"tree:{tree_item(body['plan'], body['parcel'], tree['code'])}" for tree in body["trees"]])
    elif kind == "key.added" and "replaces" in body:
        needed.add(f"key:{body['replaces']}")
    elif kind == "status.listed":
        needed.add(STATUS)
    elif kind == CONTINUED:
        needed.update([f"record:{sid}" for sid in record.prev])
    elif kind in ("permit.issued", "permit.amended"):
        needed.update(
            [
                line_key(body["number"], line["parcel"], line["species"], line["product"])
                for line in body.get("lines", ())
            ]
        )


def _need_finding(record: Record, needed: set[str]) -> None:
    body = record.body
    needed.add(f"org:{record.actor}")
    if record.type == "finding.raised":
        needed.update((f"org:{body['org']}", body["subject"]))
    else:
        needed.add(f"record:{body['record']}")


_AUTHORITY_NEEDS: dict[str, tuple[tuple[str, str], ...]] = {
    "organisation.registered": (("id", "org"),),
    "key.added": (("kid", "key"), ("org", "org")),
    "key.revoked": (("kid", "key"),),
    "title.registered": (("number", "title"), ("org", "org")),
    "plan.approved": (("id", "plan"), ("title", "title")),
    "permit.issued": (("number", "permit"), ("title", "title"), ("plan", "plan"), ("holder", "org")),
    "permit.amended": (("number", "permit"),),
    "permit.suspended": (("number", "permit"),),
    "permit.reinstated": (("number", "permit"),),
    "permit.revoked": (("number", "permit"),),
    "inspection.reported": (("plan", "plan"), ("plan", "inspection"), ("inspector", "org")),
    "certificate.registered": (("number", "certificate"), ("holder", "org")),
    "certificate.amended": (("number", "certificate"),),
    "certificate.suspended": (("number", "certificate"),),
    "certificate.reinstated": (("number", "certificate"),),
    "certificate.ended": (("number", "certificate"),),
    "record.corrected": (("amends", "record"),),
    "conflict.noted": (("first", "record"),),
}

_NEEDS: dict[str, Callable[[Record, set[str]], None]] = {
    **dict.fromkeys((*_AUTHORITY_NEEDS, "census.listed", "status.listed"), _need_authority),
    **dict.fromkeys(("log.recovered", "log.closed", "log.continued", "price_book.published"), _need_authority),
    **dict.fromkeys(("census.committed", "contract.committed", "settlement.sealed"), _need_authority),
    **dict.fromkeys(_OF_GUIDE, _need_guide),
    **dict.fromkeys(("finding.raised", "finding.resolved"), _need_finding),
    "tree.felled": _need_felling,
    "log.cut": _need_cut,
    "log.moved": _need_items,
    "guide.issued": _need_issue,
    "mill.processed": _need_mill,
    "lot.composed": _need_lot,
    "lot.sold": _need_lot,
}
