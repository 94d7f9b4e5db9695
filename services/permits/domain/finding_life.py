"""The life of a failed finding: open, explained, accepted or upheld, appealed, closed; and what it keeps from happening.

``STEPS`` is the whole of it: from which state, by which act, to which state, who may, and who of them may not.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal

from services.permits.domain.day import peru_day
from services.permits.domain.finding import Finding
from services.permits.domain.party import SameOrganisation, SamePerson, WrongState
from services.permits.domain.plan import Plan
from services.permits.domain.rules.catalogue import About, Terms
from shared.refusal import NotAllowed, Refusal

Act = Literal["explain", "accept", "uphold", "appeal", "close"]
DECISIONS: dict[str, Act] = {"accepted": "accept", "upheld": "uphold"}
Outcome = Literal["", "accepted", "upheld", "lifted"]
Part = Literal["operator", "officer"]
# How often one organisation speaks in one appeal.
MOST_APPEALS = 5


@dataclass(eq=False)
class NothingToAnswer(Refusal):
    """The rule holds or was not evaluated: there is nothing to explain, decide or appeal."""

    slug: ClassVar[str] = "nothing-to-answer"
    es: ClassVar[str] = "La regla {rule} no falló ({status}): no hay observación que responder."
    en: ClassVar[str] = "Rule {rule} did not fail ({status}): there is no finding to answer."
    rule: str
    status: str


@dataclass(eq=False)
class TermNotOver(Refusal):
    """Somebody still has days to speak."""

    slug: ClassVar[str] = "term-not-over"
    es: ClassVar[str] = "El plazo para explicar o apelar corre hasta el {until}: antes no se puede {act_es}."
    en: ClassVar[str] = "The term to explain or appeal runs until {until}: before that one may not {act_en}."
    until: str
    act_es: str
    act_en: str


@dataclass(eq=False)
class TooManyAppeals(Refusal):
    """The organisation has said what it had to say: whoever decides the appeal reads all of it."""

    slug: ClassVar[str] = "too-many-appeals"
    es: ClassVar[str] = "{org} ya presentó {most} escritos en esta apelación; no se admiten más hasta que se resuelva."
    en: ClassVar[str] = (
        "{org} has already put in {most} writings in this appeal; no more are taken until it is decided."
    )
    org: str
    most: int


@dataclass(eq=False)
class NotYours(NotAllowed):
    """Explaining and appealing are for those who made the plan, deciding and closing for officers."""

    slug: ClassVar[str] = "not-your-finding"
    es: ClassVar[str] = "Solo responde por el plan quien lo hizo: la comunidad o su regencia ({action})."
    en: ClassVar[str] = "Only those who made the plan answer for it: the community or its regent firm ({action})."


@dataclass(eq=False)
class ReviewNeeded(Refusal):
    """The plan was never reviewed, or too long ago to be approved on it."""

    slug: ClassVar[str] = "review-needed"
    es: ClassVar[str] = (
        "La última revisión del plan {plan} es de {reviewed_on}; vale {days} días una que pidió un funcionario después de la"
        " presentación, mientras no cambie una licencia o un papel CITES ni alguien vea los árboles. Hace falta otra revisión."
    )
    en: ClassVar[str] = (
        "The last review of plan {plan} is of {reviewed_on}; one that an officer asked for after the submission holds {days}"
        " days, unless a licence or a CITES paper changes or somebody looks at the trees. Another review is needed."
    )
    plan: str
    reviewed_on: str
    days: int


@dataclass(eq=False)
class FindingsOpen(Refusal):
    """The review of the plan found what keeps it from approval; each with its id, rule, severity and why."""

    slug: ClassVar[str] = "findings-open"
    es: ClassVar[str] = (
        "El plan {plan} no se aprueba por {count} observaciones: {names}. S4 no se aprueba mientras se sostenga; S3 necesita antes la decisión"
        " escrita de un funcionario; S2, la explicación de quien hizo el plan; lo confirmado no se aprueba."
    )
    en: ClassVar[str] = (
        "Plan {plan} is not approved because of {count} findings: {names}. S4 is not approved while it stands; S3 first needs the written"
        " decision of an officer; S2 the explanation of who made the plan; what was upheld is not approved."
    )
    plan: str
    count: int
    names: str
    findings: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table. ``not_by`` names those kept out of it; ``term`` the days that must have passed before it."""

    act: Act
    before: str
    after: str
    by: Part
    outcome: Outcome = ""
    not_by: tuple[str, ...] = ()
    term: str = ""


_JUDGES = ("makers", "approver")
STEPS = (
    Step("explain", "open", "explained", "operator"),
    Step("explain", "explained", "explained", "operator"),
    Step("accept", "explained", "accepted", "officer", not_by=_JUDGES),
    Step("uphold", "explained", "upheld", "officer", not_by=_JUDGES),
    Step("uphold", "open", "upheld", "officer", not_by=_JUDGES, term="explanation_days"),
    Step("appeal", "upheld", "appealed", "operator"),
    Step("appeal", "appealed", "appealed", "operator"),
    Step("close", "accepted", "closed", "officer", "accepted", not_by=_JUDGES),
    Step("close", "upheld", "closed", "officer", "upheld", not_by=_JUDGES, term="appeal_days"),
    Step("close", "appealed", "closed", "officer", "upheld", not_by=(*_JUDGES, "decider")),
    Step("close", "appealed", "closed", "officer", "lifted", not_by=(*_JUDGES, "decider")),
)
STATES = tuple(dict.fromkeys(state for step in STEPS for state in (step.before, step.after)))
_WORDS = {
    "explain": ("explicar", "explain"), "accept": ("aceptar", "accept"), "uphold": ("confirmar", "uphold"),
    "appeal": ("apelar", "appeal"), "close": ("cerrar", "close"),
}  # fmt: skip
_KEPT_OUT = {
    "makers": ("hizo el plan", "make the plan"),
    "approver": ("aprobó el plan", "approve the plan"),
    "decider": ("decidió la observación", "decide the finding"),
}


@dataclass(frozen=True, slots=True)
class Done:
    """An act on a finding: who did what, when and why. ``text`` is ``None`` where the reader may not see it; ``documents`` are the papers
    that an act on a supervised volume rests on."""

    act: str
    state: str
    outcome: str
    at: datetime
    by: str
    org: str
    text: str | None
    attachment_sha256: str | None
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A finding as kept, with all that was done about it. ``shown`` is whether its evidence is the reader's to see."""

    id: str
    finding: Finding
    about: About
    opened_at: datetime
    acts: tuple[Done, ...]
    shown: bool

    @property
    def state(self) -> str:
        """Where it stands; empty for a rule that did not fail."""
        if self.finding.status != "FAIL":
            return ""
        return self.acts[-1].state if self.acts else "open"

    @property
    def outcome(self) -> str:
        """How it was closed; empty before."""
        return self.acts[-1].outcome if self.acts else ""

    @property
    def deciders(self) -> frozenset[str]:
        """Who accepted or upheld it."""
        return frozenset(done.by for done in self.acts if done.act in ("accept", "uphold"))

    @property
    def lifters(self) -> frozenset[str]:
        """Who lifted it on appeal."""
        return frozenset(done.by for done in self.acts if done.outcome == "lifted")


@dataclass(frozen=True, slots=True)
class Review:
    """One evaluation of all rules over a plan. ``changes`` is how often what it read had been changed by others until then;
    ``None`` for one of before that was counted."""

    id: int
    plan: str
    at: datetime
    by: str
    org: str
    norms: str
    census_root: str
    changes: int | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts, on a day."""

    sub: str
    org: str
    day: date


def next_step(
    known: KnownFinding, plan: Plan, act: Act, outcome: Outcome, who: Actor, terms: Terms, holder: str = ""
) -> Step:
    """The step of the table that this act is, or the refusal that says why it is none. ``holder`` is who holds the permit that it is
    about, where it is about one: it answers beside those who made the plan, and judges as little."""
    if known.finding.status != "FAIL":
        raise NothingToAnswer(known.finding.rule, known.finding.status)
    asked = [step for step in STEPS if step.act == act and step.outcome == outcome]
    _check_part(asked[0], plan, who, holder)
    step = next((one for one in asked if one.before == known.state), None)
    if step is None:
        raise WrongState("finding", known.id, known.state, ", ".join(one.before for one in asked))
    if act == "appeal" and sum(done.act == "appeal" and done.org == who.org for done in known.acts) >= MOST_APPEALS:
        raise TooManyAppeals(who.org, MOST_APPEALS)
    _check_person(step, known, plan, who)
    _check_term(step, known, who, terms)
    return step


def _check_part(step: Step, plan: Plan, who: Actor, holder: str) -> None:
    concerned = who.org in (plan.org, plan.regent, holder)
    if step.by == "operator" and not concerned:
        raise NotYours(_WORDS[step.act][0], "party")
    if step.by == "officer" and concerned:
        raise SameOrganisation(who.org, plan.id)


def _check_person(step: Step, known: KnownFinding, plan: Plan, who: Actor) -> None:
    people = {"makers": plan.acted, "approver": {plan.approved_by}, "decider": known.deciders}
    for name in step.not_by:
        if who.sub in people[name]:
            (first, first_en), (second, second_en) = _KEPT_OUT[name], _WORDS[step.act]
            raise SamePerson(first, second, first_en, second_en)


def _check_term(step: Step, known: KnownFinding, who: Actor, terms: Terms) -> None:
    if not step.term:
        return
    began = known.acts[-1].at if known.acts else known.opened_at
    until = peru_day(began) + timedelta(days=getattr(terms, step.term))
    if who.day <= until:
        raise TermNotOver(until.isoformat(), *_WORDS[step.act])


# ---- what it keeps from happening


def check_gate(
    plan: Plan, review: Review | None, found: Iterable[KnownFinding], approver: str, day: date, terms: Terms, changes: int,
) -> None:  # fmt: skip
    """A fresh review of this census that an officer asked for, nothing in it that blocks, and an approver who decided or
    lifted none of its findings. That of the submission knows nothing of the field and of who decides, so it is not enough; nor
    is one after which a licence or a CITES paper was changed, or somebody looked at the trees."""
    days = terms.review_days
    stale = review is None or review.census_root != plan.census.root or (day - peru_day(review.at)).days > days
    outdated = review is not None and review.changes != changes
    if review is None or stale or outdated or review.org in plan.makers:
        raise ReviewNeeded(plan.id, "–" if review is None else peru_day(review.at).isoformat(), days)
    known = list(found)
    blocking = [(one, why) for one in known if (why := why_blocked(one)) is not None]
    if blocking:
        names = ", ".join(f"{one.finding.rule} ({one.finding.severity})" for one, _ in blocking)
        raise FindingsOpen(plan.id, len(blocking), names, [_named(one, why) for one, why in blocking])
    if any(approver in one.deciders | one.lifters for one in known):
        raise SamePerson("decidió una observación", "aprobar el plan", "decide a finding", "approve the plan")


def why_blocked(known: KnownFinding) -> str | None:
    """``stands`` (S4), ``upheld``, ``needs-decision`` (S3), ``needs-explanation`` (S2), or nothing.

    What a pattern suggests may be wrong of an honest census, which nobody can then put right: an appeal that lifted it
    ends it, also at S4. An S4 of the other kinds names a fact, and goes away when the fact does.
    """
    severity, state = known.finding.severity, known.state
    if severity not in ("S2", "S3", "S4"):
        return None
    if severity == "S4" and not (known.outcome == "lifted" and known.about.kind == "pattern"):
        return "stands"
    if state in ("upheld", "appealed") or known.outcome == "upheld":
        return "upheld"
    if state in ("accepted", "closed") or (state == "explained" and severity == "S2"):
        return None
    return "needs-decision" if severity == "S3" else "needs-explanation"


def _named(known: KnownFinding, why: str) -> dict[str, str]:
    finding = known.finding
    return {
        "id": known.id, "rule": finding.rule, "severity": finding.severity, "subject": finding.subject, "why": why,
        "es": finding.es, "en": finding.en,
    }  # fmt: skip


def digest_of(finding: Finding) -> bytes:
    """What makes two findings the same: rule, subject, figures, threshold, norm and evidence; not their wording.

    Evidence may hold places, so the digest is as private as they are.
    """
    facts: dict[str, Any] = {
        name: value for name, value in finding.facts().items() if name not in ("es", "en", "source")
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).digest()
