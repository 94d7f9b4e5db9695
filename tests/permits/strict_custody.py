"""A custody that believes nothing: it checks every signature, parent and repetition, and can be switched off."""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from shared.timber.bodies import possession
from shared.timber.event import Record, check_signature, parse_entry
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.ed25519 import verify_ed25519
from shared.tlog.merkle import leaf_hash, root_of
from shared.tlog.note import Signer, sign

ORIGIN = "trozalog.test/madre-de-dios/2026"
MOST_IN_A_BATCH = 100


@dataclass
class StrictCustody(httpx.AsyncBaseTransport):
    """Answers ``POST /v1/records`` as the contract says, and what is asked of a log: its size, the first checkpoint after
    one (cosigned when ``witness`` signs), balances. ``complaints`` is what a publisher must never cause.

    ``checkpoints`` are the sizes that were signed, unless given every size there was.
    """

    log: list[Record] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    requests: int = 0
    silent: bool = False
    loses_answers: int = 0
    refuses: Callable[[Record], bool] = lambda _: False
    status: int = 200
    keys: dict[str, bytes] = field(default_factory=dict)
    signer: Signer = field(default_factory=lambda: Signer.generate(ORIGIN))
    witness: Signer | None = None
    checkpoints: list[int] | None = None
    balances: list[dict[str, Any]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        body = await request.aread()
        if self.silent:
            raise httpx.ConnectError("nobody listens", request=request)
        if self.status != 200:
            return httpx.Response(
                self.status, json={"status": self.status, "slug": "test", "detail_es": "", "detail_en": ""}
            )
        if request.method == "GET":
            return self._asked(request)
        self._check_request(request)
        lines = body.split(b"\n")
        if not 1 <= len(lines) <= MOST_IN_A_BATCH:
            self.complaints.append(f"{len(lines)} records in a batch")
        results = [self._record(line) for line in lines]
        if self.loses_answers:
            self.loses_answers -= 1
            raise httpx.ReadTimeout("the answer was lost", request=request)
        return httpx.Response(200, content=orjson.dumps({"origin": ORIGIN, "results": results}))

    def _asked(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, request.url.params
        if path == "/v1/logs":
            return httpx.Response(200, json={"logs": [{"origin": ORIGIN, "size": len(self.log)}]})
        if path == f"/v1/logs/{ORIGIN}/first-checkpoint":
            return self._first_checkpoint(int(query["after"]))
        if path == "/v1/balances":
            found = [one for one in self.balances if one["permit"] == query["permit"]]
            return httpx.Response(200, json={"as_of": len(self.log), "balances": found, "next": None})
        self.complaints.append(f"GET {path}")
        return httpx.Response(404, json={"status": 404, "slug": "not-found", "detail_es": "", "detail_en": ""})

    def _first_checkpoint(self, after: int) -> httpx.Response:
        sizes = range(len(self.log) + 1) if self.checkpoints is None else self.checkpoints
        size = next((size for size in sizes if size > after), None)
        if size is None:
            return httpx.Response(404, json={"status": 404, "slug": "not-found", "detail_es": "", "detail_en": ""})
        text = self.checkpoint(size).text()
        line = None if self.witness is None else self.witness.line(text, 1_800_000_000).rstrip("\n")
        note = sign(text, [self.signer]).decode()
        return httpx.Response(
            200, json={"origin": ORIGIN, "after": after, "size": size, "checkpoint": note, "cosignature": line}
        )

    def checkpoint(self, size: int) -> Checkpoint:
        """What the log signs at a size."""
        return Checkpoint(ORIGIN, size, root_of([leaf_hash(record.entry) for record in self.log[:size]]))

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
