"""What a round loads before it decides, and what it writes: by the committer, and by whoever replays the log.

All that is written here beside entries and head is derived, and follows from the entries alone, whatever the rounds
they came in: a replay writes the same rows (`services.custody.operating.rebuild`).
"""

import asyncio
from collections.abc import Sequence

import orjson

from services.custody import tiles
from services.custody.derived import add_round
from services.custody.domain.admission import Admitted, Round, admit_one
from services.custody.domain.wood import spends
from services.custody.store import Derived, Head, NewFinding, Transaction, ref_of
from shared.lot.closure import names_of
from shared.timber import chain
from shared.timber.event import Record
from shared.timber.facts import Facts, NotLoaded, dump
from shared.timber.norms import Norms
from shared.timber.rules.outcome import Outcome


async def load(tx: Transaction, records: Sequence[Record], facts: Facts) -> dict[str, int]:
    """Everything the rules will ask about the records: three statements, four when guides name their logs. Answers
    which of the statements, and of those they build on, already stand in the log."""
    named = {bytes.fromhex(sid) for record in records for sid in (record.sid, *record.prev)}
    known = {sid.hex(): index for sid, index in (await tx.indices_of(named)).items()}
    await tx.load_facts({key for record in records for key in (*chain.keys_of(record), *_permit_of(record))}, facts)
    more = {key for record in records for key in chain.more_keys(record, facts)}
    if more:
        await tx.load_facts(more, facts)
    return known


def _permit_of(record: Record) -> tuple[str, ...]:
    """The permit a record names, whose holder its findings are for."""
    return (f"permit:{record.body['permit']}",) if "permit" in record.body else ()


async def replay(tx: Transaction, records: Sequence[Record], round_: Round, facts: Facts, norms: Norms) -> None:
    """Admits records that were admitted before, in their order. A ``Refusal`` says that one does not follow from those
    before it, which no record of an undamaged log does."""
    round_.index_of.update(await load(tx, records, facts))
    for record in records:
        while True:
            try:
                admit_one(round_, record, facts, norms, None)
            except NotLoaded as asked:
                await tx.load_facts({asked.key}, facts)
                continue
            break


async def save(tx: Transaction, head: Head, round_: Round, facts: Facts) -> Head:
    """Writes a round under the head row lock: entries, the new head, and what is derived. Answers the new head."""
    admitted = round_.admitted
    after, rows = tiles.extended(head, [one.record.leaf_hash for one in admitted])
    entries = [(bytes.fromhex(one.record.sid), one.record.leaf_hash, one.record.entry) for one in admitted]
    # PostgreSQL writes the entries while what follows from them is worked out here: others wait for the lock.
    appending = asyncio.ensure_future(tx.append(head.size, entries, after))
    try:
        await asyncio.sleep(0)
        derived = _derived(round_, facts)
    finally:
        await appending
    await tx.derive(await tiles.completed(tx, rows), derived)
    await add_round(tx, admitted)
    return after


async def derive(tx: Transaction, head: Head, round_: Round, facts: Facts) -> Head:
    """Writes only what follows from the records a round admitted to `facts` on top of `head`; the head after them."""
    after, rows = tiles.extended(head, [one.record.leaf_hash for one in round_.admitted])
    await tx.derive(await tiles.completed(tx, rows), _derived(round_, facts))
    await add_round(tx, round_.admitted)
    return after


def _derived(round_: Round, facts: Facts) -> Derived:
    admitted = round_.admitted
    stored = [(key, dump(facts.get(key))) for key in sorted(facts.dirty)]
    # What the round says of a piece that begins in it stands with the piece: a row of its own is written for the rest.
    new = facts.new  # a set, as names are: less a view of a dictionary, each record would cost all that is new
    begun: dict[str, list[int]] = {key: [] for key in new}
    mentions: list[tuple[int, int]] = []
    for one in admitted:
        names = names_of(one.record)
        for name in names & new:
            begun[name].append(one.index)
        # Two names of one record may share a reference.
        mentions += [(ref, one.index) for ref in {ref_of(name) for name in names - new}]
    return Derived(
        [(key, doc, begun[key]) for key, doc in stored if key in new],
        [(key, doc) for key, doc in stored if key not in new],
        mentions,
        [(item, one.index) for one in admitted for item in spends(one.record, facts)],
        [finding for one in admitted for finding in _findings(one)],
    )


def _findings(one: Admitted) -> list[NewFinding]:
    permit = one.record.body.get("permit", "")
    return [
        NewFinding(one.index, n, o.rule, o.status, o.severity, o.subject, one.org, permit, dumped(o))
        for n, o in enumerate(one.outcomes)
    ]


def dumped(outcome: Outcome) -> bytes:
    """A finding as it is stored and answered."""
    return orjson.dumps(outcome.as_dict())
