"""Whom and what a record is about, beyond the pieces in it: the organisations, the permits, the keys and the type under
which it is found again. From the record and from facts that its own admission has looked at, so that a replay finds the
same.
"""

from collections.abc import Iterable
from typing import Any

from shared.lot.closure import used_by
from shared.timber.event import Record
from shared.timber.facts import Certificate, Facts, Guide, Item, Key, Lot, Past, Permit, Plan, Title, guide_key

# Fields of a body that name an organisation.
_ORGS = {
    "organisation.registered": ("id",),
    "key.added": ("org",),
    "title.registered": ("org",),
    "permit.issued": ("holder",),
    "inspection.reported": ("inspector",),
    "certificate.registered": ("holder",),
    "finding.raised": ("org",),
    "price_book.published": ("publisher",),
    "guide.issued": ("addressee",),
    "lot.sold": ("buyer",),
}
# And those that name an earlier record.
_OF_RECORD = {"record.corrected": "amends", "conflict.noted": "first", "finding.resolved": "record"}
_OF_PERMIT = frozenset({"permit.amended", "permit.suspended", "permit.reinstated", "permit.revoked"})


def names_of(record: Record, facts: Facts) -> set[str]:
    """``org:``, ``permit:``, ``kid:`` and ``type:`` names of a record that was just admitted to ``facts``."""
    body, kind = record.body, record.type
    names = {f"type:{kind}", f"org:{record.actor}"}
    names.update([f"kid:{kid}" for kid, _ in record.signatures])
    names.update([f"org:{body[field]}" for field in _ORGS.get(kind, ())])
    if "permit" in body:
        names.add(f"permit:{body['permit']}")
    elif kind.startswith("permit."):
        names.add(f"permit:{body['number']}")
    if kind.startswith(("guide.", "lot.", "log.moved", "mill.")):
        names.update(_of_wood(record, facts))
    else:
        names.update([f"org:{org}" for org in _behind(record, facts)])
    return names


def _of_wood(record: Record, facts: Facts) -> set[str]:
    """The permits the pieces came from, and both sides of a guide."""
    body, items, names = record.body, used_by(record), set[str]()
    if "guide" in body:
        guide = facts.find(Guide, guide_key(body["form"], body["guide"]))
        if guide is not None:
            items = list(guide.items)
            names |= {f"org:{guide.issuer}", f"org:{guide.addressee}"}
            if guide.permit is not None:
                names.add(f"permit:{guide.permit}")
    elif record.type == "lot.sold":
        lot = facts.find(Lot, f"lot:{body['lot']}")
        items = [] if lot is None else lot.items
    for id_ in items:
        item = facts.find(Item, f"item:{id_}")
        if item is not None and item.permit is not None:
            names.add(f"permit:{item.permit}")
    return names


def _behind(record: Record, facts: Facts) -> Iterable[str]:
    """The organisations that an act of authority is about without naming them."""
    body, kind = record.body, record.type
    if kind in _OF_PERMIT:
        permit = facts.find(Permit, f"permit:{body['number']}")
        return () if permit is None else (permit.holder,)
    if kind == "key.revoked":
        key = facts.find(Key, f"key:{body['kid']}")
        return () if key is None else (key.org,)
    if kind in ("plan.approved", "inspection.reported"):
        return _of_title(record, facts)
    if kind.startswith("certificate."):
        certificate = facts.find(Certificate, f"certificate:{body['number']}")
        return () if certificate is None else (certificate.holder, *_members(body, certificate))
    if kind in _OF_RECORD:
        past = facts.find(Past, f"record:{body[_OF_RECORD[kind]]}")
        return () if past is None else (past.actor,)
    return ()


def _members(body: dict[str, Any], certificate: Certificate) -> Iterable[str]:
    """The members an act speaks of: those it names, or the whole group."""
    if "members" in body:
        return [member["org"] for member in body["members"]]
    return (body["member"],) if "member" in body else certificate.members


def _of_title(record: Record, facts: Facts) -> tuple[str, ...]:
    number = record.body.get("title")
    if number is None:
        plan = facts.find(Plan, f"plan:{record.body['plan']}")
        number = None if plan is None else plan.title
    title = facts.find(Title, f"title:{number}")
    return () if title is None else (title.org,)
