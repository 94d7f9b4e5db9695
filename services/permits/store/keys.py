"""Keys on their way to the log and registered ones, and revocations of any key of the log."""

from collections.abc import Sequence

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, literal, select

from services.permits.domain.key import Enrolment, Key, Revocation
from services.permits.domain.party import Organisation
from services.permits.store.rows import KeyRow, OrganisationRow, RevocationRow
from services.permits.store.session import Tx, added, one_at_a_time

KnownRevocation = tuple[Revocation, str]
_NEVER = 2**62


async def add_key(tx: Tx, enrolment: Enrolment) -> bool:
    """Keep a new key in the state it is in; ``False`` when the key is there already."""
    key = enrolment.key
    values = {
        "kid": key.kid, "org": key.org, "public_key": key.public_key, "role": key.role, "proof": key.proof,
        "state": enrolment.state, "asked_by": enrolment.asked_by, "proposed_by": enrolment.proposed_by,
        "sid": enrolment.sid,
    }  # fmt: skip
    return await added(tx, KeyRow, values)


async def key(tx: Tx, kid: str, *, lock: bool = False) -> Enrolment | None:
    """A key and how far it has come; locked for whoever is about to take it further."""
    row = await tx.get(KeyRow, kid, populate_existing=True, with_for_update=lock or None)
    return None if row is None else _enrolment(row)


async def keys(tx: Tx, org: str | None, after: str, limit: int) -> list[Enrolment]:
    """Keys by id, perhaps of one organisation."""
    asked = select(KeyRow).where(col(KeyRow.kid) > after)
    if org is not None:
        asked = asked.where(KeyRow.org == org)
    return [_enrolment(row) for row in await tx.exec(asked.order_by(col(KeyRow.kid)).limit(limit))]


async def asked_for(tx: Tx, person: str) -> list[Organisation]:
    """The organisations for which a person has asked for keys; it stays so until the transaction ends."""
    await one_at_a_time(tx, f"keys asked for by {person}")
    asked = select(OrganisationRow).join(KeyRow, col(KeyRow.org) == col(OrganisationRow.id))
    rows = await tx.exec(asked.where(KeyRow.asked_by == person).distinct())
    return [Organisation(row.id, row.name, row.kind, row.region) for row in rows]


async def keys_of_role(tx: Tx, role: str) -> list[Enrolment]:
    """Every key of a role; there are few in the roles of the house."""
    rows = await tx.exec(select(KeyRow).where(KeyRow.role == role).order_by(col(KeyRow.kid)))
    return [_enrolment(row) for row in rows]


async def note_proposal(tx: Tx, kid: str, officer: str) -> None:
    """Somebody of the registry proposes a key that was asked for."""
    await tx.execute(update(KeyRow).where(col(KeyRow.kid) == kid).values(state="proposed", proposed_by=officer))


async def note_approval(tx: Tx, kid: str, officer: str, sid: str) -> None:
    """Somebody else of the registry approves it, and its statement is queued."""
    changes = {"state": "registered", "approved_by": officer, "sid": sid}
    await tx.execute(update(KeyRow).where(col(KeyRow.kid) == kid).values(**changes))


async def revoke(tx: Tx, revocation: Revocation, sid: str) -> bool:
    """Keep the end of a key, or that it is in doubt from an earlier entry on; ``False`` when it says nothing new."""
    values = {
        "kid": revocation.kid, "org": revocation.org, "reason": revocation.reason,
        "distrust_from": revocation.distrust_from, "sid": sid,
    }  # fmt: skip
    asked = insert(RevocationRow).values(values)
    earlier = asked.excluded.distrust_from < func.coalesce(col(RevocationRow.distrust_from), _NEVER)
    changes = {name: asked.excluded[name] for name in ("reason", "distrust_from", "sid")}
    statement = asked.on_conflict_do_update(index_elements=["kid", "org"], set_=changes, where=earlier)
    return (await tx.execute(statement.returning(literal(1)))).first() is not None


async def unknown_revocations(tx: Tx, org: str) -> int:
    """How many keys of this organisation were revoked that did not come through here."""
    ours = select(KeyRow.kid).where(KeyRow.kid == RevocationRow.kid, KeyRow.org == RevocationRow.org)
    asked = select(func.count()).select_from(RevocationRow).where(RevocationRow.org == org, ~ours.exists())
    return (await tx.exec(asked)).one()


async def revocation(tx: Tx, kid: str, org: str) -> KnownRevocation | None:
    """The end of a key of this organisation and the statement that announced it last."""
    row = await tx.get(RevocationRow, (kid, org), populate_existing=True)
    return None if row is None else _revocation(row)


async def revocations(tx: Tx, found: Sequence[Enrolment]) -> dict[str, KnownRevocation]:
    """Which of these keys have ended."""
    orgs = {enrolment.key.kid: enrolment.key.org for enrolment in found}
    rows = await tx.exec(select(RevocationRow).where(col(RevocationRow.kid).in_(orgs)))
    return {row.kid: _revocation(row) for row in rows if row.org == orgs[row.kid]}


def _enrolment(row: KeyRow) -> Enrolment:
    key = Key(row.kid, row.org, row.public_key, row.role, row.proof)
    return Enrolment(key, row.state, row.asked_by, row.proposed_by, row.sid)


def _revocation(row: RevocationRow) -> KnownRevocation:
    return Revocation(row.kid, row.org, row.reason, row.distrust_from), row.sid
