"""Pieces of wood as they stand in statements of the sample data."""

import hashlib
import uuid

from deploy.seed.house import Json
from deploy.seed.sample import Piece


def measures(piece: Piece) -> Json:
    """A stem or a log as it stands in a statement."""
    return {
        "species": piece.species, "diameter_large_mm": piece.large_mm, "diameter_small_mm": piece.small_mm,
        "length_mm": piece.length_mm, "volume_dm3": piece.volume_dm3,
    }  # fmt: skip


def piece_id(plan: str, code: str) -> str:
    """An item id that is the same in every run: a version 8 UUID of plan and code. A phone takes a random one."""
    value = bytearray(hashlib.sha256(f"trozalog/demo\n{plan}\n{code}".encode()).digest()[:16])
    value[6] = value[6] & 0x0F | 0x80
    value[8] = value[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(value)))
