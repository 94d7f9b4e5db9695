"""The papers of an organisation in the vault of permits: kept, looked through, handed out, let be read by another."""

import asyncio
from pathlib import PurePath
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from starlette.datastructures import UploadFile
from starlette.responses import Response

from services.portal.backends import part
from services.portal.pages.filling import fields_of
from services.portal.pages.house import House, HouseDep
from shared.refusal import Malformed
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["papers"])
Json = dict[str, Any]
PAGE_LENGTH = 50
READING_S = 60.0
# What a browser does not always know of a file; the vault looks at the bytes all the same.
TYPES = {
    ".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".csv": "text/csv",
    ".txt": "text/plain", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet", ".geojson": "application/geo+json",
    ".json": "application/geo+json", ".kml": "application/vnd.google-earth.kml+xml", ".gpx": "application/gpx+xml",
}  # fmt: skip
ACCEPTED = ",".join(TYPES)
ENDINGS = {media_type: ending for ending, media_type in reversed(TYPES.items())}
# Where a form that keeps a paper may lead back to.
BACK = "/community/contracts/"


@router.get("/community/papers", response_class=Response)
async def papers_page(
    house: HouseDep, kind: Annotated[str, Query(max_length=40)] = "", cursor: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """The papers that the reader may see, and the form to keep one more."""
    return await _papers(house, kind, cursor)


@router.post("/uploads/papers", response_class=Response)
async def store_paper(house: HouseDep) -> Response:
    """Keep a paper. The same bytes again are the paper that is there; from the form of a contract it leads back to that."""
    form = await house.form()
    given, upload = fields_of(form), form.get("file")
    try:
        kept = await keep(house, upload, given.get("kind", ""))
    except (UpstreamRefused, Malformed) as refused:
        return await _papers(house, refused=refused.text(house.language), given=given)
    back = given.get("back", "")
    if back.startswith(BACK):
        return house.go(back, done="paper_kept", annex=kept["sha256"])
    return house.go(f"/community/papers/{kept['sha256']}", done="paper_kept")


async def _papers(
    house: House, kind: str = "", cursor: str = "", refused: str = "", given: dict[str, str] | None = None
) -> Response:
    asked = {name: value for name, value in (("kind", kind), ("cursor", cursor)) if value}
    found, kinds = await asyncio.gather(
        house.permits.get(f"/v1/documents?{urlencode({'limit': PAGE_LENGTH, **asked})}"), kinds_of(house)
    )
    return await house.page(
        "community/papers.html", 422 if refused else 200, place="/community/papers", found=found, kinds=kinds, kind=kind,
        refused=refused, fields=given or {}, faults={"file": refused} if refused else {}, accepted=ACCEPTED,
    )  # fmt: skip


@router.get("/community/papers/{sha256}", response_class=Response)
async def paper_page(sha256: str, house: HouseDep) -> Response:
    """What a paper is, and who else may read it."""
    return await _paper(house, sha256)


@router.post("/community/papers/{sha256}/readers", response_class=Response)
async def share_paper(sha256: str, house: HouseDep) -> Response:
    """Let another organisation read it until a day; a day that has passed ends it."""
    given = fields_of(await house.form())
    body = {name: given.get(name, "").strip() for name in ("reader", "until")}
    try:
        await house.permits.post(f"/v1/documents/{part(sha256)}/readers", body)
    except UpstreamRefused as refused:
        return await _paper(house, sha256, refused.text(house.language), given)
    return house.go(f"/community/papers/{part(sha256)}", done="paper_shared")


async def _paper(house: House, sha256: str, refused: str = "", given: dict[str, str] | None = None) -> Response:
    path = f"/v1/documents/{part(sha256)}"
    paper, kinds = await asyncio.gather(house.permits.get(path), kinds_of(house))
    own = paper["org"] == house.need().org
    readers = (await house.permits.get(f"{path}/readers"))["items"] if own else []
    return await house.page(
        "community/paper.html", 422 if refused else 200, place=f"/community/papers/{sha256}", paper=paper, kinds=kinds, mine=own,
        readers=readers, refused=refused, fields=given or {}, faults={"": refused} if refused else {},
    )  # fmt: skip


@router.get("/community/papers/{sha256}/file", response_class=Response)
async def paper_file(sha256: str, house: HouseDep) -> Response:
    """The bytes, to be saved and not shown: a browser has a session and no token to ask the vault with."""
    path = f"/v1/documents/{part(sha256)}"
    paper = await house.permits.get(path)
    content = await house.permits.raw(f"{path}/content", deadline_s=READING_S)
    headers = {
        "content-disposition": f'attachment; filename="{sha256[:12]}{ENDINGS.get(paper["media_type"], "")}"',
        "cache-control": "private, no-store", "content-security-policy": "default-src 'none'; sandbox",
    }  # fmt: skip
    return Response(content, media_type=paper["media_type"], headers=headers)


async def keep(house: House, upload: object, kind: str) -> Json:
    """The paper as the vault keeps it. ``UpstreamRefused`` for what it does not take in, Malformed without a file."""
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise Malformed("file", "falta el archivo / the file is missing")
    known = TYPES.get(PurePath(upload.filename).suffix.lower())
    media_type = known or upload.content_type or "application/octet-stream"
    path = f"/v1/documents?{urlencode({'kind': kind})}"
    kept: Json = await house.permits.post(path, await upload.read(), media_type=media_type, deadline_s=READING_S)
    return kept


async def kinds_of(house: House) -> dict[str, str]:
    """What each kind of paper is called in the language of the page."""
    return {one["kind"]: one[house.language] for one in (await house.permits.get("/v1/norms"))["documents"]}
