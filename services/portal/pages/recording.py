"""What pages share on which a community records what happens to wood. Each looks up what it speaks of, shows it, and sends one
statement for the hosted key; a form that is sent twice is recorded once."""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from starlette.responses import Response

from services.portal import acts, figures, standing
from services.portal.acts import Filled
from services.portal.backends import all_of, part
from services.portal.pages.filling import now, say_of
from services.portal.pages.house import House
from shared.web.client import UpstreamRefused

Json = dict[str, Any]
AT_ONCE = 20
BUYERS = ("mill", "company", "community")


def begun() -> dict[str, str]:
    """The fields that are filled in before anybody writes: day and hour, and the name of this form."""
    at = now()
    return {"form_id": uuid.uuid4().hex, "day": at.date().isoformat(), "hour": f"{at:%H:%M}"}


async def form_page(
    house: House, template: str, form: Filled, *, notes: Sequence[standing.Note] = (), clock: str = "", **values: Any
) -> Response:
    """The form with what it held and what was wrong with it, in words, and how what it speaks of stands."""
    say, posted = say_of(house), house.request.method == "POST"
    faults = {name: say(text) if text.startswith("act.") else text for name, text in form.faults.items()}
    permits = [one for one in await all_of(house.permits, "/v1/permits") if one["state"] != "proposed"]
    if clock and notes:
        named = next((one for one in permits if one["number"] == form.get("permit")), None)
        notes = [*standing.of_permit(named, form.get("day"), move=clock == "move"), *notes]
    return await house.page(
        template, 422 if faults and posted else 200, scripts=True, fields=form.fields, posted=posted,
        notes=[spoken_note(house, note) for note in notes], spoken=partial(spoken_note, house),
        faults=faults, permits=permits, **values,
    )  # fmt: skip


def spoken_note(house: House, note: standing.Note) -> Json:
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


async def record(
    house: House, form: Filled, statements: Sequence[Json], again: Callable[[House, Filled], Any]
) -> Response:
    """Send the statements; to the page of the last when all are logged, else the form again with the log's own words."""
    if not form.faults:
        results = await send(house, statements)
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


async def send(house: House, statements: Sequence[Json]) -> list[Json]:
    found: list[Json] = (
        await house.custody.post("/v1/statements?wait=inclusion", {"statements": list(statements)}, deadline_s=8.0)
    )["results"]
    return found


async def by_code(house: House, permit: str, code: str) -> Json | None:
    """What carries this code under this permit; None when the permit or the code is none."""
    try:
        found: Json = await house.custody.get("/v1/items", permit=permit, code=code.upper())
    except UpstreamRefused:
        return None
    return found


def summed(stands: Mapping[str, standing.Note]) -> list[standing.Note]:
    """How many pieces something stands in the way of, above the list that says what."""
    marks = [note.mark for note in stands.values()]
    counts = {mark: marks.count(mark) for mark in ("no", "look", "yes")}
    key = next((f"load_{mark}" for mark, count in counts.items() if count), "")
    worst = key.removeprefix("load_")
    return [standing.Note(worst, key, {"count": counts[worst], "pieces": len(marks)})] if key else []


async def pieces_of(house: House, form: Filled) -> list[Json]:
    """The pieces whose codes were given, in that order; a fault of the form names the codes that none carries."""
    codes, turns = form.codes(), asyncio.Semaphore(AT_ONCE)

    async def find(code: str) -> Json | None:
        async with turns:
            found = await by_code(house, form.get("permit"), code)
        items: list[Json] = [] if found is None else found["items"]
        return max(items, key=lambda one: one["used"] is None, default=None)  # a whole one before one that has left

    found = await asyncio.gather(*(find(code) for code in codes))
    unknown = [code for code, one in zip(codes, found, strict=True) if one is None]
    if unknown:
        form.faults["codes"] = say_of(house)("act.unknown_codes", codes=", ".join(unknown))
    return [one for one in found if one is not None]


async def parties_of(house: House) -> list[Json]:
    """Who may be sent or sold wood: every one there is."""
    listed, own = await all_of(house.permits, "/v1/organisations"), house.need().org
    return [one for one in listed if one["kind"] in BUYERS and one["id"] != own]
