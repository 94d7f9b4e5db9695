"""First answers of commands that carried an Idempotency-Key."""

from datetime import datetime

from sqlalchemy import text

from services.permits.store.session import Tx

# Phones and village offices repeat a command after weeks without network.
KEPT_DAYS = 30

_CLAIM = text(
    "INSERT INTO commands (org, key, fingerprint, created_at) VALUES (:org, :key, :fingerprint, :at)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_FIRST = text("SELECT fingerprint, status, answer FROM commands WHERE org = :org AND key = :key")
_REMEMBER = text("UPDATE commands SET status = :status, answer = :answer WHERE org = :org AND key = :key")
_FORGET = text("DELETE FROM commands WHERE created_at < CAST(:at AS timestamptz) - make_interval(days => :days)")


async def claim(tx: Tx, org: str, key: str, fingerprint: bytes, at: datetime) -> tuple[bytes, int, bytes] | None:
    """Take the key for this transaction; ``(fingerprint, status, answer)`` of the first command if it was taken.

    A command with the same key that is still running makes this one wait until it has ended.
    """
    taken = await tx.execute(_CLAIM, {"org": org, "key": key, "fingerprint": fingerprint, "at": at})
    if taken.first() is not None:
        return None
    first = (await tx.execute(_FIRST, {"org": org, "key": key})).one()
    return first.fingerprint, first.status, first.answer


async def remember(tx: Tx, org: str, key: str, status: int, answer: bytes) -> None:
    """Keep the answer beside the effect, in the same transaction."""
    await tx.execute(_REMEMBER, {"org": org, "key": key, "status": status, "answer": answer})


async def forget_old(tx: Tx, at: datetime) -> None:
    """Drop answers nobody repeats any more."""
    await tx.execute(_FORGET, {"at": at, "days": KEPT_DAYS})
