"""The transaction a caller's questions are asked in, and adding what may be there already."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, literal
from sqlmodel.ext.asyncio.session import AsyncSession

Tx = AsyncSession


async def added(tx: Tx, row: type[SQLModel], values: dict[str, Any]) -> bool:
    """Insert a row unless its key is taken, also by a transaction that runs at the same time; whether it was inserted."""
    statement = insert(row).values(values).on_conflict_do_nothing().returning(literal(1))
    return (await tx.execute(statement)).first() is not None
