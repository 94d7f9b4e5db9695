"""Walking the wood: up from a piece to its trees, down from a tree to all that was made of it, and the story of one.

A walk goes a generation at a time, each a fixed number of statements over what the append writes anyway: the documents
of the pieces (upwards: their parents), and where a piece was used up or is named (downwards). It stops at a depth and at
a number of pieces, and then names the pieces it did not follow.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from services.custody.store import Transaction, ref_of
from shared.lot.closure import names_of
from shared.refusal import Refusal
from shared.timber.event import Record, parse_entry
from shared.timber.facts import Facts, Item, guide_key

MOST_TOLD = 5_000
USED = "SELECT item::text, idx FROM spent WHERE log_id = $1 AND item = ANY($2::uuid[])"
# The type ends every canonical statement (docs/format.md, section 1), so it is read without opening the entry.
# The subqueries: see `services.custody.store`.
CUT = """
SELECT asked.name, m.idx FROM unnest($2::text[], $3::bigint[]) AS asked (name, ref)
CROSS JOIN LATERAL (
    SELECT idx FROM mention WHERE log_id = $1 AND ref = asked.ref
    UNION SELECT unnest(entries) FROM fact WHERE log_id = $1 AND key = asked.name OFFSET 0) AS m
CROSS JOIN LATERAL (
    SELECT FROM entry WHERE log_id = $1 AND idx = m.idx
        AND substr(body, octet_length(body) - 17) = convert_to('"type":"log.cut"}}', 'UTF8') OFFSET 0) AS e"""
OLDEST = """
SELECT max(idx) FROM (
    SELECT DISTINCT idx FROM (
        (SELECT DISTINCT idx FROM mention WHERE log_id = $1 AND ref = ANY($2) ORDER BY idx LIMIT $4)
        UNION ALL SELECT unnest(entries) FROM fact WHERE log_id = $1 AND key = ANY($3)
    ) AS found ORDER BY idx LIMIT $4) AS oldest"""


@dataclass(eq=False)
class HistoryTooLong(Refusal):
    """A piece with more records than one answer is put together from; told for an earlier size of the log instead."""

    slug: ClassVar[str] = "history-too-long"
    es: ClassVar[str] = "La pieza {item} tiene más de {most} registros; pregunte con known de a lo más {ask_known}."
    en: ClassVar[str] = "Item {item} has more than {most} records; ask with known of at most {ask_known}."
    item: str
    most: int
    ask_known: int


@dataclass(slots=True)
class Walk:
    """Pieces found, each with its distance from the start, in the order they were reached. `open` are those whose next
    generation was not followed: asking for each of them goes on where this walk stopped."""

    items: dict[str, Item] = field(default_factory=dict)
    depth: dict[str, int] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)


Next = Callable[[Transaction, Sequence[Item]], Awaitable[dict[str, list[str]]]]


async def ancestors(tx: Transaction, starts: Iterable[str], depth: int, limit: int) -> Walk:
    """From these pieces up to the trees. Unknown ids are left out."""
    return await _walk(tx, starts, depth, limit, _parents)


async def descendants(tx: Transaction, starts: Iterable[str], depth: int, limit: int) -> Walk:
    """From these pieces down to everything made of them. Unknown ids are left out."""
    return await _walk(tx, starts, depth, limit, _children)


async def made_of(tx: Transaction, item: Item) -> list[str]:
    """What was cut from one tree or made of one log or product, however many records speak of it besides."""
    return (await _children(tx, [item])).get(item.id, [])


async def _walk(tx: Transaction, starts: Iterable[str], depth: int, limit: int, next_of: Next) -> Walk:
    walk, facts = Walk(), Facts()
    wanted = sorted(set(starts))
    walk.open = wanted[limit:]
    last = await _reach(tx, wanted[:limit], 0, walk, facts)
    for level in range(1, depth + 1):
        after = await next_of(tx, last)
        wanted = _fitting(walk, last, after, limit)
        if not wanted:
            return walk
        last = await _reach(tx, wanted, level, walk, facts)
    after = await next_of(tx, last)
    walk.open += [item.id for item in last if any(id_ not in walk.items for id_ in after.get(item.id, ()))]
    return walk


async def _reach(tx: Transaction, ids: Sequence[str], level: int, walk: Walk, facts: Facts) -> list[Item]:
    await tx.load_facts([f"item:{id_}" for id_ in ids], facts)
    found = [item for id_ in ids if (item := facts.find(Item, f"item:{id_}")) is not None]
    for item in found:
        walk.items[item.id], walk.depth[item.id] = item, level
    return found


def _fitting(walk: Walk, last: Sequence[Item], after: dict[str, list[str]], limit: int) -> list[str]:
    """The pieces to reach next: whole families while there is room, the others stay open."""
    wanted: dict[str, None] = {}
    for item in last:
        family = [id_ for id_ in after.get(item.id, ()) if id_ not in walk.items and id_ not in wanted]
        if len(walk.items) + len(wanted) + len(family) > limit:
            walk.open.append(item.id)
        else:
            wanted.update(dict.fromkeys(family))
    return list(wanted)


async def _parents(_: Transaction, items: Sequence[Item]) -> dict[str, list[str]]:
    return {item.id: item.parents for item in items}


async def _children(tx: Transaction, items: Sequence[Item]) -> dict[str, list[str]]:
    """What was cut from each tree (any number of records) and made of each log or product (one)."""
    trees = {f"item:{item.id}": item.id for item in items if item.kind == "tree"}
    used: list[tuple[str, int]] = []
    if trees:
        rows = await tx.fetch(CUT, tx.log_id, list(trees), [ref_of(name) for name in trees])
        used += [(trees[name], idx) for name, idx in rows]
    others = [item.id for item in items if item.kind != "tree"]
    if others:
        used += [(item, idx) for item, idx in await tx.fetch(USED, tx.log_id, others)]
    made = await _made_in(tx, {idx for _, idx in used})
    children: dict[str, list[str]] = {}
    for item, idx in sorted(used, key=lambda one: (one[1], one[0])):
        source, outputs = made[idx]
        if source is None or source == item:  # else two trees share the 64 bits of a reference
            children.setdefault(item, []).extend(outputs)
    return children


async def _made_in(tx: Transaction, indices: set[int]) -> dict[int, tuple[str | None, list[str]]]:
    """What each of these cuts and millings made, and the one source of a cut. Entries of the log were checked when they
    came in, so they are only opened here."""
    made: dict[int, tuple[str | None, list[str]]] = {}
    for idx, entry in await tx.bodies(list(indices)) if indices else ():
        body: dict[str, Any] = orjson.loads(entry)["stmt"]["body"]
        outputs = body["sections"] if "sections" in body else body["outputs"]
        made[idx] = body.get("source"), [one["item"] for one in outputs]
    return made


async def story_of(tx: Transaction, item: str, below: int) -> list[tuple[int, Record]]:
    """Every record below an index about a piece, the guides that list it and the lots it was in."""
    records = await _named(tx, item, {f"item:{item}"}, below)
    more = {name for record in records.values() if (name := _carrier(record)) is not None}
    if more:
        records |= await _named(tx, item, more, below)
    return sorted(records.items())


def _carrier(record: Record) -> str | None:
    """The guide or lot that a record puts the piece on or into."""
    if record.type == "guide.issued":
        return guide_key(record.body["form"], record.body["guide"])
    return f"lot:{record.body['lot']}" if record.type == "lot.composed" else None


async def _named(tx: Transaction, item: str, names: set[str], below: int) -> dict[int, Record]:
    indices = await tx.mentions_of(names, below, MOST_TOLD + 1)
    if len(indices) > MOST_TOLD:
        asked = list(names)
        [(last,)] = await tx.fetch(OLDEST, tx.log_id, [ref_of(name) for name in asked], asked, MOST_TOLD)
        raise HistoryTooLong(item, MOST_TOLD, last + 1)
    records = ((index, parse_entry(body)) for index, body in await tx.bodies(indices))
    return {index: record for index, record in records if not names.isdisjoint(names_of(record))}
