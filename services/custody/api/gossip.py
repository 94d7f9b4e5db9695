"""Gossip: what others saw of this log is held against what is published here, and proofs that both are one history."""

from typing import Annotated, Any

import structlog
from fastapi import Query, Request, Response

from services.custody import tiles
from services.custody.api.custody import Custody, CustodyDep, base64_text, json_answer
from services.custody.keys import our_notes
from services.custody.schemas import CheckpointAnswer, Consistency, FirstCheckpoint
from services.custody.store import SignedHead
from services.custody.witnesses import cosignatures, fork_evidence
from shared.refusal import Malformed, Missing, Refusal
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.gossip import Heard, Outcome, heard, judge
from shared.tlog.note import split_note
from shared.web.app import Router

router = Router(tags=["log"])
logger = structlog.get_logger(__name__)

CATCH_UP_S = 1.0  # another process of this log may just have signed it
Size = Annotated[int, Query(ge=0, le=2**53 - 1)]
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A signed note (C2SP tlog-checkpoint) of this log.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}


@router.post("/v1/checkpoints", responses={200: {"model": CheckpointAnswer}}, openapi_extra=BODY)
async def report_checkpoint(request: Request, custody: CustodyDep) -> Response:
    """A checkpoint that somebody else saw. `consistent`: with the proof that leads from it to ours. `fork`: neither
    continues the other; both are kept as evidence. `ahead`: this size was never published here; it is kept too. Refused
    unless the log's own key signed it; LogIncomplete while our own rows do not lead to what we signed. May be repeated."""
    theirs = heard(await request.body(), custody.keys.ed25519)
    ours = await _newest(custody, theirs.checkpoint.size)
    newest, proof = parse_checkpoint(split_note(ours.note)[0]), list[bytes]()
    if theirs.checkpoint.size <= ours.size:
        async with custody.store.snapshot() as tx:
            _, proof = await tiles.prefix(tx, theirs.checkpoint.size, newest)
    outcome = judge(newest, theirs.checkpoint, proof)
    if outcome != "consistent":
        await _keep(custody, outcome, theirs, ours)
    return json_answer(
        {
            "outcome": outcome, "origin": custody.origin, "from": theirs.checkpoint.size, "to": ours.size,
            "proof": [base64_text(part) for part in proof] if outcome == "consistent" else [],
            "checkpoint": ours.note.decode(),
        }
    )  # fmt: skip


async def _newest(custody: Custody, size: int) -> SignedHead:
    """The newest checkpoint; the one that covers `size`, if it comes at once."""
    ours = await custody.newest()
    return ours if ours.size >= size else await custody.within(size, CATCH_UP_S) or ours


async def _keep(custody: Custody, outcome: Outcome, theirs: Heard, ours: SignedHead) -> None:
    async with custody.store.transaction() as tx:
        await fork_evidence.keep(tx, outcome, theirs, ours.note)
    logger.error("checkpoint_does_not_fit", outcome=outcome, size=theirs.checkpoint.size, published=ours.size)


@router.get("/v1/logs/{origin:path}/consistency", responses={200: {"model": Consistency}})
async def read_consistency(
    origin: str, custody: CustodyDep, start: Annotated[int, Query(alias="from", ge=0, le=2**53 - 1)], to: Size | None = None
) -> Response:  # fmt: skip
    """The RFC 6962 proof that the log of `from` entries is a prefix of that of `to`, with the checkpoint signed at `to`:
    the newest unless said otherwise, and else a size at which one was signed."""
    if origin != custody.origin:
        raise Missing("log", origin)
    newest = await custody.newest()
    size = newest.size if to is None else to
    if start > size:
        raise Malformed("from", "larger than `to`")
    async with custody.store.snapshot() as tx:
        note = newest.note if size == newest.size else await fork_evidence.note_at(tx, size)
        if note is None or not tx.begins < size <= newest.size:
            raise Missing("checkpoint", str(size))
        _check_as_signed(custody, size, note)
        proof = await tiles.consistency(tx, start, size)
    parts = [base64_text(part) for part in proof]
    return json_answer({"origin": origin, "from": start, "to": size, "proof": parts, "checkpoint": note.decode()})


@router.get("/v1/logs/{origin:path}/first-checkpoint")
async def read_first_checkpoint(
    origin: str, custody: CustodyDep, after: Annotated[int, Query(ge=0, le=2**53 - 1)]
) -> FirstCheckpoint:
    """The first checkpoint of more than `after` entries that was published: what a public draw takes its seed from.

    Where the log's own policy names witnesses it is the first that one of them cosigned. Missing until there is one;
    LogIncomplete while the line that was kept first does not stand under it: another one would be another draw."""
    if origin != custody.origin:
        raise Missing("log", origin)
    newest = await custody.newest()
    witnesses = custody.witnesses.verifiers
    async with custody.store.snapshot() as tx:
        found = await cosignatures.first_after(tx, list(witnesses), after, newest.size)
    if found is None:
        raise Missing("checkpoint", f"> {after}")
    head, line = found
    _check_as_signed(custody, head.size, head.note)
    if line is not None and not any(cosignatures.stands(head.note, line, one) for one in witnesses.values()):
        raise tiles.LogIncomplete(f"cosignature of checkpoint {head.size}")
    return FirstCheckpoint(
        origin=origin, after=after, size=head.size, checkpoint=head.note.decode(),
        cosignature=None if line is None else line.rstrip("\n"),
    )  # fmt: skip


def _check_as_signed(custody: Custody, size: int, note: bytes) -> None:
    """LogIncomplete where a row of long ago is not what was signed: the guard looks at the newest only."""
    try:
        our_notes.opened(note, custody.keys.verifiers)
    except Refusal:
        raise tiles.LogIncomplete(f"checkpoint {size}") from None
