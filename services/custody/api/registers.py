"""Lists to begin from: balances, lots and permits, as the log has them."""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Query, Response

from services.custody.api.custody import CustodyDep
from services.custody.api.findings import Id, under_checkpoint
from services.custody.api.pages import Cursor, key_after, numbers_after, to_cursor
from services.custody.derived import last_under
from services.custody.finding_rows import worst_at
from services.custody.store import Transaction
from shared.timber import facts as facts_of
from shared.timber.event import parse_entry
from shared.timber.facts import Facts, Item, Line, Lot, Permit
from shared.web.access import Grant, GrantDep
from shared.web.app import Router

router = Router(tags=["custody"])

PAGE = 500
LOOKED_AT_ONCE = 500
MOST_LOOKED_AT = 10_000  # rows that one answer looks through for those asked for
MOST_LOTS = 50  # of a page, and looked at together
MOST_LOTS_LOOKED_AT = 200
INDEX = re.compile(r"([0-9]{1,18})")
COMPOSED = "type:lot.composed"
NEWEST = 2**63 - 1
T = TypeVar("T")
Begins = Annotated[str, Query(max_length=40, description="How the code begins")]
Severity = Literal["S1", "S2", "S3", "S4"]


@router.get("/v1/balances")
async def list_balances(
    custody: CustodyDep, grant: GrantDep, permit: Id | None = None, parcel: Id | None = None, species: Id | None = None,
    product: Id | None = None,
    overdrawn: Annotated[bool, Query(description="Only what was drawn beyond what was authorised")] = False,
    cursor: Cursor = None, limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
) -> Response:  # fmt: skip
    """Authorised, drawn and left for each (permit, parcel, species, product); products are never netted together. A page may
    hold fewer than asked for, and none, while `next` leads on. Each page is of the size it names (`as_of`): pages of
    different sizes are of no one moment; `/v1/balances/report` is."""
    asked = {"parcel": parcel, "species": species, "product": product}

    def wanted(line: Line) -> bool:
        fits = all(value is None or getattr(line, name) == value for name, value in asked.items())
        return fits and (not overdrawn or line.drawn_dm3 > line.authorised_dm3)

    async with custody.question() as tx:
        size = (await tx.head()).size
        prefix = f"line:{permit}|" if permit else "line:"
        most = MOST_LOOKED_AT if overdrawn else limit
        lines, after = await _looked_up(tx, Line, prefix, key_after(cursor), wanted, limit, most)
        facts = Facts()
        await tx.load_facts({f"permit:{line.permit}" for line in lines}, facts)
    answer = {
        "as_of": size,
        "balances": [_balance(line) for line in lines if _sees(grant, facts.find(Permit, f"permit:{line.permit}"))],
        "next": None if after is None else to_cursor(after),
    }
    return await under_checkpoint(custody, answer)


@router.get("/v1/authorisations")
async def list_authorisations(
    custody: CustodyDep, grant: GrantDep, number: Begins = "", holder: Id | None = None, title: Id | None = None,
    plan: Id | None = None, status: Literal["in_force", "suspended", "revoked"] | None = None, cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = 50,
) -> Response:  # fmt: skip
    """The permits of the log by number: of which plan and holder, how they stand, what they authorise. A page may hold fewer
    than asked for, and none, while `next` leads on. Each page is of the size it names (`as_of`)."""
    asked = {"holder": holder, "title": title, "plan": plan, "status": status}

    def wanted(permit: Permit) -> bool:
        fits = all(value is None or getattr(permit, name) == value for name, value in asked.items())
        return fits and _sees(grant, permit)

    async with custody.question() as tx:
        size = (await tx.head()).size
        found, after = await _looked_up(
            tx, Permit, f"permit:{number}", key_after(cursor), wanted, limit, MOST_LOOKED_AT
        )
    answer = {
        "as_of": size, "authorisations": [_authorisation(permit) for permit in found],
        "next": None if after is None else to_cursor(after),
    }  # fmt: skip
    return await under_checkpoint(custody, answer)


@router.get("/v1/lots")
async def list_lots(
    custody: CustodyDep, grant: GrantDep, code: Begins = "", holder: Id | None = None, buyer: Id | None = None,
    severity: Annotated[Severity | None, Query(description="Only with a finding as grave as this, or graver")] = None,
    cursor: Cursor = None, limit: Annotated[int, Query(ge=1, le=MOST_LOTS)] = 20,
) -> Response:  # fmt: skip
    """Lots from the newest back, each with the gravest finding ever made on its wood or on itself (whether it was resolved,
    and the word of the verdict, follow from its proof file). With `code` those whose code begins so, by code. A page may hold
    fewer than asked for, and none, while `next` leads on."""

    def wanted(lot: Lot) -> bool:
        sees = grant.scope == "any" or grant.known.org in (lot.holder, lot.buyer)
        return sees and holder in (None, lot.holder) and buyer in (None, lot.buyer)

    found: list[dict[str, Any]] = []
    looked, more = 0, True
    async with custody.question() as tx:
        size = (await tx.head()).size
        while more and len(found) < limit and looked < MOST_LOTS_LOOKED_AT:
            some, end = await (_by_code(tx, code, cursor) if code else _newest(tx, cursor))
            looked, more = looked + MOST_LOTS, end is not None
            for place, lot, items, worst in await _with_wood(tx, [one for one in some if wanted(one[1])]):
                if len(found) == limit:
                    end, more = None, True
                    break
                if severity is None or worst >= severity:
                    found.append(_lot(lot, items, worst))
                cursor = to_cursor(place)
            # A stretch may hold no lot that is asked for, and none at all where one was composed piece by piece.
            cursor = cursor if end is None else to_cursor(end)
    return await under_checkpoint(custody, {"as_of": size, "lots": found, "next": cursor if more else None})


async def _by_code(tx: Transaction, code: str, cursor: str | None) -> tuple[list[tuple[str, Lot]], str | None]:
    """Lots by code, each with its place; and where the list goes on, None at its end."""
    rows = await tx.facts_under(f"lot:{code}", key_after(cursor), MOST_LOTS + 1)
    lots = [(key, lot) for key, doc in rows[:MOST_LOTS] if isinstance(lot := facts_of.load(key, doc), Lot)]
    return lots, rows[MOST_LOTS - 1][0] if len(rows) > MOST_LOTS else None


async def _newest(tx: Transaction, cursor: str | None) -> tuple[list[tuple[str, Lot]], str | None]:
    """The same by the record that first composed them; those behind which pieces joined tell of no lot."""
    [before] = numbers_after(cursor, INDEX) or (NEWEST,)
    indices = await last_under(tx, COMPOSED, before, MOST_LOTS + 1)
    records = {index: parse_entry(body) for index, body in await tx.bodies(indices[:MOST_LOTS])}
    facts = Facts()
    await tx.load_facts({f"lot:{record.body['lot']}" for record in records.values()}, facts)
    lots = ((index, facts.find(Lot, f"lot:{records[index].body['lot']}")) for index in sorted(records, reverse=True))
    end = str(indices[MOST_LOTS - 1]) if len(indices) > MOST_LOTS else None
    return [(str(index), lot) for index, lot in lots if lot is not None and lot.index == index], end


async def _with_wood(tx: Transaction, lots: list[tuple[str, Lot]]) -> list[tuple[str, Lot, list[Item], str]]:
    """Each lot with its pieces and the gravest finding on any of them, or on its own records."""
    facts = Facts()
    await tx.load_facts({f"item:{item}" for _, lot in lots for item in lot.items}, facts)
    grave = await worst_at(tx, [i for _, lot in lots for i in (lot.index, lot.sold_index) if i is not None])
    found = []
    for place, lot in lots:
        items = [item for id_ in lot.items if (item := facts.find(Item, f"item:{id_}")) is not None]
        own = [grave.get(index, "") for index in (lot.index, lot.sold_index) if index is not None]
        found.append((place, lot, items, max([item.worst for item in items] + own, default="")))
    return found


async def _looked_up(
    tx: Transaction, kind: type[T], prefix: str, after: str, wanted: Callable[[T], bool], limit: int, most: int
) -> tuple[list[T], str | None]:
    """The first documents under a prefix, after a key, that are wanted, out of at most so many looked at; and the key after
    which to go on, None at the end."""
    found: list[T] = []
    looked = 0
    while looked < most:
        asked = min(LOOKED_AT_ONCE, most - looked)
        rows = await tx.facts_under(prefix, after, asked + 1)
        for key, doc in rows[:asked]:
            one = facts_of.load(key, doc)
            if not isinstance(one, kind) or not wanted(one):
                after = key
                continue
            if len(found) == limit:
                return found, after
            found.append(one)
            after = key
        looked += asked
        if len(rows) <= asked:
            return found, None
    return found, after


def _balance(line: Line) -> dict[str, Any]:
    return {
        "permit": line.permit, "parcel": line.parcel, "species": line.species, "product": line.product,
        "authorised_dm3": line.authorised_dm3, "drawn_dm3": line.drawn_dm3,
        "balance_dm3": line.authorised_dm3 - line.drawn_dm3, "felled_dm3": line.felled_dm3, "cut_dm3": line.cut_dm3,
        "guides": line.guides,
    }  # fmt: skip


def _authorisation(permit: Permit) -> dict[str, Any]:
    return {
        "number": permit.number, "title": permit.title, "plan": permit.plan, "holder": permit.holder,
        "status": permit.status, "since": permit.status_time, "harvest_from": permit.harvest_from,
        "harvest_to": permit.felling_ended, "move_to": permit.move_to, "authorised_dm3": permit.authorised_dm3,
        "index": permit.index,
    }  # fmt: skip


def _lot(lot: Lot, items: Iterable[Item], worst: str) -> dict[str, Any]:
    kept = list(items)
    return {
        "id": lot.id, "holder": lot.holder, "buyer": lot.buyer, "claim": lot.claim, "volume_dm3": lot.volume_dm3,
        "pieces": len(lot.items), "species": sorted({item.species for item in kept}),
        "permits": sorted({item.permit for item in kept if item.permit}), "index": lot.index,
        "sold_index": lot.sold_index, "worst": worst,
    }  # fmt: skip


def _sees(grant: Grant, permit: Permit | None) -> bool:
    return grant.scope == "any" or (permit is not None and grant.sees(permit.holder))
