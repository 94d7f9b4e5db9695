"""The operating plan of a title: drafted and submitted by the community, approved by an officer who did neither."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from services.permits.domain.party import SameOrganisation, SamePerson, WrongState
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
    """An operating plan. ``acted`` are the persons who drafted, uploaded or submitted it."""

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

    @property
    def acted(self) -> frozenset[str]:
        """Everyone whose work the approver is asked to judge."""
        return frozenset(sub for sub in (self.created_by, self.uploaded_by, self.submitted_by) if sub)

    @property
    def content(self) -> tuple[Any, ...]:
        """What the same plan sent twice has in common."""
        return (
            self.title, self.number, self.season, self.regent, self.parcels, self.form_factor_milli, self.harvest_from,
            self.harvest_to, self.census_basis,
        )  # fmt: skip

    def check_state(self, *needed: str) -> None:
        """Refuse an act that does not fit the state."""
        if self.state not in needed:
            raise WrongState("plan", self.id, self.state, ", ".join(needed))

    def check_submission(self, parcels_with_trees: Iterable[str]) -> None:
        """A listed census has trees in every parcel; a partial one has at least a tree; one not available has none."""
        self.check_state("draft")
        having = set(parcels_with_trees)
        lacking = {"listed": [p.code for p in self.parcels if p.code not in having], "partial": [] if having else ["*"]}
        missing = lacking.get(self.census_basis, [])
        if missing:
            raise CensusMissing(self.id, ", ".join(missing))

    def check_approval(self, approver: str) -> None:
        """Another person than those who made it. What its review found is weighed beside (``finding_life.check_gate``)."""
        self.check_state("submitted")
        if approver in self.acted:
            raise SamePerson("hizo el plan", "aprobarlo", "make the plan", "approve it")

    def check_inspector(self, inspector: str, org: str) -> None:
        """Whoever inspects had no part in the plan, nor did their organisation."""
        self.check_state("approved")
        if inspector in self.acted or inspector == self.approved_by:
            raise SamePerson("hizo o aprobó el plan", "inspeccionarlo", "make or approve the plan", "inspect it")
        if org in (self.org, self.regent):
            raise SameOrganisation(org, self.id)

    def statement(self, resolution: str, submitted_by: str, approved_by: str) -> dict[str, Any]:
        """The body of ``plan.approved``; the two persons come as pseudonyms."""
        return {
            "id": self.id, "title": self.title, "number": self.number, "season": self.season, "resolution": resolution,
            "parcels": [{"code": p.code, "area_m2": p.area_m2} for p in self.parcels],
            "form_factor_milli": self.form_factor_milli,
            "harvest_from": self.harvest_from.isoformat(), "harvest_to": self.harvest_to.isoformat(),
            "census": {"trees": self.census.trees, "parts": self.census.parts, "root": self.census.root},
            "submitted_by": submitted_by, "approved_by": approved_by,
        }  # fmt: skip


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
