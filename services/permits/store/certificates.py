"""Certificates, the members of their groups, and what was done to them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text, update
from sqlmodel import col, or_, select

from services.permits.domain.certificate import Act, Certificate, Member
from services.permits.store.rows import CertificateRow, MemberRow
from services.permits.store.session import Tx, added, one_at_a_time

_COLUMNS = [name for name in Certificate.__slots__ if name != "members"]
_SET_MEMBERS = text(
    "INSERT INTO certificate_members (certificate, org, first_day, last_day, state)"
    " SELECT :number, org, first_day, last_day, 'in_force' FROM unnest(CAST(:orgs AS text[]), CAST(:first AS date[]),"
    " CAST(:last AS date[])) AS u (org, first_day, last_day)"
    " ON CONFLICT (certificate, org) DO UPDATE SET first_day = excluded.first_day, last_day = excluded.last_day"
)
_ACT = text(
    "INSERT INTO certificate_acts (certificate, kind, member, at, reason, sid)"
    " VALUES (:number, :kind, :member, :at, :reason, :sid)"
)
_ACTS = text(
    "SELECT certificate, kind, member, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), reason"
    " FROM certificate_acts WHERE certificate = ANY(CAST(:numbers AS text[])) ORDER BY seq"
)
_PREFIX = text(
    "SELECT certifier FROM certificates WHERE prefix = :prefix AND state <> 'ended' AND certifier <> :certifier LIMIT 1"
)

Known = tuple[Certificate, str, str]
"""A certificate, the statement that announced it, and that of the last act on it."""


async def add_certificate(tx: Tx, certificate: Certificate, sid: str, at: datetime) -> bool:
    """Keep a new certificate with its members; ``False`` when the number is taken."""
    values = {name: getattr(certificate, name) for name in _COLUMNS} | {"sid": sid, "last_sid": sid}
    if not await added(tx, CertificateRow, values):
        return False
    await _set_members(tx, certificate.number, certificate.members)
    await _act(tx, certificate.number, "registered", None, at, "", sid)
    return True


async def prefix_taken(tx: Tx, prefix: str, certifier: str) -> str | None:
    """Which other certification body has certificates under these letters; it stays so until the transaction ends."""
    await one_at_a_time(tx, f"certificates {prefix}")
    found: str | None = (await tx.execute(_PREFIX, {"prefix": prefix, "certifier": certifier})).scalar()
    return found


async def certificate(tx: Tx, number: str, *, lock: bool = False) -> Known | None:
    """A certificate; locked until the transaction ends for whoever may change it (``None`` for anyone else)."""
    asked = select(CertificateRow).where(CertificateRow.number == number)
    row = (
        await tx.exec((asked.with_for_update() if lock else asked).execution_options(populate_existing=True))
    ).first()
    return None if row is None else (await _whole(tx, [row]))[0]


async def certificates(
    tx: Tx, after: str, limit: int, *, holder: str | None = None, member: str | None = None, code: str | None = None,
    certifier: str | None = None,
) -> list[Known]:  # fmt: skip
    """Certificates by number; ``member``: those whose group this organisation is or was in, or that it holds."""
    asked = select(CertificateRow).where(col(CertificateRow.number) > after)
    for column, value in (
        (CertificateRow.holder, holder),
        (CertificateRow.code, code),
        (CertificateRow.certifier, certifier),
    ):
        if value is not None:
            asked = asked.where(col(column) == value)
    if member is not None:
        groups = select(MemberRow.certificate).where(MemberRow.org == member)
        asked = asked.where(or_(col(CertificateRow.number).in_(groups), col(CertificateRow.holder) == member))
    return await _whole(tx, list(await tx.exec(asked.order_by(col(CertificateRow.number)).limit(limit))))


async def with_numbers(tx: Tx, numbers: Sequence[str]) -> list[Known]:
    """These certificates, by number."""
    asked = select(CertificateRow).where(col(CertificateRow.number).in_(numbers)).order_by(col(CertificateRow.number))
    return await _whole(tx, list(await tx.exec(asked)))


async def acts(tx: Tx, numbers: Sequence[str]) -> dict[str, list[Act]]:
    """What was done to each of these certificates, in order."""
    found: dict[str, list[Act]] = {number: [] for number in numbers}
    for number, *act in await tx.execute(_ACTS, {"numbers": list(numbers)}):
        found[number].append(Act(*act))
    return found


async def note_members(tx: Tx, number: str, members: Sequence[Member], reason: str, sid: str, at: datetime) -> None:
    """Members have joined, or their days have changed."""
    await _set_members(tx, number, members)
    await tx.execute(update(CertificateRow).where(col(CertificateRow.number) == number).values(last_sid=sid))
    await _act(tx, number, "amended", None, at, reason, sid)


async def note_standing(
    tx: Tx, number: str, member: str | None, kind: str, state: str, reason: str, sid: str, at: datetime
) -> None:
    """The certificate, or one member of it, has another state now."""
    whole = {"last_sid": sid} | ({} if member is not None else {"state": state})
    await tx.execute(update(CertificateRow).where(col(CertificateRow.number) == number).values(**whole))
    if member is not None:
        of_member = (col(MemberRow.certificate) == number, col(MemberRow.org) == member)
        await tx.execute(update(MemberRow).where(*of_member).values(state=state))
    await _act(tx, number, kind, member, at, reason, sid)


async def _set_members(tx: Tx, number: str, members: Sequence[Member]) -> None:
    days = {"first": [m.first_day for m in members], "last": [m.last_day for m in members]}
    await tx.execute(_SET_MEMBERS, {"number": number, "orgs": [m.org for m in members], **days})


async def _act(tx: Tx, number: str, kind: str, member: str | None, at: datetime, reason: str, sid: str) -> None:
    values = {"number": number, "kind": kind, "member": member, "at": at, "reason": reason, "sid": sid}
    await tx.execute(_ACT, values)


async def _whole(tx: Tx, rows: Sequence[CertificateRow]) -> list[Known]:
    asked = (
        select(MemberRow)
        .where(col(MemberRow.certificate).in_([row.number for row in rows]))
        .order_by(col(MemberRow.org))
    )
    members: dict[str, list[Member]] = {row.number: [] for row in rows}
    for one in await tx.exec(asked.execution_options(populate_existing=True)):
        members[one.certificate].append(Member(one.org, one.first_day, one.last_day, one.state))
    return [
        (
            Certificate(**{name: getattr(row, name) for name in _COLUMNS}, members=tuple(members[row.number])),
            row.sid, row.last_sid,
        )
        for row in rows
    ]  # fmt: skip
