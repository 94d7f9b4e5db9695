"""Group commit: whatever has queued becomes one transaction under the head row lock.

Batches form by themselves while the row is locked. No state outlives a round: the head row is the state, so any
number of processes may append to one log, and a process that dies loses nothing it had acknowledged.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import structlog

from services.custody import rounds
from services.custody.domain.admission import Round, admit_round, uploaded
from services.custody.outside.published import Published
from services.custody.store import Head, Store, Transaction
from shared.refusal import Refusal
from shared.timber import refusals
from shared.timber.event import Record
from shared.timber.facts import Facts
from shared.timber.norms import Norms
from shared.web.db import is_outage
from shared.web.problems import HttpRefusal

logger = structlog.get_logger(__name__)

MOST_RECORDS = 512
MOST_WAITING = 20_000
MOST_UNFLUSHED = 16  # rounds: while the disk or the standby does not answer, no more are committed than that


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
    """The database was set back behind what was published, or nobody can tell yet whether it was: an index given now would
    be given twice."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "log-frozen"
    es: ClassVar[str] = (
        "La bitácora está detenida: de este envío no se registró nada, ni se registra nada hasta que vuelva a abrirse."
        " Consérvelo y vuelva a enviarlo después."
    )
    en: ClassVar[str] = (
        "The log is frozen: nothing of this upload was recorded, and nothing is until it opens again ({reason})."
        " Keep it, and send it again then."
    )
    reason: str


@dataclass(eq=False)
class Vanished(HttpRefusal):
    """The database went down before a round was on disk; what the round had recorded is gone, and nobody was told of it."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "not-recorded"
    es: ClassVar[str] = "La base de datos se interrumpió antes de guardar el envío: no se registró. Vuelva a enviarlo."
    en: ClassVar[str] = "The database broke off before the upload was kept: it was not recorded. Send it again."

    def headers(self) -> dict[str, str]:
        return {"retry-after": "2"}


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


@dataclass(slots=True)
class _Told:
    """A committed round: what its uploads are to hear once it is on disk."""

    uploads: list[_Upload]
    receipts: dict[str, Receipt]


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
        self._committed_rounds: asyncio.Queue[_Told] = asyncio.Queue(MOST_UNFLUSHED)
        self._waiting = 0

    async def append(self, records: Sequence[Record]) -> list[Receipt]:
        """Durable when it returns. Signatures must be checked already. May be repeated: the first index stands."""
        if self._waiting + len(records) > MOST_WAITING:
            raise TooBusy
        self._refuse_if_frozen()
        answer: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        self._waiting += len(records)
        self._queue.put_nowait(_Upload(records, answer))
        return await answer

    async def run(self) -> None:
        """Until cancelled. A round that fails is answered with the error: its uploads were not recorded, unless the
        connection broke in the commit or after it; either way the same upload may be sent again."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._commit_rounds())
            both.create_task(self._answer_rounds())

    async def _commit_rounds(self) -> None:
        while True:
            uploads = [await self._queue.get()]
            self._waiting -= len(uploads[0].records)
            await self._commit_round(uploads)

    async def _commit_round(self, uploads: list[_Upload], *, alone: bool = False) -> None:
        """Of several uploads that cannot be written together one is to blame: each is tried by itself, and fails alone."""
        try:
            receipts = await self._commit(uploads, alone=alone)
        except Exception as error:
            if len(uploads) == 1 or isinstance(error, Refusal) or is_outage(error):
                _fail(uploads, error)
                return
            logger.warning("round_taken_apart", error=repr(error), uploads=len(uploads))
            for upload in uploads:
                await self._commit_round([upload], alone=True)
            return
        self._committed()
        await self._committed_rounds.put(_Told(uploads, receipts))

    async def _answer_rounds(self) -> None:
        """One wait for the disk answers every round that was committed before it began, while the next is decided.
        Answers that found everything in the log already wait too: what they found may be a moment old."""
        while True:
            told = [await self._committed_rounds.get()]
            while not self._committed_rounds.empty():
                told.append(self._committed_rounds.get_nowait())
            try:
                there = await self._flush(told)
            except Exception as error:
                _fail([upload for one in told for upload in one.uploads], error)
                continue
            for one, is_there in zip(told, there, strict=True):
                if not is_there:
                    _fail(one.uploads, Vanished())
                for upload in one.uploads:
                    if not upload.answer.done():
                        upload.answer.set_result([one.receipts[record.sid] for record in upload.records])

    async def _flush(self, told: Sequence[_Told]) -> list[bool]:
        """Whether every record that a round is about to promise stands where it was put. Each round by itself: a server that
        went down between two of them holds the later one and not the other."""
        receipts = [one.receipts.values() for one in told]
        promised = {r.index: bytes.fromhex(r.sid) for those in receipts for r in those if r.index is not None}
        gone = await self._store.flush(promised)
        return [gone.isdisjoint(receipt.index for receipt in those) for those in receipts]

    async def _commit(self, uploads: list[_Upload], *, alone: bool) -> dict[str, Receipt]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        async with self._store.transaction() as tx:
            head = await tx.head_to_append()
            self._refuse_if_frozen(head)
            if not alone:
                self._take_more(uploads)
            records = [record for upload in uploads for record in upload.records]
            facts = Facts(complete=False)
            known = await rounds.load(tx, records, facts)
            stood = dict(known)
            round_ = Round(head.size)
            await self._admit(tx, round_, uploaded(round_, records, known), known, facts, now)
            await self._admit_conflicts(tx, round_, records, facts, now)
            if round_.admitted:
                await rounds.save(tx, head, round_, facts)
            findings = await _findings_of(tx, records, stood)
        for admitted in round_.admitted:
            findings[admitted.index] = [rounds.dumped(outcome) for outcome in admitted.outcomes]
        return {record.sid: _receipt(record, round_, stood, findings) for record in records}

    def _refuse_if_frozen(self, head: Head | None = None) -> None:
        """LogFrozen, also when the database was set back under this running process: before anybody looked."""
        if self._published.frozen is not None:
            raise LogFrozen(self._published.frozen)
        if head is not None and head.size < self._published.size:
            raise LogFrozen(f"the database holds {head.size} entries, {self._published.size} were published")

    def _take_more(self, uploads: list[_Upload]) -> None:
        """What came while another process held the row goes into this round too."""
        count = len(uploads[0].records)
        while not self._queue.empty() and count < MOST_RECORDS:
            uploads.append(self._queue.get_nowait())
            count += len(uploads[-1].records)
            self._waiting -= len(uploads[-1].records)

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
            await self._admit(tx, round_, notes, await rounds.load(tx, notes, facts), facts, now)


def _fail(uploads: Sequence[_Upload], error: Exception) -> None:
    logger.warning("round_failed", error=repr(error), uploads=len(uploads))
    for upload in uploads:
        if not upload.answer.done():
            upload.answer.set_exception(error)


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
