"""What one round lets into the log: pure, over facts loaded once.

A bad record refuses itself and what descends from it, never the rest. Records of a round may arrive in any order:
one whose parent comes later in the same round is tried again after it.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from services.custody.domain import concerned
from services.custody.domain.movements import Movement, movements_of, transfers_of
from shared.lot.closure import names_of
from shared.refusal import Refusal
from shared.timber import chain, refusals
from shared.timber.event import Record
from shared.timber.facts import Facts, NotLoaded, Permit, past_of
from shared.timber.norms import Norms
from shared.timber.rules.outcome import Outcome
from shared.timber.succession import CLOSED, CONTINUED


@dataclass(eq=False)
class UnknownPredecessor(Refusal):
    """The record builds on a statement that is not in the log."""

    slug: ClassVar[str] = "unknown-predecessor"
    es: ClassVar[str] = "El registro se apoya en {prev}, que no está en la bitácora. Envíe primero ese registro."
    en: ClassVar[str] = "The record builds on {prev}, which is not in the log. Send that record first."
    prev: str


@dataclass(eq=False)
class KeepersWord(Refusal):
    """Where the log ends, and what it continues, stands in it in one step with the checkpoint that says so. An upload that
    said it, under whatever key, would leave a seam that nobody can verify, for ever."""

    slug: ClassVar[str] = "keepers-word"
    es: ClassVar[str] = (
        "Los registros {type} los escribe solo quien lleva la bitácora, cuando la traspasa; no se reciben."
    )
    en: ClassVar[str] = (
        "Only the keeper of the log writes {type} records, when it hands the log over; none are taken in."
    )
    type: str


@dataclass(slots=True)
class Admitted:
    """`org` is whom the findings are for: the holder of the permit the record names, else whoever speaks. `names` are those
    whom and what it is about (`concerned`), as things stood when it was admitted."""

    record: Record
    index: int
    outcomes: list[Outcome]
    movements: list[Movement]
    org: str
    names: set[str]


@dataclass(slots=True)
class Round:
    """The outcome of a round: what is appended, in order, and why each of the others is not. While `missing` names
    facts, the records that ask for them wait: load them and admit again."""

    first: int
    admitted: list[Admitted] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)
    index_of: dict[str, int] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    @property
    def size(self) -> int:
        return self.first + len(self.admitted)


def uploaded(round_: Round, records: Sequence[Record], known: dict[str, int]) -> list[Record]:
    """Those that may be uploaded; the others are refused in the round. One that stands is answered with its index."""
    for record in records:
        if record.type in (CLOSED, CONTINUED) and record.sid not in known:
            round_.refused[record.sid] = KeepersWord(record.type)
    return [record for record in records if record.sid not in round_.refused]


def admit_round(
    round_: Round, records: Sequence[Record], known: dict[str, int], facts: Facts, norms: Norms, now: str
) -> Round:
    """Admits what the rules let in, in the order of arrival where the order allows. `known` are the statements of
    the round, and those it builds on, that already stand in the log. Adds to `round_`, and to `facts`."""
    round_.index_of.update(known)
    waiting: defaultdict[str, list[Record]] = defaultdict(list)
    queue = deque(records)
    while queue:
        record = queue.popleft()
        if record.sid in round_.index_of:
            continue
        try:
            admit_one(round_, record, facts, norms, now)
        except NotLoaded as asked:
            round_.missing.add(asked.key)
            continue
        except Refusal as refusal:
            round_.refused[record.sid] = refusal
            awaited = _awaited(refusal)
            if awaited is not None:
                waiting[awaited].append(record)
            continue
        if waiting:
            for name in (f"record:{record.sid}", *names_of(record)):
                queue.extend(waiting.pop(name, ()))
    return round_


def _awaited(refusal: Refusal) -> str | None:
    """The name of what a refused record lacks and a later one of the round may still bring."""
    match refusal:
        case UnknownPredecessor():
            return f"record:{refusal.prev}"
        case refusals.UnknownParent():
            return f"{refusal.kind}:{refusal.id}"
        case refusals.UnknownKey():
            return f"key:{refusal.kid}"
        case refusals.UnknownOrganisation():
            return f"org:{refusal.organisation}"
        case _:
            return None


def admit_one(round_: Round, record: Record, facts: Facts, norms: Norms, now: str | None) -> None:
    """Appends one record to the round or raises why not."""
    for prev in record.prev:
        if prev not in round_.index_of:
            raise UnknownPredecessor(prev)
    index = round_.size
    org = _concerned(record, facts)
    transfers = transfers_of(record, facts)  # before: afterwards nobody knows whose the wood was
    outcomes = chain.admit(record, index, facts, norms, now)
    facts.preload([past_of(record, index)])
    movements, names = movements_of(record, facts, transfers), concerned.names_of(record, facts)
    round_.admitted.append(Admitted(record, index, outcomes, movements, org, names))
    round_.index_of[record.sid] = index
    round_.refused.pop(record.sid, None)


def _concerned(record: Record, facts: Facts) -> str:
    permit = facts.find(Permit, f"permit:{record.body['permit']}") if "permit" in record.body else None
    return record.actor if permit is None else permit.holder
