"""The log as C2SP tlog-tiles: checkpoint, tiles and entry bundles, byte for byte."""

from typing import Any

from fastapi import Request, Response

from services.custody.api.custody import Custody, CustodyDep
from services.custody.soundness.rows import Rows
from shared.audit.refusals import NotServed
from shared.refusal import Missing
from shared.tlog.tile import BadTile, Tile, parse_tile_path, width_at
from shared.web.app import Router

router = Router(tags=["log"])

IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
FRESH = {"Cache-Control": "no-cache"}
BYTES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


@router.get("/log/checkpoint", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
async def read_checkpoint(custody: CustodyDep) -> Response:
    """The newest signed checkpoint, with the cosignatures at hand."""
    return Response((await custody.newest()).note, media_type="text/plain; charset=utf-8", headers=FRESH)


@router.get("/log/witnessed", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
async def read_witnessed(custody: CustodyDep) -> Response:
    """The newest checkpoint that satisfies the log's own policy (`/v1/logs`); where that asks for no witness, the newest
    that one cosigned."""
    return Response((await custody.witnessed()).note, media_type="text/plain; charset=utf-8", headers=FRESH)


@router.get("/log/tile/{path:path}", responses=BYTES, response_class=Response)
async def read_tile(path: str, request: Request, custody: CustodyDep) -> Response:
    """A hash tile or an entry bundle, full or partial; only under the one path the specification gives it, not
    percent-encoded either: a cache must never hold two names for one thing."""
    try:
        tile = parse_tile_path(f"tile/{path}")
    except BadTile:
        raise Missing("tile", path) from None
    spelled = request.scope.get("raw_path", request.url.path.encode())
    if spelled != f"/log/{tile.path}".encode() or tile.width > await _published_width(custody, tile):
        raise Missing("tile", path)
    async with custody.store.snapshot() as tx:
        try:
            data = await Rows(tx, custody.published.size).tile(tile)
        except NotServed:  # the database was set back under this process
            raise Missing("tile", path) from None
    return Response(data, media_type="application/octet-stream", headers=IMMUTABLE)


async def _published_width(custody: Custody, tile: Tile) -> int:
    """How wide the tile is under the newest checkpoint, which another process may have signed and shown."""
    width = width_at(tile.level, tile.n, max(custody.published.size, 0))
    if width < tile.width:
        width = width_at(tile.level, tile.n, (await custody.newest()).size)
    return width
