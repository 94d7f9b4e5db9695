"""Questions about wood: where it came from, what became of it, in whose hands it was, what a guide carries."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Path, Query, Response
from pydantic import StringConstraints

from services.custody.api.answers import INSTANT, ITEM, Known, KnownAt, Proof, answered, size_known
from services.custody.api.custody import CustodyDep, told
from services.custody.api.pages import Cursor, key_after, to_cursor
from services.custody.domain.custody_at import Event, at_instant, custody_of, in_order, story
from services.custody.lineage import painted
from services.custody.lineage.tracing import Walk, ancestors, descendants, story_of
from services.custody.store import Transaction
from shared.refusal import Malformed, Missing
from shared.timber import facts as facts_of
from shared.timber.facts import Facts, Guide, Item, Lot, Permit, Plan
from shared.web.app import Router

router = Router(tags=["queries"])

MOST_STARTS = 200  # pieces that one address asks for
MOST_DEPTH = 64
MOST_PIECES = 5_000
PIECES = 2_000
ANSWERS_OF_A_CODE = 100  # a page of them goes on to the end of its plans

ItemId = Annotated[str, Path(pattern=f"^{ITEM}$")]
Also = Annotated[
    list[Annotated[str, StringConstraints(pattern=f"^{ITEM}$")]],
    Query(default_factory=list, max_length=MOST_STARTS, description="More pieces to start from: how a walk goes on"),
]
Depth = Annotated[int, Query(ge=1, le=MOST_DEPTH, description="Generations to follow")]
Pieces = Annotated[int, Query(ge=1_000, le=MOST_PIECES, description="Pieces to tell of at most")]


@router.get("/v1/items/{item_id}/ancestors")
async def trace_back(
    item_id: ItemId, custody: CustodyDep, also: Also, depth: Depth = MOST_DEPTH, limit: Pieces = PIECES,
    proof: Proof = False,
) -> Response:  # fmt: skip
    """What a piece was made of, generation by generation, up to the trees. A walk that stops early says `complete: false`
    and gives in `continue` the addresses that go on from where it stopped."""
    async with custody.question() as tx:
        size = (await tx.head()).size
        walk = await ancestors(tx, _starts(item_id, also), depth, limit)
    if item_id not in walk.items:
        raise Missing("item", item_id)
    return await answered(custody, _told_walk(walk, "ancestors", depth, limit), size, _made(walk), proof)


@router.get("/v1/lots/{lot_id}/ancestors")
async def trace_lot(
    lot_id: str, custody: CustodyDep, depth: Depth = MOST_DEPTH, limit: Pieces = PIECES, proof: Proof = False
) -> Response:
    """The pieces of a lot and what they were made of, up to the trees. Stops and goes on as for a piece."""
    facts = Facts()
    async with custody.question() as tx:
        size = (await tx.head()).size
        await tx.load_facts([f"lot:{lot_id}"], facts)
        lot = facts.find(Lot, f"lot:{lot_id}")
        if lot is None:
            raise Missing("lot", lot_id)
        walk = await ancestors(tx, lot.items, depth, limit)
    answer = {"lot": lot, **_told_walk(walk, "ancestors", depth, limit)}
    return await answered(custody, answer, size, {lot.index, *_made(walk)}, proof)


@router.get("/v1/items/{item_id}/descendants")
async def trace_forward(
    item_id: ItemId, custody: CustodyDep, also: Also, depth: Depth = MOST_DEPTH, limit: Pieces = PIECES,
    proof: Proof = False,
) -> Response:  # fmt: skip
    """Everything made of a tree or a piece: whose it is, the guide it is on, the lot it was last in. Stops and goes on
    as upwards."""
    facts = Facts()
    async with custody.question() as tx:
        size = (await tx.head()).size
        walk = await descendants(tx, _starts(item_id, also), depth, limit)
        found = walk.items.values()
        carriers = {item.guide for item in found if item.guide} | {f"lot:{item.lot}" for item in found if item.lot}
        await tx.load_facts(carriers, facts)
    if item_id not in walk.items:
        raise Missing("item", item_id)
    lots = [doc for _, doc in facts.items() if isinstance(doc, Lot)]
    guides = [doc for _, doc in facts.items() if isinstance(doc, Guide)]
    answer = _told_walk(walk, "descendants", depth, limit) | {
        "lots": [_told_lot(lot) for lot in sorted(lots, key=lambda lot: lot.id)],
        "guides": [_told_guide(guide) for guide in sorted(guides, key=lambda guide: guide.key)],
    }
    indices = {*_made(walk), *_of_carriers(lots, guides)}
    indices |= {item.spent_index for item in walk.items.values() if item.spent_index is not None}
    return await answered(custody, answer, size, indices, proof)


@router.get("/v1/items/{item_id}/custody")
async def read_custody(
    item_id: ItemId, custody: CustodyDep, known: Known = None, known_at: KnownAt = None, proof: Proof = False,
    at: Annotated[str | None, Query(pattern=f"^{INSTANT}$", description="When it happened; now when it is left out")] = None,
) -> Response:  # fmt: skip
    """In whose hands a piece was at an instant (`at`, as the records claim), as far as was known when the log had `known`
    entries, or at `known_at`. Without `at`: as the log has it after the last of them."""
    async with custody.question() as tx:
        size = (await tx.head()).size
        below = await size_known(tx, size, known, known_at)
        records = await story_of(tx, item_id, below)
    events = story(item_id, records)
    if not events:
        raise Missing("item", item_id)
    answer = {
        "item": item_id, "at": at, "known": below, "known_at": known_at,
        "custody": custody_of(item_id, events if at is None else at_instant(events, at)),
        "in_order": in_order(events),
        "story": [_told_event(event) for event in events],
    }  # fmt: skip
    return await answered(custody, answer, size, [event.index for event in events], proof)


@router.get("/v1/guides/{number}/content")
async def read_content(
    number: str, custody: CustodyDep, proof: Proof = False,
    form: Annotated[str | None, Query(pattern="^(own|official)$")] = None,
) -> Response:  # fmt: skip
    """The pieces a guide carries: each with the volume the list gives it and the one it is recorded with, its measures,
    its permit, and what became of it. A guide without a list of pieces has none, and its lines are all there is."""
    facts = Facts()
    keys = [facts_of.guide_key(one, number) for one in ((form,) if form else ("own", "official"))]
    async with custody.question() as tx:
        size = (await tx.head()).size
        await tx.load_facts(keys, facts)
        guide = next((found for key in keys if (found := facts.find(Guide, key)) is not None), None)
        if guide is None:
            raise Missing("guide", number)
        await tx.load_facts([f"item:{item}" for item in guide.items], facts)
    items = [item for id_ in guide.items if (item := facts.find(Item, f"item:{id_}")) is not None]
    answer = {
        "guide": guide,
        "pieces": [{"listed_dm3": guide.items[item.id], **_told_item(item), **_measures_of(item)} for item in items],
        "listed_dm3": sum(guide.items.values()),
        "recorded_dm3": sum(item.volume_dm3 for item in items),
    }
    return await answered(custody, answer, size, {*_of_carriers([], [guide]), *(i.made_index for i in items)}, proof)


@router.get("/v1/items")
async def find_items(
    custody: CustodyDep, code: Annotated[str, Query(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}(/[A-Z]{1,4})?$")],
    permit: Annotated[str | None, Query(max_length=40)] = None, plan: Annotated[str | None, Query(max_length=64)] = None,
    parcel: Annotated[str | None, Query(max_length=20)] = None, cursor: Cursor = None, proof: Proof = False,
) -> Response:  # fmt: skip
    """Pieces by the code painted on them: a tree (`501`) or a log (`501/A`), which is looked for among those cut from its
    tree, however often these were cut again. Codes repeat from parcel to parcel and from plan to plan, so there may be
    several: in one plan, in the plan of a permit, or in every plan of the log, `next` leading to the plans that follow."""
    async with custody.question() as tx:
        size = (await tx.head()).size
        if permit is None and plan is None:
            found = await painted.everywhere(tx, code, parcel, key_after(cursor), ANSWERS_OF_A_CODE)
        else:
            found = painted.Sightings()
            await painted.in_plans(tx, [await _plan(tx, permit, plan)], parcel, code, found)
    answer = {
        "items": [_told_item(item) for item in found.items],
        "census": found.census,
        "plans": list(found.plans.values()),
        "complete": found.whole,
        "next": None if found.after is None else to_cursor(found.after),
    }
    return await answered(custody, answer, size, {item.made_index for item in found.items}, proof)


async def _plan(tx: Transaction, permit: str | None, plan: str | None) -> Plan:
    facts = Facts()
    if permit is not None and plan is not None:
        raise Malformed("query", "either permit or plan, not both")
    if permit is not None:
        await tx.load_facts([f"permit:{permit}"], facts)
        issued = facts.find(Permit, f"permit:{permit}")
        if issued is None:
            raise Missing("permit", permit)
        plan = issued.plan
    await tx.load_facts([f"plan:{plan}"], facts)
    found = facts.find(Plan, f"plan:{plan}")
    if found is None:
        raise Missing("plan", plan or "")
    return found


def _starts(item_id: str, also: Sequence[str]) -> list[str]:
    return [item_id, *(one for one in also if one != item_id)]


def _told_walk(walk: Walk, way: str, depth: int, limit: int) -> dict[str, Any]:
    more = {"depth": depth, "limit": limit}
    chunks = [walk.open[at : at + MOST_STARTS] for at in range(0, len(walk.open), MOST_STARTS)]
    return {
        "items": [{"depth": walk.depth[id_], **_told_item(item)} for id_, item in walk.items.items()],
        "complete": not walk.open,
        "open": walk.open,
        "continue": [
            f"/v1/items/{first}/{way}?{urlencode([('also', one) for one in rest] + list(more.items()))}"
            for first, *rest in chunks
        ],
    }


def _told_item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id, "kind": item.kind, "code": item.code, "species": item.species, "product": item.product,
        "volume_dm3": item.volume_dm3, "permit": item.permit, "plan": item.plan, "parcel": item.parcel,
        "tree": item.tree, "parents": item.parents, "index": item.made_index, "time": item.made_time,
        "holder": item.holder, "guide": item.guide, "lot": item.lot, "used": item.spent_how,
        "used_index": item.spent_index, "worst": item.worst,
    }  # fmt: skip


def _measures_of(item: Item) -> dict[str, int]:
    return {
        "diameter_large_mm": item.diameter_large_mm, "diameter_small_mm": item.diameter_small_mm,
        "length_mm": item.length_mm,
    }  # fmt: skip


def _told_lot(lot: Lot) -> dict[str, Any]:
    return {
        "id": lot.id, "holder": lot.holder, "buyer": lot.buyer, "claim": lot.claim, "volume_dm3": lot.volume_dm3,
        "index": lot.index, "sold_index": lot.sold_index,
    }  # fmt: skip


def _told_guide(guide: Guide) -> dict[str, Any]:
    return {
        "key": guide.key, "issuer": guide.issuer, "addressee": guide.addressee, "state": guide.state,
        "index": guide.index, "departed_index": guide.departed_index, "received_index": guide.received_index,
    }  # fmt: skip


def _told_event(event: Event) -> dict[str, Any]:
    return {"since": event.since, **told(event.index, event.record), "time": event.time}


def _made(walk: Walk) -> Iterable[int]:
    return {item.made_index for item in walk.items.values()}


def _of_carriers(lots: Iterable[Lot], guides: Iterable[Guide]) -> set[int]:
    """The entries that made lots and guides what they are."""
    told = [index for lot in lots for index in (lot.index, lot.sold_index)]
    told += [
        index
        for guide in guides
        for index in (guide.index, guide.departed_index, guide.received_index, guide.voided_index)
    ]
    return {index for index in told if index is not None}
