"""From the outcomes on a lot to one word, the same for whoever works it out.

``INCOMPLETE`` when a mandatory rule could not be evaluated; else ``TO_REVIEW`` when a finding of S3 or S4 is open,
or two of S2 from different families; else ``CONSISTENT``. A finding that a supervisor resolved is shown and not open. The word never comes without the share of the authorised
volume that somebody independent saw in the field, nor without the list of what nobody checked.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from shared.timber.event import Record
from shared.timber.facts import Inspection, Permit
from shared.timber.norms import Norms, Rule
from shared.timber.rules.outcome import Outcome, Resolved
from shared.timber.rules.texts import percent

Word = Literal["CONSISTENT", "TO_REVIEW", "INCOMPLETE"]
RuleStatus = Literal["PASS", "FAIL", "NOT_EVALUATED", "NOT_APPLICABLE", "RESOLVED"]

_WORDS_ES = {"CONSISTENT": "CONSISTENTE", "TO_REVIEW": "POR REVISAR", "INCOMPLETE": "INCOMPLETO"}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the authorised volume field inspections looked at."""

    inspected_dm3: int
    authorised_dm3: int
    trees_sampled: int
    trees_absent: int

    @property
    def permille(self) -> int:
        """Thousandths of the authorised volume, rounded down, never above the whole."""
        return min(self.inspected_dm3 * 1000 // self.authorised_dm3, 1000) if self.authorised_dm3 else 0


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule says of the lot as a whole: its gravest outcome."""

    rule: str
    family: str
    status: RuleStatus
    severity: str
    mandatory: bool
    title_es: str
    title_en: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, what it rests on and what it leaves out."""

    word: Word
    rules: list[RuleResult]
    findings: list[Outcome]
    missing: list[str]
    coverage: Coverage
    not_checked: list[dict[str, str]]
    norms: str

    @property
    def text_es(self) -> str:
        """The verdict in one Spanish sentence, with the coverage."""
        return (
            f"{_WORDS_ES[self.word]}: {_count(len(self.open), 'observación abierta', 'observaciones abiertas')}; "
            f"{percent(self.coverage.permille)} % del volumen autorizado se verificó en campo."
        )

    @property
    def text_en(self) -> str:
        """The verdict in one English sentence, with the coverage."""
        return (
            f"{self.word}: {_count(len(self.open), 'open finding', 'open findings')}; "
            f"{percent(self.coverage.permille)} % of the authorised volume was verified in the field."
        )

    @property
    def open(self) -> list[Outcome]:
        """The outcomes that failed and that no supervisor has resolved."""
        return [finding for finding in self.findings if finding.status == "FAIL"]

    def as_dict(self) -> dict[str, Any]:
        """The verdict for machines and for people."""
        return {
            "word": self.word,
            "text_es": self.text_es,
            "text_en": self.text_en,
            "coverage": {
                "permille": self.coverage.permille,
                "inspected_dm3": self.coverage.inspected_dm3,
                "authorised_dm3": self.coverage.authorised_dm3,
                "trees_sampled": self.coverage.trees_sampled,
                "trees_absent": self.coverage.trees_absent,
            },
            "rules": [{name: getattr(rule, name) for name in RuleResult.__slots__} for rule in self.rules],
            "findings": [_told(finding) for finding in self.findings],
            "missing": self.missing,
            "not_checked": self.not_checked,
            "norms": self.norms,
        }


def _told(finding: Outcome) -> dict[str, Any]:
    return finding.as_dict() | {"resolution": finding.resolution if isinstance(finding, Resolved) else None}


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def kinds_of(records: Iterable[Record]) -> set[str]:
    """The types present among the records of a lot, telling guides that draw on a permit, cuts of branches, revocations that put
    in doubt and sales that name a certificate from the others."""
    kinds: set[str] = set()
    for record in records:
        kinds.add(record.type)
        if record.type == "guide.issued" and "permit" in record.body:
            kinds.add("guide.issued/permit")
        elif record.type == "log.cut" and any(section["branch"] for section in record.body["sections"]):
            kinds.add("log.cut/branch")
        elif record.type == "key.revoked" and "distrust_from" in record.body:
            kinds.add("key.revoked/distrust")
        elif record.type == "lot.sold" and "certificate" in record.body:
            kinds.add("lot.sold/certificate")
    return kinds


def coverage_of(inspections: Iterable[Inspection], permits: Iterable[Permit]) -> Coverage:
    """The inspections of the plans of these permits against what the permits authorise."""
    seen = list(inspections)
    return Coverage(
        sum(one.volume_dm3 for one in seen),
        sum(permit.authorised_dm3 for permit in permits),
        sum(one.sampled for one in seen),
        sum(one.absent for one in seen),
    )


def verdict(outcomes: Iterable[Outcome], kinds: Collection[str], norms: Norms, day: str, coverage: Coverage) -> Verdict:
    """The verdict on a lot: ``kinds`` as ``kinds_of`` its records, ``day`` the last of theirs.

    Outcomes that passed may be among them or not: a rule that applies and neither failed nor lacked anything passed.
    """
    findings = sorted(
        (outcome for outcome in outcomes if outcome.status != "PASS"),
        key=lambda outcome: (outcome.rule, outcome.subject, outcome.case),
    )
    rules = [_result(rule, findings, kinds) for rule in norms.on(day).values()]
    missing = [kind for kind in norms.origin if kind not in kinds]
    idle = [
        {"es": f"{rule.rule}: {rule.title_es}.", "en": f"{rule.rule}: {rule.title_en}."}
        for rule in rules
        if rule.status in ("NOT_APPLICABLE", "NOT_EVALUATED")
    ]
    word = _word(rules, findings, {rule.rule: rule.family for rule in rules}, missing)
    return Verdict(word, rules, findings, missing, coverage, [*idle, *norms.not_checked], norms.version)


def _result(rule: Rule, findings: Iterable[Outcome], kinds: Collection[str]) -> RuleResult:
    own = [finding for finding in findings if finding.rule == rule.rule]
    failed = [finding.severity for finding in own if finding.status == "FAIL"]
    status: RuleStatus
    if failed:
        status = "FAIL"
    elif any(finding.status == "NOT_EVALUATED" for finding in own):
        status = "NOT_EVALUATED"
    elif own:
        status = "RESOLVED"
    else:
        status = "PASS" if any(kind in kinds for kind in rule.when) else "NOT_APPLICABLE"
    return RuleResult(
        rule.rule, rule.family, status, max(failed, default=""), rule.mandatory, rule.title_es, rule.title_en
    )


def _word(
    rules: Iterable[RuleResult], findings: Iterable[Outcome], families: dict[str, str], missing: Collection[str]
) -> Word:
    found = list(findings)
    mandatory = {rule.rule for rule in rules if rule.mandatory}
    if missing or any(finding.status == "NOT_EVALUATED" and finding.rule in mandatory for finding in found):
        return "INCOMPLETE"
    still_open = [finding for finding in found if finding.status == "FAIL"]
    if any(finding.severity in ("S3", "S4") for finding in still_open):
        return "TO_REVIEW"
    if len({families[finding.rule] for finding in still_open if finding.severity == "S2"}) > 1:
        return "TO_REVIEW"
    return "CONSISTENT"
