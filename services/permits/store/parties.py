"""Organisations."""

from collections.abc import Sequence

from sqlmodel import col, or_, select

from services.permits.domain.party import Organisation
from services.permits.store.rows import OrganisationRow
from services.permits.store.session import Tx, added

KnownOrganisation = tuple[Organisation, str]


async def add_organisation(tx: Tx, org: Organisation, sid: str) -> bool:
    """Keep a new organisation; ``False`` when the id is taken."""
    values = {"id": org.id, "name": org.name, "kind": org.kind, "region": org.region, "sid": sid}
    return await added(tx, OrganisationRow, values)


async def organisation(tx: Tx, org: str) -> KnownOrganisation | None:
    """An organisation and the statement that announced it."""
    row = await tx.get(OrganisationRow, org)
    return None if row is None else _organisation(row)


async def organisations(
    tx: Tx, kind: str | None, after: str, limit: int, named: str = "", ids: Sequence[str] | None = None
) -> list[KnownOrganisation]:
    """Organisations by id, perhaps only those with these letters in their id or name, or of these ids."""
    asked = select(OrganisationRow).where(col(OrganisationRow.id) > after)
    if ids is not None:
        asked = asked.where(col(OrganisationRow.id).in_(ids))
    if kind is not None:
        asked = asked.where(OrganisationRow.kind == kind)
    if named:
        of_id, of_name = (
            col(one).icontains(named, autoescape=True) for one in (OrganisationRow.id, OrganisationRow.name)
        )
        asked = asked.where(or_(of_id, of_name))
    return [_organisation(row) for row in await tx.exec(asked.order_by(col(OrganisationRow.id)).limit(limit))]


async def unknown_organisations(tx: Tx, orgs: Sequence[str]) -> list[str]:
    """Which of these are not registered."""
    known = set(await tx.exec(select(OrganisationRow.id).where(col(OrganisationRow.id).in_(orgs))))
    return [org for org in orgs if org not in known]


def _organisation(row: OrganisationRow) -> KnownOrganisation:
    return Organisation(row.id, row.name, row.kind, row.region), row.sid
