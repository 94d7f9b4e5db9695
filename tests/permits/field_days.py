"""Days in the field: a census that can be drawn from, and what a verifier reports of its trees."""

import asyncio
from typing import Any

from tests.permits.conftest import OFFICER, PATIENCE_S, PLAN, SUPERVISOR, Permits, Person, a_census

VERIFIER = SUPERVISOR
NUMBER = "VER-01"
VERIFICATIONS = f"/v1/plans/{PLAN}/verifications"
PATH = f"{VERIFICATIONS}/{NUMBER}"
HEIGHT_M, EAST, NORTH = 18, 506_000, 8_805_000


def a_row(
    code: int, species: str = "Brosimum guianense | Manchinga", dbh: int = 80, condition: str = "Aprovechable"
) -> str:
    volume = {80: "5.881", 60: "3.308"}[dbh]
    east, north = EAST + code * 7919 % 2003, NORTH + code * 104_729 % 1999  # scattered: a drawn grid is never approved
    return f" , ,{code},{species},{dbh},{HEIGHT_M},{volume},19S,{east},{north},{condition},En Pie,PC 01,41"


def a_forest(common: int = 90, listed: int = 5, seed: int = 2) -> bytes:
    """Manchinga of 80 and 60 cm, some shihuahuaco (CITES since 25 November 2024) and some seed trees."""
    rows = [a_row(n, dbh=80 if n % 3 == 0 else 60) for n in range(1, common + 1)]
    rows += [a_row(500 + n, "Dipteryx ferrea | Shihuahuaco") for n in range(listed)]
    rows += [a_row(800 + n, condition="Semillero") for n in range(seed)]
    return a_census(*rows)


async def opened(permits: Permits, who: Person = OFFICER, **changes: Any) -> Any:
    return await permits.post(VERIFICATIONS, who, {"number": NUMBER, "verifier": "osinfor-md"} | changes, expect=201)


async def drawn(permits: Permits, census: bytes | None = None, **changes: Any) -> Any:
    """An approved plan in the log, a record after it, and the sample."""
    await permits.approved_plan(census if census is not None else a_forest())
    await permits.published()
    await opened(permits, **changes)
    await another_record(permits)
    async with asyncio.timeout(PATIENCE_S):
        while (answer := await permits.call("POST", f"{PATH}/draw", OFFICER)).status_code == 409:
            assert answer.json()["slug"] == "seed-not-yet"
            await asyncio.sleep(0.05)  # a log signs what it took in a moment later
    assert answer.is_success, answer.text
    return answer.json()


async def another_record(permits: Permits, name: str = "aserradero-2") -> None:
    """Anything that makes the log grow."""
    await permits.post(
        "/v1/organisations", OFFICER, {"id": name, "name": name.title(), "kind": "mill", "region": "madre-de-dios"}
    )
    await permits.published()


async def sample(permits: Permits, who: Person | None = VERIFIER, path: str = PATH) -> list[Any]:
    items, cursor = [], ""
    while cursor is not None:
        page = await permits.get(f"{path}/trees", who, cursor=cursor, limit=500)
        items, cursor = items + page["items"], page["next"]
    return items


def seen(tree: Any, **changes: Any) -> dict[str, Any]:
    """The tree exactly as the census has it."""
    planned = tree["planned"]
    return {
        "parcel": tree["parcel"], "code": tree["code"], "state": "standing", "seen_on": "2026-11-20",
        "code_field": tree["code"], "species_field": planned["species"], "diameter_a_mm": planned["dbh_mm"],
        "diameter_b_mm": planned["dbh_mm"], "diameter_method": "tape", "height_mm": planned["height_mm"],
        "utm": planned["utm"],
    } | changes  # fmt: skip


def unseen(tree: Any, state: str = "absent") -> dict[str, Any]:
    return {
        "parcel": tree["parcel"], "code": tree["code"], "state": state, "seen_on": "2026-11-20",
        "observation": "Se buscó en 50 m a la redonda",
    }  # fmt: skip


async def report(permits: Permits, trees: list[dict[str, Any]], who: Person = VERIFIER, path: str = PATH) -> Any:
    return await permits.post(f"{path}/trees", who, {"trees": trees})
