"""The log as C2SP tlog-tiles: checkpoint, tiles and entry bundles, byte for byte."""

from typing import Any

from fastapi import Request, Response

from services.custody import tiles
from services.custody.api.custody import CustodyDep
from services.custody.store import SignedHead
from shared.refusal import Missing
from shared.tlog.merkle import HASH_BYTES
from shared.tlog.tile import WIDTH, BadTile, Tile, encode_entries, parse_tile_path, width_at
from shared.web.app import Router

router = Router(tags=["log"])

IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
FRESH = {"Cache-Control": "no-cache"}
BYTES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


@router.get("/log/checkpoint", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
async def read_checkpoint(custody: CustodyDep) -> Response:
    """The newest signed checkpoint."""
    return Response(_published(custody).note, media_type="text/plain; charset=utf-8", headers=FRESH)


@router.get("/log/tile/{path:path}", responses=BYTES, response_class=Response)
async def read_tile(path: str, request: Request, custody: CustodyDep) -> Response:
    """A hash tile or an entry bundle, full or partial; only under the one path the specification gives it, not
    percent-encoded either: a cache must never hold two names for one thing."""
    try:
        tile = parse_tile_path(f"tile/{path}")
    except BadTile:
        raise Missing("tile", path) from None
    spelled = request.scope.get("raw_path", request.url.path.encode())
    if spelled != f"/log/{tile.path}".encode() or tile.width > width_at(tile.level, tile.n, _published(custody).size):
        raise Missing("tile", path)
    data = await (_entries(custody, tile) if tile.kind == "entries" else _hashes(custody, tile))
    return Response(data, media_type="application/octet-stream", headers=IMMUTABLE)


def _published(custody: CustodyDep) -> SignedHead:
    head = custody.published.head
    if head is None:
        raise Missing("checkpoint", custody.origin)
    return head


async def _entries(custody: CustodyDep, tile: Tile) -> bytes:
    start = tile.n * WIDTH
    async with custody.store.snapshot() as tx:
        return encode_entries(await tx.body_range(start, start + tile.width))


async def _hashes(custody: CustodyDep, tile: Tile) -> bytes:
    size = _published(custody).size
    async with custody.store.snapshot() as tx:
        found = await tiles.load(tx, [(tile.level, tile.n)], size)
    return found[tile.level, tile.n][: tile.width * HASH_BYTES]
