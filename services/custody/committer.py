"""Group commit: whatever has queued becomes one transaction under the head row lock.

Batches form by themselves while the row is locked. No state outlives a round: the head row is the state, so any
number of processes may append to one log, and a process that dies loses nothing it had acknowledged.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import orjson
import structlog

from services.custody import tiles
from services.custody.domain.admission import Admitted, Round, admit_round
from services.custody.domain.wood import spends
from services.custody.published import Published
from services.custody.store import Head, NewFinding, Store, Transaction, ref_of
from shared.lot.closure import names_of
from shared.refusal import Refusal
from shared.timber import chain, refusals
from shared.timber.event import Record
from shared.timber.facts import Facts, Permit
from shared.timber.norms import Norms
from shared.timber.rules.outcome import Outcome
from shared.web.problems import HttpRefusal

logger = structlog.get_logger(__name__)

MOST_RECORDS = 1024
MOST_WAITING = 20_000


@dataclass(eq=False)
class TooBusy(HttpRefusal):
    """The queue is full; nothing was taken."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "too-busy"
    es: ClassVar[str] = "El servicio está ocupado. Nada se registró; vuelva a enviar en unos segundos."
    en: ClassVar[str] = "The service is busy. Nothing was recorded; send again in a few seconds."

    def headers(self) -> dict[str, str]:
        return {"retry-after": "2"}


@dataclass(eq=False)
class LogFrozen(HttpRefusal):
    """The database was set back behind what was published: an index given now would be given twice."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "log-frozen"
    es: ClassVar[str] = "La bitácora está detenida y no recibe registros hasta que el operador la recupere: {reason}."
    en: ClassVar[str] = "The log is frozen and takes no records until the operator recovers it: {reason}."
    reason: str


@dataclass(slots=True)
class Receipt:
    """What became of one record: its index, now or from before, or the refusal; and what the rules found."""

    sid: str
    index: int | None
    new: bool
    findings: list[bytes]
    refusal: Refusal | None


@dataclass(slots=True)
class _Upload:
    records: Sequence[Record]
    answer: asyncio.Future[list[Receipt]]


class Committer:
    """One per process and log."""

    def __init__(
        self, store: Store, norms: Norms, note_conflict: Callable[[Record, refusals.AlreadySpent], Record],
        committed: Callable[[], None], published: Published,
    ) -> None:  # fmt: skip
        self._store = store
        self._norms = norms
        self._note_conflict = note_conflict
        self._committed = committed
        self._published = published
        self._queue: asyncio.Queue[_Upload] = asyncio.Queue()
        self._waiting = 0

    async def append(self, records: Sequence[Record]) -> list[Receipt]:
        """Durable when it returns. Signatures must be checked already. May be repeated: the first index stands."""
        if self._waiting + len(records) > MOST_WAITING:
            raise TooBusy
        if self._published.frozen is not None:
            raise LogFrozen(self._published.frozen)
        answer: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        self._waiting += len(records)
        self._queue.put_nowait(_Upload(records, answer))
        return await answer

    async def run(self) -> None:
        """Until cancelled. A round that fails is answered with the error: its uploads were not recorded, unless the
        connection broke in the commit; either way the same upload may be sent again."""
        while True:
            uploads = [await self._queue.get()]
            count = len(uploads[0].records)
            while not self._queue.empty() and count < MOST_RECORDS:
                uploads.append(self._queue.get_nowait())
                count += len(uploads[-1].records)
            self._waiting -= count
            try:
                receipts = await self._commit([record for upload in uploads for record in upload.records])
            except Exception as error:
                logger.warning("round_failed", error=repr(error), records=count)
                for upload in uploads:
                    if not upload.answer.done():
                        upload.answer.set_exception(error)
                continue
            for upload in uploads:
                if not upload.answer.done():
                    upload.answer.set_result([receipts[record.sid] for record in upload.records])
            self._committed()

    async def _commit(self, records: Sequence[Record]) -> dict[str, Receipt]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        async with self._store.transaction() as tx:
            head = await tx.head(lock=True)
            facts = Facts(complete=False)
            known = await _load(tx, records, facts)
            stood = dict(known)
            round_ = Round(head.size)
            await self._admit(tx, round_, records, known, facts, now)
            await self._admit_conflicts(tx, round_, records, facts, now)
            if round_.admitted:
                await _save(tx, head, round_, facts)
            findings = await _findings_of(tx, records, stood)
        for admitted in round_.admitted:
            findings[admitted.index] = [dumped(outcome) for outcome in admitted.outcomes]
        return {record.sid: _receipt(record, round_, stood, findings) for record in records}

    async def _admit(
        self, tx: Transaction, round_: Round, records: Sequence[Record], known: dict[str, int], facts: Facts, now: str
    ) -> None:
        admit_round(round_, records, known, facts, self._norms, now)
        while round_.missing:
            await tx.load_facts(round_.missing, facts)
            round_.missing.clear()
            admit_round(round_, records, known, facts, self._norms, now)

    async def _admit_conflicts(
        self, tx: Transaction, round_: Round, records: Sequence[Record], facts: Facts, now: str
    ) -> None:
        """Two signed statements that use up one piece are evidence: the second is refused, and noted for good."""
        notes = [
            self._note_conflict(record, refusal)
            for record in {record.sid: record for record in records}.values()
            if isinstance(refusal := round_.refused.get(record.sid), refusals.AlreadySpent)
        ]
        if notes:
            await self._admit(tx, round_, notes, await _load(tx, notes, facts), facts, now)


async def _load(tx: Transaction, records: Sequence[Record], facts: Facts) -> dict[str, int]:
    """Everything the rules will ask about the records: three statements, four when guides name their logs. Answers
    which of the statements, and of those they build on, already stand in the log."""
    named = {bytes.fromhex(sid) for record in records for sid in (record.sid, *record.prev)}
    known = {sid.hex(): index for sid, index in (await tx.indices_of(named)).items()}
    await tx.load_facts({key for record in records for key in chain.keys_of(record)}, facts)
    more = {key for record in records for key in chain.more_keys(record, facts)}
    if more:
        await tx.load_facts(more, facts)
    return known


async def _save(tx: Transaction, head: Head, round_: Round, facts: Facts) -> None:
    admitted = round_.admitted
    after, rows = tiles.extended(head, [one.record.leaf_hash for one in admitted])
    await tx.append(
        head.size,
        [(bytes.fromhex(one.record.sid), one.record.leaf_hash, one.record.entry) for one in admitted],
        after,
        await tiles.completed(tx, rows),
        facts,
        [(ref_of(name), one.index) for one in admitted for name in names_of(one.record)],
        [(item, one.index) for one in admitted for item in spends(one.record, facts)],
        [finding for one in admitted for finding in _new_findings(one, facts)],
    )


def _new_findings(one: Admitted, facts: Facts) -> list[NewFinding]:
    permit = one.record.body.get("permit", "")
    key = f"permit:{permit}"
    known = facts.find(Permit, key) if key in facts else None
    org = known.holder if known is not None else one.record.actor
    return [
        NewFinding(one.index, n, o.rule, o.status, o.severity, o.subject, org, permit, dumped(o))
        for n, o in enumerate(one.outcomes)
    ]


async def _findings_of(tx: Transaction, records: Sequence[Record], stood: dict[str, int]) -> dict[int, list[bytes]]:
    """What was found when a repeated record was first recorded, so that both answers are equal."""
    indices = [stood[record.sid] for record in records if record.sid in stood]
    return await tx.findings_at(indices) if indices else {}


def _receipt(record: Record, round_: Round, stood: dict[str, int], findings: dict[int, list[bytes]]) -> Receipt:
    refusal = round_.refused.get(record.sid)
    if refusal is not None:
        return Receipt(record.sid, None, False, [], refusal)
    index = round_.index_of[record.sid]
    return Receipt(record.sid, index, record.sid not in stood, findings.get(index, []), None)


def dumped(outcome: Outcome) -> bytes:
    """A finding as it is stored and answered."""
    return orjson.dumps(outcome.as_dict())
