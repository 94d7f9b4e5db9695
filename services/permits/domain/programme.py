"""Programme indicators: what the permits, inspections and certificates of a region add up to on a day.

Pure: facts come in, each indicator goes out with its definition and the statements it rests on. What is not recorded here
is `NOT_EVALUATED` with the reason, never zero.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

from services.permits.domain.area import Rings, union_area_m2
from services.permits.domain.certificate import Act, Certificate, member_standing_on, standing_on

Status = Literal["COMPUTED", "NOT_EVALUATED", "WITHHELD"]
MOST_SOURCES = 100
COMMUNITIES = ("community", "community_enterprise")
GROUPS = ("consortium", "community_enterprise")
FOREST = ("fm", "fm_coc")


@dataclass(frozen=True, slots=True)
class PlanFact:
    """An approved plan: its title, whose it is, its days, its parcels with their areas, the statement of approval, and
    whether wood may be cut under it (a PGMF only says where)."""

    id: str
    title: str
    org: str
    org_kind: str
    harvest_from: date
    harvest_to: date
    parcels: tuple[tuple[str, int], ...]
    sid: str
    operational: bool = True

    def in_force(self, day: date) -> bool:
        """Whether the day lies in the plan's own days."""
        return self.harvest_from <= day <= self.harvest_to


@dataclass(frozen=True, slots=True)
class CertificateFact:
    """A certificate with its acts, the kind and region of its holder, and its statement."""

    certificate: Certificate
    acts: Sequence[Act]
    holder_kind: str
    sid: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one plan: what its permits authorise and what inspections looked at, in litres, with the statements of both."""

    plan: str
    authorised_dm3: int
    inspected_dm3: int
    sids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A finding that nobody has closed."""

    severity: str
    source: str


@dataclass(frozen=True, slots=True)
class Supervised:
    """Of one supervision: what was moved of the supervised species, and how much of that without a tree behind it, in litres."""

    moved_dm3: int
    unjustified_dm3: int
    source: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the indicators are computed from. ``boundaries`` are those of titles; ``parcel_shapes`` those of parcels by
    title and code, where they are known. ``findings`` are those open on the day, ``supervised`` the closed supervisions."""

    plans: Sequence[PlanFact]
    boundaries: Mapping[str, Rings]
    titles_of: Mapping[str, Sequence[str]]
    certificates: Sequence[CertificateFact]
    coverage: Sequence[Coverage]
    parcel_shapes: Mapping[tuple[str, str], Rings] = field(default_factory=dict)
    findings: Sequence[OpenFinding] = ()
    supervised: Sequence[Supervised] = ()


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure with what it means. ``value`` is a whole number of ``unit``; ``None`` unless it was computed."""

    id: str
    name_es: str
    name_en: str
    definition_es: str
    definition_en: str
    unit: str
    status: Status
    value: int | None = None
    detail: Mapping[str, int] = field(default_factory=dict)
    reason_es: str = ""
    reason_en: str = ""
    sources: Sequence[str] = ()
    target: int | None = None
    target_source: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """The words of an indicator."""

    id: str
    unit: str
    name_es: str
    name_en: str
    definition_es: str
    definition_en: str

    def computed(self, value: int, sources: Iterable[str], **detail: int) -> Indicator:
        return self._with("COMPUTED", value=value, sources=sorted(set(sources)), detail=detail)

    def not_evaluated(self, es: str, en: str) -> Indicator:
        return self._with("NOT_EVALUATED", reason_es=es, reason_en=en)

    def _with(self, status: Status, **more: Any) -> Indicator:
        words = {name: getattr(self, name) for name in self.__slots__}
        return Indicator(status=status, **words, **more)


_PLAN_AREA = _Kind(
    "plan_area_m2", "m2", "Hectáreas con plan de manejo vigente", "Hectares under a plan in force",
    "Unión geodésica de los linderos de los títulos que tienen un plan aprobado y vigente ese día; lo que dos títulos cubren cuenta una vez.",
    "Geodesic union of the boundaries of titles with a plan approved and in force on the day; what two titles cover counts once.",
)  # fmt: skip
_ACTIVE_AREA = _Kind(
    "po_active_area_m2", "m2", "Hectáreas de parcelas en plan operativo activo", "Hectares of parcels in an active operating plan",
    "Unión de las parcelas de los planes vigentes; de las que no tienen lindero se suma la superficie aprobada, una vez por título y parcela.",
    "Union of the parcels of the plans in force; of those without a boundary the approved area is added, once for each title and parcel.",
)  # fmt: skip
_COMMUNITIES = _Kind(
    "communities_with_plan", "communities", "Comunidades con plan vigente", "Communities with a plan in force",
    "Comunidades y empresas comunales titulares con al menos un plan aprobado y vigente ese día.",
    "Communities and community enterprises with a title and at least one plan approved and in force on the day.",
)  # fmt: skip
_GROUPS = _Kind(
    "groups_certified", "groups", "Consorcios con certificado de grupo", "Consortia with a group certificate",
    "Certificados de manejo forestal que valen ese día, cuyo titular es un consorcio o empresa comunal y que cubren al menos a un miembro.",
    "Forest management certificates that count on the day, whose holder is a consortium or community enterprise and that cover a member.",
)  # fmt: skip
_CERTIFIED_AREA = _Kind(
    "certified_area_m2", "m2", "Hectáreas certificadas", "Certified hectares",
    "Unión geodésica de los linderos de los títulos de los miembros cubiertos y de los titulares de esos certificados.",
    "Geodesic union of the boundaries of the titles of covered members and of the holders of those certificates.",
)  # fmt: skip
_COVERAGE = _Kind(
    "verification_coverage_permille", "permille", "Volumen autorizado verificado en campo", "Authorised volume verified in the field",
    "Volumen inspeccionado entre volumen autorizado de los permisos de los planes vigentes; ningún plan cuenta más que lo suyo.",
    "Inspected volume over authorised volume of the permits of the plans in force; no plan counts for more than its own.",
)  # fmt: skip
_FINDINGS = _Kind(
    "findings_open", "findings", "Observaciones abiertas", "Open findings",
    "Observaciones sobre planes que nadie ha cerrado, por severidad.", "Findings on plans that nobody has closed, by severity.",
)  # fmt: skip
_V3 = _Kind(
    "unjustified_v3_permille", "permille", "Volumen injustificado (V3)", "Unjustified volume (V3)",
    "Volumen injustificado entre volumen movilizado de las especies supervisadas.",
    "Unjustified volume over moved volume of the supervised species.",
)  # fmt: skip


def indicators(facts: Facts, day: date) -> list[Indicator]:
    """Every indicator on a day, with its target where the programme has one."""
    plans = [plan for plan in facts.plans if plan.in_force(day)]
    found = [
        _plan_area(facts, plans), _active_area(facts, [plan for plan in plans if plan.operational]), _communities(plans), *_certified(facts, day),
        _coverage(facts, plans), _findings(facts), _unjustified(facts),
    ]  # fmt: skip
    return [_aimed(one, day) for one in found]


def withheld(found: Iterable[Indicator], least: int) -> list[Indicator]:
    """The same without figures and sources: they would show one community to the others."""
    es = f"Menos de {least} comunidades: la cifra mostraría a una de ellas."
    en = f"Fewer than {least} communities: the figure would show one of them."
    return [
        Indicator(
            one.id, one.name_es, one.name_en, one.definition_es, one.definition_en, one.unit, "WITHHELD", reason_es=es,
            reason_en=en, target=one.target, target_source=one.target_source,
        )
        for one in found
    ]  # fmt: skip


def communities_in(facts: Facts) -> int:
    """How many organisations have a title among these facts: what the threshold is held against."""
    return len(facts.titles_of)


def _plan_area(facts: Facts, plans: Sequence[PlanFact]) -> Indicator:
    titles = {plan.title for plan in plans}
    return _PLAN_AREA.computed(_area(facts, titles), (plan.sid for plan in plans), titles=len(titles))


def _area(facts: Facts, titles: Iterable[str]) -> int:
    return union_area_m2([facts.boundaries[title] for title in sorted(titles) if title in facts.boundaries])


def _active_area(facts: Facts, plans: Sequence[PlanFact]) -> Indicator:
    approved = {(plan.title, code): area for plan in plans for code, area in plan.parcels}
    drawn = [shape for key, shape in sorted(facts.parcel_shapes.items()) if key in approved]
    added = {key: area for key, area in approved.items() if key not in facts.parcel_shapes}
    return _ACTIVE_AREA.computed(
        union_area_m2(drawn) + sum(added.values()), (plan.sid for plan in plans), parcels=len(approved),
        parcels_without_boundary=len(added),
    )  # fmt: skip


def _communities(plans: Sequence[PlanFact]) -> Indicator:
    concerned = [plan for plan in plans if plan.org_kind in COMMUNITIES]
    return _COMMUNITIES.computed(len({plan.org for plan in concerned}), (plan.sid for plan in concerned))


def _certified(facts: Facts, day: date) -> list[Indicator]:
    groups: list[CertificateFact] = []
    covered: set[str] = set()
    for fact in facts.certificates:
        certificate, acts = fact.certificate, fact.acts
        whole = standing_on(certificate, acts, day)
        members = [m.org for m in certificate.members if member_standing_on(m, whole, acts, day).valid]
        if whole.valid and members and certificate.scope in FOREST and fact.holder_kind in GROUPS:
            groups.append(fact)
            covered |= {*members, certificate.holder}
    sids = [fact.sid for fact in groups]
    titles = {title for org in covered for title in facts.titles_of.get(org, ())}
    return [
        _GROUPS.computed(len(groups), sids, members=len(covered)),
        _CERTIFIED_AREA.computed(_area(facts, titles), sids, titles=len(titles)),
    ]


def _coverage(facts: Facts, plans: Sequence[PlanFact]) -> Indicator:
    in_force = {plan.id for plan in plans}
    counted = [one for one in facts.coverage if one.plan in in_force and one.authorised_dm3]
    authorised = sum(one.authorised_dm3 for one in counted)
    if not authorised:
        return _COVERAGE.not_evaluated("Nada está autorizado ese día.", "Nothing is authorised on that day.")
    inspected = sum(min(one.inspected_dm3, one.authorised_dm3) for one in counted)
    sids = (sid for one in counted for sid in one.sids)
    return _COVERAGE.computed(inspected * 1000 // authorised, sids, inspected_dm3=inspected, authorised_dm3=authorised)


def _findings(facts: Facts) -> Indicator:
    grades = ("S1", "S2", "S3", "S4")
    by = {grade.lower(): sum(one.severity == grade for one in facts.findings) for grade in grades}
    return _FINDINGS.computed(len(facts.findings), (one.source for one in facts.findings), **by)


def _unjustified(facts: Facts) -> Indicator:
    moved = sum(one.moved_dm3 for one in facts.supervised)
    if not moved:
        return _V3.not_evaluated("No se supervisó volumen movilizado.", "No moved volume was supervised.")
    unjustified = sum(one.unjustified_dm3 for one in facts.supervised)
    sources = (one.source for one in facts.supervised)
    return _V3.computed(unjustified * 1000 // moved, sources, unjustified_dm3=unjustified, moved_dm3=moved)


# ---- goals, as data


def _aimed(one: Indicator, day: date) -> Indicator:
    goal = _in_force([row for row in _document()["targets"] if row["indicator"] == one.id], day)
    if goal is None:
        return one
    values = {name: getattr(one, name) for name in one.__slots__}
    return Indicator(**values | {"target": goal["value"], "target_source": goal["source"]})


def least_communities(day: date) -> int:
    """Below how many communities a statistic of a region is withheld."""
    found = _in_force(_document()["least_communities"], day)
    return 1 if found is None else int(found["value"])


def _in_force(rows: Sequence[dict[str, Any]], day: date) -> dict[str, Any] | None:
    begun = [row for row in rows if date.fromisoformat(row["valid_from"]) <= day]
    return max(begun, key=lambda row: str(row["valid_from"]), default=None)


@cache
def _document() -> dict[str, Any]:
    text = (resources.files("services.permits") / "norms" / "programme.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
