"""Checkpoints that others saw and that do not fit what is published here, kept for good; and the notes signed before."""

from services.custody.store import Transaction
from shared.tlog.gossip import Heard, Outcome

# Only the log's own key gets a note in here, and one note a size and root: nobody else can fill the table.
KEEP = """
INSERT INTO fork_evidence (log_id, size, root, outcome, theirs, ours) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING"""
NOTE_AT = "SELECT note FROM checkpoint WHERE log_id = $1 AND size = $2"


async def keep(tx: Transaction, outcome: Outcome, theirs: Heard, ours: bytes) -> None:
    """Keeps both notes. What was kept first under this size and root stays."""
    size, root = theirs.checkpoint.size, theirs.checkpoint.root
    await tx.execute(KEEP, tx.log_id, size, root, outcome, theirs.note, ours)


async def note_at(tx: Transaction, size: int) -> bytes | None:
    """The note that was signed at exactly this size, if one was."""
    rows = await tx.fetch(NOTE_AT, tx.log_id, size)
    return rows[0][0] if rows else None
