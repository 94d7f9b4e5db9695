"""The facts that the rules over a plan are given: the one seam between what the service stores and what the rules ask.

Everything optional is ``None`` while nobody knows it, and then the rules that need it are not evaluated; an empty tuple
says that it was looked for and there is none. ``services/permits/api/reviewing.py:facts_of`` fills them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from services.permits.domain.census import Tree
from services.permits.domain.compared import Compared
from services.permits.domain.crowns import CrownLook
from services.permits.domain.paper import Licence
from services.permits.domain.permit import Line
from services.permits.domain.plan import Plan
from services.permits.domain.track_record import TrackRecord

# A Polygon or MultiPolygon in degrees of WGS 84, longitude first.
Area = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OtherArea:
    """Land a plan must not lie on. ``kept`` is a zone that the community keeps from harvest (its life plan). ``same_as`` is the code of
    the one parcel that may lie there: that of a plan above, under, before or after is the same land under the same code only."""

    kind: Literal["title", "protected_area", "parcel", "used_parcel", "kept"]
    name: str
    area: Area
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class FieldLook:
    """An inspection in the forest. ``by_another``: by nobody who made the plan, nor of their organisations. ``trees_absent`` are
    those of the sample that were looked for and are not there."""

    number: str
    by_another: bool
    before_approval: bool
    trees_sampled: int
    trees_absent: int = 0


@dataclass(frozen=True, slots=True)
class Assembly:
    """An act of the community's assembly that approved the plan: who is named in it, with quorum, its digest signed."""

    number: str
    parties: frozenset[str]
    quorum: bool
    signed: bool


@dataclass(frozen=True, slots=True)
class CitesPapers:
    """Trees (parcel, code) that somebody independent saw in the field, ``None`` before anybody looked; and by species the quota
    or finding that is quoted, ``None`` before any was registered."""

    verified: frozenset[tuple[str, str]] | None
    references: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """One plan on one day. ``trees`` stand in the order of the census root; a tree without ``zone`` has no place."""

    plan: Plan
    day: date
    trees: Sequence[Tree]
    # P01-P03: the title; the plan's parcels by code; its zone in the general plan (PGMF); everybody else's land.
    title: Area | None = None
    parcels: Mapping[str, Area] | None = None
    zone: Area | None = None
    others: tuple[OtherArea, ...] | None = None
    # P04: `competent` is whether the authority is that of the plan's region.
    signed_on: date | None = None
    census_ended_on: date | None = None
    census_uploaded_on: date | None = None
    licences: tuple[Licence, ...] | None = None
    competent: bool | None = None
    # P05, P09, P11: lines of all permits on the plan and on those it superseded; figures of the approved plans of its region.
    authorised: tuple[Line, ...] | None = None
    region_dm3_ha: tuple[int, ...] = ()
    region_valued_permille: tuple[int, ...] = ()
    # P12-P15. `regent_record` leaves this plan out.
    regent_record: TrackRecord | None = None
    looks: tuple[FieldLook, ...] | None = None
    third_parties: tuple[str, ...] | None = None
    assemblies: tuple[Assembly, ...] | None = None
    cites: CitesPapers | None = None
    # F13: the censuses of other plans that share most with this one.
    compared: Compared | None = None
    # F14: what was seen of the crowns, and by whom.
    crowns: tuple[CrownLook, ...] | None = None

    @property
    def subject(self) -> str:
        """What most findings are about."""
        return f"plan:{self.plan.id}"

    @property
    def area_m2(self) -> int:
        """The declared area of all parcels."""
        return sum(parcel.area_m2 for parcel in self.plan.parcels)

    @property
    def last_surveyed_on(self) -> date | None:
        """The last day on which a tree was measured, where the census dates its trees."""
        return max((tree.surveyed_on for tree in self.trees if tree.surveyed_on is not None), default=None)

    @property
    def whole(self) -> bool:
        """Whether every tree of the census is here: sums over a part say nothing of the whole."""
        return self.plan.census_basis == "listed"

    @property
    def harvestable(self) -> list[Tree]:
        """The trees that are to be felled."""
        return [tree for tree in self.trees if tree.condition == "harvestable"]
