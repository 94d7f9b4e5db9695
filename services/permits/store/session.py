"""The transaction a caller's questions are asked in, adding what may be there already, and doing what is done by one at a time."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, literal
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.web.turn import TAKE_TURN

Tx = AsyncSession
_ONE_AT_A_TIME = text(TAKE_TURN.format(":what"))


async def added(tx: Tx, row: type[SQLModel], values: dict[str, Any]) -> bool:
    """Insert a row unless its key is taken, also by a transaction that runs at the same time; whether it was inserted."""
    statement = insert(row).values(values).on_conflict_do_nothing().returning(literal(1))
    return (await tx.execute(statement)).first() is not None


async def one_at_a_time(tx: Tx, what: str) -> None:
    """Whoever else does this waits until the transaction ends: what is asked from here on sees what they did before."""
    await tx.execute(_ONE_AT_A_TIME, {"what": what})
