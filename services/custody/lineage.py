"""Gathers what a lot rests on: facts upwards to the trees, then every record its verdict needs."""

from services.custody import tiles
from services.custody.domain import lineage
from services.custody.domain.names import names_of
from services.custody.store import SignedHead, Transaction
from shared.lot.bundle import pack
from shared.timber.event import parse_entry
from shared.timber.facts import Facts, Guide, Item, Lot

MOST_STEPS = 64


async def closure_of(tx: Transaction, lot_id: str) -> Facts:
    """The facts of a lot, its items, all they were made of up to the trees, and their guides; empty when there is
    no such lot. One statement a generation."""
    facts = Facts()
    await tx.load_facts([f"lot:{lot_id}"], facts)
    lot = facts.find(Lot, f"lot:{lot_id}")
    wanted = {f"item:{item}" for item in lot.items} if lot is not None else set()
    for _ in range(MOST_STEPS):
        missing = {key for key in wanted if key not in facts}
        if not missing:
            break
        await tx.load_facts(missing, facts)
        docs = [facts.get(key) for key in missing]
        wanted = lineage.item_keys(doc for doc in docs if isinstance(doc, Item))
        wanted |= lineage.guide_keys(doc for doc in docs if isinstance(doc, Guide))
        wanted = {key for key in wanted if key not in facts and key not in missing}
    return facts


async def bundle_of(tx: Transaction, lot_id: str, signed: SignedHead) -> bytes:
    """The proof file: every record the verdict needs below the checkpoint, under one multiproof."""
    facts = await closure_of(tx, lot_id)
    records: dict[int, bytes] = dict(await tx.bodies([0]))
    asked: set[str] = set()
    names = lineage.names_for(lot_id, facts)
    while names - asked:
        new = names - asked
        asked |= new
        indices = [index for index in await tx.mentions_of(new, signed.size) if index not in records]
        found = [(index, body, parse_entry(body)) for index, body in await tx.bodies(indices)]
        kept = [(index, body, record) for index, body, record in found if not new.isdisjoint(names_of(record))]
        records.update((index, body) for index, body, _ in kept)
        names = lineage.names_behind(record for _, _, record in kept)
        if asked == new:
            names |= lineage.names_behind([parse_entry(records[0])])
    indices = sorted(records)
    proof = await tiles.multiproof(tx, indices, signed.size)
    return pack(lot_id, signed.note, [(index, records[index]) for index in indices], proof)
