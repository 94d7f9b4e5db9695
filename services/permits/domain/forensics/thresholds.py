"""Thresholds and coefficients of the forensic rules, by day: data with source in ``norms/forensics.json``."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from services.permits.domain.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The values in force on one day, by name, where each comes from and which version of the document last changed it.

    ``version`` is that of the whole document. A finding names the newest version among the thresholds it looked at: so a
    rule whose thresholds did not change finds the same as before, with what people answered to it.
    """

    version: str
    values: dict[str, Any]
    sources: dict[str, str]
    versions: dict[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def finding(
        self, rule: str, severity: Severity, names: tuple[str, ...], computed: dict[str, Any], es: str, en: str,
        evidence: list[dict[str, Any]] | None = None, subject: str = "plan",
    ) -> Finding:  # fmt: skip
        """A rule that was evaluated: failed when it has a severity. ``names`` are the thresholds it looked at."""
        return Finding(
            rule, "FAIL" if severity else "PASS", severity, subject, plain(computed),
            {name: self.values[name] for name in names}, max(self.versions[name] for name in names),
            "; ".join(dict.fromkeys(self.sources[name] for name in names)), es, en, plain(evidence or []),
        )  # fmt: skip

    def unknown(self, rule: str, es: str, en: str, subject: str = "plan", **computed: Any) -> Finding:
        """A rule that lacks an input: it never passes."""
        return Finding(rule, "NOT_EVALUATED", "", subject, computed, {}, self.version, "", es, en)


def plain(value: Any) -> Any:
    """The same facts without numpy's numbers, as JSON and databases take them."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value


def thresholds_from(document: dict[str, Any], day: date) -> Thresholds:
    """The newest value of each threshold whose validity began by ``day``; ``ValueError`` when there is none at all."""
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    versions: dict[str, str] = {}
    for row in sorted(document["thresholds"], key=lambda row: str(row["valid_from"])):
        if date.fromisoformat(row["valid_from"]) <= day:
            values[row["name"]], sources[row["name"]] = row["value"], row["source"]
            versions[row["name"]] = row.get("version", document["rows_version"])
    if not values:
        raise ValueError(f"no forensic threshold is in force on {day}")
    return Thresholds(document["version"], values, sources, versions)


@cache
def thresholds_on(day: date) -> Thresholds:
    """The thresholds of this version on a day."""
    text = (resources.files("services.permits") / "norms" / "forensics.json").read_text(encoding="utf-8")
    return thresholds_from(json.loads(text), day)


def grade(value: float, s2: float, s3: float, s4: float = float("inf")) -> Severity:
    """The severity of a value that is worse when larger."""
    if value >= s4:
        return "S4"
    return "S3" if value >= s3 else "S2" if value >= s2 else ""
