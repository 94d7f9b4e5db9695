"""The form in which a flag answers, and the three-valued words of its conditions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from services.contracts.domain.judged import Case
from services.contracts.domain.verdict import Thresholds
from services.contracts.domain.words import Both
from shared.timber.measure import half_up

State = Literal["raised", "clear", "unknown"]
Severity = Literal["S", "H", "M", "I"]


@dataclass(frozen=True, slots=True)
class FlagSpec:
    """One flag of the catalogue."""

    code: str
    name: str
    severity: Severity
    threshold: Mapping[str, str | int]
    source: str
    source_es: str
    legal_review: str
    es: Mapping[str, str]
    en: Mapping[str, str]

    def limit(self, name: str) -> Decimal:
        return Decimal(self.threshold[name])


@dataclass(frozen=True, slots=True)
class FlagPack:
    """The catalogue of one version, pinned by the hash of its bytes."""

    version: str
    legal_review: str
    sha256: str
    verdict: Thresholds
    flags: tuple[FlagSpec, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found. ``words`` fill the texts; ``evidence`` is for machines."""

    state: State
    evidence: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Both | str] = field(default_factory=dict)
    severity: Severity | None = None
    loss: Decimal | None = None


UNKNOWN = Outcome("unknown")


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it is answered."""

    spec: FlagSpec
    outcome: Outcome
    version: str

    @property
    def severity(self) -> Severity:
        return self.outcome.severity or self.spec.severity

    def text(self, language: Literal["es", "en"]) -> str:
        """The sentence of its state, filled with what was found."""
        template = (self.spec.es if language == "es" else self.spec.en)[self.outcome.state]
        words = {
            name: getattr(word, language) if isinstance(word, Both) else word
            for name, word in self.outcome.words.items()
        }
        return template.format_map({"where": "", **words}).strip()


Check = Callable[[Case, FlagSpec], Outcome]
Words = dict[str, Both | str]


def any_of(*conditions: bool | None) -> bool | None:
    """True when one holds; unknown when none is known to hold and one is unknown."""
    return True if True in conditions else None if None in conditions else False


def all_of(*conditions: bool | None) -> bool | None:
    """False when one fails; unknown when none is known to fail and one is unknown."""
    return False if False in conditions else None if None in conditions else True


def is_not(condition: bool | None) -> bool | None:
    """The opposite; unknown stays unknown."""
    return None if condition is None else not condition


def more_than(value: Decimal | int | None, limit: Decimal) -> bool | None:
    """Whether a figure passes its limit; unknown where nobody gave it."""
    return None if value is None else value > limit


def found(
    raised: bool | None, evidence: Mapping[str, Any], words: Mapping[str, Both | str] | None = None,
    severity: Severity | None = None, loss: Decimal | None = None,
) -> Outcome:  # fmt: skip
    """The outcome of a condition; severity and loss count only where it is raised."""
    if raised:
        return Outcome("raised", evidence, words or {}, severity, loss)
    return Outcome("unknown" if raised is None else "clear", evidence, words or {})


def stated(case: Case, *terms: str) -> dict[str, Any]:
    """The facts of clauses that a flag looked at, as evidence."""
    facts = case.offer.terms.model_dump(mode="json", include=set(terms))
    return {term: facts.get(term) for term in terms}


def where(case: Case, *terms: str) -> Words:
    """The clause and page of those facts, where somebody named them."""
    cited = [case.offer.terms.where[term] for term in terms if term in case.offer.terms.where]
    if not cited:
        return {}
    return {"where": Both(f"(Vea: {'; '.join(cited)}.)", f"(See: {'; '.join(cited)}.)")}


def percent(share: Decimal) -> str:
    """A share for people, to a tenth of a per cent."""
    return f"{half_up(share * 100, Decimal('0.1')):f}".removesuffix(".0")
