"""Pushes the newest checkpoint to the witnesses of the log's own policy, and keeps what they answer.

Any number of processes may run this over one log: each asks the database first who has answered what, and an answer
that comes twice is kept once. A witness that is down, late or wrong holds up nobody. A witness that shows more than the
database holds, under our own signature, tells that the database was set back: the anchor is raised to what it shows,
and the signer freezes as it does over its own anchor.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import httpx
import structlog

from services.custody import derived, tiles
from services.custody.keys import our_notes
from services.custody.outside.anchor import Unreadable
from services.custody.outside.guard import Unheard
from services.custody.outside.published import Published
from services.custody.store import SignedHead, Store, Transaction
from services.custody.witnesses import cosignatures
from shared.audit.refusals import CannotWrite
from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Verifier
from shared.tlog.policy import Policy, Witness
from shared.tlog.witness import ADD_CHECKPOINT, SIZE_TYPE, Request, monitoring_path, read_cosignature, read_size

logger = structlog.get_logger(__name__)

TIMEOUT_S = 2.0
TICK_S = 0.5
MOST_BYTES = 65_536
AHEAD_S = 300  # a witness's clock may be so far ahead of ours
SIZES_AT_ONCE = 200
Noted = tuple[Checkpoint, bytes]  # with the note that was signed
FAILURES = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, Refusal)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a witness is asked: at once when the log has grown, and not again for `grown_s`; when it has not, after
    `fresh_s`, because a cosignature also says that nothing came. Its answer is awaited for `answer_s`."""

    grown_s: float = 10.0
    fresh_s: float = 600.0
    answer_s: float = TIMEOUT_S


HURRIED = Pace(grown_s=1.0)  # where nothing leaves unwitnessed, everybody waits for it


@dataclass(eq=False)
class WitnessRefused(Refusal):
    """The witness answered, and not with a cosignature of ours."""

    slug: ClassVar[str] = "witness-refused"
    es: ClassVar[str] = "El testigo {name} no firmó: {why}."
    en: ClassVar[str] = "The witness {name} did not cosign: {why}."
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint of ours that a witness shows: our key signed it, so the log once stood there. `note` bears our lines
    only, and of these the right ones."""

    witness: str
    checkpoint: Checkpoint
    note: bytes


@dataclass(slots=True)
class _Asked:
    """One witness: how it is reached, the size we believe it holds, what it cosigned, when we last tried."""

    witness: Witness
    http: httpx.AsyncClient
    base: str
    size: int = 0
    cosigned: int = -1
    tried: float = float("-inf")
    problem: str | None = None


class Witnesses:
    """One per process and log. Without witnesses in the policy it does nothing."""

    def __init__(
        self, store: Store, published: Published, policy: Policy, logs: Sequence[Verifier],
        remember: Callable[[bytes, int], None], accuse: Callable[[Noted, Noted], None], pace: Pace,
    ) -> None:  # fmt: skip
        """`remember` keeps a note of ours, and its size, as once published, whatever becomes of the database; `accuse` keeps
        two that show that we signed two histories."""
        self._store, self._published, self.policy, self._logs = store, published, policy, logs
        self._remember, self._accuse, self._pace = remember, accuse, pace
        self._names = {_key(w): w.name for w in policy.witnesses}
        self.verifiers = {_key(w): w.verifier for w in policy.witnesses}  # by what their lines are kept under
        self._asked: list[_Asked] = []
        self._heard: set[str] = set()
        self._missing: list[str] = []  # who must be heard before the anchor learns what any of them shows
        self._withheld: dict[str, Seen] = {}
        self._silent: dict[str, str] = {}
        self._looked_at = store.begins + 1

    def ask(self, witness: Witness, http: httpx.AsyncClient, base: str) -> None:
        """Push to this witness from now on; `base` is its submission prefix."""
        self._asked.append(_Asked(witness, http, base.rstrip("/")))

    def facts(self) -> list[dict[str, Any]]:
        """For `/healthz`: each witness that is asked, the size it cosigned last, and what is wrong."""
        return [{"name": a.witness.name, "size": max(a.cosigned, 0), "problem": a.problem} for a in self._asked]

    async def run(self) -> None:
        """Until cancelled. Trouble is logged once and tried again."""
        while self._asked:
            try:
                await self.push()
            except Exception as error:
                logger.warning("witnessing_failed", error=repr(error))
            await asyncio.sleep(TICK_S)

    async def push(self) -> None:
        """One round: whoever is due gets the newest checkpoint, all at the same time."""
        head = self._published.head
        if head is None or head.size == 0 or not any(self._due(asked, head) for asked in self._asked):
            return  # of an empty log there is nothing to witness
        await self._learn()
        if any(self._due(asked, head) for asked in self._asked):
            # Whoever lacks this checkpoint gets it with the others, due or not: asked at different times, each would cosign
            # another one, and none would ever have two. One that is further than this process knows was asked by another, or
            # knows what our database has lost: the guard looks at what it shows.
            behind = [asked for asked in self._asked if self._due(asked, head) or asked.cosigned != head.size]
            await asyncio.gather(*(self._tried(asked, head) for asked in behind if asked.size <= head.size))
        await self.catch_up()

    async def catch_up(self) -> None:
        """Serve what any process has heard from the witnesses."""
        head = self._published.head
        if head is None or not self._names:
            return
        async with self._store.snapshot() as tx:
            lines = await self._lines(tx, head)
            witnessed = await self._newest_witnessed(tx)
        await self._published.cosigned(head.size, lines, witnessed)

    async def highest(self) -> Seen | None:
        """The largest checkpoint of ours that any witness shows; None when none shows one or answers."""
        shown, _ = await self._shown()
        self._heard.update(shown)
        return max((one for one in shown.values() if one), key=lambda one: one.checkpoint.size, default=None)

    async def look_back(self, nothing_stands: bool = False) -> Unheard:
        """Hold the database against what every witness shows. Before anything is signed. Answers who has not been heard
        yet; why somebody is silent is logged once.

        With ``nothing_stands`` neither anchor nor archive shows what was published. Then every witness that the database
        holds cosignatures of has to be heard, and what some of them show is written into the anchor only with the word of
        the last: an anchor that stands is believed, and one that learnt of the witness behind first would speak for all.
        """
        remembered = await self._remembered() if nothing_stands else []
        shown, silent = await self._shown()
        self._missing = [name for name in remembered if name not in self._heard | self._withheld.keys() | shown.keys()]
        for name, seen in [*self._withheld.items(), *shown.items()]:
            if seen is None or await self._compare(seen):
                self._heard.add(name)
        if not self._missing:
            self._withheld = {name: seen for name, seen in self._withheld.items() if name not in self._heard}
        for name, why in silent.items():
            if self._silent.get(name) != why:
                logger.warning("witness_silent", witness=name, error=why)
        self._silent = silent
        missing = self._missing or [name for name in remembered if name not in self._heard]
        return Unheard(tuple(self.unheard), tuple(missing))

    async def _remembered(self) -> list[str]:
        """The witnesses of the policy that have cosigned this log, or one that it continues, as far as the database knows;
        nobody before the log's first checkpoint."""
        async with self._store.snapshot() as tx:
            if await tx.last_checkpoint() is None:
                return []
            known = await cosignatures.last_of(tx, self._names, since=-1)
        return [name for key, name in self._names.items() if key in known]

    @property
    def unheard(self) -> list[str]:
        """The witnesses of the quorum that have never answered what they saw; nobody once those that have make it up. One
        that knows nothing of this log has answered."""
        if self.policy.meets(self._heard):
            return []
        return [name for name in self.policy.counted() if name not in self._heard]

    async def _shown(self) -> tuple[dict[str, Seen | None], dict[str, str]]:
        """What each witness shows that answers, and why the others do not: both by name."""
        found = await asyncio.gather(*(self._shown_by(asked) for asked in self._asked), return_exceptions=True)
        shown: dict[str, Seen | None] = {}
        silent: dict[str, str] = {}
        for asked, one in zip(self._asked, found, strict=True):
            if isinstance(one, FAILURES):
                silent[asked.witness.name] = str(one) or type(one).__name__
            elif isinstance(one, BaseException):
                raise one
            else:
                shown[asked.witness.name] = one
        return shown, silent

    # --- one witness

    def _due(self, asked: _Asked, head: SignedHead) -> bool:
        wait_s = self._pace.fresh_s if asked.cosigned == head.size else self._pace.grown_s
        return time.monotonic() - asked.tried >= wait_s

    async def _learn(self) -> None:
        """What another process, or this one before it was started, heard from the witnesses."""
        async with self._store.snapshot() as tx:
            last = await cosignatures.last_of(tx, [_key(asked.witness) for asked in self._asked])
        for asked in self._asked:
            if one := last.get(_key(asked.witness)):
                asked.size, asked.cosigned = max(asked.size, one.size), one.size
                asked.tried = max(asked.tried, time.monotonic() - one.age_s)

    async def _tried(self, asked: _Asked, head: SignedHead) -> None:
        """Pushes; where this witness fails, the reason is kept, and logged once."""
        try:
            await self._push(asked, head)
        except FAILURES as error:
            problem = str(error) or type(error).__name__
            if problem != asked.problem:
                logger.warning("witness_failed", witness=asked.witness.name, error=problem)
            asked.problem = problem
        else:
            asked.problem = None

    async def _push(self, asked: _Asked, head: SignedHead) -> None:
        """A cosignature of this checkpoint, verified and kept. Refused with another size, once more from that size."""
        asked.tried = time.monotonic()
        for _ in range(2):
            status, kind, body = await self._send(asked, head)
            if status == 200:
                await self._keep(asked, head, body)
                return
            if (status, kind) != (409, SIZE_TYPE):
                # Two roots at one size: 422, or 409 without a size (tlog-witness 1.0.0).
                await self._doubt(asked, f"status {status}", look=status in (409, 422))
            asked.size = read_size(body)
            if asked.size > head.size:
                await self._hold_against(asked)
                return
            if asked.size < asked.cosigned:
                await self._remind(asked)
        raise WitnessRefused(asked.witness.name, "it changes its mind about the size")

    async def _hold_against(self, asked: _Asked) -> None:
        """It is further than this process knew: what another process signed meanwhile, or what was lost here."""
        async with self._store.snapshot() as tx:
            last = await tx.last_checkpoint()
        if last is None or last.size < asked.size:
            await self._doubt(asked, f"it builds on {asked.size} entries, which are not signed here", look=True)

    async def _doubt(self, asked: _Asked, why: str, *, look: bool) -> NoReturn:
        """It disagrees. What it shows for it may speak against us, or be nothing."""
        seen = await self._shown_by(asked) if look else None
        if seen is not None:
            await self._compare(seen)
        raise WitnessRefused(asked.witness.name, why)

    async def _remind(self, asked: _Asked) -> NoReturn:
        """It forgot what it cosigned. Its own signature goes back to it: it accepts what it had accepted, or stops."""
        async with self._store.snapshot() as tx:
            signed = await cosignatures.checkpoint_at(tx, asked.cosigned)
        if signed is not None:
            await self._send(asked, signed)
        raise WitnessRefused(asked.witness.name, f"it forgot that it cosigned {asked.cosigned} entries")

    async def _send(self, asked: _Asked, head: SignedHead) -> tuple[int, str, bytes]:
        async with self._store.snapshot() as tx:
            proof = await tiles.consistency(tx, asked.size, head.size)
            lines = await self._lines(tx, head)
        # Its own earlier signature goes back to it: a witness that was set back will know.
        request = Request(asked.size, tuple(proof), head.note + lines)
        return await self._fetch(asked, "POST", ADD_CHECKPOINT, request.encode())

    async def _keep(self, asked: _Asked, head: SignedHead, answer: bytes) -> None:
        line, at = read_cosignature(head.note, answer, asked.witness.verifier)
        if at > time.time() + AHEAD_S:
            raise WitnessRefused(asked.witness.name, "its clock is ahead")
        async with self._store.transaction() as tx:
            # As the database says it: a process that nobody told of a hand-over does not know it.
            begins = max(await derived.continuations(tx), default=-1)
            await cosignatures.add(tx, _key(asked.witness), head.size, at, line, begins)
        asked.size = asked.cosigned = head.size

    async def _shown_by(self, asked: _Asked) -> Seen | None:
        """What the witness shows of our log; None when it shows nothing. BadNote when our key did not sign it."""
        status, _, note = await self._fetch(asked, "GET", monitoring_path(self._logs[0].name))
        if status == 404:
            return None
        if status != 200:
            raise WitnessRefused(asked.witness.name, f"status {status}")
        ours = our_notes.under_right_lines(note, self._logs)
        return Seen(asked.witness.name, our_notes.opened(ours, self._logs).checkpoint, ours)

    async def _compare(self, seen: Seen) -> bool:
        """Our own signature stands under it. Larger than the database: the anchor learns it, and signing freezes. Another
        root: the log has told two histories, and signing freezes too. Whether the anchor has learnt it."""
        if self._missing:
            known = self._withheld.get(seen.witness, seen)
            self._withheld[seen.witness] = max(known, seen, key=lambda one: one.checkpoint.size)
        learnt = not self._missing and await self._learnt(seen)
        await self._hold_against_ours(seen)
        return learnt

    async def _learnt(self, seen: Seen) -> bool:
        try:
            await asyncio.to_thread(self._remember, seen.note, seen.checkpoint.size)
        except Unreadable:  # the guard finds that out for itself, and freezes
            return False
        return True

    async def _hold_against_ours(self, seen: Seen) -> None:
        size = seen.checkpoint.size
        async with self._store.snapshot() as tx:
            last = await tx.last_checkpoint()
            if last is None or last.size < size:
                return  # the anchor says so now, and the guard holds the database against it
            try:
                ours = our_notes.opened(last.note, self._logs).checkpoint
                root, _ = await tiles.prefix(tx, size, ours)
            except Refusal as damage:  # of our own rows, which accuse nobody: guard and scrub name it
                logger.warning("witness_not_compared", witness=seen.witness, error=str(damage))
                return
        if root == seen.checkpoint.root:
            return
        with suppress(CannotWrite):  # known as long as this process runs, and again when the witness is asked again
            await asyncio.to_thread(self._accuse, (seen.checkpoint, seen.note), (ours, last.note))
        if self._published.contradicted is None:
            self._published.contradicted = (
                f"the witness {seen.witness} shows another history of the first {size} entries"
            )
            logger.error("witness_contradicts", reason=self._published.contradicted)

    async def _fetch(
        self, asked: _Asked, method: str, path: str, content: bytes | None = None
    ) -> tuple[int, str, bytes]:
        """Status, content type and body. In the time that it has, and no more bytes than a note may have."""
        url, parts, read = f"{asked.base}/{path}", [], 0
        async with asyncio.timeout(self._pace.answer_s), asked.http.stream(method, url, content=content) as answer:
            async for part in answer.aiter_bytes():
                parts.append(part)
                read += len(part)
                if read > MOST_BYTES:
                    raise WitnessRefused(url, "its answer is too long")
        return answer.status_code, answer.headers.get("content-type", ""), b"".join(parts)

    # --- what they said

    async def _lines(self, tx: Transaction, signed: SignedHead) -> bytes:
        """The newest cosignatures that stand under this checkpoint, in the order of the policy."""
        return self._in_order(await cosignatures.standing(tx, signed, self.verifiers))

    def _in_order(self, lines: Mapping[bytes, str]) -> bytes:
        return "".join(lines[key] for key in self._names if key in lines).encode()

    def _ours(self, signed: SignedHead) -> bool:
        """Not of the log that this one goes on as: a process that nobody told of the hand-over serves its own year. Nor is
        a row that was spoilt since, which guard and fsck name."""
        try:
            our_notes.opened(signed.note, self._logs)
        except Refusal:
            return False
        return True

    async def _newest_witnessed(self, tx: Transaction) -> SignedHead | None:
        """The newest checkpoint that met the policy's quorum; where that asks for nobody, that anybody cosigned. Only lines
        that stand under it count. None when there is none since the last look: an old checkpoint is not pushed again, so
        it is not looked at again."""
        start, below = self._looked_at, 2**63 - 1
        while rows := await cosignatures.sizes(tx, self._names, start, below, SIZES_AT_ONCE):
            self._looked_at = max(self._looked_at, rows[0][0])
            for size, keys in rows:
                if self.policy.meets({self._names[key] for key in keys}):
                    signed = await cosignatures.checkpoint_at(tx, size)
                    if signed is None or not self._ours(signed):
                        continue
                    lines = await cosignatures.standing(tx, signed, self.verifiers)
                    own = {self._names[key] for key in lines if key in self._names}
                    if own and self.policy.meets(own):
                        return SignedHead(size, signed.edge, signed.note + self._in_order(lines))
            below = rows[-1][0]
        return None


def _key(witness: Witness) -> bytes:
    return cosignatures.key_of(witness.verifier)
