"""What the routes need from the application: database, registrar, clock; and commands that may be repeated."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from services.permits.domain.announced import Letter
from services.permits.domain.day import peru_day
from services.permits.domain.party import ReferenceUnknown
from services.permits.registrar import Registrar
from services.permits.schemas.words import LogState
from services.permits.store import commands, outbox, parties
from services.permits.store.session import Tx
from shared.refusal import Malformed, Refusal
from shared.timber.outgoing import Announced
from shared.web.access import GrantDep
from shared.web.auth import Caller
from shared.web.client import ServiceClient
from shared.web.db import Database

T = TypeVar("T")
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
KEY_HEADER = "idempotency-key"


@dataclass(eq=False)
class IdempotencyMismatch(Malformed):
    """The Idempotency-Key was used before for another command."""

    slug: ClassVar[str] = "idempotency-mismatch"
    es: ClassVar[str] = "Esta Idempotency-Key ya se usó con otro contenido ({reason})."
    en: ClassVar[str] = "This Idempotency-Key was already used with another content ({reason})."


@dataclass
class House:
    """The running service. ``wake`` tells the publisher that something was queued, ``imports`` the importer.

    ``reader`` reads one census at a time, so however many arrive, one workbook is unpacked; a request that gives up
    leaves its place in the row. ``figures`` are the indicators computed last.
    """

    database: Database
    registrar: Registrar
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    imports: asyncio.Event = field(default_factory=asyncio.Event)
    figures: dict[Any, Any] = field(default_factory=dict)
    reader: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "census"))
    custody: ServiceClient | None = None

    @property
    def today(self) -> date:
        """The day it is in Peru."""
        return peru_day(self.clock())


async def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


HouseDep = Annotated[House, Depends(_house)]


async def _custody(house: HouseDep) -> ServiceClient:
    assert house.custody is not None, "the service began with it"
    return house.custody


CustodyDep = Annotated[ServiceClient, Depends(_custody)]


@dataclass
class Work:
    """One transaction of a command. ``first`` is set when the same command was answered before."""

    tx: Tx
    now: datetime
    caller: Caller
    first: Response | None
    _claimed: tuple[str, str] | None = None

    @property
    def today(self) -> date:
        """The day it is in Peru."""
        return peru_day(self.now)

    async def answer(self, status: int, body: BaseModel) -> Response:
        """The answer, remembered in this transaction when the command carries a key."""
        content = body.model_dump_json().encode()
        if self._claimed is not None:
            await commands.remember(self.tx, *self._claimed, status, content)
        return json_response(status, content)

    async def announce_new(
        self, letter: Letter, thing: T, added: bool, known: tuple[T, str] | None, taken: Refusal
    ) -> tuple[tuple[T, str], dict[str, Announced]]:
        """After an insert that may have met the same thing: queue the statement of a new one, refuse a different one.

        ``known`` is what stands in the database now, with the statement that announced it.
        """
        if added:
            await outbox.announce(self.tx, [letter], self.now)
        if known is None or known[0] != thing:
            raise taken
        return known, await outbox.announced(self.tx, [known[1]])


class Command:
    """A request that changes something: who asks, and how a repetition is recognised."""

    def __init__(self, house: House, caller: Caller, key: str | None, fingerprint: bytes) -> None:
        self.house, self.caller, self.key, self.fingerprint = house, caller, key, fingerprint

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        """The transaction; it commits at the end of the block, before the answer leaves."""
        now = self.house.clock().replace(microsecond=0)
        async with self.house.database.transaction(self.caller) as tx:
            yield await self._work(tx, now)
        self.house.wake.set()

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[Work]:
        """A look before slow work: ``first`` is set as in ``transaction``, but nothing is claimed or may be changed."""
        now = self.house.clock().replace(microsecond=0)
        async with self.house.database.transaction(self.caller) as tx:
            found = None if self.key is None else await commands.first(tx, self.caller.org, self.key)
            yield Work(tx, now, self.caller, None if found is None else self._repeated(found))

    async def _work(self, tx: Tx, now: datetime) -> Work:
        if self.key is None:
            return Work(tx, now, self.caller, None)
        org = self.caller.org
        found = await commands.claim(tx, org, self.key, self.fingerprint, now)
        if found is None:
            return Work(tx, now, self.caller, None, (org, self.key))
        return Work(tx, now, self.caller, self._repeated(found))

    def _repeated(self, found: commands.FirstAnswer) -> Response:
        if found.fingerprint != self.fingerprint:
            raise IdempotencyMismatch(KEY_HEADER, self.key or "")
        return json_response(found.status, found.answer)


async def _command(request: Request, house: HouseDep, grant: GrantDep) -> Command:
    key = request.headers.get(KEY_HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise Malformed(KEY_HEADER, "de 1 a 80 letras, cifras, _ . : - / 1 to 80 letters, digits, _ . : -")
    caller = grant.known
    fingerprint = b""
    if key is not None:
        asked = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        head = f"{caller.sub}\n{request.method}\n{asked}\n".encode()
        fingerprint = hashlib.sha256(head + await request.body()).digest()
    return Command(house, caller, key, fingerprint)


CommandDep = Annotated[Command, Depends(_command)]


def json_response(status: int, content: bytes) -> Response:
    """Bytes that are already JSON."""
    return Response(content, status, media_type="application/json")


# ---- lists


@dataclass(frozen=True)
class Paging:
    """Where a list goes on, and how far."""

    after: str
    limit: int

    def page(self, found: Sequence[T], place: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
        """At most ``limit`` of what was found (ask the store for one more) and the cursor of the rest."""
        items = found[: self.limit]
        return items, to_cursor(place(items[-1])) if len(found) > self.limit else None


def to_cursor(place: str) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _from_cursor(cursor: str) -> str:
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise Malformed("cursor", "no es de esta lista / is not one of this list") from error
    if "\x00" in place:
        raise Malformed("cursor", "no es de esta lista / is not one of this list")
    return place


async def _paging(
    cursor: Annotated[str, Query(max_length=200)] = "", limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> Paging:
    return Paging(_from_cursor(cursor), limit)


PagingDep = Annotated[Paging, Depends(_paging)]
FILES_AT_MOST = 20


async def _files_paging(
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=FILES_AT_MOST)] = FILES_AT_MOST,
) -> Paging:
    return Paging(_from_cursor(cursor), limit)


# Of a list whose items are whole files, with all their trees read to work out what they say.
FilesPagingDep = Annotated[Paging, Depends(_files_paging)]


def place_number(paging: Paging, before_first: int) -> int:
    """The cursor of a list that is ordered by a number; up to 15 digits, so columns it meets must be ``bigint``."""
    if paging.after == "":
        return before_first
    if not paging.after.isdigit() or len(paging.after) > 15 or not paging.after.isascii():
        raise Malformed("cursor", "no es de esta lista / is not one of this list")
    return int(paging.after)


# ---- what several nouns share


def log_state(announced: dict[str, Announced], sid: str | None) -> LogState | None:
    """The answer's ``log`` member."""
    found = announced.get(sid) if sid is not None else None
    if found is None:
        return None
    state: Any = found.state
    return LogState(state=state, sid=found.sid, origin=found.origin, index=found.index, problem=found.problem)


async def require_organisations(tx: Tx, orgs: Iterable[str]) -> None:
    """Every organisation that a statement will name or speak for is registered; ``ReferenceUnknown`` otherwise."""
    for org in await parties.unknown_organisations(tx, list(orgs)):
        raise ReferenceUnknown("organisation", org)
