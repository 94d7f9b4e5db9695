"""All the figures of a plan's land at once: what the land check answers, and what rules P01, P02 and P03 judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.permits.domain.census import utm_of
from services.permits.domain.land import overlap
from services.permits.domain.land.limits import LandLimits
from services.permits.domain.land.overlap import DatumTrial, Overlap, Placed, Plot, TreesPlaced
from services.permits.domain.plan import Plan


@dataclass(frozen=True, slots=True)
class LandInputs:
    """What is stored about the land of a plan: shapes by parcel, the polygon of its title, what lies near (``more_near``:
    not all of it), and the private line of each tree with its parcel. ``kin`` are the plans on whose parcels of the same code its
    own lie by right: those it stands under, takes the place of or holds."""

    plan: Plan
    kin: frozenset[str]
    shapes: dict[str, bytes]
    title: bytes | None
    near: Sequence[Plot]
    more_near: bool
    lines: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class LandFacts:
    """Areas, overlaps and counts, without a word on what they mean. ``not_measured`` names each input that was missing
    (``shape:PC 01``, ``title-polygon``, ``harvest-zones``, ``census``, ``neighbours``): a missing input never passes."""

    placed: list[Placed]
    overlaps: list[Overlap]
    datum: DatumTrial | None
    trees: TreesPlaced | None
    not_measured: list[str]


def weigh(land: LandInputs, limits: LandLimits) -> LandFacts:
    """The figures. Slow for large land: use a thread."""
    plan, shapes, title = land.plan, land.shapes, land.title
    zones = [plot.document for plot in land.near if plot.title == plan.title and limits.harvests(plot.kind)]
    others = [plot for plot in land.near if not limits.harvests(plot.kind)]
    cycle = cycle_of(plan, limits)
    trees = [(parcel, *utm_of(line)) for parcel, line in land.lines]
    lacking = [f"shape:{parcel.code}" for parcel in plan.parcels if parcel.code not in shapes]
    for name, there in (("title-polygon", title), ("harvest-zones", zones), ("census", trees)):
        lacking += [] if there else [name]
    lacking += ["neighbours"] if land.more_near else []
    return LandFacts(
        placed=overlap.placed([(parcel.code, parcel.area_m2) for parcel in plan.parcels], shapes, title, zones),
        overlaps=overlap.overlaps(plan.id, plan.title, shapes, others, cycle, title, land.kin),
        datum=overlap.datum_trial(list(shapes.values()), title, limits) if title else None,
        trees=overlap.trees_placed(trees, shapes, title, limits) if title and trees else None,
        not_measured=lacking,
    )


def cycle_of(plan: Plan, limits: LandLimits) -> tuple[date, date]:
    """The days in which another parcel's harvest must have begun for it to count as used by this plan."""
    return _years_before(plan.harvest_from, limits.cycle_years), plan.harvest_from


def _years_before(day: date, years: int) -> date:
    return day.replace(year=day.year - years, day=28 if (day.month, day.day) == (2, 29) else day.day)
