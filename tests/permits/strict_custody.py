"""A custody that believes nothing: it checks every signature, parent and repetition, and can be switched off."""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from shared.timber.bodies import possession
from shared.timber.event import Record, check_signature, parse_entry
from shared.tlog.ed25519 import verify_ed25519

ORIGIN = "trozalog.test/madre-de-dios/2026"
MOST_IN_A_BATCH = 100


@dataclass
class StrictCustody(httpx.AsyncBaseTransport):
    """Answers ``POST /v1/records`` as the contract says. ``complaints`` is what a publisher must never cause."""

    log: list[Record] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    requests: int = 0
    silent: bool = False
    loses_answers: int = 0
    refuses: Callable[[Record], bool] = lambda _: False
    status: int = 200
    keys: dict[str, bytes] = field(default_factory=dict)
    balances: dict[str, list[int]] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        body = await request.aread()
        if self.silent:
            raise httpx.ConnectError("nobody listens", request=request)
        if self.status != 200:
            return httpx.Response(
                self.status, json={"status": self.status, "slug": "test", "detail_es": "", "detail_en": ""}
            )
        if request.url.path == "/v1/balances":
            drawn = self.balances.get(request.url.params["permit"], [])
            return httpx.Response(200, json={"balances": [{"drawn_dm3": dm3} for dm3 in drawn], "next": None})
        self._check_request(request)
        lines = body.split(b"\n")
        if not 1 <= len(lines) <= MOST_IN_A_BATCH:
            self.complaints.append(f"{len(lines)} records in a batch")
        results = [self._record(line) for line in lines]
        if self.loses_answers:
            self.loses_answers -= 1
            raise httpx.ReadTimeout("the answer was lost", request=request)
        return httpx.Response(200, content=orjson.dumps({"origin": ORIGIN, "results": results}))

    def _check_request(self, request: httpx.Request) -> None:
        if (request.method, request.url.path) != ("POST", "/v1/records"):
            self.complaints.append(f"{request.method} {request.url.path}")
        if request.headers["content-type"] != "application/x-ndjson":
            self.complaints.append("content type")

    def _record(self, line: bytes) -> dict[str, Any]:
        record = parse_entry(line)
        for index, known in enumerate(self.log):
            if known.sid == record.sid:
                if known.entry != record.entry:
                    self.complaints.append(f"{record.sid} came again with other bytes")
                return {"sid": record.sid, "status": "known", "index": index, "findings": [], "problem": None}
        missing = [sid for sid in record.prev if all(known.sid != sid for known in self.log)]
        if self.refuses(record) or missing:
            slug = "unknown-parent" if missing else "test-refusal"
            return {"sid": record.sid, "status": "refused", "problem": {"slug": slug, "status": 409}}
        self._check_signature(record)
        self.log.append(record)
        return {"sid": record.sid, "status": "logged", "index": len(self.log) - 1, "findings": [], "problem": None}

    def _check_signature(self, record: Record) -> None:
        if record.type == "key.added":
            if not self.log and record.body["role"] != "registrar":
                self.complaints.append("the first entry is not the registrar's key")
            public = urlsafe_b64decode(record.body["public_key"] + "=")
            if not verify_ed25519(public, urlsafe_b64decode(record.body["proof"] + "=="), possession(record.body)):
                self.complaints.append("a key without its proof of possession")
            self.keys[record.body["kid"]] = urlsafe_b64decode(record.body["public_key"] + "=")
        (kid, _), *_ = record.signatures
        check_signature(record, kid, self.keys[kid])

    def types(self) -> list[str]:
        """The types in the log, in order."""
        return [record.type for record in self.log]

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of one type, in order."""
        return [record.body for record in self.log if record.type == kind]
