"""Gathers what a lot rests on: facts upwards to the trees, and the records its verdict needs, packed as a bundle."""

from services.custody import tiles
from services.custody.store import SignedHead, Transaction
from shared.lot.bundle import pack
from shared.lot.closure import Gathering
from shared.timber.event import parse_entry
from shared.timber.facts import Facts, Item, Lot

MOST_GENERATIONS = 64


async def facts_of_lot(tx: Transaction, lot_id: str) -> Facts:
    """The lot, its items and all they were made of up to the trees; one statement a generation. Empty when there is
    no such lot."""
    facts = Facts()
    await tx.load_facts([f"lot:{lot_id}"], facts)
    lot = facts.find(Lot, f"lot:{lot_id}")
    wanted = {f"item:{item}" for item in lot.items} if lot is not None else set()
    for _ in range(MOST_GENERATIONS):
        if not wanted:
            break
        await tx.load_facts(wanted, facts)
        items = [item for key in wanted if (item := facts.find(Item, key)) is not None]
        wanted = {key for item in items for parent in item.parents if (key := f"item:{parent}") not in facts}
    return facts


async def bundle_of(tx: Transaction, lot_id: str, signed: SignedHead) -> bytes:
    """The proof file: every record the verdict needs below the checkpoint, under one multiproof."""
    gathering = Gathering(lot_id)
    [(_, anchor)] = await tx.bodies([0])
    gathering.offer(0, parse_entry(anchor))
    while names := gathering.wanted():
        for index, body in await tx.bodies(await tx.mentions_of(names, signed.size)):
            gathering.offer(index, parse_entry(body))
    records = sorted(gathering.records.items())
    proof = await tiles.multiproof(tx, [index for index, _ in records], signed.size)
    return pack(lot_id, signed.note, [(index, record.entry) for index, record in records], proof)
