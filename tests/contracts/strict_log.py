"""A custody that signs what the house says: it checks every statement, parent and repetition, and can be switched off."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from services.custody.schemas import StatementsIn
from shared.timber.event import make_statement, parse_statement, sid_of

ORIGIN = "trozalog.test/madre-de-dios/2026"
HOUSE = "trozalog"


@dataclass
class StrictLog(httpx.AsyncBaseTransport):
    """Answers ``POST /v1/statements`` as custody does, to a caller of the house. ``complaints`` must stay empty."""

    log: list[dict[str, Any]] = field(default_factory=list)
    sids: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    silent: bool = False
    loses_answers: int = 0
    status: int = 200
    refuses: Callable[[dict[str, Any]], bool] = lambda _: False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        if self.silent:
            raise httpx.ConnectError("nobody listens", request=request)
        if self.status != 200:
            return httpx.Response(
                self.status, json={"status": self.status, "slug": "test", "detail_es": "", "detail_en": ""}
            )
        if (request.method, request.url.path) != ("POST", "/v1/statements"):
            self.complaints.append(f"{request.method} {request.url.path}")
        asked = StatementsIn.model_validate_json(body)
        results = [self._take(one.model_dump()) for one in asked.statements]
        if self.loses_answers:
            self.loses_answers -= 1
            raise httpx.ReadTimeout("the answer was lost", request=request)
        return httpx.Response(200, content=orjson.dumps({"origin": ORIGIN, "results": results}))

    def _take(self, one: dict[str, Any]) -> dict[str, Any]:
        statement = make_statement(one["type"], HOUSE, one["time"], one["body"], one["prev"], one["nonce"])
        sid = sid_of(statement)
        if sid in self.sids:
            return {"sid": sid, "status": "logged", "index": self.sids.index(sid), "findings": []}
        missing = [prev for prev in one["prev"] if prev not in self.sids]
        if missing or self.refuses(one):
            slug = "unknown-predecessor" if missing else "test-refusal"
            return {"sid": sid, "status": "refused", "problem": {"slug": slug, "status": 409}}
        self.log.append(parse_statement(statement))
        self.sids.append(sid)
        return {"sid": sid, "status": "logged", "index": len(self.sids) - 1, "findings": []}
