"""Reading: items, guides and lots, each answer under a checkpoint that covers what it states."""

from typing import Annotated, Any

from fastapi import Query, Response

from services.custody.api.custody import (
    MOST_TOLD,
    Custody,
    CustodyDep,
    History,
    history_of,
    json_answer,
    proven,
)
from services.custody.api.disclosures import Purpose, shown_in_bundle
from services.custody.api.findings import flat, resolved
from services.custody.domain.wood import logs_behind
from services.custody.lineage.gathering import bundle_of, facts_of_lot, records_of_lot
from services.custody.lineage.tracing import made_of
from services.custody.schemas import ClosedLog, LogInfo, Logs
from services.custody.store import Transaction
from shared.lot.bundle import MEDIA_TYPE
from shared.lot.closure import names_of
from shared.refusal import Malformed, Missing
from shared.timber import facts as facts_of
from shared.timber.event import parse_entry
from shared.timber.facts import Facts, Guide, Item, Lot
from shared.tlog.canon import MAX_INTEGER
from shared.tlog.witness import origin_id
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["custody"])

Disclose = Annotated[
    str | None,
    Query(
        pattern=r"^[a-z][a-z0-9_]{0,39}(,[a-z][a-z0-9_]{0,39}){0,49}$",
        description="Private fields, or `all`; needs a token",
    ),
]
Before = Annotated[
    int | None,
    Query(ge=0, le=MAX_INTEGER, description="Only the records before this index: `next` of the page of newer ones"),
]
Limit = Annotated[int, Query(ge=1, le=MOST_TOLD, description="Records of the history to tell at most")]


@router.get("/v1/logs")
async def list_logs(custody: CustodyDep) -> Logs:
    """The logs kept here, with the key and the address a stranger needs to check them."""
    newest, origin, vkey = custody.published.newest, custody.origin, custody.keys.shown.vkey
    size = 0 if newest is None else newest.size
    frozen, policy, base = custody.published.frozen, custody.policy, custody.base_url
    before = [
        ClosedLog(origin=one.origin, size=one.size, base_url=f"{base}/closed/{origin_id(one.origin)}")
        for one in custody.past
    ]
    info = LogInfo(origin=origin, vkey=vkey, base_url=base, size=size, policy=policy, frozen=frozen, before=before)
    return Logs(logs=[info])


@router.get("/v1/records/{sid}")
async def read_record(sid: str, custody: CustodyDep) -> Response:
    """One record: the exact entry, its index, its proof and the checkpoint."""
    standing = custody.published.standing
    async with custody.store.snapshot() as tx:
        index = (await tx.indices_of([_sid(sid)])).get(_sid(sid))
        if index is None:
            raise Missing("record", sid)
        covering = standing.covering(index + 1)
        if covering is not None:  # nearly always: one snapshot is enough
            return json_answer({"sid": sid, **await proven(custody, tx, index, covering)})
    signed = await custody.signed(index + 1)
    async with custody.store.snapshot() as tx:
        return json_answer({"sid": sid, **await proven(custody, tx, index, signed)})


@router.get("/v1/items/{item_id}")
async def read_item(item_id: str, custody: CustodyDep, before: Before = None, limit: Limit = MOST_TOLD) -> Response:
    """A tree, log or product: what it is, its history, what it came from and what was made of it. The history is told from
    the newest records back: `complete` says whether it reaches the oldest; where it does not, ask again with `before` =
    `next`. `findings` are those of the records told. `parents` and `children` are whole whatever is told of the history
    (the rules let 200 logs be cut from one tree)."""
    facts = Facts()
    async with custody.question() as tx:
        size = (await tx.head()).size
        await tx.load_facts([f"item:{item_id}"], facts)
        item = facts.find(Item, f"item:{item_id}")
        if item is None:
            raise Missing("item", item_id)
        history = await history_of(tx, f"item:{item_id}", size if before is None else before, limit)
        children = await made_of(tx, item)
        await tx.load_facts([f"item:{other}" for other in {*item.parents, *children}], facts)
        findings = await resolved(tx, flat(await tx.findings_at(history.indices)))
    answer = {
        "item": item,
        **history.told(),
        "parents": [facts.get(f"item:{parent}") for parent in item.parents],
        "children": [facts.get(f"item:{child}") for child in sorted(children)],
        "findings": [finding for _, finding in findings],
    }
    return await _with_proof(custody, answer, size, history, item.made_index)


@router.get("/v1/guides/{number}")
async def read_guide(
    number: str, custody: CustodyDep, form: Annotated[str | None, Query(pattern="own|official")] = None,
    before: Before = None, limit: Limit = MOST_TOLD,
) -> Response:  # fmt: skip
    """A transport guide: what it carries, from whom to whom, and what became of it. Its history and `findings` are told and
    paged as those of a piece."""
    facts = Facts()
    keys = [facts_of.guide_key(f, number) for f in ((form,) if form else ("own", "official"))]
    async with custody.store.snapshot() as tx:
        size = (await tx.head()).size
        await tx.load_facts(keys, facts)
        guide = next((g for key in keys if (g := facts.find(Guide, key)) is not None), None)
        if guide is None:
            raise Missing("guide", number)
        history = await history_of(tx, guide.key, size if before is None else before, limit)
        findings = await resolved(tx, flat(await tx.findings_at(history.indices)))
    answer = {"guide": guide, **history.told(), "findings": [finding for _, finding in findings]}
    return await _with_proof(custody, answer, size, history, guide.index)


@router.get("/v1/lots/{lot_id}")
async def read_lot(
    lot_id: str, custody: CustodyDep,
    travelled: Annotated[bool, Query(description="with the guides that its wood travelled on, of the newest records; `guides_complete` says whether of all")] = False,
    before: Before = None, limit: Limit = MOST_TOLD,
) -> Response:  # fmt: skip
    """A lot: what is in it, and the logs and trees it was made of. Its history is told and paged as that of a piece."""
    async with custody.store.snapshot() as tx:
        size = (await tx.head()).size
        facts = await facts_of_lot(tx, lot_id)
        lot = facts.find(Lot, f"lot:{lot_id}")
        if lot is None:
            raise Missing("lot", lot_id)
        history = await history_of(tx, f"lot:{lot_id}", size if before is None else before, limit)
        logs = logs_behind(lot, facts)
        guides = await _guides_of(tx, {*lot.items, *(log.id for log in logs)}, size) if travelled else {}
    items = [item for _, item in facts.items() if isinstance(item, Item)]
    answer = {
        "lot": lot,
        "items": [facts.get(f"item:{item}") for item in lot.items],
        "logs": logs,
        "trees": [item for item in items if item.kind == "tree"],
        **history.told(),
        **guides,
    }
    return await _with_proof(custody, answer, size, history, lot.index)


async def _guides_of(tx: Transaction, items: set[str], below: int) -> dict[str, Any]:
    """The guides that name any of these pieces, as far as the newest records about them go, and whether these are all."""
    wanted = {f"item:{item}" for item in items}
    indices = await tx.mentions_of(sorted(wanted), below, MOST_TOLD + 1)
    records = [parse_entry(body) for _, body in await tx.bodies(indices[-MOST_TOLD:])]
    keys = {
        facts_of.guide_key(record.body["form"], record.body["guide"])
        for record in records
        if record.type.startswith("guide.") and wanted & set(names_of(record))
    }
    facts = Facts()
    await tx.load_facts(sorted(keys), facts)
    guides = [_travelled(guide) for key in sorted(keys) if (guide := facts.find(Guide, key)) is not None]
    return {"guides": guides, "guides_complete": len(indices) <= MOST_TOLD}


def _travelled(guide: Guide) -> dict[str, Any]:
    """A guide without what it carries, which `/v1/guides/{number}` tells."""
    return {
        "number": guide.number, "form": guide.form, "state": guide.state, "issuer": guide.issuer,
        "addressee": guide.addressee, "issued_on": guide.issued_on, "departed_at": guide.departed_at,
        "received_at": guide.received_at,
    }  # fmt: skip


@router.get("/v1/lots/{lot_id}/bundle", responses={200: {"content": {MEDIA_TYPE: {}}}}, response_class=Response)
async def read_bundle(
    lot_id: str, custody: CustodyDep, grant: GrantDep, disclose: Disclose = None, purpose: Purpose = None
) -> Response:
    """The proof file of a lot, verified offline with `verify-lot`. Same lot, checkpoint and disclosures, same bytes. With
    `disclose` it shows the private fields named that the caller may see; whoever gets the file reads them."""
    async with custody.store.snapshot() as tx:
        size = (await tx.head()).size
        lot = (await facts_of_lot(tx, lot_id)).find(Lot, f"lot:{lot_id}")
    if lot is None:
        raise Missing("lot", lot_id)
    signed = await custody.signed(size)
    async with custody.store.snapshot() as tx:
        records = await records_of_lot(tx, lot_id, signed.size)
    shown = await shown_in_bundle(custody, grant, records, _names(disclose), purpose) if disclose else []
    async with custody.store.snapshot() as tx:
        data = await bundle_of(tx, lot_id, records, signed, custody.published.witnessed, shown)
    keep = "private, no-store" if disclose else "no-cache"
    name = {"Content-Disposition": f'attachment; filename="{lot_id}.trozalog.json"', "Cache-Control": keep}
    return Response(data, media_type=MEDIA_TYPE, headers=name)


def _names(disclose: str) -> frozenset[str] | None:
    """The private fields asked for; None for all of them."""
    return None if disclose == "all" else frozenset(disclose.split(","))


async def _with_proof(custody: Custody, answer: dict[str, Any], size: int, history: History, made: int) -> Response:
    """The answer, as of `size` entries, with the last record told of (the one at `made` where none is) proven under a
    checkpoint that covers it."""
    latest = history.indices[-1] if history.records else made
    signed = await custody.signed(size)
    async with custody.store.snapshot() as tx:
        return json_answer({**answer, "as_of": size, **await proven(custody, tx, latest, signed)})


def _sid(text: str) -> bytes:
    try:
        sid = bytes.fromhex(text)
    except ValueError:
        sid = b""
    if len(sid) != 32 or sid.hex() != text:
        raise Malformed("sid", "64 hexadecimal digits in lower case")
    return sid
