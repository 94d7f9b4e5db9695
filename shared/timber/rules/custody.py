"""Trees and logs: C01 C02 C03 C05 C07 C08 C09 C10 C11 C13 C17."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from shared.timber.facts import CensusTree, Item, Line, Permit
from shared.timber.fields import day_in_peru
from shared.timber.norms import Rule
from shared.timber.rules.outcome import Outcome


def over_permille(value: int, base: int) -> int:
    """By how many thousandths a value passes its base, rounded half-up."""
    return ((value - base) * 2000 + base) // (2 * base)


def c01(rule: Rule, subject: str, code: str, parcel: str, tree: CensusTree | None) -> Outcome:
    """The tree is in the census and may be harvested."""
    if tree is None:
        return rule.failed(rule.parameters["severity"], subject, "unknown", {"tree": code, "parcel": parcel})
    computed = {"tree": code, "parcel": parcel, "condition": tree.condition}
    if tree.condition not in rule.parameters["conditions"]:
        return rule.failed(rule.parameters["severity"], subject, "condition", computed)
    return rule.passed(subject, computed)


def c02(rule: Rule, subject: str, code: str, earlier: Item | None) -> Outcome:
    """The tree had no felling record before."""
    if earlier is None:
        return rule.passed(subject, {"tree": code, "fellings": 1})
    computed = {"tree": code, "fellings": earlier.fellings + 1, "first_index": earlier.made_index}
    return rule.failed(rule.parameters["severity"], subject, "again", computed)


def c03(rule: Rule, subject: str, permit: Permit, time: str) -> Outcome:
    """The claimed day lies in the harvest window, and the permit was in force where the record entered the log."""
    day = day_in_peru(time)
    harvest_from, harvest_to = permit.window_of(day)
    computed = {
        "felled_on": day, "harvest_from": harvest_from, "harvest_to": harvest_to, "permit": permit.number,
        "status": permit.status,
    }  # fmt: skip
    if not harvest_from <= day <= harvest_to:
        return rule.failed(rule.parameters["severity"], subject, "window", computed)
    if permit.status == "in_force":
        return rule.passed(subject, computed)
    computed["status_index"] = str(permit.status_index)
    if time < permit.status_time:
        return rule.failed(rule.parameters["severity_if_claimed_before"], subject, "status_claimed_before", computed)
    return rule.failed(rule.parameters["severity"], subject, "status", computed)


def c05(rule: Rule, subject: str, was: str | None, species: str, line: Line | None) -> Outcome:
    """The species is the one listed before; another one is graver when the permit does not list it at all."""
    if was is None:
        return rule.not_evaluated(subject, "no_census", {"species": species})
    computed = {"species": species, "was": was}
    if species == was:
        return rule.passed(subject, computed)
    if line is None or not line.listed:
        return rule.failed(rule.parameters["severity_if_not_in_plan"], subject, "not_in_plan", computed)
    return rule.failed(rule.parameters["severity"], subject, "differs", computed)


def c07(rule: Rule, subject: str, felled_dm3: int, tree: CensusTree | None) -> Outcome:
    """The felled volume stays near that of the census."""
    if tree is None:
        return rule.not_evaluated(subject, "no_census", {"felled_dm3": felled_dm3})
    return _graded(
        rule, subject, felled_dm3, tree.volume_dm3, {"felled_dm3": felled_dm3, "census_dm3": tree.volume_dm3}
    )


def c08(rule: Rule, source: Item, cut_dm3: int, sections: Sequence[dict[str, Any]]) -> Outcome:
    """All that was cut from a piece, these sections included, holds no more wood than it, and tapers as a stem does.
    ``sections`` are those that `counted` leaves, ``cut_dm3`` is all of their kind."""
    computed: dict[str, Any] = {"cut_dm3": cut_dm3, "whole_dm3": source.volume_dm3}
    outcome = _graded(rule, source.id, cut_dm3, source.volume_dm3, computed)
    if outcome.status == "FAIL":
        return outcome
    stem = [] if source.branch else sections
    if len(stem) > 1:
        stem = sorted(stem, key=lambda section: letters_number(section["code"].rpartition("/")[2]))
    step = rule.parameters["end_step_mm"]
    for lower, upper in pairwise(stem):
        if upper["diameter_large_mm"] > lower["diameter_small_mm"] + step:
            computed |= {
                "lower": lower["code"], "lower_mm": lower["diameter_small_mm"],
                "upper": upper["code"], "upper_mm": upper["diameter_large_mm"],
            }  # fmt: skip
            return rule.failed(rule.parameters["severity_of_ends"], source.id, "ends", computed)
    return outcome


def counted(source: Item, sections: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The sections that are of the wood their source was measured by: a felling measures the stem, so the branches of a
    tree are not; all that comes from a log is, whatever it is called."""
    return sections if source.kind == "log" else [section for section in sections if not section["branch"]]


def c09(rule: Rule, source: Item, branch_dm3: int, codes: Sequence[str]) -> Outcome:
    """Wood of branches comes from a tree or from a branch, never from a log of the stem, and a tree has only so much
    of it. ``branch_dm3`` is all that was cut from the tree as such, ``codes`` are the sections of this record."""
    computed: dict[str, Any] = {"parent": source.code, "codes": list(codes)}
    if source.kind == "log" and not source.branch:
        return rule.failed(rule.parameters["severity_of_stem"], source.id, "stem", computed)
    if source.kind == "tree":
        limit_permille = rule.parameters["of_stem_permille"]
        computed |= {"branch_dm3": branch_dm3, "stem_dm3": source.volume_dm3}
        if branch_dm3 * 1000 > source.volume_dm3 * limit_permille:
            return rule.failed(rule.parameters["severity"], source.id, "over", computed)
    return rule.passed(source.id, computed)


def _graded(rule: Rule, subject: str, value: int, base: int, computed: dict[str, Any]) -> Outcome:
    """S3 above the upper limit, S2 above the lower one."""
    if value <= base:
        return rule.passed(subject, computed)
    computed["over_permille"] = over_permille(value, base)
    thousandths = value * 1000
    if thousandths > base * (1000 + rule.parameters["s3_over_permille"]):
        return rule.failed("S3", subject, "over", computed)
    if thousandths > base * (1000 + rule.parameters["s2_over_permille"]):
        return rule.failed("S2", subject, "over", computed)
    return rule.passed(subject, computed)


def letters_number(letters: str) -> int:
    """A is 1, Z is 26, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def c10(rule: Rule, source: Item, codes: Sequence[str]) -> Outcome:
    """New codes extend that of the piece they came from, are new, and leave no letter out."""
    severity = rule.parameters["severity"]
    if source.guide is not None:
        return rule.failed(severity, source.id, "in_transit", {"parent": source.code, "guide": source.guide})
    prefix = source.code + "/" if source.kind == "tree" else source.code
    cut = len(prefix)
    taken = set(source.sections)
    for code in codes:
        if not code.startswith(prefix) or "/" in code[cut:] or len(code) == cut:
            return rule.failed(severity, source.id, "not_child", {"parent": source.code, "code": code})
        if code in taken:
            return rule.failed(severity, source.id, "repeated", {"parent": source.code, "code": code})
    everything = [*source.sections, *codes]
    highest = max([letters_number(code[cut:]) for code in everything if code.startswith(prefix)])
    computed = {"parent": source.code, "codes": everything[-20:]}
    if highest > len(everything):
        return rule.failed(rule.parameters["severity_of_gap"], source.id, "gap", computed)
    return rule.passed(source.id, computed)


def c11(rule: Rule, guide: str, items: Iterable[Item] | None) -> Outcome:
    """Everything on the log list was cross-cut or made, none of it is a standing or felled tree."""
    if items is None:
        return rule.not_evaluated(guide, "no_list", {"guide": guide})
    trees = [item.id for item in items if item.kind == "tree"]
    computed = {"guide": guide, "count": len(trees), "items": trees[:20]}
    return (
        rule.failed(rule.parameters["severity"], guide, "not_cut", computed) if trees else rule.passed(guide, computed)
    )


def c13(
    rule: Rule, subject: str, earlier: str, later: str, later_at: str, pieces: Iterable[tuple[str, str]]
) -> Outcome:
    """No piece (id, time of the earlier event) was made after the later event, by the times their records claim."""
    wrong = [(item, at) for item, at in pieces if at > later_at]
    computed: dict[str, Any] = {"earlier": earlier, "later": later, "later_at": later_at, "count": len(wrong)}
    if not wrong:
        return rule.passed(subject, computed)
    computed |= {"earlier_at": wrong[0][1], "items": [item for item, _ in wrong[:20]]}
    return rule.failed(rule.parameters["severity"], subject, "inversion", computed)


def c13_in_transit(rule: Rule, subject: str, pieces: Iterable[Item]) -> Outcome:
    """Nothing is processed while its guide says that it is still on the way."""
    moving = [(item.id, item.guide) for item in pieces if item.guide is not None]
    if not moving:
        return rule.passed(subject, {"count": 0})
    computed = {"count": len(moving), "guide": moving[0][1], "items": [item for item, _ in moving[:20]]}
    return rule.failed(rule.parameters["severity"], subject, "in_transit", computed)


def c17(rule: Rule, line_key: str, line: Line) -> Outcome:
    """What left on log lists was cross-cut before, balance by balance."""
    computed = {"line": line_key[5:], "dispatched_dm3": line.dispatched_listed_dm3, "cut_dm3": line.cut_dm3}
    if line.dispatched_listed_dm3 * 1000 > line.cut_dm3 * (1000 + rule.parameters["over_permille"]):
        return rule.failed(rule.parameters["severity"], line_key, "over", computed)
    return rule.passed(line_key, computed)
