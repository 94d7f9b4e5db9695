"""Plans of a title (PGMF, PMFI, DEMA, PO): drafted and submitted by the community, approved by an officer who did neither."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from services.permits.domain.lifecycle import Done, transition
from services.permits.domain.party import ReferenceUnknown, SameOrganisation, SamePerson, WrongState
from shared.refusal import Refusal

BASES = ("listed", "partial", "not_available")


@dataclass(eq=False)
class CensusMissing(Refusal):
    """The plan says that its census is listed, and parcels have no tree in it."""

    slug: ClassVar[str] = "census-missing"
    es: ClassVar[str] = "Falta el censo de: {parcels}."
    en: ClassVar[str] = "The census lacks: {parcels}."
    plan: str
    parcels: str


@dataclass(eq=False)
class NotUnderPlan(Refusal):
    """An operating plan stands under an approved PGMF or PMFI of its title, inside its days and parcels."""

    slug: ClassVar[str] = "not-under-plan"
    es: ClassVar[str] = "{plan} no cabe bajo {parent}: {reason_es}."
    en: ClassVar[str] = "{plan} does not fit under {parent}: {reason}."
    plan: str
    parent: str
    reason: str
    reason_es: str


@dataclass(eq=False)
class NotOperational(Refusal):
    """A strategic plan authorises no harvest: a permit stands on an operating plan, a PMFI or a DEMA."""

    slug: ClassVar[str] = "plan-not-operational"
    es: ClassVar[str] = "{plan} es un {kind}: el permiso se pide sobre un plan operativo, un PMFI o una DEMA."
    en: ClassVar[str] = "{plan} is a {kind}: a permit is asked for on an operating plan, a PMFI or a DEMA."
    plan: str
    kind: str


@dataclass(eq=False)
class InspectedUnfavourably(Refusal):
    """Whoever looked at the plan in the forest last spoke against it; another inspection may speak for it."""

    slug: ClassVar[str] = "inspected-unfavourably"
    es: ClassVar[str] = (
        "La última inspección ocular de {plan} ({day}) opinó en contra: obsérvelo, rechácelo o haga otra inspección."
    )
    en: ClassVar[str] = (
        "The last ocular inspection of {plan} ({day}) was unfavourable: observe it, reject it or have it inspected again."
    )
    plan: str
    day: str


@dataclass(eq=False)
class TreeUnknown(Refusal):
    """An inspection names a tree that the census does not list."""

    slug: ClassVar[str] = "tree-unknown"
    es: ClassVar[str] = "El censo de {parcel} no tiene estos árboles: {trees}."
    en: ClassVar[str] = "The census of {parcel} does not list these trees: {trees}."
    parcel: str
    trees: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A cutting parcel and its area."""

    code: str
    area_m2: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the forest with one use, as a PGMF orders it."""

    name: str
    use: str
    area_m2: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What the plan says of its census; empty until one is uploaded."""

    trees: int = 0
    harvestable: int = 0
    harvestable_dm3: int = 0
    parts: int = 0
    root: str = ""
    file_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan. ``acted`` are the persons who drafted, uploaded or submitted it; ``delegate`` is who drafted it for the
    community; a PGMF has ``zones`` and ``cycle_years``, a PO may have its ``parent``."""

    id: str
    title: str
    org: str
    region: str
    number: str
    season: str
    regent: str | None
    parcels: tuple[Parcel, ...]
    form_factor_milli: int
    harvest_from: date
    harvest_to: date
    census_basis: str
    state: str
    created_by: str
    uploaded_by: str | None
    submitted_by: str | None
    approved_by: str | None
    resolution: str | None
    census: Summary
    sid: str | None
    kind: str = "PO"
    parent: str | None = None
    supersedes: str | None = None
    cycle_years: int | None = None
    zones: tuple[Zone, ...] = ()
    delegate: str | None = None

    @property
    def acted(self) -> frozenset[str]:
        """Everyone whose work the approver is asked to judge."""
        return frozenset(sub for sub in (self.created_by, self.uploaded_by, self.submitted_by) if sub)

    @property
    def makers(self) -> frozenset[str]:
        """The organisations that made it: what they say of it is said in their own cause."""
        return frozenset(org for org in (self.org, self.regent, self.delegate) if org)

    @property
    def content(self) -> tuple[Any, ...]:
        """What the same plan sent twice has in common."""
        return (
            self.title, self.number, self.season, self.regent, self.parcels, self.form_factor_milli, self.harvest_from,
            self.harvest_to, self.census_basis, self.kind, self.parent, self.supersedes, self.cycle_years, self.zones,
        )  # fmt: skip

    @property
    def done(self) -> dict[str, Collection[str]]:
        """Who did which act, as far as the plan itself says; its acts say more."""
        return {
            "draft": [self.created_by], "upload_census": [self.uploaded_by or ""], "submit": [self.submitted_by or ""],
            "approve": [self.approved_by or ""],
        }  # fmt: skip

    def check_under(self, parent: "Plan | None") -> None:
        """The plan it says to stand under is approved, of the same title, and holds its days and parcels."""
        if self.parent is None:
            return
        if parent is None:
            raise ReferenceUnknown("plan", self.parent)
        parent.check_state("approved")
        reason = None
        if parent.kind not in ("PGMF", "PMFI") or parent.title != self.title:
            reason = "it is not a PGMF or PMFI of this title", "no es un PGMF o PMFI de este título"
        elif not (parent.harvest_from <= self.harvest_from and self.harvest_to <= parent.harvest_to):
            reason = "its days are others", "sus días son otros"
        elif {parcel.code for parcel in self.parcels} - {parcel.code for parcel in parent.parcels}:
            reason = "it does not have these parcels", "no tiene estas parcelas"
        if reason is not None:
            raise NotUnderPlan(self.id, parent.id, *reason)

    def check_holds(self, borne: "Plan", today: date) -> None:
        """Taking the place of a general plan, it holds what stands under that and is not over: its parcels, and its days to the end.
        When those begin is not asked, since they began under the other."""
        reason = None
        if today > borne.harvest_to:
            return
        if self.kind not in ("PGMF", "PMFI"):
            reason = "it is not a PGMF or PMFI", "no es un PGMF o PMFI"
        elif borne.harvest_to > self.harvest_to:
            reason = "its days end later", "sus días terminan después"
        elif {parcel.code for parcel in borne.parcels} - {parcel.code for parcel in self.parcels}:
            reason = "it does not have these parcels", "no tiene estas parcelas"
        if reason is not None:
            raise NotUnderPlan(borne.id, self.id, *reason)

    def check_operational(self) -> None:
        """Refuse to stand a permit on a strategic plan."""
        if self.kind == "PGMF":
            raise NotOperational(self.id, self.kind)

    def check_state(self, *needed: str) -> None:
        """Refuse an act that does not fit the state."""
        if self.state not in needed:
            raise WrongState("plan", self.id, self.state, ", ".join(needed))

    def check_submission(self, parcels_with_trees: Iterable[str]) -> None:
        """A listed census has trees in every parcel; a partial one has at least a tree; one not available has none."""
        transition("plan", "submit").take(self.id, self.state, "", {})
        having = set(parcels_with_trees)
        lacking = {"listed": [p.code for p in self.parcels if p.code not in having], "partial": [] if having else ["*"]}
        missing = lacking.get(self.census_basis, [])
        if missing:
            raise CensusMissing(self.id, ", ".join(missing))

    def check_approval(self, approver: str, done: Done | None = None) -> None:
        """Another person than those who made or inspected it. What its review found is weighed beside
        (``finding_life.check_gate``)."""
        transition("plan", "approve").take(self.id, self.state, approver, self.done if done is None else done)

    def check_opinion(self, inspected: Mapping[str, Any] | None) -> None:
        """What the last ocular inspection said, also one before the plan was handed in again: a favourable opinion, or none."""
        if inspected is not None and inspected.get("opinion") == "unfavourable":
            raise InspectedUnfavourably(self.id, str(inspected.get("day", "")))

    def check_inspector(self, inspector: str, org: str) -> None:
        """Whoever inspects an approved plan had no part in it, nor did their organisation."""
        self.check_state("approved")
        self.check_no_part(inspector, org)

    def check_no_part(self, person: str, org: str) -> None:
        """The same of a plan in any state."""
        if person in self.acted or person == self.approved_by:
            raise SamePerson("hizo o aprobó el plan", "inspeccionarlo", "make or approve the plan", "inspect it")
        self.check_no_stake(org)

    def check_no_stake(self, org: str) -> None:
        """An organisation that holds the plan or wrote it does not judge it."""
        if org in (self.org, self.regent):
            raise SameOrganisation(org, self.id)

    def statement(
        self, resolution: str, submitted_by: str, approved_by: str, documents: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The body of ``plan.approved``; the two persons come as pseudonyms, the papers it rests on as their hashes."""
        above_and_before = {"parent": self.parent, "supersedes": self.supersedes}
        more = {name: plan for name, plan in above_and_before.items() if plan is not None}
        return cited(documents) | more | {
            "id": self.id, "title": self.title, "number": self.number, "season": self.season, "resolution": resolution,
            "parcels": [{"code": p.code, "area_m2": p.area_m2} for p in self.parcels],
            "form_factor_milli": self.form_factor_milli,
            "harvest_from": self.harvest_from.isoformat(), "harvest_to": self.harvest_to.isoformat(),
            "census": {"trees": self.census.trees, "parts": self.census.parts, "root": self.census.root},
            "submitted_by": submitted_by, "approved_by": approved_by, "kind": self.kind,
        }  # fmt: skip


def cited(documents: Sequence[str]) -> dict[str, Any]:
    """How a statement names the papers its act rests on."""
    return {"documents": sorted(set(documents))} if documents else {}


@dataclass(frozen=True, slots=True)
class Inspection:
    """What somebody independent found in the field."""

    number: str
    plan: str
    parcel: str
    inspector: str
    trees_sampled: int
    trees_absent: int
    trees_mismatched: int | None
    volume_dm3: int
    trees: tuple[str, ...] | None

    def statement(self) -> dict[str, Any]:
        """The body of ``inspection.reported``."""
        body: dict[str, Any] = {
            "number": self.number, "plan": self.plan, "parcel": self.parcel, "inspector": self.inspector,
            "trees_sampled": self.trees_sampled, "trees_absent": self.trees_absent, "volume_dm3": self.volume_dm3,
        }  # fmt: skip
        if self.trees_mismatched is not None:
            body["trees_mismatched"] = self.trees_mismatched
        if self.trees is not None:
            body["trees"] = list(self.trees)
        return body
