"""Plans in their states, and inspections of them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, text, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from services.permits.domain.plan import Inspection, Parcel, Plan, Summary, Zone
from services.permits.store.rows import InspectionRow, PlanRow
from services.permits.store.session import Tx, added

_REPORTED = text(
    "SELECT number, sid FROM inspections WHERE number = :visit OR number ~ ('^' || replace(:visit, '.', '[.]') || '-[0-9]+$')"
    " ORDER BY length(number), number"
)
_TREES_REPORTED = text(
    "SELECT DISTINCT parcel, jsonb_array_elements_text(trees) FROM inspections WHERE plan = :plan AND trees IS NOT NULL"
)
_UNEXPLAINED = text(
    "EXISTS (SELECT 1 FROM (SELECT findings FROM plan_reviews WHERE plan = plans.id ORDER BY id DESC LIMIT 1) r"
    " JOIN findings f ON f.id = ANY(r.findings) WHERE f.status = 'FAIL' AND f.severity = :severity"
    " AND NOT EXISTS (SELECT 1 FROM finding_acts a WHERE a.finding = f.id))"
)
_HOLD = text("SELECT hold_plan(:plan)")
# Plans that follow from one by a step; drafts say of themselves what they like, so only approved ones lead on.
_LINE = (
    "WITH RECURSIVE line AS (SELECT id, parent, supersedes FROM plans WHERE id = :plan UNION"
    " SELECT p.id, p.parent, p.supersedes FROM line l JOIN plans p ON p.state = 'approved' AND ({})) SELECT id FROM line"
)
_BEFORE = text(_LINE.format("p.id = l.supersedes"))
_ABOVE = text(_LINE.format("p.id IN (l.parent, l.supersedes) OR p.supersedes = l.id"))
_BELOW = text(_LINE.format("p.parent = l.id OR p.id = l.supersedes OR p.supersedes = l.id"))
_SUCCESSOR = text("SELECT id FROM plans WHERE supersedes = :plan AND state = 'approved'")
_COLUMNS = [name for name in Plan.__slots__ if name not in ("parcels", "census", "zones")]


async def add_plan(tx: Tx, plan: Plan) -> bool:
    """Keep a draft; ``False`` when the id is taken."""
    values = {name: getattr(plan, name) for name in _COLUMNS}
    values |= {"parcels": [asdict(parcel) for parcel in plan.parcels], "census": asdict(plan.census)}
    values["zones"] = [asdict(zone) for zone in plan.zones]
    return await added(tx, PlanRow, values)


async def plan(tx: Tx, plan_id: str) -> Plan | None:
    """A plan, as far as the transaction's caller may see it."""
    row = (await tx.exec(_fresh(select(PlanRow).where(PlanRow.id == plan_id)))).first()
    return None if row is None else _plan(row)


async def plans_of(tx: Tx, plan_ids: Sequence[str]) -> dict[str, Plan]:
    """These plans, as far as the caller may see them."""
    rows = await tx.exec(_fresh(select(PlanRow).where(col(PlanRow.id).in_(plan_ids))))
    return {row.id: _plan(row) for row in rows}


async def plan_to_change(tx: Tx, plan_id: str) -> Plan | None:
    """A plan that is not approved yet, locked until the transaction ends; ``None`` for any other."""
    row = (await tx.exec(_fresh(select(PlanRow).where(PlanRow.id == plan_id).with_for_update()))).first()
    return None if row is None else _plan(row)


async def hold(tx: Tx, plan_id: str) -> None:
    """Hold a plan in any state until the transaction ends: of two acts on it in one moment the second sees the first."""
    await tx.execute(_HOLD, {"plan": plan_id})


async def before(tx: Tx, plan_id: str) -> set[str]:
    """This plan and those that it superseded, at however many removes."""
    return set((await tx.execute(_BEFORE, {"plan": plan_id})).scalars())


async def above(tx: Tx, plan_id: str) -> set[str]:
    """This plan, those it stands under, and those that took the place of either or had it before."""
    return set((await tx.execute(_ABOVE, {"plan": plan_id})).scalars())


async def below(tx: Tx, plan_id: str) -> set[str]:
    """This plan, those that stand under it, and those that took the place of either or had it before."""
    return set((await tx.execute(_BELOW, {"plan": plan_id})).scalars())


async def kin(tx: Tx, plan_id: str) -> frozenset[str]:
    """The other plans on whose parcels of the same code this one lies by right: above it, under it, before and after it. Two operating
    plans of one general plan are none to each other."""
    return frozenset((await above(tx, plan_id) | await below(tx, plan_id)) - {plan_id})


async def successor(tx: Tx, plan_id: str) -> str | None:
    """The plan that took the place of this one."""
    found: str | None = (await tx.execute(_SUCCESSOR, {"plan": plan_id})).scalar_one_or_none()
    return found


async def plans(
    tx: Tx,
    title: str | None,
    org: str | None,
    after: str,
    limit: int,
    *,
    begins: str = "",
    unexplained: str | None = None,
) -> list[Plan]:
    """Plans by id that the caller may see; perhaps only those whose id begins so, or in whose last review something of this
    severity failed about which nobody has said anything."""
    asked = select(PlanRow).where(col(PlanRow.id) > after)
    if begins:
        asked = asked.where(col(PlanRow.id).startswith(begins, autoescape=True))
    if unexplained is not None:
        asked = asked.where(_UNEXPLAINED.bindparams(severity=unexplained))
    if title is not None:
        asked = asked.where(PlanRow.title == title)
    if org is not None:
        asked = asked.where(PlanRow.org == org)
    return [_plan(row) for row in await tx.exec(asked.order_by(col(PlanRow.id)).limit(limit))]


async def note_census(tx: Tx, plan_id: str, uploaded_by: str, census: Summary) -> None:
    """The draft now has this census."""
    await _change(tx, plan_id, uploaded_by=uploaded_by, census=asdict(census))


async def note_submission(tx: Tx, plan_id: str, submitted_by: str) -> None:
    """The draft is submitted."""
    await _change(tx, plan_id, state="submitted", submitted_by=submitted_by)


async def note_state(tx: Tx, plan_id: str, state: str) -> None:
    """A plan that is not approved yet is in another state now."""
    await _change(tx, plan_id, state=state)


async def note_approval(tx: Tx, plan_id: str, approved_by: str, resolution: str, census: Summary, sid: str) -> None:
    """The plan is approved and announced."""
    await _change(
        tx, plan_id, state="approved", approved_by=approved_by, resolution=resolution, census=asdict(census), sid=sid
    )


async def _change(tx: Tx, plan_id: str, **values: Any) -> None:
    changed = await tx.execute(
        update(PlanRow).where(col(PlanRow.id) == plan_id).values(**values).returning(col(PlanRow.id))
    )
    changed.one()


def _fresh(asked: SelectOfScalar[PlanRow]) -> SelectOfScalar[PlanRow]:
    """Ask the database even for a row this transaction has read before."""
    return asked.execution_options(populate_existing=True)


def _plan(row: PlanRow) -> Plan:
    values = {name: getattr(row, name) for name in _COLUMNS}
    parcels = tuple(Parcel(**parcel) for parcel in row.parcels)
    zones = tuple(Zone(**zone) for zone in row.zones)
    return Plan(**values, parcels=parcels, census=Summary(**row.census), zones=zones)


async def add_inspection(tx: Tx, inspection: Inspection, sid: str) -> bool:
    """Keep an inspection; ``False`` when the number is taken."""
    values = asdict(inspection) | {"sid": sid, "trees": None if inspection.trees is None else list(inspection.trees)}
    return await added(tx, InspectionRow, values)


async def inspection(tx: Tx, number: str) -> tuple[Inspection, str] | None:
    """An inspection and the statement that announced it."""
    row = await tx.get(InspectionRow, number)
    return None if row is None else _inspection(row)


async def inspections(tx: Tx, plan_id: str | None, after: str, limit: int) -> list[tuple[Inspection, str]]:
    """Inspections by number, perhaps of one plan."""
    asked = select(InspectionRow).where(col(InspectionRow.number) > after)
    if plan_id is not None:
        asked = asked.where(InspectionRow.plan == plan_id)
    return [_inspection(row) for row in await tx.exec(asked.order_by(col(InspectionRow.number)).limit(limit))]


async def reported_by(tx: Tx, visit: str) -> list[tuple[str, str]]:
    """Numbers and statements of the inspections in which a field visit was reported."""
    rows = await tx.execute(_REPORTED, {"visit": visit})
    return [(row[0], row[1]) for row in rows]


async def trees_reported(tx: Tx, plan_id: str) -> set[tuple[str, str]]:
    """Parcel and code of the trees that inspections of a plan have named."""
    return {(row[0], row[1]) for row in await tx.execute(_TREES_REPORTED, {"plan": plan_id})}


async def inspected(tx: Tx, plan_id: str) -> tuple[int, int, int]:
    """How many inspections a plan had, and how many trees were looked for and not found in them."""
    sums = select(
        func.count(), func.coalesce(func.sum(InspectionRow.trees_sampled), 0),
        func.coalesce(func.sum(InspectionRow.trees_absent), 0),
    ).where(InspectionRow.plan == plan_id)  # fmt: skip
    count, sampled, absent = (await tx.execute(sums)).one()
    return count, sampled, absent


def _inspection(row: InspectionRow) -> tuple[Inspection, str]:
    trees = None if row.trees is None else tuple(row.trees)
    values = {name: getattr(row, name) for name in Inspection.__slots__ if name != "trees"}
    return Inspection(**values, trees=trees), row.sid
