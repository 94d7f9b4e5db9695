"""Fellings and cross-cuts by form: the tree of the census, then the stem and its sections."""

import asyncio
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from services.portal import acts, standing
from services.portal.acts import Filled
from services.portal.backends import part
from services.portal.holdings import Left, left_of
from services.portal.naming import section_letters
from services.portal.pages.community import OWNERS, balances_of
from services.portal.pages.filling import fields_of, say_of
from services.portal.pages.house import House, HouseDep
from services.portal.pages.recording import begun, by_code, form_page, record
from shared.timber.species import catalogue
from shared.web.app import Router

router = Router(tags=["recording"])
Json = dict[str, Any]
Asked = Annotated[str, Query(max_length=4000)]


@router.get("/community/felling", response_class=Response)
async def felling_form(house: HouseDep, permit: Asked = "", code: Asked = "") -> Response:
    """First the permit and the code on the tree, then what the census says of it beside what was measured."""
    house.need()
    return await _felling_page(house, Filled(begun() | {"permit": permit, "code": code}))


@router.post("/community/felling", response_class=Response)
async def record_felling(house: HouseDep) -> Response:
    """Record a felling."""
    form = Filled(fields_of(await house.form()))
    tree = await _tree(house, form)
    if tree is None:
        return await _felling_page(house, form)
    return await record(house, form, [acts.felling(form, tree, form.get("permit"))], _felling_page)


async def _felling_page(house: House, form: Filled) -> Response:
    trees: list[Json] = []
    items: list[Json] = []
    left: list[Left] | None = None
    if form.get("permit") and form.get("code"):
        (trees, items), left = await asyncio.gather(_census(house, form), _left(house, form.get("permit")))
    notes = [note for tree in trees for note in standing.of_tree(tree, items)]
    for species in dict.fromkeys(tree["species"] for tree in trees if left is not None):
        most = max(tree["volume_dm3"] for tree in trees if tree["species"] == species)
        notes += standing.of_balance(left or (), species, most)
    return await form_page(
        house, "community/felling.html", form, trees=trees, species=catalogue(), notes=notes, clock="harvest"
    )


async def _census(house: House, form: Filled) -> tuple[list[Json], list[Json]]:
    """The trees of the census with this code, perhaps one in each parcel, and what was felled of them; a fault of the
    form when there is none."""
    found = await by_code(house, form.get("permit"), form.get("code")) or {"census": [], "items": []}
    if not found["census"]:
        form.faults["code"] = say_of(house)("act.no_tree")
    return found["census"], found["items"]


async def _left(house: House, permit: str) -> list[Left] | None:
    """What is left under a permit, for whom custody tells it; None for the others."""
    if not permit or not house.need().roles & OWNERS:
        return None
    return left_of(await balances_of(house, permit), permit)


async def _tree(house: House, form: Filled) -> Json | None:
    return next((one for one in (await _census(house, form))[0] if one["parcel"] == form.get("parcel")), None)


# ---- cross-cut


@router.get("/community/cut", response_class=Response)
async def cut_form(house: HouseDep, permit: Asked = "", code: Asked = "") -> Response:
    """First the code of the stem or log, then its sections."""
    house.need()
    return await _cut_page(house, Filled(begun() | {"permit": permit, "code": code}))


@router.post("/community/cut", response_class=Response)
async def record_cut(house: HouseDep) -> Response:
    """Record a cross-cut."""
    form = Filled(fields_of(await house.form()))
    source = await _source(house, form)
    if source is None:
        return await _cut_page(house, form)
    return await record(house, form, [acts.cross_cut(form, source)], _cut_page)


async def _cut_page(house: House, form: Filled) -> Response:
    source = await _source(house, form) if form.get("code") else None
    made = [] if source is None else source["sections"]
    first = len(made)  # the letters go on after what was cut before
    stem = "" if source is None else source["code"].partition("/")[0]
    fields = {f"code{n}": f"{stem}/{section_letters(first + n)}" for n in range(acts.SECTIONS)} if source else {}
    notes = [] if source is None else standing.of_source(source, house.need().org)
    return await form_page(
        house, "community/cut.html", Filled(fields | dict(form.fields), form.faults), source=source, rows=acts.SECTIONS,
        notes=notes, clock="harvest",
    )  # fmt: skip


async def _source(house: House, form: Filled) -> Json | None:
    """The stem or log to be cut, whole with what was cut from it; a fault of the form when there is none."""
    found = await by_code(house, form.get("permit"), form.get("code"))
    items = [] if found is None else [one for one in found["items"] if one["kind"] != "product"]
    chosen = next((one for one in items if one["id"] == form.get("source")), items[0] if len(items) == 1 else None)
    if chosen is None:
        form.faults["code"] = say_of(house)("act.no_piece" if not items else "act.several")
        return None
    whole: Json = (await house.custody.get(f"/v1/items/{part(chosen['id'])}"))["item"]
    return whole
