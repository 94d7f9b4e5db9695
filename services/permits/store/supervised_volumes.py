"""What was done about the volumes that supervisions find fault with: acts for everybody who sees them, words and papers apart."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from services.permits.domain.field_supervision import VolumeKey
from services.permits.domain.finding_life import Done
from services.permits.store.session import Tx

_ACTS = text(
    "SELECT a.parcel, a.species, a.numeral, a.act, a.state, a.outcome, a.at, a.by_sub, a.by_org, w.said, w.documents"
    " FROM supervision_volume_acts a LEFT JOIN supervision_volume_words w"
    " USING (supervision, parcel, species, numeral, seq) WHERE a.supervision = :number ORDER BY a.seq"
)
_LAST = text(
    "SELECT coalesce(max(seq), 0) FROM supervision_volume_acts"
    " WHERE supervision = :number AND parcel = :parcel AND species = :species AND numeral = :numeral"
)
_ANSWERED = text(
    "SELECT coalesce((SELECT min(at) FROM supervision_answers WHERE supervision = :number),"
    " (SELECT min(at) FROM supervision_volume_acts WHERE supervision = :number AND act = 'accept'))"
)
_ADD_ACT = text(
    "INSERT INTO supervision_volume_acts (supervision, parcel, species, numeral, seq, act, state, outcome, at, by_sub, by_org)"
    " VALUES (:number, :parcel, :species, :numeral, :seq, :act, :state, :outcome, :at, :by, :org)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_ADD_WORDS = text(
    "INSERT INTO supervision_volume_words (supervision, parcel, species, numeral, seq, said, documents, by_org)"
    " VALUES (:number, :parcel, :species, :numeral, :seq, :said, CAST(:documents AS text[]), :org)"
)


async def acts(tx: Tx, number: str) -> dict[VolumeKey, list[Done]]:
    """The recorded acts on each volume of a supervision, in order; without words and papers for who may not see them."""
    found: dict[VolumeKey, list[Done]] = {}
    for row in await tx.execute(_ACTS, {"number": number}):
        parcel, species, numeral, act, state, outcome, at, by, org, said, documents = row
        done = Done(act, state, outcome, at, by, org, said, None, tuple(documents or ()))
        found.setdefault((parcel, species, numeral), []).append(done)
    return found


async def last(tx: Tx, number: str, key: VolumeKey) -> int:
    """The number of the last recorded act on a volume. Asked before the acts are read, it is no later than they are."""
    parcel, species, numeral = key
    place = {"number": number, "parcel": parcel, "species": species, "numeral": numeral}
    found: int = (await tx.execute(_LAST, place)).scalar_one()
    return found


async def answered_at(tx: Tx, number: str) -> datetime | None:
    """When the holder first answered; who may not read answers knows it from what was accepted of them."""
    at: datetime | None = (await tx.execute(_ANSWERED, {"number": number})).scalar_one()
    return at


async def add_act(tx: Tx, number: str, key: VolumeKey, seq: int, done: Done, documents: Sequence[str]) -> bool:
    """Keep an act with its words; ``False`` when somebody else acted in the same moment."""
    parcel, species, numeral = key
    place = {"number": number, "parcel": parcel, "species": species, "numeral": numeral, "seq": seq, "org": done.org}
    act = {"act": done.act, "state": done.state, "outcome": done.outcome, "at": done.at, "by": done.by}
    if (await tx.execute(_ADD_ACT, place | act)).first() is None:
        return False
    await tx.execute(_ADD_WORDS, place | {"said": done.text, "documents": list(documents)})
    return True
