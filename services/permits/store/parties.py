"""Organisations and keys."""

from collections.abc import Sequence

from sqlalchemy import update
from sqlmodel import col, select

from services.permits.domain.party import Key, Organisation
from services.permits.store.rows import KeyRow, OrganisationRow
from services.permits.store.session import Tx, added

KnownOrganisation = tuple[Organisation, str]
KnownKey = tuple[Key, str, str | None]


async def add_organisation(tx: Tx, org: Organisation, sid: str) -> bool:
    """Keep a new organisation; ``False`` when the id is taken."""
    values = {"id": org.id, "name": org.name, "kind": org.kind, "region": org.region, "sid": sid}
    return await added(tx, OrganisationRow, values)


async def organisation(tx: Tx, org: str) -> KnownOrganisation | None:
    """An organisation and the statement that announced it."""
    row = await tx.get(OrganisationRow, org)
    return None if row is None else _organisation(row)


async def organisations(tx: Tx, kind: str | None, after: str, limit: int) -> list[KnownOrganisation]:
    """Organisations by id."""
    asked = select(OrganisationRow).where(col(OrganisationRow.id) > after)
    if kind is not None:
        asked = asked.where(OrganisationRow.kind == kind)
    return [_organisation(row) for row in await tx.exec(asked.order_by(col(OrganisationRow.id)).limit(limit))]


async def unknown_organisations(tx: Tx, orgs: Sequence[str]) -> list[str]:
    """Which of these are not registered."""
    known = set(await tx.exec(select(OrganisationRow.id).where(col(OrganisationRow.id).in_(orgs))))
    return [org for org in orgs if org not in known]


async def add_key(tx: Tx, key: Key, sid: str) -> bool:
    """Keep a new key; ``False`` when it is registered already."""
    values = {"kid": key.kid, "org": key.org, "public_key": key.public_key, "role": key.role, "sid": sid}
    return await added(tx, KeyRow, values)


async def key(tx: Tx, kid: str) -> KnownKey | None:
    """A key with the statements that added and revoked it."""
    row = await tx.get(KeyRow, kid, populate_existing=True)
    return None if row is None else _key(row)


async def keys(tx: Tx, org: str | None, after: str, limit: int) -> list[KnownKey]:
    """Keys by id, perhaps of one organisation."""
    asked = select(KeyRow).where(col(KeyRow.kid) > after)
    if org is not None:
        asked = asked.where(KeyRow.org == org)
    return [_key(row) for row in await tx.exec(asked.order_by(col(KeyRow.kid)).limit(limit))]


async def revoke_key(tx: Tx, kid: str, reason: str, sid: str) -> bool:
    """Mark a key as revoked; ``False`` when it was already."""
    revoked = await tx.execute(
        update(KeyRow)
        .where(col(KeyRow.kid) == kid, col(KeyRow.revoked_reason).is_(None))
        .values(revoked_reason=reason, revocation_sid=sid)
        .returning(col(KeyRow.kid))
    )
    return revoked.first() is not None


def _organisation(row: OrganisationRow) -> KnownOrganisation:
    return Organisation(row.id, row.name, row.kind, row.region), row.sid


def _key(row: KeyRow) -> KnownKey:
    return Key(row.kid, row.org, row.public_key, row.role, row.revoked_reason), row.sid, row.revocation_sid
