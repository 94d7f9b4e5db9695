"""What the routes share: the log, its queue, the checkpoint it serves, and how an answer is proven."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import orjson
from fastapi import Depends, Request, Response

from services.custody import tiles
from services.custody.committer import Committer
from services.custody.intake import KeyRing
from services.custody.keys.hosted import HostKey
from services.custody.keys.log_keys import LogKeys
from services.custody.outside.published import Published
from services.custody.private.vault import WrappingKeys
from services.custody.signer import Signer
from services.custody.store import SignedHead, Store, Transaction
from services.custody.succession import Before
from services.custody.witnesses.asking import Witnesses
from shared.lot.closure import names_of
from shared.refusal import Missing
from shared.timber.event import Record, parse_entry
from shared.web.problems import HttpRefusal

MOST_TOLD = 500
QUESTIONS_AT_ONCE = 4
SIGNED_S = 5.0  # the longest that an answer waits for a checkpoint


@dataclass(eq=False)
class NotYetSigned(HttpRefusal):
    """The facts are recorded, but no checkpoint covers them: signing is late or frozen."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "not-yet-signed"
    es: ClassVar[str] = (
        "Lo registrado aún no está bajo una constancia firmada de la bitácora. Vuelva a consultar en unos segundos."
    )
    en: ClassVar[str] = "What is recorded is not yet under a signed checkpoint of the log. Ask again in a few seconds."


@dataclass(slots=True)
class Custody:
    """Everything a route needs; built in main, kept in the application's state."""

    store: Store
    committer: Committer
    published: Published
    signer: Signer
    witnesses: Witnesses
    ring: KeyRing
    host: HostKey
    origin: str
    keys: LogKeys
    base_url: str
    policy: str
    wrapping: WrappingKeys
    past: tuple[Before, ...]
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(QUESTIONS_AT_ONCE))

    @property
    def first_origin(self) -> str:
        """The origin under which the log began: private fields are sealed for it, whatever year it is."""
        return self.past[0].origin if self.past else self.origin

    @asynccontextmanager
    async def question(self) -> AsyncIterator[Transaction]:
        """A snapshot for a question that may read much; so many at once that connections are left to record with."""
        async with self.turns, self.store.snapshot() as tx:
            yield tx

    async def signed(self, size: int) -> SignedHead:
        """The checkpoint that covers `size` entries; NotYetSigned when it takes too long."""
        head = await self.within(size, SIGNED_S)
        if head is None:
            raise NotYetSigned
        return head

    async def within(self, size: int, timeout_s: float) -> SignedHead | None:
        """The checkpoint that covers `size` entries, whichever process signs it, a witnessed one if there is; None when
        the time is over."""
        if self.published.size < size:
            await self.signer.catch_up()
        elif self.published.covering(size) is None:
            await self.witnesses.catch_up()
        if self.published.size < size:
            self.signer.wake()
        return await self.published.reaches(size, timeout_s)

    async def newest(self) -> SignedHead:
        """The newest checkpoint that any process has signed, with the cosignatures at hand; Missing while there is none
        that may leave. While the database does not answer there is no answer (503): this process may know less than
        another has shown, and a checkpoint must not seem to go back."""
        await self._catch_up()
        head = self.published.newest
        if head is None:
            raise Missing("checkpoint", self.origin)
        return head

    async def witnessed(self) -> SignedHead:
        """The newest checkpoint that the log's own policy accepts; Missing while no witness has cosigned one."""
        await self._catch_up()
        head = self.published.witnessed
        if head is None:
            raise Missing("checkpoint", self.origin)
        return head

    async def _catch_up(self) -> None:
        await self.signer.catch_up()
        await self.witnesses.catch_up()


async def of_request(request: Request) -> Custody:
    custody: Custody = request.app.state.custody
    return custody


CustodyDep = Annotated[Custody, Depends(of_request)]


def json_answer(body: Any, status: int = 200) -> Response:
    """An answer built by hand: entries and findings go out as the bytes they are stored as."""
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


async def proven(custody: Custody, tx: Transaction, index: int, signed: SignedHead) -> dict[str, Any]:
    """One entry with its index, inclusion proof and the checkpoint it is included in."""
    [(_, body)] = await tx.bodies([index])
    proof = await tiles.inclusion(tx, index, signed.size)
    return {
        "origin": custody.origin,
        "index": index,
        "entry": orjson.Fragment(body),
        "proof": [base64_text(part) for part in proof],
        "checkpoint": signed.note.decode(),
    }


@dataclass(slots=True, frozen=True)
class History:
    """Records about one name, oldest first. `next`: there may be more before this index; None where these are the oldest."""

    records: list[tuple[int, Record]]
    next: int | None

    @property
    def indices(self) -> list[int]:
        """Where the records stand in the log."""
        return [index for index, _ in self.records]

    def told(self) -> dict[str, Any]:
        """The names of an answer about it."""
        return {
            "history": [told(index, record) for index, record in self.records],
            "complete": self.next is None,
            "next": self.next,
        }


async def history_of(tx: Transaction, name: str, before: int, limit: int) -> History:
    """The newest records before an index that are about the name. There may be fewer than the limit, and none, with more
    before them: two names may share their 64 bits."""
    indices = await tx.mentions_of([name], before, limit + 1)
    kept = indices[-limit:]
    records = [(index, parse_entry(body)) for index, body in await tx.bodies(kept)]
    about = [(index, record) for index, record in records if name in names_of(record)]
    return History(about, kept[0] if len(indices) > limit else None)


def told(index: int, record: Record) -> dict[str, Any]:
    """A record as a line of a history."""
    return {
        "index": index, "sid": record.sid, "type": record.type, "actor": record.actor, "time": record.time,
        "prev": list(record.prev), "body": record.body, "signers": [kid for kid, _ in record.signatures],
    }  # fmt: skip
