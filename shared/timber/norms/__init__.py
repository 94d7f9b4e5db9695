"""Norms as data: which threshold each rule uses, from which day, on whose word.

A rule may have several versions; the one in force on the day of the event is used. Nothing here is a legal opinion:
``legal_review`` of each entry says who has confirmed it.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson

from shared.timber.rules.outcome import Outcome, Severity


@dataclass(slots=True)
class Rule:
    """One version of one rule: its parameters, and where they come from."""

    rule: str
    family: str
    title_es: str
    title_en: str
    norm: str
    norm_es: str
    source: str
    source_es: str
    legal_review: str
    valid_from: str
    parameters: dict[str, Any]
    when: list[str]
    mandatory: bool
    note_es: str = ""
    note_en: str = ""

    def passed(self, subject: str, computed: dict[str, Any]) -> Outcome:
        """The rule holds."""
        return Outcome(self.rule, "PASS", "", subject, "pass", computed, self.parameters, self.norm, self.source)

    def failed(self, severity: Severity, subject: str, case: str, computed: dict[str, Any]) -> Outcome:
        """The rule does not hold."""
        return Outcome(self.rule, "FAIL", severity, subject, case, computed, self.parameters, self.norm, self.source)

    def not_evaluated(self, subject: str, case: str, computed: dict[str, Any]) -> Outcome:
        """Something the rule needs is not there. That is never a pass."""
        return Outcome(self.rule, "NOT_EVALUATED", "", subject, case, computed, self.parameters, self.norm, self.source)


@dataclass(slots=True)
class _Quiet(Rule):
    """A rule whose passes nobody looks at: they are all one, without figures."""

    _pass: Outcome | None = None

    def passed(self, subject: str, computed: dict[str, Any]) -> Outcome:  # noqa: ARG002
        if self._pass is None:
            self._pass = Rule.passed(self, "", {})
        return self._pass


Rules = dict[str, Rule]


@dataclass(slots=True)
class Norms:
    """All versions of all rules of one country, and the limits the door uses.

    ``origin`` are the types of record a verdict cannot do without, ``not_checked`` what no rule looks at.
    """

    country: str
    version: str
    status_list_hours: int
    clock_days: int
    guide_days: int
    origin: list[str]
    not_checked: list[dict[str, str]]
    versions: dict[str, list[Rule]]
    _days: list[str] = field(default_factory=list)
    _sets: list[Rules] = field(default_factory=list)

    def on(self, day: str) -> Rules:
        """The rules in force on a day; before the first known day, those of the first."""
        if not self._days:
            self._days = sorted({rule.valid_from for versions in self.versions.values() for rule in versions})
            self._sets = [self._in_force(start) for start in self._days]
        return self._sets[max(bisect_right(self._days, day) - 1, 0)]

    def quiet(self) -> "Norms":
        """The same rules for whoever keeps only what fails: each record passes some six of them."""
        versions: dict[str, list[Rule]] = {
            name: [_Quiet(*(getattr(rule, one.name) for one in fields(Rule))) for rule in rules]
            for name, rules in self.versions.items()
        }
        return replace(self, versions=versions, _days=[], _sets=[])

    def _in_force(self, day: str) -> Rules:
        return {name: _latest(versions, day) for name, versions in self.versions.items()}


def _latest(versions: list[Rule], day: str) -> Rule:
    """The last version that had begun on the day, or the first of all."""
    begun = [rule for rule in versions if rule.valid_from <= day]
    return begun[-1] if begun else versions[0]


def read(data: bytes) -> Norms:
    """The norms written in a JSON document."""
    document = orjson.loads(data)
    versions: dict[str, list[Rule]] = {}
    for entry in _sorted(document["rules"]):
        versions.setdefault(entry["rule"], []).append(Rule(**entry))
    limits = {name: limit["value"] for name, limit in document["limits"].items()}
    return Norms(
        document["country"], document["version"], limits["status_list_hours"], limits["clock_days"],
        limits["guide_days"], document["origin"], document["not_checked"], versions,
    )  # fmt: skip


def _sorted(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: (entry["rule"], entry["valid_from"]))


@lru_cache(maxsize=4)
def load(country: str = "pe") -> Norms:
    """The norms this version ships for a country."""
    return read(files(__package__).joinpath(f"{country}.json").read_bytes())
