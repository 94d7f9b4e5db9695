"""What a community records by form. Each page looks up what it speaks of, shows it, and sends one statement for the hosted
key; a form that is sent twice is recorded once."""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from starlette.responses import Response

from services.portal import acts, figures, standing
from services.portal.acts import Filled
from services.portal.backends import part
from services.portal.holdings import Left, left_of
from services.portal.pages.community import OWNERS, balances_of
from services.portal.pages.filling import fields_of, now, say_of, today
from services.portal.pages.house import House, HouseDep
from shared.refusal import Malformed, Missing
from shared.timber.species import catalogue
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["recording"])
Json = dict[str, Any]
Asked = Annotated[str, Query(max_length=4000)]
AT_ONCE = 20
# A guide of the form is good for so many days until somebody says otherwise.
GUIDE_DAYS = 7
ORGANISATIONS = 500  # as many as a page of the list holds
BUYERS = ("mill", "company", "community")


# ---- felling


@router.get("/community/felling", response_class=Response)
async def felling_form(house: HouseDep, permit: Asked = "", code: Asked = "") -> Response:
    """First the permit and the code on the tree, then what the census says of it beside what was measured."""
    house.need()
    return await _felling_page(house, Filled(_begun() | {"permit": permit, "code": code}))


@router.post("/community/felling", response_class=Response)
async def record_felling(house: HouseDep) -> Response:
    """Record a felling."""
    form = Filled(fields_of(await house.form()))
    tree = await _tree(house, form)
    if tree is None:
        return await _felling_page(house, form)
    return await _record(house, form, [acts.felling(form, tree, form.get("permit"))], _felling_page)


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
    return await _page(
        house, "community/felling.html", form, trees=trees, species=catalogue(), notes=notes, clock="harvest"
    )


async def _census(house: House, form: Filled) -> tuple[list[Json], list[Json]]:
    """The trees of the census with this code, perhaps one in each parcel, and what was felled of them; a fault of the
    form when there is none."""
    found = await _by_code(house, form.get("permit"), form.get("code")) or {"census": [], "items": []}
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
    return await _cut_page(house, Filled(_begun() | {"permit": permit, "code": code}))


@router.post("/community/cut", response_class=Response)
async def record_cut(house: HouseDep) -> Response:
    """Record a cross-cut."""
    form = Filled(fields_of(await house.form()))
    source = await _source(house, form)
    if source is None:
        return await _cut_page(house, form)
    return await _record(house, form, [acts.cross_cut(form, source)], _cut_page)


async def _cut_page(house: House, form: Filled) -> Response:
    source = await _source(house, form) if form.get("code") else None
    made = [] if source is None else source["sections"]
    first = len(made)  # the letters go on after what was cut before
    stem = "" if source is None else source["code"].partition("/")[0]
    fields = {f"code{n}": f"{stem}/{_letters(first + n)}" for n in range(acts.SECTIONS)} if source else {}
    notes = [] if source is None else standing.of_source(source, house.need().org)
    return await _page(
        house, "community/cut.html", Filled(fields | dict(form.fields), form.faults), source=source, rows=acts.SECTIONS,
        notes=notes, clock="harvest",
    )  # fmt: skip


async def _source(house: House, form: Filled) -> Json | None:
    """The stem or log to be cut, whole with what was cut from it; a fault of the form when there is none."""
    found = await _by_code(house, form.get("permit"), form.get("code"))
    items = [] if found is None else [one for one in found["items"] if one["kind"] != "product"]
    chosen = next((one for one in items if one["id"] == form.get("source")), items[0] if len(items) == 1 else None)
    if chosen is None:
        form.faults["code"] = say_of(house)("act.no_piece" if not items else "act.several")
        return None
    whole: Json = (await house.custody.get(f"/v1/items/{part(chosen['id'])}"))["item"]
    return whole


def _letters(place: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    return (_letters(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


# ---- guide


@router.get("/community/guide", response_class=Response)
async def guide_form(house: HouseDep, permit: Asked = "", codes: Asked = "") -> Response:
    """First the permit and the codes of the load, then what is left of each species before it is dispatched."""
    house.need()
    return await _guide_page(house, Filled(_begun() | _guide_days() | {"permit": permit, "codes": codes}))


@router.post("/community/guide", response_class=Response)
async def issue_guide(house: HouseDep) -> Response:
    """Issue a transport guide."""
    form = Filled(fields_of(await house.form()))
    pieces = await _pieces(house, form)
    if form.faults:
        return await _guide_page(house, form)
    return await _record(house, form, [acts.guide(form, form.get("permit"), pieces)], _guide_page)


async def _guide_page(house: House, form: Filled) -> Response:
    pieces = await _pieces(house, form) if form.get("codes") else []
    lines = acts.load_lines(pieces)
    left = {}
    if lines:
        left = {
            (one["parcel"], one["species"], one["product"]): one["balance_dm3"]
            for one in await balances_of(house, form.get("permit"))
        }
    stands = standing.of_load(pieces, house.need().org)
    return await _page(
        house, "community/guide.html", form, pieces=pieces, lines=lines, left=left, parties=await _parties(house),
        total_dm3=sum(one["volume_dm3"] for one in pieces), stands=stands, notes=_summed(stands), clock="move",
    )  # fmt: skip


def _summed(stands: Mapping[str, standing.Note]) -> list[standing.Note]:
    """How many pieces something stands in the way of, above the list that says what."""
    marks = [note.mark for note in stands.values()]
    counts = {mark: marks.count(mark) for mark in ("no", "look", "yes")}
    key = next((f"load_{mark}" for mark, count in counts.items() if count), "")
    worst = key.removeprefix("load_")
    return [standing.Note(worst, key, {"count": counts[worst], "pieces": len(marks)})] if key else []


@router.post("/community/guides/{number}/departure", response_class=Response)
async def record_departure(number: str, house: HouseDep) -> Response:
    """Record that the load of our guide left, on the day and hour of the form. A load leaves once: said again, with
    whatever hour, this leads to the record that says so already."""
    form = Filled(fields_of(await house.form()))
    statement = acts.departure(form, number)
    if form.faults:
        raise Malformed("day", say_of(house)("act.not_a_day"))
    result = (await _send(house, [statement]))[0]
    if result["status"] == "logged":
        return house.go(f"/community/recorded/{result['sid']}")
    problem = result["problem"]
    if problem["slug"] == "already-done":
        return house.go(f"/community/recorded/{problem['facts']['first_sid']}", done="recorded_before")
    raise UpstreamRefused("custody", problem)


# ---- reception


@router.get("/community/reception", response_class=Response)
async def reception_form(house: HouseDep, number: Asked = "", form: Asked = "") -> Response:
    """First the number of the guide, then what it lists beside what arrived."""
    house.need()
    return await _reception_page(house, Filled(_begun() | {"number": number, "form": form}))


@router.post("/community/reception", response_class=Response)
async def record_reception(house: HouseDep) -> Response:
    """Record the reception of a load."""
    form = Filled(fields_of(await house.form()))
    content = await _content(house, form)
    if content is None:
        return await _reception_page(house, form)
    return await _record(house, form, [acts.reception(form, content)], _reception_page)


async def _reception_page(house: House, form: Filled) -> Response:
    content = await _content(house, form) if form.get("number") else None
    notes = [] if content is None else standing.of_guide(content["guide"], house.need().org)
    return await _page(house, "community/reception.html", form, content=content, notes=notes)


async def _content(house: House, form: Filled) -> Json | None:
    try:
        asked = f"?{urlencode({'form': form.get('form')})}" if form.get("form") else ""
        found: Json = await house.custody.get(f"/v1/guides/{part(form.get('number').upper())}/content{asked}")
    except (UpstreamRefused, Missing):
        form.faults["number"] = say_of(house)("act.no_guide")
        return None
    return found


# ---- sale


@router.get("/community/sale", response_class=Response)
async def sale_form(house: HouseDep, permit: Asked = "", codes: Asked = "") -> Response:
    """First the pieces, then the lot, its buyer and, kept private, its price."""
    house.need()
    return await _sale_page(house, Filled(_begun() | {"permit": permit, "codes": codes}))


@router.post("/community/sale", response_class=Response)
async def record_sale(house: HouseDep) -> Response:
    """Record a lot and its sale."""
    form = Filled(fields_of(await house.form()))
    pieces = await _pieces(house, form)
    if form.faults:
        return await _sale_page(house, form)
    return await _record(house, form, acts.sale(form, pieces), _sale_page)


async def _sale_page(house: House, form: Filled) -> Response:
    pieces = await _pieces(house, form) if form.get("codes") else []
    stands = standing.of_lot(pieces, house.need().org)
    return await _page(
        house, "community/sale.html", form, pieces=pieces, parties=await _parties(house),
        total_dm3=sum(one["volume_dm3"] for one in pieces), stands=stands, notes=_summed(stands),
    )  # fmt: skip


# ---- recorded


@router.get("/community/recorded/{sid}", response_class=Response)
async def recorded(sid: str, house: HouseDep) -> Response:
    """What was recorded, where it stands in the log, what the rules found on it, and where to go from here."""
    house.need()
    record = await house.custody.get(f"/v1/records/{part(sid)}")
    statement = record["entry"]["stmt"]
    body, kind = statement["body"], statement["type"]
    what, key = _subject(kind, body)
    answer = await house.custody.get(f"/v1/{what}s/{part(key)}")
    return await house.page(
        "community/recorded.html", record=record, statement=statement, what=what, key=key, answer=answer, fields=_begun(), faults={},
        findings=[one for one in answer.get("findings", ()) if one["status"] == "FAIL"],
    )  # fmt: skip


def _subject(kind: str, body: Mapping[str, Any]) -> tuple[str, str]:
    """What a record speaks of: an item, a guide or a lot, and its key."""
    if kind.startswith("guide."):
        return "guide", body["guide"]
    if kind.startswith("lot."):
        return "lot", body["lot"]
    return "item", body.get("item") or body["source"]


# ---- what the forms share


def _begun() -> dict[str, str]:
    """The fields that are filled in before anybody writes: day and hour, and the name of this form."""
    at = now()
    return {"form_id": uuid.uuid4().hex, "day": at.date().isoformat(), "hour": f"{at:%H:%M}"}


def _guide_days() -> dict[str, str]:
    return {"issued_on": today().isoformat(), "expires_on": (today() + timedelta(days=GUIDE_DAYS)).isoformat()}


async def _page(
    house: House, template: str, form: Filled, *, notes: Sequence[standing.Note] = (), clock: str = "", **values: Any
) -> Response:
    """The form with what it held and what was wrong with it, in words, and how what it speaks of stands."""
    say, posted = say_of(house), house.request.method == "POST"
    faults = {name: say(text) if text.startswith("act.") else text for name, text in form.faults.items()}
    permits = [one for one in (await house.permits.get("/v1/permits"))["items"] if one["state"] != "proposed"]
    if clock and notes:
        named = next((one for one in permits if one["number"] == form.get("permit")), None)
        notes = [*standing.of_permit(named, form.get("day"), move=clock == "move"), *notes]
    return await house.page(
        template, 422 if faults and posted else 200, scripts=True, fields=form.fields, posted=posted,
        notes=[_spoken(house, note) for note in notes], spoken=partial(_spoken, house),
        faults=faults, permits=permits, **values,
    )  # fmt: skip


def _spoken(house: House, note: standing.Note) -> Json:
    """A note with its sentence, its figures as the page writes them."""
    say, facts = say_of(house), dict(note.facts)
    for name, value in note.facts.items():
        if name.endswith("_dm3"):
            facts[name.removesuffix("_dm3")] = figures.cubic_metres(value or 0)
        elif name in ("first", "last"):
            facts[name] = figures.day(value, house.language)
        elif name in ("at", "time"):
            facts[name] = figures.moment(value, house.language)
        elif name in ("state", "condition"):
            facts[name] = say(f"community.state_{value}" if name == "state" else f"condition.{value}")
    return {"mark": note.mark, "text": say(f"standing.{note.text}", **facts), "link": note.link}


async def _record(
    house: House, form: Filled, statements: Sequence[Json], again: Callable[[House, Filled], Any]
) -> Response:
    """Send the statements; to the page of the last when all are logged, else the form again with the log's own words."""
    if not form.faults:
        results = await _send(house, statements)
        refused = next((one["problem"] for one in results if one["status"] != "logged"), None)
        if refused is None:
            return house.go(f"/community/recorded/{results[-1]['sid']}")
        form.faults[acts.field_of(refused, form)] = await _in_words(house, refused)
    answer: Response = await again(house, form)
    return answer


async def _in_words(house: House, refused: Json) -> str:
    """Why the log refuses, with the codes that are painted on the wood in place of its ids, and what to do about it."""
    text = str(refused[f"detail_{house.language}"])
    if item := refused.get("facts", {}).get("item"):
        with suppress(UpstreamRefused):  # not in the log: its id is all there is
            text = text.replace(item, (await house.custody.get(f"/v1/items/{part(item)}"))["item"]["code"])
    remedy = acts.REMEDIES.get(str(refused.get("slug")))
    return f"{text} {say_of(house)(remedy)}" if remedy else text


async def _send(house: House, statements: Sequence[Json]) -> list[Json]:
    found: list[Json] = (
        await house.custody.post("/v1/statements?wait=inclusion", {"statements": list(statements)}, deadline_s=8.0)
    )["results"]
    return found


async def _by_code(house: House, permit: str, code: str) -> Json | None:
    """What carries this code under this permit; None when the permit or the code is none."""
    try:
        found: Json = await house.custody.get("/v1/items", permit=permit, code=code.upper())
    except UpstreamRefused:
        return None
    return found


async def _pieces(house: House, form: Filled) -> list[Json]:
    """The pieces whose codes were given, in that order; a fault of the form names the codes that none carries."""
    codes, turns = form.codes(), asyncio.Semaphore(AT_ONCE)

    async def find(code: str) -> Json | None:
        async with turns:
            found = await _by_code(house, form.get("permit"), code)
        items: list[Json] = [] if found is None else found["items"]
        return max(items, key=lambda one: one["used"] is None, default=None)  # a whole one before one that has left

    found = await asyncio.gather(*(find(code) for code in codes))
    unknown = [code for code, one in zip(codes, found, strict=True) if one is None]
    if unknown:
        form.faults["codes"] = say_of(house)("act.unknown_codes", codes=", ".join(unknown))
    return [one for one in found if one is not None]


async def _parties(house: House) -> list[Json]:
    """Who may be sent or sold wood: every one there is, page by page."""
    listed, asked = list[Json](), dict[str, Any](limit=ORGANISATIONS)
    while asked.get("cursor", True):
        page = await house.permits.get("/v1/organisations", **asked)
        listed += page["items"]
        asked["cursor"] = page["next"]
    own = house.need().org
    return [one for one in listed if one["kind"] in BUYERS and one["id"] != own]
