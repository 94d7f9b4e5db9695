"""What the rules found in the records, as it stands since supervisors answered."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import Query, Response

from services.custody import finding_rows
from services.custody.api.custody import Custody, CustodyDep, json_answer
from services.custody.api.pages import Cursor, numbers_after, to_cursor
from services.custody.store import Transaction
from shared.timber import facts as facts_of
from shared.timber.facts import Facts, Finding, Item
from shared.web.access import Grant, GrantDep
from shared.web.app import Router

router = Router(tags=["custody"])

MOST = 500
RESOLUTIONS_AT_ONCE = 2_000
PAINTED = ("kind", "code", "species", "parcel", "permit")
CURSOR = re.compile(r"([0-9]{1,18})\.([0-9]{1,4})")
Id = Annotated[str, Query(max_length=100)]
Order = Annotated[Literal["oldest", "newest"], Query(description="Which end of the log comes first")]
Open = Annotated[
    bool,
    Query(
        alias="open", description="Only what failed and nobody has resolved; a page may then hold fewer than asked for"
    ),
]


@router.get("/v1/findings")
async def list_findings(
    custody: CustodyDep, grant: GrantDep, permit: Id | None = None, item: Id | None = None, rule: Id | None = None,
    severity: Id | None = None, unresolved: Open = False, order: Order = "oldest", cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Response:  # fmt: skip
    """What the rules found, in log order or from the newest back, with the evidence and the threshold it was held against;
    what a supervisor has resolved since says so. A page may hold fewer than asked for, or none: there is more while `next` is
    there."""
    asked = {"org": _org(grant), "permit": permit, "subject": item, "rule": rule, "severity": severity}
    after = numbers_after(cursor, CURSOR)
    async with custody.store.snapshot() as tx:
        size = (await tx.head()).size
        rows, stopped = await finding_rows.findings(
            tx,
            asked | ({"status": "FAIL"} if unresolved else {}),
            newest=order == "newest",
            after=after,
            limit=limit + 1,
        )
        found = await resolved(tx, [(index, doc) for index, _, doc in rows[:limit]])
        about = await _about(tx, [doc for _, _, doc in rows[:limit]])
    told = [
        {"index": index, "finding": finding, "about": one}
        for (index, finding), one in zip(found, about, strict=True)
        if not unresolved or isinstance(finding, orjson.Fragment)
    ]
    end = rows[limit - 1][:2] if len(rows) > limit else stopped
    answer = {
        "as_of": size,
        "findings": told,
        "next": None if end is None else to_cursor(f"{end[0]}.{end[1]}"),
    }
    return await under_checkpoint(custody, answer)


async def _about(tx: Transaction, found: Sequence[bytes]) -> list[dict[str, Any] | None]:
    """What is painted on the piece that each finding is about; None where it is about something else."""
    subjects = [orjson.loads(doc)["subject"] for doc in found]
    facts = Facts()
    await tx.load_facts({f"item:{subject}" for subject in subjects}, facts)
    items = [facts.find(Item, f"item:{subject}") for subject in subjects]
    return [None if item is None else {name: getattr(item, name) for name in PAINTED} for item in items]


@router.get("/v1/findings/summary")
async def count_findings(custody: CustodyDep, grant: GrantDep) -> Response:
    """How many findings are open and how many resolved, by severity and rule, the gravest first."""
    async with custody.question() as tx:
        size = (await tx.head()).size
        failed = await finding_rows.failed(tx, _org(grant))
        answered = await finding_rows.failed_of(tx, await _resolutions(tx), _org(grant))
    counts = [
        {"severity": severity, "rule": rule, "open": count - answered.get((severity, rule), 0),
         "resolved": answered.get((severity, rule), 0)}
        for (severity, rule), count in sorted(failed.items(), key=lambda one: (one[0][0], one[1]), reverse=True)
    ]  # fmt: skip
    return await under_checkpoint(custody, {"as_of": size, "counts": counts})


def _org(grant: Grant) -> str | None:
    """Whose findings alone are told; None for all."""
    return grant.known.org if grant.scope == "own" else None


async def _resolutions(tx: Transaction) -> list[tuple[int, str]]:
    """Every answer of a supervisor, as the entry and the rule it is about."""
    found: list[tuple[int, str]] = []
    after = ""
    while True:
        rows = await tx.facts_under("finding:", after, RESOLUTIONS_AT_ONCE)
        for key, doc in rows:
            said = facts_of.load(key, doc)
            if isinstance(said, Finding):
                found += [(said.index, rule) for rule in said.resolved]
        if len(rows) < RESOLUTIONS_AT_ONCE:
            return found
        after = rows[-1][0]


async def under_checkpoint(custody: Custody, answer: dict[str, Any]) -> Response:
    """A list as of `as_of` entries, with the checkpoint that covers them."""
    signed = await custody.signed(answer["as_of"])
    return json_answer({**answer, "origin": custody.origin, "checkpoint": signed.note.decode()})


def flat(found: dict[int, list[bytes]]) -> list[tuple[int, bytes]]:
    """Findings by entry, one after the other."""
    return [(index, doc) for index, docs in found.items() for doc in docs]


async def resolved(tx: Transaction, found: Sequence[tuple[int, bytes]]) -> list[tuple[int, Any]]:
    """Findings by entry as they stand now: those that a supervisor has resolved since say by whom and why."""
    facts = Facts()
    await tx.load_facts({f"finding:{index}" for index, _ in found}, facts)
    return [(index, _with_resolution(doc, facts.find(Finding, f"finding:{index}"))) for index, doc in found]


def _with_resolution(doc: bytes, said: Finding | None) -> Any:
    if said is None:
        return orjson.Fragment(doc)
    finding = orjson.loads(doc)
    resolution = said.resolved.get(finding["rule"])
    if resolution is None or finding["status"] != "FAIL":
        return orjson.Fragment(doc)
    return finding | {"status": "RESOLVED", "resolution": resolution}
