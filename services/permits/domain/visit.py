"""Field work on a plan, whether a verification by lottery or a supervision: who may do it, and what it reports to the log."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar, Literal

from services.permits.domain.field_norms import Tolerances
from services.permits.domain.party import Organisation, SamePerson
from services.permits.domain.plan import Inspection, Plan
from shared.refusal import NotAllowed, Refusal
from shared.timber.party import INDEPENDENT
from shared.timber.refusals import NotIndependent

Kind = Literal["verification", "supervision"]
MOST_TREES = 200
"""Trees in one ``inspection.reported``; more are reported in parts."""


@dataclass(eq=False)
class NotAssigned(NotAllowed):
    """The field work belongs to another organisation."""

    slug: ClassVar[str] = "not-assigned"
    es: ClassVar[str] = "Este trabajo de campo es de {visitor}: {action}."
    en: ClassVar[str] = "This field work is of {visitor}: {action}."
    visitor: str


@dataclass(eq=False)
class VisitClosed(Refusal):
    """The field work was closed; what it found does not change any more."""

    slug: ClassVar[str] = "visit-closed"
    es: ClassVar[str] = "{number} ya se cerró."
    en: ClassVar[str] = "{number} is closed already."
    number: str


@dataclass(eq=False)
class ResultRecorded(Refusal):
    """The tree has another result already; a second one needs the reason why the first does not stand."""

    slug: ClassVar[str] = "result-recorded"
    es: ClassVar[str] = "El árbol {parcel} {code} ya tiene otro resultado; para corregirlo diga por qué (reason)."
    en: ClassVar[str] = "Tree {parcel} {code} already has another result; to correct it say why (reason)."
    parcel: str
    code: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Field work on one plan by one organisation. ``org`` is the plan's."""

    number: str
    kind: Kind
    plan: str
    org: str
    regent: str | None
    region: str
    visitor: str
    tolerances: Tolerances
    opened_by: str
    opened_at: datetime
    closed_by: str | None
    closed_at: datetime | None

    def check_open(self) -> None:
        """Refuse to change what was closed."""
        if self.closed_at is not None:
            raise VisitClosed(self.number)

    def check_visitor(self, org: str, action: str) -> None:
        """Only the organisation that was assigned works on it."""
        if org != self.visitor:
            raise NotAssigned(action, "organisation", self.visitor)


@dataclass(frozen=True, slots=True)
class Result:
    """One result as stored: the public facts with the verdict, who recorded it, and how many results the tree had by then."""

    seq: int
    parcel: str
    code: str
    facts: Mapping[str, Any]
    recorded_by: str
    recorded_at: datetime
    times: int

    @property
    def verdict(self) -> str:
        """What the pairs said."""
        return str(self.facts["verdict"])


def check_independent(plan: Plan, sub: str, org: Organisation, permit_makers: Iterable[str] = ()) -> None:
    """Whoever goes into the field had no part in the plan (drafted, uploaded, submitted, approved, or is its regent) nor
    in the permit, and belongs to an organisation whose inspections count."""
    plan.check_no_part(sub, org.id)
    if sub in set(permit_makers):
        raise SamePerson("hizo o aprobó el permiso", "supervisarlo", "make or approve the permit", "supervise it")
    check_organisation(plan, org)


def check_organisation(plan: Plan, org: Organisation) -> None:
    """The same of an organisation alone."""
    plan.check_no_stake(org.id)
    if org.kind not in INDEPENDENT:
        raise NotIndependent(org.id, org.kind, plan.id)


def check_repeated(known: Result | None, facts: Mapping[str, Any], reason: str | None, *, aside: bool) -> bool:
    """Whether a result is new. The same again is known; another one needs a reason. ``aside``: whether place and observation,
    which are kept apart, are those that were recorded."""
    if known is None:
        return True
    if known.facts == facts and aside:
        return False
    if reason is None:
        raise ResultRecorded(known.parcel, known.code)
    return True


def inspections_of(
    visit: Visit, results: Iterable[tuple[Result, int]], before: Container[tuple[str, str]] = ()
) -> list[Inspection]:
    """What goes into the log as ``inspection.reported``: one for each parcel and 200 trees. The volume is that of the census
    for the trees that were reached, absent ones too: it says how much was looked at. Trees that were reported ``before``
    add none: to look twice at a tree does not cover more of the plan."""
    reached = sorted(
        ((result, volume) for result, volume in results if result.verdict != "not_reached"),
        key=lambda pair: (pair[0].parcel, pair[0].code),
    )
    parts = [
        (parcel, trees[start : start + MOST_TREES])
        for parcel, group in groupby(reached, key=lambda pair: pair[0].parcel)
        for trees in [list(group)]
        for start in range(0, len(trees), MOST_TREES)
    ]
    return [
        Inspection(
            visit.number if len(parts) == 1 else f"{visit.number}-{n}", visit.plan, parcel, visit.visitor, len(trees),
            sum(result.verdict == "absent" for result, _ in trees),
            sum(result.verdict == "mismatch" for result, _ in trees),
            sum(volume for result, volume in trees if (result.parcel, result.code) not in before), tuple(result.code for result, _ in trees),
        )
        for n, (parcel, trees) in enumerate(parts, 1)
    ]  # fmt: skip
