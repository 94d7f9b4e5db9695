"""The census and the boundaries of a plan: looked at before they are kept, with every error at its cell."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from services.portal.acts import Filled
from services.portal.backends import part
from services.portal.drawing.maps import area_of, both_maps
from services.portal.land import land_of, spots_of, trees_of
from services.portal.pages.filling import fields_of, say_of
from services.portal.pages.house import House, HouseDep
from services.portal.pages.saying import words_of
from shared.refusal import Malformed
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["census"])
Json = dict[str, Any]
READING_S = 60.0
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARCELS = 4
SQUARE_METRES = 10_000  # in a hectare
# Between two parts of a body; nothing of a file is kept by us, so a fixed one that no file of ours holds will do.
BORDER = b"----trozalog-one-file"
ERRORS_SHOWN = 200
TREES_DRAWN = 5_000


@router.get("/community/census", response_class=Response)
async def census_page(house: HouseDep, plan: Annotated[str, Query(max_length=60)] = "") -> Response:
    """The drafts of the organisation, and the files of the one that is chosen."""
    return await _page(house, plan)


@router.post("/community/plans", response_class=Response)
async def draft_plan(house: HouseDep) -> Response:
    """Open the draft of a plan."""
    form = Filled(fields_of(await house.form()))
    body = _plan_body(form)
    if not form.faults:
        try:
            made = await house.permits.post("/v1/plans", body)
        except UpstreamRefused as refusal:
            form.faults[""] = refusal.text(house.language)
        else:
            return house.go("/community/census", plan=made["id"])
    say = say_of(house)
    faults = {name: say(text) if text.startswith("act.") else text for name, text in form.faults.items()}
    return await _page(house, "", 422, fields=form.fields, faults=faults)


def _plan_body(form: Filled) -> Json:
    title, number = form.needed("title"), form.needed("number").upper()
    parcels = []
    for n in range(PARCELS):
        if n == 0 or form.get(f"parcel{n}"):
            hectares = form.thousandths(f"hectares{n}", "act.not_an_area")
            parcels.append({"code": form.needed(f"parcel{n}").upper(), "area_m2": hectares * SQUARE_METRES // 1000})
    return {
        "id": f"{title.split('-P-')[0]}-{number}", "title": title, "number": number, "season": form.needed("season"),
        "parcels": parcels, "harvest_from": form.needed("harvest_from"), "harvest_to": form.needed("harvest_to"),
        **({"regent": form.get("regent")} if form.get("regent") else {}),
    }  # fmt: skip


@router.post("/uploads/census", response_class=Response)
async def look_at_census(house: HouseDep) -> Response:
    """Look at the file, or give it back with its errors, or hand it in as a job."""
    form = await house.form()
    plan, way = str(form.get("plan", "")), str(form.get("way", "look"))
    body, media_type = await _file(form)
    address = f"/v1/plans/{part(plan)}/census"
    try:
        if way == "annotated":
            book = await house.permits.raw_of(f"{address}/annotated", body, media_type, deadline_s=READING_S)
            name = f'attachment; filename="errores-{part(plan)}.xlsx"'
            return Response(book, media_type=XLSX, headers={"content-disposition": name, "cache-control": "no-store"})
        if way == "import":
            job = await house.permits.post(f"{address}/jobs", body, media_type=media_type, deadline_s=READING_S)
            return house.go(f"/community/census/{part(plan)}/{part(job['id'])}")
        found = await house.permits.post(f"{address}/preview", body, media_type=media_type, deadline_s=READING_S)
    except UpstreamRefused as refusal:
        return await _page(house, plan, 422, faults={"file": refusal.text(house.language)})
    return await _page(house, plan, preview=found)


@router.post("/uploads/boundary", response_class=Response)
async def look_at_boundary(house: HouseDep) -> Response:
    """Look at the boundary of a parcel, or keep it with the repairs that were consented to."""
    form = await house.form()
    plan, parcel, way = (str(form.get(name, "")) for name in ("plan", "parcel", "way"))
    body, media_type = await _file(form)
    address = f"/v1/plans/{part(plan)}/parcels/{part(parcel)}/shape"
    try:
        if way == "keep":
            accept = urlencode([("accept", str(one)) for one in form.getlist("accept")])
            await house.permits.post(f"{address}?{accept}", body, media_type=media_type, deadline_s=READING_S)
            return house.go("/community/census", "boundary_kept", plan=plan)
        found = await house.permits.post(f"{address}/preview", body, media_type=media_type, deadline_s=READING_S)
    except UpstreamRefused as refusal:
        return await _page(house, plan, 422, faults={"boundary": refusal.text(house.language)}, parcel=parcel)
    return await _page(house, plan, land=found, parcel=parcel)


@router.get("/community/census/{plan}/{job}", response_class=Response)
async def import_page(plan: str, job: str, house: HouseDep) -> Response:
    """How far an import is. The page asks again by itself until it has ended, with or without scripts."""
    house.need()
    found = await house.permits.get(f"/v1/plans/{part(plan)}/census/jobs/{part(job)}")
    return await house.page(
        "community/import.html", scripts=True, job=found, problem=_words(found["problem"], house),
        errors=((found["problem"] or {}).get("facts", {}).get("errors") or [])[:ERRORS_SHOWN],
    )  # fmt: skip


def _words(problem: Mapping[str, Any] | None, house: House) -> str:
    return "" if problem is None else str(problem.get(f"detail_{house.language}", problem.get("slug", "")))


async def _file(form: FormData) -> tuple[bytes, str]:
    """The one file of a form, as the body that hands it on."""
    upload = form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise Malformed("file", "falta el archivo / the file is missing")
    head = b'Content-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: application/octet-stream'
    body = b"--" + BORDER + b"\r\n" + head + b"\r\n\r\n" + await upload.read() + b"\r\n--" + BORDER + b"--\r\n"
    return body, f"multipart/form-data; boundary={BORDER.decode()}"


async def _page(house: House, plan: str, status: int = 200, **values: Any) -> Response:
    org = house.need().org
    plans, titles, parties = await asyncio.gather(
        house.permits.get("/v1/plans", org=org), house.permits.get("/v1/titles", org=org),
        house.permits.get("/v1/organisations", limit=200),
    )  # fmt: skip
    drafts = [one for one in plans["items"] if one["state"] == "draft"]
    chosen = next((one for one in drafts if one["id"] == plan), drafts[0] if len(drafts) == 1 and not plan else None)
    given: Json = {"preview": None, "land": None, "fields": {}, "faults": {}, "parcel": "", **values}
    return await house.page(
        "community/census.html", status, scripts=True, place="/community/census", drafts=drafts, plan=chosen, titles=titles["items"],
        regents=[one for one in parties["items"] if one["kind"] == "regent_firm"], parcels=PARCELS, shown=ERRORS_SHOWN,
        map=await _map(house, chosen, given["land"]), **given,
    )  # fmt: skip


async def _map(house: House, plan: Mapping[str, Any] | None, land: Mapping[str, Any] | None) -> str | None:
    """The land of the title, the boundaries and trees that are kept, and the boundary that was sent; None with none."""
    if plan is None:
        return None
    words = words_of(house)
    known, (trees, _) = await asyncio.gather(
        land_of(house.permits, plan["title"], plan), trees_of(house.permits, plan["id"], TREES_DRAWN)
    )
    areas = known.areas
    if land is not None and land["polygon"] is not None:
        areas = [*areas, area_of("parcel", words.t("census.sent"), land["polygon"])]
    spots = spots_of(trees, words)
    return await asyncio.to_thread(both_maps, areas, spots, words.t, words.t("census.map"), words.t("census.map_about"))
