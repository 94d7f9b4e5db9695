"""The catalogue of the rules over plans, by day: title, kind, numeral, parameters, norm and source; data in ``norms/``.

Kinds keep apart what the sanctions do: ``unauthorised`` (numeral 10, a known tree that was not allowed) and
``unjustified`` (numerals 21 and 26, moved volume with no tree) differ by orders of magnitude.
"""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from statistics import NormalDist
from typing import Any, cast

from services.permits.domain.finding import MAX_EXAMPLES, Finding, Severity

Row = dict[str, Any]
SEVERITIES: tuple[Severity, ...] = ("S4", "S3", "S2", "S1")


@dataclass(frozen=True, slots=True)
class About:
    """What is said of every finding of a rule. ``false_data``: upheld, it counts in the record of who signed."""

    kind: str
    numeral: str
    false_data: bool


@dataclass(frozen=True, slots=True)
class PlanRule:
    """One version of one rule. Thresholds with a severity are ladders: ``{"S3": 5, "S4": 20}``, each passed when exceeded."""

    rule: str
    title_es: str
    title_en: str
    kind: str
    numeral: str
    false_data: bool
    norm: str
    source: str
    source_es: str
    legal_review: str
    valid_from: str
    parameters: dict[str, Any]

    @property
    def severity(self) -> Severity:
        """The one severity of a rule without ladders."""
        return cast(Severity, self.parameters["severity"])

    def over(self, ladder: str, value: int, of: int = 1, scale: int = 1) -> Severity:
        """The highest severity whose threshold ``scale * value / of`` exceeds, in whole numbers; empty when none is."""
        steps: Mapping[str, int] = self.parameters[ladder]
        return next((level for level in SEVERITIES if level in steps and value * scale > steps[level] * of), "")

    def passed(self, subject: str, es: str, en: str, computed: Row) -> Finding:
        """The rule holds."""
        return self._finding("PASS", "", subject, es, en, computed, ())

    def failed(
        self, severity: Severity, subject: str, es: str, en: str, computed: Row, evidence: Sequence[Row] = ()
    ) -> Finding:
        """It does not; ``evidence`` are rows a forester can look up, cut to the first ten."""
        return self._finding("FAIL", severity, subject, es, en, computed, evidence)

    def judged(
        self, severity: Severity, subject: str, es: str, en: str, computed: Row, evidence: Sequence[Row] = ()
    ) -> Finding:
        """Failed when there is a severity, passed when it is empty."""
        return self._finding("FAIL" if severity else "PASS", severity, subject, es, en, computed, evidence)

    def missing(self, subject: str, es: str, en: str, computed: Row | None = None) -> Finding:
        """Not evaluated: ``es`` and ``en`` name what is not there."""
        return self._finding(
            "NOT_EVALUATED", "", subject, f"No evaluada: {es}.", f"Not evaluated: {en}.", computed or {}, ()
        )

    def _finding(
        self, status: Any, severity: Severity, subject: str, es: str, en: str, computed: Row, evidence: Sequence[Row]
    ) -> Finding:
        return Finding(
            self.rule, status, severity, subject, computed, self.parameters, f"{self.norm} ({self.valid_from})",
            self.source, es, en, list(evidence[:MAX_EXAMPLES]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Density:
    """How dense a genus stands in the reference: its mean, and what a tenth of the blocks exceed."""

    mean: int
    p90: int

    def exceeded_by(self, share: float) -> int:
        """What a plan exceeds with this chance when plans spread as the blocks of the reference do, on a logarithmic scale
        round the mean with a tenth above the 90th percentile."""
        z = NormalDist().inv_cdf(1 - share) / NormalDist().inv_cdf(0.9)
        limit: float = self.mean * (self.p90 / self.mean) ** z
        return math.floor(limit)


Densities = Mapping[str, Density]


@dataclass(frozen=True, slots=True)
class Terms:
    """How long people have, in days: to explain, to appeal; and how old a review may be at an approval."""

    explanation_days: int
    appeal_days: int
    review_days: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force on one day. ``version`` names the file they were read from."""

    version: str
    terms: Terms
    families: dict[str, About]
    rules: dict[str, PlanRule]
    densities: Densities = field(default_factory=dict)

    def __getitem__(self, rule: str) -> PlanRule:
        return self.rules[rule]

    def about(self, rule: str) -> About:
        """Kind, numeral and weight of a rule's findings; those of its family when it has no entry of its own."""
        known = self.rules.get(rule)
        return self.families[rule[0]] if known is None else About(known.kind, known.numeral, known.false_data)


def rules_from(document: dict[str, Any], densities: Densities, day: date) -> Rules:
    """The newest version of each rule and term that had begun by ``day``; ``ValueError`` when one had none."""
    rules = {name: PlanRule(**row) for name, row in _in_force(document["rules"], "rule", day).items()}
    terms = {name: row["value"] for name, row in _in_force(document["terms"], "name", day).items()}
    families = {letter: About(**about) for letter, about in document["families"].items()}
    return Rules(document["version"], Terms(**terms), families, rules, densities)


def _in_force(rows: list[Row], name: str, day: date) -> dict[str, Row]:
    begun = sorted((r for r in rows if r["valid_from"] <= day.isoformat()), key=lambda r: str(r["valid_from"]))
    found = {row[name]: row for row in begun}
    lacking = {row[name] for row in rows} - set(found)
    if lacking:
        raise ValueError(f"no norm in force on {day} for: {', '.join(sorted(lacking))}")
    return found


def densities_from(table: str) -> Densities:
    """Trees from 50 cm on 1,000 ha, by genus."""
    return {
        row["genus"]: Density(int(row["mean_trees_per_1000_ha"]), int(row["p90_trees_per_1000_ha"]))
        for row in csv.DictReader(table.splitlines())
    }


@cache
def _shipped() -> tuple[dict[str, Any], Densities]:
    folder = resources.files("services.permits") / "norms"
    document: dict[str, Any] = json.loads((folder / "plan_rules.json").read_text(encoding="utf-8"))
    return document, densities_from((folder / "densities.csv").read_text(encoding="utf-8"))


@cache
def rules_on(day: date) -> Rules:
    """The shipped rules on a day."""
    return rules_from(*_shipped(), day)
