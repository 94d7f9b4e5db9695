"""Permits, what was done to them, and proposals to change them."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, text, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from services.permits.domain.land.document import geojson_of
from services.permits.domain.lifecycle import Extension
from services.permits.domain.permit import Act, Amendment, Line, Permit
from services.permits.domain.plan import Plan
from services.permits.domain.rules.area import place
from services.permits.store import census, land, plans
from services.permits.store.rows import AmendmentRow, PermitRow
from services.permits.store.session import Tx, added, one_at_a_time

_COLUMNS = [name for name in Permit.__slots__ if name not in ("lines", "reentries")]
_ACT = text("INSERT INTO permit_acts (permit, kind, at, reason, sid) VALUES (:permit, :kind, :at, :reason, :sid)")
_ACTS = text(
    "SELECT permit, kind, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), reason FROM permit_acts"
    " WHERE permit = ANY(CAST(:permits AS text[])) ORDER BY seq"
)

_WITHHELD = text(
    "SELECT p.number, p.state FROM permits p JOIN permit_acts a ON a.permit = p.number"
    " WHERE p.state IN ('suspended', 'revoked') AND p.move_to >= :day"
    " GROUP BY p.number, p.state ORDER BY max(a.seq) DESC"
)


async def add_permit(tx: Tx, permit: Permit) -> bool:
    """Keep a proposal; ``False`` when the number is taken."""
    values = {name: getattr(permit, name) for name in _COLUMNS} | {"lines": _stored(permit.lines)}
    return await added(tx, PermitRow, values | {"reentries": []})


async def permit(tx: Tx, number: str) -> Permit | None:
    """A permit, as far as the transaction's caller may see it."""
    row = (await tx.exec(_fresh(select(PermitRow).where(PermitRow.number == number)))).first()
    return None if row is None else _permit(row)


async def permit_to_change(tx: Tx, number: str) -> Permit | None:
    """A permit locked until the transaction ends, for those who may change one."""
    row = (await tx.exec(_fresh(select(PermitRow).where(PermitRow.number == number).with_for_update()))).first()
    return None if row is None else _permit(row)


async def permits(
    tx: Tx,
    party: str | None,
    region: str | None,
    after: str,
    limit: int,
    *,
    owners: Sequence[str] = (),
    title: str | None,
    plan: str | None,
    state: str | None,
) -> list[Permit]:
    """Permits by number; with ``party`` only those in which this organisation has a part, of these ``owners`` or of this
    ``region``."""
    asked = select(PermitRow).where(col(PermitRow.number) > after)
    if party is not None:
        parts = [col(PermitRow.org) == party, col(PermitRow.holder) == party, col(PermitRow.regent) == party]
        parts.append(col(PermitRow.org).in_(owners))
        asked = asked.where(or_(*parts, *([] if region is None else [col(PermitRow.region) == region])))
    for column, value in ((PermitRow.title, title), (PermitRow.plan, plan), (PermitRow.state, state)):
        if value is not None:
            asked = asked.where(col(column) == value)
    return [_permit(row) for row in await tx.exec(asked.order_by(col(PermitRow.number)).limit(limit))]


async def authorised_on(tx: Tx, plan: Plan, but: str = "") -> list[Permit]:
    """Every permit ever issued on a plan, on one that it superseded, or above or under it, revoked ones too: what P05 weighs
    together. Of those above and under it the lines in its own parcels; of those it superseded also the lines in parcels that it
    does not have, unless they are known to lie apart from it: then they are no trees of its census."""
    own, parcels = await plans.before(tx, plan.id), {parcel.code for parcel in plan.parcels}
    asked = select(PermitRow).where(
        col(PermitRow.plan).in_({plan.id, *await plans.kin(tx, plan.id)}),
        PermitRow.state != "proposed",
        PermitRow.number != but,
    )
    found = [_permit(row) for row in await tx.exec(_fresh(asked.order_by(col(PermitRow.number))))]
    dropped = {(one.plan, line.parcel) for one in found if one.plan in own for line in one.lines} - {
        (before, code) for before in own for code in parcels
    }
    weighed = dropped - await _apart(tx, plan, dropped)
    return [
        replace(
            one, lines=tuple(line for line in one.lines if line.parcel in parcels or (one.plan, line.parcel) in weighed)
        )
        for one in found
    ]


async def _apart(tx: Tx, plan: Plan, dropped: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these parcels of plans that this one superseded share no land and no tree with it: all is drawn, and every tree of its
    census has a place."""
    if not dropped:
        return set()
    from services.permits.domain.land import ground  # 30 MB of libraries that only a place needs

    drawn = {shape.parcel: geojson_of(shape.document) for shape in await land.shapes(tx, plan.id)}
    trees = await census.standing_trees(tx, plan.id)
    if any(parcel.code not in drawn for parcel in plan.parcels) or any(not tree.zone for tree in trees):
        return set()
    places, found = [place(tree) for tree in trees], set()
    for before, code in sorted(dropped):
        for shape in await land.shapes(tx, before, code):
            if await asyncio.to_thread(ground.apart, list(drawn.values()), places, geojson_of(shape.document)):
                found.add((before, code))
    return found


async def hold_authorised(tx: Tx, plan: str) -> None:
    """Hold the permits that P05 weighs with those of a plan, proposals too, until the transaction ends; in one order."""
    among = col(PermitRow.plan).in_({plan, *await plans.kin(tx, plan)})
    await tx.exec(_fresh(select(PermitRow).where(among).order_by(col(PermitRow.number)).with_for_update()))


async def note_issue(tx: Tx, number: str, approved_by: str, p05: str, sids: list[str], at: datetime) -> None:
    """The proposal is a permit; ``sids`` are its statement and, when it was long, those of its further parts."""
    await _change(tx, number, state="in_force", approved_by=approved_by, p05=p05, sid=sids[0], last_sid=sids[-1])
    await _act(tx, number, "issued", at, "", sids[0])


async def note_state(
    tx: Tx, number: str, state: str, kind: str, reason: str, sid: str, at: datetime, *,
    measure: str | None = None, measure_by: str | None = None,
) -> None:  # fmt: skip
    """The permit was suspended (under a measure, by a person), reinstated or revoked."""
    await _change(tx, number, state=state, last_sid=sid, measure=measure, measure_by=measure_by)
    await _act(tx, number, kind, at, reason, sid)


async def note_measure(
    tx: Tx, number: str, measure: str, kind: str, by: str, reason: str, at: datetime, sid: str
) -> None:
    """A permit that is suspended already is now under this measure; the log heard of its suspension before."""
    await _change(tx, number, measure=measure, measure_by=by)
    await _act(tx, number, kind, at, reason, sid)


async def note_appeal(tx: Tx, number: str, kind: str, reason: str, at: datetime) -> None:
    """An appeal was filed or decided."""
    await tx.execute(_ACT, {"permit": number, "kind": kind, "at": at, "reason": reason, "sid": None})


async def note_extension(tx: Tx, permit: Permit, extension: Extension, sid: str, at: datetime) -> None:
    """The permit has a further harvest window, or more days to move wood."""
    windows = [*permit.reentries]
    if extension.harvest_from is not None and extension.harvest_to is not None:
        windows.append((extension.harvest_from, extension.harvest_to))
    stored = [[first.isoformat(), last.isoformat()] for first, last in windows]
    await _change(tx, permit.number, reentries=stored, move_to=extension.move_to, last_sid=sid)
    await _act(tx, permit.number, extension.kind, at, extension.reason, sid)


async def one_proposes(tx: Tx, plan: str) -> None:
    """Who proposes a permit on a plan under a cap sees what was proposed before."""
    await one_at_a_time(tx, f"proposals on {plan}")


async def permits_of_plan(tx: Tx, plan: str) -> list[Permit]:
    """The permits of a plan that the caller may see."""
    asked = select(PermitRow).where(PermitRow.plan == plan).order_by(col(PermitRow.number))
    return [_permit(row) for row in await tx.exec(_fresh(asked))]


async def permits_under(tx: Tx, plan: str) -> list[Permit]:
    """The permits of a plan, of the plans that stand under it and of those superseded by any of them, locked until the transaction
    ends."""
    under = col(PermitRow.plan).in_(await plans.below(tx, plan))
    asked = select(PermitRow).where(under).order_by(col(PermitRow.number)).with_for_update()
    return [_permit(row) for row in await tx.exec(_fresh(asked))]


async def add_amendment(tx: Tx, number: str, amendment: Amendment) -> bool:
    """Keep a proposed change; ``False`` when its id is taken."""
    values = asdict(amendment) | {"permit": number, "lines": _stored(amendment.lines)}
    return await added(tx, AmendmentRow, values)


async def amendments(tx: Tx, numbers: Sequence[str]) -> dict[str, list[Amendment]]:
    """The proposed and approved changes of these permits that the caller may see."""
    asked = select(AmendmentRow).where(col(AmendmentRow.permit).in_(numbers)).order_by(col(AmendmentRow.id))
    found: dict[str, list[Amendment]] = {number: [] for number in numbers}
    for row in await tx.exec(asked.execution_options(populate_existing=True)):
        found[row.permit].append(Amendment(row.id, row.reason, _lines(row.lines), row.state, row.proposed_by))
    return found


async def note_amendment(
    tx: Tx, permit: Permit, amendment: Amendment, approved_by: str, p05: str, sid: str, at: datetime
) -> None:
    """The change is approved and the lines of the permit are those after it."""
    await tx.execute(
        update(AmendmentRow)
        .where(col(AmendmentRow.permit) == permit.number, col(AmendmentRow.id) == amendment.id)
        .values(state="approved", approved_by=approved_by)
    )
    await _change(tx, permit.number, lines=_stored(permit.amended(amendment)), p05=p05, last_sid=sid)
    await _act(tx, permit.number, "amended", at, amendment.reason, sid)


async def acts(tx: Tx, numbers: Sequence[str]) -> dict[str, list[Act]]:
    """What was done to each of these permits, in order."""
    found: dict[str, list[Act]] = {number: [] for number in numbers}
    for number, *act in await tx.execute(_ACTS, {"permits": list(numbers)}):
        found[number].append(Act(*act))
    return found


async def withheld(tx: Tx, day: date) -> tuple[int, list[str], list[str]]:
    """How many permits count, and which of those whose wood might still move on a day are suspended or revoked.

    The numbers come with the latest act first.
    """
    counted = select(func.count()).where(PermitRow.state == "in_force")
    count: int = (await tx.execute(counted)).scalar_one()
    found = (await tx.execute(_WITHHELD, {"day": day})).all()
    suspended = [number for number, state in found if state == "suspended"]
    return count, suspended, [number for number, state in found if state == "revoked"]


async def _change(tx: Tx, number: str, **values: Any) -> None:
    changed = await tx.execute(
        update(PermitRow).where(col(PermitRow.number) == number).values(**values).returning(col(PermitRow.number))
    )
    changed.one()


async def _act(tx: Tx, number: str, kind: str, at: datetime, reason: str, sid: str) -> None:
    await tx.execute(_ACT, {"permit": number, "kind": kind, "at": at, "reason": reason, "sid": sid})


def _fresh(asked: SelectOfScalar[PermitRow]) -> SelectOfScalar[PermitRow]:
    """Ask the database even for a row this transaction has read before."""
    return asked.execution_options(populate_existing=True)


def _stored(lines: Iterable[Line]) -> list[dict[str, Any]]:
    return [line.statement() for line in lines]


def _lines(stored: list[dict[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(**line) for line in stored)


def _permit(row: PermitRow) -> Permit:
    windows = tuple((date.fromisoformat(first), date.fromisoformat(last)) for first, last in row.reentries)
    return Permit(**{name: getattr(row, name) for name in _COLUMNS}, lines=_lines(row.lines), reentries=windows)
