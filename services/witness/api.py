"""The HTTP door of a witness: c2sp.org/tlog-witness, and beside it what speaks against a log."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse

from services.witness.store import ClockWentBack, State
from shared.refusal import Missing, Refusal
from shared.tlog.merkle import BadProof
from shared.tlog.note import Signer, Verifier
from shared.tlog.witness import (
    SIZE_TYPE,
    NotByTheLog,
    OtherSize,
    StateLost,
    UnknownOrigin,
    examine,
    origin_id,
    parse,
)
from shared.web import problems
from shared.web.app import Router

logger = structlog.get_logger(__name__)
router = Router(tags=["witness"])

PLAIN = "text/plain; charset=utf-8"
FRESH = {"Cache-Control": "no-cache"}
# What is not named here could not be read (400).
STATUS: Mapping[type[Refusal], int] = {
    NotByTheLog: 403, UnknownOrigin: 404, OtherSize: 409, BadProof: 422, StateLost: 503, ClockWentBack: 503,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Witness:
    """Everything a route needs; built in main, kept in the application's state."""

    signer: Signer
    logs: tuple[Verifier, ...]
    state: State

    def origin(self, named: str) -> str:
        """The log behind the hex SHA-256 of its origin; Missing when it is not watched."""
        found = next((log.name for log in self.logs if origin_id(log.name) == named), None)
        if found is None:
            raise Missing("log", named)
        return found


async def of_request(request: Request) -> Witness:
    witness: Witness = request.app.state.witness
    return witness


WitnessDep = Annotated[Witness, Depends(of_request)]


@router.post("/add-checkpoint", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
async def add_checkpoint(request: Request, witness: WitnessDep) -> Response:
    """Cosign a checkpoint that extends the last one; the answer is a signature line. 400 malformed, 403 not signed by
    the log, 404 another log, 409 builds on another size (which is answered), 422 does not extend the last one."""
    body, offer = await request.body(), None
    try:
        offer = examine(parse(body), witness.logs, witness.signer.verifier)
        line = await asyncio.to_thread(witness.state.accept, offer, witness.signer, time.time)
    except OtherSize as other:
        return Response(f"{other.size}\n", STATUS[OtherSize], headers={"content-type": SIZE_TYPE})
    except Refusal as refusal:
        if offer is not None:
            logger.warning("not_cosigned", origin=offer.checkpoint.origin, size=offer.checkpoint.size, why=str(refusal))
        return problems.answer(request.scope, refusal, status=STATUS.get(type(refusal), 400))
    return Response(line, media_type=PLAIN)


@router.get("/{origin}/checkpoint", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
async def read_newest(origin: str, witness: WitnessDep) -> Response:
    """The newest checkpoint cosigned for a log, under the log's signature and this witness's. `origin` is the hex
    SHA-256 of the log's origin line."""
    newest = await asyncio.to_thread(witness.state.newest, witness.origin(origin))
    if newest is None:
        raise Missing("checkpoint", origin)
    return Response(newest.note, media_type=PLAIN, headers=FRESH)


@router.get("/{origin}/evidence", response_class=JSONResponse)
async def read_evidence(origin: str, witness: WitnessDep) -> JSONResponse:
    """Pairs of checkpoints that the log signed and that do not fit, each a whole note. `fork`: one size, two roots:
    whoever trusts the log's key can see for himself. `unproven`: a later one came without proof that it extends the
    earlier, which somebody other than the log may have caused. `state-lost`: this witness was set back."""
    name = witness.origin(origin)
    rows = await asyncio.to_thread(witness.state.evidence, name)
    found: list[dict[str, Any]] = [
        {"kind": e.kind, "size": e.size, "at": e.at, "offered": e.offered.decode(), "kept": e.kept.decode()}
        for e in rows
    ]
    return JSONResponse({"origin": name, "evidence": found})
