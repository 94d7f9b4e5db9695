"""Agreements of assemblies, what they delegate, and which unions a community joined."""

from datetime import date, datetime

from sqlalchemy import text, update
from sqlmodel import col, or_, select

from services.permits.domain.assembly import AssemblyAct, Delegation, Membership
from services.permits.store.instrument_rows import AssemblyRow, DelegationRow, MembershipRow
from services.permits.store.session import Tx, added

_ACT = [name for name in AssemblyAct.__slots__ if name != "third_parties"]
_DELEGATION = [name for name in Delegation.__slots__ if name not in ("acts", "species")]

_HELD = text("SELECT org, plan FROM delegations WHERE delegate = app_org() AND holds_delegation(org, plan)")
_TODAY = text("SELECT peru_day(now())")


async def add_act(tx: Tx, act: AssemblyAct, at: datetime) -> bool:
    """Keep an agreement; ``False`` when the community has one of this number."""
    values = {name: getattr(act, name) for name in _ACT} | {"third_parties": list(act.third_parties), "at": at}
    return await added(tx, AssemblyRow, values)


async def act(tx: Tx, org: str, number: str) -> AssemblyAct | None:
    """An agreement, where the caller may see it."""
    row = await tx.get(AssemblyRow, (org, number))
    return None if row is None else _act(row)


async def acts(tx: Tx, org: str, after: str, limit: int) -> list[AssemblyAct]:
    """The agreements of a community by number."""
    asked = select(AssemblyRow).where(AssemblyRow.org == org, col(AssemblyRow.number) > after)
    return [_act(row) for row in await tx.exec(asked.order_by(col(AssemblyRow.number)).limit(limit))]


async def act_for_plan(tx: Tx, org: str, plan: str) -> AssemblyAct | None:
    """The latest agreement of the community to submit this plan."""
    asked = select(AssemblyRow).where(AssemblyRow.org == org, AssemblyRow.purpose == "plan", AssemblyRow.plan == plan)
    order = col(AssemblyRow.held_on).desc(), col(AssemblyRow.number).desc()
    row = (await tx.exec(asked.order_by(*order).limit(1))).first()
    return None if row is None else _act(row)


async def add_delegation(tx: Tx, delegation: Delegation, at: datetime) -> bool:
    """Keep a delegation; ``False`` when the community has one of this number."""
    species = None if delegation.species is None else list(delegation.species)
    values = {name: getattr(delegation, name) for name in _DELEGATION}
    return await added(tx, DelegationRow, values | {"acts": list(delegation.acts), "species": species, "at": at})


async def delegation(tx: Tx, org: str, number: str) -> Delegation | None:
    """A delegation, where the caller may see it."""
    row = await tx.get(DelegationRow, (org, number), populate_existing=True)
    return None if row is None else _delegation(row)


async def delegations(tx: Tx, org: str, after: str, limit: int) -> list[Delegation]:
    """What a community gave, by number, as far as the caller may see it."""
    asked = select(DelegationRow).where(DelegationRow.org == org, col(DelegationRow.number) > after)
    return [_delegation(row) for row in await tx.exec(asked.order_by(col(DelegationRow.number)).limit(limit))]


async def delegations_on(tx: Tx, plan: str, delegate: str) -> list[Delegation]:
    """What a delegate was given on a plan, in the order in which it was given."""
    asked = select(DelegationRow).where(DelegationRow.plan == plan, DelegationRow.delegate == delegate)
    return [_delegation(row) for row in await tx.exec(asked.order_by(col(DelegationRow.at), col(DelegationRow.number)))]


async def plans_held(tx: Tx) -> set[tuple[str, str]]:
    """Community and plan of the delegations that count now and are the caller's organisation's, as row-level security asks."""
    return {(row[0], row[1]) for row in await tx.execute(_HELD)}


async def today(tx: Tx) -> date:
    """The day by which row-level security judges delegations."""
    day: date = (await tx.execute(_TODAY)).scalar_one()
    return day


async def revoke_delegation(tx: Tx, org: str, number: str, by: str, reason: str, at: datetime) -> None:
    """Take it back, unless that was done; the first reason stands."""
    where = (
        col(DelegationRow.org) == org,
        col(DelegationRow.number) == number,
        col(DelegationRow.revoked_at).is_(None),
    )
    changes = {"revoked_at": at, "revoked_by": by, "revoked_reason": reason}
    await tx.execute(update(DelegationRow).where(*where).values(**changes))


async def join(tx: Tx, membership: Membership) -> bool:
    """Keep a membership; ``False`` when the member is in already."""
    return await added(tx, MembershipRow, {name: getattr(membership, name) for name in Membership.__slots__})


async def leave(tx: Tx, org: str, member: str, until: date) -> None:
    """The open membership ends with this day, if there is one."""
    where = (col(MembershipRow.org) == org, col(MembershipRow.member) == member, col(MembershipRow.until).is_(None))
    await tx.execute(update(MembershipRow).where(*where).values(until=until))


async def members(tx: Tx, org: str, on: date | None) -> list[Membership]:
    """The memberships of a union in order, perhaps only those of a day."""
    asked = select(MembershipRow).where(MembershipRow.org == org)
    if on is not None:
        last = col(MembershipRow.until)
        asked = asked.where(col(MembershipRow.since) <= on, or_(last.is_(None), last >= on))
    order = col(MembershipRow.member), col(MembershipRow.since)
    rows = await tx.exec(asked.order_by(*order).execution_options(populate_existing=True))
    return [Membership(**{name: getattr(row, name) for name in Membership.__slots__}) for row in rows]


def _act(row: AssemblyRow) -> AssemblyAct:
    return AssemblyAct(**{name: getattr(row, name) for name in _ACT}, third_parties=tuple(row.third_parties))


def _delegation(row: DelegationRow) -> Delegation:
    species = None if row.species is None else tuple(row.species)
    return Delegation(**{name: getattr(row, name) for name in _DELEGATION}, acts=tuple(row.acts), species=species)
