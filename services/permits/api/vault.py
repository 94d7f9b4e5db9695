"""The vault: papers named by the hash of their bytes, for their organisation, officers, and whom it lets read them."""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import Annotated

from fastapi import Query, Request, Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, require_organisations
from services.permits.domain.day import peru_day
from services.permits.domain.document import Document, Reading, kinds
from services.permits.domain.document_type import ACCEPTED, check_type
from services.permits.domain.party import ReferenceUnknown
from services.permits.schemas.instruments import DocumentOut, ReadingIn, ReadingOut
from services.permits.schemas.words import Page
from services.permits.store import documents, parties
from services.permits.store.session import Tx
from shared.refusal import Malformed, Missing
from shared.web.access import GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["documents"])
Kind = Annotated[str, Query(max_length=40)]
FORMATS = {
    "requestBody": {
        "required": True,
        "content": {one: {"schema": {"type": "string", "format": "binary"}} for one in ACCEPTED},
    }
}


@router.post("/v1/documents", status_code=201, response_model=DocumentOut, openapi_extra=FORMATS)
async def store_document(request: Request, kind: Kind, command: CommandDep) -> Response:
    """Keep a paper of the caller's organisation; its type is checked by its bytes, and it is never opened here. The same
    bytes again are answered as known (200)."""
    if kind not in kinds():
        raise Malformed("kind", f"{kind[:40]}: {', '.join(sorted(kinds()))}")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    data = await request.body()
    await asyncio.to_thread(check_type, data, media_type)
    sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
    async with command.transaction() as work:
        if work.first:
            return work.first
        org = await parties.organisation(work.tx, work.caller.org)
        if org is None:
            raise ReferenceUnknown("organisation", work.caller.org)
        document = Document(sha256, org[0].id, org[0].region, kind, media_type, len(data), work.caller.sub, work.now)
        new = await documents.add_document(work.tx, document, data)
        known = await _of(work.tx, sha256, document.org)
        return await work.answer(201 if new else 200, _answer(known))


@router.get("/v1/documents")
async def list_documents(
    grant: GrantDep, house: HouseDep, paging: PagingDep,
    org: Annotated[str | None, Query(max_length=40)] = None,
    kind: Annotated[str | None, Query(max_length=40)] = None,
) -> Page[DocumentOut]:  # fmt: skip
    """The papers that the caller may read."""
    async with house.database.transaction(grant.caller) as tx:
        found, following = paging.page(
            await documents.documents(tx, org, kind, paging.after, paging.limit + 1),
            lambda one: f"{one.org}/{one.sha256}",
        )
    return Page(items=[_answer(one) for one in found], next=following)


@router.get("/v1/documents/{sha256}")
async def read_document(sha256: str, grant: GrantDep, house: HouseDep) -> DocumentOut:
    """What a paper is."""
    async with house.database.transaction(grant.caller) as tx:
        return _answer(await _of(tx, sha256))


@router.get("/v1/documents/{sha256}/content", response_class=Response)
async def download_document(sha256: str, grant: GrantDep, house: HouseDep) -> Response:
    """The bytes, to be saved and not shown: whoever downloads decides what to open them with."""
    async with house.database.transaction(grant.caller) as tx:
        document = await _of(tx, sha256)
        content = await documents.content_of(tx, sha256)
    assert content is not None, "a foreign key holds it"
    headers = {
        "content-disposition": f'attachment; filename="{sha256}"', "cache-control": "private, no-store",
        "content-security-policy": "default-src 'none'; sandbox",
    }  # fmt: skip
    return Response(content, media_type=document.media_type, headers=headers)


@router.post("/v1/documents/{sha256}/readers", response_model=ReadingOut)
async def let_read(sha256: str, body: ReadingIn, command: CommandDep) -> Response:
    """Let another organisation read a paper of one's own until a day; a day that has passed ends it."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        document = await _of(work.tx, sha256)
        if document.org != work.caller.org:
            document = await _of(work.tx, sha256, work.caller.org, action="let_read")
        await require_organisations(work.tx, [body.reader])
        reading = Reading(document.org, sha256, body.reader, body.until, work.caller.sub)
        await documents.let_read(work.tx, reading)
        return await work.answer(200, _reading(reading))


@router.get("/v1/documents/{sha256}/readers")
async def list_readers(sha256: str, grant: GrantDep, house: HouseDep) -> Page[ReadingOut]:
    """Whom the caller's organisation lets read its paper."""
    async with house.database.transaction(grant.caller) as tx:
        document = await _of(tx, sha256, grant.known.org, action="list_readers")
        found = await documents.readings(tx, document.org, sha256)
    return Page(items=[_reading(one) for one in found], next=None)


async def check_cited(tx: Tx, sha256s: Iterable[str], org: str | None = None) -> dict[str, list[Document]]:
    """The papers an act rests on, which the caller can read (and which ``org`` keeps); ``ReferenceUnknown`` otherwise."""
    wanted = list(sha256s)
    found = await documents.documents_named(tx, wanted) if wanted else {}
    for sha256 in wanted:
        if not any(org in (None, one.org) for one in found.get(sha256, ())):
            raise ReferenceUnknown("document", sha256)
    return found


async def _of(tx: Tx, sha256: str, org: str | None = None, action: str = "") -> Document:
    """A paper the caller can read; of its own organisation where ``org`` asks for that."""
    found = (await documents.documents_named(tx, [sha256])).get(sha256, [])
    if not found:
        raise Missing("document", sha256)
    own = [one for one in found if org in (None, one.org)]
    if not own:
        raise OtherOrganisation(action)
    return own[0]


def _answer(one: Document) -> DocumentOut:
    return DocumentOut(
        sha256=one.sha256, org=one.org, kind=one.kind, media_type=one.media_type, size_bytes=one.size_bytes,
        stored_on=peru_day(one.at),
    )  # fmt: skip


def _reading(one: Reading) -> ReadingOut:
    return ReadingOut(org=one.org, sha256=one.sha256, reader=one.reader, until=one.until)
