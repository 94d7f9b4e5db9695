"""What the review of a plan found, what was said of it, and the record of those who sign and move."""

from datetime import date
from typing import Any, Literal

from pydantic import computed_field

from services.permits.domain.spoken import in_spanish
from services.permits.schemas.words import In, Out, Sha256, Writing


class WordIn(In):
    """What somebody says of a finding, and the SHA-256 of the paper that bears it out."""

    text: Writing
    attachment_sha256: Sha256 | None = None


class DecisionIn(WordIn):
    """The decision of an officer."""

    decision: Literal["accepted", "upheld"]


class ClosingIn(WordIn):
    """How a finding ends."""

    outcome: Literal["accepted", "upheld", "lifted"]


class FindingActOut(Out):
    """An act on a finding. Who (as a pseudonym) and why only for those concerned."""

    act: str
    state: str
    outcome: str
    at: str
    org: str
    by: str | None
    text: str | None
    attachment_sha256: str | None


class RuleOutcome(Out):
    """What one rule says of one subject."""

    rule: str
    status: str
    severity: str
    kind: str
    numeral: str
    subject: str
    computed: dict[str, Any]
    threshold: dict[str, Any]
    norm: str
    source: str
    es: str
    en: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def source_es(self) -> str:
        """The source in Spanish."""
        return in_spanish(self.source)


class RuleOutcomeWithEvidence(RuleOutcome):
    """The same with rows that a forester can look up; ``None`` for those who may not see them."""

    evidence: list[dict[str, Any]] | None


class PlanFindingOut(RuleOutcomeWithEvidence):
    """A finding as kept. ``blocks`` is why it keeps the plan from approval, if it does; ``state`` is empty unless it failed.
    ``other_plan`` is the plan that ``computed.other_plan`` numbers, where the caller may see it."""

    id: str
    state: str
    outcome: str
    blocks: str | None
    acts: list[FindingActOut]
    other_plan: str | None


class ReviewOut(Out):
    """One review of a plan."""

    plan: str
    review: int
    at: str
    org: str
    norms: str
    census_root: str
    findings: list[PlanFindingOut]


class ConfirmedOut(Out):
    """A finding of false data that was upheld."""

    id: str
    rule: str
    subject: str
    upheld_on: date


class PartOut(Out):
    """A plan in which the organisation had a part."""

    plan: str
    part: str
    org: str
    signed_on: date
    confirmed: list[ConfirmedOut]


class SupervisedOut(Out):
    """A closed supervision of a permit that the organisation holds in a community: V3 in permille, and what it is made of. None
    takes the place of another; the oldest come first."""

    org: str
    supervision: str
    permit: str
    closed_on: date
    moved_dm3: int
    unjustified_dm3: int
    v3_permille: int | None


class TrackRecordOut(Out):
    """What is known of an organisation: the counts, what the rules say of them, and the plans they are counted from."""

    org: str
    as_of: date
    plans_signed: int
    plans_signed_in_a_year: int
    plans_confirmed_false: int
    communities_held: int
    communities_confirmed_false: int
    supervised: list[SupervisedOut]
    findings: list[RuleOutcomeWithEvidence]
    plans: list[PartOut]
