"""A version of a contract, whole, and the signature of a party under it: by the person who is signed in, for their organisation."""

import asyncio

from starlette.responses import Response

from services.portal import deals
from services.portal.backends import part
from services.portal.contract_words import part_name, part_told
from services.portal.offer_answer import money
from services.portal.pages.deals import versions_of
from services.portal.pages.filling import fields_of, say_of
from services.portal.pages.house import House, HouseDep
from shared.refusal import Missing
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["contracts"])


@router.get("/community/contracts/{contract}/versions/{number}", response_class=Response)
async def version_page(contract: str, number: str, house: HouseDep) -> Response:
    """Everything that a version says, who has signed it, and the form to sign it where that is still to be done."""
    return await _version(house, contract, number)


@router.post("/community/contracts/{contract}/versions/{number}/signature", response_class=Response)
async def sign_contract(contract: str, number: str, house: HouseDep) -> Response:
    """Sign the text that was shown. A second signature of one party changes nothing, so the form may be sent twice."""
    form = fields_of(await house.form())
    say = say_of(house)
    if form.get("read") != "yes":
        return await _version(house, contract, number, say("act.read_first"))
    path = f"/v1/contracts/{part(contract)}/versions/{part(number)}/signatures"
    try:
        await house.contracts.post(path, {"text_sha256": form.get("text_sha256", "")})
    except UpstreamRefused as refused:
        return await _version(house, contract, number, refused.text(house.language))
    return house.go(f"/community/contracts/{part(contract)}/versions/{part(number)}", done="version_signed")


async def _version(house: House, contract: str, number: str, fault: str = "") -> Response:
    org = house.need().org
    stored, versions = await asyncio.gather(
        house.contracts.get(f"/v1/contracts/{part(contract)}"), versions_of(house, contract)
    )
    version = next((one for one in versions if str(one["number"]) == number), None)
    if version is None:
        raise Missing("version", f"{contract} {number}")
    place = f"/community/contracts/{contract}/versions/{number}"
    return await house.page(
        "community/version.html", 422 if fault else 200, place=place, action=f"{place}/signature", stored=stored,
        offer=stored["offer"], version=version, money=money, fault=fault, whole=deals.said(version["text"]),
        changed=deals.changed(versions, version), lines=deals.lines_in_words(version["text"]["lines"], say_of(house)),
        mine=bool(offered := deals.to_sign(versions, org)) and offered == version["number"] and bool(stored["offer"]["buyer"]),
        part_name=part_name, part_told=part_told, last=versions[-1]["number"], own=org in {one["org"] for one in version["signatures"]},
    )  # fmt: skip
