"""Keys on their way to the log and registered ones, and revocations of any key of the log."""

from collections.abc import Sequence
from typing import Literal, cast

from sqlalchemy import func, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, literal, select

from services.permits.domain.key import HOUSE, Ended, Enrolment, Key, Revocation, SecondWord
from services.permits.domain.party import Organisation
from services.permits.store.rows import KeyRow, OrganisationRow, RevocationRow
from services.permits.store.session import Tx, added, one_at_a_time

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


async def revoke(tx: Tx, revocation: Revocation, sid: str, by: str | None = None) -> bool:
    """Keep the end of a key, or that it is in doubt from an earlier entry on; ``False`` when it says nothing new. What was new
    awaits a second person, also where one has spoken of what stood before."""
    values = {
        "kid": revocation.kid, "org": revocation.org, "reason": revocation.reason,
        "distrust_from": revocation.distrust_from, "sid": sid, "revoked_by": by,
        **dict.fromkeys(("second_by", "second_word", "second_reason", "second_at")),
    }  # fmt: skip
    asked = insert(RevocationRow).values(values)
    earlier = asked.excluded.distrust_from < func.coalesce(col(RevocationRow.distrust_from), _NEVER)
    changes = {name: asked.excluded[name] for name in values if name not in ("kid", "org")}
    statement = asked.on_conflict_do_update(index_elements=["kid", "org"], set_=changes, where=earlier)
    return (await tx.execute(statement.returning(literal(1)))).first() is not None


async def unknown_revocations(tx: Tx, org: str) -> int:
    """How many keys of this organisation were revoked that did not come through here."""
    ours = select(KeyRow.kid).where(KeyRow.kid == RevocationRow.kid, KeyRow.org == RevocationRow.org)
    asked = select(func.count()).select_from(RevocationRow).where(RevocationRow.org == org, ~ours.exists())
    return (await tx.exec(asked)).one()


async def awaiting_of(tx: Tx, person: str) -> int:
    """How many revocations of this person await a second one; it stays so until the transaction ends."""
    await one_at_a_time(tx, f"keys revoked by {person}")
    asked = select(func.count()).select_from(RevocationRow)
    return (
        await tx.exec(asked.where(RevocationRow.revoked_by == person, col(RevocationRow.second_word).is_(None)))
    ).one()


async def note_second(tx: Tx, kid: str, org: str, second: SecondWord) -> None:
    """Another person says that the key ended rightly, or wrongly."""
    changes = {
        "second_by": second.by, "second_word": second.word, "second_reason": second.reason, "second_at": second.at,
    }  # fmt: skip
    of = col(RevocationRow.kid) == kid, col(RevocationRow.org) == org
    await tx.execute(update(RevocationRow).where(*of).values(**changes))


async def revocation(tx: Tx, kid: str, org: str, *, lock: bool = False) -> Ended | None:
    """The end of a key of this organisation as it stands; locked for whoever is about to say a word on it."""
    row = await tx.get(RevocationRow, (kid, org), populate_existing=True, with_for_update=lock or None)
    return None if row is None else _ended(row)


async def all_revocations(
    tx: Tx, org: str | None, awaiting: bool | None, after: tuple[str, str], limit: int
) -> list[Ended]:
    """Ends of keys by id and organisation; of those that came through here and of others."""
    asked = select(RevocationRow).where(tuple_(col(RevocationRow.kid), col(RevocationRow.org)) > after)
    if org is not None:
        asked = asked.where(RevocationRow.org == org)
    if awaiting is not None:
        spoken = col(RevocationRow.second_word).is_not(None) | col(RevocationRow.org).in_(HOUSE)
        asked = asked.where(~spoken if awaiting else spoken)
    rows = await tx.exec(asked.order_by(col(RevocationRow.kid), col(RevocationRow.org)).limit(limit))
    return [_ended(row) for row in rows]


async def revocations(tx: Tx, found: Sequence[Enrolment]) -> dict[str, Ended]:
    """Which of these keys have ended."""
    orgs = {enrolment.key.kid: enrolment.key.org for enrolment in found}
    rows = await tx.exec(select(RevocationRow).where(col(RevocationRow.kid).in_(orgs)))
    return {row.kid: _ended(row) for row in rows if row.org == orgs[row.kid]}


def _enrolment(row: KeyRow) -> Enrolment:
    key = Key(row.kid, row.org, row.public_key, row.role, row.proof)
    return Enrolment(key, row.state, row.asked_by, row.proposed_by, row.sid)


def _ended(row: RevocationRow) -> Ended:
    second = None
    if row.second_word is not None and row.second_by is not None and row.second_at is not None:
        word = cast("Literal['confirmed', 'contested']", row.second_word)
        second = SecondWord(word, row.second_reason, row.second_by, row.second_at)
    return Ended(Revocation(row.kid, row.org, row.reason, row.distrust_from), row.sid, row.revoked_by, second)
