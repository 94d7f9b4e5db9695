"""The transport guide as a PDF. Anybody may print what is public; the private fields come for whoever the services show them."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from services.portal.backends import part
from services.portal.documents.guide import Told, guide_pdf
from services.portal.naming import Say
from services.portal.pages.evidence import read_record
from services.portal.pages.filling import pdf
from services.portal.pages.house import House, HouseDep
from shared.web.app import Router
from shared.web.client import UpstreamDown, UpstreamRefused
from shared.web.language import Language

router = Router(tags=["papers"])
# The service asks an officer what for, and the owner reads it.
PURPOSE: dict[Language, str] = {"es": "impresión de la guía de transporte", "en": "print of the transport guide"}
LONGEST_PAGE, MOST_PAGES = 500, 10  # of the history of a guide; the paper says when there are more


@router.get("/guides/{number}.pdf", response_class=Response)
async def guide_paper(
    number: str, house: HouseDep, form: Annotated[str | None, Query(pattern="^(own|official)$")] = None
) -> Response:
    """The paper of a guide, with the code that leads to its page."""
    asked = f"?form={form}" if form else ""
    content, (findings, whole) = await asyncio.gather(
        house.custody.get(f"/v1/guides/{part(number)}/content{asked}"), _findings(house, number, form)
    )
    guide = content["guide"]
    issued, permit, names, private = await asyncio.gather(
        read_record(house, guide["sid"]), _permit(house, guide), _names(house, guide), _private(house, guide)
    )
    signers = [kid for kid, _ in issued.record.signatures]
    told = Told(content, signers, findings, whole, permit, names, private)
    address = f"{house.public_url}/guides/{guide['number']}?form={guide['form']}"
    data = await asyncio.to_thread(guide_pdf, told, address, house.language, _texts(house))
    return pdf(data, f"guia-{guide['number']}.pdf")


def _texts(house: House) -> Mapping[Language, Say]:
    spanish: Language = "es"
    return {language: partial(house.pages.text, language) for language in {spanish, house.language}}


async def _findings(house: House, number: str, form: str | None) -> tuple[list[Mapping[str, Any]], bool]:
    """What the rules found in the records of the guide, oldest first, and whether that is all."""
    found, before = list[Mapping[str, Any]](), None
    for _ in range(MOST_PAGES):
        page = await house.backends.guide(number, form, before, LONGEST_PAGE)
        found, before = page["findings"] + found, page["next"]
        if before is None:
            return found, True
    return found, False


async def _permit(house: House, guide: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The permit as it stood on the day of issue; None for a guide without one, or one unknown here."""
    if guide["permit"] is None:
        return None
    try:
        found: Mapping[str, Any] = await house.permits.get(
            f"/v1/permits/{part(guide['permit'])}/verify", on=guide["issued_on"]
        )
    except (UpstreamRefused, UpstreamDown):
        return None
    return found


async def _names(house: House, guide: Mapping[str, Any]) -> dict[str, str]:
    """The names of issuer and addressee, as far as permits knows them."""
    asked = sorted({guide["issuer"], guide["addressee"]})
    found = await asyncio.gather(
        *(house.permits.get(f"/v1/organisations/{part(one)}") for one in asked), return_exceptions=True
    )
    return {name: one["name"] for name, one in zip(asked, found, strict=True) if not isinstance(one, BaseException)}


async def _private(house: House, guide: Mapping[str, Any]) -> dict[str, str]:
    """Driver and vehicle, for whoever may read them; nothing for the others. Issue and departure carry them."""
    if house.session is None:
        return {}
    found: dict[str, str] = {}
    for sid in filter(None, (guide["sid"], guide["departed_by"])):
        try:
            shown = await house.custody.get(f"/v1/records/{part(sid)}/disclosures", purpose=PURPOSE[house.language])
        except UpstreamRefused:
            continue
        found |= {one["name"]: str(one["value"]) for one in shown["fields"]}
    return found
