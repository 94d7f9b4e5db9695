"""The plans an organisation had a part in, everywhere, with what was confirmed in them.

The function of the database answers for the whole country and for plans that were never approved: a firm's record does
not end at a border or with a refusal. It says nothing of a plan but that.
"""

from collections import Counter
from datetime import date

from sqlalchemy import text

from services.permits.domain.track_record import Confirmed, PartIn, Supervised, TrackRecord
from services.permits.store.session import Tx
from services.permits.store.supervisions import SUPERVISED

_RECORD = text("SELECT plan, part, org, signed_on, confirmed FROM record_of(:org) ORDER BY signed_on, plan, part")

# Of permits it holds on other communities' plans, which an approved permit and a closed supervision let everybody see.
_SUPERVISED = text(
    SUPERVISED.format("s.permit IN (SELECT m.number FROM permits m WHERE m.holder = :org AND m.org <> :org)")
)


async def track_record(tx: Tx, org: str, day: date) -> TrackRecord:
    """The record of an organisation; empty when it had no part in any plan."""
    rows = await tx.execute(_RECORD, {"org": org})
    parts = (
        PartIn(plan, part, of, on, tuple(Confirmed(**one) for one in confirmed))
        for plan, part, of, on, confirmed in rows
    )
    return TrackRecord(org, day, tuple(parts), await _supervised(tx, org, day))


async def _supervised(tx: Tx, org: str, day: date) -> tuple[Supervised, ...]:
    """By community, what was moved of supervised species under permits of the organisation, and what of it has no tree."""
    moved: Counter[str] = Counter()
    without: Counter[str] = Counter()
    for _, community, moved_dm3, unjustified_dm3 in await tx.execute(_SUPERVISED, {"org": org, "day": day}):
        moved[community] += int(moved_dm3)
        without[community] += int(unjustified_dm3)
    communities = sorted(one for one in moved.keys() | without.keys() if moved[one] or without[one])
    return tuple(Supervised(one, without[one], moved[one]) for one in communities)
