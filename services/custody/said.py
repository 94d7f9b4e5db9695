"""What the keeper of the log says in it, beside the committer: one record, under the head row lock of the caller."""

from services.custody import rounds
from services.custody.domain.admission import Round, admit_round
from services.custody.store import Head, Transaction
from shared.timber.event import Record
from shared.timber.facts import Facts
from shared.timber.norms import Norms


class Unsaid(Exception):  # noqa: N818 - the caller decides what it means
    """The log did not take the record, because it does not know the keeper's key or because of what it says."""


async def said(tx: Transaction, head: Head, record: Record, norms: Norms, now: str) -> Head:
    """Appends the record by the rules of the door; the head after it. Unsaid with the reason, and nothing is written."""
    facts, round_ = Facts(complete=False), Round(head.size)
    known = await rounds.load(tx, [record], facts)
    admit_round(round_, [record], known, facts, norms, now)
    if not round_.admitted:
        raise Unsaid(str(round_.refused.get(record.sid, "it asks for facts that are not there, or was said before")))
    return await rounds.save(tx, head, round_, facts)
