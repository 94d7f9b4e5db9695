"""First answers of commands that carried an Idempotency-Key. Row-level security shows an organisation its own."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from services.permits.store.session import Tx

_CLAIM = text(
    "INSERT INTO commands (org, key, fingerprint, created_at) VALUES (:org, :key, :fingerprint, :at)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_FIRST = text("SELECT fingerprint, status, answer FROM commands WHERE org = :org AND key = :key")
_REMEMBER = text("UPDATE commands SET status = :status, answer = :answer WHERE org = :org AND key = :key")
_FORGET = text("SELECT forget_commands(:at)")


class FirstAnswer(NamedTuple):
    """What a command was, and what it was answered."""

    fingerprint: bytes
    status: int
    answer: bytes


async def claim(tx: Tx, org: str, key: str, fingerprint: bytes, at: datetime) -> FirstAnswer | None:
    """Take the key for this transaction; the answer of the first command if it was taken.

    A command with the same key that is still running makes this one wait until it has ended.
    """
    taken = await tx.execute(_CLAIM, {"org": org, "key": key, "fingerprint": fingerprint, "at": at})
    if taken.first() is not None:
        return None
    return FirstAnswer(*(await tx.execute(_FIRST, {"org": org, "key": key})).one())


async def first(tx: Tx, org: str, key: str) -> FirstAnswer | None:
    """The answer of the command that had this key, if it has ended. Takes nothing and waits for nobody."""
    found = (await tx.execute(_FIRST, {"org": org, "key": key})).first()
    return None if found is None else FirstAnswer(*found)


async def remember(tx: Tx, org: str, key: str, status: int, answer: bytes) -> None:
    """Keep the answer beside the effect, in the same transaction."""
    await tx.execute(_REMEMBER, {"org": org, "key": key, "status": status, "answer": answer})


async def forget_old(tx: Tx, at: datetime) -> None:
    """Drop answers nobody repeats any more: those of thirty days ago, of every organisation."""
    await tx.execute(_FORGET, {"at": at})
