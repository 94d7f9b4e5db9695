"""Transport guides: T01 T02 T03 T04."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.timber import measure
from shared.timber.facts import Guide, Item
from shared.timber.fields import day_in_peru
from shared.timber.norms import Rule
from shared.timber.rules.outcome import Outcome

Amounts = Mapping[tuple[str, str, str], int]  # by parcel, species and product


def t01(rule: Rule, guide: Guide, items: Sequence[Item]) -> Outcome:
    """One guide covers one title: every listed piece is of the guide's permit."""
    others = [item for item in items if guide.permit is not None and item.permit != guide.permit]
    computed: dict[str, Any] = {"guide": guide.key, "permit": guide.permit or "", "count": len(others)}
    if not others:
        return rule.passed(guide.key, computed)
    computed["others"] = sorted({item.permit or "?" for item in others})
    return rule.failed(rule.parameters["severity"], guide.key, "other_permit", computed)


def t01_use(rule: Rule, guide: Guide) -> Outcome:
    """A void guide is not used."""
    if guide.voided_index is None:
        return rule.passed(guide.key, {"guide": guide.key})
    computed = {"guide": guide.key, "voided_index": guide.voided_index}
    return rule.failed(rule.parameters["severity"], guide.key, "void", computed)


def t01_void(rule: Rule, guide: Guide) -> Outcome:
    """A guide that has departed, was seen on the road or arrived can no longer be undone."""
    computed = {"guide": guide.key, "state": guide.state, "checks": guide.checks}
    if not guide.used:
        return rule.passed(guide.key, computed)
    return rule.failed(rule.parameters["severity"], guide.key, "void_after_use", computed)


def t02_issue(rule: Rule, guide: Guide) -> Outcome:
    """A guide does not expire before it is issued."""
    computed = {"guide": guide.key, "issued_on": guide.issued_on, "expires_on": guide.expires_on}
    if guide.expires_on < guide.issued_on:
        return rule.failed(rule.parameters["severity"], guide.key, "expires_before", computed)
    return rule.passed(guide.key, computed)


def t02_on_the_way(rule: Rule, guide: Guide, at: str) -> Outcome:
    """It departs, and is seen on the road, between issue and expiry and not before its departure."""
    computed = {"guide": guide.key, "issued_on": guide.issued_on, "expires_on": guide.expires_on, "at": at}
    if not guide.issued_on <= day_in_peru(at) <= guide.expires_on:
        return rule.failed(rule.parameters["severity"], guide.key, "outside", computed)
    if guide.departed_at is not None and at < guide.departed_at:
        computed["departed_at"] = guide.departed_at
        return rule.failed(rule.parameters["severity"], guide.key, "before_departure", computed)
    return rule.passed(guide.key, computed)


def t02_arrival(rule: Rule, guide: Guide, at: str) -> Outcome:
    """It arrives after it departed and before it expires."""
    computed = {"guide": guide.key, "issued_on": guide.issued_on, "expires_on": guide.expires_on, "at": at}
    if day_in_peru(at) < guide.issued_on:
        return rule.failed(rule.parameters["severity"], guide.key, "outside", computed)
    if guide.departed_at is not None and at < guide.departed_at:
        computed["departed_at"] = guide.departed_at
        return rule.failed(rule.parameters["severity"], guide.key, "before_departure", computed)
    if day_in_peru(at) > guide.expires_on:
        return rule.failed(rule.parameters["severity_of_late_arrival"], guide.key, "late", computed)
    if guide.departed_at is None:
        return rule.not_evaluated(guide.key, "no_departure", computed)
    return rule.passed(guide.key, computed)


def t03_lines(rule: Rule, guide: Guide, listed: Amounts) -> Outcome:
    """The lines say what the list adds up to, line by line."""
    stated = {(line["parcel"], line["species"], line["product"]): line["volume_dm3"] for line in guide.lines}
    for group in sorted(stated.keys() | listed.keys()):
        lines_dm3, listed_dm3 = stated.get(group, 0), listed.get(group, 0)
        if _apart(lines_dm3, listed_dm3, rule.parameters["total_permille"], rule.parameters["total_dm3"]):
            computed: dict[str, Any] = {
                "guide": guide.key, "group": " ".join(group), "lines_dm3": lines_dm3, "listed_dm3": listed_dm3,
            }  # fmt: skip
            if listed_dm3 and lines_dm3 > listed_dm3 and lines_dm3 % listed_dm3 == 0:
                computed["times"] = lines_dm3 // listed_dm3
                return rule.failed(rule.parameters["severity"], guide.key, "multiple", computed)
            return rule.failed(rule.parameters["severity"], guide.key, "total", computed)
    total = sum(listed.values())
    return rule.passed(guide.key, {"guide": guide.key, "lines_dm3": guide.volume_dm3, "listed_dm3": total})


def t03_items(rule: Rule, guide: Guide, items: Sequence[Item]) -> Outcome:
    """Each piece goes with the volume it was recorded with, and a log with the volume its measures give."""
    limits = rule.parameters["item_permille"], rule.parameters["item_dm3"]
    for item in items:
        stated = guide.items[item.id]
        if _apart(stated, item.volume_dm3, *limits):
            computed = {"guide": guide.key, "item": item.id, "stated_dm3": stated, "recorded_dm3": item.volume_dm3}
            return rule.failed(rule.parameters["severity"], guide.key, "item", computed)
        if item.kind == "log":
            measured = measure.mean_of_ends_dm3(item.diameter_large_mm, item.diameter_small_mm, item.length_mm)
            if _apart(item.volume_dm3, measured, *limits):
                computed = {
                    "guide": guide.key, "item": item.id, "recorded_dm3": item.volume_dm3, "computed_dm3": measured,
                }  # fmt: skip
                return rule.failed(rule.parameters["severity"], guide.key, "measures", computed)
    return rule.passed(guide.key, {"guide": guide.key, "count": len(items)})


def t03_received(rule: Rule, guide: Guide, received_dm3: int, items: Sequence[str]) -> Outcome:
    """Nothing arrives that the guide did not cover. Less may arrive: loss is not hidden wood."""
    extra = [item for item in items if item not in guide.items] if guide.items else []
    if extra:
        computed: dict[str, Any] = {"guide": guide.key, "count": len(extra), "items": extra[:20]}
        return rule.failed(rule.parameters["severity"], guide.key, "received_extra", computed)
    computed = {"guide": guide.key, "sent_dm3": guide.volume_dm3, "received_dm3": received_dm3}
    limits = rule.parameters["total_permille"], rule.parameters["total_dm3"]
    if received_dm3 > guide.volume_dm3 and _apart(received_dm3, guide.volume_dm3, *limits):
        return rule.failed(rule.parameters["severity"], guide.key, "received", computed)
    return rule.passed(guide.key, computed)


def _apart(one: int, other: int, permille: int, dm3: int) -> bool:
    """Whether two volumes differ by more than the larger of both tolerances."""
    gap = abs(one - other)
    return gap > dm3 and gap * 1000 > other * permille


def t04_issue(rule: Rule, guide: Guide, items: Sequence[Item]) -> Outcome:
    """No listed piece is on another open guide, and none has already left the issuer's hands."""
    moving = [item for item in items if item.guide is not None]
    if moving:
        return _twice(rule, guide, "on_open_guide", moving, moving[0].guide)
    gone = [item for item in items if item.drawn_by is not None and item.holder != guide.issuer]
    if gone:
        return _twice(rule, guide, "already_left", gone, gone[0].drawn_by)
    return rule.passed(guide.key, {"guide": guide.key, "count": len(items)})


def _twice(rule: Rule, guide: Guide, case: str, items: Sequence[Item], other: str | None) -> Outcome:
    computed = {
        "guide": guide.key, "count": len(items), "other": other or "", "items": [item.id for item in items[:20]],
    }  # fmt: skip
    return rule.failed(rule.parameters["severity"], guide.key, case, computed)


def t04_use(rule: Rule, guide: Guide, at: str) -> Outcome:
    """A guide is not used once its load has arrived."""
    if guide.received_at is None or at <= guide.received_at:
        return rule.passed(guide.key, {"guide": guide.key, "at": at})
    computed = {"guide": guide.key, "at": at, "received_at": guide.received_at}
    return rule.failed(rule.parameters["severity"], guide.key, "after_arrival", computed)
