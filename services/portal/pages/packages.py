"""Audit packages: for people a page with progress, for programs the same under /v1/packages."""

import mimetypes
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse, Response

from services.portal.backends import part
from services.portal.documents.package import cited
from services.portal.packages import PAPER_BYTES, Job, Packages
from services.portal.pages.house import House, HouseDep
from services.portal.pages.lots import case_of
from services.portal.session import caller_in
from shared.refusal import Missing
from shared.web.app import Router
from shared.web.client import AnswerTooLong, UpstreamRefused

router = Router(tags=["packages"])
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class PackageIn(BaseModel):
    """The lot to be packed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lot: str = Field(max_length=40)


class PackageOut(BaseModel):
    """A package. `bytes`, `content_sha256` (of its SHA256SUMS) and `file_sha256` are there once it is `done`."""

    id: str
    lot: str
    size: int = Field(description="Entries of the log under whose checkpoint it is made")
    state: str = Field(description="`queued`, `building`, `done` or `failed`")
    done: int = Field(description="Files written so far, of about `total`")
    total: int
    papers: int
    papers_cited: int
    bytes: int | None
    content_sha256: str | None
    file_sha256: str | None
    reason: str | None
    reason_en: str | None
    file: str = Field(description="Where the zip is once it is `done`; a part of it can be asked for with `Range`")
    expires_at: str


@router.post("/v1/packages", status_code=202)
async def ask_package(body: PackageIn, house: HouseDep) -> PackageOut:
    """Begins the audit package of a lot under the newest checkpoint, or tells of the one there is. With a token it holds the
    papers that the caller may read. Ask `/v1/packages/{id}` until it is `done`."""
    return _out(await _asked(house, body.lot))


@router.get("/v1/packages/{package_id}")
async def read_package(package_id: Id, house: HouseDep) -> PackageOut:
    """How far a package is. It is kept for a day."""
    return _out(_packages(house).job(package_id, await _reader(house)))


@router.get(
    "/v1/packages/{package_id}/file", response_class=Response, responses={200: {"content": {"application/zip": {}}}}
)
async def download_package(package_id: Id, house: HouseDep) -> Response:
    """The zip. A download that broke off goes on with `Range` and `If-Range`."""
    packages = _packages(house)
    job = packages.job(package_id, await _reader(house))
    path = packages.file(job)
    headers = {"etag": f'"{job.file}"', "cache-control": "private, no-cache"}
    return FileResponse(path, media_type="application/zip", filename=f"{job.lot}-{job.size}.zip", headers=headers)


@router.get("/lots/{code}/package", response_class=Response)
async def package_door(code: str, house: HouseDep) -> Response:
    """What is in the package of a lot, and the button that prepares it."""
    await house.backends.lot(code)
    return await house.page("auditor/package.html", code=code, job=None, expires="", public_url=house.public_url)


@router.get("/lots/{code}/package/prepare", response_class=Response)
async def prepare_package(code: str, house: HouseDep) -> Response:
    """Begin the package, or find it, and show how far it is. It changes nothing that anybody else sees."""
    job = await _asked(house, code)
    return house.go(f"/lots/{part(code)}/package/{job.id}")


@router.get("/lots/{code}/package/{package_id}", response_class=Response)
async def package_page(code: str, package_id: Id, house: HouseDep) -> Response:
    """How far a package is; the page asks again by itself until it is done."""
    job = _packages(house).job(package_id, await _reader(house))
    return await house.page(
        "auditor/package.html", code=code, job=job, expires=_instant(job.expires_at), public_url=house.public_url
    )


def _packages(house: House) -> Packages:
    packages: Packages = house.request.app.state.packages
    return packages


async def _asked(house: House, code: str) -> Job:
    case = await case_of(house, code)
    if case is None:
        raise Missing("lot", code)
    reader = await _reader(house) if cited(case) else ""
    permits = house.permits if house.session is not None else house.permits_of_program()

    async def paper(digest: str) -> tuple[bytes, str] | None:
        try:
            known = await permits.get(f"/v1/documents/{digest}")
            content = await permits.raw(f"/v1/documents/{digest}/content", deadline_s=20.0, at_most=PAPER_BYTES)
        except (UpstreamRefused, AnswerTooLong):
            return None
        return content, mimetypes.guess_extension(known["media_type"]) or ""

    return _packages(house).ask(case, reader, paper, reader.partition("/")[0] or house.address)


async def _reader(house: House) -> str:
    """Whose papers may be in it: the person signed in, or whose token a program sent, which permits has just verified."""
    if house.session is not None:
        return f"{house.session.org}/{house.session.sub}"
    token = house.program_token()
    if not token:
        return ""
    try:
        await house.permits_of_program().get("/v1/documents", limit=1)
    except UpstreamRefused as refusal:
        if refusal.status == 403:  # somebody whose papers are none
            return ""
        raise
    caller = caller_in(token)
    return f"{caller.org}/{caller.sub}"


def _instant(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _out(job: Job) -> PackageOut:
    done = job.state == "done"
    facts: dict[str, Any] = {
        name: getattr(job, name) for name in ("id", "lot", "size", "state", "done", "total", "papers")
    }
    return PackageOut(
        **facts, papers_cited=job.cited, bytes=job.bytes if done else None, content_sha256=job.content if done else None,
        file_sha256=job.file if done else None, reason=job.reason or None, reason_en=job.reason_en or None, file=f"/v1/packages/{job.id}/file",
        expires_at=_instant(job.expires_at),
    )  # fmt: skip
