"""The evidence itself: one record with its bytes and proof, a piece through time, findings, two checkpoints compared."""

import asyncio
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from services.portal import figures, records
from services.portal.backends import CHECKPOINT_BYTES, part
from services.portal.pages.house import House, HouseDep
from services.portal.pages.saying import words_of
from services.portal.pieces import painted
from services.portal.records import Shown, parties, sentence, shown
from services.portal.two_checkpoints import Moment, compare, history
from shared.refusal import Malformed
from shared.timber.event import MAX_DEPTH, MAX_ENTRY, Record, parse_entry
from shared.tlog import canon
from shared.tlog.encoding import from_base64
from shared.web.app import Router
from shared.web.client import UpstreamDown, UpstreamRefused

router = Router(tags=["pages"])
FINDINGS = 50
MOST_TOLD = 12  # of the records that one builds on; the others are links
Before = Annotated[int | None, Query(ge=0, le=canon.MAX_INTEGER)]
READERS = ("member", "manager", "machine", "authority", "supervisor", "certifier", "auditor")


@router.get("/items/{item_id}", response_class=Response)
async def item_page(item_id: str, house: HouseDep, before: Before = None) -> Response:
    """A tree, log or product: what it is, its history, its neighbours, and the record that made it as bytes."""
    answer = await house.backends.item(item_id, before)
    made = await read_record(house, answer["item"]["made_by"])
    siblings = [pair for pair in _made_with(made.record) if pair[0] != item_id]
    says = await _said(house, made.record)
    return await house.page("public/item.html", answer=answer, made=made, says=says, siblings=siblings, before=before)


def _made_with(record: Record) -> list[tuple[str, str]]:
    """The pieces that a record made, with the codes painted on them."""
    parts = record.body.get("sections") or record.body.get("outputs") or ()
    return [(one["item"], one.get("code", "")) for one in parts]


@router.get("/records/{sid}", response_class=Response)
async def record_page(sid: str, house: HouseDep) -> Response:
    """One record: in words, as bytes, with its signer, its neighbours and its proof."""
    one = await read_record(house, sid)
    before, after = await _neighbours(house, one.index)
    basis = await _builds_on(house, one.record)
    body = list(islice(records.fields(one.record.body), records.MOST_SHOWN))
    pieces = await painted(house.custody, one.items())
    return await house.page(
        "auditor/record.html",
        one=one,
        says=await _said(house, one.record),
        body=body,
        pieces=pieces,
        before=before,
        after=after,
        basis=basis,
    )


async def _said(house: House, record: Record) -> str:
    return sentence(record, words_of(house), await house.called(*parties(record)))


async def read_record(house: House, sid: str) -> Shown:
    """The record with its proof checked. The answer holds its entry as JSON: written canonically these are the bytes of the
    log again, or the proof does not lead from them to the root, and the page says so."""
    answer: dict[str, Any] = await house.custody.get(f"/v1/records/{part(sid)}")
    return shown(answer, _entry_of(answer), house.policy)


def _entry_of(answer: dict[str, Any]) -> bytes:
    return canon.encode(answer["entry"], max_bytes=MAX_ENTRY, max_depth=MAX_DEPTH + 2)


async def _neighbours(house: House, index: int) -> tuple[Record | None, Record | None]:
    start = max(index - 1, 0)
    feed = await house.custody.get("/v1/records", since=start, limit=3)
    found = {
        at: parse_entry(from_base64(entry, "entry"))
        for at, entry in zip(feed["indices"], feed["entries"], strict=True)
    }  # fmt: skip
    return found.get(index - 1), found.get(index + 1)


async def _builds_on(house: House, record: Record) -> dict[str, Record]:
    """The first records that this one names as its own past, as far as custody answers."""
    told = await asyncio.gather(*(_told(house, sid) for sid in record.prev[:MOST_TOLD]))
    return {one.sid: one for one in told if one is not None}


async def _told(house: House, sid: str) -> Record | None:
    try:
        answer: dict[str, Any] = await house.custody.get(f"/v1/records/{part(sid)}")
    except (UpstreamDown, UpstreamRefused):
        return None
    return parse_entry(_entry_of(answer))


@router.get("/items/{item_id}/custody", response_class=Response)
async def hands_page(
    item_id: str, house: HouseDep, at: Annotated[str, Query(max_length=20)] = "",
    known: Annotated[str, Query(max_length=16)] = "", known_at: Annotated[str, Query(max_length=20)] = "",
) -> Response:  # fmt: skip
    """In whose hands a piece was at a moment, as far as the log knew with so many entries or at another moment."""
    asked: dict[str, Any] = {}
    if at:
        asked["at"] = _utc(at, "at")
    if known.strip():
        asked["known"] = _whole(known, "known")
    if known_at:
        asked["known_at"] = _utc(known_at, "known_at")
    answer = await house.custody.get(f"/v1/items/{part(item_id)}/custody", **asked)
    piece = (await painted(house.custody, [item_id])).get(item_id)
    return await house.page(
        "auditor/hands.html", item=item_id, piece=piece, answer=answer, at=at, below=known, known_at=known_at
    )


def _utc(local: str, where: str) -> str:
    """What a form's date and hour of Lima is as an instant; refused when it is neither."""
    try:
        at = datetime.fromisoformat(local)
        at = at.replace(tzinfo=at.tzinfo or figures.LIMA).astimezone(UTC)
    except (ValueError, OverflowError):  # the last evening of the year 9999 is no instant
        raise Malformed(where, local[:20]) from None
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _whole(typed: str, where: str) -> int:
    digits = typed.strip().replace(",", "")
    if not digits.isdecimal() or len(digits) > 15:
        raise Malformed(where, typed[:20])
    return int(digits)


@router.get("/auditor/findings", response_class=Response)
async def findings_page(
    house: HouseDep, permit: Annotated[str, Query(max_length=100)] = "", rule: Annotated[str, Query(max_length=20)] = "",
    severity: Annotated[str, Query(pattern="^(S[1-4])?$")] = "", item: Annotated[str, Query(max_length=100)] = "",
    cursor: Annotated[str, Query(max_length=200)] = "",
    which: Annotated[str, Query(pattern="^(open|all)$")] = "open",
) -> Response:  # fmt: skip
    """What the rules found in the records, the newest first, with evidence, threshold and what became of it."""
    house.need(*READERS)
    filters = {"permit": permit, "rule": rule.upper(), "severity": severity, "item": item}
    asked: dict[str, Any] = {name: value for name, value in {**filters, "cursor": cursor}.items() if value}
    if which == "open":
        asked["open"] = "true"
    answer = await house.custody.get("/v1/findings", limit=FINDINGS, order="newest", **asked)
    return await house.page("auditor/findings.html", answer=answer, filters=filters | {"which": which})


@router.get("/auditor/checkpoints", response_class=Response)
async def checkpoints_page(
    house: HouseDep, start: Annotated[str, Query(alias="from", max_length=16)] = "",
    to: Annotated[str, Query(max_length=16)] = "",
) -> Response:  # fmt: skip
    """Two checkpoints of the log side by side, and the proof that the newer continues the older."""
    pair, refused = None, None
    moments = [] if start.strip() else await _history(house)
    if start.strip():
        sizes = _whole(start, "from"), _whole(to, "to") if to.strip() else None
        try:
            pair = await compare(house.custody, house.policy, *sizes)
        except UpstreamRefused as no:
            refused = no
    return await house.page(
        "auditor/checkpoints.html", 200 if refused is None else refused.status,
        pair=pair, start=start, to=to, theirs=None, pasted="", refused=refused, moments=moments,
    )  # fmt: skip


async def _history(house: House) -> list[Moment]:
    """Empty while custody has none to tell of: the forms of the page do without."""
    try:
        return await history(house.custody, house.policy)
    except (UpstreamDown, UpstreamRefused):
        return []


@router.post("/auditor/checkpoints", response_class=Response)
async def report_checkpoint_page(house: HouseDep) -> Response:
    """A checkpoint from elsewhere, held against this server's log; kept as evidence when it is of another history."""
    form = await house.form()
    pasted = str(form.get("note", "")).replace("\r\n", "\n").strip("\n") + "\n"
    if len(pasted) > CHECKPOINT_BYTES:
        raise Malformed("note", "too long")
    answer, refused = None, None
    try:
        answer = await house.custody.post("/v1/checkpoints", pasted.encode(), media_type="text/plain")
    except UpstreamRefused as no:
        refused = no
    return await house.page(
        "auditor/checkpoints.html", 200 if refused is None else refused.status,
        pair=None, start="", to="", theirs=answer, pasted=pasted, refused=refused, moments=[],
    )  # fmt: skip
