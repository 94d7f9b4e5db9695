"""Closed logs, for ever: the last checkpoint of each, and its tiles, which are the first of today's log."""

from fastapi import Request, Response

from services.custody import succession
from services.custody.api.custody import Custody, CustodyDep
from services.custody.api.tlog import BYTES, IMMUTABLE
from services.custody.soundness.rows import Rows
from services.custody.succession import Before
from services.custody.witnesses import cosignatures
from shared.audit.refusals import NotServed
from shared.refusal import Missing
from shared.tlog.tile import BadTile, parse_tile_path, width_at
from shared.tlog.witness import origin_id
from shared.web.app import Router

router = Router(tags=["log"])

LASTING = {"Cache-Control": "public, max-age=3600"}  # a witness may still cosign it


def _closed(custody: Custody, log: str) -> Before:
    """The closed log of this id; Missing."""
    found = next((one for one in custody.past if origin_id(one.origin) == log), None)
    if found is None:
        raise Missing("log", log)
    return found


@router.get("/log/closed/{log}/checkpoint", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
async def read_closed_checkpoint(log: str, custody: CustodyDep) -> Response:
    """The last checkpoint of a closed log, with the cosignatures at hand. `log` is the hex SHA-256 of its origin line."""
    closed = _closed(custody, log)
    async with custody.store.snapshot() as tx:
        signed = await succession.last_checkpoint(tx, closed)
        if signed is None:
            raise Missing("checkpoint", closed.origin)
        lines = await cosignatures.standing(tx, signed, custody.witnesses.verifiers)
    note = signed.note + "".join(lines.values()).encode()
    return Response(note, media_type="text/plain; charset=utf-8", headers=LASTING)


@router.get("/log/closed/{log}/tile/{path:path}", responses=BYTES, response_class=Response)
async def read_closed_tile(log: str, path: str, request: Request, custody: CustodyDep) -> Response:
    """A hash tile or an entry bundle of a closed log, only under its one path."""
    closed = _closed(custody, log)
    try:
        tile = parse_tile_path(f"tile/{path}")
    except BadTile:
        raise Missing("tile", path) from None
    spelled = request.scope.get("raw_path", request.url.path.encode())
    right = spelled == f"/log/closed/{log}/{tile.path}".encode()
    if not right or tile.width > width_at(tile.level, tile.n, closed.size):
        raise Missing("tile", path)
    async with custody.store.snapshot() as tx:
        try:
            data = await Rows(tx, closed.size).tile(tile)
        except NotServed:
            raise Missing("tile", path) from None
    return Response(data, media_type="application/octet-stream", headers=IMMUTABLE)
