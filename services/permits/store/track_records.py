"""The plans an organisation had a part in, everywhere, with what was confirmed in them.

The function of the database answers for the whole country and for plans that were never approved: a firm's record does
not end at a border or with a refusal. It says nothing of a plan but that.
"""

from datetime import date

from sqlalchemy import text

from services.permits.domain.track_record import Confirmed, PartIn, Supervised, TrackRecord
from services.permits.store.session import Tx
from services.permits.store.supervisions import EACH_SUPERVISED

_RECORD = text("SELECT plan, part, org, signed_on, confirmed FROM record_of(:org) ORDER BY signed_on, plan, part")

# Of permits it holds on other communities' plans, which an approved permit and a closed supervision let everybody see.
_SUPERVISED = text(
    EACH_SUPERVISED.format("s.permit IN (SELECT m.number FROM permits m WHERE m.holder = :org AND m.org <> :org)")
)


async def track_record(tx: Tx, org: str, day: date) -> TrackRecord:
    """The record of an organisation; empty when it had no part in any plan."""
    rows = await tx.execute(_RECORD, {"org": org})
    parts = (
        PartIn(plan, part, of, on, tuple(_confirmed(**one) for one in confirmed))
        for plan, part, of, on, confirmed in rows
    )
    return TrackRecord(org, day, tuple(parts), await _supervised(tx, org, day))


def _confirmed(upheld_on: str, **more: str) -> Confirmed:
    return Confirmed(**more, upheld_on=date.fromisoformat(upheld_on))


async def _supervised(tx: Tx, org: str, day: date) -> tuple[Supervised, ...]:
    """Each closed supervision of a permit of the organisation in another's plans, the oldest first; none of those that had no
    moved volume to look at and found none without a tree."""
    rows = await tx.execute(_SUPERVISED, {"org": org, "day": day})
    return tuple(
        Supervised(community, int(without), int(moved), number, permit, closed_on)
        for number, community, moved, without, permit, closed_on in rows
        if moved or without
    )
