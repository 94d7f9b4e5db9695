"""Gathers what a lot rests on: facts upwards to the trees, and the records its verdict needs, packed as a bundle."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from services.custody import derived, tiles
from services.custody.store import SignedHead, Transaction
from shared.lot.bundle import pack
from shared.lot.closure import Gathering
from shared.refusal import Refusal
from shared.timber.event import Record, parse_entry
from shared.timber.facts import Facts, Item, Lot

MOST_GENERATIONS = 64
MOST_RECORDS = 20_000


@dataclass(eq=False)
class TooLarge(Refusal):
    """More records would have to be proven than one file holds; nothing is left out silently."""

    slug: ClassVar[str] = "lot-too-large"
    es: ClassVar[str] = "El lote {lot} se apoya en más de {most} registros; no cabe en un archivo de prueba."
    en: ClassVar[str] = "Lot {lot} rests on more than {most} records; one proof file does not hold them."
    lot: str
    most: int


def _parsed(bodies: list[tuple[int, bytes]]) -> list[tuple[int, Record]]:
    return [(index, parse_entry(body)) for index, body in bodies]


async def facts_of_lot(tx: Transaction, lot_id: str) -> Facts:
    """The lot, its items and all they were made of up to the trees; one statement a generation. Empty when there is
    no such lot."""
    return await facts_of_lots(tx, [lot_id])


async def facts_of_lots(tx: Transaction, lot_ids: Collection[str]) -> Facts:
    """The same of several lots, walked together: as many statements as the deepest of them has generations."""
    facts = Facts()
    await tx.load_facts([f"lot:{lot_id}" for lot_id in lot_ids], facts)
    lots = [lot for lot_id in lot_ids if (lot := facts.find(Lot, f"lot:{lot_id}")) is not None]
    wanted = {f"item:{item}" for lot in lots for item in lot.items}
    for _ in range(MOST_GENERATIONS):
        if not wanted:
            return facts
        await tx.load_facts(wanted, facts)
        items = [item for key in wanted if (item := facts.find(Item, key)) is not None]
        wanted = {key for item in items for parent in item.parents if (key := f"item:{parent}") not in facts}
    raise TooLarge(", ".join(sorted(lot_ids)[:1]), MOST_GENERATIONS)


async def records_of_lot(tx: Transaction, lot_id: str, below: int) -> list[tuple[int, Record]]:
    """Every record the verdict on a lot needs, of the first `below` entries, by index."""
    gathering = Gathering(lot_id)
    seams = [index for begun in await derived.continuations(tx) if begun < below for index in (begun - 1, begun)]
    seen = dict(_parsed(await tx.bodies([0, *seams])))
    for index, record in seen.items():
        gathering.offer(index, record)
    while names := gathering.wanted():
        indices = await tx.mentions_of(names, below, MOST_RECORDS)
        if len(indices) == MOST_RECORDS:
            raise TooLarge(lot_id, MOST_RECORDS)
        bodies = await tx.bodies([index for index in indices if index not in seen])
        seen.update(await asyncio.to_thread(_parsed, bodies))
        for index in indices:
            gathering.offer(index, seen[index])
    return sorted(gathering.records.items())


async def bundle_of(
    tx: Transaction, lot_id: str, records: Sequence[tuple[int, Record]], signed: SignedHead,
    witnessed: SignedHead | None, disclosed: Iterable[tuple[int, str]] = (),
) -> bytes:  # fmt: skip
    """The proof file of these records, which are all that the lot needs of the first `signed.size` entries: under one
    multiproof and that checkpoint, or the witnessed one where that covers them too. `disclosed`: private fields it shows,
    each with the index of its record."""
    # Not under a larger one, which another process may have had witnessed meanwhile: it may cover more of the lot's records.
    if witnessed is not None and records[-1][0] < witnessed.size <= signed.size:
        signed = witnessed
    proof = await tiles.multiproof(tx, [index for index, _ in records], signed.size)
    return pack(lot_id, signed.note, [(index, record.entry) for index, record in records], proof, disclosed)
