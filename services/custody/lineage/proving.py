"""The entries an answer rests on, and the one multiproof (docs/format.md, section 9) that they are all in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from services.custody import tiles
from services.custody.store import Transaction
from shared.refusal import Refusal

MOST_PROVEN = 3_000
MOST_PROVEN_BYTES = 16_000_000
# The subquery: see `services.custody.store`.
WEIGHTS = """
SELECT e.idx, e.weight FROM unnest($2::bigint[]) AS asked (idx)
CROSS JOIN LATERAL (
    SELECT idx, octet_length(body) AS weight FROM entry WHERE log_id = $1 AND idx = asked.idx OFFSET 0) AS e
ORDER BY e.idx"""


@dataclass(eq=False)
class TooMuchToProve(Refusal):
    """The answer rests on more entries than one answer carries; ask for less at a time, or without them."""

    slug: ClassVar[str] = "too-much-to-prove"
    es: ClassVar[str] = (
        "La respuesta se apoya en {entries} registros ({bytes} bytes); con prueba caben {most}. Pida menos, o sin prueba."
    )
    en: ClassVar[str] = (
        "The answer rests on {entries} entries ({bytes} bytes); with proof {most} fit. Ask for less, or without proof."
    )
    entries: int
    bytes: int
    most: int


async def weights(tx: Transaction, indices: Sequence[int]) -> list[tuple[int, int]]:
    """Each of these entries with its size in bytes, in the order of the log."""
    return [(idx, weight) for idx, weight in await tx.fetch(WEIGHTS, tx.log_id, [*{*indices}])]


async def entries_with_proof(tx: Transaction, indices: Sequence[int], size: int) -> tuple[list[bytes], list[bytes]]:
    """The entries at these indices (ascending, each below `size`) and their multiproof in the tree of `size` entries;
    both empty for none. TooMuchToProve before anything large is read."""
    if not indices:
        return [], []
    weight = sum(weight for _, weight in await weights(tx, indices))
    if len(indices) > MOST_PROVEN or weight > MOST_PROVEN_BYTES:
        raise TooMuchToProve(len(indices), weight, MOST_PROVEN)
    bodies = await tx.bodies(indices)
    return [body for _, body in bodies], await tiles.multiproof(tx, indices, size)
