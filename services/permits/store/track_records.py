"""The plans an organisation had a part in, everywhere, with what was confirmed in them.

The function of the database answers for the whole country and for plans that were never approved: a firm's record does
not end at a border or with a refusal. It says nothing of a plan but that.
"""

from datetime import date

from sqlalchemy import text

from services.permits.domain.track_record import Confirmed, PartIn, TrackRecord
from services.permits.store.session import Tx

_RECORD = text("SELECT plan, part, org, signed_on, confirmed FROM record_of(:org) ORDER BY signed_on, plan, part")


async def track_record(tx: Tx, org: str, day: date) -> TrackRecord:
    """The record of an organisation; empty when it had no part in any plan."""
    rows = await tx.execute(_RECORD, {"org": org})
    parts = (
        PartIn(plan, part, of, on, tuple(Confirmed(**one) for one in confirmed))
        for plan, part, of, on, confirmed in rows
    )
    return TrackRecord(org, day, tuple(parts))
