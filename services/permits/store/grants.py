"""Who lets whom read what, and the trail of who read and changed what. Every instant is the database's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from services.permits.domain.reach import Read
from services.permits.store.session import Tx
from shared.web.auth import Caller

_GRANT = "n, id, owner, to_org, scope, purpose, valid_from, valid_until, made_by, made_at, revoked_by, revoked_at"
_ADD = text(
    "INSERT INTO read_grants (id, owner, to_org, scope, purpose, valid_from, valid_until, made_by)"
    " SELECT :id, :owner, :to_org, CAST(:scope AS text[]), :purpose, coalesce(CAST(:valid_from AS timestamptz), now()),"
    " CAST(:valid_until AS timestamptz), :made_by"
    " WHERE CAST(:valid_until AS timestamptz) > coalesce(CAST(:valid_from AS timestamptz), now())"
    f" RETURNING {_GRANT}"
)
_GRANTS = text(
    f"SELECT {_GRANT} FROM read_grants WHERE (owner = :org OR to_org = :org) AND n > CAST(:after AS bigint)"  # noqa: S608
    " ORDER BY n LIMIT :limit"
)
_REVOKE = text(
    "UPDATE read_grants SET revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, :by)"  # noqa: S608
    f" WHERE id = :id AND owner = :owner RETURNING {_GRANT}"
)
_IN_FORCE = text(
    "SELECT owner, unnest(scope), id FROM read_grants WHERE to_org = :org AND revoked_at IS NULL"
    " AND valid_from <= now() AND now() < valid_until ORDER BY n DESC"
)
_READS = text(
    "INSERT INTO audit (org, region, actor, actor_org, act, what, thing, ground, grant_id)"
    " SELECT org, region, :actor, :actor_org, 'read', what, thing, ground, grant_id FROM unnest(CAST(:orgs AS text[]),"
    " CAST(:regions AS text[]), CAST(:whats AS text[]), CAST(:things AS text[]), CAST(:grounds AS text[]),"
    " CAST(:grants AS uuid[])) AS u (org, region, what, thing, ground, grant_id)"
)
_TRAIL = text(
    "SELECT n, at, actor, actor_org, act, what, thing, ground, grant_id, detail FROM audit WHERE org = :org"
    " AND n > CAST(:after AS bigint) AND (CAST(:actor AS text) IS NULL OR (actor = :actor AND actor_org = :actor_org))"
    " ORDER BY n LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class ReadGrant:
    """Whom an owner lets read what, from when until when, and why."""

    n: int
    id: UUID
    owner: str
    to_org: str
    scope: list[str]
    purpose: str
    valid_from: datetime
    valid_until: datetime
    made_by: str
    made_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the trail."""

    n: int
    at: datetime
    actor: str
    actor_org: str
    act: str
    what: str
    thing: str
    ground: str
    grant_id: UUID | None
    detail: str


async def add_grant(
    tx: Tx, id_: UUID, owner: str, to_org: str, scope: Sequence[str], purpose: str, valid_from: datetime | None,
    valid_until: datetime, by: str,
) -> ReadGrant | None:  # fmt: skip
    """Keeps a grant, in force from now on where no other moment is named. None when it would end before it begins."""
    values = {
        "id": id_, "owner": owner, "to_org": to_org, "scope": sorted(set(scope)), "purpose": purpose,
        "valid_from": valid_from, "valid_until": valid_until, "made_by": by,
    }  # fmt: skip
    row = (await tx.execute(_ADD, values)).first()
    return None if row is None else ReadGrant(*row)


async def grants_of(tx: Tx, org: str, after: int, limit: int) -> list[ReadGrant]:
    """The grants an organisation has made and received, revoked ones too, in the order they were made."""
    return [ReadGrant(*row) for row in await tx.execute(_GRANTS, {"org": org, "after": after, "limit": limit})]


async def revoke(tx: Tx, owner: str, id_: UUID, by: str) -> ReadGrant | None:
    """Ends a grant at once; the first time counts. None when the owner has no such grant."""
    row = (await tx.execute(_REVOKE, {"id": id_, "owner": owner, "by": by})).first()
    return None if row is None else ReadGrant(*row)


async def given_to(tx: Tx, org: str) -> dict[tuple[str, str], UUID]:
    """By owner and scope, the grant that lets this organisation read it now."""
    return {(owner, what): id_ for owner, what, id_ in await tx.execute(_IN_FORCE, {"org": org})}


async def note_reads(tx: Tx, caller: Caller, reads: Sequence[Read]) -> None:
    """Write who read what is not public, to be committed before the answer leaves."""
    if reads:
        await tx.execute(
            _READS,
            {
                "actor": caller.sub, "actor_org": caller.org, "orgs": [one.org for one in reads],
                "regions": [one.region for one in reads], "whats": [one.what for one in reads],
                "things": [one.thing for one in reads], "grounds": [one.ground.ground for one in reads],
                "grants": [one.ground.grant_id for one in reads],
            },
        )  # fmt: skip


async def trail(tx: Tx, org: str, by: Caller | None, after: int, limit: int) -> list[Line]:
    """What was read and changed of an organisation, the oldest first, as far as the caller may see it; of ``by`` alone
    when named."""
    who = {"actor": None if by is None else by.sub, "actor_org": None if by is None else by.org}
    return [Line(*row) for row in await tx.execute(_TRAIL, {"org": org, "after": after, "limit": limit} | who)]
