"""What authorities and supervisors do to a permit against its holder's will, and the appeal against it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from services.permits.domain.day import peru_day_of
from services.permits.domain.lifecycle import Done, transition
from services.permits.domain.permit import Act, Permit
from shared.refusal import Refusal


@dataclass(eq=False)
class MeasureOfSupervisor(Refusal):
    """The authority that approves does not lift what the supervisor ordered."""

    slug: ClassVar[str] = "measure-of-supervisor"
    es: ClassVar[str] = "{permit}: es una medida de la supervisión ({measure}); la levanta la supervisión."
    en: ClassVar[str] = "{permit}: this is a measure of the supervisor ({measure}); the supervisor lifts it."
    permit: str
    measure: str


@dataclass(eq=False)
class FollowsPlan(Refusal):
    """The permit was suspended with its plan, or the plan above, and comes back with it."""

    slug: ClassVar[str] = "follows-plan"
    es: ClassVar[str] = "{permit} se suspendió con su plan {plan}: levante la suspensión del plan."
    en: ClassVar[str] = "{permit} was suspended with its plan {plan}: lift the suspension of the plan."
    permit: str
    plan: str


@dataclass(eq=False)
class CaducityDeclared(Refusal):
    """A declared caducity is confirmed, or falls by an appeal; nothing else moves the permit."""

    slug: ClassVar[str] = "caducity-declared"
    es: ClassVar[str] = "{permit} tiene caducidad declarada: se confirma o cae por apelación."
    en: ClassVar[str] = "{permit} has its caducity declared: it is confirmed, or falls by an appeal."
    permit: str


@dataclass(eq=False)
class NoCaducity(Refusal):
    """Only a caducity that was declared is confirmed."""

    slug: ClassVar[str] = "no-caducity"
    es: ClassVar[str] = "{permit} no tiene caducidad declarada."
    en: ClassVar[str] = "{permit} has no caducity declared."
    permit: str


@dataclass(eq=False)
class AppealTermRuns(Refusal):
    """A caducity becomes final when the term to appeal is over, or an appeal was dismissed."""

    slug: ClassVar[str] = "appeal-term-runs"
    es: ClassVar[str] = "La caducidad de {permit} se puede apelar hasta el {last_day}; se confirma después."
    en: ClassVar[str] = "The caducity of {permit} may be appealed until {last_day}; it is confirmed afterwards."
    permit: str
    last_day: str


@dataclass(eq=False)
class AppealOpen(Refusal):
    """Nothing becomes final, and nothing is appealed again, while an appeal is open."""

    slug: ClassVar[str] = "appeal-open"
    es: ClassVar[str] = "{permit} tiene abierta la apelación {appeal}."
    en: ClassVar[str] = "{permit} has appeal {appeal} open."
    permit: str
    appeal: str


@dataclass(eq=False)
class AppealedAlready(Refusal):
    """A measure is appealed once: a dismissed appeal is not filed again to keep it from becoming final."""

    slug: ClassVar[str] = "appealed-already"
    es: ClassVar[str] = "La medida sobre {permit} ya se apeló y la apelación se desestimó."
    en: ClassVar[str] = "The measure on {permit} was appealed before, and the appeal was dismissed."
    permit: str


@dataclass(frozen=True, slots=True)
class Appeal:
    """Why the holder contests a measure; ``against`` is the person who ordered it."""

    id: str
    ground: str
    documents: tuple[str, ...]
    state: str
    filed_by: str
    against: str
    resolution: str | None = None


def check_lifting(permit: Permit, roles: frozenset[str], down: str) -> None:
    """Refuse to lift what is another's to lift; ``down`` is the plan that fell, its own or the one above."""
    if permit.measure == "caducity":
        raise CaducityDeclared(permit.number)
    if permit.measure == "plan":
        raise FollowsPlan(permit.number, down)
    if permit.measure == "precautionary" and "supervisor" not in roles:
        raise MeasureOfSupervisor(permit.number, permit.measure)


def check_appeal(permit: Permit, acts: Iterable[Act], person: str) -> None:
    """A permit under a measure that was not appealed in vain before."""
    transition("permit", "appeal").take(permit.number, permit.state, person, {})
    if _dismissed(acts):
        raise AppealedAlready(permit.number)


def check_term(permit: Permit, acts: Sequence[Act], appeal_days: int, today: date) -> None:
    """A declared caducity is final after so many days without an appeal, or when one was dismissed."""
    declared = [date.fromisoformat(peru_day_of(act.at)) for act in acts if act.kind == "caducity"]
    last_day = max(declared) + timedelta(appeal_days)
    if today <= last_day and not _dismissed(acts):
        raise AppealTermRuns(permit.number, last_day.isoformat())


def _dismissed(acts: Iterable[Act]) -> bool:
    """Whether an appeal against the measure that the permit is under was dismissed."""
    dismissed = False
    for act in acts:
        dismissed = act.kind == "appeal_dismissed" or (dismissed and act.kind not in _MEASURES)
    return dismissed


_MEASURES = frozenset({"suspended", "precautionary", "caducity"})


def check_measure(permit: Permit, act: str, person: str, appeal: Appeal | None) -> None:
    """Whether a supervisor may order ``order_precautionary``, ``declare_caducity`` or ``confirm_caducity`` now."""
    transition("permit", act).take(permit.number, permit.state, person, done_on(permit))
    if appeal is not None:
        raise AppealOpen(permit.number, appeal.id)
    if act == "confirm_caducity" and permit.measure != "caducity":
        raise NoCaducity(permit.number)
    if act != "confirm_caducity" and permit.measure == "caducity":
        raise CaducityDeclared(permit.number)


def done_on(permit: Permit) -> Done:
    """Who proposed and approved it, and who ordered the measure it is under."""
    ordered = [permit.measure_by] if permit.measure_by else []
    acts = {
        "precautionary": "order_precautionary",
        "caducity": "declare_caducity",
        "suspension": "suspend",
        "plan": "suspend",
    }
    by = {acts[permit.measure]: ordered} if permit.measure in acts else {}
    return {"propose": [permit.proposed_by], "approve": [permit.approved_by] if permit.approved_by else [], **by}
