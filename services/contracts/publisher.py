"""Carries the statements about published books into the log, until each has been answered.

Custody signs them with the key it holds for the operator, and may be down for hours: they wait in the database. Sent
twice, a statement is one record, because its time and body never change.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from services.contracts.store import Store, outbox
from services.contracts.store.outbox import Answered, Waiting
from shared.web.client import ServiceClient, UpstreamRefused
from shared.web.problems import HttpRefusal
from shared.web.telemetry import logger

BATCH = 50
DEADLINE_S = 30.0
IDLE_S = 2.0


class Publisher:
    """The background worker. Several may run: each statement is taken by one of them at a time."""

    def __init__(self, store: Store, custody: ServiceClient) -> None:
        self.store, self.custody = store, custody

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                sent = await self.publish()
            except Exception:
                logger.exception("publisher")
                sent = 0
            if not sent:
                await asyncio.sleep(IDLE_S)

    async def publish(self) -> int:
        """One round; how many statements were answered."""
        async with self.store.db.transaction() as tx:
            taken = await outbox.take(tx, BATCH)
        if not taken:
            return 0
        answers = await self._send(taken)
        answered = {one.seq for one in answers}
        async with self.store.db.transaction() as tx:
            await outbox.note(tx, answers)
            await outbox.try_again(tx, [one for one in taken if one.seq not in answered])
        for one in answers:
            if one.state == "refused":
                logger.error("the log refused a book", seq=one.seq, slug=(one.problem or {}).get("slug"))
        return len(answers)

    async def _send(self, taken: Sequence[Waiting]) -> list[Answered]:
        """Custody's answers in their order; none when it is silent or refuses the whole."""
        body = {"statements": [orjson.Fragment(one.statement) for one in taken]}
        try:
            answer = await self.custody.post("/v1/statements", body, deadline_s=DEADLINE_S)
            origin, results = str(answer["origin"]), answer["results"]
            return [_answered(one, origin, result) for one, result in zip(taken, results, strict=True)]
        except UpstreamRefused as refusal:
            logger.warning("custody refused the books", slug=refusal.slug)
        except HttpRefusal as silence:
            logger.warning("custody did not answer", reason=silence.slug)
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("custody_answer_not_understood", error=type(error).__name__)
        return []


def _answered(one: Waiting, origin: str, result: dict[str, Any]) -> Answered:
    if result["status"] == "refused":
        return Answered(one.seq, "refused", result.get("sid"), None, None, dict(result["problem"]))
    return Answered(one.seq, "published", str(result["sid"]), origin, int(result["index"]), None)
