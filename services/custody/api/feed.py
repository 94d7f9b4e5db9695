"""The delta feed: the entries of the log from an index on, filtered or not, with what proves that they are in it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import Header, Query, Response

from services.custody.api.answers import Since, told_under
from services.custody.api.custody import Custody, CustodyDep, base64_text, json_answer
from services.custody.derived import indices_under
from services.custody.lineage.proving import entries_with_proof, weights
from services.custody.store import SignedHead, Transaction
from services.custody.tiles import LogIncomplete
from shared.refusal import Malformed, Missing, Refusal
from shared.timber.bodies import BODIES
from shared.timber.facts import Facts, Key, Permit
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router
from shared.web.problems import Unauthenticated

router = Router(tags=["feed"])

MOST = 1_000
ENTRIES = 500
LONGEST_WAIT_S = 20
# A page is cut before it grows beyond this, so that a phone's line and a gateway's buffer carry it.
PAGE_BYTES = 4_000_000

CATCH_UP_S = 1.0

Name = Annotated[str | None, Query(max_length=60)]
Types = Annotated[
    list[str], Query(default_factory=list, alias="type", max_length=len(BODIES), description="Any of these")
]


@dataclass(eq=False)
class BeyondLog(Refusal):
    """The reader has seen more entries than are signed here: of another log, or of this one before it was set back."""

    slug: ClassVar[str] = "beyond-log"
    es: ClassVar[str] = (
        "Usted pide desde el registro {since} y la bitácora tiene {size}. Una bitácora no se acorta: avise al operador."
    )
    en: ClassVar[str] = (
        "You ask from entry {since} on and the log has {size}. A log never gets shorter: tell its operator."
    )
    since: int
    size: int


@dataclass(slots=True, frozen=True)
class Page:
    """Which entries an answer holds, where the next one begins, and under which checkpoint."""

    indices: list[int]
    next: int
    signed: SignedHead


@router.get("/v1/records", responses={304: {"description": "Nothing new since the ETag that was sent"}})
async def list_records(
    custody: CustodyDep, grant: GrantDep, types: Types, since: Since = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = ENTRIES, org: Name = None, permit: Name = None, key: Name = None,
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for the first new entry")] = 0,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:  # fmt: skip
    """The entries from index `since` on, oldest first, that concern an organisation or a permit, are signed by a key or
    are of a type; all of them without a filter. `entries` and `proof` show with `checkpoint` that they stand at `indices`
    of the log. Ask again with `since` = `next`; `next` = `as_of` means that there is nothing more yet."""
    every = await _names(custody, grant, org, permit, key)
    if unknown := [kind for kind in types if kind not in BODIES]:
        raise Malformed("type", f"{unknown[0]} is not a type of record")
    page = await _awaited(custody, every, types, since, limit, wait)
    # Weak (RFC 9110, 8.8.1): the gateway compresses, and keeps no strong one when it does.
    headers = {"ETag": f'W/"{since}-{page.next}-{page.signed.size}"', "Cache-Control": "no-cache"}
    if if_none_match == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    async with custody.question() as tx:
        entries, proof = await entries_with_proof(tx, page.indices, page.signed.size)
    answer = json_answer(
        {
            "since": since,
            "next": page.next,
            "as_of": page.signed.size,
            **told_under(custody, page.signed, page.indices),
            "entries": [base64_text(entry) for entry in entries],
            "proof": [base64_text(node) for node in proof],
        }
    )
    answer.headers.update(headers)
    return answer


async def _names(custody: Custody, grant: Grant, org: str | None, permit: str | None, key: str | None) -> list[str]:
    """The names to look under, once the caller may: what is of one organisation is for it and for those who see all."""
    names = {"org": org, "permit": permit, "key": key}
    asked = {name: value for name, value in names.items() if value is not None}
    if not asked or grant.scope == "any":
        return [f"{'kid' if name == 'key' else name}:{value}" for name, value in asked.items()]
    caller = grant.caller
    if caller is None:
        raise Unauthenticated()
    facts = Facts()
    async with custody.question() as tx:
        await tx.load_facts([f"{name}:{value}" for name, value in asked.items() if name != "org"], facts)
    for name, value in asked.items():
        if not grant.in_full(_owner(facts, name, value)):
            raise OtherOrganisation("list_records")
    return [f"{'kid' if name == 'key' else name}:{value}" for name, value in asked.items()]


def _owner(facts: Facts, name: str, value: str) -> str:
    match name:
        case "permit":
            permit = facts.find(Permit, f"permit:{value}")
            if permit is not None:
                return permit.holder
        case "key":
            key = facts.find(Key, f"key:{value}")
            if key is not None:
                return key.org
        case _:
            return value
    raise Missing(name, value)


async def _awaited(custody: Custody, every: list[str], types: list[str], since: int, limit: int, wait_s: int) -> Page:
    """The page there is, or the first one that comes while the caller waits; no connection is held meanwhile."""
    signed = await custody.newest()
    if since > signed.size:  # another process may just have told of more
        ahead = await custody.within(since, CATCH_UP_S)
        if ahead is None:
            raise BeyondLog(since, signed.size)
        signed = ahead
    until = time.monotonic() + wait_s
    at = since
    while True:
        async with custody.question() as tx:
            page = await _page(tx, every, types, at, limit, signed)
        left_s = until - time.monotonic()
        if page.indices or page.next < signed.size or left_s <= 0:
            return page
        newer = await custody.published.reaches(signed.size + 1, left_s)
        if newer is None:
            return page
        at, signed = page.next, newer


async def _page(
    tx: Transaction, every: list[str], types: list[str], since: int, limit: int, signed: SignedHead
) -> Page:
    if every or types:
        indices, next_ = await indices_under(tx, every, types, since, signed.size, limit)
    else:
        indices = list(range(since, min(since + limit, signed.size)))
        next_ = since + len(indices)
    fitting = list(_fitting(await weights(tx, indices)))
    if indices and not fitting:
        raise LogIncomplete(f"{indices[0]}")
    if len(fitting) < len(indices):
        return Page(fitting, fitting[-1] + 1, signed)
    return Page(indices, next_, signed)


def _fitting(weights: Iterable[tuple[int, int]]) -> Iterable[int]:
    """As many of the entries as one page carries, and at least one."""
    total = 0
    for index, weight in weights:
        total += weight
        if total > PAGE_BYTES and total != weight:
            return
        yield index
