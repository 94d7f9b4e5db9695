"""Crowns looked for from above: what was seen in which image, and the form that attaches a look for the next review (F14)."""

import asyncio
import re
from typing import Any

from starlette.responses import Response

from services.portal.acts import Filled
from services.portal.backends import part
from services.portal.pages.filling import fields_of, say_of, today
from services.portal.pages.house import House, HouseDep
from services.portal.pages.stepping import papers_of
from services.portal.pages.vault import keep
from shared.refusal import Malformed
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["steps"])
Json = dict[str, Any]
IMAGE = "crown_image"
DEVICES = ("drone", "aircraft", "satellite")
SAID = {"there": True, "missing": False}


@router.get("/plans/{plan_id}/crowns", response_class=Response)
async def crowns_page(plan_id: str, house: HouseDep) -> Response:
    """What was seen from above of a plan, for those concerned."""
    house.need()
    return await _page(house, plan_id)


@router.post("/uploads/crowns", response_class=Response)
async def attach_crowns(house: HouseDep) -> Response:
    """Keep the image, unless it is in the vault already, and say of which trees the crown is in it."""
    sent = await house.form()
    form = Filled(fields_of(sent))
    plan_id, upload, say = form.get("plan"), sent.get("file"), say_of(house)
    body = _look(form)
    if not form.faults:
        try:
            if getattr(upload, "filename", ""):
                body["image"] = (await keep(house, upload, IMAGE))["sha256"]
            if not body["image"]:
                raise Malformed("file", say("crowns.image_needed"))
            await house.permits.post(f"/v1/plans/{part(plan_id)}/crowns", body)
        except UpstreamRefused as refused:
            form.faults["file" if refused.slug in ("document-refused", "document-kind") else ""] = refused.text(
                house.language
            )
        except Malformed as missing:
            form.faults["file"] = missing.reason
        else:
            return house.go(f"/plans/{part(plan_id)}/crowns", done="crowns_attached")
    return await _page(house, plan_id, form, str(body["image"]))


def _look(form: Filled) -> Json:
    """The body, with a tree for each code that was written beside its parcel."""
    trees = [
        {"parcel": parcel, "code": code, "crown": SAID[said]}
        for name in form.fields
        for said, bar, parcel in [name.partition("|")]
        if bar and said in SAID
        for code in dict.fromkeys(re.split(r"[\s,;]+", form.get(name).upper()))
        if code
    ]
    if not trees:
        form.faults["trees"] = "act.needed"
    note = " ".join(form.get("note").split())
    return {
        "image": form.get("image"), "taken_on": form.needed("taken_on"), "device": form.needed("device"), "trees": trees,
        **({"note": note} if note else {}),
    }  # fmt: skip


async def _page(house: House, plan_id: str, form: Filled | None = None, image: str = "") -> Response:
    path, say = f"/v1/plans/{part(plan_id)}", say_of(house)
    plan, looks = await asyncio.gather(house.permits.get(path), house.permits.get(f"{path}/crowns"))
    papers = await papers_of(house, plan["org"], IMAGE)
    faults = {
        name: say(text) if text.startswith("act.") else text for name, text in (form.faults if form else {}).items()
    }
    fields = {"taken_on": today().isoformat()} if form is None else {**form.fields, "image": image}
    return await house.page(
        "steps/crowns.html", 422 if faults else 200, place=f"/plans/{plan_id}/crowns", plan=plan, looks=looks["items"],
        papers=papers, devices=DEVICES, fields=fields, faults=faults,
    )  # fmt: skip
