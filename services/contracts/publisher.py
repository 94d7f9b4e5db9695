"""What contracts says goes into the log unsigned: custody signs it with the key it holds for the house (``POST
/v1/statements``), so no signing key is kept here. The loop is ``shared.web.publishing``."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from prometheus_client import CollectorRegistry
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.announced import Letter
from services.contracts.store import outbox
from shared.web import publishing
from shared.web.client import ServiceClient
from shared.web.db import Database

BATCH = 50
DEADLINE_S = 30.0


def now() -> datetime:
    """This moment, to the second: statements have no parts of one."""
    return datetime.now(UTC).replace(microsecond=0)


class Publisher(publishing.Publisher[Letter]):
    """The background worker. Without a way to custody everything waits."""

    def __init__(
        self, db: Database, custody: ServiceClient | None, registry: CollectorRegistry,
        clock: Callable[[], datetime] = now,
    ) -> None:  # fmt: skip
        super().__init__(db, outbox, registry, clock, asyncio.Event())
        self.custody = custody

    async def publish(self) -> int:
        """One round. How many were answered; ``Unanswered`` when custody is silent."""
        return 0 if self.custody is None else await super().publish()

    async def take(self, tx: AsyncSession, now: datetime) -> list[Letter]:
        """What waits, else what is due again."""
        return await outbox.pending(tx, BATCH) or await outbox.due_again(tx, BATCH, now)

    async def post(self, letters: Sequence[Letter]) -> Any:
        """The statements for custody to put together and sign."""
        assert self.custody is not None
        body = {"statements": [_unsigned(letter) for letter in letters]}
        return await self.custody.post("/v1/statements", body, deadline_s=DEADLINE_S)

    def results(self, letters: Sequence[Letter], found: Sequence[Any]) -> list[Any]:  # noqa: ARG002
        """Custody answers in the order it was asked in."""
        return list(found)


def _unsigned(letter: Letter) -> dict[str, Any]:
    """The parts that custody puts together to the very same bytes; ``actor`` is whoever asks it."""
    statement = orjson.loads(letter.statement)
    return {name: statement[name] for name in ("type", "time", "body", "prev", "nonce")}
