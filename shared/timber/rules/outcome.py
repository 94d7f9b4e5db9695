"""What a rule says about one subject: pass, fail or not evaluated, with the figures it looked at."""

from dataclasses import dataclass
from typing import Any, Literal

from shared.timber.rules.texts import sentence

Status = Literal["PASS", "FAIL", "NOT_EVALUATED", "RESOLVED"]
Severity = Literal["", "S1", "S2", "S3", "S4"]


@dataclass(slots=True)
class Outcome:
    """One rule over one subject. ``case`` names which way it failed; ``severity`` is empty unless it failed."""

    rule: str
    status: Status
    severity: Severity
    subject: str
    case: str
    computed: dict[str, Any]
    threshold: dict[str, Any]
    norm: str
    source: str

    @property
    def text_es(self) -> str:
        """The sentence in Spanish, with its figures."""
        return sentence("es", self.rule, self.case, self.computed, self.threshold)

    @property
    def text_en(self) -> str:
        """The sentence in English, with its figures."""
        return sentence("en", self.rule, self.case, self.computed, self.threshold)

    def as_dict(self) -> dict[str, Any]:
        """The outcome for machines and for people."""
        return {
            "rule": self.rule,
            "status": self.status,
            "severity": self.severity,
            "subject": self.subject,
            "case": self.case,
            "computed": self.computed,
            "threshold": self.threshold,
            "norm": self.norm,
            "source": self.source,
            "text_es": self.text_es,
            "text_en": self.text_en,
        }


@dataclass(slots=True)
class Resolved(Outcome):
    """A failure that a supervisor has answered for. ``resolution``: by which organisation, its reason, the digest of
    its evidence, and the record that says so. Made when a verdict is given, never when a record is admitted."""

    resolution: dict[str, Any]

    @property
    def text_es(self) -> str:
        """The finding, and how it was resolved."""
        return f"{sentence('es', *self._said())} Resuelta por {self.resolution['by']}: {self.resolution['reason']}"

    @property
    def text_en(self) -> str:
        """The finding, and how it was resolved."""
        return f"{sentence('en', *self._said())} Resolved by {self.resolution['by']}: {self.resolution['reason']}"

    def _said(self) -> tuple[str, str, dict[str, Any], dict[str, Any]]:
        return self.rule, self.case, self.computed, self.threshold


def resolved(outcome: Outcome, resolution: dict[str, Any] | None) -> Outcome:
    """The outcome as it stands with this resolution of its rule on its record, if there is one."""
    if resolution is None or outcome.status != "FAIL":
        return outcome
    return Resolved(
        outcome.rule, "RESOLVED", outcome.severity, outcome.subject, outcome.case, outcome.computed, outcome.threshold,
        outcome.norm, outcome.source, resolution,
    )  # fmt: skip


class Outcomes(list[Outcome]):
    """What fails or could not be evaluated; ``passed`` holds the rules that passed."""

    __slots__ = ("passed",)

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[Outcome] = []

    def note(self, outcome: Outcome) -> None:
        """Keep an outcome where it belongs."""
        if outcome.status == "PASS":
            self.passed.append(outcome)
        else:
            self.append(outcome)

    @property
    def worst(self) -> str:
        """The gravest severity among the failures, or an empty text."""
        return max([outcome.severity for outcome in self]) if self else ""
