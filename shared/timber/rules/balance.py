"""Volumes by line (permit, parcel, species, product): B01 B02. Products of one species are never netted together."""

from collections.abc import Sequence
from typing import Any

from shared.timber.facts import Item, Line
from shared.timber.norms import Rule
from shared.timber.rules.custody import over_permille
from shared.timber.rules.outcome import Outcome


def b01(rule: Rule, line_key: str, line: Line) -> Outcome:
    """What guides drew is not more than the permit authorised."""
    computed: dict[str, Any] = {
        "line": line_key[5:], "drawn_dm3": line.drawn_dm3, "authorised_dm3": line.authorised_dm3,
    }  # fmt: skip
    if line.drawn_dm3 <= line.authorised_dm3:
        return rule.passed(line_key, computed)
    computed["excess_dm3"] = line.drawn_dm3 - line.authorised_dm3
    if line.authorised_dm3 == 0:
        return rule.failed(rule.parameters["severity"], line_key, "not_listed", computed)
    computed["over_permille"] = over_permille(line.drawn_dm3, line.authorised_dm3)
    slight = line.drawn_dm3 * 1000 <= line.authorised_dm3 * (1000 + rule.parameters["s2_over_permille"])
    return rule.failed("S2" if slight else rule.parameters["severity"], line_key, "over", computed)


def b01_never_drawn(rule: Rule, subject: str, undrawn: Sequence[Item]) -> Outcome:
    """What no guide drew from a balance cannot be set against what was authorised."""
    computed = {"count": len(undrawn), "items": [item.id for item in undrawn[:20]]}
    return rule.not_evaluated(subject, "never_drawn", computed)


def b02(rule: Rule, line_key: str, line: Line) -> Outcome:
    """What left on log lists has felled trees of that species behind it. Volume without any tree is unjustified."""
    computed = {"line": line_key[5:], "dispatched_dm3": line.dispatched_listed_dm3, "felled_dm3": line.felled_dm3}
    if line.dispatched_listed_dm3 * 1000 > line.felled_dm3 * (1000 + rule.parameters["over_permille"]):
        return rule.failed(rule.parameters["severity"], line_key, "over", computed)
    return rule.passed(line_key, computed)
