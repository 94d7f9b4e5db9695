"""What is watched in a whole log: C14 of the time between a fact and its record, L01 to L08 of the log itself.

Plain functions from facts to an `Outcome`, like their neighbours. Nothing here is asked when a record is admitted: a
monitor asks it of a log that stands.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.refusal import Refusal
from shared.timber.norms import Rule
from shared.timber.rules.outcome import Outcome


def c14(rule: Rule, subject: str, claimed: str, made_after: str | None, entered_after: str | None) -> Outcome:
    """The record was made and entered within days of the fact.

    `made_after` is a moment after which it was signed, `entered_after` one after which it was appended: the latest known,
    as instants, `None` where nothing is known. Between the fact and either lies at least the time found, maybe more.
    """
    for case, after in (("made_late", made_after), ("entered_late", entered_after)):
        days = 0 if after is None else (_instant(after) - _instant(claimed)).days
        if days > rule.parameters["s1_days"]:
            severity = "S2" if days > rule.parameters["s2_days"] else "S1"
            return rule.failed(severity, subject, case, {"claimed": claimed, "after": after, "days": days})  # type: ignore[arg-type]
    return rule.passed(subject, {"claimed": claimed})


def c14_ahead(rule: Rule, subject: str, claimed: str, seen_at: str) -> Outcome:
    """The fact is not claimed for a time after somebody saw its record, but for a clock that is somewhat wrong."""
    computed = {"claimed": claimed, "seen_at": seen_at}
    if _instant(claimed) - _instant(seen_at) <= timedelta(hours=rule.parameters["ahead_hours"]):
        return rule.passed(subject, computed)
    return rule.failed(rule.parameters["severity_if_ahead"], subject, "ahead", computed)


def l01_refused(rule: Rule, subject: str, refusal: Refusal) -> Outcome:
    """Custody let in what the rules refuse."""
    return rule.failed(rule.parameters["severity"], subject, "refused", _why(refusal))


def l01_unknown_type(rule: Rule, subject: str, refusal: Refusal) -> Outcome:
    """A record of a later version of the format: nothing is guessed about it."""
    return rule.not_evaluated(subject, "unknown_type", _why(refusal))


def l01_predecessor(rule: Rule, subject: str, prev: str) -> Outcome:
    """The record names a statement that does not stand before it."""
    return rule.failed(rule.parameters["severity"], subject, "predecessor", {"prev": prev})


def l01_repeated(rule: Rule, subject: str, first_index: int) -> Outcome:
    """One statement stands twice in the log."""
    return rule.failed(rule.parameters["severity"], subject, "repeated", {"first_index": first_index})


def l02(rule: Rule, subject: str, index: int, size: int, seen_root: str, root: str | None) -> Outcome:
    """What the device had seen is this log, as it stood before the record. `root` is this log's at that size."""
    computed: dict[str, Any] = {"size": size, "index": index}
    if size > index:
        return rule.failed(rule.parameters["severity"], subject, "ahead", computed)
    if seen_root != root:
        computed |= {"seen_root": seen_root, "root": root}
        return rule.failed(rule.parameters["severity"], subject, "other_root", computed)
    return rule.passed(subject, computed)


def l03_twice(rule: Rule, subject: str, device: str, seq: int, first_index: int, first_sid: str) -> Outcome:
    """One number of a device's counter stands under two records."""
    computed = {"device": device, "seq": seq, "first_index": first_index, "first_sid": first_sid}
    return rule.failed(rule.parameters["severity"], subject, "twice", computed)


def l04_gap(rule: Rule, device: str, first: int, last: int) -> Outcome:
    """Numbers of a device's counter that no record has, below one that a record has."""
    computed = {"device": device, "first": first, "last": last}
    return rule.failed(rule.parameters["severity"], f"key:{device}", "gap", computed)


def l05_noted(rule: Rule, refused: str, first: str, subject: str) -> Outcome:
    """The log holds the note of a record that was refused because its piece was used already."""
    computed = {"refused": refused, "first": first, "subject": subject}
    return rule.failed(rule.parameters["severity"], subject, "noted", computed)


def l06(rule: Rule, subject: str, before: str, size: int, said_root: str, root: str | None) -> Outcome:
    """A log that continues another begins with its entries. `root` is this log's at that size."""
    computed = {"before": before, "size": size, "said_root": said_root, "root": root}
    if said_root != root:
        return rule.failed(rule.parameters["severity"], subject, "other_root", computed)
    return rule.passed(subject, computed)


def l07(rule: Rule, subject: str, case: str | None, computed: dict[str, Any]) -> Outcome:
    """A log that said it ended ends there, and the one that it named goes on. `case`: what does not hold at the seam."""
    if case is None:
        return rule.passed(subject, computed)
    return rule.failed(rule.parameters["severity"], subject, case, computed)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """With which census a plan was handed in: what ``census.committed`` says of it, and its index."""

    plan: str
    index: int
    root: str
    listing_root: str
    trees: int
    harvestable_dm3: int


def l08_approved(
    rule: Rule, plan: str, day: str, root: str, trees: int, handed_in: HandedIn | None, known: int | None
) -> Outcome:
    """A plan is approved over the census that it was handed in with last. `day` is that of the approval, `known` an entry
    before it that says of another plan with which census it came: this log tells."""
    computed: dict[str, Any] = {"plan": plan, "root": root, "trees": trees}
    if handed_in is not None:
        computed |= {"committed_at": handed_in.index}
        if (handed_in.root, handed_in.trees) != (root, trees):
            computed |= {"committed_root": handed_in.root, "committed_trees": handed_in.trees}
            return rule.failed(rule.parameters["severity"], f"plan:{plan}", "other_census", computed)
    elif trees and (known is not None or day >= rule.parameters["required_from"]):
        return rule.failed(rule.parameters["severity_if_uncommitted"], f"plan:{plan}", "uncommitted", computed)
    elif trees:
        return rule.not_evaluated(f"plan:{plan}", "not_told", computed)
    return rule.passed(f"plan:{plan}", computed)


def l08_listed(rule: Rule, handed_in: HandedIn, listing_root: str, trees: int, harvestable_dm3: int) -> Outcome:
    """The trees that the log lists of an approved plan, all parts of them, are those it was handed in with."""
    computed: dict[str, Any] = {"plan": handed_in.plan, "committed_at": handed_in.index, "trees": trees}
    listed = {"listing_root": listing_root, "trees": trees, "harvestable_dm3": harvestable_dm3}
    said = {name: getattr(handed_in, name) for name in listed}
    if listed != said:
        computed |= listed | {f"committed_{name}": value for name, value in said.items()}
        return rule.failed(rule.parameters["severity"], f"plan:{handed_in.plan}", "other_trees", computed)
    return rule.passed(f"plan:{handed_in.plan}", computed)


def l08_late(rule: Rule, plan: str, approved_at: int) -> Outcome:
    """A census is committed to before its plan is approved: afterwards it binds nobody."""
    computed = {"plan": plan, "approved_at": approved_at}
    return rule.failed(rule.parameters["severity_if_uncommitted"], f"plan:{plan}", "committed_late", computed)


def _why(refusal: Refusal) -> dict[str, Any]:
    return {"refusal": refusal.slug, "reason_es": refusal.text("es"), "reason_en": refusal.text("en")}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
