"""Stored appraisals: seen by the community alone."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.store.places import Place, older
from shared.web.auth import Caller


class AppraisalRow(SQLModel, table=True):
    """A stored appraisal: its bytes, and what lists need."""

    __tablename__ = "appraisal"
    id: str = Field(primary_key=True)
    contract_id: str
    community: str
    appraised_on: date
    verdict: str
    body: bytes
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ListedAppraisal:
    """An appraisal in a list."""

    id: str
    on: date
    verdict: str
    created_at: datetime


async def add_appraisal(
    tx: AsyncSession, appraisal: dict[str, Any], body: bytes, community: str, caller: Caller
) -> bool:
    """Store an appraisal once: the same inputs have the same id and the same bytes. Whether it is new."""
    row = {
        "id": appraisal["id"],
        "contract_id": appraisal["contract"],
        "community": community,
        "appraised_on": date.fromisoformat(appraisal["on"]),
        "verdict": appraisal["verdict"],
        "body": body,
        "created_by": caller.sub,
    }
    statement = insert(AppraisalRow).values(row).on_conflict_do_nothing().returning(col(AppraisalRow.id))
    return (await tx.execute(statement)).first() is not None


async def appraisal(tx: AsyncSession, appraisal_id: str) -> bytes | None:
    """The bytes of an appraisal of the caller's own community; none otherwise."""
    statement = select(col(AppraisalRow.body)).where(col(AppraisalRow.id) == appraisal_id)
    return (await tx.execute(statement)).scalar_one_or_none()


async def appraisals_of(tx: AsyncSession, contract_id: str, after: Place | None, limit: int) -> list[ListedAppraisal]:
    """Appraisals of one contract, newest first."""
    row = AppraisalRow
    columns = (col(row.id), col(row.appraised_on), col(row.verdict), col(row.created_at))
    statement = select(*columns).where(and_(col(row.contract_id) == contract_id, older(row, after)))
    statement = statement.order_by(col(row.created_at).desc(), col(row.id).desc()).limit(limit)
    return [ListedAppraisal(*found) for found in await tx.execute(statement)]
